package trail

import "fmt"

// walker checks frames one after another against the chain.
type walker struct {
	segment string
	l       *linker
	seq     uint64 // of the next frame
	hash    Hash   // the chain's so far
	micros  int64  // append time of the last frame
	off     int64  // of the next frame

	// alt is also right for the next frame when the last one was damaged: its
	// stored hash and its payload cannot both be wrong after one change.
	alt      *Hash
	lost     bool // the rest of the segment cannot be read
	findings []Finding
	events   uint64

	tombstones []tombstone // read and right
}

func (w *walker) find(problem string, args ...any) {
	w.findings = append(w.findings, Finding{w.segment, w.seq, w.off, fmt.Sprintf(problem, args...)})
}

// step decodes and checks the next frame in b.
func (w *walker) step(b []byte) (frame, error) {
	f, err := readFrame(b[w.off:])
	switch {
	case err != nil:
		return f, err
	case f.seq != w.seq:
		return f, errSeq
	case w.l.link(w.hash, f.payload) != f.hash:
		if w.alt == nil || w.l.link(*w.alt, f.payload) != f.hash {
			return f, errChain
		}
	}
	if f.micros < w.micros {
		return f, errTime
	}
	return f, nil
}

func (w *walker) advance(f frame) {
	w.seq, w.hash, w.micros, w.alt = f.seq+1, f.hash, f.micros, nil
	w.off += int64(f.size())
	w.events++
}

// walkGood goes on as long as frames are good.
func (w *walker) walkGood(b []byte) {
	for w.off < int64(len(b)) {
		f, err := w.step(b)
		if err != nil {
			return
		}
		w.advance(f)
	}
}

// walk goes through all of b, which is the accepted part of a segment, and
// notes each frame that is not as it was written. After one it goes on where
// the frame's own length says, if a frame is there.
func (w *walker) walk(b []byte) {
	for !w.lost && w.off < int64(len(b)) {
		f, err := w.step(b)
		switch err {
		case nil:
			if t, ok := readTombstone(f.seq, f.json()); ok {
				w.tombstones = append(w.tombstones, t)
			}
		case errSeq:
			w.find("%v: %d", err, f.seq)
		case errChain, errTime:
			w.find("%v", err)
			if err == errChain { // either its payload or the link before it was changed
				h := w.l.link(w.hash, f.payload)
				w.advance(f)
				w.alt = &h
				continue
			}
		default:
			w.damaged(b, err)
			continue
		}
		w.advance(f)
	}
}

// damaged notes a frame that cannot be decoded and skips it.
func (w *walker) damaged(b []byte, err error) {
	w.find("%v", err)
	n, sizeErr := frameSize(b[w.off:])
	end := w.off + int64(n)
	if sizeErr != nil || end > int64(len(b)) {
		w.lost = true
		return
	}
	if end < int64(len(b)) {
		if next, err := readFrame(b[end:]); err != nil || next.seq != w.seq+1 {
			w.lost = true
			return
		}
	}
	raw := b[w.off:end]
	h := w.l.link(w.hash, raw[frameHead:])
	w.advance(frame{seq: w.seq, hash: Hash(raw[8:frameHead]), micros: w.micros, payload: raw[frameHead:]})
	w.alt = &h
}

// ends checks that the walk ended at p, the head or what the next segment says.
func (w *walker) ends(p position, who string) {
	switch {
	case w.lost || len(w.findings) > 0:
	case w.off != p.end:
		w.find("the segment ends here, %s says at %d: events %d to %d are missing", who, p.end, w.seq, p.seq)
	case w.seq != p.seq+1:
		w.find("the next event here is %d, %s says %d", w.seq, who, p.seq+1)
	case w.hash != p.hash:
		w.seq--
		w.find("the chain's hash after this event is not the one %s has", who)
		w.seq++
	}
}
