package relay

import (
	"context"
	"fmt"

	"github.com/trailgate/trailgate/internal/gate/wire"
)

// input passes the client's data and EOF to the target, once something runs.
func (r *session) input() {
	defer close(r.inputDone)
	b := newBuffer()
	defer b.release()
	for {
		p := b.next()
		n, err := r.client.Read(wire.Stdout, p)
		if r.awaitStart() != nil {
			return
		}
		if n > 0 {
			if err := r.pass(func() error { return r.toTarget(p[:n]) }); err != nil {
				return
			}
			b.read(n)
		}
		if err != nil {
			r.target.CloseWrite() // fails when the target has closed
			return
		}
	}
}

// awaitStart waits until the target runs something; data sent earlier would
// be dropped there.
func (r *session) awaitStart() error {
	select {
	case <-r.started:
		return nil
	default:
	}
	select {
	case <-r.started:
		return nil
	case <-r.clientClosed:
		select { // it may have started in the same moment
		case <-r.started:
			return nil
		default:
			return context.Canceled
		}
	case <-r.targetClosed:
		return context.Canceled
	case <-r.ctx.Done():
		return context.Cause(r.ctx)
	}
}

func (r *session) toTarget(p []byte) error {
	if r.hooks.Input != nil {
		if err := r.hooks.Input(p); err != nil {
			r.fail(fmt.Errorf("record input: %w", err))
			return err
		}
	}
	n, err := r.target.Write(wire.Stdout, p)
	r.in.Add(int64(n))
	return err
}

// output passes one of the target's streams to the client. When the client no
// longer takes it, or the channel is being ended, it is read and dropped, so
// that the target comes to its end.
func (r *session) output(s wire.Stream) {
	b := newBuffer()
	defer b.release()
	defer func() {
		if r.outputs.Add(-1) == 0 {
			r.replies.wait()
			close(r.drained)
		}
	}()
	for drop := false; ; {
		p := b.next()
		n, err := r.target.Read(s, p)
		if n > 0 {
			if !drop {
				r.replies.wait()
				drop = r.pass(func() error { return r.toClient(s, p[:n]) }) != nil
			}
			b.read(n)
		}
		if err != nil {
			return
		}
	}
}

func (r *session) toClient(s wire.Stream, p []byte) error {
	if r.hooks.Output != nil {
		if err := r.hooks.Output(s, p); err != nil {
			r.fail(fmt.Errorf("record output: %w", err))
			return err
		}
	}
	if s == wire.Stderr {
		select { // one writer at a time: end may have a last word
		case r.stderr <- struct{}{}:
			defer func() { <-r.stderr }()
		case <-r.ctx.Done():
			return context.Cause(r.ctx)
		}
		n, err := r.client.Write(s, p)
		r.errs.Add(int64(n))
		return err
	}
	n, err := r.client.Write(s, p)
	r.mu.Lock()
	r.out += int64(n)
	r.hash.Write(p[:n])
	r.mu.Unlock()
	return err
}

// pass runs move unless the channel has ended, after a hold.
func (r *session) pass(move func() error) error {
	if err := r.hooks.Hold.Wait(r.ctx); err != nil {
		r.fail(err)
		return err
	}
	if r.ctx.Err() != nil {
		return context.Cause(r.ctx)
	}
	return move()
}
