package sqlfront

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// family says where a function may stand and how it is printed.
type family uint8

const (
	scalar    family = iota
	timeParts        // year(x) …: what EXTRACT reads, too
	aggregate
	windowed // stands with OVER only
)

// function is one row of the table of functions: everything a statement may
// call. Engines never see another.
type function struct {
	name      string
	signature string
	family    family
	// bind checks and unifies the arguments of c and gives its type.
	bind func(b *binder, c *call) (*Type, error)
	// duck is DuckDB's spelling: $1… are the arguments, $* all of them, $p
	// what bind prepared. duckFor replaces it where it depends on the call.
	duck    string
	duckFor func(c *call) string
	// print replaces duck where text is not enough; false falls back to it.
	print func(p *printer, c *call) bool
	// rewrite says what a call is that is a shorthand.
	rewrite func(b *binder, c *call) (expr, error)
	// trino is Trino's spelling where it is not name($*).
	trino string
	// differs says what the spellings make equal, or leave unequal.
	differs string
	// eval computes it over one row; NULL arguments give NULL before it is
	// asked, unless nulls is set. Without one, a condition that calls it is
	// not judged event by event.
	eval  func(c *call, args []Value) (Value, error)
	nulls bool
}

// functions by name; filled from the tables below.
var functions = map[string]*function{}

// functionNames are all of them, sorted.
var functionNames = sync.OnceValue(func() []string {
	var names []string
	for n := range functions {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
})

func init() {
	for _, table := range [][]function{aggregates, moreAggregates, windowFunctions, textFunctions, moreTextFunctions, regexpFunctions, choiceFunctions, mathFunctions, moreMathFunctions,
		timeFunctions, moreTimeFunctions, jsonFunctions, nestedFunctions, listFunctions, mapFunctions} {
		for i := range table {
			functions[table[i].name] = &table[i]
		}
	}
}

// Function describes one function for the reference page.
type Function struct{ Name, Signature, DuckDB, Trino, Differs string }

// Functions are all the functions a statement may call, by name.
func Functions() []Function {
	var list []Function
	for _, n := range functionNames() {
		f := functions[n]
		duck, trino := f.duck, f.trino
		if f.duckFor != nil {
			duck = "(depends on the arguments)"
		}
		if trino == "" {
			trino = f.name + "($*)"
		}
		list = append(list, Function{n, f.signature, duck, trino, f.differs})
	}
	return list
}

// otherFunctions are names people know from elsewhere.
var otherFunctions = map[string]string{
	"read_csv": "files cannot be read", "read_parquet": "files cannot be read", "read_json": "files cannot be read", "read_text": "files cannot be read",
	"query": "a query cannot run another", "query_table": "a query cannot run another", "getenv": "a query sees the trail only",
	"instr": "use strpos(x, y)", "ifnull": "use coalesce(x, y)", "nvl": "use coalesce(x, y)",
	"len": "use length(x), or cardinality(list)", "left": "use substr(x, 1, n)", "iff": "use if(condition, x, y)",
	"getdate": "use now()", "sysdate": "use now()", "today": "use date(now())", "datediff": "use date_diff('second', a, b)", "dateadd": "use date_add('second', n, x)",
	"group_concat": "use array_agg(x)", "string_agg": "use array_join(array_agg(x), ',')", "regexp_matches": "use regexp_like(x, pattern)", "datepart": "use EXTRACT(HOUR FROM x)",
	"to_timestamp": "use from_iso8601_timestamp(x)", "strftime": "use date_format(x, '%Y-%m-%d')", "strptime": "use date_parse(x, '%Y-%m-%d')", "explode": "use CROSS JOIN UNNEST(list) AS t(x)",
	"get_json_object": "use json_extract_scalar(text, '$.key')", "percentile": "use approx_percentile(x, 0.95)", "median": "use approx_percentile(x, 0.5)",
	"from_json": "use CAST(json_parse(x) AS …)", "list": "use array_agg(x)", "first": "use arbitrary(x)", "substring_index": "use split_part(x, y, n)",
}

// count checks the number of arguments.
func (b *binder) count(c *call, least, most int) error {
	if n := len(c.args); c.star || n < least || n > most {
		found := fmt.Sprintf("%d arguments", n)
		if n == 1 {
			found = "1 argument"
		}
		return b.src.fail(c.at, found, "expected "+c.fn.signature, "")
	}
	return nil
}

// takes is the bind of a function of fixed argument types, the last optional
// ones of which may be missing.
func takes(result *Type, optional int, kinds ...*Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, len(kinds)-optional, len(kinds)); err != nil {
			return nil, err
		}
		for i := range c.args {
			x, err := b.fit(c.args[i], kinds[i], c.name)
			if err != nil {
				return nil, err
			}
			c.args[i] = x
		}
		return result, nil
	}
}

// literalText is the string literal that argument i must be.
func (b *binder) literalText(c *call, i int, what string) (string, error) {
	if l, ok := c.args[i].(*literal); ok && l.v.kind == Varchar {
		return l.v.s, nil
	}
	return "", b.fail(c.args[i], what+" of "+c.name+" must be a string", "signature: "+c.fn.signature)
}

// literalNumber is the whole number that argument i must be.
func (b *binder) literalNumber(c *call, i int, what string, from, to int64) (int64, error) {
	if l, ok := c.args[i].(*literal); ok && l.v.kind == Bigint && l.v.i >= from && l.v.i <= to {
		return l.v.i, nil
	}
	return 0, b.fail(c.args[i], fmt.Sprintf("%s of %s must be a number from %d to %d", what, c.name, from, to), "signature: "+c.fn.signature)
}

// unit is the unit that the first argument must be.
func (b *binder) unit(c *call, units ...string) (string, error) {
	u, err := b.literalText(c, 0, "the unit")
	if err != nil {
		return "", err
	}
	if !slices.Contains(units, strings.ToLower(u)) {
		hint := didYouMean(u, units)
		if hint == "" {
			hint = "one of " + strings.Join(units, ", ")
		}
		return "", b.src.fail(c.args[0].info().at, "'"+shorten(u)+"'", "there is no such unit in "+c.name, hint)
	}
	c.args[0] = &literal{node{c.args[0].info().at, varcharType}, VarcharValue(strings.ToLower(u))}
	return strings.ToLower(u), nil
}

var aggregates = []function{
	{name: "count", signature: "count(*) or count([DISTINCT] x) → bigint", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		if c.star {
			return bigintType, nil
		}
		return bigintType, b.count(c, 1, 1)
	}, duck: "count($*)"},
	{name: "count_if", signature: "count_if(boolean) → bigint", family: aggregate, bind: takes(bigintType, 0, booleanType), duck: "count($dCASE WHEN $1 THEN TRUE END)$f", differs: "DuckDB's of no row that says yes or no is NULL"},
	{name: "approx_distinct", signature: "approx_distinct(x) → bigint", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		if c.distinct {
			return nil, b.fail(c, "approx_distinct takes no DISTINCT", "")
		}
		return bigintType, b.count(c, 1, 1)
	}, duck: "count(DISTINCT $1)", differs: "exact on DuckDB, which Trino's estimate may be"},
	{name: "sum", signature: "sum(number) → number", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		t, err := numeric(b, c)
		if err == nil && t.Kind == Decimal {
			t = decimalType(maxDigits, t.Scale)
		}
		return t, err
	}, duckFor: func(c *call) string {
		if c.typ.Kind == Bigint { // DuckDB's is wider
			return "CAST(sum($d$1)$f AS BIGINT)"
		}
		return "sum($d$1)$f"
	}},
	{name: "avg", signature: "avg(number) → double", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		t, err := numeric(b, c)
		if err == nil && t.Kind == Decimal {
			return t, nil
		}
		return doubleType, err
	}, duckFor: func(c *call) string {
		if c.typ.Kind == Decimal {
			return "CAST(round(avg($d$1)$f, " + strconv.Itoa(c.typ.Scale) + ") AS $T)"
		}
		return "avg($d$1)$f"
	}},
	{name: "min", signature: "min(x [, n]) → x, or array", family: aggregate, bind: ordered, duck: "min($*)"},
	{name: "max", signature: "max(x [, n]) → x, or array", family: aggregate, bind: ordered, duck: "max($*)"},
	{name: "max_by", signature: "max_by(x, y) → x", family: aggregate, bind: orderedBy, duck: "arg_max_null($1, $2)", differs: "DuckDB's arg_max would leave out NULL x"},
	{name: "min_by", signature: "min_by(x, y) → x", family: aggregate, bind: orderedBy, duck: "arg_min_null($1, $2)", differs: "DuckDB's arg_min would leave out NULL x"},
	{name: "array_agg", signature: "array_agg([DISTINCT] x) → array", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 1); err != nil {
			return nil, err
		}
		return &Type{Kind: Array, Elem: c.args[0].info().typ}, nil
	}, duck: "array_agg($d$1$o)$f"},
	{name: "arbitrary", signature: "arbitrary(x) → x", family: aggregate, bind: anything, duck: "any_value($1)"},
	{name: "any_value", signature: "any_value(x) → x", family: aggregate, bind: anything, duck: "any_value($1)"},
	{name: "bool_and", signature: "bool_and(boolean) → boolean", family: aggregate, bind: takes(booleanType, 0, booleanType), duck: "bool_and($1)"},
	{name: "bool_or", signature: "bool_or(boolean) → boolean", family: aggregate, bind: takes(booleanType, 0, booleanType), duck: "bool_or($1)"},
}

// numeric is the bind of a function of one number.
func numeric(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 1, 1); err != nil {
		return nil, err
	}
	switch t := c.args[0].info().typ; t.Kind {
	case Bigint, Double, Decimal:
		return t, nil
	case Unknown:
		x, err := b.fit(c.args[0], bigintType, c.name)
		c.args[0] = x
		return bigintType, err
	default:
		return nil, b.fail(c.args[0], c.name+" needs a number, this is "+article(t.Kind), fitHint(c.args[0], bigintType))
	}
}

func anything(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 1, 1); err != nil {
		return nil, err
	}
	return c.args[0].info().typ, nil
}

func ordered(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 1, 2); err != nil {
		return nil, err
	}
	t := c.args[0].info().typ
	if err := b.orderable(c.args[0], t); err != nil {
		return nil, err
	}
	if len(c.args) == 2 {
		_, err := b.literalNumber(c, 1, "how many", 1, 10_000)
		return &Type{Kind: Array, Elem: t}, err
	}
	return t, nil
}

func orderedBy(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 2, 2); err != nil {
		return nil, err
	}
	return c.args[0].info().typ, b.orderable(c.args[1], c.args[1].info().typ)
}
