package alarm

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"
)

// State is what an alarm is.
type State string

// The states.
const (
	OK               State = "OK"
	Pending          State = "PENDING"
	Raised           State = "ALARM"
	InsufficientData State = "INSUFFICIENT_DATA"
)

// Rule is how the alarms of one runbook behave.
type Rule struct {
	Cooldown     time.Duration // after an arrow into ALARM
	ResolveAfter time.Duration // without a match; 0 leaves it to an event
}

// Alarm is one runbook's alarm for one key. The zero Alarm is OK since ever.
type Alarm struct {
	State  State     // "" is OK
	Since  time.Time // of State
	Raised time.Time // the last arrow into ALARM
	Newest time.Time // the newest match
	// Answered is the time up to which matches count no longer: they belong to
	// an alarm that was resolved.
	Answered time.Time
}

// Input is what happens to an alarm. The zero Input is that time passes.
type Input struct {
	// Found is that the key is over its threshold, with this newest match.
	Found  bool
	Newest time.Time
	// Resolved is that the event came which ends it.
	Resolved bool
	// Blind and Seen are for a runbook's own alarm: the question could not be
	// asked, or could be again.
	Blind, Seen bool
}

// Transition is a change of state. The zero Transition is none.
type Transition struct {
	From, To State
	At       time.Time
	Reason   string
}

// Changed says whether there was one.
func (t Transition) Changed() bool { return t.To != "" }

// Responds says whether it starts a run.
func (t Transition) Responds() bool { return t.To == Raised }

// Step is the machine. now never goes backwards for one alarm, except that a
// late finding may have an earlier one: it is then taken as of Since.
func Step(r Rule, a Alarm, now time.Time, in Input) (Alarm, Transition) {
	if a.State == "" {
		a.State = OK
	}
	if now.Before(a.Since) {
		if in.Resolved {
			return a, Transition{} // it ended what was there before
		}
		now = a.Since
	}
	if in.Found && in.Newest.After(a.Newest) {
		a.Newest = in.Newest
	}
	switch {
	case in.Blind:
		if a.State == OK {
			return a.to(InsufficientData, now, "the runbook could not be evaluated")
		}
	case in.Seen:
		if a.State == InsufficientData {
			return a.to(OK, now, "the runbook is evaluated again")
		}
	case in.Resolved:
		if a.State == Raised || a.State == Pending {
			a.Answered = now
			return a.to(OK, now, "resolved by an event")
		}
	case in.Found:
		switch {
		case a.State == Raised, a.State == InsufficientData:
		case a.cooling(r, now):
			if a.State == OK {
				return a.to(Pending, now, "found again during the cooldown")
			}
		default:
			a.Raised = now
			return a.to(Raised, now, "the threshold was reached")
		}
	default:
		return a.pass(r, now)
	}
	return a, Transition{}
}

// pass is time passing, without a finding.
func (a Alarm) pass(r Rule, now time.Time) (Alarm, Transition) {
	switch a.State {
	case Raised:
		if end, ok := a.Deadline(r); ok && !now.Before(end) {
			end = later(end, a.Since)
			a.Answered = end
			return a.to(OK, end, "no match for "+r.ResolveAfter.String())
		}
	case Pending:
		if !a.cooling(r, now) {
			return a.to(OK, now, "not found any more after the cooldown")
		}
	}
	return a, Transition{}
}

// Deadline is when time passing changes the alarm, if it ever does. A PENDING
// alarm must then be evaluated, and Step told what was found.
func (a Alarm) Deadline(r Rule) (time.Time, bool) {
	switch {
	case a.State == Raised && r.ResolveAfter > 0:
		return later(a.Newest, a.Raised).Add(r.ResolveAfter), true
	case a.State == Pending:
		return a.Raised.Add(r.Cooldown), true
	}
	return time.Time{}, false
}

// Settled says whether the alarm can be forgotten at the time now: a new one in
// its place would do the same, if no match before now - window counts.
func (a Alarm) Settled(r Rule, now time.Time, window time.Duration) bool {
	return (a.State == OK || a.State == "") && !a.cooling(r, now) && !a.Answered.After(now.Add(-window))
}

func (a Alarm) cooling(r Rule, now time.Time) bool {
	return !a.Raised.IsZero() && now.Before(a.Raised.Add(r.Cooldown))
}

func (a Alarm) to(s State, now time.Time, reason string) (Alarm, Transition) {
	t := Transition{From: a.State, To: s, At: now, Reason: reason}
	a.State, a.Since = s, now
	return a, t
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// ID is the name of the alarm of a runbook and key: the same key has the same
// name for ever, and the name can be typed.
func ID(runbook, key string) string {
	sum := sha256.Sum256([]byte(key))
	return fmt.Sprintf("%s.%s", runbook, hex.EncodeToString(sum[:5]))
}

// OwnID is the name of a runbook's own alarm, that of its evaluation.
func OwnID(runbook string) string { return runbook }

// RunID is the name of the run that answers the alarm raised at a time. The
// same transition, found again after a crash, has the same run.
func RunID(alarm string, raised time.Time) string {
	return fmt.Sprintf("%s.%s", alarm, raised.UTC().Format("20060102T150405.000000"))
}
