package sqlfront

import (
	"strconv"
	"strings"
)

var duckTypes = map[Kind]string{Boolean: "BOOLEAN", Bigint: "BIGINT", Double: "DOUBLE", Varchar: "VARCHAR", Timestamp: "TIMESTAMP", Zoned: "TIMESTAMP", Date: "DATE",
	JSON: "JSON", Varbinary: "BLOB", DayInterval: "INTERVAL", MonthInterval: "INTERVAL", Unknown: `"NULL"`}

// duckType is a type as DuckDB writes it.
func duckType(t *Type) string {
	switch t.Kind {
	case Decimal:
		return "DECIMAL(" + strconv.Itoa(t.Digits) + ", " + strconv.Itoa(t.Scale) + ")"
	case Array:
		return duckType(t.Elem) + "[]"
	case Map:
		return "MAP(" + duckType(t.Key) + ", " + duckType(t.Elem) + ")"
	case Struct:
		var b strings.Builder
		for i, f := range t.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteString(Quote(fieldName(t, i)) + " " + duckType(f.Type))
		}
		return "STRUCT(" + b.String() + ")"
	}
	return duckTypes[t.Kind]
}

// trinoType is a type as Trino writes it.
func trinoType(t *Type) string {
	switch t.Kind {
	case Decimal:
		return "decimal(" + strconv.Itoa(t.Digits) + ", " + strconv.Itoa(t.Scale) + ")"
	case Array:
		return "array(" + trinoType(t.Elem) + ")"
	case Map:
		return "map(" + trinoType(t.Key) + ", " + trinoType(t.Elem) + ")"
	case Struct:
		var b strings.Builder
		for i, f := range t.Fields {
			if i > 0 {
				b.WriteString(", ")
			}
			if f.Name != "" {
				b.WriteString(Quote(f.Name) + " ")
			}
			b.WriteString(trinoType(f.Type))
		}
		return "row(" + b.String() + ")"
	case Timestamp:
		return "timestamp(6)"
	case Varchar:
		if t.Length > 0 {
			return "varchar(" + strconv.Itoa(t.Length) + ")"
		}
	}
	return t.Kind.String()
}

// castPatterns guard DuckDB's casts of text, which take more than Trino's.
var castPatterns = map[Kind]string{Bigint: bigintText, Double: doubleText, Decimal: decimalPattern, Boolean: booleanText, Timestamp: timestampText, Date: dateText}

func (p *printer) cast(e *cast) {
	word := "CAST("
	if e.try {
		word = "TRY_CAST("
	}
	if p.d == Trino {
		p.WriteString(word)
		p.micros(e.x, e.to.Kind == Varchar)
		p.WriteString(" AS " + trinoType(e.to) + ")")
		return
	}
	from := e.x.info().typ
	if n := strconv.Itoa(e.to.Length); e.to.Length > 0 && from.Kind == Varchar {
		p.around("substr(", e.x, ", 1, "+n+")")
		return
	} else if e.to.Length > 0 { // text is cut, anything else has to fit
		whole := *e
		whole.to = varcharType
		p.WriteString("list_transform([")
		p.cast(&whole)
		long := "NULL"
		if !e.try {
			long = p.fault("the text does not fit varchar(" + n + ")")
		}
		p.WriteString("], lambda t: CASE WHEN length(t) > " + n + " THEN " + long + " ELSE t END)[1]")
		return
	}
	switch to := e.to.Kind; {
	case from.Kind == JSON:
		p.castJSON(e, word)
	case to == JSON:
		p.around("to_json(", e.x, ")")
	case from.Kind == Varchar && to == Varbinary:
		p.around("encode(", e.x, ")")
	case from.Kind == Varchar:
		p.around(word+"regexp_extract(", e.x, ", '"+castPatterns[to]+"', 1) AS "+duckType(e.to)+")")
	case from.Kind == Timestamp && to == Varchar:
		p.around("strftime(", e.x, ", '%Y-%m-%d %H:%M:%S.%f')")
	case from.Kind == Zoned && to == Varchar:
		p.around("(strftime(", e.x, ", '%Y-%m-%d %H:%M:%S.%f') || "+QuoteText(" "+from.Zone)+")")
	case from.Kind == DayInterval && to == Varchar:
		p.around("list_transform([epoch_ms(", e.x, ")], lambda i: printf('%s%d %02d:%02d:%02d.%03d', CASE WHEN i < 0 THEN '-' ELSE '' END, abs(i) // 86400000, abs(i) // 3600000 % 24, abs(i) // 60000 % 60, abs(i) // 1000 % 60, abs(i) % 1000))[1]")
	case from.Kind == MonthInterval && to == Varchar:
		p.around("list_transform([", e.x, "], lambda i: list_transform([12 * year(i) + month(i)], lambda n: printf('%s%d-%d', CASE WHEN n < 0 THEN '-' ELSE '' END, abs(n) // 12, abs(n) % 12))[1])[1]")
	case from.Kind == Decimal && to == Varchar && from.Digits == from.Scale: // it writes .5
		p.around("CAST(CAST(", e.x, " AS "+duckType(decimalType(min(from.Digits+1, maxDigits), from.Scale))+") AS VARCHAR)")
	case from.Kind == Double && to == Bigint: // halves away from zero, as in Trino
		p.around(word+"round(", e.x, ") AS BIGINT)")
	case from.Kind == Double && to == Varchar:
		p.template(doubleAsText, &call{args: []expr{e.x}})
	case from.Kind == Struct && to == Struct:
		if r, ok := e.x.(*rowOf); ok {
			p.castRow(r, e.to)
			return
		}
		p.around(word, e.x, " AS "+duckType(e.to)+")")
	default:
		p.around(word, e.x, " AS "+duckType(e.to)+")")
	}
}

// castRow prints a row written out as one of type t.
func (p *printer) castRow(r *rowOf, t *Type) {
	named := *r
	named.args = make([]expr, len(r.args))
	for i, a := range r.args {
		named.args[i] = a
		if !sameType(a.info().typ, t.Fields[i].Type) {
			named.args[i] = &cast{node{a.info().at, t.Fields[i].Type}, a, t.Fields[i].Type, false}
		}
	}
	p.row(&named, t)
}

// doubleAsText is a double as Trino writes it: 1.25E1 where DuckDB writes 12.5.
const doubleAsText = `CASE WHEN $1 = 0 THEN '0E0' WHEN isfinite($1) THEN CASE WHEN $1 < 0 THEN '-' ELSE '' END || ` +
	`list_transform([CAST(abs($1) AS VARCHAR)], lambda s: CASE WHEN contains(s, 'e') THEN regexp_extract(s, '^[^e]+') || CASE WHEN contains(s, '.') THEN '' ELSE '.0' END || 'E' || CAST(CAST(regexp_extract(s, 'e(.+)', 1) AS INTEGER) AS VARCHAR) ` +
	`ELSE list_transform([trim(replace(s, '.', ''), '0')], lambda d: d[1] || '.' || CASE WHEN length(d) > 1 THEN d[2:] ELSE '0' END)[1] || 'E' || CAST(CASE WHEN s[1] = '0' THEN -1 - length(regexp_extract(s, '^0[.](0*)', 1)) ELSE strpos(s, '.') - 2 END AS VARCHAR) END)[1] ` +
	`WHEN isnan($1) THEN 'NaN' WHEN $1 > 0 THEN 'Infinity' WHEN $1 < 0 THEN '-Infinity' END`

// castJSON prints a cast of JSON: of a scalar its value, as Trino takes it.
func (p *printer) castJSON(e *cast, word string) {
	switch e.to.Kind {
	case Varchar:
		object := p.fault("cannot cast an object or array of JSON to varchar")
		if e.try {
			object = "NULL"
		}
		p.around("CASE json_type(", e.x, ") WHEN 'OBJECT' THEN "+object+" WHEN 'ARRAY' THEN "+object+" WHEN 'DOUBLE' THEN ")
		p.around("list_transform([CAST(", e.x, " AS DOUBLE)], lambda d: "+strings.ReplaceAll(doubleAsText, "$1", "d")+")[1] ELSE ")
		p.around("json_extract_string(", e.x, ", '$') END")
	case Bigint, Double, Boolean, Decimal:
		text := "json_extract_string("
		if e.to.Kind == Bigint {
			p.around(word+"round(TRY_CAST("+text, e.x, ", '$') AS DECIMAL(38, 6))) AS BIGINT)")
			return
		}
		p.around(word+text, e.x, ", '$') AS "+duckType(e.to)+")")
	default:
		p.around("CASE WHEN json_type(", e.x, ") <> 'NULL' THEN ")
		p.around(word, e.x, " AS "+duckType(e.to)+") END")
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
