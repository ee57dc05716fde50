package bench

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail"
)

// BenchmarkAppendWhileMerging holds 64 writers beside a merge of 200,000 events in
// 20 seals against the same writers alone, in one run: what a person waits for is
// not to be more than twice as long. The merge runs as the server has it, on a
// thread of the lowest priority. Run it with -benchtime 1x.
func BenchmarkAppendWhileMerging(b *testing.B) {
	const events, seals = 200_000, 20
	for b.Loop() {
		t := appendTrail(b, appendDir(b))
		appendAll(b, t, events)
		sealer := trail.NewSealer(t, trail.SealOptions{Rows: events / seals})
		if err := sealer.Seal(context.Background()); err != nil {
			b.Fatal(err)
		}
		rest := func() time.Duration { return appendP99(b, t, time.After(5*time.Second)) }
		before := rest()
		done := make(chan time.Time)
		start := time.Now()
		go func() {
			trail.NewCompactor(sealer, trail.CompactOptions{Gently: true, OnError: func(err error) { b.Error(err) }}).Compact(context.Background())
			close(done)
		}()
		merging := appendP99(b, t, done)
		b.ReportMetric(events/time.Since(start).Seconds(), "merged/s")
		if c, _ := t.Sealed(); len(c.Files) > 2 {
			b.Fatalf("%d files are left", len(c.Files))
		}
		alone := min(before, rest())
		b.ReportMetric(float64(alone)/1e6, "p99-alone-ms")
		b.ReportMetric(float64(merging)/1e6, "p99-merging-ms")
		b.ReportMetric(float64(merging)/float64(alone), "ratio")
	}
}

// longAgo is a day that is over.
func longAgo(n int) event.Record {
	rec := appendRecord(n)
	rec.EventTime = event.Time{Time: time.Now().AddDate(0, 0, -3)}
	return rec
}

// appendAll appends n events of a day that is over.
func appendAll(b *testing.B, t *trail.Trail, n int) {
	b.Helper()
	var wg sync.WaitGroup
	for w := range 64 {
		wg.Go(func() {
			for i := w; i < n; i += 64 {
				if _, err := t.Append(context.Background(), longAgo(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// appendP99 has 64 writers append 2,000 events a second between them until done.
func appendP99(b *testing.B, t *trail.Trail, done <-chan time.Time) time.Duration {
	b.Helper()
	const writers, rate = 64, 2000
	stop := make(chan struct{})
	took := make([][]time.Duration, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rec := appendRecord(w)
			tick := time.NewTicker(time.Second * writers / rate)
			defer tick.Stop()
			for {
				rec.EventID = event.NewID()
				start := time.Now()
				if _, err := t.Append(context.Background(), rec); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(start))
				select {
				case <-tick.C:
				case <-stop:
					return
				}
			}
		})
	}
	<-done
	close(stop)
	wg.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return all[len(all)*99/100]
}
