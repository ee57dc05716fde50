package trail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Queries read seals, so a seal must say what the journal says: each of its
// rows is held against the event it stands for, and each sealed event must
// have its row. History has no events in the journal; of it the hash in the
// catalogue is all there is to compare.

// catalogued is where it is said which seals there are.
var catalogued = filepath.Join("events", catalogueName)

const (
	// verifyWindow is how many events' rows are held against the journal at a time:
	// what a verification keeps in memory of them.
	verifyWindow = 1 << 19
	// sealTries is how often the seals are looked at again when a server has merged
	// or removed some meanwhile.
	sealTries = 10
)

// checkSeals checks the files the catalogue names. A server may replace some of
// them meanwhile: then what is missing is no finding.
func (v *verifier) checkSeals(ctx context.Context) error {
	for try := 1; ; try++ {
		before := len(v.report.Findings)
		c, err := v.checkCatalogued(ctx)
		found := len(v.report.Findings) > before || errors.Is(err, fs.ErrNotExist)
		if !found || try == sealTries || !v.replaced(c) {
			return errors.Join(err, v.checkImports(ctx))
		}
		v.report.Findings = v.report.Findings[:before]
	}
}

// replaced reports whether a file that c names is not in the catalogue any more.
func (v *verifier) replaced(c catalogue) bool {
	now, err := readCatalogue(v.fs, v.dir)
	if err != nil {
		return false
	}
	named := map[string]bool{}
	for _, s := range now.Files {
		named[s.Path] = true
	}
	return slices.ContainsFunc(c.Files, func(s seal) bool { return !named[s.Path] })
}

// checkCatalogued checks the files that the catalogue names now. Rows are compared
// only with a journal that is intact.
func (v *verifier) checkCatalogued(ctx context.Context) (catalogue, error) {
	intact := !v.headless && len(v.report.Findings) == 0
	c, err := v.readCatalogue()
	if errors.Is(err, ErrDamaged) {
		v.find(Finding{Segment: catalogued, Problem: err.Error()})
		return c, v.checkFormats("events")
	}
	if err != nil {
		return c, err
	}
	head := v.head
	if !v.headless && c.Seq > head.seq {
		// The catalogue may have been swapped after the head was read.
		again, err := readHead(v.fs, v.dir)
		if err == nil {
			head = again
		}
		if err == nil && c.Seq > head.seq {
			v.find(Finding{Segment: "head", Frame: head.seq, Problem: fmt.Sprintf("it ends before event %d, which was sealed", c.Seq)})
			intact = false
		}
	}
	for _, s := range c.Files {
		if err := v.checkSealFile(s); err != nil {
			return c, err
		}
	}
	if intact {
		journal, err := loadView(v.fs, v.dir, head.position)
		if err != nil {
			return c, fmt.Errorf("read the journal again: %w", err)
		}
		if err := v.checkSealRows(ctx, c, journal); err != nil {
			return c, err
		}
	}
	for _, s := range c.Files {
		if err := v.checkSealHash(ctx, s); err != nil {
			return c, err
		}
	}
	return c, nil
}

// checkImports holds the files of imported events against their catalogue,
// which is all there is to compare them with.
func (v *verifier) checkImports(ctx context.Context) error {
	c, err := ReadImports(v.fs, v.dir)
	if errors.Is(err, ErrDamaged) {
		v.find(Finding{Segment: filepath.Join("events", "import", ImportsName), Problem: err.Error()})
		return v.checkFormats(filepath.Join("events", "import"))
	}
	if err != nil {
		return err
	}
	for _, f := range c.Files {
		s := seal{Path: filepath.Join("import", f.Path), Bytes: f.Bytes, SHA256: f.SHA256}
		if err := v.checkSealFile(s); err != nil {
			return err
		}
		if err := v.checkSealHash(ctx, s); err != nil {
			return err
		}
	}
	return nil
}

// checkFormats looks at the Parquet files of a directory whose catalogue cannot
// say what is in them: one that is something else was put there.
func (v *verifier) checkFormats(dir string) error {
	days, err := v.fs.List(filepath.Join(v.dir, dir))
	if err != nil {
		return fmt.Errorf("list seals: %w", err)
	}
	for _, day := range days {
		if !strings.HasPrefix(day, partitionPrefix) {
			continue
		}
		names, err := v.fs.List(filepath.Join(v.dir, dir, day))
		if err != nil {
			return fmt.Errorf("list seals: %w", err)
		}
		for _, name := range names {
			path := filepath.Join(dir, day, name)
			if !strings.HasSuffix(name, sealExt) {
				continue
			}
			ok, err := v.isParquet(path)
			if err != nil {
				return fmt.Errorf("look at seal: %w", err)
			}
			if !ok {
				v.find(Finding{Segment: path, Problem: "the seal is no Parquet file"})
			}
		}
	}
	return nil
}

// isParquet reports whether a file begins and ends as Parquet does.
func (v *verifier) isParquet(path string) (bool, error) {
	const magic = "PAR1"
	size, err := fileSize(v.fs, filepath.Join(v.dir, path))
	if err != nil || size < 2*int64(len(magic)) {
		return false, err
	}
	f, err := v.fs.Open(filepath.Join(v.dir, path), false)
	if err != nil {
		return false, err
	}
	defer f.Close()
	var head, tail [len(magic)]byte
	if err := errors.Join(readFull(f, head[:], 0), readFull(f, tail[:], size-int64(len(magic)))); err != nil {
		return false, err
	}
	return string(head[:]) == magic && string(tail[:]) == magic, nil
}

// readCatalogue reads the catalogue once, and notes when it says what it says in
// other words than ours.
func (v *verifier) readCatalogue() (catalogue, error) {
	b, err := readFile(v.fs, filepath.Join(eventsDir(v.dir), catalogueName))
	if errors.Is(err, fs.ErrNotExist) {
		return catalogue{Version: catalogueVersion}, nil
	}
	if err != nil {
		return catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	c, err := parseCatalogue(b)
	if err != nil {
		return c, err
	}
	if own, err := c.encode(); err != nil || !bytes.Equal(b, own) {
		v.find(Finding{Segment: catalogued, Problem: "the catalogue is not as it was written"})
	}
	return c, nil
}

// checkSealFile looks at a seal from outside.
func (v *verifier) checkSealFile(s seal) error {
	name := filepath.Join("events", s.Path)
	size, err := fileSize(v.fs, filepath.Join(v.dir, name))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: "the seal is missing"})
	case err != nil:
		return fmt.Errorf("look at seal: %w", err)
	case size != s.Bytes:
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: fmt.Sprintf("the seal has %d bytes, not the %d that "+catalogued+" says: one of the two was changed", size, s.Bytes)})
	}
	return nil
}

// checkSealHash finds what a seal's rows do not show, such as a changed index,
// which has an engine skip rows.
func (v *verifier) checkSealHash(ctx context.Context, s seal) error {
	name := filepath.Join("events", s.Path)
	known := func(f Finding) bool { return f.Segment == name }
	if s.SHA256 == "" || slices.ContainsFunc(v.report.Findings, known) { // written by an older release, or found already
		return ctx.Err()
	}
	f, err := v.fs.Open(filepath.Join(v.dir, name), false)
	if err != nil {
		return fmt.Errorf("look at seal: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(f, 0, s.Bytes)); err != nil {
		return fmt.Errorf("read seal: %w", err)
	}
	if hex.EncodeToString(h.Sum(nil)) != s.SHA256 {
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: "the seal's hash is not the one that " + catalogued + " says: one of the two was changed"})
	}
	return ctx.Err()
}

// checkSealRows holds the seals' rows against the journal, some events at a time:
// the ranges of merged seals overlap, and each event must be in one of them.
func (v *verifier) checkSealRows(ctx context.Context, c catalogue, journal view) error {
	files := slices.DeleteFunc(slices.Clone(c.Files), func(s seal) bool { return s.FirstSeq == 0 })
	ranged := true
	for _, s := range files {
		if s.LastSeq < s.FirstSeq || s.LastSeq > min(c.Seq, journal.head.seq) || !strings.Contains(filepath.Base(s.Path), sealRange(s.FirstSeq, s.LastSeq)) {
			v.find(Finding{Segment: catalogued, Frame: s.FirstSeq, Problem: fmt.Sprintf("%s cannot be the seal of events %d to %d", s.Path, s.FirstSeq, s.LastSeq)})
			ranged = false
		}
	}
	if !ranged {
		return nil
	}
	needed := v.kept() + 1 // seals of pruned events may be there or not
	from := c.Seq + 1      // the oldest event there is to compare with
	if len(journal.spans) > 0 {
		from = min(from, journal.spans[0].first)
	}
	read := map[string]bool{}
	look := func(w *rowWindow) {
		for _, s := range files {
			if first := !read[s.Path]; w.meets(s) || first && w.empty() && s.LastSeq < from {
				read[s.Path] = true
				v.checkRows(s, w, first)
			}
		}
	}
	look(&rowWindow{first: 1}) // of these the journal knows nothing any more
	events := journalRows{view: journal, cursor: cursor{fs: v.fs, dir: v.dir, next: from}}
	defer events.cursor.close()
	for first := from; first <= c.Seq; first += v.window {
		w, err := events.window(ctx, first, min(first+v.window-1, c.Seq))
		if err != nil {
			return err
		}
		look(w)
		if missing, n := w.missing(needed); n > 0 {
			v.find(Finding{Segment: catalogued, Frame: missing, Problem: fmt.Sprintf("of the events %d to %d no seal has %d, of which this is the first", w.first, w.last(), n)})
		}
	}
	return nil
}

// rowWindow is some events, and the rows they must have.
type rowWindow struct {
	first uint64
	sums  [][sha256.Size]byte // of the events' rows, in order
	seen  []bool
}

func (w *rowWindow) empty() bool { return len(w.sums) == 0 }

func (w *rowWindow) last() uint64 { return w.first + uint64(len(w.sums)) - 1 }

func (w *rowWindow) has(seq uint64) bool { return seq >= w.first && seq-w.first < uint64(len(w.sums)) }

// meets reports whether a seal may have rows of these events.
func (w *rowWindow) meets(s seal) bool {
	return !w.empty() && s.FirstSeq <= w.last() && w.first <= s.LastSeq
}

// missing is the first event from needed on that no seal has, and how many these
// are.
func (w *rowWindow) missing(needed uint64) (first uint64, n int) {
	for i, seen := range w.seen {
		if seq := w.first + uint64(i); !seen && seq >= needed {
			if n == 0 {
				first = seq
			}
			n++
		}
	}
	return first, n
}

// journalRows are the rows that the events of a journal must have, in order.
type journalRows struct {
	view   view
	cursor cursor
	held   []event.Entry // read and not wanted yet
	hasher rowHasher
}

// window is the next events, first to last.
func (j *journalRows) window(ctx context.Context, first, last uint64) (*rowWindow, error) {
	n := int(last - first + 1)
	w := &rowWindow{first: first, sums: make([][sha256.Size]byte, 0, n), seen: make([]bool, n)}
	for {
		for len(j.held) > 0 && j.held[0].Seq <= last {
			e := j.held[0]
			if e.Seq != first+uint64(len(w.sums)) {
				return nil, fmt.Errorf("read the journal again: %w: event %d is not in it", ErrDamaged, first+uint64(len(w.sums)))
			}
			flat, err := sqlfront.Flatten(e.JSON, e.Seq, e.AppendTime)
			if err != nil {
				return nil, fmt.Errorf("read event %d: %w", e.Seq, err)
			}
			w.sums = append(w.sums, j.hasher.sum(flat))
			j.held = j.held[1:]
			if e.Seq == last {
				return w, nil
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if j.held, err = j.cursor.read(j.view); err != nil {
			return nil, fmt.Errorf("read the journal again: %w", err)
		}
		if j.held == nil {
			return nil, fmt.Errorf("read the journal again: %w: it ends before event %d", ErrDamaged, last)
		}
	}
}

// checkRows strikes the rows of a seal from those that are wanted, and notes
// the first that is not. Of events that are older than the journal the hash of
// the whole file has to do. What is wrong with the file as a whole is noted when
// it is read for the first time.
func (v *verifier) checkRows(s seal, w *rowWindow, first bool) {
	name := filepath.Join("events", s.Path)
	var h rowHasher
	rows := 0
	err := eachRaw(v.fs, filepath.Join(v.dir, name), func(row parquet.Row) error {
		rows++
		seq := seqOf(row) // 0 for NULL
		own := seq >= s.FirstSeq && seq <= s.LastSeq
		if own && !w.has(seq) {
			return nil
		}
		if !own || w.seen[seq-w.first] {
			return fmt.Errorf("the seal has a row of event %d, which is not one of its events or is there twice", seq)
		}
		w.seen[seq-w.first] = true
		if h.sumRow(row) != w.sums[seq-w.first] {
			v.find(Finding{Segment: name, Frame: seq, Problem: "the seal's row is not what the journal says"})
		}
		return nil
	})
	switch {
	case !first && (err == nil || rows == 0), errors.Is(err, fs.ErrNotExist): // said already
	case err != nil:
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: err.Error()})
	case rows != s.Rows:
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: fmt.Sprintf("the seal has %d rows, not the %d that "+catalogued+" says: one of the two was changed", rows, s.Rows)})
	}
}

// eachRow calls fn with the rows of a Parquet file. Whatever the file holds, it
// ends with an error and not with a panic.
func eachRow(fsys FS, name string, fn func(sqlfront.Flat) error) error {
	return eachBatch(fsys, name, func(r *parquet.GenericReader[sqlfront.Flat]) error {
		batch := make([]sqlfront.Flat, 256)
		n, err := r.Read(batch)
		for _, flat := range batch[:n] {
			if err := fn(flat); err != nil {
				return err
			}
		}
		return unreadable(err)
	})
}

// eachRaw is eachRow with the values that are in the file: some times do not
// survive becoming a time.Time in the Parquet library. fn must not keep them.
func eachRaw(fsys FS, name string, fn func(parquet.Row) error) error {
	batch := make([]parquet.Row, 256)
	return eachBatch(fsys, name, func(r *parquet.GenericReader[sqlfront.Flat]) error {
		n, err := r.ReadRows(batch)
		for _, row := range batch[:n] {
			if err := fn(row); err != nil {
				return err
			}
		}
		return unreadable(err)
	})
}

// unreadable is an error of the Parquet library. io.EOF is none.
func unreadable(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return fmt.Errorf("the seal cannot be read: %w", err)
}

// eachBatch calls read until it returns io.EOF or another error.
func eachBatch(fsys FS, name string, read func(*parquet.GenericReader[sqlfront.Flat]) error) (err error) {
	f, err := fsys.Open(name, false)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return err
	}
	defer func() {
		if p := recover(); p != nil { // the Parquet library's, on a damaged file
			err = fmt.Errorf("the seal cannot be read: %v", p)
		}
	}()
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return unreadable(err)
	}
	r := parquet.NewGenericReader[sqlfront.Flat](file)
	defer r.Close()
	for {
		if err := read(r); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// rowSchema is that of a seal's rows.
var rowSchema = parquet.SchemaOf(sqlfront.Flat{})

// rowHasher hashes rows: every column of theirs, and whether it is NULL.
type rowHasher struct {
	h   hash.Hash
	row parquet.Row
	buf []byte
}

func (r *rowHasher) sum(f sqlfront.Flat) [sha256.Size]byte {
	for _, t := range []**time.Time{&f.EventTime, &f.AppendTime} {
		if *t != nil {
			utc := (*t).UTC()
			*t = &utc
		}
	}
	r.row = rowSchema.Deconstruct(r.row[:0], f)
	return r.sumRow(r.row)
}

// sumRow is sum of a row as Parquet has it.
func (r *rowHasher) sumRow(row parquet.Row) (sum [sha256.Size]byte) {
	if r.h == nil {
		r.h = sha256.New()
	}
	r.buf = r.buf[:0]
	for _, value := range row {
		r.buf = binary.BigEndian.AppendUint16(r.buf, uint16(value.Column()))
		r.buf = append(r.buf, byte(value.RepetitionLevel()), byte(value.DefinitionLevel()))
		at := len(r.buf)
		r.buf = value.AppendBytes(binary.BigEndian.AppendUint32(r.buf, 0))
		binary.BigEndian.PutUint32(r.buf[at:], uint32(len(r.buf)-at-4))
	}
	r.h.Reset()
	r.h.Write(r.buf)
	r.h.Sum(sum[:0])
	return sum
}
