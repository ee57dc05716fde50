package sqlfront

import "strings"

// jsonFunctions reach into JSON, which may be text, too.
var jsonFunctions = []function{
	{name: "json_extract_scalar", signature: "json_extract_scalar(varchar or json, '$.path') → varchar", bind: bindJSON(varcharType),
		duck:    "CASE WHEN json_valid($1) THEN CASE json_type($1, $p) WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL ELSE json_extract_string($1, $p) END END",
		differs: "text that is not JSON is an error in DuckDB; objects and lists are NULL in Trino; DuckDB writes 1e3 as 1000.0",
		eval:    evalJSON(func(v string) Value { return jsonScalar(v) })},
	{name: "json_extract", signature: "json_extract(varchar or json, '$.path') → json", bind: bindJSON(jsonType),
		duck: "CASE WHEN json_valid($1) THEN json_extract($1, $p) END", differs: "text that is not JSON is an error in DuckDB",
		eval: evalJSON(func(v string) Value { return Value{kind: JSON, s: v} })},
	{name: "json_array_length", signature: "json_array_length(varchar or json) → bigint", bind: takesJSON(bigintType),
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
	{name: "json_parse", signature: "json_parse(varchar) → json", bind: func(b *binder, c *call) (*Type, error) {
		return takes(jsonType, 0, varcharType)(b, c)
	}, duck: "CASE WHEN json_valid($1) THEN CAST($1 AS JSON) WHEN $1 IS NOT NULL THEN $!cannot read this text as JSON! END"},
	{name: "json_size", signature: "json_size(varchar or json, '$.path') → bigint", bind: bindJSON(bigintType),
		duck: "CASE WHEN json_valid($1) THEN CASE json_type($1, $p) WHEN 'OBJECT' THEN CAST(len(json_keys($1, $p)) AS BIGINT) WHEN 'ARRAY' THEN CAST(json_array_length($1, $p) AS BIGINT) WHEN 'NULL' THEN 0 ELSE CASE WHEN json_type($1, $p) IS NOT NULL THEN 0 END END END"},
	{name: "json_array_get", signature: "json_array_get(varchar or json, index) → json", bind: takesJSON(jsonType, bigintType),
		duck: "CASE WHEN json_valid($1) THEN CASE json_type($1) WHEN 'ARRAY' THEN json_extract($1, CASE WHEN $2 < 0 THEN '$$[#' || CAST($2 AS VARCHAR) || ']' ELSE '$$[' || CAST($2 AS VARCHAR) || ']' END) END END"},
	{name: "json_array_contains", signature: "json_array_contains(varchar or json, x) → boolean", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		switch k := c.args[1].info().typ.Kind; k {
		case Varchar, Bigint, Double, Boolean:
		default:
			return nil, b.fail(c.args[1], "json_array_contains looks for a varchar, bigint, double or boolean, this is "+article(k), "")
		}
		var err error
		c.args[0], err = b.jsonArg(c.args[0], c.name)
		return booleanType, err
	}, duckFor: func(c *call) string {
		types := map[Kind]string{Varchar: "('VARCHAR')", Bigint: "('BIGINT', 'UBIGINT')", Double: "('DOUBLE', 'BIGINT', 'UBIGINT')", Boolean: "('BOOLEAN')"}
		k := c.args[1].info().typ.Kind
		return "CASE WHEN json_valid($1) THEN CASE json_type($1) WHEN 'ARRAY' THEN coalesce(list_bool_or(list_transform(CAST(CAST($1 AS JSON) AS JSON[]), lambda j: json_type(j) IN " + types[k] +
			" AND TRY_CAST(json_extract_string(j, '$$') AS " + duckTypes[k] + ") = $2)), FALSE) END END"
	}},
	{name: "is_json_scalar", signature: "is_json_scalar(varchar or json) → boolean", bind: takesJSON(booleanType), duck: "CASE WHEN json_valid($1) THEN json_type($1) NOT IN ('OBJECT', 'ARRAY') WHEN $1 IS NOT NULL THEN $!cannot read this text as JSON! END"},
	{name: "json_value", signature: "json_value(varchar, 'lax $.path' [RETURNING type]) → varchar", bind: bindLax(varcharType),
		duckFor: lax(scalarOf("$1, $p"), "CASE WHEN len(l) = 1 THEN "+scalarOf("l[1], '$$'")+" END", ""),
		trino:   "json_value($1, $2)", differs: "DuckDB's knows no lax paths and answers NULL"},
	{name: "json_query", signature: "json_query(varchar, 'lax $.path') → varchar", bind: bindLax(varcharType),
		duckFor: lax("CAST(json_extract($1, $p) AS VARCHAR)", "CASE WHEN len(l) = 1 THEN CAST(l[1] AS VARCHAR) END", ""),
		trino:   "json_query($1, $2)", differs: "DuckDB has none"},
	{name: "json_exists", signature: "json_exists(varchar, 'lax $.path') → boolean", bind: bindLax(booleanType),
		duckFor: lax("TRUE", "len(l) > 0", " WHEN $1 IS NOT NULL THEN FALSE"),
		trino:   "json_exists($1, $2)", differs: "DuckDB's knows no lax paths and answers false"},
}

// lax is what a path of SQL's own functions leads to: direct where every step
// is one of DuckDB's; else list, of the values l, since a key looks into the
// elements of an array, and [0] of what is none is the thing itself. wrong is
// what text has that is no JSON.
func lax(direct, list, wrong string) func(*call) string {
	return func(c *call) string {
		values := "[CAST($1 AS JSON)]"
		for _, s := range c.ready.(jsonPath) {
			step := strings.ReplaceAll(QuoteText(jsonPath{s}.duckText()), "$", "$$")
			found := "CASE WHEN json_type(j, " + step + ") IS NOT NULL THEN [json_extract(j, " + step + ")] ELSE [] END"
			switch {
			case s.index < 0:
				inside := strings.Replace(step, "$$", "$$[*]", 1)
				found = "CASE json_type(j) WHEN 'OBJECT' THEN " + found + " WHEN 'ARRAY' THEN json_extract(j, " + inside + ") ELSE [] END"
			case s.index == 0:
				found = "CASE json_type(j) WHEN 'ARRAY' THEN " + found + " ELSE [j] END"
			}
			values = "flatten(list_transform(" + values + ", lambda j: " + found + "))"
		}
		return "CASE WHEN json_valid($1) THEN CASE WHEN json_type($1, $p) IS NOT NULL THEN " + direct + " ELSE list_transform([" + values + "], lambda l: " + list + ")[1] END" + wrong + " END"
	}
}

// scalarOf is the text of a value in JSON, which is NULL of what is no scalar.
func scalarOf(at string) string {
	return "CASE json_type(" + at + ") WHEN 'OBJECT' THEN NULL WHEN 'ARRAY' THEN NULL WHEN 'DOUBLE' THEN list_transform([CAST(json_extract_string(" + at + ") AS DOUBLE)], lambda d: " +
		strings.ReplaceAll(doubleAsText, "$1", "d") + ")[1] ELSE json_extract_string(" + at + ") END"
}

// jsonArg makes an argument JSON or text.
func (b *binder) jsonArg(e expr, what string) (expr, error) {
	if e.info().typ.Kind == JSON {
		return e, nil
	}
	return b.fit(e, varcharType, what)
}

// takesJSON is takes with JSON or text as the first argument.
func takesJSON(result *Type, kinds ...*Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1+len(kinds), 1+len(kinds)); err != nil {
			return nil, err
		}
		var err error
		if c.args[0], err = b.jsonArg(c.args[0], c.name); err != nil {
			return nil, err
		}
		for i, k := range kinds {
			if c.args[i+1], err = b.fit(c.args[i+1], k, c.name); err != nil {
				return nil, err
			}
		}
		return result, nil
	}
}

func bindJSON(result *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if _, err := takesJSON(result, varcharType)(b, c); err != nil {
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

// bindLax is bindJSON for SQL's own functions, whose paths begin with lax.
func bindLax(result *Type) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if _, err := takes(result, 0, varcharType, varcharType)(b, c); err != nil {
			return nil, err
		}
		text, err := b.literalText(c, 1, "the path")
		if err != nil {
			return nil, err
		}
		path, ok := readPath(strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "lax ")))
		if !ok {
			return nil, b.src.fail(c.args[1].info().at, "'"+shorten(text)+"'", "expected a path into JSON", "write 'lax $.key' or 'lax $.list[0]'")
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
