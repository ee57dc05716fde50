package trail

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// merger makes one sorted file of several: their rows are sorted the same way,
// so it keeps a few of each in memory and writes the least again and again.
type merger struct {
	fs        FS
	dir       string // the data directory
	partition string
	name      string // how the new file's name begins
	limit     int64  // a file of so many bytes is followed by another
	removed   uint64 // events up to here are left out
	gently    bool   // it rests as long as it works

	out         *sealFile // nil between files
	first, last uint64    // the range of the rows in it
	done        []seal
}

const (
	mergeRows = 64   // are read at once of each input
	mergeTurn = 1024 // rows are written between rests
)

// The columns of the sort key, and seq, in a row as Parquet has it. Those of the
// key lie before resources, the one column that may have several values.
var (
	keyColumns = [...]int{columnIndex("eventSource"), columnIndex("eventName"), columnIndex("errorCode")}
	timeColumn = columnIndex("eventTime")
	seqColumn  = columnIndex("seq") - rowColumns // from the end
	rowColumns = len(rowSchema.Columns())
)

func columnIndex(name string) int {
	c, _ := rowSchema.Lookup(name)
	return c.ColumnIndex
}

func seqOf(row parquet.Row) uint64 { return uint64(row[len(row)+seqColumn].Int64()) }

// compareRows orders rows as sortKey does: NULL is an empty text.
func compareRows(a, b parquet.Row) int {
	for _, i := range keyColumns {
		if d := bytes.Compare(a[i].ByteArray(), b[i].ByteArray()); d != 0 {
			return d
		}
	}
	return cmp.Or(cmp.Compare(a[timeColumn].Int64(), b[timeColumn].Int64()), cmp.Compare(seqOf(a), seqOf(b)))
}

// merge makes the files. On an error none of them is left.
func (m *merger) merge(ctx context.Context, group []seal) (_ []seal, err error) {
	defer func() {
		if p := recover(); p != nil { // the Parquet library's, on a damaged file
			err = fmt.Errorf("a seal cannot be read: %v", p)
		}
		if err != nil {
			m.undo()
		}
	}()
	inputs := make([]*mergeInput, 0, len(group))
	defer func() {
		for _, in := range inputs {
			in.close()
		}
	}()
	rows := 0
	for _, s := range group {
		in, err := m.open(s)
		if err != nil {
			return nil, &unreadError{s.Path, err}
		}
		inputs = append(inputs, in)
		rows += s.Rows
		if err := in.advance(); err != nil {
			return nil, err
		}
	}
	read, turn := 0, time.Now()
	for {
		var least *mergeInput
		for _, in := range inputs {
			if in.row != nil && (least == nil || compareRows(in.row, least.row) < 0) {
				least = in
			}
		}
		if least == nil {
			break
		}
		if read%mergeTurn == 0 {
			if err := m.rest(ctx, time.Since(turn)); err != nil {
				return nil, err
			}
			turn = time.Now()
		}
		read++
		if err := m.add(least.row); err != nil {
			return nil, err
		}
		if err := least.advance(); err != nil {
			return nil, err
		}
	}
	if read != rows {
		return nil, fmt.Errorf("%w: they have %d rows, not the %d that the catalogue says", ErrDamaged, read, rows)
	}
	if err := m.finish(); err != nil {
		return nil, err
	}
	return m.done, nil
}

// rest waits for as long as the merge worked, or not at all.
func (m *merger) rest(ctx context.Context, worked time.Duration) error {
	if !m.gently {
		return ctx.Err()
	}
	select {
	case <-time.After(worked):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// add writes a row, in another file if this one is full.
func (m *merger) add(row parquet.Row) error {
	seq := seqOf(row)
	if seq <= m.removed {
		return nil
	}
	if m.out != nil && m.out.size() >= m.limit && m.out.w.rows%rowGroupRows == 0 {
		if err := m.finish(); err != nil {
			return err
		}
	}
	if m.out == nil {
		var err error
		p := quickly
		if m.name == dayPrefix {
			p = merging
		}
		if m.out, err = createSeal(m.fs, m.dir, m.partition, mergeTemp, p); err != nil {
			return err
		}
		m.first, m.last = seq, seq
	}
	m.first, m.last = min(m.first, seq), max(m.last, seq)
	return m.out.w.addRaw(row)
}

// finish ends the file that is being written, if there is one.
func (m *merger) finish() error {
	if m.out == nil {
		return nil
	}
	out := m.out
	m.out = nil
	path, err := freePath(m.fs, m.dir, m.partition, m.name, m.first, m.last)
	if err != nil {
		out.drop()
		return err
	}
	s, err := out.finish(path)
	if err != nil {
		return err
	}
	s.FirstSeq, s.LastSeq = m.first, m.last
	m.done = append(m.done, s)
	return nil
}

// freePath is a name for a seal that no file has: one that was replaced may still
// be there.
func freePath(fsys FS, dir, partition, prefix string, first, last uint64) (string, error) {
	for n := 1; ; n++ {
		suffix := ""
		if n > 1 {
			suffix = fmt.Sprintf("-%d", n)
		}
		path := filepath.Join(partition, prefix+sealRange(first, last)+suffix+sealExt)
		_, err := fileSize(fsys, filepath.Join(eventsDir(dir), path))
		if errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", fmt.Errorf("name %s: %w", path, err)
		}
	}
}

// undo removes what was written.
func (m *merger) undo() {
	if m.out != nil {
		m.out.drop()
	}
	for _, s := range m.done {
		_ = m.fs.Remove(filepath.Join(eventsDir(m.dir), s.Path)) // the next start removes it otherwise
	}
}

// mergeInput is a seal that is read row after row.
type mergeInput struct {
	f     File
	r     *parquet.GenericReader[sqlfront.Flat]
	batch []parquet.Row
	next  int // in batch
	n     int // read into batch
	row   parquet.Row
	ended bool
}

// unreadError says which seal cannot be merged.
type unreadError struct {
	path string
	err  error
}

func (e *unreadError) Error() string { return e.path + ": " + e.err.Error() }
func (e *unreadError) Unwrap() error { return e.err }

// open opens a seal, once it is found to be what the catalogue says.
func (m *merger) open(s seal) (*mergeInput, error) {
	f, err := m.fs.Open(filepath.Join(eventsDir(m.dir), s.Path), false)
	if err != nil {
		return nil, err
	}
	in := &mergeInput{f: f, batch: make([]parquet.Row, mergeRows)}
	if err := in.check(s); err != nil {
		f.Close()
		return nil, err
	}
	file, err := parquet.OpenFile(f, s.Bytes)
	if err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: it cannot be read: %w", ErrDamaged, err)
	}
	in.r = parquet.NewGenericReader[sqlfront.Flat](file)
	return in, nil
}

// check holds a file against the catalogue. Older releases noted no hash.
func (in *mergeInput) check(s seal) error {
	size, err := in.f.Size()
	if err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, io.NewSectionReader(in.f, 0, size)); err != nil {
		return err
	}
	if size != s.Bytes || s.SHA256 != "" && hex.EncodeToString(h.Sum(nil)) != s.SHA256 {
		return fmt.Errorf("%w: it is not what the catalogue says", ErrDamaged)
	}
	return nil
}

// advance goes to the next row; row is nil after the last.
func (in *mergeInput) advance() error {
	for in.next == in.n {
		if in.ended {
			in.row = nil
			return nil
		}
		var err error
		in.n, err = in.r.ReadRows(in.batch)
		in.next = 0
		if err == io.EOF {
			in.ended = true
		} else if err != nil {
			return fmt.Errorf("%w: a seal cannot be read: %w", ErrDamaged, err)
		}
	}
	in.row = in.batch[in.next]
	in.next++
	return nil
}

func (in *mergeInput) close() {
	if in.r != nil {
		in.r.Close()
	}
	in.f.Close()
}
