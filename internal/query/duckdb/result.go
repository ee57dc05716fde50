package duckdb

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"time"

	duckdb "github.com/duckdb/duckdb-go/v2"

	"github.com/trailgate/trailgate/internal/query"
)

// errCell is a value that an answer has no place for: the statement fails on it
// as on a cast.
var errCell = errors.New("the answer has a value that is none")

var (
	errBigint = fmt.Errorf("%w: a number does not fit a bigint", errCell)
	errTime   = fmt.Errorf("%w: a time lies outside the years 0 to 9999", errCell)
)

// resultType maps DuckDB's name of a column type to Trino's and to what makes
// its cells those of query.Result. Types that Trailgate's tables and functions
// do not make come as text.
func resultType(name string) (string, func(driver.Value) (any, error)) {
	switch base, _, _ := strings.Cut(name, "("); {
	case strings.HasSuffix(name, "]"), base == "STRUCT", base == "MAP", base == "JSON":
		return "json", nestedCell
	case base == "BOOLEAN":
		return "boolean", plainCell
	case base == "TINYINT", base == "SMALLINT", base == "INTEGER", base == "BIGINT", base == "HUGEINT",
		base == "UTINYINT", base == "USMALLINT", base == "UINTEGER", base == "UBIGINT", base == "UHUGEINT":
		return "bigint", plainCell
	case base == "FLOAT", base == "DOUBLE", base == "DECIMAL":
		return "double", plainCell
	case strings.HasPrefix(base, "TIMESTAMP"):
		return "timestamp", plainCell
	case base == "DATE":
		return "date", dateCell
	default:
		return "varchar", textCell
	}
}

// plainCell is a scalar as query.Result wants it.
func plainCell(v driver.Value) (any, error) {
	switch v := v.(type) {
	case nil, bool, int64, float64, string:
		return v, nil
	case int8:
		return int64(v), nil
	case int16:
		return int64(v), nil
	case int32:
		return int64(v), nil
	case uint8:
		return int64(v), nil
	case uint16:
		return int64(v), nil
	case uint32:
		return int64(v), nil
	case uint64:
		return bigCell(new(big.Int).SetUint64(v))
	case *big.Int:
		return bigCell(v)
	case float32:
		return float64(v), nil
	case duckdb.Decimal:
		return v.Float64(), nil
	case time.Time:
		if v = v.UTC(); v.Year() < 0 || v.Year() > 9999 { // RFC 3339 has no other, nor has JSON
			return nil, errTime
		}
		return v, nil
	default:
		return textCell(v)
	}
}

func bigCell(v *big.Int) (any, error) {
	if !v.IsInt64() {
		return nil, errBigint
	}
	return v.Int64(), nil
}

func dateCell(v driver.Value) (any, error) {
	if t, ok := v.(time.Time); ok {
		return t.UTC().Format(time.DateOnly), nil
	}
	return plainCell(v)
}

func textCell(v driver.Value) (any, error) {
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		return v, nil
	case []byte:
		return fmt.Sprintf("%x", v), nil
	case duckdb.UUID:
		return v.String(), nil
	case time.Time:
		return v.UTC().Format("15:04:05.999999"), nil
	default:
		return fmt.Sprint(v), nil
	}
}

// nestedCell is a struct, list or map. Members that are NULL are left out, as
// CloudTrail leaves them out. What JSON has no number for is text inside, as
// Trino casts it.
func nestedCell(v driver.Value) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		object := make(map[string]any, len(v))
		for name, e := range v {
			if e == nil {
				continue
			}
			cell, err := nestedCell(e)
			if err != nil {
				return nil, err
			}
			object[name] = cell
		}
		return object, nil
	case duckdb.OrderedMap:
		object := make(map[string]any, v.Len())
		keys, values := v.Keys(), v.Values()
		for i := range keys {
			cell, err := nestedCell(values[i])
			if err != nil {
				return nil, err
			}
			object[fmt.Sprint(keys[i])] = cell
		}
		return object, nil
	case []any:
		list := make([]any, len(v))
		for i, e := range v {
			cell, err := nestedCell(e)
			if err != nil {
				return nil, err
			}
			list[i] = cell
		}
		return list, nil
	case float32:
		return nestedCell(float64(v))
	case float64:
		if name, ok := query.NotFinite(v); ok {
			return name, nil
		}
		return v, nil
	default:
		return plainCell(v)
	}
}
