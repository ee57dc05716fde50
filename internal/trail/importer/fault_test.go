package importer

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

var errDied = errors.New("the process died")

// dyingFS does nothing any more from change number at on; of the write that is
// that change it does half.
type dyingFS struct {
	trail.FS
	mu sync.Mutex // guards below
	n  int
	at int
}

func (d *dyingFS) dies() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.n++
	return d.n > d.at
}

type dyingFile struct {
	trail.File
	d *dyingFS
}

func (d *dyingFS) Create(name string) (trail.File, error) {
	if d.dies() {
		return nil, errDied
	}
	f, err := d.FS.Create(name)
	return dyingFile{f, d}, err
}

func (d *dyingFS) Rename(from, to string) error {
	if d.dies() {
		return errDied
	}
	return d.FS.Rename(from, to)
}

func (d *dyingFS) Remove(name string) error {
	if _, err := os.Lstat(name); err != nil {
		return err
	}
	if d.dies() {
		return errDied
	}
	return d.FS.Remove(name)
}

func (d *dyingFS) SyncDir(dir string) error {
	if d.dies() {
		return errDied
	}
	return d.FS.SyncDir(dir)
}

func (f dyingFile) WriteAt(b []byte, off int64) (int, error) {
	if f.d.dies() {
		n, _ := f.File.WriteAt(b[:len(b)/2], off)
		return n, errDied
	}
	return f.File.WriteAt(b, off)
}

func (f dyingFile) Sync() error {
	if f.d.dies() {
		return errDied
	}
	return f.File.Sync()
}

// imported are the eventIDs in a data directory, each as often as it is there.
// It fails unless every file is whole and named.
func imported(t testing.TB, data string) map[string]int {
	t.Helper()
	c, err := trail.ReadImports(trail.OS(), data)
	if err != nil {
		t.Fatal(err)
	}
	ids := map[string]int{}
	for _, f := range c.Files {
		info, err := os.Stat(filepath.Join(trail.ImportsDir(data), f.Path))
		if err != nil || info.Size() != f.Bytes {
			t.Fatalf("%s: %v, %v, want %d bytes", f.Path, info, err, f.Bytes)
		}
		rows := 0
		var last sqlfront.Flat
		err = trail.EachImportedRow(trail.OS(), data, f.Path, func(row sqlfront.Flat) error {
			rows++
			ids[*row.EventID]++
			if row.Seq != nil || row.AppendTime == nil || row.EventTime == nil || !row.AppendTime.Equal(*row.EventTime) ||
				row.EventTime.Before(f.First) || row.EventTime.After(f.Last) {
				t.Errorf("%s has a row of seq %v, eventTime %v, appendTime %v", f.Path, row.Seq, row.EventTime, row.AppendTime)
			}
			if last.EventSource != nil && *last.EventSource > *row.EventSource {
				t.Errorf("%s is not sorted", f.Path)
			}
			last = row
			return nil
		})
		if err != nil || rows != f.Rows {
			t.Fatalf("%s has %d rows, want %d: %v", f.Path, rows, f.Rows, err)
		}
	}
	return ids
}

// leftovers are files that no catalogue names.
func leftovers(t testing.TB, data string) (names []string) {
	t.Helper()
	s, err := openStoreUnlocked(data)
	if err != nil {
		t.Fatal(err)
	}
	named := s.catalogue.names()
	err = filepath.WalkDir(s.dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, _ := filepath.Rel(s.dir, name)
		if !named[rel] && rel != trail.ImportsName && rel != lockName {
			names = append(names, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func openStoreUnlocked(data string) (*store, error) {
	s := &store{fs: trail.OS(), dataDir: data, dir: trail.ImportsDir(data), now: time.Now}
	return s, s.load()
}

// faultSource is a directory whose import takes several batches, has what is
// broken and what is there twice, and ends with files to merge.
func faultSource(t testing.TB) (dir string, records int) {
	dir = t.TempDir()
	for i := range 12 {
		text := `{"Records":[` + awsRecords(i*20, i*20+25) + `,{"broken":` + strings.Repeat("[", i+1) + `]}`
		put(t, dir, filepath.Join("AWSLogs", string(rune('a'+i))+".json.gz"), pack(t, text))
	}
	return dir, 11*20 + 25
}

// TestDyingLosesAndDoublesNothing ends an import at each of its changes to the
// disk, and imports again.
func TestDyingLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	dir, records := faultSource(t)
	small := func(o *Options) { o.BatchRows = 30 }
	// How many changes a whole import makes.
	whole := &dyingFS{FS: trail.OS(), at: 1 << 30}
	first := importDir(t, t.TempDir(), dir, small, func(o *Options) { o.FS = whole })
	if first.New != int64(records) || first.Read != 12*26 || first.Quarantined != 12 || first.Duplicate != first.Read-12-first.New {
		t.Fatalf("a whole import: %+v", first)
	}
	step := max(1, whole.n/scale(t, "TRAILGATE_IMPORT_FAULTS", 8))
	t.Logf("%d changes, one in %d tried", whole.n, step)
	for at := 0; at < whole.n; at += step {
		data := t.TempDir()
		src, err := OpenDirectory(dir)
		if err != nil {
			t.Fatal(err)
		}
		before, err := Run(t.Context(), Options{DataDir: data, Source: src, BatchRows: 30, FS: &dyingFS{FS: trail.OS(), at: at}})
		src.Close()
		if !errors.Is(err, errDied) {
			// The last changes are removals, which nothing depends on.
			if err != nil || before.New != int64(records) {
				t.Fatalf("died at change %d: %+v, %v", at, before, err)
			}
		}
		after := importDir(t, data, dir, small)
		if after.Read != first.Read || after.Quarantined != 12 || after.New+after.Duplicate != after.Read-12 || after.Totals.New != int64(records) {
			t.Fatalf("after it died at change %d: %+v", at, after)
		}
		ids := imported(t, data)
		if len(ids) != records || slices.Max(slices.Collect(maps.Values(ids))) != 1 {
			t.Fatalf("after it died at change %d there are %d different events", at, len(ids))
		}
		if left := leftovers(t, data); len(left) > 0 {
			t.Fatalf("after it died at change %d there is %q", at, left)
		}
		if lines := quarantineLines(t, data); len(lines) != 12 {
			t.Fatalf("after it died at change %d, %d lines are in quarantine, want 12", at, len(lines))
		}
	}
}

// quarantineLines are all lines of the quarantine.
func quarantineLines(t testing.TB, data string) (lines []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(trail.ImportsDir(data), quarantineName, "*.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines = append(lines, strings.Split(strings.TrimSpace(string(b)), "\n")...)
	}
	return lines
}

// TestInterruptedImportKeepsWhatItHas and goes on from there.
func TestInterruptedImportKeepsWhatItHas(t *testing.T) {
	t.Parallel()
	dir, records := faultSource(t)
	data := t.TempDir()
	src, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	ctx, cancel := context.WithCancel(t.Context())
	first, err := Run(ctx, Options{DataDir: data, Source: interrupting{src, cancel}, BatchRows: 30})
	if !errors.Is(err, context.Canceled) || first.New == 0 || first.New == int64(records) {
		t.Fatalf("the interrupted import: %+v, %v", first, err)
	}
	if got := len(imported(t, data)); int64(got) != first.New {
		t.Fatalf("it says %d are new and %d are there", first.New, got)
	}
	second := importDir(t, data, dir)
	if second.New+first.New != int64(records) || second.Known == 0 || second.Totals.New != int64(records) {
		t.Fatalf("the second import: %+v", second)
	}
}

// interrupting ends the import when it opens the seventh file.
type interrupting struct {
	*Directory
	cancel func()
}

func (i interrupting) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	if strings.Contains(f.Name, "g.json") {
		i.cancel()
	}
	return i.Directory.Open(ctx, f)
}

// refusing fails for one file.
type refusing struct {
	*Directory
	name string
}

func (r refusing) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	if f.Name == r.name {
		return nil, errors.New("the disk has a bad sector")
	}
	return r.Directory.Open(ctx, f)
}
