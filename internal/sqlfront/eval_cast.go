package sqlfront

import (
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
)

// What text a cast takes; the engines' text of a cast holds the same patterns.
const (
	bigintText     = `\A[\x00- ]*([+-]?[0-9]+)[\x00- ]*\z`
	doubleText     = `\A[\x00- ]*([+-]?(?:NaN|Infinity|(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?))[dDfF]?[\x00- ]*\z`
	booleanText    = `\A([tT]|[fF]|[tT][rR][uU][eE]|[fF][aA][lL][sS][eE]|0|1)\z`
	decimalPattern = `\A([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+))\z`
	timestampText  = `\A[\x00- ]*([0-9]{4}-[0-9]{2}-[0-9]{2}(?:[ T](?:[01][0-9]|2[0-3]):[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?Z?)?)[\x00- ]*\z`
	dateText       = `\A[\x00- ]*([0-9]{4}-[0-9]{2}-[0-9]{2})[\x00- ]*\z`
)

var (
	bigintRE    = regexp.MustCompile(bigintText)
	doubleRE    = regexp.MustCompile(doubleText)
	booleanRE   = regexp.MustCompile(booleanText)
	timestampRE = regexp.MustCompile(timestampText)
	dateRE      = regexp.MustCompile(dateText)
)

func castValue(v Value, t *Type) (Value, error) {
	to := t.Kind
	switch {
	case v.kind == Decimal || to == Decimal:
		return castDecimal(v, t)
	case to == Varchar && t.Length > 0:
		text := []rune(v.String())
		if v.kind != Varchar && len(text) > t.Length {
			return Null, fmt.Errorf("'%s' does not fit varchar(%d)", shorten(v.String()), t.Length)
		}
		return VarcharValue(string(text[:min(len(text), t.Length)])), nil
	case v.kind == Varchar:
		return castText(v.s, to)
	case to == Varchar:
		return VarcharValue(v.String()), nil
	case to == Boolean:
		return BooleanValue(v.i != 0), nil
	case to == Double:
		return DoubleValue(float64(v.i)), nil
	case to == Bigint && v.kind == Double:
		r := math.Round(v.f)
		if !(r >= -1<<63 && r < 1<<63) {
			return Null, errOverflow
		}
		return BigintValue(int64(r)), nil
	case to == Bigint:
		return BigintValue(v.i), nil
	case to == Timestamp:
		return Value{kind: Timestamp, i: v.i * microsPerDay}, nil
	case to == Date:
		days := v.i / microsPerDay
		if v.i%microsPerDay < 0 {
			days--
		}
		return dateValue(days), nil
	}
	panic(fmt.Sprintf("sqlfront: cast of %s to %s", v.kind, to))
}

// castDecimal casts from and to decimals.
func castDecimal(v Value, t *Type) (Value, error) {
	switch {
	case t.Kind == Decimal && v.kind == Varchar:
		d, _, ok := readDecimal(v.s)
		if !ok {
			return Null, fmt.Errorf("cannot cast '%s' to decimal", shorten(v.s))
		}
		return checkDigits(rescale(d, t.Scale), t)
	case t.Kind == Decimal && v.kind == Double:
		d, _, ok := readDecimal(strconv.FormatFloat(v.f, 'f', t.Scale, 64))
		if !ok {
			return Null, errDigits
		}
		return checkDigits(rescale(d, t.Scale), t)
	case t.Kind == Decimal && v.kind == Decimal:
		return checkDigits(rescale(v, t.Scale), t)
	case t.Kind == Decimal:
		return checkDigits(rescale(decimalValue(big.NewInt(v.i), 0), t.Scale), t)
	case t.Kind == Varchar:
		return VarcharValue(decimalText(v)), nil
	case t.Kind == Double:
		f, err := strconv.ParseFloat(decimalText(v), 64)
		return DoubleValue(f), err
	case t.Kind == Boolean:
		return BooleanValue(v.row.(*big.Int).Sign() != 0), nil
	}
	n := rescale(v, 0).row.(*big.Int)
	if !n.IsInt64() {
		return Null, errOverflow
	}
	return BigintValue(n.Int64()), nil
}

func castText(s string, to Kind) (Value, error) {
	wrong := fmt.Errorf("cannot cast '%s' to %s", shorten(s), to)
	m := map[Kind]*regexp.Regexp{Bigint: bigintRE, Double: doubleRE, Boolean: booleanRE, Timestamp: timestampRE, Date: dateRE}[to].FindStringSubmatch(s)
	if m == nil {
		return Null, wrong
	}
	switch s := m[1]; to {
	case Bigint:
		if i, err := strconv.ParseInt(s, 10, 64); err == nil {
			return BigintValue(i), nil
		}
	case Double:
		if f, err := strconv.ParseFloat(s, 64); err == nil || math.IsInf(f, 0) {
			return DoubleValue(f), nil
		}
	case Boolean:
		return BooleanValue(strings.ContainsAny(s[:1], "tT1")), nil
	case Timestamp:
		if i, ok := readTime(s); ok {
			return Value{kind: Timestamp, i: i}, nil
		}
	case Date:
		if i, ok := readTime(s); ok {
			return dateValue(i / microsPerDay), nil // whole days: exact
		}
	}
	return Null, wrong
}
