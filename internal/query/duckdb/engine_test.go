package duckdb

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// runEngine runs an engine over s for as long as the test.
func runEngine(t testing.TB, s *querytest.Trail) *Engine {
	return runEngineWith(t, s, func(*Options) {})
}

func runEngineWith(t testing.TB, s *querytest.Trail, change func(*Options)) *Engine {
	o := Options{
		Command:     []string{os.Args[0], "query-worker"},
		Source:      s,
		EventsDir:   s.Dir,
		MemoryLimit: "256MB",
		Name:        "test",
		Log:         slog.New(slog.DiscardHandler),
	}
	change(&o)
	e := New(o)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			t.Errorf("engine ended with %v", err)
		}
	})
	t.Cleanup(func() { cancel(); wg.Wait() })
	return e
}

func record(name string) string {
	return fmt.Sprintf(`{"eventVersion":"1.11","eventName":%q,"userIdentity":{"userName":"ana"}}`, name)
}

func (e *Engine) rows(ctx context.Context, text string) ([][]any, error) {
	r, _, err := e.ask(ctx, ask{SQL: text, MaxRows: 100_000, MaxBytes: maxAnswer, Timeout: 20 * time.Second})
	if err != nil {
		return nil, err
	}
	return r.Rows, nil
}

// slowStatement runs for minutes and heeds interrupts.
const slowStatement = "SELECT count(*) FROM logs a, logs b, logs c, logs d, logs e WHERE a.eventName || b.eventName <> c.eventName || d.eventName || e.eventName"

func slowTrail(t testing.TB) *querytest.Trail {
	s := querytest.NewTrail(t)
	for i := range 300 {
		s.Append(record(fmt.Sprintf("event%d", i)))
	}
	return s
}

func TestCancelEndsTheStatementAndKeepsTheWorker(t *testing.T) {
	s := slowTrail(t)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	before := e.pid()
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("nobody waits any more")
	time.AfterFunc(100*time.Millisecond, func() { cancel(cause) })
	start := time.Now()
	if _, err := e.rows(ctx, slowStatement); !errors.Is(err, cause) {
		t.Errorf("canceled query: %v, want its cause", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("cancel took %s", d)
	}
	if rows, err := e.rows(t.Context(), "SELECT count(*) FROM logs"); err != nil || rows[0][0] != int64(300) {
		t.Errorf("after the cancel: %v, %v", rows, err)
	}
	if e.pid() != before {
		t.Error("the worker was replaced for a statement that heeds interrupts")
	}
}

func TestTimeoutIsErrLimit(t *testing.T) {
	s := slowTrail(t)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	_, _, err := e.ask(t.Context(), ask{SQL: slowStatement, MaxRows: 1, MaxBytes: 1, Timeout: 200 * time.Millisecond})
	if !errors.Is(err, query.ErrLimit) {
		t.Errorf("a statement over its time: %v, want ErrLimit", err)
	}
}

// One scalar call that heeds no interrupt is ended with its process, and the
// next worker knows all that this one knew.
func TestDeafWorkerIsKilledAndReplaced(t *testing.T) {
	s := slowTrail(t)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	before := e.pid()
	start := time.Now()
	deaf := "SELECT length(regexp_replace(repeat('ab', 400000000), 'a(b)', 'x\\1', 'g')) FROM logs"
	_, _, err := e.ask(t.Context(), ask{SQL: deaf, MaxRows: 1, MaxBytes: 1, Timeout: 100 * time.Millisecond})
	if !errors.Is(err, query.ErrLimit) {
		t.Errorf("a deaf statement: %v, want ErrLimit", err)
	}
	if d := time.Since(start); d > 10*time.Second {
		t.Errorf("the deaf statement was ended after %s", d)
	}
	if rows, err := e.rows(t.Context(), "SELECT count(*) FROM logs"); err != nil || rows[0][0] != int64(300) {
		t.Errorf("next worker: %v, %v", rows, err)
	}
	t.Logf("worker replaced: %v, after %s", e.pid() != before, time.Since(start))
}

func TestMemoryLimitIsErrLimit(t *testing.T) {
	s := slowTrail(t)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	huge := "SELECT seq, repeat(eventJson, 20000) AS x FROM logs ORDER BY x"
	_, _, err := e.ask(t.Context(), ask{SQL: huge, MaxRows: 1, MaxBytes: 1, Timeout: 20 * time.Second})
	if !errors.Is(err, query.ErrLimit) {
		t.Errorf("a statement over the memory limit: %v, want ErrLimit", err)
	}
	if rows, err := e.rows(t.Context(), "SELECT count(*) FROM logs"); err != nil || rows[0][0] != int64(300) {
		t.Errorf("after it: %v, %v", rows, err)
	}
}

func TestTwoEnginesLiveApart(t *testing.T) {
	s := slowTrail(t)
	people, runbooks := runEngine(t, s), runEngine(t, s)
	for _, e := range []*Engine{people, runbooks} {
		if err := e.Wait(t.Context(), 300); err != nil {
			t.Fatal(err)
		}
	}
	pid := runbooks.pid()
	people.kill()
	want := [][]any{{int64(300)}}
	for _, e := range []*Engine{runbooks, people} {
		rows, err := e.rows(t.Context(), "SELECT count(*) FROM logs")
		for errors.Is(err, query.ErrUnavailable) {
			rows, err = e.rows(t.Context(), "SELECT count(*) FROM logs")
		}
		if diff := cmp.Diff(want, rows); err != nil || diff != "" {
			t.Errorf("%v %s", err, diff)
		}
	}
	if runbooks.pid() != pid {
		t.Error("one engine's worker died with the other's")
	}
}

func TestUnreadableSealKeepsEventsInMemory(t *testing.T) {
	s := slowTrail(t)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	s.Publish(query.Catalogue{Files: []string{s.Dir + "/missing.parquet"}, Seq: 200})
	last := s.Append(record("after"))
	if err := e.Wait(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if rows, err := e.rows(t.Context(), "SELECT count(*) FROM logs"); err != nil || rows[0][0] != int64(301) {
		t.Errorf("after a catalogue that cannot be read: %v, %v", rows, err)
	}
	s.Publish(query.Catalogue{})
	s.Seal(250)
	last = s.Append(record("after"))
	if err := e.Wait(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	if rows, err := e.rows(t.Context(), "SELECT count(*), count(DISTINCT seq) FROM logs"); err != nil || rows[0][0] != int64(302) || rows[0][1] != int64(302) {
		t.Errorf("after one that can: %v, %v", rows, err)
	}
}

// A window of today does not open the files of last year.
func TestWindowOpensOnlyItsFiles(t *testing.T) {
	s := slowTrail(t)
	s.Seal(100)
	s.Seal(200)
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 300); err != nil {
		t.Fatal(err)
	}
	sealed, _ := s.Sealed()
	if err := os.Remove(sealed.Files[0]); err != nil {
		t.Fatal(err)
	}
	statement, err := sqlfront.Parse("SELECT count(*) AS n, min(seq) AS low FROM CloudTrailLogs")
	if err == nil {
		err = statement.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		t.Fatal(err)
	}
	for start, want := range map[uint64][]any{
		100: {int64(200), int64(101)}, // exactly after the first file
		150: {int64(150), int64(151)},
		250: {int64(50), int64(251)}, // none of the files
	} {
		res, err := e.Query(t.Context(), query.Request{Statement: statement, Window: &query.Window{
			Start: querytest.AppendTime(start), End: querytest.AppendTime(1000)}})
		if err != nil {
			t.Errorf("window from event %d: %v", start, err)
			continue
		}
		if diff := cmp.Diff([][]any{want}, res.Rows); diff != "" {
			t.Errorf("window from event %d (-want +got):\n%s", start, diff)
		}
	}
	for _, window := range []*query.Window{nil, {Start: querytest.AppendTime(99), End: querytest.AppendTime(1000)}} {
		if res, err := e.Query(t.Context(), query.Request{Statement: statement, Window: window}); err == nil {
			t.Errorf("window %v needs a file that is gone, and is answered with %v", window, res.Rows)
		}
	}
}

func TestQueryWithoutWorkerSaysWhy(t *testing.T) {
	t.Parallel() // it waits as long as Query does
	e := New(Options{Command: []string{"/nonexistent/worker"}, Source: querytest.NewTrail(t), Log: slog.New(slog.DiscardHandler)})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = e.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	_, err := e.rows(t.Context(), "SELECT 1")
	if !errors.Is(err, query.ErrUnavailable) || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a worker: %v, want ErrUnavailable and the reason", err)
	}
}

func TestWaitGivesUpWhenNoWorkerLives(t *testing.T) {
	s := slowTrail(t)
	s.Publish(query.Catalogue{Files: []string{s.Dir + "/missing.parquet"}, Seq: 200})
	e := runEngine(t, s)
	err := e.Wait(t.Context(), 300)
	if !errors.Is(err, query.ErrUnavailable) || !strings.Contains(err.Error(), "missing.parquet") {
		t.Errorf("wait over a file that is gone: %v, want ErrUnavailable and the file", err)
	}
	s.Publish(query.Catalogue{}) // the engine has not given up
	for errors.Is(err, query.ErrUnavailable) {
		err = e.Wait(t.Context(), 300)
	}
	if err != nil {
		t.Errorf("wait after the repair: %v", err)
	}
}

// pid is the serving worker's, 0 without one.
func (e *Engine) pid() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.serving == nil {
		return 0
	}
	return e.serving.cmd.Process.Pid
}

// kill is kill -9 from outside.
func (e *Engine) kill() {
	e.mu.Lock()
	p := e.serving
	e.mu.Unlock()
	if p != nil {
		_ = p.cmd.Process.Kill()
	}
}
