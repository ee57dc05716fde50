package sqlfront

import (
	"math"
	"strconv"
	"strings"
)

func (p *printer) call(c *call) {
	if p.leaf(c) {
		return
	}
	if p.d == DuckDB && c.fn.print != nil && c.fn.print(p, c) {
		return
	}
	switch c.name {
	case "now":
		switch {
		case !p.opt.Now.IsZero():
			p.literal(&literal{node{typ: timestampType}, TimestampValue(p.opt.Now)})
		case p.d == DuckDB:
			p.WriteString("CAST((now() AT TIME ZONE 'UTC') AS TIMESTAMP)")
		default:
			p.WriteString("now()")
		}
		return
	case "try":
		before := p.try
		p.try = true
		defer func() { p.try = before }()
	}
	template := c.template(p.d)
	if c.distinct && !strings.Contains(template, "$d") {
		template = strings.Replace(template, "(", "(DISTINCT ", 1)
	}
	if (c.filter != nil || c.over != nil) && !strings.Contains(template, "$f") {
		template += "$f"
	}
	p.template(template, c)
}

// tail prints what comes after a call's bracket.
func (p *printer) tail(c *call) {
	if c.filter != nil {
		p.around(" FILTER (WHERE ", c.filter, ")")
	}
	if c.ignoreNulls && p.d == Trino {
		p.WriteString(" IGNORE NULLS")
	}
	if c.over != nil {
		p.over(c.over)
	}
}

func (c *call) template(d Dialect) string {
	switch {
	case d == Trino && c.fn.trino != "":
		return c.fn.trino
	case d == Trino:
		return c.name + "($d$*$o)$f"
	case c.fn.duckFor != nil:
		return c.fn.duckFor(c)
	}
	return c.fn.duck
}

func placeholder(i int) string { return "$" + strconv.Itoa(i+1) }

// template writes a function's spelling: $1… are arguments, $* all of them, $p
// what was prepared from a literal, $us the first with microseconds; $d is
// DISTINCT, $o ORDER BY, $i IGNORE NULLS and $f FILTER and OVER, where there are
// any, and $w is ORDER BY without the space; $T is the result's type; $! begins
// the text of an error, which ends at the next !; $$ is a dollar sign.
func (p *printer) template(t string, c *call) {
	for {
		i := strings.IndexByte(t, '$')
		if i < 0 {
			p.WriteString(t)
			return
		}
		p.WriteString(t[:i])
		t = t[i+1:]
		switch {
		case t[0] == '*' && c.star:
			p.WriteByte('*')
			t = t[1:]
		case t[0] == '*':
			p.list(c.args)
			t = t[1:]
		case t[0] == 'p':
			p.WriteString(QuoteText(prepared(c.ready)))
			t = t[1:]
		case t[0] == 'd':
			if c.distinct {
				p.WriteString("DISTINCT ")
			}
			t = t[1:]
		case t[0] == 'o':
			if len(c.order) > 0 {
				p.WriteString(" ORDER BY ")
				p.order(c.order, false)
			}
			t = t[1:]
		case t[0] == 'i':
			if c.ignoreNulls {
				p.WriteString(" IGNORE NULLS")
			}
			t = t[1:]
		case t[0] == 'f':
			p.tail(c)
			t = t[1:]
		case t[0] == '!':
			text, rest, _ := strings.Cut(t[1:], "!")
			p.WriteString(p.fault(text))
			t = rest
		case t[0] == '$':
			p.WriteByte('$')
			t = t[1:]
		case t[0] == 'g':
			p.WriteString(c.ready.(*pattern).groupText())
			t = t[1:]
		case t[0] == 'r':
			p.WriteString(QuoteText(c.ready.(*pattern).duckReplacement))
			t = t[1:]
		case t[0] == 'w':
			p.WriteString("ORDER BY ")
			p.order(c.order, false)
			t = t[1:]
		case t[0] == 'T':
			p.WriteString(duckType(c.typ))
			t = t[1:]
		case strings.HasPrefix(t, "us"):
			p.micros(c.args[0], true)
			t = t[2:]
		default:
			end := 1
			for end < len(t) && isDigit(t[end]) {
				end++
			}
			n, _ := strconv.Atoi(t[:end])
			p.expr(c.args[n-1])
			t = t[end:]
		}
	}
}

func prepared(ready any) string {
	switch r := ready.(type) {
	case string:
		return r
	case jsonPath:
		return r.duckText()
	case *pattern:
		return r.text
	}
	return whitespace
}

// maxGrowth bounds how much longer than its tree the text for DuckDB is, where
// some functions name an argument several times.
const maxGrowth = 10_000

// grows is about how many nodes more than e has are printed for DuckDB.
func grows(e expr) int {
	printed, has := weight(e)
	return printed - has
}

// weight counts the nodes that e prints as for DuckDB, and those it has; those
// of a query in it, too.
func weight(e expr) (printed, has int) {
	times := func(int) int { return 1 }
	switch e := e.(type) {
	case *binary:
		if _, ok := e.r.(*literal); !ok && (e.op == "/" || e.op == "%") {
			times = func(int) int { return 2 }
		} else if e.l.info().typ.Kind == Array {
			times = func(int) int { return strings.Count(arraysEqual, "$1") }
		}
	case *subscript:
		times = func(i int) int { return 2 + i }
	case *cast:
		if from := e.x.info().typ.Kind; from == JSON {
			times = func(int) int { return 3 }
		} else if from == Double && e.to.Kind == Varchar {
			times = func(int) int { return strings.Count(doubleAsText, "$1") }
		}
	case *call:
		if e.fn.print != nil {
			break
		}
		t := e.template(DuckDB)
		times = func(i int) int { return max(1, strings.Count(t, placeholder(i))+strings.Count(t, "$*")) }
	}
	printed, has = 1, 1
	if q := queryIn(e); q != nil {
		p, h := queryWeight(q)
		printed, has = printed+p, has+h
	}
	for i, c := range children(e) {
		p, h := weight(c)
		printed, has = min(printed+p*times(i), math.MaxInt32), has+h
	}
	return printed, has
}

func queryWeight(q *query) (printed, has int) {
	add := func(p, h int) { printed, has = min(printed+p+1, math.MaxInt32), has+h+1 }
	q.each(func(e expr) { add(weight(e)) }, func(q *query) { add(queryWeight(q)) }, func(relation) { add(1, 1) })
	return printed, has
}
