package trail

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

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// variedRecord is one of many kinds of record, on one of three days.
func variedRecord(i int) event.Record {
	m := event.Meta{
		Time:     time.Date(2026, 11, 18+i%3, 10, i%60, 0, 0, time.UTC),
		Identity: event.UserIdentity{Type: "IAMUser", UserName: fmt.Sprintf("user%d", i%7), ARN: fmt.Sprintf("arn:aws:iam::123456789012:user/user%d", i%7)},
		SourceIP: "203.0.113.7",
	}
	if i%4 == 0 {
		m.ErrorCode, m.ErrorMessage = event.AccessDenied, "outside hours"
	}
	if i%2 == 0 {
		m.Session = &event.Session{ID: fmt.Sprintf("s%d", i%5), Target: "web1", Login: "ec2-user", MFA: i%3 == 0}
	}
	switch i % 3 {
	case 0:
		return testOrigin.Record(m, event.StartSession{FrontDoor: "gate"})
	case 1:
		return testOrigin.Record(m, event.ExecuteCommand{Command: fmt.Sprint("true ", i), Channel: 1})
	}
	return testOrigin.Record(m, event.Login{Method: "publickey", UserName: "alice"})
}

// rowsOf reads the Parquet files of a trail's catalogue, file after file.
func rowsOf(m *memFS) (catalogue, [][]sqlfront.Flat, error) {
	c, err := readCatalogue(m, dataDir)
	if err != nil {
		return c, nil, err
	}
	var files [][]sqlfront.Flat
	for _, s := range c.Files {
		n := m.names[filepath.Join(eventsDir(dataDir), s.Path)]
		if n == nil {
			return c, nil, fmt.Errorf("the catalogue names %s, which is not there", s.Path)
		}
		rows, err := parquet.Read[sqlfront.Flat](bytes.NewReader(n.data), int64(len(n.data)))
		if err != nil && err != io.EOF {
			return c, nil, fmt.Errorf("read %s: %w", s.Path, err)
		}
		if len(rows) != s.Rows || int64(len(n.data)) != s.Bytes {
			return c, nil, fmt.Errorf("%s has %d rows in %d bytes, the catalogue says %d in %d", s.Path, len(rows), len(n.data), s.Rows, s.Bytes)
		}
		files = append(files, rows)
	}
	return c, files, nil
}

// checkSealed holds the seals against the journal: every event up to the
// catalogue's last is in exactly one file, whole.
func checkSealed(m *memFS) error {
	c, files, err := rowsOf(m)
	if err != nil {
		return err
	}
	all, err := contents(m, dataDir)
	if err != nil {
		return err
	}
	rows := slices.Concat(files...)
	if uint64(len(rows)) != c.Seq {
		return fmt.Errorf("the seals have %d rows, the catalogue says %d", len(rows), c.Seq)
	}
	slices.SortFunc(rows, func(a, b sqlfront.Flat) int { return int(*a.Seq - *b.Seq) })
	for i, row := range rows {
		want, err := sqlfront.Flatten(all[i].JSON, all[i].Seq, all[i].AppendTime)
		if err != nil {
			return err
		}
		if d := cmp.Diff(want, row, cmpopts.EquateEmpty()); d != "" {
			return fmt.Errorf("row of event %d (-journal +seal):\n%s", all[i].Seq, d)
		}
	}
	return nil
}

// TestSealsHoldWhatTheJournalHas: what is read back from Parquet is what was
// appended, sorted, in the partition of its day, with a bloom filter.
func TestSealsHoldWhatTheJournalHas(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{SegmentBytes: 20 << 10})
	for i := range 250 {
		if _, err := r.Append(t.Context(), variedRecord(i)); err != nil {
			t.Fatal(err)
		}
	}
	_, changed := r.Sealed()
	if err := NewSealer(r.Trail, SealOptions{Rows: 100}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	<-changed
	q, _ := r.Sealed()
	if q.Seq != 250 || len(q.Files) != 9 { // 100, 100, 50 rows over three days
		t.Errorf("Sealed: up to %d in %d files, want 250 in 9", q.Seq, len(q.Files))
	}
	r.mustEnd(t)
	if err := checkSealed(m); err != nil {
		t.Fatal(err)
	}
	c, files, err := rowsOf(m)
	if err != nil {
		t.Fatal(err)
	}
	for i, rows := range files {
		s := c.Files[i]
		if !slices.IsSortedFunc(rows, func(a, b sqlfront.Flat) int {
			return keyOf(&a, uint64(*a.Seq)).compare(keyOf(&b, uint64(*b.Seq)))
		}) {
			t.Errorf("%s is not sorted", s.Path)
		}
		for _, row := range rows {
			if day := row.EventTime.Format(time.DateOnly); !strings.HasPrefix(s.Path, "day="+day+"/") {
				t.Errorf("%s has an event of %s", s.Path, day)
			}
		}
		data := m.names[filepath.Join(eventsDir(dataDir), s.Path)].data
		f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatal(err)
		}
		column, _ := f.Schema().Lookup("eventID")
		bloom := f.RowGroups()[0].ColumnChunks()[column.ColumnIndex].BloomFilter()
		if bloom == nil {
			t.Fatalf("%s has no bloom filter of eventID", s.Path)
		}
		if ok, err := bloom.Check(parquet.ValueOf(*rows[0].EventID)); !ok || err != nil {
			t.Errorf("%s: the bloom filter does not know its own eventID: %v", s.Path, err)
		}
	}
	mustVerify(t, m, dataDir)
}

// TestSealIsRedoneAfterACrash cuts a seal after each change: whatever is
// found, the next seal leaves every event in exactly one file, and no other
// file.
func TestSealIsRedoneAfterACrash(t *testing.T) {
	t.Parallel()
	m := newMemFS()
	r := start(t, m, dataDir, Options{SegmentBytes: 4 << 10})
	appendVaried := func() {
		for i := range 6 {
			if _, err := r.Append(t.Context(), variedRecord(i*3)); err != nil {
				t.Fatal(err)
			}
		}
	}
	appendVaried()
	if err := NewSealer(r.Trail, SealOptions{Rows: 20}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	appendVaried()
	before := len(m.log)
	if err := NewSealer(r.Trail, SealOptions{Rows: 20}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mustEnd(t)
	cutAfterEach(t, m, before, func(found *memFS) error {
		r := start(t, found, dataDir, Options{})
		s := NewSealer(r.Trail, SealOptions{Rows: 20})
		err := s.sweep()
		if err == nil {
			err = s.Seal(t.Context())
		}
		r.mustEnd(t)
		if err == nil {
			err = errors.Join(checkSealed(found), onlyNamedFiles(found))
		}
		mustVerify(t, found, dataDir)
		return err
	})
}

// rewriteSeal writes a seal of c anew and has the catalogue say what is there.
func rewriteSeal(t *testing.T, m *memFS, c catalogue, i int, rows []sqlfront.Flat) {
	t.Helper()
	next := catalogue{Version: c.Version, Seq: c.Seq, Files: slices.Clone(c.Files)}
	s, err := writeSeal(m, dataDir, c.Files[i].Path, quickly, func(w *parquetWriter) error { return w.addAll(rows) })
	s.FirstSeq, s.LastSeq = c.Files[i].FirstSeq, c.Files[i].LastSeq
	next.Files[i] = s
	if err := errors.Join(err, writeCatalogue(m, dataDir, next)); err != nil {
		t.Fatal(err)
	}
}

func onlyNamedFiles(m *memFS) error {
	c, err := readCatalogue(m, dataDir)
	if err != nil {
		return err
	}
	for name := range m.names {
		path, ok := strings.CutPrefix(name, eventsDir(dataDir)+"/")
		if ok && path != catalogueName && !slices.ContainsFunc(c.Files, func(s seal) bool { return s.Path == path }) {
			return fmt.Errorf("%s is left over", path)
		}
	}
	return nil
}

// TestSealerRuns: at so many rows at once, and of fewer after a while.
func TestSealerRuns(t *testing.T) {
	m := newMemFS()
	m.put(filepath.Join(eventsDir(dataDir), "day=2026-11-20", "x.parquet.tmp"), []byte("left over"))
	r := start(t, m, dataDir, Options{})
	sealed := func(events int, o SealOptions, want uint64) {
		t.Helper()
		_, changed := r.Sealed()
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- NewSealer(r.Trail, o).Run(ctx) }()
		r.mustAppend(t, events, 600)
		<-changed
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if q, _ := r.Sealed(); q.Seq != want {
			t.Errorf("sealed up to %d, want %d", q.Seq, want)
		}
	}
	sealed(10, SealOptions{Rows: 10, Every: time.Hour}, 10)
	sealed(1, SealOptions{Rows: 1000, Every: time.Millisecond}, 11)
	r.mustEnd(t)
	if err := onlyNamedFiles(m); err != nil {
		t.Error(err)
	}
}

// TestVerifyLooksForSeals: a seal that the catalogue names must be there, and
// a catalogue that knows of more events than the journal shows a rollback.
func TestVerifyLooksForSeals(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 5, 600)
	r.mustEnd(t)
	early := m.clone()
	r = start(t, m, dataDir, Options{})
	r.mustAppend(t, 5, 600)
	if err := NewSealer(r.Trail, SealOptions{}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mustEnd(t)
	mustVerify(t, m, dataDir)
	c, _ := readCatalogue(m, dataDir)
	path := filepath.Join("events", c.Files[0].Path)
	for _, c := range []tampered{
		{"remove a seal", path, 1, func(m *memFS) { delete(m.names, filepath.Join(dataDir, path)) }},
		{"shorten a seal", path, 1, func(m *memFS) { n := m.names[filepath.Join(dataDir, path)]; n.data = n.data[1:] }},
		{"break the catalogue", "events/catalogue.json", 0, func(m *memFS) { m.names[filepath.Join(dataDir, "events", catalogueName)].data[0] = 'x' }},
		{"roll the journal back", "head", 5, func(m *memFS) {
			m.names[headPath(dataDir)] = early.names[headPath(dataDir)]
			m.names[segmentPath(dataDir, 1)] = early.names[segmentPath(dataDir, 1)]
		}},
	} {
		if err := c.check(m); err != nil {
			t.Error(err)
		}
	}
}

func TestHistoryIsSealedWithoutSequenceNumbers(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 3, 600)
	if err := NewSealer(r.Trail, SealOptions{}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mustEnd(t)
	history := func(n int) func(func(event.Entry) bool) {
		return func(yield func(event.Entry) bool) {
			for i := range n {
				rec := variedRecord(i)
				b, err := json.Marshal(rec)
				if err != nil {
					t.Fatal(err)
				}
				if !yield(event.Entry{Seq: 99, AppendTime: rec.EventTime.Time, JSON: b}) {
					return
				}
			}
		}
	}
	for _, n := range []int{5, 30} { // the second replaces the first
		if rows, err := writeHistory(m, dataDir, "seed", history(n)); err != nil || rows != n {
			t.Fatalf("WriteHistory: %d rows, %v; want %d", rows, err, n)
		}
	}
	c, files, err := rowsOf(m)
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for i, s := range c.Files {
		if s.FirstSeq != 0 {
			continue
		}
		for _, row := range files[i] {
			if row.Seq != nil {
				t.Errorf("%s has an event with sequence number %d, want NULL", s.Path, *row.Seq)
			}
			rows++
		}
	}
	if rows != 30 || c.Seq != 3 || len(c.Files) != 4 {
		t.Errorf("the catalogue has %d history rows, %d files, sealed up to %d; want 30, 4, 3", rows, len(c.Files), c.Seq)
	}
	mustVerify(t, m, dataDir)
	if _, err := writeHistory(m, dataDir, "../x", history(1)); err == nil {
		t.Error("WriteHistory takes ../x as a name")
	}
	r = start(t, m, dataDir, Options{})
	r.mustAppend(t, 1, 600)
	s := NewSealer(r.Trail, SealOptions{})
	if err := s.sweep(); err != nil {
		t.Fatal(err)
	}
	if err := s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mustEnd(t)
	if err := onlyNamedFiles(m); err != nil {
		t.Error(err)
	}
}

// TestVerifyHoldsSealsAgainstTheJournal: queries read seals, so what a seal
// says and the journal does not is found, also where the file keeps its size
// and the catalogue is changed to fit.
func TestVerifyHoldsSealsAgainstTheJournal(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	for i := range 40 {
		if _, err := r.Append(t.Context(), variedRecord(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := NewSealer(r.Trail, SealOptions{Rows: 15}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.mustEnd(t)
	mustVerify(t, m, dataDir)
	c, files, err := rowsOf(m)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(m *memFS, i int, rows []sqlfront.Flat) { rewriteSeal(t, m, c, i, rows) }
	named := filepath.Join("events", catalogueName)
	for i, s := range c.Files {
		path, seq := filepath.Join("events", s.Path), uint64(*files[i][1].Seq)
		for _, change := range []tampered{
			{"nothing but written again", "", 0, func(m *memFS) { rewrite(m, i, files[i]) }},
			{"change a row", path, seq, func(m *memFS) {
				rows := slices.Clone(files[i])
				other := "mallory"
				rows[1].UserName = &other
				rewrite(m, i, rows)
			}},
			{"unset a column", path, seq, func(m *memFS) {
				rows := slices.Clone(files[i])
				rows[1].EventSource = nil
				rewrite(m, i, rows)
			}},
			{"drop a row", named, seq, func(m *memFS) { rewrite(m, i, slices.Delete(slices.Clone(files[i]), 1, 2)) }},
			{"a row twice", path, s.FirstSeq, func(m *memFS) { rewrite(m, i, append(slices.Clone(files[i]), files[i][1])) }},
			{"drop the file from the catalogue", named, lowest(files[i]), func(m *memFS) {
				next := catalogue{Version: c.Version, Seq: c.Seq, Files: slices.Delete(slices.Clone(c.Files), i, i+1)}
				if err := writeCatalogue(m, dataDir, next); err != nil {
					t.Fatal(err)
				}
			}},
		} {
			if change.segment == "" {
				changed := m.clone()
				change.change(changed)
				mustVerify(t, changed, dataDir)
				continue
			}
			if err := change.check(m); err != nil {
				t.Errorf("%s: %v", s.Path, err)
			}
		}
	}
	// Bytes of a seal anywhere, its index and bounds included.
	path := filepath.Join("events", c.Files[0].Path)
	for at := 0; at < len(m.names[filepath.Join(dataDir, path)].data); at += 499 {
		changed := m.clone()
		changed.names[filepath.Join(dataDir, path)].data[at] ^= 0x10
		if report, err := verify(t.Context(), changed, dataDir, nil); err != nil || report.Intact {
			t.Errorf("byte %d of a seal was changed: %+v, %v; want a finding", at, report.Findings, err)
		}
	}
}

func lowest(rows []sqlfront.Flat) uint64 {
	low := *rows[0].Seq
	for _, row := range rows {
		low = min(low, *row.Seq)
	}
	return uint64(low)
}
