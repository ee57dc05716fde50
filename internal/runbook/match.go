package runbook

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Event is one event as every runbook looks at it: its row is made once.
type Event struct {
	Seq uint64
	At  time.Time // appendTime
	Row sqlfront.Row
}

// NewEvent makes the row of an entry.
func NewEvent(e event.Entry) (Event, error) {
	row, err := sqlfront.EventRow(e.JSON, e.Seq, e.AppendTime)
	if err != nil {
		return Event{}, fmt.Errorf("read event %d: %w", e.Seq, err)
	}
	return Event{e.Seq, e.AppendTime.UTC().Truncate(time.Microsecond), row}, nil
}

// Match is one row of a runbook's answer: an event of a live query, or
// whatever an engine's row is.
type Match struct {
	Seq     uint64    // 0 when the row is not an event
	At      time.Time // appendTime; zero when the row is not an event
	EventID string
	Key     string
	Fields  map[string]string // the key's columns and what steps refer to
}

// Finding is a key that has enough matches at a time.
type Finding struct {
	Key      string
	At       time.Time // the window is (At - window, At]
	Matches  int
	EventIDs []string  // the newest, at most the query's LIMIT
	Newest   time.Time // appendTime of the newest match
	Fields   map[string]string
}

// matcher is what the loader compiles of a runbook.
type matcher struct {
	live   bool
	why    string              // why it is not
	filter *sqlfront.Predicate // of a live query
	guard  *sqlfront.Predicate // what a runbook may see
	detect *sqlfront.Statement // what an engine runs
	fields []keep              // what a match keeps
	shown  int                 // events an alarm lists for a key
}

// keep is a column whose value a match keeps, by the name the file gives it.
type keep struct {
	name string
	path []string // of a live query's column
}

// Live says whether the query can be answered event by event, and why not.
func (rb *Runbook) Live() (ok bool, why string) { return rb.live, rb.why }

// Detection is the statement an engine runs for the runbook: the query without
// its outermost LIMIT and ORDER BY, over the events a runbook may see. A live
// query answers with seq, appendTime and what matches keep.
func (rb *Runbook) Detection() *sqlfront.Statement { return rb.detect }

// Match says whether ev is a match of a live runbook.
func (rb *Runbook) Match(ev Event) (Match, bool) {
	if !rb.live || !is(rb.filter, ev) || !is(rb.guard, ev) {
		return Match{}, false
	}
	return rb.match(ev), true
}

func (rb *Runbook) match(ev Event) Match {
	m := Match{Seq: ev.Seq, At: ev.At, Fields: make(map[string]string, len(rb.fields))}
	for _, f := range rb.fields {
		if v := cellText(ev.Row.Column(f.path...).Any()); v != "" {
			m.Fields[f.name] = v
		}
	}
	m.EventID, m.Key = m.Fields["eventID"], rb.keyOf(m.Fields)
	return m
}

// Candidate says whether the runbook is to be evaluated at ev.
func (rb *Runbook) Candidate(ev Event) bool {
	p := rb.Trigger.Event
	if p == nil {
		p = rb.filter
	}
	return rb.live && is(p, ev) && is(rb.guard, ev)
}

// Resolves says whether ev ends an alarm, and of which key.
func (rb *Runbook) Resolves(ev Event) (key string, ok bool) {
	if rb.Alarm.ResolveEvent == nil || !is(rb.Alarm.ResolveEvent, ev) || !is(rb.guard, ev) {
		return "", false
	}
	fields := map[string]string{}
	for _, f := range rb.fields {
		if slices.Contains(rb.Key, f.name) && f.path != nil {
			fields[f.name] = cellText(ev.Row.Column(f.path...).Any())
		}
	}
	return rb.keyOf(fields), true
}

// Row is a match from an engine's row: what cell gives for a column, which is
// nil for a NULL or a column that is not there.
func (rb *Runbook) Row(cell func(path string) any) Match {
	m := Match{Fields: make(map[string]string, len(rb.fields))}
	for _, f := range rb.fields {
		if v := cellText(cell(f.name)); v != "" {
			m.Fields[f.name] = v
		}
	}
	if at, ok := cell("appendTime").(time.Time); ok {
		m.At = at.UTC().Truncate(time.Microsecond)
	}
	if seq, ok := cell("seq").(int64); ok {
		m.Seq = uint64(seq)
	}
	m.EventID, m.Key = m.Fields["eventID"], rb.keyOf(m.Fields)
	return m
}

func (rb *Runbook) keyOf(fields map[string]string) string {
	values := make([]string, len(rb.Key))
	for i, path := range rb.Key {
		values[i] = fields[path]
	}
	return keyOf(values)
}

// keyOf joins the values of a key; what would be ambiguous is escaped.
func keyOf(values []string) string {
	if len(values) == 1 {
		return values[0]
	}
	escaped := make([]string, len(values))
	for i, v := range values {
		escaped[i] = strings.NewReplacer(`\`, `\\`, `,`, `\,`).Replace(v)
	}
	return strings.Join(escaped, ",")
}

// Evaluate is the meaning of a live runbook, written down as simply as it can
// be: the keys over their threshold at the time now, of all events given. What
// is at or before after(key) was answered already; nil answers nothing.
func (rb *Runbook) Evaluate(now time.Time, events []Event, after func(key string) time.Time) []Finding {
	var matches []Match
	for _, ev := range events {
		if m, ok := rb.Match(ev); ok {
			matches = append(matches, m)
		}
	}
	return rb.Group(now, matches, after)
}

// Group is Evaluate over matches. A match without a time is always inside the
// window: the engine said so.
func (rb *Runbook) Group(now time.Time, matches []Match, after func(key string) time.Time) []Finding {
	byKey := map[string][]Match{}
	for _, m := range matches {
		if !m.At.IsZero() {
			if !m.At.After(now.Add(-rb.Window)) || m.At.After(now) {
				continue
			}
			if after != nil && !m.At.After(after(m.Key)) {
				continue
			}
		}
		byKey[m.Key] = append(byKey[m.Key], m)
	}
	var found []Finding
	for _, key := range slices.Sorted(maps.Keys(byKey)) {
		ms := byKey[key]
		if len(ms) < rb.Threshold {
			continue
		}
		slices.SortStableFunc(ms, func(a, b Match) int { return compareSeq(a.Seq, b.Seq) })
		f := Finding{Key: key, At: now, Matches: len(ms), Fields: ms[len(ms)-1].Fields, Newest: ms[len(ms)-1].At}
		if f.Newest.IsZero() {
			f.Newest = now
		}
		for _, m := range ms[max(0, len(ms)-rb.shown):] {
			if m.EventID != "" {
				f.EventIDs = append(f.EventIDs, m.EventID)
			}
		}
		found = append(found, f)
	}
	return found
}

func compareSeq(a, b uint64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
