package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
)

// Finding is one thing that is not as it was written.
type Finding struct {
	Segment string // file name of the segment, "head", or path of a seal under the data directory
	Frame   uint64 // sequence number of the event, 0 where there is none
	Offset  int64  // of the frame, header or slot in the file
	Problem string
}

func (f Finding) String() string {
	if f.Frame == 0 {
		return fmt.Sprintf("%s, offset %d: %s", f.Segment, f.Offset, f.Problem)
	}
	return fmt.Sprintf("%s, event %d at offset %d: %s", f.Segment, f.Frame, f.Offset, f.Problem)
}

// Report is what Verify found.
type Report struct {
	Intact   bool // no findings
	Findings []Finding
	Events   uint64 // read
	Segments int
	Bytes    int64
	Head     Head // the newest acknowledged event
}

// Verify reads the whole trail in a data directory and checks every byte of
// it up to the head: segments against their headers, each frame against its
// checksum and the hash chain, the last against the head, and the seals, row by
// row, against the journal they were made of. It may run beside a server. An error means that it
// could not look; what it found wrong is in the report. progress may be nil.
func Verify(ctx context.Context, dir string, progress func(done, total int64)) (Report, error) {
	return verify(ctx, osFS{}, dir, progress)
}

// verifier is the state of one Verify.
type verifier struct {
	fs       FS
	dir      string
	progress func(done, total int64)
	head     headState
	headless bool // no slot of the head is good
	chain    []link
	missing  uint64      // the segment before the first of the chain, if it is gone and all before it are
	stones   []tombstone // in the chain
	report   Report
	buf      []byte
	window   uint64 // events whose rows are compared at a time
}

// link is a segment of the chain as Verify sees it.
type link struct {
	ordinal uint64
	header  header
	bad     error // why the header cannot be used
	end     int64 // where its accepted part ends, -1 if nothing says
	size    int64
}

func verify(ctx context.Context, fsys FS, dir string, progress func(done, total int64)) (Report, error) {
	for try := 1; ; try++ {
		before, err := readPruned(fsys, dir)
		if err != nil {
			return Report{}, fmt.Errorf("verify trail: %w", err)
		}
		report, err := verifyOnce(ctx, fsys, dir, progress)
		if try == 3 || err == nil && report.Intact || ctx.Err() != nil {
			return report, err
		}
		after, again := readPruned(fsys, dir)
		if again != nil || after.same(before) {
			return report, err
		}
		// What was missing has been pruned meanwhile.
	}
}

func verifyOnce(ctx context.Context, fsys FS, dir string, progress func(done, total int64)) (Report, error) {
	v := &verifier{fs: fsys, dir: dir, progress: progress, window: verifyWindow}
	if v.progress == nil {
		v.progress = func(int64, int64) {}
	}
	return v.run(ctx)
}

// run looks at everything once.
func (v *verifier) run(ctx context.Context) (Report, error) {
	fail := func(err error) (Report, error) { return v.report, fmt.Errorf("verify trail: %w", err) }
	if err := v.readHead(); err != nil {
		return fail(err)
	}
	segments, err := listSegments(v.fs, v.dir)
	if err != nil {
		return fail(err)
	}
	if err := v.findChain(segments); err != nil {
		return fail(err)
	}
	if err := v.walk(ctx); err != nil {
		return fail(err)
	}
	if err := v.checkSeals(ctx); err != nil {
		return fail(err)
	}
	v.report.Intact = len(v.report.Findings) == 0
	return v.report, nil
}

func (v *verifier) find(f Finding) { v.report.Findings = append(v.report.Findings, f) }

// readHead reads the head, which comes first: what it acknowledges is there
// for whoever looks later.
func (v *verifier) readHead() error {
	head, err := readHead(v.fs, v.dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		v.find(Finding{Segment: "head", Problem: "the head file is missing"})
		v.headless = true
	case errors.Is(err, ErrDamaged) && !head.damaged(): // not even its size is right
		v.find(Finding{Segment: "head", Problem: err.Error()})
		v.headless = true
	case errors.Is(err, ErrDamaged):
		v.headless = true
	case err != nil:
		return err
	default:
		v.report.Head = head.head()
	}
	for i, bad := range head.bad {
		if bad != nil {
			v.find(Finding{Segment: "head", Offset: int64(i) * slotSize, Problem: bad.Error()})
		}
	}
	v.head = head
	return nil
}

// findChain follows the headers from the head back to the first segment.
// Where one is missing or damaged, the file before it is taken instead.
func (v *verifier) findChain(segments []uint64) error {
	at, end := v.head.ordinal, v.head.end
	if v.headless && len(segments) > 0 {
		at, end = segments[len(segments)-1], -1
	}
	for at != 0 {
		l := link{ordinal: at, end: end}
		var err error
		l.header, l.size, err = readSegmentHeader(v.fs, v.dir, at)
		switch {
		case errors.Is(err, fs.ErrNotExist) && len(v.chain) > 0 && (len(segments) == 0 || segments[0] > at):
			v.missing = at
		case errors.Is(err, fs.ErrNotExist):
			l.bad, l.size = errors.New("the segment is missing"), -1
		case errors.Is(err, errHeader):
			l.bad = err
		case err != nil:
			return fmt.Errorf("read segment %d: %w", at, err)
		case l.header.ordinal != at:
			l.bad = fmt.Errorf("%w: it is that of segment %d", errHeader, l.header.ordinal)
		case !v.headless && l.header.trail != v.head.trail:
			l.bad = fmt.Errorf("%w: it is that of another trail", errHeader)
		}
		if v.missing != 0 {
			break
		}
		v.chain = append(v.chain, l)
		if l.bad == nil {
			at, end = l.header.previous, l.header.end
			continue
		}
		i, _ := slices.BinarySearch(segments, at)
		at, end = 0, -1
		if i > 0 {
			at = segments[i-1]
		}
	}
	slices.Reverse(v.chain)
	return nil
}

// walk reads the segments of the chain in order.
func (v *verifier) walk(ctx context.Context) error {
	var done, total int64
	for _, l := range v.chain {
		total += max(0, l.size)
	}
	w := &walker{l: newLinker(), seq: 1, hash: v.head.trail.genesis()}
	anchored := !v.headless && v.missing == 0
	for i, l := range v.chain {
		if err := ctx.Err(); err != nil {
			return err
		}
		b, err := v.readSegment(l)
		if err != nil {
			return err
		}
		to, who := v.endOf(i)
		w.tombstones = nil
		w.checkSegment(l, b, anchored, to, who)
		v.stones = append(v.stones, w.tombstones...)
		// The next header is compared with what was read only if that was whole.
		anchored = !w.lost && len(w.findings) == 0
		v.report.Findings = append(v.report.Findings, w.findings...)
		if l.size >= 0 {
			v.report.Segments++
			done += l.size
		}
		v.progress(done, total)
	}
	v.report.Events, v.report.Bytes = w.events, done
	v.checkStart()
	if len(v.chain) == 0 && !v.headless && v.head.seq > 0 {
		v.find(Finding{Segment: "head", Frame: v.head.seq, Problem: "the head names an event, but no segment"})
	}
	return nil
}

// checkStart checks that the trail begins with its first event, or where a
// tombstone says.
func (v *verifier) checkStart() {
	if v.missing == 0 {
		return
	}
	for _, t := range v.stones {
		if t.allows(v.chain[0].header) && (t.last() < v.chain[0].header.first || v.agrees(t)) {
			return
		}
	}
	v.report.Findings = slices.Insert(v.report.Findings, 0, Finding{segmentName(v.missing), v.kept() + 1, 0, "the segment is missing"})
}

// agrees reports whether t has the chain's hash after the last event it
// removes, which is still there.
func (v *verifier) agrees(t tombstone) bool {
	return slices.ContainsFunc(v.chain, func(l link) bool { return l.bad == nil && l.header.first == t.last()+1 && t.allows(l.header) })
}

// kept is the newest event that a tombstone removes, 0 for none: those after it
// must be there.
func (v *verifier) kept() (last uint64) {
	for _, t := range v.stones {
		last = max(last, t.last())
	}
	return last
}

// endOf is where the i-th segment of the chain must end, and who says so;
// nobody if what should is damaged.
func (v *verifier) endOf(i int) (to position, who string) {
	if i == len(v.chain)-1 {
		if v.headless {
			return to, ""
		}
		return v.head.position, "the head"
	}
	if next := v.chain[i+1]; next.bad == nil {
		return position{end: next.header.end, seq: next.header.first - 1, hash: next.header.hash}, "the next segment"
	}
	return to, ""
}

// readSegment reads a segment's accepted part, or all of it if nothing says
// how long that is.
func (v *verifier) readSegment(l link) ([]byte, error) {
	if l.size < 0 {
		return nil, nil
	}
	size := l.size
	if l.end >= 0 {
		size = min(size, l.end)
	}
	if int64(cap(v.buf)) < size {
		v.buf = make([]byte, size)
	}
	b := v.buf[:size]
	f, err := v.fs.Open(segmentPath(v.dir, l.ordinal), false)
	if err != nil {
		return nil, fmt.Errorf("read segment %d: %w", l.ordinal, err)
	}
	defer f.Close()
	if err := readFull(f, b, 0); err != nil {
		return nil, fmt.Errorf("read segment %d: %w", l.ordinal, err)
	}
	return b, nil
}

// checkSegment checks segment l, whose bytes are b, and that it ends at to.
// anchored says that w.seq and w.hash are what its header must continue.
func (w *walker) checkSegment(l link, b []byte, anchored bool, to position, who string) {
	w.segment, w.off, w.lost, w.findings = segmentName(l.ordinal), 0, l.size < 0, nil
	if l.bad != nil {
		w.find("%v", l.bad)
	} else {
		if anchored && (l.header.first != w.seq || l.header.hash != w.hash) {
			w.find("the header continues another chain than the one before it, which ends with event %d", w.seq-1)
		}
		w.seq, w.hash, w.alt = l.header.first, l.header.hash, nil
	}
	w.off = min(headerSize, int64(len(b)))
	if l.end < 0 {
		w.walkGood(b)
	} else {
		w.walk(b)
	}
	if who != "" {
		w.ends(to, who)
	}
}
