package respond

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail"
)

// Trail is where events come from and where what is done about them goes.
type Trail interface {
	Append(ctx context.Context, rec event.Record) (event.Entry, error)
	Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error
	Head() trail.Head
}

// Actions carries out a run's actions. *action.Executor is one.
type Actions interface {
	Do(ctx context.Context, o action.Order) (action.Outcome, error)
	Describe(o action.Order) action.Outcome
	Restore(runbook, run, step string, at time.Time)
}

// Notifier delivers to receivers. *action.Notifier is one.
type Notifier interface {
	Send(ctx context.Context, to string, m action.Message) (status int, err error)
}

// Recordings says what is kept of a session, for an evidence step.
type Recordings interface {
	Evidence(ctx context.Context, session string) (string, error)
}

// Deps are what a Responder needs. Recordings may be nil.
type Deps struct {
	Store      state.Store
	Trail      Trail
	Origin     event.Origin
	Engine     query.Engine // the runbooks' own, so that no person's query delays it
	Runbooks   []*runbook.Runbook
	Actions    Actions
	Notifier   Notifier
	Recordings Recordings
	Now        func() time.Time // nil is time.Now
	Log        *slog.Logger     // nil is slog.Default
}

// Responder detects and responds while Run runs.
type Responder struct {
	deps Deps
	jobs chan job // to the detector; unbuffered: who asks waits

	mu       sync.Mutex // guards below; no I/O under it
	runbooks map[string]*runbook.Runbook
	changed  chan struct{} // closed when the runbooks or their modes change
	recorded map[string]bool
}

// job is work for the detector.
type job struct {
	do   func(ctx context.Context, d *detector) error
	done chan error // 1: whoever asked may have gone
}

// Errors of the interface for people.
var (
	ErrNoRunbook = errors.New("no such runbook")
	ErrNotOpen   = errors.New("not open")
)

// New makes a Responder. It starts nothing.
func New(d Deps) *Responder {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Log == nil {
		d.Log = slog.Default()
	}
	r := &Responder{deps: d, jobs: make(chan job), changed: make(chan struct{}), recorded: map[string]bool{}}
	r.runbooks = byID(d.Runbooks)
	return r
}

func byID(rbs []*runbook.Runbook) map[string]*runbook.Runbook {
	m := make(map[string]*runbook.Runbook, len(rbs))
	for _, rb := range rbs {
		m[rb.ID] = rb
	}
	return m
}

// restartAfter is how long the Responder waits before it starts over from what
// is stored, after its store or trail failed.
const restartAfter = 500 * time.Millisecond

// Run detects and responds until ctx ends. When the store or the trail fails
// it starts over from what is stored, as after a crash.
func (r *Responder) Run(ctx context.Context) error {
	for {
		err := r.session(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if errors.Is(err, errChanged) {
			continue
		}
		r.deps.Log.Error("responding starts over", "err", err)
		if !pause(ctx, restartAfter) {
			return ctx.Err()
		}
	}
}

// errChanged starts a session over because the runbooks changed.
var errChanged = errors.New("the runbooks changed")

// session is one life of the detector, from what is stored until something
// fails.
func (r *Responder) session(parent context.Context) error {
	ctx, cancel := context.WithCancelCause(parent)
	defer cancel(nil)
	r.mu.Lock()
	changed := r.changed
	r.mu.Unlock()

	d, err := r.load(ctx)
	if err != nil {
		return fmt.Errorf("start responding: %w", err)
	}
	w := newWorker(r)
	d.wake = w.add
	var wg sync.WaitGroup
	part := func(f func(context.Context) error) {
		wg.Go(func() {
			if err := f(ctx); err != nil {
				cancel(err)
			}
		})
	}
	part(d.run)
	part(d.follow)
	part(d.schedule)
	part(func(ctx context.Context) error { return w.run(ctx, d.caught) })
	wg.Go(func() {
		select {
		case <-changed:
			cancel(errChanged)
		case <-ctx.Done():
		}
	})
	wg.Wait()
	return context.Cause(ctx)
}

// poke makes the running session start over with what changed.
func (r *Responder) poke() {
	r.mu.Lock()
	defer r.mu.Unlock()
	close(r.changed)
	r.changed = make(chan struct{})
}

// do has the detector run f and waits for it.
func (r *Responder) do(ctx context.Context, f func(ctx context.Context) error) error {
	return r.job(ctx, func(ctx context.Context, _ *detector) error { return f(ctx) })
}

// job is do for who does not know the detector.
func (r *Responder) job(ctx context.Context, f func(ctx context.Context, d *detector) error) error {
	j := job{f, make(chan error, 1)}
	select {
	case r.jobs <- j:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-j.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// pause waits for d, and says whether ctx is still alive.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
