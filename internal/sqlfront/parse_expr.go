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
		if q := p.peek(); q.is("ANY", "ALL", "SOME") && p.ahead(1).is("(") {
			return nil, p.src.fail(q.at, "", strings.ToUpper(q.text)+" with a comparison is not supported yet", "use IN (…)")
		}
		r, err := p.sum()
		op := t.text
		if op == "!=" {
			op = "<>"
		}
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
	if err := p.expect("(", "after IN"); err != nil {
		return nil, err
	}
	if t := p.peek(); t.is("SELECT", "WITH") {
		return nil, p.failAt(t, "a sub-select is not supported yet", "list the values: IN ('a', 'b')")
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
	f, err := strconv.ParseFloat(sign+t.text, 64)
	if err != nil {
		return nil, p.failAt(t, "expected a number that a double can hold", "")
	}
	return &literal{node{at: at}, DoubleValue(f)}, nil
}

func (p *parser) primary() (expr, error) {
	x, err := p.simple()
	for err == nil && p.peek().kind == symbolToken {
		t := p.peek()
		switch t.text {
		case ".":
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
		case "[":
			return nil, p.src.fail(t.at, "", "a subscript is not supported yet", "use element_at(list, 1)")
		case "->":
			return nil, p.src.fail(t.at, "", "a lambda is not supported yet", "")
		default:
			return x, nil
		}
	}
	if t := p.peek(); err == nil && t.is("AT") && p.ahead(1).is("TIME", "LOCAL") {
		return nil, p.src.fail(t.at, "", "AT TIME ZONE is not supported yet", "every time is UTC")
	}
	return x, err
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
	case p.accept("("):
		if q := p.peek(); q.is("SELECT", "WITH") {
			return nil, p.failAt(q, "a sub-select is not supported yet", "")
		}
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		if q := p.peek(); q.is(",") {
			return nil, p.failAt(q, "a row of several values is not supported yet", "")
		}
		return x, p.expect(")", "to close the bracket")
	case t.is("?"):
		return nil, p.src.fail(t.at, "", "parameters are not supported yet", "write the value")
	}
	return nil, p.failAt(t, "expected an expression", "")
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
	case "CASE":
		p.next++
		return p.caseOf(at)
	case "CAST", "TRY_CAST":
		p.next++
		return p.cast(at, t)
	case "EXTRACT":
		if p.ahead(1).is("(") {
			p.next++
			return p.extract(t)
		}
	case "CURRENT_TIMESTAMP":
		p.next++
		return &call{node: at, name: "now"}, nil
	case "TIMESTAMP", "DATE", "INTERVAL":
		if q := p.ahead(1); q.kind == stringToken || q.is("+", "-") && p.ahead(2).kind == stringToken {
			p.next++
			return p.typed(t)
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
