package sqlfront

import (
	"strings"
	"time"
)

// moreTimeFunctions read and write times, and move them between zones.
var moreTimeFunctions = []function{
	{name: "at_timezone", signature: "at_timezone(timestamp, 'zone') → timestamp with time zone", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		zone, err := b.zone(c)
		if err != nil {
			return nil, err
		}
		if err := b.timeArg(c, 0); err != nil {
			return nil, err
		}
		if zone == "UTC" {
			return timestampType, nil
		}
		return &Type{Kind: Zoned, Zone: zone}, nil
	}, rewrite: func(b *binder, c *call) (expr, error) {
		if c.typ.Kind == Timestamp {
			return c.args[0], nil
		}
		return c, nil
	}, duckFor: func(c *call) string {
		if t := c.args[0].info().typ; t.Kind == Zoned {
			return "timezone('UTC', timezone(" + QuoteText(t.Zone) + ", $1))"
		}
		return "timezone($2, timezone('UTC', $1))"
	}, trino: "($1 AT TIME ZONE $2)", differs: "a time keeps the zone it is shown in, and is compared as the instant it is"},
	{name: "with_timezone", signature: "with_timezone(timestamp, 'zone') → timestamp with time zone", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		zone, err := b.zone(c)
		if err != nil {
			return nil, err
		}
		if zone == "UTC" {
			return timestampType, b.timeArg(c, 0)
		}
		return &Type{Kind: Zoned, Zone: zone}, b.timeArg(c, 0)
	}, rewrite: func(b *binder, c *call) (expr, error) {
		if c.typ.Kind == Timestamp {
			return c.args[0], nil
		}
		return c, nil
	}, duck: "$1"},
	{name: "to_unixtime", signature: "to_unixtime(timestamp) → double", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 1); err != nil {
			return nil, err
		}
		return doubleType, b.timeArg(c, 0)
	}, duck: "(CAST(epoch_us($1) AS DOUBLE) / 1000000.0)", eval: func(_ *call, a []Value) (Value, error) { return DoubleValue(float64(a[0].i) / 1e6), nil }},
	{name: "from_unixtime", signature: "from_unixtime(seconds [, 'zone']) → timestamp", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 2); err != nil {
			return nil, err
		}
		x, err := b.fit(c.args[0], doubleType, c.name)
		if err != nil {
			return nil, err
		}
		c.args[0] = x
		if len(c.args) == 2 {
			zone, err := b.zone(c)
			if err != nil || zone != "UTC" {
				return &Type{Kind: Zoned, Zone: zone}, err
			}
		}
		return timestampType, nil
	}, duckFor: func(c *call) string {
		instant := "make_timestamp(CAST(round($1 * 1000) AS BIGINT) * 1000)"
		if c.typ.Kind == Zoned {
			return "timezone($2, timezone('UTC', " + instant + "))"
		}
		return instant
	}, differs: "milliseconds, as in Trino"},
	{name: "from_iso8601_date", signature: "from_iso8601_date(varchar) → date", bind: takes(dateType, 0, varcharType), duck: "CAST(regexp_extract($1, '" + dateText + "', 1) AS DATE)"},
	{name: "last_day_of_month", signature: "last_day_of_month(timestamp) → date", bind: func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 1, 1); err != nil {
			return nil, err
		}
		_, err := b.wallArg(c, 0)
		return dateType, err
	}, duck: "last_day($1)"},
	{name: "to_milliseconds", signature: "to_milliseconds(interval) → bigint", bind: takes(bigintType, 0, daysType), duck: "CAST(epoch_ms($1) AS BIGINT)"},
	{name: "current_timezone", signature: "current_timezone() → varchar", bind: nothing(varcharType), duck: "'UTC'"},
	{name: "date_format", signature: "date_format(timestamp, 'format') → varchar", bind: bindFormat(mysqlFormat, "%Y-%m-%d %H:%i:%s"), duck: "strftime($1, $p)", differs: "%i is the minute in Trino, %M in DuckDB"},
	{name: "format_datetime", signature: "format_datetime(timestamp, 'format') → varchar", bind: bindFormat(jodaFormat, "yyyy-MM-dd HH:mm:ss"), duck: "strftime($1, $p)", differs: "Joda's letters in Trino, strftime's in DuckDB"},
	{name: "date_parse", signature: "date_parse(varchar, 'format') → timestamp", bind: bindParse(mysqlFormat, "%Y-%m-%d %H:%i:%s"), duck: "strptime($1, $p)", differs: "%i is the minute in Trino, %M in DuckDB"},
	{name: "parse_datetime", signature: "parse_datetime(varchar, 'format') → timestamp", bind: bindParse(jodaFormat, "yyyy-MM-dd HH:mm:ss"), duck: "strptime($1, $p)", differs: "Joda's letters in Trino, strftime's in DuckDB"},
	timePart("millisecond", "(millisecond($1) % 1000)", func(t time.Time) int { return t.Nanosecond() / 1e6 }),
	timePart("week_of_year", "weekofyear($1)", func(t time.Time) int { _, w := t.ISOWeek(); return w }),
	timePart("year_of_week", "isoyear($1)", func(t time.Time) int { y, _ := t.ISOWeek(); return y }),
	timePart("yow", "isoyear($1)", func(t time.Time) int { y, _ := t.ISOWeek(); return y }),
	timePart("dow", "isodow($1)", func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }),
	timePart("doy", "dayofyear($1)", time.Time.YearDay),
}

// zone reads the zone that the second argument must be. The names are those
// every engine knows: of the tz database, or an offset.
func (b *binder) zone(c *call) (string, error) {
	name, err := b.literalText(c, 1, "the zone")
	if err != nil {
		return "", err
	}
	for _, utc := range []string{"UTC", "Z", "GMT", "Etc/UTC", "+00:00"} {
		if strings.EqualFold(name, utc) {
			return "UTC", nil
		}
	}
	for _, z := range zoneNames {
		if strings.EqualFold(name, z) {
			c.args[1] = &literal{node{c.args[1].info().at, varcharType}, VarcharValue(z)}
			return z, nil
		}
	}
	hint := didYouMean(name, zoneNames)
	if hint == "" {
		hint = "a name such as 'Europe/Berlin'"
	}
	return "", b.src.fail(c.args[1].info().at, "'"+shorten(name)+"'", "there is no such time zone here", hint)
}

func bindFormat(read func(string) (string, bool), example string) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if err := b.count(c, 2, 2); err != nil {
			return nil, err
		}
		if _, err := b.wallArg(c, 0); err != nil {
			return nil, err
		}
		return varcharType, b.format(c, read, example)
	}
}

func bindParse(read func(string) (string, bool), example string) func(*binder, *call) (*Type, error) {
	return func(b *binder, c *call) (*Type, error) {
		if _, err := takes(timestampType, 0, varcharType, varcharType)(b, c); err != nil {
			return nil, err
		}
		if err := b.format(c, read, example); err != nil {
			return nil, err
		}
		c.ready = strings.ReplaceAll(c.ready.(string), "%g000", "%f") // to read is not to write
		return timestampType, nil
	}
}

// format prepares DuckDB's spelling of the second argument.
func (b *binder) format(c *call, read func(string) (string, bool), example string) error {
	text, err := b.literalText(c, 1, "the format")
	if err != nil {
		return err
	}
	out, ok := read(text)
	if !ok {
		return b.src.fail(c.args[1].info().at, "'"+shorten(text)+"'", "expected a format of times", "such as '"+example+"'")
	}
	c.ready = out
	return nil
}

// mysqlFormat is a format of MySQL's as strftime spells it.
func mysqlFormat(s string) (string, bool) {
	known := map[byte]string{'Y': "%Y", 'y': "%y", 'm': "%m", 'c': "%-m", 'd': "%d", 'e': "%-d", 'H': "%H", 'k': "%-H", 'h': "%I", 'I': "%I", 'l': "%-I", 'i': "%M",
		's': "%S", 'S': "%S", 'f': "%g000", 'p': "%p", 'M': "%B", 'b': "%b", 'W': "%A", 'a': "%a", 'j': "%j", 'T': "%H:%M:%S", 'r': "%I:%M:%S %p", 'v': "%V", 'x': "%G", '%': "%%"}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i == len(s) || known[s[i]] == "" {
			return "", false
		}
		b.WriteString(known[s[i]])
	}
	return b.String(), true
}

// jodaFormat is a format of Joda's as strftime spells it: letters in a row are
// one field, text is between single quotes.
func jodaFormat(s string) (string, bool) {
	known := map[string]string{"yyyy": "%Y", "YYYY": "%Y", "y": "%Y", "yy": "%y", "xxxx": "%G", "MM": "%m", "M": "%-m", "MMM": "%b", "MMMM": "%B", "dd": "%d", "d": "%-d", "HH": "%H", "H": "%-H",
		"hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M", "ss": "%S", "s": "%-S", "SSS": "%g", "SSSSSS": "%g000", "EEE": "%a", "E": "%a", "EEEE": "%A", "a": "%p", "DDD": "%j", "D": "%-j", "ww": "%V", "e": "%u", "Z": "+0000", "ZZ": "+00:00"}
	var b strings.Builder
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case isLetter(c):
			n := i
			for n < len(s) && s[n] == c {
				n++
			}
			if known[s[i:n]] == "" {
				return "", false
			}
			b.WriteString(known[s[i:n]])
			i = n
		case c == '\'':
			end := strings.IndexByte(s[i+1:], '\'')
			if end < 0 {
				return "", false
			}
			text := s[i+1 : i+1+end]
			if text == "" {
				text = "'"
			}
			b.WriteString(strings.ReplaceAll(text, "%", "%%"))
			i += end + 2
		default:
			b.WriteString(strings.ReplaceAll(s[i:i+1], "%", "%%"))
			i++
		}
	}
	return b.String(), true
}

// zoneNames are the zones that AT TIME ZONE takes.
var zoneNames = strings.Fields(`Africa/Cairo Africa/Casablanca Africa/Johannesburg Africa/Lagos Africa/Nairobi America/Anchorage America/Argentina/Buenos_Aires America/Bogota America/Caracas
	America/Chicago America/Denver America/Halifax America/Lima America/Los_Angeles America/Mexico_City America/Montevideo America/New_York America/Phoenix America/Santiago America/Sao_Paulo
	America/St_Johns America/Toronto America/Vancouver Asia/Almaty Asia/Baghdad Asia/Baku Asia/Bangkok Asia/Colombo Asia/Dhaka Asia/Dubai Asia/Ho_Chi_Minh Asia/Hong_Kong Asia/Jakarta Asia/Jerusalem
	Asia/Kabul Asia/Karachi Asia/Kathmandu Asia/Kolkata Asia/Kuala_Lumpur Asia/Kuwait Asia/Manila Asia/Qatar Asia/Riyadh Asia/Seoul Asia/Shanghai Asia/Singapore Asia/Taipei Asia/Tashkent Asia/Tehran
	Asia/Tokyo Asia/Vladivostok Asia/Yangon Atlantic/Azores Atlantic/Reykjavik Australia/Adelaide Australia/Brisbane Australia/Darwin Australia/Hobart Australia/Melbourne Australia/Perth Australia/Sydney
	Europe/Amsterdam Europe/Athens Europe/Belgrade Europe/Berlin Europe/Brussels Europe/Bucharest Europe/Budapest Europe/Copenhagen Europe/Dublin Europe/Helsinki Europe/Istanbul Europe/Kyiv Europe/Lisbon
	Europe/London Europe/Luxembourg Europe/Madrid Europe/Minsk Europe/Moscow Europe/Oslo Europe/Paris Europe/Prague Europe/Rome Europe/Sofia Europe/Stockholm Europe/Tallinn Europe/Vienna Europe/Vilnius
	Europe/Warsaw Europe/Zurich Pacific/Auckland Pacific/Fiji Pacific/Honolulu US/Eastern US/Central US/Mountain US/Pacific`)
