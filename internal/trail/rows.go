package trail

import (
	"context"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Parquet writes a file of CloudTrailLogs' columns, its rows in the order they
// come.
type Parquet struct{ p parquetWriter }

// NewParquet makes a writer, which Close finishes.
func NewParquet(to io.Writer) *Parquet {
	return &Parquet{parquetWriter{w: parquet.NewGenericWriter[sqlfront.Flat](to,
		parquet.Compression(&parquet.Zstd),
		parquet.CreatedBy("trailgate", "1", ""),
	)}}
}

// Write adds a row.
func (w *Parquet) Write(row sqlfront.Flat) error { return w.p.add(row) }

// Close writes what is left. The file is whole after it.
func (w *Parquet) Close() error { return w.p.close() }

// Imported calls fn with the rows of the imported events, file after file.
func (r *Reader) Imported(ctx context.Context, fn func(sqlfront.Flat) error) error {
	for _, name := range r.imports {
		err := eachRow(r.fs, name, func(row sqlfront.Flat) error {
			if err := ctx.Err(); err != nil {
				return err
			}
			return fn(row)
		})
		if err != nil {
			return fmt.Errorf("read imported events: %w", err)
		}
	}
	return nil
}
