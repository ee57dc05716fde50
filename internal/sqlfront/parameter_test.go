package sqlfront

import (
	"strings"
	"testing"
)

// with parses, fills and checks a statement.
func with(text string, values map[string]string) (*Statement, error) {
	s, err := Parse(text)
	if err == nil {
		s, err = s.With(values)
	}
	if err == nil {
		err = s.Check(CloudTrailCatalog().WithBeside())
	}
	return s, err
}

func TestParametersAreLiteralsOfTheTypeTheyAreComparedWith(t *testing.T) {
	const from = "SELECT seq FROM CloudTrailLogs WHERE "
	for _, c := range []struct{ text, value, same string }{
		{from + "userName = :x", "ana", from + "userName = 'ana'"},
		{from + "userName = :x", "' OR true --", from + "userName = ''' OR true --'"},
		{from + "userName LIKE :x", "a%", from + "userName LIKE 'a%'"},
		{from + "userName IN ('b', :x)", ":x", from + "userName IN ('b', ':x')"},
		{from + "seq > :x", " 12 ", from + "seq > 12"},
		{from + "seq BETWEEN 1 AND :x", "9", from + "seq BETWEEN 1 AND 9"},
		{from + "CAST(seq AS double) > :x", "1.5", from + "CAST(seq AS double) > 1.5E0"},
		{from + "readOnly = :x", "TRUE", from + "readOnly = true"},
		{from + "eventTime >= :x", "2026-11-20", from + "eventTime >= TIMESTAMP '2026-11-20 00:00:00'"},
		{from + "eventTime >= :x", "7d", from + "eventTime >= now() - INTERVAL '7' DAY"},
		{from + "lower(:x) = userName", "A", from + "lower('A') = userName"},
		{"-- param: x bigint\n" + from + "date_add('day', -:x, eventTime) < now()", "3", from + "date_add('day', -3, eventTime) < now()"},
		{"-- param: x bigint 5 — how many\n" + from + "seq % :x = 0", "", from + "seq % 5 = 0"},
		{"-- param: x varchar ''\n" + from + "userName <> :x", "", from + "userName <> ''"},
		{"-- param: x timestamp 24h\n" + from + "eventTime > :x", "", from + "eventTime > now() - INTERVAL '24' HOUR"},
		{"-- param: x date 2026-11-20\n" + from + "date(eventTime) = :x", "", from + "date(eventTime) = DATE '2026-11-20'"},
		{"-- param: x boolean\n" + from + ":x OR seq = 1", "false", from + "false OR seq = 1"},
		{"-- param: x double\n" + from + "seq / :x > 1", "0.5", from + "seq / 0.5E0 > 1"},
		// where a number of rows or of units stands
		{"SELECT seq FROM CloudTrailLogs LIMIT :x", "7", "SELECT seq FROM CloudTrailLogs LIMIT 7"},
		{"SELECT seq FROM (SELECT seq FROM CloudTrailLogs OFFSET :x ROWS FETCH FIRST :x ROWS ONLY) t", "2", "SELECT seq FROM (SELECT seq FROM CloudTrailLogs OFFSET 2 ROWS FETCH FIRST 2 ROWS ONLY) t"},
		{"-- param: x bigint 3\n(SELECT seq FROM CloudTrailLogs) LIMIT :x", "", "(SELECT seq FROM CloudTrailLogs) LIMIT 3"},
		{from + "eventTime > now() - INTERVAL :x DAY", "30", from + "eventTime > now() - INTERVAL '30' DAY"},
		{"-- param: x bigint\n" + from + "eventTime > now() + INTERVAL -:x YEAR", "2", from + "eventTime > now() + INTERVAL -'2' YEAR"},
		{"SELECT sum(seq) OVER (ORDER BY seq ROWS :x PRECEDING) AS n FROM CloudTrailLogs", "2", "SELECT sum(seq) OVER (ORDER BY seq ROWS 2 PRECEDING) AS n FROM CloudTrailLogs"},
		// lists
		{"-- param: x array(varchar)\n" + from + "userName IN (:x)", "ana, o'neill", from + "userName IN ('ana', 'o''neill')"},
		{"-- param: x array(varchar)\n" + from + "userName NOT IN ('root', :x)", `["a,b", "c"]`, from + "userName NOT IN ('root', 'a,b', 'c')"},
		{"-- param: x array(bigint) 1,2\n" + from + "seq IN (:x)", "", from + "seq IN (1, 2)"},
		{"-- param: x array(bigint)\n" + from + "contains(:x, seq)", "[3]", from + "contains(ARRAY[3], seq)"},
		{"-- param: x array(varchar) ''\n" + from + "userName IN (:x) OR userName NOT IN (:x)", "", from + "false OR true"},
		{"-- param: x array(varchar) ''\n" + from + "contains(:x, userName)", "", from + "contains(CAST(ARRAY[] AS array(varchar)), userName)"},
		{"-- param: x array(varchar)\nSELECT u FROM UNNEST(:x) AS t (u)", "a,b", "SELECT u FROM UNNEST(ARRAY['a', 'b']) AS t (u)"},
		{"-- param: x array(timestamp)\n" + from + "eventTime IN (:x)", "2026-11-20, 24h", from + "eventTime IN (TIMESTAMP '2026-11-20 00:00:00', now() - INTERVAL '24' HOUR)"},
		// everywhere else
		{from + "userName LIKE '100!%' ESCAPE :x", "!", from + "userName LIKE '100!%' ESCAPE '!'"},
		{from + "date_trunc(:x, eventTime) < now()", "hour", from + "date_trunc('hour', eventTime) < now()"},
		{"SELECT CASE WHEN userName = :x THEN :x ELSE login END AS c FROM CloudTrailLogs GROUP BY 1 HAVING max(login) > :x ORDER BY 1", "a", "SELECT CASE WHEN userName = 'a' THEN 'a' ELSE login END AS c FROM CloudTrailLogs GROUP BY 1 HAVING max(login) > 'a' ORDER BY 1"},
		{"SELECT eventTime AT TIME ZONE :x AS t FROM CloudTrailLogs", "Europe/Berlin", "SELECT eventTime AT TIME ZONE 'Europe/Berlin' AS t FROM CloudTrailLogs"},
		{from + "json_extract_scalar(requestParameters, :x) = 'a'", "$.b", from + "json_extract_scalar(requestParameters, '$.b') = 'a'"},
		{"SELECT transform(ARRAY['a'], a -> a || :x) AS l FROM CloudTrailLogs a JOIN CloudTrailHistory b ON a.userName = b.userName AND b.login = :x WHERE EXISTS (SELECT 1 FROM CloudTrailLogs WHERE login = :x)", "c",
			"SELECT transform(ARRAY['a'], a -> a || 'c') AS l FROM CloudTrailLogs a JOIN CloudTrailHistory b ON a.userName = b.userName AND b.login = 'c' WHERE EXISTS (SELECT 1 FROM CloudTrailLogs WHERE login = 'c')"},
	} {
		values := map[string]string{"x": c.value}
		if c.value == "" {
			values = nil
		}
		got, err := with(c.text, values)
		if err != nil {
			t.Errorf("%s with %q: %v", c.text, c.value, err)
			continue
		}
		want, err := with(c.same, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.same, err)
		}
		for _, d := range []Dialect{DuckDB, Trino} {
			if g, w := got.Print(d, PrintOptions{}), want.Print(d, PrintOptions{}); g != w {
				t.Errorf("%s with %q prints\n%s\nwant\n%s", c.text, c.value, g, w)
			}
		}
		if got.Text() != c.text {
			t.Errorf("the text became %q", got.Text())
		}
	}
}

func TestParametersAreRefusedWithPlaceAndHint(t *testing.T) {
	const from = "SELECT seq FROM CloudTrailLogs WHERE "
	for _, c := range []struct{ name, text, param, value, want string }{
		{"no value", from + "userName = :who", "", "", `line 1, column 49: this parameter has no value, found ":who" (trailgate query --param who=…)`},
		{"no value in LIKE", from + "userName LIKE :who", "", "", `line 1, column 52: this parameter has no value, found ":who" (trailgate query --param who=…)`},
		{"mistyped", from + "userName = :identity", "idnetity", "x", `line 1, column 49: the statement has no such parameter, found "idnetity" (did you mean "identity"?)`},
		{"none at all", from + "userName = 'x'", "who", "x", `line 1, column 1: the statement has no such parameter, found "who" (a parameter is written :name)`},
		{"far off", from + "userName = :a OR userName = :b", "zzzz", "x", `line 1, column 49: the statement has no such parameter, found "zzzz" (it has a, b)`},
		{"no number", from + "seq = :n", "n", "1 OR 1=1", `line 1, column 44: the comparison needs a whole number, found '1 OR 1=1'`},
		{"no time", from + "eventTime > :t", "t", "yesterday", `line 1, column 50: the comparison needs a time, found 'yesterday' (write '2026-11-20', '2026-11-20 08:00:00' or '2026-11-20T08:00:00Z', or how long ago: 24h, 7d)`},
		{"no boolean", from + "readOnly = :b", "b", "yes", `line 1, column 49: the comparison needs true or false, found 'yes'`},
		{"declared otherwise", "-- param: n bigint\n" + from + "seq = :n", "n", "x", `line 2, column 44: the parameter n needs a whole number, found 'x'`},
		{"declared text is text", "-- param: n varchar\n" + from + "seq = :n", "n", "1", `line 2, column 44: the comparison needs a bigint, this is a varchar (a number has no quotes)`},
		{"hidden characters", from + "userName = :who", "who", "a\u202eb", `line 1, column 49: expected readable text as the value of who, found U+202E, which changes the direction of text`},
		{"unknown type", "-- param: n bigit 1\n" + from + "seq = :n", "", "", `line 1, column 11: expected the type of the parameter n, found "bigit" (did you mean "bigint"?)`},
		{"no name", "--param: 1 bigint\n" + from + "seq = 1", "", "", `line 1, column 10: expected the name of a parameter, found "1" (-- param: name type default — meaning)`},
		{"not used", "-- param: who varchar\n" + from + "userName = :woh", "", "", `line 1, column 11: the statement does not use this parameter, found "who" (did you mean "woh"?)`},
		{"twice", "-- param: n bigint\n-- param: n bigint\n" + from + "seq = :n", "", "", `line 2, column 11: this parameter is declared twice, found "n"`},
		{"default of two words", "-- param: n varchar a b\n" + from + "userName = :n", "", "", `line 1, column 11: a default with blanks goes between single quotes, found a b (what the parameter means follows a dash: —)`},
		{"open default", "-- param: n varchar 'a\n" + from + "userName = :n", "", "", `line 1, column 11: expected one default in single quotes, found 'a (what the parameter means follows a dash: —)`},
		{"no value of LIMIT", "SELECT 1 LIMIT :n", "", "", `line 1, column 16: this parameter has no value, found ":n" (trailgate query --param n=…)`},
		{"text as LIMIT", "SELECT 1 LIMIT :n", "n", "all", `line 1, column 16: LIMIT needs a whole number, found 'all'`},
		{"LIMIT below none", "SELECT 1 LIMIT :n", "n", "-1", `line 1, column 16: LIMIT needs a number from 0 to 9223372036854775807, found -1`},
		{"LIMIT that is a text", "-- param: n varchar\nSELECT 1 OFFSET :n", "n", "1", `line 2, column 17: OFFSET needs a whole number, found ":n" (-- param: n bigint)`},
		{"too long an interval", from + "eventTime > now() - INTERVAL :n DAY", "n", "10000001", `line 1, column 67: INTERVAL needs a number from -10000000 to 10000000, found 10000001`},
		{"no unit", "SELECT INTERVAL :n", "n", "1", `line 1, column 19: expected a unit, found the end of the text (SECOND, MINUTE, HOUR, DAY, MONTH or YEAR)`},
		{"one of a list", "-- param: l array(bigint)\n" + from + "seq IN (:l)", "l", "1,b", `line 2, column 46: the parameter l needs a whole number, found 'b'`},
		{"a list that is none", "-- param: l array(bigint)\n" + from + "seq IN (:l)", "l", "[1", `line 2, column 46: expected values with commas between them, or a list in JSON, as the parameter l, found '[1'`},
		{"a list of lists", "-- param: l array(varchar)\n" + from + "userName IN (:l)", "l", "[[1]]", `line 2, column 51: expected values with commas between them, or a list in JSON, as the parameter l, found '[[1]]'`},
		{"a list of no type", "-- param: l array(text)\nSELECT :l", "", "", `line 1, column 11: expected the type of the parameter l, found "array(text)" (one of varchar, bigint, double, boolean, timestamp, date, or array(…) of one)`},
		{"as a table", "SELECT 1 FROM :t", "t", "CloudTrailLogs", `line 1, column 15: expected the name of a table after FROM, found ":t" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
	} {
		values := map[string]string{c.param: c.value}
		if c.param == "" {
			values = nil
		}
		_, err := with(c.text, values)
		if err == nil || err.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.name, err, c.want)
		}
	}
	if _, err := ParsePredicate("eventName = :x"); err == nil || !strings.Contains(err.Error(), "there are no parameters here") {
		t.Errorf("a parameter in a predicate: %v", err)
	}
}

func TestParametersTellWhatTheyAre(t *testing.T) {
	s, err := Parse("-- title: x\n\n-- param: who varchar '%' — whose\n--  param: n bigint\nSELECT seq FROM CloudTrailLogs WHERE userName LIKE :who AND seq > :n AND login = :login AND login <> :login\n-- param: not here")
	if err != nil {
		t.Fatal(err)
	}
	want := []Parameter{{Name: "who", Type: Varchar, Default: "%", Optional: true, About: "whose"}, {Name: "n", Type: Bigint}, {Name: "login"}}
	got := s.Parameters()
	if len(got) != len(want) {
		t.Fatalf("parameters %+v, want %+v", got, want)
	}
	for i := range got {
		if got[i].at = 0; got[i] != want[i] {
			t.Errorf("parameter %+v, want %+v", got[i], want[i])
		}
	}
}

// A statement that is kept is checked before anybody has given it values.
func TestOpenStatementsAreCheckedWithoutValues(t *testing.T) {
	const from = "SELECT seq FROM CloudTrailLogs WHERE "
	for _, text := range []string{
		from + "userName = :x", from + "seq > :x AND userName LIKE :y ESCAPE :z", "-- param: x timestamp\n" + from + "eventTime > :x LIMIT :n",
		from + "eventTime > now() - INTERVAL :x DAY", "-- param: x array(varchar)\n" + from + "userName IN (:x) AND contains(:x, userName)",
	} {
		s, err := Parse(text)
		if err == nil {
			err = s.Open().Check(CloudTrailCatalog())
		}
		if err != nil {
			t.Errorf("%s: %v", text, err)
		}
		if err == nil && s.Check(CloudTrailCatalog()) == nil {
			t.Errorf("%s is complete without values", text)
		}
	}
	s, err := Parse(from + "userNme = :x")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Open().Check(CloudTrailCatalog()); err == nil || !strings.Contains(err.Error(), `line 1, column 38: there is no such column in CloudTrailLogs, found "userNme"`) {
		t.Errorf("a column that is not there: %v", err)
	}
}

// FuzzParameters: whatever a value says, it changes no more of the statement
// than one literal.
func FuzzParameters(f *testing.F) {
	for _, v := range []string{"a", "' OR 1=1 --", "7d", "[1,2]", "1,2", "2026-11-20", "-1", "true", "9223372036854775808", "\\"} {
		f.Add(v)
	}
	texts := []string{
		"SELECT seq FROM CloudTrailLogs WHERE userName = :x", "SELECT seq FROM CloudTrailLogs WHERE seq = :x LIMIT :x", "SELECT INTERVAL :x HOUR AS i FROM CloudTrailLogs",
		"-- param: x array(varchar)\nSELECT seq FROM CloudTrailLogs WHERE userName IN (:x)", "-- param: x array(timestamp)\nSELECT seq FROM CloudTrailLogs WHERE eventTime IN (:x)",
		"SELECT seq FROM CloudTrailLogs WHERE userName LIKE :x ESCAPE '!'", "SELECT json_extract_scalar(requestParameters, :x) AS v FROM CloudTrailLogs",
	}
	f.Fuzz(func(t *testing.T, value string) {
		for _, text := range texts {
			if s, err := with(text, map[string]string{"x": value}); err == nil {
				readBackIn(t, s, CloudTrailCatalog())
			}
		}
	})
}
