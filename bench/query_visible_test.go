package bench

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

// The test binary is its own query worker.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(duckdb.WorkerMain())
	}
}

func queryEngine(b *testing.B, s query.Source, dir string) *duckdb.Engine {
	e := duckdb.New(duckdb.Options{
		Command:   []string{os.Args[0], "query-worker"},
		Source:    s,
		EventsDir: dir,
		Name:      "bench",
		Log:       slog.New(slog.DiscardHandler),
	})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := e.Run(ctx); err != nil {
			b.Error(err)
		}
	})
	b.Cleanup(func() { cancel(); wg.Wait() })
	return e
}

func queryStatement(b *testing.B, text string) *sqlfront.Statement {
	b.Helper()
	s, err := sqlfront.Parse(text)
	if err == nil {
		err = s.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// BenchmarkVisible is DESIGN.md 10's "event → visible to SQL", p95 of 250 ms:
// from the return of Append until a query that somebody runs again and again
// shows the event; and until Wait returns, as a live trigger's does. Another
// writer appends 500 events/s meanwhile, and the trail is sealed every 5,000.
func BenchmarkVisible(b *testing.B) {
	dir := appendDir(b)
	t := appendTrail(b, dir)
	e := queryEngine(b, t, filepath.Join(dir, "events"))
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	sealer := trail.NewSealer(t, trail.SealOptions{Rows: 5000, Every: time.Minute})
	wg.Go(func() {
		if err := sealer.Run(ctx); err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	})
	wg.Go(func() {
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for n := 0; ; n++ {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			if _, err := t.Append(ctx, appendRecord(n)); err != nil && ctx.Err() == nil {
				b.Error(err)
				return
			}
		}
	})
	b.Cleanup(func() { cancel(); wg.Wait() })
	latest := query.Request{Statement: queryStatement(b, "SELECT max(seq) AS latest FROM CloudTrailLogs WHERE eventSource LIKE '%ssh%'")}
	for name, visible := range map[string]func(event.Entry) error{
		"asking": func(entry event.Entry) error {
			for {
				res, err := e.Query(ctx, latest)
				if err != nil {
					return err
				}
				if seq, _ := res.Rows[0][0].(int64); uint64(seq) >= entry.Seq {
					return nil
				}
			}
		},
		"waiting": func(entry event.Entry) error {
			if err := e.Wait(ctx, entry.Seq); err != nil {
				return err
			}
			_, err := e.Query(ctx, latest)
			return err
		},
	} {
		b.Run(name, func(b *testing.B) {
			var took []time.Duration
			for b.Loop() {
				entry, err := t.Append(ctx, appendRecord(0))
				if err != nil {
					b.Fatal(err)
				}
				start := time.Now()
				if err := visible(entry); err != nil {
					b.Fatal(err)
				}
				took = append(took, time.Since(start))
			}
			queryReport(b, took)
		})
	}
	cancel()
	wg.Wait()
	head := t.Head().Seq
	if err := e.Wait(context.Background(), head); err != nil {
		b.Fatal(err)
	}
	census := query.Request{Statement: queryStatement(b, "SELECT count(*) AS n, count(DISTINCT seq) AS each, max(seq) AS last FROM CloudTrailLogs")}
	res, err := e.Query(context.Background(), census)
	if err != nil {
		b.Fatal(err)
	}
	for _, n := range res.Rows[0] {
		if n != int64(head) {
			b.Fatalf("after %d events the census is %v", head, res.Rows[0])
		}
	}
}

func queryReport(b *testing.B, took []time.Duration) {
	slices.Sort(took)
	ms := func(q float64) float64 { return float64(took[int(q*float64(len(took)-1))]) / 1e6 }
	b.ReportMetric(ms(0.5), "p50-ms")
	b.ReportMetric(ms(0.95), "p95-ms")
	b.ReportMetric(ms(0.99), "p99-ms")
}
