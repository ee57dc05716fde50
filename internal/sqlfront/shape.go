package sqlfront

import (
	"slices"
	"strings"
)

// shape is how a column, or a field of one, is made of the stored columns of
// CloudTrailLogs: by an expression of DuckDB. Maps are made of JSON text, and
// rows of their fields.
type shape struct {
	name   string
	typ    *Type
	duck   string  // of what is no row
	object string  // of a map: the JSON text it is made of
	exists string  // of a row: whether there is one
	fields []shape // of a row
	hidden bool
}

func shapedColumns(shapes []shape) []Field {
	var list []Field
	for _, s := range shapes {
		list = append(list, Field{Name: s.name, Type: s.typ, Hidden: s.hidden})
	}
	return list
}

// source is a leaf of the table in DuckDB's text.
func (t *Table) source(l leaf) string {
	if column, ok := strings.CutPrefix(l.path[0], identityColumn+"."); ok {
		return Quote(column)
	}
	if t.shapes == nil {
		quoted := make([]string, len(l.path))
		for i, part := range l.path {
			quoted[i] = Quote(part)
		}
		return strings.Join(quoted, ".")
	}
	list, s := t.shapes, shape{}
	for i, part := range l.path {
		at := slices.IndexFunc(list, func(s shape) bool { return s.name == part })
		if at < 0 { // below something that is whole
			text := s.whole()
			for _, rest := range l.path[i:] {
				text = "(" + text + ")." + Quote(rest)
			}
			return text
		}
		s = list[at]
		list = s.fields
	}
	if l.key != nil {
		return "TRY(json_extract_string(" + s.object + ", " + QuoteText(`$."`+*l.key+`"`) + "))"
	}
	return s.whole()
}

// whole is the shape's value.
func (s *shape) whole() string {
	if s.fields == nil {
		return s.duck
	}
	var b strings.Builder
	b.WriteString("CASE WHEN " + s.exists + " THEN {")
	for i := range s.fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(QuoteText(s.fields[i].name) + ": " + s.fields[i].whole())
	}
	b.WriteString("} END")
	return b.String()
}

var textMap = &Type{Kind: Map, Key: varcharType, Elem: varcharType}

// Each of these is a shape of the given name. A path is a record's, as in
// userIdentity.arn; what starts with a quote is DuckDB's own text.
func textShape(name, path string) shape {
	return shape{name: name, typ: varcharType, duck: recordText(path)}
}

func storedShape(name string, typ *Type, duck string) shape {
	return shape{name: name, typ: typ, duck: duck}
}

func mapShape(name, path string) shape {
	object := path
	if !strings.HasPrefix(path, `"`) {
		object = "TRY(json_extract(" + record + ", " + QuoteText("$."+path) + "))"
	}
	// In key order, so that maps of the same pairs are equal.
	return shape{name: name, typ: textMap, object: object,
		duck: "TRY(CASE WHEN json_type(" + object + ") = 'OBJECT' THEN map_from_entries(list_sort(map_entries(CAST(CAST(" + object + " AS JSON) AS MAP(VARCHAR, VARCHAR))))) END)"}
}

func rowShape(name, exists string, fields ...shape) shape {
	t := &Type{Kind: Struct}
	for _, f := range fields {
		t.Fields = append(t.Fields, Field{Name: f.name, Type: f.typ})
	}
	if !strings.HasPrefix(exists, `"`) {
		exists = "TRY(json_type(" + record + ", " + QuoteText("$."+exists) + ")) = 'OBJECT'"
	}
	return shape{name: name, typ: t, exists: exists, fields: fields}
}

func missingShape(name string, typ *Type) shape {
	return shape{name: name, typ: typ, duck: "CAST(NULL AS " + duckType(typ) + ")"}
}

// record is the column that holds the whole record.
const record = `"eventJson"`

// recordText is a member of the record as text: a string without its quotes,
// anything else as JSON.
func recordText(path string) string {
	return "TRY(json_extract_string(" + record + ", " + QuoteText("$."+path) + "))"
}

// textShapes are fields of a row whose names are those of the record, in lower
// case.
func textShapes(prefix string, names ...string) []shape {
	var list []shape
	for _, n := range names {
		list = append(list, textShape(strings.ToLower(n), prefix+n))
	}
	return list
}

// storedShapes are fields of a row that is stored as one.
func storedShapes(row string, names ...string) []shape {
	var list []shape
	for _, n := range names {
		list = append(list, storedShape(strings.ToLower(n), varcharType, row+"."+Quote(n)))
	}
	return list
}
