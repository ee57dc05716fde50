package sqlfront

import (
	"slices"
	"strings"
)

// union is texts of one table as one.
func union(branches []string) string {
	if len(branches) == 1 {
		return branches[0]
	}
	return "(SELECT * FROM " + strings.Join(branches, " UNION ALL SELECT * FROM ") + ")"
}

// split prints a query for the first rows, in some order, of one table that is
// in several branches. Each branch is asked for its own first rows: those of all
// are among them. Of one branch an engine finds by few columns which rows these
// are, and then reads those alone whole; of a UNION it reads every row whole. It
// reports false for a query that is not of this kind, and prints nothing then.
func (p *printer) split(q *query) bool {
	sel, ok := q.body.(*selection)
	if !ok || p.d != DuckDB || len(q.with) > 0 || len(q.order) == 0 || q.limit < 0 || q.offset > maxFetched-q.limit || sel.distinct || sel.grouped(q.order) {
		return false
	}
	t, ok := sel.from.(*table)
	if !ok || t.cte || p.leaves[t.alias] == nil {
		return false
	}
	branches := p.branches(t)
	if len(branches) < 2 || slices.ContainsFunc(append(sel.expressions(), orderExprs(q.order)...), wantsAllRows) {
		return false
	}
	order := slices.Clone(q.order)
	for i, o := range order {
		if l, ok := o.x.(*literal); ok { // a position
			if order[i].x = sel.items[l.v.i-1].x; isLiteral(order[i].x) {
				return false
			}
		}
	}
	p.WriteString("SELECT ")
	p.items(sel.items)
	// What is computed of the rows is computed of those of the answer alone: on
	// others it may fail.
	p.WriteString(" FROM (SELECT * FROM (")
	for i, b := range branches {
		if i > 0 {
			p.WriteString(" UNION ALL ")
		}
		p.branch = b
		p.WriteString("(SELECT * FROM ")
		p.table(t)
		if sel.where != nil {
			p.around(" WHERE ", sel.where, "")
		}
		p.end(order, q.limit+q.offset, 0)
		p.WriteByte(')')
	}
	p.branch = ""
	p.WriteString(") AS " + Quote(t.alias))
	p.end(order, q.limit, q.offset)
	p.WriteString(") AS " + Quote(t.alias))
	p.end(order, -1, 0)
	return true
}

// maxFetched is how many rows are fetched one by one at most.
const maxFetched = 1 << 20

func isLiteral(e expr) bool { _, ok := e.(*literal); return ok }

// wantsAllRows says whether an expression has another value when there are fewer
// rows, or when it is computed twice.
func wantsAllRows(e expr) bool {
	found := false
	walk(e, func(e expr) bool {
		c, isCall := e.(*call)
		found = found || queryIn(e) != nil || isCall && c.over != nil
		return !found
	})
	return found
}
