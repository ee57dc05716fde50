package duckdb_test

import (
	"context"
	"log/slog"
	"os"
	"sync"
	"testing"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/query/querytest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	querytest.Exercise(t, func(t testing.TB, s *querytest.Trail) query.Engine {
		e := duckdb.New(duckdb.Options{
			Command:   []string{os.Args[0], "query-worker"},
			Source:    s,
			EventsDir: s.Dir,
			Name:      "test",
			Log:       slog.New(slog.DiscardHandler),
		})
		ctx, cancel := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() {
			if err := e.Run(ctx); err != nil {
				t.Errorf("engine ended with %v", err)
			}
		})
		t.Cleanup(func() { cancel(); wg.Wait() })
		return e
	})
}
