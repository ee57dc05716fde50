package sqlfront

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strings"
)

// The interpreter: an expression over one row, with the values and errors that
// the engines' text of it has.

var errDivision = errors.New("division by zero")

// eval is the value of a bound expression on a row.
func eval(e expr, row Row) (Value, error) {
	switch e := e.(type) {
	case *literal:
		return e.v, nil
	case *column:
		return row.Column(e.path...), nil
	case *fieldOf:
		x, err := eval(e.x, row)
		if err != nil || x.IsNull() {
			return Null, err
		}
		return fieldValue(x.row, e.field), nil
	case *logic:
		return evalLogic(e, row)
	case *not:
		x, err := eval(e.x, row)
		if err != nil || x.IsNull() {
			return Null, err
		}
		return BooleanValue(x.i == 0), nil
	case *negate:
		x, err := eval(e.x, row)
		switch {
		case err != nil || x.IsNull():
			return Null, err
		case x.kind == Double:
			return DoubleValue(-x.f), nil
		case x.kind == Decimal:
			return decimalValue(new(big.Int).Neg(x.row.(*big.Int)), int(x.i)), nil
		case x.i == math.MinInt64:
			return Null, errOverflow
		}
		return BigintValue(-x.i), nil
	case *binary:
		return evalBinary(e, row)
	case *like:
		x, err := eval(e.x, row)
		if err != nil || x.IsNull() {
			return Null, err
		}
		return BooleanValue(e.match.match(x.s) != e.not), nil
	case *in:
		return evalIn(e, row)
	case *between:
		v, err := evalAll(row, e.x, e.lo, e.hi)
		if err != nil {
			return Null, err
		}
		low := truthOf(v[0], v[1], func(c int) bool { return c >= 0 })
		high := truthOf(v[0], v[2], func(c int) bool { return c <= 0 })
		return negated(min(low, high), e.not), nil
	case *isNull:
		x, err := eval(e.x, row)
		return BooleanValue(x.IsNull() != e.not), err
	case *caseOf:
		return evalCase(e, row)
	case *cast:
		x, err := eval(e.x, row)
		if err != nil || x.IsNull() {
			return Null, err
		}
		v, err := castValue(x, e.to)
		if err != nil && e.try {
			return Null, nil
		}
		return v, err
	case *call:
		return evalCall(e, row)
	}
	panic(fmt.Sprintf("sqlfront: eval of %T", e))
}

func evalAll(row Row, list ...expr) ([]Value, error) {
	out := make([]Value, len(list))
	for i, e := range list {
		v, err := eval(e, row)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

// evalLogic stops at the part that decides, as engines do.
func evalLogic(e *logic, row Row) (Value, error) {
	decides, out := False, True
	if e.or {
		decides, out = True, False
	}
	for _, a := range e.args {
		v, err := eval(a, row)
		if err != nil {
			return Null, err
		}
		switch truth(v) {
		case decides:
			return BooleanValue(decides == True), nil
		case Maybe:
			out = Maybe
		}
	}
	return negated(out, false), nil
}

// truth is a boolean value's.
func truth(v Value) Truth {
	switch {
	case v.IsNull():
		return Maybe
	case v.i != 0:
		return True
	}
	return False
}

// negated is t as a value, or its opposite.
func negated(t Truth, not bool) Value {
	switch {
	case t == Maybe:
		return Null
	case not:
		t = -t
	}
	return BooleanValue(t == True)
}

// truthOf compares; NULL on either side is neither true nor false.
func truthOf(a, b Value, holds func(int) bool) Truth {
	switch {
	case a.IsNull() || b.IsNull():
		return Maybe
	case holds(compare(a, b)):
		return True
	}
	return False
}

// compare orders two values of one kind; text by its bytes.
func compare(a, b Value) int {
	switch a.kind {
	case Varchar:
		return strings.Compare(a.s, b.s)
	case Decimal:
		scale := int(max(a.i, b.i))
		return rescale(a, scale).row.(*big.Int).Cmp(rescale(b, scale).row.(*big.Int))
	case Double:
		switch {
		case a.f < b.f:
			return -1
		case a.f > b.f:
			return 1
		}
		return 0
	}
	switch {
	case a.i < b.i:
		return -1
	case a.i > b.i:
		return 1
	}
	return 0
}

func evalIn(e *in, row Row) (Value, error) {
	x, err := eval(e.x, row)
	if err != nil {
		return Null, err
	}
	found := False
	for _, item := range e.list {
		v, err := eval(item, row)
		if err != nil {
			return Null, err
		}
		found = max(found, truthOf(x, v, func(c int) bool { return c == 0 }))
	}
	return negated(found, e.not), nil
}

func evalCase(e *caseOf, row Row) (Value, error) {
	var operand Value
	var err error
	if e.operand != nil {
		if operand, err = eval(e.operand, row); err != nil {
			return Null, err
		}
	}
	for _, w := range e.whens {
		v, err := eval(w.cond, row)
		if err != nil {
			return Null, err
		}
		holds := truth(v)
		if e.operand != nil {
			holds = truthOf(operand, v, func(c int) bool { return c == 0 })
		}
		if holds == True {
			return eval(w.then, row)
		}
	}
	if e.other != nil {
		return eval(e.other, row)
	}
	return Null, nil
}

func evalCall(e *call, row Row) (Value, error) {
	switch e.name {
	case "coalesce":
		for _, a := range e.args {
			if v, err := eval(a, row); err != nil || !v.IsNull() {
				return v, err
			}
		}
		return Null, nil
	case "if":
		c, err := eval(e.args[0], row)
		switch {
		case err != nil:
			return Null, err
		case truth(c) == True:
			return eval(e.args[1], row)
		case len(e.args) == 3:
			return eval(e.args[2], row)
		}
		return Null, nil
	}
	v, err := evalAll(row, e.args...)
	if err != nil {
		return Null, err
	}
	if e.name == "nullif" {
		if truthOf(v[0], v[1], func(c int) bool { return c == 0 }) == True {
			return Null, nil
		}
		return v[0], nil
	}
	for _, a := range v {
		if a.IsNull() {
			return Null, nil
		}
	}
	if e.fn.eval == nil {
		panic("sqlfront: eval of " + e.name + ", which has no value on one row")
	}
	return e.fn.eval(e, v)
}

func evalBinary(e *binary, row Row) (Value, error) {
	v, err := evalAll(row, e.l, e.r)
	if err != nil {
		return Null, err
	}
	a, b := v[0], v[1]
	switch e.op {
	case isDistinct, notDistinct:
		same := a.IsNull() && b.IsNull() || !a.IsNull() && !b.IsNull() && compare(a, b) == 0
		return BooleanValue(same == (e.op == notDistinct)), nil
	case "=":
		return negated(truthOf(a, b, func(c int) bool { return c == 0 }), false), nil
	case "<>":
		return negated(truthOf(a, b, func(c int) bool { return c != 0 }), false), nil
	case "<":
		return negated(truthOf(a, b, func(c int) bool { return c < 0 }), false), nil
	case "<=":
		return negated(truthOf(a, b, func(c int) bool { return c <= 0 }), false), nil
	case ">":
		return negated(truthOf(a, b, func(c int) bool { return c > 0 }), false), nil
	case ">=":
		return negated(truthOf(a, b, func(c int) bool { return c >= 0 }), false), nil
	}
	switch {
	case a.IsNull() || b.IsNull():
		return Null, nil
	case e.op == "||":
		return textValue(a.s + b.s)
	case a.kind == Timestamp || a.kind == Date:
		sign := int64(1)
		if e.op == "-" {
			sign = -1
		}
		if b.kind == MonthInterval {
			return moveTime(a, sign*b.i, 0)
		}
		return moveTime(a, 0, sign*b.i)
	case a.kind == Double:
		return evalDouble(e.op, a.f, b.f)
	case a.kind == Decimal:
		return evalDecimal(e.op, a, b, e.typ)
	}
	return evalBigint(e.op, a.i, b.i)
}

func evalDouble(op string, a, b float64) (Value, error) {
	r := 0.0
	switch op {
	case "+":
		r = a + b
	case "-":
		r = a - b
	case "*":
		r = a * b
	default:
		if b == 0 {
			return Null, errDivision
		}
		if r = a / b; op == "%" {
			r = math.Mod(a, b)
		}
	}
	return DoubleValue(r), nil
}

func evalBigint(op string, a, b int64) (Value, error) {
	switch op {
	case "+":
		if r := a + b; (r > a) == (b > 0) {
			return BigintValue(r), nil
		}
	case "-":
		if r := a - b; (r < a) == (b > 0) {
			return BigintValue(r), nil
		}
	case "*":
		if a == 0 || b == 0 {
			return BigintValue(0), nil
		}
		if r := a * b; r/b == a && !(a == -1 && b == math.MinInt64) && !(b == -1 && a == math.MinInt64) {
			return BigintValue(r), nil
		}
	default:
		switch {
		case b == 0:
			return Null, errDivision
		case a == math.MinInt64 && b == -1:
		case op == "/":
			return BigintValue(a / b), nil
		default:
			return BigintValue(a % b), nil
		}
	}
	return Null, errOverflow
}
