package sqlfront

import (
	"math"
	"strconv"
	"strings"
)

func (p *printer) call(c *call) {
	if c.name == "now" {
		switch {
		case !p.opt.Now.IsZero():
			p.literal(&literal{node{typ: timestampType}, TimestampValue(p.opt.Now)})
		case p.d == DuckDB:
			p.WriteString("CAST((now() AT TIME ZONE 'UTC') AS TIMESTAMP)")
		default:
			p.WriteString("now()")
		}
		return
	}
	template := c.template(p.d)
	if c.distinct {
		template = strings.Replace(template, "(", "(DISTINCT ", 1)
	}
	// DuckDB's sums of bigints are wider than a bigint.
	narrow := p.d == DuckDB && (c.name == "sum" || c.name == "count_if") && c.typ.Kind == Bigint
	if narrow {
		p.WriteString("CAST(")
	}
	p.template(template, c)
	if c.filter != nil {
		p.around(" FILTER (WHERE ", c.filter, ")")
	}
	if narrow {
		p.WriteString(" AS BIGINT)")
	}
}

func (c *call) template(d Dialect) string {
	switch {
	case d == Trino && c.fn.trino != "":
		return c.fn.trino
	case d == Trino:
		return c.name + "($*)"
	case c.fn.duckFor != nil:
		return c.fn.duckFor(c)
	}
	return c.fn.duck
}

func placeholder(i int) string { return "$" + strconv.Itoa(i+1) }

// template writes a function's spelling: $1… are arguments, $* all of them, $p
// what was prepared from a literal, $us the first with microseconds.
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

// weight counts the nodes that e prints as for DuckDB, and those it has.
func weight(e expr) (printed, has int) {
	times := func(int) int { return 1 }
	switch e := e.(type) {
	case *binary:
		if _, ok := e.r.(*literal); !ok && (e.op == "/" || e.op == "%") {
			times = func(int) int { return 2 }
		}
	case *call:
		t := e.template(DuckDB)
		times = func(i int) int { return max(1, strings.Count(t, placeholder(i))+strings.Count(t, "$*")) }
	}
	printed, has = 1, 1
	for i, c := range children(e) {
		p, h := weight(c)
		printed, has = min(printed+p*times(i), math.MaxInt32), has+h
	}
	return printed, has
}
