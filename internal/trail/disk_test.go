package trail

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"
)

// disk is what lies below the page cache: a change to a file reaches it when
// the file is synced, a change to a directory when that is. Until then a crash
// may keep some of it, or nothing.
type disk struct {
	files map[int]*platter
	names map[string]int     // durable
	moves map[string][]dirOp // of each directory, not yet durable
	r     *rand.Rand         // decides what a failed sync kept
}

type platter struct {
	data    []byte
	pending []op // writes and truncations since the last sync
}

type dirOp struct {
	set    map[string]int
	remove string
}

func newDisk(from *memFS, r *rand.Rand) *disk {
	d := &disk{files: map[int]*platter{}, names: map[string]int{}, moves: map[string][]dirOp{}, r: r}
	if from != nil {
		for name, n := range from.names {
			d.names[name] = n.id
			d.files[n.id] = &platter{data: slices.Clone(n.data)}
		}
	}
	return d
}

// current is the names as the running system sees them.
func (d *disk) current() map[string]int {
	names := maps.Clone(d.names)
	for _, ops := range d.moves {
		for _, o := range ops {
			o.apply(names)
		}
	}
	return names
}

func (o dirOp) apply(names map[string]int) {
	if o.remove != "" {
		delete(names, o.remove)
	}
	maps.Copy(names, o.set)
}

func (d *disk) apply(o op) {
	dir := filepath.Dir(o.name)
	switch o.kind {
	case opCreate:
		if !o.failed {
			d.files[o.inode] = &platter{}
			d.moves[dir] = append(d.moves[dir], dirOp{set: map[string]int{o.name: o.inode}})
		}
	case opRename:
		if !o.failed {
			d.moves[dir] = append(d.moves[dir], dirOp{set: map[string]int{o.to: d.current()[o.name]}, remove: o.name})
		}
	case opRemove:
		if !o.failed {
			d.moves[dir] = append(d.moves[dir], dirOp{remove: o.name})
		}
	case opSyncDir:
		keep := len(d.moves[o.name])
		if o.failed {
			keep = d.r.IntN(keep + 1)
		}
		for _, m := range d.moves[o.name][:keep] {
			m.apply(d.names)
		}
		d.moves[o.name] = d.moves[o.name][keep:]
	case opWrite, opTruncate:
		if o.kind == opWrite || !o.failed {
			f := d.files[o.inode]
			f.pending = append(f.pending, o)
		}
	case opSync:
		f := d.files[o.inode]
		if o.failed {
			// The kernel has dropped what it could not write and calls the
			// pages clean: a later sync will not bring it back.
			f.data = keepBlocks(f, d.r)
		} else {
			f.data = applyAll(f.data, f.pending)
		}
		f.pending = nil
	}
}

func applyAll(data []byte, pending []op) []byte {
	data = slices.Clone(data)
	for _, o := range pending {
		if o.kind == opTruncate {
			data = data[:min(int(o.off), len(data))]
			continue
		}
		data = writeOver(data, o.data, o.off)
	}
	return data
}

const sector = 512

// keepBlocks keeps each sector of what is pending, or not.
func keepBlocks(f *platter, r *rand.Rand) []byte {
	data := slices.Clone(f.data)
	for _, o := range f.pending {
		if o.kind == opTruncate {
			if r.IntN(2) == 0 {
				data = data[:min(int(o.off), len(data))]
			}
			continue
		}
		for from := o.off; from < o.off+int64(len(o.data)); {
			to := min((from/sector+1)*sector, o.off+int64(len(o.data)))
			if r.IntN(2) == 0 {
				data = writeOver(data, o.data[from-o.off:to-o.off], from)
			}
			from = to
		}
	}
	return data
}

// A crash keeps what was synced, and of the rest:
type crash string

const (
	keepNothing crash = "nothing"
	keepAll     crash = "all"
	keepPrefix  crash = "a prefix, its last write torn"
	keepSectors crash = "any sectors"
)

var crashes = []crash{keepNothing, keepAll, keepPrefix, keepSectors}

// after is the file system that is found after the power came back.
func (d *disk) after(c crash, r *rand.Rand) *memFS {
	names := maps.Clone(d.names)
	for _, ops := range d.moves {
		keep := 0
		switch c {
		case keepAll:
			keep = len(ops)
		case keepPrefix, keepSectors:
			keep = r.IntN(len(ops) + 1)
		}
		for _, o := range ops[:keep] {
			o.apply(names)
		}
	}
	m := newMemFS()
	for name, inode := range names {
		f := d.files[inode]
		switch c {
		case keepNothing:
			m.put(name, slices.Clone(f.data))
		case keepAll:
			m.put(name, applyAll(f.data, f.pending))
		case keepSectors:
			m.put(name, keepBlocks(f, r))
		case keepPrefix:
			n := r.IntN(len(f.pending) + 1)
			kept := slices.Clone(f.pending[:n])
			if n > 0 && kept[n-1].kind == opWrite && len(kept[n-1].data) > 0 {
				kept[n-1].data = kept[n-1].data[:r.IntN(len(kept[n-1].data)+1)]
			}
			m.put(name, applyAll(f.data, kept))
		default:
			panic(fmt.Sprintf("unknown crash %q", c))
		}
	}
	return m
}

// cutAfterEach has check look at what a power cut after each change from the
// given one on leaves of m: at every fifth cut, unless TRAILGATE_CUTS says 1.
func cutAfterEach(t *testing.T, m *memFS, from int, check func(found *memFS) error) {
	t.Helper()
	every := scale(t, "TRAILGATE_CUTS", 5)
	d, random := newDisk(nil, testRand(1)), testRand(2)
	for i, o := range m.log {
		if o.kind == markAck {
			continue
		}
		d.apply(o)
		if i < from {
			continue
		}
		for n, c := range crashes {
			if (i+n)%every != 0 {
				continue
			}
			if err := check(d.after(c, random)); err != nil {
				t.Fatalf("cut after change %d (%s %s), keeping %s: %v", i, o.kind, base(o.name), c, err)
			}
		}
	}
}
