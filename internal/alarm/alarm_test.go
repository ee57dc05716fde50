package alarm

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

var t0 = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

func at(d time.Duration) time.Time { return t0.Add(d) }

func found(d time.Duration) Input { return Input{Found: true, Newest: at(d)} }

// walk steps an alarm through inputs and gives the states it came to.
type input struct {
	at   time.Duration
	in   Input
	want State
}

func walk(t *testing.T, r Rule, inputs []input) Alarm {
	t.Helper()
	var a Alarm
	runs := 0
	for _, i := range inputs {
		before := a.State
		next, tr := Step(r, a, at(i.at), i.in)
		if next.State != i.want {
			t.Errorf("at %v %+v: state = %v, want %v", i.at, i.in, next.State, i.want)
		}
		if tr.Changed() != (next.State != before && !(before == "" && next.State == OK)) {
			t.Errorf("at %v: transition %+v from %q to %q", i.at, tr, before, next.State)
		}
		if tr.Responds() {
			runs++
		}
		a = next
	}
	return a
}

const day = 24 * time.Hour

func TestFoundRaisesOnce(t *testing.T) {
	walk(t, Rule{Cooldown: time.Hour}, []input{
		{0, found(0), Raised},
		{1, found(1), Raised},
		{2, Input{}, Raised},
		{day, Input{}, Raised},
	})
}

func TestEventResolvesAndCooldownHoldsTheNextBack(t *testing.T) {
	walk(t, Rule{Cooldown: time.Hour}, []input{
		{0, found(0), Raised},
		{time.Minute, Input{Resolved: true}, OK},
		{2 * time.Minute, found(2 * time.Minute), Pending},
		{59 * time.Minute, Input{}, Pending},
		{time.Hour, found(time.Hour), Raised},
	})
}

func TestPendingEndsWhenNothingIsFoundAfterTheCooldown(t *testing.T) {
	walk(t, Rule{Cooldown: time.Hour}, []input{
		{0, found(0), Raised},
		{time.Minute, Input{Resolved: true}, OK},
		{2 * time.Minute, found(2 * time.Minute), Pending},
		{time.Hour, Input{}, OK},
	})
}

func TestPendingEndsByTheEvent(t *testing.T) {
	walk(t, Rule{Cooldown: time.Hour}, []input{
		{0, found(0), Raised},
		{1, Input{Resolved: true}, OK},
		{2, found(2), Pending},
		{3, Input{Resolved: true}, OK},
	})
}

func TestNoMatchForATimeResolves(t *testing.T) {
	a := walk(t, Rule{ResolveAfter: 10 * time.Minute}, []input{
		{0, found(0), Raised},
		{5 * time.Minute, found(5 * time.Minute), Raised},
		{14 * time.Minute, Input{}, Raised},
		{20 * time.Minute, Input{}, OK},
	})
	if want := at(15 * time.Minute); !a.Since.Equal(want) || !a.Answered.Equal(want) {
		t.Errorf("since %v, answered %v, want both %v: the alarm ends when the time is up, not when somebody looks", a.Since, a.Answered, want)
	}
}

func TestBlindAndSeen(t *testing.T) {
	walk(t, Rule{}, []input{
		{0, Input{Blind: true}, InsufficientData},
		{1, Input{Blind: true}, InsufficientData},
		{2, Input{Seen: true}, OK},
		{3, Input{Seen: true}, OK},
	})
}

func TestWhatIsResolvedIsAnswered(t *testing.T) {
	var a Alarm
	a, _ = Step(Rule{}, a, at(0), found(0))
	if !a.Answered.IsZero() {
		t.Errorf("an alarm in ALARM has answered %v, want nothing", a.Answered)
	}
	a, _ = Step(Rule{}, a, at(time.Second), Input{Resolved: true})
	if !a.Answered.Equal(at(time.Second)) {
		t.Errorf("answered %v, want the time of the resolution", a.Answered)
	}
}

func TestNamesAreStable(t *testing.T) {
	id := ID("denied-surge", "198.51.100.9")
	if id != ID("denied-surge", "198.51.100.9") || id == ID("denied-surge", "198.51.100.8") || id == OwnID("denied-surge") {
		t.Errorf("ID = %q is not the name of one alarm", id)
	}
	if RunID(id, at(0)) == RunID(id, at(time.Microsecond)) {
		t.Error("two transitions a microsecond apart have the same run")
	}
}

func TestResolutionOfWhatWasBeforeIsIgnored(t *testing.T) {
	walk(t, Rule{}, []input{
		{time.Minute, found(time.Minute), Raised},
		{time.Second, Input{Resolved: true}, Raised},
	})
}

func TestAPendingAlarmThatFadesAnsweredNothing(t *testing.T) {
	a := walk(t, Rule{Cooldown: time.Hour}, []input{
		{0, found(0), Raised},
		{time.Minute, Input{Resolved: true}, OK},
		{2 * time.Minute, found(2 * time.Minute), Pending},
		{time.Hour, Input{}, OK},
	})
	if !a.Answered.Equal(at(time.Minute)) {
		t.Errorf("answered %v, want what the alarm that was raised answered", a.Answered)
	}
}

// Whatever happens in whatever order: a run starts only on an arrow into
// ALARM, never twice within a cooldown, and an alarm that cannot change by
// itself has no deadline.
func TestInvariants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rule{
			Cooldown:     time.Duration(rapid.IntRange(0, 100).Draw(t, "cooldown")) * time.Second,
			ResolveAfter: time.Duration(rapid.IntRange(0, 100).Draw(t, "after")) * time.Second,
		}
		var a Alarm
		var last time.Time
		now := t0
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 40).Draw(t, "wait")) * time.Second)
			in := rapid.SampledFrom([]Input{{}, {Found: true, Newest: now}, {Resolved: true}, {Blind: true}, {Seen: true}}).Draw(t, "in")
			next, tr := Step(r, a, now, in)
			if tr.Responds() {
				if !last.IsZero() && tr.At.Before(last.Add(r.Cooldown)) {
					t.Fatalf("a run at %v, %v after the last one, cooldown %v", tr.At, tr.At.Sub(last), r.Cooldown)
				}
				last = tr.At
			}
			if tr.Changed() && tr.From == tr.To {
				t.Fatalf("transition from %v to itself", tr.From)
			}
			if next.State == Pending {
				if _, ok := next.Deadline(r); !ok {
					t.Fatal("a PENDING alarm waits for nothing")
				}
			}
			if d, ok := next.Deadline(r); ok {
				if settled, _ := Step(r, next, d, Input{}); settled.State != OK {
					t.Fatalf("at its deadline, without a finding, the alarm is %v, want OK", settled.State)
				}
			}
			a = next
		}
	})
}
