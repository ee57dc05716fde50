package respond

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/trail"
)

// crash makes the n-th thing that the store, the trail, the gate or a receiver
// does the last one of this life: it fails, before or after it took effect, and
// so does everything after it until the world is started again.
type crash struct {
	after int64
	ops   atomic.Int64
	dead  atomic.Bool
}

func (c *crash) op() error {
	if c.dead.Load() {
		return errFault
	}
	if c.ops.Add(1) > c.after {
		c.dead.Store(true)
		return errFault
	}
	return nil
}

func (c *crash) into(w *world) {
	w.store.fault = func(bool) error { return c.op() }
	w.trail.fault = func(event.Record, bool) error { return c.op() }
	w.gate.fault = func(bool) error { return c.op() }
	w.receivers.fault = c.op
}

func (w *world) heal() {
	w.store.fault, w.trail.fault, w.gate.fault, w.receivers.fault = nil, nil, nil, nil
}

// A run that is cut anywhere, at every append, transaction, act and
// notification, before and after it took effect, is carried out once all the
// same.
func TestACrashAnywhereInARunLosesNothingAndDoesNothingTwice(t *testing.T) {
	rb := shipped(t, "session-without-mfa")
	for n := int64(0); ; n++ {
		cut := false
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, rb)
			w.enable(runbook.Enforce)
			_, stop := w.start()
			settled()
			stop()
			c := &crash{after: n}
			c.into(w)
			_, stop = w.start()
			w.happen("bob", "s1", false, event.StartSession{})
			time.Sleep(10 * time.Millisecond)
			settled()
			cut = c.dead.Load()
			stop()

			w.heal()
			_, stop = w.start()
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			stop()
			where := fmt.Sprintf("cut at operation %d", n)
			if len(w.gate.ended) != 1 || w.gate.ended["s1"] != 1 {
				t.Errorf("%s: sessions ended %v, want s1 once", where, w.gate.ended)
			}
			if w.gate.made != 1 {
				t.Errorf("%s: %d locks, want 1", where, w.gate.made)
			}
			if len(w.receivers.got) != 1 {
				t.Errorf("%s: messages %v, want one webhook-id", where, w.receivers.got)
			}
			run := w.one()
			if got, want := steps(run), "keep done, stop done, require done, tell done, fix waiting"; got != want {
				t.Errorf("%s: %s, want %s", where, got, want)
			}
			story := w.story()
			for _, line := range []string{"SetAlarmState ALARM", "StartRun", "ExecuteStep keep done", "ExecuteStep stop running", "ExecuteStep stop done",
				"ExecuteStep require done", "ExecuteStep tell done", "ExecuteStep fix waiting"} {
				if count := countOf(story, line); count != 1 {
					t.Errorf("%s: %q is %d times in the trail, want once: %q", where, line, count, story)
				}
			}
			if i, j := slices.Index(story, "ExecuteStep stop running"), slices.Index(story, "ExecuteStep stop done"); i > j {
				t.Errorf("%s: the act is recorded after what came of it: %q", where, story)
			}
		})
		if t.Failed() || !cut {
			t.Logf("%d operations", n)
			return
		}
	}
}

func countOf(story []string, line string) (n int) {
	for _, s := range story {
		if s == line {
			n++
		}
	}
	return n
}

// Acts that only restrict go ahead while the trail is down, and are recorded
// when it is back.
func TestContainmentGoesAheadWhileTheTrailIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "session-without-mfa"))
		w.enable(runbook.Enforce)
		_, stop := w.start()
		defer stop()
		settled()
		var down atomic.Bool
		down.Store(true)
		w.trail.fail(func(_ event.Record, appended bool) error {
			if down.Load() && !appended {
				return trail.ErrUnavailable
			}
			return nil
		})
		w.happen("bob", "s1", false, event.StartSession{})
		time.Sleep(100 * time.Millisecond)
		synctest.Wait()
		if w.gate.ended["s1"] != 1 || w.gate.made != 1 {
			t.Errorf("ended %v, %d locks: containment waited for the trail", w.gate.ended, w.gate.made)
		}
		if len(w.receivers.got) != 0 {
			t.Error("a notification did not wait for the trail")
		}
		settled()
		if got := w.story(); len(got) != 0 {
			t.Fatalf("story %q of a trail that is down", got)
		}
		down.Store(false)
		settled()
		want := []string{"SetAlarmState ALARM", "StartRun", "ExecuteStep keep done", "ExecuteStep stop running", "ExecuteStep stop done", "ExecuteStep require running", "ExecuteStep require done"}
		if got := w.story(); !slices.Equal(got[:min(len(got), len(want))], want) || countOf(got, "ExecuteStep tell done") != 1 {
			t.Errorf("story %q, want it to begin with %q", got, want)
		}
		if got := steps(w.one()); got != "keep done, stop done, require done, tell done, fix waiting" || w.gate.ended["s1"] != 1 {
			t.Errorf("%s, ended %v", got, w.gate.ended)
		}
	})
}

// An engine that is dead blinds no live trigger; the schedule says what it
// could not look at, and looks at it as soon as it can.
func TestADeadEngineLeavesLiveDetectionAndIsCaughtUpWith(t *testing.T) {
	narrow := load(t, `
id: narrow
query: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied'
window: 1m
key: [sourceIPAddress]
trigger: {event: eventName = 'Login', every: 1m}
respond: {steps: [{id: keep, evidence: [matches]}]}
`)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "session-without-mfa"), narrow)
		w.enable(runbook.Enforce)
		w.engine.set(true)
		_, stop := w.start()
		defer stop()
		time.Sleep(61 * time.Second)
		w.happen("bob", "s1", false, event.StartSession{})
		w.deny("198.51.100.9", 1, 0) // only the schedule looks at it
		settled()
		if w.gate.ended["s1"] != 1 {
			t.Error("live detection waited for the engine")
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if n := len(w.trail.named(t, "DetectGap")); n != 2 {
			t.Errorf("%d DetectGap, want one for each runbook with a schedule", n)
		}
		blind := 0
		for _, a := range w.alarms() {
			if a.State == string(alarm.InsufficientData) && a.ID == alarm.OwnID(a.Runbook) {
				blind++
			}
			if a.Key == "198.51.100.9" {
				t.Error("found without an engine")
			}
		}
		if blind != 2 {
			t.Errorf("%d runbooks are INSUFFICIENT_DATA, want 2: %+v", blind, w.alarms())
		}
		w.engine.set(false)
		settled()
		found := false
		for _, a := range w.alarms() {
			found = found || a.Key == "198.51.100.9"
			if a.State == string(alarm.InsufficientData) {
				t.Errorf("%s is still INSUFFICIENT_DATA", a.ID)
			}
		}
		if !found {
			t.Errorf("what happened while the engine was dead is not found: %+v", w.alarms())
		}
	})
}

func TestDowntimeIsCaughtUpWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "denied-surge"))
		w.enable(runbook.Enforce)
		_, stop := w.start()
		w.deny("198.51.100.9", 15, time.Second)
		settled()
		stop()
		w.deny("198.51.100.9", 4, time.Second) // while nobody looks
		_, stop = w.start()
		settled()
		if len(w.runs()) != 0 {
			t.Fatal("19 denials are a surge")
		}
		w.deny("198.51.100.9", 1, time.Second)
		settled()
		if w.one(); w.gate.made != 1 {
			t.Errorf("%d locks, want 1: the window did not survive the restart", w.gate.made)
		}
		stop()
		time.Sleep(48 * time.Hour)
		w.deny("203.0.113.9", 1, time.Second)
		_, stop = w.start()
		defer stop()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		gaps := 0
		for _, rec := range w.trail.named(t, "DetectGap") {
			if texts(rec.RequestParameters)["reason"] != "" {
				gaps++
			}
		}
		if gaps == 0 {
			t.Error("two days nobody looked at are no DetectGap")
		}
	})
}

func TestANotificationIsTriedAgainAndItsFailureShowsInTheAlarm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "session-without-mfa"))
		w.enable(runbook.Enforce)
		var left atomic.Int64
		left.Store(2)
		w.receivers.fault = func() error {
			if left.Add(-1) >= 0 {
				return &action.Failure{Status: 503, Cause: "answered 503"}
			}
			return nil
		}
		_, stop := w.start()
		defer stop()
		settled()
		w.happen("bob", "s1", false, event.StartSession{})
		time.Sleep(30 * time.Second)
		synctest.Wait()
		if run := w.one(); run.Steps[3].State != stepDone || run.Steps[3].Attempts != 2 || len(w.receivers.got) != 1 {
			t.Errorf("step %+v, messages %v; want it told at the third attempt", run.Steps[3], w.receivers.got)
		}
		w.receivers.fail(func() error { return &action.Failure{Status: 410, Final: true, Cause: "answered 410 Gone"} })
		w.happen("bob", "s2", false, event.StartSession{})
		settled()
		for _, a := range w.alarms() {
			if a.Key == "s2" && !strings.Contains(a.Fields["failed"], "410 Gone") {
				t.Errorf("alarm %+v does not show that notifying failed", a)
			}
		}
		if w.gate.ended["s2"] != 1 {
			t.Error("a receiver that is gone kept a session alive")
		}
	})
}

func TestAnActionThatKeepsFailingEndsFailed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "denied-surge"))
		w.enable(runbook.Enforce)
		w.gate.fault = func(acted bool) error {
			if !acted {
				return errors.New("disk full")
			}
			return nil
		}
		_, stop := w.start()
		defer stop()
		w.deny("198.51.100.9", 20, time.Millisecond)
		settled()
		if run := w.one(); run.State != runOpen || run.Steps[2].State != stepDone {
			t.Errorf("run %s: %s; want it open, and people told meanwhile", run.State, steps(run))
		}
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		run := w.one()
		if run.Steps[1].State != stepFailed || !strings.Contains(run.Steps[1].Detail, "disk full") || w.alarms()[0].Fields["failed"] == "" {
			t.Errorf("step %+v, alarm %+v; want failed with the cause in both", run.Steps[1], w.alarms()[0])
		}
	})
}

func TestAnAnswerTooLargeIsAskedForInHalves(t *testing.T) {
	rb := shipped(t, "denied-surge")
	w := newWorld(t, rb)
	for range 100 {
		w.put(event.Meta{Time: time.Now(), SourceIP: "198.51.100.9", ErrorCode: event.AccessDenied}, event.AuthorizeSecurityGroupIngress{Target: "web1"})
	}
	w.engine.rows = 7
	es := w.trail.all()
	trials, err := Trial(t.Context(), rb, es, oneEngine{w.engine})
	if err != nil {
		t.Fatal(err)
	}
	if len(trials.Oracle) != 1 || len(trials.Disagreements()) > 0 {
		t.Errorf("oracle %v, %v", trials.Oracle, trials.Disagreements())
	}
}

func TestRunNow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		rb := load(t, `
id: narrow
query: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied'
key: [sourceIPAddress]
trigger: {event: eventName = 'Login', every: 1d}
respond: {steps: [{id: keep, evidence: [matches]}]}
`)
		w := newWorld(t, rb)
		r, stop := w.start()
		defer stop()
		w.deny("198.51.100.9", 1, 0)
		settled()
		got, err := r.RunNow(t.Context(), "narrow")
		if want := alarm.ID("narrow", "198.51.100.9"); err != nil || !slices.Equal(got, []string{want}) {
			t.Errorf("RunNow = %v, %v, want %s", got, err, want)
		}
		if got, err := r.RunNow(t.Context(), "narrow"); err != nil || len(got) != 0 {
			t.Errorf("RunNow again = %v, %v, want nothing new", got, err)
		}
		if _, err := r.RunNow(t.Context(), "wide"); !errors.Is(err, ErrNoRunbook) {
			t.Errorf("err = %v, want ErrNoRunbook", err)
		}
	})
}

// oneEngine opens the same engine always.
type oneEngine struct{ e *goEngine }

func (o oneEngine) Open(context.Context, []event.Entry) (query.Engine, func() error, error) {
	return o.e, func() error { return nil }, nil
}
