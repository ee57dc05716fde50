package respond

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// The states of a run: open until its containment is over, contained until
// nothing is left to do.
const (
	runOpen      = "open"
	runContained = "contained"
	runClosed    = "closed"
	runFailed    = "failed" // closed, with a step that failed
)

// The states of a step.
const (
	stepPending  = "pending"
	stepRunning  = "running"
	stepDone     = "done"
	stepObserved = "observed" // what would have been done is written down
	stepProposed = "proposed" // for a person to take
	stepRefused  = "refused"
	stepFailed   = "failed"
	stepWaiting  = "waiting" // for a person to do
)

// containing and telling bound the runs that act and that notify at one time:
// a slow receiver keeps no run from containing.
const (
	containing = 64
	telling    = 8
)

// worker is the outbox: it takes runs from the store and carries their steps
// out, in order, until nothing is left that it can do.
type worker struct {
	r     *Responder
	ready chan struct{} // 1: runs that are queued need one wake-up

	mu    sync.Mutex // guards below
	queue []string
	known map[string]bool

	contain, tell chan struct{} // slots
}

func newWorker(r *Responder) *worker {
	return &worker{
		r: r, ready: make(chan struct{}, 1), known: map[string]bool{},
		contain: make(chan struct{}, containing), tell: make(chan struct{}, telling),
	}
}

// add queues a run. It never waits.
func (w *worker) add(id string) {
	w.mu.Lock()
	if !w.known[id] {
		w.known[id] = true
		w.queue = append(w.queue, id)
	}
	w.mu.Unlock()
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// resume queues the runs a crash or a stop left open, and counts what was done
// lately towards the caps.
func (w *worker) resume(ctx context.Context) error {
	now := w.r.deps.Now()
	return w.r.deps.Store.View(ctx, func(tx state.Tx) error {
		runs, err := tx.Runs().List()
		if err != nil {
			return err
		}
		for _, run := range runs {
			if run.Ended.IsZero() {
				w.add(run.ID)
			}
			for _, s := range run.Steps {
				if s.Kind == string(runbook.Action) && s.State == stepDone && now.Sub(s.Ended) < time.Hour {
					w.r.deps.Actions.Restore(run.Runbook, run.ID, s.ID, s.Ended)
				}
			}
		}
		return nil
	})
}

// run works until ctx ends.
func (w *worker) run(ctx context.Context, caught <-chan struct{}) error {
	select { // what is recorded already is known by then
	case <-caught:
	case <-ctx.Done():
		return nil
	}
	if err := w.resume(ctx); err != nil {
		return fmt.Errorf("resume runs: %w", err)
	}
	failed := make(chan error, 1) // the first is enough
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		w.mu.Lock()
		queue := w.queue
		w.queue = nil
		w.mu.Unlock()
		for _, id := range queue {
			wg.Go(func() {
				err := w.work(ctx, id)
				w.mu.Lock()
				delete(w.known, id)
				w.mu.Unlock()
				if err != nil && ctx.Err() == nil {
					select {
					case failed <- fmt.Errorf("run %s: %w", id, err):
					default:
					}
				}
			})
		}
		select {
		case <-w.ready:
		case err := <-failed:
			return err
		case <-ctx.Done():
			return nil
		}
	}
}

// work takes a run as far as it goes without a person.
func (w *worker) work(ctx context.Context, id string) error {
	run, al, err := w.load(ctx, id)
	if err != nil || !run.Ended.IsZero() {
		return err
	}
	x := newExecution(w.r, run, al)
	for {
		again, err := x.pass(ctx, w.contain, w.tell)
		if err != nil {
			return err
		}
		if again.IsZero() {
			return nil
		}
		if !pause(ctx, again.Sub(w.r.deps.Now())) {
			return nil
		}
	}
}

func take(ctx context.Context, slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *worker) load(ctx context.Context, id string) (run state.Run, al state.Alarm, err error) {
	err = w.r.deps.Store.View(ctx, func(tx state.Tx) error {
		if run, err = tx.Runs().Get(id); err != nil {
			return err
		}
		if al, err = tx.Alarms().Get(run.Alarm); errors.Is(err, state.ErrNotFound) {
			al, err = state.Alarm{ID: run.Alarm, Runbook: run.Runbook, Title: run.Runbook}, nil
		}
		return err
	})
	return run, al, err
}

// edit changes a run in the store, as it is there: a person may have finished
// a manual step meanwhile.
func (r *Responder) edit(ctx context.Context, id string, fn func(run *state.Run) error) (state.Run, error) {
	var run state.Run
	err := r.deps.Store.Update(ctx, func(tx state.Tx) (err error) {
		if run, err = tx.Runs().Get(id); err != nil {
			return err
		}
		if err := fn(&run); err != nil {
			return err
		}
		return tx.Runs().Put(run)
	})
	if err != nil {
		return run, fmt.Errorf("store run %s: %w", id, err)
	}
	return run, nil
}

// left says whether a step is still to be done, by the worker or by a person.
func left(s state.Step) bool {
	switch s.State {
	case stepPending, stepRunning, stepWaiting, stepProposed:
		return true
	}
	return false
}

// finish ends a run that has nothing left to do: EndRun first.
func (r *Responder) finish(ctx context.Context, run state.Run) error {
	if !run.Ended.IsZero() {
		return nil
	}
	result, to := "done", runClosed
	for _, s := range run.Steps {
		if left(s) {
			return nil
		}
		if s.State == stepFailed {
			result, to = "failed", runFailed
		}
	}
	if err := r.once(ctx, endMark(run.ID), run.Runbook, event.EndRun{Run: run.ID, Result: result}); err != nil {
		return err
	}
	_, err := r.edit(ctx, run.ID, func(run *state.Run) error {
		run.State, run.Ended = to, r.deps.Now()
		return nil
	})
	if err == nil {
		r.forget(run.ID, run.Alarm)
	}
	return err
}
