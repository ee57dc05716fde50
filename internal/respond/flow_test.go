package respond

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

var origin = event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "123456789012"}

var admin = event.UserIdentity{Type: "IAMUser", ARN: "arn:aws:iam::123456789012:user/root", UserName: "root"}

// world is what outlives a Responder: its trail, its store, the gate and the
// receivers.
type world struct {
	t         *testing.T
	trail     *memTrail
	store     *memStore
	gate      *fakeGate
	receivers *fakeReceivers
	engine    *goEngine
	rbs       []*runbook.Runbook
}

func newWorld(t *testing.T, rbs ...*runbook.Runbook) *world {
	w := &world{t: t, trail: newTrail(), store: newStore(), gate: newGate(), receivers: &fakeReceivers{}, rbs: rbs}
	w.engine = &goEngine{entries: w.trail.all}
	return w
}

// enable enables all runbooks in a mode.
func (w *world) enable(mode runbook.Mode) {
	for _, rb := range w.rbs {
		if err := w.store.Update(w.t.Context(), func(tx state.Tx) error {
			return tx.Runbooks().Put(state.Runbook{ID: rb.ID, Enabled: true, Mode: string(mode)})
		}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// start runs a Responder until stop is called or the test ends.
func (w *world) start() (r *Responder, stop func()) {
	r = New(Deps{
		Store: w.store, Trail: w.trail, Origin: origin, Engine: w.engine, Runbooks: w.rbs, Notifier: w.receivers,
		Actions: action.New(action.Deps{Sessions: w.gate, Locks: w.gate, Now: time.Now,
			Gone: func(err error) bool { return err == errNotLive }, Ended: func(context.Context, string) bool { return true }}),
		Log: slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(w.t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.Run(ctx) }()
	return r, func() { cancel(); <-done }
}

// happen appends an event of a session.
func (w *world) happen(who, session string, mfa bool, e event.Event) {
	m := event.Meta{Time: time.Now(), SourceIP: "198.51.100.9",
		Identity: event.UserIdentity{Type: "IAMUser", UserName: who, ARN: "arn:aws:iam::123456789012:user/" + who}}
	if session != "" {
		m.Session = &event.Session{ID: session, Target: "web1", Login: "deploy", MFA: mfa}
	}
	w.put(m, e)
}

func (w *world) put(m event.Meta, e event.Event) {
	w.t.Helper()
	b, err := json.Marshal(origin.Record(m, e))
	if err != nil {
		w.t.Fatal(err)
	}
	w.trail.put(b, time.Now())
}

// deny appends n denials from a source, d apart.
func (w *world) deny(source string, n int, d time.Duration) {
	for range n {
		w.put(event.Meta{Time: time.Now(), SourceIP: source, ErrorCode: event.AccessDenied,
			Identity: event.UserIdentity{Type: "IAMUser", UserName: "mallory", ARN: "arn:aws:iam::123456789012:user/mallory"}},
			event.AuthorizeSecurityGroupIngress{Target: "web1", Login: "root"})
		time.Sleep(d)
	}
}

func (w *world) alarms() (all []state.Alarm) {
	w.t.Helper()
	if err := w.store.View(w.t.Context(), func(tx state.Tx) (err error) { all, err = tx.Alarms().List(); return err }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

func (w *world) runs() (all []state.Run) {
	w.t.Helper()
	if err := w.store.View(w.t.Context(), func(tx state.Tx) (err error) { all, err = tx.Runs().List(); return err }); err != nil {
		w.t.Fatal(err)
	}
	return all
}

// one is the only run there is.
func (w *world) one() state.Run {
	w.t.Helper()
	runs := w.runs()
	if len(runs) != 1 {
		w.t.Fatalf("%d runs, want one: %+v", len(runs), runs)
	}
	return runs[0]
}

func steps(run state.Run) string {
	var all []string
	for _, s := range run.Steps {
		all = append(all, s.ID+" "+s.State)
	}
	return strings.Join(all, ", ")
}

// story is what responses recorded, in order.
func (w *world) story() []string {
	w.t.Helper()
	var all []string
	for _, e := range w.trail.all() {
		rec, err := e.Record()
		if err != nil {
			w.t.Fatal(err)
		}
		request, response := texts(rec.RequestParameters), texts(rec.ResponseElements)
		line := strings.Join(slices.DeleteFunc([]string{rec.EventName, request["state"], request["step"], request["receiver"], response["result"]}, func(s string) bool { return s == "" }), " ")
		switch rec.EventName {
		case "SetAlarmState", "StartRun", "ExecuteStep", "EndRun", "SendNotification", "ReviewStep", "AcknowledgeAlarm", "DetectGap":
			all = append(all, line)
		}
	}
	return all
}

func settled() {
	time.Sleep(3 * time.Second)
	synctest.Wait()
}

func TestASessionWithoutMFAIsEndedAndAnotherLivesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "session-without-mfa"))
		w.enable(runbook.Enforce)
		r, stop := w.start()
		defer stop()
		settled()
		w.happen("ana", "s2", true, event.StartSession{})
		w.happen("bob", "s1", false, event.StartSession{})
		settled()
		if w.gate.ended["s1"] != 1 || w.gate.ended["s2"] != 0 {
			t.Errorf("ended %v, want s1 only", w.gate.ended)
		}
		run := w.one()
		if got, want := steps(run), "keep done, stop done, require done, tell done, fix waiting"; got != want || run.State != runContained {
			t.Errorf("run is %s: %s; want contained: %s", run.State, got, want)
		}
		for _, l := range w.gate.locks {
			if l.Match.Identity != "arn:aws:iam::123456789012:user/bob" || l.Effect != "require_mfa" || l.Run != run.ID {
				t.Errorf("lock %+v, want require_mfa of bob", l)
			}
		}
		want := []string{"SetAlarmState ALARM", "StartRun", "ExecuteStep keep done", "ExecuteStep stop running", "ExecuteStep stop done",
			"ExecuteStep require running", "ExecuteStep require done", "ExecuteStep tell running", "SendNotification security", "ExecuteStep tell done", "ExecuteStep fix waiting"}
		if got := w.story(); !slices.Equal(got, want) {
			t.Errorf("story %q, want %q", got, want)
		}
		w.happen("bob", "s1", false, event.EndSession{})
		settled()
		if a := w.alarms(); len(a) != 1 || a[0].State != string(alarm.OK) || a[0].Key != "s1" || a[0].Fields["userName"] != "bob" {
			t.Errorf("alarms %+v, want s1's, OK", a)
		}
		if err := r.Ack(t.Context(), run.Alarm, "seen", admin); err != nil {
			t.Error(err)
		}
		if err := r.Done(t.Context(), run.ID, "fix", "policy fixed", admin); err != nil {
			t.Error(err)
		}
		if run = w.one(); run.State != runClosed || run.Steps[4].State != stepDone || !strings.Contains(run.Steps[4].Detail, "policy fixed") {
			t.Errorf("run %+v, want closed with the note", run)
		}
		if a := w.alarms()[0]; a.AckedBy != admin.ARN || a.Note != "seen" {
			t.Errorf("alarm %+v, want it acknowledged", a)
		}
		if got := w.story(); !slices.Equal(got[len(got)-4:], []string{"SetAlarmState OK", "AcknowledgeAlarm", "ReviewStep fix", "EndRun done"}) {
			t.Errorf("story %q", got)
		}
	})
}

// A LIMIT hides nothing.
func TestASurgeIsFoundBehindOtherDenials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "denied-surge"))
		w.enable(runbook.Enforce)
		_, stop := w.start()
		defer stop()
		settled()
		for i := range 5 {
			w.deny(fmt.Sprintf("203.0.113.%d", i+1), 12, time.Millisecond)
		}
		w.deny("198.51.100.9", 500, time.Millisecond)
		time.Sleep(6 * time.Minute) // and the schedule comes by
		synctest.Wait()
		a := w.alarms()
		if len(a) != 1 || a[0].Key != "198.51.100.9" || a[0].Matches != 500 {
			t.Fatalf("alarms %+v, want one of the source with 500 matches", a)
		}
		if len(a[0].EventIDs) > maxListed {
			t.Errorf("the alarm lists %d events", len(a[0].EventIDs))
		}
		if w.one(); w.gate.made != 1 {
			t.Errorf("%d locks, want one throttle", w.gate.made)
		}
	})
}

func TestModes(t *testing.T) {
	for mode, want := range map[runbook.Mode]string{
		runbook.Observe: "keep done, stop observed, require observed, tell done, fix waiting",
		runbook.Propose: "keep done, stop proposed, require proposed, tell done, fix waiting",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, shipped(t, "session-without-mfa"))
			if mode != runbook.Observe {
				w.enable(mode)
			} // a shipped runbook observes
			_, stop := w.start()
			defer stop()
			w.happen("bob", "s1", false, event.StartSession{})
			settled()
			if got := steps(w.one()); got != want {
				t.Errorf("%s: %s, want %s", mode, got, want)
			}
			if len(w.gate.ended)+w.gate.made != 0 {
				t.Errorf("%s acted: %v, %d locks", mode, w.gate.ended, w.gate.made)
			}
		})
	}
}

func TestARunbookThatIsDisabledDoesNothingAndCanBeEnabledWhileRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "session-without-mfa"))
		r, stop := w.start()
		defer stop()
		settled()
		if err := r.Disable(t.Context(), "session-without-mfa", admin); err != nil {
			t.Fatal(err)
		}
		settled()
		w.happen("bob", "s1", false, event.StartSession{})
		settled()
		if len(w.runs()) != 0 {
			t.Fatal("a disabled runbook ran")
		}
		if err := r.Enable(t.Context(), "session-without-mfa", runbook.Enforce, nil, admin); err != nil {
			t.Fatal(err)
		}
		settled()
		w.happen("eve", "s3", false, event.StartSession{})
		settled()
		if w.gate.ended["s3"] != 1 {
			t.Errorf("ended %v, want s3", w.gate.ended)
		}
		if len(w.trail.named(t, "EnableRunbook")) != 1 || len(w.trail.named(t, "DisableRunbook")) != 1 {
			t.Error("enabling and disabling are not in the trail")
		}
		infos, err := r.Runbooks(t.Context())
		if err != nil || len(infos) != 1 || !infos[0].Enabled || infos[0].Mode != runbook.Enforce {
			t.Errorf("Runbooks() = %+v, %v", infos, err)
		}
	})
}

func TestHistoryNeverTriggers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, shipped(t, "session-without-mfa"))
		w.enable(runbook.Enforce)
		w.happen("bob", "old", false, event.StartSession{})
		time.Sleep(time.Hour)
		rec := origin.Record(event.Meta{Time: time.Now(), Session: &event.Session{ID: "seeded"}}, event.StartSession{})
		rec.ServiceEventDetails = []byte(`{"demo":true}`)
		if _, err := w.trail.Append(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		_, stop := w.start()
		defer stop()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if len(w.runs()) != 0 {
			t.Errorf("history started %+v", w.runs())
		}
	})
}

func TestResponsesAreInvisibleToRunbooks(t *testing.T) {
	loop := load(t, `
id: loop
query: SELECT * FROM CloudTrailLogs WHERE eventSource LIKE '%ssh%'
respond: {mode: enforce, steps: [{id: keep, evidence: [matches]}, {id: lock, action: lock_identity, with: {identity: "${userArn}"}}]}
`)
	watch := load(t, `
id: watch
query: SELECT * FROM CloudTrailLogs WHERE eventName = 'StartRun'
respond: {steps: [{id: keep, evidence: [matches]}]}
`)
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, loop, watch)
		_, stop := w.start()
		defer stop()
		settled()
		w.happen("bob", "", false, event.Login{})
		time.Sleep(time.Minute)
		synctest.Wait()
		ids := map[string]int{}
		for _, run := range w.runs() {
			ids[run.Runbook]++
		}
		if ids["loop"] != 1 || ids["watch"] != 1 {
			t.Errorf("runs %v, want one of loop and one of watch", ids)
		}
	})
}
