package sqlfront

import "strconv"

// fault is DuckDB's text that stops a query; inside TRY it is NULL.
func (p *printer) fault(text string) string {
	if p.try {
		return "NULL"
	}
	return "error(" + QuoteText(text) + ")"
}

func (p *printer) binary(e *binary) {
	op := e.op
	if p.d == DuckDB && e.typ.Kind == Date { // its sum of a date is a timestamp
		p.around("CAST((", e.l, " "+op+" ")
		p.around("", e.r, ") AS DATE)")
		return
	}
	if l, r := e.l.info().typ, e.r.info().typ; p.d == DuckDB && op == "-" && l.Kind == Date && r.Kind == Date { // its difference is a number
		p.around("(CAST(", e.l, " AS TIMESTAMP) - CAST(")
		p.around("", e.r, " AS TIMESTAMP))")
		return
	}
	if p.d == DuckDB && e.typ.Kind == Decimal {
		p.decimal(e)
		return
	}
	if p.d == DuckDB && p.same(e) {
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
	p.divided(e, func() {
		p.around("(", e.l, " "+op+" ")
		p.around("", e.r, ")")
	})
}

// same prints the equality of maps, which have no order, and that of arrays and
// rows, where it is unknown whether a NULL is what the other has.
func (p *printer) same(e *binary) bool {
	if e.op != "=" && e.op != "<>" && e.op != isDistinct && e.op != notDistinct {
		return false
	}
	args := &call{args: []expr{e.l, e.r}}
	switch t := e.l.info().typ; {
	case t.Kind == Map && e.r.info().typ.Kind == Map:
		p.template("(list_sort(map_entries($1)) "+e.op+" list_sort(map_entries($2)))", args)
		return true
	case t.Kind == Array && e.r.info().typ.Kind == Array && (e.op == "=" || e.op == "<>"):
		not := map[string]string{"=": "", "<>": "NOT "}[e.op]
		p.template("("+not+arraysEqual+")", args)
		return true
	}
	l, lok := e.l.(*rowOf)
	r, rok := e.r.(*rowOf)
	if !lok || !rok || e.op != "=" && e.op != "<>" {
		return false
	}
	p.WriteString(map[string]string{"=": "(", "<>": "(NOT ("}[e.op])
	for i := range l.args {
		if i > 0 {
			p.WriteString(" AND ")
		}
		p.expr(&binary{node{e.at, booleanType}, "=", l.args[i], r.args[i]})
	}
	p.WriteString(map[string]string{"=": ")", "<>": "))"}[e.op])
	return true
}

const arraysEqual = "CASE WHEN len($1) <> len($2) OR list_bool_or(list_transform(list_zip($1, $2), lambda z: z[1] <> z[2])) THEN FALSE WHEN len($1) > list_count($1) OR len($2) > list_count($2) THEN NULL ELSE $1 = $2 END"

// divided guards a division by what may be zero.
func (p *printer) divided(e *binary, division func()) {
	l, ok := e.r.(*literal)
	guard := !ok || l.v.IsNull() || isZero(l.v)
	if guard {
		p.around("CASE WHEN ", e.r, " = 0 THEN ")
		p.around("CASE WHEN ", e.l, " IS NOT NULL THEN "+p.fault("division by zero")+" END ELSE ")
	}
	division()
	if guard {
		p.WriteString(" END")
	}
}

// decimal prints arithmetic of decimals with Trino's digits. Divisions are made
// as doubles: 15 digits are right.
func (p *printer) decimal(e *binary) {
	to := " AS " + duckType(e.typ) + ")"
	switch e.op {
	case "/":
		p.divided(e, func() {
			p.around("CAST(round(CAST(", e.l, " AS DOUBLE) / CAST(")
			p.around("", e.r, " AS DOUBLE), "+strconv.Itoa(e.typ.Scale)+")"+to)
		})
	case "%":
		p.divided(e, func() {
			p.around("CAST((", e.l, " % ")
			p.around("", e.r, ")"+to)
		})
	case "*":
		p.around("CAST((", e.l, " * ")
		p.around("", e.r, ")"+to)
	default:
		p.around("CAST((CAST(", e.l, to+" "+e.op+" CAST(")
		p.around("", e.r, to+")"+to)
	}
}

func (p *printer) subscript(e *subscript) {
	t := e.x.info().typ
	if p.d == Trino {
		p.around("", e.x, "[")
		p.around("", e.i, "]")
		return
	}
	switch t.Kind {
	case Array:
		p.around("CASE WHEN ", e.i, " < 1 OR ")
		p.around("", e.i, " > ")
		p.around("len(", e.x, ") THEN "+p.fault("the array has no such element")+" ELSE list_extract(")
		p.around("", e.x, ", ")
		p.around("", e.i, ") END")
	case Map:
		p.around("CASE WHEN NOT map_contains(", e.x, ", ")
		p.around("", e.i, ") THEN "+p.fault("the map has no such key")+" ELSE map_extract_value(")
		p.around("", e.x, ", ")
		p.around("", e.i, ") END")
	default:
		p.around("struct_extract(", e.x, ", "+QuoteText("field"+strconv.FormatInt(e.i.(*literal).v.i-1, 10))+")")
	}
}

// row prints a row with the names of t's fields.
func (p *printer) row(e *rowOf, t *Type) {
	if p.d == Trino {
		p.WriteString("ROW(")
		p.list(e.args)
		p.WriteByte(')')
		return
	}
	p.WriteByte('{')
	for i, a := range e.args {
		p.comma(i)
		p.WriteString(QuoteText(fieldName(t, i)) + ": ")
		p.expr(a)
	}
	p.WriteByte('}')
}

// fieldName is what DuckDB calls a field, which must have a name there.
func fieldName(t *Type, i int) string {
	if n := t.Fields[i].Name; n != "" {
		return n
	}
	return "field" + strconv.Itoa(i)
}

func (p *printer) lambda(e *lambda) {
	open, close, arrow := "(", ")", " -> "
	if p.d == DuckDB {
		open, close, arrow = "lambda ", "", ": "
	}
	p.WriteString(open)
	for i, n := range e.params {
		p.comma(i)
		p.WriteString(Quote(n))
	}
	p.WriteString(close + arrow)
	p.expr(e.body)
}
