package app

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// group runs services side by side: the first that fails ends the others, with
// its error as their cause.
type group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
}

// errStopped is the cause when nothing failed.
var errStopped = errors.New("stopped")

func newGroup(ctx context.Context) *group {
	g := &group{}
	g.ctx, g.cancel = context.WithCancelCause(ctx)
	return g
}

// run starts a service. A service that returns before the group ends has
// failed, with or without an error.
func (g *group) run(name string, service func(context.Context) error) {
	g.wg.Go(func() {
		err := service(g.ctx)
		if g.ctx.Err() != nil {
			return
		}
		if err == nil {
			err = errors.New("ended by itself")
		}
		g.cancel(fmt.Errorf("%s: %w", name, err))
	})
}

// stop ends the services and waits for them. It returns what failed first, or
// nil.
func (g *group) stop() error {
	g.cancel(errStopped)
	g.wg.Wait()
	if err := context.Cause(g.ctx); !errors.Is(err, errStopped) && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}
