package sqlfront

import (
	"slices"
	"strings"
)

// leaves are what a statement reads of one base table: columns, fields of rows
// and values of maps, each for itself, so that an engine reads no more. Where
// a row is read whole, its fields are read from it.
type leaves struct {
	base  *Table
	span  span
	paths []leaf
	file  bool // the column FileColumn is wanted besides
}

type leaf struct {
	path []string
	key  *string // of a map, element_at(path, key)
	typ  *Type
}

// name is the leaf's column in what is printed.
func (l leaf) name() string {
	s := strings.Join(l.path, ".")
	if l.key != nil {
		s += "['" + *l.key + "']"
	}
	return s
}

func (l leaf) same(m leaf) bool {
	return slices.Equal(l.path, m.path) && (l.key == nil) == (m.key == nil) && (l.key == nil || *l.key == *m.key)
}

// holds says whether m is l or inside l.
func (l leaf) holds(m leaf) bool {
	if l.key != nil {
		return l.same(m)
	}
	return len(l.path) <= len(m.path) && slices.Equal(l.path, m.path[:len(l.path)])
}

// findLeaves lists the leaves of a bound query's base tables.
func findLeaves(q *query) map[string]*leaves {
	found := map[string]*leaves{}
	spans := findSpans(q)
	visitor{relation: func(r relation) {
		if t, ok := r.(*table); ok && !t.cte {
			found[t.alias] = &leaves{base: t.base, span: spans[t.alias]}
		}
	}}.visit(q)
	visitor{expr: func(e expr) bool {
		l, rel, ok := leafOf(e)
		if set := found[rel]; ok && set != nil {
			set.add(set.twin(l))
		}
		return !ok
	}}.visit(q)
	return found
}

// leafOf is the leaf that an expression reads, when it is nothing but that.
func leafOf(e expr) (leaf, string, bool) {
	switch e := e.(type) {
	case *column:
		return leaf{path: e.path, typ: e.typ}, e.rel, true
	case *call:
		if e.name != "element_at" {
			break
		}
		c, ok := e.args[0].(*column)
		k, constant := e.args[1].(*literal)
		if ok && constant && c.typ.Kind == Map && k.v.kind == Varchar && plainKey(k.v.s) {
			return leaf{c.path, &k.v.s, e.typ}, c.rel, true
		}
	}
	return leaf{}, "", false
}

// twin is the column that has the same values as a leaf, and is faster to find
// by: two fields of userIdentity are columns of the trail too, whose files have
// dictionaries and bloom filters that an engine looks into.
func (l *leaves) twin(n leaf) leaf {
	if l.base.ofEvents() && len(n.path) == 2 && strings.EqualFold(n.path[0], identityColumn) {
		if column := identityTwins[strings.ToLower(n.path[1])]; column != "" {
			return leaf{path: []string{identityColumn + "." + column}, typ: n.typ}
		}
	}
	return n
}

const identityColumn = "userIdentity"

var identityTwins = map[string]string{"arn": "userArn", "username": "userName"}

func (l *leaves) add(n leaf) {
	for _, m := range l.paths {
		if m.holds(n) {
			return
		}
	}
	l.paths = slices.DeleteFunc(l.paths, n.holds)
	l.paths = append(l.paths, n)
}

// print writes the table as a query of its leaves.
func (l *leaves) print(p *printer, t *table) {
	var list []string
	for _, leaf := range l.paths {
		list = append(list, t.base.source(leaf)+" AS "+Quote(leaf.name()))
	}
	if l.file {
		list = append(list, Quote(FileColumn))
	}
	if len(list) == 0 {
		list = []string{`NULL AS "_"`}
	}
	p.WriteByte('(')
	for i, branch := range p.branches(t) {
		if i > 0 {
			p.WriteString(" UNION ALL ")
		}
		p.WriteString("SELECT " + strings.Join(list, ", ") + " FROM " + branch)
		var conditions []string
		if t.base.ofEvents() {
			conditions = l.span.print()
		}
		if t.where != nil {
			inner := printer{d: DuckDB, opt: p.opt}
			inner.expr(t.where)
			p.WriteString(" AS " + Quote(tableAlias))
			conditions = append(conditions, inner.String())
		}
		if len(conditions) > 0 {
			p.WriteString(" WHERE " + strings.Join(conditions, " AND "))
		}
	}
	p.WriteByte(')')
}

// branches are what a table's rows are in, see PrintOptions.
func (p *printer) branches(t *table) []string {
	name := t.base.Stored()
	switch {
	case p.branch != "":
		return []string{p.branch}
	case p.opt.Table == nil:
		return []string{Quote(name)}
	}
	return p.opt.Table(name)
}

// leaf prints a leaf, and says whether e is one of a base table.
func (p *printer) leaf(e expr) bool {
	n, rel, ok := leafOf(e)
	set := p.leaves[rel]
	if p.d != DuckDB || !ok || set == nil {
		return false
	}
	n = set.twin(n)
	for _, m := range set.paths {
		if !m.holds(n) {
			continue
		}
		if n.key != nil && m.key == nil {
			if _, isCall := e.(*call); isCall {
				return false // the map is read whole
			}
		}
		p.WriteString(Quote(rel) + "." + Quote(m.name()))
		for _, part := range n.path[len(m.path):] {
			p.WriteString("." + Quote(part))
		}
		return true
	}
	return false
}

func (p *printer) column(c *column) {
	if p.leaf(c) {
		return
	}
	p.WriteString(Quote(c.rel))
	for _, part := range c.path {
		p.WriteString("." + Quote(part))
	}
}
