package trail

import (
	"context"
	"errors"
	"io"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// TestEachFailingWriteAndSync lets each change fail in turn, alone and with
// the two after it, and then takes the disk away here and there.
func TestEachFailingWriteAndSync(t *testing.T) {
	t.Parallel()
	count := newMemFS()
	r := start(t, count, dataDir, Options{SegmentBytes: 6 << 10})
	busy(r, count, 3, 8)
	r.mustEnd(t)
	cuts := testRand(5)
	for n := range count.ops() {
		for _, burst := range []int{1, 3} {
			synctest.Test(t, func(t *testing.T) { failAt(t, n, burst, cuts.IntN) })
		}
	}
}

func failAt(t *testing.T, n, burst int, intN func(int) int) {
	m := newMemFS()
	var failing op
	m.failWith(func(i int, o op) error {
		if i < n || i >= n+burst {
			return nil
		}
		failing = o
		return syscall.EIO
	})
	faults := 0
	o := Options{SegmentBytes: 6 << 10, OnFault: func(error) { faults++ }}
	r, err := tryStart(m, dataDir, o)
	opened := err == nil
	for try := 0; err != nil && try <= burst; try++ {
		r, err = tryStart(m, dataDir, o)
	}
	if err != nil {
		t.Fatalf("fail change %d, %d times: the trail does not open again: %v", n, burst, err)
	}
	busy(r, m, 3, 8)
	m.failWith(nil)
	r.mustAppend(t, 1, 600)
	// Removing a temporary file may fail without harm; a fault in Open is told
	// by Open.
	harmless := failing.kind == opRemove || !opened
	if !harmless && faults == 0 && failing.kind != "" {
		t.Errorf("fail change %d (%s %s): OnFault was not called", n, failing.kind, base(failing.name))
	}
	r.mustEnd(t)
	acked, refused := fates(m.log)
	all, err := contents(m, dataDir)
	if err == nil {
		err = checkContents(all, acked)
	}
	if err != nil {
		t.Fatalf("fail change %d (%s %s), %d times: %v", n, failing.kind, base(failing.name), burst, err)
	}
	gaps := 0
	for _, e := range all {
		if refused[eventID(e)] {
			t.Errorf("fail change %d (%s %s), %d times: refused event %s is in the trail", n, failing.kind, base(failing.name), burst, eventID(e))
		}
		if eventName(e) == "DetectGap" {
			gaps++
		}
	}
	if faults > 0 && gaps == 0 {
		t.Errorf("fail change %d (%s %s), %d times: no DetectGap event tells of it", n, failing.kind, base(failing.name), burst)
	}
	mustVerify(t, m, dataDir)
	cutSomewhere(t, m.log, n, intN)
}

// fates are what became of the events marked in a log.
func fates(log []op) (acked map[string]uint64, refused map[string]bool) {
	acked, refused = map[string]uint64{}, map[string]bool{}
	for _, o := range log {
		switch o.kind {
		case markAck:
			acked[o.name] = o.seq
		case markRefuse:
			refused[o.name] = true
		}
	}
	return acked, refused
}

// cutSomewhere takes the disk away soon after the fault and at random.
func cutSomewhere(t *testing.T, log []op, fault int, intN func(int) int) {
	t.Helper()
	at := map[int]bool{fault: true, fault + 1 + intN(8): true, intN(len(log)): true}
	d, r := newDisk(nil, testRand(6)), testRand(7)
	acked := map[string]uint64{}
	changes := 0
	for i, o := range log {
		if o.kind == markAck {
			acked[o.name] = o.seq
		}
		if o.kind == markAck || o.kind == markRefuse {
			continue
		}
		d.apply(o)
		changes++
		if !at[changes-1] {
			continue
		}
		for _, c := range crashes {
			if _, err := recoverFrom(d.after(c, r), acked); err != nil {
				t.Fatalf("fail change %d, cut after change %d (%s %s, entry %d), keeping %s: %v", fault, changes-1, o.kind, base(o.name), i, c, err)
			}
		}
	}
}

// TestHoldAfterFault: the batch in the failed write is refused at once; what
// comes while no new segment opens waits two seconds, and is refused at once
// from then on; when writing works again DetectGap comes first.
func TestHoldAfterFault(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemFS()
		r := start(t, m, dataDir, Options{})
		r.mustAppend(t, 1, 600)
		broken := true
		m.failWith(func(int, op) error {
			if broken {
				return syscall.EIO
			}
			return nil
		})
		refusedAfter := func(what string, want time.Duration) {
			t.Helper()
			begin := time.Now()
			_, err := r.Append(t.Context(), testRecord(600))
			if !errors.Is(err, ErrUnavailable) || !errors.Is(err, syscall.EIO) {
				t.Fatalf("%s: %v, want ErrUnavailable with its cause", what, err)
			}
			if got := time.Since(begin); got != want {
				t.Errorf("%s: refused after %v, want %v", what, got, want)
			}
		}
		refusedAfter("the record in the failed write", 0)
		refusedAfter("a record after the fault", 2*time.Second)
		refusedAfter("a record after the hold", 0)
		m.failWith(nil)
		broken = false
		time.Sleep(lastRetry) // in a synctest bubble: waits for nothing
		r.mustAppend(t, 1, 600)
		r.mustEnd(t)
		all, err := contents(m, dataDir)
		if err != nil {
			t.Fatal(err)
		}
		if len(all) != 3 || eventName(all[1]) != "DetectGap" {
			t.Fatalf("the trail has %d events, the second %s; want the first, DetectGap, the last", len(all), eventName(all[1]))
		}
		if !strings.Contains(string(all[1].JSON), "events refused: 3") {
			t.Errorf("DetectGap does not count the refused: %s", all[1].JSON)
		}
		mustVerify(t, m, dataDir)
	})
}

// TestHoldEndsWhenWritingWorks: a record that waits for a new segment is
// appended when there is one. A fault later on is held as long again.
func TestHoldEndsWhenWritingWorks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemFS()
		r := start(t, m, dataDir, Options{})
		r.mustAppend(t, 1, 600)
		for round := range uint64(3) {
			heals := time.Now().Add(time.Second)
			m.failWith(func(int, op) error {
				if time.Now().Before(heals) {
					return syscall.EIO
				}
				return nil
			})
			if _, err := r.Append(t.Context(), testRecord(600)); !errors.Is(err, ErrUnavailable) {
				t.Fatalf("append into the failed write: %v, want ErrUnavailable", err)
			}
			e, err := r.Append(t.Context(), testRecord(600))
			if want := 3 + 2*round; err != nil || e.Seq != want { // after DetectGap
				t.Fatalf("append in the hold: event %d, %v; want event %d", e.Seq, err, want)
			}
			time.Sleep(time.Minute) // in a synctest bubble: waits for nothing
		}
		r.mustEnd(t)
		mustVerify(t, m, dataDir)
	})
}

// TestDiskFull: nothing is acknowledged on a full disk, and the trail goes on
// when there is room again.
func TestDiskFull(t *testing.T) {
	for room := range 1400 {
		if room%7 != 0 {
			continue
		}
		synctest.Test(t, func(t *testing.T) {
			m := newMemFS()
			r := start(t, m, dataDir, Options{SegmentBytes: 2 << 10})
			busy(r, m, 1, 2)
			m.mu.Lock()
			m.full, m.room = true, room
			m.mu.Unlock()
			busy(r, m, 2, 2)
			m.mu.Lock()
			m.full = false
			m.mu.Unlock()
			time.Sleep(lastRetry) // in a synctest bubble: waits for nothing
			r.mustAppend(t, 1, 600)
			r.mustEnd(t)
			acked, refused := fates(m.log)
			all, err := contents(m, dataDir)
			if err == nil {
				err = checkContents(all, acked)
			}
			if err != nil {
				t.Fatalf("%d bytes of room: %v", room, err)
			}
			for _, e := range all {
				if refused[eventID(e)] {
					t.Errorf("%d bytes of room: refused event %s is in the trail", room, eventID(e))
				}
			}
			mustVerify(t, m, dataDir)
		})
	}
}

func TestStopRefuses(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{})
	r.mustAppend(t, 1, 600)
	r.cancel()
	r.wg.Wait()
	if _, err := r.Append(t.Context(), testRecord(600)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("append after Run: %v, want ErrUnavailable", err)
	}
	r.mustEnd(t)
}

func TestStopWhileBroken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemFS()
		r := start(t, m, dataDir, Options{})
		r.mustAppend(t, 1, 600)
		m.failWith(func(int, op) error { return io.ErrShortWrite })
		for range 2 {
			go r.Append(context.Background(), testRecord(600))
		}
		synctest.Wait()
		if err := r.end(); err != nil {
			t.Fatal(err)
		}
		m.failWith(nil)
		mustVerify(t, m, dataDir)
	})
}

func TestContextEndsAppend(t *testing.T) {
	m := newMemFS()
	tr, err := Open(dataDir, Options{FS: m}) // Run is not called: Append waits
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if _, err := tr.Append(ctx, testRecord(600)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("append without Run: %v, want the context's error", err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
}
