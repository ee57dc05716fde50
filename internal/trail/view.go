package trail

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
)

// view is what is acknowledged: the segments of the chain in order, and the
// head. A view is never changed, only followed by another.
type view struct {
	spans []span
	head  position
	start *tombstone // why the first segment has none before it; nil when it is the trail's first
}

// span is the accepted part of a segment: it begins with the frame first and
// ends at offset end. The last span's end is the head's.
type span struct {
	ordinal uint64
	first   uint64
	end     int64
}

// grow is v with its head at to, in the same segment or a new one.
func (v view) grow(to position) view {
	n := len(v.spans)
	if n == 0 || v.spans[n-1].ordinal != to.ordinal {
		v.spans = append(slices.Clone(v.spans), span{ordinal: to.ordinal, first: v.head.seq + 1})
		if n > 0 {
			v.spans[n-1].end = v.head.end
		}
	}
	v.head = to
	return v
}

// end is where the accepted part of span i ends.
func (v view) end(i int) int64 {
	if i == len(v.spans)-1 {
		return v.head.end
	}
	return v.spans[i].end
}

// find is the span that has or will have the frame seq: the last one that
// begins at or before it.
func (v view) find(seq uint64) int {
	return max(0, sort.Search(len(v.spans), func(i int) bool { return v.spans[i].first > seq })-1)
}

// after is the first span whose segment is ordinal or later.
func (v view) after(ordinal uint64) int {
	return sort.Search(len(v.spans), func(i int) bool { return v.spans[i].ordinal >= ordinal })
}

// bytes is the size of all accepted parts.
func (v view) bytes() (n int64) {
	for i := range v.spans {
		n += v.end(i)
	}
	return n
}

// drop is v without the segments before the one that begins with first.
func (v view) drop(first uint64) view {
	for len(v.spans) > 1 && v.spans[1].first <= first {
		v.spans = v.spans[1:]
	}
	return v
}

// loadView finds the segments that lead to the head, from the newest back to
// the first, or to where the trail was pruned.
func loadView(fsys FS, dir string, head position) (view, error) {
	v := view{head: head}
	end := head.end
	var first header
	pruned := false
	for at := head.ordinal; at != 0; {
		h, size, err := readSegmentHeader(fsys, dir, at)
		if errors.Is(err, fs.ErrNotExist) && len(v.spans) > 0 {
			pruned = true
			break
		}
		if err != nil {
			return v, fmt.Errorf("%w: segment %s: %w", ErrDamaged, segmentName(at), err)
		}
		switch {
		case h.ordinal != at || h.trail != head.trail:
			return v, fmt.Errorf("%w: segment %s is from somewhere else", ErrDamaged, segmentName(at))
		case size < end:
			return v, fmt.Errorf("%w: segment %s ends at %d, its acknowledged part at %d", ErrDamaged, segmentName(at), size, end)
		}
		v.spans = append(v.spans, span{ordinal: at, first: h.first, end: end})
		at, end = h.previous, h.end
		first = h
	}
	slices.Reverse(v.spans)
	if pruned {
		return v.begun(fsys, dir, first)
	}
	return v, nil
}

// readSegmentHeader reads a segment's header and its file's size.
func readSegmentHeader(fsys FS, dir string, ordinal uint64) (header, int64, error) {
	f, err := fsys.Open(segmentPath(dir, ordinal), false)
	if err != nil {
		return header{}, 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return header{}, 0, err
	}
	b := make([]byte, min(size, headerSize))
	if err := readFull(f, b, 0); err != nil {
		return header{}, 0, err
	}
	h, err := readHeader(b)
	return h, size, err
}

// listSegments are the ordinals of the segments in a directory, ascending.
func listSegments(fsys FS, dir string) ([]uint64, error) {
	names, err := fsys.List(journalDir(dir))
	if err != nil {
		return nil, fmt.Errorf("list journal: %w", err)
	}
	var ordinals []uint64
	for _, name := range names {
		if n, ok := segmentOrdinal(name); ok {
			ordinals = append(ordinals, n)
		}
	}
	slices.Sort(ordinals)
	return ordinals, nil
}
