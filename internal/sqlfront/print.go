package sqlfront

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Dialect is an engine's SQL.
type Dialect uint8

// The dialects that statements are printed in.
const (
	DuckDB Dialect = iota
	Trino
)

// PrintOptions say what the text of a statement refers to.
type PrintOptions struct {
	// Table gives the engine's texts for a table, such as a quoted name or a
	// sub-select in brackets; nil is the table's name, quoted. Where there are
	// more than one, each has some of the table's rows, and what a statement needs
	// of them is asked of each.
	Table func(name string) []string
	// Now is what now() means; zero is the engine's clock.
	Now time.Time
}

// Quote is a name as every engine quotes it.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// QuoteText is a string as every engine quotes it.
func QuoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// printer writes a bound tree. Every word of the text is ours: names are the
// catalogue's or ours and quoted, everything composite is in brackets.
type printer struct {
	strings.Builder
	d      Dialect
	opt    PrintOptions
	leaves map[string]*leaves // of the base tables, by alias; nil when they are printed whole
	try    bool               // inside TRY, where an error is NULL
	pairs  map[string]string  // parameters that are parts of others, see zip_with
	branch string             // what the statement's table is now, see split; empty for all of it
}

// exprText is an expression in Trino's dialect; equal text means equal trees.
func exprText(e expr) string {
	p := printer{d: Trino}
	p.expr(e)
	return p.String()
}

func (p *printer) comma(i int) {
	if i > 0 {
		p.WriteString(", ")
	}
}

func (p *printer) list(list []expr) {
	for i, e := range list {
		p.comma(i)
		p.expr(e)
	}
}

func (p *printer) expr(e expr) {
	switch e := e.(type) {
	case *literal:
		p.literal(e)
	case *column:
		p.column(e)
	case *fieldOf:
		p.WriteByte('(')
		p.expr(e.x)
		p.WriteString(")." + Quote(e.field))
	case *logic:
		sep := " AND "
		if e.or {
			sep = " OR "
		}
		p.WriteByte('(')
		for i, a := range e.args {
			if i > 0 {
				p.WriteString(sep)
			}
			p.expr(a)
		}
		p.WriteByte(')')
	case *not:
		p.around("(NOT ", e.x, ")")
	case *negate:
		p.around("(- ", e.x, ")") // the space: -- starts a comment
	case *binary:
		p.binary(e)
	case *like:
		p.around("(", e.x, negation(e.not)+" LIKE ")
		if p.d == DuckDB {
			pattern, escaped := e.match.duckText()
			p.WriteString(QuoteText(pattern))
			if escaped {
				p.WriteString(` ESCAPE '\'`)
			}
			p.WriteByte(')')
			return
		}
		p.expr(e.pattern)
		if e.escape != nil {
			p.around(" ESCAPE ", e.escape, "")
		}
		p.WriteByte(')')
	case *in:
		p.around("(", e.x, negation(e.not)+" IN (")
		p.list(e.list)
		p.WriteString("))")
	case *between:
		p.around("(", e.x, negation(e.not)+" BETWEEN ")
		p.expr(e.lo)
		p.around(" AND ", e.hi, ")")
	case *isNull:
		p.around("(", e.x, map[bool]string{false: " IS NULL)", true: " IS NOT NULL)"}[e.not])
	case *caseOf:
		p.WriteString("CASE")
		if e.operand != nil {
			p.around(" ", e.operand, "")
		}
		for _, w := range e.whens {
			p.around(" WHEN ", w.cond, " THEN ")
			p.expr(w.then)
		}
		if e.other != nil {
			p.around(" ELSE ", e.other, "")
		}
		p.WriteString(" END")
	case *cast:
		p.cast(e)
	case *call:
		p.call(e)
	default:
		p.nested(e)
	}
}

// nested prints what holds queries, rows and lists.
func (p *printer) nested(e expr) {
	switch e := e.(type) {
	case *subscript:
		p.subscript(e)
	case *rowOf:
		p.row(e, e.typ)
	case *arrayOf:
		if p.d == DuckDB {
			p.WriteByte('[')
		} else {
			p.WriteString("ARRAY[")
		}
		p.list(e.args)
		p.WriteByte(']')
	case *lambda:
		p.lambda(e)
	case *param:
		if whole, ok := p.pairs[e.name]; ok {
			p.WriteString(whole)
		} else {
			p.WriteString(Quote(e.name))
		}
	case *subquery:
		p.WriteByte('(')
		p.query(e.q)
		p.WriteByte(')')
	case *exists:
		p.WriteString("(EXISTS (")
		p.query(e.q)
		p.WriteString("))")
	case *inQuery:
		p.around("(", e.x, negation(e.not)+" IN (")
		p.query(e.q)
		p.WriteString("))")
	case *quantified:
		p.around("(", e.x, " "+e.op+" "+map[bool]string{false: "ANY", true: "ALL"}[e.all]+" (")
		p.query(e.q)
		p.WriteString("))")
	default:
		panic(fmt.Sprintf("sqlfront: print of %T", e))
	}
}

func (p *printer) around(before string, e expr, after string) {
	p.WriteString(before)
	p.expr(e)
	p.WriteString(after)
}

func negation(not bool) string {
	if not {
		return " NOT"
	}
	return ""
}

func (p *printer) literal(l *literal) {
	switch v := l.v; v.kind {
	case Unknown:
		if p.d == DuckDB && l.typ.Kind != Unknown {
			p.WriteString("CAST(NULL AS " + duckType(l.typ) + ")")
		} else {
			p.WriteString("NULL")
		}
	case Boolean:
		p.WriteString(strings.ToUpper(strconv.FormatBool(v.i != 0)))
	case Bigint:
		if p.d == DuckDB { // its literals are as narrow as the number
			p.WriteString("CAST(" + strconv.FormatInt(v.i, 10) + " AS BIGINT)")
		} else {
			p.WriteString(strconv.FormatInt(v.i, 10))
		}
	case Decimal:
		if text := decimalText(v); p.d == DuckDB {
			p.WriteString("CAST(" + QuoteText(text) + " AS " + duckType(l.typ) + ")")
		} else {
			p.WriteString("DECIMAL " + QuoteText(text))
		}
	case Double:
		p.WriteString(strconv.FormatFloat(v.f, 'E', -1, 64))
	case Varchar:
		p.WriteString(QuoteText(v.s))
	case Timestamp:
		p.WriteString("TIMESTAMP " + QuoteText(v.String()))
	case Date:
		p.WriteString("DATE " + QuoteText(v.String()))
	case DayInterval:
		p.interval(v.i)
	case MonthInterval:
		if p.d == DuckDB {
			p.WriteString("to_months(" + strconv.FormatInt(v.i, 10) + ")")
		} else {
			p.WriteString("INTERVAL '" + strconv.FormatInt(v.i, 10) + "' MONTH")
		}
	}
}

func (p *printer) interval(micros int64) {
	if p.d == DuckDB {
		p.WriteString("to_microseconds(CAST(" + strconv.FormatInt(micros, 10) + " AS BIGINT))")
		return
	}
	for _, u := range []string{"day", "hour", "minute", "second"} {
		if n := diffMicros[u]; micros%n == 0 {
			p.WriteString("INTERVAL '" + strconv.FormatInt(micros/n, 10) + "' " + strings.ToUpper(u))
			return
		}
	}
}
