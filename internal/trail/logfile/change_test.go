package logfile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
)

// hours runs a deliverer so long, with an event every half hour.
func (w *world) hours(n int) {
	w.run(func(*Deliverer) {
		for range 2 * n {
			w.journal.command("one")
			pass(30 * time.Minute)
		}
		pass(time.Minute)
	})
}

// TestARotatedKeyTakesOver: digests after its time are signed by the new key,
// and all of them verify.
func TestARotatedKeyTakesOver(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hours(2)
		w.signer.add(testKeys()[1], time.Now())
		w.hours(2)
		chain, _ := w.digests()
		if len(chain) < 4 || chain[0].Fingerprint != w.signer.keys[0].Fingerprint || chain[len(chain)-1].Fingerprint != w.signer.keys[1].Fingerprint {
			t.Errorf("fingerprints of %d digests: %s … %s", len(chain), chain[0].Fingerprint, chain[len(chain)-1].Fingerprint)
		}
		w.settled()
	})
}

// TestADirectoryPutBackGoesOnFromTheNewestDigest: the chain has no branches,
// nothing is overwritten, and verification tells.
func TestADirectoryPutBackGoesOnFromTheNewestDigest(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hours(2)
		old := slices.Clone(w.store.b)
		w.hours(3)
		before := w.bucket.Snapshot()
		w.store.b = old
		w.hours(2)
		for _, k := range before.Keys() {
			want, _, _ := before.Get(t.Context(), k)
			if got, _ := w.get(k); !slices.Equal(got, want) {
				t.Errorf("%s was overwritten", k)
			}
		}
		chain, _ := w.digests()
		for i, d := range chain[1:] {
			if d.PreviousObject == nil || *d.PreviousObject != chain[i].Object {
				t.Errorf("digest %s does not continue %s", d.Object, chain[i].Object)
			}
		}
		if !slices.ContainsFunc(w.errs, func(err error) bool { return strings.Contains(err.Error(), "was the data directory put back?") }) {
			t.Errorf("told %v, want that the directory was put back", w.errs)
		}
	})
}

// TestAnotherBucketContinuesTheChain: what was begun for the old one sets out
// again.
func TestAnotherBucketContinuesTheChain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hours(2)
		chain, _ := w.digests()
		last := chain[len(chain)-1]
		w.bucket = blobtest.NewMem("another")
		w.faulty.puts(w.bucket)
		w.hours(2)
		chain, _ = w.digests()
		if p := chain[0].PreviousBucket; p == nil || *p != "tgbucket" || *chain[0].PreviousObject != last.Object {
			t.Errorf("the first digest in the new bucket continues %v", chain[0].PreviousObject)
		}
		r := w.verify(func(o *VerifyOptions) { o.Journal = nil })
		if !r.Intact || !slices.ContainsFunc(r.Notes, func(n string) bool { return strings.Contains(n, "in another bucket") }) {
			t.Errorf("report = %+v", r)
		}
	})
}

// TestAnotherNameStartsAChain: and delivers nothing twice.
func TestAnotherNameStartsAChain(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hours(2)
		w.layout.Name = "renamed"
		w.hours(2)
		w.holdsOnce(int(w.state().Delivered))
		if r := w.verify(); !r.Intact || r.Digests < 2 {
			t.Errorf("report = %+v", r)
		}
	})
}

// TestAClockSetBackStopsNothing: digests go on where the newest ends.
func TestAClockSetBackStopsNothing(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.hours(3)
		back := 2 * time.Hour
		w.now = func() time.Time { return time.Now().Add(-back) }
		w.run(func(d *Deliverer) {
			for range 3 {
				w.journal.command("one")
				pass(31 * time.Minute)
			}
			if d.Delivered() < 9 {
				t.Errorf("delivered %d", d.Delivered())
			}
			if err := d.Digest(t.Context()); err != nil {
				t.Error(err)
			}
		})
		chain, _ := w.digests()
		if n := len(chain); n < 5 {
			t.Errorf("%d digests: %q", n, spans(chain))
		}
		back = 0
		w.hours(3)
		w.settled()
	})
}

// TestTheNewestDigestIsToldOutside: until it is heard, and again after a
// restart that came before.
func TestTheNewestDigestIsToldOutside(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		var mu sync.Mutex
		var told []Witnessed
		deaf := true
		w.witness = func(_ context.Context, x Witnessed) error {
			mu.Lock()
			defer mu.Unlock()
			if deaf {
				return errors.New("deaf")
			}
			told = append(told, x)
			return nil
		}
		w.run(func(d *Deliverer) {
			w.journal.command("one")
			pass(2*time.Hour + time.Minute)
			if st := d.Status(); st.LatestWitnessError != "deaf" {
				t.Errorf("status = %+v", st)
			}
			mu.Lock()
			deaf = false
			mu.Unlock()
			pass(2 * time.Minute)
			if st := d.Status(); st.LatestWitnessError != "" || st.LatestWitness.IsZero() {
				t.Errorf("status = %+v", st)
			}
			pass(58 * time.Minute)
			mu.Lock()
			deaf = true
			mu.Unlock()
			pass(time.Hour)
		})
		deaf = false
		w.run(func(*Deliverer) { pass(time.Minute) })
		chain, _ := w.digests()
		if len(told) != 3 || len(chain) != 4 {
			t.Fatalf("%d digests, told of %d", len(chain), len(told))
		}
		for i, x := range told { // of the first, nobody heard
			d := chain[i+1]
			if x.Digest.Object != d.Object || x.Digest.Hash != hexHash(w.text(d.Object)) || x.Head.Seq == 0 || x.Key.Fingerprint != d.Fingerprint || x.Time.IsZero() {
				t.Errorf("told %+v, want of %s", x, d.Object)
			}
		}
	})
}

// TestRetentionLeavesATrailThatVerifies: digests and log files are removed from
// the front, behind a tombstone, and so is the journal.
func TestRetentionLeavesATrailThatVerifies(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		day(w)
		w.hours(4)
		archive := Archive{testLayout, w.bucket}
		x, err := archive.Expired(t.Context(), time.Now().Add(-3*time.Hour))
		if err != nil || x.Digests < 4 {
			t.Fatalf("Expired = %+v, %v", x, err)
		}
		w.journal.tombstone(x, time.Now().Add(-3*time.Hour))
		if err := archive.Remove(t.Context(), x); err != nil {
			t.Fatal(err)
		}
		w.intact()
		w.journal.first = w.firstKept()
		w.intact()
		w.journal.first += 1 // in the middle of a log file
		w.intact()
		w.hours(1)
		w.intact()

		chain, _ := w.digests()
		w.bucket.Delete(t.Context(), chain[0].Object)
		if r := w.verify(); r.Intact {
			t.Error("a digest that is gone though no tombstone names it is not found")
		}
	})
}

// firstKept is the first event of the oldest log file.
func (w *world) firstKept() uint64 {
	_, meta := w.get(w.keys(testLayout.LogPrefix())[0])
	l := heldLog{meta: meta}
	first, _, _ := l.sequence()
	return first
}

// TestVerifyBesideAServer: a server that delivers meanwhile changes nothing.
func TestVerifyBesideAServer(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.limit = 2000
		w.run(func(*Deliverer) {
			stop := make(chan struct{})
			done := make(chan struct{})
			go func() {
				defer close(done)
				for {
					select {
					case <-stop:
						return
					case <-time.After(7 * time.Second):
						w.journal.command("one")
					}
				}
			}()
			for range 25 {
				w.intact()
				<-time.After(3 * time.Minute)
			}
			close(stop)
			<-done
		})
		synctest.Wait()
		settle(w)
		w.settled()
	})
}
