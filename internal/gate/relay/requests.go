package relay

import (
	"context"
	"errors"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// clientRequests passes the client's requests one after the other, so that
// replies keep their order, until the client has closed.
func (r *session) clientRequests() {
	for {
		req, err := r.client.Receive(context.Background())
		if err != nil {
			break
		}
		r.clientRequest(req)
	}
	r.mu.Lock()
	r.clientLeft = !r.closed
	r.mu.Unlock()
	close(r.clientClosed)
	// What the client sent before its close still goes to the target.
	select {
	case <-r.inputDone:
	case <-r.targetClosed:
	case <-r.ctx.Done():
	}
	r.target.Close()
}

func (r *session) clientRequest(req *wire.Request) {
	m, err := req.Message()
	if err != nil || !r.mayAsk(m) {
		r.reply(req, m, err == nil && r.lateStart(m))
		return
	}
	if err := r.decide(m); err != nil {
		var refusal *Refusal
		ends := errors.As(err, &refusal)
		// A refused start is answered with yes and then ended: OpenSSH's client
		// exits with 255 on a no, before it shows the reason.
		r.reply(req, m, ends && inspect.Starts(m) || r.lateStart(m))
		if ends {
			r.fail(err)
		}
		return
	}
	if !req.WantReply() {
		if r.target.Send(m) == nil {
			r.passed(m)
		}
		return
	}
	r.replies.begin()
	if !r.setAsked(req, m) {
		r.reply(req, m, r.lateStart(m))
		r.replies.end()
		return
	}
	ok, err := r.target.Ask(m)
	ok = ok && err == nil
	if ok {
		r.passed(m)
	}
	r.answer(ok || r.lateStart(m))
	r.replies.end()
}

// lateStart says whether m would have started something on a channel that the
// gate has ended meanwhile. Like a refused start it is answered with yes, so
// that the client shows the reason.
func (r *session) lateStart(m inspect.Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return inspect.Starts(m) && r.start == nil && (r.cause != nil || r.ctx.Err() != nil)
}

// reply answers a request. Whoever ends the channel waits for a start's answer.
func (r *session) reply(req *wire.Request, m inspect.Message, ok bool) {
	req.Reply(ok)
	if m != nil && inspect.Starts(m) {
		r.answered.Do(func() { close(r.startAnswered) })
	}
}

// setAsked notes the request that waits for the target, unless the gate is
// ending the channel: whoever does answers what waits once.
func (r *session) setAsked(req *wire.Request, m inspect.Message) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cause != nil {
		return false
	}
	r.asked, r.askedFor = req, m
	return true
}

// answer replies to the request that waits, unless it has been: when the gate
// ends a channel it answers for a target that has not, since a client shows
// nothing before the reply to its start.
func (r *session) answer(ok bool) {
	r.mu.Lock()
	req, m := r.asked, r.askedFor
	r.asked, r.askedFor = nil, nil
	r.mu.Unlock()
	if req != nil {
		r.reply(req, m, ok)
	}
}

// mayAsk lists what a client may ask of a target. One start a channel
// (RFC 4254 §6.5).
func (r *session) mayAsk(m inspect.Message) bool {
	if r.ctx.Err() != nil {
		return false
	}
	switch m.(type) {
	case inspect.Shell, inspect.Exec, inspect.Subsystem:
		return r.startedWith() == nil
	case inspect.Pty, inspect.WindowChange, inspect.Env, inspect.Signal, inspect.Break,
		inspect.AgentForward, inspect.X11, inspect.EndOfWrite:
		return true
	}
	return false
}

func (r *session) decide(m inspect.Message) error {
	if err := r.hooks.Hold.Wait(r.ctx); err != nil {
		return err
	}
	if r.hooks.Request == nil {
		return nil
	}
	return r.hooks.Request(r.ctx, m)
}

// passed notes what the target has agreed to, or was told.
func (r *session) passed(m inspect.Message) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := m.(inspect.Pty); ok {
		r.terminal = true
	}
	if inspect.Starts(m) {
		r.start = m
		close(r.started)
	}
}

// targetRequests keeps the status for the end, passes the few requests that a
// client understands, and drops the rest, until the target has closed.
func (r *session) targetRequests() {
	defer close(r.targetClosed)
	for {
		req, err := r.target.Receive(context.Background())
		if err != nil {
			return
		}
		m, err := req.Message()
		if err != nil {
			req.Reply(false)
			continue
		}
		switch m := m.(type) {
		case inspect.ExitStatus:
			r.exited(&m.Status, nil)
		case inspect.ExitSignal:
			r.exited(nil, &m)
		case inspect.EndOfWrite, inspect.XonXoff:
			r.replies.wait()
			if r.ctx.Err() == nil {
				r.client.Send(m)
			}
		}
		_, alive := m.(inspect.Keepalive)
		req.Reply(alive)
	}
}

// exited keeps the first status or signal; a target sends one.
func (r *session) exited(status *uint32, signal *inspect.ExitSignal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.exitStatus == nil && r.exitSignal == nil {
		r.exitStatus, r.exitSignal = status, signal
		close(r.status)
	}
}
