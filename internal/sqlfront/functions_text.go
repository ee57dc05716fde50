package sqlfront

import (
	"errors"
	"math"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode"
	"unicode/utf8"
)

// whitespace is what Trino's trim removes: Java's whitespace.
const whitespace = "\t\n\v\f\r\x1c\x1d\x1e\x1f \u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2008\u2009\u200a\u2028\u2029\u205f\u3000"

// maxString bounds what a function makes of one row in this process; DuckDB
// has its own limits in its own.
const maxString = 16 << 20

var errTooLong = errors.New("the text is longer than 16 MiB")

func textValue(s string) (Value, error) {
	if len(s) > maxString {
		return Null, errTooLong
	}
	return VarcharValue(s), nil
}

var textFunctions = []function{
	{name: "lower", signature: "lower(varchar) → varchar", bind: takes(varcharType, 0, varcharType), duck: "lower($1)",
		eval: func(_ *call, a []Value) (Value, error) {
			return VarcharValue(strings.Map(unicode.ToLower, a[0].s)), nil
		}},
	{name: "upper", signature: "upper(varchar) → varchar", bind: takes(varcharType, 0, varcharType), duck: "CASE WHEN contains($1, 'ß') THEN array_to_string(list_transform(string_split($1, 'ß'), lambda t: upper(t)), 'ß') ELSE upper($1) END", differs: "DuckDB makes ß an ẞ, Trino leaves it",
		eval: func(_ *call, a []Value) (Value, error) {
			return VarcharValue(strings.Map(unicode.ToUpper, a[0].s)), nil
		}},
	{name: "length", signature: "length(varchar) → bigint", bind: takes(bigintType, 0, varcharType), duck: "length($1)",
		eval: func(_ *call, a []Value) (Value, error) {
			return BigintValue(int64(utf8.RuneCountInString(a[0].s))), nil
		}},
	{name: "substr", signature: "substr(varchar, start [, length]) → varchar", bind: takes(varcharType, 1, varcharType, bigintType, bigintType), duckFor: duckSubstr,
		differs: "start 0, a start before the text and a negative length give '' in Trino and something else in DuckDB", eval: substr},
	{name: "trim", signature: "trim(varchar [, characters]) → varchar", bind: takes(varcharType, 1, varcharType, varcharType), duckFor: trimmed("trim"), differs: "DuckDB's removes spaces only",
		eval: trimming(strings.Trim)},
	{name: "ltrim", signature: "ltrim(varchar [, characters]) → varchar", bind: takes(varcharType, 1, varcharType, varcharType), duckFor: trimmed("ltrim"), differs: "DuckDB's removes spaces only",
		eval: trimming(strings.TrimLeft)},
	{name: "rtrim", signature: "rtrim(varchar [, characters]) → varchar", bind: takes(varcharType, 1, varcharType, varcharType), duckFor: trimmed("rtrim"), differs: "DuckDB's removes spaces only",
		eval: trimming(strings.TrimRight)},
	{name: "concat", signature: "concat(varchar, varchar, …) → varchar, or of arrays", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 254); err != nil {
			return nil, err
		}
		if c.args[0].info().typ.Kind == Array {
			return b.listArgs(c, len(c.args))
		}
		for i := range c.args {
			x, err := b.fit(c.args[i], varcharType, "concat")
			if err != nil {
				return nil, err
			}
			c.args[i] = x
		}
		return varcharType, nil
	}, duckFor: func(c *call) string { return "(" + joined(len(c.args), " || ") + ")" }, differs: "DuckDB's concat leaves NULLs out",
		eval: func(_ *call, a []Value) (Value, error) {
			var b strings.Builder
			for _, v := range a {
				b.WriteString(v.s)
			}
			return textValue(b.String())
		}},
	{name: "replace", signature: "replace(varchar, search [, replacement]) → varchar", bind: func(b *binder, c *call) (*Type, error) {
		t, err := takes(varcharType, 1, varcharType, varcharType, varcharType)(b, c)
		if err != nil {
			return nil, err
		}
		if l, ok := c.args[1].(*literal); ok && (l.v.kind != Varchar || l.v.s == "") {
			return nil, b.fail(c.args[1], "the second argument of replace must be a string that is not empty", "")
		}
		return t, nil
	}, duckFor: func(c *call) string {
		if len(c.args) == 2 {
			return "replace($1, $2, '')"
		}
		return "replace($1, $2, $3)"
	}, eval: func(_ *call, a []Value) (Value, error) {
		with := ""
		if len(a) == 3 {
			with = a[2].s
		}
		if n := strings.Count(a[0].s, a[1].s); n*len(with) > maxString {
			return Null, errTooLong
		}
		return textValue(strings.ReplaceAll(a[0].s, a[1].s, with))
	}},
	{name: "split_part", signature: "split_part(varchar, 'delimiter', position) → varchar", bind: func(b *binder, c *call) (*Type, error) {
		t, err := takes(varcharType, 0, varcharType, varcharType, bigintType)(b, c)
		if err != nil {
			return nil, err
		}
		if l, ok := c.args[1].(*literal); ok && (l.v.kind != Varchar || l.v.s == "") {
			return nil, b.fail(c.args[1], "the delimiter of split_part must be a string that is not empty", "")
		}
		if l, ok := c.args[2].(*literal); ok {
			_, err = b.literalNumber(&call{node: c.node, name: c.name, args: []expr{c.args[0], c.args[1], l}, fn: c.fn}, 2, "the position", 1, 1<<31-1)
		}
		return t, err
	}, duck: "list_extract(string_split($1, $2), $3)", differs: "DuckDB's gives '' where a part is missing",
		eval: func(_ *call, a []Value) (Value, error) {
			rest := a[0].s
			for n := a[2].i; ; n-- {
				part, after, more := strings.Cut(rest, a[1].s)
				if n == 1 {
					return VarcharValue(part), nil
				}
				if !more {
					return Null, nil
				}
				rest = after
			}
		}},
	{name: "strpos", signature: "strpos(varchar, search) → bigint", bind: takes(bigintType, 0, varcharType, varcharType), duck: "strpos($1, $2)",
		eval: func(_ *call, a []Value) (Value, error) {
			i := strings.Index(a[0].s, a[1].s)
			if i < 0 {
				return BigintValue(0), nil
			}
			return BigintValue(int64(utf8.RuneCountInString(a[0].s[:i])) + 1), nil
		}},
	{name: "starts_with", signature: "starts_with(varchar, prefix) → boolean", bind: takes(booleanType, 0, varcharType, varcharType), duck: "starts_with($1, $2)",
		eval: func(_ *call, a []Value) (Value, error) { return BooleanValue(strings.HasPrefix(a[0].s, a[1].s)), nil }},
	{name: "regexp_like", signature: "regexp_like(varchar, 'pattern') → boolean", bind: func(b *binder, c *call) (*Type, error) {
		t, err := takes(booleanType, 0, varcharType, varcharType)(b, c)
		if err != nil {
			return nil, err
		}
		pattern, err := b.literalText(c, 1, "the pattern")
		if err != nil {
			return nil, err
		}
		c.ready, err = compileMatch(pattern)
		if err != nil {
			return nil, b.src.fail(c.args[1].info().at, "'"+shorten(pattern)+"'", "expected a regular expression: "+err.Error(), "the syntax is RE2's: no look-around, no back-references")
		}
		return t, nil
	}, duck: "regexp_matches($1, $p)", differs: "RE2 on DuckDB and here, Joni on Trino; only what both know is taken",
		eval: func(c *call, a []Value) (Value, error) {
			return BooleanValue(c.ready.(*pattern).re.MatchString(a[0].s)), nil
		}},
}

// pattern is a checked regular expression and DuckDB's text of it.
type pattern struct {
	re                             *regexp.Regexp
	tree                           *syntax.Regexp
	text                           string
	group                          int
	missing                        bool // the group may take no part in a match
	duckReplacement, goReplacement string
}

// compileMatch is compileRegexp of what asks only whether there is a match:
// there $ can stand before a last line feed, too, as in Joni.
func compileMatch(s string) (*pattern, error) {
	p, err := compileRegexp(s)
	if err != nil || !endsLoosely(p.tree) {
		return p, err
	}
	p.text = p.tree.String()
	p.re, err = regexp.Compile(p.text)
	return p, err
}

// endsLoosely changes each $ of a tree, and says whether there was one.
func endsLoosely(re *syntax.Regexp) (found bool) {
	if re.Op == syntax.OpEndText && re.Flags&syntax.WasDollar != 0 {
		loose, err := syntax.Parse(`\n?\z`, syntax.Perl)
		if err != nil {
			panic(err) // it is ours
		}
		*re = *loose
		return true
	}
	for _, s := range re.Sub {
		found = endsLoosely(s) || found
	}
	return found
}

var posixClass = regexp.MustCompile(`\[:\^?[a-z]+:\]`)

func compileRegexp(s string) (*pattern, error) {
	if strings.Contains(s, "(?P<") {
		return nil, errors.New("a named group is written (?<name>…)")
	}
	if posixClass.MatchString(s) {
		return nil, errors.New(`a class by name is of all scripts in Trino; write \p{L}, or a-zA-Z`)
	}
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		var bad *syntax.Error
		if errors.As(err, &bad) {
			return nil, errors.New(bad.Code.String())
		}
		return nil, err
	}
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	return &pattern{re: re, tree: tree, text: tree.String()}, nil
}

// joined is $1, …, $n with sep between.
func joined(n int, sep string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(sep)
		}
		b.WriteString(placeholder(i))
	}
	return b.String()
}

func trimmed(name string) func(*call) string {
	return func(c *call) string {
		if len(c.args) == 2 {
			return name + "($1, $2)"
		}
		return name + "($1, $p)"
	}
}

func trimming(trim func(s, cut string) string) func(*call, []Value) (Value, error) {
	return func(_ *call, a []Value) (Value, error) {
		cut := whitespace
		if len(a) == 2 {
			cut = a[1].s
		}
		return VarcharValue(trim(a[0].s, cut)), nil
	}
}

// duckSubstr is plain where the numbers are, as mostly, literals that mean the
// same in both.
func duckSubstr(c *call) string {
	plain := true
	for _, a := range c.args[1:] {
		l, ok := a.(*literal)
		plain = plain && ok && l.v.kind == Bigint && l.v.i > 0 && l.v.i < math.MaxInt32
	}
	if plain {
		return "substr($*)"
	}
	whole, nulls, empty := "substr($1, least($2, 2147483647))", "$1 IS NULL OR $2 IS NULL", "$2 = 0 OR $2 < -length($1)"
	if len(c.args) == 3 {
		whole, nulls, empty = "substr($1, least($2, 2147483647), least($3, 2147483647))", nulls+" OR $3 IS NULL", empty+" OR $3 <= 0"
	}
	return "CASE WHEN " + nulls + " THEN NULL WHEN " + empty + " THEN '' ELSE " + whole + " END"
}

func substr(_ *call, a []Value) (Value, error) {
	text, start := []rune(a[0].s), a[1].i
	n := int64(len(text))
	if start < 0 {
		start += n + 1
	}
	if start < 1 || start > n {
		return VarcharValue(""), nil
	}
	end := n
	if len(a) == 3 {
		if a[2].i <= 0 {
			return VarcharValue(""), nil
		}
		end = min(n, start-1+min(a[2].i, n))
	}
	return VarcharValue(string(text[start-1 : end])), nil
}
