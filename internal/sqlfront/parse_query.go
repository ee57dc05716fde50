package sqlfront

import (
	"strconv"
	"strings"
)

// maxQueries bounds how deep queries lie in each other, and maxRelations how
// many tables, queries and lists one FROM names.
const (
	maxQueries   = 30
	maxRelations = 50
)

func (p *parser) statement() (*query, error) {
	if err := p.onlySelect(); err != nil {
		return nil, err
	}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	if err := p.finish("the statement to end"); err != nil {
		return nil, err
	}
	return q, checkQuery(p.src, q)
}

// query reads [WITH …] body [ORDER BY …] [OFFSET …] [LIMIT …].
func (p *parser) query() (*query, error) {
	t := p.peek()
	if p.queries++; p.queries > maxQueries {
		return nil, p.src.fail(t.at, "", "queries are nested deeper than "+strconv.Itoa(maxQueries)+" levels", "write it flatter, or use WITH")
	}
	defer func() { p.queries-- }()
	q := &query{at: t.at, limit: -1}
	var err error
	if p.accept("WITH") {
		if q.with, err = p.with(); err != nil {
			return nil, err
		}
	}
	if q.body, err = p.union(); err != nil {
		return nil, err
	}
	if p.accept("ORDER") {
		if q.order, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	if err := p.bounds(q); err != nil {
		return nil, err
	}
	// Brackets around all of it are none.
	if inner, ok := q.body.(*query); ok && len(q.with) == 0 && len(q.order) == 0 && q.limit < 0 && q.offset == 0 && q.limitBy == nil && q.offsetBy == nil {
		return inner, nil
	}
	return q, nil
}

func (p *parser) with() ([]cte, error) {
	if t := p.peek(); t.is("RECURSIVE") {
		return nil, p.src.fail(t.at, "", "WITH RECURSIVE is not supported", "a trail has no tree to climb")
	}
	var list []cte
	for {
		t, err := p.newName("the name of a query after WITH")
		if err != nil {
			return nil, err
		}
		w := cte{at: t.at, name: t.text}
		for _, other := range list {
			if strings.EqualFold(other.name, w.name) {
				return nil, p.failAt(t, "expected another name: WITH has this one already", "")
			}
		}
		if p.peek().is("(") {
			if w.columns, err = p.columnNames(); err != nil {
				return nil, err
			}
		}
		if err := p.expect("AS", "after the name of a query"); err != nil {
			return nil, err
		}
		if w.q, err = p.bracketed("after AS"); err != nil {
			return nil, err
		}
		if list = append(list, w); len(list) > maxRelations {
			return nil, p.src.fail(w.at, "", "WITH has more than "+strconv.Itoa(maxRelations)+" queries", "write fewer")
		}
		if !p.accept(",") {
			return list, nil
		}
	}
}

// bracketed reads a query in brackets.
func (p *parser) bracketed(after string) (*query, error) {
	if err := p.expect("(", after); err != nil {
		return nil, err
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	if t := p.peek(); !p.startsQuery(0) {
		if t.kind == wordToken && otherStatements[strings.ToUpper(t.text)] {
			return nil, p.failAt(t, "expected SELECT", "a query only reads")
		}
		return nil, p.failAt(t, "expected SELECT", nearestKeyword(t))
	}
	q, err := p.query()
	if err != nil {
		return nil, err
	}
	return q, p.expect(")", "to close the query")
}

// startsQuery says whether the token n after the next begins a query: a word
// that does, or a bracket around a whole query.
func (p *parser) startsQuery(n int) bool {
	return p.queryAt(min(p.next+n, len(p.tokens)-1))
}

func (p *parser) queryAt(i int) bool {
	if p.queried == nil {
		p.matchBrackets()
	}
	return p.queried[i]
}

// closing is the token that closes the bracket that token i opens; the last
// token when nothing does.
func (p *parser) closing(i int) int {
	if p.queried == nil {
		p.matchBrackets()
	}
	if j, ok := p.closes[i]; ok {
		return j
	}
	return len(p.tokens) - 1
}

// matchBrackets finds, once for all tokens, what closes which bracket, and
// where queries begin.
func (p *parser) matchBrackets() {
	p.closes = map[int]int{}
	var open []int
	for j, t := range p.tokens {
		switch {
		case t.is("("):
			open = append(open, j)
		case t.is(")") && len(open) > 0:
			p.closes[open[len(open)-1]] = j
			open = open[:len(open)-1]
		}
	}
	p.queried = make([]bool, len(p.tokens))
	for i := len(p.tokens) - 2; i >= 0; i-- {
		switch t := p.tokens[i]; {
		case t.is("SELECT", "WITH", "VALUES", "TABLE"):
			p.queried[i] = true
		case !t.is("(") || !p.queried[i+1]:
		case !p.tokens[i+1].is("("):
			p.queried[i] = true
		default:
			// ((SELECT 1) UNION …) is a query, ((SELECT 1) + 1) is not.
			after := p.tokens[min(p.closing(i+1)+1, len(p.tokens)-1)]
			p.queried[i] = after.is(")", "UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH")
		}
	}
}

// newName reads a name that the statement gives.
func (p *parser) newName(what string) (token, error) {
	t := p.peek()
	if t.kind != quotedToken && (t.kind != wordToken || reserved(t.text)) {
		return t, p.failAt(t, "expected "+what, reservedHint(t))
	}
	p.next++
	return t, p.checkName(t)
}

// columnNames reads (a, b, …).
func (p *parser) columnNames() ([]string, error) {
	if err := p.expect("(", ""); err != nil {
		return nil, err
	}
	var list []string
	for {
		t, err := p.newName("the name of a column")
		if err != nil {
			return nil, err
		}
		if list = append(list, t.text); len(list) > maxList {
			return nil, p.src.fail(t.at, "", "more than "+strconv.Itoa(maxList)+" names of columns", "name fewer")
		}
		if !p.accept(",") {
			return list, p.expect(")", "after the names of columns")
		}
	}
}

// union reads terms joined by UNION and EXCEPT; INTERSECT binds tighter.
func (p *parser) union() (body, error) {
	return p.setOps([]string{"UNION", "EXCEPT"}, func() (body, error) {
		return p.setOps([]string{"INTERSECT"}, p.queryTerm)
	})
}

func (p *parser) setOps(words []string, part func() (body, error)) (body, error) {
	l, err := part()
	for n := 0; err == nil && p.peek().is(words...); n++ {
		t := p.take()
		if n == maxRelations {
			return nil, p.failAt(t, "more than "+strconv.Itoa(maxRelations)+" queries are put together", "write fewer")
		}
		all := p.accept("ALL")
		if !all {
			p.accept("DISTINCT")
		}
		if c := p.peek(); c.is("CORRESPONDING", "BY") {
			return nil, p.src.fail(c.at, "", strings.ToUpper(c.text)+" is not supported", "columns are matched by their position")
		}
		var r body
		if r, err = part(); err == nil {
			l = &setOp{at: t.at, op: strings.ToUpper(t.text), all: all, l: asQuery(l, t.at), r: asQuery(r, t.at)}
		}
	}
	return l, err
}

// asQuery is a body as a query of its own.
func asQuery(b body, at int) *query {
	switch b := b.(type) {
	case *query:
		return b
	case *selection:
		at = b.at
	}
	return &query{at: at, body: b, limit: -1}
}

// queryTerm reads a SELECT, VALUES, TABLE name or a query in brackets.
func (p *parser) queryTerm() (body, error) {
	t := p.peek()
	switch {
	case t.is("("):
		return p.bracketed("")
	case t.is("VALUES"):
		return p.values()
	case t.is("TABLE"):
		p.next++
		from, err := p.table()
		return &selection{at: t.at, items: []item{{at: t.at}}, from: from}, err
	}
	return p.selection()
}

func (p *parser) values() (body, error) {
	v := &values{at: p.take().at}
	for {
		t := p.peek()
		var row []expr
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		if r, ok := e.(*rowOf); ok {
			row = r.args
		} else {
			row = []expr{e}
		}
		if v.rows = append(v.rows, row); len(v.rows) > maxList {
			return nil, p.src.fail(t.at, "", "VALUES has more than "+strconv.Itoa(maxList)+" rows", "write fewer")
		}
		if len(row) != len(v.rows[0]) {
			return nil, p.src.fail(t.at, "", "the rows of VALUES have "+strconv.Itoa(len(v.rows[0]))+" columns, this one "+strconv.Itoa(len(row)), "")
		}
		if !p.accept(",") {
			return v, nil
		}
	}
}

func (p *parser) selection() (body, error) {
	s := &selection{at: p.peek().at}
	if err := p.expect("SELECT", ""); err != nil {
		return nil, err
	}
	if p.accept("DISTINCT") {
		s.distinct = true
	} else {
		p.accept("ALL")
	}
	var err error
	if s.items, err = p.items(); err != nil {
		return nil, err
	}
	if p.accept("FROM") {
		if s.from, err = p.from(); err != nil {
			return nil, err
		}
	}
	if p.accept("WHERE") {
		if s.where, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if p.accept("GROUP") {
		if s.group, err = p.groupBy(); err != nil {
			return nil, err
		}
	}
	if p.accept("HAVING") {
		if s.having, err = p.expr(); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); t.is("WINDOW") && p.ahead(2).is("AS") {
		if s.windows, err = p.windows(); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// bounds reads OFFSET and LIMIT or FETCH FIRST.
func (p *parser) bounds(q *query) error {
	var err error
	if p.accept("OFFSET") {
		if q.offset, q.offsetBy, err = p.rows("after OFFSET"); err != nil {
			return err
		}
		p.accept("ROW", "ROWS")
	}
	switch {
	case p.accept("LIMIT"):
		if p.accept("ALL") {
			return nil
		}
		q.limit, q.limitBy, err = p.rows("after LIMIT")
		return err
	case p.accept("FETCH"):
		if !p.accept("FIRST", "NEXT") {
			return p.failAt(p.peek(), "expected FIRST after FETCH", "FETCH FIRST 10 ROWS ONLY")
		}
		q.limit = 1
		if k := p.peek().kind; k == integerToken || k == variableToken {
			if q.limit, q.limitBy, err = p.rows("after FETCH FIRST"); err != nil {
				return err
			}
		}
		if !p.accept("ROW", "ROWS") {
			return p.failAt(p.peek(), "expected ROWS", "FETCH FIRST 10 ROWS ONLY")
		}
		if t := p.peek(); t.is("WITH") {
			return p.src.fail(t.at, "", "WITH TIES is not supported", "use rank() OVER (ORDER BY …) in a sub-query")
		}
		return p.expect("ONLY", "after FETCH FIRST … ROWS")
	}
	return nil
}

// rows reads a number of rows, or the parameter that says it.
func (p *parser) rows(after string) (int64, *variable, error) {
	if t := p.peek(); t.kind == variableToken {
		p.next++
		return 0, p.variable(t), nil
	}
	n, err := p.wholeNumber(after)
	return n, nil, err
}

func (p *parser) wholeNumber(after string) (int64, error) {
	t := p.take()
	if t.kind != integerToken {
		return 0, p.failAt(t, "expected a whole number "+after, "")
	}
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil {
		return 0, p.failAt(t, "expected a number up to 9223372036854775807", "")
	}
	return n, nil
}
