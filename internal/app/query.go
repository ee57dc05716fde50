package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

// queries answers people's statements, each recorded before it runs: reading
// the audit log leaves a trace in it.
type queries struct {
	engine query.Engine
	trail  *trail.Trail
	origin event.Origin
	store  string // the trail as an event data store
	now    func() time.Time
}

// Query answers a statement with everything appended before it was asked.
func (q *queries) Query(ctx context.Context, by admin.Actor, in rest.QueryRequest) (*query.Result, error) {
	stmt, err := CheckQuery(in.Statement, in.Parameters, q.store)
	if err != nil {
		return nil, err
	}
	head := q.trail.Head()
	_, err = q.trail.Append(ctx, q.origin.Record(event.Meta{Time: q.now(), Identity: by.Identity, SourceIP: by.Source}, event.StartQuery{Statement: in.Statement, Parameters: in.Parameters}))
	if err != nil {
		return nil, fmt.Errorf("record the query: %w", err)
	}
	waited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := q.engine.Wait(waited, head.Seq); err != nil {
		return nil, fmt.Errorf("wait for events up to %d: %w", head.Seq, query.ErrUnavailable)
	}
	return q.engine.Query(ctx, query.Request{Statement: stmt, MaxRows: in.MaxRows})
}

// CheckQuery reads a statement over the trail's tables, with values for its
// parameters. store is the trail's ID as an event data store.
func CheckQuery(text string, parameters map[string]string, store string) (*sqlfront.Statement, error) {
	stmt, err := sqlfront.Parse(text)
	if err != nil {
		return nil, err
	}
	if stmt, err = stmt.With(parameters); err != nil {
		return nil, err
	}
	if err := stmt.Check(sqlfront.CloudTrailCatalog().WithStore(store).WithBeside()); err != nil {
		return nil, err
	}
	return stmt, nil
}

// NeedsServer is a table of the statement that only a running server has;
// empty for none.
func NeedsServer(stmt *sqlfront.Statement) string {
	for _, t := range stmt.Tables() {
		if slices.Contains(sqlfront.Snapshots, t) {
			return t
		}
	}
	return ""
}

// QueryWorker is the body of the hidden command that a query worker runs.
func QueryWorker() int { return duckdb.WorkerMain() }

// workerCommand is how a query worker is started: this binary, again.
func workerCommand() ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	return []string{self, "query-worker"}, nil
}

// QueryOffline answers a statement that does not need a server from a data
// directory that none is running on. It changes nothing in it.
func QueryOffline(ctx context.Context, cfg config.Config, stmt *sqlfront.Statement, maxRows int) (*query.Result, error) {
	r, err := trail.OpenReader(cfg.DataDir)
	if err != nil {
		return nil, fmt.Errorf("read the trail: %w", err)
	}
	command, err := workerCommand()
	if err != nil {
		return nil, err
	}
	e := duckdb.New(duckdb.Options{Command: command, Source: r, EventsDir: filepath.Join(cfg.DataDir, "events"), Name: "people", Log: slog.New(slog.DiscardHandler)})
	g := newGroup(ctx)
	g.run("query worker", e.Run)
	defer g.stop()
	if err := e.Wait(ctx, r.Head().Seq); err != nil {
		return nil, fmt.Errorf("read the trail: %w", err)
	}
	return e.Query(ctx, query.Request{Statement: stmt, MaxRows: maxRows})
}
