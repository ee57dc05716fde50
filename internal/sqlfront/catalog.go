package sqlfront

import (
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"
)

// Catalog is the tables a statement may name.
type Catalog struct {
	Tables []Table
	store  string
}

// Table is one of them.
type Table struct {
	Name    string
	Columns []Field
	// AsWritten says that result columns are called as the statement calls
	// them, and not as Columns does.
	AsWritten bool

	shapes []shape // how the columns are made of the stored ones; nil for these themselves
	stored string  // the relation that has those; empty for the one with the trail
}

// The names of tables in [CloudTrailCatalog].
const (
	CloudTrailLogs    = "CloudTrailLogs"    // inside a runbook, the events of its window
	CloudTrailHistory = "CloudTrailHistory" // every event that is kept
	AthenaLogs        = "cloudtrail_logs"   // the events of CloudTrailLogs as Athena has them
)

// CloudTrailCatalog has CloudTrailLogs and CloudTrailHistory, whose columns are
// the fields of [Flat], and cloudtrail_logs, which has the same events with the
// columns of AWS's table for Athena.
func CloudTrailCatalog() Catalog { return cloudTrail() }

var cloudTrail = sync.OnceValue(func() Catalog {
	columns := rowFields(reflect.TypeFor[Flat]())
	athena := athenaShapes()
	return Catalog{Tables: []Table{{Name: CloudTrailLogs, Columns: columns}, {Name: CloudTrailHistory, Columns: columns},
		{Name: AthenaLogs, Columns: shapedColumns(athena), shapes: athena}}}
})

// WithStore is the catalogue with an event data store, a table that is called
// by its id and has the columns of CloudTrail Lake. [DefaultStore] is it, too.
func (c Catalog) WithStore(id string) Catalog {
	c.store = strings.ToLower(id)
	lake := lakeTable()
	lake.Name = c.store
	c.Tables = append(slices.Clip(slices.Clone(c.Tables)), lake)
	return c
}

var lakeTable = sync.OnceValue(func() Table {
	shapes := lakeShapes()
	return Table{Columns: shapedColumns(shapes), AsWritten: true, shapes: shapes}
})

// Stored is the table that holds the rows: CloudTrailLogs, CloudTrailHistory, or
// one beside the trail.
func (t *Table) Stored() string {
	if t.stored != "" {
		return t.stored
	}
	if t.shapes != nil {
		return CloudTrailLogs
	}
	return t.Name
}

// ofEvents says whether the rows are events of the trail.
func (t *Table) ofEvents() bool {
	name := t.Stored()
	return name == CloudTrailLogs || name == CloudTrailHistory
}

// rowFields are the columns that a struct's parquet tags name.
func rowFields(t reflect.Type) []Field {
	var list []Field
	for i := range t.NumField() {
		f := t.Field(i)
		column, _, _ := strings.Cut(f.Tag.Get("parquet"), ",")
		list = append(list, Field{Name: column, Type: columnType(f.Type)})
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
	if name == DefaultStore && c.store != "" {
		name = c.store
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
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
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
