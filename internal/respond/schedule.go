package respond

import (
	"context"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// How schedules behave when the engine does not.
const (
	askAgain    = time.Second      // after a failed evaluation
	blindAfter  = 3                // failed evaluations in a row
	waitApplied = 5 * time.Second  // for the engine to have the tick's events
	askTimeout  = 20 * time.Second // for one answer
	askRows     = 10_000           // of one answer; more are asked for in halves
	maxTicks    = 2_000            // of one runbook that are evaluated after downtime
)

// timetable is one runbook's schedule.
type timetable struct {
	rb     *runbook.Runbook
	last   time.Time // the last logical tick evaluated
	after  time.Time // not before; for asking again
	failed int       // in a row
}

func (s timetable) due() time.Time {
	if at := s.last.Add(s.rb.Trigger.Every + settle); at.After(s.after) {
		return at
	}
	return s.after
}

// schedule evaluates runbooks at logical ticks: multiples of `every`, evaluated
// as of the tick however late it is.
func (d *detector) schedule(ctx context.Context) error {
	now := d.r.deps.Now()
	var tables []*timetable
	var begun []state.Cursor
	for _, id := range d.order {
		rb := d.trackers[id].rb
		if rb.Trigger.Every == 0 {
			continue
		}
		tick, ok := d.ticks[id]
		if !ok {
			tick = now.Truncate(rb.Trigger.Every)
			begun = append(begun, state.Cursor{Name: cursorName + "/" + id, Time: tick})
		}
		tables = append(tables, &timetable{rb: rb, last: tick})
	}
	if len(tables) == 0 {
		return nil
	}
	select { // live detection first: it knows how the alarms stand
	case <-d.caught:
	case <-ctx.Done():
		return nil
	}
	if len(begun) > 0 { // from here on, a tick that is missed is one too many
		err := d.r.do(ctx, func(ctx context.Context) error { return d.commit(ctx, nil, begun...) })
		if err != nil {
			return err
		}
	}
	for {
		next := tables[0]
		for _, s := range tables[1:] {
			if s.due().Before(next.due()) {
				next = s
			}
		}
		if wait := next.due().Sub(d.r.deps.Now()); wait > 0 {
			if !pause(ctx, wait) {
				return nil
			}
			continue
		}
		err := d.evaluate(ctx, next)
		if ctx.Err() != nil { // a tick that is overdue stays so: nothing else would end the loop
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// evaluate brings one runbook's schedule up to now. An engine that fails is no
// error: the ticks stay due.
func (d *detector) evaluate(ctx context.Context, s *timetable) error {
	now := d.r.deps.Now().Add(-settle)
	to := now.Truncate(s.rb.Trigger.Every)
	if err := d.skip(ctx, s, now); err != nil {
		return err
	}
	live, _ := s.rb.Live()
	if !live {
		to = s.last.Add(s.rb.Trigger.Every) // one by one
	}
	ms, err := d.ask(ctx, s.rb, s.last, to)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		s.failed++
		s.after = d.r.deps.Now().Add(askAgain)
		if s.failed == blindAfter {
			return d.blind(ctx, s, now, err)
		}
		return nil
	}
	err = d.r.do(ctx, func(ctx context.Context) error {
		t := d.trackers[s.rb.ID]
		var changes []change
		if live {
			changes = t.sweep(ms, s.last, to)
		} else {
			changes = t.found(s.rb.Group(to, ms, t.answered))
		}
		d.ticks[s.rb.ID] = to
		changes = append(changes, d.self(s.rb, to, alarm.Input{Seen: true})...)
		return d.commit(ctx, changes, state.Cursor{Name: cursorName + "/" + s.rb.ID, Time: to})
	})
	if err != nil {
		return err
	}
	s.last, s.failed, s.after = to, 0, time.Time{}
	return nil
}

// skip moves a schedule that is too far behind, and says so in the trail.
func (d *detector) skip(ctx context.Context, s *timetable, now time.Time) error {
	bound := maxCatchUp
	if live, _ := s.rb.Live(); !live {
		bound = min(bound, maxTicks*s.rb.Trigger.Every)
	}
	if now.Sub(s.last) <= bound+s.rb.Trigger.Every {
		return nil
	}
	to := now.Add(-bound).Truncate(s.rb.Trigger.Every)
	g := event.DetectGap{What: "schedule", From: stamp(s.last), To: stamp(to),
		Reason: s.rb.ID + ": too far behind to be caught up with"}
	if err := d.r.gap(ctx, g); err != nil {
		return fmt.Errorf("skip ticks of %s: %w", s.rb.ID, err)
	}
	s.last = to
	return nil
}

// blind says that a runbook's question cannot be asked. What is missed is
// asked as soon as it can be.
func (d *detector) blind(ctx context.Context, s *timetable, now time.Time, cause error) error {
	d.r.deps.Log.Error("runbook cannot be evaluated on schedule", "err", fmt.Errorf("%s: %w", s.rb.ID, cause))
	return d.r.do(ctx, func(ctx context.Context) error {
		g := event.DetectGap{What: "schedule", From: stamp(s.last), To: stamp(now), Reason: fmt.Sprintf("%s: %v", s.rb.ID, cause)}
		if err := d.r.gap(ctx, g); err != nil {
			return err
		}
		return d.commit(ctx, d.self(s.rb, now, alarm.Input{Blind: true}))
	})
}

// self steps a runbook's own alarm.
func (d *detector) self(rb *runbook.Runbook, at time.Time, in alarm.Input) []change {
	before := d.own[rb.ID]
	a, tr := alarm.Step(alarm.Rule{}, before, at, in)
	if !tr.Changed() {
		return nil
	}
	d.own[rb.ID] = a
	return []change{{rb: rb, own: true, alarm: a, transition: tr}}
}

// ask puts the runbook's question to the engine: the matches that an
// evaluation at every moment of (from, to] can count, or, for a query that is
// not live, its answer at to. The engine must have every event up to to.
func (d *detector) ask(ctx context.Context, rb *runbook.Runbook, from, to time.Time) ([]runbook.Match, error) {
	head := d.r.deps.Trail.Head().Seq
	waiting, cancel := context.WithTimeout(ctx, waitApplied)
	defer cancel()
	if err := d.r.deps.Engine.Wait(waiting, head); err != nil {
		return nil, fmt.Errorf("wait for event %d in the engine: %w", head, err)
	}
	for { // the live trigger goes first, so that both tell the same story
		var seq uint64
		if err := d.r.do(ctx, func(context.Context) error { seq = d.seq; return nil }); err != nil {
			return nil, err
		}
		if seq >= head {
			break
		}
		if !pause(ctx, tickEvery/10) {
			return nil, context.Cause(ctx)
		}
	}
	start := to.Add(-rb.Window)
	if live, _ := rb.Live(); live {
		start = from.Add(-rb.Window)
	}
	return matchesOf(ctx, d.r.deps.Engine, rb, query.Window{Start: start, End: to}, head)
}

// matchesOf is the engine's answer for a window of time. An answer that would
// be cut is asked for in halves, where the query allows it: nothing is hidden
// because there is much of it.
func matchesOf(ctx context.Context, e query.Engine, rb *runbook.Runbook, w query.Window, maxSeq uint64) ([]runbook.Match, error) {
	res, err := e.Query(ctx, query.Request{Statement: rb.Detection(), Window: &w, MaxSeq: maxSeq, MaxRows: askRows, Timeout: askTimeout})
	if err != nil {
		return nil, fmt.Errorf("evaluate %s: %w", rb.ID, err)
	}
	if res.Truncated {
		live, _ := rb.Live()
		span := w.End.Sub(w.Start)
		if !live || span <= time.Microsecond {
			return nil, fmt.Errorf("evaluate %s: %w: more than %d rows", rb.ID, query.ErrLimit, askRows)
		}
		middle := w.Start.Add(span / 2).Truncate(time.Microsecond)
		if !middle.After(w.Start) {
			middle = w.Start.Add(time.Microsecond)
		}
		first, err := matchesOf(ctx, e, rb, query.Window{Start: w.Start, End: middle}, maxSeq)
		if err != nil {
			return nil, err
		}
		second, err := matchesOf(ctx, e, rb, query.Window{Start: middle, End: w.End}, maxSeq)
		return append(first, second...), err
	}
	cells := newCells(res.Columns)
	ms := make([]runbook.Match, len(res.Rows))
	for i, row := range res.Rows {
		ms[i] = rb.Row(cells.of(row))
	}
	return ms, nil
}
