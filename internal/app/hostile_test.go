package app

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	randv2 "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// The test binary is its own query worker.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(QueryWorker())
	}
}

// hostileWorld is a whole node with a trail that grows, a runbook that looks at
// it, and somebody who asks.
type hostileWorld struct {
	t   *testing.T
	app *App
	dir string

	mu     sync.Mutex // guards below
	append []time.Duration
	alarm  []time.Duration
	opened map[string]time.Time // sessions whose alarm has not come

	slack time.Duration // beyond stopWithin
}

func newHostileWorld(t *testing.T) *hostileWorld {
	t.Helper()
	dir, err := os.MkdirTemp("", "tg") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	cfg := config.Default()
	cfg.DataDir, cfg.AccountID, cfg.Region, cfg.Gate.Listen = filepath.Join(dir, "data"), "111122223333", "eu-west-1", "127.0.0.1:0"
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Init(t.Context(), cfg, FirstAdmin{Name: "admin", PublicKey: string(ssh.MarshalAuthorizedKey(key))}); err != nil {
		t.Fatal(err)
	}
	a, err := New(t.Context(), cfg, Options{Version: "test", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	w := &hostileWorld{t: t, app: a, dir: dir, opened: map[string]time.Time{}}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := a.Run(ctx); err != nil {
			t.Errorf("the node ended: %v", err)
		}
	})
	wg.Go(func() { w.watch(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return w
}

// watch notes when each alarm is in the trail.
func (w *hostileWorld) watch(ctx context.Context) {
	err := w.app.trail.Follow(ctx, 1, func(entries []event.Entry) error {
		for _, e := range entries {
			if !strings.Contains(string(e.JSON), `"SetAlarmState"`) {
				continue
			}
			w.mu.Lock()
			for session, since := range w.opened {
				if strings.Contains(string(e.JSON), session) {
					w.alarm = append(w.alarm, time.Since(since))
					delete(w.opened, session)
				}
			}
			w.mu.Unlock()
		}
		return nil
	})
	if ctx.Err() == nil {
		w.t.Errorf("following the trail ended: %v", err)
	}
}

// load appends 200 events a second, one in forty of them a session without a
// second factor, until ctx ends.
func (w *hostileWorld) load(ctx context.Context) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		id := event.NewID()
		mfa := n%40 != 0
		meta := event.Meta{Time: time.Now(), Identity: event.UserIdentity{Type: "IAMUser", UserName: "bob", ARN: "arn:aws:iam::111122223333:user/bob"}, SourceIP: "203.0.113.7",
			Session: &event.Session{ID: id, Target: "web1", Login: "root", MFA: mfa}}
		var e event.Event = event.ExecuteCommand{Command: "ls"}
		if !mfa {
			e = event.StartSession{}
		}
		start := time.Now()
		if !mfa {
			w.mu.Lock()
			w.opened[id] = start
			w.mu.Unlock()
		}
		if _, err := w.app.trail.Append(context.WithoutCancel(ctx), w.app.origin.Record(meta, e)); err != nil {
			w.t.Errorf("append: %v", err)
			return
		}
		w.mu.Lock()
		w.append = append(w.append, time.Since(start))
		w.mu.Unlock()
	}
}

// figures are the p99 of Append and the p95 of event to alarm since the last
// time; p95, because there are few alarms in a phase.
func (w *hostileWorld) figures() (appended, alarmed time.Duration, alarms int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	appended, alarmed, alarms = quantile(w.append, 0.99), quantile(w.alarm, 0.95), len(w.alarm)
	w.append, w.alarm = nil, nil
	return
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return list[int(q*float64(len(list)-1))]
}

// workers are the resident bytes of this process's children, the query workers.
func workers() (peak int64) {
	tasks, _ := filepath.Glob("/proc/self/task/*/children")
	for _, f := range tasks {
		text, err := os.ReadFile(f)
		if err != nil {
			continue
		}
		for _, pid := range strings.Fields(string(text)) {
			peak = max(peak, resident("/proc/"+pid+"/status", "VmRSS:"))
		}
	}
	return peak
}

func resident(file, field string) int64 {
	text, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, field); ok {
			n, _ := strconv.ParseInt(strings.Fields(rest)[0], 10, 64)
			return n << 10
		}
	}
	return 0
}

// stopWithin is how late a statement may be; beside other tests the system may
// be late as well.
const (
	stopWithin = 500 * time.Millisecond
	crowded    = 2 * time.Second
)

// neverRead are the families of which no statement may be taken for SQL.
var neverRead = []string{"file as a table", "file by a function", "table function", "no SELECT", "stacked", "system table", "system function"}

// Whatever is asked, it is refused with its place or stopped at its limit, and
// meanwhile the trail takes events and its runbooks see them as before.
//
// TRAILGATE_HOSTILE=all runs every statement with a limit of two seconds;
// otherwise all that are refused and a sample of the others, with less.
func TestHostileStatements(t *testing.T) {
	w := newHostileWorld(t)
	canary := filepath.Join(w.dir, "canary.csv")
	const secret = "nobody-reads-this"
	if err := os.WriteFile(canary, []byte("a\n"+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	events := eventsDir(w.app.cfg)
	var bombs []hostile
	store := EventDataStoreID(w.app.cfg)
	for _, h := range hostileStatements(canary, events) {
		_, err := CheckQuery(h.text, nil, store)
		var placed *sqlfront.Error
		switch {
		case err == nil && slices.Contains(neverRead, h.family):
			t.Errorf("%s: %.200q is taken", h.family, h.text)
		case err == nil:
			bombs = append(bombs, h)
		case !errors.As(err, &placed) || placed.Line < 1 || placed.Column < 1:
			t.Errorf("%s: %.200q is refused without its place: %v", h.family, h.text, err)
		}
	}
	all := os.Getenv("TRAILGATE_HOSTILE") == "all"
	// The sample runs beside other tests; what must hold then is that nothing
	// stands still. Below DESIGN.md 10's own goals nothing is too slow.
	limit, quiet, appendFloor, alarmFloor := 300*time.Millisecond, 3*time.Second, 250*time.Millisecond, time.Second
	if all {
		limit, quiet, appendFloor, alarmFloor = 2*time.Second, 30*time.Second, 20*time.Millisecond, 500*time.Millisecond
	} else {
		seed := uint64(time.Now().UnixNano())
		t.Logf("sample of seed %d", seed)
		w.slack = crowded
		r := randv2.New(randv2.NewPCG(seed, 0))
		r.Shuffle(len(bombs), func(i, j int) { bombs[i], bombs[j] = bombs[j], bombs[i] })
		bombs = bombs[:24]
	}

	ctx, cancel := context.WithCancel(t.Context())
	var writing sync.WaitGroup
	writing.Go(func() { w.load(ctx) })
	defer writing.Wait()
	defer cancel()
	select { // both workers up, some events there
	case <-time.After(quiet / 2):
	case <-ctx.Done():
	}
	w.figures()
	<-time.After(quiet)
	calmAppend, calmAlarm, calmAlarms := w.figures()

	peak, done := int64(0), make(chan struct{})
	var sampling sync.WaitGroup
	sampling.Go(func() {
		for {
			select {
			case <-time.After(50 * time.Millisecond):
				peak = max(peak, workers())
			case <-done:
				return
			}
		}
	})
	outcomes, slowest := map[string]int{}, time.Duration(0)
	var mu sync.Mutex // guards outcomes and slowest
	next := make(chan hostile)
	var asking sync.WaitGroup
	for i := range 4 {
		by := fmt.Sprintf("arn:aws:iam::111122223333:user/eve%d", i)
		asking.Go(func() {
			for h := range next {
				outcome, took := w.ask(ctx, h, by, store, limit, secret)
				mu.Lock()
				outcomes[outcome]++
				slowest = max(slowest, took)
				mu.Unlock()
			}
		})
	}
	for _, h := range bombs {
		next <- h
	}
	close(next)
	asking.Wait()
	close(done)
	sampling.Wait()
	hostAppend, hostAlarm, hostAlarms := w.figures()
	<-time.After(quiet)
	againAppend, againAlarm, _ := w.figures()
	t.Logf("%d statements ran: %v; the slowest %s of a limit of %s; worker's peak %d MB; own %d MB", len(bombs), outcomes, slowest, limit, peak>>20, resident("/proc/self/status", "VmHWM:")>>20)
	t.Logf("append p99 %s and %s while nobody asked, %s meanwhile; event to alarm p95 %s and %s, %s of %d meanwhile", calmAppend, againAppend, hostAppend, calmAlarm, againAlarm, hostAlarm, hostAlarms)
	calmAppend, calmAlarm = max(calmAppend, againAppend), max(calmAlarm, againAlarm)

	if calmAlarms == 0 || hostAlarms == 0 {
		t.Errorf("alarms: %d while nobody asked, %d meanwhile: want some of both", calmAlarms, hostAlarms)
	}
	if most := max(2*calmAppend, appendFloor); hostAppend > most {
		t.Errorf("append took %s (p99), want at most %s", hostAppend, most)
	}
	if most := max(2*calmAlarm, alarmFloor); hostAlarm > most {
		t.Errorf("an alarm took %s (p95), want at most %s", hostAlarm, most)
	}
	// DuckDB's limit of 1 GB is of its own pool; the rest is what the process may map.
	if peak > 4<<30 {
		t.Errorf("a worker had %d MB", peak>>20)
	}
	// The engine serves on, and nothing was written where events lie or beside it.
	res, err := w.app.people.Query(t.Context(), hostileRequest(t, "SELECT count(*) FROM CloudTrailLogs", store, 20*time.Second))
	if err != nil || res.Rows[0][0].(int64) == 0 {
		t.Errorf("afterwards: %v, %v", res, err)
	}
	if err := filepath.WalkDir(w.dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasPrefix(path, events) && !strings.HasPrefix(filepath.Base(filepath.Dir(path)), "day=") && filepath.Ext(path) == ".parquet" {
			t.Errorf("%s was written", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
	if text, err := os.ReadFile(canary); err != nil || !strings.Contains(string(text), secret) {
		t.Errorf("the canary is %q, %v", text, err)
	}
}

func hostileRequest(t *testing.T, text, store string, limit time.Duration) query.Request {
	t.Helper()
	s, err := CheckQuery(text, nil, store)
	if err != nil {
		t.Fatal(err)
	}
	return query.Request{Statement: s, Timeout: limit, MaxRows: 1000}
}

// ask puts one statement and says what came of it.
func (w *hostileWorld) ask(ctx context.Context, h hostile, by, store string, limit time.Duration, secret string) (outcome string, took time.Duration) {
	r := hostileRequest(w.t, h.text, store, limit)
	r.By = by
	start := time.Now()
	res, err := w.app.people.Query(ctx, r)
	took = time.Since(start)
	if took > limit+stopWithin+w.slack {
		w.t.Errorf("%s: stopped after %s of a limit of %s: %.300s", h.family, took, limit, h.text)
	}
	switch {
	case err == nil:
		if strings.Contains(fmt.Sprint(res.Rows), secret) {
			w.t.Errorf("%s: %.300s read the canary", h.family, h.text)
		}
		return "answered", took
	case errors.Is(err, query.ErrLimit):
		return "stopped", took
	case errors.Is(err, query.ErrFailed):
		return "failed on the data", took
	case errors.Is(err, query.ErrUnavailable):
		return "its worker was restarted", took
	}
	w.t.Errorf("%s: %v: %.300s", h.family, err, h.text)
	return "broken", took
}
