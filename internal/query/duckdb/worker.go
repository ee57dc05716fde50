package duckdb

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
	"sync"
	"time"
)

// WorkerMain is the body of the hidden command `trailgate query-worker`. It
// serves its parent on stdin and stdout until stdin ends, which it does when
// the parent dies, and returns the process's exit code.
func WorkerMain() int {
	debug.SetMemoryLimit(256 << 20) // Go's part of it; DuckDB's memory is not Go's
	code := func(err error) int {
		if err == nil {
			return 0
		}
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	// A statement that heeds no interrupt would keep a return waiting.
	over := func(err error) { os.Exit(code(err)) }
	return code(serveWorker(os.Stdin, os.Stdout, limitProcess, over))
}

var errCanceled = errors.New("canceled by the parent")

// worker is the child's side of the protocol. Its reader never waits for
// DuckDB, so that a cancellation is always read.
type worker struct {
	db  *database
	hot *hot // owned by feed once serving

	outMu sync.Mutex // guards out; held while writing
	out   io.Writer

	mu      sync.Mutex // guards running
	running map[uint64]context.CancelCauseFunc
}

// step is a load or a catalogue, in the order they came.
type step struct {
	kind kind
	body []byte
}

// serveWorker speaks the protocol until in ends. limit bounds the process
// before DuckDB is opened; over is called as soon as in has ended (nil) or the
// worker cannot go on, and before anything is waited for. It must make reads
// from in end.
func serveWorker(in io.Reader, out io.Writer, limit func(hello) error, over func(error)) error {
	r := bufio.NewReaderSize(in, 64<<10)
	w := &worker{out: out, running: map[uint64]context.CancelCauseFunc{}}
	ctx, cancel := context.WithCancelCause(context.Background())
	if err := w.greet(ctx, r, limit); err != nil {
		cancel(err)
		return err
	}
	steps := make(chan step, 1) // the parent sends one and waits for its answer
	var wg sync.WaitGroup
	wg.Go(func() {
		for s := range steps {
			if err := w.feed(ctx, s); err != nil {
				cancel(err)
				over(err)
				return
			}
		}
	})
	err := w.read(ctx, r, steps, &wg)
	if cause := context.Cause(ctx); cause != nil {
		err = cause // the feed failed first
	}
	over(err)
	cancel(err)
	close(steps)
	wg.Wait()
	return errors.Join(err, w.hot.close(), w.db.connector.Close())
}

// greet answers hello with an open database.
func (w *worker) greet(ctx context.Context, r io.Reader, limit func(hello) error) error {
	var buf []byte
	k, body, err := readFrame(r, &buf)
	if err != nil {
		return fmt.Errorf("read hello: %w", err)
	}
	var h hello
	if k != kindHello {
		return fmt.Errorf("%w: frame %d where hello belongs", errProtocol, k)
	}
	if err := decodeJSON(body, &h); err != nil {
		return err
	}
	if h.Version != protocolVersion {
		return fmt.Errorf("%w: version %d, this worker speaks %d", errProtocol, h.Version, protocolVersion)
	}
	if err := limit(h); err != nil {
		return err
	}
	if w.db, err = openDatabase(ctx, h); err != nil {
		return err
	}
	if w.hot, err = newHot(ctx, w.db); err != nil {
		return err
	}
	version, err := value(ctx, w.hot.conn, "SELECT version()")
	if err != nil {
		return fmt.Errorf("ask duckdb's version: %w", err)
	}
	return w.sendJSON(kindReady, ready{Version: protocolVersion, DuckDB: fmt.Sprint(version)})
}

// read hands out frames until in ends or the worker cannot go on.
func (w *worker) read(ctx context.Context, r io.Reader, steps chan<- step, wg *sync.WaitGroup) error {
	var buf []byte
	tables := snapshots{}
	for {
		k, body, err := readFrame(r, &buf)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		switch k {
		case kindLoad, kindCatalogue:
			select {
			case steps <- step{k, append([]byte(nil), body...)}:
			default:
				return fmt.Errorf("%w: a step before the last one was answered", errProtocol)
			}
		case kindTable:
			if err := tables.take(body); err != nil {
				return err
			}
		case kindQuery, kindCancel:
			var q ask
			if err := decodeJSON(body, &q); err != nil {
				return err
			}
			q.tables = tables.give(q.ID)
			if k == kindCancel {
				w.cancel(q.ID)
				continue
			}
			if err := w.begin(ctx, q, wg); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: unknown frame %d", errProtocol, k)
		}
	}
}

// feed makes one step and says what answers include now. A catalogue that
// cannot be taken over changes nothing; a load that fails ends the worker,
// because the parent counts on it.
func (w *worker) feed(ctx context.Context, s step) error {
	var a applied
	if s.kind == kindLoad {
		notes, err := w.hot.load(s.body)
		if err != nil {
			return err
		}
		a.Notes = notes
	} else {
		var c catalogue
		if err := decodeJSON(s.body, &c); err != nil {
			return err
		}
		if err := w.hot.swap(ctx, c); err != nil {
			a.Error = err.Error()
		} else if err := w.hot.weigh(ctx); err != nil { // only what queries are said to have read is wrong
			a.Notes = append(a.Notes, err.Error())
		}
	}
	a.Seq = w.hot.applied()
	return w.sendJSON(kindApplied, a)
}

// begin starts a statement.
func (w *worker) begin(ctx context.Context, q ask, wg *sync.WaitGroup) error {
	ctx, cancel := context.WithCancelCause(ctx)
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.running[q.ID] != nil {
		cancel(nil)
		return fmt.Errorf("%w: statement %d is running", errProtocol, q.ID)
	}
	w.running[q.ID] = cancel
	wg.Go(func() {
		defer cancel(nil)
		d := w.run(ctx, q)
		w.mu.Lock()
		delete(w.running, q.ID)
		w.mu.Unlock()
		_ = w.sendJSON(kindDone, d) // stdout is gone only when the parent is, and then stdin ends too
	})
	return nil
}

func (w *worker) run(ctx context.Context, q ask) done {
	ctx, stop := context.WithTimeout(ctx, q.Timeout)
	defer stop()
	began := time.Now()
	found, err := w.db.answer(ctx, q, w.send)
	known := w.db.weights.Load()
	d := done{ID: q.ID, Truncated: found.truncated, Outcome: outcomeOf(ctx, err)}
	d.Scanned, _ = known.scan(found.readings)
	if q.Explain && err == nil {
		p := known.plan(found.readings)
		p.Rows, p.Seconds = found.rows, time.Since(began).Seconds()
		err = w.sendJSON(kindPlan, plan{q.ID, p})
	}
	if err != nil {
		d.Error = firstLine(err.Error())
	}
	return d
}

// firstLine leaves out the excerpts of the statement that DuckDB adds.
func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	const limit = 1 << 10
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return s
}

func (w *worker) cancel(id uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if cancel := w.running[id]; cancel != nil {
		cancel(errCanceled)
	}
}

func (w *worker) sendJSON(k kind, v any) error {
	f, err := jsonFrame(k, v)
	if err != nil {
		return err
	}
	return w.send(f)
}

func (w *worker) send(frame []byte) error {
	w.outMu.Lock()
	defer w.outMu.Unlock()
	if _, err := w.out.Write(frame); err != nil {
		return fmt.Errorf("write to the parent: %w", err)
	}
	return nil
}
