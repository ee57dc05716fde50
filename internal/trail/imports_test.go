package trail

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// importOne writes a file of imported events and names it in the catalogue.
func importOne(t *testing.T, dir string, generation uint64) string {
	t.Helper()
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	path := filepath.Join("day=2026-03-01", string(rune('a'+generation))+".parquet")
	f, err := WriteImported(OS(), dir, path, func(w RowWriter) error {
		return w.Write([]sqlfront.Flat{sqlfront.FlattenScanned(`{"eventID":"`+path+`"}`, 0, at)})
	})
	if err != nil {
		t.Fatal(err)
	}
	c, err := ReadImports(OS(), dir)
	if err != nil {
		t.Fatal(err)
	}
	c.Generation = generation
	c.Files = append(c.Files, f)
	putImports(t, dir, c)
	return filepath.Join(ImportsDir(dir), path)
}

func putImports(t *testing.T, dir string, c Imports) {
	t.Helper()
	b, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	if err := ReplaceFile(OS(), filepath.Join(ImportsDir(dir), ImportsName), b); err != nil {
		t.Fatal(err)
	}
}

// TestImportsAreQueriedBesideTheSeals, at once where nothing is open and within
// a second in a server.
func TestImportsAreQueriedBesideTheSeals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := start(t, nil, dir, Options{})
	defer r.mustEnd(t)
	r.mustAppend(t, 3, 800)
	if err := NewSealer(r.Trail, SealOptions{}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	sealed, changed := r.Sealed()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := r.WatchImports(ctx, func(err error) { t.Error(err) }); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	for generation := uint64(1); generation <= 2; generation++ {
		name := importOne(t, dir, generation)
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatalf("import %d is not shown", generation)
		}
		sealed, changed = r.Sealed()
		if len(sealed.Files) != 1+int(generation) || !slices.Contains(sealed.Files, name) || sealed.Seq != 3 {
			t.Errorf("after import %d the catalogue is %+v", generation, sealed)
		}
	}
	reader, err := OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	if c, _ := reader.Sealed(); !slices.Equal(c.Files, sealed.Files) {
		t.Errorf("a reader has %q, a server %q", c.Files, sealed.Files)
	}
	mustVerify(t, osFS{}, dir)
}

// TestDamagedImportsHarmNothingElse: what is missing or cut is left out of the
// queries, and found by Verify.
func TestDamagedImportsHarmNothingElse(t *testing.T) {
	t.Parallel()
	for name, damage := range map[string]func(name string) error{
		"removed": os.Remove,
		"cut":     func(name string) error { return os.Truncate(name, 10) },
		"changed": func(name string) error {
			b, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return os.WriteFile(name, b, 0o600)
		},
	} {
		dir := t.TempDir()
		r := start(t, nil, dir, Options{})
		r.mustAppend(t, 1, 800)
		r.mustEnd(t)
		good, bad := importOne(t, dir, 1), importOne(t, dir, 2)
		if err := damage(bad); err != nil {
			t.Fatal(err)
		}
		reader, err := OpenReader(dir)
		if err != nil {
			t.Fatal(err)
		}
		c, _ := reader.Sealed()
		if !slices.Contains(c.Files, good) || slices.Contains(c.Files, bad) != (name == "changed") {
			t.Errorf("%s: queries read %q", name, c.Files)
		}
		report, err := verify(t.Context(), osFS{}, dir, nil)
		if err != nil || report.Intact || len(report.Findings) != 1 || filepath.Base(report.Findings[0].Segment) != filepath.Base(bad) {
			t.Errorf("%s: Verify says %+v, %v", name, report.Findings, err)
		}
	}
}

func TestCatalogueOfImportsIsChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, text := range []string{`{`, `{"version":2}`, `{"version":1,"files":[{"path":"../../state.db"}]}`, `{"version":1,"files":[{"path":"/etc/passwd"}]}`} {
		if err := os.MkdirAll(ImportsDir(dir), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(ImportsDir(dir), ImportsName), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadImports(OS(), dir); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", text, err)
		}
		r := start(t, nil, dir, Options{}) // and no trail is kept from opening
		r.mustEnd(t)
	}
}
