package trail

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
)

// Retention removes events from the front of the trail only, in whole
// segments, so that what is left is one chain. It goes in three steps:
//
//	PlanPrune      finds what may go: sealed, delivered, old enough, not held
//	AnnouncePrune  makes the tombstone durable: from here on the events are gone
//	FinishPrune    removes the files, as often as it takes
//
// A process that ends before the tombstone is durable has removed nothing; one
// that ends after it leaves files that nothing needs, which the next FinishPrune
// removes.

// PruneOptions say what may go.
type PruneOptions struct {
	Before time.Time // only events appended before it
	UpTo   uint64    // and none after this one: delivered, and read by all who must
	Holds  []Span    // and none that happened or was appended in one of these, or later
	// Turn has the segment in use ended when it holds an event appended before
	// it, so that it can go as a whole one day.
	Turn     time.Time
	LogFiles LogFiles // nil when events have none
}

// Span is a stretch of time, its ends included; a zero end is open.
type Span struct{ From, To time.Time }

// meets reports whether s and the time from one instant to another overlap.
func (s Span) meets(from, to time.Time) bool {
	return (s.From.IsZero() || !to.Before(s.From)) && (s.To.IsZero() || !from.After(s.To))
}

// LogFiles are the log files and digests that go with the events in them.
type LogFiles interface {
	// Expired finds the digests, and with them the log files they name, that
	// hold nothing but events appended before a time.
	Expired(ctx context.Context, before time.Time) (Expired, error)
	// Remove removes them, the oldest first. What is gone already is no error.
	Remove(ctx context.Context, e Expired) error
}

// Expired are log files and digests that go: all up to LastDigest. Its zero
// value is none.
type Expired struct {
	FirstDigest, LastDigest string // keys
	DigestHash              string // SHA-256 of the last one, hex, as the next digest has it
	Digests, LogFiles       int
}

// maxPruneSegments bounds a tombstone.
const maxPruneSegments = 256

// PrunePlan is what PlanPrune found.
type PrunePlan struct {
	Event event.DeleteEvents
}

// pruning is how far the trail's pruning is.
type pruning struct {
	mu    sync.Mutex // guards below
	state pruned
	seals []string // files that have left the catalogue and are to be removed
}

func (p *pruning) get() pruned {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state
}

func (p *pruning) set(s pruned) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
}

// First is the oldest event kept, 0 in an empty trail.
func (t *Trail) First() uint64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.view.spans) == 0 {
		return 0
	}
	return t.view.spans[0].first
}

// Pruned is the newest tombstone, and whether all it names is removed; ok is
// false when nothing was ever pruned.
func (t *Trail) Pruned() (e event.DeleteEvents, done, ok bool) {
	s := t.pruning.get().Start
	if s == nil {
		return e, false, false
	}
	return s.Event, s.Done, true
}

// PlanPrune finds what may go now; nil when nothing may.
func (t *Trail) PlanPrune(ctx context.Context, o PruneOptions) (*PrunePlan, error) {
	t.mu.Lock()
	v := t.view
	t.mu.Unlock()
	if err := t.turnOver(v, o.Turn); err != nil {
		return nil, fmt.Errorf("plan pruning: %w", err)
	}
	c, _ := t.sealed.get()
	o.UpTo = min(o.UpTo, c.Seq)
	var all extent
	for i := range min(len(v.spans)-1, maxPruneSegments) {
		last := v.spans[i+1].first - 1
		if last > o.UpTo {
			break
		}
		e, err := v.extentOf(ctx, t.fs, t.dir, v.spans[i].first, last, o.Before)
		if err != nil {
			return nil, fmt.Errorf("plan pruning: %w", err)
		}
		if !e.appended[1].Before(o.Before) || slices.ContainsFunc(o.Holds, e.heldBy) {
			break
		}
		all.join(e)
		all.segments = append(all.segments, segmentName(v.spans[i].ordinal))
	}
	if len(all.segments) == 0 {
		return nil, nil
	}
	next, _, err := readSegmentHeader(t.fs, t.dir, v.spans[len(all.segments)].ordinal)
	if err != nil {
		return nil, fmt.Errorf("plan pruning: %w", err)
	}
	plan := &PrunePlan{event.DeleteEvents{
		Reason: "retention", Before: stamp(o.Before),
		First: int64(v.spans[0].first), Last: int64(next.first - 1), Count: int64(next.first - v.spans[0].first),
		Oldest: seconds(all.happened[0]), Newest: seconds(all.happened[1]),
		Hash: hex.EncodeToString(next.hash[:]), Segments: all.segments,
	}}
	if o.LogFiles != nil {
		x, err := o.LogFiles.Expired(ctx, all.appended[1])
		if err != nil {
			return nil, fmt.Errorf("plan pruning: %w", err)
		}
		plan.Event.FirstDigest, plan.Event.LastDigest, plan.Event.DigestHash = x.FirstDigest, x.LastDigest, x.DigestHash
		plan.Event.Digests, plan.Event.LogFiles = int64(x.Digests), int64(x.LogFiles)
	}
	return plan, nil
}

// seconds is a time as records have it.
func seconds(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// turnOver has the segment in use ended if its first event was appended before
// a time.
func (t *Trail) turnOver(v view, before time.Time) error {
	if len(v.spans) == 0 || before.IsZero() {
		return nil
	}
	c := cursor{fs: t.fs, dir: t.dir, next: v.spans[len(v.spans)-1].first}
	defer c.close()
	entries, err := c.read(v)
	if err == nil && len(entries) > 0 && entries[0].AppendTime.Before(before) {
		t.turn.Store(true)
	}
	return err
}

// extent is the time that some events take up.
type extent struct {
	appended, happened [2]time.Time // first and last
	segments           []string
}

func (e extent) heldBy(s Span) bool {
	return s.meets(e.appended[0], e.appended[1]) || s.meets(e.happened[0], e.happened[1])
}

func (e *extent) join(o extent) {
	if e.appended[1].IsZero() {
		*e = o
		return
	}
	e.appended[1] = o.appended[1]
	if o.happened[0].Before(e.happened[0]) {
		e.happened[0] = o.happened[0]
	}
	if o.happened[1].After(e.happened[1]) {
		e.happened[1] = o.happened[1]
	}
}

// extentOf reads the events first to last. It stops at one that was appended
// too late.
func (v view) extentOf(ctx context.Context, fsys FS, dir string, first, last uint64, before time.Time) (e extent, err error) {
	c := cursor{fs: fsys, dir: dir, next: first}
	defer c.close()
	err = c.replay(ctx, v, func(entries []event.Entry) error {
		for _, entry := range entries {
			var r struct {
				EventTime event.Time `json:"eventTime"`
			}
			if err := json.Unmarshal(entry.JSON, &r); err != nil {
				return fmt.Errorf("read event %d: %w", entry.Seq, err)
			}
			at := r.EventTime.UTC()
			e.join(extent{appended: [2]time.Time{entry.AppendTime, entry.AppendTime}, happened: [2]time.Time{at, at}})
			if entry.Seq >= last || !entry.AppendTime.Before(before) {
				return errFar
			}
		}
		return nil
	})
	if errors.Is(err, errFar) {
		err = nil
	}
	return e, err
}

// AnnouncePrune makes the plan's tombstone durable. The caller sees to it that
// no hold has come since the plan was made. Only one may run at once, and none
// beside FinishPrune.
func (t *Trail) AnnouncePrune(ctx context.Context, p *PrunePlan) error {
	fail := func(err error) error { return fmt.Errorf("announce pruning: %w", err) }
	s := t.pruning.get()
	if err := t.resolve(ctx, &s); err != nil {
		return fail(err)
	}
	if s.Start != nil && !s.Start.Done {
		return fail(errors.New("the last one is not finished"))
	}
	src := t.origin.EventSource
	rec := t.origin.Record(event.Meta{Time: t.now(), Identity: event.UserIdentity{Type: serviceType, AccountID: t.origin.AccountID, InvokedBy: src}, SourceIP: src, UserAgent: src}, p.Event)
	s.Next = &tombstone{EventID: rec.EventID, After: t.Head().Seq, Event: p.Event}
	if err := writePruned(t.fs, t.dir, s); err != nil {
		return fail(err)
	}
	t.pruning.set(s)
	// Whether it is in the trail must be known: no waiting only for a while.
	e, err := t.Append(context.WithoutCancel(ctx), rec)
	if err != nil {
		return fail(err)
	}
	return t.begin(&s, e.Seq)
}

// begin makes the tombstone that is in the trail at seq the one that counts.
func (t *Trail) begin(s *pruned, seq uint64) error {
	s.Next.Seq = seq
	s.Start, s.Next = s.Next, nil
	if err := writePruned(t.fs, t.dir, *s); err != nil {
		return err
	}
	t.pruning.set(*s)
	return nil
}

// resolve finds out what became of a tombstone whose appending was cut short.
func (t *Trail) resolve(ctx context.Context, s *pruned) error {
	if s.Next == nil {
		return nil
	}
	t.mu.Lock()
	v := t.view
	t.mu.Unlock()
	all, err := v.tombstones(t.fs, t.dir, s.Next.After+1, v.head.seq)
	if err != nil {
		return err
	}
	for _, found := range all {
		if found.EventID == s.Next.EventID {
			s.Next.Event = found.Event
			return t.begin(s, found.Seq)
		}
	}
	s.Next = nil // it was refused
	return nil
}

// FinishPrune removes what the last tombstone names and is still there. Seals
// go last, after a grace: queries that began before may still read them. It
// returns the tombstone if there was anything to do.
func (t *Trail) FinishPrune(ctx context.Context, files LogFiles, grace time.Duration) (*event.DeleteEvents, error) {
	s := t.pruning.get()
	fail := func(err error) (*event.DeleteEvents, error) { return nil, fmt.Errorf("finish pruning: %w", err) }
	if err := t.resolve(ctx, &s); err != nil {
		return fail(err)
	}
	if s.Start == nil || s.Start.Done {
		return nil, nil
	}
	stone := *s.Start
	t.mu.Lock()
	v := t.view
	t.mu.Unlock()
	found, err := v.tombstones(t.fs, t.dir, stone.Seq, stone.Seq)
	if err != nil {
		return fail(err)
	}
	if len(found) != 1 || found[0].last() != stone.last() || found[0].EventID != stone.EventID {
		return fail(fmt.Errorf("%w: event %d is not the tombstone that %s names", ErrDamaged, stone.Seq, prunedName))
	}
	stone.Event = found[0].Event
	if err := t.dropSeals(stone.last()); err != nil {
		return fail(err)
	}
	t.mu.Lock()
	t.view = t.view.drop(stone.last() + 1)
	first := t.view.spans[0].ordinal
	t.mu.Unlock()
	if x := stone.expired(); x.Digests > 0 {
		if files == nil {
			return fail(errors.New("its log files are out of reach"))
		}
		if err := files.Remove(ctx, x); err != nil {
			return fail(err)
		}
	}
	if err := t.removeSegments(first); err != nil {
		return fail(err)
	}
	if err := t.removeSeals(ctx, grace); err != nil {
		return fail(err)
	}
	stone.Done = true
	s.Start = &stone
	if err := writePruned(t.fs, t.dir, s); err != nil {
		return fail(err)
	}
	t.pruning.set(s)
	return &stone.Event, nil
}

func (t *tombstone) expired() Expired {
	return Expired{t.Event.FirstDigest, t.Event.LastDigest, t.Event.DigestHash, int(t.Event.Digests), int(t.Event.LogFiles)}
}

// dropSeals takes the seals of nothing but events up to last out of the
// catalogue.
func (t *Trail) dropSeals(last uint64) error {
	goes := func(s seal) bool { return s.FirstSeq > 0 && s.LastSeq <= last }
	if c, _ := t.sealed.get(); !slices.ContainsFunc(c.Files, goes) {
		return nil
	}
	return t.sealed.swap(t.fs, t.dir, func(c catalogue) catalogue {
		t.pruning.mu.Lock()
		defer t.pruning.mu.Unlock()
		next := catalogue{Version: c.Version, Seq: c.Seq}
		for _, s := range c.Files {
			if goes(s) {
				t.pruning.seals = append(t.pruning.seals, s.Path)
			} else {
				next.Files = append(next.Files, s)
			}
		}
		return next
	})
}

// removeSegments removes the segments before first, the oldest first.
func (t *Trail) removeSegments(first uint64) error {
	ordinals, err := listSegments(t.fs, t.dir)
	if err != nil {
		return err
	}
	for _, n := range ordinals {
		if n >= first {
			break
		}
		if err := t.fs.Remove(segmentPath(t.dir, n)); err != nil {
			return fmt.Errorf("remove segment %d: %w", n, err)
		}
	}
	return t.fs.SyncDir(journalDir(t.dir))
}

// removeSeals removes the files that have left the catalogue. Those of an
// earlier process the sealer removes when it starts.
func (t *Trail) removeSeals(ctx context.Context, grace time.Duration) error {
	t.pruning.mu.Lock()
	seals := t.pruning.seals
	t.pruning.mu.Unlock()
	if len(seals) == 0 {
		return nil
	}
	select {
	case <-time.After(grace):
	case <-ctx.Done():
		return ctx.Err()
	}
	for _, path := range seals {
		name := filepath.Join(eventsDir(t.dir), path)
		if err := t.fs.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove seal: %w", err)
		}
		if strings.HasPrefix(path, partitionPrefix) {
			_ = t.fs.Remove(filepath.Dir(name)) // goes only if it is empty
		}
	}
	t.pruning.mu.Lock()
	t.pruning.seals = nil
	t.pruning.mu.Unlock()
	return t.fs.SyncDir(eventsDir(t.dir))
}
