package trail

import (
	"cmp"
	"fmt"
	"hash"
	"io"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// A seal's rows are those of CloudTrailLogs (package sqlfront has the columns),
// sorted so that a row group holds few sources and names, and an engine skips
// the others by their bounds. Bloom filters find an eventID and a userArn.
const (
	rowGroupRows = 16 << 10
	bloomBits    = 10 // a value; one false positive in a hundred
)

// packing is how much work goes into making a file small.
type packing struct {
	level zstd.Level
	page  int // bytes; a page is compressed by itself, and one value of it is read with all
}

// Quickly is for files that are merged soon or come by the million. Tightly is
// for those that stay: a row group is one page, and four fifths of the size.
var (
	quickly = packing{zstd.SpeedDefault, 1 << 20}
	tightly = packing{zstd.SpeedBetterCompression, 32 << 20}
	// Merging is tightly for a server: a fiftieth larger, in two thirds of the memory.
	merging = packing{zstd.SpeedBetterCompression, 4 << 20}
)

// sortKey orders the rows of a seal.
type sortKey struct {
	source, name, code string
	time               int64 // eventTime, µs
	seq                uint64
}

func keyOf(f *sqlfront.Flat, seq uint64) sortKey {
	k := sortKey{source: text(f.EventSource), name: text(f.EventName), code: text(f.ErrorCode), seq: seq}
	if f.EventTime != nil {
		k.time = f.EventTime.UnixMicro()
	}
	return k
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (k sortKey) compare(o sortKey) int {
	return cmp.Or(
		cmp.Compare(k.source, o.source),
		cmp.Compare(k.name, o.name),
		cmp.Compare(k.code, o.code),
		cmp.Compare(k.time, o.time),
		cmp.Compare(k.seq, o.seq),
	)
}

// parquetWriter writes rows that come sorted.
type parquetWriter struct {
	w    *parquet.GenericWriter[sqlfront.Flat]
	rows int
}

func newParquetWriter(to io.Writer, p packing) *parquetWriter {
	return &parquetWriter{w: parquet.NewGenericWriter[sqlfront.Flat](to,
		parquet.Compression(&zstd.Codec{Level: p.level}),
		parquet.PageBufferSize(p.page),
		parquet.DefaultEncodingFor(parquet.Int64, &parquet.DeltaBinaryPacked), // times and seq, which are almost sorted
		parquet.BloomFilters(parquet.SplitBlockFilter(bloomBits, "eventID"), parquet.SplitBlockFilter(bloomBits, "userArn")),
		parquet.SortingWriterConfig(parquet.SortingColumns(
			parquet.NullsFirst(parquet.Ascending("eventSource")),
			parquet.NullsFirst(parquet.Ascending("eventName")),
			parquet.NullsFirst(parquet.Ascending("errorCode")),
			parquet.NullsFirst(parquet.Ascending("eventTime")),
		)),
		parquet.CreatedBy("trailgate", "1", ""),
	)}
}

// add writes a row, and a row group when it is full.
func (p *parquetWriter) add(f sqlfront.Flat) error {
	if _, err := p.w.Write([]sqlfront.Flat{f}); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	return p.wrote(1)
}

// addAll writes rows, and a row group whenever one is full.
func (p *parquetWriter) addAll(rows []sqlfront.Flat) error {
	for len(rows) > 0 {
		n := min(len(rows), rowGroupRows-p.rows%rowGroupRows)
		if _, err := p.w.Write(rows[:n]); err != nil {
			return fmt.Errorf("write rows: %w", err)
		}
		rows = rows[n:]
		if err := p.wrote(n); err != nil {
			return err
		}
	}
	return nil
}

// addRaw writes a row as another file has it.
func (p *parquetWriter) addRaw(row parquet.Row) error {
	if _, err := p.w.WriteRows([]parquet.Row{row}); err != nil {
		return fmt.Errorf("write row: %w", err)
	}
	return p.wrote(1)
}

// wrote counts n more rows, and ends the row group when it is full.
func (p *parquetWriter) wrote(n int) error {
	p.rows += n
	if p.rows%rowGroupRows != 0 {
		return nil
	}
	if err := p.w.Flush(); err != nil {
		return fmt.Errorf("write row group: %w", err)
	}
	return nil
}

func (p *parquetWriter) close() error {
	if err := p.w.Close(); err != nil {
		return fmt.Errorf("finish parquet: %w", err)
	}
	return nil
}

// fileWriter writes a File from its start, and hashes it.
type fileWriter struct {
	f   File
	off int64
	sum hash.Hash
}

func (w *fileWriter) Write(b []byte) (int, error) {
	n, err := w.f.WriteAt(b, w.off)
	w.off += int64(n)
	w.sum.Write(b[:n])
	return n, err
}
