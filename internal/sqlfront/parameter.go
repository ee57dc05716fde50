package sqlfront

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math"
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
// The type is varchar, bigint, double, boolean, timestamp or date, or a list of
// one of them, array(varchar); the default may be left out, and is in single
// quotes when it is empty or has blanks. A parameter that is not declared is
// text, and bends to the number, the time or the boolean it is compared with. A
// time may be said as how long ago: 90m, 24h, 7d, 2w. A list is said with commas
// between its values, or as JSON.
//
// A parameter stands wherever an expression may, and besides for the number of
// LIMIT, OFFSET and FETCH and of INTERVAL :n DAY. IN (:names) takes the values
// of a list.

// variable is :name in the tree as written; bind replaces it.
type variable struct {
	node
	name string
}

// amount is INTERVAL :n DAY as written; bind replaces it.
type amount struct {
	node
	by  *variable
	one Value // one of the unit
}

// variable is the parameter that a token names.
func (p *parser) variable(t token) *variable {
	x := &variable{node{at: t.at}, t.text[1:]}
	p.variables = append(p.variables, x)
	return x
}

// Parameter is one parameter of a statement.
type Parameter struct {
	Name     string
	Type     Kind   // Unknown when it is not declared; of a list, its values'
	List     bool   // it is a list of them
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

// Open is the statement with NULL for each parameter that has neither a value
// nor a default: it can be checked, and is not to be asked.
func (s *Statement) Open() *Statement {
	open := *s
	open.open = true
	return &open
}

// Declare is the statement with its parameters declared elsewhere than in
// comment lines: by list, which may have others, too.
func (s *Statement) Declare(list []Parameter) (*Statement, error) {
	out := *s
	out.params = slices.Clone(s.params)
	for i, p := range out.params {
		if p.Type != Unknown {
			return nil, source(s.text).fail(p.at, `"`+shorten(p.Name)+`"`, "this parameter is declared twice", "leave the comment line out")
		}
		d, err := declared(source(s.text), p.at, p.Name, list)
		if err != nil {
			return nil, err
		}
		d.at = p.at
		out.params[i] = d
	}
	return &out, nil
}

// declared is the one of list that a name in a text means.
func declared(src source, at int, name string, list []Parameter) (Parameter, error) {
	var names []string
	for _, d := range list {
		if d.Name == name {
			return d, nil
		}
		names = append(names, d.Name)
	}
	return Parameter{}, src.fail(at, `":`+shorten(name)+`"`, "this parameter is not declared", cmp.Or(didYouMean(name, names), "declare it under params"))
}

// CheckParameter says what is wrong with a parameter that is declared elsewhere:
// with its name, its default, or a value for it.
func CheckParameter(d Parameter) error {
	if !parameterName.MatchString(d.Name) {
		return fmt.Errorf("a parameter's name has letters, digits and _, and no digit first: %q", shorten(d.Name))
	}
	if !d.Optional {
		return nil
	}
	if at, found, _ := unreadable(d.Default); at >= 0 {
		return fmt.Errorf("%s has %s in it", d.Name, found)
	}
	b := &binder{src: source(d.Default), params: []Parameter{d}}
	if _, err := b.filled(&variable{name: d.Name}); err != nil {
		var bad *Error
		if errors.As(err, &bad) {
			return errors.New(bad.Expected + ", not " + bad.Found)
		}
		return err
	}
	return nil
}

// ParameterType reads varchar or array(varchar).
func ParameterType(text string) (kind Kind, list, ok bool) {
	if inner, found := strings.CutPrefix(strings.ToLower(text), "array("); found {
		if text, found = strings.CutSuffix(inner, ")"); !found {
			return Unknown, false, false
		}
		list = true
	}
	for _, k := range parameterKinds {
		if strings.EqualFold(text, k.String()) {
			return k, list, true
		}
	}
	return Unknown, false, false
}

// ParameterTypes are the names of the types, without those of lists.
func ParameterTypes() []string {
	var names []string
	for _, k := range parameterKinds {
		names = append(names, strings.ToLower(k.String()))
	}
	return names
}

// Values are the values of the default: of a list each, else one.
func (d Parameter) Values() []string {
	if !d.List {
		return []string{d.Default}
	}
	values, _ := splitList(d.Default)
	return values
}

// NamesParameters are the parameters that a text names; those of one that does
// not read are left out.
func NamesParameters(text string) map[string]bool {
	names := map[string]bool{}
	p, err := newParser(text)
	if err != nil {
		return names
	}
	for _, t := range p.tokens {
		if t.kind == variableToken {
			names[t.text[1:]] = true
		}
	}
	return names
}

// TypeName is the parameter's type as a declaration has it.
func (d Parameter) TypeName() string {
	if d.Type == Unknown {
		return strings.ToLower(Varchar.String())
	}
	if name := strings.ToLower(d.Type.String()); !d.List {
		return name
	} else {
		return "array(" + name + ")"
	}
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
	var ok bool
	if p.Type, p.List, ok = ParameterType(kind); !ok {
		names := ParameterTypes()
		return p, src.fail(at, `"`+shorten(kind)+`"`, "expected the type of the parameter "+name,
			cmp.Or(didYouMean(kind, names), "one of "+strings.Join(names, ", ")+", or array(…) of one"))
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
		if value = d.Default; !d.Optional && !b.open {
			return nil, b.src.fail(p.at, `":`+shorten(p.name)+`"`, "this parameter has no value", "trailgate query --param "+p.name+"=…")
		}
	}
	absent := !given && !d.Optional
	if !d.List {
		return b.value(p.at, d, value, absent)
	}
	values, ok := splitList(value)
	if !ok {
		return nil, b.src.fail(p.at, "'"+shorten(value)+"'", "expected values with commas between them, or a list in JSON, as the parameter "+p.name, "")
	}
	if absent {
		values = []string{""}
	}
	if len(values) > maxList {
		return nil, b.src.fail(p.at, "", "the parameter "+p.name+" has more than "+strconv.Itoa(maxList)+" values", "give fewer")
	}
	list := &arrayOf{node: node{at: p.at}}
	for _, v := range values {
		x, err := b.value(p.at, d, v, absent)
		if err != nil {
			return nil, err
		}
		list.args = append(list.args, x)
	}
	if len(list.args) == 0 || absent {
		to := &Type{Kind: Array, Elem: &Type{Kind: d.Type}}
		return &cast{node{at: p.at}, list, to, false}, nil
	}
	return list, nil
}

// value is one value of a parameter as an expression.
func (b *binder) value(at int, d Parameter, text string, absent bool) (expr, error) {
	if absent {
		return &literal{node{at: at}, Null}, nil
	}
	l := &literal{node{at: at}, VarcharValue(text)}
	if d.Type == Unknown || d.Type == Varchar {
		return l, nil
	}
	return b.read(l, &Type{Kind: d.Type}, "the parameter "+d.Name)
}

// absent says whether e stands for a parameter of an open statement.
func (b *binder) absent(e expr) bool {
	l, ok := e.(*literal)
	return ok && b.open && l.v.IsNull()
}

// splitList reads a, b, c or ["a", "b", "c"]. Nothing is no value.
func splitList(text string) (values []string, ok bool) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, true
	}
	if !strings.HasPrefix(text, "[") {
		for v := range strings.SplitSeq(text, ",") {
			values = append(values, strings.TrimSpace(v))
		}
		return values, true
	}
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var list []any
	if dec.Decode(&list) != nil || dec.More() {
		return nil, false
	}
	for _, v := range list {
		switch v := v.(type) {
		case string:
			values = append(values, v)
		case json.Number:
			values = append(values, v.String())
		case bool:
			values = append(values, strconv.FormatBool(v))
		default:
			return nil, false
		}
	}
	return values, true
}

// spliced is the list of an IN, with the values of lists that are parameters.
func (b *binder) spliced(list []expr) ([]expr, error) {
	var out []expr
	for _, e := range list {
		x, err := e, error(nil)
		if v, ok := e.(*variable); ok && b.isList(v) {
			x, err = b.filled(v)
		}
		if err != nil {
			return nil, err
		}
		if c, ok := x.(*cast); ok && x != e { // of a list without values
			x = c.x
		}
		if values, ok := x.(*arrayOf); ok && x != e {
			out = append(out, values.args...)
		} else {
			out = append(out, e)
		}
	}
	if len(out) > maxList {
		return nil, b.fail(list[0], "IN has more than "+strconv.Itoa(maxList)+" values", "give fewer")
	}
	return out, nil
}

func (b *binder) isList(v *variable) bool {
	return slices.ContainsFunc(b.params, func(d Parameter) bool { return d.Name == v.name && d.List })
}

// bounds fills in OFFSET and LIMIT.
func (b *binder) bounds(q, out *query) (err error) {
	if q.offsetBy != nil {
		if out.offset, err = b.whole(q.offsetBy, "OFFSET", 0, math.MaxInt64); err != nil {
			return err
		}
	}
	if q.limitBy != nil {
		out.limit, err = b.whole(q.limitBy, "LIMIT", 0, math.MaxInt64)
	}
	return err
}

// amount binds INTERVAL :n DAY.
func (b *binder) amount(e *amount) (expr, error) {
	n, err := b.whole(e.by, "INTERVAL", -maxInterval, maxInterval)
	if err != nil {
		return nil, err
	}
	v := e.one
	v.i *= n
	return b.expr(&literal{node{at: e.at}, v})
}

// whole is the whole number that a parameter says.
func (b *binder) whole(v *variable, what string, least, most int64) (int64, error) {
	x, err := b.filled(v)
	if err != nil {
		return 0, err
	}
	if b.absent(x) {
		return 0, nil
	}
	l, ok := x.(*literal)
	if ok && l.v.kind == Varchar && !slices.ContainsFunc(b.params, func(d Parameter) bool { return d.Name == v.name && d.Type != Unknown }) {
		if x, err = b.read(l, bigintType, what); err != nil {
			return 0, err
		}
		l = x.(*literal)
	}
	if !ok || l.v.kind != Bigint {
		return 0, b.src.fail(v.at, `":`+shorten(v.name)+`"`, what+" needs a whole number", "-- param: "+v.name+" bigint")
	}
	if l.v.i < least || l.v.i > most {
		return 0, b.src.fail(v.at, strconv.FormatInt(l.v.i, 10), what+" needs a number from "+strconv.FormatInt(least, 10)+" to "+strconv.FormatInt(most, 10), "")
	}
	return l.v.i, nil
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
