package trail

import (
	"bytes"
	"cmp"
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

// checkSeals checks the files the catalogue names. Rows are compared only with
// a journal that is intact.
func (v *verifier) checkSeals(ctx context.Context) error {
	c, err := v.readCatalogue()
	if errors.Is(err, ErrDamaged) {
		v.find(Finding{Segment: catalogued, Problem: err.Error()})
		return errors.Join(v.checkFormats("events"), v.checkImports(ctx))
	}
	if err != nil {
		return err
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
		}
	}
	intact := !v.headless && len(v.report.Findings) == 0
	for _, s := range c.Files {
		if err := v.checkSealFile(s); err != nil {
			return err
		}
	}
	if intact {
		journal, err := loadView(v.fs, v.dir, head.position)
		if err != nil {
			return fmt.Errorf("read the journal again: %w", err)
		}
		if err := v.checkSealRows(ctx, c, journal); err != nil {
			return err
		}
	}
	for _, s := range c.Files {
		if err := v.checkSealHash(ctx, s); err != nil {
			return err
		}
	}
	return v.checkImports(ctx)
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
		if !strings.HasPrefix(day, "day=") {
			continue
		}
		names, err := v.fs.List(filepath.Join(v.dir, dir, day))
		if err != nil {
			return fmt.Errorf("list seals: %w", err)
		}
		for _, name := range names {
			path := filepath.Join(dir, day, name)
			if !strings.HasSuffix(name, ".parquet") {
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

// checkSealRows holds the seals' rows against the journal, range after range.
func (v *verifier) checkSealRows(ctx context.Context, c catalogue, journal view) error {
	files := slices.DeleteFunc(slices.Clone(c.Files), func(s seal) bool { return s.FirstSeq == 0 })
	slices.SortStableFunc(files, func(a, b seal) int { return cmp.Compare(a.FirstSeq, b.FirstSeq) })
	next := uint64(1)
	if gone := v.kept(); gone > 0 { // seals of pruned events may be there or not
		next = min(gone, c.Seq) + 1
		if len(files) > 0 {
			next = min(next, files[0].FirstSeq)
		}
	}
	from := next // the oldest event there is to compare with
	if len(journal.spans) > 0 {
		from = max(from, journal.spans[0].first)
	}
	events := journalRows{view: journal, cursor: cursor{fs: v.fs, dir: v.dir, next: from}}
	defer events.cursor.close()
	for len(files) > 0 {
		first, last := files[0].FirstSeq, files[0].LastSeq
		if first != next || last < first || last > min(c.Seq, journal.head.seq) {
			v.find(Finding{Segment: catalogued, Frame: next, Problem: fmt.Sprintf("no seal has the events from here on: the next is of %d to %d", first, last)})
			return nil
		}
		var want map[uint64][sha256.Size]byte
		if last >= from {
			var err error
			if want, err = events.upTo(ctx, last); err != nil {
				return err
			}
		}
		for len(files) > 0 && files[0].FirstSeq == first {
			v.checkRows(files[0], from, want)
			files = files[1:]
		}
		if len(want) > 0 {
			missing := last
			for seq := range want {
				missing = min(missing, seq)
			}
			v.find(Finding{Segment: catalogued, Frame: missing, Problem: fmt.Sprintf("the seals of %d to %d lack %d events, of which this is the first", first, last, len(want))})
		}
		next = last + 1
	}
	if next != c.Seq+1 {
		v.find(Finding{Segment: catalogued, Frame: next, Problem: fmt.Sprintf("no seal has the events from here to %d", c.Seq)})
	}
	return nil
}

// journalRows are the rows that the events of a journal must have, in order.
type journalRows struct {
	view   view
	cursor cursor
	held   []event.Entry // read and not wanted yet
	hasher rowHasher
}

// upTo are the hashes of the rows of the next events, the last included.
func (j *journalRows) upTo(ctx context.Context, last uint64) (map[uint64][sha256.Size]byte, error) {
	want := map[uint64][sha256.Size]byte{}
	for {
		for len(j.held) > 0 && j.held[0].Seq <= last {
			e := j.held[0]
			flat, err := sqlfront.Flatten(e.JSON, e.Seq, e.AppendTime)
			if err != nil {
				return nil, fmt.Errorf("read event %d: %w", e.Seq, err)
			}
			want[e.Seq] = j.hasher.sum(flat)
			j.held = j.held[1:]
			if e.Seq == last {
				return want, nil
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
// the first that is not. Of events before from the journal knows nothing any
// more: the hash of the whole file has to do.
func (v *verifier) checkRows(s seal, from uint64, want map[uint64][sha256.Size]byte) {
	name := filepath.Join("events", s.Path)
	var h rowHasher
	rows := 0
	err := eachRow(v.fs, filepath.Join(v.dir, name), func(flat sqlfront.Flat) error {
		rows++
		var seq uint64
		if flat.Seq != nil {
			seq = uint64(*flat.Seq)
		}
		if seq < from && seq >= s.FirstSeq {
			return nil
		}
		sum, ok := want[seq]
		if !ok {
			return fmt.Errorf("the seal has a row of event %d, which is not one of its events or is there twice", seq)
		}
		delete(want, seq)
		if h.sum(flat) != sum {
			v.find(Finding{Segment: name, Frame: seq, Problem: "the seal's row is not what the journal says"})
		}
		return nil
	})
	switch {
	case errors.Is(err, fs.ErrNotExist): // said already
	case err != nil:
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: err.Error()})
	case rows != s.Rows:
		v.find(Finding{Segment: name, Frame: s.FirstSeq, Problem: fmt.Sprintf("the seal has %d rows, not the %d that "+catalogued+" says: one of the two was changed", rows, s.Rows)})
	}
}

// eachRow calls fn with the rows of a Parquet file. Whatever the file holds, it
// ends with an error and not with a panic.
func eachRow(fsys FS, name string, fn func(sqlfront.Flat) error) (err error) {
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
		return fmt.Errorf("the seal cannot be read: %w", err)
	}
	r := parquet.NewGenericReader[sqlfront.Flat](file)
	defer r.Close()
	for {
		batch := make([]sqlfront.Flat, 256)
		n, err := r.Read(batch)
		for _, flat := range batch[:n] {
			if err := fn(flat); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("the seal cannot be read: %w", err)
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

func (r *rowHasher) sum(f sqlfront.Flat) (sum [sha256.Size]byte) {
	if r.h == nil {
		r.h = sha256.New()
	}
	if len(f.Resources) == 0 {
		f.Resources = nil
	}
	for _, t := range []**time.Time{&f.EventTime, &f.AppendTime} {
		if *t != nil {
			utc := (*t).UTC()
			*t = &utc
		}
	}
	r.row, r.buf = rowSchema.Deconstruct(r.row[:0], f), r.buf[:0]
	for _, value := range r.row {
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
