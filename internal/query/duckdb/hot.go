package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// logsView is the one relation that statements read.
const logsView = "logs"

// hot is the worker's picture of the trail: a table with the events that are not
// sealed, and the view over it and the sealed files. One goroutine owns it;
// readers see each of its steps as a whole, because each is a transaction.
type hot struct {
	conn       *duckdb.Conn
	generation int // the table is hot_<generation>
	appender   *duckdb.Appender
	sealed     uint64 // all up to here is in the files
	last       uint64 // the newest event
	row        []driver.Value
}

// newHot makes the empty table and view.
func newHot(ctx context.Context, d *database) (*hot, error) {
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	h := &hot{conn: conn, row: make([]driver.Value, len(trailColumns))}
	for _, text := range []string{
		"CREATE TABLE " + h.table() + " (" + columnDefinitions() + ")",
		h.view(nil),
	} {
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

// view is the statement that makes logs the hot table and files.
func (h *hot) view(files []string) string {
	var b strings.Builder
	b.WriteString("CREATE OR REPLACE VIEW " + logsView + " AS SELECT " + columnList() + " FROM " + h.table())
	if len(files) > 0 {
		b.WriteString(" UNION ALL SELECT " + columnList() + " FROM read_parquet([")
		for i, f := range files {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(quote(f))
		}
		b.WriteString("], hive_partitioning = false)")
	}
	return b.String()
}

// load appends the entries of a kindLoad body and shows them to readers. Entries
// that are sealed or loaded already are left out. A record that is no JSON
// object still gets its row, with what is known of it, and a note.
func (h *hot) load(body []byte) (notes []string, err error) {
	last := max(h.last, h.sealed)
	err = decodeEntries(body, func(e event.Entry) error {
		if e.Seq <= last {
			return nil
		}
		last = e.Seq
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
	// The table's appender must be gone before the table is.
	if err := h.appender.Close(); err != nil {
		return fmt.Errorf("close appender: %w", err)
	}
	next := *h
	next.generation++
	next.sealed = c.Seq
	err = h.transact(ctx,
		fmt.Sprintf("CREATE TABLE %s AS SELECT * FROM %s WHERE seq > %d", next.table(), h.table(), c.Seq),
		next.view(c.Files),
		"DROP TABLE "+h.table(),
	)
	if err == nil {
		*h = next
	} else {
		err = fmt.Errorf("take over catalogue up to event %d: %w", c.Seq, err)
	}
	return errors.Join(err, h.openAppender())
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
