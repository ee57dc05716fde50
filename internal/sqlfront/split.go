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
	f, ok := p.firstRows(q)
	if !ok || len(f.order) == 0 {
		return false
	}
	branches := p.branches(f.t)
	if len(branches) < 2 {
		return false
	}
	p.WriteString("SELECT ")
	p.items(f.sel.items)
	// What is computed of the rows is computed of those of the answer alone: on
	// others it may fail.
	p.WriteString(" FROM (SELECT * FROM (")
	for i, b := range branches {
		if i > 0 {
			p.WriteString(" UNION ALL ")
		}
		p.branch = b
		p.WriteString("(SELECT * FROM ")
		p.first(f)
		p.WriteByte(')')
	}
	p.branch = ""
	p.WriteString(") AS " + Quote(f.t.alias))
	p.end(f.order, q.limit, q.offset)
	p.WriteString(") AS " + Quote(f.t.alias))
	p.end(f.order, -1, 0)
	return true
}

// firstRows is a query for events, or the first of them, of one table.
type firstRows struct {
	sel   *selection
	t     *table
	order []orderItem // without positions
	n     int64       // how many are wanted, with those that OFFSET skips
}

func (p *printer) firstRows(q *query) (f firstRows, ok bool) {
	sel, ok := q.body.(*selection)
	if !ok || p.d != DuckDB || len(q.with) > 0 || q.limit < 0 || q.offset > maxFetched-q.limit || sel.distinct || sel.grouped(q.order) {
		return f, false
	}
	t, ok := sel.from.(*table)
	if !ok || t.cte || p.leaves[t.alias] == nil || slices.ContainsFunc(append(sel.expressions(), orderExprs(q.order)...), wantsAllRows) {
		return f, false
	}
	f = firstRows{sel, t, slices.Clone(q.order), q.limit + q.offset}
	for i, o := range f.order {
		if l, ok := o.x.(*literal); ok { // a position
			if f.order[i].x = sel.items[l.v.i-1].x; isLiteral(f.order[i].x) {
				return f, false
			}
		}
	}
	return f, true
}

// first prints what follows SELECT … FROM for the first rows of a branch.
func (p *printer) first(f firstRows) {
	p.table(f.t)
	if f.sel.where != nil {
		p.around(" WHERE ", f.sel.where, "")
	}
	p.end(f.order, f.n, 0)
}

// FileColumn is the column of PrintOptions.Table's text that says which file a
// row is in, for [Statement.Files].
const FileColumn = "_file"

// widely is how many columns more than its condition needs make it worth to
// look first which files a statement's rows are in.
const widely = 8

// Files is a statement for DuckDB that finds which files s is about: its answer
// is a list of them, and s has the same answer where the table is these files
// alone. It reads the columns of the condition and the order, and makes sense
// where s reads many more: to leave a row group out costs an engine some work
// for each column. ok is false where it makes none.
func (s *Statement) Files(opt PrintOptions) (text string, ok bool) {
	q := s.checked()
	p := printer{d: DuckDB, opt: opt, leaves: findLeaves(q)}
	f, ok := p.firstRows(q)
	if !ok || !f.t.base.ofEvents() || f.sel.where == nil && len(f.order) == 0 {
		return "", false
	}
	all := p.leaves[f.t.alias]
	needed := &leaves{base: all.base, span: all.span, file: true}
	for _, e := range append(orderExprs(f.order), f.sel.where) {
		if e == nil {
			continue
		}
		walk(e, func(e expr) bool {
			l, rel, ok := leafOf(e)
			if ok && rel == f.t.alias {
				needed.add(needed.twin(l))
			}
			return !ok
		})
	}
	if len(all.paths)-len(needed.paths) < widely {
		return "", false
	}
	p.leaves[f.t.alias] = needed
	p.WriteString("SELECT list(DISTINCT " + Quote(FileColumn) + ") FROM (SELECT " + Quote(FileColumn) + " FROM ")
	p.first(f)
	p.WriteString(") AS " + Quote(f.t.alias))
	return p.String(), true
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
