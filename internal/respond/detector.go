package respond

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// How the detector paces itself.
const (
	tickEvery  = 250 * time.Millisecond // time passes for alarms in steps of this
	settle     = 250 * time.Millisecond // an event is in the trail this long after its appendTime
	flushEvery = time.Second            // counts and the cursor are stored at least this often
	maxCatchUp = 24 * time.Hour         // of downtime; what is older is a DetectGap
	maxListed  = 100                    // events an alarm lists
)

// cursorName is the detector's row in state.Cursors; a runbook's schedule has
// cursorName/id.
const cursorName = "respond"

// detector owns the windows and alarms of one session. Its fields belong to
// the goroutine that runs jobs, once load has returned.
type detector struct {
	r        *Responder
	trackers map[string]*tracker
	order    []string // of trackers
	modes    map[string]runbook.Mode
	own      map[string]alarm.Alarm // of runbooks, by runbook
	ticks    map[string]time.Time   // last logical tick of a schedule

	seq     uint64    // every event up to here has been taken in
	at      time.Time // its appendTime
	cursor  state.Cursor
	first   bool              // there was no cursor
	flushed time.Time         // when the store was last written
	dirty   map[string]change // counts not stored yet, by alarm
	owed    []change          // transitions the trail did not take
	wake    func(run string)  // tells the worker of a run

	startHead uint64        // newest event when the session started
	caught    chan struct{} // closed when that has been taken in
}

// load reads what is stored and makes the trackers of the enabled runbooks.
func (r *Responder) load(ctx context.Context) (*detector, error) {
	d := &detector{
		r: r, trackers: map[string]*tracker{}, modes: map[string]runbook.Mode{}, own: map[string]alarm.Alarm{},
		ticks: map[string]time.Time{}, dirty: map[string]change{}, caught: make(chan struct{}),
	}
	r.mu.Lock()
	rbs := maps.Clone(r.runbooks)
	r.recorded = map[string]bool{}
	r.mu.Unlock()
	return d, r.deps.Store.View(ctx, func(tx state.Tx) error {
		rows, err := tx.Runbooks().List()
		if err != nil {
			return err
		}
		for id, rb := range rbs {
			if enabled, mode := modeOf(rb, rows); enabled {
				if rb, err = rb.With(paramsOf(id, rows)); err != nil {
					// The file is another than the one they were set for.
					r.deps.Log.Error("runbook works with the parameters of its file", "err", err)
					rb = rbs[id]
				}
				d.trackers[id], d.modes[id] = newTracker(rb, runbook.DefaultLimits), mode
			}
		}
		d.order = slices.Sorted(maps.Keys(d.trackers))
		alarms, err := tx.Alarms().List()
		if err != nil {
			return err
		}
		for _, row := range alarms {
			switch t := d.trackers[row.Runbook]; {
			case t == nil:
			case row.ID == alarm.OwnID(row.Runbook):
				d.own[row.Runbook] = fromRow(row)
			default:
				t.restore(row.Key, fromRow(row), foundOf(row))
			}
		}
		cursors, err := tx.Cursors().List()
		if err != nil {
			return err
		}
		d.first = true
		for _, c := range cursors {
			if c.Name == cursorName {
				d.cursor, d.first = c, false
			}
			if id, ok := scheduleOf(c.Name); ok {
				d.ticks[id] = c.Time
			}
		}
		d.cursor.Name = cursorName
		d.seq, d.at = d.cursor.Seq, d.cursor.Time
		return nil
	})
}

// modeOf says whether a runbook works here, and how: what was decided for it,
// else a shipped one observes and another does what its file says.
func modeOf(rb *runbook.Runbook, rows []state.Runbook) (enabled bool, mode runbook.Mode) {
	for _, row := range rows {
		if row.ID == rb.ID {
			return row.Enabled, runbook.Mode(row.Mode)
		}
	}
	if rb.Shipped {
		return true, runbook.Observe
	}
	return true, rb.Respond.Mode
}

// paramsOf are the values that were set for a runbook's parameters.
func paramsOf(id string, rows []state.Runbook) map[string]string {
	for _, row := range rows {
		if row.ID == id {
			return row.Params
		}
	}
	return nil
}

// run takes jobs one after the other, and lets time pass.
func (d *detector) run(ctx context.Context) error {
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	for {
		select {
		case j := <-d.r.jobs:
			err := j.do(ctx, d)
			j.done <- err
			if err != nil && ctx.Err() == nil {
				return err
			}
		case <-tick.C:
			if err := d.tick(ctx); err != nil && ctx.Err() == nil {
				return err
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// tick lets time pass for the alarms, if every event up to then is known.
func (d *detector) tick(ctx context.Context) error {
	now := d.r.deps.Now()
	var changes []change
	if d.seq >= d.r.deps.Trail.Head().Seq && isClosed(d.caught) {
		for _, id := range d.order {
			t := d.trackers[id]
			changes = append(changes, t.pass(now.Add(-settle), t.key)...)
		}
	}
	for _, id := range d.order {
		t := d.trackers[id]
		t.forget(d.evaluated(t))
	}
	return d.commit(ctx, changes)
}

// evaluated is the time up to which a runbook has been, live and on schedule.
func (d *detector) evaluated(t *tracker) time.Time {
	at := d.at
	if t.rb.Trigger.Every > 0 {
		if tick := d.ticks[t.rb.ID]; tick.Before(at) {
			at = tick
		}
	}
	return at
}

// batch is the live trigger over a batch of entries.
func (d *detector) batch(ctx context.Context, entries []event.Entry) error {
	var changes []change
	for _, e := range entries {
		ev, err := runbook.NewEvent(e)
		if err != nil {
			d.r.deps.Log.Error("event cannot be read by runbooks", "err", err)
			if err := d.r.gap(ctx, event.DetectGap{What: "event", From: stamp(e.AppendTime), To: stamp(e.AppendTime), Reason: err.Error()}); err != nil {
				return err
			}
			continue
		}
		for _, id := range d.order {
			changes = append(changes, d.trackers[id].event(ev)...)
		}
		d.seq, d.at = e.Seq, ev.At
	}
	for _, id := range d.order {
		w := d.trackers[id].window
		if w == nil {
			continue
		}
		if lost, ok := w.Lost(); ok {
			reason := fmt.Sprintf("%s: more keys than its window holds; %d with matches were let go", id, lost.Keys)
			if err := d.r.gap(ctx, event.DetectGap{What: "window", From: stamp(lost.First), To: stamp(lost.Last), Reason: reason}); err != nil {
				return err
			}
		}
	}
	return d.commit(ctx, changes)
}

// errStop ends a Follow that has come far enough.
var errStop = errors.New("far enough")

// span calls fn with the entries of the trail from one sequence number to
// another.
func (d *detector) span(ctx context.Context, from, to uint64, fn func([]event.Entry) error) error {
	if from > to || to == 0 {
		return nil
	}
	err := d.r.deps.Trail.Follow(ctx, max(from, 1), func(es []event.Entry) error {
		i, _ := slices.BinarySearchFunc(es, to+1, func(e event.Entry, seq uint64) int { return compare(e.Seq, seq) })
		if i > 0 {
			if err := fn(es[:i]); err != nil {
				return err
			}
		}
		if len(es) > 0 && es[len(es)-1].Seq >= to {
			return errStop
		}
		return nil
	})
	if errors.Is(err, errStop) {
		return nil
	}
	return err
}

// seqAfter is the sequence number of the first event appended after at, or
// head + 1.
func (d *detector) seqAfter(ctx context.Context, at time.Time, head uint64) (uint64, error) {
	lo, hi := uint64(1), head+1
	for hi-lo > 512 {
		mid := lo + (hi-lo)/2
		var seen time.Time
		err := d.r.deps.Trail.Follow(ctx, mid, func(es []event.Entry) error {
			seen = es[0].AppendTime
			return errStop
		})
		if !errors.Is(err, errStop) {
			return 0, err
		}
		if seen.After(at) {
			hi = mid
		} else {
			lo = mid
		}
	}
	if lo > head {
		return lo, nil
	}
	err := d.span(ctx, lo, head, func(es []event.Entry) error {
		for _, e := range es {
			if e.AppendTime.After(at) {
				return errStop
			}
			lo = e.Seq + 1
		}
		return nil
	})
	return lo, err
}

// follow takes in the trail: what was evaluated before, to fill the windows,
// and then everything else.
func (d *detector) follow(ctx context.Context) error {
	from, err := d.start(ctx)
	if err == nil {
		err = d.r.deps.Trail.Follow(ctx, from+1, func(es []event.Entry) error {
			return d.r.do(ctx, func(ctx context.Context) error {
				if err := d.batch(ctx, es); err != nil {
					return err
				}
				d.catch()
				return nil
			})
		})
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("follow the trail: %w", err)
}

// catch tells the worker when what the trail had at the start is taken in.
func (d *detector) catch() {
	if !isClosed(d.caught) && d.seq >= d.startHead {
		close(d.caught)
	}
}

// start fills the windows with what was evaluated before, and says up to which
// event that is.
func (d *detector) start(ctx context.Context) (uint64, error) {
	now, head := d.r.deps.Now(), d.r.deps.Trail.Head()
	var longest time.Duration
	for _, t := range d.trackers {
		longest = max(longest, t.rb.Window+2*t.rb.Trigger.Every)
	}
	skipTo := time.Time{}
	switch {
	case d.first:
		// What was there before the first start is history, but for what is
		// still inside a window.
		skipTo = now.Add(-longest)
	case now.Sub(d.cursor.Time) > maxCatchUp && d.cursor.Seq < head.Seq:
		skipTo = now.Add(-maxCatchUp)
	}
	from, since := d.cursor.Seq, d.cursor.Time
	if !skipTo.IsZero() {
		seq, err := d.seqAfter(ctx, skipTo, head.Seq)
		if err != nil {
			return 0, fmt.Errorf("look for the start: %w", err)
		}
		if !d.first && seq > from+1 {
			g := event.DetectGap{What: "runbooks", From: stamp(since), To: stamp(skipTo), Reason: "stopped for longer than can be caught up with"}
			if err := d.r.gap(ctx, g); err != nil {
				return 0, err
			}
		}
		from, since = max(from, seq-1), skipTo
	}
	warm, err := d.seqAfter(ctx, since.Add(-longest), from)
	if err != nil {
		return 0, fmt.Errorf("look for the window's start: %w", err)
	}
	err = d.span(ctx, from+1, head.Seq, func(es []event.Entry) error {
		for _, e := range es {
			if recordedBy(e) {
				if err := d.r.remember(e); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, err
	}
	err = d.span(ctx, warm, from, func(es []event.Entry) error {
		return d.r.do(ctx, func(context.Context) error {
			for _, e := range es {
				if ev, err := runbook.NewEvent(e); err == nil {
					for _, id := range d.order {
						d.trackers[id].warm(ev)
					}
				}
			}
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	return from, d.r.do(ctx, func(context.Context) error {
		d.cursor.Seq, d.cursor.Time = from, since
		d.seq, d.at, d.startHead = from, since, head.Seq
		d.catch()
		return nil
	})
}

func compare(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
