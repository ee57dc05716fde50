package duckdb

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

func asked(t *testing.T, text string) query.Request {
	t.Helper()
	s, err := sqlfront.Parse(text)
	if err == nil {
		err = s.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		t.Fatal(err)
	}
	return query.Request{Statement: s}
}

// What a statement read is what the row groups it could not leave out hold.
func TestScannedIsWhatWasRead(t *testing.T) {
	s := querytest.NewTrail(t)
	for i := range 40 {
		s.Append(fmt.Sprintf(`{"eventVersion":"1.11","eventTime":"2026-11-%02dT00:00:00Z","eventName":"event%d","userIdentity":{"userName":"ana"}}`, 1+i/10, i))
	}
	for i := range 3 {
		s.Seal(uint64(10 * (i + 1)))
	}
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), 40); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		text         string
		groups, rows int64
	}{
		{"SELECT eventName FROM CloudTrailHistory", 3, 40},
		{"SELECT a.eventName FROM CloudTrailHistory a JOIN CloudTrailHistory b ON a.seq = b.seq", 6, 80},
		{"SELECT eventName FROM CloudTrailHistory WHERE eventTime < TIMESTAMP '2026-11-02 00:00:00'", 1, 10},
		{"SELECT eventName FROM CloudTrailHistory WHERE seq > 30", 0, 10},
		{"SELECT 1", 0, 0},
	} {
		res, err := e.Query(t.Context(), asked(t, tc.text))
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		if res.Scanned.RowGroups != tc.groups || res.Scanned.Rows != tc.rows || (res.Scanned.Bytes > 0) != (tc.rows > 0) {
			t.Errorf("%s\nscanned %+v, want %d row groups and %d rows", tc.text, res.Scanned, tc.groups, tc.rows)
		}
		p, err := e.Explain(t.Context(), asked(t, tc.text))
		if err != nil {
			t.Fatalf("%s: %v", tc.text, err)
		}
		if p.Scanned != res.Scanned || p.Rows != len(res.Rows) || p.AllFiles != 3 || p.AllGroups != 3 || p.Text == "" {
			t.Errorf("%s\nexplained as %+v, run as %+v", tc.text, p, res.Scanned)
		}
	}
}

// A day whose events a filter leaves out is not one that may hold what it asks
// for.
func TestPlanNamesTheDays(t *testing.T) {
	day := func(d int) fileWeight {
		at := time.Date(2026, 11, d, 0, 0, 0, 0, time.UTC)
		return fileWeight{groups: 2, rows: 10, oldest: at, newest: at.Add(24*time.Hour - time.Second)}
	}
	w := weights{files: map[string]fileWeight{"/e/day=2026-11-19/a": day(19), "/e/day=2026-11-20/a": day(20), "/e/day=2026-11-20/b": day(20), "/e/day=2026-11-21/a": day(21)}, groups: 8, rows: 40}
	for filter, want := range map[string][]string{
		"": {"2026-11-19", "2026-11-20", "2026-11-21"},
		"eventTime>='2026-11-20 00:00:00'::TIMESTAMP AND eventTime<'2026-11-20 12:00:00'::TIMESTAMP": {"2026-11-20"},
		"eventTime<='2026-11-19 12:00:00'::TIMESTAMP OR seq=1":                                       {"2026-11-19", "2026-11-20", "2026-11-21"},
		"eventTime='2026-11-21 12:00:00.5'::TIMESTAMP AND login=' OR '":                              {"2026-11-21"},
	} {
		p := w.plan([]reading{{groups: 1, files: 1, filter: filter}})
		if d := cmp.Diff(want, p.Days); d != "" || p.AllDays != 3 || p.AllGroups != 8 {
			t.Errorf("%s: %s of %d", filter, d, p.AllDays)
		}
	}
}

// What DuckDB says of a scan is read whatever a statement's literals hold; a
// filter's columns are read though they are not selected.
func TestMapsAsDuckDBWritesThem(t *testing.T) {
	got := pairs(`{Function=READ_PARQUET, Projections=seq
eventName, Filters='eventTime>=\'2026-11-20 00:00:00\'::TIMESTAMP AND login=\'a, b={}\'', 'Filename(s)'=/x/y.parquet}`)
	want := map[string]string{"Function": "READ_PARQUET", "Projections": "seq\neventName", "Filters": "eventTime>='2026-11-20 00:00:00'::TIMESTAMP AND login='a, b={}'", "Filename(s)": "/x/y.parquet"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"eventTime", "eventName", "login", "seq"}, columnsOf(got["Projections"], got["Filters"])); d != "" {
		t.Error(d)
	}
	from, to := span(got["Filters"])
	if !from.Equal(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)) || to.Before(from) {
		t.Errorf("span is %s to %s", from, to)
	}
}

// The places of all are never one asker's.
func TestNobodyTakesEveryPlace(t *testing.T) {
	p := newPlaces()
	for i := range maxEach {
		if _, err := p.take(t.Context(), "noisy", time.Minute); err != nil {
			t.Fatalf("place %d of one asker: %v", i+1, err)
		}
	}
	if _, err := p.take(t.Context(), "noisy", time.Millisecond); !errors.Is(err, query.ErrUnavailable) {
		t.Errorf("one place too many: %v, want ErrUnavailable", err)
	}
	leave, err := p.take(t.Context(), "other", time.Minute)
	if err != nil {
		t.Fatalf("another asker found no place: %v", err)
	}
	leave()
	if len(p.own) != 1 {
		t.Errorf("%d askers are kept in mind, want the one who has places", len(p.own))
	}
}

// What it costs to count: a statement that reads next to nothing.
func BenchmarkSmallQuery(b *testing.B) {
	s := querytest.NewTrail(b)
	for i := range 1000 {
		s.Append(record(fmt.Sprintf("event%d", i)))
	}
	s.Seal(900)
	e := runEngine(b, s)
	if err := e.Wait(b.Context(), 1000); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := e.rows(b.Context(), "SELECT eventName FROM logs WHERE seq = 7"); err != nil {
			b.Fatal(err)
		}
	}
}
