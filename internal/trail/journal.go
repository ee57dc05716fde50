package trail

import (
	"errors"
	"fmt"
)

// journal is the files Append writes: the segment the trail ends in and the
// head. Once a write or sync has failed, no file of it is written again:
// reopen replaces them all.
type journal struct {
	dir  string
	fs   FS
	l    *linker
	head File
	seg  File     // nil when the next frame needs a new segment
	at   position // acknowledged; its generation is the last one written
	next uint64   // ordinal no segment has had
	buf  []byte   // frames of a batch
	slot [slotSize]byte
}

// record is what goes into a frame.
type record struct {
	seq    uint64
	micros int64
	json   []byte
}

// openSegment starts a segment where the accepted part of the trail ends.
func (j *journal) openSegment() error {
	if j.seg != nil {
		if err := j.seg.Close(); err != nil {
			j.seg = nil
			return fmt.Errorf("close segment %d: %w", j.at.ordinal, err)
		}
		j.seg = nil
	}
	h := header{
		trail:    j.at.trail,
		ordinal:  j.next,
		first:    j.at.seq + 1,
		previous: j.at.ordinal,
		end:      j.at.end,
		hash:     j.at.hash,
	}
	j.next++
	f, err := replaceFile(j.fs, segmentPath(j.dir, h.ordinal), h.encode())
	if err != nil {
		return fmt.Errorf("open segment %d: %w", h.ordinal, err)
	}
	j.seg = f
	// Nobody reads at as being in this segment until the head says so, and the
	// head is only written with a frame in it.
	j.at.ordinal, j.at.end = h.ordinal, headerSize
	return nil
}

// write makes records durable, then the head that acknowledges them.
func (j *journal) write(records []record) error {
	b, to := j.buf[:0], j.at
	for _, r := range records {
		b, to.hash = appendFrame(b, j.l, to.hash, r.seq, r.micros, r.json)
		to.seq, to.micros = r.seq, r.micros
	}
	j.buf = b
	if _, err := j.seg.WriteAt(b, j.at.end); err != nil {
		return fmt.Errorf("write segment %d: %w", j.at.ordinal, err)
	}
	if err := j.seg.Sync(); err != nil {
		return fmt.Errorf("sync segment %d: %w", j.at.ordinal, err)
	}
	to.end += int64(len(b))
	return j.acknowledge(to)
}

// acknowledge makes the head durable at to.
func (j *journal) acknowledge(to position) error {
	to.generation++
	to.encodeSlot(j.slot[:])
	if _, err := j.head.WriteAt(j.slot[:], int64(to.slot())*slotSize); err != nil {
		return fmt.Errorf("write head: %w", err)
	}
	if err := j.head.Sync(); err != nil {
		return fmt.Errorf("sync head: %w", err)
	}
	j.at = to
	return nil
}

// reopen leaves the files that failed and makes a new head at the
// acknowledged position; the next write then opens a new segment.
func (j *journal) reopen(at position) error {
	_ = j.close() // they failed already
	at.generation = j.at.generation
	f, at, err := writeHead(j.fs, j.dir, at)
	if err != nil {
		return fmt.Errorf("replace head: %w", err)
	}
	j.head, j.at = f, at
	return nil
}

func (j *journal) close() error {
	var errs []error
	for _, f := range []*File{&j.seg, &j.head} {
		if *f != nil {
			errs = append(errs, (*f).Close())
			*f = nil
		}
	}
	return errors.Join(errs...)
}
