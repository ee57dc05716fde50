package sqlfront

import (
	"fmt"
	"math/big"
	"strconv"
	"strings"
)

// Coercions: what Trino does between numbers and between times; and what
// CloudTrail Lake does besides, only to literals: text for a time or a boolean,
// a boolean for text.

// fit makes e of type t, or says that what needs t cannot use it.
func (b *binder) fit(e expr, t *Type, what string) (expr, error) {
	from := e.info().typ
	at := node{e.info().at, t}
	l, constant := e.(*literal)
	switch {
	case sameType(from, t):
		return e, nil
	case from.Kind == Unknown && constant:
		return &literal{at, Null}, nil
	case from.Kind == Unknown:
		return e, nil
	case t.Kind == Double && from.Kind == Bigint:
		if constant {
			return &literal{at, DoubleValue(float64(l.v.i))}, nil
		}
		return &cast{at, e, t, false}, nil
	case t.Kind == Double && from.Kind == Decimal:
		if constant {
			f, _ := strconv.ParseFloat(decimalText(l.v), 64)
			return &literal{at, DoubleValue(f)}, nil
		}
		return &cast{at, e, t, false}, nil
	case t.Kind == Decimal && (from.Kind == Bigint || from.Kind == Decimal):
		return &cast{at, e, t, false}, nil
	case (t.Kind == Array || t.Kind == Map || t.Kind == Struct) && from.Kind == t.Kind:
		if _, ok := commonType(from, t); ok {
			return &cast{at, e, t, false}, nil
		}
	case t.Kind == Timestamp && from.Kind == Zoned: // the instant
		zone := &literal{node{at.at, varcharType}, VarcharValue("UTC")}
		return &call{node: at, name: "at_timezone", args: []expr{e, zone}, fn: functions["at_timezone"]}, nil
	case t.Kind == Timestamp && from.Kind == Date:
		if constant {
			return &literal{at, Value{kind: Timestamp, i: l.v.i * microsPerDay}}, nil
		}
		return &cast{at, e, t, false}, nil
	case constant && b.bending[l] && (t.Kind == Bigint || t.Kind == Double || t.Kind == Decimal || t.Kind == Timestamp):
		return b.read(l, t, what)
	case constant && from.Kind == Varchar && (t.Kind == Timestamp || t.Kind == Date):
		micros, ok := readTime(l.v.s)
		if !ok || t.Kind == Date && micros%microsPerDay != 0 {
			return nil, b.src.fail(e.info().at, "'"+shorten(l.v.s)+"'", "expected a time", timeHint)
		}
		if t.Kind == Date {
			return &literal{at, dateValue(micros / microsPerDay)}, nil
		}
		return &literal{at, Value{kind: Timestamp, i: micros}}, nil
	case constant && from.Kind == Varchar && t.Kind == Boolean:
		if s := strings.ToLower(l.v.s); s == "true" || s == "false" {
			return &literal{at, BooleanValue(s == "true")}, nil
		}
		return nil, b.src.fail(e.info().at, "'"+shorten(l.v.s)+"'", what+" needs true or false", "")
	case constant && from.Kind == Boolean && t.Kind == Varchar:
		return &literal{at, VarcharValue(strconv.FormatBool(l.v.i != 0))}, nil
	}
	return nil, b.fail(e, fmt.Sprintf("%s needs a %s, this is %s", what, t.Kind, article(from.Kind)), fitHint(e, t))
}

// sameType says whether values of both are made alike, so that nothing has to
// be done to them.
func sameType(a, b *Type) bool {
	if a.Kind != b.Kind {
		return false
	}
	switch a.Kind {
	case Array:
		return sameType(a.Elem, b.Elem)
	case Map:
		return sameType(a.Key, b.Key) && sameType(a.Elem, b.Elem)
	case Decimal:
		return a.Digits == b.Digits && a.Scale == b.Scale
	case Zoned:
		return a.Zone == b.Zone
	case Struct:
		if len(a.Fields) != len(b.Fields) {
			return false
		}
		for i := range a.Fields {
			if !strings.EqualFold(a.Fields[i].Name, b.Fields[i].Name) || !sameType(a.Fields[i].Type, b.Fields[i].Type) {
				return false
			}
		}
	}
	return true
}

// commonType is the type that values of both can take without a cast in the
// statement.
func commonType(a, b *Type) (*Type, bool) {
	switch {
	case sameType(a, b), b.Kind == Unknown:
		return a, true
	case a.Kind == Unknown:
		return b, true
	case a.Kind == b.Kind:
		switch a.Kind {
		case Decimal:
			return widerDecimal(a, b), true
		case Zoned:
			return timestampType, true
		case Array:
			elem, ok := commonType(a.Elem, b.Elem)
			return &Type{Kind: Array, Elem: elem}, ok
		case Map:
			key, ok := commonType(a.Key, b.Key)
			elem, also := commonType(a.Elem, b.Elem)
			return &Type{Kind: Map, Key: key, Elem: elem}, ok && also
		case Struct:
			if len(a.Fields) != len(b.Fields) {
				return nil, false
			}
			t := &Type{Kind: Struct}
			for i := range a.Fields {
				ft, ok := commonType(a.Fields[i].Type, b.Fields[i].Type)
				if !ok {
					return nil, false
				}
				name := a.Fields[i].Name
				if !strings.EqualFold(name, b.Fields[i].Name) {
					name = ""
				}
				t.Fields = append(t.Fields, Field{Name: name, Type: ft})
			}
			return t, true
		}
		return a, true
	}
	wider := func(narrow, wide Kind) bool {
		return a.Kind == narrow && b.Kind == wide || a.Kind == wide && b.Kind == narrow
	}
	switch {
	case wider(Bigint, Double), wider(Decimal, Double):
		return doubleType, true
	case wider(Bigint, Decimal):
		if a.Kind == Bigint {
			return widerDecimal(bigintDecimal, b), true
		}
		return widerDecimal(a, bigintDecimal), true
	case wider(Date, Timestamp), wider(Zoned, Timestamp), wider(Date, Zoned):
		return timestampType, true
	}
	return nil, false
}

func article(k Kind) string {
	if k == Array || strings.HasPrefix(k.String(), "interval") {
		return "an " + k.String()
	}
	return "a " + k.String()
}

func fitHint(e expr, t *Type) string {
	switch from := e.info().typ.Kind; {
	case t.Kind == Varchar && from == Bigint:
		if _, constant := e.(*literal); constant {
			return "put it between single quotes"
		}
		return "CAST(… AS varchar)"
	case t.Kind == Varchar && from == Struct:
		return "name one of its fields: " + strings.Join(fieldNames(e.info().typ.Fields), ", ")
	case t.Kind == Varchar && from == JSON:
		return "use json_extract_scalar, or json_format"
	case t.Kind == Varchar && (from == Timestamp || from == Date || from == Boolean):
		return "CAST(… AS varchar)"
	case t.Kind == Timestamp && from == Varchar:
		return "from_iso8601_timestamp(…) reads a time"
	case t.Kind == Bigint && from == Varchar:
		if _, constant := e.(*literal); constant {
			return "a number has no quotes"
		}
		return "CAST(… AS bigint)"
	}
	return ""
}

// unify makes the expressions one type, in place.
func (b *binder) unify(list []expr, what string) (*Type, error) {
	// Text and booleans that are literals bend to what the others are.
	bends := func(e expr) bool {
		_, constant := e.(*literal)
		k := e.info().typ.Kind
		return constant && (k == Varchar || k == Boolean)
	}
	t := unknownType
	for _, e := range list {
		if bends(e) {
			continue
		}
		if common, ok := commonType(t, e.info().typ); ok {
			t = common
		} else if t.Kind == Bigint || t.Kind == Date {
			t = e.info().typ
		}
	}
	if t.Kind == Unknown {
		for _, e := range list {
			if k := e.info().typ.Kind; bends(e) && (t.Kind == Unknown || k == Boolean) {
				t = e.info().typ
			}
		}
	}
	for i, e := range list {
		x, err := b.fit(e, t, what)
		if err != nil {
			return nil, err
		}
		list[i] = x
	}
	return t, nil
}

// comparable unifies what is compared with = and its like, in place.
func (b *binder) comparable(list []expr) error {
	kind := list[0].info().typ.Kind
	for _, e := range list {
		hint := ""
		switch t := e.info().typ; t.Kind {
		case JSON:
			hint = "compare json_extract_scalar(…)"
		case Struct:
			if kind == Struct {
				continue
			}
			if hint = "compare one of its fields: " + strings.Join(fieldNames(t.Fields), ", "); t.Fields[0].Name == "" {
				hint = ""
			}
		case Array, Map:
			if kind == t.Kind || kind == Unknown {
				continue
			}
		case DayInterval, MonthInterval:
			if kind == t.Kind {
				continue
			}
		case Lambda:
			return b.fail(e, "a lambda is no value", "")
		default:
			if kind != Struct && kind != Array && kind != Map {
				continue
			}
			e = list[0]
			if k := e.info().typ.Kind; k == Struct {
				hint = "compare one of its fields: " + strings.Join(fieldNames(e.info().typ.Fields), ", ")
			}
			if t.Kind == Unknown {
				continue
			}
		}
		return b.fail(e, "cannot compare "+article(e.info().typ.Kind), hint)
	}
	_, err := b.unify(list, "the comparison")
	return err
}

func (b *binder) binary(e *binary) (expr, error) {
	args, err := b.exprs([]expr{e.l, e.r})
	if err != nil {
		return nil, err
	}
	typ := booleanType
	switch e.op {
	case "||":
		if l, r := args[0].info().typ, args[1].info().typ; l.Kind == Array || r.Kind == Array {
			return b.joinLists(e, args)
		}
		typ = varcharType
		for i := range args {
			if args[i], err = b.fit(args[i], varcharType, "||"); err != nil {
				return nil, err
			}
		}
	case "+", "-", "*", "/", "%":
		if typ, err = b.arithmetic(e, args); err != nil {
			return nil, err
		}
	default:
		if err := b.comparable(args); err != nil {
			return nil, err
		}
	}
	return &binary{node{e.at, typ}, e.op, args[0], args[1]}, nil
}

func (b *binder) arithmetic(e *binary, args []expr) (*Type, error) {
	l, r := args[0].info().typ.Kind, args[1].info().typ.Kind
	if e.op == "+" && (l == DayInterval || l == MonthInterval) {
		args[0], args[1] = args[1], args[0]
		l, r = r, l
	}
	if (e.op == "+" || e.op == "-") && (r == DayInterval || r == MonthInterval) && (l == Timestamp || l == Date || l == Zoned) {
		if i, ok := args[1].(*literal); l == Date && r == DayInterval && (!ok || i.v.i%microsPerDay != 0) {
			return nil, b.fail(e, "a date moves by whole days", "use a timestamp")
		}
		return args[0].info().typ, nil
	}
	if (l == DayInterval || l == MonthInterval) && l == r && (e.op == "+" || e.op == "-") {
		return args[0].info().typ, nil
	}
	if e.op == "-" && (l == Timestamp || l == Zoned) && (r == Timestamp || r == Zoned) || e.op == "-" && l == Date && r == Date {
		_, err := b.unify(args, "-")
		return daysType, err
	}
	for _, x := range args {
		switch k := x.info().typ.Kind; k {
		case Bigint, Double, Decimal, Unknown:
		case Timestamp, Date:
			return nil, b.fail(x, e.op+" between a time and "+article(args[1].info().typ.Kind)+" is not supported", "use date_diff('second', a, b), or an interval: - INTERVAL '7' DAY")
		case Varchar:
			if e.op == "+" {
				return nil, b.fail(x, "+ needs numbers, this is a varchar", "text is joined with ||")
			}
			return nil, b.fail(x, e.op+" needs numbers, this is a varchar", "CAST(… AS bigint)")
		default:
			return nil, b.fail(x, e.op+" needs numbers, this is "+article(k), "")
		}
	}
	var t *Type
	if l, r := args[0].info().typ, args[1].info().typ; (l.Kind == Decimal || r.Kind == Decimal) && l.Kind != Double && r.Kind != Double && l.Kind != Unknown && r.Kind != Unknown {
		for i := range args {
			if args[i].info().typ.Kind == Bigint {
				args[i] = asDecimal(args[i])
			}
		}
		t = decimalResult(e.op, args[0].info().typ, args[1].info().typ)
		if t.Scale > maxDigits {
			return nil, b.fail(e, "the result has more than 38 digits after the point", "CAST one side AS double")
		}
	} else {
		var err error
		if t, err = b.unify(args, e.op); err != nil {
			return nil, err
		}
	}
	if t.Kind == Unknown {
		t = bigintType
	}
	if d, ok := args[1].(*literal); ok && (e.op == "/" || e.op == "%") && isZero(d.v) && b.trying == 0 {
		return nil, b.fail(args[1], "this divides by zero", "")
	}
	return t, nil
}

func isZero(v Value) bool {
	switch v.kind {
	case Bigint:
		return v.i == 0
	case Double:
		return v.f == 0
	case Decimal:
		return v.row.(*big.Int).Sign() == 0
	}
	return false
}

// asDecimal is a bigint as a decimal; a literal has the digits it is written
// with.
func asDecimal(e expr) expr {
	if l, ok := e.(*literal); ok && l.v.kind == Bigint {
		v := decimalValue(big.NewInt(l.v.i), 0)
		out := &literal{node{at: l.at}, v}
		out.typ = literalType(out)
		return out
	}
	return &cast{node{e.info().at, bigintDecimal}, e, bigintDecimal, false}
}

// joinLists is || between lists, or a list and an element.
func (b *binder) joinLists(e *binary, args []expr) (expr, error) {
	for i := range args {
		if args[i].info().typ.Kind != Array {
			t := args[i].info().typ
			args[i] = &arrayOf{node{args[i].info().at, &Type{Kind: Array, Elem: t}}, []expr{args[i]}}
		}
	}
	t, err := b.unify(args, "||")
	return &binary{node{e.at, t}, e.op, args[0], args[1]}, err
}
