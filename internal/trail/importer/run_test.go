package importer

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

// rowsOf are the rows of an import, by eventID.
func rowsOf(t *testing.T, data string) map[string]sqlfront.Flat {
	t.Helper()
	c, err := trail.ReadImports(trail.OS(), data)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]sqlfront.Flat{}
	for _, f := range c.Files {
		if err := trail.EachImportedRow(trail.OS(), data, f.Path, func(r sqlfront.Flat) error {
			rows[*r.EventID] = r
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

func TestRowsAreWhatTheFilesSay(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	aggregated := `{"eventVersion":"1.0","accountId":"111122223333","eventId":"agg-1","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","eventSource":"s3.amazonaws.com","timeWindow":{"windowStart":"2026-03-01T00:05:00Z"},"summary":{"new":[1,2]}}`
	nameless := `{"eventVersion":"1.0","eventTime":"2013-11-02T01:06:28Z","eventName":"StartInstances"}`
	twice := `{"eventID":"x","eventTime":"2026-03-01T00:00:00Z","eventName":"A","eventName":"B","eventID":"y"}`
	odd := `{"eventID":"bad-utf8","eventTime":"2026-03-01T00:00:00.5+02:00","userAgent":"a` + "\xff" + `b","eventSource":null,"tomorrow's key":{"a":1}}`
	put(t, dir, "a.json", []byte("["+strings.Join([]string{awsRecord(1), aggregated, nameless, twice, odd}, ",")+"]"))
	r := importDir(t, data, dir)
	if r.New != 5 {
		t.Fatalf("%+v", r)
	}
	rows := rowsOf(t, data)
	if got := *rows["00000001-0000-4000-8000-000000000000"].EventJSON; got != awsRecord(1) {
		t.Errorf("eventJson is %s, want the record as it was", got)
	}
	agg := rows["agg-1"]
	if agg.EventTime == nil || agg.EventTime.UTC().Format(time.RFC3339) != "2026-03-01T00:05:00Z" || *agg.EventJSON != aggregated {
		t.Errorf("the aggregated event is %v at %v", agg.EventJSON, agg.EventTime)
	}
	if _, ok := rows[idOf(nameless)]; !ok {
		t.Errorf("the record without an eventID is none of %v", slices.Collect(maps.Keys(rows)))
	}
	if y := rows["y"]; y.EventName == nil || *y.EventName != "B" { // the last of two, as everywhere
		t.Errorf("of two eventNames the row has %v", y.EventName)
	}
	if o := rows["bad-utf8"]; o.UserAgent == nil || *o.UserAgent != "a\uFFFDb" || o.EventTime.UTC().Format(time.RFC3339Nano) != "2026-02-28T22:00:00.5Z" || o.EventSource != nil {
		t.Errorf("the odd record is %v at %v from %v", o.UserAgent, o.EventTime, o.EventSource)
	}
	if r = importDir(t, data, dir, func(o *Options) { o.Source = otherName{o.Source} }); r.Duplicate != 5 || r.Known != 0 {
		t.Errorf("the same under another name: %+v", r)
	}
}

// otherName is the same directory somewhere else.
type otherName struct{ Source }

func (otherName) String() string { return "/elsewhere" }

func TestSinceAndOwnLeaveOut(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	own := `{"eventID":"own","eventTime":"2026-03-01T00:10:00Z","eventSource":"ssh-proxy-service.yourdomain.com","recipientAccountId":"111122223333"}`
	others := `{"eventID":"others","eventTime":"2026-03-01T00:10:00Z","eventSource":"ssh-proxy-service.yourdomain.com","recipientAccountId":"444455556666"}`
	put(t, dir, "a.json", []byte("["+awsRecords(0, 100)+","+own+","+others+"]"))
	change := func(o *Options) {
		o.Since = time.Date(2026, 3, 1, 0, 7, 0, 0, time.UTC) // record 60
		o.Own = func(source, account string) bool {
			return source == "ssh-proxy-service.yourdomain.com" && account == "111122223333"
		}
	}
	r := importDir(t, data, dir, change)
	if r.Read != 102 || r.New != 41 || r.SkippedBy[skipOld] != 60 || r.SkippedBy[skipOwn] != 1 || r.Skipped != 61 {
		t.Fatalf("%+v", r)
	}
	if r = importDir(t, data, dir); r.New != 61 || r.Duplicate != 41 {
		t.Fatalf("then everything: %+v", r)
	}
}

func TestQuarantineIsBounded(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	put(t, dir, "a.json", []byte("["+strings.Repeat("1,", 5000)+awsRecord(1)+","+`{"x":"`+strings.Repeat("y", 2*maxSample)+`"}`+"]"))
	put(t, dir, "b.json", []byte("["+strings.Repeat("x", 3*maxSample)+","+awsRecord(2)+"]"))
	r := importDir(t, data, dir)
	if r.New != 2 || r.Quarantined != 5002 || r.Read != 5004 {
		t.Fatalf("%+v", r)
	}
	lines := quarantineLines(t, data)
	if len(lines) != maxAside+2 {
		t.Errorf("%d lines are in quarantine, want %d", len(lines), maxAside+2)
	}
	long := slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, "b.json") })
	if long < 0 || len(lines[long]) > maxSample+500 || !strings.Contains(lines[long], fmt.Sprintf(`"size":%d`, 3*maxSample)) {
		t.Errorf("the long one is in quarantine as %.100s", lines[max(0, long)])
	}
}

func TestOneImportAtATime(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	s, err := openStore(trail.OS(), data, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	src, err := OpenDirectory(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	if _, err := Run(t.Context(), Options{DataDir: data, Source: src}); !errors.Is(err, ErrLocked) {
		t.Errorf("a second import: %v, want ErrLocked", err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Run(t.Context(), Options{DataDir: data, Source: src}); err != nil {
		t.Errorf("after the first: %v", err)
	}
}

// TestSmallFilesAreMerged, and lose or change nothing.
func TestSmallFilesAreMerged(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	now := time.Now()
	for i := range 20 {
		put(t, dir, fmt.Sprintf("%02d.json", i), []byte("["+awsRecords(i*50, i*50+50)+"]"))
		r := importDir(t, data, dir, func(o *Options) { o.Now = func() time.Time { return now } })
		if r.New != 50 || r.Totals.New != int64(i+1)*50 {
			t.Fatalf("import %d: %+v", i, r)
		}
	}
	c, err := trail.ReadImports(trail.OS(), data)
	if err != nil || len(c.Files) > 2*worthMerge {
		t.Fatalf("20 imports of a day are in %d files: %v", len(c.Files), err)
	}
	before := rowsOf(t, data)
	if len(before) != 1000 {
		t.Fatalf("%d rows are left of 1000", len(before))
	}
	for n := range 1000 {
		id := fmt.Sprintf("%08x-0000-4000-8000-000000000000", n)
		if r := before[id]; r.EventJSON == nil || *r.EventJSON != awsRecord(n) {
			t.Fatalf("record %d is %v", n, r.EventJSON)
		}
	}
	// Files that a query may be reading stay for a minute.
	parquet := func() int {
		names, err := filepath.Glob(filepath.Join(trail.ImportsDir(data), "day=*", "*.parquet"))
		if err != nil {
			t.Fatal(err)
		}
		return len(names)
	}
	if n := parquet(); n <= len(c.Files) {
		t.Errorf("%d files are there, want those that were replaced too", n)
	}
	now = now.Add(2 * keepReplaced)
	importDir(t, data, dir, func(o *Options) { o.Now = func() time.Time { return now } })
	if n := parquet(); n != len(c.Files) {
		t.Errorf("later %d files are there, want %d", n, len(c.Files))
	}
	if r := importDir(t, data, dir); r.Duplicate != 1000 || r.New != 0 {
		t.Errorf("again: %+v", r)
	}
}

// TestDaysWithFewRowsShareAFile: years of a quiet account are few files, a busy
// day is files of its own.
func TestDaysWithFewRowsShareAFile(t *testing.T) {
	t.Parallel()
	var rows []batchRow
	start := time.Date(2024, 1, 1, 12, 0, 0, 0, time.UTC)
	add := func(day, n int) {
		at := start.AddDate(0, 0, day)
		for i := range n {
			rows = append(rows, batchRow{at: at, key: trail.RowKeyOf("s", "n", "", at, uint64(i))})
		}
	}
	for day := range 700 {
		add(day, 5)
	}
	add(700, wholeDay)
	add(701, 3*fileRows)
	add(702, 1)
	files := divide(7, rows)
	total := 0
	for _, f := range files {
		total += len(f.rows)
		for _, r := range f.rows {
			if r.at.Before(f.first) || r.at.After(f.last) {
				t.Fatalf("%s has a row of %s", f.path, r.at)
			}
		}
	}
	if len(files) != 5 || total != len(rows) {
		t.Errorf("%d rows are in %d files, want %d in 5", total, len(files), len(rows))
	}
}

// TestFollowTakesWhatArrives, until it is interrupted.
func TestFollowTakesWhatArrives(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	put(t, dir, "a.json", []byte(awsRecord(1)))
	src, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	ctx, cancel := context.WithCancel(t.Context())
	rounds := 0
	later := func() time.Time { return time.Now().Add(time.Hour) } // every file has been there for long
	src.now = later
	r, err := Run(ctx, Options{DataDir: data, Source: &often{Directory: src}, Follow: true, Progress: func(p Progress) {
		if !p.Done {
			return
		}
		switch rounds++; {
		case p.New == 1:
			put(t, dir, "b.json", []byte(awsRecord(2)))
		case p.New == 2 && rounds > 4:
			cancel()
		}
	}})
	if err != nil || r.New != 2 || r.Read != 2 || r.Duplicate != 0 || r.Files != 2 {
		t.Errorf("%+v, %v", r, err)
	}
}

// often is looked at all the time, and cannot be now and then.
type often struct {
	*Directory
	looks int
}

func (*often) Every() time.Duration { return time.Millisecond }

func (o *often) List(ctx context.Context, since time.Time, again bool) ([]File, map[string]int, error) {
	if o.looks++; o.looks%2 == 0 {
		return nil, nil, errors.New("the network is away")
	}
	return o.Directory.List(ctx, since, again)
}
