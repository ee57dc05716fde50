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

// found is what is known of a statement that has run.
type found struct {
	rows      int  // that were sent, or would have been
	truncated bool // there were more than asked for
	readings  []reading
}

// answer runs one statement and sends its columns and rows through send.
func (d *database) answer(ctx context.Context, q ask, send func(frame []byte) error) (f found, err error) {
	conn, err := d.session(ctx)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, conn.close()) }()
	if q.Only != "" {
		if err := only(ctx, conn.Conn, q.Only); err != nil {
			return f, err
		}
	}
	tables, err := q.tables.load(ctx, conn.Conn)
	if err != nil {
		return f, err
	}
	allowed := append(views(q.Only != ""), tables...)
	if err := guard(ctx, conn.Conn, q.SQL, allowed); err != nil {
		return f, err
	}
	if q.Files != "" {
		if err := guard(ctx, conn.Conn, q.Files, allowed); err != nil {
			return f, err
		}
	}
	if err := execute(ctx, conn.Conn, "BEGIN TRANSACTION READ ONLY"); err != nil {
		return f, err
	}
	// Nothing is undone by it, and an interrupted transaction is over already.
	defer func() { _ = execute(context.WithoutCancel(ctx), conn.Conn, "ROLLBACK") }()

	if q.Since != nil {
		if err := since(ctx, conn.Conn, *q.Since); err != nil {
			return f, err
		}
	}
	if err := conn.watch(ctx); err != nil {
		return f, err
	}
	if q.Files != "" {
		err := narrow(ctx, conn.Conn, q.Files)
		f.readings = conn.readings()
		if err != nil {
			return f, err
		}
	}
	// Prepare, unlike PrepareContext, refuses more than one statement before it
	// runs any.
	stmt, err := conn.Prepare(q.SQL)
	if err != nil {
		return f, err
	}
	defer func() { err = errors.Join(err, stmt.Close()) }()
	rows, err := stmt.(driver.StmtQueryContext).QueryContext(ctx, nil)
	if err == nil {
		f.rows, f.truncated, err = stream(ctx, q, rows, send)
		err = errors.Join(err, rows.Close())
	}
	f.readings = append(f.readings, conn.readings()...)
	return f, err
}

// stream sends columns and rows, and says how many and whether there are more.
func stream(ctx context.Context, q ask, rows driver.Rows, send func([]byte) error) (n int, truncated bool, err error) {
	if q.Explain {
		send = func([]byte) error { return nil }
	}
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
		return n, false, err
	}
	if err := send(frame); err != nil {
		return n, false, err
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
	for ; ; n++ {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return n, false, flush(chunk)
		case err != nil:
			return n, false, err
		case ctx.Err() != nil:
			return n, false, ctx.Err()
		}
		before := len(chunk)
		for i, v := range row {
			cell, err := convert[i](v)
			if err != nil {
				return n, false, fmt.Errorf("column %s: %w", names[i], err)
			}
			chunk = appendCell(chunk, cell)
		}
		if n == q.MaxRows || sent+len(chunk) > q.MaxBytes {
			return n, true, flush(chunk[:before])
		}
		if len(chunk) >= chunkBytes {
			if err := flush(chunk); err != nil {
				return n, false, err
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
	case errors.Is(err, errCell):
		return failed
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
