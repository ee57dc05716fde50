package sqlfront

import (
	"errors"
	"math"
	"strings"
)

var choiceFunctions = []function{
	{name: "coalesce", signature: "coalesce(x, y, …) → x", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 254); err != nil {
			return nil, err
		}
		return b.unify(c.args, "coalesce")
	}, duck: "coalesce($*)", nulls: true},
	{name: "nullif", signature: "nullif(x, y) → x", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		if err := b.comparable(c.args); err != nil {
			return nil, err
		}
		return c.args[0].info().typ, nil
	}, duck: "nullif($1, $2)", nulls: true},
	{name: "if", signature: "if(boolean, x [, y]) → x", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 3); err != nil {
			return nil, err
		}
		x, err := b.fit(c.args[0], booleanType, "if")
		if err != nil {
			return nil, err
		}
		c.args[0] = x
		return b.unify(c.args[1:], "if")
	}, duckFor: func(c *call) string {
		if len(c.args) == 2 {
			return "CASE WHEN $1 THEN $2 END"
		}
		return "CASE WHEN $1 THEN $2 ELSE $3 END"
	}, nulls: true},
	{name: "greatest", signature: "greatest(x, y, …) → x", bind: several, duckFor: func(c *call) string { return duckExtreme("greatest", len(c.args)) },
		differs: "DuckDB's leaves NULLs out", eval: func(_ *call, a []Value) (Value, error) { return extreme(a, 1), nil }},
	{name: "least", signature: "least(x, y, …) → x", bind: several, duckFor: func(c *call) string { return duckExtreme("least", len(c.args)) },
		differs: "DuckDB's leaves NULLs out", eval: func(_ *call, a []Value) (Value, error) { return extreme(a, -1), nil }},
}

func several(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 2, 127); err != nil {
		return nil, err
	}
	err := b.comparable(c.args)
	return c.args[0].info().typ, err
}

func duckExtreme(name string, n int) string {
	var nulls []string
	for i := range n {
		nulls = append(nulls, placeholder(i)+" IS NULL")
	}
	return "CASE WHEN " + strings.Join(nulls, " OR ") + " THEN NULL ELSE " + name + "($*) END"
}

func extreme(a []Value, sign int) Value {
	best := a[0]
	for _, v := range a[1:] {
		if compare(v, best)*sign > 0 {
			best = v
		}
	}
	return best
}

var errOverflow = errors.New("the number does not fit a bigint")

var mathFunctions = []function{
	{name: "abs", signature: "abs(number) → number", bind: numeric, duck: "abs($1)", eval: func(_ *call, a []Value) (Value, error) {
		if a[0].kind == Double {
			return DoubleValue(math.Abs(a[0].f)), nil
		}
		if a[0].i == math.MinInt64 {
			return Null, errOverflow
		}
		return BigintValue(max(a[0].i, -a[0].i)), nil
	}},
	{name: "floor", signature: "floor(number) → number", bind: numeric, duckFor: onlyDouble("floor($1)"), differs: "DuckDB's floor of a bigint is a double", eval: rounding(math.Floor)},
	{name: "ceil", signature: "ceil(number) → number", bind: numeric, duckFor: onlyDouble("ceil($1)"), differs: "DuckDB's ceil of a bigint is a double", eval: rounding(math.Ceil)},
	{name: "ceiling", signature: "ceiling(number) → number", bind: numeric, duckFor: onlyDouble("ceil($1)"), differs: "DuckDB's ceil of a bigint is a double", eval: rounding(math.Ceil)},
	{name: "round", signature: "round(number [, digits]) → number", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 2); err != nil {
			return nil, err
		}
		if len(c.args) == 2 {
			if _, err := b.literalNumber(c, 1, "digits", 0, 15); err != nil {
				return nil, err
			}
		}
		one := *c
		one.args = c.args[:1]
		return numeric(b, &one)
	}, duckFor: func(c *call) string {
		if len(c.args) == 2 {
			return onlyDouble("round($1, CAST($2 AS INTEGER))")(c)
		}
		return onlyDouble("round($1)")(c)
	}, eval: func(c *call, a []Value) (Value, error) {
		if len(a) == 1 || a[0].kind == Bigint {
			return rounding(math.Round)(c, a)
		}
		scale := math.Pow10(int(a[1].i))
		r := math.Round(a[0].f*scale) / scale
		if math.IsInf(r, 0) || math.IsNaN(r) {
			r = a[0].f
		}
		return DoubleValue(r), nil
	}},
}

func onlyDouble(template string) func(*call) string {
	return func(c *call) string {
		if c.args[0].info().typ.Kind == Bigint {
			return "$1"
		}
		return template
	}
}

func rounding(f func(float64) float64) func(*call, []Value) (Value, error) {
	return func(_ *call, a []Value) (Value, error) {
		if a[0].kind == Bigint {
			return a[0], nil
		}
		return DoubleValue(f(a[0].f)), nil
	}
}

// nestedFunctions reach into lists and JSON text.
var nestedFunctions = []function{
	{name: "cardinality", signature: "cardinality(array) → bigint", bind: func(b *binder, c *call) (*Type, error) {
		return bigintType, b.arrayFirst(c, 1)
	}, duck: "len($1)", eval: func(_ *call, a []Value) (Value, error) { return BigintValue(int64(len(a[0].list))), nil }},
	{name: "element_at", signature: "element_at(array, position) → element", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 2); err != nil {
			return nil, err
		}
		if l, ok := c.args[1].(*literal); !ok || l.v.kind != Bigint || l.v.i == 0 {
			return nil, b.fail(c.args[1], "the position of element_at must be a number from 1, or from -1 backwards", "")
		}
		return c.args[0].info().typ.Elem, nil
	}, duck: "list_extract($1, $2)", eval: func(_ *call, a []Value) (Value, error) {
		i, n := a[1].i-1, int64(len(a[0].list))
		if a[1].i < 0 {
			i = n + a[1].i
		}
		if i < 0 || i >= n {
			return Null, nil
		}
		return a[0].list[i], nil
	}},
	{name: "json_extract_scalar", signature: "json_extract_scalar(varchar, '$.path') → varchar", bind: bindJSON(varcharType),
		duck:    "CASE WHEN json_valid($1) THEN CASE json_type($1, $p) WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL ELSE json_extract_string($1, $p) END END",
		differs: "text that is not JSON is an error in DuckDB; objects and lists are NULL in Trino; DuckDB writes 1e3 as 1000.0",
		eval:    evalJSON(func(v string) Value { return jsonScalar(v) })},
	{name: "json_extract", signature: "json_extract(varchar, '$.path') → json", bind: bindJSON(jsonType),
		duck: "CASE WHEN json_valid($1) THEN json_extract($1, $p) END", differs: "text that is not JSON is an error in DuckDB",
		eval: evalJSON(func(v string) Value { return Value{kind: JSON, s: v} })},
	{name: "json_array_length", signature: "json_array_length(varchar) → bigint", bind: takes(bigintType, 0, varcharType),
		duck:    "CASE WHEN json_valid($1) THEN CASE json_type($1) WHEN 'ARRAY' THEN CAST(json_array_length($1) AS BIGINT) END END",
		differs: "DuckDB's is 0 where there is no list",
		eval: func(_ *call, a []Value) (Value, error) {
			if !duckJSON(a[0].s) || kindOf(a[0].s) != '[' {
				return Null, nil
			}
			n := int64(0)
			for m := elements(a[0].s); m.next(); {
				n++
			}
			return BigintValue(n), nil
		}},
	{name: "json_format", signature: "json_format(json) → varchar", bind: takes(varcharType, 0, jsonType), duck: "CAST($1 AS VARCHAR)", differs: "spaces and the spelling of numbers"},
}

func (b *binder) arrayFirst(c *call, n int) error {
	if err := b.count(c, n, n); err != nil {
		return err
	}
	if k := c.args[0].info().typ.Kind; k != Array {
		return b.fail(c.args[0], c.name+" needs an array, this is "+article(k), "the column resources is one")
	}
	return nil
}

func bindJSON(result *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if _, err := takes(result, 0, varcharType, varcharType)(b, c); err != nil {
			return nil, err
		}
		text, err := b.literalText(c, 1, "the path")
		if err != nil {
			return nil, err
		}
		path, ok := readPath(text)
		if !ok {
			return nil, b.src.fail(c.args[1].info().at, "'"+shorten(text)+"'", "expected a path into JSON", `write '$.key', '$.list[0]' or '$["a key"]'`)
		}
		c.ready = path
		return result, nil
	}
}

func evalJSON(result func(string) Value) func(*call, []Value) (Value, error) {
	return func(c *call, a []Value) (Value, error) {
		if !duckJSON(a[0].s) {
			return Null, nil
		}
		v, ok := c.ready.(jsonPath).find(a[0].s)
		if !ok {
			return Null, nil
		}
		return result(v), nil
	}
}
