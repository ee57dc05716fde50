package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// Retention runs when a node starts and every hour after. What a tombstone has
// announced it finishes whatever the settings say now.
const (
	retentionEvery = time.Hour
	// sealGrace is how long seals stay after they have left the catalogue: longer
	// than a query may run.
	sealGrace = time.Minute
)

// retention removes what is older than the settings keep.
type retention struct {
	trail *trail.Trail
	store state.Store
	keep  time.Duration  // 0 keeps all
	files trail.LogFiles // nil when there are none
	// needed are the oldest events that readers still need: log files to be
	// written, forwarders whose sink is down.
	needed []func() uint64
	now    func() time.Time
	grace  time.Duration
	log    *slog.Logger
	origin event.Origin
	// clockFile is what the last round saw of the clock.
	clockFile string

	failed atomic.Pointer[string] // why the last round failed; nil when it did not
}

// newRetention is this node's.
func (a *App) newRetention() *retention {
	files := logfile.Archive{Layout: a.files.layout, Bucket: a.files.bucket}
	r := &retention{trail: a.trail, store: a.store, keep: a.cfg.Trail.KeepFor(), files: files, now: time.Now, grace: sealGrace, log: a.o.Log,
		origin: a.origin, clockFile: filepath.Join(a.cfg.DataDir, "retention-clock.json")}
	r.needed = append(r.needed, a.files.undelivered)
	for _, f := range a.forwarders {
		r.needed = append(r.needed, f.Needed)
	}
	return r
}

// run prunes now and every hour until ctx ends.
func (r *retention) run(ctx context.Context) error {
	tick := time.NewTicker(retentionEvery)
	defer tick.Stop()
	for {
		err := r.round(ctx)
		if ctx.Err() != nil {
			return nil
		}
		r.failed.Store(nil)
		if err != nil {
			text := err.Error()
			r.failed.Store(&text)
			r.log.Error("retention failed, it is tried again in an hour", "err", err)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// round removes all that may go now.
func (r *retention) round(ctx context.Context) error {
	for {
		if e, err := r.trail.FinishPrune(ctx, r.files, r.grace); err != nil {
			return err
		} else if e != nil {
			r.log.Info("retention removed events", "first", e.First, "last", e.Last, "segments", len(e.Segments), "digests", e.Digests, "logFiles", e.LogFiles)
		}
		if r.keep == 0 {
			return nil
		}
		if err := r.trustClock(ctx); err != nil {
			return err
		}
		announced, err := r.announce(ctx)
		if err != nil || !announced {
			return err
		}
	}
}

// announce appends the tombstone of what may go now, if anything may. The holds
// are read again in the transaction that the tombstone is appended in: a hold
// that was acknowledged before it keeps what it covers.
func (r *retention) announce(ctx context.Context) (bool, error) {
	for {
		holds, err := r.holds(ctx)
		if err != nil {
			return false, err
		}
		plan, err := r.trail.PlanPrune(ctx, r.options(holds))
		if err != nil || plan == nil {
			return false, err
		}
		err = r.store.Update(ctx, func(tx state.Tx) error {
			now, err := tx.Holds().List()
			if err != nil {
				return err
			}
			if !sameHolds(holds, now) {
				return errHoldsChanged
			}
			return r.trail.AnnouncePrune(ctx, plan)
		})
		if !errors.Is(err, errHoldsChanged) {
			return err == nil, err
		}
	}
}

var errHoldsChanged = errors.New("the legal holds changed")

func sameHolds(a, b []state.Hold) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a { // by ID, and a hold never changes
		if a[i].ID != b[i].ID {
			return false
		}
	}
	return true
}

func (r *retention) holds(ctx context.Context) (holds []state.Hold, err error) {
	err = r.store.View(ctx, func(tx state.Tx) error {
		holds, err = tx.Holds().List()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the legal holds: %w", err)
	}
	return holds, nil
}

// options say what may go now.
func (r *retention) options(holds []state.Hold) trail.PruneOptions {
	before := r.now().Add(-r.keep)
	o := trail.PruneOptions{
		Before: before,
		UpTo:   r.trail.Head().Seq,
		// A segment goes as a whole: each is to span a day at most, or an eighth of
		// a short retention.
		Turn:     r.now().Add(-min(24*time.Hour, r.keep/8)),
		LogFiles: r.files,
	}
	for _, needed := range r.needed {
		if n := needed(); n > 0 {
			o.UpTo = min(o.UpTo, n-1)
		}
	}
	for _, h := range holds {
		o.Holds = append(o.Holds, trail.Span{From: h.From, To: h.To})
	}
	return o
}

// status is what trail status shows of retention.
func (r *retention) status() rest.Keep {
	s := rest.Keep{First: r.trail.First()}
	if r.keep > 0 {
		s.Retention = config.SpanText(r.keep)
	}
	if e, done, ok := r.trail.Pruned(); ok {
		s.PrunedSeq, s.PruneUnfinished = uint64(e.Last), !done
	}
	if failed := r.failed.Load(); failed != nil {
		s.Error = *failed
	}
	if holds, err := r.holds(context.Background()); err == nil {
		s.Holds = len(holds)
	} else {
		s.Error = cmp.Or(s.Error, err.Error())
	}
	return s
}
