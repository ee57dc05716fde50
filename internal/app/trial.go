package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/respond"
	"github.com/trailgate/trailgate/internal/runbook"
)

// TestRunbooks runs the tests in runbooks' files and reports each as it ends.
func TestRunbooks(ctx context.Context, rbs []*runbook.Runbook, done func(rb *runbook.Runbook, name string, problems []string)) error {
	command, err := workerCommand()
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "trailgate-test-")
	if err != nil {
		return fmt.Errorf("make a scratch directory: %w", err)
	}
	defer os.RemoveAll(dir)
	for _, rb := range rbs {
		report, err := respond.Test(ctx, rb, engines{command, dir})
		if err != nil {
			return err
		}
		for _, t := range report.Tests {
			done(rb, t.Name, t.Problems)
		}
	}
	return nil
}

// engines opens query workers over given events.
type engines struct {
	command []string
	dir     string // an empty directory: these events have no files
}

// Open answers over these events and no others; close it when done.
func (o engines) Open(ctx context.Context, events []event.Entry) (query.Engine, func() error, error) {
	e := duckdb.New(duckdb.Options{Command: o.command, Source: respond.Events(events), EventsDir: o.dir, Name: "test", Threads: 1, Log: slog.New(slog.DiscardHandler)})
	g := newGroup(ctx)
	g.run("query worker", e.Run)
	if len(events) > 0 {
		if err := e.Wait(ctx, events[len(events)-1].Seq); err != nil {
			g.stop()
			return nil, nil, fmt.Errorf("load the test's events: %w", err)
		}
	}
	return e, g.stop, nil
}
