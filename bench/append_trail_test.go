// Package bench measures the numbers that DESIGN.md 10 promises. RESULTS.md
// says how they were reached, on what.
package bench

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail"
)

// appendDir is a directory on a real disk: TRAILGATE_BENCH_DIR, or one beside
// this file. A tmpfs has no fdatasync to measure.
func appendDir(b *testing.B) string {
	b.Helper()
	parent := os.Getenv("TRAILGATE_BENCH_DIR")
	if parent == "" {
		parent = "."
	}
	dir, err := os.MkdirTemp(parent, "append-*.test")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// appendRecord is a record as a busy gate writes them, about 1.2 KB.
func appendRecord(n int) event.Record {
	origin := event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "123456789012"}
	return origin.Record(event.Meta{
		Time: time.Now(),
		Identity: event.UserIdentity{
			Type: "AssumedRole", PrincipalID: "AROA4EXAMPLE:alice", ARN: "arn:aws:sts::123456789012:assumed-role/ops/alice",
			AccountID: "123456789012", AccessKeyID: "SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDE5s2Bl5wYy2hZ1gk", UserName: "alice",
			SessionContext: &event.SessionContext{
				SessionIssuer: &event.SessionIssuer{Type: "Role", PrincipalID: "AROA4EXAMPLE", ARN: "arn:aws:iam::123456789012:role/ops", AccountID: "123456789012", UserName: "ops"},
				Attributes:    &event.SessionAttributes{CreationDate: "2026-11-20T08:00:00Z", MFAAuthenticated: "true"},
			},
		},
		SourceIP:     "203.0.113.17",
		UserAgent:    "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3",
		ConnectionID: event.NewID(),
		Session:      &event.Session{ID: event.NewID(), Target: "web1", Login: "ec2-user", MFA: true},
	}, event.ExecuteCommand{Channel: 1, Command: fmt.Sprintf("sudo journalctl --unit nginx --since '5 min ago' --no-pager | grep -c 'upstream timed out' # %d", n)})
}

func appendTrail(b *testing.B, dir string) *trail.Trail {
	b.Helper()
	t, err := trail.Open(dir, trail.Options{})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { t.Run(ctx) })
	b.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := t.Close(); err != nil {
			b.Error(err)
		}
	})
	return t
}

// BenchmarkAppend is DESIGN.md 10's "durable append": 64 sessions at once want
// 20,000 events/s with p99 of 20 ms, one wants p99 of 2 ms.
func BenchmarkAppend(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			t := appendTrail(b, appendDir(b))
			b.ReportAllocs()
			took := appendFrom(b, t, writers)
			slices.Sort(took)
			ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))]) / 1e6 }
			b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "events/s")
			b.ReportMetric(ms(0.5), "p50-ms")
			b.ReportMetric(ms(0.99), "p99-ms")
		})
	}
}

// appendFrom appends from so many writers and returns how long each took.
func appendFrom(b *testing.B, t *trail.Trail, writers int) []time.Duration {
	b.Helper()
	rec := appendRecord(0)
	turns := make(chan struct{}, writers) // a writer's worth each, so that none waits for its turn
	took := make([][]time.Duration, writers)
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			rec := rec
			for range turns {
				rec.EventID = event.NewID()
				start := time.Now()
				if _, err := t.Append(context.Background(), rec); err != nil {
					b.Error(err)
					return
				}
				took[w] = append(took[w], time.Since(start))
			}
		})
	}
	for b.Loop() {
		turns <- struct{}{}
	}
	close(turns)
	wg.Wait()
	return slices.Concat(took...)
}

// BenchmarkAppendWhileSealing is DESIGN.md 10's "sustained with sealing": 64
// writers and the sealer beside them, until the last event is in a seal;
// 10,000 events/s are wanted.
func BenchmarkAppendWhileSealing(b *testing.B) {
	t := appendTrail(b, appendDir(b))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := trail.NewSealer(t, trail.SealOptions{Rows: 20_000, Every: time.Second}).Run(ctx); err != nil {
			b.Error(err)
		}
	})
	start := time.Now()
	took := appendFrom(b, t, 64)
	for {
		c, changed := t.Sealed()
		if c.Seq >= t.Head().Seq {
			break
		}
		<-changed
	}
	sustained := float64(len(took)) / time.Since(start).Seconds()
	cancel()
	wg.Wait()
	slices.Sort(took)
	b.ReportMetric(sustained, "events/s")
	b.ReportMetric(float64(took[len(took)*99/100])/1e6, "p99-ms")
	c, _ := t.Sealed()
	var size int64
	for _, file := range c.Files {
		info, err := os.Stat(file)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	b.ReportMetric(float64(size)/float64(len(took)), "sealed-bytes/event")
}
