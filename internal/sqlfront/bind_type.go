package sqlfront

import (
	"fmt"
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
	case from.Kind == t.Kind:
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
	case t.Kind == Timestamp && from.Kind == Date:
		if constant {
			return &literal{at, Value{kind: Timestamp, i: l.v.i * microsPerDay}}, nil
		}
		return &cast{at, e, t, false}, nil
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
	t := unknownType
	rank := func(e expr) int { // who decides: columns before literals, wider before narrower
		k := e.info().typ.Kind
		_, constant := e.(*literal)
		switch {
		case k == Unknown:
			return 0
		case constant && (k == Varchar || k == Boolean):
			return 1
		case k == Bigint || k == Date:
			return 2
		}
		return 3
	}
	best := 0
	for _, e := range list {
		if r := rank(e); r > best || r == 1 && best == 1 && e.info().typ.Kind == Boolean {
			best, t = max(r, best), e.info().typ
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
	for _, e := range list {
		hint := ""
		switch t := e.info().typ; t.Kind {
		case JSON:
			hint = "compare json_extract_scalar(…)"
		case Struct:
			hint = "compare one of its fields: " + strings.Join(fieldNames(t.Fields), ", ")
		case Array, DayInterval, MonthInterval:
		default:
			continue
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
	if (e.op == "+" || e.op == "-") && (r == DayInterval || r == MonthInterval) && (l == Timestamp || l == Date) {
		if i, ok := args[1].(*literal); l == Date && r == DayInterval && (!ok || i.v.i%microsPerDay != 0) {
			return nil, b.fail(e, "a date moves by whole days", "use a timestamp")
		}
		return args[0].info().typ, nil
	}
	for _, x := range args {
		switch k := x.info().typ.Kind; k {
		case Bigint, Double, Unknown:
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
	t, err := b.unify(args, e.op)
	if err != nil {
		return nil, err
	}
	if t.Kind == Unknown {
		t = bigintType
	}
	if d, ok := args[1].(*literal); ok && (e.op == "/" || e.op == "%") && (d.v.kind == Bigint && d.v.i == 0 || d.v.kind == Double && d.v.f == 0) {
		return nil, b.fail(args[1], "this divides by zero", "")
	}
	return t, nil
}

// casts lists what may be cast to what.
var casts = map[Kind][]Kind{
	Varchar:   {Bigint, Double, Boolean, Timestamp, Date},
	Bigint:    {Varchar, Double, Boolean},
	Double:    {Bigint},
	Boolean:   {Varchar, Bigint},
	Timestamp: {Varchar, Date},
	Date:      {Varchar, Timestamp},
}

func (b *binder) cast(e *cast) (expr, error) {
	x, err := b.expr(e.x)
	if err != nil {
		return nil, err
	}
	return b.castTo(x, e)
}

// castTo is the cast e of x, which is bound; a cast to the type it has is none.
func (b *binder) castTo(x expr, e *cast) (expr, error) {
	from := x.info().typ.Kind
	if from == e.to.Kind {
		return x, nil
	}
	ok := from == Unknown
	for _, to := range casts[from] {
		ok = ok || to == e.to.Kind
	}
	if !ok {
		hint := ""
		switch {
		case from == JSON:
			hint = "use json_extract_scalar, or json_format"
		case from == Struct:
			hint = "cast one of its fields"
		case from == Double:
			hint = "round it: CAST(x AS bigint)"
		}
		return nil, b.fail(e, fmt.Sprintf("cannot cast %s to %s", article(from), e.to.Kind), hint)
	}
	return &cast{node{e.at, e.to}, x, e.to, e.try}, nil
}
