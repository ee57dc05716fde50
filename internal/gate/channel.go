package gate

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/policy"
)

// channel is one channel of a session that the client opened.
func (s *session) channel(ctx context.Context, in *wire.Incoming) {
	number := int(s.next.Add(1))
	switch o := in.Open().(type) {
	case inspect.OpenSession:
		s.interactive(ctx, in, number)
	case inspect.OpenDirect:
		s.tunnel(ctx, in, o, number)
	case inspect.OpenDirectUnix:
		no := &denial{reason: "tunnels to Unix sockets are not offered"}
		s.refuseOpen(ctx, in, event.OpenTunnel{Channel: number, Host: "unix:" + line(o.Path, maxName)}, no)
	default:
		in.Reject(wire.UnknownType, "the gate does not offer this kind of channel")
	}
}

// reject refuses a channel with err's words.
func reject(in *wire.Incoming, reason wire.Reason, err error) {
	text := "refused"
	var r *relay.Refusal
	if errors.As(err, &r) {
		text = r.Text
	}
	in.Reject(reason, text)
}

func (s *session) refuseOpen(ctx context.Context, in *wire.Incoming, e event.Event, no *denial) {
	reject(in, wire.Prohibited, s.c.deny(ctx, s.meta(), e, no))
}

// decide asks policy about an act in this session and records the answer as e,
// before the act. The error says why not, in words for the person.
func (s *session) decide(ctx context.Context, action policy.Action, e event.Event, detail func(*policy.Request)) error {
	r := s.ask(s.c.identity(), &act{action, detail})
	d := policy.Decide(s.c.g.Rules.Book(), r)
	if d.Allowed {
		_, err := s.c.g.append(ctx, s.meta(), e)
		return err
	}
	s.c.g.failPolicy(ctx, s.c.meta(), r, d)
	return s.c.deny(ctx, s.meta(), e, &denial{reason: d.Reason, decision: d})
}

// begin is decide for what goes on for a while: until over is called, whenever
// rules change it is decided again, and ends the session when it is no longer
// allowed.
func (s *session) begin(ctx context.Context, action policy.Action, e event.Event, detail func(*policy.Request)) (over func(), err error) {
	a := &act{action, detail}
	// Noted first: whoever changes the rules after the decision finds it.
	s.mu.Lock()
	if s.acts == nil {
		s.acts = make(map[*act]struct{})
	}
	s.acts[a] = struct{}{}
	s.mu.Unlock()
	over = func() {
		s.mu.Lock()
		delete(s.acts, a)
		s.mu.Unlock()
	}
	if err := s.decide(ctx, action, e, detail); err != nil {
		over()
		return nil, err
	}
	return over, nil
}

// shell is a session channel under way: a shell, command or subsystem.
type shell struct {
	*session
	number int
	kind   string // of the start that was let through
	pty    *inspect.Pty
	track  *track // its recording, once it has one
	over   func() // what it started is over, for the rules
	ending func() error
}

// interactive relays a session channel.
func (s *session) interactive(ctx context.Context, in *wire.Incoming, number int) {
	up, err := s.w.OpenTyped(ctx, in.Open())
	if ctx.Err() != nil { // ended meanwhile: the person reads why, as everywhere
		if err == nil {
			up.Close()
		}
		s.c.refuse(ctx, in, context.Cause(ctx))
		return
	}
	if err != nil {
		in.Reject(wire.ConnectFailed, "the target refused the channel: "+clean(err.Error(), maxName))
		return
	}
	down, err := in.Accept()
	if err != nil {
		up.Close()
		return
	}
	sh := &shell{session: s, number: number, over: func() {}, ending: func() error { return context.Cause(ctx) }}
	defer func() { sh.over() }()
	_, err = relay.Channel(ctx, down, up, relay.Hooks{
		Request: sh.request, Output: sh.output, Closing: sh.closing, Hold: &s.c.g.pause.hold,
	})
	if err != nil {
		s.c.g.Log.Info("channel ended", "session", s.id, "err", err)
	}
}

// errNotOffered refuses a request without ending the channel.
var errNotOffered = errors.New("not offered")

// request decides on one request of the client, and records it, before it
// passes to the target.
func (sh *shell) request(ctx context.Context, m inspect.Message) error {
	switch m := m.(type) {
	case inspect.Pty:
		sh.pty = &m
		return nil
	case inspect.WindowChange:
		if sh.pty != nil {
			sh.pty.Columns, sh.pty.Rows = m.Columns, m.Rows
		}
		if err := sh.track.resize(m.Columns, m.Rows); err != nil {
			return sh.lose(ctx, err)
		}
		return nil
	case inspect.Env:
		if !envAllowed(m.Name) {
			return errNotOffered
		}
		return nil
	case inspect.Shell:
		e := event.StartShell{Channel: sh.number, Terminal: sh.pty != nil}
		if sh.pty != nil {
			e.Term = line(sh.pty.Term, maxName)
		}
		return sh.start(ctx, m, "shell", policy.Shell, e, nil)
	case inspect.Exec:
		command, all := whole(m.Command, maxCommand)
		if !all {
			// A record with the beginning alone would hide what comes after it.
			return sh.c.deny(ctx, sh.meta(), event.ExecuteCommand{Channel: sh.number, Command: command, Terminal: sh.pty != nil}, &denial{
				reason: fmt.Sprintf("the command has %d bytes, more than a record can hold: send it on standard input, to sh -s", len(m.Command)),
			})
		}
		return sh.start(ctx, m, "exec", policy.Exec,
			event.ExecuteCommand{Channel: sh.number, Command: command, Terminal: sh.pty != nil},
			func(r *policy.Request) { r.Command = m.Command })
	case inspect.Subsystem:
		return sh.start(ctx, m, "subsystem", policy.Subsystem,
			event.StartSubsystem{Channel: sh.number, Subsystem: line(m.Name, maxName)},
			func(r *policy.Request) { r.Subsystem = m.Name })
	case inspect.AgentForward:
		return sh.forward(ctx, policy.ForwardAgent, event.ForwardAgent{Channel: sh.number}, &sh.agent)
	case inspect.X11:
		return sh.forward(ctx, policy.ForwardX11, event.ForwardX11{Channel: sh.number}, &sh.x11)
	case inspect.Signal, inspect.Break, inspect.EndOfWrite:
		return nil
	}
	return errNotOffered
}

// start decides on what the channel is to run, and readies its recording.
func (sh *shell) start(ctx context.Context, m inspect.Message, kind string, action policy.Action, e event.Event, detail func(*policy.Request)) error {
	over, err := sh.begin(ctx, action, e, detail)
	if err != nil {
		return err
	}
	sh.over() // of a start that the target refused
	sh.kind, sh.over = kind, over
	track, err := sh.tape.track(sh, m)
	if err != nil {
		return sh.lose(ctx, err)
	}
	sh.track = track
	return nil
}

// forward decides on agent or X11 forwarding. A denial refuses the request and
// leaves the channel: clients ask for these by default and go on without.
func (sh *shell) forward(ctx context.Context, action policy.Action, e event.Event, allowed *bool) error {
	err := sh.decide(ctx, action, e, nil)
	var no *denial
	switch {
	case err == nil:
		sh.mu.Lock()
		*allowed = true
		sh.mu.Unlock()
		return nil
	case errors.As(err, &no):
		return errNotOffered
	}
	return err
}

// envAllowed lists the variables that may pass: what a terminal needs. Others
// can change what a program does (LD_PRELOAD).
func envAllowed(name string) bool {
	switch name {
	case "LANG", "TERM", "COLORTERM":
		return true
	}
	rest, ok := strings.CutPrefix(name, "LC_")
	return ok && rest != "" && strings.Trim(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}

func (sh *shell) output(stream wire.Stream, p []byte) error {
	if err := sh.track.output(stream, p); err != nil {
		return sh.lose(context.Background(), err)
	}
	return nil
}

// lose ends the session because it cannot be recorded any more.
func (s *session) lose(ctx context.Context, err error) error {
	if s.tape.lost() {
		s.c.g.Log.Error("recording failed", "session", s.id, "err", err)
		s.c.g.appendLate(ctx, s.meta(), event.LoseRecording{Reason: clean(err.Error(), maxName)})
	}
	e := newEnding("recording failed", "", "session ended: it could not be recorded")
	s.c.end(e)
	return e
}

// closing records the channel's end, before its exit status passes.
func (sh *shell) closing(ctx context.Context, sum relay.Summary) error {
	sh.received.Add(sum.In)
	sh.sent.Add(sum.Out + sum.Err)
	if sh.kind == "" {
		return nil // nothing was ever started
	}
	e := event.CloseChannel{
		Channel: sh.number, Kind: sh.kind, BytesReceived: sum.In, BytesSent: sum.Out + sum.Err,
		SHA256: hex.EncodeToString(sum.SHA256[:]),
	}
	if sum.Signal != nil {
		e.ExitSignal = line(sum.Signal.Signal, 32)
	}
	status := relay.ExitEnded
	ended := sum.Cause != nil || sh.ending() != nil
	switch {
	case ended: // what the person's client will exit with
		e.ExitStatus = &status
	case sum.Status != nil:
		status = int(*sum.Status)
		e.ExitStatus = &status
	}
	sh.mu.Lock()
	sh.exit = e.ExitStatus
	sh.mu.Unlock()
	if err := sh.track.end(sum, e); err != nil {
		sh.lose(ctx, err)
	}
	if !ended {
		_, err := sh.c.g.append(ctx, sh.meta(), e)
		return err
	}
	// What the gate ends, ends within a second, however long the trail takes;
	// EndSession waits for this record.
	recorded := make(chan struct{})
	sh.wg.Go(func() {
		defer close(recorded)
		sh.c.g.appendLate(ctx, sh.meta(), e)
	})
	select {
	case <-recorded:
	case <-ctx.Done():
	}
	return nil
}
