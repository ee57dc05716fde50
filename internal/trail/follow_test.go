package trail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

var errEnough = errors.New("enough")

// TestFollowersSeeAllInOrder: whenever a follower starts and wherever, it sees
// each event once and in order, while many append and segments turn over.
func TestFollowersSeeAllInOrder(t *testing.T) {
	const writers, each = 8, 60
	total := uint64(writers * each)
	m := newMemFS()
	r := start(t, m, dataDir, Options{SegmentBytes: 8 << 10})
	var followers sync.WaitGroup
	follow := func(from uint64) {
		followers.Go(func() {
			next := max(1, from)
			err := r.Follow(t.Context(), from, func(entries []event.Entry) error {
				for _, e := range entries {
					if e.Seq != next {
						return fmt.Errorf("event %d follows %d", e.Seq, next-1)
					}
					next++
				}
				if next > total {
					return errEnough
				}
				return nil
			})
			if err != errEnough {
				t.Errorf("follow from %d: %v", from, err)
			}
		})
	}
	follow(0)
	follow(total) // before there is such an event
	busy(r, m, writers, each/2)
	follow(1)
	follow(total / 3)
	busy(r, m, writers, each/2)
	follow(1)
	follow(total/2 + 1)
	follow(total)
	followers.Wait()
	r.mustEnd(t)
}

// TestSlowFollowerDelaysNobody: a follower that does not return from its
// function neither blocks Append nor misses what was appended meanwhile.
func TestSlowFollowerDelaysNobody(t *testing.T) {
	r := start(t, newMemFS(), dataDir, Options{SegmentBytes: 4 << 10})
	r.mustAppend(t, 1, 600)
	stuck, release := make(chan struct{}), make(chan struct{})
	done := make(chan error, 1)
	var got uint64
	go func() {
		done <- r.Follow(t.Context(), 1, func(entries []event.Entry) error {
			if got == 0 {
				close(stuck)
				<-release
			}
			got += uint64(len(entries))
			if got == 101 {
				return errEnough
			}
			return nil
		})
	}()
	<-stuck
	r.mustAppend(t, 100, 600)
	close(release)
	if err := <-done; err != errEnough {
		t.Errorf("the slow follower saw %d events: %v", got, err)
	}
	r.mustEnd(t)
}

func TestFollowEnds(t *testing.T) {
	r := start(t, newMemFS(), dataDir, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 2)
	go func() { done <- r.Follow(ctx, 1, func([]event.Entry) error { return nil }) }()
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Errorf("Follow with its context ended: %v", err)
	}
	go func() { done <- r.Follow(t.Context(), 1, func([]event.Entry) error { return nil }) }()
	r.mustEnd(t)
	if err := <-done; !errors.Is(err, errClosed) {
		t.Errorf("Follow of a closed trail: %v", err)
	}
}

// TestFollowReadsLargeFrames: a record larger than what is read at once.
func TestFollowReadsLargeFrames(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	for _, pad := range []int{10, readAhead, 700 << 10, 10} {
		rec := testRecord(600)
		rec.RequestParameters = padding(pad)
		if _, err := r.Append(t.Context(), rec); err != nil {
			t.Fatal(err)
		}
	}
	rec := testRecord(600)
	rec.RequestParameters = padding(maxPayload)
	if _, err := r.Append(t.Context(), rec); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append a record larger than a frame: %v, want ErrUnavailable", err)
	}
	rec.RequestParameters = []byte(`{"broken`)
	if _, err := r.Append(t.Context(), rec); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append a record that is not JSON: %v, want ErrUnavailable", err)
	}
	r.mustEnd(t)
	all, err := contents(m, dataDir)
	if err != nil || len(all) != 4 {
		t.Errorf("read %d events, %v; want 4", len(all), err)
	}
}

func padding(n int) []byte { return []byte(`{"pad":"` + strings.Repeat("x", n) + `"}`) }

// TestFollowNamesDamage: a follower stops at a damaged frame, after all that
// is before it.
func TestFollowNamesDamage(t *testing.T) {
	m := fullTrail(t)
	data := m.names[segmentPath(dataDir, 1)].data
	f := framesOf(t, data)[10]
	for _, off := range []int{0, 4, 20, 50, 100} {
		damaged := m.clone()
		damaged.names[segmentPath(dataDir, 1)].data[f.off+off] ^= 0x40
		r, err := openReader(damaged, dataDir)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		err = r.Follow(t.Context(), 1, func(es []event.Entry) error { n += len(es); return nil })
		if !errors.Is(err, ErrDamaged) || n != 10 {
			t.Errorf("flip byte %d of the 11th frame: followed %d events, %v; want 10 and ErrDamaged", off, n, err)
		}
	}
}

func TestReaderAndVerifyBesideAServer(t *testing.T) {
	dir := t.TempDir()
	r := start(t, nil, dir, Options{SegmentBytes: 16 << 10})
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				if _, err := r.Append(context.Background(), testRecord(1200)); err != nil {
					t.Error(err)
					return
				}
			}
		}
	})
	var last uint64
	for last < 300 {
		report, err := Verify(t.Context(), dir, nil)
		if err != nil || !report.Intact {
			t.Fatalf("verify beside a server: %+v, %v", report.Findings, err)
		}
		all, err := contents(osFS{}, dir)
		if err != nil || uint64(len(all)) < report.Head.Seq {
			t.Fatalf("read beside a server: %d events of %d, %v", len(all), report.Head.Seq, err)
		}
		last = report.Head.Seq
	}
	close(stop)
	wg.Wait()
	r.mustEnd(t)
}

func TestSecondProcessIsLockedOut(t *testing.T) {
	dir := t.TempDir()
	r := start(t, nil, dir, Options{})
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrLocked) {
		t.Errorf("second Open: %v, want ErrLocked", err)
	}
	if _, err := WriteHistory(dir, "seed", func(func(event.Entry) bool) {}); !errors.Is(err, ErrLocked) {
		t.Errorf("WriteHistory beside a server: %v, want ErrLocked", err)
	}
	r.mustEnd(t)
	r = start(t, nil, dir, Options{})
	r.mustEnd(t)
}

// TestClockGoesBack: append times stand still until the clock has caught up,
// and a step of more than two seconds is an event.
func TestClockGoesBack(t *testing.T) {
	base := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	var clock struct {
		sync.Mutex
		now time.Time
	}
	set := func(d time.Duration) {
		clock.Lock()
		defer clock.Unlock()
		clock.now = base.Add(d)
	}
	m := newMemFS()
	o := Options{Now: func() time.Time { clock.Lock(); defer clock.Unlock(); return clock.now }}
	r := start(t, m, dataDir, o)
	for _, d := range []time.Duration{0, time.Second, -time.Second, 10 * time.Second, 5 * time.Second, 6 * time.Second, 11 * time.Second} {
		set(d)
		r.mustAppend(t, 1, 600)
	}
	r.mustEnd(t)
	set(-time.Hour)
	r = start(t, m, dataDir, o)
	r.mustAppend(t, 2, 600)
	r.mustEnd(t)
	all, err := contents(m, dataDir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range all {
		got = append(got, fmt.Sprintf("%s %v", eventName(e), e.AppendTime.Sub(base)))
	}
	want := []string{"StartShell 0s", "StartShell 1s", "StartShell 1s", "StartShell 10s", "StepClock 10s", "StartShell 10s", "StartShell 10s", "StartShell 11s",
		"StepClock 11s", "StartShell 11s", "StartShell 11s"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the trail is %v, want %v", got, want)
	}
	mustVerify(t, m, dataDir)
}
