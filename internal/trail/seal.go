package trail

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// SealOptions say when a seal is due: at so many rows, or so long after the
// last one. Zero means 100,000 and five minutes.
type SealOptions struct {
	Rows  int
	Every time.Duration
	// OnError is told of a seal that failed. Nothing is lost by it: the events
	// are in the journal, and the next seal takes them.
	OnError func(error)
}

// Sealer copies the journal into Parquet files under events/day=…/, where
// query engines read it. A seal is an index: the journal stays what is true.
type Sealer struct {
	t       *Trail
	rows    int
	wait    time.Duration
	onError func(error)
	swept   chan struct{} // closed when what another process left is gone
}

// NewSealer makes a sealer of t; Run does the work.
func NewSealer(t *Trail, o SealOptions) *Sealer {
	s := &Sealer{t: t, rows: o.Rows, wait: o.Every, onError: o.OnError, swept: make(chan struct{})}
	if s.rows <= 0 {
		s.rows = 100_000
	}
	if s.wait <= 0 {
		s.wait = 5 * time.Minute
	}
	if s.onError == nil {
		s.onError = func(error) {}
	}
	return s
}

// Run seals whenever it is due, until ctx ends; then it returns nil. A seal
// that fails is tried again when the next one is due. It is called once.
func (s *Sealer) Run(ctx context.Context) error {
	if err := s.sweep(); err != nil {
		return err
	}
	close(s.swept)
	due := time.NewTimer(s.wait)
	defer due.Stop()
	// A whole seal's rows may wait from before; nextRows is when there are
	// enough for another try.
	nextRows := uint64(s.rows)
	for {
		s.t.mu.Lock()
		head, advanced := s.t.view.head.seq, s.t.advanced
		s.t.mu.Unlock()
		c, _ := s.t.sealed.get()
		if head-c.Seq < nextRows {
			select {
			case <-ctx.Done():
				return nil
			case <-advanced:
				continue
			case <-due.C:
			}
		}
		err := s.Seal(ctx)
		if ctx.Err() != nil {
			return nil
		}
		nextRows = uint64(s.rows)
		if err != nil {
			nextRows += head - c.Seq
			s.onError(err)
		}
		due.Reset(s.wait)
	}
}

// Seal seals all that is acknowledged now. It must not run twice at once.
func (s *Sealer) Seal(ctx context.Context) error {
	for {
		s.t.mu.Lock()
		v := s.t.view
		s.t.mu.Unlock()
		c, _ := s.t.sealed.get()
		if c.Seq >= v.head.seq {
			return nil
		}
		last := min(v.head.seq, c.Seq+uint64(s.rows))
		files, err := s.write(ctx, v, c.Seq+1, last, nil)
		if err != nil {
			return fmt.Errorf("seal events %d to %d: %w", c.Seq+1, last, err)
		}
		err = s.t.sealed.swap(s.t.fs, s.t.dir, func(c catalogue) catalogue {
			return catalogue{Version: catalogueVersion, Seq: last, Files: append(slices.Clone(c.Files), files...)}
		})
		if err != nil {
			return fmt.Errorf("seal events %d to %d: %w", c.Seq+1, last, err)
		}
	}
}

// rowPlace is where a row's record lies in the journal.
type rowPlace struct {
	sortKey
	ordinal uint64
	off     int64
	size    int
}

// write makes the files of the events first to last, one for each day they
// happened on. It keeps only keys in memory and reads each record again in the
// order of the file. name makes their paths of a partition; nil is the sealer's own
// way, which replaces what an attempt that failed has left.
func (s *Sealer) write(ctx context.Context, v view, first, last uint64, name func(partition string) (string, error)) ([]seal, error) {
	days, err := s.places(ctx, v, first, last)
	if err != nil {
		return nil, err
	}
	r := recordReader{fs: s.t.fs, dir: s.t.dir}
	defer r.close()
	var seals []seal
	for _, day := range sortedDays(days) {
		rows := days[day]
		slices.SortFunc(rows, func(a, b rowPlace) int { return a.compare(b.sortKey) })
		path := filepath.Join(partitionPrefix+day, sealRange(first, last)+sealExt)
		if name != nil {
			if path, err = name(partitionPrefix + day); err != nil {
				return nil, err
			}
		}
		file, err := writeSeal(s.t.fs, s.t.dir, path, quickly, func(w *parquetWriter) error {
			for i, row := range rows {
				if i%rowGroupRows == 0 && ctx.Err() != nil {
					return ctx.Err()
				}
				flat, err := r.read(row)
				if err != nil {
					return err
				}
				if err := w.add(flat); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		file.FirstSeq, file.LastSeq = first, last
		seals = append(seals, file)
	}
	return seals, nil
}

// places finds the events first to last, by the partition they belong to: the day
// they happened on, or that of the append where there are too many days.
func (s *Sealer) places(ctx context.Context, v view, first, last uint64) (map[string][]rowPlace, error) {
	days := map[string][]rowPlace{}
	var newest time.Time
	names := map[string]string{} // one copy of each text in the keys
	keep := func(s string) string {
		if k, ok := names[s]; ok {
			return k
		}
		s = strings.Clone(s)
		names[s] = s
		return s
	}
	c := cursor{fs: s.t.fs, dir: s.t.dir, next: first}
	defer c.close()
	for c.next <= last {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		entries, err := c.read(v)
		if err != nil {
			return nil, fmt.Errorf("read journal: %w", err)
		}
		off := c.off
		for _, e := range slices.Backward(entries) {
			size := frameHead + payloadHead + len(e.JSON)
			off -= int64(size)
			if e.Seq > last {
				continue
			}
			flat, err := sqlfront.Flatten(e.JSON, e.Seq, e.AppendTime)
			if err != nil {
				return nil, err
			}
			k := keyOf(&flat, e.Seq)
			k.source, k.name, k.code = keep(k.source), keep(k.name), keep(k.code)
			day := dayOf(&flat, e.AppendTime)
			days[day] = append(days[day], rowPlace{k, c.ordinal, off, size})
		}
		if len(entries) > 0 {
			newest = entries[len(entries)-1].AppendTime
		}
	}
	return gather(days, newest.UTC().Format(time.DateOnly)), nil
}

// maxPartitions is how many days a seal makes files for.
const maxPartitions = 32

// gather bounds the files of a seal: events from outside may say any time, and a
// file for each day since 1970 would be most of what the disk holds. The days
// with the fewest rows go into one: engines look at the times that a file says it
// has, not at its partition.
func gather[T any](days map[string][]T, into string) map[string][]T {
	if len(days) <= maxPartitions {
		return days
	}
	names := sortedDays(days)
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(days[b]), len(days[a])) })
	for _, name := range names[maxPartitions-1:] {
		if name != into {
			days[into] = append(days[into], days[name]...)
			delete(days, name)
		}
	}
	return days
}

// Names of partitions and of the files in them.
const (
	partitionPrefix = "day="
	sealExt         = ".parquet"
)

// sealRange is how a seal's name has the events it lies between.
func sealRange(first, last uint64) string { return fmt.Sprintf("%020d-%020d", first, last) }

// dayOf is the partition a row belongs to.
func dayOf(f *sqlfront.Flat, appended time.Time) string {
	t := appended
	if f.EventTime != nil {
		t = *f.EventTime
	}
	return t.UTC().Format(time.DateOnly)
}

func sortedDays[T any](days map[string]T) []string {
	names := make([]string, 0, len(days))
	for day := range days {
		names = append(names, day)
	}
	slices.Sort(names)
	return names
}

// recordReader reads single records of the journal.
type recordReader struct {
	fs    FS
	dir   string
	files map[uint64]File
}

func (r *recordReader) read(p rowPlace) (sqlfront.Flat, error) {
	f, ok := r.files[p.ordinal]
	if !ok {
		var err error
		if f, err = r.fs.Open(segmentPath(r.dir, p.ordinal), false); err != nil {
			return sqlfront.Flat{}, fmt.Errorf("read journal: %w", err)
		}
		if r.files == nil {
			r.files = map[uint64]File{}
		}
		r.files[p.ordinal] = f
	}
	b := make([]byte, p.size)
	if err := readFull(f, b, p.off); err != nil {
		return sqlfront.Flat{}, fmt.Errorf("read event %d: %w", p.seq, err)
	}
	fr, err := readFrame(b)
	if err == nil && fr.seq != p.seq {
		err = errSeq
	}
	if err != nil {
		return sqlfront.Flat{}, fmt.Errorf("read event %d: %w: %w", p.seq, ErrDamaged, err)
	}
	return sqlfront.Flatten(fr.json(), fr.seq, time.UnixMicro(fr.micros).UTC())
}

func (r *recordReader) close() {
	for _, f := range r.files {
		f.Close()
	}
}

// writeSeal makes one Parquet file, whole and durable or not at all. path is
// under events/.
func writeSeal(fsys FS, dir, path string, p packing, fill func(*parquetWriter) error) (seal, error) {
	f, err := createSeal(fsys, dir, filepath.Dir(path), filepath.Base(path)+tempExt, p)
	if err != nil {
		return seal{}, err
	}
	if err := fill(f.w); err != nil {
		f.drop()
		return seal{}, err
	}
	return f.finish(path)
}

// sealFile is a seal that is being written.
type sealFile struct {
	fs   FS
	dir  string // the data directory
	temp string
	f    File
	to   fileWriter
	buf  *bufio.Writer
	w    *parquetWriter
}

// createSeal begins a seal in a partition. Either finish or drop must follow.
func createSeal(fsys FS, dir, partition, temp string, p packing) (*sealFile, error) {
	into := filepath.Join(eventsDir(dir), partition)
	if err := fsys.MkdirAll(into); err != nil {
		return nil, fmt.Errorf("make partition: %w", err)
	}
	if err := fsys.SyncDir(eventsDir(dir)); err != nil {
		return nil, fmt.Errorf("make partition: %w", err)
	}
	s := &sealFile{fs: fsys, dir: dir, temp: filepath.Join(into, temp)}
	var err error
	if s.f, err = createTemp(fsys, s.temp); err != nil {
		return nil, err
	}
	s.to = fileWriter{f: s.f, sum: sha256.New()}
	s.buf = bufio.NewWriterSize(&s.to, 1<<20)
	s.w = newParquetWriter(s.buf, p)
	return s, nil
}

// size is how large the row groups are that are written.
func (s *sealFile) size() int64 { return s.to.off + int64(s.buf.Buffered()) }

// finish makes the seal durable as path, which is under events/.
func (s *sealFile) finish(path string) (_ seal, err error) {
	if err := s.w.close(); err != nil {
		s.drop()
		return seal{}, err
	}
	if err := s.buf.Flush(); err != nil {
		s.drop()
		return seal{}, fmt.Errorf("write %s: %w", path, err)
	}
	if err := publishFile(s.fs, s.f, s.temp, filepath.Join(eventsDir(s.dir), path)); err != nil {
		s.drop()
		return seal{}, err
	}
	if err := s.f.Close(); err != nil {
		return seal{}, fmt.Errorf("close %s: %w", path, err)
	}
	return seal{Path: path, Rows: s.w.rows, Bytes: s.to.off, SHA256: hex.EncodeToString(s.to.sum.Sum(nil))}, nil
}

// drop gives up a seal.
func (s *sealFile) drop() {
	s.f.Close()
	_ = s.fs.Remove(s.temp) // the next start removes it otherwise
}

// sweep removes what a seal that did not finish left: temporary files, and
// finished ones that the catalogue does not name.
func (s *Sealer) sweep() error {
	c, _ := s.t.sealed.get()
	named := map[string]bool{}
	for _, f := range c.Files {
		named[f.Path] = true
	}
	days, err := s.t.fs.List(eventsDir(s.t.dir))
	if err != nil {
		return fmt.Errorf("list seals: %w", err)
	}
	for _, day := range days {
		if strings.HasSuffix(day, tempExt) {
			if err := s.t.fs.Remove(filepath.Join(eventsDir(s.t.dir), day)); err != nil {
				return fmt.Errorf("remove unfinished seal: %w", err)
			}
			continue
		}
		if !strings.HasPrefix(day, partitionPrefix) {
			continue
		}
		files, err := s.t.fs.List(filepath.Join(eventsDir(s.t.dir), day))
		if err != nil {
			return fmt.Errorf("list seals: %w", err)
		}
		for _, file := range files {
			path := filepath.Join(day, file)
			ours := strings.HasSuffix(file, sealExt) || strings.HasSuffix(file, tempExt)
			if !ours || named[path] {
				continue
			}
			err := s.t.fs.Remove(filepath.Join(eventsDir(s.t.dir), path))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove unfinished seal: %w", err)
			}
		}
	}
	return nil
}
