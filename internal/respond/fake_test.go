package respond

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail"
)

var errFault = errors.New("fault")

// memTrail is a trail in memory. fault, when set, is asked before each append.
type memTrail struct {
	mu      sync.Mutex // guards below
	entries []event.Entry
	more    chan struct{}
	fault   func(rec event.Record, appended bool) error
}

func newTrail() *memTrail { return &memTrail{more: make(chan struct{})} }

func (m *memTrail) Append(ctx context.Context, rec event.Record) (event.Entry, error) {
	m.mu.Lock()
	fault := m.fault
	m.mu.Unlock()
	if fault != nil {
		if err := fault(rec, false); err != nil {
			return event.Entry{}, err
		}
	}
	b, err := json.Marshal(rec)
	if err != nil {
		return event.Entry{}, err
	}
	e := m.put(b, time.Now())
	if fault != nil {
		if err := fault(rec, true); err != nil {
			return event.Entry{}, err
		}
	}
	return e, nil
}

func (m *memTrail) fail(fault func(rec event.Record, appended bool) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fault = fault
}

func (m *memTrail) put(record []byte, at time.Time) event.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.entries); n > 0 && !at.After(m.entries[n-1].AppendTime) {
		at = m.entries[n-1].AppendTime.Add(time.Microsecond)
	}
	e := event.Entry{Seq: uint64(len(m.entries) + 1), AppendTime: at.UTC().Truncate(time.Microsecond), JSON: record}
	m.entries = append(m.entries, e)
	close(m.more)
	m.more = make(chan struct{})
	return e
}

func (m *memTrail) all() []event.Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries)
}

func (m *memTrail) Head() trail.Head {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.entries); n > 0 {
		return trail.Head{Seq: uint64(n), Time: m.entries[n-1].AppendTime}
	}
	return trail.Head{}
}

func (m *memTrail) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	for next := max(from, 1); ; {
		m.mu.Lock()
		es, more := m.entries, m.more
		m.mu.Unlock()
		if next <= uint64(len(es)) {
			end := min(uint64(len(es)), next+99)
			if err := fn(es[next-1 : end]); err != nil {
				return err
			}
			next = end + 1
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// named are the records with an eventName.
func (m *memTrail) named(t testing.TB, name string) []event.Record {
	t.Helper()
	var all []event.Record
	for _, e := range m.all() {
		rec, err := e.Record()
		if err != nil {
			t.Fatal(err)
		}
		if rec.EventName == name {
			all = append(all, rec)
		}
	}
	return all
}

// memStore is a state.Store in memory. fault, when set, is asked before and
// after each commit.
type memStore struct {
	mu    sync.Mutex // guards below
	rows  map[string]map[string]any
	fault func(committed bool) error
}

func newStore() *memStore {
	s := &memStore{rows: map[string]map[string]any{}}
	for _, name := range tables {
		s.rows[name] = map[string]any{}
	}
	return s
}

func (s *memStore) View(_ context.Context, fn func(state.Tx) error) error {
	s.mu.Lock()
	rows := s.rows
	s.mu.Unlock()
	return fn(memTx{rows: rows})
}

func (s *memStore) Update(_ context.Context, fn func(state.Tx) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	rows := make(map[string]map[string]any, len(s.rows))
	for name, t := range s.rows {
		rows[name] = maps.Clone(t)
	}
	if err := fn(memTx{rows: rows}); err != nil {
		return err
	}
	if s.fault != nil {
		if err := s.fault(false); err != nil {
			return err
		}
	}
	s.rows = rows
	if s.fault != nil {
		return s.fault(true)
	}
	return nil
}

func (s *memStore) Close() error { return nil }

// memTx has the tables that are used; the others are nil.
type memTx struct {
	state.Tx
	rows map[string]map[string]any
}

func tableIn[T any](tx memTx, name string, key func(T) string) state.Table[T] {
	return memTable[T]{tx.rows[name], key}
}

// tables are the tables there are.
var tables = []string{"runbooks", "alarms", "runs", "cursors"}

func (tx memTx) Runbooks() state.Table[state.Runbook] {
	return tableIn(tx, "runbooks", func(r state.Runbook) string { return r.ID })
}
func (tx memTx) Alarms() state.Table[state.Alarm] {
	return tableIn(tx, "alarms", func(r state.Alarm) string { return r.ID })
}
func (tx memTx) Runs() state.Table[state.Run] {
	return tableIn(tx, "runs", func(r state.Run) string { return r.ID })
}
func (tx memTx) Cursors() state.Table[state.Cursor] {
	return tableIn(tx, "cursors", func(r state.Cursor) string { return r.Name })
}

type memTable[T any] struct {
	rows map[string]any
	key  func(T) string
}

func (t memTable[T]) Get(id string) (row T, err error) {
	if v, ok := t.rows[id]; ok {
		return clone(v.(T)), nil
	}
	return row, fmt.Errorf("%q: %w", id, state.ErrNotFound)
}

func (t memTable[T]) List() ([]T, error) {
	var all []T
	for _, id := range slices.Sorted(maps.Keys(t.rows)) {
		all = append(all, clone(t.rows[id].(T)))
	}
	return all, nil
}

func (t memTable[T]) Create(row T) error {
	if _, ok := t.rows[t.key(row)]; ok {
		return fmt.Errorf("%q: %w", t.key(row), state.ErrExists)
	}
	return t.Put(row)
}

func (t memTable[T]) Put(row T) error {
	t.rows[t.key(row)] = clone(row)
	return nil
}

func (t memTable[T]) Delete(id string) error {
	if _, ok := t.rows[id]; !ok {
		return state.ErrNotFound
	}
	delete(t.rows, id)
	return nil
}

// clone is a row as the drivers keep it: its JSON.
func clone[T any](row T) T {
	b, err := json.Marshal(row)
	if err != nil {
		panic(err)
	}
	var c T
	if err := json.Unmarshal(b, &c); err != nil {
		panic(err)
	}
	return c
}

// goEngine answers filters of single events in Go, over whatever entries
// gives. down makes it fail.
type goEngine struct {
	entries func() []event.Entry
	rows    int // most rows of an answer; 0 is the request's

	mu   sync.Mutex // guards below
	down bool
}

func (e *goEngine) set(down bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.down = down
}

func (e *goEngine) dead() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.down
}

func (e *goEngine) Query(_ context.Context, r query.Request) (*query.Result, error) {
	if e.dead() {
		return nil, query.ErrUnavailable
	}
	p, ok := r.Statement.Filter()
	if !ok {
		return nil, errors.New("the engine in Go answers filters only")
	}
	most := r.MaxRows
	if e.rows > 0 {
		most = e.rows
	}
	res := &query.Result{}
	var paths [][]string
	for _, c := range r.Statement.Columns() {
		path, _, err := sqlfront.LookupColumn(c)
		if err != nil {
			return nil, err
		}
		res.Columns, paths = append(res.Columns, query.Column{Name: c}), append(paths, path)
	}
	for _, en := range e.entries() {
		if w := r.Window; w != nil && (!en.AppendTime.After(w.Start) || en.AppendTime.After(w.End)) || r.MaxSeq > 0 && en.Seq > r.MaxSeq {
			continue
		}
		row, err := sqlfront.EventRow(en.JSON, en.Seq, en.AppendTime)
		if err != nil {
			return nil, err
		}
		if p.Eval(row) != sqlfront.True {
			continue
		}
		if len(res.Rows) == most {
			res.Truncated = true
			break
		}
		cells := make([]any, len(paths))
		for i, path := range paths {
			cells[i] = row.Column(path...).Any()
		}
		res.Rows = append(res.Rows, cells)
	}
	return res, nil
}

func (e *goEngine) Applied() uint64 { return uint64(len(e.entries())) }

func (e *goEngine) Explain(context.Context, query.Request) (*query.Plan, error) {
	return nil, errors.ErrUnsupported // a runbook asks for none
}

func (e *goEngine) Wait(ctx context.Context, _ uint64) error {
	if e.dead() {
		return query.ErrUnavailable
	}
	return ctx.Err()
}

// goEngines makes goEngines for tests of runbooks.
type goEngines struct{}

func (goEngines) Open(_ context.Context, events []event.Entry) (query.Engine, func() error, error) {
	return &goEngine{entries: func() []event.Entry { return events }}, func() error { return nil }, nil
}

// fakeGate is sessions and locks. What it did survives a crash of the rest.
type fakeGate struct {
	mu    sync.Mutex // guards below
	ended map[string]int
	live  map[string]bool
	locks map[string]policy.Lock
	made  int
	fault func(acted bool) error
	acts  chan string // told of each act; nil for none
}

func newGate() *fakeGate {
	return &fakeGate{ended: map[string]int{}, live: map[string]bool{}, locks: map[string]policy.Lock{}}
}

var errNotLive = errors.New("not live")

func (g *fakeGate) act(what string, do func() error) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.fault != nil {
		if err := g.fault(false); err != nil {
			return err
		}
	}
	if err := do(); err != nil {
		return err
	}
	if g.acts != nil {
		g.acts <- what
	}
	if g.fault != nil {
		return g.fault(true)
	}
	return nil
}

func (g *fakeGate) Terminate(_ context.Context, id, _ string, _ action.By) error {
	return g.act("terminate "+id, func() error {
		if g.ended[id] > 0 {
			return errNotLive
		}
		g.ended[id]++
		return nil
	})
}

func (g *fakeGate) Create(_ context.Context, l policy.Lock, _ event.UserIdentity) (policy.Lock, error) {
	err := g.act("lock "+string(l.Effect), func() error {
		if _, ok := g.locks[l.ID]; !ok {
			g.locks[l.ID] = l
			g.made++
		}
		return nil
	})
	return l, err
}

func (g *fakeGate) Active(time.Time) []policy.Lock {
	g.mu.Lock()
	defer g.mu.Unlock()
	return slices.Collect(maps.Values(g.locks))
}

// fakeReceivers takes notifications in; a webhook-id counts once, as it does
// with a receiver that follows the standard.
type fakeReceivers struct {
	mu    sync.Mutex // guards below
	got   map[string]int
	fault func() error
}

func (f *fakeReceivers) Send(_ context.Context, to string, m action.Message) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fault != nil {
		if err := f.fault(); err != nil {
			return 0, err
		}
	}
	if f.got == nil {
		f.got = map[string]int{}
	}
	f.got[m.ID]++
	return 200, nil
}

func (f *fakeReceivers) fail(fault func() error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fault = fault
}
