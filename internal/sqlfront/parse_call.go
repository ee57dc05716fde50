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

// castTypes are the types a CAST may name.
var castTypes = map[string]*Type{"varchar": varcharType, "bigint": bigintType, "integer": bigintType, "int": bigintType,
	"double": doubleType, "boolean": booleanType, "timestamp": timestampType, "date": dateType}

const castTypeList = "varchar, bigint, double, boolean, timestamp and date"

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
	t := p.take()
	to, ok := castTypes[strings.ToLower(t.text)]
	if t.kind != wordToken || !ok {
		return nil, p.failAt(t, "expected a type", "a cast makes "+castTypeList)
	}
	// Lengths and precisions: text is never cut and times have microseconds.
	if p.peek().is("(") {
		p.next++
		n := p.take()
		ok := to == timestampType && n.kind == integerToken && n.text == "6"
		if !ok {
			return nil, p.failAt(n, "a type with a length is not supported", "write "+to.Kind.String())
		}
		if err := p.expect(")", "after the type's precision"); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); to == timestampType && t.is("WITH", "WITHOUT") {
		return nil, p.failAt(t, "a timestamp with a time zone is not supported", "every time is UTC")
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

// typed reads TIMESTAMP '…', DATE '…' and INTERVAL '7' DAY.
func (p *parser) typed(word token) (expr, error) {
	at := node{at: word.at}
	if !word.is("INTERVAL") {
		t := p.take()
		v, ok := readTime(t.text)
		if !ok || word.is("DATE") && v%microsPerDay != 0 {
			return nil, p.failAt(t, "expected a time", timeHint)
		}
		if word.is("DATE") {
			return &literal{at, dateValue(v / microsPerDay)}, nil
		}
		return &literal{at, Value{kind: Timestamp, i: v}}, nil
	}
	sign := int64(1)
	if q := p.peek(); p.accept("-", "+") && q.is("-") {
		sign = -1
	}
	t := p.take()
	n, err := strconv.ParseInt(t.text, 10, 32)
	if t.kind != stringToken || err != nil {
		return nil, p.failAt(t, "expected a whole number in quotes", "INTERVAL '7' DAY")
	}
	n *= sign
	if n < -10_000_000 || n > 10_000_000 {
		return nil, p.failAt(t, "expected a number up to 10000000 in an interval", "")
	}
	unit := p.take()
	if unit.kind != wordToken {
		return nil, p.failAt(unit, "expected a unit", "SECOND, MINUTE, HOUR, DAY, MONTH or YEAR")
	}
	if q := p.peek(); q.is("TO") {
		return nil, p.failAt(q, "an interval of two units is not supported yet", "add two intervals")
	}
	switch strings.ToUpper(unit.text) {
	case "SECOND":
		return &literal{at, Value{kind: DayInterval, i: n * microsPerSecond}}, nil
	case "MINUTE":
		return &literal{at, Value{kind: DayInterval, i: n * 60 * microsPerSecond}}, nil
	case "HOUR":
		return &literal{at, Value{kind: DayInterval, i: n * 3600 * microsPerSecond}}, nil
	case "DAY":
		return &literal{at, Value{kind: DayInterval, i: n * microsPerDay}}, nil
	case "MONTH":
		return &literal{at, Value{kind: MonthInterval, i: n}}, nil
	case "YEAR":
		return &literal{at, Value{kind: MonthInterval, i: 12 * n}}, nil
	}
	return nil, p.failAt(unit, "expected a unit", "SECOND, MINUTE, HOUR, DAY, MONTH or YEAR")
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
		}
		if q := p.peek(); q.is("SELECT", "WITH") {
			return nil, p.failAt(q, "a sub-select is not supported yet", "")
		}
		if c.args, err = p.exprs(); err != nil {
			return nil, err
		}
	}
	if q := p.peek(); q.is("ORDER") {
		return nil, p.src.fail(q.at, "", "ORDER BY inside a function is not supported yet", "")
	}
	if err := p.expect(")", "after the arguments of "+shorten(t.text)); err != nil {
		return nil, err
	}
	return p.afterCall(c)
}

// afterCall reads what may follow a call's bracket.
func (p *parser) afterCall(c *call) (expr, error) {
	t := p.peek()
	switch {
	case t.is("FILTER") && p.ahead(1).is("("):
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
		t = p.peek()
	case t.is("IGNORE", "RESPECT") && p.ahead(1).is("NULLS"):
		return nil, p.src.fail(t.at, "", strings.ToUpper(t.text)+" NULLS is not supported yet", "")
	case t.is("WITHIN") && p.ahead(1).is("GROUP"):
		return nil, p.src.fail(t.at, "", "WITHIN GROUP is not supported yet", "")
	}
	if t.is("OVER") {
		return nil, p.src.fail(t.at, "", "a window function (OVER) is not supported yet", "")
	}
	return c, nil
}
