package relay_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// hop is an in-process client and target with the gate between.
type hop struct {
	gate *sshtest.Gate
	key  ssh.Signer
}

func newHop(t *testing.T, run func(*sshtest.Exec), hooks func() relay.Hooks) *hop {
	t.Helper()
	target := sshtest.NewTarget(t, run)
	h := &hop{key: sshtest.Key(t)}
	h.gate = sshtest.NewGate(t, h.key.PublicKey(), target.Addr, target.Config(t), hooks)
	return h
}

// dial is a client's connection; session one channel of it.
func (h *hop) dial(t *testing.T) *ssh.Client {
	t.Helper()
	c, err := ssh.Dial("tcp", h.gate.Addr, &ssh.ClientConfig{
		User: "tester", Auth: []ssh.AuthMethod{ssh.PublicKeys(h.key)}, HostKeyCallback: ssh.FixedHostKey(h.gate.HostKey),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func (h *hop) session(t *testing.T) *ssh.Session {
	t.Helper()
	s, err := h.dial(t).NewSession()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// status is a session's exit status; -1 for none, -2 for a signal.
func status(err error) int {
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.Signal() != "":
		return -2
	case errors.As(err, &exit):
		return exit.ExitStatus()
	}
	return -1
}

// A target that answers, sends data and closes in one burst must not lose the
// reply, the data or the status, whatever the scheduler does.
func TestStormLosesNothing(t *testing.T) {
	for _, procs := range []int{1, 2} {
		t.Run(fmt.Sprintf("GOMAXPROCS=%d", procs), func(t *testing.T) {
			defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
			h := newHop(t, func(e *sshtest.Exec) {
				e.Reply(true)
				io.WriteString(e, "out "+e.Command)
				io.WriteString(e.Stderr(), "err "+e.Command)
				e.Exit(7)
			}, nil)
			work := make(chan int)
			var wg sync.WaitGroup
			var mu sync.Mutex
			lost := map[string]int{}
			for range 16 { // connections of four sessions each: 64 at a time
				c := h.dial(t)
				for range 4 {
					wg.Go(func() {
						for i := range work {
							got := burst(c, fmt.Sprint(i))
							mu.Lock()
							lost[got]++
							mu.Unlock()
						}
					})
				}
			}
			for i := range 600 {
				work <- i
			}
			close(work)
			wg.Wait()
			if lost["complete"] != 600 {
				t.Errorf("of 600 execs: %v", lost)
			}
		})
	}
}

func burst(c *ssh.Client, name string) string {
	s, err := c.NewSession()
	if err != nil {
		return "no session: " + err.Error()
	}
	defer s.Close()
	var out, errs bytes.Buffer
	s.Stdout, s.Stderr = &out, &errs
	err = s.Run(name)
	if status(err) != 7 || out.String() != "out "+name || errs.String() != "err "+name {
		return fmt.Sprintf("status %v, stdout %q, stderr %q", err, out.String(), errs.String())
	}
	return "complete"
}

// What a script does at the target, and what a client must see of it.
func TestWhatTargetsDo(t *testing.T) {
	for _, c := range []struct {
		name   string
		run    func(*sshtest.Exec)
		status int
		out    string
	}{
		{"status before the data", func(e *sshtest.Exec) {
			e.Reply(true)
			e.Status(3)
			io.WriteString(e, strings.Repeat("x", 200_000))
			e.CloseWrite()
			e.Close()
		}, 3, strings.Repeat("x", 200_000)},
		{"status after EOF", func(e *sshtest.Exec) {
			e.Reply(true)
			io.WriteString(e, "x")
			e.CloseWrite()
			e.Status(4)
			e.Close()
		}, 4, "x"},
		{"exit signal", func(e *sshtest.Exec) { e.Reply(true); e.Signal("TERM"); e.CloseWrite(); e.Close() }, -2, ""},
		{"close without a status", func(e *sshtest.Exec) { e.Reply(true); io.WriteString(e, "x"); e.Close() }, -1, "x"},
		{"close without EOF", func(e *sshtest.Exec) { e.Reply(true); io.WriteString(e, "x"); e.Status(5); e.Close() }, 5, "x"},
		{"no to the request", func(e *sshtest.Exec) { e.Reply(false); e.Close() }, -1, ""},
		{"unknown requests first", func(e *sshtest.Exec) {
			for range 100 { // more than the library queues
				e.SendRequest("x@example.com", false, nil)
				e.SendRequest("keepalive@openssh.com", true, nil)
			}
			e.Reply(true)
			e.Exit(6)
		}, 6, ""},
		{"malformed status", func(e *sshtest.Exec) {
			e.Reply(true)
			e.SendRequest("exit-status", false, []byte{1})
			e.Exit(8)
		}, 8, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHop(t, c.run, nil)
			s := h.session(t)
			out, err := s.Output("go")
			if got := status(err); got != c.status || string(out) != c.out {
				t.Errorf("status %d (%v), %d bytes, want %d and %d bytes", got, err, len(out), c.status, len(c.out))
			}
		})
	}
}

// A target that has sent EOF and waits for ours to be followed by a close, as
// OpenSSH's client would send, gets it.
func TestTargetThatWaitsForTheCloseGetsIt(t *testing.T) {
	h := newHop(t, func(e *sshtest.Exec) {
		e.Reply(true)
		io.WriteString(e, "x")
		e.CloseWrite()
		for range e.Requests { // until the close
		}
		e.Close()
	}, nil)
	s := h.session(t)
	s.Stdin = strings.NewReader("input")
	if out, err := s.Output("go"); string(out) != "x" || status(err) != -1 {
		t.Errorf("got %q, %v", out, err)
	}
}

func TestClosingComesBeforeTheStatus(t *testing.T) {
	recorded := make(chan relay.Summary, 1)
	durable := make(chan struct{})
	h := newHop(t, func(e *sshtest.Exec) {
		e.Reply(true)
		io.WriteString(e, "hello")
		io.Copy(io.Discard, e)
		e.Exit(3)
	}, func() relay.Hooks {
		return relay.Hooks{Closing: func(_ context.Context, s relay.Summary) error {
			recorded <- s
			<-durable
			return nil
		}}
	})
	s := h.session(t)
	s.Stdin = strings.NewReader("four")
	done := make(chan error, 1)
	go func() { done <- s.Run("go") }()
	sum := <-recorded
	select {
	case err := <-done:
		t.Errorf("the client has its status (%v) before the record is durable", err)
	default:
	}
	close(durable)
	if err := <-done; status(err) != 3 {
		t.Errorf("status %v, want 3", err)
	}
	if sum.In != 4 || sum.Out != 5 || sum.Status == nil || *sum.Status != 3 || fmt.Sprintf("%x", sum.SHA256[:4]) != "2cf24dba" ||
		sum.Started != (inspect.Exec{Command: "go"}) {
		t.Errorf("summary %+v", sum)
	}
}

func TestClosingThatFailsKeepsTheStatusBack(t *testing.T) {
	h := newHop(t, func(e *sshtest.Exec) { e.Reply(true); e.Exit(0) }, func() relay.Hooks {
		return relay.Hooks{Closing: func(context.Context, relay.Summary) error { return errors.New("disk full") }}
	})
	s := h.session(t)
	var errs bytes.Buffer
	s.Stderr = &errs
	if err := s.Run("go"); status(err) != relay.ExitEnded || !strings.Contains(errs.String(), "could not be recorded") {
		t.Errorf("status %v, stderr %q", err, errs.String())
	}
}

func TestRefusedStartSaysWhy(t *testing.T) {
	ran := false
	h := newHop(t, func(*sshtest.Exec) { ran = true }, func() relay.Hooks {
		return relay.Hooks{Request: func(_ context.Context, m inspect.Message) error {
			if e, ok := m.(inspect.Exec); ok {
				return &relay.Refusal{Text: "access denied: " + e.Command}
			}
			return nil
		}}
	})
	s := h.session(t)
	var errs bytes.Buffer
	s.Stderr = &errs
	if err := s.Run("rm"); status(err) != relay.ExitEnded || errs.String() != "trailgate: access denied: rm\r\n" {
		t.Errorf("status %v, stderr %q", err, errs.String())
	}
	if ran {
		t.Error("the target ran it")
	}
}

func TestRefusedVariableIsOnlyDropped(t *testing.T) {
	seen := make(chan []string, 1)
	h := newHop(t, func(e *sshtest.Exec) {
		var names []string
		for _, r := range e.Before {
			names = append(names, string(r.Payload[4:8]))
		}
		seen <- names
		e.Reply(true)
		e.Exit(0)
	}, func() relay.Hooks {
		return relay.Hooks{Request: func(_ context.Context, m inspect.Message) error {
			if e, ok := m.(inspect.Env); ok && e.Name != "LANG" {
				return errors.New("not on the list")
			}
			return nil
		}}
	})
	s := h.session(t)
	if err := s.Setenv("LD_PRELOAD", "x"); err == nil {
		t.Error("LD_PRELOAD was accepted")
	}
	if err := s.Setenv("LANG", "C"); err != nil {
		t.Error(err)
	}
	if err := s.Run("go"); err != nil {
		t.Error(err)
	}
	if got := <-seen; len(got) != 1 || got[0] != "LANG" {
		t.Errorf("the target saw %q", got)
	}
}

func TestRequestsReachTheTargetAsTheyAre(t *testing.T) {
	got := make(chan *ssh.Request, 8)
	h := newHop(t, func(e *sshtest.Exec) {
		for _, r := range e.Before {
			got <- r
		}
		e.Reply(true)
		for range 3 {
			got <- <-e.Requests
		}
		e.Exit(0)
	}, nil)
	s := h.session(t)
	modes := ssh.TerminalModes{ssh.ECHO: 0, ssh.TTY_OP_ISPEED: 38400, 200: 7}
	if err := s.RequestPty("xterm-256color", 24, 80, modes); err != nil {
		t.Fatal(err)
	}
	if err := s.Start("go"); err != nil {
		t.Fatal(err)
	}
	s.WindowChange(40, 120)
	s.Signal(ssh.SIGINT)
	s.SendRequest("eow@openssh.com", false, nil)
	if err := s.Wait(); err != nil {
		t.Error(err)
	}
	pty, err := inspect.Decode("pty-req", (<-got).Payload)
	if m, ok := pty.(inspect.Pty); err != nil || !ok || m.Term != "xterm-256color" || m.Columns != 80 || len(m.Modes) != 5*3+1 {
		t.Errorf("pty-req arrived as %+v, %v", pty, err)
	}
	for _, want := range []inspect.Message{inspect.WindowChange{Columns: 120, Rows: 40, Width: 960, Height: 320}, inspect.Signal{Name: "INT"}, inspect.EndOfWrite{}} {
		r := <-got
		if m, err := inspect.Decode(r.Type, r.Payload); err != nil || m != want {
			t.Errorf("%s arrived as %+v, %v, want %+v", r.Type, m, err, want)
		}
	}
}

// What is neither on a client's list nor a second start may not pass.
func TestClientMayNotAskForEverything(t *testing.T) {
	h := newHop(t, func(e *sshtest.Exec) {
		e.Reply(true)
		for r := range e.Requests {
			t.Errorf("the target got %q", r.Type)
		}
		e.Close()
	}, nil)
	s := h.session(t)
	if err := s.Start("go"); err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"exec", "shell", "exit-status", "x@example.com", "subsystem"} {
		if ok, err := s.SendRequest(kind, true, []byte{0, 0, 0, 1, 97}); ok || err != nil {
			t.Errorf("%s after the start: %v, %v", kind, ok, err)
		}
	}
}

// A piece that sits in the recorder must be in the recorder before it is seen.
func TestOutputIsTappedBeforeItPasses(t *testing.T) {
	var mu sync.Mutex
	var tapped strings.Builder
	h := newHop(t, func(e *sshtest.Exec) {
		e.Reply(true)
		for range 50 {
			io.WriteString(e, strings.Repeat("y", 999))
		}
		e.Exit(0)
	}, func() relay.Hooks {
		return relay.Hooks{Output: func(s wire.Stream, p []byte) error {
			mu.Lock()
			defer mu.Unlock()
			tapped.Write(p)
			return nil
		}}
	})
	s := h.session(t)
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("go"); err != nil {
		t.Fatal(err)
	}
	p := make([]byte, 700)
	for n := 0; ; {
		k, err := out.Read(p)
		n += k
		mu.Lock()
		if tapped.Len() < n {
			t.Fatalf("%d bytes seen, %d recorded", n, tapped.Len())
		}
		mu.Unlock()
		if err != nil {
			break
		}
	}
	s.Wait()
	if tapped.Len() != 50*999 {
		t.Errorf("recorded %d bytes", tapped.Len())
	}
}

func wait(t *testing.T, what string, c <-chan struct{}, limit time.Duration) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(limit):
		t.Fatalf("%s: not within %v", what, limit)
	}
}
