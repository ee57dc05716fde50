package trail

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Events from elsewhere have a partition and a catalogue of their own, below
// events/import/: package importer writes them, in a process of its own, and
// nothing else does. They are queried beside the trail's events and are none of
// them: no journal, log file or digest has them, and their seq is NULL.

// ImportsVersion is the version of the imports' catalogue.
const ImportsVersion = 1

// ImportsName is the name of the imports' catalogue in ImportsDir.
const ImportsName = catalogueName

// watchEvery is how often a server looks whether something was imported.
const watchEvery = 500 * time.Millisecond

// Imports is the part of the imports' catalogue that queries need. A file that
// it does not name is not there.
type Imports struct {
	Version int `json:"version"`
	// Generation counts the catalogue's swaps. It stays among the first bytes,
	// where a watcher looks.
	Generation uint64         `json:"generation"`
	Files      []ImportedFile `json:"files"`
}

// ImportedFile is a Parquet file of imported events.
type ImportedFile struct {
	Path   string    `json:"path"` // under ImportsDir
	First  time.Time `json:"first"`
	Last   time.Time `json:"last"` // eventTime of the oldest and newest event inside
	Rows   int       `json:"rows"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"` // of the file, hex
}

// ImportsDir is where the imported events of a data directory are.
func ImportsDir(dir string) string { return filepath.Join(eventsDir(dir), "import") }

// OS is the operating system's files.
func OS() FS { return osFS{} }

// ReadFile reads a whole file.
func ReadFile(fsys FS, name string) ([]byte, error) { return readFile(fsys, name) }

// ReplaceFile makes name hold b, whole and durable or not at all.
func ReplaceFile(fsys FS, name string, b []byte) error {
	f, err := replaceFile(fsys, name, b)
	if err != nil {
		return err
	}
	return f.Close()
}

// CreateFile makes a file of what fill writes, whole and durable or not at all,
// and returns it open. One of the same name is replaced.
func CreateFile(fsys FS, name string, fill func(io.Writer) error) (_ File, err error) {
	temp := name + tempExt
	f, err := createTemp(fsys, temp)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
			_ = fsys.Remove(temp) // whoever opens the directory next removes it otherwise
		}
	}()
	buf := bufio.NewWriterSize(io.NewOffsetWriter(f, 0), 1<<20)
	if err := fill(buf); err != nil {
		return nil, err
	}
	if err := buf.Flush(); err != nil {
		return nil, fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return f, publishFile(fsys, f, temp, name)
}

// TempExt ends the name of a file that is not finished.
const TempExt = tempExt

// ReadImports reads the imports' catalogue of a data directory; a missing one
// is empty.
func ReadImports(fsys FS, dir string) (Imports, error) {
	b, err := readFile(fsys, filepath.Join(ImportsDir(dir), ImportsName))
	if errors.Is(err, fs.ErrNotExist) {
		return Imports{Version: ImportsVersion}, nil
	}
	if err != nil {
		return Imports{}, fmt.Errorf("read catalogue of imports: %w", err)
	}
	var c Imports
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%w: the catalogue of imports cannot be read: %w", ErrDamaged, err)
	}
	return c, c.Check()
}

// Check says whether the catalogue is one that this release reads.
func (c Imports) Check() error {
	if c.Version != ImportsVersion {
		return fmt.Errorf("%w: the catalogue of imports has version %d, this release reads %d", ErrDamaged, c.Version, ImportsVersion)
	}
	for _, f := range c.Files {
		if !filepath.IsLocal(f.Path) {
			return fmt.Errorf("%w: the catalogue of imports names %q", ErrDamaged, f.Path)
		}
	}
	return nil
}

// present are the paths of the files that are there as they were written.
// Others are left out: an import that was damaged must not take the queries
// over the trail with it. Verify names them.
func (c Imports) present(fsys FS, dir string) []string {
	var paths []string
	for _, f := range c.Files {
		name := filepath.Join(ImportsDir(dir), f.Path)
		if size, err := fileSize(fsys, name); err == nil && size == f.Bytes {
			paths = append(paths, name)
		}
	}
	return paths
}

// loadImports are the imported files to query. What cannot be read counts as
// nothing.
func loadImports(fsys FS, dir string) (paths []string, err error) {
	c, err := ReadImports(fsys, dir)
	if err != nil {
		return nil, err
	}
	return c.present(fsys, dir), nil
}

// WatchImports shows queries what is imported while a server runs, until ctx
// ends; then it returns nil. onError is told of a catalogue that cannot be
// read, once: the last one that could be stays.
func (t *Trail) WatchImports(ctx context.Context, onError func(error)) error {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	seen, told := "", ""
	for {
		if mark := t.importsMark(); mark != seen {
			seen = mark
			if err := t.LoadImports(); err == nil {
				told = ""
			} else if err.Error() != told {
				told = err.Error()
				onError(err)
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// LoadImports shows queries what has been imported, at once.
func (t *Trail) LoadImports() error {
	paths, err := loadImports(t.fs, t.dir)
	if err == nil {
		t.sealed.setImports(paths)
	}
	return err
}

// importsMark changes when the catalogue of imports does.
func (t *Trail) importsMark() string {
	f, err := t.fs.Open(filepath.Join(ImportsDir(t.dir), ImportsName), false)
	if err != nil {
		return ""
	}
	defer f.Close()
	var b [64]byte
	n, _ := f.ReadAt(b[:], 0) // what there is
	size, _ := f.Size()
	return fmt.Sprintf("%d %s", size, b[:n])
}

// RowKey orders the rows of a Parquet file of events.
type RowKey struct{ key sortKey }

// RowKeyOf is the key of a row; the texts of it stay in use.
func RowKeyOf(source, name, code string, at time.Time, n uint64) RowKey {
	return RowKey{sortKey{source, name, code, at.UnixMicro(), n}}
}

// Compare is negative when k comes before o.
func (k RowKey) Compare(o RowKey) int { return k.key.compare(o.key) }

// RowWriter takes the rows of a Parquet file, in the order of their keys.
type RowWriter struct{ w *parquetWriter }

// Write writes rows. Many at once cost less.
func (w RowWriter) Write(rows []sqlfront.Flat) error { return w.w.addAll(rows) }

// WriteImported makes one Parquet file of imported events, whole and durable or
// not at all. path is under ImportsDir. First and Last are the caller's.
func WriteImported(fsys FS, dir, path string, fill func(RowWriter) error) (ImportedFile, error) {
	name := filepath.Join(ImportsDir(dir), path)
	if err := fsys.MkdirAll(filepath.Dir(name)); err != nil {
		return ImportedFile{}, fmt.Errorf("make partition: %w", err)
	}
	if err := fsys.SyncDir(ImportsDir(dir)); err != nil {
		return ImportedFile{}, fmt.Errorf("make partition: %w", err)
	}
	sum := sha256.New()
	rows, size := 0, int64(0)
	f, err := CreateFile(fsys, name, func(to io.Writer) error {
		counted := &countWriter{w: io.MultiWriter(to, sum)}
		w := newParquetWriter(counted, quickly)
		if err := fill(RowWriter{w}); err != nil {
			return err
		}
		if err := w.close(); err != nil {
			return err
		}
		rows, size = w.rows, counted.n
		return nil
	})
	if err != nil {
		return ImportedFile{}, err
	}
	return ImportedFile{Path: path, Rows: rows, Bytes: size, SHA256: hex.EncodeToString(sum.Sum(nil))}, f.Close()
}

// countWriter counts what is written.
type countWriter struct {
	w io.Writer
	n int64
}

func (c *countWriter) Write(b []byte) (int, error) {
	n, err := c.w.Write(b)
	c.n += int64(n)
	return n, err
}

// EachImported calls fn with the records of a file of imported events, as they
// are in it.
func EachImported(fsys FS, dir, path string, fn func(text string) error) error {
	return eachText(fsys, filepath.Join(ImportsDir(dir), path), fn)
}

// EachImportedRow calls fn with the rows of a file of imported events.
func EachImportedRow(fsys FS, dir, path string, fn func(sqlfront.Flat) error) error {
	return eachRow(fsys, filepath.Join(ImportsDir(dir), path), fn)
}

// eachText reads the column eventJson of a Parquet file.
func eachText(fsys FS, name string, fn func(string) error) (err error) {
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
			err = fmt.Errorf("%w: %s cannot be read: %v", ErrDamaged, filepath.Base(name), p)
		}
	}()
	file, err := parquet.OpenFile(f, size)
	if err != nil {
		return fmt.Errorf("%w: %s cannot be read: %w", ErrDamaged, filepath.Base(name), err)
	}
	type row struct {
		EventJSON *string `parquet:"eventJson"`
	}
	r := parquet.NewGenericReader[row](file)
	defer r.Close()
	batch := make([]row, 256)
	for {
		n, err := r.Read(batch)
		for _, row := range batch[:n] {
			if row.EventJSON == nil {
				return fmt.Errorf("%w: %s has a row without a record", ErrDamaged, filepath.Base(name))
			}
			if err := fn(*row.EventJSON); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %s cannot be read: %w", ErrDamaged, filepath.Base(name), err)
		}
	}
}
