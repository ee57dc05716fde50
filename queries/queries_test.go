package queries

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

var update = flag.Bool("update", false, "write the golden files anew")

const store = "3f5b1c2e-8a4d-5e6f-9b7a-1c2d3e4f5a6b"

// The test binary is its own query worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(duckdb.WorkerMain())
	}
	os.Exit(m.Run())
}

func library(t *testing.T) []Query {
	t.Helper()
	all, err := All()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestTheLibraryIsWhole(t *testing.T) {
	all := library(t)
	if len(all) < 40 {
		t.Errorf("%d saved queries, want 40 at least", len(all))
	}
	titles := map[string]string{}
	for _, q := range all {
		if q.Title == "" || q.Description == "" || !strings.HasSuffix(q.Description, ".") {
			t.Errorf("%s has title %q and description %q, want both, and a sentence", q.Name, q.Title, q.Description)
		}
		if other := titles[q.Title]; other != "" {
			t.Errorf("%s and %s are both called %q", q.Name, other, q.Title)
		}
		titles[q.Title] = q.Name
		if !strings.HasPrefix(q.SELECT(), "SELECT") && !strings.HasPrefix(q.SELECT(), "WITH") {
			t.Errorf("%s does not begin with SELECT: %.20s", q.Name, q.SELECT())
		}
		for _, p := range q.Statement.Parameters() {
			if p.Type == sqlfront.Unknown || !p.Optional || p.About == "" {
				t.Errorf("%s: its parameter %s needs a type, a default and a meaning", q.Name, p.Name)
			}
		}
		if err := q.Statement.Check(sqlfront.CloudTrailCatalog().WithStore(store)); err != nil {
			t.Errorf("%s: %v", q.Name, err)
		}
	}
}

// narrow are values for parameters by which a query shows less than it would.
var narrow = map[string]map[string]string{
	"session-events":   {"session": "s-2"},
	"aws-event":        {"event": "aws-0001"},
	"session-commands": {"identity": "ana"},
	"aws-old-tls":      {"older_than": "1.3"},
	"tunnels":          {"identity": "b%"},
}

// TestEveryQueryAnswers: each query over the shared fixture gives the rows of
// its golden file, and has some.
func TestEveryQueryAnswers(t *testing.T) {
	trail := querytest.NewTrail(t)
	trail.Append(fixture(t)...)
	trail.Seal(trail.Last() / 2) // half of it from Parquet
	e := duckdb.New(duckdb.Options{Command: []string{os.Args[0], "query-worker"}, Source: trail, EventsDir: trail.Dir, MemoryLimit: "512MB", Name: "test", Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("engine ended with %v", err)
		}
	})
	defer wg.Wait()
	defer cancel()
	waited, done := context.WithTimeout(ctx, time.Minute)
	defer done()
	if err := e.Wait(waited, trail.Last()); err != nil {
		t.Fatal(err)
	}
	var golden []string
	for _, q := range library(t) {
		golden = append(golden, q.Name+".jsonl")
		t.Run(q.Name, func(t *testing.T) {
			values := map[string]string{}
			for _, p := range q.Statement.Parameters() {
				if p.Name == "since" {
					values["since"] = "2026-11-01"
				}
			}
			for n, v := range narrow[q.Name] {
				values[n] = v
			}
			stmt, err := q.Statement.With(values)
			if err == nil {
				err = stmt.Check(sqlfront.CloudTrailCatalog().WithStore(store))
			}
			if err != nil {
				t.Fatal(err)
			}
			res, err := e.Query(t.Context(), query.Request{Statement: stmt})
			if err != nil {
				t.Fatal(err)
			}
			if len(res.Rows) == 0 {
				t.Error("no rows: the fixture must hold what the query asks for")
			}
			compare(t, filepath.Join("testdata", q.Name+".jsonl"), lines(t, res))
		})
	}
	files, err := os.ReadDir("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !slices.Contains(golden, f.Name()) {
			t.Errorf("testdata/%s is the answer of no query", f.Name())
		}
	}
}

// lines are the columns of an answer and its rows, a line of JSON each.
func lines(t *testing.T, res *query.Result) string {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	var names []string
	for _, c := range res.Columns {
		names = append(names, c.Name)
	}
	for _, line := range append([]any{names}, anys(res.Rows)...) {
		if err := enc.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func anys(rows [][]any) []any {
	out := make([]any, len(rows))
	for i, r := range rows {
		out[i] = r
	}
	return out
}

// TestThePageListsTheLibrary: the reference page is made from the queries.
func TestThePageListsTheLibrary(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- made by go test ./queries -update; do not edit -->\n# Saved queries\n\n" +
		"    trailgate query --saved sessions-of-identity --param identity=alice\n\n" +
		"Every parameter has a default; a text parameter that says so is a pattern of `LIKE`, with `%` for anything. A time is\n" +
		"`2026-11-20`, `2026-11-20T08:00:00Z`, or how long ago: `90m`, `24h`, `7d`, `2w`. The CloudTrail API serves the same\n" +
		"queries as SearchSampleQueries. [Ask the trail](../how-to/ask-the-trail.md) tells how to write your own.\n")
	heading := ""
	for _, aws := range []bool{false, true} {
		for _, q := range library(t) {
			if strings.HasPrefix(q.Name, "aws-") != aws {
				continue
			}
			if want := map[bool]string{false: "SSH, and the trail as a whole", true: "AWS, once its logs are imported"}[aws]; heading != want {
				heading = want
				b.WriteString("\n## " + heading + "\n\n| Query | Answers | Parameters |\n|---|---|---|\n")
			}
			var params []string
			for _, p := range q.Statement.Parameters() {
				value := p.Default
				if value == "" {
					value = "''"
				}
				params = append(params, "`"+p.Name+"="+value+"` "+p.About)
			}
			b.WriteString("| [`" + q.Name + "`](../../queries/" + q.Name + ".sql) | " + q.Title + ". " + q.Description + " | " + strings.Join(params, "; ") + " |\n")
		}
	}
	compare(t, "../docs/reference/saved-queries.md", b.String())
}

func compare(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the answer differs from %s (-want +got):\n%s", file, diff)
	}
}
