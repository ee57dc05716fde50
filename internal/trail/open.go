package trail

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

const defaultSegmentBytes = 64 << 20

// Open opens the trail in a data directory, making one if there is none. It
// cuts what a crash left beyond the head, and repairs a head slot that was
// torn. It fails with ErrLocked when another process has the directory and with
// ErrDamaged when acknowledged events cannot be read.
func Open(dir string, o Options) (*Trail, error) {
	t := &Trail{
		dir:      dir,
		fs:       o.FS,
		now:      o.Now,
		limit:    o.SegmentBytes,
		anew:     o.anew,
		origin:   o.Origin,
		onFault:  o.OnFault,
		wake:     make(chan struct{}, 1),
		closed:   make(chan struct{}),
		advanced: make(chan struct{}),
	}
	if t.fs == nil {
		t.fs = osFS{}
	}
	if t.now == nil {
		t.now = time.Now
	}
	if t.limit <= 0 {
		t.limit = defaultSegmentBytes
	}
	for _, d := range []string{dir, journalDir(dir), eventsDir(dir)} {
		if err := t.fs.MkdirAll(d); err != nil {
			return nil, fmt.Errorf("open trail: %w", err)
		}
	}
	if err := t.fs.SyncDir(dir); err != nil {
		return nil, fmt.Errorf("open trail: sync %s: %w", dir, err)
	}
	lock, err := t.fs.Lock(lockPath(dir))
	if err != nil {
		return nil, fmt.Errorf("open trail: %w", err)
	}
	t.lock = lock
	if err := t.load(); err != nil {
		return nil, errors.Join(fmt.Errorf("open trail: %w", err), t.journal.close(), lock.Close())
	}
	return t, nil
}

// load finds where the trail ends and readies the journal to go on there.
func (t *Trail) load() error {
	if err := t.sweep(); err != nil {
		return err
	}
	if err := t.sealed.load(t.fs, t.dir); err != nil && !(t.anew && errors.Is(err, ErrDamaged)) {
		return err
	}
	segments, err := listSegments(t.fs, t.dir)
	if err != nil {
		return err
	}
	head, err := readHead(t.fs, t.dir)
	if errors.Is(err, fs.ErrNotExist) {
		if len(segments) > 0 || t.sealed.catalogue.Seq > 0 {
			return fmt.Errorf("%w: the head file is missing", ErrDamaged)
		}
		head, err = t.found()
	}
	if err != nil {
		return err
	}
	v, err := loadView(t.fs, t.dir, head.position)
	if err != nil {
		return err
	}
	if err := checkLast(t.fs, t.dir, v); err != nil {
		return err
	}
	t.journal = journal{dir: t.dir, fs: t.fs, l: newLinker(), at: v.head, next: v.head.ordinal + 1}
	if len(segments) > 0 {
		t.journal.next = max(t.journal.next, segments[len(segments)-1]+1)
	}
	t.opened.Time = t.now()
	if t.journal.head, err = t.fs.Open(headPath(t.dir), true); err != nil {
		return fmt.Errorf("open head: %w", err)
	}
	if head.damaged() {
		v, err = t.repair(v, head, segments)
	} else {
		err = t.cut(v.head, segments)
	}
	if err != nil {
		return err
	}
	if t.sealed.catalogue.Seq > v.head.seq {
		return fmt.Errorf("%w: events up to %d were sealed, but the journal ends at %d", ErrDamaged, t.sealed.catalogue.Seq, v.head.seq)
	}
	t.view = v
	if t.pruning.state, err = v.pruned(t.fs, t.dir); err != nil {
		return err
	}
	t.opened.LastSeq, t.opened.Last = v.head.seq, v.head.head().Time
	if len(v.spans) > 0 {
		t.opened.FirstSeq = v.spans[0].first
	}
	return nil
}

// sweep removes files that were being made when the last process died.
func (t *Trail) sweep() error {
	names, err := t.fs.List(journalDir(t.dir))
	if err != nil {
		return fmt.Errorf("list journal: %w", err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, tempExt) {
			if err := t.fs.Remove(filepath.Join(journalDir(t.dir), name)); err != nil {
				return fmt.Errorf("remove %s: %w", name, err)
			}
		}
	}
	return nil
}

// found makes the head of a new trail.
func (t *Trail) found() (headState, error) {
	var p position
	rand.Read(p.trail[:])
	p.hash = p.trail.genesis()
	f, p, err := writeHead(t.fs, t.dir, p)
	if err != nil {
		return headState{}, fmt.Errorf("make head: %w", err)
	}
	return headState{position: p}, f.Close()
}

// checkLast reads the accepted part of the last segment, which the next frame
// is chained to. Verify reads the others.
func checkLast(fsys FS, dir string, v view) error {
	if len(v.spans) == 0 {
		return nil
	}
	name := segmentName(v.head.ordinal)
	b, err := readFile(fsys, segmentPath(dir, v.head.ordinal))
	if err != nil {
		return fmt.Errorf("read segment %s: %w", name, err)
	}
	h, err := readHeader(b)
	if err != nil {
		return fmt.Errorf("%w: segment %s: %w", ErrDamaged, name, err)
	}
	w := walker{segment: name, l: newLinker(), seq: h.first, hash: h.hash, off: headerSize}
	w.walk(b[:v.head.end])
	w.ends(v.head, "the head")
	if len(w.findings) > 0 {
		return fmt.Errorf("%w: %s", ErrDamaged, w.findings[0])
	}
	return nil
}

// cut removes what lies beyond an undamaged head. None of it was acknowledged:
// the head is durable before the acknowledgement.
func (t *Trail) cut(head position, segments []uint64) error {
	removed := false
	for _, n := range segments {
		if n <= head.ordinal {
			continue
		}
		size, err := fileSize(t.fs, segmentPath(t.dir, n))
		if err != nil {
			return fmt.Errorf("cut segment %d: %w", n, err)
		}
		if err := t.fs.Remove(segmentPath(t.dir, n)); err != nil {
			return fmt.Errorf("cut segment %d: %w", n, err)
		}
		t.opened.TailCut += max(0, size-headerSize)
		removed = true
	}
	if removed {
		if err := t.fs.SyncDir(journalDir(t.dir)); err != nil {
			return fmt.Errorf("cut segments: %w", err)
		}
	}
	if head.ordinal == 0 {
		return nil
	}
	f, err := t.fs.Open(segmentPath(t.dir, head.ordinal), true)
	if err != nil {
		return fmt.Errorf("open segment %d: %w", head.ordinal, err)
	}
	t.journal.seg = f
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("open segment %d: %w", head.ordinal, err)
	}
	if size == head.end {
		return nil
	}
	if err := f.Truncate(head.end); err != nil {
		return fmt.Errorf("cut segment %d: %w", head.ordinal, err)
	}
	if err := f.Sync(); err != nil {
		return fmt.Errorf("cut segment %d: %w", head.ordinal, err)
	}
	t.opened.TailCut += size - head.end
	return nil
}

// repair goes on from a head with one good slot. The lost one may have been
// the newer, so all frames that continue the chain beyond the good one count
// as acknowledged, and nothing is cut: what follows them stays in its file,
// and the next frame goes to a new segment.
func (t *Trail) repair(v view, head headState, segments []uint64) (view, error) {
	slot := 0
	if head.bad[0] == nil {
		slot = 1
	}
	w := walker{l: t.journal.l, seq: v.head.seq + 1, hash: v.head.hash, micros: v.head.micros}
	for at := v.head; ; {
		next, err := t.successor(at, segments)
		if err != nil {
			return v, err
		}
		if at.ordinal != 0 {
			b, err := readFile(t.fs, segmentPath(t.dir, at.ordinal))
			if err != nil {
				return v, fmt.Errorf("read segment %d: %w", at.ordinal, err)
			}
			if next.ordinal != 0 && next.end <= int64(len(b)) {
				b = b[:next.end] // what follows was refused
			}
			w.off = at.end
			w.walkGood(b)
			at.end, at.seq, at.hash, at.micros = w.off, w.seq-1, w.hash, w.micros
			if at.seq > v.head.seq {
				if err := syncFile(t.fs, segmentPath(t.dir, at.ordinal)); err != nil {
					return v, fmt.Errorf("sync segment %d: %w", at.ordinal, err)
				}
				v = v.grow(at)
			}
		}
		if next.ordinal == 0 || next.end != at.end || next.first != at.seq+1 || next.hash != at.hash {
			break
		}
		at.ordinal, at.end = next.ordinal, headerSize
	}
	t.opened.Repaired = fmt.Sprintf("slot %d of the head file: %v; kept events %d to %d that follow the other",
		slot, head.bad[slot], head.seq+1, v.head.seq)
	if v.head.seq == head.seq {
		t.opened.Repaired = fmt.Sprintf("slot %d of the head file: %v; no event follows the other", slot, head.bad[slot])
	}
	if err := t.journal.acknowledge(v.head); err != nil {
		return v, err
	}
	v.head = t.journal.at
	return v, nil
}

// successor is the header of the segment that continues the one at lies in; its
// ordinal is 0 if there is none. Of several, all but the newest were left after
// a fault before anything in them was acknowledged.
func (t *Trail) successor(at position, segments []uint64) (header, error) {
	for _, n := range slices.Backward(segments) {
		if n <= at.ordinal {
			break
		}
		h, _, err := readSegmentHeader(t.fs, t.dir, n)
		if errors.Is(err, errHeader) {
			continue
		}
		if err != nil {
			return header{}, fmt.Errorf("read segment %d: %w", n, err)
		}
		if h.ordinal == n && h.trail == at.trail && h.previous == at.ordinal {
			return h, nil
		}
	}
	return header{}, nil
}

func syncFile(fsys FS, name string) error {
	f, err := fsys.Open(name, true)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

func fileSize(fsys FS, name string) (int64, error) {
	f, err := fsys.Open(name, false)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	return f.Size()
}
