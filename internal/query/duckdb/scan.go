package duckdb

// What a statement read, from DuckDB's own count of it. DuckDB counts row
// groups truly, and rows of Parquet by an estimate that is off by the number of
// threads; so rows and bytes are computed here, from what the files say of
// their row groups.

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/internal/query"
)

// session is a connection that can be asked what its statements read. One
// goroutine at a time may use it; close closes the connection.
type session struct {
	*duckdb.Conn
	pool *sql.DB // of this connection alone: the driver tells the count to a *sql.Conn only
	seen *sql.Conn
}

func (d *database) session(ctx context.Context) (*session, error) {
	c, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	pool := sql.OpenDB(one{c})
	seen, err := pool.Conn(context.WithoutCancel(ctx))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("connect to duckdb: %w", err), pool.Close(), c.Close())
	}
	return &session{c, pool, seen}, nil
}

func (s *session) close() error { return errors.Join(s.seen.Close(), s.pool.Close()) }

// one is a connector to a connection there is.
type one struct{ conn driver.Conn }

func (o one) Connect(context.Context) (driver.Conn, error) { return o.conn, nil }
func (o one) Driver() driver.Driver                        { return duckdb.Driver{} }

// counted are the metrics that are wanted; DuckDB's usual ones take the time of
// every operator.
var counted = func() string {
	wanted := map[string]string{}
	for _, name := range []string{"EXTRA_INFO", "OPERATOR_TYPE", "OPERATOR_NAME", "OPERATOR_ROWS_SCANNED", "OPERATOR_ROW_GROUPS_SCANNED"} {
		wanted[name] = "true"
	}
	text, err := json.Marshal(wanted)
	if err != nil {
		panic(err) // a map of texts
	}
	return string(text)
}()

// watch makes DuckDB count what the next statements read.
func (s *session) watch(ctx context.Context) error {
	for _, setting := range []string{"enable_profiling = 'no_output'", "custom_profiling_settings = " + quote(counted)} {
		if err := execute(ctx, s.Conn, "SET "+setting); err != nil {
			return fmt.Errorf("duckdb setting %s: %w", setting, err)
		}
	}
	return nil
}

// reading is one scan of a statement.
type reading struct {
	memory       bool // of the hot table
	groups, rows int64
	files        int64
	columns      []string
	filter       string
}

// readings are the scans of the last statement; none where it did not get as
// far as running.
func (s *session) readings() []reading {
	root, err := duckdb.GetProfilingInfo(s.seen)
	if err != nil {
		return nil
	}
	var list []reading
	var walk func(duckdb.ProfilingInfo)
	walk = func(p duckdb.ProfilingInfo) {
		for _, child := range p.Children {
			walk(child)
		}
		info := pairs(p.Metrics["EXTRA_INFO"])
		r := reading{groups: count(p.Metrics["OPERATOR_ROW_GROUPS_SCANNED"]), filter: info["Filters"]}
		switch {
		case strings.TrimSpace(p.Metrics["OPERATOR_NAME"]) == "SEQ_SCAN":
			r.memory, r.rows = true, count(p.Metrics["OPERATOR_ROWS_SCANNED"])
		case p.Metrics["OPERATOR_TYPE"] == "TABLE_SCAN" && strings.Contains(p.Metrics["OPERATOR_NAME"], "PARQUET"):
			// What was opened to look at its row groups only is not read.
			r.files = min(max(count(info["Total Files Read"]), 1), r.groups)
		default:
			return
		}
		r.columns = columnsOf(info["Projections"], r.filter)
		list = append(list, r)
	}
	walk(root)
	return list
}

func count(s string) int64 {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f < 0 || f > math.MaxInt64/2 {
		return 0
	}
	return int64(f)
}

// pairs reads a map as DuckDB writes one: {Function=READ_PARQUET, 'a b'='c\'d'}.
func pairs(s string) map[string]string {
	out := map[string]string{}
	s = strings.TrimPrefix(s, "{")
	word := func(stop string) string {
		if !strings.HasPrefix(s, "'") {
			end := strings.IndexAny(s, stop)
			if end < 0 {
				end = len(s)
			}
			w := s[:end]
			s = s[end:]
			return w
		}
		var b strings.Builder
		i := 1
		for ; i < len(s) && s[i] != '\''; i++ {
			if s[i] == '\\' && i+1 < len(s) {
				i++
			}
			b.WriteByte(s[i])
		}
		s = s[min(i+1, len(s)):]
		return b.String()
	}
	for s != "" && s != "}" {
		key := word("=}")
		s = strings.TrimPrefix(s, "=")
		out[key] = word(",}")
		s = strings.TrimPrefix(strings.TrimPrefix(s, ","), " ")
		if key == "" {
			break
		}
	}
	return out
}

var (
	literal = regexp.MustCompile(`'(?:[^']|'')*'`)
	name    = regexp.MustCompile(`[A-Za-z]+`)
)

// columnsOf are the trail's columns that a scan projects or filters by.
func columnsOf(projections, filter string) []string {
	used := map[string]bool{}
	for line := range strings.Lines(projections) {
		column, _, _ := strings.Cut(strings.Trim(strings.TrimSpace(line), `"`), ".")
		used[column] = true
	}
	for _, word := range name.FindAllString(literal.ReplaceAllString(filter, ""), -1) {
		used[word] = true
	}
	var list []string
	for _, c := range trailColumns {
		if used[c.name] {
			list = append(list, c.name)
		}
	}
	return list
}

// weights are what the sealed files weigh. One goroutine makes them; they do
// not change.
type weights struct {
	files        map[string]fileWeight
	groups, rows int64
	bytes        map[string]int64 // compressed, of each column
	record       float64          // mean text of an event in memory
}

type fileWeight struct {
	groups, rows   int64
	bytes          map[string]int64
	oldest, newest time.Time // eventTime; zero where the file does not say
}

// weigh makes the weights of the files now in the catalogue. What was known is
// not read again.
func (h *hot) weigh(ctx context.Context) error {
	var added []string
	last := h.db.weights.Load()
	known := map[string]fileWeight{}
	for _, f := range h.files {
		if w, ok := last.files[f]; ok {
			known[f] = w
		} else {
			added = append(added, f)
		}
	}
	if len(added) > 0 {
		fresh, err := h.weighFiles(ctx, added)
		if err != nil {
			return fmt.Errorf("weigh sealed files: %w", err)
		}
		maps.Copy(known, fresh)
	}
	next := weights{files: known, bytes: map[string]int64{}, record: last.record}
	for _, w := range known {
		next.groups += w.groups
		next.rows += w.rows
		for column, n := range w.bytes {
			next.bytes[column] += n
		}
	}
	h.db.weights.Store(&next)
	return nil
}

// weighRecords keeps the mean of the records that came into memory.
func (h *hot) weighRecords(records, bytes int64) {
	h.records += records
	h.bytes += bytes
	if h.records > 0 {
		next := *h.db.weights.Load()
		next.record = float64(h.bytes) / float64(h.records)
		h.db.weights.Store(&next)
	}
}

func (h *hot) weighFiles(ctx context.Context, paths []string) (map[string]fileWeight, error) {
	out := map[string]fileWeight{}
	rows, err := h.conn.QueryContext(ctx, `SELECT file_name, split_part(path_in_schema, ', ', 1), CAST(count(DISTINCT row_group_id) AS BIGINT),
		CAST(sum(row_group_num_rows) / count(DISTINCT path_in_schema) AS BIGINT), CAST(sum(total_compressed_size) AS BIGINT),
		min(TRY_CAST(stats_min_value AS TIMESTAMP)), max(TRY_CAST(stats_max_value AS TIMESTAMP))
		FROM parquet_metadata(`+pathList(paths)+") GROUP BY ALL", nil)
	if err != nil {
		return nil, err
	}
	row := make([]driver.Value, len(rows.Columns()))
	for err = rows.Next(row); err == nil; err = rows.Next(row) {
		path, _ := row[0].(string)
		column, _ := row[1].(string)
		w, ok := out[path]
		if !ok {
			w.bytes = map[string]int64{}
		}
		w.groups, _ = row[2].(int64)
		w.rows, _ = row[3].(int64)
		w.bytes[column], _ = row[4].(int64)
		if column == "eventTime" {
			w.oldest, _ = row[5].(time.Time)
			w.newest, _ = row[6].(time.Time)
		}
		out[path] = w
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return out, errors.Join(err, rows.Close())
}

// scan is what readings come to.
func (w *weights) scan(list []reading) (all query.Scan, memory int64) {
	for _, r := range list {
		if r.memory {
			memory += r.rows
			all.Rows += r.rows
			all.Bytes += int64(float64(r.rows) * w.record)
			continue
		}
		all.Files += r.files
		all.RowGroups += r.groups
		if w.groups == 0 {
			continue
		}
		share := float64(r.groups) / float64(w.groups)
		all.Rows += int64(math.Round(float64(w.rows) * share))
		for _, column := range r.columns {
			all.Bytes += int64(math.Round(float64(w.bytes[column]) * share))
		}
	}
	return all, memory
}

// bound is a comparison of eventTime with a moment, in a scan's filter.
var bound = regexp.MustCompile(`eventTime(>=|<=|>|<|=)'([0-9: .\-]+)'::TIMESTAMP`)

// span is what a filter leaves of eventTime. Filters of OR leave everything.
func span(filter string) (from, to time.Time) {
	to = time.Unix(1<<40, 0)
	if strings.Contains(literal.ReplaceAllString(filter, ""), " OR ") {
		return from, to
	}
	for _, m := range bound.FindAllStringSubmatch(filter, -1) {
		at, err := time.Parse("2006-01-02 15:04:05.999999", m[2])
		if err != nil {
			continue
		}
		if strings.ContainsAny(m[1], ">=") && m[1] != "<=" && at.After(from) {
			from = at
		}
		if strings.ContainsAny(m[1], "<=") && m[1] != ">=" && at.Before(to) {
			to = at
		}
	}
	return from, to
}

// plan is what an explained statement is answered with.
func (w *weights) plan(list []reading) query.Plan {
	p := query.Plan{AllFiles: int64(len(w.files)), AllGroups: w.groups, Days: []string{}, Columns: []string{}}
	p.Scanned, p.Memory = w.scan(list)
	days, all, used := map[string]bool{}, map[string]bool{}, map[string]bool{}
	day := func(path string) (string, bool) { return strings.CutPrefix(filepath.Base(filepath.Dir(path)), "day=") }
	for path := range w.files {
		if d, ok := day(path); ok {
			all[d] = true
		}
	}
	for _, r := range list {
		for _, column := range r.columns {
			used[column] = true
		}
		if r.memory || r.groups == 0 {
			continue
		}
		from, to := span(r.filter)
		for path, f := range w.files {
			if d, ok := day(path); ok && (f.newest.IsZero() || !f.newest.Before(from) && !f.oldest.After(to)) {
				days[d] = true
			}
		}
	}
	p.AllDays = len(all)
	p.Days = append(p.Days, slices.Sorted(maps.Keys(days))...)
	for _, c := range trailColumns {
		if used[c.name] {
			p.Columns = append(p.Columns, c.name)
		}
	}
	return p
}
