package cloudtrail

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Who may ask for their own events only does not keep an auditor from asking.
func TestOwnQueriesLeaveRoomForOthers(t *testing.T) {
	engine := stuck{make(chan struct{}, maxRunning)}
	ctx, cancel := context.WithCancelCause(t.Context())
	b := &queryBook{dir: t.TempDir(), engine: engine, now: time.Now, log: slog.New(slog.DiscardHandler), all: map[string]*asked{}, cancels: map[string]context.CancelCauseFunc{}, base: ctx,
		ended: func(context.Context, asked, *query.Result, error) error { return nil }}
	defer b.wg.Wait()
	defer cancel(errCancelled)
	stmt, err := sqlfront.Parse("SELECT 1")
	if err == nil {
		err = stmt.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		only string
		room bool
	}{{"bob", true}, {"bob", true}, {"bob", false}, {"ana", true}, {"ana", false}, {"eve", false}, {"", true}, {"", true}} {
		a := asked{ID: string(rune('a' + i)), By: c.only, Only: c.only}
		if err := errors.Join(b.room(c.only), b.start(a, stmt, 0)); (err == nil) != c.room {
			t.Errorf("query %d, limited to %q: %v, want room %v", i+1, c.only, err, c.room)
		}
	}
}

// A query whose end cannot be recorded has no rows for anybody.
func TestUnrecordedEndHasNoRows(t *testing.T) {
	b := &queryBook{dir: t.TempDir(), engine: quick{}, now: time.Now, log: slog.New(slog.DiscardHandler), all: map[string]*asked{}, cancels: map[string]context.CancelCauseFunc{}, base: t.Context(),
		deliver: func(context.Context, asked, []string, [][]string) string { t.Error("rows were delivered"); return "" },
		ended: func(_ context.Context, a asked, res *query.Result, err error) error {
			if a.Rows != 1 || res.Scanned.Rows != 7 || err != nil {
				t.Errorf("the end of %+v is %+v, %v", a, res, err)
			}
			return errors.New("the disk is full")
		}}
	stmt, err := sqlfront.Parse("SELECT 1")
	if err == nil {
		err = stmt.Check(sqlfront.CloudTrailCatalog())
	}
	if err == nil {
		err = b.start(asked{ID: "q", By: "ana", Delivery: "s3://somewhere"}, stmt, 0)
	}
	if err != nil {
		t.Fatal(err)
	}
	b.wg.Wait()
	a := b.all["q"]
	if rows, _, err := b.page("q", 0, 10); a.State != failed || a.Rows != 0 || len(rows) != 0 || err != nil {
		t.Errorf("%+v with rows %s, %v", a, rows, err)
	}
}

// quick answers one row at once.
type quick struct{}

func (quick) Wait(context.Context, uint64) error { return nil }
func (quick) Query(context.Context, query.Request) (*query.Result, error) {
	return &query.Result{Columns: []query.Column{{Name: "_col0", Type: "bigint"}}, Rows: [][]any{{int64(1)}}, Scanned: query.Scan{Rows: 7}}, nil
}
