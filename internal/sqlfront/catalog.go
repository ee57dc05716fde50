package sqlfront

import (
	"reflect"
	"strings"
	"sync"
	"time"
)

// Catalog is the tables a statement may name.
type Catalog struct {
	Tables []Table
	store  string
}

// WithStore is the catalogue with an event data store: its id is a name of
// CloudTrailLogs, too, and so is [DefaultStore].
func (c Catalog) WithStore(id string) Catalog {
	c.store = strings.ToLower(id)
	return c
}

// Table is one of them.
type Table struct {
	Name    string
	Columns []Field
}

// The names of the two tables of [CloudTrailCatalog].
const (
	CloudTrailLogs    = "CloudTrailLogs"    // inside a runbook, the events of its window
	CloudTrailHistory = "CloudTrailHistory" // every event that is kept
)

// CloudTrailCatalog has CloudTrailLogs and CloudTrailHistory, whose columns are
// the fields of [Flat].
func CloudTrailCatalog() Catalog { return cloudTrail() }

var cloudTrail = sync.OnceValue(func() Catalog {
	columns := rowFields(reflect.TypeFor[Flat]())
	return Catalog{Tables: []Table{{CloudTrailLogs, columns}, {CloudTrailHistory, columns}}}
})

// rowFields are the columns that a struct's parquet tags name.
func rowFields(t reflect.Type) []Field {
	var list []Field
	for i := range t.NumField() {
		f := t.Field(i)
		column, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		list = append(list, Field{column, columnType(f.Type)})
	}
	return list
}

func columnType(t reflect.Type) *Type {
	switch {
	case t.Kind() == reflect.Slice:
		return &Type{Kind: Array, Elem: &Type{Kind: Struct, Fields: rowFields(t.Elem())}}
	case t.Elem() == reflect.TypeFor[time.Time]():
		return timestampType
	case t.Elem().Kind() == reflect.Struct:
		return &Type{Kind: Struct, Fields: rowFields(t.Elem())}
	case t.Elem().Kind() == reflect.Bool:
		return booleanType
	case t.Elem().Kind() == reflect.Int64:
		return bigintType
	}
	return varcharType
}

func (c Catalog) table(name string) *Table {
	if c.store != "" && (name == DefaultStore || strings.EqualFold(name, c.store)) {
		name = CloudTrailLogs
	}
	for i := range c.Tables {
		if strings.EqualFold(c.Tables[i].Name, name) {
			return &c.Tables[i]
		}
	}
	return nil
}

func tableList(c Catalog) string {
	var names []string
	for _, t := range c.Tables {
		names = append(names, t.Name)
	}
	return strings.Join(names, " and ")
}

func findField(fields []Field, name string) *Field {
	for i := range fields {
		if strings.EqualFold(fields[i].Name, name) {
			return &fields[i]
		}
	}
	return nil
}

func fieldNames(fields []Field) []string {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}
