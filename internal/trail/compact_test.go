package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// seals is a trail with a clock, its sealer and its compactor.
type seals struct {
	*running
	m     *memFS
	clock time.Time
	s     *Sealer
	c     *Compactor
	errs  []error // that the compactor told of
}

// soon is when the days of variedRecord are over.
var soon = time.Date(2026, 11, 21, 2, 0, 0, 0, time.UTC)

func newSeals(t testing.TB, m *memFS, rows int, o CompactOptions) *seals {
	t.Helper()
	s := &seals{m: m, clock: soon}
	s.running = start(t, m, dataDir, Options{SegmentBytes: 12 << 10, Now: func() time.Time { return s.clock }})
	s.s = NewSealer(s.Trail, SealOptions{Rows: rows})
	o.OnError = func(err error) { s.errs = append(s.errs, err) }
	s.c = NewCompactor(s.s, o)
	return s
}

// varied appends records from to to, and seals them.
func (s *seals) varied(t testing.TB, from, to int) {
	t.Helper()
	for i := from; i < to; i++ {
		if _, err := s.Append(t.Context(), variedRecord(i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (s *seals) compact(t testing.TB) {
	t.Helper()
	s.c.Compact(t.Context())
	if len(s.errs) > 0 {
		t.Fatal(errors.Join(s.errs...))
	}
}

// names are the files of the catalogue, without what is not the same each time.
func (s *seals) names() (names []string) {
	c, _ := s.sealed.get()
	for _, f := range c.Files {
		names = append(names, strings.TrimPrefix(strings.NewReplacer("00000000000000000", "", sealExt, "").Replace(f.Path), "day=2026-11-"))
	}
	slices.Sort(names)
	return names
}

// TestDayBecomesOneFile: when its day is over, a partition is one sorted file with
// bloom filters, which has every event, and the old ones go after a while.
func TestDayBecomesOneFile(t *testing.T) {
	m := newMemFS()
	s := newSeals(t, m, 11, CompactOptions{})
	s.varied(t, 0, 250) // more files than one merge takes
	before, _ := s.Sealed()
	_, changed := s.Sealed()
	s.compact(t)
	<-changed
	want := []string{"18/day-001-250", "19/day-002-248", "20/day-003-249"}
	if got := s.names(); !slices.Equal(got, want) {
		t.Errorf("the catalogue has %v, want %v", got, want)
	}
	after, _ := s.Sealed()
	if after.Seq != before.Seq {
		t.Errorf("sealed up to %d, before %d", after.Seq, before.Seq)
	}
	for _, f := range before.Files {
		if m.names[f] == nil {
			t.Errorf("%s is gone while queries may be reading it", f)
		}
	}
	s.clock = s.clock.Add(time.Minute)
	s.compact(t)
	if err := errors.Join(onlyNamedFiles(m), checkSealed(m)); err != nil {
		t.Error(err)
	}
	figures := gathered(t, Metrics(s.c))
	if figures["trailgate_trail_sealed_files"] != 3 || figures["trailgate_trail_merged_files_total"] < float64(len(before.Files)) || figures["trailgate_trail_merge_failures_total"] != 0 {
		t.Errorf("the metrics are %v, want 3 files of at least %d, and no failure", figures, len(before.Files))
	}
	s.mustEnd(t)
	mustVerify(t, m, dataDir)
	c, files, err := rowsOf(m)
	if err != nil {
		t.Fatal(err)
	}
	for i, rows := range files {
		checkShape(t, m, c.Files[i], rows)
	}
}

// checkShape checks that a seal is sorted and has its bloom filters.
func checkShape(t *testing.T, m *memFS, s seal, rows []sqlfront.Flat) {
	t.Helper()
	if !slices.IsSortedFunc(rows, func(a, b sqlfront.Flat) int {
		return keyOf(&a, uint64(*a.Seq)).compare(keyOf(&b, uint64(*b.Seq)))
	}) {
		t.Errorf("%s is not sorted", s.Path)
	}
	data := m.names[filepath.Join(eventsDir(dataDir), s.Path)].data
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for column, value := range map[string]string{"eventID": *rows[0].EventID, "userArn": *rows[0].UserARN} {
		bloom := f.RowGroups()[0].ColumnChunks()[columnIndex(column)].BloomFilter()
		if bloom == nil {
			t.Fatalf("%s has no bloom filter of %s", s.Path, column)
		}
		if ok, err := bloom.Check(parquet.ValueOf(value)); !ok || err != nil {
			t.Errorf("%s: the bloom filter of %s does not know a value of its own: %v", s.Path, column, err)
		}
	}
}

// TestLateEventRewritesNoDay: what comes late for a day waits in files of its own
// until it has a quarter of the day's size.
func TestLateEventRewritesNoDay(t *testing.T) {
	s := newSeals(t, newMemFS(), 1000, CompactOptions{})
	late := func(n int) { // all of them of the 18th
		for i := range n {
			s.varied(t, 3*i, 3*i+1)
		}
		s.clock = s.clock.Add(time.Hour)
		s.compact(t)
	}
	s.varied(t, 0, 600)
	s.varied(t, 600, 900)
	s.compact(t)
	late(1)
	if got := s.names(); !slices.Contains(got, "18/day-001-898") || !slices.Contains(got, "18/901-901") {
		t.Fatalf("the catalogue has %v, want a late event beside the day", got)
	}
	late(2)
	if got := s.names(); !slices.Contains(got, "18/day-001-898") || !slices.Contains(got, "18/day-901-903") {
		t.Fatalf("the catalogue has %v, want three late events in a file beside the day", got)
	}
	for range 60 {
		late(5)
	}
	if got := s.names(); slices.Contains(got, "18/day-001-898") {
		t.Errorf("the catalogue has %v, want the day merged with the many late events", got)
	}
	if err := checkSealed(s.m); err != nil {
		t.Error(err)
	}
	s.mustEnd(t)
	mustVerify(t, s.m, dataDir)
}

func TestWorthMerging(t *testing.T) {
	for _, c := range []struct {
		name string
		rows []int
		want int
	}{
		{"none", nil, 0},
		{"one", []int{10}, 0},
		{"equals", []int{10, 10, 10}, 3},
		{"one a little larger", []int{10, 40}, 2},
		{"one too large", []int{10, 41}, 0},
		{"the large one is left", []int{10, 10, 500}, 2},
		{"the rest together is worth it", []int{1, 10, 10, 10, 124}, 5},
		{"large ones among themselves", []int{1, 500, 500}, 3},
		{"more than a merge takes", []int{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}, mergeInputs},
	} {
		var files []seal
		for _, n := range c.rows {
			files = append(files, seal{Rows: n})
		}
		if got := len(worthMerging(files)); got != c.want {
			t.Errorf("%s: %d of %v are merged, want %d", c.name, got, c.rows, c.want)
		}
	}
}

// TestNewestSealsOfADayStay: while a day lasts its older seals are merged, at most
// once an hour, when there are many.
func TestNewestSealsOfADayStay(t *testing.T) {
	s := newSeals(t, newMemFS(), 1000, CompactOptions{Files: 3})
	s.clock = soon.AddDate(0, 0, -3) // the 18th lasts
	next := 0
	add := func(n int) {
		for range n {
			s.varied(t, next, next+1)
			next += 3
		}
		s.compact(t)
	}
	count := func() int { return len(s.names()) }
	add(6)
	if got := count(); got != 6 {
		t.Fatalf("of 6 seals there are %d, want all: as many old ones as are too few", got)
	}
	add(1)
	if got, want := s.names(), []string{"18/005-005", "18/006-006", "18/007-007", "18/merged-001-004"}; !slices.Equal(got, want) {
		t.Fatalf("of 7 seals there are %v, want %v", got, want)
	}
	add(6)
	if got := count(); got != 10 {
		t.Fatalf("within the hour there are %d files, want 10", got)
	}
	s.clock = s.clock.Add(time.Hour)
	s.compact(t)
	if got, want := s.names(), []string{"18/011-011", "18/012-012", "18/013-013", "18/merged-001-010"}; !slices.Equal(got, want) {
		t.Fatalf("an hour later there are %v, want %v", got, want)
	}
	s.clock = soon.AddDate(0, 0, -2)
	s.compact(t)
	if got, want := s.names(), []string{"18/day-001-013"}; !slices.Equal(got, want) {
		t.Fatalf("the day after there are %v, want %v", got, want)
	}
	s.mustEnd(t)
	mustVerify(t, s.m, dataDir)
}

// TestLargeDayIsSeveralFiles: a file that is full is followed by another, and is
// merged with nothing.
func TestLargeDayIsSeveralFiles(t *testing.T) {
	m := newMemFS()
	var group []seal
	for i := range 3 {
		path := filepath.Join("day=2026-11-18", sealRange(uint64(i+1), uint64(i+3*rowGroupRows))+sealExt)
		s, err := writeSeal(m, dataDir, path, quickly, func(w *parquetWriter) error {
			for n := range rowGroupRows {
				seq := int64(3*n + i + 1)
				if err := w.add(sqlfront.Flat{Seq: &seq}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		s.FirstSeq, s.LastSeq = uint64(i+1), uint64(i+3*rowGroupRows)
		group = append(group, s)
	}
	mg := merger{fs: m, dir: dataDir, partition: "day=2026-11-18", name: dayPrefix, limit: group[0].Bytes / 2}
	files, err := mg.merge(t.Context(), group)
	if err != nil || len(files) != 3 {
		t.Fatalf("three row groups became %v, %v; want a file for each", files, err)
	}
	for i, s := range files {
		if first := uint64(i*rowGroupRows + 1); s.Rows != rowGroupRows || s.FirstSeq != first || s.LastSeq != first+rowGroupRows-1 {
			t.Errorf("file %d is %+v, want the events from %d on", i, s, first)
		}
	}
	c := NewCompactor(newSeals(t, newMemFS(), 10, CompactOptions{}).s, CompactOptions{Bytes: 1})
	if due, _ := c.due("day=2026-11-18", files); len(due) > 0 {
		t.Errorf("%d full files are to be merged", len(due))
	}
}

// TestManyDaysAreFewFiles: events from outside say any time.
func TestManyDaysAreFewFiles(t *testing.T) {
	s := newSeals(t, newMemFS(), 1000, CompactOptions{})
	const days = 100
	for i := range days + 5 {
		at := time.Date(1971, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, i%days*30, 0) // the first five have two
		m := event.Meta{Time: at, Identity: event.UserIdentity{Type: "IAMUser"}, SourceIP: "203.0.113.7"}
		if _, err := s.Append(t.Context(), testOrigin.Record(m, event.CloseConnection{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.s.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, _ := s.sealed.get()
	rows := map[string]int{}
	for _, f := range c.Files {
		rows[filepath.Dir(f.Path)] += f.Rows
	}
	if rest := rows["day="+soon.Format(time.DateOnly)]; len(rows) != maxPartitions || rows["day=1971-01-01"] != 2 || rest != days-maxPartitions+1 {
		t.Errorf("the events of %d days are in %d partitions, %d in that of the append", days, len(rows), rest)
	}
	s.compact(t)
	s.mustEnd(t)
	mustVerify(t, s.m, dataDir)
}

// TestDamagedSealIsNotMerged: a merge would hide what was changed.
func TestDamagedSealIsNotMerged(t *testing.T) {
	s := newSeals(t, newMemFS(), 100, CompactOptions{})
	s.varied(t, 0, 250)
	c, _ := s.sealed.get()
	path := c.Files[0].Path
	data := s.m.names[filepath.Join(eventsDir(dataDir), path)].data
	data[len(data)/2] ^= 1
	s.c.Compact(t.Context())
	if len(s.errs) != 1 || !errors.Is(s.errs[0], ErrDamaged) || !strings.Contains(s.errs[0].Error(), path) {
		t.Errorf("the compactor told of %v, want that %s is damaged", s.errs, path)
	}
	if got, want := s.names(), []string{"18/001-100", "18/day-103-250", "19/day-002-248", "20/day-003-249"}; !slices.Equal(got, want) {
		t.Errorf("the catalogue has %v, want %v", got, want)
	}
	s.mustEnd(t)
	report, err := verify(t.Context(), s.m, dataDir, nil)
	if err != nil || report.Intact || report.Findings[0].Segment != filepath.Join("events", path) {
		t.Errorf("Verify: %+v, %v; want a finding in %s", report.Findings, err, path)
	}
}

// TestMergeIsWholeAfterACrash cuts a compaction after each change: what is found
// is the old files or the new one, and the next compaction makes the same of it.
func TestMergeIsWholeAfterACrash(t *testing.T) {
	t.Parallel()
	m := newMemFS()
	s := newSeals(t, m, 4, CompactOptions{})
	for i := range 4 {
		s.varied(t, 3*i, 3*i+1) // of the 18th
	}
	s.varied(t, 0, 2) // the 19th has one file
	before := len(m.log)
	s.compact(t)
	s.clock = s.clock.Add(time.Hour)
	s.compact(t)
	s.mustEnd(t)
	cutAfterEach(t, m, before, func(found *memFS) error { return afterCrash(t, found) })
}

// afterCrash looks at what a crash left, and compacts it.
func afterCrash(t *testing.T, found *memFS) error {
	t.Helper()
	mustVerify(t, found, dataDir)
	if err := checkSealed(found); err != nil {
		return err
	}
	s := newSeals(t, found, 7, CompactOptions{})
	defer s.mustEnd(t)
	if err := errors.Join(s.s.sweep(), onlyNamedFiles(found), checkSealed(found)); err != nil {
		return err
	}
	s.compact(t)
	if got := s.names(); len(got) != 2 {
		return fmt.Errorf("after another compaction there are %v, want a file a day", got)
	}
	return checkSealed(found)
}

// TestMergeSurvivesFaults fails each change in turn: the catalogue then names the
// old files or the new one, all of which are there, and the next try succeeds.
func TestMergeSurvivesFaults(t *testing.T) {
	t.Parallel()
	for n := 0; ; n += scale(t, "TRAILGATE_CUTS", 5) {
		m := newMemFS()
		s := newSeals(t, m, 9, CompactOptions{})
		s.varied(t, 0, 30)
		before := m.ops()
		boom := errors.New("the disk failed")
		failed := false
		m.failWith(func(at int, o op) error {
			if at == before+n {
				failed = true
				return boom
			}
			return nil
		})
		s.c.Compact(t.Context())
		m.failWith(nil)
		if !failed {
			s.mustEnd(t)
			break
		}
		if err := checkSealed(m); err != nil {
			t.Fatalf("change %d failed: %v", n, err)
		}
		for _, err := range s.errs {
			if !errors.Is(err, boom) {
				t.Errorf("change %d failed: told of %v", n, err)
			}
		}
		s.errs = nil
		s.clock = s.clock.Add(time.Hour)
		s.compact(t)
		if got := s.names(); len(got) != 3 {
			t.Errorf("change %d failed: an hour later there are %v, want a file a day", n, got)
		}
		if err := checkSealed(m); err != nil {
			t.Errorf("change %d failed: an hour later: %v", n, err)
		}
		s.mustEnd(t)
		mustVerify(t, m, dataDir)
	}
}

// TestMergeLeavesOutWhatWasRemoved: events that retention removed are in no seal
// an hour later, also where a merged file has younger ones too.
func TestMergeLeavesOutWhatWasRemoved(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 7)
	s := NewSealer(a.Trail, SealOptions{})
	c := NewCompactor(s, CompactOptions{Files: 1, OnError: func(err error) { t.Error(err) }})
	c.Compact(t.Context())
	e := a.mustPrune(t, PruneOptions{Before: a.clock.Add(-20 * time.Minute), UpTo: a.Head().Seq})
	*a.clock = a.clock.Add(time.Hour)
	c.Compact(t.Context())
	a.mustEnd(t)
	_, files, err := rowsOf(a.m)
	if err != nil {
		t.Fatal(err)
	}
	rows := slices.Concat(files...)
	if want := 40 - int(e.Last); len(rows) != want {
		t.Errorf("the seals have %d rows, want %d", len(rows), want)
	}
	for _, row := range rows {
		if *row.Seq <= e.Last {
			t.Errorf("a seal still has event %d, removed up to %d", *row.Seq, e.Last)
		}
	}
	mustVerify(t, a.m, dataDir)
}

// TestMergeYieldsToRetention: what retention drops during a merge does not come
// back with it.
func TestMergeYieldsToRetention(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 7)
	c := NewCompactor(NewSealer(a.Trail, SealOptions{}), CompactOptions{Files: 1})
	first, _ := a.sealed.get()
	group := slices.Clone(first.Files[:3])
	if err := a.dropSeals(group[0].LastSeq); err != nil {
		t.Fatal(err)
	}
	if err := c.merge(t.Context(), filepath.Dir(group[0].Path), mergedPrefix, group); err == nil {
		t.Error("a merge brought back what retention dropped")
	}
	now, _ := a.sealed.get()
	if want := first.Files[1:]; !slices.Equal(now.Files, want) {
		t.Errorf("the catalogue has %v, want %v", now.Files, want)
	}
	for name := range a.m.names {
		if strings.Contains(name, mergedPrefix) {
			t.Errorf("%s is left over", name)
		}
	}
	a.mustEnd(t)
}

// busyFS does something when a file is opened for the first time.
type busyFS struct {
	FS
	name string
	do   func()
}

func (b *busyFS) Open(name string, write bool) (File, error) {
	if b.do != nil && strings.Contains(name, b.name) {
		do := b.do
		b.do = nil
		do()
	}
	return b.FS.Open(name, write)
}

// TestVerifyBesideACompactor: files that a server merges while somebody verifies
// are no finding; one that is missing is, merged or not.
func TestVerifyBesideACompactor(t *testing.T) {
	s := newSeals(t, newMemFS(), 50, CompactOptions{})
	s.varied(t, 0, 120)
	merge := func() {
		s.compact(t)
		s.clock = s.clock.Add(time.Hour)
		s.compact(t)
	}
	busy := &busyFS{s.m, "101-", merge}
	if report, err := verify(t.Context(), busy, dataDir, nil); err != nil || !report.Intact || busy.do != nil {
		t.Errorf("Verify while seals are merged: %+v, %v; want them intact", report.Findings, err)
	}
	delete(s.m.names, filepath.Join(eventsDir(dataDir), "day=2026-11-19", "day-00000000000000000002-00000000000000000119.parquet"))
	if report, err := verify(t.Context(), s.m, dataDir, nil); err != nil || report.Intact {
		t.Errorf("Verify without a merged seal: %+v, %v; want a finding", report.Findings, err)
	}
	s.mustEnd(t)
}

// TestCompactorRuns: by itself, once the sealer has swept.
func TestCompactorRuns(t *testing.T) {
	m := newMemFS()
	s := newSeals(t, m, 50, CompactOptions{Every: time.Millisecond, Gently: true})
	s.varied(t, 0, 120)
	ctx, cancel := context.WithCancel(t.Context())
	_, changed := s.Sealed()
	done := make(chan error, 2)
	go func() { done <- s.c.Run(ctx) }()
	go func() { done <- s.s.Run(ctx) }()
	for len(s.names()) > 3 {
		<-changed
		_, changed = s.Sealed()
	}
	cancel()
	if err := errors.Join(<-done, <-done); err != nil {
		t.Error(err)
	}
	s.mustEnd(t)
	mustVerify(t, m, dataDir)
}

// TestVerifyHoldsMergedSealsAgainstTheJournal: the ranges of merged seals overlap,
// and verification looks at a window of events at a time; what a row says and the
// journal does not is found and located all the same.
func TestVerifyHoldsMergedSealsAgainstTheJournal(t *testing.T) {
	s := newSeals(t, newMemFS(), 15, CompactOptions{})
	s.varied(t, 0, 30)
	s.compact(t)
	s.varied(t, 30, 34)
	s.mustEnd(t)
	m := s.m
	c, files, err := rowsOf(m)
	if err != nil {
		t.Fatal(err)
	}
	rewrite := func(m *memFS, i int, rows []sqlfront.Flat) { rewriteSeal(t, m, c, i, rows) }
	other := "mallory"
	for _, window := range []uint64{8, 1000} {
		look := func(m *memFS) []Finding {
			v := &verifier{fs: m, dir: dataDir, progress: func(int64, int64) {}, window: window}
			report, err := v.run(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return report.Findings
		}
		if found := look(m); len(found) > 0 {
			t.Errorf("window of %d: the trail as it is has %v", window, found)
		}
		for i, f := range c.Files {
			path, at := filepath.Join("events", f.Path), len(files[i])/2
			for _, change := range []struct {
				name    string
				rows    []sqlfront.Flat
				segment string
				frame   uint64
			}{
				{"change a row", replaced1(files[i], at, func(r *sqlfront.Flat) { r.UserName = &other }), path, uint64(*files[i][at].Seq)},
				{"drop a row", slices.Delete(slices.Clone(files[i]), at, at+1), catalogued, uint64(*files[i][at].Seq)},
				{"a row twice", append(slices.Clone(files[i]), files[i][at]), path, f.FirstSeq},
				{"a row without its number", replaced1(files[i], at, func(r *sqlfront.Flat) { r.Seq = nil }), path, f.FirstSeq},
			} {
				changed := m.clone()
				rewrite(changed, i, change.rows)
				found := look(changed)
				if !slices.ContainsFunc(found, func(f Finding) bool { return f.Segment == change.segment && f.Frame == change.frame }) {
					t.Errorf("window of %d, %s of %s: found %v, want event %d of %s", window, change.name, f.Path, found, change.frame, change.segment)
				}
			}
		}
	}
	// The catalogue's own words.
	for i, f := range c.Files {
		for name, edit := range map[string]func(*seal){
			"first": func(s *seal) { s.FirstSeq++ }, "last": func(s *seal) { s.LastSeq-- }, "wider": func(s *seal) { s.LastSeq++ },
			"rows": func(s *seal) { s.Rows++ }, "bytes": func(s *seal) { s.Bytes-- }, "hash": func(s *seal) { s.SHA256 = strings.Repeat("0", 64) },
		} {
			changed := m.clone()
			next := catalogue{Version: c.Version, Seq: c.Seq, Files: slices.Clone(c.Files)}
			edit(&next.Files[i])
			if err := writeCatalogue(changed, dataDir, next); err != nil {
				t.Fatal(err)
			}
			report, err := verify(t.Context(), changed, dataDir, nil)
			if err != nil || !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Segment == catalogued || strings.Contains(f.Problem, catalogued) }) {
				t.Errorf("%s of %s: found %v, %v; want a finding that names the catalogue", name, f.Path, report.Findings, err)
			}
		}
	}
}

// replaced1 is rows with one of them changed.
func replaced1(rows []sqlfront.Flat, at int, change func(*sqlfront.Flat)) []sqlfront.Flat {
	rows = slices.Clone(rows)
	change(&rows[at])
	return rows
}

// TestMergedRowsAreTheSame: sealing and merging change nothing in a row, NULL or
// empty, with resources or without, in whatever year.
func TestMergedRowsAreTheSame(t *testing.T) {
	m := newMemFS()
	name, arn := "x", "arn:aws:s3:::x"
	var h rowHasher
	want := map[uint64][32]byte{}
	var group []seal
	for i, change := range []func(*sqlfront.Flat){
		func(*sqlfront.Flat) {},
		func(f *sqlfront.Flat) {
			f.EventSource, f.EventName, f.ErrorCode = new(string), new(string), new(string)
		},
		func(f *sqlfront.Flat) {
			f.EventSource, f.ReadOnly, f.UserIdentity = &name, new(bool), &sqlfront.UserIdentity{}
		},
		func(f *sqlfront.Flat) { f.Resources = []sqlfront.Resource{} },
		func(f *sqlfront.Flat) {
			f.Resources = []sqlfront.Resource{{}, {ARN: &arn}, {Type: &name, AccountID: new(string)}}
		},
		func(f *sqlfront.Flat) { f.EventTime = new(time.Time) },
		func(f *sqlfront.Flat) { at := time.Unix(0, 0).UTC(); f.EventTime = &at },
		func(f *sqlfront.Flat) {
			at := time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC)
			f.EventTime, f.AppendTime = &at, &soon
		},
	} {
		s, err := writeSeal(m, dataDir, filepath.Join("day=2026-11-18", fmt.Sprintf("%d.parquet", i)), quickly, func(w *parquetWriter) error {
			for n := range 3 {
				seq := int64(1 + 8*n + i)
				row := sqlfront.Flat{Seq: &seq}
				change(&row)
				want[uint64(seq)] = h.sum(row)
				if err := w.add(row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		group = append(group, s)
	}
	mg := merger{fs: m, dir: dataDir, partition: "day=2026-11-18", name: dayPrefix, limit: 1 << 30}
	files, err := mg.merge(t.Context(), group)
	if err != nil {
		t.Fatal(err)
	}
	for i, s := range append(group, files...) {
		rows := 0
		err := eachRaw(m, filepath.Join(eventsDir(dataDir), s.Path), func(row parquet.Row) error {
			rows++
			if h.sumRow(row) != want[seqOf(row)] {
				t.Errorf("row %d of %s is not what it was: %v", seqOf(row), s.Path, row)
			}
			return nil
		})
		if err != nil || i < len(group) && rows != 3 || i == len(group) && rows != len(want) {
			t.Errorf("%s has %d rows, %v", s.Path, rows, err)
		}
	}
}

// TestEveryYearVerifies: an event may say that it happened in any year.
func TestEveryYearVerifies(t *testing.T) {
	s := newSeals(t, newMemFS(), 2, CompactOptions{})
	for _, at := range []time.Time{{}, time.Unix(0, 0), time.Date(1677, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		for range 2 {
			rec := variedRecord(3)
			rec.EventTime = event.Time{Time: at}
			if _, err := s.Append(t.Context(), rec); err != nil {
				t.Fatal(err)
			}
		}
	}
	s.varied(t, 0, 0)
	mustVerify(t, s.m, dataDir)
	s.compact(t)
	s.mustEnd(t)
	mustVerify(t, s.m, dataDir)
}
