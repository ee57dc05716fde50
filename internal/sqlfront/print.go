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
	// Table gives the engine's text for a table, such as a quoted name or a
	// sub-select in brackets; nil is the table's name, quoted.
	Table func(name string) string
	// Now is what now() means; zero is the engine's clock.
	Now time.Time
}

// Quote is a name as every engine quotes it.
func Quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// QuoteText is a string as every engine quotes it.
func QuoteText(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// printer writes a bound tree. Every word of the text is ours: names are the
// catalogue's and quoted, everything composite is in brackets.
type printer struct {
	strings.Builder
	d   Dialect
	opt PrintOptions
}

// exprText is an expression in Trino's dialect; equal text means equal trees.
func exprText(e expr) string {
	p := printer{d: Trino}
	p.expr(e)
	return p.String()
}

func (p *printer) selection(s *selection) {
	p.WriteString("SELECT ")
	if s.distinct {
		p.WriteString("DISTINCT ")
	}
	for i, it := range s.items {
		p.comma(i)
		p.expr(it.x)
		p.WriteString(" AS " + Quote(it.alias))
	}
	if s.from != nil {
		p.WriteString(" FROM ")
		if p.opt.Table != nil {
			p.WriteString(p.opt.Table(s.from.name))
		} else {
			p.WriteString(Quote(s.from.name))
		}
		p.WriteString(" AS " + Quote(tableAlias))
	}
	if s.where != nil {
		p.WriteString(" WHERE ")
		p.expr(s.where)
	}
	if len(s.group) > 0 {
		p.WriteString(" GROUP BY ")
		p.list(s.group)
	}
	if s.having != nil {
		p.WriteString(" HAVING ")
		p.expr(s.having)
	}
	for i, o := range s.order {
		if i == 0 {
			p.WriteString(" ORDER BY ")
		}
		p.comma(i)
		if l, ok := o.x.(*literal); ok {
			p.WriteString(strconv.FormatInt(l.v.i, 10)) // a position
		} else {
			p.expr(o.x)
		}
		p.WriteString(map[bool]string{false: " ASC", true: " DESC"}[o.desc])
		p.WriteString(map[bool]string{false: " NULLS LAST", true: " NULLS FIRST"}[o.nullsFirst])
	}
	if s.limit >= 0 {
		p.WriteString(" LIMIT " + strconv.FormatInt(s.limit, 10))
	}
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
		p.WriteString(Quote(tableAlias))
		for _, part := range e.path {
			p.WriteByte('.')
			p.WriteString(Quote(part))
		}
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
		if name := duckTypes[l.typ.Kind]; p.d == DuckDB && name != "" {
			p.WriteString("CAST(NULL AS " + name + ")")
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

func (p *printer) binary(e *binary) {
	op := e.op
	if p.d == DuckDB && e.typ.Kind == Date { // its sum of a date is a timestamp
		p.around("CAST((", e.l, " "+op+" ")
		p.around("", e.r, ") AS DATE)")
		return
	}
	if p.d == Trino || op != "/" && op != "%" {
		p.around("(", e.l, " "+op+" ")
		p.around("", e.r, ")")
		return
	}
	if op == "/" && e.typ.Kind == Bigint {
		op = "//"
	}
	// DuckDB makes NULL or infinity of a division by zero.
	guard := true
	if l, ok := e.r.(*literal); ok && !l.v.IsNull() {
		guard = false
	}
	if guard {
		p.around("CASE WHEN ", e.r, " = 0 THEN ")
		p.around("CASE WHEN ", e.l, " IS NOT NULL THEN error('division by zero') END ELSE ")
	}
	p.around("(", e.l, " "+op+" ")
	p.around("", e.r, ")")
	if guard {
		p.WriteString(" END")
	}
}

var duckTypes = map[Kind]string{Boolean: "BOOLEAN", Bigint: "BIGINT", Double: "DOUBLE", Varchar: "VARCHAR", Timestamp: "TIMESTAMP", Date: "DATE"}

// castPatterns guard DuckDB's casts of text, which take more than Trino's.
var castPatterns = map[Kind]string{Bigint: bigintText, Double: doubleText, Boolean: booleanText, Timestamp: timestampText, Date: dateText}

func (p *printer) cast(e *cast) {
	word := "CAST("
	if e.try {
		word = "TRY_CAST("
	}
	from := e.x.info().typ.Kind
	if p.d == Trino {
		to := e.to.Kind.String()
		if e.to.Kind == Timestamp {
			to = "timestamp(6)"
		}
		p.WriteString(word)
		p.micros(e.x, e.to.Kind == Varchar)
		p.WriteString(" AS " + to + ")")
		return
	}
	switch {
	case from == Varchar:
		p.around(word+"regexp_extract(", e.x, ", '"+castPatterns[e.to.Kind]+"') AS "+duckTypes[e.to.Kind]+")")
	case from == Timestamp && e.to.Kind == Varchar:
		p.around("strftime(", e.x, ", '%Y-%m-%d %H:%M:%S.%f')")
	case from == Double && e.to.Kind == Bigint: // halves away from zero, as in Trino
		p.around(word+"round(", e.x, ") AS BIGINT)")
	default:
		p.around(word, e.x, " AS "+duckTypes[e.to.Kind]+")")
	}
}

// micros prints a timestamp for Trino with the six digits that one has here.
func (p *printer) micros(e expr, needed bool) {
	if needed && e.info().typ.Kind == Timestamp {
		p.around("CAST(", e, " AS timestamp(6))")
		return
	}
	p.expr(e)
}
