package relay

import (
	"context"
	"fmt"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// ExitEnded is the exit status of what the gate itself ended or refused.
const ExitEnded = 254

// Hooks see what passes, before it passes. Each may be nil.
//
// Request is called one request at a time, Output one piece at a time for a
// stream (the two streams may overlap), Input one piece at a time. Pieces are
// only valid during the call.
type Hooks struct {
	// Request decides on a client's request. An error refuses it; a *Refusal
	// also ends the channel, with its text on stderr and exit status 254.
	Request func(ctx context.Context, m inspect.Message) error
	// Output sees what goes to the client. Its error ends the channel.
	Output func(s wire.Stream, p []byte) error
	// Input sees what goes to the target. Its error ends the channel.
	Input func(p []byte) error
	// Closing is called once, after all data and before the exit status and
	// the close pass. Its error ends the channel without the status; where the
	// channel is being ended by the gate, it ends all the same.
	Closing func(ctx context.Context, s Summary) error
	// Hold pauses data and requests while it is held.
	Hold *Hold
}

// Refusal is why the gate refuses or ends something, in words for the person.
// It is the cause to cancel a relay's context with.
type Refusal struct {
	Text string // without the "trailgate: " that is put before it
	Err  error  // for the log; may be nil
}

func (r *Refusal) Error() string {
	if r.Err != nil {
		return fmt.Sprintf("%s: %v", r.Text, r.Err)
	}
	return r.Text
}

func (r *Refusal) Unwrap() error { return r.Err }

// Summary is what a channel came to.
type Summary struct {
	Started  inspect.Message // Shell, Exec or Subsystem that the target accepted; nil before
	Terminal bool            // a pty was granted

	In     int64    // bytes from the client, passed on
	Out    int64    // bytes to the client on stdout
	Err    int64    // bytes to the client on stderr
	SHA256 [32]byte // of Out

	Status *uint32             // the target's exit status, if it sent one
	Signal *inspect.ExitSignal // or the signal that ended it

	ClientLeft bool  // the client closed before the target was done
	Cause      error // why the gate ended it; nil when it ended by itself
}
