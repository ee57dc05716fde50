package trail

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

var pruneBase = time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)

// aged is a trail with an event a minute, some of them sealed.
type aged struct {
	*running
	m     *memFS
	clock *time.Time
}

// newAged makes a trail of n events, the first of them at pruneBase.
func newAged(t testing.TB, m *memFS, n int) *aged {
	t.Helper()
	a := &aged{m: m, clock: new(time.Time)}
	*a.clock = pruneBase
	a.open(t)
	for range n {
		a.add(t)
	}
	return a
}

func (a *aged) open(t testing.TB) {
	t.Helper()
	// Appends happen one at a time, and the clock moves between them.
	a.running = start(t, a.m, dataDir, Options{SegmentBytes: 3 << 10, Now: func() time.Time { return *a.clock }})
}

// add appends the event of the next minute.
func (a *aged) add(t testing.TB) {
	t.Helper()
	*a.clock = a.clock.Add(time.Minute)
	rec := testRecord(700)
	rec.EventTime = event.Time{Time: *a.clock}
	if _, err := a.Append(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
}

func (a *aged) seal(t testing.TB, rows int) {
	t.Helper()
	if err := NewSealer(a.Trail, SealOptions{Rows: rows}).Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// prune does all three steps.
func (a *aged) prune(ctx context.Context, o PruneOptions) (*event.DeleteEvents, error) {
	plan, err := a.PlanPrune(ctx, o)
	if err != nil || plan == nil {
		return nil, err
	}
	if err := a.AnnouncePrune(ctx, plan); err != nil {
		return nil, err
	}
	return a.FinishPrune(ctx, o.LogFiles, 0)
}

func (a *aged) mustPrune(t testing.TB, o PruneOptions) event.DeleteEvents {
	t.Helper()
	e, err := a.prune(t.Context(), o)
	if err != nil || e == nil {
		t.Fatalf("prune: %+v, %v", e, err)
	}
	return *e
}

// kept are the entries of a trail nobody has open, which must be one after the
// other.
func kept(m *memFS) ([]event.Entry, error) {
	r, err := openReader(m, dataDir)
	if err != nil {
		return nil, err
	}
	var all []event.Entry
	err = r.Follow(context.Background(), 1, func(es []event.Entry) error {
		all = append(all, es...)
		return nil
	})
	for i, e := range all {
		if e.Seq != all[0].Seq+uint64(i) {
			return all, fmt.Errorf("event %d follows %d", e.Seq, all[i-1].Seq)
		}
	}
	if err == nil && len(all) > 0 && all[len(all)-1].Seq != r.Head().Seq {
		err = fmt.Errorf("it ends with event %d, the head is at %d", all[len(all)-1].Seq, r.Head().Seq)
	}
	return all, err
}

// TestPruneLeavesAVerifiableTrail: what the tombstone names is gone, all else
// is there, and the trail verifies, goes on and is pruned again.
func TestPruneLeavesAVerifiableTrail(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 7)
	var before uint64
	for round := range 3 {
		old := a.clock.Add(-20 * time.Minute)
		e := a.mustPrune(t, PruneOptions{Before: old, UpTo: a.Head().Seq})
		if uint64(e.First) != before+1 || e.Count != e.Last-e.First+1 || e.Count < 5 {
			t.Fatalf("round %d removed %+v after event %d", round, e, before)
		}
		before = uint64(e.Last)
		if a.First() != before+1 {
			t.Errorf("First is %d, want %d", a.First(), before+1)
		}
		c, _ := a.sealed.get()
		for _, s := range c.Files {
			if s.LastSeq <= before || a.m.names[filepath.Join(eventsDir(dataDir), s.Path)] == nil {
				t.Errorf("after events up to %d went the catalogue has %+v", before, s)
			}
		}
		a.mustEnd(t)
		mustVerify(t, a.m, dataDir)
		all, err := kept(a.m)
		if err != nil || all[0].Seq != before+1 || all[0].AppendTime.After(old.Add(5*time.Minute)) {
			t.Fatalf("round %d keeps %d events from %d at %v on: %v", round, len(all), all[0].Seq, all[0].AppendTime, err)
		}
		if got := eventName(all[len(all)-1]); got != "DeleteEvents" {
			t.Errorf("the last event is %s, want the tombstone", got)
		}
		a.open(t)
		if stone, done, ok := a.Pruned(); !ok || !done || stone.Last != e.Last {
			t.Errorf("after a start Pruned is %+v, %v, %v", stone, done, ok)
		}
		for range 20 {
			a.add(t)
		}
		a.seal(t, 7)
	}
	a.mustEnd(t)
	mustVerify(t, a.m, dataDir)
	for name := range a.m.names {
		if n, ok := segmentOrdinal(base(name)); ok && n < 3 {
			t.Errorf("segment %d is still there", n)
		}
	}
}

// TestPruneKeepsWhatItMust: nothing goes that is young, held, not sealed or
// still needed, and never the segment in use.
func TestPruneKeepsWhatItMust(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 100)
	late := pruneBase.Add(1000 * time.Hour)
	at := func(minute int) time.Time { return pruneBase.Add(time.Duration(minute) * time.Minute) }
	last := func(o PruneOptions) uint64 {
		plan, err := a.PlanPrune(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if plan == nil {
			return 0
		}
		return uint64(plan.Event.Last)
	}
	most := last(PruneOptions{Before: late, UpTo: 40})
	if spans := a.view.spans; most != spans[len(spans)-1].first-1 {
		t.Errorf("with nothing to keep all but the segment in use goes: up to %d, want %d", most, spans[len(spans)-1].first-1)
	}
	for _, c := range []struct {
		name string
		o    PruneOptions
		max  uint64
	}{
		{"young", PruneOptions{Before: at(10), UpTo: 40}, 9},
		{"younger than all", PruneOptions{Before: at(0), UpTo: 40}, 0},
		{"not delivered", PruneOptions{Before: late, UpTo: 17}, 17},
		{"held for ever", PruneOptions{Before: late, UpTo: 40, Holds: []Span{{}}}, 0},
		{"held from", PruneOptions{Before: late, UpTo: 40, Holds: []Span{{From: at(20)}}}, 19},
		{"held to", PruneOptions{Before: late, UpTo: 40, Holds: []Span{{To: at(3)}}}, 0},
		{"held between", PruneOptions{Before: late, UpTo: 40, Holds: []Span{{From: at(900)}, {From: at(12), To: at(12)}}}, 11},
	} {
		got := last(c.o)
		if got > c.max || c.max > 5 && got+5 < c.max { // a segment has up to five events
			t.Errorf("%s: goes up to %d, want just below %d", c.name, got, c.max+1)
		}
	}
	if got := last(PruneOptions{Before: late, UpTo: 40, Holds: []Span{{To: at(-1)}}}); got != most {
		t.Errorf("a hold on what was before the trail: goes up to %d, want %d", got, most)
	}
	a.add(t) // an old event that came late is held by when it happened
	a.mustEnd(t)

	b := newAged(t, newMemFS(), 40)
	defer b.mustEnd(t)
	if plan, err := b.PlanPrune(t.Context(), PruneOptions{Before: late, UpTo: 40}); err != nil || plan != nil {
		t.Errorf("of a trail that is not sealed goes %+v, %v", plan, err)
	}
}

// TestHoldCoversLateEvents: an event that came long after it happened is held
// by either time.
func TestHoldCoversLateEvents(t *testing.T) {
	a := newAged(t, newMemFS(), 12)
	rec := testRecord(700)
	rec.EventTime = event.Time{Time: pruneBase.Add(-72 * time.Hour)}
	if _, err := a.Append(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	for range 12 {
		a.add(t)
	}
	a.seal(t, 100)
	hold := []Span{{From: pruneBase.Add(-73 * time.Hour), To: pruneBase.Add(-71 * time.Hour)}}
	plan, err := a.PlanPrune(t.Context(), PruneOptions{Before: a.clock.Add(time.Hour), UpTo: 30, Holds: hold})
	if err != nil || plan == nil || plan.Event.Last >= 13 {
		t.Errorf("a hold on when it happened lets go %+v, %v; event 13 must stay", plan, err)
	}
	a.mustEnd(t)
}

// TestPruneEndsTheSegmentInUse: a quiet trail's only segment can go one day.
func TestPruneEndsTheSegmentInUse(t *testing.T) {
	a := newAged(t, newMemFS(), 2)
	a.seal(t, 100)
	o := PruneOptions{Before: a.clock.Add(time.Hour), UpTo: 2, Turn: a.clock.Add(-time.Hour)}
	for _, turn := range []bool{false, true} {
		if turn {
			o.Turn = a.clock.Add(time.Hour)
		}
		if plan, err := a.PlanPrune(t.Context(), o); err != nil || plan != nil {
			t.Fatalf("of one segment goes %+v, %v", plan, err)
		}
		a.add(t)
		if spans, want := len(a.view.spans), map[bool]int{false: 1, true: 2}[turn]; spans != want {
			t.Errorf("after turn %v there are %d segments, want %d", turn, spans, want)
		}
	}
	a.seal(t, 100)
	o.UpTo = 4
	if e := a.mustPrune(t, o); e.Last != 3 {
		t.Errorf("removed up to %d, want 3", e.Last)
	}
	a.mustEnd(t)
	mustVerify(t, a.m, dataDir)
}

// TestPruneSurvivesEveryCrash cuts the disk after every change of a pruning:
// the trail verifies as it was left, opens, and what the tombstone names goes,
// or nothing does. TRAILGATE_PRUNE_CUTS=1 tries every way each time and not
// every third.
func TestPruneSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	a := newAged(t, newMemFS(), 12)
	a.seal(t, 8)
	a.mustPrune(t, PruneOptions{Before: pruneBase.Add(6 * time.Minute), UpTo: 30})
	for range 6 {
		a.add(t)
	}
	a.seal(t, 8)
	head := a.Head().Seq
	whole := a.First()
	before := len(a.m.log)
	stone := a.mustPrune(t, PruneOptions{Before: pruneBase.Add(15 * time.Minute), UpTo: head})
	a.mustEnd(t)
	log := a.m.log

	every := scale(t, "TRAILGATE_PRUNE_CUTS", 3)
	d, r := newDisk(nil, testRand(5)), testRand(6)
	states := map[string]int{}
	for i, o := range log {
		d.apply(o)
		if i < before {
			continue
		}
		for n, c := range crashes {
			if (i+n)%every != 0 {
				continue
			}
			found := d.after(c, r)
			where := fmt.Sprintf("cut after change %d (%s %s), keeping %s", i-before, o.kind, base(o.name), c)
			state, err := checkPruneCrash(found, a.clock.Add(time.Minute), whole, head, stone)
			if err != nil {
				t.Fatalf("%s: %v", where, err)
			}
			states[state]++
		}
	}
	if states["pruned"] == 0 || states["whole"] == 0 {
		t.Errorf("the cuts left %v: want both", states)
	}
	t.Logf("cut at each of %d changes: %v", len(log)-before, states)
}

// checkPruneCrash opens what a crash left, and says whether it is pruned.
func checkPruneCrash(m *memFS, now time.Time, first, head uint64, stone event.DeleteEvents) (string, error) {
	left, err := verify(context.Background(), m.clone(), dataDir, nil)
	if err != nil {
		return "", fmt.Errorf("verify what was left: %w", err)
	}
	for _, f := range left.Findings {
		if f.Segment != "head" { // a slot may be torn: Open repairs it
			return "", fmt.Errorf("verify what was left: %s", f)
		}
	}
	a := &aged{m: m, clock: &now}
	run, err := tryStart(m, dataDir, Options{SegmentBytes: 3 << 10, Now: func() time.Time { return now }})
	if err != nil {
		return "", err
	}
	a.running = run
	finished, err := a.FinishPrune(context.Background(), nil, 0)
	if err == nil {
		err = NewSealer(a.Trail, SealOptions{}).sweep()
	}
	if err != nil {
		return "", errors.Join(err, a.end())
	}
	if err := a.end(); err != nil {
		return "", err
	}
	all, err := kept(m)
	if err != nil {
		return "", err
	}
	announced := slices.ContainsFunc(all, func(e event.Entry) bool { return eventName(e) == "DeleteEvents" && e.Seq > head })
	want, state := first, "whole"
	if announced {
		want, state = uint64(stone.Last)+1, "pruned"
	}
	if all[0].Seq != want || all[len(all)-1].Seq < head {
		return "", fmt.Errorf("a %s trail has events %d to %d, want %d to at least %d (finished %+v)", state, all[0].Seq, all[len(all)-1].Seq, want, head, finished)
	}
	if r, err := verify(context.Background(), m, dataDir, nil); err != nil || !r.Intact {
		return "", fmt.Errorf("verify after the start: %v, %w", r.Findings, err)
	}
	c, err := readCatalogue(m, dataDir)
	if err != nil {
		return "", err
	}
	for name := range m.names {
		rest, ok := strings.CutPrefix(name, eventsDir(dataDir)+"/day=")
		if ok && !slices.ContainsFunc(c.Files, func(s seal) bool { return s.Path == "day="+rest }) {
			return "", fmt.Errorf("%s is left", name)
		}
		if n, ok := segmentOrdinal(base(name)); ok && announced && slices.Contains(stone.Segments, segmentName(n)) {
			return "", fmt.Errorf("segment %d is left", n)
		}
	}
	return state, nil
}

// TestWhatNoTombstoneNamesIsMissed: a pruned trail that begins anywhere but
// where its tombstone says is damaged, for Verify and for a start.
func TestWhatNoTombstoneNamesIsMissed(t *testing.T) {
	whole := newAged(t, newMemFS(), 40)
	whole.seal(t, 100)
	spans := slices.Clone(whole.view.spans)
	unpruned := whole.m.clone()
	stone := whole.mustPrune(t, PruneOptions{Before: pruneBase.Add(20 * time.Minute), UpTo: 40})
	whole.mustEnd(t)
	mustVerify(t, whole.m, dataDir)
	firstKept := spans[slices.IndexFunc(spans, func(s span) bool { return s.first == uint64(stone.Last)+1 })].ordinal
	remove := func(n uint64) func(*memFS) { return func(m *memFS) { delete(m.names, segmentPath(dataDir, n)) } }
	for _, c := range []struct {
		from *memFS
		tampered
	}{
		{unpruned, tampered{"the first segment of a whole trail is removed", segmentName(1), 1, remove(1)}},
		{whole.m, tampered{"a segment more than the tombstone names is removed", segmentName(firstKept), uint64(stone.Last) + 1, remove(firstKept)}},
		{whole.m, tampered{"two more", segmentName(firstKept + 1), uint64(stone.Last) + 1, func(m *memFS) { remove(firstKept)(m); remove(firstKept + 1)(m) }}},
	} {
		if err := c.check(c.from); err != nil {
			t.Error(err)
		}
		m := c.from.clone()
		c.change(m)
		if _, err := Open(dataDir, Options{FS: m}); !errors.Is(err, ErrDamaged) {
			t.Errorf("open when %s: %v, want ErrDamaged", c.what, err)
		}
		if _, err := openReader(m, dataDir); !errors.Is(err, ErrDamaged) {
			t.Errorf("read when %s: %v, want ErrDamaged", c.what, err)
		}
	}
}

// TestTombstoneCountsWithoutItsIndex: pruned.json is an index. Without it, or
// with one that lies, the trail is what its events say.
func TestTombstoneCountsWithoutItsIndex(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 100)
	stone := a.mustPrune(t, PruneOptions{Before: pruneBase.Add(20 * time.Minute), UpTo: 40})
	a.mustEnd(t)
	index := string(a.m.names[prunedPath(dataDir)].data)
	for name, text := range map[string]string{
		"missing":   "",
		"not JSON":  "{",
		"another":   strings.Replace(index, `"eventID": "`, `"eventID": "f`, 1),
		"elsewhere": strings.Replace(index, `"seq": `, `"seq": 2`, 1),
		"too much":  strings.Replace(index, fmt.Sprintf(`"Last": %d`, stone.Last), `"Last": 39`, 1),
	} {
		m := a.m.clone()
		delete(m.names, prunedPath(dataDir))
		if text != "" {
			m.put(prunedPath(dataDir), []byte(text))
		}
		mustVerify(t, m, dataDir)
		b := &aged{m: m, clock: a.clock}
		b.open(t)
		if _, err := b.FinishPrune(t.Context(), nil, 0); err != nil {
			t.Errorf("index %s: finish: %v", name, err)
		}
		if b.First() != uint64(stone.Last)+1 {
			t.Errorf("index %s: the oldest event is %d, want %d", name, b.First(), stone.Last+1)
		}
		b.mustEnd(t)
		mustVerify(t, m, dataDir)
	}
}

// TestOnlyTrailgateAppendsTombstones: an event of that name by anybody else
// excuses nothing.
func TestOnlyTrailgateAppendsTombstones(t *testing.T) {
	a := newAged(t, newMemFS(), 20)
	h := a.m.header(t, 2)
	forged := event.DeleteEvents{Reason: "retention", First: 1, Last: int64(h.first - 1), Count: int64(h.first - 1), Hash: fmt.Sprintf("%x", h.hash), Segments: []string{segmentName(1)}}
	who := event.UserIdentity{Type: "IAMUser", UserName: "mallory", ARN: "arn:aws:iam::123456789012:user/mallory"}
	rec := testOrigin.Record(event.Meta{Time: *a.clock, Identity: who, SourceIP: "203.0.113.7"}, forged)
	if _, err := a.Append(t.Context(), rec); err != nil {
		t.Fatal(err)
	}
	a.mustEnd(t)
	delete(a.m.names, segmentPath(dataDir, 1))
	if r, err := verify(t.Context(), a.m, dataDir, nil); err != nil || r.Intact {
		t.Errorf("verify believes a tombstone of mallory's: %+v, %v", r, err)
	}
	if _, err := Open(dataDir, Options{FS: a.m}); !errors.Is(err, ErrDamaged) {
		t.Errorf("open believes a tombstone of mallory's: %v", err)
	}
}

// TestFollowPassesOverWhatWasPruned: a follower that was slow, and a reader
// that looked before, go on with the oldest event that is kept.
func TestFollowPassesOverWhatWasPruned(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 100)
	reader, err := openReader(a.m, dataDir)
	if err != nil {
		t.Fatal(err)
	}
	slow := cursor{fs: a.m, dir: dataDir, next: 1}
	defer slow.close()
	if first, err := slow.read(a.view); err != nil || first[0].Seq != 1 {
		t.Fatal(err)
	}
	stone := a.mustPrune(t, PruneOptions{Before: pruneBase.Add(25 * time.Minute), UpTo: 40})
	oldest := uint64(stone.Last) + 1
	for _, from := range []uint64{0, 1, 7, oldest, oldest + 2} {
		for name, follow := range map[string]func(context.Context, uint64, func([]event.Entry) error) error{"the trail": a.Follow, "a reader": reader.Follow} {
			var got uint64
			err := follow(t.Context(), from, func(es []event.Entry) error {
				got = es[0].Seq
				return errEnough
			})
			if err != errEnough || got != max(from, oldest) {
				t.Errorf("follow %s from %d begins with %d, %v; want %d", name, from, got, err, max(from, oldest))
			}
		}
	}
	if es, err := slow.read(a.view); err != nil || es[0].Seq != oldest {
		t.Errorf("a cursor in a segment that went goes on with %v, %v; want %d", es, err, oldest)
	}
	a.mustEnd(t)
}

// goneFiles are log files in memory.
type goneFiles struct {
	expired Expired
	before  time.Time
	removed []Expired
	fail    error
}

func (g *goneFiles) Expired(_ context.Context, before time.Time) (Expired, error) {
	g.before = before
	return g.expired, nil
}

func (g *goneFiles) Remove(_ context.Context, x Expired) error {
	if g.fail != nil {
		return g.fail
	}
	g.removed = append(g.removed, x)
	return nil
}

// TestPruneTakesLogFilesAlong: the tombstone names them, they go before the
// segments, and a bucket that refuses is asked again, also after a start.
func TestPruneTakesLogFilesAlong(t *testing.T) {
	a := newAged(t, newMemFS(), 40)
	a.seal(t, 100)
	files := &goneFiles{expired: Expired{"d1", "d9", "abc", 9, 30}, fail: errors.New("locked until 2027")}
	o := PruneOptions{Before: pruneBase.Add(20 * time.Minute), UpTo: 40, LogFiles: files}
	if _, err := a.prune(t.Context(), o); !errors.Is(err, files.fail) {
		t.Fatalf("prune with a bucket that refuses: %v", err)
	}
	stone, done, _ := a.Pruned()
	if done || stone.LastDigest != "d9" || stone.DigestHash != "abc" || stone.LogFiles != 30 || !files.before.Before(o.Before) {
		t.Errorf("the tombstone is %+v, done %v; log files were asked for before %v", stone, done, files.before)
	}
	if a.m.names[segmentPath(dataDir, 1)] == nil {
		t.Error("the segments went before the log files")
	}
	if plan, err := a.PlanPrune(t.Context(), PruneOptions{Before: pruneBase.Add(30 * time.Minute), UpTo: 40}); err != nil || plan == nil {
		t.Error(err)
	} else if err := a.AnnouncePrune(t.Context(), plan); err == nil {
		t.Error("a second tombstone comes before the first is done")
	}
	a.mustEnd(t)
	mustVerify(t, a.m, dataDir)
	a.open(t)
	if _, err := a.FinishPrune(t.Context(), nil, 0); err == nil {
		t.Error("finished without the log files")
	}
	files.fail = nil
	if e, err := a.FinishPrune(t.Context(), files, 0); err != nil || e == nil || len(files.removed) != 1 || files.removed[0] != files.expired {
		t.Errorf("finish: %+v, %v, removed %+v", e, err, files.removed)
	}
	if e, err := a.FinishPrune(t.Context(), files, 0); err != nil || e != nil || len(files.removed) != 1 {
		t.Errorf("finish again: %+v, %v, removed %+v", e, err, files.removed)
	}
	a.mustEnd(t)
	mustVerify(t, a.m, dataDir)
}

func FuzzTombstone(f *testing.F) {
	rec := testOrigin.Record(event.Meta{Time: pruneBase, Identity: event.UserIdentity{Type: serviceType, InvokedBy: testOrigin.EventSource}},
		event.DeleteEvents{First: 1, Last: 9, Count: 9, Hash: strings.Repeat("0f", 32), Segments: []string{segmentName(1)}, LastDigest: "d"})
	f.Add(uint64(12), rec.AppendJSON(nil))
	f.Add(uint64(0), []byte(`{"eventName":"DeleteEvents"}`))
	f.Fuzz(func(t *testing.T, seq uint64, b []byte) {
		s, ok := readTombstone(seq, b)
		if ok && (s.last() >= seq || s.Event.First < 1 || s.Event.Last < s.Event.First) {
			t.Errorf("event %d removes %d to %d", seq, s.Event.First, s.Event.Last)
		}
	})
}
