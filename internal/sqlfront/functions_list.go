package sqlfront

import "strings"

// nestedFunctions take lists and maps.
var nestedFunctions = []function{
	{name: "cardinality", signature: "cardinality(array or map) → bigint", bind: func(b *binder, c *call) (*Type, error) {
		if len(c.args) == 1 && c.args[0].info().typ.Kind == Map {
			return bigintType, b.count(c, 1, 1)
		}
		return bigintType, b.arrayFirst(c, 1)
	}, duckFor: func(c *call) string {
		if c.args[0].info().typ.Kind == Map {
			return "CAST(cardinality($1) AS BIGINT)"
		}
		return "len($1)"
	}, eval: func(_ *call, a []Value) (Value, error) { return BigintValue(int64(len(a[0].list))), nil }},
	{name: "element_at", signature: "element_at(array, position) or element_at(map, key) → element", bind: func(b *binder, c *call) (*Type, error) {
		var err error
		if len(c.args) == 2 && c.args[0].info().typ.Kind == Map {
			t := c.args[0].info().typ
			c.args[1], err = b.fit(c.args[1], t.Key, "the key of element_at")
			return t.Elem, err
		}
		if err := b.arrayFirst(c, 2); err != nil {
			return nil, err
		}
		if l, ok := c.args[1].(*literal); ok && (l.v.kind != Bigint || l.v.i == 0) {
			return nil, b.fail(c.args[1], "the position of element_at must be a number from 1, or from -1 backwards", "")
		}
		c.args[1], err = b.fit(c.args[1], bigintType, "the position of element_at")
		return c.args[0].info().typ.Elem, err
	}, duckFor: func(c *call) string {
		if c.args[0].info().typ.Kind == Map {
			return "map_extract_value($1, $2)"
		}
		if _, constant := c.args[1].(*literal); constant {
			return "list_extract($1, $2)"
		}
		return "CASE WHEN $2 = 0 THEN $!the first element of an array is 1! ELSE list_extract($1, $2) END"
	}, differs: "DuckDB's of a map is a list", eval: func(_ *call, a []Value) (Value, error) {
		i, n := a[1].i-1, int64(len(a[0].list))
		if a[1].i < 0 {
			i = n + a[1].i
		}
		if i < 0 || i >= n {
			return Null, nil
		}
		return a[0].list[i], nil
	}},
	{name: "try", signature: "try(x) → x", bind: anything, duck: "TRY($1)", differs: "what would stop the query is NULL"},
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

// listArgs checks that the first n arguments are arrays of one type.
func (b *binder) listArgs(c *call, n int) (*Type, error) {
	if len(c.args) < n {
		return nil, b.count(c, n, n)
	}
	for _, a := range c.args[:n] {
		if k := a.info().typ.Kind; k != Array {
			return nil, b.fail(a, c.name+" needs an array, this is "+article(k), "the column resources is one")
		}
	}
	return b.unify(c.args[:n], c.name)
}

// with is the bind of a function of an array and a value of its elements' type.
func withElement(result func(list *Type) *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 2); err != nil {
			return nil, err
		}
		t := c.args[0].info().typ
		x, err := b.fit(c.args[1], t.Elem, c.name)
		c.args[1] = x
		return result(t), err
	}
}

func always(t *Type) func(*Type) *Type { return func(*Type) *Type { return t } }
func itself(t *Type) *Type             { return t }
func element(t *Type) *Type            { return t.Elem }

// ofLists is the bind of a function of n arrays of one type.
func ofLists(n int, result func(*Type) *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		t, err := b.listArgs(c, n)
		if err != nil {
			return nil, err
		}
		return result(t), b.count(c, n, n)
	}
}

// distinctOf is DuckDB's text for the first of equal elements of a list.
func distinctOf(list string) string {
	return "list_transform([" + list + "], lambda l: list_filter(l, lambda x, i: len(list_filter(l[:i], lambda y: y IS NOT DISTINCT FROM x)) = 1))[1]"
}

const maxSequence = "10000"

var listFunctions = []function{
	{name: "contains", signature: "contains(array, x) → boolean", bind: withElement(always(booleanType)),
		duck: "CASE WHEN list_contains($1, $2) THEN TRUE WHEN len($1) > list_count($1) THEN NULL ELSE list_contains($1, $2) END", differs: "NULL in Trino where x is not found and an element is NULL"},
	{name: "array_position", signature: "array_position(array, x) → bigint", bind: withElement(always(bigintType)), duck: "CASE WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN CAST(coalesce(list_position($1, $2), 0) AS BIGINT) END"},
	{name: "array_remove", signature: "array_remove(array, x) → array", bind: withElement(itself), duck: "CASE WHEN $2 IS NOT NULL THEN list_filter($1, lambda e: e IS DISTINCT FROM $2) END"},
	{name: "array_distinct", signature: "array_distinct(array) → array", bind: ofLists(1, itself), duck: distinctOf("$1"), differs: "DuckDB's loses the order, and NULL"},
	{name: "array_sort", signature: "array_sort(array) → array", bind: ofLists(1, itself), duck: "list_sort($1, 'ASC', 'NULLS LAST')"},
	{name: "array_max", signature: "array_max(array) → element", bind: ofLists(1, element), duck: "CASE WHEN len($1) = list_count($1) THEN list_max($1) END", differs: "NULL in Trino where an element is"},
	{name: "array_min", signature: "array_min(array) → element", bind: ofLists(1, element), duck: "CASE WHEN len($1) = list_count($1) THEN list_min($1) END", differs: "NULL in Trino where an element is"},
	{name: "array_union", signature: "array_union(array, array) → array", bind: ofLists(2, itself), duck: distinctOf("list_concat($1, $2)")},
	{name: "array_intersect", signature: "array_intersect(array, array) → array", bind: ofLists(2, itself), duck: distinctOf("list_filter($1, lambda a: len(list_filter($2, lambda b: b IS NOT DISTINCT FROM a)) > 0)")},
	{name: "array_except", signature: "array_except(array, array) → array", bind: ofLists(2, itself), duck: distinctOf("list_filter($1, lambda a: len(list_filter($2, lambda b: b IS NOT DISTINCT FROM a)) = 0)")},
	{name: "arrays_overlap", signature: "arrays_overlap(array, array) → boolean", bind: ofLists(2, always(booleanType)),
		duck: "CASE WHEN list_has_any($1, $2) THEN TRUE WHEN len($1) > 0 AND len($2) > 0 AND (len($1) > list_count($1) OR len($2) > list_count($2)) THEN NULL ELSE list_has_any($1, $2) END", differs: "NULL in Trino where no element is in both and one is NULL"},
	{name: "flatten", signature: "flatten(array of arrays) → array", bind: func(b *binder, c *call) (*Type, error) {
		t, err := ofLists(1, element)(b, c)
		if err == nil && t.Kind != Array {
			return nil, b.fail(c.args[0], "flatten needs an array of arrays", "")
		}
		return t, err
	}, duck: "flatten($1)"},
	{name: "array_join", signature: "array_join(array, separator [, null text]) → varchar", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 3); err != nil {
			return nil, err
		}
		t, err := b.listArgs(c, 1)
		if err != nil {
			return nil, err
		}
		if !castable(t.Elem, varcharType) {
			return nil, b.fail(c.args[0], "array_join needs elements that are text or numbers", "transform(list, x -> x.field) takes a field of each")
		}
		for i := range c.args[1:] {
			if c.args[i+1], err = b.fit(c.args[i+1], varcharType, c.name); err != nil {
				return nil, err
			}
		}
		return varcharType, nil
	}, duckFor: func(c *call) string {
		text := "CAST(e AS VARCHAR)"
		switch c.args[0].info().typ.Elem.Kind {
		case Timestamp:
			text = "strftime(e, '%Y-%m-%d %H:%M:%S.%f')"
		case Double:
			text = strings.ReplaceAll(doubleAsText, "$1", "e")
		case JSON:
			text = "json_extract_string(e, '$$')"
		}
		if len(c.args) == 3 {
			text = "coalesce(" + text + ", $3)"
		}
		return "CASE WHEN $2 IS NOT NULL THEN coalesce(array_to_string(list_transform($1, lambda e: " + text + "), $2), CASE WHEN $1 IS NOT NULL THEN '' END) END"
	}},
	{name: "slice", signature: "slice(array, start, length) → array", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 3); err != nil {
			return nil, err
		}
		for i := 1; i < 3; i++ {
			x, err := b.fit(c.args[i], bigintType, c.name)
			if err != nil {
				return nil, err
			}
			c.args[i] = x
		}
		return c.args[0].info().typ, nil
	}, duck: "CASE WHEN $2 = 0 THEN $!the first element of an array is 1! WHEN $2 < 0 THEN list_slice($1, $2, least($2 + $3 - 1, -1)) ELSE list_slice($1, $2, $2 + $3 - 1) END"},
	{name: "sequence", signature: "sequence(start, stop [, step]) → array", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 3); err != nil {
			return nil, err
		}
		t, err := b.unify(c.args[:2], c.name)
		if err != nil {
			return nil, err
		}
		step := bigintType
		switch {
		case t.Kind == Bigint:
		case (t.Kind == Timestamp || t.Kind == Date) && len(c.args) == 3:
			if step = c.args[2].info().typ; step.Kind != DayInterval && step.Kind != MonthInterval {
				return nil, b.fail(c.args[2], "the step between times is an interval", "INTERVAL '1' DAY")
			}
		default:
			return nil, b.fail(c.args[0], "sequence counts in bigints, or in times with an interval", "sequence(1, 10)")
		}
		if len(c.args) == 3 {
			if l, ok := c.args[2].(*literal); !ok || l.v.i == 0 {
				return nil, b.fail(c.args[2], "the step of sequence is a constant that is not 0", "")
			}
			c.args[2], err = b.fit(c.args[2], step, c.name)
		}
		return &Type{Kind: Array, Elem: t}, err
	}, duckFor: func(c *call) string {
		switch c.args[0].info().typ.Kind {
		case Timestamp:
			return "CASE WHEN epoch($2) - epoch($1) > " + maxSequence + " * epoch($3) THEN $!the sequence is longer than 10000! ELSE generate_series($1, $2, $3) END"
		case Date:
			return "CASE WHEN epoch($2) - epoch($1) > " + maxSequence + " * epoch($3) THEN $!the sequence is longer than 10000! ELSE list_transform(generate_series(CAST($1 AS TIMESTAMP), CAST($2 AS TIMESTAMP), $3), lambda d: CAST(d AS DATE)) END"
		}
		step := "CASE WHEN $1 <= $2 THEN 1 ELSE -1 END"
		if len(c.args) == 3 {
			step = "$3"
		}
		return "CASE WHEN abs($2 - $1) >= " + maxSequence + " * abs(" + step + ") THEN $!the sequence is longer than 10000! ELSE generate_series($1, $2, " + step + ") END"
	}},
	{name: "zip", signature: "zip(array, array, …) → array(row)", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 5); err != nil {
			return nil, err
		}
		row := &Type{Kind: Struct}
		for _, a := range c.args {
			t := a.info().typ
			if t.Kind != Array {
				return nil, b.fail(a, "zip needs arrays, this is "+article(t.Kind), "")
			}
			row.Fields = append(row.Fields, Field{Type: t.Elem})
		}
		return &Type{Kind: Array, Elem: row}, nil
	}, duckFor: func(c *call) string {
		var fields []string
		for i := range c.args {
			fields = append(fields, QuoteText(fieldName(c.typ.Elem, i))+": z["+placeholder(i)[1:]+"]")
		}
		return "list_transform(list_zip($*), lambda z: {" + strings.Join(fields, ", ") + "})"
	}},
	{name: "transform", signature: "transform(array, x -> y) → array", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 2); err != nil {
			return nil, err
		}
		t, err := b.bindLambda(c, 1, c.args[0].info().typ.Elem)
		return &Type{Kind: Array, Elem: t}, err
	}, duck: "list_transform($1, $2)"},
	{name: "filter", signature: "filter(array, x -> boolean) → array", bind: bindMatch(itself), duck: "list_filter($1, $2)"},
	{name: "any_match", signature: "any_match(array, x -> boolean) → boolean", bind: bindMatch(always(booleanType)),
		duck: "list_transform([list_transform($1, $2)], lambda l: CASE WHEN l IS NULL THEN NULL WHEN list_bool_or(l) THEN TRUE WHEN len(l) > list_count(l) THEN NULL ELSE FALSE END)[1]"},
	{name: "all_match", signature: "all_match(array, x -> boolean) → boolean", bind: bindMatch(always(booleanType)),
		duck: "list_transform([list_transform($1, $2)], lambda l: CASE WHEN l IS NULL THEN NULL WHEN NOT list_bool_and(l) THEN FALSE WHEN len(l) > list_count(l) THEN NULL ELSE TRUE END)[1]"},
	{name: "none_match", signature: "none_match(array, x -> boolean) → boolean", bind: bindMatch(always(booleanType)),
		duck: "list_transform([list_transform($1, $2)], lambda l: CASE WHEN l IS NULL THEN NULL WHEN list_bool_or(l) THEN FALSE WHEN len(l) > list_count(l) THEN NULL ELSE TRUE END)[1]"},
	{name: "reduce", signature: "reduce(array, start, (s, x) -> s, s -> y) → y", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 4); err != nil {
			return nil, err
		}
		state := c.args[1].info().typ
		t, err := b.bindLambda(c, 2, state, c.args[0].info().typ.Elem)
		if err != nil {
			return nil, err
		}
		if !sameType(t, state) {
			if common, ok := commonType(t, state); !ok || !sameType(common, state) {
				return nil, b.fail(c.args[2], "the state of reduce is "+article(state.Kind)+", the lambda makes "+article(t.Kind), "CAST the start")
			}
		}
		return b.bindLambda(c, 3, state)
	}, print: printReduce, duck: "list_reduce($1)"},
	{name: "zip_with", signature: "zip_with(array, array, (x, y) -> z) → array", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 3); err != nil {
			return nil, err
		}
		r := c.args[1].info().typ
		if r.Kind != Array {
			return nil, b.fail(c.args[1], "zip_with needs arrays, this is "+article(r.Kind), "")
		}
		t, err := b.bindLambda(c, 2, c.args[0].info().typ.Elem, r.Elem)
		return &Type{Kind: Array, Elem: t}, err
	}, print: func(p *printer, c *call) bool {
		l := c.args[2].(*lambda)
		p.around("list_transform(list_zip(", c.args[0], ", ")
		p.around("", c.args[1], ")")
		p.WriteString(", lambda " + Quote(l.params[0]) + ": ")
		p.withPair(l, Quote(l.params[0])+"[1]", Quote(l.params[0])+"[2]")
		p.WriteByte(')')
		return true
	}, duck: "list_zip($1)"},
}

// bindMatch is the bind of a function that asks a lambda about each element.
func bindMatch(result func(*Type) *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 2); err != nil {
			return nil, err
		}
		t := c.args[0].info().typ
		return result(t), b.bindCondition(c, 1, t.Elem)
	}
}

// bindCondition binds argument i as a lambda that answers yes or no.
func (b *binder) bindCondition(c *call, i int, params ...*Type) error {
	if _, err := b.bindLambda(c, i, params...); err != nil {
		return err
	}
	l := c.args[i].(*lambda)
	body, err := b.fit(l.body, booleanType, "the lambda of "+c.name)
	l.body = body
	return err
}

// withPair prints the body of a lambda of two parameters that are parts of one
// value.
func (p *printer) withPair(l *lambda, first, second string) {
	if p.pairs == nil {
		p.pairs = map[string]string{}
	}
	p.pairs[l.params[0]], p.pairs[l.params[1]] = first, second
	p.expr(l.body)
	delete(p.pairs, l.params[0])
	delete(p.pairs, l.params[1])
}

// printReduce has the start as the list's first element and a state in each,
// since DuckDB's elements and state are of one type.
func printReduce(p *printer, c *call) bool {
	step, end := c.args[2].(*lambda), c.args[3].(*lambda)
	s, x := Quote(step.params[0]), Quote(step.params[1])
	state := duckType(c.args[1].info().typ)
	p.WriteString("list_transform([list_reduce(list_prepend({'s': CAST(")
	p.around("", c.args[1], " AS "+state+"), 'x': NULL}, ")
	p.around("list_transform(", c.args[0], ", lambda "+x+": {'s': CAST(NULL AS "+state+"), 'x': "+x+"}))")
	p.WriteString(", lambda " + s + ", " + x + ": {'s': CAST(")
	p.withPair(step, s+".s", x+".x")
	p.WriteString(" AS " + state + "), 'x': " + x + ".x})], lambda " + Quote(end.params[0]) + ": ")
	if p.pairs == nil {
		p.pairs = map[string]string{}
	}
	p.pairs[end.params[0]] = Quote(end.params[0]) + ".s"
	p.expr(end.body)
	delete(p.pairs, end.params[0])
	p.WriteString(")[1]")
	return true
}
