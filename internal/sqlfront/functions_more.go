package sqlfront

import (
	"errors"
	"math"
	"math/big"
	"strings"
)

var choiceFunctions = []function{
	{name: "coalesce", signature: "coalesce(x, y, …) → x", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 254); err != nil {
			return nil, err
		}
		return b.unify(c.args, "coalesce")
	}, duck: "coalesce($*)", nulls: true},
	{name: "nullif", signature: "nullif(x, y) → x", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		if err := b.comparable(c.args); err != nil {
			return nil, err
		}
		return c.args[0].info().typ, nil
	}, duck: "nullif($1, $2)", nulls: true},
	{name: "if", signature: "if(boolean, x [, y]) → x", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 3); err != nil {
			return nil, err
		}
		x, err := b.fit(c.args[0], booleanType, "if")
		if err != nil {
			return nil, err
		}
		c.args[0] = x
		return b.unify(c.args[1:], "if")
	}, duckFor: func(c *call) string {
		if len(c.args) == 2 {
			return "CASE WHEN $1 THEN $2 END"
		}
		return "CASE WHEN $1 THEN $2 ELSE $3 END"
	}, nulls: true},
	{name: "greatest", signature: "greatest(x, y, …) → x", bind: several, duckFor: func(c *call) string { return duckExtreme("greatest", len(c.args)) },
		differs: "DuckDB's leaves NULLs out", eval: func(_ *call, a []Value) (Value, error) { return extreme(a, 1), nil }},
	{name: "least", signature: "least(x, y, …) → x", bind: several, duckFor: func(c *call) string { return duckExtreme("least", len(c.args)) },
		differs: "DuckDB's leaves NULLs out", eval: func(_ *call, a []Value) (Value, error) { return extreme(a, -1), nil }},
}

func several(b *binder, c *call) (*Type, error) {
	if err := b.count(c, 2, 127); err != nil {
		return nil, err
	}
	err := b.comparable(c.args)
	return c.args[0].info().typ, err
}

func duckExtreme(name string, n int) string {
	var nulls []string
	for i := range n {
		nulls = append(nulls, placeholder(i)+" IS NULL")
	}
	return "CASE WHEN " + strings.Join(nulls, " OR ") + " THEN NULL ELSE " + name + "($*) END"
}

func extreme(a []Value, sign int) Value {
	best := a[0]
	for _, v := range a[1:] {
		if compare(v, best)*sign > 0 {
			best = v
		}
	}
	return best
}

var errOverflow = errors.New("the number does not fit a bigint")

var mathFunctions = []function{
	{name: "abs", signature: "abs(number) → number", bind: numeric, duck: "abs($1)", eval: func(_ *call, a []Value) (Value, error) {
		if a[0].kind == Decimal {
			return decimalValue(new(big.Int).Abs(a[0].row.(*big.Int)), int(a[0].i)), nil
		}
		if a[0].kind == Double {
			return DoubleValue(math.Abs(a[0].f)), nil
		}
		if a[0].i == math.MinInt64 {
			return Null, errOverflow
		}
		return BigintValue(max(a[0].i, -a[0].i)), nil
	}},
	{name: "floor", signature: "floor(number) → number", bind: whole, duckFor: onlyDouble("floor($1)"), differs: "DuckDB's floor of a bigint is a double", eval: rounding(math.Floor)},
	{name: "ceil", signature: "ceil(number) → number", bind: whole, duckFor: onlyDouble("ceil($1)"), differs: "DuckDB's ceil of a bigint is a double", eval: rounding(math.Ceil)},
	{name: "ceiling", signature: "ceiling(number) → number", bind: whole, duckFor: onlyDouble("ceil($1)"), differs: "DuckDB's ceil of a bigint is a double", eval: rounding(math.Ceil)},
	{name: "round", signature: "round(number [, digits]) → number", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 2); err != nil {
			return nil, err
		}
		if len(c.args) == 2 {
			if _, err := b.literalNumber(c, 1, "digits", 0, 15); err != nil {
				return nil, err
			}
		}
		one := *c
		one.args = c.args[:1]
		t, err := numeric(b, &one)
		if err == nil && t.Kind == Decimal {
			t = roundedDecimal(c, t)
		}
		return t, err
	}, duckFor: func(c *call) string {
		if len(c.args) == 2 {
			return onlyDouble("round($1, CAST($2 AS INTEGER))")(c)
		}
		return onlyDouble("round($1)")(c)
	}, eval: func(c *call, a []Value) (Value, error) {
		if a[0].kind == Decimal {
			digits := 0
			if len(a) == 2 {
				digits = int(a[1].i)
			}
			return rescale(rescale(a[0], min(digits, int(a[0].i))), c.typ.Scale), nil
		}
		if len(a) == 1 || a[0].kind == Bigint {
			return rounding(math.Round)(c, a)
		}
		scale := math.Pow10(int(a[1].i))
		r := math.Round(a[0].f*scale) / scale
		if math.IsInf(r, 0) || math.IsNaN(r) {
			r = a[0].f
		}
		return DoubleValue(r), nil
	}},
}

// whole is the bind of a function that makes whole numbers.
func whole(b *binder, c *call) (*Type, error) {
	t, err := numeric(b, c)
	if err == nil && t.Kind == Decimal {
		t = decimalType(min(maxDigits, t.Digits-t.Scale+min(t.Scale, 1)), 0)
	}
	return t, err
}

// roundedDecimal is the type of round of a decimal.
func roundedDecimal(c *call, t *Type) *Type {
	if len(c.args) == 1 {
		return decimalType(min(maxDigits, t.Digits-t.Scale+min(t.Scale, 1)), 0)
	}
	return decimalType(min(maxDigits, t.Digits+1), t.Scale)
}

func onlyDouble(template string) func(*call) string {
	return func(c *call) string {
		switch c.args[0].info().typ.Kind {
		case Bigint:
			return "$1"
		case Decimal:
			return "CAST(" + template + " AS $T)"
		}
		return template
	}
}

func rounding(f func(float64) float64) func(*call, []Value) (Value, error) {
	return func(_ *call, a []Value) (Value, error) {
		switch a[0].kind {
		case Bigint:
			return a[0], nil
		case Decimal:
			x, scale := a[0].row.(*big.Int), pow10(int(a[0].i))
			q, r := new(big.Int).QuoRem(x, scale, new(big.Int))
			if up := f(float64(r.Sign())*0.5) - math.Trunc(float64(r.Sign())*0.5); up != 0 {
				q.Add(q, big.NewInt(int64(up)))
			}
			return decimalValue(q, 0), nil
		}
		return DoubleValue(f(a[0].f)), nil
	}
}
