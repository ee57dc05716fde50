package sqlfront

import (
	"cmp"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Parameters. :name in a statement stands for a value that comes with it: the
// binder puts a literal there, so no value is ever read as SQL. A statement may
// declare its parameters in comment lines above it:
//
//	-- param: identity varchar '%' — whose sessions, a pattern
//	-- param: since timestamp 7d — from when on
//
// The type is varchar, bigint, double, boolean, timestamp or date; the default
// may be left out, and is in single quotes when it is empty or has blanks. A
// parameter that is not declared is text, and bends to the number, the time or
// the boolean it is compared with. A time may be said as how long ago: 90m,
// 24h, 7d, 2w.

// variable is :name in the tree as written; bind replaces it.
type variable struct {
	node
	name string
}

// Parameter is one parameter of a statement.
type Parameter struct {
	Name     string
	Type     Kind   // Unknown when it is not declared
	Default  string // as written, without quotes
	Optional bool   // it has a default
	About    string // what it means
	at       int
}

var parameterKinds = []Kind{Varchar, Bigint, Double, Boolean, Timestamp, Date}

// Parameters are the statement's, those declared first.
func (s *Statement) Parameters() []Parameter { return slices.Clone(s.params) }

// With is the statement with values for its parameters. It is to be checked;
// Check says which have neither a value nor a default.
func (s *Statement) With(values map[string]string) (*Statement, error) {
	var known []string
	for _, p := range s.params {
		known = append(known, p.Name)
	}
	names := make([]string, 0, len(values))
	for n := range values {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		i := slices.Index(known, n)
		if i < 0 {
			hint := didYouMean(n, known)
			if len(known) == 0 {
				hint = "a parameter is written :name"
			}
			at := 0
			if len(s.params) > 0 {
				at = s.params[0].at
			}
			return nil, source(s.text).fail(at, `"`+shorten(n)+`"`, "the statement has no such parameter", cmp.Or(hint, "it has "+strings.Join(known, ", ")))
		}
		if at, found, _ := unreadable(values[n]); at >= 0 || len(values[n]) > MaxText {
			return nil, source(s.text).fail(s.params[i].at, cmp.Or(found, "a longer one"), "expected readable text as the value of "+n, "")
		}
	}
	bound := *s
	bound.given = values
	return &bound, nil
}

// parameters finds the declared ones, and those that are used besides.
func parameters(src source, used []*variable) ([]Parameter, error) {
	list, err := declaredParameters(src)
	if err != nil {
		return nil, err
	}
	declared := len(list)
	for i, d := range list {
		if !slices.ContainsFunc(used, func(p *variable) bool { return p.name == d.Name }) {
			var names []string
			for _, p := range used {
				names = append(names, p.name)
			}
			return nil, src.fail(d.at, `"`+shorten(d.Name)+`"`, "the statement does not use this parameter", didYouMean(d.Name, names))
		}
		if slices.ContainsFunc(list[:i], func(p Parameter) bool { return p.Name == d.Name }) {
			return nil, src.fail(d.at, `"`+shorten(d.Name)+`"`, "this parameter is declared twice", "")
		}
	}
	for _, p := range used {
		if !slices.ContainsFunc(list, func(d Parameter) bool { return d.Name == p.name }) {
			list = append(list, Parameter{Name: p.name, at: p.at})
		}
	}
	if len(list) > maxParameters {
		return nil, src.fail(list[max(declared-1, 0)].at, "", "there are more than "+strconv.Itoa(maxParameters)+" parameters", "use fewer")
	}
	return list, nil
}

const maxParameters = 100

var (
	parameterName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	ago           = regexp.MustCompile(`^([0-9]{1,6})([smhdw])$`)
)

// declaredParameters reads the comment lines above the statement.
func declaredParameters(src source) ([]Parameter, error) {
	var list []Parameter
	at := 0
	for line := range strings.Lines(string(src)) {
		from := at
		at += len(line)
		text := strings.TrimSpace(line)
		if text == "" {
			continue
		}
		if !strings.HasPrefix(text, "--") {
			break
		}
		rest, ok := strings.CutPrefix(strings.TrimSpace(text[2:]), "param:")
		if !ok {
			continue
		}
		p, err := declaration(src, from+strings.Index(line, "param:")+len("param:"), rest)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

// declaration reads "name type [default] [— meaning]".
func declaration(src source, at int, text string) (Parameter, error) {
	trimmed := strings.TrimLeft(text, " \t")
	at += len(text) - len(trimmed)
	text, about, _ := strings.Cut(trimmed+" ", " — ")
	name, rest, _ := strings.Cut(strings.TrimSpace(text), " ")
	kind, value, given := strings.Cut(strings.TrimSpace(rest), " ")
	p := Parameter{Name: name, About: strings.TrimSpace(about), at: at}
	if !parameterName.MatchString(name) {
		return p, src.fail(at, `"`+shorten(name)+`"`, "expected the name of a parameter", "-- param: name type default — meaning")
	}
	var names []string
	for _, k := range parameterKinds {
		names = append(names, k.String())
		if strings.EqualFold(kind, k.String()) {
			p.Type = k
		}
	}
	if p.Type == Unknown {
		return p, src.fail(at, `"`+shorten(kind)+`"`, "expected the type of the parameter "+name, cmp.Or(didYouMean(kind, names), "one of "+strings.Join(names, ", ")))
	}
	value = strings.TrimSpace(value)
	p.Default, p.Optional = value, given && value != ""
	if strings.HasPrefix(value, "'") {
		t, err := lexQuoted(source(value), 0, stringToken)
		if err != nil || t.next != len(value) {
			return p, src.fail(at, shorten(value), "expected one default in single quotes", "what the parameter means follows a dash: —")
		}
		p.Default = t.text
	} else if strings.ContainsFunc(value, unicode.IsSpace) {
		return p, src.fail(at, shorten(value), "a default with blanks goes between single quotes", "what the parameter means follows a dash: —")
	}
	return p, nil
}

// lexVariable reads :name.
func lexVariable(s string, at int) (token, bool) {
	end := at + 1
	for end < len(s) && (isLetter(s[end]) || s[end] == '_' || end > at+1 && isDigit(s[end])) {
		end++
	}
	return token{variableToken, at, end, s[at:end]}, end > at+1
}

// filled is the value of a parameter, as it would be were it written there;
// other expressions are as they are.
func (b *binder) filled(e expr) (expr, error) {
	p, ok := e.(*variable)
	if !ok {
		return e, nil
	}
	i := slices.IndexFunc(b.params, func(d Parameter) bool { return d.Name == p.name })
	if i < 0 {
		return nil, b.src.fail(p.at, `":`+p.name+`"`, "there are no parameters here", "write the value")
	}
	d := b.params[i]
	value, given := b.given[d.Name]
	if !given {
		if value = d.Default; !d.Optional {
			return nil, b.src.fail(p.at, `":`+shorten(p.name)+`"`, "this parameter has no value", "trailgate query --param "+p.name+"=…")
		}
	}
	text := &literal{node{at: p.at}, VarcharValue(value)}
	if d.Type == Unknown || d.Type == Varchar {
		return text, nil
	}
	return b.read(text, &Type{Kind: d.Type}, "the parameter "+p.name)
}

// variable binds :name.
func (b *binder) variable(e *variable) (expr, error) {
	x, err := b.filled(e)
	if err != nil {
		return nil, err
	}
	if x, err = b.expr(x); err != nil {
		return nil, err
	}
	if l, ok := x.(*literal); ok && l.v.kind == Varchar && !slices.ContainsFunc(b.params, func(d Parameter) bool { return d.Name == e.name && d.Type != Unknown }) {
		if b.bending == nil {
			b.bending = map[*literal]bool{}
		}
		b.bending[l] = true
	}
	return x, nil
}

// read makes of a parameter's text a value of a type. The result is bound when
// it is a literal; otherwise bind makes it so.
func (b *binder) read(l *literal, t *Type, what string) (expr, error) {
	at := node{l.at, t}
	wrong := func(expected, hint string) (expr, error) {
		return nil, b.src.fail(l.at, "'"+shorten(l.v.s)+"'", what+" needs "+expected, hint)
	}
	switch s := strings.TrimSpace(l.v.s); t.Kind {
	case Bigint:
		i, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return wrong("a whole number", "")
		}
		return &literal{at, BigintValue(i)}, nil
	case Double:
		f, err := strconv.ParseFloat(s, 64)
		if err != nil || f != f || f-f != 0 { // neither NaN nor infinite: they have no literal
			return wrong("a number", "")
		}
		return &literal{at, DoubleValue(f)}, nil
	case Decimal:
		v, typ, ok := readDecimal(s)
		if i, err := strconv.ParseInt(s, 10, 64); !ok && err == nil {
			return b.fit(&literal{node{l.at, bigintType}, BigintValue(i)}, t, what)
		}
		if !ok {
			return wrong("a number", "")
		}
		return b.fit(&literal{node{l.at, typ}, v}, t, what)
	case Boolean:
		if !strings.EqualFold(s, "true") && !strings.EqualFold(s, "false") {
			return wrong("true or false", "")
		}
		return &literal{at, BooleanValue(strings.EqualFold(s, "true"))}, nil
	case Timestamp:
		if m := ago.FindStringSubmatch(s); m != nil {
			n, _ := strconv.ParseInt(m[1], 10, 64)
			unit := map[string]int64{"s": 1e6, "m": 60e6, "h": 3600e6, "d": microsPerDay, "w": 7 * microsPerDay}[m[2]]
			now := &call{node: node{at: l.at}, name: "now"}
			return b.expr(&binary{node{at: l.at}, "-", now, &literal{node{at: l.at}, Value{kind: DayInterval, i: n * unit}}})
		}
		micros, ok := readTime(s)
		if !ok {
			return wrong("a time", timeHint+", or how long ago: 24h, 7d")
		}
		return &literal{at, Value{kind: Timestamp, i: micros}}, nil
	default: // Date
		micros, ok := readTime(s)
		if !ok || micros%microsPerDay != 0 {
			return wrong("a date", "2026-11-20")
		}
		return &literal{at, dateValue(micros / microsPerDay)}, nil
	}
}
