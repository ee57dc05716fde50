package duckdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"github.com/trailgate/trailgate/internal/query"
)

// Defaults of Options and of a query.Request.
const (
	DefaultMemoryLimit = "1GB"
	DefaultFeedEvery   = 50 * time.Millisecond
	DefaultMaxRows     = 10_000
	DefaultTimeout     = 30 * time.Second
)

// maxAnswer bounds an answer; what is over it is left out and Truncated set.
const maxAnswer = 64 << 20

// maxRunning is how many statements run at a time in one worker, and maxEach
// how many of one asker; others wait.
const (
	maxRunning = 4
	maxEach    = 2
)

// patience is how long Query waits for a worker that is being restarted.
const patience = 5 * time.Second

// hopeless is how many workers in a row may end before they serve until Wait
// gives up; Run goes on.
const hopeless = 2

// Options say how an engine runs.
type Options struct {
	Command     []string      // argv of the worker: this binary and its hidden command
	Source      query.Source  // where the events come from
	EventsDir   string        // the directory with Source's Parquet files; nothing else can be read
	MemoryLimit string        // of DuckDB, e.g. 512MB; default 1GB. It holds the hot table too
	Threads     int           // of DuckDB; default one a core
	FeedEvery   time.Duration // default 50 ms
	Nice        int           // of the worker, as nice(1) has it: how far it steps back
	Name        string        // people or runbooks; in error texts only
	Log         *slog.Logger  // default slog.Default
}

// Engine is a query.Engine whose worker is a child process. Query may be called
// from many goroutines.
//
// While no worker serves, Query waits up to five seconds for one and then
// answers query.ErrUnavailable; a query whose worker dies under it gets
// query.ErrUnavailable at once. An answer never includes less than Applied said
// before it was asked for.
type Engine struct {
	o      Options
	places *places
	kick   chan struct{} // size 1: someone waits for events; a second kick says nothing new

	mu        sync.Mutex      // guards below
	serving   *process        // nil while no worker may answer
	applied   uint64          // never goes back
	waiting   int             // how many wait for events
	down      error           // why the last worker ended
	stillborn int             // how many in a row ended without having served
	taken     <-chan struct{} // of the newest catalogue that the worker was given
	changed   chan struct{}
}

var _ query.Engine = (*Engine)(nil)

// New makes an engine; Run starts its worker.
func New(o Options) *Engine {
	if o.MemoryLimit == "" {
		o.MemoryLimit = DefaultMemoryLimit
	}
	if o.Threads <= 0 {
		o.Threads = runtime.NumCPU()
	}
	if o.FeedEvery <= 0 {
		o.FeedEvery = DefaultFeedEvery
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Engine{
		o:       o,
		places:  newPlaces(),
		kick:    make(chan struct{}, 1),
		changed: make(chan struct{}),
	}
}

// Run keeps a worker running until ctx ends: starts it, feeds it, and starts
// another when it dies. It returns an error only for options that cannot work.
func (e *Engine) Run(ctx context.Context) error {
	memory, err := parseSize(e.o.MemoryLimit)
	if err != nil {
		return fmt.Errorf("query worker %s: %w", e.o.Name, err)
	}
	h := hello{
		Version:     protocolVersion,
		MemoryLimit: e.o.MemoryLimit,
		MemoryBytes: memory,
		Threads:     e.o.Threads,
		Nice:        e.o.Nice,
	}
	if e.o.EventsDir != "" {
		if h.EventsDir, err = filepath.Abs(e.o.EventsDir); err != nil {
			return fmt.Errorf("query worker %s: %w", e.o.Name, err)
		}
	}
	const longest = 5 * time.Second
	var pause time.Duration
	for {
		started := time.Now()
		err := e.live(ctx, h)
		if ctx.Err() != nil {
			return nil
		}
		err = fmt.Errorf("query worker %s: %w", e.o.Name, err)
		e.o.Log.Error("query worker ended; starting another", "err", err)
		e.update(func() { e.down, e.stillborn = err, e.stillborn+1 })
		// At once, unless the last one died young as well.
		if time.Since(started) > longest {
			pause = 0
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
		pause = min(2*pause+100*time.Millisecond, longest)
	}
}

// live is the life of one worker, from start to end.
func (e *Engine) live(ctx context.Context, h hello) error {
	p, stdin, serve, err := startProcess(e.o.Command, e.o.Log)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() { p.write(stdin) })
	wg.Go(func() { cancel(serve()) })
	stop := context.AfterFunc(ctx, func() { p.kill(context.Cause(ctx)) })
	defer stop()

	err = e.greet(ctx, p, h)
	if err == nil {
		err = newFeed(e, p).run(ctx)
	}
	e.update(func() { e.serving = nil })
	p.kill(err)
	wg.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cause
}

// startLimit is how long a worker may take to open DuckDB.
const startLimit = 20 * time.Second

func (e *Engine) greet(ctx context.Context, p *process, h hello) error {
	frame, err := jsonFrame(kindHello, h)
	if err != nil {
		return err
	}
	limit := time.NewTimer(startLimit)
	defer limit.Stop()
	if err := p.send(frame, limit.C); err != nil {
		return err
	}
	select {
	case r := <-p.ready:
		if r.Version != protocolVersion {
			return fmt.Errorf("%w: version %d, want %d", errProtocol, r.Version, protocolVersion)
		}
		return nil
	case <-limit.C:
		return errDeaf
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// update changes the guarded fields and wakes those who wait for a change.
func (e *Engine) update(change func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change()
	close(e.changed)
	e.changed = make(chan struct{})
}

// show is called when p's answers include all events up to seq. p serves as
// soon as it knows what its predecessor knew.
func (e *Engine) show(p *process, seq uint64) {
	e.update(func() {
		if seq >= e.applied {
			e.applied = seq
			e.serving, e.stillborn = p, 0
		}
	})
}

// Applied is the newest event that answers include, from now on.
func (e *Engine) Applied() uint64 {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.applied
}

// Wait blocks until Applied is at least seq. Events that are waited for do not
// wait for the next regular feed. It gives up with query.ErrUnavailable and the
// reason when one worker after the other ends before it has served, as they do
// when a sealed file cannot be read.
func (e *Engine) Wait(ctx context.Context, seq uint64) error {
	e.mu.Lock()
	e.waiting++
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		e.waiting--
		e.mu.Unlock()
	}()
	for {
		e.mu.Lock()
		arrived, changed, down, lost := e.applied >= seq, e.changed, e.down, e.stillborn > hopeless
		e.mu.Unlock()
		if arrived {
			return nil
		}
		if lost {
			return fmt.Errorf("wait for event %d: %w: %w", seq, query.ErrUnavailable, down)
		}
		select {
		case e.kick <- struct{}{}:
		default:
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for event %d: %w", seq, context.Cause(ctx))
		}
	}
}

// WaitSealed blocks until answers are from the files that Source names now, or
// the worker has refused them.
func (e *Engine) WaitSealed(ctx context.Context) error {
	for {
		_, newest := e.o.Source.Sealed()
		e.mu.Lock()
		taken, changed := e.taken, e.changed
		e.mu.Unlock()
		if taken == newest {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("wait for sealed files: %w", context.Cause(ctx))
		}
	}
}

// Query answers one statement. Errors to tell apart: query.ErrLimit (time or
// memory), query.ErrFailed (the data), query.ErrUnavailable (no worker), and
// ctx's own cause. With the first two there may be a result all the same, which
// holds nothing but what was read until then.
func (e *Engine) Query(ctx context.Context, r query.Request) (*query.Result, error) {
	if err := checkSnapshots(r); err != nil {
		return nil, err
	}
	res, _, err := e.ask(ctx, askFor(r))
	if res != nil && r.Only != "" {
		res.Scanned = query.Scan{}
	}
	return res, err
}

// Explain runs a statement as Query does, with the same errors, and says what
// it read.
func (e *Engine) Explain(ctx context.Context, r query.Request) (*query.Plan, error) {
	if r.Only != "" {
		return nil, fmt.Errorf("explain statement: what it reads: %w", query.ErrDenied)
	}
	if err := checkSnapshots(r); err != nil {
		return nil, err
	}
	q := askFor(r)
	q.Explain = true
	_, p, err := e.ask(ctx, q)
	if err != nil {
		return nil, err
	}
	if p == nil {
		return nil, fmt.Errorf("explain statement: %w: no plan", errProtocol)
	}
	p.Text = q.SQL
	return p, nil
}

// askFor is what the worker is asked for r.
func askFor(r query.Request) ask {
	if r.MaxRows <= 0 {
		r.MaxRows = DefaultMaxRows
	}
	if r.Timeout <= 0 {
		r.Timeout = DefaultTimeout
	}
	q := ask{
		SQL:      statementText(r),
		MaxRows:  r.MaxRows,
		MaxBytes: maxAnswer,
		Timeout:  r.Timeout,
		Only:     r.Only,
		by:       r.By,
		beside:   r.Beside,
	}
	if r.Window != nil {
		q.Since = &r.Window.Start
	}
	if text, files, ok := narrowTexts(r); ok {
		q.SQL, q.Files = text, files
	}
	return q
}

// ask runs text of ours as soon as there is a worker and a place in it.
func (e *Engine) ask(ctx context.Context, q ask) (*query.Result, *query.Plan, error) {
	end := time.Now().Add(q.Timeout) // of waiting and running together
	leave, err := e.places.take(ctx, q.by, q.Timeout)
	if err != nil {
		return nil, nil, err
	}
	defer leave()
	p, err := e.worker(ctx, min(patience, time.Until(end)))
	if err != nil {
		return nil, nil, err
	}
	q.Timeout = max(time.Until(end), time.Millisecond)
	return p.ask(ctx, q)
}

// worker is the serving one, waited for with patience.
func (e *Engine) worker(ctx context.Context, patience time.Duration) (*process, error) {
	limit := time.NewTimer(patience)
	defer limit.Stop()
	for {
		e.mu.Lock()
		p, changed, down := e.serving, e.changed, e.down
		e.mu.Unlock()
		if p != nil && !p.dying() {
			return p, nil
		}
		select {
		case <-changed:
		case <-limit.C:
			if down != nil {
				return nil, fmt.Errorf("%w: %w", query.ErrUnavailable, down)
			}
			return nil, query.ErrUnavailable
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

var errSource = errors.New("the trail left out events")
