package sqlfront

import (
	"fmt"
	"slices"
	"strings"
)

// scope is what names mean in one query: the columns of its FROM, and outside
// of them those of the queries around it.
type scope struct {
	outer  *scope
	rels   []*visibleRelation
	all    []*visibleColumn // what * stands for, and what a name alone may mean
	params []lambdaParam    // of a lambda, whose scope has nothing else
}

// visibleRelation is a relation as the statement may call it.
type visibleRelation struct {
	alias   string // as written; empty when it has none
	name    string // of the catalogue's table, for messages
	columns []*visibleColumn
}

type visibleColumn struct {
	name    string
	x       expr // what it is in the bound tree
	hidden  bool // * leaves it out
	written bool // its result column is called as the statement calls it
}

type lambdaParam struct {
	name, printed string
	typ           *Type
}

// enter opens a scope inside the current one.
func (b *binder) enter(s *scope) (leave func()) {
	before := b.scope
	s.outer = before
	b.scope = s
	return func() { b.scope = before }
}

// name resolves a dotted name: the innermost scope that knows it wins, and in
// it a relation's alias before a column.
func (b *binder) name(n *name) (expr, error) {
	var tables bool
	for s := b.scope; s != nil; s = s.outer {
		tables = tables || len(s.rels) > 0
		x, err := b.nameIn(s, n)
		if x != nil || err != nil {
			return x, err
		}
	}
	if !tables {
		return nil, b.src.fail(n.at, `"`+shorten(strings.Join(n.parts, "."))+`"`, "a column needs a table", "add FROM CloudTrailLogs; text goes between single quotes")
	}
	return nil, b.noColumn(n)
}

// nameIn resolves a name in one scope; nil when it does not know it.
func (b *binder) nameIn(s *scope, n *name) (expr, error) {
	for _, p := range s.params {
		if strings.EqualFold(p.name, n.parts[0]) {
			return b.fields(&param{node{n.at, p.typ}, p.printed}, n, 1)
		}
	}
	if len(n.parts) > 1 {
		for _, r := range s.rels {
			if r.alias == "" || !strings.EqualFold(r.alias, n.parts[0]) {
				continue
			}
			c, err := b.pick(r.columns, n, 1)
			if c != nil || err != nil {
				return c, err
			}
		}
	}
	return b.pick(s.all, n, 0)
}

// pick finds the column that part i of a name names, and the fields that the
// rest of it names.
func (b *binder) pick(list []*visibleColumn, n *name, i int) (expr, error) {
	var found *visibleColumn
	for _, c := range list {
		if !strings.EqualFold(c.name, n.parts[i]) {
			continue
		}
		if found != nil {
			return nil, b.src.fail(n.at, `"`+shorten(strings.Join(n.parts, "."))+`"`, "more than one column has this name", "put the table's name or alias in front: "+b.qualified(n.parts[i]))
		}
		found = c
	}
	if found == nil {
		return nil, nil
	}
	return b.fields(at(found.x, n.at), n, i+1)
}

// qualified are the ways to write an ambiguous name.
func (b *binder) qualified(column string) string {
	var ways []string
	for _, r := range b.scope.rels {
		if r.alias != "" && slices.ContainsFunc(r.columns, func(c *visibleColumn) bool { return strings.EqualFold(c.name, column) }) {
			ways = append(ways, shorten(r.alias)+"."+shorten(column))
		}
	}
	return strings.Join(ways, " or ")
}

// at is a copy of a column or a plain expression at another place of the text.
func at(x expr, place int) expr {
	switch x := x.(type) {
	case *column:
		c := *x
		c.at = place
		return &c
	}
	return x
}

// fields are the fields that parts i and on of a name take from x.
func (b *binder) fields(x expr, n *name, i int) (expr, error) {
	for ; i < len(n.parts); i++ {
		f := findField(x.info().typ.Fields, n.parts[i])
		if f == nil {
			return nil, b.noField(x, n, i)
		}
		x = fieldAt(x, f, n.at)
	}
	return x, nil
}

func fieldAt(x expr, f *Field, place int) expr {
	if c, ok := x.(*column); ok {
		return &column{node{place, f.Type}, c.rel, append(slices.Clone(c.path), f.Name)}
	}
	if c, ok := x.(*cast); ok { // a row that is put together of its fields
		if r, ok := c.x.(*rowOf); ok && !c.try {
			for i, named := range c.to.Fields {
				if strings.EqualFold(named.Name, f.Name) && sameType(named.Type, r.args[i].info().typ) {
					return at(r.args[i], place)
				}
			}
		}
	}
	return &fieldOf{node{place, f.Type}, x, f.Name}
}

// noField says that part i of a name is no field of x.
func (b *binder) noField(x expr, n *name, i int) error {
	fields := x.info().typ.Fields
	hint := didYouMean(n.parts[i], fieldNames(fields))
	if hint == "" && len(fields) > 0 {
		hint = "it has " + strings.Join(fieldNames(fields), ", ")
	} else if len(fields) == 0 {
		hint = reachHint(x, n.parts[i-1], n.parts[i:])
	}
	start := 0
	if len(n.parts) > 1 && b.isAlias(n.parts[0]) && i > 1 {
		start = 1
	}
	return b.src.fail(n.at, `"`+shorten(strings.Join(n.parts, "."))+`"`, fmt.Sprintf("%q has no such field", shorten(strings.Join(n.parts[start:i], "."))), hint)
}

func (b *binder) isAlias(name string) bool {
	return slices.ContainsFunc(b.scope.rels, func(r *visibleRelation) bool { return strings.EqualFold(r.alias, name) })
}

// reachHint says how to reach into what is not a row.
func reachHint(x expr, column string, rest []string) string {
	switch x.info().typ.Kind {
	case Map:
		return "it is a map: element_at(" + column + ", '" + shorten(rest[0]) + "')"
	case Array:
		return "it is a list: element_at(" + column + ", 1)." + shorten(rest[0])
	}
	switch strings.ToLower(column) {
	case "requestparameters", "responseelements", "serviceeventdetails", "eventjson":
		return "it is JSON text: json_extract_scalar(" + column + ", '$." + shorten(strings.Join(rest, ".")) + "')"
	}
	return ""
}

// noColumn says that no scope knows a name.
func (b *binder) noColumn(n *name) error {
	text := `"` + shorten(strings.Join(n.parts, ".")) + `"`
	where, part := "", n.parts[0]
	var names []string
	s := b.scope
	for s != nil && len(s.rels) == 0 {
		s = s.outer
	}
	for _, c := range s.all {
		names = append(names, c.name)
	}
	if len(s.rels) == 1 && s.rels[0].name != "" {
		where = " in " + s.rels[0].name
	}
	if len(n.parts) > 1 && b.isAlias(n.parts[0]) {
		part = n.parts[1]
		for _, r := range s.rels {
			if strings.EqualFold(r.alias, n.parts[0]) {
				names = nil
				for _, c := range r.columns {
					names = append(names, c.name)
				}
			}
		}
	}
	hint := didYouMean(part, names)
	if hint == "" && len(n.parts) == 1 {
		hint = fieldHint(part, s.all)
	}
	if hint == "" && len(n.parts) == 1 {
		hint = "text goes between single quotes"
	}
	return b.src.fail(n.at, text, "there is no such column"+where, hint)
}

// fieldHint names the field of a row that a name is, where no column is: what is
// a column of one table is within another column of the next.
func fieldHint(name string, columns []*visibleColumn) string {
	for _, c := range columns {
		for _, f := range c.x.info().typ.Fields {
			if strings.EqualFold(f.Name, name) {
				return `did you mean "` + c.name + "." + f.Name + `"?`
			}
		}
	}
	return ""
}
