// Package forwardtest holds every sink to what forwarding promises: each event
// arrives at least once, in order, and one that arrives again is the same to the
// byte, however the far side behaves and whenever the process dies.
package forwardtest

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

// Weather is how the far side behaves.
type Weather string

// The weathers. Fine must be; of the others a far side has those that can happen
// to it.
const (
	Fine     Weather = "fine"
	Down     Weather = "down"     // nobody listens, the disk is not there
	Slow     Weather = "slow"     // no answer comes
	Busy     Weather = "busy"     // 5xx, throttled: come again
	Denied   Weather = "denied"   // 401, 403, 404: what is wrong is not the messages
	Garbage  Weather = "garbage"  // the answer makes no sense
	Impostor Weather = "impostor" // somebody else answers: another name in the certificate
	Flaky    Weather = "flaky"    // of each batch only some messages are taken, the others must come again
	Picky    Weather = "picky"    // messages of which Poisoned holds are refused for good
)

// weathers but Fine.
var weathers = []Weather{Down, Slow, Busy, Denied, Garbage, Impostor, Flaky, Picky}

// batchEvents is how many messages a batch holds here.
const batchEvents = 7

// Poisoned says which messages a picky far side refuses: one in seven.
func Poisoned(eventID string) bool {
	sum := 0
	for _, c := range []byte(eventID) {
		sum += int(c)
	}
	return sum%7 == 0
}

// Receipt is a message as the far side has it.
type Receipt struct {
	EventID string
	Body    []byte // the message's own text
}

// Far is the far side of a sink.
type Far interface {
	// Sink makes a sink to it, as every new process does.
	Sink(t testing.TB) forward.Sink
	// Set changes the weather; false when it cannot be like that here.
	Set(Weather) bool
	// Receipts are the messages that arrived, in order, those that came twice
	// twice.
	Receipts() []Receipt
}

// Exercise holds a kind of sink to the promises. open makes a new far side, fine.
func Exercise(t *testing.T, open func(t *testing.T) Far) {
	t.Run("all in order", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, open(t))
		w.journal.Add(150)
		w.run(beforeSend, 0, func(r *forward.Runner) {
			w.until(r, 150)
			w.journal.Add(90)
			w.until(r, 240)
		})
		w.check(Fine)
		if got := w.far.Receipts(); len(got) != 240 {
			t.Errorf("%d messages arrived, want 240: nothing failed, so none twice", len(got))
		}
	})
	for _, weather := range weathers {
		t.Run(string(weather), func(t *testing.T) {
			t.Parallel()
			far := open(t)
			if !far.Set(weather) {
				return // it cannot be here
			}
			far.Set(Fine)
			w := newWorld(t, far)
			if weather == Slow {
				w.timeout = 200 * time.Millisecond // too slow is what takes longer
			}
			w.journal.Add(40)
			w.run(beforeSend, 0, func(r *forward.Runner) {
				w.until(r, 40)
				far.Set(weather)
				w.journal.Add(60)
				w.suffer(r, weather)
			})
			w.run(beforeSend, 0, func(r *forward.Runner) { // a restart while it is so
				w.journal.Add(20)
				w.suffer(r, weather)
				far.Set(Fine)
				w.until(r, 120)
				if st := r.Status(); !st.Failing.IsZero() {
					t.Errorf("the sink is fine and Failing is %v", st.Failing)
				}
			})
			w.check(weather)
		})
	}
	for _, at := range []step{beforeSend, afterSend, beforeSave, afterSave} {
		t.Run("killed "+string(at), func(t *testing.T) {
			t.Parallel()
			for nth := 1; nth <= 5; nth++ {
				w := newWorld(t, open(t))
				w.journal.Add(45)
				w.run(at, nth, func(r *forward.Runner) { w.until(r, 45) })
				w.journal.Add(10)
				w.run(at, nth+1, func(r *forward.Runner) { w.until(r, 55) })
				w.run(beforeSend, 0, func(r *forward.Runner) { w.until(r, 55) })
				w.check(Fine)
			}
		})
	}
	t.Run("killed while messages are refused", func(t *testing.T) {
		t.Parallel()
		for _, at := range []step{beforeSend, afterSend, beforeSave} {
			far := open(t)
			if !far.Set(Picky) {
				return
			}
			w := newWorld(t, far)
			w.journal.Add(40)
			for nth := range 4 {
				w.run(at, 2+nth, func(r *forward.Runner) { w.until(r, 40) })
			}
			w.run(beforeSend, 0, func(r *forward.Runner) { w.until(r, 40) })
			w.check(Picky)
		}
	})
}

// world is a journal, a far side, and what survives a process between them.
type world struct {
	t       *testing.T
	far     Far
	journal *Journal
	store   state.Store
	dir     string
	timeout time.Duration // of one attempt
	ended   chan struct{} // closed when the process that runs has ended
}

func newWorld(t *testing.T, far Far) *world {
	dir := t.TempDir()
	// Recent, because some services refuse what is old.
	return &world{t, far, NewJournal(time.Now().Add(-time.Hour).Truncate(time.Second)), NewStore(), filepath.Join(dir, "forward"), 10 * time.Second, nil}
}

// run is one process: it lives as long as fn, or until it is killed at the nth
// passing of a step (0: never).
func (w *world) run(at step, nth int, fn func(*forward.Runner)) {
	w.t.Helper()
	ctx, cancel := context.WithCancel(w.t.Context())
	defer cancel()
	p := &process{at: at, nth: nth, kill: cancel}
	sink := w.far.Sink(w.t)
	r, err := forward.New(ctx, forward.Options{
		Name: "under-test", Kind: "test", Journal: w.journal, Store: &mortalStore{w.store, p}, Dir: w.dir,
		Sink:   &mortalSink{sink, p, batchEvents, w.timeout},
		Record: func(context.Context, event.Event) error { return nil },
		Pause:  func(int) time.Duration { return 10 * time.Millisecond },
	})
	if err != nil {
		sink.Close()
		if !p.killed() {
			w.t.Fatalf("New: %v", err)
		}
		return
	}
	w.ended = make(chan struct{})
	go func() {
		defer close(w.ended)
		if err := r.Run(ctx); err != nil {
			w.t.Errorf("Run: %v", err)
		}
	}()
	fn(r)
	cancel()
	<-w.ended
}

// until waits for the cursor, unless the process is killed before.
func (w *world) until(r *forward.Runner, seq uint64) {
	w.t.Helper()
	w.poll(r, fmt.Sprintf("events up to %d to be forwarded", seq), func(st forward.Status) bool { return st.Cursor >= seq })
}

// suffer waits until the weather has been felt.
func (w *world) suffer(r *forward.Runner, weather Weather) {
	w.t.Helper()
	if weather == Picky {
		w.poll(r, "a message to be refused", func(st forward.Status) bool { return st.Refused > 0 })
		return
	}
	w.poll(r, "two attempts to fail", func(st forward.Status) bool { return st.Errors >= 2 })
}

func (w *world) poll(r *forward.Runner, what string, ok func(forward.Status) bool) {
	w.t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		if ok(r.Status()) {
			return
		}
		select {
		case <-tick.C:
		case <-w.ended:
			return
		case <-deadline:
			w.t.Fatalf("waited a minute for %s: %+v", what, r.Status())
		}
	}
}

// check holds what arrived, and what was put aside, against the ledger: the
// journal itself.
func (w *world) check(weather Weather) {
	w.t.Helper()
	place := map[string]int{}
	for i, e := range w.journal.Entries() {
		var head struct{ EventID string }
		if err := json.Unmarshal(e.JSON, &head); err != nil {
			w.t.Fatal(err)
		}
		place[head.EventID] = i
	}
	bodies := map[string][]byte{}
	newest := -1
	for _, r := range w.far.Receipts() {
		i, known := place[r.EventID]
		if !known {
			w.t.Fatalf("event %q arrived, which was never sent: %.200s", r.EventID, r.Body)
		}
		if before, again := bodies[r.EventID]; again {
			if !bytes.Equal(before, r.Body) {
				w.t.Errorf("event %s came twice and differs", r.EventID)
			}
			continue
		}
		bodies[r.EventID] = r.Body
		slack := 0
		if weather == Flaky { // what a batch left behind comes after it
			slack = batchEvents
		}
		if weather == Picky && Poisoned(r.EventID) {
			continue // put aside once, and taken when the batch came again in better weather
		}
		if i < newest-slack {
			w.t.Errorf("event %d arrived for the first time after event %d", i+1, newest+1)
		}
		newest = max(newest, i)
	}
	aside := w.aside()
	if weather != Picky && len(aside) > 0 {
		w.t.Errorf("%d messages were put aside, want none: %v", len(aside), aside)
	}
	for id, i := range place {
		_, arrived := bodies[id]
		reason, refused := aside[id]
		switch {
		case !arrived && !refused:
			w.t.Errorf("event %d (%s) is lost", i+1, id)
		case refused && !Poisoned(id):
			w.t.Errorf("event %d was put aside and nothing is wrong with it: %s", i+1, reason)
		case refused && reason == "":
			w.t.Errorf("event %d was put aside without a reason", i+1)
		}
	}
}

// aside is the messages put aside, by event, with the reason.
func (w *world) aside() map[string]string {
	w.t.Helper()
	found := map[string]string{}
	f, err := os.Open(filepath.Join(w.dir, forward.AsideName))
	if err != nil {
		return found
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		var line forward.Refused
		if err := json.Unmarshal(sc.Bytes(), &line); err != nil {
			w.t.Errorf("%s has a line that is none: %v", forward.AsideName, err)
		}
		found[line.EventID] = line.Reason
	}
	if err := sc.Err(); err != nil {
		w.t.Error(err)
	}
	return found
}
