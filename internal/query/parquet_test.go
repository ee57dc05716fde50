package query

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
)

func TestParquetKeepsTheCells(t *testing.T) {
	noon := time.Date(2026, 11, 20, 12, 0, 0, 123456000, time.UTC)
	columns := []Column{{"t", "timestamp"}, {"n", "bigint"}, {"x", "double"}, {"b", "boolean"}, {"s", "varchar"}, {"s", "varchar"}, {"j", "json"}, {"d", "date"}}
	rows := [][]any{
		{noon, int64(9007199254740993), 1.5, true, "a\x00ü", "again", map[string]any{"k": []any{int64(1)}}, "2026-11-20"},
		{noon.Format(time.RFC3339Nano), int64(-1), int64(2), false, "", nil, nil, nil},
		{nil, nil, nil, nil, nil, nil, nil, nil},
	}
	var b bytes.Buffer
	if err := WriteParquet(&b, columns, rows); err != nil {
		t.Fatal(err)
	}
	type row struct {
		T  *time.Time `parquet:"t,timestamp(microsecond)"`
		N  *int64     `parquet:"n"`
		X  *float64   `parquet:"x"`
		B  *bool      `parquet:"b"`
		S  *string    `parquet:"s"`
		S2 *string    `parquet:"s_2"`
		J  *string    `parquet:"j"`
		D  *string    `parquet:"d"`
	}
	got, err := parquet.Read[row](bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	want := []row{
		{new(noon), new(int64(9007199254740993)), new(1.5), new(true), new("a\x00ü"), new("again"), new(`{"k":[1]}`), new("2026-11-20")},
		{T: new(noon), N: new(int64(-1)), X: new(2.0), B: new(false), S: new("")},
		{},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(time.Time.Equal)); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	if err := WriteParquet(&b, columns[1:2], [][]any{{"seven"}}); err == nil {
		t.Error("text was taken for a bigint")
	}
}
