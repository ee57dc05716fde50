package duckdb

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/internal/query"
)

// chunkBytes is when rows are sent on.
const chunkBytes = 256 << 10

// answer runs one statement and sends its columns and rows through send.
// It reports whether there were more rows than asked for.
func (d *database) answer(ctx context.Context, q ask, send func(frame []byte) error) (truncated bool, err error) {
	conn, err := d.connect(ctx)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	views := []string{logsView, recentView}
	if q.Only != "" {
		views = []string{ownLogsView, ownRecentView}
		if err := only(ctx, conn, q.Only); err != nil {
			return false, err
		}
	}
	if err := guard(ctx, conn, q.SQL, views); err != nil {
		return false, err
	}
	if err := execute(ctx, conn, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return false, err
	}
	// Nothing is undone by it, and an interrupted transaction is over already.
	defer func() { _ = execute(context.WithoutCancel(ctx), conn, "ROLLBACK") }()

	if q.Since != nil {
		if err := since(ctx, conn, *q.Since); err != nil {
			return false, err
		}
	}
	// Prepare, unlike PrepareContext, refuses more than one statement before it
	// runs any.
	stmt, err := conn.Prepare(q.SQL)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, nil)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	return stream(ctx, q, rows, send)
}

// stream sends columns and rows.
func stream(ctx context.Context, q ask, rows driver.Rows, send func([]byte) error) (truncated bool, err error) {
	types := rows.(driver.RowsColumnTypeDatabaseTypeName)
	names := rows.Columns()
	head := columns{ID: q.ID}
	convert := make([]func(driver.Value) (any, error), len(names))
	for i, name := range names {
		var typ string
		typ, convert[i] = resultType(types.ColumnTypeDatabaseTypeName(i))
		head.Columns = append(head.Columns, query.Column{Name: name, Type: typ})
	}
	frame, err := jsonFrame(kindColumns, head)
	if err != nil {
		return false, err
	}
	if err := send(frame); err != nil {
		return false, err
	}
	start := func() []byte { return binary.BigEndian.AppendUint64(newFrame(kindRows), q.ID) }
	flush := func(b []byte) error {
		f, err := finish(b)
		if err != nil {
			return fmt.Errorf("%w: %w", errTooLarge, err)
		}
		return send(f)
	}
	row := make([]driver.Value, len(names))
	chunk, sent := start(), 0
	for n := 0; ; n++ {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return false, flush(chunk)
		case err != nil:
			return false, err
		case ctx.Err() != nil:
			return false, ctx.Err()
		}
		before := len(chunk)
		for i, v := range row {
			cell, err := convert[i](v)
			if err != nil {
				return false, fmt.Errorf("column %s: %w", names[i], err)
			}
			chunk = appendCell(chunk, cell)
		}
		if n == q.MaxRows || sent+len(chunk) > q.MaxBytes {
			return true, flush(chunk[:before])
		}
		if len(chunk) >= chunkBytes {
			if err := flush(chunk); err != nil {
				return false, err
			}
			sent += len(chunk)
			chunk = start()
		}
	}
}

var errTooLarge = errors.New("a row is too large to answer with")

// outcomeOf says what the parent is to make of an answer's error.
func outcomeOf(ctx context.Context, err error) outcome {
	var db *duckdb.Error
	switch {
	case err == nil:
		return answered
	case errors.Is(context.Cause(ctx), errCanceled):
		return canceled
	case ctx.Err() != nil, errors.Is(err, errTooLarge):
		return limited
	case !errors.As(err, &db):
		return broken
	}
	switch db.Type {
	case duckdb.ErrorTypeOutOfMemory, duckdb.ErrorTypeObjectSize:
		return limited
	case duckdb.ErrorTypeConversion, duckdb.ErrorTypeOutOfRange, duckdb.ErrorTypeInvalidInput,
		duckdb.ErrorTypeDivideByZero, duckdb.ErrorTypeInvalid, duckdb.ErrorTypeDecimal, duckdb.ErrorTypeMismatchType:
		return failed
	default:
		return broken
	}
}
