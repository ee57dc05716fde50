package sqlfront

import (
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
)

// regexpFunctions take a pattern in quotes, in the syntax that RE2 and Trino's
// Joni share.
var regexpFunctions = []function{
	{name: "regexp_extract", signature: "regexp_extract(varchar, 'pattern' [, group]) → varchar", bind: bindRegexp(varcharType, true),
		duckFor: ofGroup("regexp_extract($1, $p, $g)", "nullif(regexp_extract($1, $p, $g), '')", "CASE WHEN regexp_matches($1, $p) THEN ", " END"),
		differs: "DuckDB's is '' where nothing matches, and so is a group that takes no part",
		eval: func(c *call, a []Value) (Value, error) {
			p := c.ready.(*pattern)
			m := p.re.FindStringSubmatchIndex(a[0].s)
			if m == nil || m[2*p.group] < 0 {
				return Null, nil
			}
			return VarcharValue(a[0].s[m[2*p.group]:m[2*p.group+1]]), nil
		}},
	{name: "regexp_extract_all", signature: "regexp_extract_all(varchar, 'pattern' [, group]) → array(varchar)", bind: bindRegexp(&Type{Kind: Array, Elem: varcharType}, true),
		duckFor: ofGroup("regexp_extract_all($1, $p, $g)", "list_transform(regexp_extract_all($1, $p, $g), lambda g: nullif(g, ''))", "", ""), differs: "DuckDB's has '' of a group that takes no part"},
	{name: "regexp_count", signature: "regexp_count(varchar, 'pattern') → bigint", bind: bindRegexp(bigintType, false), duck: "len(regexp_extract_all($1, $p))"},
	{name: "regexp_split", signature: "regexp_split(varchar, 'pattern') → array(varchar)", bind: bindRegexp(&Type{Kind: Array, Elem: varcharType}, false), duck: "regexp_split_to_array($1, $p)"},
	{name: "regexp_replace", signature: "regexp_replace(varchar, 'pattern' [, 'replacement']) → varchar", bind: bindReplace, duck: "regexp_replace($1, $p, $r, 'g')",
		differs: "DuckDB's replaces the first match only, and calls a group \\1 that is $1 in Trino",
		eval: func(c *call, a []Value) (Value, error) {
			p := c.ready.(*pattern)
			return textValue(p.re.ReplaceAllString(a[0].s, p.goReplacement))
		}},
}

func bindRegexp(result *Type, groups bool) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		kinds, optional := []*Type{varcharType, varcharType}, 0
		if groups {
			kinds, optional = append(kinds, bigintType), 1
		}
		t, err := takes(result, optional, kinds...)(b, c)
		if err != nil {
			return nil, err
		}
		p, err := b.pattern(c)
		if err != nil {
			return nil, err
		}
		if len(c.args) == 3 {
			n, err := b.literalNumber(c, 2, "the group", 0, int64(p.re.NumSubexp()))
			if err != nil {
				return nil, err
			}
			p.group = int(n)
			missing, empty := groupMay(p.tree, p.group, false)
			if missing && empty {
				return nil, b.fail(c.args[2], "this group may be empty and may take no part, which engines do not tell apart", "write + for * inside it")
			}
			p.missing = missing
		}
		c.ready = p
		return t, nil
	}
}

// pattern compiles the second argument.
func (b *binder) pattern(c *call) (*pattern, error) {
	text, err := b.literalText(c, 1, "the pattern")
	if err != nil {
		return nil, err
	}
	p, err := compileRegexp(text)
	if err != nil {
		return nil, b.src.fail(c.args[1].info().at, "'"+shorten(text)+"'", "expected a regular expression: "+err.Error(), "the syntax is RE2's: no look-around, no back-references")
	}
	return p, nil
}

// ofGroup is the text of a group, and of one that may take no part.
func ofGroup(always, maybe, before, after string) func(*call) string {
	return func(c *call) string {
		if c.ready.(*pattern).missing {
			return before + maybe + after
		}
		return before + always + after
	}
}

// groupMay says whether group n of a pattern may take no part in a match, and
// whether it may be empty in one.
func groupMay(re *syntax.Regexp, n int, maybe bool) (missing, empty bool) {
	if re.Op == syntax.OpCapture && re.Cap == n {
		return maybe, mayBeEmpty(re.Sub[0])
	}
	maybe = maybe || re.Op == syntax.OpStar || re.Op == syntax.OpQuest || re.Op == syntax.OpAlternate || re.Op == syntax.OpRepeat && re.Min == 0
	for _, s := range re.Sub {
		m, e := groupMay(s, n, maybe)
		missing, empty = missing || m, empty || e
	}
	return missing, empty
}

func mayBeEmpty(re *syntax.Regexp) bool {
	switch re.Op {
	case syntax.OpLiteral, syntax.OpCharClass, syntax.OpAnyChar, syntax.OpAnyCharNotNL, syntax.OpNoMatch:
		return false
	case syntax.OpCapture, syntax.OpPlus:
		return mayBeEmpty(re.Sub[0])
	case syntax.OpRepeat:
		return re.Min == 0 || mayBeEmpty(re.Sub[0])
	case syntax.OpConcat:
		return !slices.ContainsFunc(re.Sub, func(s *syntax.Regexp) bool { return !mayBeEmpty(s) })
	case syntax.OpAlternate:
		return slices.ContainsFunc(re.Sub, mayBeEmpty)
	}
	return true // what stands for a place, or is there or not
}

func bindReplace(b *binder, c *call) (*Type, error) {
	t, err := takes(varcharType, 1, varcharType, varcharType, varcharType)(b, c)
	if err != nil {
		return nil, err
	}
	p, err := b.pattern(c)
	if err != nil {
		return nil, err
	}
	if len(c.args) == 3 {
		text, err := b.literalText(c, 2, "the replacement")
		if err != nil {
			return nil, err
		}
		var ok bool
		if p.duckReplacement, p.goReplacement, ok = readReplacement(text, p.re); !ok {
			return nil, b.src.fail(c.args[2].info().at, "'"+shorten(text)+"'", "expected a replacement with groups of the pattern", `$1 is the first group, \$ a dollar sign`)
		}
	}
	c.ready = p
	return t, nil
}

// readReplacement reads Trino's spelling of a replacement, where $1 is a group
// and \ takes what follows as it is.
func readReplacement(s string, re *regexp.Regexp) (duck, golang string, ok bool) {
	var d, g strings.Builder
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\':
			if i++; i == len(s) {
				return "", "", false
			}
			c = s[i]
		case c == '$':
			if i+1 == len(s) || !isDigit(s[i+1]) || int(s[i+1]-'0') > re.NumSubexp() {
				return "", "", false
			}
			i++
			d.WriteString(`\` + s[i:i+1])
			g.WriteString("${" + s[i:i+1] + "}")
			continue
		}
		switch c {
		case '\\':
			d.WriteString(`\\`)
			g.WriteByte(c)
		case '$':
			d.WriteByte(c)
			g.WriteString("$$")
		default:
			d.WriteByte(c)
			g.WriteByte(c)
		}
	}
	return d.String(), g.String(), true
}

// groupText is the group a pattern is asked for.
func (p *pattern) groupText() string { return strconv.Itoa(p.group) }
