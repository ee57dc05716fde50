package trail

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"sync"

	"github.com/trailgate/trailgate/internal/query"
)

const (
	catalogueName    = "catalogue.json"
	catalogueVersion = 1
)

// catalogue lists the Parquet files of a trail. It is replaced as a whole: a
// file it does not name is not there.
type catalogue struct {
	Version int    `json:"version"`
	Seq     uint64 `json:"seq"` // all events up to and including this one are in Files
	Files   []seal `json:"files"`
}

// seal is one Parquet file.
type seal struct {
	Path string `json:"path"` // under events/
	// FirstSeq and LastSeq bound the events inside; absent for history, whose
	// events are not in the journal.
	FirstSeq uint64 `json:"firstSeq,omitempty"`
	LastSeq  uint64 `json:"lastSeq,omitempty"`
	Rows     int    `json:"rows"`
	Bytes    int64  `json:"bytes"`
	SHA256   string `json:"sha256,omitempty"` // of the file, hex
}

// readCatalogue reads a data directory's catalogue; a missing one is empty.
func readCatalogue(fsys FS, dir string) (catalogue, error) {
	b, err := readFile(fsys, filepath.Join(eventsDir(dir), catalogueName))
	if errors.Is(err, fs.ErrNotExist) {
		return catalogue{Version: catalogueVersion}, nil
	}
	if err != nil {
		return catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	return parseCatalogue(b)
}

func parseCatalogue(b []byte) (catalogue, error) {
	var c catalogue
	if err := json.Unmarshal(b, &c); err != nil {
		return c, fmt.Errorf("%w: the catalogue cannot be read: %w", ErrDamaged, err)
	}
	if c.Version != catalogueVersion {
		return c, fmt.Errorf("%w: the catalogue has version %d, this release reads %d", ErrDamaged, c.Version, catalogueVersion)
	}
	for _, s := range c.Files {
		if !filepath.IsLocal(s.Path) {
			return c, fmt.Errorf("%w: the catalogue names %q", ErrDamaged, s.Path)
		}
	}
	return c, nil
}

// writeCatalogue swaps the catalogue.
func writeCatalogue(fsys FS, dir string, c catalogue) error {
	b, err := c.encode()
	if err != nil {
		return err
	}
	f, err := replaceFile(fsys, filepath.Join(eventsDir(dir), catalogueName), b)
	if err != nil {
		return fmt.Errorf("write catalogue: %w", err)
	}
	return f.Close()
}

// encode is the catalogue's text.
func (c catalogue) encode() ([]byte, error) {
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return nil, fmt.Errorf("encode catalogue: %w", err)
	}
	return append(b, '\n'), nil
}

// query is the catalogue as engines take it.
func (c catalogue) query(dir string) query.Catalogue {
	q := query.Catalogue{Seq: c.Seq, Files: make([]string, len(c.Files))}
	for i, s := range c.Files {
		q.Files[i] = filepath.Join(eventsDir(dir), s.Path)
	}
	return q
}

// catalogueState is the catalogue of an open trail.
type catalogueState struct {
	swapping sync.Mutex // held over a swap, so that none undoes another; take it before mu

	mu        sync.Mutex // guards below
	catalogue catalogue
	imports   []string      // files of imported events
	changed   chan struct{} // closed when catalogue or imports do
}

// load reads the catalogue. On an error it is empty.
func (s *catalogueState) load(fsys FS, dir string) error {
	c, err := readCatalogue(fsys, dir)
	if err != nil {
		c = catalogue{Version: catalogueVersion}
	}
	s.catalogue, s.changed = c, make(chan struct{})
	s.imports, _ = loadImports(fsys, dir) // WatchImports says what is wrong with them
	return err
}

func (s *catalogueState) get() (catalogue, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.catalogue, s.changed
}

func (s *catalogueState) set(c catalogue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.catalogue = c
	close(s.changed)
	s.changed = make(chan struct{})
}

// swap replaces the catalogue by what change makes of it, durably.
func (s *catalogueState) swap(fsys FS, dir string, change func(catalogue) catalogue) error {
	s.swapping.Lock()
	defer s.swapping.Unlock()
	c, _ := s.get()
	next := change(c)
	if err := writeCatalogue(fsys, dir, next); err != nil {
		return err
	}
	s.set(next)
	return nil
}

// setImports changes the files of imported events.
func (s *catalogueState) setImports(files []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Equal(s.imports, files) {
		return
	}
	s.imports = files
	close(s.changed)
	s.changed = make(chan struct{})
}

// Sealed is the catalogue of Parquet files, those of imported events with them,
// with absolute paths if the data directory's is, and a channel that is closed
// when it changes.
func (t *Trail) Sealed() (query.Catalogue, <-chan struct{}) {
	t.sealed.mu.Lock()
	defer t.sealed.mu.Unlock()
	q := t.sealed.catalogue.query(t.dir)
	q.Files = append(q.Files, t.sealed.imports...)
	return q, t.sealed.changed
}
