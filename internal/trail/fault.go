package trail

import (
	"fmt"
	"time"
)

// How soon and how seldom a new segment is tried after a fault.
const (
	firstRetry = 10 * time.Millisecond
	lastRetry  = time.Second
)

// fault takes note of a failed write or sync that refused records had a part
// in. The files it happened in are not written again.
func (c *committer) fault(err error, refused int) {
	now := time.Now()
	c.broken = err
	if c.since.IsZero() {
		c.since = now
	}
	if c.backoff == 0 { // the first try is at once
		c.again = now
		c.backoff = firstRetry
	} else {
		c.delay(now)
	}
	if c.gap == nil {
		c.gap = &gap{from: c.t.now(), reason: err.Error()}
	}
	c.gap.refused += refused
	if c.t.onFault != nil {
		c.t.onFault(err)
	}
}

// delay sets the next try, later each time.
func (c *committer) delay(now time.Time) {
	c.again = now.Add(c.backoff)
	c.backoff = min(2*c.backoff, lastRetry)
}

// reopen tries to leave the broken files behind. It reports whether the
// journal can be written; if not, it refuses what has waited too long and sets
// the timer that wakes Run again.
func (c *committer) reopen() bool {
	now, stopping := time.Now(), c.t.isStopped()
	if stopping || !now.Before(c.again) {
		err := c.t.journal.reopen(c.t.acknowledged())
		if err == nil {
			c.broken = nil
			return true
		}
		c.broken = err
		c.delay(now)
	}
	held := now.Sub(c.since)
	if held >= holdLimit || stopping {
		c.refuseQueue()
		if stopping {
			c.broken = nil // nothing follows
			c.gap = nil
			return true
		}
		c.retry.Reset(c.again.Sub(now))
		return false
	}
	c.retry.Reset(min(c.again.Sub(now), holdLimit-held))
	return false
}

// refuseQueue refuses all that is held.
func (c *committer) refuseQueue() {
	err := fmt.Errorf("%w: %w", ErrUnavailable, c.broken)
	for {
		batch := c.t.take()
		if len(batch) == 0 {
			return
		}
		c.gap.refused += len(batch)
		for _, p := range batch {
			p.settle(err)
		}
	}
}

// acknowledged is where the trail ends for everybody else.
func (t *Trail) acknowledged() position {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view.head
}

func (t *Trail) isStopped() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stopped != nil
}
