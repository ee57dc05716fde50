package sqlfront

import (
	"errors"
	"math/big"
	"strings"
)

// Decimals are Trino's: up to 38 digits, rounded half away from zero.

const maxDigits = 38

var errDigits = errors.New("the number has more than 38 digits")

func decimalType(digits, scale int) *Type { return &Type{Kind: Decimal, Digits: digits, Scale: scale} }

// bigintDecimal is what a bigint is among decimals.
var bigintDecimal = decimalType(19, 0)

// decimalValue is n with scale digits after the point.
func decimalValue(n *big.Int, scale int) Value { return Value{kind: Decimal, i: int64(scale), row: n} }

func pow10(n int) *big.Int { return new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(n)), nil) }

// readDecimal reads digits with a point among them.
func readDecimal(s string) (Value, *Type, bool) {
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = strings.Trim(s[:1], "+"), s[1:]
	}
	whole, part, _ := strings.Cut(s, ".")
	digits := strings.TrimLeft(whole, "0") + part
	if whole+part == "" || strings.Trim(whole+part, "0123456789") != "" || len(digits) > maxDigits {
		return Null, nil, false
	}
	n, _ := new(big.Int).SetString(sign+"0"+digits, 10)
	return decimalValue(n, len(part)), decimalType(max(len(digits), 1), len(part)), true
}

func decimalText(v Value) string {
	n, scale := v.row.(*big.Int), int(v.i)
	s := new(big.Int).Abs(n).String()
	if scale > 0 {
		if len(s) <= scale {
			s = strings.Repeat("0", scale+1-len(s)) + s
		}
		s = s[:len(s)-scale] + "." + s[len(s)-scale:]
	}
	if n.Sign() < 0 {
		s = "-" + s
	}
	return s
}

// rescale is v with another number of digits after the point.
func rescale(v Value, scale int) Value {
	n, from := v.row.(*big.Int), int(v.i)
	if scale >= from {
		return decimalValue(new(big.Int).Mul(n, pow10(scale-from)), scale)
	}
	return decimalValue(divideRounded(n, pow10(from-scale)), scale)
}

// divideRounded is a/b, halves away from zero.
func divideRounded(a, b *big.Int) *big.Int {
	q, r := new(big.Int).QuoRem(a, b, new(big.Int))
	if new(big.Int).Mul(new(big.Int).Abs(r), big.NewInt(2)).Cmp(new(big.Int).Abs(b)) >= 0 {
		q.Add(q, big.NewInt(int64(a.Sign()*b.Sign())))
	}
	return q
}

// decimalResult is the type of l op r, as Trino has it.
func decimalResult(op string, l, r *Type) *Type {
	p1, s1, p2, s2 := l.Digits, l.Scale, r.Digits, r.Scale
	switch op {
	case "*":
		return decimalType(min(maxDigits, p1+p2), s1+s2)
	case "/":
		return decimalType(min(maxDigits, p1+s2+max(0, s2-s1)), max(s1, s2))
	case "%":
		s := max(s1, s2)
		return decimalType(min(maxDigits, min(p2-s2, p1-s1)+s), s)
	}
	s := max(s1, s2)
	return decimalType(min(maxDigits, max(p1-s1, p2-s2)+s+1), s)
}

// widerDecimal is the type that holds both.
func widerDecimal(l, r *Type) *Type {
	s := max(l.Scale, r.Scale)
	return decimalType(min(maxDigits, max(l.Digits-l.Scale, r.Digits-r.Scale)+s), s)
}

// checkDigits is v if it has no more digits than t.
func checkDigits(v Value, t *Type) (Value, error) {
	if new(big.Int).Abs(v.row.(*big.Int)).Cmp(pow10(t.Digits)) >= 0 {
		return Null, errDigits
	}
	return v, nil
}

func evalDecimal(op string, a, b Value, t *Type) (Value, error) {
	x, y := a.row.(*big.Int), b.row.(*big.Int)
	if (op == "/" || op == "%") && y.Sign() == 0 {
		return Null, errDivision
	}
	switch op {
	case "*":
		return checkDigits(decimalValue(new(big.Int).Mul(x, y), t.Scale), t)
	case "/":
		n := new(big.Int).Mul(x, pow10(t.Scale+int(b.i)-int(a.i)))
		return checkDigits(decimalValue(divideRounded(n, y), t.Scale), t)
	}
	x, y = rescale(a, t.Scale).row.(*big.Int), rescale(b, t.Scale).row.(*big.Int)
	r := new(big.Int)
	switch op {
	case "+":
		r.Add(x, y)
	case "-":
		r.Sub(x, y)
	default:
		r.Rem(x, y)
	}
	return checkDigits(decimalValue(r, t.Scale), t)
}
