package respond

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
)

// stuckEngine answers nothing until whoever asks gives up.
type stuckEngine struct {
	*goEngine
	asked chan struct{} // 1: one question is enough
}

func (e stuckEngine) Query(ctx context.Context, _ query.Request) (*query.Result, error) {
	select {
	case e.asked <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return nil, ctx.Err()
}

// TestAnOverdueScheduleStops: a node that is asked to stop while a tick is due
// and the engine does not answer stops all the same.
func TestAnOverdueScheduleStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "failed-login-surge"))
		w.enable(runbook.Observe)
		stuck := stuckEngine{w.engine, make(chan struct{}, 1)}
		r := New(Deps{Store: w.store, Trail: w.trail, Origin: origin, Engine: stuck, Runbooks: w.rbs, Notifier: w.receivers})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = r.Run(ctx) }()
		<-stuck.asked
		cancel()
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatal("Run goes on after its context ended")
		}
	})
}
