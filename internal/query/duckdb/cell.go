package duckdb

// Cells of an answer, as bytes between worker and parent: a tag, then the
// value. The types are those that query.Result names.

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

const (
	cellNull byte = iota
	cellFalse
	cellTrue
	cellInt    // zigzag varint
	cellFloat  // eight bytes, big-endian
	cellText   // length, bytes
	cellTime   // microseconds, zigzag varint
	cellObject // count, then name and cell of each member, by name
	cellList   // count, then cells
)

// maxCellDepth bounds nesting; userIdentity has four levels.
const maxCellDepth = 32

// appendCell adds v, which must be of a type that query.Result names.
func appendCell(b []byte, v any) []byte {
	switch v := v.(type) {
	case nil:
		return append(b, cellNull)
	case bool:
		if v {
			return append(b, cellTrue)
		}
		return append(b, cellFalse)
	case int64:
		return binary.AppendVarint(append(b, cellInt), v)
	case float64:
		return binary.BigEndian.AppendUint64(append(b, cellFloat), math.Float64bits(v))
	case string:
		return appendText(append(b, cellText), v)
	case time.Time:
		return binary.AppendVarint(append(b, cellTime), v.UnixMicro())
	case map[string]any:
		b = binary.AppendUvarint(append(b, cellObject), uint64(len(v)))
		names := make([]string, 0, len(v))
		for name := range v {
			names = append(names, name)
		}
		slices.Sort(names)
		for _, name := range names {
			b = appendCell(appendText(b, name), v[name])
		}
		return b
	case []any:
		b = binary.AppendUvarint(append(b, cellList), uint64(len(v)))
		for _, e := range v {
			b = appendCell(b, e)
		}
		return b
	default:
		panic(fmt.Sprintf("duckdb: a cell of type %T", v))
	}
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// decodeCell returns the first cell of b and what follows it.
func decodeCell(b []byte, depth int) (any, []byte, error) {
	if len(b) == 0 || depth > maxCellDepth {
		return nil, nil, fmt.Errorf("%w: cut cell", errProtocol)
	}
	tag, b := b[0], b[1:]
	switch tag {
	case cellNull:
		return nil, b, nil
	case cellFalse, cellTrue:
		return tag == cellTrue, b, nil
	case cellInt, cellTime:
		v, n := binary.Varint(b)
		if n <= 0 {
			return nil, nil, fmt.Errorf("%w: cut number", errProtocol)
		}
		if tag == cellTime {
			return time.UnixMicro(v).UTC(), b[n:], nil
		}
		return v, b[n:], nil
	case cellFloat:
		if len(b) < 8 {
			return nil, nil, fmt.Errorf("%w: cut number", errProtocol)
		}
		return math.Float64frombits(binary.BigEndian.Uint64(b)), b[8:], nil
	case cellText:
		return asAny(decodeText(b))
	case cellObject:
		n, b, err := decodeCount(b)
		if err != nil {
			return nil, nil, err
		}
		object := make(map[string]any, min(n, 64)) // n is only a claim until the members are here
		for range n {
			var name string
			if name, b, err = decodeText(b); err != nil {
				return nil, nil, err
			}
			if object[name], b, err = decodeCell(b, depth+1); err != nil {
				return nil, nil, err
			}
		}
		return object, b, nil
	case cellList:
		n, b, err := decodeCount(b)
		if err != nil {
			return nil, nil, err
		}
		list := make([]any, 0, min(n, 64))
		for range n {
			var e any
			if e, b, err = decodeCell(b, depth+1); err != nil {
				return nil, nil, err
			}
			list = append(list, e)
		}
		return list, b, nil
	default:
		return nil, nil, fmt.Errorf("%w: a cell with tag %d", errProtocol, tag)
	}
}

func asAny(s string, rest []byte, err error) (any, []byte, error) { return s, rest, err }

func decodeText(b []byte) (string, []byte, error) {
	n, b, err := decodeCount(b)
	if err != nil {
		return "", nil, err
	}
	return string(b[:n]), b[n:], nil
}

// decodeCount reads a count of things of at least one byte each.
func decodeCount(b []byte) (int, []byte, error) {
	v, n := binary.Uvarint(b)
	if n <= 0 || v > uint64(len(b)-n) {
		return 0, nil, fmt.Errorf("%w: a count that is too large", errProtocol)
	}
	return int(v), b[n:], nil
}

// decodeRows reads rows of width cells each.
func decodeRows(b []byte, width int) ([][]any, error) {
	if width < 1 {
		return nil, fmt.Errorf("%w: rows of %d columns", errProtocol, width)
	}
	var rows [][]any
	for len(b) > 0 {
		row := make([]any, min(width, len(b)))
		if len(row) < width {
			return nil, fmt.Errorf("%w: cut row", errProtocol)
		}
		for i := range row {
			var err error
			if row[i], b, err = decodeCell(b, 0); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}
