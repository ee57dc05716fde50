package forward

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail"
)

// Journal is the trail as a runner reads it.
type Journal interface {
	// Follow calls fn with entries in order, from a sequence number on, until ctx
	// ends or fn fails.
	Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error
	Head() trail.Head
}

// Options of a runner. The fields without a word on their zero value are needed.
type Options struct {
	Name    string // the forwarder's, as in the settings
	Kind    string // the URL's scheme
	Sink    Sink   // the runner closes it
	Journal Journal
	Store   state.Store // keeps the cursor
	Dir     string      // of this forwarder: data_dir/forward/NAME
	// Record appends an event of the node itself.
	Record func(context.Context, event.Event) error

	Only    *sqlfront.Predicate               // which events to send; nil for all
	Encode  func(event.Entry) ([]byte, error) // a message's text; nil for the record as it is
	FromNow bool                              // a forwarder without a cursor starts at the head, not at the oldest event
	Now     func() time.Time                  // nil is time.Now
	Log     *slog.Logger                      // nil discards
	Pause   func(attempt int) time.Duration   // before attempt 1, 2, … of the same; nil is Backoff
}

// Bounds of the runner's own, where a sink sets none.
const (
	defaultEvents  = 500
	defaultBytes   = 1 << 20
	defaultTimeout = 30 * time.Second
	saveEvery      = time.Second     // how much progress a crash may cost: it is sent again
	failAfter      = 5 * time.Minute // a sink that fails for so long is announced
	suspectAfter   = 100             // batches of one refused in a row: the sink is wrong, not they
)

// Runner drives one sink. Run owns all but what mu guards.
type Runner struct {
	o      Options
	limits Limits
	aside  *aside
	flush  chan struct{} // capacity 1: somebody wants what there is sent at once

	saved   time.Time // when the cursor was written last
	suspect int       // batches of one refused since the sink last took anything

	mu    sync.Mutex // guards below; no I/O under it
	s     progress
	hurry uint64        // up to here no batch lingers
	moved chan struct{} // closed when done moves
}

// progress is how far a runner has come.
type progress struct {
	done      uint64    // all events up to it have arrived, were put aside, or were not wanted
	kept      uint64    // done as the store has it
	next      time.Time // when the event after done was appended; zero while unknown
	sent      uint64    // messages acknowledged since the start
	refused   uint64    // messages put aside, ever
	missed    uint64    // events that were gone from the journal before they could be sent
	errors    uint64    // attempts that failed since the start
	lastSent  time.Time
	lastError string
	errorAt   time.Time
	failing   time.Time // the first failure since the last success; zero while all is well
	announced bool      // FailForwarder was appended for it
}

// cursorName is the cursor's key in the store. A cursor's time, when set, is the
// time since when the sink has been failing, announced by FailForwarder.
func cursorName(name string) string { return "forwarder/" + name }

// New reads the cursor and counts what was put aside. Run must follow: it closes
// the sink.
func New(ctx context.Context, o Options) (*Runner, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Pause == nil {
		o.Pause = Backoff
	}
	r := &Runner{o: o, limits: o.Sink.Limits(), flush: make(chan struct{}, 1), moved: make(chan struct{})}
	r.limits.Events = cmp.Or(r.limits.Events, defaultEvents)
	r.limits.Bytes = cmp.Or(r.limits.Bytes, defaultBytes)
	r.limits.Largest = cmp.Or(r.limits.Largest, r.limits.Bytes)
	r.limits.Timeout = cmp.Or(r.limits.Timeout, defaultTimeout)
	if r.limits.Size == nil {
		r.limits.Size = func(m Message) int { return len(m.JSON) }
	}
	var row state.Cursor
	err := o.Store.View(ctx, func(tx state.Tx) (err error) {
		row, err = tx.Cursors().Get(cursorName(o.Name))
		return err
	})
	switch {
	case errors.Is(err, state.ErrNotFound):
		if o.FromNow {
			row.Seq = o.Journal.Head().Seq
		}
	case err != nil:
		return nil, fmt.Errorf("read the cursor of forwarder %s: %w", o.Name, err)
	case row.Seq > o.Journal.Head().Seq: // its events were others
		o.Log.Error("the trail is not the one that was forwarded: from its beginning", "forwarder", o.Name)
		row.Seq = 0
	}
	if r.aside, err = openAside(o.Dir); err != nil {
		return nil, fmt.Errorf("forwarder %s: %w", o.Name, err)
	}
	r.s = progress{done: row.Seq, refused: r.aside.count, failing: row.Time, announced: !row.Time.IsZero()}
	if err := r.save(ctx); err != nil { // FromNow holds from here on
		return nil, errors.Join(err, r.aside.close())
	}
	return r, nil
}

// Run forwards until ctx ends. What then waits is sent by the next Run. It
// returns nil: a sink that fails, or a journal that cannot be read, is waited
// for.
func (r *Runner) Run(ctx context.Context) error {
	defer r.close()
	in := make(chan []item, 4) // a megabyte of the journal is read while the sink works
	reading, stop := context.WithCancel(ctx)
	var reader sync.WaitGroup
	reader.Go(func() { r.read(reading, in) })
	r.deliver(ctx, in)
	stop()
	reader.Wait()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := r.save(bounded); err != nil {
		r.o.Log.Error("forwarder's cursor not saved: some events will be sent again", "forwarder", r.o.Name, "err", err)
	}
	return nil
}

func (r *Runner) close() {
	if err := errors.Join(r.o.Sink.Close(), r.aside.close()); err != nil {
		r.o.Log.Info("forwarder closed", "forwarder", r.o.Name, "err", err)
	}
}

// item is an event as the reader hands it over.
type item struct {
	Message
	skip   bool   // not wanted here
	refuse string // why it cannot be sent at all
}

// read follows the journal. One that cannot be read is tried again: Follow takes
// up where the last item was.
func (r *Runner) read(ctx context.Context, in chan<- []item) {
	from := r.Status().Cursor + 1
	for attempt := 1; ; attempt++ {
		err := r.o.Journal.Follow(ctx, from, func(entries []event.Entry) error {
			if first := entries[0].Seq; first > from && from > 1 {
				r.lost(first - from)
			}
			items := make([]item, len(entries))
			for i, e := range entries {
				items[i] = r.item(e)
			}
			select {
			case in <- items:
			case <-ctx.Done():
				return ctx.Err()
			}
			from, attempt = entries[len(entries)-1].Seq+1, 0
			return nil
		})
		if ctx.Err() != nil {
			return
		}
		r.unread(err)
		if !pause(ctx, r.o.Pause(attempt)) {
			return
		}
	}
}

// item makes an event ready to be sent.
func (r *Runner) item(e event.Entry) item {
	it := item{Message: Message{Seq: e.Seq, Appended: e.AppendTime, JSON: e.JSON}}
	h := headOf(e.JSON)
	it.EventID, it.EventName, it.ErrorCode, it.UserARN, it.Time = h.EventID, h.EventName, h.ErrorCode, h.UserIdentity.ARN, h.EventTime.Time
	if !r.wanted(e, h) {
		it.skip = true
		return it
	}
	if r.o.Encode != nil {
		text, err := r.o.Encode(e)
		if err != nil {
			it.refuse = "cannot be written in the forwarder's format: " + err.Error()
			return it
		}
		it.JSON = text
	}
	if bytes.IndexByte(it.JSON, '\n') >= 0 { // between tokens: what others put into records may be laid out
		var line bytes.Buffer
		if err := json.Compact(&line, it.JSON); err != nil {
			it.refuse = "is not JSON: " + err.Error()
			return it
		}
		it.JSON = line.Bytes()
	}
	if n := r.limits.Size(it.Message); n > r.limits.Largest {
		it.refuse = fmt.Sprintf("it counts %d bytes and the sink takes %d", n, r.limits.Largest)
	}
	return it
}

// wanted asks the filter. A test of this forwarder passes it: it is there to be
// seen on the other side.
func (r *Runner) wanted(e event.Entry, h head) bool {
	if r.o.Only == nil || h.EventName == "TestForwarder" && h.RequestParameters.Forwarder == r.o.Name && h.EventCategory != event.Audit {
		return true
	}
	row, err := sqlfront.EventRow(e.JSON, e.Seq, e.AppendTime)
	return err != nil || r.o.Only.Eval(row) == sqlfront.True // what cannot be judged is sent
}

// save writes the cursor when it has moved.
func (r *Runner) save(ctx context.Context) error {
	r.mu.Lock()
	row := state.Cursor{Name: cursorName(r.o.Name), Seq: r.s.done}
	if r.s.announced {
		row.Time = r.s.failing
	}
	r.mu.Unlock()
	err := r.o.Store.Update(ctx, func(tx state.Tx) error {
		old, err := tx.Cursors().Get(row.Name)
		if err == nil && old.Seq == row.Seq && old.Time.Equal(row.Time) {
			return nil
		}
		return tx.Cursors().Put(row)
	})
	if err != nil {
		return fmt.Errorf("save the cursor of forwarder %s: %w", r.o.Name, err)
	}
	r.saved = r.o.Now()
	r.mu.Lock()
	r.s.kept = row.Seq
	r.mu.Unlock()
	return nil
}
