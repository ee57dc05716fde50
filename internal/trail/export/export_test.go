package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

var base = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

// imported is a record of AWS's, as somebody prettied it up.
const imported = "{\n \"eventVersion\": \"1.09\", \"eventTime\": \"2026-11-21T08:00:00Z\", \"eventSource\": \"s3.amazonaws.com\", \"eventName\": \"GetObject\",\n" +
	" \"awsRegion\": \"eu-west-1\", \"eventID\": \"11111111-2222-3333-4444-555555555555\", \"recipientAccountId\": \"999988887777\"\n}"

// newTrail is a data directory with an event every eight hours for four days,
// and one imported one. It returns the records of its own, by time.
func newTrail(t *testing.T) (r *trail.Reader, records [][]byte) {
	t.Helper()
	dir := t.TempDir()
	tr, err := trail.Open(dir, trail.Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- tr.Run(ctx) }()
	origin := event.Origin{EventSource: "gate.example.com", Region: "us-east-1", AccountID: "111122223333"}
	for i := range 12 {
		rec := origin.Record(event.Meta{Time: base.Add(time.Duration(i) * 8 * time.Hour), SourceIP: "203.0.113.7"}, event.StopNode{Cause: fmt.Sprint("it's <", i, ">")})
		if _, err := tr.Append(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		records = append(records, rec.AppendJSON(nil))
	}
	cancel()
	if err := errors.Join(<-done, tr.Close()); err != nil {
		t.Fatal(err)
	}
	row, err := sqlfront.Flatten([]byte(imported), 0, base)
	if err != nil {
		t.Fatal(err)
	}
	row.Seq, row.AppendTime = nil, nil
	f, err := trail.WriteImported(trail.OS(), dir, "day=2026-11-21/1.parquet", func(w trail.RowWriter) error { return w.Write([]sqlfront.Flat{row}) })
	if err != nil {
		t.Fatal(err)
	}
	c, err := json.Marshal(trail.Imports{Version: trail.ImportsVersion, Generation: 1, Files: []trail.ImportedFile{f}})
	if err != nil {
		t.Fatal(err)
	}
	if err := trail.ReplaceFile(trail.OS(), filepath.Join(trail.ImportsDir(dir), trail.ImportsName), c); err != nil {
		t.Fatal(err)
	}
	if r, err = trail.OpenReader(dir); err != nil {
		t.Fatal(err)
	}
	return r, records
}

func mustRun(t *testing.T, o Options) Report {
	t.Helper()
	report, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// TestLinesAreTheRecords: byte for byte, in order, and those of the span only.
func TestLinesAreTheRecords(t *testing.T) {
	r, records := newTrail(t)
	for _, c := range []struct {
		from, to    time.Time
		imported    bool
		first, last int // records in between
		more        int
	}{
		{last: 12},
		{from: base.Add(24 * time.Hour), first: 3, last: 12},
		{to: base.Add(24 * time.Hour), last: 4}, // both ends are in it
		{from: base.Add(24 * time.Hour), to: base.Add(48*time.Hour - time.Second), imported: true, first: 3, last: 6, more: 1},
		{from: base.Add(48 * time.Hour), imported: true, first: 6, last: 12},
		{from: base.Add(1000 * time.Hour)},
	} {
		var out bytes.Buffer
		var progress int64
		report := mustRun(t, Options{Reader: r, Format: JSONL, From: c.from, To: c.to, Imported: c.imported, Out: &out, Progress: func(done, total int64) { progress = done - total }})
		lines := bytes.SplitAfter(out.Bytes(), []byte("\n"))
		lines = lines[:len(lines)-1]
		if report.Events != c.last-c.first || report.Imported != c.more || len(lines) != report.Events+report.Imported || report.Head != 12 || progress != 0 {
			t.Errorf("from %v to %v: %+v and %d lines, want %d and %d imported; progress ends %d short", c.from, c.to, report, len(lines), c.last-c.first, c.more, progress)
			continue
		}
		for i, want := range records[c.first:c.last] {
			if string(lines[i]) != string(want)+"\n" {
				t.Errorf("line %d is %s, want %s", i, lines[i], want)
			}
		}
		if c.more > 0 && !strings.Contains(string(lines[len(lines)-1]), `"eventSource":"s3.amazonaws.com"`) {
			t.Errorf("the imported record is %s", lines[len(lines)-1])
		}
	}
}

// TestFilesAreCloudTrails: in AWS's layout, by account, region and day, each
// record once and byte for byte; the same export makes the same files.
func TestFilesAreCloudTrails(t *testing.T) {
	r, records := newTrail(t)
	var first []string
	for range 2 {
		b := blobtest.NewMem("out")
		report := mustRun(t, Options{Reader: r, Format: CloudTrail, Imported: true, Bucket: b})
		if report.Events != 12 || report.Imported != 1 || report.Files != 5 || len(b.Keys()) != 5 {
			t.Errorf("exported %+v to %v", report, b.Keys())
		}
		var all []string
		for _, key := range b.Keys() {
			k, ok := logfile.ParseKey(key)
			if !ok {
				t.Fatalf("%s is no log file's key", key)
			}
			body, _, err := b.Get(t.Context(), key)
			if err != nil {
				t.Fatal(err)
			}
			text, err := logfile.Unpack(body)
			if err != nil {
				t.Fatal(err)
			}
			recs, err := logfile.Split(text)
			if err != nil {
				t.Fatal(err)
			}
			for _, rec := range recs {
				p, err := parse(rec)
				if err != nil || p.account != k.AccountID || p.region != k.Region || p.time.Format(time.DateOnly) != k.Time.Format(time.DateOnly) {
					t.Errorf("%s holds %s (%v)", key, rec, err)
				}
				all = append(all, string(rec))
			}
		}
		for _, want := range append(records, []byte(imported)) {
			if i := slices.Index(all, string(want)); i >= 0 {
				all = slices.Delete(all, i, i+1)
			} else {
				t.Errorf("no file holds %s", want)
			}
		}
		if len(all) > 0 {
			t.Errorf("files hold %d records more", len(all))
		}
		if first != nil && !slices.Equal(first, b.Keys()) {
			t.Errorf("the second export made %v, the first %v", b.Keys(), first)
		}
		first = b.Keys()
	}
}

// TestFilesAreBounded: a file is written when it is full.
func TestFilesAreBounded(t *testing.T) {
	b := blobtest.NewMem("out")
	wrote := 0
	f := newFiles(b, &wrote)
	f.each, f.all = f.each>>10, f.all>>10
	big := fmt.Appendf(nil, `{"pad":%q}`, strings.Repeat("x", 1<<10))
	for i := range 200 {
		account := []string{"111122223333", "444455556666"}[i%2]
		if err := f.add(t.Context(), record{text: big, time: base.Add(time.Duration(i) * time.Second), account: account, region: "us-east-1"}); err != nil {
			t.Fatal(err)
		}
		if f.held > f.all {
			t.Fatalf("%d bytes are held", f.held)
		}
	}
	if err := f.finish(t.Context()); err != nil || wrote != len(b.Keys()) || wrote < 5 {
		t.Errorf("wrote %d files, %v; there are %d", wrote, err, len(b.Keys()))
	}
	for _, key := range b.Keys() {
		body, _, _ := b.Get(t.Context(), key)
		text, err := logfile.Unpack(body)
		if err != nil || len(text) > logfile.MaxText>>10 {
			t.Errorf("%s has %d bytes, %v", key, len(text), err)
		}
	}
	if err := f.add(t.Context(), record{text: big, time: base, account: "../../etc", region: "x"}); err != nil {
		t.Fatal(err)
	}
	if err := f.finish(t.Context()); err == nil {
		t.Error("an account of dots and slashes made a file")
	}
}

func TestParquetHasTheColumns(t *testing.T) {
	r, records := newTrail(t)
	var out bytes.Buffer
	report := mustRun(t, Options{Reader: r, Format: Parquet, Imported: true, Out: &out})
	rows, err := parquet.Read[sqlfront.Flat](bytes.NewReader(out.Bytes()), int64(out.Len()))
	if err != nil && err != io.EOF {
		t.Fatal(err)
	}
	if report.Events != 12 || len(rows) != 13 {
		t.Fatalf("exported %+v, %d rows", report, len(rows))
	}
	for i, want := range records {
		if *rows[i].EventJSON != string(want) || *rows[i].Seq != int64(i+1) {
			t.Errorf("row %d is %d, %s", i, *rows[i].Seq, *rows[i].EventJSON)
		}
	}
	if rows[12].Seq != nil || *rows[12].EventName != "GetObject" {
		t.Errorf("the imported row is %+v", rows[12])
	}
}

// full is a disk without room.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

func TestExportThatFailsSaysSo(t *testing.T) {
	r, _ := newTrail(t)
	for _, format := range []string{JSONL, Parquet} {
		if _, err := Run(t.Context(), Options{Reader: r, Format: format, Out: full{}}); err == nil || !strings.Contains(err.Error(), "no space left") {
			t.Errorf("%s to a full disk: %v", format, err)
		}
	}
	b := blobtest.NewMem("out")
	b.FailNth(2, errors.New("no space left"))
	if _, err := Run(t.Context(), Options{Reader: r, Format: CloudTrail, Bucket: b}); err == nil {
		t.Error("cloudtrail to a bucket that fails: no error")
	}
	if _, err := Run(t.Context(), Options{Reader: r, Format: "xml", Out: io.Discard}); err == nil {
		t.Error("a format that is none: no error")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, Options{Reader: r, Format: JSONL, Out: io.Discard}); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
}
