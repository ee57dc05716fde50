package sqlfront

import (
	"strconv"
	"strings"
)

// Bounds of a statement: a tree deeper than maxDepth would be deeper still in
// an engine's text, and engines overflow their stacks. maxNesting is the
// parser's own, larger because a printed tree has brackets around everything.
const (
	maxDepth   = 200
	maxNesting = 3 * maxDepth
	// maxList is how many columns a SELECT, a GROUP BY or an ORDER BY names.
	maxList = 1000
)

// parser reads tokens by recursive descent. Its methods return the first
// mistake as an *Error.
type parser struct {
	src     source
	tokens  []token
	next    int
	nesting int
	queries int
	closes  map[int]int // see matchBrackets
	queried []bool

	variables []*variable // as they come
}

func newParser(text string) (*parser, error) {
	src := source(text)
	tokens, err := lex(src)
	if err != nil {
		// That it is no SELECT at all is said first.
		if len(tokens) > 0 && tokens[0].kind == wordToken && otherStatements[strings.ToUpper(tokens[0].text)] {
			return nil, src.fail(tokens[0].at, tokens[0].describe(), "expected SELECT", "a query only reads")
		}
		return nil, err
	}
	return &parser{src: src, tokens: tokens}, nil
}

func (p *parser) peek() token { return p.tokens[p.next] }

// ahead is the token n after the next one.
func (p *parser) ahead(n int) token { return p.tokens[min(p.next+n, len(p.tokens)-1)] }

func (p *parser) take() token {
	t := p.tokens[p.next]
	if t.kind != endToken {
		p.next++
	}
	return t
}

// is says whether t is one of the words, in any case, or symbols.
func (t token) is(words ...string) bool {
	if t.kind != wordToken && t.kind != symbolToken {
		return false
	}
	for _, w := range words {
		if strings.EqualFold(t.text, w) {
			return true
		}
	}
	return false
}

// accept takes the next token when it is one of the words.
func (p *parser) accept(words ...string) bool {
	if p.peek().is(words...) {
		p.next++
		return true
	}
	return false
}

// acceptAll takes all the words in a row, or nothing.
func (p *parser) acceptAll(words ...string) bool {
	for i, w := range words {
		if !p.ahead(i).is(w) {
			return false
		}
	}
	p.next += len(words)
	return true
}

func (p *parser) failAt(t token, expected, hint string) error {
	return p.src.fail(t.at, t.describe(), expected, hint)
}

func (p *parser) expect(word, after string) error {
	t := p.peek()
	if p.accept(word) {
		return nil
	}
	if err := p.unsupported(t); err != nil {
		return err
	}
	expected := "expected " + word
	if after != "" {
		expected += " " + after
	}
	return p.failAt(t, expected, nearestKeyword(t))
}

// enter counts a level of nesting; leave goes with it.
func (p *parser) enter() error {
	if p.nesting++; p.nesting > maxNesting {
		return p.src.fail(p.peek().at, "", "this is nested deeper than "+strconv.Itoa(maxDepth)+" levels", "write it flatter")
	}
	return nil
}

func (p *parser) leave() { p.nesting-- }

// finish takes an optional semicolon and the end of the text.
func (p *parser) finish(what string) error {
	semicolon := p.accept(";")
	t := p.peek()
	if t.kind == endToken {
		return nil
	}
	if semicolon {
		return p.failAt(t, "expected one statement only", "run the second on its own")
	}
	if err := p.unsupported(t); err != nil {
		return err
	}
	// A mistyped clause was taken for an alias: … CloudTrailLogs WEHRE x = 1.
	if last := p.tokens[max(p.next, 1)-1]; last.kind == wordToken && !reserved(last.text) {
		if hint := nearestKeyword(last); hint != "" {
			return p.failAt(last, "expected "+what, hint)
		}
	}
	return p.failAt(t, "expected "+what, nearestKeyword(t))
}

func (p *parser) items() ([]item, error) {
	var list []item
	for {
		it, err := p.item()
		if err != nil {
			return nil, err
		}
		if list = append(list, it); len(list) > maxList {
			return nil, p.src.fail(it.at, "", "the SELECT list has more than "+strconv.Itoa(maxList)+" columns", "name fewer")
		}
		if !p.accept(",") {
			return list, nil
		}
	}
}

func (p *parser) item() (item, error) {
	t := p.peek()
	it := item{at: t.at}
	if p.accept("*") {
		return it, nil
	}
	if (t.kind == wordToken && !reserved(t.text) || t.kind == quotedToken) && p.ahead(1).is(".") && p.ahead(2).is("*") {
		p.next += 3
		it.star = t.text
		return it, nil
	}
	var err error
	if it.x, err = p.expr(); err != nil {
		return it, err
	}
	it.alias, err = p.alias()
	return it, err
}

// alias reads [AS] name.
func (p *parser) alias() (string, error) {
	as := p.accept("AS")
	t := p.peek()
	if t.kind == quotedToken || t.kind == wordToken && !reserved(t.text) && (as || !clauseWord(t)) {
		p.next++
		return t.text, p.checkName(t)
	}
	if as {
		if t.kind == stringToken {
			return "", p.failAt(t, "expected a name after AS", `an alias goes between double quotes: "…"`)
		}
		return "", p.failAt(t, "expected a name after AS", reservedHint(t))
	}
	return "", nil
}

// maxName is the longest name a statement may give.
const maxName = 128

func (p *parser) checkName(t token) error {
	if len(t.text) > maxName {
		return p.failAt(t, "expected a name of at most "+strconv.Itoa(maxName)+" bytes", "")
	}
	return nil
}

func (p *parser) groupBy() ([]grouping, error) {
	if err := p.expect("BY", "after GROUP"); err != nil {
		return nil, err
	}
	if t := p.peek(); t.is("ALL", "DISTINCT") {
		return nil, p.src.fail(t.at, "", "GROUP BY "+strings.ToUpper(t.text)+" is not supported", "name what to group by")
	}
	var list []grouping
	for n := 0; ; {
		t := p.peek()
		g, err := p.grouping()
		if err != nil {
			return nil, err
		}
		for _, set := range g.sets {
			n += len(set) + 1
		}
		if list = append(list, g); n > 2*maxList {
			return nil, p.src.fail(t.at, "", "GROUP BY has more than "+strconv.Itoa(maxList)+" columns", "name fewer")
		}
		if !p.accept(",") {
			return list, nil
		}
	}
}

// grouping reads one element of GROUP BY.
func (p *parser) grouping() (grouping, error) {
	t := p.peek()
	switch {
	case t.is("ROLLUP", "CUBE") && p.ahead(1).is("("):
		p.next++
		list, err := p.groupingSet()
		g := grouping{kind: strings.ToUpper(t.text)}
		for _, e := range list {
			g.sets = append(g.sets, []expr{e})
		}
		if len(list) > 8 {
			return g, p.failAt(t, "at most 8 columns go into "+g.kind, "group by fewer")
		}
		return g, err
	case t.is("GROUPING") && p.ahead(1).is("SETS"):
		p.next += 2
		if err := p.expect("(", "after GROUPING SETS"); err != nil {
			return grouping{}, err
		}
		g := grouping{kind: "GROUPING SETS"}
		for {
			set, err := p.groupingSet()
			if err != nil {
				return g, err
			}
			if g.sets = append(g.sets, set); len(g.sets) > 64 {
				return g, p.failAt(t, "at most 64 sets go into GROUPING SETS", "group by fewer")
			}
			if !p.accept(",") {
				return g, p.expect(")", "to close GROUPING SETS")
			}
		}
	case t.is("(") && p.ahead(1).is(")"):
		p.next += 2
		return grouping{kind: "GROUPING SETS", sets: [][]expr{nil}}, nil
	}
	e, err := p.expr()
	if r, ok := e.(*rowOf); ok && t.is("(") { // GROUP BY (a, b)
		return grouping{sets: [][]expr{r.args}}, err
	}
	return grouping{sets: [][]expr{{e}}}, err
}

// groupingSet reads (a, b), (), or a.
func (p *parser) groupingSet() ([]expr, error) {
	if !p.peek().is("(") {
		e, err := p.expr()
		return []expr{e}, err
	}
	p.next++
	if p.accept(")") {
		return nil, nil
	}
	list, err := p.exprs()
	if err != nil {
		return nil, err
	}
	return list, p.expect(")", "to close the grouping set")
}

func (p *parser) orderBy() ([]orderItem, error) {
	if err := p.expect("BY", "after ORDER"); err != nil {
		return nil, err
	}
	var list []orderItem
	for {
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		o := orderItem{x: e}
		if p.accept("DESC") {
			o.desc = true
		} else {
			p.accept("ASC")
		}
		if p.accept("NULLS") {
			switch t := p.take(); {
			case t.is("FIRST"):
				o.nullsFirst = true
			case t.is("LAST"):
			default:
				return nil, p.failAt(t, "expected FIRST or LAST after NULLS", "")
			}
		}
		if list = append(list, o); len(list) > maxList {
			return nil, p.src.fail(e.info().at, "", "ORDER BY has more than "+strconv.Itoa(maxList)+" columns", "name fewer")
		}
		if !p.accept(",") {
			return list, nil
		}
	}
}

// checkQuery refuses expressions that go deeper than maxDepth levels.
func checkQuery(src source, q *query) (err error) {
	q.each(func(e expr) {
		if err == nil {
			err = checkDepth(src, e, maxDepth)
		}
	}, func(q *query) {
		if err == nil {
			err = checkQuery(src, q)
		}
	}, func(relation) {})
	return err
}

// checkDepth refuses a tree that goes deeper than left more levels.
func checkDepth(src source, e expr, left int) error {
	if left == 0 {
		return src.fail(e.info().at, "", "this is nested deeper than "+strconv.Itoa(maxDepth)+" levels", "write it flatter")
	}
	if q := queryIn(e); q != nil {
		if err := checkQuery(src, q); err != nil {
			return err
		}
	}
	for _, c := range children(e) {
		if err := checkDepth(src, c, left-1); err != nil {
			return err
		}
	}
	return nil
}
