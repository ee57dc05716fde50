package forward

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/trailgate/trailgate/event"
)

// Status is how a forwarder does.
type Status struct {
	Name       string    `json:"name"`
	Kind       string    `json:"kind"`
	To         string    `json:"to"`
	Cursor     uint64    `json:"cursor"`            // all events up to it have arrived, were put aside, or were not wanted
	LagEvents  uint64    `json:"lagEvents"`         // events after it
	LagSeconds float64   `json:"lagSeconds"`        // age of the oldest of them; 0 when there is none
	Sent       uint64    `json:"sent"`              // messages acknowledged since the node started
	LastSent   time.Time `json:"lastSent,omitzero"` // when the newest was
	Refused    uint64    `json:"refused"`           // messages put aside, ever: see refused.jsonl
	Missed     uint64    `json:"missed,omitempty"`  // events that were no longer in the journal when it was their turn
	Errors     uint64    `json:"errors"`            // attempts that failed since the node started
	LastError  string    `json:"lastError,omitempty"`
	ErrorTime  time.Time `json:"errorTime,omitzero"`
	Failing    time.Time `json:"failingSince,omitzero"` // the first failure since the last success; zero while all is well
}

// Status says how the forwarder does now.
func (r *Runner) Status() Status {
	head := r.o.Journal.Head().Seq
	now := r.o.Now()
	r.mu.Lock()
	s := r.s
	r.mu.Unlock()
	st := Status{
		Name: r.o.Name, Kind: r.o.Kind, To: r.o.Sink.String(), Cursor: s.done, Sent: s.sent, LastSent: s.lastSent, Refused: s.refused,
		Missed: s.missed, Errors: s.errors, LastError: s.lastError, ErrorTime: s.errorAt, Failing: s.failing,
	}
	if head > s.done {
		st.LagEvents = head - s.done
		if !s.next.IsZero() {
			st.LagSeconds = max(now.Sub(s.next).Seconds(), 0)
		}
	}
	return st
}

// Needed is the oldest event that the forwarder still needs from the journal,
// after a crash too.
func (r *Runner) Needed() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.s.kept + 1
}

// Flush sends what lingers and returns when all events up to seq are done with,
// or with an error when ctx ends before: the sink's own, if it is failing.
func (r *Runner) Flush(ctx context.Context, seq uint64) error {
	r.mu.Lock()
	r.hurry = max(r.hurry, seq)
	r.mu.Unlock()
	select {
	case r.flush <- struct{}{}:
	default: // it is being told
	}
	for {
		r.mu.Lock()
		done, moved := r.s.done, r.moved
		r.mu.Unlock()
		if done >= seq {
			return nil
		}
		select {
		case <-moved:
		case <-ctx.Done():
			if st := r.Status(); !st.Failing.IsZero() && st.LastError != "" {
				return errors.New(st.LastError)
			}
			return ctx.Err()
		}
	}
}

// advance says that all events up to seq are done with.
func (r *Runner) advance(seq uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if seq <= r.s.done {
		return
	}
	r.s.done, r.s.next = seq, time.Time{}
	close(r.moved)
	r.moved = make(chan struct{})
}

// arrived counts messages that the sink acknowledged.
func (r *Runner) arrived(n int) {
	r.suspect = 0
	r.mu.Lock()
	defer r.mu.Unlock()
	r.s.sent += uint64(n)
	r.s.lastSent = r.o.Now()
}

// lost counts events that the journal no longer had: a forwarder that was out of
// the settings for a while holds nothing back.
func (r *Runner) lost(n uint64) {
	r.mu.Lock()
	r.s.missed += n
	r.mu.Unlock()
	r.o.Log.Error("events were removed from the journal before they could be forwarded", "forwarder", r.o.Name, "count", n)
}

// unread notes that the journal could not be read. That is no failure of the
// sink: the trail has its own alarms.
func (r *Runner) unread(err error) {
	now := r.o.Now()
	r.mu.Lock()
	r.s.errors++
	r.s.lastError, r.s.errorAt = "read the trail: "+err.Error(), now
	r.mu.Unlock()
	r.o.Log.Error("a forwarder cannot read the trail", "forwarder", r.o.Name, "err", err)
}

// failed notes an attempt that failed.
func (r *Runner) failed(err error) {
	now := r.o.Now()
	r.mu.Lock()
	first := r.s.failing.IsZero()
	if first {
		r.s.failing = now
	}
	r.s.errors++
	r.s.lastError, r.s.errorAt = err.Error(), now
	r.mu.Unlock()
	if first {
		r.o.Log.Error("a sink does not take events: they wait", "forwarder", r.o.Name, "err", err)
	} else {
		r.o.Log.Debug("a sink still does not take events", "forwarder", r.o.Name, "err", err)
	}
}

// untilAnnounced is the time left until a failure is announced; pending is false
// when there is nothing to announce.
func (r *Runner) untilAnnounced() (left time.Duration, pending bool) {
	now := r.o.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.s.failing.IsZero() || r.s.announced {
		return 0, false
	}
	return r.s.failing.Add(failAfter).Sub(now), true
}

// announce appends FailForwarder. While the trail cannot be appended to, the next
// failure tries again.
func (r *Runner) announce(ctx context.Context) {
	st := r.Status()
	err := r.o.Record(ctx, event.FailForwarder{
		Forwarder: st.Name, Kind: st.Kind, Since: stamp(st.Failing), Waiting: int64(st.LagEvents), Reason: st.LastError,
	})
	if err != nil {
		r.o.Log.Error("the failure of a forwarder is not recorded", "forwarder", r.o.Name, "err", err)
		return
	}
	r.setAnnounced(ctx, true)
}

// well ends a failure, and says so in the trail if its beginning is there.
func (r *Runner) well(ctx context.Context) {
	r.mu.Lock()
	since, announced := r.s.failing, r.s.announced
	r.s.failing = time.Time{}
	r.mu.Unlock()
	if since.IsZero() {
		return
	}
	took := r.o.Now().Sub(since)
	r.o.Log.Info("a sink takes events again", "forwarder", r.o.Name, "after", took)
	if !announced {
		return
	}
	st := r.Status()
	err := r.o.Record(ctx, event.ResumeForwarder{
		Forwarder: st.Name, Kind: st.Kind, Since: stamp(since), Seconds: int64(took.Seconds()), Waiting: int64(st.LagEvents),
	})
	if err != nil { // the trail is down: after the next batch
		r.o.Log.Error("the return of a forwarder is not recorded", "forwarder", r.o.Name, "err", err)
		r.mu.Lock()
		r.s.failing = since
		r.mu.Unlock()
		return
	}
	r.setAnnounced(ctx, false)
}

// setAnnounced is kept in the cursor: a restart in the middle says neither twice.
func (r *Runner) setAnnounced(ctx context.Context, on bool) {
	r.mu.Lock()
	r.s.announced = on
	r.mu.Unlock()
	if err := r.save(ctx); err != nil && ctx.Err() == nil {
		r.o.Log.Error("forwarder's cursor not saved", "forwarder", r.o.Name, "err", err)
	}
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// head is what a runner reads of a record.
type head struct {
	EventID       string     `json:"eventID"`
	EventTime     event.Time `json:"eventTime"`
	EventName     string     `json:"eventName"`
	EventCategory string     `json:"eventCategory"`
	ErrorCode     string     `json:"errorCode"`
	UserIdentity  struct {
		ARN string `json:"arn"`
	} `json:"userIdentity"`
	RequestParameters struct {
		Forwarder string `json:"forwarder"`
	} `json:"requestParameters"`
}

// headOf reads a record's head. A field that is not what it should be stays
// empty: the trail's own records are well-formed.
func headOf(record []byte) head {
	var h head
	_ = json.Unmarshal(record, &h)
	return h
}
