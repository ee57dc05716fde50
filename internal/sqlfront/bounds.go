package sqlfront

import (
	"slices"
	"strings"
	"time"
)

// span is the eventTimes that a statement can be about: from <= eventTime < to.
// A zero time is no bound. It is wider than what the statement says, never
// narrower: the statement's own condition still decides, and an engine skips the
// files and row groups outside.
type span struct{ from, to time.Time }

// within is the narrower of two spans.
func (s span) within(o span) span {
	if s.from.Before(o.from) {
		s.from = o.from
	}
	if s.to.IsZero() || !o.to.IsZero() && o.to.Before(s.to) {
		s.to = o.to
	}
	return s
}

// print writes the span as conditions on the stored eventTime.
func (s span) print() (list []string) {
	at := func(t time.Time) string { return "TIMESTAMP '" + TimestampValue(t).String() + "'" }
	if !s.from.IsZero() {
		list = append(list, `"eventTime" >= `+at(s.from))
	}
	if !s.to.IsZero() {
		list = append(list, `"eventTime" < `+at(s.to))
	}
	return list
}

// findSpans are the spans of a query's base tables, by alias. Only what must
// hold for every row of the answer counts: the terms of a WHERE joined by AND.
// Each of them is not true where eventTime is NULL or outside, so a row that is
// left out cannot have come through, also where an outer join has it.
func findSpans(q *query) map[string]span {
	spans := map[string]span{}
	visitor{query: func(q *query) {
		sel, ok := q.body.(*selection)
		if !ok || sel.where == nil {
			return
		}
		own := map[string]bool{} // a term may speak of a table around this query
		ownTables(sel.from, own)
		parts := map[string]*[3]string{} // year, month and day of Athena's old tables
		for _, term := range terms(sel.where) {
			if rel, s, ok := spanOf(term); ok && own[rel] {
				spans[rel] = spans[rel].within(s)
			}
			if rel, i, text, ok := datePart(term); ok && own[rel] {
				if parts[rel] == nil {
					parts[rel] = &[3]string{}
				}
				parts[rel][i] = text
			}
		}
		for rel, p := range parts {
			if s, ok := partsSpan(p[0], p[1], p[2]); ok {
				spans[rel] = spans[rel].within(s)
			}
		}
	}}.visit(q)
	return spans
}

// ownTables adds the tables that FROM names itself.
func ownTables(r relation, own map[string]bool) {
	switch r := r.(type) {
	case *table:
		own[r.alias] = !r.cte
	case *join:
		ownTables(r.l, own)
		ownTables(r.r, own)
	}
}

// terms are what AND joins in e.
func terms(e expr) []expr {
	l, ok := e.(*logic)
	if !ok || l.or {
		return []expr{e}
	}
	var list []expr
	for _, a := range l.args {
		list = append(list, terms(a)...)
	}
	return list
}

// spanOf is what a condition says of the eventTime of a table.
func spanOf(e expr) (rel string, s span, ok bool) {
	switch e := e.(type) {
	case *binary:
		op, x, v := e.op, e.l, e.r
		if _, constant := x.(*literal); constant {
			x, v = v, x
			op = map[string]string{"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "="}[op]
		}
		return comparedSpan(x, op, v)
	case *between:
		if e.not {
			return "", span{}, false
		}
		rel, s, ok = comparedSpan(e.x, ">=", e.lo)
		if _, to, upper := comparedSpan(e.x, "<=", e.hi); ok && upper {
			return rel, s.within(to), true
		}
		return rel, s, ok
	case *in:
		if e.not || len(e.list) == 0 {
			return "", span{}, false
		}
		var all span
		for i, v := range e.list {
			if rel, s, ok = comparedSpan(e.x, "=", v); !ok || s.from.IsZero() || s.to.IsZero() {
				return "", span{}, false
			}
			if i == 0 || s.from.Before(all.from) {
				all.from = s.from
			}
			if i == 0 || s.to.After(all.to) {
				all.to = s.to
			}
		}
		return rel, all, true
	case *like:
		c, ok := e.x.(*column)
		if !ok || e.not || e.match == nil || len(e.match.parts) == 0 || len(e.match.parts[0]) == 0 {
			return "", span{}, false
		}
		layout := textTime(c)
		day, ok := dayOf(layout, e.match.parts[0][0].text)
		return c.rel, span{day, day.AddDate(0, 0, 1)}, ok
	}
	return "", span{}, false
}

// comparedSpan is what x op v says.
func comparedSpan(x expr, op string, v expr) (rel string, s span, ok bool) {
	l, ok := v.(*literal)
	if !ok {
		return "", span{}, false
	}
	c, slack, ok := timeColumn(x)
	if !ok {
		return "", span{}, false
	}
	var from, to time.Time
	switch l.v.kind {
	case Varchar: // of the form that the column has
		// Text of the same form is in order of time, and so are its first ten
		// characters, which are a day.
		day, ok := dayOf(textTime(c), l.v.s)
		if !ok || x != expr(c) {
			return "", span{}, false
		}
		from, to = day, day.AddDate(0, 0, 1)
		if at, err := time.Parse(isoSeconds, l.v.s); err == nil {
			from, to = at, at.Add(time.Second)
		}
		if op == "<" && (len(l.v.s) == len(time.DateOnly) || to.Sub(from) == time.Second) {
			to = from // nothing of that day or second is before it
		}
	case Timestamp, Date:
		if c.typ.Kind != Timestamp && x == expr(c) {
			return "", span{}, false
		}
		from = l.v.Time()
		to = from.Add(slack + time.Second) // text of a time has whole seconds
	default:
		return "", span{}, false
	}
	switch op {
	case "=":
		return c.rel, span{from, to}, true
	case ">", ">=":
		return c.rel, span{from: from}, true
	case "<", "<=":
		return c.rel, span{to: to}, true
	}
	return "", span{}, false
}

// timeColumn is the eventTime that x is computed from by functions that keep
// the order and make nothing later; slack is how much earlier they may make it.
func timeColumn(x expr) (c *column, slack time.Duration, ok bool) {
	const day = 24 * time.Hour
	switch x := x.(type) {
	case *column:
		name := strings.ToLower(x.path[0])
		return x, 0, len(x.path) == 1 && (name == "eventtime" || textTime(x) != "")
	case *cast:
		c, slack, ok = timeColumn(x.x)
		if x.to.Kind == Date {
			slack += day
		} else if x.to.Kind != Timestamp {
			ok = false
		}
		return c, slack, ok && isoColumn(c)
	case *call:
		switch {
		case x.name == "from_iso8601_timestamp" && len(x.args) == 1:
			c, slack, ok = timeColumn(x.args[0])
		case x.name == "date" && len(x.args) == 1:
			c, slack, ok = timeColumn(x.args[0])
			slack += day
		case x.name == "date_trunc" && len(x.args) == 2:
			unit, constant := x.args[0].(*literal)
			if !constant {
				return nil, 0, false
			}
			c, slack, ok = timeColumn(x.args[1])
			longest := map[string]time.Duration{"second": time.Second, "minute": time.Minute, "hour": time.Hour, "day": day, "week": 7 * day, "month": 31 * day, "quarter": 92 * day, "year": 366 * day}
			most := longest[strings.ToLower(unit.v.s)]
			slack, ok = slack+most, ok && most > 0
		}
		return c, slack, ok && isoColumn(c)
	}
	return nil, 0, false
}

// isoColumn says whether a column is a time, or a time as text that every cast
// reads as one.
func isoColumn(c *column) bool {
	return c.typ.Kind == Timestamp || strings.EqualFold(c.path[0], "eventtime")
}

// textTime is the form of Athena's columns that are a time as text; empty for
// others.
func textTime(c *column) string {
	if len(c.path) != 1 || c.typ.Kind != Varchar {
		return ""
	}
	return map[string]string{"eventtime": time.DateOnly, "timestamp": "2006/01/02"}[c.path[0]]
}

// isoSeconds is how Athena's eventtime is written.
const isoSeconds = "2006-01-02T15:04:05Z"

func dayOf(layout, text string) (time.Time, bool) {
	if layout == "" || len(text) < len(layout) {
		return time.Time{}, false
	}
	day, err := time.Parse(layout, text[:len(layout)])
	return day, err == nil && day.Year() > 0
}

// datePart is year = '2026', or the like of month and day.
func datePart(e expr) (rel string, part int, text string, ok bool) {
	b, ok := e.(*binary)
	if !ok || b.op != "=" {
		return "", 0, "", false
	}
	c, isColumn := b.l.(*column)
	l, constant := b.r.(*literal)
	if !isColumn || !constant || l.v.kind != Varchar || len(c.path) != 1 {
		return "", 0, "", false
	}
	part = slices.Index([]string{"year", "month", "day"}, c.path[0])
	return c.rel, part, l.v.s, part >= 0
}

func partsSpan(year, month, day string) (span, bool) {
	layout, text, n := "2006", year, [3]int{1, 0, 0}
	if year != "" && month != "" {
		layout, text, n = layout+"-01", text+"-"+month, [3]int{0, 1, 0}
		if day != "" {
			layout, text, n = layout+"-02", text+"-"+day, [3]int{0, 0, 1}
		}
	}
	from, err := time.Parse(layout, text)
	return span{from, from.AddDate(n[0], n[1], n[2])}, err == nil && from.Year() > 0
}
