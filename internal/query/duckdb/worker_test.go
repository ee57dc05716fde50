package duckdb

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
)

// pipeWorker is a worker in this process, spoken to frame by frame.
type pipeWorker struct {
	t   *testing.T
	in  *io.PipeWriter
	out *bufio.Reader
	buf []byte
	err chan error
}

func startPipeWorker(t *testing.T, dir string) *pipeWorker {
	t.Helper()
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	w := &pipeWorker{t: t, in: inW, out: bufio.NewReader(outR), err: make(chan error, 1)}
	go func() {
		w.err <- serveWorker(inR, outW, func(hello) error { return nil }, func(error) { inR.Close() })
	}()
	t.Cleanup(func() {
		inW.Close()
		if err := <-w.err; err != nil {
			t.Errorf("worker ended with %v", err)
		}
	})
	w.send(kindHello, hello{Version: protocolVersion, MemoryLimit: "512MB", MemoryBytes: 512e6, Threads: 2, EventsDir: dir})
	if k, body := w.read(); k != kindReady {
		t.Fatalf("first frame is %d %s, want ready", k, body)
	}
	return w
}

func (w *pipeWorker) send(k kind, v any) {
	w.t.Helper()
	f, err := jsonFrame(k, v)
	if err == nil {
		_, err = w.in.Write(f)
	}
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *pipeWorker) read() (kind, []byte) {
	w.t.Helper()
	k, body, err := readFrame(w.out, &w.buf)
	if err != nil {
		w.t.Fatal(err)
	}
	return k, body
}

func (w *pipeWorker) load(entries ...event.Entry) applied {
	w.t.Helper()
	b := newFrame(kindLoad)
	for _, e := range entries {
		b = appendEntry(b, e)
	}
	b, err := finish(b)
	if err == nil {
		_, err = w.in.Write(b)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return w.applied()
}

func (w *pipeWorker) catalogue(c catalogue) applied {
	w.t.Helper()
	w.send(kindCatalogue, c)
	return w.applied()
}

func (w *pipeWorker) applied() (a applied) {
	w.t.Helper()
	k, body := w.read()
	if k != kindApplied {
		w.t.Fatalf("frame %d %s, want applied", k, body)
	}
	if err := decodeJSON(body, &a); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// query returns the answer of a statement in DuckDB's own dialect.
func (w *pipeWorker) query(text string) (columns, [][]any, done) {
	w.t.Helper()
	return w.ask(ask{ID: 1, SQL: text, MaxRows: 1000, MaxBytes: 1 << 20, Timeout: 20 * time.Second})
}

func (w *pipeWorker) ask(q ask) (head columns, rows [][]any, tail done) {
	w.t.Helper()
	w.send(kindQuery, q)
	for {
		k, body := w.read()
		var err error
		switch k {
		case kindColumns:
			err = decodeJSON(body, &head)
		case kindRows:
			var more [][]any
			more, err = decodeRows(body[8:], len(head.Columns))
			rows = append(rows, more...)
		case kindDone:
			err = decodeJSON(body, &tail)
		default:
			err = fmt.Errorf("frame %d", k)
		}
		if err != nil {
			w.t.Fatal(err)
		}
		if k == kindDone {
			return head, rows, tail
		}
	}
}

func entry(seq uint64, name string) event.Entry {
	return event.Entry{
		Seq:        seq,
		AppendTime: time.Date(2026, 11, 20, 0, 0, int(seq), 123456000, time.UTC),
		JSON: []byte(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"ana"},` +
			`"eventTime":"2026-11-20T00:00:00Z","eventName":"` + name + `","requestParameters":null}`),
	}
}

func TestWorkerRefusesEverythingButOneSelectOverLogs(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret.csv")
	inside := filepath.Join(dir, "inside.csv")
	for _, f := range []string{secret, inside} {
		if err := os.WriteFile(f, []byte("a,b\n1,2\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := startPipeWorker(t, dir)
	w.load(entry(1, "StartSession"))
	for _, text := range []string{
		"DROP VIEW logs",
		"DROP VIEW logs; SELECT 1",
		"SELECT 1; SELECT 2",
		"SELECT 1; DROP VIEW logs",
		"COPY logs TO '" + inside + "'",
		"COPY (SELECT 1) TO '" + inside + "'",
		"EXPORT DATABASE '" + dir + "'",
		"INSERT INTO hot_0 SELECT * FROM hot_0",
		"SELECT * FROM hot_0",
		"SELECT * FROM main.logs",
		"SELECT * FROM '" + inside + "'",
		"SELECT * FROM read_csv('" + inside + "')",
		"SELECT * FROM read_csv('" + secret + "')",
		"SELECT * FROM read_text('" + secret + "')",
		"SELECT (SELECT count(*) FROM read_text('" + secret + "'))",
		"SELECT * FROM logs WHERE eventName IN (SELECT content FROM read_text('" + inside + "'))",
		"WITH t AS (SELECT * FROM read_text('" + secret + "')) SELECT * FROM t",
		"SELECT * FROM logs UNION ALL BY NAME SELECT * FROM read_text('" + secret + "')",
		"SELECT * FROM duckdb_settings()",
		"SELECT * FROM duckdb_secrets()",
		"SELECT * FROM information_schema.tables",
		"SELECT * FROM query('SELECT 1')",
		"SELECT * FROM query_table('logs')",
		"SELECT * FROM (SHOW TABLES)",
		"SELECT * FROM (DESCRIBE logs)",
		"SELECT * FROM range(1000000000)",
		"SET memory_limit = '100GB'",
		"PRAGMA database_list",
		"CALL pragma_version()",
		"SHOW TABLES",
		"DESCRIBE logs",
		"SUMMARIZE logs",
		"ATTACH '" + inside + "' AS x",
		"INSTALL httpfs",
		"LOAD httpfs",
		"CHECKPOINT",
		"BEGIN",
		"CREATE TEMP TABLE t AS SELECT 1",
		"SET VARIABLE x = 1",
		"EXPLAIN ANALYZE SELECT 1",
		"SELEC 1",
		"",
	} {
		_, rows, tail := w.query(text)
		if tail.Outcome == answered || len(rows) > 0 {
			t.Errorf("worker ran %q: %v, want a refusal", text, rows)
		}
		if !strings.Contains(tail.Error, errGuard.Error()) {
			t.Errorf("worker refused %q with %q, want the guard's refusal before DuckDB sees it", text, tail.Error)
		}
	}
	// What is inside still is what it was, and the worker serves.
	if b, err := os.ReadFile(inside); err != nil || string(b) != "a,b\n1,2\n" {
		t.Errorf("file in the events directory is %q, %v", b, err)
	}
	_, rows, tail := w.query("SELECT count(*) FROM logs")
	if diff := cmp.Diff([][]any{{int64(1)}}, rows); diff != "" || tail.Outcome != answered {
		t.Errorf("count after the refusals: %+v %s", tail, diff)
	}
}

// Below the guard, DuckDB itself refuses what reaches outside.
func TestDatabaseIsLockedDown(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(t.TempDir(), "secret.csv")
	if err := os.WriteFile(secret, []byte("a,b\n1,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	d, err := openDatabase(ctx, hello{MemoryLimit: "256MB", Threads: 1, EventsDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	defer d.connector.Close()
	c, err := d.connect(ctx)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, text := range []string{
		"SELECT * FROM read_text('" + secret + "')",
		"SELECT * FROM read_text('" + dir + "/../" + filepath.Base(filepath.Dir(secret)) + "/secret.csv')",
		"SELECT * FROM glob('/etc/*')",
		"COPY (SELECT 1) TO '" + secret + "'",
		"ATTACH '" + secret + ".db' AS x",
		"SET memory_limit = '100GB'",
		"SET GLOBAL enable_external_access = true",
		"RESET lock_configuration",
		"SET TimeZone = 'Asia/Tokyo'",
		"INSTALL httpfs",
		"LOAD httpfs",
	} {
		if err := execute(ctx, c, text); err == nil {
			t.Errorf("DuckDB ran %q, want a refusal", text)
		}
	}
	for text, want := range map[string]any{
		"SELECT 7/2": int32(3),
		"SELECT '' || TIMESTAMPTZ '2026-11-20 00:00:00+09'":                           "2026-11-19 15:00:00+00",
		"SELECT list(x ORDER BY x DESC)::VARCHAR FROM (VALUES (1), (NULL), (2)) t(x)": "[2, 1, NULL]",
	} {
		if got, err := value(ctx, c, text); err != nil || got != want {
			t.Errorf("%s = %v (%T), %v, want %v", text, got, got, err, want)
		}
	}
}

func TestGuardLetsPrintedStatementsPass(t *testing.T) {
	w := startPipeWorker(t, "")
	w.load(entry(1, "a"), entry(2, "b"), entry(3, "a"))
	for _, text := range []string{
		"SELECT * FROM logs",
		"SELECT * FROM (SELECT * FROM logs WHERE seq <= 3) AS CloudTrailLogs WHERE eventName LIKE 'a%'",
		"SELECT eventName, count(*) FILTER (WHERE seq > 1) FROM logs GROUP BY 1 HAVING count(*) > 0 ORDER BY 2 DESC NULLS LAST LIMIT 5",
		"WITH x AS (SELECT seq FROM logs) SELECT a.seq FROM x a JOIN x b ON a.seq = b.seq",
		"SELECT userIdentity.userName FROM logs WHERE seq IN (SELECT max(seq) FROM logs)",
		"SELECT 1",
	} {
		if _, rows, tail := w.query(text); tail.Outcome != answered || len(rows) == 0 {
			t.Errorf("%s: %d rows, %+v", text, len(rows), tail)
		}
	}
}

func TestWorkerEndsOnBrokenProtocol(t *testing.T) {
	for name, frame := range map[string]func() ([]byte, error){
		"unknown frame": func() ([]byte, error) { return finish(newFrame(99)) },
		"no JSON":       func() ([]byte, error) { return finish(append(newFrame(kindQuery), "x"...)) },
		"cut entry":     func() ([]byte, error) { return finish(append(newFrame(kindLoad), 1, 2, 200)) },
		"too long":      func() ([]byte, error) { return []byte{0xff, 0xff, 0xff, 0xff, byte(kindLoad)}, nil },
	} {
		t.Run(name, func(t *testing.T) {
			inR, inW := io.Pipe()
			outR, outW := io.Pipe()
			ended := make(chan error, 1)
			go func() {
				ended <- serveWorker(inR, outW, func(hello) error { return nil }, func(error) { inR.Close() })
			}()
			go func() { _, _ = io.Copy(io.Discard, outR) }()
			defer outW.Close()
			h, err := jsonFrame(kindHello, hello{Version: protocolVersion, MemoryLimit: "64MB", MemoryBytes: 64e6, Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			f, err := frame()
			if err != nil {
				t.Fatal(err)
			}
			if _, err := inW.Write(append(h, f...)); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, errProtocol) {
				t.Errorf("worker ended with %v, want a protocol error", err)
			}
		})
	}
}
