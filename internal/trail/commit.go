package trail

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/trailgate/trailgate/event"
)

// Bounds of a batch: what one write and two syncs make durable.
const (
	maxBatchRecords = 4096
	maxBatchBytes   = 4 << 20
)

// A wall clock that goes back further than this is an event.
const clockTolerance = 2 * time.Second

// committer is the one goroutine that writes the journal. It follows the state
// machine in doc.go.
type committer struct {
	t     *Trail
	retry *time.Timer
	wall  int64 // what the wall clock showed at the last acknowledged batch, µs

	// While broken is set nothing is written; gap outlives it until it is in
	// the trail.
	broken  error
	since   time.Time     // of the first fault since writing worked
	again   time.Time     // when to try the next new segment
	backoff time.Duration // between tries
	gap     *gap
}

// gap is what a DetectGap event will say.
type gap struct {
	from    time.Time
	reason  string
	refused int // records
}

// Run makes appended records durable, batch after batch, until ctx ends; then
// it commits what is queued and returns. It runs once in a trail's life.
func (t *Trail) Run(ctx context.Context) error {
	c := &committer{t: t, retry: time.NewTimer(time.Hour), wall: t.journal.at.micros}
	c.retry.Stop()
	defer c.retry.Stop()
	defer t.stop(fmt.Errorf("%w: it has stopped", ErrUnavailable))
	if t.opened.Repaired != "" {
		c.gap = &gap{from: t.opened.Last, reason: t.opened.Repaired}
		if t.opened.LastSeq == 0 {
			c.gap.from = t.opened.Time
		}
	}
	c.work()
	for {
		select {
		case <-t.wake:
		case <-c.retry.C:
		case <-ctx.Done():
			t.mu.Lock()
			t.stopped = fmt.Errorf("%w: it is stopping", ErrUnavailable)
			t.mu.Unlock()
			c.work()
			return nil
		}
		c.work()
	}
}

// work commits until the queue is empty or a fault holds it.
func (c *committer) work() {
	for {
		if c.broken != nil && !c.reopen() {
			return
		}
		if c.gap != nil { // alone, so that what is held does not share its fate
			if !c.commit(nil) {
				continue
			}
		}
		batch := c.t.take()
		if len(batch) == 0 {
			return
		}
		if c.commit(batch) {
			// Those just told may have more: let them add it, so that it
			// shares the next two syncs instead of waiting for them.
			runtime.Gosched()
		}
	}
}

// take removes a batch from the queue.
func (t *Trail) take() []*pending {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, size := 0, 0
	for n < len(t.queue) && n < maxBatchRecords && size < maxBatchBytes {
		size += len(t.queue[n].entry.JSON) + frameHead + payloadHead
		n++
	}
	batch := t.queue[:n:n]
	t.queue = t.queue[n:]
	if len(t.queue) == 0 {
		t.queue = nil
	}
	return batch
}

// commit makes a batch durable and acknowledges it, with the committer's own
// events before it. It reports false when a fault prevented that.
func (c *committer) commit(batch []*pending) bool {
	j := &c.t.journal
	if j.seg == nil || j.at.end >= c.t.limit || c.t.turn.Swap(false) && j.at.end > headerSize {
		if err := j.openSegment(); err != nil {
			// Nothing of the batch is in any file: it may wait.
			c.t.putBack(batch)
			c.fault(err, 0)
			return false
		}
	}
	now := c.t.now()
	wall := now.UnixMicro()
	all := append(c.own(now), batch...)
	micros := max(wall, j.at.micros)
	records := make([]record, len(all))
	for i, p := range all {
		p.entry.Seq = j.at.seq + 1 + uint64(i)
		p.entry.AppendTime = time.UnixMicro(micros).UTC()
		records[i] = record{p.entry.Seq, micros, p.entry.JSON}
	}
	if err := j.write(records); err != nil {
		refused := fmt.Errorf("%w: %w", ErrUnavailable, err)
		for _, p := range batch {
			p.settle(refused)
		}
		c.fault(err, len(batch))
		return false
	}
	c.wall, c.gap, c.since, c.backoff = wall, nil, time.Time{}, 0
	c.t.publish(j.at)
	for _, p := range batch {
		p.settle(nil)
	}
	return true
}

// own are the events the trail has to tell about itself.
func (c *committer) own(now time.Time) []*pending {
	var own []*pending
	add := func(e event.Event) {
		src := c.t.origin.EventSource
		p, err := newPending(c.t.origin.Record(event.Meta{
			Time:      now,
			Identity:  event.UserIdentity{Type: "Service", InvokedBy: src},
			SourceIP:  src,
			UserAgent: src,
		}, e))
		if err != nil {
			panic(fmt.Sprintf("trail: its own event: %v", err))
		}
		own = append(own, p)
	}
	if back := c.wall - now.UnixMicro(); back > clockTolerance.Microseconds() {
		add(event.StepClock{
			From:   stamp(time.UnixMicro(c.wall)),
			To:     stamp(now),
			Millis: back / 1000,
		})
	}
	if c.gap != nil {
		reason := c.gap.reason
		if c.gap.refused > 0 {
			reason = fmt.Sprintf("%s; events refused: %d", reason, c.gap.refused)
		}
		add(event.DetectGap{What: "journal", From: stamp(c.gap.from), To: stamp(now), Reason: reason})
	}
	return own
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// publish shows followers what is acknowledged.
func (t *Trail) publish(at position) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.view = t.view.grow(at)
	close(t.advanced)
	t.advanced = make(chan struct{})
}

// putBack returns a batch to the front of the queue.
func (t *Trail) putBack(batch []*pending) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queue = append(batch, t.queue...)
}
