package respond

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/runbooks"
)

// The test binary is its own query worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(duckdb.WorkerMain())
	}
	os.Exit(m.Run())
}

// duckEngines are engines as the product has them.
type duckEngines struct{ t testing.TB }

func (d duckEngines) Open(ctx context.Context, events []event.Entry) (query.Engine, func() error, error) {
	exe, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	e := duckdb.New(duckdb.Options{Command: []string{exe, "query-worker"}, Source: Events(events), MemoryLimit: "256MB", Threads: 1, Name: "test"})
	done := make(chan error, 1) // told once
	go func() { done <- e.Run(ctx) }()
	return e, func() error { cancel(); return <-done }, nil
}

func TestTheLibraryPassesItsOwnTestsOnDuckDB(t *testing.T) {
	all, err := runbooks.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, rb := range all {
		pass(t, rb, duckEngines{t})
	}
}

// An aggregate is evaluated on its schedule only, by the engine.
func TestAnAggregateOnDuckDB(t *testing.T) {
	rb := load(t, `
id: spray
query: |
  SELECT sourceIPAddress, count(DISTINCT userName) AS people
  FROM CloudTrailLogs
  WHERE errorCode = 'AuthenticationFailed'
  GROUP BY sourceIPAddress
  HAVING count(DISTINCT userName) >= 3
  ORDER BY people DESC LIMIT 1
window: 5m
key: [sourceIPAddress]
trigger: {every: 1m}
respond: {steps: [{id: keep, evidence: [matches]}, {id: slow, action: throttle_source, with: {source: "${sourceIPAddress}"}}]}
tests:
  - name: a spray is found at the next tick, and the LIMIT hides no other
    events:
      - {at: 10s, every: 1s, count: 4, eventName: Login, errorCode: AuthenticationFailed, userName: "u${i}", sourceIPAddress: 198.51.100.9}
      - {at: 11s, every: 1s, count: 3, eventName: Login, errorCode: AuthenticationFailed, userName: "u${i}", sourceIPAddress: 198.51.100.8}
      - {at: 20s, every: 1s, count: 9, eventName: Login, errorCode: AuthenticationFailed, userName: one, sourceIPAddress: 198.51.100.7}
    expect: {alarms: [{key: 198.51.100.8, at: 1m}, {key: 198.51.100.9, at: 1m}], steps: [keep, slow]}
`)
	pass(t, rb, duckEngines{t})
}

// Promise 8 on the engine that people use. Few trails, because each needs an
// engine of its own; the meaning is tried on many against the engine in Go.
func TestLiveScheduleAndOracleAgreeOnDuckDB(t *testing.T) {
	for seed := range 6 {
		gen := rapid.Custom(func(rt *rapid.T) struct {
			rb      string
			entries []event.Entry
		} {
			return struct {
				rb      string
				entries []event.Entry
			}{drawText(rt), trace(rt)}
		})
		got := gen.Example(seed)
		trials, err := Trial(t.Context(), load(t, got.rb), got.entries, duckEngines{t})
		if err != nil {
			t.Fatal(err)
		}
		if d := trials.Disagreements(); len(d) > 0 {
			t.Errorf("seed %d: %s\n%s", seed, strings.Join(d, "\n"), got.rb)
		}
		want, err := Trial(t.Context(), load(t, got.rb), got.entries, goEngines{})
		if err != nil {
			t.Fatal(err)
		}
		if fmt.Sprint(trials.Oracle) != fmt.Sprint(want.Oracle) {
			t.Errorf("seed %d: DuckDB raises %v, Go %v", seed, trials.Oracle, want.Oracle)
		}
	}
}
