package logfile

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
)

// day is what the deliverer goes through in these tests: files in time and full
// ones, digests in time, asked for, and missed.
func day(w *world) {
	w.limit = 3000
	w.run(func(d *Deliverer) {
		w.journal.command("one")
		pass(20 * time.Minute)
		for range 12 {
			w.journal.command("a burst")
		}
		pass(45 * time.Minute) // 01:05
		w.journal.command("two")
		pass(10 * time.Minute)
	})
	pass(3 * time.Hour) // 04:15
	w.run(func(d *Deliverer) {
		w.journal.command("three")
		pass(50 * time.Minute) // 05:05
		w.journal.command("four")
		ctx, cancel := context.WithTimeout(w.t.Context(), 10*time.Minute)
		defer cancel()
		d.Digest(ctx)
	})
}

// settle runs a deliverer without faults until all is delivered and signed.
func settle(w *world) {
	w.faulty.set(nil)
	w.run(func(d *Deliverer) {
		pass(2 * time.Hour)
		if err := d.Digest(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	})
}

// steps are what day does that a crash may come between.
func steps(t *testing.T) []string {
	var log []string
	bubble(t, func(t *testing.T, w *world) {
		day(w)
		log = w.faulty.log
		settle(w)
		w.settled()
	})
	return log
}

// settled checks that every event is in one log file, but PutDigest events that
// came after the last.
func (w *world) settled() {
	w.t.Helper()
	n := w.state().Delivered
	w.holdsOnce(int(n))
	for _, e := range w.journal.entries[n:] {
		if _, ok := readPut(e.JSON); !ok {
			w.t.Errorf("event %d was not delivered", e.Seq)
		}
	}
	w.intact()
}

// recordsOnce checks that each digest has its PutDigest, once.
func (w *world) recordsOnce() {
	w.t.Helper()
	recorded := map[string]int{}
	for _, e := range w.journal.entries {
		if p, ok := readPut(e.JSON); ok {
			recorded[p.Object]++
		}
	}
	for _, k := range w.keys(testLayout.DigestPrefix()) {
		if recorded[k] != 1 {
			w.t.Errorf("%d PutDigest events tell of %s, want one", recorded[k], k)
		}
		delete(recorded, k)
	}
	for k := range recorded {
		w.t.Errorf("a PutDigest event tells of %s, which does not exist", k)
	}
}

// some are the ways to fail step n. TRAILGATE_FAULTS=all tries every step both
// ways; without it a third of them is tried one way, another third each time.
func some(n int) []bool {
	if os.Getenv("TRAILGATE_FAULTS") == "all" {
		return []bool{false, true}
	}
	if n%3 != third {
		return nil
	}
	return []bool{n%2 == 0}
}

var third = rand.IntN(3)

// TestACrashAtAnyStepLosesNothingAndDoublesNothing: for each step, the process
// dies just before it or just after, and another goes on.
func TestACrashAtAnyStepLosesNothingAndDoublesNothing(t *testing.T) {
	all := steps(t)
	if len(all) < 40 {
		t.Fatalf("only %d steps: %q", len(all), all)
	}
	for n, what := range all {
		for _, after := range some(n) {
			t.Run(fmt.Sprintf("%d %.8s after %t", n+1, what, after), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.faulty.set(func(at int, _ string) (error, error) {
						switch {
						case at == n+1 && after:
							return nil, errFault
						case at >= n+1:
							return errFault, errFault
						}
						return nil, nil
					})
					day(w)
					settle(w)
					w.settled()
					w.recordsOnce()
				})
			})
		}
	}
}

// TestAFaultAtAnyStepIsTriedAgain: one step fails, before or after it took
// effect, and nobody starts anew.
func TestAFaultAtAnyStepIsTriedAgain(t *testing.T) {
	for n := range steps(t) {
		for _, after := range some(n) {
			t.Run(fmt.Sprintf("%d after %t", n+1, after), func(t *testing.T) {
				bubble(t, func(t *testing.T, w *world) {
					w.faulty.set(func(at int, _ string) (error, error) {
						if at != n+1 {
							return nil, nil
						}
						if after {
							return nil, errFault
						}
						return errFault, nil
					})
					day(w)
					if len(w.errs) != 1 {
						t.Errorf("errors told: %v, want the fault", w.errs)
					}
					settle(w)
					w.settled()
					w.recordsOnce()
				})
			})
		}
	}
}

// TestALostStateIsMadeAgain: at any step the process dies and the state with
// it.
func TestALostStateIsMadeAgain(t *testing.T) {
	for n := range steps(t) {
		if len(some(n)) == 0 {
			continue
		}
		t.Run(fmt.Sprint(n+1), func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				w.faulty.set(func(at int, _ string) (error, error) {
					if at >= n+1 {
						return errFault, errFault
					}
					return nil, nil
				})
				day(w)
				w.store.b = nil
				if n%2 == 1 {
					w.store.b = []byte("{")
				}
				settle(w)
				w.settled()
			})
		})
	}
}

// TestABucketThatIsDownDelaysAndLosesNothing: for hours nothing can be put.
func TestABucketThatIsDownDelaysAndLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.run(func(d *Deliverer) {
			pass(30 * time.Minute)
			w.faulty.set(func(_ int, what string) (error, error) {
				if strings.HasPrefix(what, "put ") {
					return errFault, nil
				}
				return nil, nil
			})
			for range 20 {
				w.journal.command("meanwhile")
				pass(10 * time.Minute)
			}
			if st := d.Status(); st.LatestDeliveryError == "" || st.Delivered != 0 {
				t.Errorf("status = %+v, want an error and nothing delivered", st)
			}
			if err := d.Flush(t.Context()); err == nil {
				t.Error("Flush succeeded")
			}
			w.faulty.set(nil)
			pass(10 * time.Minute)
			if st := d.Status(); st.LatestDeliveryError+st.LatestDigestDeliveryError != "" || st.Delivered < 20 {
				t.Errorf("status = %+v, want that all is well", st)
			}
		})
		settle(w)
		w.settled()
	})
}

// TestStoppingLeavesNothingHalfDone: Run ends when its context does, wherever
// it is.
func TestStoppingLeavesNothingHalfDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.run(func(*Deliverer) {}) // before it began
		for i := range 30 {
			w.run(func(*Deliverer) {
				w.journal.append(event.StartShell{Channel: i})
				pass(time.Duration(i) * time.Minute)
			})
		}
		settle(w)
		w.settled()
	})
}
