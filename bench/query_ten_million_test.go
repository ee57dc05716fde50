package bench

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/internal/query"
	engine "github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail"
)

const benchStore = "8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10"

// question is one of DESIGN.md 10's, as a person asks it, and as somebody who
// knows DuckDB asks a view f of the same files.
type question struct{ name, text, plain string }

// questions are about a principal who does much but not most, and a day and an
// event in the middle.
func questions(b *testing.B, y *yardstick) []question {
	arn := dataARN(7)
	day := dataStart.AddDate(0, 0, 45)
	from, to := day.Format(time.DateOnly), day.AddDate(0, 0, 1).Format(time.DateOnly)
	eventID := func(condition string) string {
		rows, err := y.ask(fmt.Sprintf("SELECT eventID FROM f WHERE eventTime BETWEEN TIMESTAMP '%s 10:00:00' AND TIMESTAMP '%s 10:01:00' AND %s LIMIT 1", from, from, condition))
		if err != nil || len(rows) != 1 {
			b.Fatalf("%d rows, %v", len(rows), err)
		}
		return rows[0][0].(string)
	}
	ours, aws := eventID("eventType = 'ActivityLog'"), eventID("eventType = 'AwsApiCall'")
	denied := "eventName = 'AuthorizeSecurityGroupIngress' AND errorCode = 'AccessDenied' AND eventSource = 'ssh-proxy-service.yourdomain.com'"
	noMFA := "additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%'"
	between := fmt.Sprintf("eventTime >= TIMESTAMP '%s' AND eventTime < TIMESTAMP '%s'", from, to)
	return []question{
		{"day", "SELECT count(DISTINCT sourceIPAddress) AS n FROM CloudTrailLogs WHERE userIdentity.arn = '" + arn + "' AND eventTime >= '" + from + "' AND eventTime < '" + to + "'",
			"SELECT count(DISTINCT sourceIPAddress) FROM f WHERE userIdentity.arn = '" + arn + "' AND " + between},
		{"day-athena", "SELECT count(DISTINCT sourceipaddress) AS n FROM cloudtrail_logs WHERE useridentity.arn = '" + arn + "' AND eventtime >= '" + from + "T00:00:00Z' AND eventtime < '" + to + "T00:00:00Z'",
			"SELECT count(DISTINCT sourceIPAddress) FROM f WHERE userIdentity.arn = '" + arn + "' AND " + between},
		{"day-store", "SELECT count(DISTINCT sourceIPAddress) AS n FROM $EDS_ID WHERE userIdentity.arn = '" + arn + "' AND eventTime >= '" + from + " 00:00:00' AND eventTime < '" + to + " 00:00:00'",
			"SELECT count(DISTINCT sourceIPAddress) FROM f WHERE userIdentity.arn = '" + arn + "' AND " + between},
		{"identity", "SELECT sourceIPAddress, count(*) AS n FROM CloudTrailLogs WHERE userIdentity.arn = '" + arn + "' GROUP BY sourceIPAddress",
			"SELECT sourceIPAddress, count(*) FROM f WHERE userIdentity.arn = '" + arn + "' GROUP BY sourceIPAddress"},
		{"group", "SELECT eventName, errorCode, count(*) AS n FROM CloudTrailLogs GROUP BY eventName, errorCode ORDER BY n DESC LIMIT 10",
			"SELECT eventName, errorCode, count(*) AS n FROM f GROUP BY eventName, errorCode ORDER BY n DESC LIMIT 10"},
		{"article1", "SELECT * FROM CloudTrailLogs WHERE " + denied + " LIMIT 50", "SELECT * FROM f WHERE " + denied + " LIMIT 50"},
		{"article1-latest", "SELECT * FROM CloudTrailLogs WHERE " + denied + " ORDER BY eventTime DESC LIMIT 50", "SELECT * FROM f WHERE " + denied + " ORDER BY eventTime DESC LIMIT 50"},
		{"article2", "SELECT * FROM CloudTrailLogs WHERE " + noMFA + " LIMIT 100", "SELECT * FROM f WHERE " + noMFA + " LIMIT 100"},
		{"eventID-ours", "SELECT * FROM CloudTrailLogs WHERE eventID = '" + ours + "'", "SELECT * FROM f WHERE eventID = '" + ours + "'"},
		{"eventID-aws", "SELECT * FROM CloudTrailLogs WHERE eventID = '" + aws + "'", "SELECT * FROM f WHERE eventID = '" + aws + "'"},
		{"latest", "SELECT * FROM CloudTrailLogs ORDER BY eventTime DESC LIMIT 50", "SELECT * FROM f ORDER BY eventTime DESC LIMIT 50"},
	}
}

// yardstick is DuckDB in this process, with the worker's settings and its files.
type yardstick struct{ conn *duckdb.Conn }

func newYardstick(b *testing.B, c query.Catalogue) *yardstick {
	b.Helper()
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		b.Fatal(err)
	}
	conn, err := connector.Connect(context.Background())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close(); connector.Close() })
	y := &yardstick{conn.(*duckdb.Conn)}
	for _, text := range []string{
		"SET memory_limit = '" + engine.DefaultMemoryLimit + "'",
		"SET threads = " + strconv.Itoa(runtime.NumCPU()),
		"SET parquet_metadata_cache = true",
		"CREATE VIEW f AS SELECT * FROM read_parquet(['" + strings.Join(c.Files, "', '") + "'], hive_partitioning = false)",
	} {
		if _, err := y.ask(text); err != nil {
			b.Fatal(err)
		}
	}
	return y
}

func (y *yardstick) ask(text string) (list [][]driver.Value, err error) {
	rows, err := y.conn.QueryContext(context.Background(), text, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for {
		row := make([]driver.Value, len(rows.Columns()))
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return list, nil
		case err != nil:
			return nil, err
		}
		list = append(list, row)
	}
}

// request is the question for the engine.
func (q question) request(b *testing.B) query.Request {
	b.Helper()
	s, err := sqlfront.Parse(q.text)
	if err == nil {
		err = s.Check(sqlfront.CloudTrailCatalog().WithStore(benchStore))
	}
	if err != nil {
		b.Fatal(err)
	}
	return query.Request{Statement: s}
}

func answer(b *testing.B, e query.Engine, r query.Request) (rows int, took time.Duration) {
	b.Helper()
	start := time.Now()
	res, err := e.Query(context.Background(), r)
	if err != nil {
		b.Fatal(err)
	}
	return len(res.Rows), time.Since(start)
}

// BenchmarkQueryTenMillion asks DESIGN.md 10's questions of ten million sealed
// events, and plain DuckDB the same of the same files, turn and turn about.
//
//	TRAILGATE_BENCH_DATA=DIR go test ./bench -run '^$' -bench QueryTenMillion -benchtime 15x -timeout 30m
func BenchmarkQueryTenMillion(b *testing.B) {
	dir, events := queryData(b)
	r, err := trail.OpenReader(dir)
	if err != nil {
		b.Fatal(err)
	}
	files, _ := r.Sealed()
	e := queryEngine(b, r, filepath.Join(dir, "events"))
	y := newYardstick(b, files)
	size := float64(dataSize(b, files)) / float64(events)
	for _, q := range questions(b, y) {
		b.Run(q.name, func(b *testing.B) {
			r := q.request(b)
			var ours, plain []time.Duration
			var oursCPU, plainCPU time.Duration
			answer(b, e, r) // the first one waits for the worker to load
			for b.Loop() {
				cpu := workerCPU(b)
				rows, took := answer(b, e, r)
				ours = append(ours, took)
				oursCPU += workerCPU(b) - cpu
				start, cpu := time.Now(), cpuTime(b)
				want, err := y.ask(q.plain)
				plain = append(plain, time.Since(start))
				plainCPU += cpuTime(b) - cpu
				if err != nil || len(want) != rows || rows == 0 {
					b.Fatalf("%s: %d rows, plain DuckDB has %d, %v", q.text, rows, len(want), err)
				}
			}
			queryReport(b, ours)
			b.ReportMetric(median(plain), "plain-p50-ms")
			b.ReportMetric(median(ours)/median(plain), "ours/plain")
			b.ReportMetric(oursCPU.Seconds()*1e3/float64(b.N), "cpu-ms")
			b.ReportMetric(plainCPU.Seconds()*1e3/float64(b.N), "plain-cpu-ms")
			b.ReportMetric(size, "B/event")
			b.ReportMetric(workerPeak(b), "worker-MB")
		})
	}
}

// BenchmarkQueryWhileArriving asks them while 2,000 events a second arrive and
// are sealed, and says how much longer it takes than before; and how long an
// event takes to be seen.
func BenchmarkQueryWhileArriving(b *testing.B) {
	made, _ := queryData(b)
	dir := appendDir(b)
	linkTree(b, filepath.Join(made, "events"), filepath.Join(dir, "events"))
	t := appendTrail(b, dir)
	files, _ := t.Sealed()
	e := queryEngine(b, t, filepath.Join(dir, "events"))
	list := questions(b, newYardstick(b, files))
	idle := make([][]time.Duration, len(list))
	for i, q := range list {
		r := q.request(b)
		for range 9 {
			_, took := answer(b, e, r)
			idle[i] = append(idle[i], took)
		}
	}
	arrive(b, t)
	for i, q := range list {
		b.Run(q.name, func(b *testing.B) {
			r := q.request(b)
			var took []time.Duration
			for b.Loop() {
				_, d := answer(b, e, r)
				took = append(took, d)
			}
			queryReport(b, took)
			b.ReportMetric(median(idle[i]), "idle-p50-ms")
			b.ReportMetric(median(took)/median(idle[i]), "arriving/idle")
			b.ReportMetric(workerPeak(b), "worker-MB")
		})
	}
	b.Run("visible", func(b *testing.B) {
		latest := query.Request{Statement: queryStatement(b, "SELECT max(seq) AS latest FROM CloudTrailLogs WHERE eventTime > now() - INTERVAL '1' HOUR")}
		var took []time.Duration
		for b.Loop() {
			entry, err := t.Append(context.Background(), appendRecord(0))
			if err != nil {
				b.Fatal(err)
			}
			start := time.Now()
			for seen := int64(0); uint64(seen) < entry.Seq; {
				res, err := e.Query(context.Background(), latest)
				if err != nil {
					b.Fatal(err)
				}
				seen, _ = res.Rows[0][0].(int64)
			}
			took = append(took, time.Since(start))
		}
		queryReport(b, took)
		b.ReportMetric(float64(t.Head().Seq), "arrived")
	})
}

// arrive appends 2,000 events a second to t and seals them until the benchmark
// ends.
func arrive(b *testing.B, t *trail.Trail) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := trail.NewSealer(t, trail.SealOptions{Every: 20 * time.Second}).Run(ctx); err != nil && ctx.Err() == nil {
			b.Error(err)
		}
	})
	const writers, each = 8, 4 * time.Millisecond
	for w := range writers {
		wg.Go(func() {
			tick := time.NewTicker(each)
			defer tick.Stop()
			for n := w; ; n += writers {
				select {
				case <-tick.C:
				case <-ctx.Done():
					return
				}
				if _, err := t.Append(ctx, appendRecord(n)); err != nil && ctx.Err() == nil {
					b.Error(err)
					return
				}
			}
		})
	}
	b.Cleanup(func() { cancel(); wg.Wait() })
}

// linkTree gives a tree of files a second name.
func linkTree(b *testing.B, from, to string) {
	b.Helper()
	err := filepath.WalkDir(from, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := filepath.Join(to, strings.TrimPrefix(path, from))
		switch {
		case d.IsDir():
			return os.MkdirAll(name, 0o700)
		case filepath.Ext(path) == ".parquet":
			return os.Link(path, name)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(name, text, 0o600)
	})
	if err != nil {
		b.Fatal(err)
	}
}

// workerStatus is the query worker's file of that name in /proc. The worker is
// this process's only child.
func workerStatus(b *testing.B, name string) []byte {
	b.Helper()
	children, err := filepath.Glob("/proc/self/task/*/children")
	if err != nil {
		b.Fatal(err)
	}
	for _, list := range children {
		pids, err := os.ReadFile(list)
		if err != nil || len(bytes.TrimSpace(pids)) == 0 {
			continue // of another thread, or of one that has ended
		}
		text, err := os.ReadFile("/proc/" + string(bytes.Fields(pids)[0]) + "/" + name)
		if err != nil {
			b.Fatal(err)
		}
		return text
	}
	b.Fatal("there is no query worker")
	return nil
}

// workerPeak is the most memory that the worker has had, in MB.
func workerPeak(b *testing.B) float64 {
	b.Helper()
	_, after, _ := bytes.Cut(workerStatus(b, "status"), []byte("VmHWM:"))
	kb, err := strconv.ParseFloat(string(bytes.Fields(after)[0]), 64)
	if err != nil {
		b.Fatal(err)
	}
	return kb * 1024 / 1e6
}

// workerCPU is the time that the worker has computed.
func workerCPU(b *testing.B) (sum time.Duration) {
	b.Helper()
	_, after, _ := bytes.Cut(workerStatus(b, "stat"), []byte(") "))
	for _, field := range bytes.Fields(after)[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.Atoi(string(field))
		if err != nil {
			b.Fatal(err)
		}
		sum += time.Duration(n) * 10 * time.Millisecond
	}
	return sum
}

func median(took []time.Duration) float64 {
	sorted := slices.Sorted(slices.Values(took))
	return float64(sorted[(len(sorted)-1)/2]) / 1e6
}
