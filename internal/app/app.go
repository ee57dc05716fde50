// Package app wires Trailgate together and runs it: the one place that knows
// every part.
package app

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/cloudtrail"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/lock"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/respond"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

// Options of a node.
type Options struct {
	Version string
	Log     *slog.Logger
}

// App is one node: a gate, a trail, runbooks at work, and the local API.
type App struct {
	cfg     config.Config
	o       Options
	origin  event.Origin
	started time.Time

	trail    *trail.Trail
	sealer   *trail.Sealer
	merger   *trail.Compactor
	store    state.Store
	locks    *lock.Book
	rules    *rules
	people   *duckdb.Engine
	runbooks *duckdb.Engine
	gate     *gate.Gate
	respond  *respond.Responder
	rest     *rest.Server

	forwarders []*forward.Runner
	files      logFiles
	retention  *retention

	awsAPI *cloudtrail.Server // nil when it is off
	awsLn  net.Listener

	gateLn, apiLn net.Listener
	metricsLn     net.Listener          // nil for none
	fault         atomic.Pointer[fault] // the trail's last failed write
}

// fault is a write to the trail that failed.
type fault struct {
	text string
	at   time.Time
}

// Paths in the data directory.
func caDir(cfg config.Config) string        { return filepath.Join(cfg.DataDir, "ca") }
func eventsDir(cfg config.Config) string    { return filepath.Join(cfg.DataDir, "events") }
func recordingDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "recordings") }

// SocketPath is where the local API listens.
func SocketPath(cfg config.Config) string { return filepath.Join(cfg.DataDir, "trailgate.sock") }

// statePath is the SQLite file.
func statePath(cfg config.Config) string { return filepath.Join(cfg.DataDir, "state.db") }

// OriginOf is what all events of an installation share.
func OriginOf(cfg config.Config) event.Origin {
	return event.Origin{EventSource: cfg.EventSource, Region: cfg.Region, AccountID: cfg.AccountID}
}

// New opens everything a node needs and listens. Run must follow: it closes
// what New opened.
func New(ctx context.Context, cfg config.Config, o Options) (_ *App, err error) {
	a := &App{cfg: cfg, o: o, origin: OriginOf(cfg), started: time.Now()}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if _, err := os.Stat(caDir(cfg)); err != nil {
		return nil, fmt.Errorf("%s is not a Trailgate data directory (trailgate init makes one): %w", cfg.DataDir, err)
	}
	keys, err := ca.Load(caDir(cfg))
	if err != nil {
		return nil, err
	}
	books, err := Runbooks(cfg)
	if err != nil {
		return nil, err
	}
	if a.trail, err = trail.Open(cfg.DataDir, trail.Options{Origin: a.origin, OnFault: a.onFault}); err != nil {
		return nil, err
	}
	if err := a.openLogFiles(ctx); err != nil {
		return nil, err
	}
	a.sealer = trail.NewSealer(a.trail, trail.SealOptions{Every: cfg.Trail.SealEvery, OnError: func(err error) {
		o.Log.Error("seal failed, the next one takes its events", "err", err)
	}})
	a.merger = a.newMerger()
	if a.store, err = sqlite.Open(ctx, statePath(cfg)); err != nil {
		return nil, err
	}
	if a.locks, err = lock.New(ctx, lock.Deps{Store: a.store, Trail: a.trail, Origin: a.origin, Now: time.Now, Log: o.Log}); err != nil {
		return nil, err
	}
	a.rules = &rules{store: a.store, locks: a.locks, now: time.Now}
	if err := a.rules.load(ctx); err != nil {
		return nil, fmt.Errorf("compile the policies: %w", err)
	}
	auth, err := a.authenticator(ctx)
	if err != nil {
		return nil, err
	}
	if err := a.engines(); err != nil {
		return nil, err
	}
	a.gate = gate.New(gate.Config{
		Origin: a.origin, Domain: cfg.Gate.Domain, Names: []string{"gate", "gate." + cfg.Gate.Domain}, Trail: a.trail, Rules: a.rules, Store: a.store,
		Authn: auth, CA: keys, Recorders: gate.RecordTo(recordingDir(cfg)), Limits: gateLimits(cfg), Log: o.Log,
	})
	if a.respond, err = a.responder(books); err != nil {
		return nil, err
	}
	a.rest = &rest.Server{
		Origin: a.origin, TrailName: cfg.Trail.Name, Store: a.store, Locks: a.locks, Sessions: apiSessions{a.gate}, Rules: a.rules, Respond: apiRunbooks{a.respond}, Node: a, Log: o.Log,
		Forwarders: apiForwarders{a},
		Deliveries: a,
		Query:      &queries{engine: beside{a.people, a.store}, trail: a.trail, origin: a.origin, store: EventDataStoreID(a.cfg), now: time.Now},
		Admin:      admin.New(admin.Deps{Store: a.store, Trail: a.trail, Enrol: auth, Origin: a.origin, Now: time.Now, Changed: a.changed, StoreID: EventDataStoreID(a.cfg)}),
	}
	if err := a.openForwarders(ctx); err != nil {
		return nil, err
	}
	a.retention = a.newRetention()
	if cfg.Metrics.Listen != "" {
		if a.metricsLn, err = net.Listen("tcp", cfg.Metrics.Listen); err != nil {
			return nil, fmt.Errorf("listen for metrics: %w", err)
		}
	}
	if err := a.openAPI(auth); err != nil {
		return nil, err
	}
	if a.gateLn, err = net.Listen("tcp", cfg.Gate.Listen); err != nil {
		return nil, fmt.Errorf("listen for the gate: %w", err)
	}
	if a.apiLn, err = rest.Listen(SocketPath(cfg)); err != nil {
		return nil, err
	}
	return a, nil
}

// close gives back what New opened, as far as it came.
func (a *App) close() {
	for _, ln := range []net.Listener{a.gateLn, a.apiLn, a.metricsLn, a.awsLn} {
		if ln != nil {
			ln.Close()
		}
	}
	a.files.close()
	if a.store != nil {
		a.store.Close()
	}
	if a.trail != nil {
		a.trail.Close()
	}
}

// feedEvery is how often new events reach the query workers, unless somebody
// waits for them: each feed costs every worker a transaction.
const feedEvery = 100 * time.Millisecond

// engines makes the two query workers: what people ask cannot blind detection.
func (a *App) engines() error {
	command, err := workerCommand()
	if err != nil {
		return err
	}
	worker := func(name string, nice int) *duckdb.Engine {
		return duckdb.New(duckdb.Options{Command: command, Source: a.trail, EventsDir: eventsDir(a.cfg), Name: name, FeedEvery: feedEvery, Nice: nice, Log: a.o.Log})
	}
	// Sessions, the trail and detection come before whoever asks.
	a.people, a.runbooks = worker("people", 5), worker("runbooks", 0)
	return nil
}

// GateAddr is where the gate listens.
func (a *App) GateAddr() net.Addr { return a.gateLn.Addr() }

// Run serves until ctx ends or a part fails. The trail starts first and stops
// last, so that whatever ends can still be recorded.
func (a *App) Run(ctx context.Context) error {
	defer a.close()
	keep := newGroup(context.WithoutCancel(ctx))
	keep.run("trail", a.trail.Run)
	if err := a.start(ctx); err != nil {
		return errors.Join(err, keep.stop())
	}
	keep.run("log files", a.files.deliverer.Run)
	for _, r := range a.forwarders {
		keep.run("forwarder "+r.Status().Name, r.Run)
	}
	g := newGroup(ctx)
	g.run("sealer", a.sealer.Run)
	g.run("merger of seals", a.merger.Run)
	g.run("imports", a.watchImports)
	g.run("query worker for people", a.people.Run)
	g.run("query worker for runbooks", a.runbooks.Run)
	g.run("locks", a.locks.Run)
	g.run("runbooks", a.respond.Run)
	g.run("decisions", a.redecide)
	g.run("retention", a.retention.run)
	if a.metricsLn != nil {
		g.run("metrics", func(ctx context.Context) error { return a.serveMetrics(ctx, a.metricsLn) })
	}
	g.run("local API", func(ctx context.Context) error { return a.rest.Run(ctx, a.apiLn) })
	if a.awsAPI != nil {
		g.run("CloudTrail API", func(ctx context.Context) error { return a.awsAPI.Run(ctx, a.awsLn) })
		a.o.Log.Info("CloudTrail API listening", "url", a.apiURL())
	}
	g.run("gate", func(ctx context.Context) error { return a.gate.Run(ctx, a.gateLn) })
	a.o.Log.Info("gate listening", "address", a.gateLn.Addr().String())

	select {
	case <-g.ctx.Done():
	case <-keep.ctx.Done():
	}
	failed := g.stop()
	cause := "asked to stop"
	if failed != nil {
		cause = failed.Error()
	}
	a.append(context.WithoutCancel(ctx), event.StopNode{Cause: cause})
	a.closeLogFiles(context.WithoutCancel(ctx))
	a.flushForwarders(context.WithoutCancel(ctx))
	return errors.Join(failed, keep.stop())
}

// start records that this node starts, and ends the sessions that a crash left
// without an end.
func (a *App) start(ctx context.Context) error {
	found := a.trail.Opened()
	if found.Repaired != "" {
		a.o.Log.Error("the journal was repaired", "err", found.Repaired)
	}
	cut, err := a.gate.EndOrphans(ctx)
	if err != nil {
		return fmt.Errorf("end the sessions of the last run: %w", err)
	}
	return a.append(ctx, event.StartNode{Version: a.o.Version, TailCut: found.TailCut, SessionsCut: cut})
}

// append records an act of this node itself.
func (a *App) append(ctx context.Context, e event.Event) error {
	bounded, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_, err := a.trail.Append(bounded, a.origin.Record(event.Meta{Time: time.Now(), Identity: nodeIdentity(a.origin), SourceIP: a.origin.EventSource}, e))
	if err != nil {
		a.o.Log.Error("event not recorded", "event", event.Name(e), "err", err)
		return fmt.Errorf("record %s: %w", event.Name(e), err)
	}
	return nil
}

// nodeIdentity is Trailgate itself.
func nodeIdentity(o event.Origin) event.UserIdentity {
	return event.UserIdentity{Type: "Service", AccountID: o.AccountID, InvokedBy: o.EventSource}
}

// changed is called after resources changed: new policies, keys or members
// must reach live sessions at once.
func (a *App) changed() {
	if err := a.rules.load(context.Background()); err != nil {
		a.o.Log.Error("policies not loaded: everything is denied until a change of them loads", "err", err)
	}
	a.gate.Redecide()
}

// redecide has live sessions decided again whenever the locks change.
func (a *App) redecide(ctx context.Context) error {
	for {
		changed := a.locks.Changed()
		a.gate.Redecide()
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

func (a *App) onFault(err error) {
	a.fault.Store(&fault{err.Error(), time.Now()})
	a.o.Log.Error("the trail could not be written", "err", err)
}

// Status says how this node does.
func (a *App) Status() rest.Status {
	head := a.trail.Head()
	sealed, _ := a.trail.Sealed()
	st := rest.Status{
		Version: a.o.Version, PID: os.Getpid(), Gate: a.gateLn.Addr().String(), API: a.apiURL(), Started: a.started,
		Sessions: len(a.gate.Sessions()), TrailSeq: head.Seq, TrailHash: hex.EncodeToString(head.Hash[:]),
		QueriedSeq: a.people.Applied(), DetectedSeq: a.runbooks.Applied(), SealedSeq: sealed.Seq, Keep: a.retention.status(),
	}
	if f := a.fault.Load(); f != nil && !head.Time.After(f.at) {
		st.TrailFault = f.text // and nothing has been appended since
	}
	return st
}

// GotRecording records that somebody looks at a recording.
func (a *App) GotRecording(ctx context.Context, by admin.Actor, session, format string) error {
	_, err := a.trail.Append(ctx, a.origin.Record(event.Meta{Time: time.Now(), Identity: by.Identity, SourceIP: by.Source},
		event.GetRecording{SessionID: session, Format: format}))
	if err != nil {
		return fmt.Errorf("record that the recording is read: %w", err)
	}
	return nil
}
