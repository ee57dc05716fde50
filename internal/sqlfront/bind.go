package sqlfront

import (
	"slices"
	"strconv"
	"strings"
)

// binder makes the checked tree of a statement: it finds columns and
// functions, gives every expression its type, writes * and ordinals out, and
// turns literals into the type they are compared with. Relations, queries of
// WITH and parameters of lambdas get names of ours, numbered as they come. What
// it makes prints the same in every dialect, and binding it again changes
// nothing.
type binder struct {
	src     source
	catalog Catalog
	scope   *scope
	with    []boundCTE // in scope, the innermost last
	params  []Parameter
	given   map[string]string
	open    bool              // a parameter without a value is NULL
	bending map[*literal]bool // of parameters that are not declared
	lambdas int               // how many lambdas, and sub-queries in expressions, are
	queries int               // around what is being bound
	trying  int               // and how many TRY
	used    struct{ relations, ctes, params, tables int }

	// What the expression being bound may have.
	aggregates bool
	windows    bool // window functions
	where      string
	inside     *call // the aggregate whose arguments are being bound
	named      map[string]*window
}

// boundCTE is a query of WITH and what it is called here.
type boundCTE struct {
	written, printed string
	columns          []Field
	tables           int // how many it reads, and what it reads does
}

// tableAlias is the first relation's name in every printed statement.
const tableAlias = "_t"

func (b *binder) fail(e expr, expected, hint string) error {
	return b.src.fail(e.info().at, "", expected, hint)
}

func (b *binder) newRelation() string {
	b.used.relations++
	if b.used.relations == 1 {
		return tableAlias
	}
	return tableAlias + strconv.Itoa(b.used.relations)
}

// query binds a query and tells the names and types of its columns.
func (b *binder) query(q *query) (*query, []Field, error) {
	out := &query{at: q.at, limit: q.limit, offset: q.offset}
	if err := b.bounds(q, out); err != nil {
		return nil, nil, err
	}
	known := len(b.with)
	defer func() { b.with = b.with[:known] }()
	for _, w := range q.with {
		tables := b.used.tables
		inner, columns, err := b.apart(w.q)
		if err != nil {
			return nil, nil, err
		}
		if columns, err = b.rename(w.at, columns, w.columns); err != nil {
			return nil, nil, err
		}
		b.used.ctes++
		bound := boundCTE{w.name, "_w" + strconv.Itoa(b.used.ctes), columns, b.used.tables - tables}
		b.with = append(b.with, bound)
		out.with = append(out.with, cte{at: w.at, name: bound.printed, columns: uniqueNames(columns), q: inner})
	}
	var columns []Field
	var err error
	switch body := q.body.(type) {
	case *selection:
		out.body, columns, err = b.selection(body, q, out)
	case *setOp:
		out.body, columns, err = b.setOp(body)
	case *values:
		out.body, columns, err = b.values(body)
	case *query:
		out.body, columns, err = b.query(body)
	}
	if err != nil {
		return nil, nil, err
	}
	if _, ok := q.body.(*selection); !ok {
		if out.order, err = b.orderOutput(q.order, columns); err != nil {
			return nil, nil, err
		}
	}
	out.each(func(e expr) {
		if err == nil && grows(e) > maxGrowth {
			err = b.fail(e, "this is too long once it is written out for the engine", "divide by columns, and cut text, fewer times inside each other")
		}
	}, func(*query) {}, func(relation) {})
	return out, columns, err
}

// apart binds a query that may not see the columns around it.
func (b *binder) apart(q *query) (*query, []Field, error) {
	before := b.scope
	b.scope = nil
	defer func() { b.scope = before }()
	return b.nested(q)
}

// nested binds a query inside an expression or a FROM.
func (b *binder) nested(q *query) (*query, []Field, error) {
	saved := *b
	out, columns, err := b.query(q)
	b.aggregates, b.windows, b.where, b.inside, b.named = saved.aggregates, saved.windows, saved.where, saved.inside, saved.named
	return out, columns, err
}

// rename gives columns the names that a statement lists for them.
func (b *binder) rename(at int, columns []Field, names []string) ([]Field, error) {
	if len(names) == 0 {
		return columns, nil
	}
	if len(names) != len(columns) {
		return nil, b.src.fail(at, strconv.Itoa(len(names))+" names", "this has "+strconv.Itoa(len(columns))+" columns", "name all of them, or none")
	}
	out := slices.Clone(columns)
	for i, n := range names {
		out[i].Name = n
	}
	return out, nil
}

// uniqueNames are names for columns by which each can be told from the others.
func uniqueNames(columns []Field) []string {
	taken := map[string]bool{}
	names := make([]string, len(columns))
	for i, c := range columns {
		name := c.Name
		for n := 2; name == "" || taken[strings.ToLower(name)]; n++ {
			name = c.Name + "_" + strconv.Itoa(n)
		}
		taken[strings.ToLower(name)] = true
		names[i] = name
	}
	return names
}

func (b *binder) selection(s *selection, q, outer *query) (*selection, []Field, error) {
	out := &selection{at: s.at, distinct: s.distinct}
	sc := &scope{}
	defer b.enter(sc)()
	var err error
	b.inside, b.windows, b.aggregates, b.named = nil, false, false, s.windows
	if s.from != nil {
		b.where = "FROM"
		if out.from, err = b.relation(s.from, sc); err != nil {
			return nil, nil, err
		}
	}
	if s.where != nil {
		b.where = "WHERE"
		if out.where, err = b.condition(s.where); err != nil {
			return nil, nil, err
		}
	}
	if out.items, err = b.items(s.items); err != nil {
		return nil, nil, err
	}
	if out.group, err = b.groupBy(s.group, out.items); err != nil {
		return nil, nil, err
	}
	b.aggregates, b.windows, b.where = true, false, "HAVING"
	if s.having != nil {
		if out.having, err = b.condition(s.having); err != nil {
			return nil, nil, err
		}
	}
	if outer.order, err = b.orderBy(q.order, out); err != nil {
		return nil, nil, err
	}
	if err := b.grouping(out, outer.order, sc); err != nil {
		return nil, nil, err
	}
	columns := make([]Field, len(out.items))
	for i, it := range out.items {
		columns[i] = Field{Name: it.alias, Type: it.x.info().typ}
	}
	return out, columns, nil
}

func orderExprs(order []orderItem) []expr {
	var list []expr
	for _, o := range order {
		list = append(list, o.x)
	}
	return list
}

// condition binds an expression that must be boolean.
func (b *binder) condition(e expr) (expr, error) {
	x, err := b.expr(e)
	if err != nil {
		return nil, err
	}
	return b.fit(x, booleanType, "a condition")
}

func (b *binder) items(list []item) ([]item, error) {
	b.aggregates, b.windows, b.where = true, true, "SELECT"
	var out []item
	for _, it := range list {
		if it.x == nil {
			stars, err := b.star(it)
			if err != nil {
				return nil, err
			}
			if out = append(out, stars...); len(out) > maxList {
				return nil, b.src.fail(it.at, "", "the SELECT list has more than "+strconv.Itoa(maxList)+" columns", "name fewer")
			}
			continue
		}
		x, err := b.expr(it.x)
		if err != nil {
			return nil, err
		}
		alias := it.alias
		if alias == "" {
			alias = b.outputName(it.x, x, len(out))
		}
		out = append(out, item{it.at, x, alias, ""})
	}
	return out, nil
}

// star writes * and t.* out.
func (b *binder) star(it item) ([]item, error) {
	if len(b.scope.rels) == 0 {
		return nil, b.src.fail(it.at, `"*"`, "* needs a table", "add FROM CloudTrailLogs")
	}
	columns := b.scope.all
	if it.star != "" {
		var aliases []string
		columns = nil
		for _, r := range b.scope.rels {
			aliases = append(aliases, r.alias)
			if strings.EqualFold(r.alias, it.star) {
				columns = r.columns
			}
		}
		if columns == nil {
			return nil, b.src.fail(it.at, `"`+shorten(it.star)+`"`, "there is no such table in FROM", didYouMean(it.star, aliases))
		}
	}
	var out []item
	for _, c := range columns {
		if !c.hidden {
			out = append(out, item{it.at, at(c.x, it.at), c.name, ""})
		}
	}
	return out, nil
}

// outputName is Trino's name of a result column without an alias. CloudTrail
// Lake calls it as the statement does.
func (b *binder) outputName(written, x expr, index int) string {
	if n, ok := written.(*name); ok {
		last := n.parts[len(n.parts)-1]
		for s := b.scope; s != nil; s = s.outer {
			for _, c := range s.all {
				if c.written && slices.ContainsFunc(n.parts, func(p string) bool { return strings.EqualFold(p, c.name) }) {
					return last
				}
			}
		}
		if visible := b.visibleName(x); visible != "" {
			return visible
		}
		if _, ok := x.(*column); !ok {
			return last
		}
	}
	switch x := x.(type) {
	case *column:
		return x.path[len(x.path)-1]
	case *fieldOf:
		return x.field
	}
	return "_col" + strconv.Itoa(index)
}

// visibleName is what the statement's relations call a column, which need not
// be what it is printed as.
func (b *binder) visibleName(x expr) string {
	c, isColumn := x.(*column)
	for s := b.scope; s != nil; s = s.outer {
		for _, v := range s.all {
			if v.x == x {
				return v.name
			}
			if o, ok := v.x.(*column); ok && isColumn && o.rel == c.rel && slices.Equal(o.path, c.path) {
				return v.name
			}
		}
	}
	return ""
}

func (b *binder) setOp(s *setOp) (*setOp, []Field, error) {
	out := &setOp{at: s.at, op: s.op, all: s.all}
	l, left, err := b.nested(s.l)
	if err != nil {
		return nil, nil, err
	}
	r, right, err := b.nested(s.r)
	if err != nil {
		return nil, nil, err
	}
	if len(left) != len(right) {
		return nil, nil, b.src.fail(s.r.at, strconv.Itoa(len(right))+" columns", "the query before "+s.op+" has "+strconv.Itoa(len(left)), "select as many in both")
	}
	columns := slices.Clone(left)
	types := make([]*Type, len(left))
	for i := range left {
		t, ok := commonType(left[i].Type, right[i].Type)
		if !ok {
			return nil, nil, b.src.fail(s.r.at, "", "column "+strconv.Itoa(i+1)+" is "+article(left[i].Type.Kind)+" before "+s.op+" and "+article(right[i].Type.Kind)+" after it", "CAST one of them")
		}
		if t.Kind == JSON && (!s.all || s.op != "UNION") {
			return nil, nil, b.src.fail(s.at, "", "cannot compare a json", "json_format(…) makes text of it")
		}
		columns[i].Type, types[i] = t, t
	}
	if out.l, err = b.retype(l, types); err != nil {
		return nil, nil, err
	}
	out.r, err = b.retype(r, types)
	return out, columns, err
}

// retype makes the columns of a bound query those types.
func (b *binder) retype(q *query, types []*Type) (*query, error) {
	out := *q
	var err error
	fit := func(e expr, t *Type) expr {
		x, wrong := b.fit(e, t, "a column")
		if wrong != nil {
			err = wrong
		}
		return x
	}
	switch body := q.body.(type) {
	case *selection:
		s := *body
		s.items = slices.Clone(s.items)
		for i := range s.items {
			s.items[i].x = fit(s.items[i].x, types[i])
		}
		out.body = &s
	case *values:
		v := &values{at: body.at}
		for _, row := range body.rows {
			cells := make([]expr, len(row))
			for i := range row {
				cells[i] = fit(row[i], types[i])
			}
			v.rows = append(v.rows, cells)
		}
		out.body = v
	case *setOp:
		s := *body
		if s.l, err = b.retype(s.l, types); err == nil {
			s.r, err = b.retype(s.r, types)
		}
		out.body = &s
	case *query:
		out.body, err = b.retype(body, types)
	}
	return &out, err
}

func (b *binder) values(v *values) (*values, []Field, error) {
	b.aggregates, b.windows, b.where = false, false, "VALUES"
	out := &values{at: v.at}
	for _, row := range v.rows {
		cells, err := b.exprs(row)
		if err != nil {
			return nil, nil, err
		}
		out.rows = append(out.rows, cells)
	}
	columns := make([]Field, len(out.rows[0]))
	for i := range columns {
		list := make([]expr, len(out.rows))
		for r := range out.rows {
			list[r] = out.rows[r][i]
		}
		t, err := b.unify(list, "a column of VALUES")
		if err != nil {
			return nil, nil, err
		}
		for r := range out.rows {
			out.rows[r][i] = list[r]
		}
		columns[i] = Field{Name: "_col" + strconv.Itoa(i), Type: t}
	}
	return out, columns, nil
}
