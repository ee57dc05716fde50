package trail

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/trailgate/trailgate/event"
)

// A follower reads this much of a segment at once.
const readAhead = 256 << 10

var errClosed = errors.New("the trail is closed")

// Follow calls fn with batches of entries in order, from sequence number from
// on: those in the journal, then each as soon as it is acknowledged. It returns
// when ctx ends, with its error, or when fn fails, with fn's. Followers read
// the journal's files, so a slow one delays nobody and misses nothing but what
// retention removed: then the next entry's Seq is not the one after the last,
// and a from that is gone begins with the oldest that is kept. fn may keep what
// it is given.
func (t *Trail) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	c := cursor{fs: t.fs, dir: t.dir, next: from}
	defer c.close()
	for {
		t.mu.Lock()
		v, advanced := t.view, t.advanced
		t.mu.Unlock()
		if err := c.replay(ctx, v, fn); err != nil {
			return err
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		case <-t.closed:
			return errClosed
		}
	}
}

// cursor reads entries in order. It keeps its place between views.
type cursor struct {
	fs   FS
	dir  string
	next uint64 // the sequence number wanted next

	file    File // the segment being read; nil before the first
	ordinal uint64
	off     int64  // of the next frame
	seq     uint64 // of the next frame
}

func (c *cursor) close() {
	if c.file != nil {
		c.file.Close()
		c.file = nil
	}
}

// replay calls fn with all entries from c.next to v's head.
func (c *cursor) replay(ctx context.Context, v view, fn func([]event.Entry) error) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		entries, err := c.read(v)
		if err != nil {
			return fmt.Errorf("read journal: %w", err)
		}
		if entries == nil {
			return nil
		}
		if len(entries) > 0 {
			if err := fn(entries); err != nil {
				return err
			}
		}
	}
}

// read returns the next entries of v, nil at its end. It may return none and
// not be at the end while it looks for the first one wanted.
func (c *cursor) read(v view) ([]event.Entry, error) {
	if len(v.spans) == 0 || c.next > v.head.seq {
		return nil, nil
	}
	i, err := c.seek(v)
	if err != nil {
		return nil, err
	}
	limit := v.end(i)
	buf := make([]byte, min(readAhead, limit-c.off))
	if err := readFull(c.file, buf, c.off); err != nil {
		return nil, c.damage(err)
	}
	entries := make([]event.Entry, 0, len(buf)/1024+1)
	for len(buf) > 0 {
		n, err := frameSize(buf)
		if n > len(buf) { // all of it has not been read, or is not there
			rest := limit - c.off
			if int64(n) <= rest && len(entries) == 0 {
				buf = make([]byte, min(max(int64(n), readAhead), rest))
				if err := readFull(c.file, buf, c.off); err != nil {
					return nil, c.damage(err)
				}
				continue
			}
			if int64(n) <= rest {
				break
			}
			err = errShort
		}
		var f frame
		if err == nil {
			f, err = readFrame(buf)
		}
		if err == nil && f.seq != c.seq {
			err = errSeq
		}
		if err != nil {
			if len(entries) > 0 {
				break // what is before the damage first
			}
			return nil, c.damage(err)
		}
		if f.seq >= c.next {
			entries = append(entries, event.Entry{Seq: f.seq, AppendTime: time.UnixMicro(f.micros).UTC(), JSON: f.json()})
			c.next = f.seq + 1
		}
		c.seq++
		c.off += int64(n)
		buf = buf[n:]
	}
	return entries, nil
}

// seek brings the cursor to the segment to read from, and says which span of v
// that is.
func (c *cursor) seek(v view) (int, error) {
	i := v.find(c.next)
	if c.file != nil {
		if at := v.after(c.ordinal); at < len(v.spans) && v.spans[at].ordinal == c.ordinal && c.off < v.end(at) {
			return at, nil
		}
	}
	s := v.spans[i]
	f, err := c.fs.Open(segmentPath(c.dir, s.ordinal), false)
	if errors.Is(err, fs.ErrNotExist) { // pruned since v
		p, perr := readPruned(c.fs, c.dir)
		if perr == nil && p.Start != nil && p.Start.last() >= max(c.next, s.first) {
			c.next = p.Start.last() + 1
			i = v.find(c.next)
			s = v.spans[i]
			f, err = c.fs.Open(segmentPath(c.dir, s.ordinal), false)
		}
	}
	if err != nil {
		return 0, err
	}
	c.close()
	c.file, c.ordinal, c.off, c.seq = f, s.ordinal, headerSize, s.first
	return i, nil
}

func (c *cursor) damage(err error) error {
	return fmt.Errorf("%w: segment %s, event %d at offset %d: %w", ErrDamaged, segmentName(c.ordinal), c.seq, c.off, err)
}
