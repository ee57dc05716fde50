package trail

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"
)

// fullTrail is a closed trail: a segment of at least 64 KiB, then others.
func fullTrail(t testing.TB) *memFS {
	t.Helper()
	m := newMemFS()
	r := start(t, m, dataDir, Options{SegmentBytes: 64 << 10})
	r.mustAppend(t, 72, 1200)
	r.mustEnd(t)
	mustVerify(t, m, dataDir)
	return m
}

// frameAt is a frame's place in a segment.
type frameAt struct {
	seq  uint64
	off  int
	size int
}

func framesOf(t testing.TB, b []byte) []frameAt {
	t.Helper()
	var frames []frameAt
	for off := headerSize; off < len(b); {
		f, err := readFrame(b[off:])
		if err != nil {
			t.Fatal(err)
		}
		frames = append(frames, frameAt{f.seq, off, f.size()})
		off += f.size()
	}
	return frames
}

// tampered is a change to the files of a closed trail, and what must be named.
type tampered struct {
	what    string
	segment string
	frame   uint64
	change  func(m *memFS)
}

// check verifies a changed copy: something is found, and first where it is.
func (c tampered) check(m *memFS) error {
	m = m.clone()
	c.change(m)
	r, err := verify(context.Background(), m, dataDir, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", c.what, err)
	}
	if r.Intact || len(r.Findings) == 0 {
		return fmt.Errorf("%s: not found", c.what)
	}
	if f := r.Findings[0]; f.Segment != c.segment || f.Frame != c.frame {
		return fmt.Errorf("%s: found as %q, want event %d of %s", c.what, f, c.frame, c.segment)
	}
	return nil
}

// TestEveryFlippedByteIsFound flips every byte of a segment of at least 64 KiB
// in turn; the frame it lies in is named. Those of the header and every 97th
// go through all of Verify; the others through checkSegment, which is what
// Verify does with a segment's bytes, and reads them all each time.
func TestEveryFlippedByteIsFound(t *testing.T) {
	m := fullTrail(t)
	name := segmentPath(dataDir, 1)
	data := m.names[name].data
	if len(data) < 64<<10 {
		t.Fatalf("the segment has %d bytes, want at least 64 KiB", len(data))
	}
	frames := framesOf(t, data)
	h, next := m.header(t, 1), m.header(t, 2)
	l := link{ordinal: 1, header: h, size: int64(len(data)), end: next.end}
	to := position{end: next.end, seq: next.first - 1, hash: next.hash}
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for worker := range workers {
		wg.Go(func() {
			m := m.clone() // each flips bytes of its own
			own := m.names[name].data
			w := walker{l: newLinker()}
			for i := worker; i < len(own); i += workers {
				frame := frames[0].seq // the header's
				if k, ok := slices.BinarySearchFunc(frames, i, func(f frameAt, i int) int { return f.off - i }); ok {
					frame = frames[k].seq
				} else if k > 0 {
					frame = frames[k-1].seq
				}
				own[i] ^= 1 << (i % 8)
				var findings []Finding
				var err error
				if i < headerSize || i%97 == 0 {
					var r Report
					r, err = verify(context.Background(), m, dataDir, nil)
					findings = r.Findings
				} else {
					w.micros = 0
					w.checkSegment(l, own[:l.end], false, to, "the next segment")
					findings = w.findings
				}
				own[i] ^= 1 << (i % 8)
				if err != nil || len(findings) == 0 || findings[0].Frame != frame || findings[0].Segment != base(name) {
					t.Errorf("flip byte %d: found %v, error %v; want event %d named", i, findings, err, frame)
					return
				}
				if len(findings) > 1 && i >= headerSize && !lengthByte(frames, i) {
					t.Errorf("flip byte %d: %d findings for one flip: %v", i, len(findings), findings)
					return
				}
			}
		})
	}
	wg.Wait()
}

// lengthByte reports whether byte i is of a frame's length: then what follows
// cannot be read as frames, and the next segment's header is compared with
// nothing.
func lengthByte(frames []frameAt, i int) bool {
	return slices.ContainsFunc(frames, func(f frameAt) bool { return i >= f.off && i < f.off+4 })
}

func TestEveryFlippedHeadByteIsFound(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 2, 600)
	r.mustEnd(t)
	data := m.names[headPath(dataDir)].data
	for i := range data {
		data[i] ^= 0x10
		r, err := verify(context.Background(), m, dataDir, nil)
		data[i] ^= 0x10
		if err != nil || r.Intact || r.Findings[0].Segment != "head" || r.Findings[0].Offset != int64(i/slotSize*slotSize) {
			t.Fatalf("flip byte %d of the head: %v, %v", i, r.Findings, err)
		}
	}
}

// TestEveryCutIsFound cuts every segment at every frame boundary, and takes
// frames out, exchanges and repeats them.
func TestEveryCutIsFound(t *testing.T) {
	m := fullTrail(t)
	for ordinal := uint64(1); m.names[segmentPath(dataDir, ordinal)] != nil; ordinal++ {
		name := segmentPath(dataDir, ordinal)
		data := m.names[name].data
		frames := framesOf(t, data)
		set := func(parts ...[]byte) func(*memFS) {
			return func(m *memFS) { m.names[name].data = bytes.Join(parts, nil) }
		}
		for i, f := range frames {
			end := f.off + f.size
			cases := []tampered{
				{"cut before", base(name), f.seq, set(data[:f.off])},
				{"cut inside", base(name), f.seq, set(data[:f.off+f.size/2])},
				{"take out", base(name), f.seq, set(data[:f.off], data[end:])},
				{"repeat", base(name), f.seq + 1, set(data[:end], data[f.off:])},
			}
			if i == len(frames)-1 { // beyond the accepted part there may be anything
				cases = cases[:3]
			}
			if i > 0 {
				p := frames[i-1]
				cases = append(cases, tampered{"exchange with the one before", base(name), p.seq,
					set(data[:p.off], data[f.off:end], data[p.off:f.off], data[end:])})
			}
			for _, c := range cases {
				c.what = fmt.Sprintf("%s event %d", c.what, f.seq)
				if err := c.check(m); err != nil {
					t.Error(err)
				}
			}
		}
	}
}

// TestRewrittenFramesAreFound: an edit that also mends checksum and hash
// breaks the chain at the next frame.
func TestRewrittenFramesAreFound(t *testing.T) {
	m := fullTrail(t)
	name := segmentPath(dataDir, 1)
	data := m.names[name].data
	frames := framesOf(t, data)
	prev := m.header(t, 1).hash
	for i, f := range frames {
		fr, _ := readFrame(data[f.off:])
		json := bytes.Replace(fr.json(), []byte("alice"), []byte("mallo"), 1)
		forged, _ := appendFrame(nil, newLinker(), prev, fr.seq, fr.micros, json)
		want := tampered{fmt.Sprintf("rewrite event %d", f.seq), base(name), f.seq + 1, func(m *memFS) {
			copy(m.names[name].data[f.off:], forged)
		}}
		if i == len(frames)-1 { // then the next segment's header shows it, at this event
			want.frame = f.seq
		}
		if err := want.check(m); err != nil {
			t.Error(err)
		}
		prev = fr.hash
	}
}

func (m *memFS) header(t testing.TB, ordinal uint64) header {
	t.Helper()
	h, err := readHeader(m.names[segmentPath(dataDir, ordinal)].data)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestMissingAndForeignFilesAreFound(t *testing.T) {
	m := fullTrail(t)
	other := fullTrail(t)
	first, second := segmentPath(dataDir, 1), segmentPath(dataDir, 2)
	next := m.header(t, 2).first
	for _, c := range []tampered{
		{"first segment removed", base(first), 1, func(m *memFS) { delete(m.names, first) }},
		{"last segment removed", base(second), next, func(m *memFS) { delete(m.names, second) }},
		{"head removed", "head", 0, func(m *memFS) { delete(m.names, headPath(dataDir)) }},
		{"head cut", "head", 0, func(m *memFS) { n := m.names[headPath(dataDir)]; n.data = n.data[:slotSize] }},
		{"all segments removed", base(second), 1, func(m *memFS) { delete(m.names, first); delete(m.names, second) }},
		{"segments exchanged", base(first), 1, func(m *memFS) { m.names[first], m.names[second] = m.names[second], m.names[first] }},
		{"segment of another trail", base(first), 1, func(m *memFS) { m.names[first] = other.names[first] }},
		{"head of another trail", base(first), 1, func(m *memFS) { m.names[headPath(dataDir)] = other.names[headPath(dataDir)] }},
		{"slots exchanged", "head", 0, func(m *memFS) {
			b := m.names[headPath(dataDir)].data
			m.names[headPath(dataDir)].data = slices.Concat(b[slotSize:], b[:slotSize])
		}},
	} {
		if err := c.check(m); err != nil {
			t.Error(err)
		}
	}
}

// TestAcknowledgedFrameIsNeverATornTail: Open refuses a trail whose last
// segment is cut or damaged before the head, and changes nothing.
func TestAcknowledgedFrameIsNeverATornTail(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 6, 600)
	r.mustEnd(t)
	name := segmentPath(dataDir, 1)
	data := m.names[name].data
	refuses := func(what string, change func(*memFS)) {
		t.Helper()
		m := m.clone()
		change(m)
		before := m.clone()
		tr, err := Open(dataDir, Options{FS: m})
		if err == nil {
			tr.Close()
		}
		if !errors.Is(err, ErrDamaged) {
			t.Fatalf("%s: Open says %v, want ErrDamaged", what, err)
		}
		for file, n := range before.names {
			if got := m.names[file]; got == nil || !bytes.Equal(got.data, n.data) {
				t.Fatalf("%s: Open changed %s", what, base(file))
			}
		}
	}
	for _, f := range framesOf(t, data) {
		refuses(fmt.Sprintf("cut before event %d", f.seq), func(m *memFS) { m.names[name].data = data[:f.off] })
	}
	for i := range data {
		refuses(fmt.Sprintf("flip byte %d", i), func(m *memFS) { m.names[name].data[i] ^= 1 })
	}
	refuses("no head", func(m *memFS) { delete(m.names, headPath(dataDir)) })
	refuses("no segment", func(m *memFS) { delete(m.names, name) })
	refuses("both slots", func(m *memFS) {
		b := m.names[headPath(dataDir)].data
		b[100] ^= 1
		b[slotSize+100] ^= 1
	})
}

// TestLostSlotKeepsWhatItAcknowledged: with the newest slot unreadable, the
// events it acknowledged are kept, and the trail tells of the repair.
func TestLostSlotKeepsWhatItAcknowledged(t *testing.T) {
	for _, segmentBytes := range []int64{0, 1} { // one segment; one for each event
		m := newMemFS()
		r := start(t, m, dataDir, Options{SegmentBytes: segmentBytes})
		r.mustAppend(t, 6, 600)
		r.mustEnd(t)
		h, err := readHead(m, dataDir)
		if err != nil {
			t.Fatal(err)
		}
		m.names[headPath(dataDir)].data[h.slot()*slotSize+50] ^= 1
		r = start(t, m, dataDir, Options{SegmentBytes: segmentBytes})
		if o := r.Opened(); o.LastSeq != 6 || o.Repaired == "" {
			t.Errorf("opened with %+v, want event 6 kept and the repair told", o)
		}
		r.mustAppend(t, 1, 600)
		r.mustEnd(t)
		all, err := contents(m, dataDir)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 8 || eventName(all[6]) != "DetectGap" {
			t.Errorf("the trail has %d events, want six, DetectGap, one more", len(all))
		}
		mustVerify(t, m, dataDir)
	}
}

// TestTornTailIsCut: what lies beyond the head was never acknowledged, be it
// part of a frame, a whole one, or a segment.
func TestTornTailIsCut(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 3, 600)
	r.mustEnd(t)
	h, err := readHead(m, dataDir)
	if err != nil {
		t.Fatal(err)
	}
	next, _ := appendFrame(nil, newLinker(), h.hash, 4, h.micros, []byte(`{"eventID":"nobody was told"}`))
	after := header{trail: h.trail, ordinal: 2, first: 4, previous: 1, end: h.end, hash: h.hash}.encode()
	for _, c := range []struct {
		name         string
		tail, second []byte
		cut          int
	}{
		{"nothing", nil, nil, 0},
		{"one byte", next[:1], nil, 1},
		{"half a frame", next[:len(next)/2], nil, len(next) / 2},
		{"a frame", next, nil, len(next)},
		{"a segment without a frame", nil, after, 0},
		{"a segment with a frame", nil, append(after, next...), len(next)},
		{"half a segment header", nil, after[:50], 0},
	} {
		m := m.clone()
		n := m.names[segmentPath(dataDir, 1)]
		n.data = append(n.data, c.tail...)
		if c.second != nil {
			m.put(segmentPath(dataDir, 2), c.second)
		}
		mustVerify(t, m, dataDir) // it is no tampering either
		r := start(t, m, dataDir, Options{})
		if o := r.Opened(); o.TailCut != int64(c.cut) || o.FirstSeq != 1 || o.LastSeq != 3 || o.Repaired != "" {
			t.Errorf("%s: opened with %+v, want %d bytes cut after event 3", c.name, o, c.cut)
		}
		r.mustAppend(t, 1, 600)
		r.mustEnd(t)
		if all, err := contents(m, dataDir); err != nil || len(all) != 4 || eventName(all[3]) != "StartShell" {
			t.Errorf("%s: the trail has %d events, %v; want the three and a new one", c.name, len(all), err)
		}
		mustVerify(t, m, dataDir)
	}
}

// TestAnUnreadableCatalogueHidesNoSeal: what was put in a seal's place is named,
// though the catalogue cannot say what belongs there.
func TestAnUnreadableCatalogueHidesNoSeal(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 5, 300)
	if err := NewSealer(r.Trail, SealOptions{}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	c, _ := r.sealed.get()
	r.mustEnd(t)
	index, file := filepath.Join(eventsDir(dataDir), catalogueName), filepath.Join(eventsDir(dataDir), c.Files[0].Path)
	m.names[index], m.names[file] = m.names[file], m.names[index]
	report, err := verify(t.Context(), m, dataDir, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{filepath.Join("events", catalogueName), filepath.Join("events", c.Files[0].Path)} {
		if !slices.ContainsFunc(report.Findings, func(f Finding) bool { return f.Segment == want }) {
			t.Errorf("no finding names %s: %v", want, report.Findings)
		}
	}
}
