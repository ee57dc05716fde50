package sqlfront

import "slices"

// Statement is one SELECT. It is not changed once it is parsed and checked, so
// it may be shared.
type Statement struct {
	text  string
	tree  *selection // as written; nil when made from another statement
	bound *selection // checked; nil before
}

// Parse reads one SELECT. Every error is an *Error, which says where. The
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
	return &Statement{text: text, tree: tree}, nil
}

// Check finds the statement's tables, columns and functions and checks types.
// It comes after Parse and before anything else but Text; statements made from
// a checked one are checked.
func (s *Statement) Check(c Catalog) error {
	if s.tree == nil {
		return nil
	}
	b := &binder{src: source(s.text), catalog: c}
	bound, err := b.selection(s.tree)
	if err != nil {
		return err
	}
	s.bound = bound
	return nil
}

func (s *Statement) checked() *selection {
	if s.bound == nil {
		panic("sqlfront: a statement is used before Check")
	}
	return s.bound
}

// made is a statement made from this one.
func (s *Statement) made(sel selection) *Statement {
	m := &Statement{bound: &sel}
	m.text = m.Print(Trino, PrintOptions{})
	return m
}

// Text is the statement as it was given; one made from another has our text.
func (s *Statement) Text() string { return s.text }

// Print is the statement in an engine's SQL. Nothing in it is copied from the
// text: names are the catalogue's, quoted, and literals are written anew.
func (s *Statement) Print(d Dialect, opt PrintOptions) string {
	p := printer{d: d, opt: opt}
	p.selection(s.checked())
	return p.String()
}

// Columns are the names of the result's columns.
func (s *Statement) Columns() []string {
	var names []string
	for _, it := range s.checked().items {
		names = append(names, it.alias)
	}
	return names
}

// Types are the types of the result's columns.
func (s *Statement) Types() []*Type {
	var types []*Type
	for _, it := range s.checked().items {
		types = append(types, it.x.info().typ)
	}
	return types
}

// StarOnly says whether the statement was written SELECT *.
func (s *Statement) StarOnly() bool {
	return s.tree != nil && len(s.tree.items) == 1 && s.tree.items[0].x == nil
}

// Table is the table the statement reads; empty without one.
func (s *Statement) Table() string {
	if f := s.checked().from; f != nil {
		return f.name
	}
	return ""
}

// Limit is the statement's outermost LIMIT, if it has one.
func (s *Statement) Limit() (int64, bool) {
	n := s.checked().limit
	return max(n, 0), n >= 0
}

// Aggregates says whether the statement's rows are groups of events rather than
// events.
func (s *Statement) Aggregates() bool {
	sel := s.checked()
	if len(sel.group) > 0 || sel.having != nil || sel.distinct {
		return true
	}
	return slices.ContainsFunc(sel.expressions(), func(e expr) bool { return firstAggregate(e) != nil })
}

// Filter is the statement's WHERE, and whether the statement is a filter of
// single events of CloudTrailLogs and nothing else: then each event can be
// judged alone, by the predicate, when it is appended.
func (s *Statement) Filter() (*Predicate, bool) {
	sel := s.checked()
	if sel.from == nil || sel.from.name != CloudTrailLogs || s.Aggregates() {
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

// WithoutLimit is the statement without its outermost LIMIT and ORDER BY.
func (s *Statement) WithoutLimit() *Statement {
	sel := *s.checked()
	sel.limit, sel.order = -1, nil
	return s.made(sel)
}

// WithLimit is the statement with another outermost LIMIT.
func (s *Statement) WithLimit(n int64) *Statement {
	sel := *s.checked()
	sel.limit = max(n, 0)
	return s.made(sel)
}

// And is the statement with one more condition in its WHERE: it reads only the
// events for which p is true.
func (s *Statement) And(p *Predicate) *Statement {
	sel := *s.checked()
	if sel.where == nil {
		sel.where = p.e
	} else {
		sel.where = AllOf(&Predicate{sel.where}, p).e
	}
	return s.made(sel)
}

// Select is the statement with other result columns, given by their dotted
// names in CloudTrailLogs. A statement that aggregates has no such columns.
func (s *Statement) Select(columns ...string) (*Statement, error) {
	sel := *s.checked()
	if s.Aggregates() {
		return nil, &Error{Line: 1, Column: 1, Expected: "this statement's rows are not events: it aggregates", Hint: "take its own columns"}
	}
	sel.items = nil
	// ORDER BY by position would mean other columns now.
	sel.order = nil
	for _, o := range s.bound.order {
		if l, ok := o.x.(*literal); ok {
			o.x = s.bound.items[l.v.i-1].x
		}
		if _, constant := o.x.(*literal); !constant {
			sel.order = append(sel.order, o)
		}
	}
	for _, name := range columns {
		path, typ, err := LookupColumn(name)
		if err != nil {
			return nil, err
		}
		sel.items = append(sel.items, item{x: &column{node{typ: typ}, path}, alias: name})
	}
	return s.made(sel), nil
}
