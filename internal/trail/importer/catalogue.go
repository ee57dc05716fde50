package importer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/trail"
)

// Counts say what came of files and of the records in them. Every record that
// was read is new, a duplicate, quarantined, or skipped.
type Counts struct {
	Files      int `json:"files"`           // looked at
	Known      int `json:"knownFiles"`      // of those, imported before and not changed since: not opened
	Damaged    int `json:"damagedFiles"`    // of those, that break off; what is whole in them was read
	Unreadable int `json:"unreadableFiles"` // that could not be opened or read; the next import tries again

	Read        int64            `json:"read"`        // records
	New         int64            `json:"new"`         // imported
	Duplicate   int64            `json:"duplicate"`   // imported before
	Quarantined int64            `json:"quarantined"` // broken or in conflict, and kept aside
	Conflict    int64            `json:"conflict"`    // of those, that have the eventID of another record
	Skipped     int64            `json:"skipped"`     // left out knowingly: records and files that hold none
	SkippedBy   map[string]int64 `json:"skippedBy,omitempty"`
}

func (c *Counts) skip(why string, n int64) {
	if n == 0 {
		return
	}
	c.Skipped += n
	if c.SkippedBy == nil {
		c.SkippedBy = map[string]int64{}
	}
	c.SkippedBy[why] += n
}

func (c *Counts) add(o Counts) {
	c.Files += o.Files
	c.Known += o.Known
	c.Damaged += o.Damaged
	c.Unreadable += o.Unreadable
	c.Read += o.Read
	c.New += o.New
	c.Duplicate += o.Duplicate
	c.Quarantined += o.Quarantined
	c.Conflict += o.Conflict
	for why, n := range o.SkippedBy {
		c.skip(why, n)
	}
}

func (c Counts) clone() Counts {
	c.SkippedBy = maps.Clone(c.SkippedBy)
	return c
}

// catalogue is what has been imported. It is swapped as a whole: what it does
// not name is not there.
type catalogue struct {
	trail.Imports
	IDs        []runInfo         `json:"ids"`        // the eventIDs of what is in Files
	Sources    []runInfo         `json:"sources"`    // the files that were read to their end
	Quarantine []quarantinedFile `json:"quarantine"` // what could not be read
	Totals     Counts            `json:"totals"`     // of all imports
	Seed       uint64            `json:"seed"`       // that contents are mixed with (content.go)
	// Replaced are Parquet files whose rows are in others since ReplacedAt. A
	// query that began before may still read them.
	Replaced   []string  `json:"replaced,omitempty"`
	ReplacedAt time.Time `json:"replacedAt,omitzero"`
}

// quarantinedFile is a file of broken records.
type quarantinedFile struct {
	Path    string `json:"path"`
	Records int    `json:"records"`
	Bytes   int64  `json:"bytes"`
}

// keepReplaced is longer than any query takes.
const keepReplaced = time.Minute

// Names below the imports' directory.
const (
	lockName       = "lock"
	idsName        = "ids"
	sourcesName    = "sources"
	quarantineName = "quarantine"
)

// store is the import partition of a data directory, locked.
type store struct {
	fs      trail.FS
	dataDir string
	dir     string
	now     func() time.Time
	unlock  func() error

	catalogue catalogue
	ids       *index
	sources   *index
}

// openStore locks the partition and removes what an import that was killed has
// left.
func openStore(fsys trail.FS, dataDir string, now func() time.Time) (_ *store, err error) {
	s := &store{fs: fsys, dataDir: dataDir, dir: trail.ImportsDir(dataDir), now: now}
	for _, name := range []string{"", idsName, sourcesName, quarantineName} {
		if err := fsys.MkdirAll(filepath.Join(s.dir, name)); err != nil {
			return nil, fmt.Errorf("make directory of imports: %w", err)
		}
	}
	lock, err := fsys.Lock(filepath.Join(s.dir, lockName))
	if errors.Is(err, trail.ErrLocked) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("lock imports: %w", err)
	}
	s.unlock = lock.Close
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	for _, dir := range []string{dataDir, filepath.Dir(s.dir), s.dir} {
		if err := fsys.SyncDir(dir); err != nil {
			return nil, fmt.Errorf("make directory of imports: %w", err)
		}
	}
	if err := s.load(); err != nil {
		return nil, err
	}
	if err := s.sweep(); err != nil {
		return nil, err
	}
	if s.ids, err = openIndex(fsys, s.dir, idsName, keySize+contentSize, s.catalogue.IDs); err != nil {
		return nil, err
	}
	s.sources, err = openIndex(fsys, s.dir, sourcesName, keySize+dataSize, s.catalogue.Sources)
	return s, err
}

func (s *store) close() error {
	var errs []error
	for _, x := range []*index{s.ids, s.sources} {
		if x != nil {
			errs = append(errs, x.close())
		}
	}
	return errors.Join(append(errs, s.unlock())...)
}

func (s *store) load() error {
	b, err := trail.ReadFile(s.fs, filepath.Join(s.dir, trail.ImportsName))
	if errors.Is(err, fs.ErrNotExist) {
		s.catalogue.Version, s.catalogue.Seed = trail.ImportsVersion, newSeed()
		return nil
	}
	if err != nil {
		return fmt.Errorf("read catalogue of imports: %w", err)
	}
	if err := json.Unmarshal(b, &s.catalogue); err != nil {
		return fmt.Errorf("%w: the catalogue of imports cannot be read: %w", trail.ErrDamaged, err)
	}
	if s.catalogue.Seed == 0 { // imported before contents were kept
		s.catalogue.Seed = newSeed()
	}
	return s.catalogue.Check()
}

// swap makes next the catalogue, durably, and removes what only the last one
// named.
func (s *store) swap(next catalogue) error {
	b, err := json.MarshalIndent(next, "", " ")
	if err != nil {
		return fmt.Errorf("encode catalogue of imports: %w", err)
	}
	if err := trail.ReplaceFile(s.fs, filepath.Join(s.dir, trail.ImportsName), append(b, '\n')); err != nil {
		return fmt.Errorf("write catalogue of imports: %w", err)
	}
	named := next.names()
	for name := range s.catalogue.names() {
		if !named[name] {
			_ = s.fs.Remove(filepath.Join(s.dir, name)) // the next import removes it otherwise
		}
	}
	s.catalogue = next
	return nil
}

// next is a copy of the catalogue to change and swap in.
func (s *store) next() catalogue {
	c := s.catalogue
	c.Generation++
	c.Files = slices.Clone(c.Files)
	c.Quarantine = slices.Clone(c.Quarantine)
	c.Totals = c.Totals.clone()
	if len(c.Replaced) > 0 && s.now().Sub(c.ReplacedAt) > keepReplaced {
		c.Replaced, c.ReplacedAt = nil, time.Time{}
	}
	return c
}

// names are the files that belong to a catalogue.
func (c *catalogue) names() map[string]bool {
	m := map[string]bool{}
	for _, f := range c.Files {
		m[f.Path] = true
	}
	for _, r := range slices.Concat(c.IDs, c.Sources) {
		m[r.Path] = true
	}
	for _, q := range c.Quarantine {
		m[q.Path] = true
	}
	for _, path := range c.Replaced {
		m[path] = true
	}
	return m
}

// sweep removes the files that the catalogue does not name.
func (s *store) sweep() error {
	named := s.catalogue.names()
	if s.now().Sub(s.catalogue.ReplacedAt) > keepReplaced {
		for _, path := range s.catalogue.Replaced {
			delete(named, path)
		}
	}
	tops, err := s.fs.List(s.dir)
	if err != nil {
		return fmt.Errorf("list imports: %w", err)
	}
	for _, top := range tops {
		inside := strings.HasPrefix(top, "day=") || top == idsName || top == sourcesName || top == quarantineName
		names := []string{top}
		if inside {
			below, err := s.fs.List(filepath.Join(s.dir, top))
			if err != nil {
				return fmt.Errorf("list imports: %w", err)
			}
			names = names[:0]
			for _, name := range below {
				names = append(names, filepath.Join(top, name))
			}
		}
		for _, name := range names {
			ours := inside || strings.HasSuffix(name, trail.TempExt)
			if !ours || named[name] {
				continue
			}
			if err := s.fs.Remove(filepath.Join(s.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("remove what an import left: %w", err)
			}
		}
	}
	return nil
}

// quarantineDir is where broken records are kept.
func (s *store) quarantineDir() string { return filepath.Join(s.dir, quarantineName) }
