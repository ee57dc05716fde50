package respond

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
)

// Engines makes an engine over given events, for tests of runbooks.
type Engines interface {
	// Open answers over these events and no others; close it when done.
	Open(ctx context.Context, events []event.Entry) (query.Engine, func() error, error)
}

// Events is a query.Source of given events, for an engine of Engines.
type Events []event.Entry

// Sealed is query.Source's: nothing is.
func (Events) Sealed() (query.Catalogue, <-chan struct{}) { return query.Catalogue{}, nil }

// Follow is query.Source's.
func (es Events) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	for len(es) > 0 && es[0].Seq < from {
		es = es[1:]
	}
	if len(es) > 0 {
		if err := fn(es); err != nil {
			return err
		}
	}
	<-ctx.Done()
	return ctx.Err()
}

// Report is what came of a runbook's tests.
type Report struct {
	Runbook string
	Tests   []TestReport
}

// TestReport is what came of one: no problems is a pass.
type TestReport struct {
	Name     string
	Problems []string
	Alarms   []runbook.Raised // as the runbook raised them
}

// Failed says whether any test did.
func (r Report) Failed() bool {
	return slices.ContainsFunc(r.Tests, func(t TestReport) bool { return len(t.Problems) > 0 })
}

// Test runs the tests in a runbook's file. Each is carried out three times: by
// the live trigger, on its schedule by an engine, and by an oracle that asks
// the engine at every single event. They must agree, and agree with what the
// test expects.
func Test(ctx context.Context, rb *runbook.Runbook, engines Engines) (Report, error) {
	report := Report{Runbook: rb.ID}
	for _, t := range rb.Tests {
		tr, err := Trial(ctx, rb, t.Events, engines)
		if err != nil {
			return report, fmt.Errorf("test %q of runbook %s: %w", t.Name, rb.ID, err)
		}
		result := TestReport{Name: t.Name, Problems: tr.Disagreements(), Alarms: tr.Raised()}
		result.Problems = append(result.Problems, held(t.Expect, tr)...)
		report.Tests = append(report.Tests, result)
	}
	return report, nil
}

// held holds a trial against what was expected of it.
func held(want runbook.Expect, got Trials) []string {
	var problems []string
	raised := got.Raised()
	for _, w := range want.Alarms {
		if !slices.Contains(raised, w) {
			problems = append(problems, fmt.Sprintf("expected an alarm for %q at %s, got %s", w.Key, w.At, listed(raised)))
		}
	}
	for _, g := range raised {
		if !slices.Contains(want.Alarms, g) {
			problems = append(problems, fmt.Sprintf("an alarm for %q at %s was not expected", g.Key, g.At))
		}
	}
	if want.Steps == nil {
		return problems
	}
	if len(raised) == 0 && len(want.Steps) > 0 {
		return append(problems, fmt.Sprintf("expected the steps %s, but no alarm was raised", strings.Join(want.Steps, ", ")))
	}
	for _, c := range got.responses {
		var steps []string
		for _, s := range c.newRun(runbook.Enforce, c.alarm.Raised).Steps {
			out := action.Outcome{Result: action.Done}
			if s.Kind == string(runbook.Action) {
				out = action.Describe(action.Order{Runbook: c.rb.ID, Title: c.rb.Title, Run: c.run(), Step: s.ID, Action: s.Action, With: s.With}, c.alarm.Raised)
			}
			if out.Result == action.Refused {
				problems = append(problems, fmt.Sprintf("step %s would be refused for %q: %s", s.ID, c.key, out.Detail))
				continue
			}
			steps = append(steps, s.ID)
		}
		if !slices.Equal(steps, want.Steps) {
			problems = append(problems, fmt.Sprintf("expected the steps %s for %q, got %s", strings.Join(want.Steps, ", "), c.key, strings.Join(steps, ", ")))
		}
	}
	return problems
}

// Trials are the alarms of one trail by each way of evaluating.
type Trials struct {
	Live, Schedule, Oracle []runbook.Raised
	live                   bool     // the query has a live trigger
	exact                  bool     // which looks at every match
	responses              []change // what the runbook answers
}

// Raised are the alarms the runbook raises: live, and on its schedule what the
// live trigger does not look at.
func (t Trials) Raised() []runbook.Raised {
	var all []runbook.Raised
	for _, c := range t.responses {
		all = append(all, raisedOf(c))
	}
	return all
}

// Disagreements are where the ways of evaluating differ.
func (t Trials) Disagreements() []string {
	var problems []string
	differ := func(who string, got []runbook.Raised) {
		for _, g := range got {
			if !slices.Contains(t.Oracle, g) {
				problems = append(problems, fmt.Sprintf("%s raises an alarm for %q at %s, an evaluation at every event raises %s", who, g.Key, g.At, listed(t.Oracle)))
			}
		}
		for _, o := range t.Oracle {
			if !slices.Contains(got, o) {
				problems = append(problems, fmt.Sprintf("%s misses the alarm for %q at %s", who, o.Key, o.At))
			}
		}
	}
	if t.live {
		if t.exact {
			differ("the live trigger", t.Live)
		}
		differ("the schedule", t.Schedule)
		if !t.exact {
			for _, o := range t.Oracle {
				if !slices.ContainsFunc(t.Raised(), func(r runbook.Raised) bool { return r.Key == o.Key }) {
					problems = append(problems, fmt.Sprintf("trigger.event misses the alarm for %q at %s: widen it, or add trigger.every", o.Key, o.At))
				}
			}
		}
		return problems
	}
	for _, g := range t.Schedule {
		if !slices.ContainsFunc(t.Oracle, func(o runbook.Raised) bool { return o.Key == g.Key && o.At <= g.At }) {
			problems = append(problems, fmt.Sprintf("the schedule raises an alarm for %q at %s that no evaluation at an event raises", g.Key, g.At))
		}
	}
	return problems
}

// Trial evaluates a runbook over a trail in each way.
func Trial(ctx context.Context, rb *runbook.Runbook, entries []event.Entry, engines Engines) (Trials, error) {
	t := Trials{exact: rb.Trigger.Event == nil}
	t.live, _ = rb.Live()
	if len(entries) == 0 {
		return t, nil
	}
	events := make([]runbook.Event, len(entries))
	for i, e := range entries {
		ev, err := runbook.NewEvent(e)
		if err != nil {
			return t, err
		}
		events[i] = ev
	}
	engine, stop, err := engines.Open(ctx, entries)
	if err != nil {
		return t, fmt.Errorf("open an engine: %w", err)
	}
	defer stop()
	if err := engine.Wait(ctx, entries[len(entries)-1].Seq); err != nil {
		return t, fmt.Errorf("wait for the engine: %w", err)
	}
	x := trial{rb: rb, events: events, engine: engine, end: events[len(events)-1].At.Add(rb.Window)}
	var live []change
	if t.live {
		live = x.live()
	}
	scheduled := x.schedule(ctx)
	oracle := x.oracle(ctx)
	if x.err != nil {
		return t, x.err
	}
	t.Live, t.Schedule, t.Oracle = raised(live), raised(scheduled), raised(oracle)
	t.responses = responses(live)
	if !t.live || !t.exact && rb.Trigger.Every > 0 {
		for _, c := range responses(scheduled) {
			if !slices.ContainsFunc(t.responses, func(l change) bool { return l.key == c.key }) {
				t.responses = append(t.responses, c)
			}
		}
	}
	return t, nil
}

// trial is one Trial at work. It keeps the first error.
type trial struct {
	rb     *runbook.Runbook
	events []runbook.Event
	engine query.Engine
	end    time.Time // nothing can be found after it
	err    error
}

// live takes the events in one by one.
func (x *trial) live() []change {
	t := newTracker(x.rb, runbook.DefaultLimits)
	var all []change
	for _, ev := range x.events {
		all = append(all, t.event(ev)...)
	}
	return append(all, t.pass(x.end, t.key)...)
}

// schedule evaluates at ticks, through the engine.
func (x *trial) schedule(ctx context.Context) []change {
	t := newTracker(x.rb, runbook.DefaultLimits)
	every := x.rb.Trigger.Every
	if every == 0 {
		every = runbook.DefaultEvery
	}
	var all []change
	next := 0
	first := x.events[0].At.Sub(runbook.Epoch).Truncate(every)
	for from := runbook.Epoch.Add(first - every); from.Before(x.end) && x.err == nil; from = from.Add(every) {
		to := from.Add(every)
		for ; next < len(x.events) && !x.events[next].At.After(to); next++ {
			ev := x.events[next]
			if key, ok := x.rb.Resolves(ev); ok {
				t.resolved = append(t.resolved, resolution{key, ev.At, ev.Seq})
			}
		}
		if t.window != nil {
			all = append(all, t.sweep(x.ask(ctx, from.Add(-x.rb.Window), to, 0), from, to)...)
			continue
		}
		for _, r := range t.resolved {
			if r.at.After(from) {
				all = append(all, t.step(r.key, r.at, alarm.Input{Resolved: true}, nil)...)
			}
		}
		all = append(all, t.pass(to, x.look(ctx, t, 0))...)
		all = append(all, t.found(x.rb.Group(to, x.ask(ctx, to.Add(-x.rb.Window), to, 0), t.answered))...)
	}
	return all
}

// oracle asks the engine at every event.
func (x *trial) oracle(ctx context.Context) []change {
	t := newTracker(x.rb, runbook.DefaultLimits)
	var all []change
	for _, ev := range x.events {
		if x.err != nil {
			return nil
		}
		all = append(all, t.pass(ev.At.Add(-1), x.look(ctx, t, ev.Seq-1))...)
		all = append(all, t.found(x.rb.Group(ev.At, x.ask(ctx, ev.At.Add(-x.rb.Window), ev.At, ev.Seq), t.answered))...)
		all = append(all, t.resolves(ev)...)
	}
	return append(all, t.pass(x.end, x.look(ctx, t, 0))...)
}

// look evaluates a key through the engine.
func (x *trial) look(ctx context.Context, t *tracker, maxSeq uint64) look {
	return func(key string, at time.Time) (runbook.Finding, bool) {
		for _, f := range x.rb.Group(at, x.ask(ctx, at.Add(-x.rb.Window), at, maxSeq), t.answered) {
			if f.Key == key {
				return f, true
			}
		}
		return runbook.Finding{}, false
	}
}

func (x *trial) ask(ctx context.Context, start, end time.Time, maxSeq uint64) []runbook.Match {
	if x.err != nil {
		return nil
	}
	ms, err := matchesOf(ctx, x.engine, x.rb, query.Window{Start: start, End: end}, maxSeq)
	x.err = err
	return ms
}

func responses(changes []change) []change {
	var all []change
	for _, c := range changes {
		if c.transition.Responds() {
			all = append(all, c)
		}
	}
	return all
}

func raised(changes []change) []runbook.Raised {
	var all []runbook.Raised
	for _, c := range responses(changes) {
		all = append(all, raisedOf(c))
	}
	return all
}

func raisedOf(c change) runbook.Raised {
	return runbook.Raised{Key: c.key, At: c.transition.At.Sub(runbook.Epoch)}
}

func listed(rs []runbook.Raised) string {
	if len(rs) == 0 {
		return "none"
	}
	var all []string
	for _, r := range rs {
		all = append(all, fmt.Sprintf("%q at %s", r.Key, r.At))
	}
	return strings.Join(all, ", ")
}
