package sqlfront

// restrict is a query that reads, from every table it names, only the events
// for which p is true. p is a condition on CloudTrailLogs; the other tables are
// the same events in other shapes, so it is made before they are shaped.
func restrict(q *query, p *Predicate) *query {
	return rewriter{relation: func(r relation) relation {
		t, ok := r.(*table)
		if !ok || t.cte {
			return r
		}
		narrow := *t
		narrow.where = p.e
		if t.where != nil {
			narrow.where = AllOf(&Predicate{t.where}, p).e
		}
		return &narrow
	}}.query(q)
}

// rewriter copies a bound query with other relations.
type rewriter struct {
	relation func(relation) relation
}

func (w rewriter) query(q *query) *query {
	out := *q
	out.with = nil
	for _, c := range q.with {
		c.q = w.query(c.q)
		out.with = append(out.with, c)
	}
	switch b := q.body.(type) {
	case *selection:
		s := *b
		s.from = w.from(b.from)
		s.items = nil
		for _, it := range b.items {
			it.x = w.expr(it.x)
			s.items = append(s.items, it)
		}
		s.where, s.having = w.expr(b.where), w.expr(b.having)
		s.group = nil
		for _, g := range b.group {
			sets := make([][]expr, len(g.sets))
			for i := range g.sets {
				sets[i] = w.list(g.sets[i])
			}
			s.group = append(s.group, grouping{g.kind, sets})
		}
		out.body = &s
	case *setOp:
		s := *b
		s.l, s.r = w.query(b.l), w.query(b.r)
		out.body = &s
	case *values:
		v := *b
		v.rows = nil
		for _, row := range b.rows {
			v.rows = append(v.rows, w.list(row))
		}
		out.body = &v
	case *query:
		out.body = w.query(b)
	}
	out.order = w.order(q.order)
	return &out
}

func (w rewriter) from(r relation) relation {
	switch r := r.(type) {
	case nil:
		return nil
	case *derived:
		d := *r
		d.q = w.query(r.q)
		return &d
	case *join:
		j := *r
		j.l, j.r, j.on = w.from(r.l), w.from(r.r), w.expr(r.on)
		return &j
	case *unnest:
		u := *r
		u.args = w.list(r.args)
		return &u
	}
	return w.relation(r)
}

func (w rewriter) list(list []expr) []expr {
	if list == nil {
		return nil
	}
	out := make([]expr, len(list))
	for i, e := range list {
		out[i] = w.expr(e)
	}
	return out
}

func (w rewriter) order(list []orderItem) []orderItem {
	var out []orderItem
	for _, o := range list {
		o.x = w.expr(o.x)
		out = append(out, o)
	}
	return out
}

// expr copies an expression that holds a query; others are shared.
func (w rewriter) expr(e expr) expr {
	if e == nil || !holdsQuery(e) {
		return e
	}
	switch e := e.(type) {
	case *fieldOf:
		return &fieldOf{e.node, w.expr(e.x), e.field}
	case *logic:
		return &logic{e.node, e.or, w.list(e.args)}
	case *not:
		return &not{e.node, w.expr(e.x)}
	case *negate:
		return &negate{e.node, w.expr(e.x)}
	case *binary:
		return &binary{e.node, e.op, w.expr(e.l), w.expr(e.r)}
	case *like:
		l := *e
		l.x = w.expr(e.x)
		return &l
	case *in:
		return &in{e.node, w.expr(e.x), w.list(e.list), e.not}
	case *between:
		return &between{e.node, w.expr(e.x), w.expr(e.lo), w.expr(e.hi), e.not}
	case *isNull:
		return &isNull{e.node, w.expr(e.x), e.not}
	case *caseOf:
		c := &caseOf{node: e.node, operand: w.expr(e.operand), other: w.expr(e.other)}
		for _, x := range e.whens {
			c.whens = append(c.whens, when{w.expr(x.cond), w.expr(x.then)})
		}
		return c
	case *cast:
		return &cast{e.node, w.expr(e.x), e.to, e.try}
	case *call:
		c := *e
		c.args, c.filter, c.order = w.list(e.args), w.expr(e.filter), w.order(e.order)
		if e.over != nil {
			over := *e.over
			over.partition, over.order = w.list(over.partition), w.order(over.order)
			c.over = &over
		}
		return &c
	case *subscript:
		return &subscript{e.node, w.expr(e.x), w.expr(e.i)}
	case *rowOf:
		return &rowOf{e.node, w.list(e.args)}
	case *arrayOf:
		return &arrayOf{e.node, w.list(e.args)}
	case *subquery:
		return &subquery{e.node, w.query(e.q)}
	case *exists:
		return &exists{e.node, w.query(e.q)}
	case *inQuery:
		return &inQuery{e.node, w.expr(e.x), w.query(e.q), e.not}
	case *quantified:
		return &quantified{e.node, e.op, w.expr(e.x), e.all, w.query(e.q)}
	}
	return e
}
