package trail

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Link is one place of the hash chain.
type Link struct {
	Seq  uint64
	Hash Hash
	Time time.Time // append time of the event; zero before the first
}

// Links are the places of the chain after these events: who was told of one
// outside can hold the trail against it. Event 0 is the beginning. One that the
// reader does not see, or that was pruned, is not among them; but the place before
// the oldest event kept is. Only segments that hold such an event are read.
func (r *Reader) Links(ctx context.Context, seqs []uint64) (map[uint64]Link, error) {
	seqs = slices.Clone(seqs)
	slices.Sort(seqs)
	links := map[uint64]Link{}
	for i, s := range r.view.spans {
		last := r.view.head.seq
		if i+1 < len(r.view.spans) {
			last = r.view.spans[i+1].first - 1
		}
		var want []uint64
		for _, seq := range seqs {
			if seq+1 >= s.first && seq <= last { // the one before the first frame too
				want = append(want, seq)
			}
		}
		if len(want) == 0 {
			continue
		}
		if err := r.linksOf(ctx, s.ordinal, r.view.end(i), want, links); err != nil {
			return nil, fmt.Errorf("read the chain in segment %s: %w", segmentName(s.ordinal), err)
		}
	}
	return links, nil
}

// linksOf reads those of one segment.
func (r *Reader) linksOf(ctx context.Context, ordinal uint64, end int64, want []uint64, links map[uint64]Link) error {
	f, err := r.fs.Open(segmentPath(r.dir, ordinal), false)
	if err != nil {
		return err
	}
	defer f.Close()
	b := make([]byte, end)
	if err := readFull(f, b, 0); err != nil {
		return errors.Join(ErrDamaged, err)
	}
	h, err := readHeader(b)
	if err != nil {
		return errors.Join(ErrDamaged, err)
	}
	note := func(seq uint64, hash Hash, at time.Time) {
		if _, ok := links[seq]; !ok && slices.Contains(want, seq) {
			links[seq] = Link{seq, hash, at}
		}
	}
	note(h.first-1, h.hash, time.Time{})
	b = b[headerSize:]
	for next := h.first; len(b) > 0; next++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		fr, err := readFrame(b)
		if err == nil && fr.seq != next {
			err = errSeq
		}
		if err != nil {
			return fmt.Errorf("%w: event %d: %w", ErrDamaged, next, err)
		}
		note(fr.seq, fr.hash, time.UnixMicro(fr.micros).UTC())
		b = b[fr.size():]
	}
	return nil
}

// First is the oldest event the reader sees, 0 in an empty trail.
func (r *Reader) First() uint64 {
	if len(r.view.spans) == 0 || r.view.head.seq == 0 {
		return 0
	}
	return r.view.spans[0].first
}
