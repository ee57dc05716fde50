package relay

import (
	"context"
	"crypto/sha256"
	"errors"
	"hash"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

const (
	// endTime is what ending a channel may take in all before its connections
	// are closed under it; a session ends within a second.
	endTime = 900 * time.Millisecond
	// sayTime is the part of it for the text, the closing hook and the status.
	sayTime = 700 * time.Millisecond
	// recordTime is the part of that for the closing hook: while the trail is
	// down it comes to nothing, and the person must still be told.
	recordTime = 400 * time.Millisecond
	// startTime is the part of it for a client that has not asked for its shell
	// or command yet, or waits for the decision: it shows a reason only after.
	startTime = 200 * time.Millisecond
	// refuseTime is what a peer may take to answer a close while the session
	// itself goes on.
	refuseTime = 10 * time.Second
	// halfCloseTime is how long a target that has sent EOF, and got one, may
	// take until it is asked to close, as OpenSSH's client would at once.
	halfCloseTime = time.Second
)

// errTargetLost ends a channel whose target went away.
var errTargetLost = &Refusal{Text: "session ended: the connection to the target was lost"}

// Channel moves a session channel both ways until both sides have closed it,
// and closes both. ctx's cause, best a *Refusal, ends it within a second. The
// error is why the gate ended it, as in Summary.Cause.
//
// When a peer does not let itself be ended, its connection is closed.
func Channel(ctx context.Context, client, target *wire.Channel, h Hooks) (Summary, error) {
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	r := &session{
		ctx: inner, fail: fail, hooks: h, client: client, target: target,
		replies: newReplies(), hash: sha256.New(), drained: make(chan struct{}),
		started: make(chan struct{}), startAnswered: make(chan struct{}), status: make(chan struct{}),
		clientClosed: make(chan struct{}), targetClosed: make(chan struct{}),
		inputDone: make(chan struct{}), stderr: make(chan struct{}, 1),
	}
	r.outputs.Store(2)
	r.all.Go(r.clientRequests)
	r.all.Go(r.targetRequests)
	r.all.Go(r.input)
	r.all.Go(func() { r.output(wire.Stdout) })
	r.all.Go(func() { r.output(wire.Stderr) })

	cause := r.finish()
	if cause != nil {
		r.end(cause)
	}
	r.join(ctx, cause)
	return r.summary(), cause
}

// session is one session channel under way. Its two request loops and three
// streams are a goroutine each.
type session struct {
	ctx            context.Context // ended by the caller or by fail
	fail           context.CancelCauseFunc
	hooks          Hooks
	client, target *wire.Channel

	replies *replies
	stderr  chan struct{} // holds one token while somebody writes the client's stderr

	started       chan struct{} // closed when the target runs something
	startAnswered chan struct{} // closed when the client has the answer to its start
	status        chan struct{} // closed when exitStatus or exitSignal is set
	clientClosed  chan struct{} // the client closed, or its connection is gone
	targetClosed  chan struct{} // same of the target
	inputDone     chan struct{} // the client's data and EOF are passed on
	drained       chan struct{} // all of the target's data is passed on, or dropped

	answered sync.Once    // closes startAnswered
	outputs  atomic.Int32 // streams to the client that still run
	in, errs atomic.Int64
	all      sync.WaitGroup

	mu         sync.Mutex // guards below
	hash       hash.Hash  // of what went to stdout
	out        int64
	asked      *wire.Request // waits for the target's reply
	askedFor   inspect.Message
	start      inspect.Message
	terminal   bool
	exitStatus *uint32
	exitSignal *inspect.ExitSignal
	closed     bool // Closing was called
	cause      error
	clientLeft bool
}

// finish passes the end of the channel on in order. Its error ends it.
func (r *session) finish() error {
	select {
	case <-r.drained:
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	if err := r.awaitStatus(); err != nil {
		return err
	}
	r.replies.wait()
	if r.lost() {
		return errTargetLost
	}
	if err := r.closing(r.ctx); err != nil {
		return err
	}
	// Errors below mean that the client is gone, which clientRequests sees.
	if m := r.exitMessage(); m != nil {
		r.client.Send(m)
	}
	r.client.CloseWrite()
	select {
	case <-r.targetClosed:
	case <-r.clientClosed:
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
	return nil
}

// awaitStatus waits, with the target's data all passed, for its status or its
// close. A target that waits for our close gets it, once both sides have sent
// EOF; it still may send its status.
func (r *session) awaitStatus() error {
	input := r.inputDone
	var patience <-chan time.Time
	for {
		select {
		case <-r.status:
			return nil
		case <-r.targetClosed:
			return nil
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		case <-input:
			input = nil
			t := time.NewTimer(halfCloseTime)
			defer t.Stop()
			patience = t.C
		case <-patience:
			r.target.Close()
		}
	}
}

// lost reports whether the target's connection went away under what runs.
func (r *session) lost() bool {
	select {
	case <-r.targetClosed:
	default:
		return false
	}
	if r.exitMessage() != nil || r.startedWith() == nil {
		return false
	}
	select {
	case <-r.clientClosed: // nobody left to tell
		return false
	default:
	}
	// The library closes channels just before the connection is done.
	t := time.NewTimer(50 * time.Millisecond)
	defer t.Stop()
	select {
	case <-r.target.Conn().Done():
		return true
	case <-t.C:
		return false // the target closed without a status: so be it
	}
}

// closing calls the hook, once.
func (r *session) closing(ctx context.Context) error {
	r.mu.Lock()
	first := !r.closed
	r.closed = true
	r.mu.Unlock()
	if !first || r.hooks.Closing == nil {
		return nil
	}
	if err := r.hooks.Closing(ctx, r.summary()); err != nil {
		var refusal *Refusal
		if errors.As(err, &refusal) {
			return err
		}
		return &Refusal{Text: "session ended: its end could not be recorded", Err: err}
	}
	return nil
}

// end says why, records the end, and closes, all within sayTime.
func (r *session) end(cause error) {
	ctx, cancel := context.WithTimeout(context.Background(), sayTime)
	defer cancel()
	r.mu.Lock()
	r.cause = cause
	r.mu.Unlock()
	r.fail(cause) // what flows stops
	said := make(chan struct{})
	r.all.Go(func() {
		defer close(said)
		r.answer(true)
		late := time.NewTimer(startTime)
		defer late.Stop()
		select {
		case <-r.startAnswered:
		case <-r.clientClosed:
		case <-late.C:
		}
		select {
		case r.stderr <- struct{}{}:
			say(r.client, cause)
			<-r.stderr
		case <-ctx.Done():
		}
		recorded, done := context.WithTimeout(ctx, recordTime)
		r.closing(recorded) // ends all the same
		done()
		r.client.Send(inspect.ExitStatus{Status: ExitEnded})
		r.client.Close()
	})
	select {
	case <-said:
	case <-ctx.Done():
	}
	r.target.Close()
}

// join closes both channels and waits for every goroutine. An orderly end
// waits as long as the client takes: OpenSSH's answers the close only once
// what reads its output (a pager) has taken all. When the gate is ending
// things, peers that do not answer lose their connection.
func (r *session) join(ctx context.Context, cause error) {
	r.client.Close()
	r.target.Close()
	drop := func() {
		r.client.Conn().Close()
		r.target.Conn().Close()
	}
	if cause != nil {
		defer time.AfterFunc(refuseTime, drop).Stop()
	}
	done := make(chan struct{})
	defer close(done)
	stop := context.AfterFunc(ctx, func() {
		t := time.NewTimer(endTime - sayTime)
		defer t.Stop()
		select {
		case <-t.C:
			drop()
		case <-done:
		}
	})
	defer stop()
	r.all.Wait()
}

func (r *session) exitMessage() inspect.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.exitStatus != nil:
		return inspect.ExitStatus{Status: *r.exitStatus}
	case r.exitSignal != nil:
		return *r.exitSignal
	}
	return nil
}

func (r *session) startedWith() inspect.Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.start
}

func (r *session) summary() Summary {
	s := Summary{In: r.in.Load(), Err: r.errs.Load()}
	r.mu.Lock()
	defer r.mu.Unlock()
	s.Out = r.out
	r.hash.Sum(s.SHA256[:0])
	s.Started, s.Terminal = r.start, r.terminal
	s.Status, s.Signal = r.exitStatus, r.exitSignal
	s.ClientLeft, s.Cause = r.clientLeft, r.cause
	return s
}
