package sqlfront

import "strings"

// special reads functions whose arguments have words between them.
func (p *parser) special(t token) (expr, error) {
	p.next++ // (
	c := &call{node: node{at: t.at}, name: strings.ToLower(t.text)}
	switch c.name {
	case "trim":
		return p.trim(c)
	case "position":
		needle, err := p.sum()
		if err != nil {
			return nil, err
		}
		if err := p.expect("IN", "after what POSITION looks for"); err != nil {
			return nil, err
		}
		text, err := p.sum()
		if err != nil {
			return nil, err
		}
		c.name, c.args = "strpos", []expr{text, needle}
		return c, p.expect(")", "to close POSITION")
	case "substring":
		return p.substring(c)
	case "listagg":
		return p.listagg(c)
	}
	var err error // grouping
	if c.args, err = p.exprs(); err != nil {
		return nil, err
	}
	return c, p.expect(")", "to close GROUPING")
}

func (p *parser) trim(c *call) (expr, error) {
	side := p.peek()
	if side.is("LEADING", "TRAILING", "BOTH") {
		p.next++
		c.name = map[string]string{"LEADING": "ltrim", "TRAILING": "rtrim", "BOTH": "trim"}[strings.ToUpper(side.text)]
		if p.accept("FROM") {
			x, err := p.expr()
			c.args = []expr{x}
			if err != nil {
				return nil, err
			}
			return c, p.expect(")", "to close TRIM")
		}
	}
	list, err := p.exprs()
	if err != nil {
		return nil, err
	}
	c.args = list
	if p.accept("FROM") {
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		c.args = []expr{x, list[0]}
	}
	return c, p.expect(")", "to close TRIM")
}

func (p *parser) substring(c *call) (expr, error) {
	c.name = "substr"
	var err error
	if c.args, err = p.exprs(); err != nil {
		return nil, err
	}
	for _, word := range []string{"FROM", "FOR"} {
		if !p.accept(word) {
			continue
		}
		x, err := p.expr()
		if err != nil {
			return nil, err
		}
		c.args = append(c.args, x)
	}
	return c, p.expect(")", "to close SUBSTRING")
}

// listagg reads LISTAGG(x [, separator]) WITHIN GROUP (ORDER BY …).
func (p *parser) listagg(c *call) (expr, error) {
	if p.accept("DISTINCT") {
		c.distinct = true
	}
	var err error
	if c.args, err = p.exprs(); err != nil {
		return nil, err
	}
	if t := p.peek(); t.is("ON") {
		return nil, p.src.fail(t.at, "", "ON OVERFLOW is not supported", "leave it out")
	}
	if err := p.expect(")", "to close LISTAGG"); err != nil {
		return nil, err
	}
	if !p.acceptAll("WITHIN", "GROUP") {
		return nil, p.failAt(p.peek(), "expected WITHIN GROUP after LISTAGG(…)", "LISTAGG(x, ',') WITHIN GROUP (ORDER BY x)")
	}
	if err := p.expect("(", "after WITHIN GROUP"); err != nil {
		return nil, err
	}
	if err := p.expect("ORDER", "in WITHIN GROUP"); err != nil {
		return nil, err
	}
	if c.order, err = p.orderBy(); err != nil {
		return nil, err
	}
	return c, p.expect(")", "to close WITHIN GROUP")
}

// jsonCall reads JSON_VALUE, JSON_QUERY and JSON_EXISTS with a lax path, as
// calls of the functions they are.
func (p *parser) jsonCall(t token) (expr, error) {
	p.next++ // (
	c := &call{node: node{at: t.at}, name: strings.ToLower(t.text)}
	x, err := p.expr()
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.is("FORMAT") {
		return nil, p.src.fail(t.at, "", "FORMAT is not supported", "leave it out")
	}
	if err := p.expect(",", "between the text and the path"); err != nil {
		return nil, err
	}
	path := p.take()
	if path.kind != stringToken {
		return nil, p.failAt(path, "expected a path in quotes", "'lax $.key'")
	}
	c.args = []expr{x, &literal{node{at: path.at}, VarcharValue(path.text)}}
	if c.name == "json_value" && p.accept("RETURNING") {
		to, err := p.typeName(0)
		if err != nil {
			return nil, err
		}
		if err := p.expect(")", "to close JSON_VALUE"); err != nil {
			return nil, err
		}
		return &cast{node{at: t.at}, c, to, true}, nil
	}
	if c.name == "json_query" && p.acceptAll("WITHOUT", "ARRAY", "WRAPPER") {
		return c, p.expect(")", "to close JSON_QUERY")
	}
	if q := p.peek(); !q.is(")") {
		return nil, p.failAt(q, `expected ")" after the path`, "nothing that is missing or wrong is NULL; other answers are not supported")
	}
	p.next++
	return c, nil
}
