package sqlfront

import (
	"strconv"
	"strings"
	"time"
)

// Predicate is a condition on one row of CloudTrailLogs. Its meaning on a row
// is what an engine computes from its text.
type Predicate struct {
	e expr // bound, boolean
}

// ParsePredicate reads a condition on one event, such as the trigger.event of a
// runbook: what may stand after WHERE, without now().
func ParsePredicate(text string) (*Predicate, error) { return ParsePredicateWith(text, nil) }

// ParsePredicateWith is ParsePredicate of a text that may have these parameters
// in it; all have defaults.
func ParsePredicateWith(text string, params []Parameter) (*Predicate, error) {
	p, err := newParser(text)
	if err != nil {
		return nil, err
	}
	if t := p.peek(); t.kind == endToken {
		return nil, p.failAt(t, "expected a condition", "such as eventName = 'StartSession'")
	} else if t.is("WHERE") {
		return nil, p.failAt(t, "expected a condition", "without the word WHERE")
	} else if t.is("SELECT") {
		return nil, p.failAt(t, "expected a condition, not a whole statement", "write what would stand after WHERE")
	}
	e, err := p.expr()
	if err == nil {
		err = p.finish("the condition to end")
	}
	if err == nil {
		err = checkDepth(p.src, e, maxDepth)
	}
	if err != nil {
		return nil, err
	}
	b := eventBinder(p.src)
	for _, v := range p.variables {
		if len(params) == 0 {
			break // the binder says that there are none here
		}
		d, err := declared(p.src, v.at, v.name, params)
		if err != nil {
			return nil, err
		}
		b.params = append(b.params, d)
	}
	if e, err = b.condition(e); err != nil {
		return nil, err
	}
	if x := notOnOneRow(e); x != nil {
		return nil, b.fail(x, whatItIs(x)+" cannot be used in a condition on one event", "")
	}
	return &Predicate{e}, nil
}

// eventBinder binds expressions over one row of CloudTrailLogs.
func eventBinder(src source) *binder {
	b := &binder{src: src, catalog: CloudTrailCatalog(), where: "a condition on one event"}
	sc := &scope{}
	if _, err := b.table(&table{name: CloudTrailLogs}, sc); err != nil {
		panic("sqlfront: there is no " + CloudTrailLogs)
	}
	b.scope = sc
	return b
}

// notOnOneRow is what in e has no value on one row by itself.
func notOnOneRow(e expr) expr {
	var found expr
	walk(e, func(e expr) bool {
		switch x := e.(type) {
		case *call:
			if x.fn.eval == nil && !x.fn.nulls || x.over != nil {
				found = e
			}
		case *subquery, *exists, *inQuery, *quantified, *rowOf, *arrayOf, *lambda, *param, *subscript:
			found = e
		case *column:
			if x.rel != tableAlias {
				found = e
			}
		case *binary:
			if k := x.typ.Kind; k == Array || k == DayInterval || k == MonthInterval || k == Zoned || isNested(x.l) {
				found = e
			}
		case *in:
			if isNested(x.x) {
				found = e
			}
		case *between:
			if isNested(x.x) {
				found = e
			}
		case *negate:
			if k := x.typ.Kind; k == DayInterval || k == MonthInterval {
				found = e
			}
		case *cast:
			from := x.x.info().typ.Kind
			if k := x.to.Kind; k == JSON || k == Varbinary || k == Zoned || from == JSON || from == Zoned || isNested(x) || k == Varchar && from == Double || k == Decimal && from == Double || k == Boolean && from == Double {
				found = e
			}
		}
		return found == nil
	})
	return found
}

// isNested says whether e is a row, a list, a map or an interval, which the
// interpreter does not compare.
func isNested(e expr) bool {
	switch e.info().typ.Kind {
	case Struct, Array, Map, DayInterval, MonthInterval, Varbinary, Zoned, JSON:
		return true
	}
	return false
}

func whatItIs(e expr) string {
	switch e := e.(type) {
	case *call:
		return e.name
	case *subquery, *exists, *inQuery, *quantified:
		return "a sub-query"
	case *lambda, *param:
		return "a lambda"
	case *column:
		return "a column of another table"
	}
	return "this"
}

// Eval is the predicate's truth on a row. A row on which it fails, such as one
// where it divides by zero, is Maybe: it does not match. Try tells the two
// apart.
func (p *Predicate) Eval(row Row) Truth {
	t, _ := p.Try(row)
	return t
}

// Try is Eval with the error that an engine would stop at.
func (p *Predicate) Try(row Row) (Truth, error) {
	v, err := eval(p.e, row)
	if err != nil {
		return Maybe, err
	}
	return truth(v), nil
}

// String is the predicate in Trino's dialect.
func (p *Predicate) String() string { return exprText(p.e) }

// LookupColumn finds a column or a field of CloudTrailLogs by its dotted name,
// in any case, and returns its path as [Row] takes it. The error of a name
// there is not suggests the nearest.
func LookupColumn(dotted string) ([]string, *Type, error) {
	parts := strings.Split(dotted, ".")
	b := eventBinder(source(dotted))
	e, err := b.name(&name{parts: parts})
	if err != nil {
		return nil, nil, err
	}
	c := e.(*column)
	return c.path, c.typ, nil
}

// constant is text as a value of a column's type.
func constant(c *column, text string) (expr, error) {
	e := &literal{node{typ: varcharType}, VarcharValue(text)}
	b := eventBinder(source(text))
	if c.typ.Kind == Bigint {
		i, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, b.src.fail(0, "'"+shorten(text)+"'", strings.Join(c.path, ".")+" needs a whole number", "")
		}
		return &literal{node{typ: bigintType}, BigintValue(i)}, nil
	}
	return b.fit(e, c.typ, strings.Join(c.path, "."))
}

// Equals is column = value, the value read as the column's type.
func Equals(column, value string) (*Predicate, error) { return In(column, value) }

// In is column IN (values…), or column = value for one.
func In(name string, values ...string) (*Predicate, error) {
	path, typ, err := LookupColumn(name)
	if err != nil {
		return nil, err
	}
	c := &column{node{typ: typ}, tableAlias, path}
	var list []expr
	for _, v := range values {
		e, err := constant(c, v)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	switch len(list) {
	case 0:
		return &Predicate{&literal{node{typ: booleanType}, BooleanValue(false)}}, nil
	case 1:
		return &Predicate{&binary{node{typ: booleanType}, "=", c, list[0]}}, nil
	}
	return &Predicate{&in{node{typ: booleanType}, c, list, false}}, nil
}

// IsNull is column IS NULL.
func IsNull(name string) (*Predicate, error) {
	path, typ, err := LookupColumn(name)
	if err != nil {
		return nil, err
	}
	return &Predicate{&isNull{node{typ: booleanType}, &column{node{typ: typ}, tableAlias, path}, false}}, nil
}

// SeqIn is seq IN (seqs…).
func SeqIn(seqs ...uint64) *Predicate {
	values := make([]string, len(seqs))
	for i, s := range seqs {
		values[i] = strconv.FormatUint(s, 10)
	}
	p, err := In("seq", values...)
	if err != nil {
		panic("sqlfront: a sequence number is not a bigint: " + err.Error())
	}
	return p
}

// Between is start < column AND column <= end for a column that is a time.
func Between(name string, start, end time.Time) (*Predicate, error) {
	path, typ, err := LookupColumn(name)
	if err != nil {
		return nil, err
	}
	c := &column{node{typ: typ}, tableAlias, path}
	at := func(t time.Time) expr { return &literal{node{typ: timestampType}, TimestampValue(t)} }
	list := []expr{c, at(start)}
	if err := eventBinder(source(name)).comparable(list); err != nil {
		return nil, err
	}
	return &Predicate{&logic{node{typ: booleanType}, false, []expr{
		&binary{node{typ: booleanType}, ">", c, at(start)}, &binary{node{typ: booleanType}, "<=", c, at(end)}}}}, nil
}

// AllOf is true where all of them are; AnyOf where one of them is.
func AllOf(list ...*Predicate) *Predicate { return combine(false, list) }

// AnyOf is true where one of them is.
func AnyOf(list ...*Predicate) *Predicate { return combine(true, list) }

func combine(or bool, list []*Predicate) *Predicate {
	switch len(list) {
	case 0:
		return &Predicate{&literal{node{typ: booleanType}, BooleanValue(!or)}}
	case 1:
		return list[0]
	}
	l := &logic{node{typ: booleanType}, or, nil}
	for _, p := range list {
		l.args = append(l.args, p.e)
	}
	return &Predicate{l}
}
