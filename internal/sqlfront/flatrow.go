package sqlfront

import (
	"reflect"
	"strings"
	"time"
)

// Row is one event as a predicate sees it. Column is given the exact names of
// the catalogue: a column, or a column and the fields inside it. What there is
// not is NULL.
type Row interface {
	Column(path ...string) Value
}

// EventRow is a record as a row of CloudTrailLogs.
func EventRow(record []byte, seq uint64, appendTime time.Time) (Row, error) {
	f, err := Flatten(record, seq, appendTime)
	if err != nil {
		return nil, err
	}
	return &f, nil
}

// Column is a column of the row.
func (f *Flat) Column(path ...string) Value {
	i, ok := flatFields[path[0]]
	if !ok {
		return Null
	}
	return valueOf(reflect.ValueOf(f).Elem().Field(i), path[1:])
}

var flatFields = fieldIndex(reflect.TypeFor[Flat]())

func fieldIndex(t reflect.Type) map[string]int {
	index := map[string]int{}
	for i := range t.NumField() {
		column, _, _ := strings.Cut(t.Field(i).Tag.Get("parquet"), ",")
		index[column] = i
	}
	return index
}

// rowIndex are the fields of each struct a row can hold.
var rowIndex = map[reflect.Type]map[string]int{}

func init() {
	for _, t := range []reflect.Type{reflect.TypeFor[UserIdentity](), reflect.TypeFor[SessionContext](), reflect.TypeFor[SessionIssuer](),
		reflect.TypeFor[SessionAttributes](), reflect.TypeFor[Resource]()} {
		rowIndex[t] = fieldIndex(t)
	}
}

func valueOf(v reflect.Value, path []string) Value {
	if v.IsNil() {
		return Null
	}
	if v.Kind() == reflect.Slice {
		list := v.Interface().([]Resource)
		out := Value{kind: Array, list: make([]Value, len(list))}
		for i := range list {
			out.list[i] = Value{kind: Struct, row: &list[i]}
		}
		return out
	}
	switch x := v.Interface().(type) {
	case *string:
		return VarcharValue(*x)
	case *bool:
		return BooleanValue(*x)
	case *int64:
		return BigintValue(*x)
	case *time.Time:
		return TimestampValue(*x)
	}
	if len(path) == 0 {
		return Value{kind: Struct, row: v.Interface()}
	}
	i, ok := rowIndex[v.Type().Elem()][path[0]]
	if !ok {
		return Null
	}
	return valueOf(v.Elem().Field(i), path[1:])
}

// fieldValue is a field of a row that is a value.
func fieldValue(row any, field string) Value {
	v := reflect.ValueOf(row)
	i, ok := rowIndex[v.Type().Elem()][field]
	if !ok {
		return Null
	}
	return valueOf(v.Elem().Field(i), nil)
}
