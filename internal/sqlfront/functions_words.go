package sqlfront

import "unicode/utf8"

// moreTextFunctions are about text, bytes and URLs.
var moreTextFunctions = []function{
	{name: "substring", signature: "substring(varchar, start [, length]) → varchar", bind: takes(varcharType, 1, varcharType, bigintType, bigintType), duckFor: duckSubstr, eval: substr},
	{name: "reverse", signature: "reverse(varchar or array) → the same", bind: func(b *binder, c *call) (*Type, error) {
		if len(c.args) == 1 && c.args[0].info().typ.Kind == Array {
			return c.args[0].info().typ, b.count(c, 1, 1)
		}
		return takes(varcharType, 0, varcharType)(b, c)
	}, duckFor: func(c *call) string {
		if c.typ.Kind == Array {
			return "list_reverse($1)"
		}
		return "array_to_string(list_reverse(string_split($1, '')), '')"
	}, differs: "DuckDB's keeps combined characters together"},
	{name: "lpad", signature: "lpad(varchar, length, fill) → varchar", bind: padded, duck: "CASE WHEN $2 < 0 OR $2 > 1000000 THEN $!the length is from 0 to 1000000! ELSE lpad($1, CAST($2 AS INTEGER), $3) END"},
	{name: "rpad", signature: "rpad(varchar, length, fill) → varchar", bind: padded, duck: "CASE WHEN $2 < 0 OR $2 > 1000000 THEN $!the length is from 0 to 1000000! ELSE rpad($1, CAST($2 AS INTEGER), $3) END"},
	{name: "chr", signature: "chr(number) → varchar", bind: takes(varcharType, 0, bigintType), duck: "chr(CAST($1 AS INTEGER))"},
	{name: "codepoint", signature: "codepoint(character) → bigint", bind: takes(bigintType, 0, varcharType), duck: "CASE WHEN length($1) = 1 THEN CAST(unicode($1) AS BIGINT) WHEN $1 IS NOT NULL THEN $!codepoint takes one character! END"},
	{name: "concat_ws", signature: "concat_ws(separator, varchar, …) → varchar", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 254); err != nil {
			return nil, err
		}
		for i := range c.args {
			x, err := b.fit(c.args[i], varcharType, c.name)
			if err != nil {
				return nil, err
			}
			c.args[i] = x
		}
		return varcharType, nil
	}, duck: "concat_ws($*)"},
	{name: "split", signature: "split(varchar, delimiter [, limit]) → array(varchar)", bind: func(b *binder, c *call) (*Type, error) {
		t, err := takes(&Type{Kind: Array, Elem: varcharType}, 1, varcharType, varcharType, bigintType)(b, c)
		if err != nil {
			return nil, err
		}
		if l, ok := c.args[1].(*literal); ok && (l.v.kind != Varchar || l.v.s == "") {
			return nil, b.fail(c.args[1], "the delimiter of split must be a string that is not empty", "")
		}
		return t, nil
	}, duckFor: func(c *call) string {
		if len(c.args) == 2 {
			return "string_split($1, $2)"
		}
		return "list_transform([string_split($1, $2)], lambda l: CASE WHEN len(l) <= $3 THEN l ELSE list_append(l[:$3 - 1], array_to_string(l[$3:], $2)) END)[1]"
	}},
	{name: "translate", signature: "translate(varchar, from, to) → varchar", bind: takes(varcharType, 0, varcharType, varcharType, varcharType), duck: "translate($1, $2, $3)"},
	{name: "levenshtein_distance", signature: "levenshtein_distance(varchar, varchar) → bigint", bind: takes(bigintType, 0, varcharType, varcharType), duck: "levenshtein($1, $2)"},
	{name: "to_utf8", signature: "to_utf8(varchar) → varbinary", bind: takes(varbinaryType, 0, varcharType), duck: "encode($1)"},
	{name: "from_utf8", signature: "from_utf8(varbinary) → varchar", bind: takes(varcharType, 0, varbinaryType), duck: "decode($1)"},
	{name: "to_hex", signature: "to_hex(varbinary) → varchar", bind: takes(varcharType, 0, varbinaryType), duck: "hex($1)"},
	{name: "from_hex", signature: "from_hex(varchar) → varbinary", bind: takes(varbinaryType, 0, varcharType), duck: "unhex($1)"},
	{name: "to_base64", signature: "to_base64(varbinary) → varchar", bind: takes(varcharType, 0, varbinaryType), duck: "to_base64($1)"},
	{name: "from_base64", signature: "from_base64(varchar) → varbinary", bind: takes(varbinaryType, 0, varcharType), duck: "from_base64($1)"},
	{name: "md5", signature: "md5(varbinary) → varbinary", bind: takes(varbinaryType, 0, varbinaryType), duck: "unhex(md5($1))"},
	{name: "sha1", signature: "sha1(varbinary) → varbinary", bind: takes(varbinaryType, 0, varbinaryType), duck: "unhex(sha1($1))"},
	{name: "sha256", signature: "sha256(varbinary) → varbinary", bind: takes(varbinaryType, 0, varbinaryType), duck: "unhex(sha256($1))"},
	{name: "url_encode", signature: "url_encode(varchar) → varchar", bind: takes(varcharType, 0, varcharType), duck: "replace(url_encode($1), '%20', '+')"},
	{name: "url_decode", signature: "url_decode(varchar) → varchar", bind: takes(varcharType, 0, varcharType), duck: "url_decode(replace($1, '+', ' '))"},
	urlPart("protocol", `^([A-Za-z][A-Za-z0-9+.-]*):`), urlPart("host", `^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?([^/?#:]+)`),
	urlPart("path", `^[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*([^?#]*)`), urlPart("query", `^[^?#]*\?([^#]*)`), urlPart("fragment", `#(.*)$`),
	{name: "url_extract_port", signature: "url_extract_port(varchar) → bigint", bind: takes(bigintType, 0, varcharType),
		duck: `TRY_CAST(regexp_extract($1, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/?#@]*@)?[^/?#:]*:([0-9]+)', 1) AS BIGINT)`},
	{name: "url_extract_parameter", signature: "url_extract_parameter(varchar, name) → varchar", bind: takes(varcharType, 0, varcharType, varcharType),
		duck: `list_transform([list_filter(string_split(regexp_extract($1, '^[^?#]*\?([^#]*)', 1), '&'), lambda e: split_part(e, '=', 1) = $2)], lambda l: CASE WHEN len(l) > 0 THEN url_decode(replace(substr(l[1], length($2) + 2), '+', ' ')) END)[1]`},
}

func urlPart(part, re string) function {
	name := "url_extract_" + part
	return function{name: name, signature: name + "(varchar) → varchar", bind: takes(varcharType, 0, varcharType),
		duck: "CASE WHEN regexp_matches($1, " + dollars(re) + ") THEN regexp_extract($1, " + dollars(re) + ", 1) END"}
}

// dollars is a pattern in quotes as templates spell it.
func dollars(re string) string {
	out := ""
	for _, r := range QuoteText(re) {
		if r == '$' {
			out += "$"
		}
		out += string(r)
	}
	return out
}

func padded(b *binder, c *call) (*Type, error) {
	t, err := takes(varcharType, 0, varcharType, bigintType, varcharType)(b, c)
	if err != nil {
		return nil, err
	}
	if l, ok := c.args[2].(*literal); !ok || l.v.s == "" || utf8.RuneCountInString(l.v.s) > 100 {
		return nil, b.fail(c.args[2], "the fill of "+c.name+" must be a string that is not empty", "")
	}
	return t, nil
}

var moreMathFunctions = []function{
	{name: "power", signature: "power(x, y) → double", bind: takes(doubleType, 0, doubleType, doubleType), duck: "power($1, $2)"},
	{name: "pow", signature: "pow(x, y) → double", bind: takes(doubleType, 0, doubleType, doubleType), duck: "power($1, $2)"},
	{name: "sqrt", signature: "sqrt(x) → double", bind: takes(doubleType, 0, doubleType), duck: "CASE WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) ELSE sqrt($1) END", differs: "DuckDB's of a negative number is an error"},
	{name: "cbrt", signature: "cbrt(x) → double", bind: takes(doubleType, 0, doubleType), duck: "cbrt($1)"},
	{name: "exp", signature: "exp(x) → double", bind: takes(doubleType, 0, doubleType), duck: "exp($1)"},
	logarithm("ln"), logarithm("log2"), logarithm("log10"),
	{name: "log", signature: "log(base, x) → double", bind: takes(doubleType, 0, doubleType, doubleType), duck: "CASE WHEN $1 > 0 AND $2 > 0 THEN log($1, $2) WHEN $1 IS NOT NULL AND $2 IS NOT NULL THEN CAST('NaN' AS DOUBLE) END"},
	{name: "sign", signature: "sign(number) → number", bind: numeric, duckFor: func(c *call) string { return "CAST(sign($1) AS $T)" }},
	{name: "mod", signature: "mod(n, m) → number", bind: func(b *binder, c *call) (*Type, error) { return bigintType, b.count(c, 2, 2) }, duck: "$1 % $2", rewrite: func(b *binder, c *call) (expr, error) {
		e := &binary{node: c.node, op: "%", l: c.args[0], r: c.args[1]}
		t, err := b.arithmetic(e, c.args)
		return &binary{node{c.at, t}, "%", c.args[0], c.args[1]}, err
	}, nulls: true},
	{name: "truncate", signature: "truncate(x) → double", bind: takes(doubleType, 0, doubleType), duck: "trunc($1)"},
	{name: "pi", signature: "pi() → double", bind: nothing(doubleType), duck: "pi()"},
	{name: "e", signature: "e() → double", bind: nothing(doubleType), duck: "exp(1.0)"},
	{name: "infinity", signature: "infinity() → double", bind: nothing(doubleType), duck: "CAST('Infinity' AS DOUBLE)"},
	{name: "nan", signature: "nan() → double", bind: nothing(doubleType), duck: "CAST('NaN' AS DOUBLE)"},
	{name: "is_nan", signature: "is_nan(x) → boolean", bind: takes(booleanType, 0, doubleType), duck: "isnan($1)"},
	{name: "is_finite", signature: "is_finite(x) → boolean", bind: takes(booleanType, 0, doubleType), duck: "isfinite($1)"},
	{name: "is_infinite", signature: "is_infinite(x) → boolean", bind: takes(booleanType, 0, doubleType), duck: "isinf($1)"},
	{name: "bitwise_and", signature: "bitwise_and(n, m) → bigint", bind: takes(bigintType, 0, bigintType, bigintType), duck: "($1 & $2)"},
	{name: "bitwise_or", signature: "bitwise_or(n, m) → bigint", bind: takes(bigintType, 0, bigintType, bigintType), duck: "($1 | $2)"},
	{name: "bitwise_xor", signature: "bitwise_xor(n, m) → bigint", bind: takes(bigintType, 0, bigintType, bigintType), duck: "xor($1, $2)"},
	{name: "width_bucket", signature: "width_bucket(x, low, high, n) → bigint", bind: takes(bigintType, 0, doubleType, doubleType, doubleType, bigintType),
		duck: "CASE WHEN $1 < $2 THEN 0 WHEN $1 >= $3 THEN $4 + 1 ELSE CAST(floor($4 * ($1 - $2) / ($3 - $2)) AS BIGINT) + 1 END"},
}

func logarithm(name string) function {
	return function{name: name, signature: name + "(x) → double", bind: takes(doubleType, 0, doubleType),
		duck:    "CASE WHEN $1 > 0 THEN " + name + "($1) WHEN $1 = 0 THEN CAST('-Infinity' AS DOUBLE) WHEN $1 < 0 THEN CAST('NaN' AS DOUBLE) END",
		differs: "DuckDB's of 0 and of a negative number is an error"}
}
