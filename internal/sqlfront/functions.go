package sqlfront

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// family says where a function may stand and how it is printed.
type family uint8

const (
	scalar    family = iota
	timeParts        // year(x) …: what EXTRACT reads, too
	aggregate
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
	// trino is Trino's spelling where it is not name($*).
	trino string
	// differs says what the spellings make equal, or leave unequal.
	differs string
	// eval computes it over one row; NULL arguments give NULL before it is
	// asked, unless nulls is set. Aggregates and now have none.
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
	for _, table := range [][]function{aggregates, textFunctions, choiceFunctions, mathFunctions, timeFunctions, nestedFunctions} {
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
	"contains": "use strpos(x, y) > 0, or LIKE '%…%'", "instr": "use strpos(x, y)", "position": "use strpos(x, y)", "ifnull": "use coalesce(x, y)", "nvl": "use coalesce(x, y)",
	"len": "use length(x), or cardinality(list)", "left": "use substr(x, 1, n)", "substring": "use substr(x, start, length)", "iff": "use if(condition, x, y)",
	"getdate": "use now()", "sysdate": "use now()", "today": "use date(now())", "datediff": "use date_diff('second', a, b)", "dateadd": "use date_add('second', n, x)",
	"json_value": "use json_extract_scalar(text, '$.key')", "regexp_matches": "use regexp_like(x, pattern)", "string_agg": "use array_agg(x)",
	"group_concat": "use array_agg(x)", "regexp_extract": "not supported yet; regexp_like(x, pattern) tests", "regexp_replace": "not supported yet; replace(x, y, z) replaces plain text",
	"try": "use TRY_CAST for a cast that may fail", "unnest": "not supported yet; element_at(list, 1) takes one", "row_number": "a window function is not supported yet",
	"to_timestamp": "use from_iso8601_timestamp(x)", "strftime": "use CAST(x AS varchar)", "date_format": "not supported yet; CAST(x AS varchar) gives 2026-11-20 08:00:00.000000",
	"date_parse": "not supported yet; from_iso8601_timestamp(x) reads ISO times",
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
	{name: "count_if", signature: "count_if(boolean) → bigint", family: aggregate, bind: takes(bigintType, 0, booleanType), duck: "count_if($1)"},
	{name: "approx_distinct", signature: "approx_distinct(x) → bigint", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		if c.distinct {
			return nil, b.fail(c, "approx_distinct takes no DISTINCT", "")
		}
		return bigintType, b.count(c, 1, 1)
	}, duck: "count(DISTINCT $1)", differs: "exact on DuckDB, which Trino's estimate may be"},
	{name: "sum", signature: "sum(number) → number", family: aggregate, bind: numeric, duck: "sum($1)"},
	{name: "avg", signature: "avg(number) → double", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		_, err := numeric(b, c)
		return doubleType, err
	}, duck: "avg($1)"},
	{name: "min", signature: "min(x) → x", family: aggregate, bind: ordered, duck: "min($1)"},
	{name: "max", signature: "max(x) → x", family: aggregate, bind: ordered, duck: "max($1)"},
	{name: "max_by", signature: "max_by(x, y) → x", family: aggregate, bind: orderedBy, duck: "arg_max_null($1, $2)", differs: "DuckDB's arg_max would leave out NULL x"},
	{name: "min_by", signature: "min_by(x, y) → x", family: aggregate, bind: orderedBy, duck: "arg_min_null($1, $2)", differs: "DuckDB's arg_min would leave out NULL x"},
	{name: "array_agg", signature: "array_agg([DISTINCT] x) → array", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 1); err != nil {
			return nil, err
		}
		return &Type{Kind: Array, Elem: c.args[0].info().typ}, nil
	}, duck: "array_agg($1)"},
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
	case Bigint, Double:
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
	if err := b.count(c, 1, 1); err != nil {
		return nil, err
	}
	return c.args[0].info().typ, b.comparable(c.args)
}

func orderedBy(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 2, 2); err != nil {
		return nil, err
	}
	return c.args[0].info().typ, b.comparable(c.args[1:])
}
