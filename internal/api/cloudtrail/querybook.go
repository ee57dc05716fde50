package cloudtrail

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// The queries of the API and their results, in a directory:
//
//	ID.json   what was asked, by whom, and what became of it
//	ID.rows   the rows, one a line, as GetQueryResults sends them
//
// A query is written down when it starts and when it ends, so a restart keeps
// results and says of what ran that it failed. The life of a query:
//
//	QUEUED ──▶ RUNNING ──▶ FINISHED
//	   │          ├──────▶ FAILED     on the data, or Trailgate stopped
//	   │          ├──────▶ TIMED_OUT  a limit; the rows up to it are kept
//	   └──────────┴──────▶ CANCELLED

// The states of a query.
const (
	queued    = "QUEUED"
	running   = "RUNNING"
	finished  = "FINISHED"
	failed    = "FAILED"
	cancelled = "CANCELLED"
	timedOut  = "TIMED_OUT"
)

var queryStates = []string{queued, running, finished, failed, cancelled, timedOut}

// Bounds of queries.
const (
	maxRunning    = 10                 // queued and running, as CloudTrail Lake has it
	maxOwnRunning = 3                  // of these by all who may ask for their own events only; the engine runs four at a time
	maxOwnEach    = 2                  // by one of them
	keepQueries   = 7 * 24 * time.Hour // and so is this
	keepBytes     = 1 << 30            // of all results; the oldest go first
	keepCount     = 10_000             // of all queries
	maxQueryRows  = 200_000
	maxQueryTime  = 2 * time.Minute
	maxPageBytes  = 4 << 20
	sweepInterval = 10 * time.Minute
)

// asked is one query, as it is kept.
type asked struct {
	ID        string    `json:"id"`
	Statement string    `json:"statement"`
	By        string    `json:"by"`             // the ARN of who asked
	Only      string    `json:"only,omitempty"` // the ARN whose events it was limited to
	Delivery  string    `json:"delivery,omitempty"`
	Created   time.Time `json:"created"`
	Ended     time.Time `json:"ended,omitzero"`
	State     string    `json:"state"`
	Error     string    `json:"error,omitempty"`
	Rows      int       `json:"rows"`
	Bytes     int64     `json:"bytes"` // of the rows kept
	Took      int64     `json:"took"`  // milliseconds

	Read query.Scan `json:"read"`

	DeliveryState string `json:"deliveryState,omitempty"`

	// Whose EndQuery it is.
	Identity event.UserIdentity `json:"identity"`
	Source   string             `json:"source"`
	Agent    string             `json:"agent"`
	Request  string             `json:"request"`
}

func (a asked) over() bool { return a.State != queued && a.State != running }

// queryBook keeps the queries and runs them.
type queryBook struct {
	dir     string
	engine  Queries
	now     func() time.Time
	log     *slog.Logger
	deliver func(ctx context.Context, a asked, names []string, cells [][]string) string // set before run
	ended   func(ctx context.Context, a asked, res *query.Result, err error) error      // records what came of it; set before run
	cut     []asked                                                                     // ran when Trailgate ended; their ends are to be recorded

	mu      sync.Mutex // guards below; no I/O under it
	all     map[string]*asked
	cancels map[string]context.CancelCauseFunc // of what runs
	base    context.Context                    // of what runs; nil while nothing may
	wg      sync.WaitGroup                     // of what runs; Add only with mu and base
}

var (
	errCancelled = errors.New("the query was cancelled")
	errRestarted = "Trailgate was stopped while the query ran: start it again"
	errStopped   = fmt.Errorf("%w: Trailgate was stopped while the query ran", query.ErrUnavailable)
)

// openQueries reads the directory.
func openQueries(o Options) (*queryBook, error) {
	b := &queryBook{dir: o.Dir, engine: o.Queries, now: o.Now, log: o.Log, all: map[string]*asked{}, cancels: map[string]context.CancelCauseFunc{}}
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the directory of query results: %w", err)
	}
	entries, err := os.ReadDir(b.dir)
	if err != nil {
		return nil, fmt.Errorf("read the directory of query results: %w", err)
	}
	for _, e := range entries {
		id, ok := strings.CutSuffix(e.Name(), ".json")
		if !ok || !queryName.MatchString(id) {
			continue
		}
		var a asked
		text, err := os.ReadFile(filepath.Join(b.dir, e.Name()))
		if err == nil {
			err = json.Unmarshal(text, &a)
		}
		if err != nil || a.ID != id || !slices.Contains(queryStates, a.State) {
			o.Log.Warn("a query's result is damaged and left out", "query", id, "err", err)
			continue
		}
		if !a.over() {
			a.State, a.Error, a.Ended = failed, errRestarted, o.Now()
			if err := b.save(a); err != nil {
				return nil, err
			}
			b.cut = append(b.cut, a)
		}
		b.all[id] = &a
	}
	return b, nil
}

// run lets queries run until ctx ends, and removes old results.
func (b *queryBook) run(ctx context.Context) {
	for _, a := range b.cut {
		if err := b.ended(ctx, a, nil, errStopped); err != nil {
			b.log.Error("event not recorded", "event", "EndQuery", "query", a.ID, "err", err)
		}
	}
	b.mu.Lock()
	b.base = ctx
	b.mu.Unlock()
	tick := time.NewTicker(sweepInterval)
	defer tick.Stop()
	for ctx.Err() == nil {
		b.sweep()
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
	b.mu.Lock()
	b.base = nil
	b.mu.Unlock()
	b.wg.Wait()
}

// errBusyQueries is one query too many.
var errBusyQueries = refuse("MaxConcurrentQueriesException", "You are already running the maximum number of concurrent queries. Wait a minute for some queries to finish, and then run the query again.")

// room says whether one more query may start that is limited to the events of
// only, empty for none.
func (b *queryBook) room(only string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.roomLocked(only)
}

// roomLocked leaves room for whoever watches over the trail: those who may look
// at their own events only cannot take all of it.
func (b *queryBook) roomLocked(only string) error {
	if b.base == nil {
		return errBusy
	}
	limited, same := 0, 0
	for id := range b.cancels {
		if o := b.all[id].Only; o != "" {
			limited++
			if o == only {
				same++
			}
		}
	}
	if len(b.cancels) >= maxRunning || only != "" && (limited >= maxOwnRunning || same >= maxOwnEach) {
		return errBusyQueries
	}
	return nil
}

// start begins a query. seq is the newest event it must include.
func (b *queryBook) start(a asked, stmt *sqlfront.Statement, seq uint64) error {
	a.State, a.Created = queued, b.now()
	b.mu.Lock()
	if err := b.roomLocked(a.Only); err != nil {
		b.mu.Unlock()
		return err
	}
	ctx, cancel := context.WithCancelCause(b.base)
	b.all[a.ID], b.cancels[a.ID] = &a, cancel
	first := a
	b.wg.Go(func() { // run waits for it
		b.work(ctx, first, stmt, seq)
		cancel(nil)
	})
	b.mu.Unlock()
	return nil
}

// work runs a query to its end. What came of it is recorded before anybody can
// read a row: a query whose end cannot be recorded has none.
func (b *queryBook) work(ctx context.Context, a asked, stmt *sqlfront.Statement, seq uint64) {
	var res *query.Result
	err := b.save(a)
	if err == nil {
		b.change(&a, func(a *asked) { a.State = running })
		res, err = b.ask(ctx, &a, stmt, seq)
	}
	a.Took = b.now().Sub(a.Created).Milliseconds()
	if res != nil {
		a.Read = res.Scanned
	}
	b.judge(ctx, &a, err)
	if err2 := b.ended(ctx, a, res, b.endOf(ctx, err)); err2 != nil {
		a.State, a.Error, a.Rows, a.Bytes = failed, "what came of the query could not be recorded: start it again", 0, 0
		b.remove(a.ID + ".rows")
	} else if res != nil && err == nil && a.Delivery != "" {
		b.change(&a, func(a *asked) { a.State, a.DeliveryState = running, "PENDING" })
		a.DeliveryState = b.deliver(ctx, a, columnNames(res), texts(res, stmt.Types()))
		b.judge(ctx, &a, nil)
	}
	a.Ended = b.now()
	if err := b.save(a); err != nil {
		b.log.Error("query result not kept", "query", a.ID, "err", err)
		a.State, a.Error = failed, "the result could not be kept"
	}
	b.mu.Lock()
	b.all[a.ID] = &a
	delete(b.cancels, a.ID)
	b.mu.Unlock()
	b.sweep()
}

// judge sets the state of a query that ended with err.
func (b *queryBook) judge(ctx context.Context, a *asked, err error) {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errCancelled):
		a.State, a.Error = cancelled, ""
	case cause != nil:
		a.State, a.Error = failed, errRestarted
	case errors.Is(err, query.ErrLimit):
		a.State, a.Error = timedOut, firstLine(err)
	case errors.Is(err, query.ErrFailed):
		a.State, a.Error = failed, firstLine(err)
	case errors.Is(err, query.ErrUnavailable):
		a.State, a.Error = failed, "the query engine was being restarted: start the query again"
	case err != nil:
		b.log.Error("query failed", "query", a.ID, "err", err)
		a.State, a.Error = failed, "the query could not be run; the server's log says why"
	case a.Error != "":
		a.State = timedOut
	default:
		a.State = finished
	}
}

// endOf is err as its event says it.
func (b *queryBook) endOf(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, errCancelled):
		return fmt.Errorf("%w: %w", cause, context.Canceled)
	case cause != nil:
		return errStopped
	default:
		return err
	}
}

// change shows a step of a query that runs.
func (b *queryBook) change(a *asked, step func(*asked)) {
	step(a)
	shown := *a
	b.mu.Lock()
	b.all[a.ID] = &shown
	b.mu.Unlock()
}

// ask gets the rows and writes them.
func (b *queryBook) ask(ctx context.Context, a *asked, stmt *sqlfront.Statement, seq uint64) (*query.Result, error) {
	waited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if err := b.engine.Wait(waited, seq); err != nil {
		return nil, fmt.Errorf("wait for events up to %d: %w", seq, query.ErrUnavailable)
	}
	res, err := b.engine.Query(ctx, query.Request{Statement: stmt, Only: a.Only, By: a.By, MaxRows: maxQueryRows, Timeout: maxQueryTime})
	if err != nil {
		return res, err
	}
	names := columnNames(res)
	var buf bytes.Buffer
	var line []byte
	for _, row := range res.Rows {
		if line, err = rowJSON(line[:0], names, stmt.Types(), row); err != nil {
			return res, err
		}
		buf.Write(line)
		buf.WriteByte('\n')
	}
	if err := b.write(a.ID+".rows", buf.Bytes()); err != nil {
		return res, err
	}
	a.Rows, a.Bytes = len(res.Rows), int64(buf.Len())
	if res.Truncated {
		a.Error = fmt.Sprintf("there are more rows than the %d that are kept: ask for fewer", len(res.Rows))
	}
	return res, nil
}

func columnNames(res *query.Result) []string {
	names := make([]string, len(res.Columns))
	for i, col := range res.Columns {
		names[i] = col.Name
	}
	return names
}

// texts are a result's cells; NULL is empty, as in every CSV.
func texts(res *query.Result, types []*sqlfront.Type) [][]string {
	out := make([][]string, len(res.Rows))
	for i, row := range res.Rows {
		out[i] = make([]string, len(row))
		for j, v := range row {
			out[i][j], _ = cellText(v, types[j])
		}
	}
	return out
}

// save writes down what became of a query.
func (b *queryBook) save(a asked) error {
	text, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("keep query %s: %w", a.ID, err)
	}
	return b.write(a.ID+".json", text)
}

// write makes a file whole or not at all.
func (b *queryBook) write(name string, content []byte) error {
	tmp, err := os.CreateTemp(b.dir, ".new-*") // mode 0600
	if err != nil {
		return fmt.Errorf("keep a query's result: %w", err)
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(content)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return fmt.Errorf("keep a query's result: %w", err)
	}
	if err := os.Rename(tmp.Name(), filepath.Join(b.dir, name)); err != nil {
		return fmt.Errorf("keep a query's result: %w", err)
	}
	return nil
}

// get is a query that the caller may see: with the whole trail every one,
// otherwise the caller's own that were limited to the caller's events.
func (b *queryBook) get(c *call, id string) (asked, error) {
	if !queryName.MatchString(id) {
		return asked{}, refuse("InvalidParameterException", "%.100q is not the ID of a query", id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	a := b.all[id]
	if a == nil || !a.visible(c) || c.now.Sub(a.Created) > keepQueries {
		return asked{}, refuse("QueryIdNotFoundException", "There is no query %s", id)
	}
	return *a, nil
}

func (a *asked) visible(c *call) bool {
	return !c.own || a.By == c.who.ARN() && a.Only == c.who.ARN()
}

// list is the queries that the caller may see, newest first.
func (b *queryBook) list(c *call) []asked {
	b.mu.Lock()
	defer b.mu.Unlock()
	var list []asked
	for _, a := range b.all {
		if a.visible(c) && c.now.Sub(a.Created) <= keepQueries {
			list = append(list, *a)
		}
	}
	slices.SortFunc(list, func(x, y asked) int { return strings.Compare(y.ID, x.ID) }) // IDs sort by time
	return list
}

// cancel stops a query; false when it is over.
func (b *queryBook) cancel(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	cancel, ok := b.cancels[id]
	if ok {
		cancel(errCancelled)
	}
	return ok
}

// page reads rows from an offset of a result on: at most so many, and no more
// bytes than an answer should have.
func (b *queryBook) page(id string, offset int64, most int) (rows []json.RawMessage, next int64, err error) {
	f, err := os.Open(filepath.Join(b.dir, id+".rows"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, offset, nil // a query without rows to keep
	}
	if err != nil {
		return nil, 0, fmt.Errorf("read a query's result: %w", err)
	}
	defer f.Close()
	if _, err := f.Seek(offset, io.SeekStart); err != nil {
		return nil, 0, fmt.Errorf("read a query's result: %w", err)
	}
	r, size := bufio.NewReaderSize(f, 64<<10), 0
	for len(rows) < most && size < maxPageBytes {
		line, err := r.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, fmt.Errorf("read a query's result: %w", err)
		}
		rows = append(rows, json.RawMessage(line[:len(line)-1]))
		size += len(line)
	}
	return rows, offset + int64(size), nil
}

// sweep removes what is too old, and the oldest of what is too much.
func (b *queryBook) sweep() {
	b.mu.Lock()
	var over []*asked
	for _, a := range b.all {
		if a.over() {
			over = append(over, a)
		}
	}
	slices.SortFunc(over, func(x, y *asked) int { return y.Created.Compare(x.Created) }) // newest first
	var size int64
	var gone []string
	for i, a := range over {
		size += a.Bytes
		if b.now().Sub(a.Created) > keepQueries || size > keepBytes || i >= keepCount {
			gone = append(gone, a.ID)
			delete(b.all, a.ID)
		}
	}
	b.mu.Unlock()
	for _, id := range gone {
		for _, ext := range []string{".rows", ".json"} {
			b.remove(id + ext)
		}
	}
}

func (b *queryBook) remove(name string) {
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil && !errors.Is(err, os.ErrNotExist) {
		b.log.Warn("a query's result is still there", "file", name, "err", err)
	}
}

func firstLine(err error) string {
	s, _, _ := strings.Cut(err.Error(), "\n")
	return s
}
