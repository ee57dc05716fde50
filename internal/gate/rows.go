package gate

import (
	"context"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/state"
)

// rows writes session rows. Those that wait are written in one transaction,
// so that many sessions starting at once share its fsync.
type rows struct {
	store state.Store
	queue chan rowWrite
}

type rowWrite struct {
	row  state.Session
	done chan<- error // has room for the answer
}

// rowBatch bounds a transaction.
const rowBatch = 256

func newRows(s state.Store) *rows {
	return &rows{store: s, queue: make(chan rowWrite, rowBatch)} // one batch waits while one is written
}

// put writes row and returns once it is durable.
func (r *rows) put(ctx context.Context, row state.Session) error {
	done := make(chan error, 1)
	select {
	case r.queue <- rowWrite{row, done}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (r *rows) run(ctx context.Context) {
	for {
		var batch []rowWrite
		select {
		case w := <-r.queue:
			batch = append(batch, w)
		case <-ctx.Done():
			return
		}
		for len(batch) < rowBatch {
			select {
			case w := <-r.queue:
				batch = append(batch, w)
				continue
			default:
			}
			break
		}
		err := r.store.Update(ctx, func(tx state.Tx) error {
			for _, w := range batch {
				if err := tx.Sessions().Put(w.row); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			err = fmt.Errorf("write session rows: %w", err)
		}
		for _, w := range batch {
			w.done <- err
		}
	}
}

// causeCrash is the cause of a session that the last process did not end.
const causeCrash = "node stopped"

// EndOrphans ends, in trail and state, the sessions that a process which is
// gone has left without an end, and says how many there were. It is called
// once, before Run.
func (g *Gate) EndOrphans(ctx context.Context) (int, error) {
	var orphans []state.Session
	err := g.Store.View(ctx, func(tx state.Tx) error {
		all, err := tx.Sessions().List()
		for _, s := range all {
			if s.Ended.IsZero() {
				orphans = append(orphans, s)
			}
		}
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("find sessions without an end: %w", err)
	}
	for i, s := range orphans {
		now := g.Now()
		m := event.Meta{
			Time: now, Identity: authn.Principal(g.Origin.AccountID, s.Identity, s.ARN), SourceIP: s.Source,
			ConnectionID: s.Connection,
			Session:      &event.Session{ID: s.ID, Target: s.Target, Login: s.Login, MFA: s.MFA},
		}
		end := event.EndSession{Cause: causeCrash, Millis: now.Sub(s.Started).Milliseconds()}
		if _, err := g.Trail.Append(ctx, g.Origin.Record(m, end)); err != nil {
			return i, fmt.Errorf("end session %s: %w", s.ID, err)
		}
		s.Ended, s.Cause = now.UTC().Truncate(time.Second), causeCrash
		if err := g.Store.Update(ctx, func(tx state.Tx) error { return tx.Sessions().Put(s) }); err != nil {
			return i, fmt.Errorf("end session %s: %w", s.ID, err)
		}
	}
	return len(orphans), nil
}
