package sqlfront

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// isoTime is what from_iso8601_timestamp takes of a column; a literal may have
// an offset, too, because it is read here.
const isoTime = `\A[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?Z?)?\z`

var isoTimeRE = regexp.MustCompile(isoTime)

var (
	errNotTime   = errors.New("the text is not a time")
	errTimeRange = errors.New("the time is out of range")
)

// The years that every engine reads and writes alike.
var (
	earliest = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	latest   = time.Date(9999, 12, 31, 23, 59, 59, 999_999_000, time.UTC).UnixMicro()
)

var truncUnits = []string{"second", "minute", "hour", "day", "week", "month", "quarter", "year"}

// Units by which times, and dates, are moved; a date is cut to the same.
var (
	addUnits  = append([]string{"millisecond"}, truncUnits...)
	dateUnits = []string{"day", "week", "month", "quarter", "year"}
)

// monthsOf are the units that are months.
var monthsOf = map[string]int64{"month": 1, "quarter": 3, "year": 12}

// diffMicros are the units that are microseconds.
var diffMicros = map[string]int64{"millisecond": 1000, "second": microsPerSecond, "minute": 60 * microsPerSecond,
	"hour": 3600 * microsPerSecond, "day": microsPerDay, "week": 7 * microsPerDay}

var timeFunctions = []function{
	{name: "now", signature: "now() → timestamp", bind: func(b *binder, c *call) (*Type, error) { return timestampType, b.count(c, 0, 0) },
		duck: "$now", trino: "now()", differs: "a timestamp without a zone, in UTC; the time of the evaluation where there is one"},
	{name: "date", signature: "date(timestamp) → date", bind: func(b *binder, c *call) (*Type, error) { return dateType, b.count(c, 1, 1) }, duck: "CAST($1 AS DATE)", trino: "CAST($1 AS date)",
		rewrite: func(b *binder, c *call) (expr, error) {
			return b.castTo(c.args[0], &cast{node: c.node, to: dateType})
		}, nulls: true},
	{name: "from_iso8601_timestamp", signature: "from_iso8601_timestamp(varchar) → timestamp", bind: takes(timestampType, 0, varcharType),
		rewrite: func(b *binder, c *call) (expr, error) {
			if l, ok := c.args[0].(*literal); ok && l.v.kind == Varchar {
				return b.fit(l, timestampType, c.name)
			}
			return c, nil
		},
		duck:    "CAST(regexp_extract($1, '" + isoTime + "') AS TIMESTAMP)",
		differs: "a column's text has to end in Z or have no zone; DuckDB's cast would ignore an offset",
		eval: func(_ *call, a []Value) (Value, error) {
			if !isoTimeRE.MatchString(a[0].s) {
				return Null, errNotTime
			}
			return castText(a[0].s, Timestamp)
		}},
	{name: "to_iso8601", signature: "to_iso8601(timestamp) → varchar", bind: func(b *binder, c *call) (*Type, error) {
		if len(c.args) == 1 && c.args[0].info().typ.Kind == Date {
			return varcharType, b.count(c, 1, 1)
		}
		return takes(varcharType, 0, timestampType)(b, c)
	}, duckFor: func(c *call) string {
		if c.args[0].info().typ.Kind == Date {
			return "CAST($1 AS VARCHAR)"
		}
		return "strftime($1, '%Y-%m-%dT%H:%M:%S.%f')"
	}, trino: "to_iso8601($us)", eval: func(_ *call, a []Value) (Value, error) {
		if a[0].kind == Date {
			return VarcharValue(a[0].String()), nil
		}
		return VarcharValue(a[0].Time().Format("2006-01-02T15:04:05.000000")), nil
	}},
	{name: "date_trunc", signature: "date_trunc('unit', timestamp) → timestamp", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		if c.args[1].info().typ.Kind == Date {
			_, err := b.unit(c, dateUnits...)
			return dateType, err
		}
		if _, err := b.unit(c, truncUnits...); err != nil {
			return nil, err
		}
		return b.wallArg(c, 1)
	}, duckFor: func(c *call) string {
		if c.typ.Kind == Date {
			return "CAST(date_trunc($1, $2) AS DATE)"
		}
		return "(date_trunc($1, $2) + to_microseconds(0))"
	}, differs: "without the sum DuckDB 1.5 compares a NULL with a constant as FALSE, not NULL", eval: func(_ *call, a []Value) (Value, error) {
		t := TimestampValue(truncTime(a[0].s, a[1].Time()))
		if a[1].kind == Date {
			return castValue(t, dateType)
		}
		return t, nil
	}},
	{name: "date_diff", signature: "date_diff('unit', timestamp, timestamp) → bigint", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 3, 3); err != nil {
			return nil, err
		}
		if _, err := b.unit(c, "millisecond", "second", "minute", "hour", "day", "week", "month", "quarter", "year"); err != nil {
			return nil, err
		}
		if err := b.timeArg(c, 1); err != nil {
			return nil, err
		}
		return bigintType, b.timeArg(c, 2)
	}, duckFor: func(c *call) string {
		n := monthsOf[c.args[0].(*literal).v.s]
		if n == 0 {
			return "date_sub($1, $2, $3)"
		}
		return "(CASE WHEN $2 <= $3 THEN 1 WHEN $2 > $3 THEN -1 END * list_transform([{'a': least($2, $3), 'b': greatest($2, $3), 'n': date_diff('month', least($2, $3), greatest($2, $3))}], " +
			"lambda d: (d.n - CASE WHEN d.a + to_months(CAST(d.n AS INTEGER)) > d.b THEN 1 ELSE 0 END) // " + strconv.FormatInt(n, 10) + ")[1])"
	}, differs: "whole units that passed; DuckDB's date_diff counts boundaries crossed",
		eval: func(_ *call, a []Value) (Value, error) {
			if n := monthsOf[a[0].s]; n != 0 {
				return monthsBetween(a[1], a[2], n)
			}
			return BigintValue((a[2].i - a[1].i) / diffMicros[a[0].s]), nil
		}},
	{name: "date_add", signature: "date_add('unit', number, timestamp) → timestamp", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 3, 3); err != nil {
			return nil, err
		}
		day := c.args[2].info().typ.Kind == Date
		units := addUnits
		if day {
			units = dateUnits
		}
		if _, err := b.unit(c, units...); err != nil {
			return nil, err
		}
		if l, ok := c.args[1].(*literal); ok && !l.v.IsNull() {
			if _, err := b.literalNumber(c, 1, "the number", -10_000_000, 10_000_000); err != nil {
				return nil, err
			}
		}
		x, err := b.fit(c.args[1], bigintType, c.name)
		if err != nil {
			return nil, err
		}
		c.args[1] = x
		if day {
			return dateType, nil
		}
		return timestampType, b.timeArg(c, 2)
	}, duckFor: func(c *call) string {
		moved := "($3 + CAST($2 AS INTEGER) * INTERVAL 1 " + c.args[0].(*literal).v.s + ")"
		if c.typ.Kind == Date {
			return "CAST(" + moved + " AS DATE)"
		}
		return moved
	}, eval: func(_ *call, a []Value) (Value, error) {
		if a[1].i < -10_000_000 || a[1].i > 10_000_000 {
			return Null, errTimeRange
		}
		return moveTime(a[2], a[1].i*monthsOf[a[0].s], a[1].i*diffMicros[a[0].s])
	}},
	timePart("year", "year($1)", func(t time.Time) int { return t.Year() }),
	timePart("quarter", "quarter($1)", func(t time.Time) int { return (int(t.Month())-1)/3 + 1 }),
	timePart("month", "month($1)", func(t time.Time) int { return int(t.Month()) }),
	timePart("week", "weekofyear($1)", func(t time.Time) int { _, w := t.ISOWeek(); return w }),
	timePart("day", "day($1)", func(t time.Time) int { return t.Day() }),
	timePart("day_of_month", "day($1)", func(t time.Time) int { return t.Day() }),
	timePart("day_of_week", "isodow($1)", func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
	timePart("day_of_year", "dayofyear($1)", time.Time.YearDay),
	timePart("hour", "hour($1)", time.Time.Hour),
	timePart("minute", "minute($1)", time.Time.Minute),
	timePart("second", "second($1)", time.Time.Second),
}

func timePart(name, duck string, part func(time.Time) int) function {
	f := function{name: name, signature: name + "(timestamp) → bigint", family: timeParts, duck: duck,
		bind: func(b *binder, c *call) (*Type, error) {
			if err := b.count(c, 1, 1); err != nil {
				return nil, err
			}
			_, err := b.wallArg(c, 0)
			return bigintType, err
		},
		eval: func(_ *call, a []Value) (Value, error) { return BigintValue(int64(part(a[0].Time()))), nil }}
	if name == "day_of_week" {
		f.differs = "Monday is 1 and Sunday 7; DuckDB's dayofweek starts at Sunday, 0"
	}
	return f
}

// timeArg makes argument i a timestamp.
func (b *binder) timeArg(c *call, i int) error {
	x, err := b.fit(c.args[i], timestampType, c.name)
	if err == nil {
		c.args[i] = x
	}
	return err
}

// wallArg makes argument i a time whose parts are asked for: one in a zone has
// those of its zone.
func (b *binder) wallArg(c *call, i int) (*Type, error) {
	if t := c.args[i].info().typ; t.Kind == Zoned {
		return t, nil
	}
	return timestampType, b.timeArg(c, i)
}

func truncTime(unit string, t time.Time) time.Time {
	y, m, d := t.Date()
	switch unit {
	case "second":
		return t.Add(-time.Duration(t.Nanosecond()))
	case "minute":
		return time.Date(y, m, d, t.Hour(), t.Minute(), 0, 0, time.UTC)
	case "hour":
		return time.Date(y, m, d, t.Hour(), 0, 0, 0, time.UTC)
	case "day":
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	case "week":
		return time.Date(y, m, d-(int(t.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
	case "month":
		return time.Date(y, m, 1, 0, 0, 0, 0, time.UTC)
	case "quarter":
		return time.Date(y, (m-1)/3*3+1, 1, 0, 0, 0, 0, time.UTC)
	case "year":
		return time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	panic(fmt.Sprintf("sqlfront: date_trunc of unit %q", unit))
}

// monthsBetween counts the whole units of n months from a to b.
func monthsBetween(a, b Value, n int64) (Value, error) {
	sign := int64(1)
	if a.i > b.i {
		a, b, sign = b, a, -1
	}
	from, to := a.Time(), b.Time()
	months := int64(to.Year()-from.Year())*12 + int64(to.Month()) - int64(from.Month())
	moved, err := moveTime(a, months, 0)
	if err != nil || moved.i > b.i {
		months--
	}
	return BigintValue(sign * (months / n)), nil
}

// moveTime adds months, keeping to the last day of a shorter month, and then
// microseconds to a timestamp or date.
func moveTime(v Value, months, micros int64) (Value, error) {
	t := v.Time()
	if months != 0 {
		y, m, d := t.Date()
		first := time.Date(y, m+time.Month(months), 1, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
		last := first.AddDate(0, 1, -1).Day()
		t = first.AddDate(0, 0, min(d, last)-1)
	}
	i := t.UnixMicro()
	if i < earliest || i > latest || i+micros < earliest || i+micros > latest {
		return Null, errTimeRange
	}
	if i += micros; v.kind == Date {
		return dateValue(i / microsPerDay), nil
	}
	return Value{kind: Timestamp, i: i}, nil
}
