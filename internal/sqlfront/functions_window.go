package sqlfront

import "strconv"

// windowFunctions stand with OVER only; aggregates may have it, too.
var windowFunctions = []function{
	{name: "row_number", signature: "row_number() OVER (…) → bigint", family: windowed, bind: nothing(bigintType), duck: "row_number()$f"},
	{name: "rank", signature: "rank() OVER (…) → bigint", family: windowed, bind: nothing(bigintType), duck: "rank()$f"},
	{name: "dense_rank", signature: "dense_rank() OVER (…) → bigint", family: windowed, bind: nothing(bigintType), duck: "dense_rank()$f"},
	{name: "percent_rank", signature: "percent_rank() OVER (…) → double", family: windowed, bind: nothing(doubleType), duck: "percent_rank()$f"},
	{name: "cume_dist", signature: "cume_dist() OVER (…) → double", family: windowed, bind: nothing(doubleType), duck: "cume_dist()$f"},
	{name: "ntile", signature: "ntile(n) OVER (…) → bigint", family: windowed, bind: takes(bigintType, 0, bigintType), duck: "ntile($1)$f"},
	{name: "first_value", signature: "first_value(x) [IGNORE NULLS] OVER (…) → x", family: windowed, bind: anything, duck: "first_value($1$i)$f"},
	{name: "last_value", signature: "last_value(x) [IGNORE NULLS] OVER (…) → x", family: windowed, bind: anything, duck: "last_value($1$i)$f"},
	{name: "nth_value", signature: "nth_value(x, n) [IGNORE NULLS] OVER (…) → x", family: windowed, bind: offset(2, 2), duck: "nth_value($*$i)$f"},
	{name: "lag", signature: "lag(x [, n [, default]]) [IGNORE NULLS] OVER (…) → x", family: windowed, bind: offset(1, 3), duck: "lag($*$i)$f"},
	{name: "lead", signature: "lead(x [, n [, default]]) [IGNORE NULLS] OVER (…) → x", family: windowed, bind: offset(1, 3), duck: "lead($*$i)$f"},
}

// nothing is the bind of a function without arguments.
func nothing(t *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) { return t, b.count(c, 0, 0) }
}

// offset is the bind of a function that looks at another row.
func offset(least, most int) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, least, most); err != nil {
			return nil, err
		}
		t := c.args[0].info().typ
		var err error
		if len(c.args) > 1 {
			if c.args[1], err = b.fit(c.args[1], bigintType, c.name); err != nil {
				return nil, err
			}
		}
		if len(c.args) > 2 {
			c.args[2], err = b.fit(c.args[2], t, c.name)
		}
		if c.over != nil && c.over.frame != nil && c.name != "nth_value" {
			return nil, b.fail(c, c.name+" takes no frame", "leave ROWS out")
		}
		return t, err
	}
}

// moreAggregates make lists, maps and figures of many rows.
var moreAggregates = []function{
	{name: "approx_percentile", signature: "approx_percentile(number, share) → number, or array", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		one := &call{node: c.node, name: c.name, args: c.args[:1], fn: c.fn}
		t, err := numeric(b, one)
		if err != nil {
			return nil, err
		}
		// DuckDB takes a constant only.
		constant := true
		walk(c.args[1], func(e expr) bool {
			switch e := e.(type) {
			case *column:
				constant = false
			case *literal:
				if f, err := strconv.ParseFloat(e.v.String(), 64); err == nil && (f < 0 || f > 1) {
					constant = false
				}
			}
			return constant
		})
		if !constant {
			return nil, b.fail(c.args[1], "the share of "+c.name+" is a number from 0 to 1", "signature: "+c.fn.signature)
		}
		share, what := doubleType, "the share of "+c.name
		if c.args[1].info().typ.Kind == Array {
			share = &Type{Kind: Array, Elem: doubleType}
			t = &Type{Kind: Array, Elem: t}
		}
		c.args[1], err = b.fit(c.args[1], share, what)
		return t, err
	}, duck: "quantile_disc($1, $2)$f", differs: "exact on DuckDB, which Trino's estimate may be"},
	{name: "histogram", signature: "histogram(x) → map(x, bigint)", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		t, err := anything(b, c)
		return &Type{Kind: Map, Key: t, Elem: bigintType}, err
	}, duck: "CAST(histogram($1)$f AS $T)"},
	{name: "map_agg", signature: "map_agg(key, value) → map", family: aggregate, bind: mapAggregate,
		duck: "list_transform([list({'k': $1, 'v': $2})$f], lambda l: map_from_entries(list_filter(l, lambda e, i: e.k IS NOT NULL AND list_position(list_transform(l, lambda o: o.k), e.k) = i)))[1]", differs: "of several values of a key the first is taken"},
	{name: "multimap_agg", signature: "multimap_agg(key, value) → map of arrays", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		t, err := mapAggregate(b, c)
		if err == nil {
			t.Elem = &Type{Kind: Array, Elem: t.Elem}
		}
		return t, err
	}, duck: "list_transform([list({'k': $1, 'v': $2})$f], lambda l: map_from_entries(list_transform(list_filter(list_distinct(list_transform(l, lambda o: o.k)), lambda k: k IS NOT NULL), lambda k: {'k': k, 'v': list_transform(list_filter(l, lambda o: o.k = k), lambda o: o.v)})))[1]"},
	{name: "set_agg", signature: "set_agg(x) → array", family: aggregate, bind: func(b *binder, c *call) (*Type, error) {
		t, err := anything(b, c)
		return &Type{Kind: Array, Elem: t}, err
	}, duck: "list(DISTINCT $1)$f"},
	{name: "listagg", signature: "listagg([DISTINCT] varchar [, separator]) WITHIN GROUP (ORDER BY …) → varchar", family: aggregate, bind: takes(varcharType, 1, varcharType, varcharType), duckFor: func(c *call) string {
		if len(c.args) == 1 {
			return "string_agg($d$1, ''$o)$f"
		}
		return "string_agg($d$1, $2$o)$f"
	}, trino: "listagg($d$*) WITHIN GROUP ($w)$f"},
	{name: "every", signature: "every(boolean) → boolean", family: aggregate, bind: takes(booleanType, 0, booleanType), duck: "bool_and($1)"},
	figure("stddev", "stddev_samp"), figure("stddev_samp", "stddev_samp"), figure("stddev_pop", "stddev_pop"),
	figure("variance", "var_samp"), figure("var_samp", "var_samp"), figure("var_pop", "var_pop"),
	{name: "geometric_mean", signature: "geometric_mean(number) → double", family: aggregate, bind: takes(doubleType, 0, doubleType), duck: "exp(avg(ln($1))$f)"},
	{name: "corr", signature: "corr(y, x) → double", family: aggregate, bind: takes(doubleType, 0, doubleType, doubleType), duck: "corr($1, $2)"},
	{name: "grouping", signature: "grouping(x, …) → bigint", bind: func(b *binder, c *call) (*Type, error) {
		if !b.aggregates {
			return nil, b.fail(c, "grouping cannot stand in "+b.where, "")
		}
		return bigintType, b.count(c, 1, 32)
	}, duck: "grouping($*)"},
}

func mapAggregate(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 2, 2); err != nil {
		return nil, err
	}
	return &Type{Kind: Map, Key: c.args[0].info().typ, Elem: c.args[1].info().typ}, nil
}

func figure(name, duck string) function {
	return function{name: name, signature: name + "(number) → double", family: aggregate, bind: takes(doubleType, 0, doubleType), duck: duck + "($1)"}
}
