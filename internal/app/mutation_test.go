package app

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/trailgate/trailgate/internal/blob"
)

// setting is a number from the environment, for runs that are longer or other.
func setting(t *testing.T, name string, otherwise int) int {
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is not a number above zero", name, text)
	}
	return n
}

// mutation is a change of a trail's files, and how one knows that it was located.
type mutation struct {
	what    string
	files   files
	located func([]TrailFinding) error
}

// TestEveryMutationIsFound changes a trail in as many ways as it is told, in equal
// shares of edits, cuts, swaps and rollbacks, and has trail verify find and locate
// every one. Each changes bytes. A rollback is all of the trail as it was once, or
// what somebody with its keys made of that since: only what is kept outside can
// show it.
//
// TRAILGATE_MUTATIONS says how many, TRAILGATE_MUTATION_SEED which ones.
func TestEveryMutationIsFound(t *testing.T) {
	total := setting(t, "TRAILGATE_MUTATIONS", 24)
	synctest.Test(t, func(t *testing.T) {
		l := newLineage(t)
		l.grow(t)
		checkIntact(t, l, total)
		m := newMutator(t, l)
		missed := 0
		for i := range total {
			c := m.next(i)
			if maps.EqualFunc(c.files, l.now(), bytes.Equal) {
				t.Fatalf("mutation %d, %s, changes nothing", i, c.what)
			}
			c.files.write(t, l.dir, l.now())
			r, err := VerifyTrail(t.Context(), l.cfg, l.options())
			l.now().write(t, l.dir, c.files)
			switch {
			case err != nil:
				missed++
				t.Errorf("mutation %d, %s: %v", i, c.what, err)
			case r.Intact || len(r.Findings) == 0:
				missed++
				t.Errorf("mutation %d, %s: not found", i, c.what)
			default:
				if err := c.located(r.Findings); err != nil {
					missed++
					t.Errorf("mutation %d, %s: %v; found %+v", i, c.what, err, r.Findings)
				}
			}
			if missed > 50 {
				t.Fatal("enough is missed")
			}
		}
		t.Logf("%d mutations of %d files, %d events and %d moments", total, len(l.now()), l.heads[len(l.heads)-1], len(l.moments))
	})
}

// checkIntact: the trail itself raises no alarm, now or at any moment of its past
// when nothing is kept outside.
func checkIntact(t *testing.T, l *lineage, total int) {
	t.Helper()
	r, err := VerifyTrail(t.Context(), l.cfg, l.options())
	if err != nil || !r.Intact || r.Digests < 8 || r.Backfill < 1 || r.LogFiles < 10 || r.Anchors < 6 {
		t.Fatalf("the trail as it is: %+v, %v; want it intact, with digests, some of the backfill chain, log files and anchors", r, err)
	}
	if !slices.ContainsFunc(slices.Collect(maps.Keys(l.now())), func(name string) bool { return strings.Contains(name, "/merged-") }) {
		t.Fatal("no seal of the trail is merged")
	}
	step := 1
	if total < 1000 {
		step = 15
	}
	for i := 0; i < len(l.moments); i += step {
		past := l.moments[i]
		past.write(t, l.dir, l.now())
		r, err := VerifyTrail(t.Context(), l.cfg, VerifyOptions{})
		l.now().write(t, l.dir, past)
		if err != nil || !r.Intact {
			t.Errorf("the trail as it was once (%d of %d): %+v, %v; want it intact where nothing is kept outside", i, len(l.moments), r, err)
		}
	}
}

// mutator makes mutations.
type mutator struct {
	l     *lineage
	rand  *rand.Rand
	now   files
	names []string // of the files, in order
	forks []files
	at    []int // moment each fork left at
}

func newMutator(t *testing.T, l *lineage) *mutator {
	m := &mutator{l: l, rand: rand.New(rand.NewPCG(4, uint64(setting(t, "TRAILGATE_MUTATION_SEED", 2026)))), now: l.now(), names: slices.Sorted(maps.Keys(l.now()))}
	for i := range 5 {
		at := (i + 1) * len(l.moments) / 7
		m.at = append(m.at, at)
		m.forks = append(m.forks, l.fork(t, at, 1+3*i))
	}
	return m
}

// next is the i-th mutation.
func (m *mutator) next(i int) mutation {
	switch i % 4 {
	case 0:
		return m.edit()
	case 1:
		return m.cut()
	case 2:
		return m.swap()
	default:
		return m.rollback()
	}
}

func (m *mutator) pick() string { return m.names[m.rand.IntN(len(m.names))] }

// changed is the trail with some files replaced; nil removes one.
func (m *mutator) changed(what string, with files, located func([]TrailFinding) error) mutation {
	all := maps.Clone(m.now)
	for name, b := range with {
		if b == nil {
			delete(all, name)
		} else {
			all[name] = b
		}
	}
	if located == nil {
		located = func(found []TrailFinding) error {
			for name, b := range with {
				if bytes.Equal(b, m.now[name]) {
					continue
				}
				if err := names(found, name); err != nil {
					return err
				}
			}
			return nil
		}
	}
	return mutation{what, all, located}
}

// edit changes up to 16 bytes of a file.
func (m *mutator) edit() mutation {
	name := m.pick()
	b := bytes.Clone(m.now[name])
	off := m.rand.IntN(len(b))
	n := min(1+m.rand.IntN(16), len(b)-off)
	b[off] ^= byte(1 + m.rand.IntN(255))
	for i := 1; i < n; i++ {
		b[off+i] = byte(m.rand.Uint32())
	}
	return m.changed(fmt.Sprintf("edit %d bytes of %s at %d", n, name, off), files{name: b}, func(found []TrailFinding) error {
		return namesFrame(found, name, m.now[name], off)
	})
}

// cut takes off the end of a file, takes out a piece, or takes all of it.
func (m *mutator) cut() mutation {
	for {
		name := m.pick()
		b := m.now[name]
		off := m.rand.IntN(len(b))
		switch m.rand.IntN(3) {
		case 0:
			return m.changed(fmt.Sprintf("cut %s at %d", name, off), files{name: bytes.Clone(b[:off])}, func(found []TrailFinding) error {
				return namesFrame(found, name, b, off)
			})
		case 1:
			end := min(off+1+m.rand.IntN(200), len(b))
			return m.changed(fmt.Sprintf("take bytes %d to %d out of %s", off, end, name), files{name: slices.Concat(b[:off], b[end:])}, nil)
		default:
			if name == "events/catalogue.json" { // an index: without it nothing counts as sealed
				continue
			}
			return m.changed("remove "+name, files{name: nil}, nil)
		}
	}
}

// swap exchanges two files, two frames of the journal, or two objects with their
// metadata.
func (m *mutator) swap() mutation {
	for {
		switch m.rand.IntN(3) {
		case 0:
			a, b := m.pick(), m.pick()
			if bytes.Equal(m.now[a], m.now[b]) {
				continue
			}
			return m.changed("swap "+a+" and "+b, files{a: m.now[b], b: m.now[a]}, nil)
		case 1:
			a, b := m.pick(), m.pick()
			if !isObject(a) || !isObject(b) || a == b {
				continue
			}
			return m.changed("swap the objects "+a+" and "+b, files{
				a: m.now[b], b: m.now[a], a + blob.MetaExt: m.now[b+blob.MetaExt], b + blob.MetaExt: m.now[a+blob.MetaExt],
			}, func(found []TrailFinding) error {
				if err := names(found, a); err != nil {
					return err
				}
				return names(found, b)
			})
		default:
			if c, ok := m.swapFrames(); ok {
				return c
			}
		}
	}
}

func isObject(name string) bool {
	return strings.HasPrefix(name, "trail/AWSLogs/") && !strings.HasSuffix(name, blob.MetaExt)
}

// frames are where each frame of a segment begins, with its end as the last.
func frames(b []byte) []int {
	at := []int{128}
	for off := 128; off < len(b); {
		off += 40 + int(binary.LittleEndian.Uint32(b[off:]))
		at = append(at, off)
	}
	return at
}

// frameSeq is the event of the frame at off.
func frameSeq(b []byte, off int) uint64 { return binary.LittleEndian.Uint64(b[off+40:]) }

func (m *mutator) swapFrames() (mutation, bool) {
	a, b := m.pick(), m.pick()
	if path.Ext(a) != ".seg" || path.Ext(b) != ".seg" {
		return mutation{}, false
	}
	x, y := m.now[a], m.now[b]
	fx, fy := frames(x), frames(y)
	i, j := m.rand.IntN(len(fx)-1), m.rand.IntN(len(fy)-1)
	what := fmt.Sprintf("swap event %d of %s and %d of %s", frameSeq(x, fx[i]), a, frameSeq(y, fy[j]), b)
	if a != b {
		return m.changed(what, files{
			a: slices.Concat(x[:fx[i]], y[fy[j]:fy[j+1]], x[fx[i+1]:]),
			b: slices.Concat(y[:fy[j]], x[fx[i]:fx[i+1]], y[fy[j+1]:]),
		}, nil), true
	}
	if i == j {
		return mutation{}, false
	}
	i, j = min(i, j), max(i, j)
	swapped := slices.Concat(x[:fx[i]], x[fx[j]:fx[j+1]], x[fx[i+1]:fx[j]], x[fx[i]:fx[i+1]], x[fx[j+1]:])
	return m.changed(what, files{a: swapped}, func(found []TrailFinding) error { return namesFrame(found, a, x, fx[i]) }), true
}

// rollback puts all of the trail back to what it was at some moment before the
// last that somebody outside was told of, or to what was made of that since.
func (m *mutator) rollback() mutation {
	told := slices.Max(m.l.anchored)
	for {
		if m.rand.IntN(4) == 0 {
			i := m.rand.IntN(len(m.forks))
			left := m.l.heads[m.at[i]]
			return mutation{fmt.Sprintf("go on from event %d with other events", left), m.forks[i], func(found []TrailFinding) error {
				for _, seq := range m.l.anchored { // the first that is told of another event
					if seq > left {
						return namesEvent(found, "journal", seq)
					}
				}
				return fmt.Errorf("nobody was told of an event after %d", left)
			}}
		}
		i := m.rand.IntN(len(m.l.moments) - 1)
		if head := m.l.heads[i]; head < told {
			return mutation{fmt.Sprintf("roll back to event %d (moment %d)", head, i), m.l.moments[i], func(found []TrailFinding) error {
				return namesEvent(found, "journal", head+1)
			}}
		}
	}
}

// names checks that a file is named: a segment by its name, a seal by its path, an
// object by its key, metadata by its object's.
func names(found []TrailFinding, name string) error {
	want := strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(name, "trail/"), "journal/"), blob.MetaExt)
	for _, f := range found {
		if f.Where == want || want == "events/catalogue.json" && strings.Contains(f.Problem, want) { // it or the seal: nobody can tell
			return nil
		}
	}
	return fmt.Errorf("no finding names %s", want)
}

// namesEvent checks that an event is.
func namesEvent(found []TrailFinding, where string, seq uint64) error {
	for _, f := range found {
		if f.Where == where && f.Seq == seq {
			return nil
		}
	}
	return fmt.Errorf("no finding names event %d of %s", seq, where)
}

// namesFrame checks that the file is named and, of a segment, the event whose frame
// has the byte at off: what is before it is as it was.
func namesFrame(found []TrailFinding, name string, b []byte, off int) error {
	if path.Ext(name) != ".seg" {
		return names(found, name)
	}
	at := frames(b)
	k, exact := slices.BinarySearch(at, off)
	if !exact && k > 0 {
		k--
	}
	return namesEvent(found, path.Base(name), frameSeq(b, at[min(k, len(at)-2)]))
}
