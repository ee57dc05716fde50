package trail

import (
	"encoding/json"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

// indexed is a trail with seals, merged ones among them, and history.
func indexed(t testing.TB) *memFS {
	t.Helper()
	m := newMemFS()
	_, err := writeHistory(m, dataDir, "seed", func(yield func(event.Entry) bool) {
		b, err := json.Marshal(variedRecord(0))
		if err != nil {
			t.Fatal(err)
		}
		yield(event.Entry{AppendTime: soon, JSON: b})
	})
	if err != nil {
		t.Fatal(err)
	}
	s := newSeals(t, m, 9, CompactOptions{})
	s.varied(t, 0, 30)
	s.compact(t)
	s.varied(t, 30, 40)
	s.mustEnd(t)
	mustVerify(t, m, dataDir)
	return m
}

// later are the options of a process that starts when the days of variedRecord are
// over.
func later(m *memFS) Options { return Options{FS: m, Now: func() time.Time { return soon }} }

// TestReindexMakesTheSealsAgain: whatever became of seals and catalogue, the trail
// verifies afterwards, every event is in one seal, and nothing else is there.
func TestReindexMakesTheSealsAgain(t *testing.T) {
	whole := indexed(t)
	c, _ := readCatalogue(whole, dataDir)
	at := func(s seal) string { return filepath.Join(eventsDir(dataDir), s.Path) }
	named := filepath.Join(eventsDir(dataDir), catalogueName)
	own := slices.DeleteFunc(slices.Clone(c.Files), func(s seal) bool { return s.FirstSeq == 0 })
	for name, damage := range map[string]func(*memFS){
		"nothing":        func(*memFS) {},
		"a seal is gone": func(m *memFS) { delete(m.names, at(own[0])) },
		"all seals are gone": func(m *memFS) {
			maps.DeleteFunc(m.names, func(n string, _ *memInode) bool { return strings.Contains(n, "/day-") })
		},
		"a seal is changed":       func(m *memFS) { m.names[at(own[1])].data[100] ^= 1 },
		"a seal is no Parquet":    func(m *memFS) { m.names[at(own[1])].data = []byte("not Parquet") },
		"the catalogue is gone":   func(m *memFS) { delete(m.names, named) },
		"the catalogue is broken": func(m *memFS) { m.names[named].data[3] = 'x' },
		"the catalogue names less": func(m *memFS) {
			if err := writeCatalogue(m, dataDir, catalogue{Version: c.Version, Seq: c.Seq, Files: c.Files[:2]}); err != nil {
				t.Fatal(err)
			}
		},
		"something was left over": func(m *memFS) { m.put(filepath.Join(eventsDir(dataDir), "day=2026-11-18", "merge.tmp"), []byte("x")) },
	} {
		t.Run(name, func(t *testing.T) {
			m := whole.clone()
			damage(m)
			var stages []string
			r, err := reindex(t.Context(), dataDir, later(m), SealOptions{Rows: 7}, func(stage string, done, total int64) {
				if done > total {
					t.Errorf("%s: %d of %d", stage, done, total)
				}
				stages = append(stages, stage)
			})
			if err != nil {
				t.Fatal(err)
			}
			if r.Events != 40 || r.History != 1 || len(r.Lost) > 0 || r.Files != 3 || r.Bytes == 0 {
				t.Errorf("Reindex: %+v, want 40 events in a file a day, and history kept", r)
			}
			if got, want := slices.Compact(stages), []string{"checking the journal", "sealing events", "merging days"}; !slices.Equal(got, want) {
				t.Errorf("it told of %q, want %q", got, want)
			}
			mustVerify(t, m, dataDir)
			if err := onlyNamedFiles(m); err != nil {
				t.Error(err)
			}
			_, files, err := rowsOf(m)
			if rows := slices.Concat(files...); err != nil || len(rows) != 41 {
				t.Errorf("the catalogue has %d rows, %v; want 40 and one of history", len(rows), err)
			}
		})
	}
}

// TestReindexHidesNothing: what is wrong with the journal is no matter of an index,
// and nothing is changed then.
func TestReindexHidesNothing(t *testing.T) {
	whole := indexed(t)
	c, _ := readCatalogue(whole, dataDir)
	early := newMemFS()
	r := start(t, early, dataDir, Options{})
	r.mustAppend(t, 3, 600)
	r.mustEnd(t)
	rollBack := func(m *memFS) {
		maps.DeleteFunc(m.names, func(n string, _ *memInode) bool { return strings.HasPrefix(n, journalDir(dataDir)) })
		for n, inode := range early.names {
			if strings.HasPrefix(n, journalDir(dataDir)) {
				m.put(n, slices.Clone(inode.data))
			}
		}
	}
	for name, damage := range map[string]func(*memFS){
		"an event is changed":    func(m *memFS) { m.names[segmentPath(dataDir, 1)].data[headerSize+100] ^= 1 },
		"an older journal":       rollBack,
		"and no catalogue":       func(m *memFS) { rollBack(m); delete(m.names, filepath.Join(eventsDir(dataDir), catalogueName)) },
		"a segment is not there": func(m *memFS) { delete(m.names, segmentPath(dataDir, 1)) },
	} {
		m := whole.clone()
		damage(m)
		if _, err := reindex(t.Context(), dataDir, later(m), SealOptions{}, nil); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: Reindex says %v, want %v", name, err, ErrDamaged)
		}
		for _, s := range c.Files {
			if m.names[filepath.Join(eventsDir(dataDir), s.Path)] == nil {
				t.Errorf("%s: %s is gone", name, s.Path)
			}
		}
	}
	// History that is not what it was cannot be made again, and is said to be lost.
	m := whole.clone()
	delete(m.names, filepath.Join(eventsDir(dataDir), c.Files[0].Path))
	if r, err := reindex(t.Context(), dataDir, later(m), SealOptions{}, nil); err != nil || !slices.Equal(r.Lost, []string{c.Files[0].Path}) {
		t.Errorf("Reindex without a file of history: %+v, %v; want %s lost", r, err, c.Files[0].Path)
	}
	s := newSeals(t, whole, 9, CompactOptions{})
	if _, err := reindex(t.Context(), dataDir, later(whole), SealOptions{}, nil); !errors.Is(err, ErrLocked) {
		t.Errorf("Reindex beside a server: %v, want %v", err, ErrLocked)
	}
	s.mustEnd(t)
}

// TestReindexOfAPrunedTrail: what a tombstone has removed does not come back.
func TestReindexOfAPrunedTrail(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 7)
	e := a.mustPrune(t, PruneOptions{Before: a.clock.Add(-20 * time.Minute), UpTo: a.Head().Seq})
	a.mustEnd(t)
	r, err := reindex(t.Context(), dataDir, later(a.m), SealOptions{}, nil)
	if want := uint64(41 - e.Last); err != nil || r.Events != want { // and the tombstone
		t.Errorf("Reindex: %+v, %v; want %d events", r, err, want)
	}
	mustVerify(t, a.m, dataDir)
}

// TestReindexCutShort: at every moment there is the old index or the new one,
// whole.
func TestReindexCutShort(t *testing.T) {
	t.Parallel()
	m := newMemFS()
	s := newSeals(t, m, 1, CompactOptions{})
	s.varied(t, 0, 1)
	s.varied(t, 3, 4)
	s.mustEnd(t)
	before := len(m.log)
	if _, err := reindex(t.Context(), dataDir, later(m), SealOptions{Rows: 1}, nil); err != nil {
		t.Fatal(err)
	}
	cutAfterEach(t, m, before, func(found *memFS) error {
		mustVerify(t, found, dataDir)
		err := checkSealed(found)
		if err == nil {
			_, err = reindex(t.Context(), dataDir, later(found), SealOptions{Rows: 1}, nil)
		}
		if err == nil {
			err = errors.Join(checkSealed(found), onlyNamedFiles(found))
		}
		return err
	})
}
