package respond

import (
	"cmp"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/runbook"
)

// tracker is one runbook at work: its window of matches and its alarms. It is
// pure: events, findings and times go in, changes come out. Times go forward.
type tracker struct {
	rb     *runbook.Runbook
	rule   alarm.Rule
	window *runbook.Window // nil when the query is not live
	alarms map[string]*tracked
	next   time.Time // no alarm changes by itself before then; zero when none does at all

	// resolved are the events that ended alarms lately, in order: a scheduled
	// evaluation of the past must meet them in their place.
	resolved []resolution
}

// tracked is one key's alarm and what was last found of it.
type tracked struct {
	alarm alarm.Alarm
	found runbook.Finding
}

type resolution struct {
	key string
	at  time.Time
	seq uint64
}

// change is what came of an input for one key: a transition, or only newer
// matches of an alarm that stands.
type change struct {
	rb         *runbook.Runbook
	key        string
	own        bool // the runbook's own alarm, not a key's
	alarm      alarm.Alarm
	transition alarm.Transition
	found      runbook.Finding
}

// look is how a key is evaluated at a time.
type look func(key string, at time.Time) (runbook.Finding, bool)

func newTracker(rb *runbook.Runbook, limits runbook.Limits) *tracker {
	t := &tracker{
		rb:     rb,
		rule:   alarm.Rule{Cooldown: rb.Alarm.Cooldown, ResolveAfter: rb.Alarm.ResolveAfter},
		alarms: map[string]*tracked{},
	}
	if live, _ := rb.Live(); live {
		t.window = runbook.NewWindow(rb, limits)
	}
	return t
}

// restore gives the tracker an alarm it had before.
func (t *tracker) restore(key string, a alarm.Alarm, f runbook.Finding) {
	t.alarms[key] = &tracked{a, f}
	t.plan()
}

// warm takes an event in that was evaluated before a restart.
func (t *tracker) warm(ev runbook.Event) {
	if key, ok := t.rb.Resolves(ev); ok {
		t.resolved = append(t.resolved, resolution{key, ev.At, ev.Seq})
	}
	if t.window == nil {
		return
	}
	m, ok := t.rb.Match(ev)
	if !ok || !ev.At.After(t.answered(m.Key)) {
		return
	}
	t.window.Add(m)
	if k := t.alarms[m.Key]; k != nil && m.At.After(k.alarm.Newest) {
		k.alarm.Newest = m.At
	}
}

// event is the live trigger: everything one event changes.
func (t *tracker) event(ev runbook.Event) []change {
	changes := t.pass(ev.At.Add(-1), t.key)
	if t.window != nil {
		m, matched := t.rb.Match(ev)
		if matched && ev.At.After(t.answered(m.Key)) {
			t.window.Add(m)
			if k := t.alarms[m.Key]; k != nil && k.alarm.State == alarm.Raised {
				changes = append(changes, t.refresh(k, m)...)
			}
		}
		if t.rb.Trigger.Event == nil && matched || t.rb.Trigger.Event != nil && t.rb.Candidate(ev) {
			changes = append(changes, t.found(t.window.Find(ev.At))...)
		}
	}
	return append(changes, t.resolves(ev)...)
}

// resolves is what an event ends.
func (t *tracker) resolves(ev runbook.Event) []change {
	key, ok := t.rb.Resolves(ev)
	if !ok {
		return nil
	}
	t.resolved = append(t.resolved, resolution{key, ev.At, ev.Seq})
	return t.step(key, ev.At, alarm.Input{Resolved: true}, nil)
}

// refresh counts a match to an alarm that stands, without evaluating anything.
func (t *tracker) refresh(k *tracked, m runbook.Match) []change {
	k.alarm, _ = alarm.Step(t.rule, k.alarm, m.At, alarm.Input{Found: true, Newest: m.At})
	k.found.Matches++
	if len(k.found.EventIDs) < maxListed && m.EventID != "" {
		k.found.EventIDs = append(k.found.EventIDs, m.EventID)
	}
	return []change{{rb: t.rb, key: m.Key, alarm: k.alarm, found: k.found}}
}

// found takes findings in.
func (t *tracker) found(fs []runbook.Finding) []change {
	var changes []change
	for _, f := range fs {
		changes = append(changes, t.step(f.Key, f.At, alarm.Input{Found: true, Newest: f.Newest}, &f)...)
	}
	return changes
}

// pass lets time pass up to now: alarms that nothing matched for end, and
// PENDING ones are evaluated where their cooldown ends.
func (t *tracker) pass(now time.Time, look look) []change {
	var changes []change
	for !t.next.IsZero() && !t.next.After(now) {
		at := t.next
		var due []string
		for key, k := range t.alarms {
			if d, ok := k.alarm.Deadline(t.rule); ok && !d.After(at) {
				due = append(due, key)
			}
		}
		slices.Sort(due)
		for _, key := range due {
			in := alarm.Input{}
			var f *runbook.Finding
			if t.alarms[key].alarm.State == alarm.Pending {
				if found, ok := look(key, at); ok {
					in, f = alarm.Input{Found: true, Newest: found.Newest}, &found
				}
			}
			changes = append(changes, t.step(key, at, in, f)...)
		}
		t.plan()
	}
	return changes
}

// step runs the alarm's machine for a key.
func (t *tracker) step(key string, at time.Time, in alarm.Input, f *runbook.Finding) []change {
	k := t.alarms[key]
	if k == nil {
		if f == nil {
			return nil
		}
		k = &tracked{}
	}
	before := k.alarm
	next, tr := alarm.Step(t.rule, k.alarm, at, in)
	k.alarm = next
	if f != nil && (tr.Changed() || f.Matches >= k.found.Matches) {
		k.found = *f
	}
	if !tr.Changed() && next == before {
		return nil
	}
	t.alarms[key] = k
	if next.Answered.After(before.Answered) && t.window != nil {
		t.window.Forget(key, next.Answered)
	}
	if d, ok := next.Deadline(t.rule); ok && (t.next.IsZero() || d.Before(t.next)) {
		t.next = d
	}
	return []change{{rb: t.rb, key: key, alarm: k.alarm, transition: tr, found: k.found}}
}

// plan sets next to the first deadline of all alarms.
func (t *tracker) plan() {
	t.next = time.Time{}
	for _, k := range t.alarms {
		if d, ok := k.alarm.Deadline(t.rule); ok && (t.next.IsZero() || d.Before(t.next)) {
			t.next = d
		}
	}
}

// forget drops what can change nothing any more when everything up to now has
// been evaluated, live and on schedule.
func (t *tracker) forget(now time.Time) {
	kept := t.rb.Window + 2*t.rb.Trigger.Every
	for key, k := range t.alarms {
		if k.alarm.Settled(t.rule, now, kept) {
			delete(t.alarms, key)
		}
	}
	i := 0
	for i < len(t.resolved) && t.resolved[i].at.Before(now.Add(-kept)) {
		i++
	}
	t.resolved = slices.Delete(t.resolved, 0, i)
}

// key evaluates one key in the live window.
func (t *tracker) key(key string, at time.Time) (runbook.Finding, bool) {
	if t.window == nil {
		return runbook.Finding{}, false
	}
	return t.window.Key(key, at)
}

// answered is the time up to which a key's matches count no longer.
func (t *tracker) answered(key string) time.Time {
	if k := t.alarms[key]; k != nil {
		return k.alarm.Answered
	}
	return time.Time{}
}

// sweep is a scheduled evaluation of a live query over (from, to]: matches are
// those of (from - window, to]. Every match in (from, to] is evaluated where
// it stands, so that a burst between two ticks is not missed and what is found
// is what every other way of evaluating finds.
func (t *tracker) sweep(matches []runbook.Match, from, to time.Time) []change {
	slices.SortStableFunc(matches, func(a, b runbook.Match) int { return cmp.Compare(a.Seq, b.Seq) })
	w := runbook.NewWindow(t.rb, runbook.Limits{Keys: len(matches) + 1, Matches: len(matches) + 1, Each: len(matches) + 1})
	ends := t.resolved
	var changes []change
	take := func(cs []change) {
		for _, c := range cs {
			w.Forget(c.key, c.alarm.Answered)
		}
		changes = append(changes, cs...)
	}
	resolve := func(before func(r resolution) bool) {
		for len(ends) > 0 && before(ends[0]) {
			r := ends[0]
			ends = ends[1:]
			if r.at.After(from) && !r.at.After(to) {
				take(t.pass(r.at.Add(-1), w.Key))
				take(t.step(r.key, r.at, alarm.Input{Resolved: true}, nil))
			}
		}
	}
	for _, m := range matches {
		resolve(func(r resolution) bool { return r.seq < m.Seq })
		if m.At.After(from) {
			take(t.pass(m.At.Add(-1), w.Key))
		}
		if !m.At.After(t.answered(m.Key)) {
			continue
		}
		w.Add(m)
		if found := w.Find(m.At); m.At.After(from) {
			take(t.found(found))
		}
	}
	resolve(func(resolution) bool { return true })
	take(t.pass(to, w.Key))
	return changes
}
