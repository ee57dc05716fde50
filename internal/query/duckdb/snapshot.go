package duckdb

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// The rows of tables beside the trail come with the statement that names them:
//
//	kindTable … kindTable, kindQuery
//
// A kindTable frame is the ask's ID in eight bytes, the table's name, and rows
// of cells. The worker makes temporary tables of them on the statement's own
// connection, so nothing else sees them and they are gone when it is over.

const kindTable kind = 24 // to the worker

// Bounds of the snapshots of one statement.
const (
	maxSnapshotRows  = 200_000
	maxSnapshotBytes = 64 << 20
	snapshotChunk    = 1 << 20
)

// snapshotName is the relation of a table beside the trail in the worker.
func snapshotName(table string) string { return "beside_" + table }

// snapshotNames are all of them.
func snapshotNames() []string {
	var names []string
	for _, t := range sqlfront.Snapshots {
		names = append(names, snapshotName(t))
	}
	return names
}

// checkSnapshots says whether r has the rows that its statement needs, and none
// of a table that its asker may not read.
func checkSnapshots(r query.Request) error {
	if r.Only != "" {
		if table := query.NotOwn(r.Statement); table != "" {
			return fmt.Errorf("table %s has rows of others: %w", table, query.ErrDenied)
		}
	}
	rows := 0
	for _, table := range r.Statement.Tables() {
		if !slices.Contains(sqlfront.Snapshots, table) {
			continue
		}
		if r.Window != nil {
			return fmt.Errorf("table %s is no part of a window", table)
		}
		i := slices.IndexFunc(r.Beside, func(s query.Snapshot) bool { return s.Table == table })
		if i < 0 {
			return fmt.Errorf("the rows of table %s are missing", table)
		}
		names, _ := sqlfront.SnapshotColumns(table)
		for _, row := range r.Beside[i].Rows {
			if len(row) != len(names) {
				return fmt.Errorf("a row of table %s has %d columns, want %d", table, len(row), len(names))
			}
		}
		rows += len(r.Beside[i].Rows)
	}
	if rows > maxSnapshotRows {
		return fmt.Errorf("%w: the tables beside the trail have %d rows, more than %d", query.ErrLimit, rows, maxSnapshotRows)
	}
	return nil
}

// snapshotFrames are the kindTable frames of a statement.
func snapshotFrames(id uint64, snapshots []query.Snapshot) (frames [][]byte, err error) {
	total := 0
	for _, s := range snapshots {
		if !slices.Contains(sqlfront.Snapshots, s.Table) {
			return nil, fmt.Errorf("%s is no table beside the trail", s.Table)
		}
		start := func() []byte {
			return appendText(binary.BigEndian.AppendUint64(newFrame(kindTable), id), s.Table)
		}
		flush := func(b []byte) error {
			if total += len(b); total > maxSnapshotBytes {
				return fmt.Errorf("%w: the tables beside the trail have more than %d MiB", query.ErrLimit, maxSnapshotBytes>>20)
			}
			f, err := finish(b)
			frames = append(frames, f)
			return err
		}
		chunk := start()
		for _, row := range s.Rows {
			for _, cell := range row {
				chunk = appendCell(chunk, cell)
			}
			if len(chunk) >= snapshotChunk {
				if err := flush(chunk); err != nil {
					return nil, err
				}
				chunk = start()
			}
		}
		if err := flush(chunk); err != nil {
			return nil, err
		}
	}
	return frames, nil
}

// snapshots are rows that have come for statements that have not: by the ask's
// ID. The worker's reader owns them.
type snapshots map[uint64]*snapshot

type snapshot struct {
	bytes  int
	tables map[string][][]byte // chunks of rows, by table
}

// take keeps the body of a kindTable frame.
func (s snapshots) take(body []byte) error {
	if len(body) < 8 {
		return fmt.Errorf("%w: a table of nothing", errProtocol)
	}
	id := binary.BigEndian.Uint64(body)
	name, rows, err := decodeText(body[8:])
	if err != nil {
		return err
	}
	if !slices.Contains(sqlfront.Snapshots, name) {
		return fmt.Errorf("%w: a table that is not beside the trail", errProtocol)
	}
	if s[id] == nil {
		s[id] = &snapshot{tables: map[string][][]byte{}}
	}
	if s[id].bytes += len(body); s[id].bytes > maxSnapshotBytes {
		return fmt.Errorf("%w: tables over their limit", errProtocol)
	}
	s[id].tables[name] = append(s[id].tables[name], slices.Clone(rows))
	return nil
}

// give gives away what came for a statement; nil is nothing.
func (s snapshots) give(id uint64) *snapshot {
	given := s[id]
	delete(s, id)
	return given
}

// load makes the tables on a connection and says what they are called.
func (s *snapshot) load(ctx context.Context, c *duckdb.Conn) (names []string, err error) {
	if s == nil {
		return nil, nil
	}
	for _, table := range sqlfront.Snapshots {
		chunks, ok := s.tables[table]
		if !ok {
			continue
		}
		if err := loadTable(ctx, c, table, chunks); err != nil {
			return nil, fmt.Errorf("load table %s: %w", table, err)
		}
		names = append(names, snapshotName(table))
	}
	return names, nil
}

func loadTable(ctx context.Context, c *duckdb.Conn, table string, chunks [][]byte) (err error) {
	names, types := sqlfront.SnapshotColumns(table)
	text := "CREATE TEMP TABLE " + snapshotName(table) + " ("
	for i, name := range names {
		if i > 0 {
			text += ", "
		}
		text += sqlfront.Quote(name) + " " + types[i]
	}
	if err := execute(ctx, c, text+")"); err != nil {
		return err
	}
	appender, err := duckdb.NewAppender(c, "temp", "", snapshotName(table))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, appender.Close()) }()
	cells := make([]driver.Value, len(names))
	for _, chunk := range chunks {
		rows, err := decodeRows(chunk, len(names))
		if err != nil {
			return err
		}
		for _, row := range rows {
			for i, cell := range row {
				cells[i] = cell
			}
			if err := appender.AppendRow(cells...); err != nil {
				return err
			}
		}
	}
	return nil
}
