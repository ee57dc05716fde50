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
}

func newParser(text string) (*parser, error) {
	src := source(text)
	tokens, err := lex(src)
	if err != nil {
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

func (p *parser) statement() (*selection, error) {
	if err := p.onlySelect(); err != nil {
		return nil, err
	}
	s, err := p.selection()
	if err != nil {
		return nil, err
	}
	if err := p.finish("the statement to end"); err != nil {
		return nil, err
	}
	for _, e := range s.expressions() {
		if err := checkDepth(p.src, e, maxDepth); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (p *parser) selection() (*selection, error) {
	s := &selection{limit: -1}
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
		if s.from, err = p.table(); err != nil {
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
	if p.accept("ORDER") {
		if s.order, err = p.orderBy(); err != nil {
			return nil, err
		}
	}
	if p.accept("LIMIT") {
		if s.limit, err = p.limit(); err != nil {
			return nil, err
		}
	}
	return s, nil
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

func (p *parser) table() (*table, error) {
	t := p.take()
	switch {
	case t.is("("):
		if p.peek().is("SELECT", "WITH", "VALUES", "TABLE", "(") {
			return nil, p.failAt(p.peek(), "a sub-select is not supported yet", "select from CloudTrailLogs itself")
		}
		return nil, p.failAt(t, "expected the name of a table", "")
	case t.kind == stringToken:
		return nil, p.failAt(t, "expected the name of a table", "files cannot be read; the tables are "+tableList(CloudTrailCatalog()))
	case t.is("UNNEST", "LATERAL"):
		return nil, p.src.fail(t.at, "", strings.ToUpper(t.text)+" is not supported yet", "")
	case t.kind != quotedToken && (t.kind != wordToken || reserved(t.text)):
		return nil, p.failAt(t, "expected the name of a table after FROM", "the tables are "+tableList(CloudTrailCatalog()))
	}
	if p.peek().is("(") {
		return nil, p.failAt(t, "table functions are not supported", "the tables are "+tableList(CloudTrailCatalog()))
	}
	if p.peek().is(".") {
		return nil, p.failAt(p.ahead(1), "a table's name has one part", "the tables are "+tableList(CloudTrailCatalog()))
	}
	tab := &table{at: t.at, name: t.text}
	if err := p.joined(); err != nil {
		return nil, err
	}
	var err error
	if tab.alias, err = p.alias(); err != nil {
		return nil, err
	}
	if tab.alias != "" && p.peek().is("(") {
		return nil, p.failAt(p.peek(), "names for a table's columns are not supported yet", "give aliases in the SELECT list")
	}
	return tab, p.joined()
}

func (p *parser) groupBy() ([]expr, error) {
	if err := p.expect("BY", "after GROUP"); err != nil {
		return nil, err
	}
	var list []expr
	for {
		t := p.peek()
		if t.is("ROLLUP", "CUBE", "GROUPING", "ALL", "DISTINCT") || t.is("(") && p.ahead(1).is(")") {
			return nil, p.src.fail(t.at, "", "GROUP BY "+strings.ToUpper(t.text)+" is not supported yet", "")
		}
		e, err := p.expr()
		if err != nil {
			return nil, err
		}
		if list = append(list, e); len(list) > maxList {
			return nil, p.src.fail(t.at, "", "GROUP BY has more than "+strconv.Itoa(maxList)+" columns", "name fewer")
		}
		if !p.accept(",") {
			return list, nil
		}
	}
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

func (p *parser) limit() (int64, error) {
	t := p.take()
	if t.is("ALL") {
		return -1, nil
	}
	if t.kind != integerToken {
		return 0, p.failAt(t, "expected a whole number after LIMIT", "")
	}
	n, err := strconv.ParseInt(t.text, 10, 64)
	if err != nil {
		return 0, p.failAt(t, "expected a number up to 9223372036854775807", "")
	}
	return n, nil
}

// checkDepth refuses a tree that goes deeper than left more levels.
func checkDepth(src source, e expr, left int) error {
	if left == 0 {
		return src.fail(e.info().at, "", "this is nested deeper than "+strconv.Itoa(maxDepth)+" levels", "write it flatter")
	}
	for _, c := range children(e) {
		if err := checkDepth(src, c, left-1); err != nil {
			return err
		}
	}
	return nil
}
