package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// The relations that statements read: what is not sealed, and the files. They
// are read apart, because of a UNION an engine reads whole structs, and every
// row whole that may be among the first; logsView is both, for what is no single
// statement's table.
//
// Opening a file costs more than a window's rows, so a window has views of its
// own: someFilesView is filesView without those that end before it. It serves a
// statement as well that was found to be about a few files, see
// [sqlfront.Statement.Files]. Which they are, the reader's connection says in the
// variable that since and narrow set.
//
// Each has a twin with the rows of one identity, which the variable names that
// only sets: a statement that is limited to them may read nothing else.
const (
	unsealedView  = "unsealed"
	filesView     = "files"
	someFilesView = "some_files"
	logsView      = "logs"   // unsealed and files
	recentView    = "recent" // unsealed and some_files
	ownPrefix     = "own_"
)

// fileColumn says which file a row is in, in the views of files.
var fileColumn = sqlfront.Quote(sqlfront.FileColumn)

// views are all of them, or all of their twins.
func views(own bool) []string {
	list := []string{unsealedView, filesView, someFilesView, logsView, recentView}
	if own {
		for i := range list {
			list[i] = ownPrefix + list[i]
		}
	}
	return list
}

// hot is the worker's picture of the trail: a table with the events that are not
// sealed, a table of the sealed files, and the views over both. One goroutine
// owns it; readers see each of its steps as a whole, because each is a
// transaction.
type hot struct {
	conn       *duckdb.Conn
	generation int // the table is hot_<generation>
	appender   *duckdb.Appender
	files      []string
	sealed     uint64 // all up to here is in the files
	last       uint64 // the newest event
	row        []driver.Value

	db             *database
	records, bytes int64 // that came into memory, see weighRecords
}

// newHot makes the empty tables and the views.
func newHot(ctx context.Context, d *database) (*hot, error) {
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	h := &hot{conn: conn, db: d, row: make([]driver.Value, len(trailColumns))}
	texts := []string{
		"CREATE TABLE " + h.table() + " (" + columnDefinitions() + ")",
		"CREATE TABLE sealed (path VARCHAR, newest TIMESTAMP)", // newest appendTime
		h.unsealed(),
		h.filesView(filesView, ""),
		h.filesView(someFilesView, ""),
		unionView(logsView, filesView),
		unionView(recentView, someFilesView),
	}
	for _, name := range views(false) {
		texts = append(texts, ownView(ownPrefix+name, name))
	}
	for _, text := range texts {
		if err := execute(ctx, conn, text); err != nil {
			return nil, fmt.Errorf("make hot table: %w", err)
		}
	}
	return h, h.openAppender()
}

func (h *hot) table() string { return fmt.Sprintf("hot_%d", h.generation) }

func (h *hot) openAppender() (err error) {
	if h.appender, err = duckdb.NewAppenderFromConn(h.conn, "", h.table()); err != nil {
		return fmt.Errorf("open appender: %w", err)
	}
	return nil
}

// unsealed is the statement that makes a view of the hot table.
func (h *hot) unsealed() string {
	return "CREATE OR REPLACE VIEW " + unsealedView + " AS SELECT " + columnList() + " FROM " + h.table()
}

// filesView is the statement that makes name a view of files, an expression for
// a list of paths; empty for none.
func (h *hot) filesView(name, files string) string {
	text := "CREATE OR REPLACE VIEW " + name + " AS SELECT " + columnList()
	if files == "" {
		return text + ", '' AS " + fileColumn + " FROM " + h.table() + " WHERE false"
	}
	return text + ", filename AS " + fileColumn + " FROM read_parquet(" + files + ", hive_partitioning = false)"
}

// unionView is the statement that makes name a view of what is not sealed and
// what is in a view of files.
func unionView(name, files string) string {
	return "CREATE VIEW " + name + " AS SELECT " + columnList() + " FROM " + unsealedView + " UNION ALL SELECT " + columnList() + " FROM " + files
}

// ownView is the statement that makes name a view of the rows of all that only
// leaves. Without a variable these are none.
func ownView(name, all string) string {
	columns := columnList()
	if all == filesView || all == someFilesView {
		columns += ", " + fileColumn
	}
	return "CREATE VIEW " + name + " AS SELECT " + columns + " FROM " + all + ` WHERE "userArn" = CAST(getvariable('own_arn') AS VARCHAR)`
}

// only chooses the rows of the own views, for c's next statements.
func only(ctx context.Context, c *duckdb.Conn, arn string) error {
	return execute(ctx, c, "SET VARIABLE own_arn = "+quote(arn))
}

// pathList is files as a list in SQL.
func pathList(files []string) string {
	quoted := make([]string, len(files))
	for i, f := range files {
		quoted[i] = quote(f)
	}
	return "[" + strings.Join(quoted, ", ") + "]"
}

// since chooses the files of someFilesView, for c's next statement: those with
// events appended after t, and at least one. It and the statement belong into
// one transaction.
func since(ctx context.Context, c *duckdb.Conn, t time.Time) error {
	return execute(ctx, c, "SET VARIABLE files = (SELECT list(path) FROM (SELECT path FROM sealed QUALIFY newest IS NULL OR newest > "+
		timestamp(t)+" OR row_number() OVER (ORDER BY newest DESC) = 1))")
}

// narrow chooses the files of someFilesView, for c's next statement: those that
// text, a statement for a list of files, finds, and at least one. It and the
// statement belong into one transaction.
func narrow(ctx context.Context, c *duckdb.Conn, text string) error {
	found, err := value(ctx, c, text)
	if err != nil {
		return err
	}
	list, _ := found.([]any)
	files := make([]string, len(list))
	for i := range list {
		files[i], _ = list[i].(string)
	}
	if len(files) == 0 {
		return execute(ctx, c, "SET VARIABLE files = (SELECT list(path) FROM (SELECT path FROM sealed LIMIT 1))")
	}
	slices.Sort(files) // so that rows come in the same order each time
	return execute(ctx, c, "SET VARIABLE files = "+pathList(files))
}

// load appends the entries of a kindLoad body and shows them to readers. Entries
// that are sealed or loaded already are left out. A record that is no JSON
// object still gets its row, with what is known of it, and a note.
func (h *hot) load(body []byte) (notes []string, err error) {
	last := max(h.last, h.sealed)
	var records, bytes int64
	err = decodeEntries(body, func(e event.Entry) error {
		if e.Seq <= last {
			return nil
		}
		last = e.Seq
		records++
		bytes += int64(len(e.JSON))
		f, err := sqlfront.Flatten(e.JSON, e.Seq, e.AppendTime)
		if err != nil {
			notes = append(notes, err.Error())
			f = bare(e)
		}
		for i, c := range trailColumns {
			h.row[i] = c.value(&f)
		}
		if err := h.appender.AppendRow(h.row...); err != nil {
			return fmt.Errorf("load event %d: %w", e.Seq, err)
		}
		return nil
	})
	if err != nil {
		return notes, err
	}
	if err := h.appender.Flush(); err != nil {
		return notes, fmt.Errorf("load events up to %d: %w", last, err)
	}
	h.last = last
	h.weighRecords(records, bytes)
	return notes, nil
}

// bare is the row of a record that cannot be read.
func bare(e event.Entry) sqlfront.Flat {
	text := strings.ToValidUTF8(string(e.JSON), "\uFFFD")
	seq, at := int64(e.Seq), e.AppendTime.UTC().Truncate(time.Microsecond)
	return sqlfront.Flat{EventJSON: &text, AppendTime: &at, Seq: &seq}
}

// swap takes over a catalogue: in one transaction the events up to c.Seq leave
// the table and the files that hold them enter the view. Readers that began
// before keep what they saw. On an error nothing has changed.
func (h *hot) swap(ctx context.Context, c catalogue) (err error) {
	if c.Seq < h.sealed {
		return fmt.Errorf("take over catalogue: it ends at event %d, before %d", c.Seq, h.sealed)
	}
	if c.Seq == h.sealed { // only files from elsewhere came or went: the table stays as it is
		next := *h
		next.files = c.Files
		if err := h.transact(ctx, h.fileSteps(&next)...); err != nil {
			return fmt.Errorf("take over catalogue: %w", err)
		}
		*h = next
		return nil
	}
	// The table's appender must be gone before the table is.
	if err := h.appender.Close(); err != nil {
		return fmt.Errorf("close appender: %w", err)
	}
	next := *h
	next.generation++
	next.sealed = c.Seq
	next.files = c.Files
	err = h.transact(ctx, h.steps(&next)...)
	if err == nil {
		*h = next
	} else {
		err = fmt.Errorf("take over catalogue up to event %d: %w", c.Seq, err)
	}
	return errors.Join(err, h.openAppender())
}

// steps are the statements that make next of h.
func (h *hot) steps(next *hot) []string {
	texts := []string{fmt.Sprintf("CREATE TABLE %s AS SELECT * FROM %s WHERE seq > %d", next.table(), h.table(), next.sealed)}
	return append(append(texts, h.fileSteps(next)...), "DROP TABLE "+h.table())
}

// fileSteps are the statements that make next's files and views of h's.
func (h *hot) fileSteps(next *hot) (texts []string) {
	known := map[string]bool{}
	for _, f := range h.files {
		known[f] = true
	}
	var added []string
	for _, f := range next.files {
		if !known[f] {
			added = append(added, f)
		}
		delete(known, f)
	}
	if len(known) > 0 {
		texts = append(texts, "DELETE FROM sealed WHERE path IN "+pathList(slices.Sorted(maps.Keys(known))))
	}
	if len(added) > 0 {
		texts = append(texts, "INSERT INTO sealed SELECT file_name, max(TRY_CAST(stats_max_value AS TIMESTAMP)) FROM parquet_metadata("+
			pathList(added)+") WHERE path_in_schema = 'appendTime' GROUP BY file_name")
	}
	all, recent := "", ""
	if len(next.files) > 0 {
		all, recent = pathList(next.files), "getvariable('files')"
		// A view is tried when it is made.
		texts = append(texts, "SET VARIABLE files = "+pathList(next.files[:1]))
	}
	return append(texts, next.unsealed(), next.filesView(filesView, all), next.filesView(someFilesView, recent))
}

// transact runs all of the statements or none.
func (h *hot) transact(ctx context.Context, texts ...string) error {
	if err := execute(ctx, h.conn, "BEGIN"); err != nil {
		return err
	}
	for _, text := range append(texts, "COMMIT") {
		if err := execute(ctx, h.conn, text); err != nil {
			_ = execute(ctx, h.conn, "ROLLBACK") // fails only if the COMMIT has rolled back already
			return err
		}
	}
	return nil
}

// applied is the newest event that answers include.
func (h *hot) applied() uint64 { return max(h.sealed, h.last) }

func (h *hot) close() error {
	return errors.Join(h.appender.Close(), h.conn.Close())
}
