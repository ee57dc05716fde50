package respond

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/runbooks"
)

func load(t testing.TB, text string) *runbook.Runbook {
	t.Helper()
	rb, err := runbook.Load("test.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return rb
}

func shipped(t testing.TB, id string) *runbook.Runbook {
	t.Helper()
	all, err := runbooks.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, rb := range all {
		if rb.ID == id {
			return rb
		}
	}
	t.Fatalf("no runbook %s", id)
	return nil
}

func TestTheLibraryPassesItsOwnTests(t *testing.T) {
	all, err := runbooks.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, rb := range all {
		if live, _ := rb.Live(); live { // the others need DuckDB
			pass(t, rb, goEngines{})
		}
	}
}

func pass(t *testing.T, rb *runbook.Runbook, engines Engines) {
	t.Helper()
	report, err := Test(t.Context(), rb, engines)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range report.Tests {
		for _, p := range r.Problems {
			t.Errorf("%s: %s: %s", rb.ID, r.Name, p)
		}
	}
}

func TestATestThatIsWrongSaysHow(t *testing.T) {
	rb := load(t, `
id: denied
query: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied' LIMIT 1
key: [sourceIPAddress]
threshold: 2
respond: {steps: [{id: stop, action: terminate_session, with: {session: "${sessionId}"}}, {id: fix, manual: fix it}]}
tests:
  - name: too early
    events: [{at: 0s, every: 1s, count: 2, eventName: Login, errorCode: AccessDenied}]
    expect: {alarms: [{key: 192.0.2.1, at: 0s}], steps: [stop, fix]}
  - name: silent
    events: [{at: 0s, eventName: Login, errorCode: AccessDenied}]
    expect: {alarms: [{key: 192.0.2.1, at: 0s}]}
`)
	report, err := Test(t.Context(), rb, goEngines{})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Failed() {
		t.Fatal("the tests pass")
	}
	text := strings.Join(append(report.Tests[0].Problems, report.Tests[1].Problems...), "\n")
	for _, want := range []string{
		`expected an alarm for "192.0.2.1" at 0s, got "192.0.2.1" at 1s`,
		`an alarm for "192.0.2.1" at 1s was not expected`,
		`step stop would be refused for "192.0.2.1"`,
		`expected the steps stop, fix for "192.0.2.1", got fix`,
		`got none`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report does not say %s:\n%s", want, text)
		}
	}
}

func TestATriggerThatIsTooNarrowIsFound(t *testing.T) {
	rb := load(t, `
id: narrow
query: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied'
trigger: {event: eventName = 'Login'}
tests:
  - name: a
    events: [{at: 0s, eventName: OpenTunnel, errorCode: AccessDenied}]
    expect: {alarms: []}
`)
	report, err := Test(t.Context(), rb, goEngines{})
	if err != nil {
		t.Fatal(err)
	}
	if !report.Failed() || !strings.Contains(report.Tests[0].Problems[0], "trigger.event misses") {
		t.Errorf("report = %+v, want that trigger.event misses the alarm", report)
	}
}

// differential is a runbook with everything that could make the ways of
// evaluating differ, and a vocabulary of events for it.
const differential = `
id: differential
query: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied' AND userAgent != 'probe' LIMIT 3
window: %s
key: [sourceIPAddress, userName]
threshold: %d
trigger: {every: %s}
alarm: {cooldown: %s, resolve: {%s}}
`

// trace is a random trail: denials, near misses, resolutions and the events of
// responses, from few keys, so that windows fill, empty and overlap.
func trace(t *rapid.T) []event.Entry {
	n := rapid.IntRange(1, 60).Draw(t, "events")
	at := runbook.Epoch
	var all []event.Entry
	for i := range n {
		at = at.Add(rapid.SampledFrom([]time.Duration{0, time.Microsecond, time.Second, 7 * time.Second, 20 * time.Second, time.Minute, 3 * time.Minute}).Draw(t, "gap"))
		rec := map[string]any{
			"eventName":       rapid.SampledFrom([]string{"Login", "EndSession", "SetAlarmState"}).Draw(t, "name"),
			"eventID":         fmt.Sprintf("e%d", i),
			"sourceIPAddress": rapid.SampledFrom([]string{"10.0.0.1", "10.0.0.2", "10,0"}).Draw(t, "source"),
			"userAgent":       rapid.SampledFrom([]any{"ssh", "probe", nil}).Draw(t, "agent"),
			"errorCode":       rapid.SampledFrom([]any{"AccessDenied", "AccessDenied", nil}).Draw(t, "error"),
			"userIdentity":    map[string]any{"userName": rapid.SampledFrom([]any{"bob", nil}).Draw(t, "user"), "invokedBy": rapid.SampledFrom([]any{nil, nil, "runbook:x"}).Draw(t, "by")},
		}
		b, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, event.Entry{Seq: uint64(i + 1), AppendTime: at, JSON: b})
	}
	return all
}

func drawText(t *rapid.T) string {
	return fmt.Sprintf(differential,
		rapid.SampledFrom([]string{"10s", "1m", "5m"}).Draw(t, "window"),
		rapid.IntRange(1, 4).Draw(t, "threshold"),
		rapid.SampledFrom([]string{"30s", "1m", "10m"}).Draw(t, "every"),
		rapid.SampledFrom([]string{"0s", "15s", "2m"}).Draw(t, "cooldown"),
		rapid.SampledFrom([]string{"after: 20s", "after: 2m", `event: "eventName = 'EndSession'"`}).Draw(t, "resolve"))
}

// Promise 8: a runbook's schedule and its live trigger mean the same thing.
func TestLiveScheduleAndOracleAgreeOnRandomTrails(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rb, entries := load(t, drawText(rt)), trace(rt)
		trials, err := Trial(t.Context(), rb, entries, goEngines{})
		if err != nil {
			rt.Fatal(err)
		}
		if d := trials.Disagreements(); len(d) > 0 {
			rt.Fatalf("%s\nlive %s\nschedule %s\noracle %s", strings.Join(d, "\n"), listed(trials.Live), listed(trials.Schedule), listed(trials.Oracle))
		}
	})
}
