package aws

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"github.com/trailgate/trailgate/internal/ocsf"
)

// files writes Parquet. One goroutine uses it.
type files struct{ codec *pages }

func newFiles() files {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(secPage), zstd.WithZeroFrames(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(fmt.Sprintf("aws: zstd refuses its options: %v", err))
	}
	return files{&pages{&parquet.Zstd, e}}
}

// pages compresses pages with one encoder of a page's window. A file has 150
// columns and more; the module's own codec takes an encoder of 8 MB for any of
// them.
type pages struct {
	compress.Codec
	encoder *zstd.Encoder
}

// Encode compresses src into dst's memory.
func (p *pages) Encode(dst, src []byte) ([]byte, error) {
	return p.encoder.EncodeAll(src, dst[:0]), nil
}

// file is a Parquet file of events of one class, sorted by time.
func (f files) file(like ocsf.Event, rows []row) ([]byte, error) {
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.time, b.time) })
	var b bytes.Buffer
	w := parquet.NewGenericWriter[any](&b, parquet.SchemaOf(like), parquet.Compression(f.codec), parquet.PageBufferSize(secPage/2),
		parquet.MaxRowsPerRowGroup(secRowGroup), parquet.SortingWriterConfig(parquet.SortingColumns(parquet.Ascending("time"))),
		parquet.CreatedBy("trailgate", "1", ""))
	for _, r := range rows {
		e, err := ocsf.Map(r.json)
		if err != nil {
			return nil, err // it was mapped before
		}
		if _, err := w.Write([]any{e}); err != nil {
			return nil, fmt.Errorf("write row: %w", err)
		}
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("finish parquet: %w", err)
	}
	return b.Bytes(), nil
}
