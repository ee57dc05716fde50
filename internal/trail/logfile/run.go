package logfile

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
)

const (
	followPause = 250 * time.Millisecond // between small batches of the journal
	smallBatch  = 256
	retryFirst  = time.Second // after a failure, doubled with each
	retryLast   = time.Minute
	lookAgain   = time.Minute // at the clock, which somebody may have set
)

// runner is one Run. Its loop owns all of it but the channels.
type runner struct {
	*Deliverer
	batches chan []event.Entry // from the journal; unbuffered, so that at most two wait
	hurry   chan struct{}      // 1: the next batch is wanted at once
	tell    chan Witnessed     // 1: newer replaces older
	told    chan string        // keys of digests that were told outside

	state   *state
	unsaved bool // state is newer than what is saved
	next    builder
	rest    []event.Entry // taken, and not in next: it is full
	taken   uint64        // the newest event in next, or delivered
	again   *built        // the body of state.Log; nil after a start
	stale   bool          // state.Record may be in the trail
	files   time.Time     // when the next log file is due
	waiting []*ask

	digested time.Time // when the newest digest was made, or the run began: not by the clock
	outage   outage
	retry    time.Time // nothing is tried before; zero when nothing failed; not by the clock
	backoff  time.Duration
}

// Run delivers until ctx ends. What it was at then is done again, the same,
// when the next Run begins.
func (d *Deliverer) Run(ctx context.Context) error {
	r := &runner{
		Deliverer: d, batches: make(chan []event.Entry), hurry: make(chan struct{}, 1),
		tell: make(chan Witnessed, 1), told: make(chan string), next: builder{limit: d.limit},
	}
	var wg sync.WaitGroup
	inner, cancel := context.WithCancel(ctx)
	defer wg.Wait()
	defer cancel()
	if err := r.begin(ctx); err != nil {
		return err
	}
	wg.Go(func() { r.follow(inner, r.taken+1) })
	wg.Go(func() { r.witness(inner) })
	return r.loop(ctx)
}

// begin reads the state, or makes one of what the bucket holds. It tries until
// it can.
func (r *runner) begin(ctx context.Context) error {
	for {
		err := r.open(ctx)
		if err == nil {
			break
		}
		r.fail(err)
		if err := sleep(ctx, r.backoff); err != nil {
			return err
		}
	}
	r.retry, r.backoff = time.Time{}, 0
	r.taken = r.state.Delivered
	if r.state.Log != nil {
		r.taken = r.state.Log.Last // its events are not taken again
	}
	r.stale = r.state.Record != nil
	r.files = after(r.o.Now().UTC(), r.o.FileEvery)
	r.digested = time.Now()
	if n := r.state.Newest; n != nil && !r.state.Told {
		r.tell <- *n
	}
	return nil
}

// follow hands the journal's entries to the loop, in larger batches than they
// were appended in. A journal that cannot be read is read again later.
func (r *runner) follow(ctx context.Context, from uint64) {
	for ctx.Err() == nil {
		err := r.o.Journal.Follow(ctx, from, func(entries []event.Entry) error {
			select {
			case r.batches <- entries:
			case <-ctx.Done():
				return ctx.Err()
			}
			from = entries[len(entries)-1].Seq + 1
			if len(entries) > smallBatch {
				return nil // behind, and not by little
			}
			pause := time.NewTimer(followPause)
			defer pause.Stop()
			select {
			case <-pause.C:
			case <-r.hurry:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		if ctx.Err() == nil {
			r.o.OnError(err)
			_ = sleep(ctx, retryLast)
		}
	}
}

// loop does what is due, then waits for what comes next.
func (r *runner) loop(ctx context.Context) error {
	for {
		if !time.Now().Before(r.retry) {
			err := r.work(ctx)
			if err == nil {
				err = r.delivers(ctx)
			}
			if ctx.Err() != nil {
				return ctx.Err()
			}
			if err != nil {
				r.fail(err)
			} else {
				r.retry, r.backoff = time.Time{}, 0
			}
		}
		if err := r.wait(ctx); err != nil {
			return err
		}
	}
}

func (r *runner) wait(ctx context.Context) error {
	batches, pause := r.batches, r.untilDue()
	if !r.retry.IsZero() {
		batches, pause = nil, time.Until(r.retry) // the journal keeps them
	}
	if len(r.rest) > 0 {
		batches = nil
	}
	timer := time.NewTimer(max(0, min(pause, lookAgain)))
	defer timer.Stop()
	if len(r.waiting) > 0 {
		r.hurryUp()
	}
	select {
	case entries := <-batches:
		r.take(entries)
	case a := <-r.asks:
		r.waiting = append(r.waiting, a)
		r.retry = time.Time{} // somebody wants to know
	case object := <-r.told:
		r.markTold(object)
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

func (r *runner) hurryUp() {
	select {
	case r.hurry <- struct{}{}:
	default:
	}
}

// untilDue is how long until something is to be done though nothing happens.
func (r *runner) untilDue() time.Duration {
	now := r.o.Now()
	wait := after(r.spanStart(), r.o.DigestEvery).Sub(now)
	if !r.next.empty() {
		wait = min(wait, r.files.Sub(now))
	}
	return wait
}

// take puts entries into the next file as far as they fit.
func (r *runner) take(entries []event.Entry) {
	for i, e := range entries {
		if e.Seq <= r.taken {
			continue
		}
		if !r.next.add(e) {
			r.rest = entries[i:]
			return
		}
		if e.Seq != r.taken+1 {
			r.o.OnError(fmt.Errorf("deliver log files: the journal has no events %d to %d, so no log file will", r.taken+1, e.Seq-1))
		}
		r.taken = e.Seq
	}
	r.rest = nil
}

// fail notes what failed and when to try again.
func (r *runner) fail(err error) {
	r.backoff = min(max(2*r.backoff, retryFirst), retryLast)
	r.retry = time.Now().Add(r.backoff)
	r.outage.begins(r.o.Now(), err)
	r.o.OnError(err)
	r.answer(func(*ask) bool { return true }, err)
}

// answer tells those who wait and whom done picks.
func (r *runner) answer(done func(*ask) bool, err error) {
	var still []*ask
	for _, a := range r.waiting {
		if done(a) {
			a.done <- err
		} else {
			still = append(still, a)
		}
	}
	r.waiting = still
}

// now is the time, which never goes back behind the newest digest: the clock
// may.
func (r *runner) now() time.Time {
	now := r.o.Now().UTC()
	if r.state != nil && r.state.Chain != nil && now.Before(r.state.Chain.End) {
		return r.state.Chain.End
	}
	return now
}

// after is the first multiple of every later than t.
func after(t time.Time, every time.Duration) time.Time { return t.Truncate(every).Add(every) }

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
