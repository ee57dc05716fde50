package sqlfront

var mapFunctions = []function{
	{name: "map", signature: "map(keys, values) → map", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 2); err != nil {
			return nil, err
		}
		v := c.args[1].info().typ
		if v.Kind != Array {
			return nil, b.fail(c.args[1], "map needs two arrays, this is "+article(v.Kind), "map(ARRAY['a'], ARRAY[1])")
		}
		return &Type{Kind: Map, Key: c.args[0].info().typ.Elem, Elem: v.Elem}, nil
	}, duck: "map($1, $2)"},
	{name: "map_keys", signature: "map_keys(map) → array", bind: ofMap(func(t *Type) *Type { return &Type{Kind: Array, Elem: t.Key} }), duck: "map_keys($1)"},
	{name: "map_values", signature: "map_values(map) → array", bind: ofMap(func(t *Type) *Type { return &Type{Kind: Array, Elem: t.Elem} }), duck: "map_values($1)"},
	{name: "map_entries", signature: "map_entries(map) → array(row)", bind: ofMap(func(t *Type) *Type {
		return &Type{Kind: Array, Elem: &Type{Kind: Struct, Fields: []Field{{Type: t.Key}, {Type: t.Elem}}}}
	}), duck: "list_transform(map_entries($1), lambda e: {'field0': e.key, 'field1': e.value})"},
	{name: "map_from_entries", signature: "map_from_entries(array(row(key, value))) → map", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.arrayFirst(c, 1); err != nil {
			return nil, err
		}
		t := c.args[0].info().typ.Elem
		if t.Kind != Struct || len(t.Fields) != 2 {
			return nil, b.fail(c.args[0], "map_from_entries needs an array of rows of two", "")
		}
		return &Type{Kind: Map, Key: t.Fields[0].Type, Elem: t.Fields[1].Type}, nil
	}, duck: "map_from_entries($1)"},
	{name: "map_concat", signature: "map_concat(map, map, …) → map", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 20); err != nil {
			return nil, err
		}
		for _, a := range c.args {
			if k := a.info().typ.Kind; k != Map {
				return nil, b.fail(a, "map_concat needs maps, this is "+article(k), "")
			}
		}
		return b.unify(c.args, c.name)
	}, duck: "map_concat($*)"},
	{name: "split_to_map", signature: "split_to_map(varchar, 'between entries', 'between key and value') → map(varchar, varchar)", bind: takes(textMap, 0, varcharType, varcharType, varcharType),
		duck: "map_from_entries(list_transform(string_split($1, $2), lambda e: {'k': split_part(e, $3, 1), 'v': substr(e, length(split_part(e, $3, 1)) + length($3) + 1)}))"},
	{name: "map_filter", signature: "map_filter(map, (k, v) -> boolean) → map", bind: func(b *binder, c *call) (*Type, error) {
		t, err := b.mapFirst(c, 2)
		if err != nil {
			return nil, err
		}
		return t, b.bindCondition(c, 1, t.Key, t.Elem)
	}, print: printEntries("list_filter(", ""), duck: "map($1)"},
	{name: "transform_keys", signature: "transform_keys(map, (k, v) -> key) → map", bind: func(b *binder, c *call) (*Type, error) {
		t, err := b.mapFirst(c, 2)
		if err != nil {
			return nil, err
		}
		key, err := b.bindLambda(c, 1, t.Key, t.Elem)
		return &Type{Kind: Map, Key: key, Elem: t.Elem}, err
	}, print: printEntries("list_transform(", "key"), duck: "map($1)"},
	{name: "transform_values", signature: "transform_values(map, (k, v) -> value) → map", bind: func(b *binder, c *call) (*Type, error) {
		t, err := b.mapFirst(c, 2)
		if err != nil {
			return nil, err
		}
		value, err := b.bindLambda(c, 1, t.Key, t.Elem)
		return &Type{Kind: Map, Key: t.Key, Elem: value}, err
	}, print: printEntries("list_transform(", "value"), duck: "map($1)"},
}

func ofMap(result func(*Type) *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		t, err := b.mapFirst(c, 1)
		if err != nil {
			return nil, err
		}
		return result(t), nil
	}
}

func (b *binder) mapFirst(c *call, n int) (*Type, error) {
	if err := b.count(c, n, n); err != nil {
		return nil, err
	}
	t := c.args[0].info().typ
	if t.Kind != Map {
		return nil, b.fail(c.args[0], c.name+" needs a map, this is "+article(t.Kind), "")
	}
	return t, nil
}

// printEntries prints a lambda of key and value over the entries of a map;
// makes says which of them the lambda makes anew.
func printEntries(over, makes string) func(*printer, *call) bool {
	return func(p *printer, c *call) bool {
		l := c.args[1].(*lambda)
		e := Quote(l.params[0])
		p.around("map_from_entries("+over+"map_entries(", c.args[0], "), lambda "+e+": ")
		switch makes {
		case "key":
			p.WriteString("{'key': ")
			p.withPair(l, e+".key", e+".value")
			p.WriteString(", 'value': " + e + ".value}")
		case "value":
			p.WriteString("{'key': " + e + ".key, 'value': ")
			p.withPair(l, e+".key", e+".value")
			p.WriteByte('}')
		default:
			p.withPair(l, e+".key", e+".value")
		}
		p.WriteString("))")
		return true
	}
}
