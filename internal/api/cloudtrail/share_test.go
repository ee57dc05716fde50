package cloudtrail

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Who may ask for their own events only does not keep an auditor from asking.
func TestOwnQueriesLeaveRoomForOthers(t *testing.T) {
	engine := stuck{make(chan struct{}, maxRunning)}
	ctx, cancel := context.WithCancelCause(t.Context())
	b := &queryBook{dir: t.TempDir(), engine: engine, now: time.Now, log: slog.New(slog.DiscardHandler), all: map[string]*asked{}, cancels: map[string]context.CancelCauseFunc{}, base: ctx}
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
