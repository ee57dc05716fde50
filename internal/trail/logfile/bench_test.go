package logfile

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/blob/fs"
)

// BenchmarkDeliver delivers what waits in the journal: packing, hashing and two
// writes of state a file, to a directory.
func BenchmarkDeliver(b *testing.B) {
	const events = 100_000
	w := newWorld(b)
	for i := range events {
		w.journal.command(fmt.Sprintf("kubectl --namespace prod-%d get pods --selector app=web-%d", i%17, i))
	}
	size := 0
	for _, e := range w.journal.entries {
		size += len(e.JSON)
	}
	b.ReportAllocs()
	for b.Loop() {
		d := w.deliverer()
		d.store, d.o.Bucket = fileStore{b.TempDir()}, fs.Open(b.TempDir(), "tgbucket")
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- d.Run(ctx) }()
		if err := d.Flush(ctx); err != nil {
			b.Fatal(err)
		}
		cancel()
		<-ended
		if d.Delivered() != events {
			b.Fatalf("delivered %d", d.Delivered())
		}
	}
	b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
	b.SetBytes(int64(size))
}

// BenchmarkVerify verifies many small log files and their digest against the
// journal.
func BenchmarkVerify(b *testing.B) {
	w := newWorld(b)
	w.limit = 12_000
	for i := range 40_000 {
		w.journal.command(fmt.Sprintf("kubectl get pods --selector app=web-%d", i))
	}
	w.run(func(d *Deliverer) {
		if err := d.Digest(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
	for b.Loop() {
		o := VerifyOptions{Layout: testLayout, Bucket: w.bucket, Keys: w.signer.keys, Every: time.Hour, store: w.store,
			Journal: func() (JournalReader, error) { return still{w.journal}, nil }}
		r, err := Verify(context.Background(), o)
		if err != nil || !r.Intact || r.Events < 40_000 {
			b.Fatalf("%v, %+v", err, r.Findings)
		}
	}
	b.ReportMetric(float64(40_000*b.N)/b.Elapsed().Seconds(), "events/s")
}
