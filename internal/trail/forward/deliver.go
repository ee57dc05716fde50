package forward

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// batch is what goes to the sink next.
type batch struct {
	messages []Message
	size     int
	through  uint64    // the newest event accounted for, sent or not
	due      time.Time // when it has lingered long enough
}

// deliver cuts batches and sends them until ctx ends.
func (r *Runner) deliver(ctx context.Context, in <-chan []item) {
	var b batch
	for {
		timer := time.NewTimer(r.idle(&b))
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case items := <-in:
			for _, it := range items {
				if !r.take(ctx, &b, it) {
					timer.Stop()
					return
				}
			}
			if len(b.messages) == 0 {
				r.advance(b.through)
			}
		case <-r.flush:
		case <-timer.C:
		}
		timer.Stop()
		if len(in) == 0 && r.due(&b) && !r.ship(ctx, &b) {
			return
		}
		r.saveSometimes(ctx)
	}
}

// idle is how long nothing needs doing while nothing comes.
func (r *Runner) idle(b *batch) time.Duration {
	wait := time.Hour
	if len(b.messages) > 0 {
		wait = b.due.Sub(r.o.Now())
	}
	r.mu.Lock()
	unsaved := r.s.done != r.s.kept
	r.mu.Unlock()
	if unsaved {
		wait = min(wait, saveEvery)
	}
	return max(wait, 0)
}

// due says whether the batch should go although it is not full.
func (r *Runner) due(b *batch) bool {
	r.mu.Lock()
	hurry := r.hurry > r.s.done && r.hurry <= b.through // what somebody waits for has been read
	r.mu.Unlock()
	return hurry || !r.o.Now().Before(b.due)
}

// take adds an event to the batch, sending what is in its way. It is false when
// ctx has ended.
func (r *Runner) take(ctx context.Context, b *batch, it item) bool {
	if it.refuse != "" {
		if !r.putAside(ctx, it.Message, it.refuse) {
			return false
		}
		it.skip = true
	}
	if !it.skip {
		n := r.limits.Size(it.Message)
		if len(b.messages) > 0 && (b.size+n > r.limits.Bytes || r.limits.Split != nil && r.limits.Split(b.messages, it.Message)) {
			if !r.ship(ctx, b) {
				return false
			}
		}
		if len(b.messages) == 0 {
			b.due = r.o.Now().Add(r.limits.Linger)
			r.mu.Lock()
			r.s.next = it.Appended
			r.mu.Unlock()
		}
		b.messages, b.size = append(b.messages, it.Message), b.size+n
	}
	b.through = it.Seq
	if len(b.messages) == r.limits.Events {
		return r.ship(ctx, b)
	}
	return true
}

// ship sends the batch, as often as it takes, and moves past it.
func (r *Runner) ship(ctx context.Context, b *batch) bool {
	if len(b.messages) > 0 && !r.send(ctx, b.messages) {
		return false
	}
	r.advance(b.through)
	*b = batch{through: b.through}
	r.saveSometimes(ctx)
	return true
}

// saveSometimes writes the cursor, but not more often than saveEvery: it costs a
// flush of the disk that the journal needs too.
func (r *Runner) saveSometimes(ctx context.Context) {
	r.mu.Lock()
	unsaved := r.s.done != r.s.kept
	r.mu.Unlock()
	if !unsaved || r.o.Now().Sub(r.saved) < saveEvery && r.limits.Linger < saveEvery {
		return
	}
	if err := r.save(ctx); err != nil && ctx.Err() == nil {
		r.saved = r.o.Now() // not at once again
		r.o.Log.Error("forwarder's cursor not saved: after a crash some events would be sent again", "forwarder", r.o.Name, "err", err)
	}
}

// send returns true when each message has arrived or is put aside, and false
// when ctx ended before.
func (r *Runner) send(ctx context.Context, messages []Message) bool {
	attempt := 0
	for todo := [][]Message{messages}; len(todo) > 0; {
		piece := todo[0]
		failed, err := r.attempt(ctx, piece)
		if ctx.Err() != nil && (err != nil || len(failed) > 0) {
			return false
		}
		var after time.Duration
		var whole *BatchError
		switch isBatch := errors.As(err, &whole); {
		case err == nil && len(failed) == 0:
			r.arrived(len(piece))
			todo, attempt = todo[1:], 0
			continue
		case err == nil:
			rest, ok := r.sort(ctx, piece, failed)
			if !ok {
				return false
			}
			if len(rest) < len(piece) {
				attempt = 0
			}
			if todo[0] = rest; len(rest) == 0 {
				todo = todo[1:]
				continue
			}
			err = errors.New(failed[0].Reason)
		case isBatch && whole.Final && len(piece) > 1:
			half := len(piece) / 2
			todo = append([][]Message{piece[:half], piece[half:]}, todo[1:]...)
			continue
		case isBatch && whole.Final && r.suspect < suspectAfter:
			r.suspect++
			if !r.putAside(ctx, piece[0], whole.Error()) {
				return false
			}
			todo, attempt = todo[1:], 0
			continue
		case isBatch && whole.Final:
			err = fmt.Errorf("the sink has refused %d messages and taken none: it must be wrong, not they: %w", suspectAfter, whole)
		case isBatch:
			after = whole.After
		}
		attempt++
		if !r.wait(ctx, err, max(after, r.o.Pause(attempt))) {
			return false
		}
	}
	r.well(ctx)
	return true
}

// attempt calls the sink once, bounded.
func (r *Runner) attempt(ctx context.Context, piece []Message) ([]Failure, error) {
	bounded, cancel := context.WithTimeout(ctx, r.limits.Timeout)
	defer cancel()
	failed, err := r.o.Sink.Send(bounded, piece)
	if err != nil && bounded.Err() != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("no answer within %v: %w", r.limits.Timeout, err)
	}
	return failed, err
}

// sort puts aside what will never be taken and returns what must be sent again.
func (r *Runner) sort(ctx context.Context, piece []Message, failed []Failure) (rest []Message, ok bool) {
	bySeq := make(map[uint64]Failure, len(failed))
	for _, f := range failed {
		bySeq[f.Seq] = f
	}
	arrived := 0
	for _, m := range piece {
		switch f, bad := bySeq[m.Seq]; {
		case !bad:
			arrived++
		case f.Final:
			if !r.putAside(ctx, m, f.Reason) {
				return nil, false
			}
		default:
			rest = append(rest, m)
		}
	}
	if arrived > 0 {
		r.arrived(arrived)
	}
	return rest, true
}

// putAside keeps a message that the sink will never take. It waits until it can:
// a full disk loses nothing.
func (r *Runner) putAside(ctx context.Context, m Message, reason string) bool {
	for attempt := 1; ; attempt++ {
		err := r.aside.put(r.o.Now(), m, reason)
		if err == nil {
			if attempt > 1 {
				r.well(ctx)
			}
			break
		}
		if !r.wait(ctx, err, r.o.Pause(attempt)) {
			return false
		}
	}
	r.mu.Lock()
	r.s.refused++
	r.mu.Unlock()
	r.o.Log.Error("the sink will not take an event: put aside", "forwarder", r.o.Name, "event", m.EventID, "err", reason)
	return true
}

// wait notes a failure and pauses, appending FailForwarder when its time comes.
// It is false when ctx has ended.
func (r *Runner) wait(ctx context.Context, err error, d time.Duration) bool {
	r.failed(err)
	for d > 0 {
		step := d
		if left, pending := r.untilAnnounced(); pending {
			if left <= 0 {
				r.announce(ctx)
			} else {
				step = min(step, left)
			}
		}
		if !pause(ctx, step) {
			return false
		}
		d -= step
	}
	return ctx.Err() == nil
}

// pause waits; it is false when ctx ended before.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Backoff doubles from a quarter of a second to a minute, less up to half of it
// by chance, so that what failed together does not come back together.
func Backoff(attempt int) time.Duration {
	d := min(250*time.Millisecond<<min(attempt-1, 8), time.Minute)
	return d - rand.N(d/2)
}
