package sqlfront

import (
	"strconv"
	"strings"
)

// expr reads a boolean expression: OR over AND over NOT over predicates, as in
// Trino's grammar.
func (p *parser) expr() (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	return p.chain("OR", func() (expr, error) { return p.chain("AND", p.negation) })
}

func (p *parser) chain(word string, part func() (expr, error)) (expr, error) {
	first, err := part()
	if err != nil || !p.peek().is(word) {
		return first, err
	}
	l := &logic{node{at: first.info().at}, word == "OR", []expr{first}}
	for p.accept(word) {
		e, err := part()
		if err != nil {
			return nil, err
		}
		l.args = append(l.args, e)
	}
	return l, nil
}

func (p *parser) negation() (expr, error) {
	t := p.peek()
	if !p.accept("NOT") {
		return p.predicate()
	}
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	x, err := p.negation()
	return &not{node{at: t.at}, x}, err
}

func (p *parser) predicate() (expr, error) {
	x, err := p.sum()
	if err != nil {
		return nil, err
	}
	t := p.peek()
	at := node{at: x.info().at}
	if t.kind == symbolToken && strings.Contains(" = <> != < <= > >= ", " "+t.text+" ") {
		p.next++
		op := t.text
		if op == "!=" {
			op = "<>"
		}
		if q := p.peek(); q.is("ANY", "ALL", "SOME") && p.ahead(1).is("(") {
			p.next++
			sub, err := p.bracketed("after " + strings.ToUpper(q.text))
			return &quantified{at, op, x, q.is("ALL"), sub}, err
		}
		r, err := p.sum()
		return &binary{at, op, x, r}, err
	}
	negated := t.is("NOT") && p.ahead(1).is("LIKE", "IN", "BETWEEN")
	if negated {
		p.next++
	}
	switch {
	case p.accept("LIKE"):
		return p.like(at, x, negated)
	case p.accept("IN"):
		return p.in(at, x, negated)
	case p.accept("BETWEEN"):
		lo, err := p.sum()
		if err != nil {
			return nil, err
		}
		if err := p.expect("AND", "between the bounds of BETWEEN"); err != nil {
			return nil, err
		}
		hi, err := p.sum()
		return &between{at, x, lo, hi, negated}, err
	case p.accept("IS"):
		negated = p.accept("NOT")
		switch t := p.take(); {
		case t.is("NULL"):
			return &isNull{at, x, negated}, nil
		case t.is("DISTINCT"):
			if err := p.expect("FROM", "after IS DISTINCT"); err != nil {
				return nil, err
			}
			r, err := p.sum()
			if negated {
				return &binary{at, notDistinct, x, r}, err
			}
			return &binary{at, isDistinct, x, r}, err
		case t.is("TRUE", "FALSE"):
			return nil, p.failAt(t, "expected NULL or DISTINCT FROM after IS", "compare with = "+strings.ToLower(t.text))
		default:
			return nil, p.failAt(t, "expected NULL or DISTINCT FROM after IS", "")
		}
	}
	return x, nil
}

func (p *parser) like(at node, x expr, negated bool) (expr, error) {
	pattern, err := p.sum()
	if err != nil {
		return nil, err
	}
	l := &like{node: at, x: x, pattern: pattern, not: negated}
	if p.accept("ESCAPE") {
		l.escape, err = p.sum()
	}
	return l, err
}

func (p *parser) in(at node, x expr, negated bool) (expr, error) {
	if p.peek().is("(") && p.startsQuery(1) {
		q, err := p.bracketed("after IN")
		return &inQuery{at, x, q, negated}, err
	}
	if err := p.expect("(", "after IN"); err != nil {
		return nil, err
	}
	list, err := p.exprs()
	if err != nil {
		return nil, err
	}
	return &in{at, x, list, negated}, p.expect(")", "after the list of IN")
}

func (p *parser) exprs() ([]expr, error) {
	var list []expr
	for {
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		list = append(list, e)
		if !p.accept(",") {
			return list, nil
		}
	}
}

// The levels of arithmetic; || binds loosest, as in Trino.
var operators = [][]string{{"||"}, {"+", "-"}, {"*", "/", "%"}}

func (p *parser) sum() (expr, error) { return p.arithmetic(0) }

func (p *parser) arithmetic(level int) (expr, error) {
	if level == len(operators) {
		return p.sign()
	}
	l, err := p.arithmetic(level + 1)
	for n := 0; err == nil && p.peek().is(operators[level]...); n++ {
		if n == maxDepth {
			return nil, p.failAt(p.peek(), "this chain has more than "+strconv.Itoa(maxDepth)+" parts", "write concat(…), or shorten it")
		}
		op := p.take()
		var r expr
		if r, err = p.arithmetic(level + 1); err == nil {
			l = &binary{node{at: op.at}, op.text, l, r}
		}
	}
	return l, err
}

func (p *parser) sign() (expr, error) {
	t := p.peek()
	if !t.is("+", "-") {
		return p.primary()
	}
	p.next++
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	// The number right after a minus belongs to it: -9223372036854775808.
	if t.is("-") && (p.peek().kind == integerToken || p.peek().kind == decimalToken) {
		return p.number(t.at, "-")
	}
	x, err := p.sign()
	if t.is("+") {
		return x, err
	}
	return &negate{node{at: t.at}, x}, err
}

func (p *parser) number(at int, sign string) (expr, error) {
	t := p.take()
	if t.kind == integerToken {
		i, err := strconv.ParseInt(sign+t.text, 10, 64)
		if err != nil {
			return nil, p.failAt(t, "expected a whole number up to 9223372036854775807", "write it with .0 for a double")
		}
		return &literal{node{at: at}, BigintValue(i)}, nil
	}
	if v, typ, ok := readDecimal(sign + t.text); ok {
		return &literal{node{at, typ}, v}, nil
	}
	if !strings.ContainsAny(t.text, "eE") {
		return nil, p.failAt(t, "expected a number of at most 38 digits", "write it with E0 for a double")
	}
	f, err := strconv.ParseFloat(sign+t.text, 64)
	if err != nil {
		return nil, p.failAt(t, "expected a number that a double can hold", "")
	}
	return &literal{node{at: at}, DoubleValue(f)}, nil
}

func (p *parser) primary() (expr, error) {
	x, err := p.simple()
	for err == nil {
		t := p.peek()
		switch {
		case t.is("."):
			p.next++
			f := p.take()
			if f.kind != wordToken && f.kind != quotedToken {
				return nil, p.failAt(f, "expected a field after the point", "")
			}
			if n, ok := x.(*name); ok {
				if len(n.parts) == 10 {
					return nil, p.failAt(f, "a name has at most ten parts", "")
				}
				n.parts = append(n.parts, f.text)
			} else {
				x = &fieldOf{node{at: f.at}, x, f.text}
			}
		case t.is("["):
			p.next++
			i, err := p.expr()
			if err != nil {
				return nil, err
			}
			if err := p.expect("]", "after the subscript"); err != nil {
				return nil, err
			}
			x = &subscript{node{at: t.at}, x, i}
		case t.is("AT") && p.ahead(1).is("TIME") && p.ahead(2).is("ZONE"):
			p.next += 3
			zone, err := p.simple()
			if err != nil {
				return nil, err
			}
			x = &call{node: node{at: t.at}, name: "at_timezone", args: []expr{x, zone}}
		case t.is("->"):
			n, ok := x.(*name)
			if !ok || len(n.parts) != 1 {
				return nil, p.failAt(t, "expected a name in front of ->", "a lambda is x -> expression, or (x, y) -> expression")
			}
			return p.lambda(n.at, n.parts)
		default:
			return x, nil
		}
	}
	return x, err
}

// lambda reads what follows a lambda's parameters.
func (p *parser) lambda(at int, params []string) (expr, error) {
	if err := p.expect("->", "after the parameters of a lambda"); err != nil {
		return nil, err
	}
	body, err := p.expr()
	return &lambda{node{at: at}, params, body}, err
}

func (p *parser) simple() (expr, error) {
	t := p.peek()
	at := node{at: t.at}
	switch t.kind {
	case integerToken, decimalToken:
		return p.number(t.at, "")
	case stringToken:
		p.next++
		return &literal{at, VarcharValue(t.text)}, nil
	case variableToken:
		p.next++
		return p.variable(t), nil
	case quotedToken:
		p.next++
		if p.peek().is("(") {
			return p.call(t)
		}
		return &name{at, []string{t.text}}, nil
	case wordToken:
		return p.word(t)
	}
	switch {
	case t.is("("):
		return p.brackets(t)
	case t.is("?"):
		return nil, p.src.fail(t.at, "", "parameters have names here", "write :name")
	}
	return nil, p.failAt(t, "expected an expression", "")
}

// brackets reads (expression), (a, row), (SELECT …) or (x, y) -> a lambda.
func (p *parser) brackets(t token) (expr, error) {
	if p.startsQuery(1) {
		q, err := p.bracketed("")
		return &subquery{node{at: t.at}, q}, err
	}
	p.next++
	if p.peek().is(")") && p.ahead(1).is("->") {
		p.next++
		return p.lambda(t.at, nil)
	}
	list, err := p.exprs()
	if err != nil {
		return nil, err
	}
	if err := p.expect(")", "to close the bracket"); err != nil {
		return nil, err
	}
	if p.peek().is("->") {
		var params []string
		for _, e := range list {
			n, ok := e.(*name)
			if !ok || len(n.parts) != 1 {
				return nil, p.src.fail(e.info().at, "", "expected the name of a parameter", "a lambda is (x, y) -> expression")
			}
			params = append(params, n.parts[0])
		}
		return p.lambda(t.at, params)
	}
	if len(list) > 1 {
		return &rowOf{node{at: t.at}, list}, nil
	}
	return list[0], nil
}

// word reads what starts with a word: a keyword's construct, a typed literal, a
// function's call or a name.
func (p *parser) word(t token) (expr, error) {
	at := node{at: t.at}
	switch strings.ToUpper(t.text) {
	case "TRUE", "FALSE":
		p.next++
		return &literal{at, BooleanValue(t.is("TRUE"))}, nil
	case "NULL":
		p.next++
		return &literal{at, Null}, nil
	case "EXISTS":
		p.next++
		q, err := p.bracketed("after EXISTS")
		return &exists{at, q}, err
	case "CASE":
		p.next++
		return p.caseOf(at)
	case "ARRAY":
		if p.ahead(1).is("[") {
			p.next += 2
			a := &arrayOf{node: at}
			if p.accept("]") {
				return a, nil
			}
			var err error
			if a.args, err = p.exprs(); err != nil {
				return nil, err
			}
			return a, p.expect("]", "to close ARRAY")
		}
	case "ROW":
		if p.ahead(1).is("(") {
			p.next += 2
			list, err := p.exprs()
			if err != nil {
				return nil, err
			}
			return &rowOf{at, list}, p.expect(")", "to close ROW")
		}
	case "CAST", "TRY_CAST":
		p.next++
		return p.cast(at, t)
	case "EXTRACT":
		if p.ahead(1).is("(") {
			p.next++
			return p.extract(t)
		}
	case "CURRENT_TIMESTAMP", "LOCALTIMESTAMP":
		p.next++
		return &call{node: at, name: "now"}, p.precision()
	case "CURRENT_DATE":
		p.next++
		return &call{node: at, name: "date", args: []expr{&call{node: at, name: "now"}}}, nil
	case "INTERVAL", "TIMESTAMP", "DATE", "DECIMAL", "DOUBLE", "REAL", "BIGINT", "INTEGER", "SMALLINT", "TINYINT", "VARCHAR", "CHAR", "BOOLEAN", "JSON":
		q := p.ahead(1)
		if q.is("+", "-") && t.is("INTERVAL") {
			q = p.ahead(2)
		}
		if q.kind == stringToken || q.kind == variableToken && t.is("INTERVAL") {
			p.next++
			return p.typed(t)
		}
	case "POSITION", "SUBSTRING", "TRIM", "GROUPING", "LISTAGG":
		if p.ahead(1).is("(") {
			p.next++
			return p.special(t)
		}
	case "JSON_VALUE", "JSON_QUERY", "JSON_EXISTS":
		if p.ahead(1).is("(") {
			p.next++
			return p.jsonCall(t)
		}
	}
	if err := p.unsupported(t); err != nil {
		return nil, err
	}
	if reserved(t.text) {
		return nil, p.failAt(t, "expected an expression", reservedHint(t))
	}
	if q := p.ahead(1); q.kind == stringToken && q.at == t.next {
		return nil, p.failAt(t, "strings with a prefix are not supported", "write plain quotes: '…'")
	}
	p.next++
	if p.peek().is("(") {
		return p.call(t)
	}
	return &name{at, []string{t.text}}, nil
}
