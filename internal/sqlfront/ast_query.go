package sqlfront

// query is a query expression: WITH … body ORDER BY … OFFSET … LIMIT.
type query struct {
	at     int
	with   []cte
	body   body
	order  []orderItem
	offset int64
	limit  int64 // -1 without

	offsetBy, limitBy *variable // as written: what bind puts into offset and limit; nil without
}

// cte is a query with a name in WITH.
type cte struct {
	at      int
	name    string
	columns []string
	q       *query
}

// body is a *selection, a *setOp, a *values or a *query in brackets.
type body interface{ isBody() }

func (*selection) isBody() {}
func (*setOp) isBody()     {}
func (*values) isBody()    {}
func (*query) isBody()     {}

// selection is a SELECT.
type selection struct {
	at       int
	distinct bool
	items    []item
	from     relation // nil without FROM
	where    expr     // may be nil
	group    []grouping
	having   expr // may be nil
	windows  map[string]*window
}

// grouping is an element of GROUP BY: an expression, which has one set of one
// expression, or ROLLUP, CUBE and GROUPING SETS with theirs.
type grouping struct {
	kind string // "", "ROLLUP", "CUBE" or "GROUPING SETS"
	sets [][]expr
}

// setOp is UNION, INTERSECT or EXCEPT.
type setOp struct {
	at   int
	op   string
	all  bool
	l, r *query
}

// values are rows written out.
type values struct {
	at   int
	rows [][]expr
}

// relation is what may stand in FROM: a *table, a *derived, a *join or an
// *unnest.
type relation interface{ isRelation() }

func (*table) isRelation()   {}
func (*derived) isRelation() {}
func (*join) isRelation()    {}
func (*unnest) isRelation()  {}

// table is a table of the catalogue or, bound with cte set, a query of WITH.
type table struct {
	at      int
	name    string
	alias   string
	columns []string // their names in the statement; none for the table's own
	cte     bool
	base    *Table // bound, of the catalogue
	where   expr   // bound, on the columns of CloudTrailLogs: other rows are not there; see restrict
}

// derived is a query in FROM.
type derived struct {
	at      int
	q       *query
	alias   string
	columns []string
	lateral bool // it may see what stands before it in FROM
}

// join is l JOIN r. A comma and CROSS JOIN have no condition.
type join struct {
	at    int
	kind  string // CROSS, INNER, LEFT, RIGHT or FULL
	l, r  relation
	on    expr
	using []token // as written
}

// unnest makes rows of the elements of its arguments.
type unnest struct {
	at         int
	args       []expr
	ordinality bool
	alias      string
	columns    []string
}

// each calls its arguments for the expressions, queries and relations directly
// in q: not for those inside its sub-queries.
func (q *query) each(onExpr func(expr), onQuery func(*query), onRelation func(relation)) {
	for _, w := range q.with {
		onQuery(w.q)
	}
	var from func(relation)
	from = func(r relation) {
		if r == nil {
			return
		}
		onRelation(r)
		switch r := r.(type) {
		case *derived:
			onQuery(r.q)
		case *join:
			from(r.l)
			from(r.r)
			if r.on != nil {
				onExpr(r.on)
			}
		case *unnest:
			for _, e := range r.args {
				onExpr(e)
			}
		}
	}
	switch b := q.body.(type) {
	case *selection:
		from(b.from)
		for _, e := range b.expressions() {
			onExpr(e)
		}
	case *setOp:
		onQuery(b.l)
		onQuery(b.r)
	case *values:
		for _, row := range b.rows {
			for _, e := range row {
				onExpr(e)
			}
		}
	case *query:
		onQuery(b)
	}
	for _, o := range q.order {
		onExpr(o.x)
	}
}

// visitor is called for every query, relation and expression of a tree, from
// the top; what is below an expression for which it says false is left out.
type visitor struct {
	query    func(*query)
	relation func(relation)
	expr     func(expr) bool
}

func (v visitor) visit(q *query) {
	if v.query != nil {
		v.query(q)
	}
	q.each(v.visitExpr, v.visit, func(r relation) {
		if v.relation != nil {
			v.relation(r)
		}
	})
}

func (v visitor) visitExpr(e expr) {
	walk(e, func(e expr) bool {
		if v.expr != nil && !v.expr(e) {
			return false
		}
		if q := queryIn(e); q != nil {
			v.visit(q)
		}
		return true
	})
}

// queryIn is the query that an expression holds; nil when it holds none.
func queryIn(e expr) *query {
	switch e := e.(type) {
	case *subquery:
		return e.q
	case *exists:
		return e.q
	case *inQuery:
		return e.q
	case *quantified:
		return e.q
	}
	return nil
}

// expressions are all the expressions of a selection, without those of its
// relations.
func (s *selection) expressions() []expr {
	var list []expr
	for _, i := range s.items {
		if i.x != nil {
			list = append(list, i.x)
		}
	}
	if s.where != nil {
		list = append(list, s.where)
	}
	list = append(list, s.groupExprs()...)
	if s.having != nil {
		list = append(list, s.having)
	}
	return list
}

// groupExprs are the expressions of GROUP BY.
func (s *selection) groupExprs() []expr {
	var list []expr
	for _, g := range s.group {
		for _, set := range g.sets {
			list = append(list, set...)
		}
	}
	return list
}

// holdsQuery says whether a query is somewhere in e.
func holdsQuery(e expr) bool {
	found := false
	walk(e, func(e expr) bool {
		found = found || queryIn(e) != nil
		return !found
	})
	return found
}
