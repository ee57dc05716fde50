package logfile

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// bubble runs fn where the clock stands at midnight and moves when all wait.
func bubble(t *testing.T, fn func(t *testing.T, w *world)) {
	synctest.Test(t, func(t *testing.T) { fn(t, newWorld(t)) })
}

// pass lets time pass.
func pass(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestAFileEveryFiveMinutesAndADigestEveryHour(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		pass(2*time.Minute + 30*time.Second)
		w.run(func(d *Deliverer) {
			for range 12 {
				w.journal.command("id")
				pass(10 * time.Minute)
			}
			pass(time.Minute)
			st := d.Status()
			if st.Delivered != 14 || st.LatestDeliveryError+st.LatestDigestDeliveryError != "" {
				t.Errorf("status = %+v", st)
			}
		})
		w.holdsOnce(14) // two of them are PutDigest
		chain, backfilled := w.digests()
		if want := []string{"00:02:30-01:00:00 6", "01:00:00-02:00:00 7"}; !slices.Equal(spans(chain), want) {
			t.Errorf("digests %q, want %q", spans(chain), want)
		}
		if len(backfilled) > 0 {
			t.Errorf("backfilled %q", spans(backfilled))
		}
		if len(w.errs) > 0 {
			t.Error(w.errs)
		}
		if r := w.intact(); r.Digests != 2 || r.LogFiles != 13 || r.Events != 13 || r.Newest.Object != chain[1].Object {
			t.Errorf("report = %+v", r)
		}
	})
}

// TestAnOutageIsMadeUpFor: what was delivered in an hour whose digest nobody
// could make goes into the backfill chain; the chain itself has no hole.
func TestAnOutageIsMadeUpFor(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.run(func(*Deliverer) {
			w.journal.command("before")
			pass(70 * time.Minute) // 01:10
			w.journal.command("in the hour that nobody signs for")
			pass(10 * time.Minute)
		})
		pass(3*time.Hour + 20*time.Minute) // 04:40
		w.run(func(*Deliverer) {
			w.journal.command("after")
			pass(30 * time.Minute) // 05:10
		})
		chain, backfilled := w.digests()
		if want := []string{"00:00:00-01:00:00 1", "01:00:00-04:00:00 0", "04:00:00-05:00:00 1"}; !slices.Equal(spans(chain), want) {
			t.Errorf("digests %q, want %q", spans(chain), want)
		}
		if want := []string{"01:00:00-02:00:00 2"}; !slices.Equal(spans(backfilled), want) {
			t.Errorf("backfilled %q, want %q", spans(backfilled), want)
		}
		_, meta := w.get(backfilled[0].Object)
		if got := meta[MetaBackfill]; got != "2000-01-01T04:40:00.000Z" {
			t.Errorf("the backfill digest says it was made at %s", got)
		}
		w.intact()
	})
}

// TestARestartOverTheHourMissesNothing: the digest comes late, and that is all.
func TestARestartOverTheHourMissesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.run(func(*Deliverer) {
			w.journal.command("before")
			pass(50 * time.Minute)
		})
		pass(20 * time.Minute)
		w.run(func(*Deliverer) { pass(time.Hour) })
		chain, backfilled := w.digests()
		if want := []string{"00:00:00-01:00:00 1", "01:00:00-02:00:00 1"}; !slices.Equal(spans(chain), want) || len(backfilled) > 0 {
			t.Errorf("digests %q and %q, want %q", spans(chain), spans(backfilled), want)
		}
		w.intact()
	})
}

// TestDigestSignsNow: a stop that is signed leaves nothing open.
func TestDigestSignsNow(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		for i := range 3 {
			w.run(func(d *Deliverer) {
				w.journal.command("one")
				pass(10*time.Minute + 7*time.Second)
				w.journal.command("two")
				if err := d.Digest(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got, want := d.Delivered(), uint64(4*i+2); got != want {
					t.Errorf("delivered %d, want %d", got, want)
				}
				if err := d.Digest(t.Context()); err != nil { // at once again: there is something, PutDigest
					t.Fatal(err)
				}
			})
		}
		w.intact()
	})
}

func TestFlushDeliversWhatIsThere(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.run(func(d *Deliverer) {
			for i := range 5 {
				w.journal.command("one")
				if err := d.Flush(t.Context()); err != nil {
					t.Fatal(err)
				}
				if got := d.Delivered(); got != uint64(i+1) {
					t.Errorf("delivered %d, want %d", got, i+1)
				}
			}
		})
		w.holdsOnce(5)
		w.intact()
	})
}

// TestALogFileHasItsLimit: a burst is not kept for five minutes.
func TestALogFileHasItsLimit(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.limit = 4000
		w.run(func(d *Deliverer) {
			for range 50 {
				w.journal.command("a command")
			}
			pass(time.Second)
			if n := len(w.keys(testLayout.LogPrefix())); n < 6 || d.Delivered() < 40 {
				t.Errorf("%d files with events up to %d after a second", n, d.Delivered())
			}
			pass(5 * time.Minute)
		})
		w.holdsOnce(50)
		for _, k := range w.keys(testLayout.LogPrefix()) {
			if text := w.text(k); len(text) > w.limit {
				t.Errorf("%s has %d bytes, more than %d", k, len(text), w.limit)
			}
		}
		w.intact()
	})
}
