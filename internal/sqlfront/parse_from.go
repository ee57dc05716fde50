package sqlfront

import (
	"strconv"
	"strings"
)

// from reads relations with commas between.
func (p *parser) from() (relation, error) {
	l, err := p.joined()
	for err == nil && p.peek().is(",") {
		t := p.take()
		var r relation
		if r, err = p.joined(); err == nil {
			l = &join{at: t.at, kind: "CROSS", l: l, r: r}
		}
	}
	return l, err
}

// joined reads a relation and what is joined to it.
func (p *parser) joined() (relation, error) {
	if err := p.enter(); err != nil {
		return nil, err
	}
	defer p.leave()
	l, err := p.relation()
	for n := 1; err == nil; n++ {
		t := p.peek()
		if n > maxRelations {
			return nil, p.src.fail(t.at, "", "more than "+strconv.Itoa(maxRelations)+" tables are joined", "join fewer")
		}
		kind := ""
		switch {
		case p.accept("CROSS"):
			kind = "CROSS"
		case p.accept("INNER"), t.is("JOIN"):
			kind = "INNER"
		case p.accept("LEFT", "RIGHT", "FULL"):
			kind = strings.ToUpper(t.text)
			p.accept("OUTER")
		case t.is("NATURAL"):
			return nil, p.src.fail(t.at, "", "NATURAL JOIN is not supported", "write JOIN … USING (column)")
		default:
			return l, p.unsupported(t)
		}
		if err := p.expect("JOIN", "after "+strings.ToUpper(t.text)); err != nil {
			return nil, err
		}
		j := &join{at: t.at, kind: kind, l: l}
		if j.r, err = p.relation(); err != nil {
			return nil, err
		}
		if kind != "CROSS" {
			if err := p.joinCondition(j); err != nil {
				return nil, err
			}
		}
		l = j
	}
	return l, err
}

func (p *parser) joinCondition(j *join) (err error) {
	switch t := p.peek(); {
	case p.accept("ON"):
		j.on, err = p.expr()
		return err
	case p.accept("USING"):
		if err := p.expect("(", "after USING"); err != nil {
			return err
		}
		for {
			t, err := p.newName("the name of a column")
			if err != nil {
				return err
			}
			j.using = append(j.using, t)
			if !p.accept(",") {
				return p.expect(")", "after the columns of USING")
			}
		}
	default:
		return p.failAt(t, "expected ON and a condition after JOIN", "or USING (column)")
	}
}

// relation reads a table, a query or an UNNEST, with its alias.
func (p *parser) relation() (relation, error) {
	t := p.peek()
	switch {
	case t.is("("):
		if !p.startsQuery(0) {
			p.next++
			r, err := p.from()
			if err != nil {
				return nil, err
			}
			return r, p.expect(")", "to close the bracket")
		}
		return p.derived(t)
	case t.is("LATERAL"):
		p.next++
		r, err := p.derived(t)
		if d, ok := r.(*derived); ok {
			d.lateral = true
		}
		return r, err
	case t.is("UNNEST") && p.ahead(1).is("("):
		return p.unnest()
	}
	return p.table()
}

func (p *parser) derived(t token) (relation, error) {
	d := &derived{at: t.at}
	var err error
	if d.q, err = p.bracketed("before a query"); err != nil {
		return nil, err
	}
	d.alias, d.columns, err = p.relationAlias()
	return d, err
}

func (p *parser) relationAlias() (alias string, columns []string, err error) {
	if alias, err = p.alias(); err != nil || alias == "" || !p.peek().is("(") {
		return alias, nil, err
	}
	columns, err = p.columnNames()
	return alias, columns, err
}

func (p *parser) unnest() (relation, error) {
	u := &unnest{at: p.take().at}
	p.next++ // (
	var err error
	if u.args, err = p.exprs(); err != nil {
		return nil, err
	}
	if err := p.expect(")", "after the arguments of UNNEST"); err != nil {
		return nil, err
	}
	if p.accept("WITH") {
		if err := p.expect("ORDINALITY", "after WITH"); err != nil {
			return nil, err
		}
		u.ordinality = true
	}
	u.alias, u.columns, err = p.relationAlias()
	return u, err
}

// schemas are names that may stand before a table's, as people write them on
// Athena.
func isSchema(word string) bool {
	return strings.EqualFold(word, "default") || strings.EqualFold(word, "awsdatacatalog")
}

func (p *parser) table() (relation, error) {
	t := p.take()
	for n := 0; n < 2 && (t.kind == wordToken || t.kind == quotedToken) && isSchema(t.text) && p.peek().is("."); n++ {
		p.next++
		t = p.take()
	}
	hint := "the tables are " + tableList(CloudTrailCatalog().WithBeside())
	switch {
	case t.kind == stringToken:
		return nil, p.failAt(t, "expected the name of a table", "files cannot be read; "+hint)
	case t.kind != quotedToken && (t.kind != wordToken || reserved(t.text)):
		return nil, p.failAt(t, "expected the name of a table after "+strings.ToUpper(p.before(t)), hint)
	}
	if p.peek().is("(") {
		return nil, p.failAt(t, "table functions are not supported", hint)
	}
	if p.peek().is(".") {
		return nil, p.failAt(p.ahead(1), "a table's name has one part", hint)
	}
	if err := p.checkName(t); err != nil {
		return nil, err
	}
	tab := &table{at: t.at, name: t.text}
	var err error
	tab.alias, tab.columns, err = p.relationAlias()
	if err == nil {
		err = p.unsupported(p.peek())
	}
	return tab, err
}

// before is the word in front of a token that was just taken.
func (p *parser) before(t token) string {
	for i := p.next - 1; i > 0; i-- {
		if p.tokens[i].at == t.at && p.tokens[i-1].kind == wordToken {
			return p.tokens[i-1].text
		}
	}
	return "FROM"
}
