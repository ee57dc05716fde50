package trail

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
)

// busy appends from several writers at once and marks the fate of each event
// in the file system's log.
func busy(r *running, m *memFS, writers, each int) {
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				rec := testRecord(600 + (w*each+i)%5*130)
				e, err := r.Append(context.Background(), rec)
				if err != nil {
					m.mark(markRefuse, rec.EventID, 0)
				} else {
					m.mark(markAck, rec.EventID, e.Seq)
				}
			}
		})
	}
	wg.Wait()
}

// TestNoAcknowledgedEventIsLostBelowThePageCache cuts a busy journal's disk
// after every change, in every way a disk loses what was not synced. TRAILGATE_CUT_EVENTS says how
// much each of four writers appends before and after a restart.
func TestNoAcknowledgedEventIsLostBelowThePageCache(t *testing.T) {
	t.Parallel()
	m := newMemFS()
	for range 2 { // the second round appends to what the first left
		r := start(t, m, dataDir, Options{SegmentBytes: 6 << 10})
		busy(r, m, 4, scale(t, "TRAILGATE_CUT_EVENTS", 10))
		r.mustEnd(t)
	}
	t.Logf("cut at each of %d changes", m.ops())
	cutEverywhere(t, newDisk(nil, testRand(1)), m.log, 1)
}

// cutEverywhere replays a log onto d, crashes after every change in every way,
// and checks what Open finds. Recovery is cut as well, depth times.
func cutEverywhere(t *testing.T, d *disk, log []op, depth int) {
	t.Helper()
	r := testRand(2)
	acked := map[string]uint64{}
	for i, o := range log {
		switch o.kind {
		case markAck:
			acked[o.name] = o.seq
			continue
		case markRefuse:
			continue
		}
		d.apply(o)
		for _, c := range crashes {
			found := d.after(c, r)
			recovery, err := recoverFrom(found.clone(), acked)
			if err != nil {
				t.Fatalf("cut after change %d (%s %s), keeping %s: %v", i, o.kind, base(o.name), c, err)
			}
			if depth > 0 && i%17 == 0 {
				again := newDisk(recovery.from, testRand(3))
				cutRecovery(t, again, recovery.log, acked, fmt.Sprintf("cut after change %d (%s %s), keeping %s", i, o.kind, base(o.name), c))
			}
		}
	}
}

func cutRecovery(t *testing.T, d *disk, log []op, acked map[string]uint64, where string) {
	t.Helper()
	r := testRand(4)
	for i, o := range log {
		d.apply(o)
		for _, c := range crashes {
			if _, err := recoverFrom(d.after(c, r), acked); err != nil {
				t.Fatalf("%s, then after change %d (%s %s) of the recovery, keeping %s: %v", where, i, o.kind, base(o.name), c, err)
			}
		}
	}
}

// recovered is how a trail was opened after a crash.
type recovered struct {
	from *memFS // what was found
	log  []op   // what Open and one more event changed
}

// recoverFrom opens what a crash left, and checks it.
func recoverFrom(m *memFS, acked map[string]uint64) (recovered, error) {
	rec := recovered{from: m.clone()}
	// Inodes are numbered anew, as the log of m will number them.
	m = rec.from.clone()
	for name, n := range m.names {
		rec.from.names[name].id = n.id
	}
	// Before anybody opens it, all that can be wrong is a torn head slot.
	if before, err := verify(context.Background(), m, dataDir, nil); err != nil {
		return rec, err
	} else if len(m.names) > 0 {
		for _, f := range before.Findings {
			if f.Segment != "head" {
				return rec, fmt.Errorf("verify before Open: %s", f)
			}
		}
	}
	r, err := tryStart(m, dataDir, Options{SegmentBytes: 6 << 10})
	if err != nil {
		return rec, err
	}
	one := testRecord(600)
	e, err := r.Append(context.Background(), one)
	if err := errors.Join(err, r.end()); err != nil {
		return rec, err
	}
	rec.log = m.log
	all, err := contents(m, dataDir)
	if err != nil {
		return rec, err
	}
	if err := checkContents(all, acked); err != nil {
		return rec, err
	}
	if got := eventID(all[len(all)-1]); e.Seq != uint64(len(all)) || got != one.EventID {
		return rec, fmt.Errorf("an event appended after the crash is not the last one")
	}
	after, err := verify(context.Background(), m, dataDir, nil)
	if err == nil && !after.Intact {
		err = fmt.Errorf("verify after Open: %s", after.Findings[0])
	}
	return rec, err
}

func testRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 2026)) }
