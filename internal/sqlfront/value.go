package sqlfront

import (
	"strconv"
	"time"
)

// Kind is the kind of a type or value.
type Kind uint8

// The kinds, which are Trino's types as far as this front end knows them.
// Every integer is a bigint.
const (
	Unknown Kind = iota // NULL of no type yet
	Boolean
	Bigint
	Double
	Varchar
	Timestamp // microseconds, UTC
	Date
	DayInterval   // interval day to second
	MonthInterval // interval year to month
	JSON
	Struct
	Array
	Map
	Decimal
	Varbinary
	Zoned  // timestamp with a time zone that is not UTC, from AT TIME ZONE
	Lambda // a function given to a function
)

var kindNames = [...]string{"unknown", "boolean", "bigint", "double", "varchar", "timestamp", "date",
	"interval day to second", "interval year to month", "json", "row", "array", "map", "decimal", "varbinary", "timestamp with time zone", "lambda"}

// String is Trino's name of the kind.
func (k Kind) String() string { return kindNames[k] }

// Type is a kind with what is inside it.
type Type struct {
	Kind   Kind
	Fields []Field // of a row
	Elem   *Type   // of an array, or of a map's values
	Key    *Type   // of a map
	Length int     // of a varchar in a cast; 0 is any
	Digits int     // of a decimal
	Scale  int     // of a decimal: digits after the point
	Zone   string  // of a Zoned
}

// Field is a column, or a field of a row.
type Field struct {
	Name   string
	Type   *Type
	Hidden bool // * leaves it out
}

var (
	unknownType   = &Type{Kind: Unknown}
	booleanType   = &Type{Kind: Boolean}
	bigintType    = &Type{Kind: Bigint}
	doubleType    = &Type{Kind: Double}
	varcharType   = &Type{Kind: Varchar}
	timestampType = &Type{Kind: Timestamp}
	dateType      = &Type{Kind: Date}
	daysType      = &Type{Kind: DayInterval}
	monthsType    = &Type{Kind: MonthInterval}
	jsonType      = &Type{Kind: JSON}
	varbinaryType = &Type{Kind: Varbinary}
)

// Value is a value of a column or an expression; its zero value is NULL.
type Value struct {
	kind Kind // Unknown is NULL
	i    int64
	f    float64
	s    string
	// row holds a *UserIdentity, *SessionContext, … or a *Resource, and of a
	// decimal the *big.Int without the point, which is i digits from the right;
	// list holds the elements of an array.
	row  any
	list []Value
}

// Null is NULL.
var Null Value

// Values of each kind.
func VarcharValue(s string) Value { return Value{kind: Varchar, s: s} }
func BigintValue(i int64) Value   { return Value{kind: Bigint, i: i} }
func DoubleValue(f float64) Value { return Value{kind: Double, f: f} }
func BooleanValue(b bool) Value {
	if b {
		return Value{kind: Boolean, i: 1}
	}
	return Value{kind: Boolean}
}
func TimestampValue(t time.Time) Value { return Value{kind: Timestamp, i: t.UnixMicro()} }

// dateValue is the day that lies days after 1970-01-01.
func dateValue(days int64) Value { return Value{kind: Date, i: days} }

// IsNull says whether v is NULL.
func (v Value) IsNull() bool { return v.kind == Unknown }

// Kind is the value's kind, Unknown for NULL.
func (v Value) Kind() Kind { return v.kind }

// Time is the instant of a timestamp or date.
func (v Value) Time() time.Time {
	if v.kind == Date {
		return time.Unix(v.i*86400, 0).UTC()
	}
	return time.UnixMicro(v.i).UTC()
}

// String is the value as CAST(… AS varchar) gives it; NULL, rows and arrays
// are empty.
func (v Value) String() string {
	switch v.kind {
	case Boolean:
		return strconv.FormatBool(v.i != 0)
	case Bigint:
		return strconv.FormatInt(v.i, 10)
	case Double:
		return strconv.FormatFloat(v.f, 'g', -1, 64)
	case Decimal:
		return decimalText(v)
	case Timestamp:
		return v.Time().Format(timestampLayout)
	case Date:
		return v.Time().Format(time.DateOnly)
	case Varchar, JSON:
		return v.s
	}
	return ""
}

// Any is the value as a Go value: nil, bool, int64, float64, string or
// time.Time.
func (v Value) Any() any {
	switch v.kind {
	case Boolean:
		return v.i != 0
	case Bigint:
		return v.i
	case Double:
		return v.f
	case Decimal:
		f, _ := strconv.ParseFloat(decimalText(v), 64)
		return f
	case Timestamp, Date:
		return v.Time()
	case Varchar, JSON:
		return v.s
	}
	return nil
}

// Truth is SQL's three-valued truth. Only True lets a row through a WHERE.
type Truth int8

// The three.
const (
	False Truth = -1
	Maybe Truth = 0 // NULL: unknown
	True  Truth = 1
)

// String is TRUE, FALSE or NULL.
func (t Truth) String() string {
	switch t {
	case True:
		return "TRUE"
	case False:
		return "FALSE"
	}
	return "NULL"
}
