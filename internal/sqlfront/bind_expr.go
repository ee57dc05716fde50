package sqlfront

import (
	"fmt"
	"math"
	"strings"
)

// expr binds an expression: a new tree with types.
func (b *binder) expr(e expr) (expr, error) {
	at := e.info().at
	typed := func(t *Type) node { return node{at, t} }
	switch e := e.(type) {
	case *literal:
		return &literal{typed(literalType(e.v.kind)), e.v}, nil
	case *name:
		return b.name(e)
	case *fieldOf:
		x, err := b.expr(e.x)
		if err != nil {
			return nil, err
		}
		f := findField(x.info().typ.Fields, e.field)
		if f == nil {
			return nil, b.src.fail(at, `"`+shorten(e.field)+`"`, "there is no such field", didYouMean(e.field, fieldNames(x.info().typ.Fields)))
		}
		return &fieldOf{typed(f.Type), x, f.Name}, nil
	case *logic:
		args, err := b.exprs(e.args)
		if err != nil {
			return nil, err
		}
		for i := range args {
			if args[i], err = b.fit(args[i], booleanType, "a condition"); err != nil {
				return nil, err
			}
		}
		return &logic{typed(booleanType), e.or, args}, nil
	case *not:
		x, err := b.condition(e.x)
		return &not{typed(booleanType), x}, err
	case *negate:
		x, err := b.expr(e.x)
		if err != nil {
			return nil, err
		}
		if x.info().typ.Kind == Unknown {
			if x, err = b.fit(x, bigintType, "a minus"); err != nil {
				return nil, err
			}
		}
		if k := x.info().typ.Kind; k != Bigint && k != Double && k != Unknown {
			return nil, b.fail(x, "a minus needs a number, this is "+k.String(), "")
		}
		if l, ok := x.(*literal); ok && !l.v.IsNull() && l.v.i != math.MinInt64 {
			return &literal{typed(l.typ), Value{kind: l.v.kind, i: -l.v.i, f: -l.v.f}}, nil
		}
		return &negate{typed(x.info().typ), x}, nil
	case *binary:
		return b.binary(e)
	case *like:
		return b.like(e)
	case *in:
		args, err := b.exprs(append([]expr{e.x}, e.list...))
		if err == nil {
			err = b.comparable(args)
		}
		if err != nil {
			return nil, err
		}
		return &in{typed(booleanType), args[0], args[1:], e.not}, nil
	case *between:
		args, err := b.exprs([]expr{e.x, e.lo, e.hi})
		if err == nil {
			err = b.comparable(args)
		}
		if err != nil {
			return nil, err
		}
		return &between{typed(booleanType), args[0], args[1], args[2], e.not}, nil
	case *isNull:
		x, err := b.expr(e.x)
		return &isNull{typed(booleanType), x, e.not}, err
	case *caseOf:
		return b.caseOf(e)
	case *cast:
		return b.cast(e)
	case *call:
		return b.call(e)
	case *column:
		return e, nil
	}
	panic(fmt.Sprintf("sqlfront: bind of %T", e))
}

func (b *binder) exprs(list []expr) ([]expr, error) {
	out := make([]expr, len(list))
	for i, e := range list {
		x, err := b.expr(e)
		if err != nil {
			return nil, err
		}
		out[i] = x
	}
	return out, nil
}

func literalType(k Kind) *Type {
	switch k {
	case Boolean:
		return booleanType
	case Bigint:
		return bigintType
	case Double:
		return doubleType
	case Varchar:
		return varcharType
	case Timestamp:
		return timestampType
	case Date:
		return dateType
	case DayInterval:
		return daysType
	case MonthInterval:
		return monthsType
	}
	return unknownType
}

func (b *binder) name(n *name) (expr, error) {
	if b.table == nil {
		return nil, b.src.fail(n.at, `"`+shorten(strings.Join(n.parts, "."))+`"`, "a column needs a table", "add FROM CloudTrailLogs; text goes between single quotes")
	}
	if c := b.column(n.parts); c != nil {
		c.at = n.at
		return c, nil
	}
	// t.column
	if len(n.parts) > 1 && strings.EqualFold(n.parts[0], b.alias) {
		if c := b.column(n.parts[1:]); c != nil {
			c.at = n.at
			return c, nil
		}
		return nil, b.noColumn(n, n.parts[1:])
	}
	return nil, b.noColumn(n, n.parts)
}

// column finds a path among the table's columns; nil when there is none.
func (b *binder) column(parts []string) *column {
	if b.table == nil {
		return nil
	}
	fields, c := b.table.Columns, &column{}
	for _, part := range parts {
		f := findField(fields, part)
		if f == nil {
			return nil
		}
		c.path = append(c.path, f.Name)
		c.typ = f.Type
		fields = f.Type.Fields
	}
	return c
}

func (b *binder) noColumn(n *name, parts []string) error {
	fields, text := b.table.Columns, shorten(strings.Join(n.parts, "."))
	for i, part := range parts {
		f := findField(fields, part)
		if f == nil {
			hint := didYouMean(part, fieldNames(fields))
			if i > 0 {
				if hint == "" && len(fields) > 0 {
					hint = "it has " + strings.Join(fieldNames(fields), ", ")
				} else if len(fields) == 0 {
					hint = jsonHint(parts)
				}
				return b.src.fail(n.at, `"`+text+`"`, fmt.Sprintf("%q has no such field", shorten(strings.Join(parts[:i], "."))), hint)
			}
			if hint == "" && len(parts) == 1 {
				hint = "text goes between single quotes"
			}
			return b.src.fail(n.at, `"`+text+`"`, "there is no such column in "+b.table.Name, hint)
		}
		fields = f.Type.Fields
	}
	panic("sqlfront: a column that was found is missing")
}

func jsonHint(parts []string) string {
	switch strings.ToLower(parts[0]) {
	case "requestparameters", "responseelements", "serviceeventdetails", "eventjson":
		return "it is JSON text: json_extract_scalar(" + parts[0] + ", '$." + shorten(strings.Join(parts[1:], ".")) + "')"
	case "resources":
		return "it is a list: element_at(resources, 1)." + shorten(parts[1])
	}
	return ""
}

func (b *binder) caseOf(e *caseOf) (expr, error) {
	out := &caseOf{node: e.node}
	conds, thens := make([]expr, 0, len(e.whens)), make([]expr, 0, len(e.whens))
	for _, w := range e.whens {
		conds, thens = append(conds, w.cond), append(thens, w.then)
	}
	if e.other != nil {
		thens = append(thens, e.other)
	}
	if e.operand != nil {
		conds = append(conds, e.operand)
	}
	conds, err := b.exprs(conds)
	if err != nil {
		return nil, err
	}
	if e.operand != nil {
		if err := b.comparable(conds); err != nil {
			return nil, err
		}
		out.operand, conds = conds[len(conds)-1], conds[:len(conds)-1]
	} else {
		for i := range conds {
			if conds[i], err = b.fit(conds[i], booleanType, "a condition"); err != nil {
				return nil, err
			}
		}
	}
	if thens, err = b.exprs(thens); err != nil {
		return nil, err
	}
	if out.typ, err = b.unify(thens, "the results of CASE"); err != nil {
		return nil, err
	}
	for i := range conds {
		out.whens = append(out.whens, when{conds[i], thens[i]})
	}
	if e.other != nil {
		out.other = thens[len(thens)-1]
	}
	return out, nil
}

func (b *binder) like(e *like) (expr, error) {
	x, err := b.expr(e.x)
	if err != nil {
		return nil, err
	}
	if x, err = b.fit(x, varcharType, "LIKE"); err != nil {
		return nil, err
	}
	out := &like{node: node{e.at, booleanType}, x: x, not: e.not}
	pattern, ok := e.pattern.(*literal)
	if !ok || pattern.v.kind != Varchar {
		return nil, b.fail(e.pattern, "the pattern of LIKE must be a string", "use strpos(x, y) > 0, or starts_with(x, y)")
	}
	out.pattern = &literal{node{pattern.at, varcharType}, pattern.v}
	escape := ""
	if e.escape != nil {
		l, ok := e.escape.(*literal)
		if !ok || l.v.kind != Varchar || len([]rune(l.v.s)) != 1 || len(l.v.s) != 1 {
			return nil, b.fail(e.escape, "ESCAPE takes one plain character in quotes", `ESCAPE '\'`)
		}
		out.escape, escape = &literal{node{l.at, varcharType}, l.v}, l.v.s
	}
	if out.match, ok = compileLike(pattern.v.s, escape); !ok {
		return nil, b.fail(e.pattern, "in this pattern "+escape+" is not followed by %, _ or itself", "")
	}
	return out, nil
}

func (b *binder) call(e *call) (expr, error) {
	fn := functions[strings.ToLower(e.name)]
	if fn == nil {
		hint := otherFunctions[strings.ToLower(e.name)]
		if hint == "" {
			hint = didYouMean(e.name, functionNames())
		}
		return nil, b.src.fail(e.at, `"`+shorten(e.name)+`"`, "there is no such function here", hint)
	}
	c := &call{node: node{at: e.at}, name: fn.name, star: e.star, distinct: e.distinct, fn: fn}
	if fn.family == aggregate {
		switch {
		case b.inside != nil:
			return nil, b.fail(e, fn.name+" is inside "+b.inside.name+", and both aggregate", "")
		case !b.aggregates:
			hint := ""
			if b.where == "WHERE" {
				hint = "use HAVING"
			}
			return nil, b.fail(e, fn.name+" aggregates, which "+b.where+" cannot", hint)
		}
		b.inside = c
		defer func() { b.inside = nil }()
	} else if e.distinct || e.filter != nil {
		return nil, b.fail(e, fn.name+" does not aggregate, so it takes no DISTINCT and no FILTER", "")
	}
	if e.star && fn.name != "count" {
		return nil, b.fail(e, fn.name+" takes no *", "signature: "+fn.signature)
	}
	var err error
	if c.args, err = b.exprs(e.args); err != nil {
		return nil, err
	}
	if e.filter != nil {
		if c.filter, err = b.condition(e.filter); err != nil {
			return nil, err
		}
	}
	if c.typ, err = fn.bind(b, c); err != nil {
		return nil, err
	}
	switch fn.name {
	case "date":
		return b.castTo(c.args[0], &cast{node: c.node, to: dateType})
	case "from_iso8601_timestamp":
		if l, ok := c.args[0].(*literal); ok && l.v.kind == Varchar {
			return b.fit(l, timestampType, fn.name)
		}
	}
	return c, nil
}
