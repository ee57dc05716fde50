package sqlfront

import (
	"fmt"
	"math"
	"math/big"
)

// expr binds an expression: a new tree with types.
func (b *binder) expr(e expr) (expr, error) {
	at := e.info().at
	typed := func(t *Type) node { return node{at, t} }
	switch e := e.(type) {
	case *literal:
		return &literal{typed(literalType(e)), e.v}, nil
	case *variable:
		return b.variable(e)
	case *amount:
		return b.amount(e)
	case *name:
		return b.name(e)
	case *fieldOf:
		x, err := b.expr(e.x)
		if err != nil {
			return nil, err
		}
		f := findField(x.info().typ.Fields, e.field)
		if f == nil {
			if k := x.info().typ.Kind; k != Struct {
				return nil, b.src.fail(at, `"`+shorten(e.field)+`"`, article(k)+" has no fields", "")
			}
			return nil, b.src.fail(at, `"`+shorten(e.field)+`"`, "there is no such field", didYouMean(e.field, fieldNames(x.info().typ.Fields)))
		}
		return fieldAt(x, f, at), nil
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
		switch k := x.info().typ.Kind; k {
		case Bigint, Double, Decimal, Unknown, DayInterval, MonthInterval:
		default:
			return nil, b.fail(x, "a minus needs a number, this is "+k.String(), "")
		}
		if l, ok := x.(*literal); ok && l.v.kind == Decimal {
			return &literal{typed(l.typ), decimalValue(new(big.Int).Neg(l.v.row.(*big.Int)), int(l.v.i))}, nil
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
		list, err := b.spliced(e.list)
		if err != nil {
			return nil, err
		}
		args, err := b.exprs(append([]expr{e.x}, list...))
		if err == nil && len(list) == 0 {
			return &literal{typed(booleanType), BooleanValue(e.not)}, nil // in nothing
		}
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
	return b.nestedExpr(e)
}

// unbound says of a node that bind does not know.
func unbound(e expr) {
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

func literalType(l *literal) *Type {
	switch l.v.kind {
	case Decimal:
		n := l.v.row.(*big.Int)
		return decimalType(max(len(new(big.Int).Abs(n).String()), int(l.v.i), 1), int(l.v.i))
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
	written, err := b.filled(e.pattern)
	if err != nil {
		return nil, err
	}
	pattern, ok := written.(*literal)
	if b.absent(written) {
		pattern = &literal{node{at: e.pattern.info().at}, VarcharValue("")}
	} else if !ok || pattern.v.kind != Varchar {
		return nil, b.fail(e.pattern, "the pattern of LIKE must be a string", "use strpos(x, y) > 0, or starts_with(x, y)")
	}
	out.pattern = &literal{node{pattern.at, varcharType}, pattern.v}
	escape := ""
	if e.escape != nil {
		given, err := b.filled(e.escape)
		if err != nil {
			return nil, err
		}
		l, ok := given.(*literal)
		if b.absent(given) {
			l = &literal{node{at: e.escape.info().at}, VarcharValue(`\`)}
		} else if !ok || l.v.kind != Varchar || len([]rune(l.v.s)) != 1 || len(l.v.s) != 1 {
			return nil, b.fail(e.escape, "ESCAPE takes one plain character in quotes", `ESCAPE '\'`)
		}
		out.escape, escape = &literal{node{l.at, varcharType}, l.v}, l.v.s
	}
	if out.match, ok = compileLike(pattern.v.s, escape); !ok {
		return nil, b.fail(e.pattern, "in this pattern "+escape+" is not followed by %, _ or itself", "")
	}
	return out, nil
}
