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
	})
}
