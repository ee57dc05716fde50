package app

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
	"github.com/trailgate/trailgate/internal/trail"
)

// keeping is retention at work on a trail whose events are an hour apart.
type keeping struct {
	*retention
	t     *testing.T
	dir   string
	clock time.Time
}

func newKeeping(t *testing.T, events int) *keeping {
	t.Helper()
	k := &keeping{t: t, dir: t.TempDir(), clock: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	origin := event.Origin{EventSource: "gate.example.com", Region: "us-east-1", AccountID: "111122223333"}
	tr, err := trail.Open(k.dir, trail.Options{Origin: origin, SegmentBytes: 2 << 10, Now: func() time.Time { return k.clock }})
	if err != nil {
		t.Fatal(err)
	}
	store, err := sqlite.Open(t.Context(), filepath.Join(k.dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(context.Background())
	g.run("trail", tr.Run)
	t.Cleanup(func() { g.stop(); tr.Close(); store.Close() })
	k.retention = &retention{trail: tr, store: store, keep: 100 * time.Hour, now: func() time.Time { return k.clock }, log: slog.New(slog.DiscardHandler),
		origin: origin, clockFile: filepath.Join(k.dir, "retention-clock.json")}
	for range events {
		k.clock = k.clock.Add(time.Hour)
		rec := origin.Record(event.Meta{Time: k.clock, SourceIP: "203.0.113.7"}, event.StopNode{Cause: "a test that takes up some room in its segment"})
		if _, err := tr.Append(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	if err := trail.NewSealer(tr, trail.SealOptions{}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return k
}

// mustRound does a round and returns the oldest event kept.
func (k *keeping) mustRound() uint64 {
	k.t.Helper()
	if err := k.round(k.t.Context()); err != nil {
		k.t.Fatal(err)
	}
	report, err := trail.Verify(k.t.Context(), k.dir, nil)
	if err != nil || !report.Intact {
		k.t.Fatalf("after a round Verify says %+v, %v", report.Findings, err)
	}
	return k.trail.First()
}

func (k *keeping) hold(h state.Hold) {
	k.t.Helper()
	if err := k.store.Update(k.t.Context(), func(tx state.Tx) error { return tx.Holds().Create(h) }); err != nil {
		k.t.Fatal(err)
	}
}

// TestRetentionKeepsWhatItMust: of 150 hours 100 are kept, and whatever is held
// or still needed.
func TestRetentionKeepsWhatItMust(t *testing.T) {
	k := newKeeping(t, 150)
	k.keep = 0
	if got := k.mustRound(); got != 1 {
		t.Errorf("without retention the oldest event is %d", got)
	}
	k.keep = 100 * time.Hour
	k.hold(state.Hold{ID: "a", From: k.clock.Add(-500 * time.Hour), To: k.clock.Add(-145 * time.Hour)})
	if got := k.mustRound(); got > 5 {
		t.Errorf("with a hold on the first hours the oldest event is %d", got)
	}
	if err := k.store.Update(t.Context(), func(tx state.Tx) error { return tx.Holds().Delete("a") }); err != nil {
		t.Fatal(err)
	}
	need := uint64(20)
	k.needed = []func() uint64{func() uint64 { return 0 }, func() uint64 { return need }}
	if got := k.mustRound(); got > 20 || got < 15 {
		t.Errorf("with event 20 still needed the oldest is %d", got)
	}
	need = 1000
	if got := k.mustRound(); got > 50 || got < 45 {
		t.Errorf("of 150 hours with 100 to keep the oldest event is %d", got)
	}
	s := k.status()
	if s.First != k.trail.First() || s.PrunedSeq != s.First-1 || s.PruneUnfinished || s.Retention != "100h0m0s" || s.Error != "" {
		t.Errorf("status is %+v", s)
	}
}

// lateHold is a store in which a hold is made just before a tombstone is
// appended.
type lateHold struct {
	state.Store
	make func()
}

func (s *lateHold) Update(ctx context.Context, fn func(state.Tx) error) error {
	if f := s.make; f != nil {
		s.make = nil
		f()
	}
	return s.Store.Update(ctx, fn)
}

// TestHoldMadeBeforeTheTombstoneCounts: also when what may go was found before.
func TestHoldMadeBeforeTheTombstoneCounts(t *testing.T) {
	k := newKeeping(t, 150)
	late := &lateHold{Store: k.store}
	late.make = func() { k.hold(state.Hold{ID: "a", From: k.clock.Add(-130 * time.Hour)}) }
	k.store = late
	if got := k.mustRound(); got > 21 || got < 15 {
		t.Errorf("with a hold on event 20 the oldest is %d", got)
	}
}

// steps are the StepClock events of the trail.
func (k *keeping) steps() (n int) {
	k.t.Helper()
	r, err := trail.OpenReader(k.dir)
	if err != nil {
		k.t.Fatal(err)
	}
	err = r.Follow(k.t.Context(), k.trail.First(), func(entries []event.Entry) error {
		for _, e := range entries {
			if strings.Contains(string(e.JSON), `"eventName":"StepClock"`) {
				n++
			}
		}
		return nil
	})
	if err != nil {
		k.t.Fatal(err)
	}
	return n
}

// TestNothingIsRemovedByAClockThatJumped: for a day after the clock was found more
// than a day ahead, also across a restart, and at once when it is set right.
func TestNothingIsRemovedByAClockThatJumped(t *testing.T) {
	k := newKeeping(t, 150)
	first := k.mustRound()
	right := k.clock
	refused := func(want int) {
		t.Helper()
		if err := k.round(t.Context()); err == nil || !strings.Contains(err.Error(), "nothing is removed before") {
			t.Errorf("at %s the round ends with %v, want that nothing is removed", k.clock, err)
		}
		if got := k.trail.First(); got != first {
			t.Errorf("at %s the oldest event is %d, want %d", k.clock, got, first)
		}
		if got := k.steps(); got != want {
			t.Errorf("at %s the trail has %d StepClock events, want %d", k.clock, got, want)
		}
	}
	k.clock = right.AddDate(2, 0, 0)
	refused(1)
	k.clock = k.clock.Add(23 * time.Hour)
	refused(1)
	k.retention = &retention{trail: k.trail, store: k.store, keep: k.keep, now: k.now, log: k.log, origin: k.origin, clockFile: k.clockFile} // as after a restart
	refused(1)
	k.clock = k.clock.AddDate(0, 0, 2)
	refused(2)
	k.clock = right.Add(time.Hour) // set right
	if got := k.mustRound(); got < first || got > first+12 {
		t.Errorf("with the right clock the oldest event is %d, was %d", got, first)
	}
	first = k.trail.First()
	k.clock = k.clock.AddDate(3, 0, 0)
	steps := k.steps() + 1
	refused(steps)
	k.clock = k.clock.Add(24 * time.Hour) // nobody objected for a day
	if err := trail.NewSealer(k.trail, trail.SealOptions{}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := k.mustRound(); got <= first {
		t.Errorf("a day later the oldest event is still %d", got)
	}
}

// TestAServerThatWasOffWaitsADay: without a note the newest event says when the
// clock was last right.
func TestAServerThatWasOffWaitsADay(t *testing.T) {
	k := newKeeping(t, 150)
	k.clock = k.clock.Add(200 * time.Hour)
	if err := k.round(t.Context()); err == nil || k.trail.First() != 1 {
		t.Errorf("after 200 hours off the round ends with %v and the oldest event is %d", err, k.trail.First())
	}
	if err := os.WriteFile(k.clockFile, []byte("{half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := k.mustRound(); got == 1 { // its own event is the newest now
		t.Error("a note that is damaged keeps everything")
	}
}

// TestRetentionEndsQuietSegments: a day's events do not wait for the segment to
// be full.
func TestRetentionEndsQuietSegments(t *testing.T) {
	k := newKeeping(t, 1)
	for range 4 {
		k.clock = k.clock.Add(150 * time.Hour)
		if err := writeClock(k.clockFile, seenClock{Seen: k.clock}); err != nil { // rounds have come and gone
			t.Fatal(err)
		}
		before := k.trail.Head().Seq
		k.mustRound()
		rec := event.Origin{EventSource: "gate.example.com"}.Record(event.Meta{Time: k.clock}, event.StopNode{})
		if _, err := k.trail.Append(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
		if err := trail.NewSealer(k.trail, trail.SealOptions{}).Seal(t.Context()); err != nil {
			t.Fatal(err)
		}
		if first := k.mustRound(); first <= before {
			t.Errorf("after 150 hours the oldest event is %d, want none up to %d", first, before)
		}
	}
}
