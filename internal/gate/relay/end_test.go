package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// flood writes for ever and never answers anything else.
func flood(e *sshtest.Exec) {
	e.Reply(true)
	p := bytes.Repeat([]byte("flood "), 5000)
	for {
		if _, err := e.Write(p); err != nil {
			return
		}
	}
}

func silent(e *sshtest.Exec) {
	e.Reply(true)
	for range e.Requests {
	}
}

func never(e *sshtest.Exec) {
	for range e.Requests {
	}
}

var locked = &relay.Refusal{Text: "session ended: identity alice is locked: key found in a repository"}

// A session that the gate ends is over within a second, whatever the target
// does, and the person reads why.
func TestEndedSessionSaysWhyWithinASecond(t *testing.T) {
	for _, c := range []struct {
		name string
		run  func(*sshtest.Exec)
	}{
		{"target floods", flood},
		{"target is silent", silent},
		{"target never replies", never},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			up := make(chan struct{})
			h := newHop(t, func(e *sshtest.Exec) { close(up); c.run(e) }, nil)
			s := h.session(t)
			var errs bytes.Buffer
			s.Stderr = &errs
			s.Stdout = io.Discard
			done := make(chan error, 1)
			go func() { done <- s.Run("go") }()
			wait(t, "start", up, 10*time.Second)
			begin := time.Now()
			h.gate.End(locked)
			err := <-done
			if took := time.Since(begin); took > time.Second {
				t.Errorf("took %v", took)
			}
			if status(err) != relay.ExitEnded || errs.String() != "trailgate: "+locked.Text+"\r\n" {
				t.Errorf("status %v, stderr %q", err, errs.String())
			}
		})
	}
}

// A runbook may end a session at its first event, while the client's start is
// still being decided: the person reads why all the same, and not that the
// start was refused, after which OpenSSH's client shows nothing else.
func TestEndedWhileItsStartIsDecided(t *testing.T) {
	for _, c := range []struct {
		name string
		then func(context.Context) error // what the decision comes to
	}{
		{"the decision is given up", func(ctx context.Context) error { return fmt.Errorf("append: %w", ctx.Err()) }},
		{"the decision is yes", func(context.Context) error { return nil }},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			deciding := make(chan struct{})
			h := newHop(t, never, func() relay.Hooks {
				return relay.Hooks{Request: func(ctx context.Context, m inspect.Message) error {
					close(deciding)
					<-ctx.Done()
					return c.then(ctx)
				}}
			})
			s := h.session(t)
			var errs bytes.Buffer
			s.Stderr = &errs
			done := make(chan error, 1)
			go func() { done <- s.Run("go") }()
			wait(t, "decision", deciding, 10*time.Second)
			h.gate.End(locked)
			if err := <-done; status(err) != relay.ExitEnded || errs.String() != "trailgate: "+locked.Text+"\r\n" {
				t.Errorf("ended with %v and stderr %q, want status %d and the reason", err, errs.String(), relay.ExitEnded)
			}
		})
	}
}

// A client that reads nothing must not keep its session.
func TestEndedSessionOfAClientThatDoesNotRead(t *testing.T) {
	up := make(chan struct{})
	h := newHop(t, func(e *sshtest.Exec) { close(up); flood(e) }, nil)
	c := h.dial(t)
	ch, reqs, err := c.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(reqs)
	if ok, err := ch.SendRequest("exec", true, []byte{0, 0, 0, 2, 'g', 'o'}); !ok || err != nil {
		t.Fatal(ok, err)
	}
	wait(t, "start", up, 10*time.Second)
	closed := make(chan struct{})
	go func() { c.Wait(); close(closed) }()
	h.gate.End(locked)
	wait(t, "end", closed, time.Second+100*time.Millisecond)
}

func TestFailingRecorderEndsTheSession(t *testing.T) {
	h := newHop(t, flood, func() relay.Hooks {
		n := 0
		return relay.Hooks{Output: func(wire.Stream, []byte) error {
			if n++; n > 3 {
				return &relay.Refusal{Text: "session ended: it could not be recorded", Err: errors.New("disk full")}
			}
			return nil
		}}
	})
	s := h.session(t)
	var errs bytes.Buffer
	s.Stderr = &errs
	if err := s.Run("go"); status(err) != relay.ExitEnded || !strings.Contains(errs.String(), "could not be recorded") {
		t.Errorf("status %v, stderr %q", err, errs.String())
	}
}

func TestHeldSessionGoesOnOrEnds(t *testing.T) {
	for _, released := range []bool{true, false} {
		t.Run(map[bool]string{true: "released", false: "over"}[released], func(t *testing.T) {
			t.Parallel()
			hold := &relay.Hold{}
			h := newHop(t, func(e *sshtest.Exec) {
				e.Reply(true)
				io.WriteString(e, "first")
				io.Copy(e, e)
				e.Exit(0)
			}, func() relay.Hooks { return relay.Hooks{Hold: hold} })
			s := h.session(t)
			in, _ := s.StdinPipe()
			out, _ := s.StdoutPipe()
			var errs bytes.Buffer
			s.Stderr = &errs
			if err := s.Start("go"); err != nil {
				t.Fatal(err)
			}
			p := make([]byte, 5)
			io.ReadFull(out, p)
			hold.Begin()
			hold.Begin() // of a second caller: the limit runs from the first
			io.WriteString(in, "held")
			got := make(chan string, 1)
			go func() {
				b, _ := io.ReadAll(out)
				got <- string(b)
			}()
			if released {
				select {
				case b := <-got:
					t.Fatalf("passed %q while held", b)
				case <-time.After(100 * time.Millisecond):
				}
				hold.End()
				in.Close()
				if b := <-got; b != "held" {
					t.Errorf("after the hold got %q", b)
				}
				if err := s.Wait(); err != nil {
					t.Error(err)
				}
				return
			}
			if b := <-got; b != "" {
				t.Errorf("passed %q while held", b)
			}
			if err := s.Wait(); status(err) != relay.ExitEnded || !strings.Contains(errs.String(), "trail") {
				t.Errorf("status %v, stderr %q", err, errs.String())
			}
		})
	}
}

func TestLostTargetIsSaid(t *testing.T) {
	h := newHop(t, func(e *sshtest.Exec) { e.Reply(true); io.WriteString(e, "x"); e.Conn.Close() }, nil)
	s := h.session(t)
	var out, errs bytes.Buffer
	s.Stdout, s.Stderr = &out, &errs
	if err := s.Run("go"); status(err) != relay.ExitEnded || out.String() != "x" || !strings.Contains(errs.String(), "target was lost") {
		t.Errorf("status %v, stdout %q, stderr %q", err, out.String(), errs.String())
	}
}

// A target that does not read holds the client back instead of filling the gate.
func TestBackPressureReachesTheClient(t *testing.T) {
	h := newHop(t, silent, nil)
	s := h.session(t)
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("go"); err != nil {
		t.Fatal(err)
	}
	written := make(chan int)
	go func() {
		defer close(written)
		for {
			n, err := in.Write(make([]byte, 64<<10))
			if err != nil {
				return
			}
			written <- n
		}
	}()
	total := 0
	for quiet := false; !quiet; {
		select {
		case n := <-written:
			total += n
		case <-time.After(300 * time.Millisecond):
			quiet = true
		}
	}
	// Two windows of 2 MiB and what is in between.
	if total > 5<<20 {
		t.Errorf("the gate took %d bytes that nobody reads", total)
	}
	h.gate.End(locked)
	for range written {
	}
}
