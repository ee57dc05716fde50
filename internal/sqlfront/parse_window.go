package sqlfront

import "strings"

// over reads what follows OVER: a window's name, or a window in brackets.
func (p *parser) over() (*window, error) {
	t := p.peek()
	if !t.is("(") {
		t, err := p.newName("a window after OVER")
		return &window{base: t.text}, err
	}
	p.next++
	w := &window{}
	if t := p.peek(); (t.kind == wordToken || t.kind == quotedToken) && !t.is("PARTITION", "ORDER", "ROWS", "RANGE", "GROUPS") {
		p.next++
		w.base = t.text
	}
	var err error
	if p.accept("PARTITION") {
		if err := p.expect("BY", "after PARTITION"); err != nil {
			return nil, err
		}
		if w.partition, err = p.exprs(); err != nil {
			return nil, err
		}
	}
	if p.accept("ORDER") {
		if w.order, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	if t := p.peek(); p.accept("ROWS", "RANGE", "GROUPS") {
		if w.frame, err = p.frame(strings.ToUpper(t.text)); err != nil {
			return nil, err
		}
	}
	return w, p.expect(")", "to close OVER")
}

func (p *parser) frame(unit string) (*frame, error) {
	f := &frame{unit: unit, to: frameBound{kind: "CURRENT ROW"}}
	var err error
	if !p.accept("BETWEEN") {
		f.from, err = p.frameBound()
		return f, err
	}
	if f.from, err = p.frameBound(); err != nil {
		return nil, err
	}
	if err := p.expect("AND", "between the bounds of a frame"); err != nil {
		return nil, err
	}
	f.to, err = p.frameBound()
	return f, err
}

func (p *parser) frameBound() (frameBound, error) {
	t := p.peek()
	switch {
	case p.acceptAll("CURRENT", "ROW"):
		return frameBound{kind: "CURRENT ROW"}, nil
	case p.acceptAll("UNBOUNDED", "PRECEDING"):
		return frameBound{kind: "UNBOUNDED PRECEDING"}, nil
	case p.acceptAll("UNBOUNDED", "FOLLOWING"):
		return frameBound{kind: "UNBOUNDED FOLLOWING"}, nil
	case t.is("UNBOUNDED", "CURRENT"):
		return frameBound{}, p.failAt(p.ahead(1), "expected a bound of a frame", "UNBOUNDED PRECEDING, 3 PRECEDING, CURRENT ROW, 3 FOLLOWING or UNBOUNDED FOLLOWING")
	}
	n, err := p.sum()
	if err != nil {
		return frameBound{}, err
	}
	switch t := p.take(); {
	case t.is("PRECEDING"):
		return frameBound{"PRECEDING", n}, nil
	case t.is("FOLLOWING"):
		return frameBound{"FOLLOWING", n}, nil
	default:
		return frameBound{}, p.failAt(t, "expected PRECEDING or FOLLOWING", "")
	}
}

// windows reads WINDOW name AS (…), ….
func (p *parser) windows() (map[string]*window, error) {
	p.next++
	list := map[string]*window{}
	for {
		t, err := p.newName("the name of a window")
		if err != nil {
			return nil, err
		}
		if err := p.expect("AS", "after the name of a window"); err != nil {
			return nil, err
		}
		if q := p.peek(); !q.is("(") {
			return nil, p.failAt(q, `expected "(" after AS`, "")
		}
		w, err := p.over()
		if err != nil {
			return nil, err
		}
		if w.base != "" {
			return nil, p.failAt(t, "a window made of another window is not supported", "write it out")
		}
		if list[strings.ToLower(t.text)] = w; len(list) > 20 {
			return nil, p.failAt(t, "more than 20 windows", "name fewer")
		}
		if !p.accept(",") {
			return list, nil
		}
	}
}
