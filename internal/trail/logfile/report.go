package logfile

import (
	"context"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail"
)

// VerifyOptions say what Verify looks at.
type VerifyOptions struct {
	Layout
	Bucket blob.Bucket
	// Keys are the public keys trusted, best from outside: an auditor's copy of
	// what trailgate ca show digest prints. Nothing else is believed.
	Keys []PublicKey
	// From and To bound the digests by their end, as validate-logs does; zero
	// is all of them.
	From, To time.Time
	// Every is how often a digest is due; 0 asks nothing of time. Now is what
	// the newest is held against; zero is time.Now.
	Every time.Duration
	Now   time.Time
	// Journal opens the journal, which must hold the same events, byte for byte;
	// nil when only the bucket is at hand. It is called when all else was looked
	// at, so that beside a running server the journal is the newest. With From or
	// To it is left out.
	Journal func() (JournalReader, error)
	// Dir is data_dir/trail, whose delivery state says how far the log files
	// must go; "" when only the bucket is at hand.
	Dir string
	// Witnesses are what was told outside of digests: anchors.
	Witnesses []Witness
	store     store                   // in place of Dir, in tests
	Progress  func(done, total int64) // of objects; nil for none
}

// JournalReader is a journal that ends.
type JournalReader interface {
	// Follow calls fn with batches of entries in order, from sequence number
	// from to Head, and returns nil there.
	Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error
	Head() trail.Head
}

// Witness is one anchor: what somebody outside was told, and who.
type Witness struct {
	Source string // as findings name it
	Witnessed
}

// Finding is one thing that is not as it was written.
type Finding struct {
	Object  string // key of the object, name of the state's file, or journal
	Seq     uint64 // of the event, where there is one and the journal says
	EventID string // of the event, where there is one
	Problem string
	Lost    bool // the object is gone, and only a witness knows that it was there
}

func (f Finding) String() string {
	switch {
	case f.Seq != 0:
		return fmt.Sprintf("%s, event %d (%s): %s", f.Object, f.Seq, f.EventID, f.Problem)
	case f.EventID != "":
		return fmt.Sprintf("%s, event %s: %s", f.Object, f.EventID, f.Problem)
	default:
		return f.Object + ": " + f.Problem
	}
}

// Report is what Verify found.
type Report struct {
	Intact    bool // no findings
	Findings  []Finding
	Notes     []string // what is not wrong, and worth knowing
	Digests   int      // valid ones
	Backfills int      // valid digests of the backfill chain
	LogFiles  int      // valid ones
	Events    uint64   // in valid log files
	Newest    *Reference
}
