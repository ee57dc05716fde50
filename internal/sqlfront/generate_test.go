package sqlfront

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// Random rows and random expressions over them, for the property tests. The
// words are chosen so that they meet: what a row holds a pattern or a literal
// names, too.

var words = []string{"", "a", "A", "ab", "AccessDenied", "StartSession", "MFAAuthenticated=True", "ssh-proxy-service.yourdomain.com", "é", "😀", "e\u0301x", "ß", "İ", "日本",
	"a%b", "a_b", "100%", `a\b`, "it's", `say "x"`, "12", " 12", "+7", "-9223372036854775808", "1.5", ".5", "true", "T", "no", "0", "2026-11-20", "2026-11-20 08:00:00.25",
	"2026-11-20T08:00:00Z", "\t x \u3000", "a,b,,c", "a\nb", "arn:aws:iam::123456789012:user/alice", "x;DROP TABLE t--", "{", `{"a":{"b":[1,"x",null,true,{"c":"d"}]},"a b":"sp"}`,
	`{"a":"é\u00e9\ud83d\ude00","b":1.10,"c":1e3,"d":1E25,"e":1.5e-7,"f":-0.0,"g":12345678901234567890123}`, `[1,[2,3],"z"]`, `{"a":1,"a":2}`, `"s"`, `7`, `{"a":"\ud800"}`, `null`, `{}`}

func word(r *rand.Rand) *string {
	if r.IntN(5) == 0 {
		return nil
	}
	w := words[r.IntN(len(words))]
	if r.IntN(6) == 0 {
		w += words[r.IntN(len(words))]
	}
	return &w
}

func flag(r *rand.Rand) *bool {
	if r.IntN(4) == 0 {
		return nil
	}
	b := r.IntN(2) == 0
	return &b
}

func moment(r *rand.Rand) *time.Time {
	if r.IntN(5) == 0 {
		return nil
	}
	t := []time.Time{time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC), time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), time.Date(1969, 12, 31, 23, 59, 59, 999_999_000, time.UTC),
		time.Date(2024, 2, 29, 12, 30, 15, 123_456_000, time.UTC), time.Date(2026, 1, 31, 1, 2, 3, 0, time.UTC), time.UnixMicro(r.Int64N(4e15) - 1e15).UTC()}[r.IntN(6)]
	return &t
}

// randomRows are rows as Flatten cannot make them, too: any column may be NULL.
func randomRows(seed uint64, n int) []Flat {
	r := rand.New(rand.NewPCG(seed, 0))
	rows := make([]Flat, n)
	for i := range rows {
		f := &rows[i]
		for _, p := range []**string{&f.EventVersion, &f.EventSource, &f.EventName, &f.AWSRegion, &f.SourceIPAddress, &f.UserAgent, &f.ErrorCode, &f.ErrorMessage,
			&f.RequestParameters, &f.ResponseElements, &f.AdditionalEventData, &f.UserName, &f.SessionID, &f.Target, &f.Login, &f.MFAAuthenticated, &f.EventJSON} {
			*p = word(r)
		}
		f.ReadOnly, f.ManagementEvent = flag(r), flag(r)
		f.EventTime, f.AppendTime = moment(r), moment(r)
		seq := int64(i + 1)
		f.Seq = &seq
		if r.IntN(4) > 0 {
			f.UserIdentity = &UserIdentity{ARN: word(r), UserName: word(r)}
			if r.IntN(2) == 0 {
				f.UserIdentity.SessionContext = &SessionContext{Attributes: &SessionAttributes{CreationDate: word(r), MFAAuthenticated: word(r)}}
			}
		}
		if k := r.IntN(4); k > 0 {
			f.Resources = make([]Resource, k-1)
			for j := range f.Resources {
				f.Resources[j] = Resource{ARN: word(r), Type: word(r)}
			}
		}
	}
	return rows
}

// gen draws expressions, as written (not bound), by type.
type gen struct{ t *rapid.T }

func (g gen) pick(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "n") }

func oneOf[T any](g gen, list ...T) T { return list[g.pick(len(list))] }

func lit(v Value) expr { return &literal{v: v} }

func col(path string) expr { return &name{parts: strings.Split(path, ".")} }

func fn(name string, args ...expr) expr { return &call{name: name, args: args} }

func (g gen) word() string {
	w := oneOf(g, words...)
	if g.pick(8) == 0 {
		w = rapid.String().Draw(g.t, "text")
		if at, _, _ := unreadable(w); at >= 0 {
			return "plain"
		}
		if at, _, _ := commanding(w + "'"); at >= 0 {
			return "plain"
		}
	}
	return w
}

func (g gen) text(depth int) expr {
	if depth <= 0 || g.pick(3) == 0 {
		switch g.pick(5) {
		case 0:
			return lit(VarcharValue(g.word()))
		case 1:
			return lit(Null)
		}
		return col(oneOf(g, "eventName", "errorcode", "requestParameters", "ADDITIONALEVENTDATA", "userIdentity.arn", "userName",
			"useridentity.sessionContext.attributes.creationDate", "eventSource", "mfaAuthenticated", "eventJson", "CloudTrailLogs.target"))
	}
	d := depth - 1
	switch g.pick(18) {
	case 0:
		return fn("lower", g.text(d))
	case 1:
		return fn("Upper", g.text(d))
	case 2:
		return fn("substr", g.text(d), g.number(d))
	case 3:
		return fn("substr", g.text(d), g.number(d), g.number(d))
	case 4:
		return fn(oneOf(g, "trim", "ltrim", "rtrim"), g.text(d))
	case 5:
		return fn("concat", g.text(d), g.text(d), g.text(d))
	case 6:
		return &binary{op: "||", l: g.text(d), r: g.text(d)}
	case 7:
		return fn("replace", g.text(d), lit(VarcharValue("a"+oneOf(g, "", "b", "%"))), g.text(d))
	case 8:
		return fn("split_part", g.text(d), lit(VarcharValue(oneOf(g, ",", "-", ":", "aa", "é"))), lit(BigintValue(int64(1+g.pick(4)))))
	case 9:
		return fn("coalesce", g.text(d), g.text(d))
	case 10:
		return fn("nullif", g.text(d), g.text(d))
	case 11:
		return fn("if", g.truth(d), g.text(d), g.text(d))
	case 12:
		return &caseOf{whens: []when{{g.truth(d), g.text(d)}, {g.truth(d), g.text(d)}}, other: g.text(d)}
	case 13:
		return fn(oneOf(g, "greatest", "least"), g.text(d), g.text(d), g.text(d))
	case 14:
		return fn("json_extract_scalar", g.text(d), lit(VarcharValue(oneOf(g, "$", "$.a", "$.a.b[1]", "$.b", "$.c", "$.d", "$.e", "$.f", "$.g", `$["a b"]`, "$[1][0]", "$.a.b[4].c", "$.a.b[2]"))))
	case 15:
		return &cast{x: oneOf(g, g.number, g.truth, g.moment, g.day)(d), to: varcharType}
	case 16:
		return fn("to_iso8601", oneOf(g, g.moment, g.day)(d))
	}
	return &fieldOf{x: fn("element_at", col("resources"), lit(BigintValue(oneOf[int64](g, 1, 2, -1)))), field: oneOf(g, "ARN", "type")}
}

func (g gen) number(depth int) expr {
	if depth <= 0 || g.pick(3) == 0 {
		return oneOf[expr](g, lit(BigintValue(int64(g.pick(12)-4))), lit(BigintValue(rapid.Int64().Draw(g.t, "i"))), col("seq"), lit(Null))
	}
	d := depth - 1
	switch g.pick(12) {
	case 0:
		return &binary{op: oneOf(g, "+", "-", "*"), l: g.number(d), r: g.number(d)}
	case 1:
		return &binary{op: oneOf(g, "/", "%"), l: g.number(d), r: oneOf[expr](g, lit(BigintValue(int64(1+g.pick(5)))), g.number(0), g.number(d))}
	case 2:
		return fn("length", g.text(d))
	case 3:
		return fn("strpos", g.text(d), g.text(d))
	case 4:
		return &negate{x: g.number(d)}
	case 5:
		return &cast{x: g.text(d), to: bigintType, try: g.pick(3) > 0}
	case 6:
		return fn(oneOf(g, "year", "quarter", "month", "week", "day", "day_of_week", "day_of_year", "hour", "minute", "second"), g.moment(d))
	case 7:
		return fn("date_diff", lit(VarcharValue(oneOf(g, "millisecond", "second", "minute", "HOUR", "day", "week", "month", "quarter", "year"))), g.moment(d), oneOf(g, g.moment, g.day)(d))
	case 8:
		return fn(oneOf(g, "abs", "floor", "ceil", "round"), g.number(d))
	case 9:
		return fn("coalesce", g.number(d), g.number(d))
	case 10:
		return fn(oneOf(g, "cardinality"), col("resources"))
	}
	return oneOf[expr](g, &cast{x: g.double(d), to: bigintType}, fn("json_array_length", g.text(d)), &caseOf{operand: g.text(d), whens: []when{{g.text(d), g.number(d)}}})
}

func (g gen) double(depth int) expr {
	if depth <= 0 || g.pick(3) == 0 {
		return lit(DoubleValue(oneOf(g, 0.5, -2.5, 2.5, 1e10, 0.1, -0.7, 3, 1e-7)))
	}
	d := depth - 1
	switch g.pick(5) {
	case 0:
		return &binary{op: oneOf(g, "+", "-", "*"), l: g.double(d), r: oneOf(g, g.number, g.double)(d)}
	case 1:
		return &binary{op: oneOf(g, "/", "%"), l: g.double(d), r: g.double(d)}
	case 2:
		return &cast{x: g.text(d), to: doubleType, try: g.pick(3) > 0}
	case 3:
		return fn(oneOf(g, "abs", "floor", "ceiling", "round"), g.double(d))
	}
	return fn("round", g.double(d), lit(BigintValue(int64(g.pick(4)))))
}

func (g gen) moment(depth int) expr {
	if depth <= 0 || g.pick(3) == 0 {
		return oneOf[expr](g, col("eventTime"), col("appendTime"), lit(Value{kind: Timestamp, i: 1795161600_000000 + int64(g.pick(3))*1800_000001}))
	}
	d := depth - 1
	switch g.pick(6) {
	case 0:
		return fn("date_trunc", lit(VarcharValue(oneOf(g, truncUnits...))), g.moment(d))
	case 1:
		return fn("date_add", lit(VarcharValue(oneOf(g, addUnits...))), lit(BigintValue(int64(g.pick(40)-20))), g.moment(d))
	case 2:
		return &binary{op: oneOf(g, "+", "-"), l: g.moment(d), r: lit(oneOf(g, Value{kind: DayInterval, i: int64(g.pick(90)) * 3600 * microsPerSecond}, Value{kind: MonthInterval, i: int64(g.pick(30) - 15)}))}
	case 3:
		return fn("from_iso8601_timestamp", &cast{x: g.text(d), to: varcharType})
	case 4:
		return fn("coalesce", g.moment(d), oneOf(g, g.moment, g.day)(d), lit(VarcharValue("2026-11-20T08:00:00Z")))
	}
	return &cast{x: oneOf(g, g.text, g.day)(d), to: timestampType, try: true}
}

func (g gen) day(depth int) expr {
	if depth <= 0 || g.pick(2) == 0 {
		return oneOf[expr](g, fn("date", col("eventTime")), lit(dateValue(20777+int64(g.pick(3)))))
	}
	return oneOf[expr](g, fn("date_trunc", lit(VarcharValue(oneOf(g, dateUnits...))), g.day(depth-1)), fn("date_add", lit(VarcharValue(oneOf(g, dateUnits...))), lit(BigintValue(int64(g.pick(40)-20))), g.day(depth-1)),
		&cast{x: g.moment(depth - 1), to: dateType}, &cast{x: g.text(depth - 1), to: dateType, try: true},
		&binary{op: "-", l: g.day(depth - 1), r: lit(Value{kind: DayInterval, i: 3 * microsPerDay})})
}

func (g gen) pattern() (string, string) {
	p := ""
	for range g.pick(5) {
		p += oneOf(g, "%", "_", "a", "A", "é", "😀", "ssh", "True", "=", ".", "12", "e", "b")
	}
	if g.pick(3) > 0 {
		return p, ""
	}
	escape := oneOf(g, `\`, "#", "a", "%")
	q := ""
	for _, c := range p {
		if strings.ContainsRune(`\#%`, c) || string(c) == escape {
			q += escape + oneOf(g, "%", "_", escape)
			continue
		}
		q += string(c)
	}
	return q, escape
}

func (g gen) truth(depth int) expr {
	if depth <= 0 || g.pick(5) == 0 {
		return oneOf[expr](g, col("readOnly"), col("managementEvent"), lit(BooleanValue(true)), lit(Null), expr(&isNull{x: col("errorCode"), not: g.pick(2) == 0}))
	}
	d := depth - 1
	pair := func() (expr, expr) {
		switch g.pick(7) {
		case 0:
			return g.number(d), oneOf(g, g.number, g.double)(d)
		case 1:
			return g.double(d), g.number(d)
		case 2:
			return g.moment(d), oneOf(g, g.moment, g.day)(d)
		case 3:
			return oneOf[expr](g, col("eventTime"), col("appendTime")), lit(VarcharValue(oneOf(g, "2026-11-20", "2026-11-20 08:00:00", "2026-11-20T08:00:00Z", "2026-11-20 09:00:00+01:00", "1969-12-31 23:59:59.999999")))
		case 4:
			return col("readOnly"), oneOf[expr](g, lit(VarcharValue("TRUE")), lit(VarcharValue("false")), col("managementEvent"), g.truth(d))
		}
		return g.text(d), g.text(d)
	}
	switch g.pick(12) {
	case 0:
		return &logic{or: g.pick(2) == 0, args: []expr{g.truth(d), g.truth(d), g.truth(d)}}
	case 1:
		return &not{x: g.truth(d)}
	case 2, 3, 4:
		l, r := pair()
		return &binary{op: oneOf(g, "=", "<>", "<", "<=", ">", ">=", isDistinct, notDistinct), l: l, r: r}
	case 5, 6:
		p, escape := g.pattern()
		l := &like{x: g.text(d), pattern: lit(VarcharValue(p)), not: g.pick(3) == 0}
		if escape != "" {
			l.escape = lit(VarcharValue(escape))
		}
		return l
	case 7:
		l, r := pair()
		l2, _ := l, r
		return &in{x: l2, list: []expr{r, lit(Null), l}[:1+g.pick(3)], not: g.pick(2) == 0}
	case 8:
		x, lo := pair()
		return &between{x: x, lo: lo, hi: x, not: g.pick(2) == 0}
	case 9:
		return &isNull{x: oneOf(g, g.text, g.number, g.moment, g.truth, func(int) expr { return col("userIdentity.sessionContext") }, func(int) expr { return col("resources") })(d), not: g.pick(2) == 0}
	case 10:
		return fn("starts_with", g.text(d), g.text(d))
	}
	return fn("regexp_like", g.text(d), lit(VarcharValue(oneOf(g, "^a", "a$", "a.b", "(?i)accessDENIED", "[é😀]", `\d+`, "^$", `\bb\b`, "(?s)a.b", "x{2,3}|y?", `^\w+$`, `[^ \t]+`))))
}

// predicate draws a condition and binds it.
func (g gen) predicate() expr {
	for {
		e, err := eventBinder("").condition(g.truth(4))
		if err == nil {
			return e
		}
		// A drawn divisor can be the literal 0, a drawn time no time.
		if !strings.Contains(err.Error(), "divides by zero") && !strings.Contains(err.Error(), "expected a time") {
			g.t.Fatalf("a generated predicate does not bind: %v", err)
		}
	}
}

func describe(f *Flat) string {
	var b strings.Builder
	for _, c := range CloudTrailCatalog().Tables[0].Columns {
		if v := f.Column(c.Name); !v.IsNull() {
			fmt.Fprintf(&b, "%s=%q ", c.Name, v.String())
		}
	}
	return b.String()
}
