package query

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/parquet-go/parquet-go"
)

// WriteParquet writes an answer as a Parquet file: columns under their names
// and in alphabetical order, each optional; times in microseconds, UTC. What
// Parquet has no plain type for (json, date, array …) is text.
func WriteParquet(w io.Writer, columns []Column, rows [][]any) error {
	group := parquet.Group{}
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
		for n := 2; group[names[i]] != nil || names[i] == ""; n++ { // SQL allows a name twice, Parquet does not
			names[i] = c.Name + "_" + strconv.Itoa(n)
		}
		group[names[i]] = parquet.Optional(parquetNode(c.Type))
	}
	schema := parquet.NewSchema("answer", group)
	out := parquet.NewWriter(w, schema, parquet.Compression(&parquet.Zstd))
	for n, row := range rows {
		cells := make(parquet.Row, len(columns))
		for i, c := range columns {
			leaf, _ := schema.Lookup(names[i])
			v, err := parquetValue(c.Type, row[i])
			if err != nil {
				return fmt.Errorf("write row %d, column %s: %w", n+1, c.Name, err)
			}
			defined := 1
			if v.IsNull() {
				defined = 0
			}
			cells[leaf.ColumnIndex] = v.Level(0, defined, leaf.ColumnIndex)
		}
		if _, err := out.WriteRows([]parquet.Row{cells}); err != nil {
			return fmt.Errorf("write row %d: %w", n+1, err)
		}
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("write Parquet: %w", err)
	}
	return nil
}

func parquetNode(kind string) parquet.Node {
	switch kind {
	case "bigint":
		return parquet.Int(64)
	case "double":
		return parquet.Leaf(parquet.DoubleType)
	case "boolean":
		return parquet.Leaf(parquet.BooleanType)
	case "timestamp":
		return parquet.Timestamp(parquet.Microsecond)
	}
	return parquet.String()
}

// parquetValue is a cell in its column's type. Over HTTP a time came as text.
func parquetValue(kind string, cell any) (parquet.Value, error) {
	switch v := cell.(type) {
	case nil:
		return parquet.NullValue(), nil
	case string:
		if kind == "timestamp" {
			t, err := time.Parse(time.RFC3339Nano, v)
			return parquet.Int64Value(t.UnixMicro()), err
		}
		if parquetNode(kind).Type().Kind() == parquet.ByteArray {
			return parquet.ByteArrayValue([]byte(v)), nil
		}
	case time.Time:
		if kind == "timestamp" {
			return parquet.Int64Value(v.UnixMicro()), nil
		}
	case int64:
		switch kind {
		case "bigint":
			return parquet.Int64Value(v), nil
		case "double":
			return parquet.DoubleValue(float64(v)), nil
		}
	case float64:
		if kind == "double" {
			return parquet.DoubleValue(v), nil
		}
	case bool:
		if kind == "boolean" {
			return parquet.BooleanValue(v), nil
		}
	}
	if parquetNode(kind).Type().Kind() != parquet.ByteArray {
		return parquet.NullValue(), fmt.Errorf("%T is no %s", cell, kind)
	}
	text, err := json.Marshal(cell)
	return parquet.ByteArrayValue(text), err
}
