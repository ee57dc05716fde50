package sqlfront

import (
	"strconv"
	"strings"
)

func (p *printer) query(q *query) {
	for i, w := range q.with {
		if i == 0 {
			p.WriteString("WITH ")
		}
		p.comma(i)
		p.WriteString(Quote(w.name))
		p.names(w.columns)
		p.WriteString(" AS (")
		p.query(w.q)
		p.WriteByte(')')
	}
	if len(q.with) > 0 {
		p.WriteByte(' ')
	}
	switch b := q.body.(type) {
	case *selection:
		p.selection(b)
	case *setOp:
		p.WriteByte('(')
		p.query(b.l)
		p.WriteString(") " + b.op)
		if b.all {
			p.WriteString(" ALL")
		}
		p.WriteString(" (")
		p.query(b.r)
		p.WriteByte(')')
	case *values:
		for i, row := range b.rows {
			if i == 0 {
				p.WriteString("VALUES ")
			}
			p.comma(i)
			if p.d == Trino && len(row) == 1 && row[0].info().typ.Kind == Struct { // in brackets it would be the row itself
				p.WriteString("ROW")
			}
			p.WriteByte('(')
			p.list(row)
			p.WriteByte(')')
		}
	case *query:
		p.WriteByte('(')
		p.query(b)
		p.WriteByte(')')
	}
	p.end(q.order, q.limit, q.offset)
}

// end prints ORDER BY, LIMIT and OFFSET.
func (p *printer) end(order []orderItem, limit, skip int64) {
	if len(order) > 0 {
		p.WriteString(" ORDER BY ")
		p.order(order, true)
	}
	offset := ""
	if skip > 0 {
		offset = " OFFSET " + strconv.FormatInt(skip, 10)
	}
	if p.d == Trino { // it wants OFFSET first, DuckDB takes both
		p.WriteString(offset)
	}
	if limit >= 0 {
		p.WriteString(" LIMIT " + strconv.FormatInt(limit, 10))
	}
	if p.d == DuckDB {
		p.WriteString(offset)
	}
}

// order prints the items of ORDER BY; a literal is a position where one may
// stand.
func (p *printer) order(list []orderItem, positions bool) {
	for i, o := range list {
		p.comma(i)
		if l, ok := o.x.(*literal); ok && positions {
			p.WriteString(strconv.FormatInt(l.v.i, 10))
		} else {
			p.expr(o.x)
		}
		p.WriteString(map[bool]string{false: " ASC", true: " DESC"}[o.desc])
		p.WriteString(map[bool]string{false: " NULLS LAST", true: " NULLS FIRST"}[o.nullsFirst])
	}
}

// names prints a list of columns' names.
func (p *printer) names(list []string) {
	p.WriteByte('(')
	for i, n := range list {
		p.comma(i)
		p.WriteString(Quote(n))
	}
	p.WriteByte(')')
}

func (p *printer) selection(s *selection) {
	p.WriteString("SELECT ")
	if s.distinct {
		p.WriteString("DISTINCT ")
	}
	p.items(s.items)
	if s.from != nil {
		p.WriteString(" FROM ")
		p.relation(s.from)
	}
	if s.where != nil {
		p.WriteString(" WHERE ")
		p.expr(s.where)
	}
	for i, g := range s.group {
		if i == 0 {
			p.WriteString(" GROUP BY ")
		}
		p.comma(i)
		p.grouping(g)
	}
	if s.having != nil {
		p.WriteString(" HAVING ")
		p.expr(s.having)
	}
}

func (p *printer) items(list []item) {
	for i, it := range list {
		p.comma(i)
		p.expr(it.x)
		p.WriteString(" AS " + Quote(it.alias))
	}
}

func (p *printer) grouping(g grouping) {
	if g.kind == "" {
		p.expr(g.sets[0][0])
		return
	}
	p.WriteString(g.kind + " (")
	for i, set := range g.sets {
		p.comma(i)
		p.WriteByte('(')
		p.list(set)
		p.WriteByte(')')
	}
	p.WriteByte(')')
}

func (p *printer) relation(r relation) {
	switch r := r.(type) {
	case *table:
		p.table(r)
	case *derived:
		if r.lateral {
			p.WriteString("LATERAL ")
		}
		p.WriteByte('(')
		p.query(r.q)
		p.WriteString(") AS " + Quote(r.alias) + " ")
		p.names(r.columns)
	case *join:
		p.WriteByte('(')
		p.relation(r.l)
		p.WriteString(" " + r.kind + " JOIN ")
		p.relation(r.r)
		if r.on != nil {
			p.WriteString(" ON ")
			p.expr(r.on)
		}
		p.WriteByte(')')
	case *unnest:
		p.unnest(r)
	}
}

func (p *printer) table(t *table) {
	switch {
	case t.cte:
		p.WriteString(Quote(t.name))
	case p.d == DuckDB && p.leaves[t.alias] != nil:
		p.leaves[t.alias].print(p, t)
	default:
		name := Quote(t.name)
		if p.opt.Table != nil {
			name = union(p.opt.Table(t.name))
		}
		if t.where != nil {
			name = "(SELECT * FROM " + name + " AS " + Quote(tableAlias) + " WHERE " + exprText(t.where) + ")"
		}
		p.WriteString(name)
	}
	p.WriteString(" AS " + Quote(t.alias))
}

// unnest prints one column for each field of the elements. DuckDB has UNNEST as
// a function of a SELECT list, where lists of different lengths go side by side.
func (p *printer) unnest(u *unnest) {
	if p.d == Trino {
		p.WriteString("UNNEST(")
		p.list(u.args)
		p.WriteByte(')')
		if u.ordinality {
			p.WriteString(" WITH ORDINALITY")
		}
		p.WriteString(" AS " + Quote(u.alias) + " ")
		p.names(u.columns)
		return
	}
	var inner, outer []string
	text := func(e expr) string {
		q := *p
		q.Builder = strings.Builder{}
		q.expr(e)
		return q.String()
	}
	var lengths []string
	for i, a := range u.args {
		x, t := text(a), a.info().typ
		c := "c" + strconv.Itoa(i)
		if t.Kind == Map {
			x = "map_entries(" + x + ")"
			outer = append(outer, "u."+c+".key", "u."+c+".value")
		} else if t.Elem.Kind == Struct {
			for j := range t.Elem.Fields {
				outer = append(outer, "u."+c+"."+Quote(fieldName(t.Elem, j)))
			}
		} else {
			outer = append(outer, "u."+c)
		}
		lengths = append(lengths, "coalesce(len("+x+"), 0)")
		inner = append(inner, "unnest("+x+") AS "+c)
	}
	if u.ordinality {
		longest := lengths[0]
		if len(lengths) > 1 {
			longest = "greatest(" + strings.Join(lengths, ", ") + ")"
		}
		inner = append(inner, "unnest(range(1, "+longest+" + 1)) AS n")
		outer = append(outer, "u.n")
	}
	for i := range outer {
		outer[i] += " AS " + Quote(u.columns[i])
	}
	p.WriteString("LATERAL (SELECT " + strings.Join(outer, ", ") + " FROM (SELECT " + strings.Join(inner, ", ") + ") AS u) AS " + Quote(u.alias))
}

// over prints a window.
func (p *printer) over(w *window) {
	p.WriteString(" OVER (")
	sep := ""
	if len(w.partition) > 0 {
		p.WriteString("PARTITION BY ")
		p.list(w.partition)
		sep = " "
	}
	if len(w.order) > 0 {
		p.WriteString(sep + "ORDER BY ")
		p.order(w.order, false)
		sep = " "
	}
	if f := w.frame; f != nil {
		p.WriteString(sep + f.unit + " BETWEEN ")
		p.frameBound(f.from)
		p.WriteString(" AND ")
		p.frameBound(f.to)
	}
	p.WriteByte(')')
}

func (p *printer) frameBound(b frameBound) {
	if b.n != nil {
		p.around("", b.n, " ")
	}
	p.WriteString(b.kind)
}
