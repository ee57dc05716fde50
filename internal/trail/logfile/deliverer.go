package logfile

import (
	"cmp"
	"context"
	"fmt"
	"sync"
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
	o     Options
	store store
	limit int // of a log file's text; 0 is MaxText
	asks  chan *ask

	mu     sync.Mutex // guards below
	status Status
}

// ask is somebody waiting in Flush or Digest.
type ask struct {
	upTo   uint64     // this event is to be in a log file
	digest bool       // and that in a digest
	done   chan error // 1: told once, whether or not anybody still waits
}

// NewDeliverer makes a deliverer, which starts nothing. Its status is that of
// the last run until Run has begun.
func NewDeliverer(o Options) *Deliverer {
	o.FileEvery = cmp.Or(o.FileEvery, 5*time.Minute)
	o.DigestEvery = cmp.Or(o.DigestEvery, time.Hour)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	d := &Deliverer{o: o, store: fileStore{o.Dir}, asks: make(chan *ask)}
	if st, err := readState(d.store); err == nil && st != nil {
		d.show(st)
	}
	return d
}

// Flush delivers every event that was in the trail when it was called. It
// works while Run does, and fails when delivery does; that is tried again all
// the same.
func (d *Deliverer) Flush(ctx context.Context) error {
	return d.ask(ctx, &ask{upTo: d.o.Journal.Head().Seq})
}

// Digest does what Flush does, and signs a digest that ends now: a stop that is
// signed, or proof without waiting for the hour.
func (d *Deliverer) Digest(ctx context.Context) error {
	return d.ask(ctx, &ask{upTo: d.o.Journal.Head().Seq, digest: true})
}

func (d *Deliverer) ask(ctx context.Context, a *ask) error {
	a.done = make(chan error, 1)
	select {
	case d.asks <- a:
	case <-ctx.Done():
		return fmt.Errorf("deliver log files: %w", ctx.Err())
	}
	select {
	case err := <-a.done:
		return err
	case <-ctx.Done():
		return fmt.Errorf("deliver log files: %w", ctx.Err())
	}
}

// Status is how delivery does.
func (d *Deliverer) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.status
}

// Delivered says that all events up to this one are in log files that exist.
func (d *Deliverer) Delivered() uint64 { return d.Status().Delivered }

// show makes st what Status tells, beside the attempts.
func (d *Deliverer) show(st *state) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := &d.status
	s.Started, s.Delivered = st.Started, st.Delivered
	s.LatestDelivery, s.LatestDigestDelivery = st.LatestDelivery, st.LatestDigestDelivery
	s.Digest = st.Chain
}

// note changes what Status tells of attempts.
func (d *Deliverer) note(change func(*Status)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	change(&d.status)
}

// save makes st durable, and then what everybody sees.
func (d *Deliverer) save(st *state) error {
	st.Version, st.Trail = stateVersion, d.o.ARN()
	b, err := st.encode()
	if err == nil {
		err = d.store.save(b)
	}
	if err != nil {
		return fmt.Errorf("keep the delivery's state: %w", err)
	}
	d.show(st)
	return nil
}
