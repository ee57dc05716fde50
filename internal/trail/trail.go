package trail

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/event"
)

// What a caller decides on.
var (
	// ErrUnavailable means that a record is not in the trail: the act it stands
	// for must not happen.
	ErrUnavailable = errors.New("the trail cannot be appended to")
	// ErrLocked means that another process has the data directory.
	ErrLocked = errors.New("another process has the trail's directory")
	// ErrDamaged means that acknowledged events cannot be read as they were
	// written. Verify says which and where.
	ErrDamaged = errors.New("the trail is damaged")
)

// How long Append waits for a new segment after a fault.
const holdLimit = 2 * time.Second

// Options are a trail's; the zero value is right for a server's disk.
type Options struct {
	FS           FS               // nil is the operating system's
	Now          func() time.Time // nil is time.Now
	SegmentBytes int64            // a segment of this size is followed by a new one; 0 is 64 MiB
	// Origin is what the events the trail itself appends (DetectGap, StepClock)
	// say about the installation.
	Origin event.Origin
	// OnFault is told of every failed write, after the acts that depended on it
	// were refused. It runs in the committer: it must return at once and must
	// not append.
	OnFault func(error)

	anew bool // the seals are made anew: a catalogue that cannot be read counts as empty
}

// Trail is the append-only sequence of events in a data directory.
type Trail struct {
	dir     string
	fs      FS
	now     func() time.Time
	limit   int64
	anew    bool
	origin  event.Origin
	onFault func(error)
	lock    io.Closer
	opened  Opening
	wake    chan struct{} // 1: a queue that is not empty needs one wake-up
	closed  chan struct{} // closed by Close

	journal journal // owned by Run; by Open before it and Close after it
	sealed  catalogueState
	turn    atomic.Bool // the next batch begins a segment
	pruning pruning

	mu       sync.Mutex // guards below; no I/O under it
	queue    []*pending
	stopped  error         // why nothing can be appended any more
	view     view          // what is acknowledged
	advanced chan struct{} // closed when view grows
}

// Opening is what Open found.
type Opening struct {
	Time     time.Time
	FirstSeq uint64    // of the oldest event kept, 0 in an empty trail
	LastSeq  uint64    // of the newest
	Last     time.Time // its append time
	TailCut  int64     // bytes of unacknowledged frames that were cut
	Repaired string    // what was wrong with the head and has been repaired; empty if nothing was
}

// Head is the newest acknowledged event.
type Head struct {
	Seq  uint64
	Hash [32]byte
	Time time.Time // its append time; zero in an empty trail
}

// pending is a record on its way into the trail.
type pending struct {
	entry event.Entry
	err   error
	done  chan struct{} // 1: told once, whether or not anybody still waits
}

// Append adds rec to the trail and returns once it is durable. An error that
// is ErrUnavailable means that rec is not in the trail. If ctx ends first its
// error is returned and rec may still be appended. Append works while Run
// does; before that it waits.
func (t *Trail) Append(ctx context.Context, rec event.Record) (event.Entry, error) {
	p, err := newPending(rec)
	if err != nil {
		return event.Entry{}, err
	}
	if err := ctx.Err(); err != nil {
		return event.Entry{}, fmt.Errorf("append %s: %w", rec.EventName, err)
	}
	t.mu.Lock()
	if t.stopped != nil {
		err := t.stopped
		t.mu.Unlock()
		return event.Entry{}, fmt.Errorf("append %s: %w", rec.EventName, err)
	}
	t.queue = append(t.queue, p)
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		return event.Entry{}, fmt.Errorf("append %s: %w", rec.EventName, ctx.Err())
	}
	if p.err != nil {
		return event.Entry{}, fmt.Errorf("append %s: %w", rec.EventName, p.err)
	}
	return p.entry, nil
}

func newPending(rec event.Record) (*pending, error) {
	b := rec.AppendJSON(make([]byte, 0, 1536)) // most records fit
	if len(b)+payloadHead > maxPayload {
		return nil, fmt.Errorf("append %s: its %d bytes are more than an event may have: %w", rec.EventName, len(b), ErrUnavailable)
	}
	for _, raw := range []json.RawMessage{rec.RequestParameters, rec.ResponseElements, rec.AdditionalEventData, rec.ServiceEventDetails} {
		if len(raw) > 0 && !json.Valid(raw) { // the rest is JSON whatever it says
			return nil, fmt.Errorf("append %s: %.40q in its record is not JSON: %w", rec.EventName, raw, ErrUnavailable)
		}
	}
	return &pending{entry: event.Entry{JSON: b}, done: make(chan struct{}, 1)}, nil
}

// settle tells whoever waits for p what came of it.
func (p *pending) settle(err error) {
	p.err = err
	p.done <- struct{}{}
}

// Opened is what Open found.
func (t *Trail) Opened() Opening { return t.opened }

// Head is the newest acknowledged event.
func (t *Trail) Head() Head {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.view.head.head()
}

func (p position) head() Head {
	h := Head{Seq: p.seq, Hash: p.hash}
	if p.seq > 0 {
		h.Time = time.UnixMicro(p.micros).UTC()
	}
	return h
}

// Close gives the directory back, once Run has returned.
func (t *Trail) Close() error {
	t.stop(fmt.Errorf("%w: it is closed", ErrUnavailable))
	close(t.closed)
	return errors.Join(t.journal.close(), t.lock.Close())
}

// stop refuses what is queued and all that comes.
func (t *Trail) stop(err error) {
	t.mu.Lock()
	if t.stopped == nil {
		t.stopped = err
	}
	queue := t.queue
	t.queue = nil
	t.mu.Unlock()
	for _, p := range queue {
		p.settle(err)
	}
}
