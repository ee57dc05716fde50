package respond

import (
	"context"
	"log/slog"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/runbooks"
)

// BenchmarkEventToAction is the time from StartSession's append to the call
// that ends the session, on a real trail and a real store.
func BenchmarkEventToAction(b *testing.B) {
	dir := b.TempDir()
	tr, err := trail.Open(dir, trail.Options{})
	if err != nil {
		b.Fatal(err)
	}
	store, err := sqlite.Open(b.Context(), filepath.Join(dir, "state.db"))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ends := make(chan struct{}, 2) // the trail and the responder
	all, err := runbooks.All()
	if err != nil {
		b.Fatal(err)
	}
	err = store.Update(ctx, func(tx state.Tx) error {
		return tx.Runbooks().Put(state.Runbook{ID: "session-without-mfa", Enabled: true, Mode: string(runbook.Enforce)})
	})
	if err != nil {
		b.Fatal(err)
	}
	gate := newGate()
	gate.acts = make(chan string, 16)
	r := New(Deps{Store: store, Trail: tr, Origin: origin, Runbooks: all, Notifier: &fakeReceivers{},
		Engine: &goEngine{entries: func() []event.Entry { return nil }}, Log: slog.New(slog.DiscardHandler),
		Actions: action.New(action.Deps{Sessions: gate, Locks: gate, Now: time.Now, Limits: action.Limits{PerRun: 10, PerHour: 1 << 30}})})
	go func() { _ = tr.Run(ctx); ends <- struct{}{} }()
	go func() { _ = r.Run(ctx); ends <- struct{}{} }()
	var took []time.Duration
	for b.Loop() {
		id := event.NewID()
		rec := origin.Record(event.Meta{Time: time.Now(), Session: &event.Session{ID: id, Target: "web1", Login: "x"},
			Identity: event.UserIdentity{Type: "IAMUser", ARN: "arn:aws:iam::123456789012:user/" + id}}, event.StartSession{})
		if _, err := tr.Append(ctx, rec); err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		for what := range gate.acts {
			if what == "terminate "+id {
				break
			}
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	cancel()
	go func() {
		for range gate.acts {
		}
	}()
	<-ends
	<-ends
	if err := store.Close(); err != nil {
		b.Error(err)
	}
	if err := tr.Close(); err != nil {
		b.Error(err)
	}
}
