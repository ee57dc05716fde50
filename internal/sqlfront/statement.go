package sqlfront

import "slices"

// Statement is one query. It is not changed once it is parsed and checked, so
// it may be shared.
type Statement struct {
	text    string
	tree    *query // as written; nil when made from another statement
	bound   *query // checked; nil before
	columns []Field
	params  []Parameter
	given   map[string]string // values of params
	open    bool              // params without a value are NULL
}

// Parse reads one query. Every error is an *Error, which says where. The
// tables and columns are looked at by Check.
func Parse(text string) (*Statement, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, err
	}
	tree, err := p.statement()
	if err != nil {
		return nil, err
	}
	params, err := parameters(p.src, p.variables)
	if err != nil {
		return nil, err
	}
	return &Statement{text: text, tree: tree, params: params}, nil
}

// Check finds the statement's tables, columns and functions and checks types.
// It comes after Parse and before anything else but Text; statements made from
// a checked one are checked.
func (s *Statement) Check(c Catalog) error {
	if s.tree == nil {
		return nil
	}
	b := &binder{src: source(s.text), catalog: c, params: s.params, given: s.given, open: s.open}
	bound, columns, err := b.query(s.tree)
	if err != nil {
		return err
	}
	if err := checkQuery(b.src, bound); err != nil {
		return err
	}
	s.bound, s.columns = bound, columns
	return nil
}

func (s *Statement) checked() *query {
	if s.bound == nil {
		panic("sqlfront: a statement is used before Check")
	}
	return s.bound
}

// plain is the statement's SELECT when it is no more than one SELECT from at
// most one table of the catalogue.
func (s *Statement) plain() (*selection, bool) {
	q := s.checked()
	sel, ok := q.body.(*selection)
	if !ok || len(q.with) > 0 {
		return nil, false
	}
	if sel.from != nil {
		t, ok := sel.from.(*table)
		return sel, ok && !t.cte
	}
	return sel, true
}

// made is a statement made from this one.
func (s *Statement) made(q query, columns []Field) *Statement {
	m := &Statement{bound: &q, columns: columns}
	m.text = m.Print(Trino, PrintOptions{})
	return m
}

// Text is the statement as it was given; one made from another has our text.
func (s *Statement) Text() string { return s.text }

// Print is the statement in an engine's SQL. Nothing in it is copied from the
// text: names are the catalogue's and ours, quoted, and literals are written
// anew.
func (s *Statement) Print(d Dialect, opt PrintOptions) string {
	q := s.checked()
	p := printer{d: d, opt: opt}
	if d == DuckDB {
		p.leaves = findLeaves(q)
		q = forOutput(q, s.columns)
	}
	if !p.split(q) {
		p.query(q)
	}
	return p.String()
}

// forOutput is a query whose result DuckDB gives as query.Result has it: with
// names for all columns, and as text what it would give as something else:
// times in a zone, intervals, and dates in lists.
func forOutput(q *query, columns []Field) *query {
	sel, ok := q.body.(*selection)
	changes := slices.ContainsFunc(columns, func(f Field) bool { return shown(f.Type) != f.Type })
	if ok && !changes {
		return q
	}
	if _, ok := q.body.(*setOp); ok && !changes {
		return q
	}
	if ok && len(q.order) == 0 {
		out, s := *q, *sel
		s.items = slices.Clone(s.items)
		for i := range s.items {
			s.items[i].x = outputText(s.items[i].x)
		}
		out.body = &s
		return &out
	}
	d := &derived{q: q, alias: "_o", columns: uniqueNames(columns)}
	outer := &selection{from: d}
	for i, c := range columns {
		outer.items = append(outer.items, item{x: outputText(&column{node{typ: c.Type}, "_o", []string{d.columns[i]}}), alias: c.Name})
	}
	return &query{body: outer, limit: -1}
}

func outputText(e expr) expr {
	t := e.info().typ
	if to := shown(t); to != t {
		return &cast{node{typ: to}, e, to, false}
	}
	return e
}

// shown is the type that a result has for one of type t.
func shown(t *Type) *Type {
	switch t.Kind {
	case Zoned, DayInterval, MonthInterval:
		return varcharType
	case Array, Map:
		if to := shownInside(t.Elem); to != t.Elem {
			return &Type{Kind: t.Kind, Key: t.Key, Elem: to}
		}
	case Struct:
		fields := slices.Clone(t.Fields)
		changed := false
		for i, f := range fields {
			fields[i].Type = shownInside(f.Type)
			changed = changed || fields[i].Type != f.Type
		}
		if changed {
			return &Type{Kind: Struct, Fields: fields}
		}
	}
	return t
}

func shownInside(t *Type) *Type {
	if t.Kind == Date {
		return varcharType
	}
	if t.Kind == Array || t.Kind == Map || t.Kind == Struct {
		return shown(t)
	}
	return t
}

// Columns are the names of the result's columns.
func (s *Statement) Columns() []string { s.checked(); return fieldNames(s.columns) }

// Types are the types of the result's columns.
func (s *Statement) Types() []*Type {
	s.checked()
	var types []*Type
	for _, c := range s.columns {
		types = append(types, c.Type)
	}
	return types
}

// StarOnly says whether the statement was written SELECT *.
func (s *Statement) StarOnly() bool {
	if s.tree == nil {
		return false
	}
	sel, ok := s.tree.body.(*selection)
	return ok && len(sel.items) == 1 && sel.items[0].x == nil
}

// Table is the table the statement reads; empty without one, and when it reads
// more than one.
func (s *Statement) Table() string {
	if t := s.Tables(); len(t) == 1 {
		return t[0]
	}
	return ""
}

// Tables are the tables the statement reads, each once.
func (s *Statement) Tables() []string {
	var names []string
	visitor{relation: func(r relation) {
		if t, ok := r.(*table); ok && !t.cte && !slices.Contains(names, t.name) {
			names = append(names, t.name)
		}
	}}.visit(s.checked())
	return names
}

// Simple says whether the statement is one SELECT from one table, without WITH,
// joins, UNION, sub-queries and window functions.
func (s *Statement) Simple() bool {
	sel, ok := s.plain()
	if !ok {
		return false
	}
	simple := true
	for _, e := range append(sel.expressions(), orderExprs(s.bound.order)...) {
		walk(e, func(e expr) bool {
			c, isCall := e.(*call)
			simple = simple && queryIn(e) == nil && !(isCall && c.over != nil)
			return simple
		})
	}
	return simple
}

// Limit is the statement's outermost LIMIT, if it has one.
func (s *Statement) Limit() (int64, bool) {
	n := s.checked().limit
	return max(n, 0), n >= 0
}

// Aggregates says whether the statement's rows are groups of events, or events
// put together, rather than events.
func (s *Statement) Aggregates() bool {
	sel, ok := s.plain()
	return !ok || sel.distinct || !s.Simple() || sel.grouped(s.bound.order)
}

// Filter is the statement's WHERE, and whether the statement is a filter of
// single events of CloudTrailLogs and nothing else: then each event can be
// judged alone, by the predicate, when it is appended.
func (s *Statement) Filter() (*Predicate, bool) {
	sel, ok := s.plain()
	if !ok || s.Table() != CloudTrailLogs || s.Aggregates() || s.bound.offset > 0 {
		return nil, false
	}
	if sel.where == nil {
		return AllOf(), true
	}
	if notOnOneRow(sel.where) != nil {
		return nil, false
	}
	return &Predicate{sel.where}, true
}

// WithoutLimit is the statement without its outermost LIMIT, OFFSET and ORDER
// BY.
func (s *Statement) WithoutLimit() *Statement {
	q := *s.checked()
	q.limit, q.offset, q.order = -1, 0, nil
	return s.made(q, s.columns)
}

// WithLimit is the statement with another outermost LIMIT.
func (s *Statement) WithLimit(n int64) *Statement {
	q := *s.checked()
	q.limit = max(n, 0)
	return s.made(q, s.columns)
}

// And is the statement over fewer events: it reads only those for which p is
// true, from every table it names.
func (s *Statement) And(p *Predicate) *Statement {
	q := *s.checked()
	sel, ok := s.plain()
	if !ok || sel.from == nil || !s.Simple() || s.Table() != CloudTrailLogs && s.Table() != CloudTrailHistory {
		q = *restrict(&q, p)
		return s.made(q, s.columns)
	}
	narrowed := *sel
	if sel.where == nil {
		narrowed.where = p.e
	} else {
		narrowed.where = AllOf(&Predicate{sel.where}, p).e
	}
	q.body = &narrowed
	return s.made(q, s.columns)
}

// Select is the statement with other result columns, given by their dotted
// names in CloudTrailLogs. A statement that aggregates has no such columns.
func (s *Statement) Select(columns ...string) (*Statement, error) {
	q := *s.checked()
	sel, ok := s.plain()
	if !ok || s.Aggregates() {
		return nil, &Error{Line: 1, Column: 1, Expected: "this statement's rows are not events: it aggregates", Hint: "take its own columns"}
	}
	out := *sel
	out.items = nil
	// ORDER BY by position would mean other columns now.
	q.order = nil
	for _, o := range s.bound.order {
		if l, ok := o.x.(*literal); ok {
			o.x = sel.items[l.v.i-1].x
		}
		if _, constant := o.x.(*literal); !constant {
			q.order = append(q.order, o)
		}
	}
	var fields []Field
	for _, name := range columns {
		path, typ, err := LookupColumn(name)
		if err != nil {
			return nil, err
		}
		out.items = append(out.items, item{x: &column{node{typ: typ}, tableAlias, path}, alias: name})
		fields = append(fields, Field{Name: name, Type: typ})
	}
	q.body = &out
	return s.made(q, fields), nil
}
