package forward

import (
	"context"
	"time"
)

// Sink is somewhere outside that events go to. One goroutine sends; it needs no
// locking. It keeps nothing between calls that a restart could lose: what
// Send has not acknowledged is sent again, perhaps by another process and cut
// into other batches, so whatever the sink offers to tell a message it has had
// before (an id, a key) must come from the messages alone.
type Sink interface {
	// Limits is what one call of Send may hold. It does not change.
	Limits() Limits
	// Send hands over a batch, in order, at least one message. It returns when
	// the sink has answered or ctx ends, which it does after Limits.Timeout.
	//
	// An error says that nothing is known to have arrived: the whole batch is
	// sent again, after a pause. A *BatchError may say more: that this batch will
	// never be taken as it is, or how long the sink wants to be left alone.
	// Without an error every message arrived but those in failed; each of these is
	// sent again unless it is Final.
	Send(ctx context.Context, batch []Message) (failed []Failure, err error)
	// String names the sink without its secrets, as a person would: the URL. It is
	// called at any time.
	String() string
	// Close gives up connections and files. It is called once, after the last Send.
	Close() error
}

// Message is one event on its way to a sink.
type Message struct {
	Seq      uint64    // its place in the trail
	EventID  string    // the receiver's idempotency key
	Time     time.Time // eventTime: whole seconds, not always in order
	Appended time.Time // when it became durable: microseconds, never going back
	JSON     []byte    // the record in the forwarder's format, one object on one line; not to be changed

	EventName string // of the record, whatever the format is; so are the next two
	ErrorCode string // empty for a success
	UserARN   string // userIdentity.arn; empty for nobody known
}

// Limits bound a batch. The zero value of a field is no bound but the runner's
// own.
type Limits struct {
	Events  int               // messages
	Bytes   int               // the sum of Size
	Size    func(Message) int // what a message counts for; nil counts its JSON
	Largest int               // a message of a greater Size is refused without being sent; 0 means Bytes
	// Split says that next may not follow the batch, which is not empty: it
	// begins the next one. Nil never splits.
	Split func(batch []Message, next Message) bool
	// Linger is how long a batch may wait for more messages before it is sent,
	// where a batch is costly (a file each). 0 sends what there is.
	Linger time.Duration
	// Timeout ends a Send that takes longer; 0 means 30 s.
	Timeout time.Duration
}

// Failure is one message of a batch that did not arrive.
type Failure struct {
	Seq    uint64 // the message's
	Reason string // the sink's words, without secrets
	Final  bool   // sending it again will not help: it is put aside
}

// BatchError is a Send that failed as a whole.
type BatchError struct {
	// Final says that the sink understood the batch and will not take it as it
	// is: malformed, or too large. The runner sends its halves, so that a single
	// bad message is found and put aside, and the others arrive. What is wrong
	// with the sink or its settings (no such bucket, access denied) is never
	// Final: it is for a person to mend, and the events wait.
	Final bool
	After time.Duration // the sink asked to be left alone this long; 0 if it did not
	Cause error
}

// Error is the cause.
func (e *BatchError) Error() string { return e.Cause.Error() }

// Unwrap is the cause.
func (e *BatchError) Unwrap() error { return e.Cause }
