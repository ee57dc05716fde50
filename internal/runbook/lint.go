package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Level is how much a lint finding matters.
type Level string

// The levels. Only a warning makes `runbook lint` exit with 3.
const (
	Info    Level = "info"
	Warning Level = "warning"
)

// Note is something lint says of a runbook that loads.
type Note struct {
	Level Level
	Text  string
}

// Lint says how a runbook will be evaluated, and what looks wrong about it.
// eventSource is the installation's.
func Lint(rb *Runbook, eventSource string) []Note {
	var notes []Note
	say := func(l Level, format string, args ...any) {
		notes = append(notes, Note{l, fmt.Sprintf(format, args...)})
	}
	if rb.live && rb.Trigger.Event != nil && rb.Trigger.Every == 0 {
		say(Warning, "%s: a threshold reached at another event is not found; add trigger.every", rb.Evaluation())
	} else {
		say(Info, "%s", rb.Evaluation())
	}
	if !rb.live && rb.Trigger.Every > rb.Window {
		say(Warning, "evaluated every %s with a window of %s: events in between are never looked at", FormatDuration(rb.Trigger.Every), FormatDuration(rb.Window))
	}
	for _, p := range rb.Params {
		about := ""
		if p.About != "" {
			about = ": " + p.About
		}
		say(Info, "parameter %s is %s unless set (%s)%s", p.Name, p.Default, p.TypeName(), about)
	}
	if rb.Query != nil {
		if n, ok := rb.Query.Limit(); ok {
			say(Info, "LIMIT %d caps the events an alarm shows for a key, and hides none", n)
		}
	}
	notes = append(notes, lintSource(rb, eventSource)...)
	notes = append(notes, lintSteps(rb)...)
	notes = append(notes, lintTests(rb)...)
	return notes
}

// Evaluation says when the runbook is evaluated, and why not live.
func (rb *Runbook) Evaluation() string {
	every := FormatDuration(rb.Trigger.Every)
	switch {
	case !rb.live:
		return "evaluated by the schedule, every " + every + ", and not live: the query " + rb.why
	case rb.Trigger.Event == nil:
		return "live and exact: evaluated at every match"
	case rb.Trigger.Every > 0:
		return "live at each event that trigger.event is true of; matches that reach the threshold at another event are found every " + every
	}
	return "live only at events that trigger.event is true of"
}

// sourceIs finds what a query says of eventSource.
var sourceIs = regexp.MustCompile(`(?i)\beventSource\s*(=|LIKE)\s*'([^']*)'`)

func lintSource(rb *Runbook, eventSource string) []Note {
	if rb.Query == nil || eventSource == "" {
		return nil
	}
	said := sourceIs.FindAllStringSubmatch(rb.Query.Text(), -1)
	for _, m := range said {
		p, err := sqlfront.ParsePredicate(fmt.Sprintf("'%s' %s '%s'", strings.ReplaceAll(eventSource, "'", "''"), m[1], m[2]))
		if err != nil {
			continue
		}
		if row, err := sqlfront.EventRow([]byte("{}"), 0, Epoch); err != nil || p.Eval(row) == sqlfront.True {
			return nil
		}
	}
	if len(said) == 0 {
		return nil
	}
	return []Note{{Warning, fmt.Sprintf("the query asks for eventSource %s '%s', but event_source is %s: it will match nothing of this gate", strings.ToUpper(said[0][1]), said[0][2], eventSource)}}
}

func lintSteps(rb *Runbook) []Note {
	var notes []Note
	steps := rb.Respond.Steps
	first := func(k Kind) int { return slices.IndexFunc(steps, func(s Step) bool { return s.Kind == k }) }
	evidence, action := first(Evidence), first(Action)
	switch {
	case action >= 0 && evidence < 0:
		notes = append(notes, Note{Warning, fmt.Sprintf("step %s changes something and no evidence is kept first: add an evidence step", steps[action].ID)})
	case action >= 0 && evidence > action:
		notes = append(notes, Note{Warning, fmt.Sprintf("evidence comes before containment: step %s belongs before %s, and a run takes it first", steps[evidence].ID, steps[action].ID)})
	}
	var file []string
	for _, s := range steps {
		file = append(file, s.ID)
	}
	var order []string
	for _, s := range rb.Steps() {
		order = append(order, s.ID)
	}
	if !slices.Equal(file, order) {
		notes = append(notes, Note{Info, "a run takes the steps as evidence, action, notify, manual: " + strings.Join(order, ", ")})
	}
	if len(steps) == 0 {
		notes = append(notes, Note{Warning, "respond has no steps: an alarm is raised and nobody is told"})
	}
	return notes
}

func lintTests(rb *Runbook) []Note {
	firing := slices.ContainsFunc(rb.Tests, func(t Test) bool { return len(t.Expect.Alarms) > 0 })
	silent := slices.ContainsFunc(rb.Tests, func(t Test) bool { return len(t.Expect.Alarms) == 0 })
	switch {
	case len(rb.Tests) == 0:
		return []Note{{Warning, "no tests: add one that raises the alarm and one that does not"}}
	case !firing:
		return []Note{{Warning, "no test raises the alarm"}}
	case !silent:
		return []Note{{Info, "no test stays silent"}}
	}
	return nil
}
