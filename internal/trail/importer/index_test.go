package importer

import (
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/trailgate/trailgate/internal/trail"
)

func newIndex(t *testing.T, dir string, infos []runInfo) *index {
	t.Helper()
	x, err := openIndex(trail.OS(), dir, "sources", keySize+dataSize, infos)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.close() })
	return x
}

// TestIndexIsAMap holds an index that grows, merges and is opened again against
// a map.
func TestIndexIsAMap(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(5, 6))
	x := newIndex(t, dir, nil)
	want := map[key]data{}
	for generation := uint64(1); generation <= 70; generation++ {
		var entries []entry
		for range 1 + r.IntN(700) {
			var e entry
			binary.BigEndian.PutUint64(e.key[:], r.Uint64())
			binary.BigEndian.PutUint64(e.key[8:], r.Uint64())
			binary.BigEndian.PutUint64(e.data[:], r.Uint64())
			entries = append(entries, e)
			want[e.key] = e.data
		}
		next, err := x.grow(generation, entries)
		if err != nil {
			t.Fatal(err)
		}
		x.adopt(next)
	}
	if n := len(x.runs); n > 2*(fanOut-1)+1 {
		t.Errorf("70 batches are in %d runs", n)
	}
	for _, x := range []*index{x, newIndex(t, dir, infos(x.runs))} {
		for k, d := range want {
			got, ok, err := x.find(k)
			if err != nil || !ok || got != d {
				t.Fatalf("find(%x) = %x, %t, %v; want %x", k, got, ok, err, d)
			}
		}
		for range 20_000 {
			var k key
			binary.BigEndian.PutUint64(k[:], r.Uint64())
			binary.BigEndian.PutUint64(k[8:], r.Uint64())
			if _, ok, err := x.find(k); ok || err != nil {
				t.Fatalf("find(%x), which is not there, = %t, %v", k, ok, err)
			}
		}
	}
	entries := 0
	for _, r := range x.runs {
		entries += r.Entries
	}
	if entries != len(want) {
		t.Errorf("the runs have %d entries, want %d", entries, len(want))
	}
}

// TestFiltersSpareReads: of keys that are not there, one in a hundred is looked
// for.
func TestFiltersSpareReads(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	f := newFilter(10_000)
	random := func() (k key) {
		binary.BigEndian.PutUint64(k[:], r.Uint64())
		binary.BigEndian.PutUint64(k[8:], r.Uint64())
		return k
	}
	for range 10_000 {
		k := random()
		if addTo(f, k); !isIn(f, k) {
			t.Fatalf("%x is not in the filter", k)
		}
	}
	wrong := 0
	for range 100_000 {
		if isIn(f, random()) {
			wrong++
		}
	}
	if wrong > 2000 {
		t.Errorf("%d of 100,000 keys that are not there seem to be", wrong)
	}
}

func TestDamagedRunsAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	x := newIndex(t, dir, nil)
	next, err := x.grow(1, []entry{{key: keyOf("a")}, {key: keyOf("b")}, {key: keyOf("c")}})
	if err != nil {
		t.Fatal(err)
	}
	x.adopt(next)
	info := x.runs[0].runInfo
	name := filepath.Join(dir, info.Path)
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, b []byte, info runInfo) {
		t.Helper()
		if err := os.WriteFile(name, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openIndex(trail.OS(), dir, "sources", keySize+dataSize, []runInfo{info}); !errors.Is(err, trail.ErrDamaged) {
			t.Errorf("%s: %v, want ErrDamaged", what, err)
		}
	}
	for i := range whole {
		b := append([]byte(nil), whole...)
		b[i] ^= 0x10
		refused("a changed byte", b, info)
	}
	refused("a cut", whole[:len(whole)-1], info)
	refused("more", append(append([]byte(nil), whole...), 0), info)
	other := info
	other.Entries = 2
	refused("another count", whole, other)
	other = info
	other.Path = "../../etc/passwd"
	refused("a path elsewhere", whole, other)
}
