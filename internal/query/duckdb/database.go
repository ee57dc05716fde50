package duckdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

// database is the worker's DuckDB, in memory and locked down.
type database struct {
	connector *duckdb.Connector
	weights   atomic.Pointer[weights] // the feed stores, statements read
}

// openDatabase opens DuckDB with what h allows. After it returns, no statement
// can open a file outside h.EventsDir, load an extension, use more than the
// memory limit or change any of this. Writing inside EventsDir (COPY TO) is what
// DuckDB still would allow: that only SELECTs run is checked for each statement.
func openDatabase(ctx context.Context, h hello) (*database, error) {
	connector, err := duckdb.NewConnector("", nil)
	if err != nil {
		return nil, fmt.Errorf("open duckdb: %w", err)
	}
	d := &database{connector: connector}
	d.weights.Store(&weights{})
	conn, err := d.connect(ctx)
	if err != nil {
		return nil, errors.Join(err, connector.Close())
	}
	defer conn.Close()
	dirs := "[]"
	if h.EventsDir != "" {
		dirs = "[" + quote(h.EventsDir) + "]"
	}
	for _, setting := range []string{
		"autoinstall_known_extensions = false",
		"autoload_known_extensions = false",
		"allow_community_extensions = false",
		"memory_limit = " + quote(h.MemoryLimit),
		"threads = " + strconv.Itoa(h.Threads),
		"temp_directory = ''",
		"parquet_metadata_cache = true",
		// Rows that ORDER BY and LIMIT choose are found by the columns it takes, and
		// then read whole. DuckDB does so up to 50 rows by itself.
		"late_materialization_max_rows = 100000",
		// Trino's meaning where DuckDB has a setting for it.
		"TimeZone = 'UTC'",
		"default_null_order = 'nulls_last'",
		"integer_division = true",
		// The order counts: directories can be allowed only before the rest of
		// the file system is closed, and nothing after the lock.
		"allowed_directories = " + dirs,
		"enable_external_access = false",
		// What a connection counts of its own statements, see watch.
		"allowed_configs = ['enable_profiling', 'custom_profiling_settings']",
		"lock_configuration = true",
	} {
		if err := execute(ctx, conn, "SET GLOBAL "+setting); err != nil {
			return nil, errors.Join(fmt.Errorf("duckdb setting %s: %w", setting, err), connector.Close())
		}
	}
	return d, nil
}

// connect opens a connection, which one goroutine at a time may use.
func (d *database) connect(ctx context.Context) (*duckdb.Conn, error) {
	c, err := d.connector.Connect(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to duckdb: %w", err)
	}
	return c.(*duckdb.Conn), nil
}

// execute runs one statement of ours.
func execute(ctx context.Context, c *duckdb.Conn, text string) error {
	_, err := c.ExecContext(ctx, text, nil)
	return err
}

// value runs a statement of ours that answers with one cell.
func value(ctx context.Context, c *duckdb.Conn, text string, args ...string) (driver.Value, error) {
	var named []driver.NamedValue
	for i, a := range args {
		named = append(named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	rows, err := c.QueryContext(ctx, text, named)
	if err != nil {
		return nil, err
	}
	row := make([]driver.Value, len(rows.Columns()))
	err = rows.Next(row)
	if errors.Is(err, io.EOF) {
		err = errors.New("no row")
	}
	return row[0], errors.Join(err, rows.Close())
}

// quote is s as a SQL string literal.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
