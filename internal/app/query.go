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
func (q *queries) Query(ctx context.Context, by admin.Actor, in rest.QueryRequest) (res *query.Result, err error) {
	err = q.recorded(ctx, by, in, false, func(r query.Request) (*query.Result, error) {
		res, err = q.engine.Query(ctx, r)
		return res, err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// Explain runs a statement and says what it reads. Its rows are given to
// nobody, yet it is a query as any other.
func (q *queries) Explain(ctx context.Context, by admin.Actor, in rest.QueryRequest) (p *query.Plan, err error) {
	err = q.recorded(ctx, by, in, true, func(r query.Request) (*query.Result, error) {
		if p, err = q.engine.Explain(ctx, r); err != nil {
			return nil, err
		}
		return &query.Result{Scanned: p.Scanned}, nil
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// recorded asks a question: StartQuery is durable before it is put, EndQuery
// before anybody learns what came of it.
func (q *queries) recorded(ctx context.Context, by admin.Actor, in rest.QueryRequest, explain bool, ask func(query.Request) (*query.Result, error)) error {
	stmt, err := CheckQuery(in.Statement, in.Parameters, q.store)
	if err != nil {
		return err
	}
	head, id, began := q.trail.Head(), event.NewID(), q.now()
	meta := event.Meta{Time: began, Identity: by.Identity, SourceIP: by.Source}
	asked := event.StartQuery{Statement: in.Statement, Parameters: in.Parameters, QueryID: id}
	if explain {
		asked.Explain = &explain
	}
	if _, err := q.trail.Append(ctx, q.origin.Record(meta, asked)); err != nil {
		return fmt.Errorf("record the query: %w", err)
	}
	var res *query.Result
	waited, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err = q.engine.Wait(waited, head.Seq); err != nil {
		err = fmt.Errorf("wait for events up to %d: %w", head.Seq, query.ErrUnavailable)
	} else {
		res, err = ask(query.Request{Statement: stmt, MaxRows: in.MaxRows, By: by.Identity.ARN})
	}
	end, code, message := query.Ended(id, res, q.now().Sub(began), err)
	meta.Time, meta.ErrorCode, meta.ErrorMessage = q.now(), code, message
	// A question that nobody waits for any more has an end, too.
	kept, stop := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer stop()
	if _, failed := q.trail.Append(kept, q.origin.Record(meta, end)); failed != nil {
		return fmt.Errorf("record what came of the query: %w", failed)
	}
	return err
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
func QueryOffline(ctx context.Context, cfg config.Config, stmt *sqlfront.Statement, maxRows int) (res *query.Result, err error) {
	err = offline(ctx, cfg, func(e query.Engine) (err error) {
		res, err = e.Query(ctx, query.Request{Statement: stmt, MaxRows: maxRows})
		return err
	})
	if err != nil {
		return nil, err
	}
	return res, nil
}

// ExplainOffline runs a statement as QueryOffline does, and says what it reads.
func ExplainOffline(ctx context.Context, cfg config.Config, stmt *sqlfront.Statement, maxRows int) (p *query.Plan, err error) {
	err = offline(ctx, cfg, func(e query.Engine) (err error) {
		p, err = e.Explain(ctx, query.Request{Statement: stmt, MaxRows: maxRows})
		return err
	})
	return p, err
}

// offline calls use with an engine over a data directory.
func offline(ctx context.Context, cfg config.Config, use func(query.Engine) error) error {
	r, err := trail.OpenReader(cfg.DataDir)
	if err != nil {
		return fmt.Errorf("read the trail: %w", err)
	}
	command, err := workerCommand()
	if err != nil {
		return err
	}
	e := duckdb.New(duckdb.Options{Command: command, Source: r, EventsDir: filepath.Join(cfg.DataDir, "events"), Name: "people", Log: slog.New(slog.DiscardHandler)})
	g := newGroup(ctx)
	g.run("query worker", e.Run)
	defer g.stop()
	if err := e.Wait(ctx, r.Head().Seq); err != nil {
		return fmt.Errorf("read the trail: %w", err)
	}
	return use(e)
}
