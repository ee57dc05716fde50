package runbook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

func mustLoad(t testing.TB, file string) *Runbook {
	t.Helper()
	rb, err := Load("f.yaml", []byte(file))
	if err != nil {
		t.Fatal(err)
	}
	return rb
}

func denied(threshold int) string {
	return fmt.Sprintf("id: a\nquery: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied' LIMIT 3\nwindow: 1m\nkey: [sourceIPAddress]\nthreshold: %d\n", threshold)
}

// denial is an event from a source.
func denial(t testing.TB, seq int, at time.Time, source, code string) Event {
	t.Helper()
	b, err := json.Marshal(map[string]any{"eventID": fmt.Sprintf("e%d", seq), "eventName": "Login", "errorCode": code, "sourceIPAddress": source})
	if err != nil {
		t.Fatal(err)
	}
	ev, err := NewEvent(event.Entry{Seq: uint64(seq), AppendTime: at, JSON: b})
	if err != nil {
		t.Fatal(err)
	}
	return ev
}

// A Window finds at every event what Evaluate finds, of the keys that had a
// match since.
func TestTheWindowFindsWhatEvaluateFinds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rb := mustLoad(t, denied(rapid.IntRange(1, 4).Draw(rt, "threshold")))
		w := NewWindow(rb, DefaultLimits)
		var events []Event
		at := Epoch
		for i := range rapid.IntRange(1, 80).Draw(rt, "events") {
			at = at.Add(time.Duration(rapid.IntRange(0, 30).Draw(rt, "gap")) * time.Second)
			ev := denial(t, i+1, at, rapid.SampledFrom([]string{"a", "b", "c"}).Draw(rt, "source"), rapid.SampledFrom([]string{"AccessDenied", "x"}).Draw(rt, "code"))
			events = append(events, ev)
			var key string
			if m, ok := rb.Match(ev); ok {
				w.Add(m)
				key = m.Key
			}
			want := slices.DeleteFunc(rb.Evaluate(at, events, nil), func(f Finding) bool { return f.Key != key })
			got := w.Find(at)
			if fmt.Sprint(got) != fmt.Sprint(want) {
				rt.Fatalf("at event %d: the window finds %v, Evaluate %v", i+1, got, want)
			}
			for _, k := range []string{"a", "b", "c"} {
				f, ok := w.Key(k, at)
				if found := slices.ContainsFunc(rb.Evaluate(at, events, nil), func(f Finding) bool { return f.Key == k }); found != ok {
					rt.Fatalf("at event %d: Key(%s) = %v, %v; Evaluate %v", i+1, k, f, ok, found)
				}
			}
		}
	})
}

func TestTheLimitCapsWhatIsShownAndHidesNothing(t *testing.T) {
	rb := mustLoad(t, denied(1))
	if strings.Contains(rb.Detection().Text(), "LIMIT") {
		t.Errorf("detection runs %s", rb.Detection().Text())
	}
	w := NewWindow(rb, DefaultLimits)
	for i := range 10 {
		m, _ := rb.Match(denial(t, i+1, Epoch.Add(time.Duration(i)), "a", "AccessDenied"))
		w.Add(m)
	}
	f := w.Find(Epoch.Add(time.Second))
	if len(f) != 1 || f[0].Matches != 10 || !slices.Equal(f[0].EventIDs, []string{"e8", "e9", "e10"}) {
		t.Errorf("found %+v, want ten matches and the newest three of them", f)
	}
}

// Whoever may put events into the trail writes what they like: it triggers and
// ends nothing, live or asked of an engine, unless a runbook asks for it by name.
func TestEventsFromOutsideTriggerNothing(t *testing.T) {
	told := func(category string) Event {
		text := `{"eventID":"e1","eventName":"Login","eventSource":"an-ssh-app","errorCode":"AccessDenied","sourceIPAddress":"192.0.2.1","eventCategory":"` + category + `"}`
		ev, err := NewEvent(event.Entry{Seq: 1, AppendTime: Epoch, JSON: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		return ev
	}
	const resolve = "alarm: {resolve: {event: \"eventName = 'Login'\"}}\n"
	rb := mustLoad(t, denied(1)+resolve)
	for category, want := range map[string]bool{"Management": true, "ActivityAuditLog": false} {
		ev := told(category)
		_, matches := rb.Match(ev)
		_, resolves := rb.Resolves(ev)
		if found := len(rb.Evaluate(Epoch, []Event{ev}, nil)) > 0; matches != want || resolves != want || rb.Candidate(ev) != want || found != want {
			t.Errorf("%s: matches %v, resolves %v, candidate %v, found %v, want %v", category, matches, resolves, rb.Candidate(ev), found, want)
		}
	}
	for _, query := range []string{denied(1), "id: a\nquery: SELECT sourceIPAddress, count(*) AS n FROM CloudTrailLogs GROUP BY sourceIPAddress\nwindow: 1m\nkey: [sourceIPAddress]\n"} {
		if text := mustLoad(t, query).Detection().Print(sqlfront.DuckDB, sqlfront.PrintOptions{}); !strings.Contains(text, "ActivityAuditLog") {
			t.Errorf("detection runs %s, want events from outside left out", text)
		}
	}
	named := strings.Replace(denied(1), "WHERE", "WHERE eventCategory = 'ActivityAuditLog' AND", 1)
	if _, ok := mustLoad(t, named).Match(told("ActivityAuditLog")); !ok {
		t.Error("a runbook that asks for events from outside gets none")
	}
}

func TestAWindowThatIsFullSaysWhatItLost(t *testing.T) {
	rb := mustLoad(t, denied(2))
	w := NewWindow(rb, Limits{Keys: 10, Matches: 1000, Each: 10})
	at := Epoch
	for i := range 25 {
		at = at.Add(time.Second)
		m, _ := rb.Match(denial(t, i+1, at, fmt.Sprint(i), "AccessDenied"))
		w.Add(m)
	}
	lost, ok := w.Lost()
	if !ok || lost.Keys != 15 || !lost.First.Equal(Epoch.Add(time.Second)) || !lost.Last.Equal(Epoch.Add(15*time.Second)) {
		t.Errorf("lost %+v, %v; want fifteen keys and their times", lost, ok)
	}
	if _, again := w.Lost(); again {
		t.Error("the same loss is told twice")
	}
	at = at.Add(2 * time.Minute) // all have left the window: nothing is lost
	m, _ := rb.Match(denial(t, 99, at, "new", "AccessDenied"))
	w.Add(m)
	if _, ok := w.Lost(); ok || len(w.keys) != 1 || w.total != 1 {
		t.Errorf("%d keys and %d matches are kept, want the new one and no loss", len(w.keys), w.total)
	}
}

func TestOneKeyCannotFillTheWindow(t *testing.T) {
	rb := mustLoad(t, denied(3))
	w := NewWindow(rb, Limits{Keys: 10, Matches: 100, Each: 10})
	for i := range 500 {
		m, _ := rb.Match(denial(t, i+1, Epoch.Add(time.Duration(i)*time.Microsecond), "a", "AccessDenied"))
		w.Add(m)
	}
	if f, ok := w.Key("a", Epoch.Add(time.Second)); !ok || f.Matches != 13 || w.total != 13 {
		t.Errorf("found %+v, %v with %d kept", f, ok, w.total)
	}
	if _, ok := w.Lost(); ok {
		t.Error("a key that is over its threshold anyway was told as lost")
	}
}

func TestTemplatesAreNotLookedAtTwice(t *testing.T) {
	tpl, bad, _ := parseTemplate("end ${sessionId} of ${userIdentity.userName}")
	if bad != "" {
		t.Fatal(bad)
	}
	got, missing := tpl.Render(map[string]string{"sessionId": "${userArn}\x1b[31m\n", "userArn": "x"})
	if want := "end ${userArn} [31m  of "; got != want || !slices.Equal(missing, []string{"userIdentity.userName"}) {
		t.Errorf("rendered %q, missing %v; want %q", got, missing, want)
	}
}

func FuzzTemplate(f *testing.F) {
	f.Add("${a}", "v")
	f.Add("x${a.b}${", "${a}")
	f.Fuzz(func(t *testing.T, text, value string) {
		tpl, bad, at := parseTemplate(text)
		if bad != "" {
			if !strings.HasPrefix(text[at:], bad) {
				t.Fatalf("%q is not at %d of %q", bad, at, text)
			}
			return
		}
		fields := map[string]string{}
		for _, r := range tpl.Refs() {
			fields[r] = value
		}
		got, _ := tpl.Render(fields)
		if len(tpl.Refs()) == 0 && got != text {
			t.Fatalf("%q became %q", text, got)
		}
	})
}

func TestKeysOfSeveralColumnsCannotBeConfused(t *testing.T) {
	if keyOf([]string{"a,b", "c"}) == keyOf([]string{"a", "b,c"}) || keyOf([]string{`a\`, "b"}) == keyOf([]string{`a`, `\b`}) {
		t.Error("two keys have the same text")
	}
}

func TestLintSaysHowARunbookIsEvaluated(t *testing.T) {
	for file, want := range map[string]string{
		denied(2): "live and exact",
		denied(2) + "trigger: {event: eventName = 'Login'}\n":                                                                 "a threshold reached at another event is not found",
		denied(2) + "trigger: {event: eventName = 'Login', every: 1m}\n":                                                      "are found every 1m",
		"id: a\nquery: SELECT userName, count(*) AS n FROM CloudTrailLogs GROUP BY userName\nkey: [userName]\n":               "evaluated by the schedule, every 5m, and not live: the query joins events together",
		"id: a\nquery: SELECT * FROM CloudTrailHistory\nwindow: 1m\n":                                                         "looks beyond the window",
		denied(1) + "respond: {steps: [{id: a, action: lock_identity, with: {identity: x}}]}\n":                               "no evidence is kept first",
		denied(1) + "respond: {steps: [{id: a, action: lock_identity, with: {identity: x}}, {id: b, evidence: [matches]}]}\n": "evidence comes before containment",
	} {
		var said []string
		for _, n := range Lint(mustLoad(t, file), "") {
			said = append(said, n.Text)
		}
		if !strings.Contains(strings.Join(said, "\n"), want) {
			t.Errorf("lint of\n%s\nsays %q, want %q", file, said, want)
		}
	}
}

func BenchmarkEvaluateLive(b *testing.B) {
	rb := mustLoad(b, denied(20))
	w := NewWindow(rb, DefaultLimits)
	events := make([]Event, 1024)
	for i := range events {
		events[i] = denial(b, i+1, Epoch.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i%64), "AccessDenied")
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		ev := events[i%len(events)]
		ev.At = Epoch.Add(time.Duration(i) * time.Millisecond)
		if m, ok := rb.Match(ev); ok {
			w.Add(m)
			w.Find(ev.At)
		}
		i++
	}
}
