package trail

import (
	"bufio"
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
}

// NewSealer makes a sealer of t; Run does the work.
func NewSealer(t *Trail, o SealOptions) *Sealer {
	s := &Sealer{t: t, rows: o.Rows, wait: o.Every, onError: o.OnError}
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
// that fails is tried again when the next one is due.
func (s *Sealer) Run(ctx context.Context) error {
	if err := s.sweep(); err != nil {
		return err
	}
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
		files, err := s.write(ctx, v, c.Seq+1, last)
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
// order of the file.
func (s *Sealer) write(ctx context.Context, v view, first, last uint64) ([]seal, error) {
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
		path := filepath.Join("day="+day, fmt.Sprintf("%020d-%020d.parquet", first, last))
		file, err := writeSeal(s.t.fs, s.t.dir, path, func(w *parquetWriter) error {
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

// places finds the events first to last, by the day they happened on.
func (s *Sealer) places(ctx context.Context, v view, first, last uint64) (map[string][]rowPlace, error) {
	days := map[string][]rowPlace{}
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
	}
	return days, nil
}

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
func writeSeal(fsys FS, dir, path string, fill func(*parquetWriter) error) (_ seal, err error) {
	name := filepath.Join(eventsDir(dir), path)
	if err := fsys.MkdirAll(filepath.Dir(name)); err != nil {
		return seal{}, fmt.Errorf("make partition: %w", err)
	}
	if err := fsys.SyncDir(eventsDir(dir)); err != nil {
		return seal{}, fmt.Errorf("make partition: %w", err)
	}
	temp := name + tempExt
	f, err := createTemp(fsys, temp)
	if err != nil {
		return seal{}, err
	}
	defer func() {
		err = errors.Join(err, f.Close())
		if err != nil {
			_ = fsys.Remove(temp) // the next start removes it otherwise
		}
	}()
	to := fileWriter{f: f, sum: sha256.New()}
	buf := bufio.NewWriterSize(&to, 1<<20)
	w := newParquetWriter(buf)
	if err := fill(w); err != nil {
		return seal{}, err
	}
	if err := w.close(); err != nil {
		return seal{}, err
	}
	if err := buf.Flush(); err != nil {
		return seal{}, fmt.Errorf("write %s: %w", path, err)
	}
	if err := publishFile(fsys, f, temp, name); err != nil {
		return seal{}, err
	}
	return seal{Path: path, Rows: w.rows, Bytes: to.off, SHA256: hex.EncodeToString(to.sum.Sum(nil))}, nil
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
		if !strings.HasPrefix(day, "day=") {
			continue
		}
		files, err := s.t.fs.List(filepath.Join(eventsDir(s.t.dir), day))
		if err != nil {
			return fmt.Errorf("list seals: %w", err)
		}
		for _, file := range files {
			path := filepath.Join(day, file)
			ours := strings.HasSuffix(file, ".parquet") || strings.HasSuffix(file, tempExt)
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
