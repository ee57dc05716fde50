package sqlfront

import (
	"strconv"
	"strings"
)

func (p *parser) caseOf(at node) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	c := &caseOf{node: at}
	var err error
	if !p.peek().is("WHEN") {
		if c.operand, err = p.expr(); err != nil {
			return nil, err
		}
	}
	for p.accept("WHEN") {
		var w when
		if w.cond, err = p.expr(); err != nil {
			return nil, err
		}
		if err := p.expect("THEN", "after WHEN and its condition"); err != nil {
			return nil, err
		}
		if w.then, err = p.expr(); err != nil {
			return nil, err
		}
		c.whens = append(c.whens, w)
	}
	if len(c.whens) == 0 {
		return nil, p.failAt(p.peek(), "expected WHEN after CASE", "")
	}
	if p.accept("ELSE") {
		if c.other, err = p.expr(); err != nil {
			return nil, err
		}
	}
	return c, p.expect("END", "to close CASE")
}

func (p *parser) cast(at node, word token) (expr, error) {
	if err := p.expect("(", "after "+strings.ToUpper(word.text)); err != nil {
		return nil, err
	}
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	if err := p.expect("AS", "and a type"); err != nil {
		return nil, err
	}
	to, err := p.typeName(0)
	if err != nil {
		return nil, err
	}
	return &cast{at, x, to, word.is("TRY_CAST")}, p.expect(")", "after the type")
}

// extract reads EXTRACT(HOUR FROM x), which is hour(x).
func (p *parser) extract(word token) (expr, error) {
	p.next++
	part := p.take()
	fn := strings.ToLower(part.text)
	switch fn {
	case "dow":
		fn = "day_of_week"
	case "doy":
		fn = "day_of_year"
	}
	if f := functions[fn]; part.kind != wordToken || f == nil || f.family != timeParts {
		return nil, p.failAt(part, "expected a part of a time", "YEAR, QUARTER, MONTH, WEEK, DAY, DAY_OF_WEEK, DAY_OF_YEAR, HOUR, MINUTE or SECOND")
	}
	if err := p.expect("FROM", "after the part"); err != nil {
		return nil, err
	}
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	return &call{node: node{at: word.at}, name: fn, args: []expr{x}}, p.expect(")", "to close EXTRACT")
}

// typed reads TIMESTAMP '…', DATE '…', DECIMAL '…' and INTERVAL '7' DAY.
func (p *parser) typed(word token) (expr, error) {
	at := node{at: word.at}
	switch {
	case word.is("TIMESTAMP", "DATE"):
		t := p.take()
		v, ok := readTime(t.text)
		if !ok || word.is("DATE") && v%microsPerDay != 0 {
			return nil, p.failAt(t, "expected a time", timeHint)
		}
		if word.is("DATE") {
			return &literal{at, dateValue(v / microsPerDay)}, nil
		}
		return &literal{at, Value{kind: Timestamp, i: v}}, nil
	case !word.is("INTERVAL"):
		return p.typedLiteral(at, word)
	}
	sign := int64(1)
	if q := p.peek(); p.accept("-", "+") && q.is("-") {
		sign = -1
	}
	var n int64
	var by *variable
	if t := p.take(); t.kind == variableToken {
		by = p.variable(t)
	} else {
		var err error
		if n, err = strconv.ParseInt(t.text, 10, 32); t.kind != stringToken || err != nil {
			return nil, p.failAt(t, "expected a whole number in quotes", "INTERVAL '7' DAY, or INTERVAL :days DAY")
		}
		if n < -maxInterval || n > maxInterval {
			return nil, p.failAt(t, "expected a number up to 10000000 in an interval", "")
		}
	}
	unit := p.take()
	if unit.kind != wordToken {
		return nil, p.failAt(unit, "expected a unit", "SECOND, MINUTE, HOUR, DAY, MONTH or YEAR")
	}
	if q := p.peek(); q.is("TO") {
		return nil, p.failAt(q, "an interval of two units is not supported", "add two intervals")
	}
	if strings.EqualFold(unit.text, "WEEK") {
		return nil, p.failAt(unit, "Trino has no interval of weeks", "write INTERVAL '7' DAY")
	}
	one, known := intervalUnits[strings.ToUpper(unit.text)]
	if !known {
		return nil, p.failAt(unit, "expected a unit", "SECOND, MINUTE, HOUR, DAY, MONTH or YEAR")
	}
	one.i *= sign
	if by != nil {
		return &amount{at, by, one}, nil
	}
	one.i *= n
	return &literal{at, one}, nil
}

const maxInterval = 10_000_000

// intervalUnits are one of each unit.
var intervalUnits = map[string]Value{
	"SECOND": {kind: DayInterval, i: microsPerSecond},
	"MINUTE": {kind: DayInterval, i: 60 * microsPerSecond},
	"HOUR":   {kind: DayInterval, i: 3600 * microsPerSecond},
	"DAY":    {kind: DayInterval, i: microsPerDay},
	"MONTH":  {kind: MonthInterval, i: 1},
	"YEAR":   {kind: MonthInterval, i: 12},
}

func (p *parser) call(t token) (expr, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	c := &call{node: node{at: t.at}, name: t.text}
	p.next++
	var err error
	switch {
	case p.accept(")"):
		return p.afterCall(c)
	case p.accept("*"):
		c.star = true
	default:
		if p.accept("DISTINCT") {
			c.distinct = true
		} else if p.peek().is("ALL") {
			p.next++
		}
		if c.args, err = p.exprs(); err != nil {
			return nil, err
		}
	}
	if p.accept("ORDER") {
		if c.order, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	if err := p.expect(")", "after the arguments of "+shorten(t.text)); err != nil {
		return nil, err
	}
	return p.afterCall(c)
}

// afterCall reads what may follow a call's bracket.
func (p *parser) afterCall(c *call) (expr, error) {
	if t := p.peek(); t.is("FILTER") && p.ahead(1).is("(") {
		p.next += 2
		if err := p.expect("WHERE", "after FILTER ("); err != nil {
			return nil, err
		}
		var err error
		if c.filter, err = p.expr(); err != nil {
			return nil, err
		}
		if err := p.expect(")", "to close FILTER"); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); t.is("IGNORE", "RESPECT") && p.ahead(1).is("NULLS") {
		p.next += 2
		c.ignoreNulls = t.is("IGNORE")
	}
	if t := p.peek(); t.is("WITHIN") && p.ahead(1).is("GROUP") {
		return nil, p.src.fail(t.at, "", "WITHIN GROUP is not supported with "+shorten(c.name), "use array_agg(x ORDER BY y)")
	}
	if t := p.peek(); t.is("OVER") && (p.ahead(1).is("(") || p.ahead(1).kind == wordToken || p.ahead(1).kind == quotedToken) {
		p.next++
		var err error
		c.over, err = p.over()
		return c, err
	}
	return c, nil
}
