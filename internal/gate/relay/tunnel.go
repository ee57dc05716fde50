package relay

import (
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/internal/gate/wire"
)

// Tunnel moves a plain stream, such as direct-tcpip, an agent or X11 channel,
// both ways until both sides have closed it, and closes both. Each EOF passes
// at once. Of the hooks it calls Input, Output (as stdout), Closing and Hold.
// Client is the client's side, whoever opened the channel.
func Tunnel(ctx context.Context, client, target *wire.Channel, h Hooks) (Summary, error) {
	inner, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	t := &tunnel{ctx: inner, fail: fail, hooks: h}
	clientClosed, targetClosed := make(chan struct{}), make(chan struct{})
	up, down := make(chan struct{}), make(chan struct{})
	var all sync.WaitGroup
	all.Go(func() { refuseAll(client); close(clientClosed) })
	all.Go(func() { refuseAll(target); close(targetClosed) })
	all.Go(func() { t.move(target, client, h.Input, &t.in); close(up) })
	all.Go(func() {
		t.move(client, target, func(p []byte) error {
			if h.Output == nil {
				return nil
			}
			return h.Output(wire.Stdout, p)
		}, &t.out)
		close(down)
	})

	// A side that closes is followed by the other once its data is through.
	select {
	case <-clientClosed:
		t.await(up)
	case <-targetClosed:
		t.await(down)
	case <-inner.Done():
	}
	err := t.closing(ctx)
	client.Close()
	target.Close()
	stop := context.AfterFunc(inner, func() {
		time.AfterFunc(endTime-sayTime, func() { // a conn that is over is closed for nothing
			select {
			case <-clientClosed:
			default:
				client.Conn().Close()
			}
			select {
			case <-targetClosed:
			default:
				target.Conn().Close()
			}
		})
	})
	all.Wait()
	stop()
	if err == nil {
		err = context.Cause(inner)
	}
	return t.summary(err), err
}

type tunnel struct {
	ctx     context.Context
	fail    context.CancelCauseFunc
	hooks   Hooks
	in, out atomic.Int64
}

func (t *tunnel) await(c <-chan struct{}) {
	select {
	case <-c:
	case <-t.ctx.Done():
	}
}

// move copies from src to dst until src's EOF, which it passes on.
func (t *tunnel) move(dst, src *wire.Channel, tap func([]byte) error, count *atomic.Int64) {
	b := newBuffer()
	defer b.release()
	for {
		p := b.next()
		n, err := src.Read(wire.Stdout, p)
		if n > 0 {
			if t.piece(dst, p[:n], tap, count) != nil {
				return
			}
			b.read(n)
		}
		if err == io.EOF {
			dst.CloseWrite() // fails when dst has closed
		}
		if err != nil {
			return
		}
	}
}

func (t *tunnel) piece(dst *wire.Channel, p []byte, tap func([]byte) error, count *atomic.Int64) error {
	err := t.hooks.Hold.Wait(t.ctx)
	if err == nil && tap != nil {
		err = tap(p)
	}
	if err != nil {
		t.fail(err)
		return err
	}
	if t.ctx.Err() != nil {
		return context.Cause(t.ctx)
	}
	n, err := dst.Write(wire.Stdout, p)
	count.Add(int64(n))
	return err
}

func (t *tunnel) closing(ctx context.Context) error {
	if t.hooks.Closing == nil {
		return nil
	}
	// A tunnel that is being ended is recorded all the same, but not waited for.
	limit := refuseTime
	if t.ctx.Err() != nil {
		limit = sayTime
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), limit)
	defer cancel()
	if err := t.hooks.Closing(ctx, t.summary(context.Cause(t.ctx))); err != nil {
		return fmt.Errorf("record the tunnel's end: %w", err)
	}
	return nil
}

func (t *tunnel) summary(cause error) Summary {
	return Summary{In: t.in.Load(), Out: t.out.Load(), Cause: cause}
}

// refuseAll answers requests, none of which means anything on a plain stream,
// until the peer has closed the channel.
func refuseAll(ch *wire.Channel) {
	for {
		req, err := ch.Receive(context.Background())
		if err != nil {
			return
		}
		req.Reply(false)
	}
}
