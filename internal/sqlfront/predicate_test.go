package sqlfront

import (
	"strings"
	"testing"
	"time"
)

func TestPredicateOnAnEvent(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 0, 1, 0, time.UTC)
	row, err := EventRow([]byte(sessionRecord), 42, at)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]Truth{
		"eventName = 'StartSession'":                                             True,
		"eventName = 'EndSession'":                                               False,
		"errorCode = 'AccessDenied'":                                             Maybe,
		"NOT errorCode = 'AccessDenied'":                                         Maybe,
		"errorCode = 'x' OR target = 'web1'":                                     True,
		"errorCode = 'x' AND target = 'web1'":                                    Maybe,
		"errorCode = 'x' AND target = 'web2'":                                    False,
		"errorCode IS DISTINCT FROM 'AccessDenied'":                              True,
		"errorCode IS NULL AND userIdentity.userName IS NOT NULL":                True,
		"additionalEventData != 'MFAAuthenticated=True'":                         False,
		"mfaAuthenticated = true":                                                True,
		"readOnly = 'false' AND managementEvent":                                 True,
		"eventTime >= '2026-11-20T08:00:01Z'":                                    True,
		"eventTime > timestamp '2026-11-20 08:00:01'":                            False,
		"eventTime < '2026-11-21'":                                               True,
		"login IN ('root', 'ec2-user')":                                          True,
		"login NOT IN ('root', NULL)":                                            Maybe,
		"seq BETWEEN 40 AND 44":                                                  True,
		"seq / 5 = 8 AND seq % 5 = 2":                                            True,
		"seq / (seq - 42) = 1":                                                   Maybe,
		"json_extract_scalar(requestParameters, '$.frontDoor')='jump'":           True,
		"json_extract_scalar(eventJson, '$.userIdentity.userName') LIKE 'al_ce'": True,
		"element_at(resources, 1).accountId = '1'":                               True,
		"userIdentity.sessionContext.attributes.mfaAuthenticated = 'true'":       True,
		"regexp_like(userAgent, '^SSH-2\\.0-OpenSSH_\\d')":                       True,
		"day_of_week(eventTime) = 5 AND hour(eventTime) < 9":                     True,
		"appendTime > eventTime - INTERVAL '1' SECOND":                           True,
		"lower(eventName) LIKE '%session' -- a comment":                          True,
	} {
		if got := mustPredicate(t, text).Eval(row); got != want {
			t.Errorf("%s = %v, want %v", text, got, want)
		}
	}
	if _, err := mustPredicate(t, "seq / (seq - 42) = 1").Try(row); err == nil {
		t.Error("Try does not tell a division by zero from NULL")
	}
}

func TestPredicateRefusals(t *testing.T) {
	for text, want := range map[string]string{
		"":                              "line 1, column 1: expected a condition, found the end of the text (such as eventName = 'StartSession')",
		"WHERE eventName = 'a'":         `line 1, column 1: expected a condition, found "WHERE" (without the word WHERE)`,
		"SELECT * FROM CloudTrailLogs":  `line 1, column 1: expected a condition, not a whole statement, found "SELECT" (write what would stand after WHERE)`,
		"eventName":                     "line 1, column 1: a condition needs a boolean, this is a varchar",
		"eventName = 'a' LIMIT 3":       `line 1, column 17: expected the condition to end, found "LIMIT"`,
		"count(*) > 3":                  "line 1, column 1: count aggregates, which a condition on one event cannot",
		"eventTime > now()":             "line 1, column 13: now cannot be used in a condition on one event",
		"evntName = 'a'":                `line 1, column 1: there is no such column in CloudTrailLogs, found "evntName" (did you mean "eventName"?)`,
		"eventName = 'a'\nAND readonly": "",
		"eventName = 'a'\nAND red":      `line 2, column 5: there is no such column in CloudTrailLogs, found "red" (text goes between single quotes)`,
	} {
		_, err := ParsePredicate(text)
		switch {
		case err == nil && want == "":
		case err == nil || err.Error() != want:
			t.Errorf("ParsePredicate(%q):\n got %v\nwant %s", text, err, want)
		}
	}
}

func TestStatementForARunbook(t *testing.T) {
	s := mustCheck(t, "SELECT eventName, userArn FROM CloudTrailLogs WHERE errorCode = 'AccessDenied' OR readOnly ORDER BY 1 LIMIT 5")
	key, err := Equals("SOURCEIPADDRESS", "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	made, err := s.WithoutLimit().And(key).And(SeqIn(3, 4)).Select("seq", "eventID", "userIdentity.arn")
	if err != nil {
		t.Fatal(err)
	}
	want := `SELECT "_t"."seq" AS "seq", "_t"."eventID" AS "eventID", "_t"."userIdentity"."arn" AS "userIdentity.arn" FROM "CloudTrailLogs" AS "_t" ` +
		`WHERE ((("_t"."errorCode" = 'AccessDenied') OR ("_t"."readOnly")) AND ("_t"."sourceIPAddress" = '192.0.2.1') AND ("_t"."seq" IN (3, 4)))`
	want = strings.ReplaceAll(want, `("_t"."readOnly")`, `"_t"."readOnly"`)
	want = strings.Replace(want, `WHERE (((`, `WHERE ((((`, 1)
	want = strings.Replace(want, `'192.0.2.1') AND`, `'192.0.2.1')) AND`, 1)
	if got := made.Print(Trino, PrintOptions{}); got != want {
		t.Errorf("made\n%s\nwant\n%s", got, want)
	}
	readBack(t, made)
	if got := s.Columns(); strings.Join(got, " ") != "eventName userArn" {
		t.Errorf("Columns() = %q", got)
	}
	if _, limited := made.Limit(); limited {
		t.Error("the LIMIT is still there")
	}
	for text, live := range map[string]bool{
		"SELECT * FROM CloudTrailLogs":                                            true,
		"SELECT lower(eventName) FROM CloudTrailLogs WHERE seq > 1 ORDER BY seq":  true,
		"SELECT * FROM CloudTrailHistory WHERE seq > 1":                           false,
		"SELECT DISTINCT eventName FROM CloudTrailLogs":                           false,
		"SELECT count(*) FROM CloudTrailLogs":                                     false,
		"SELECT eventName FROM CloudTrailLogs GROUP BY eventName":                 false,
		"SELECT * FROM CloudTrailLogs WHERE eventTime > now() - INTERVAL '1' DAY": false,
		"SELECT 1": false,
	} {
		if _, got := mustCheck(t, text).Filter(); got != live {
			t.Errorf("Filter of %s: live %v, want %v", text, got, live)
		}
	}
	if _, err := mustCheck(t, "SELECT count(*) FROM CloudTrailLogs").Select("seq"); err == nil {
		t.Error("Select of columns from groups is taken")
	}
}

func TestPredicatesAreBuilt(t *testing.T) {
	start := time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)
	must := func(p *Predicate, err error) *Predicate {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	for _, tc := range []struct {
		p    *Predicate
		want string
	}{
		{must(Equals("userIdentity.userName", "it's")), `("_t"."userIdentity"."userName" = 'it''s')`},
		{must(Equals("seq", "7")), `("_t"."seq" = 7)`},
		{must(Equals("readOnly", "true")), `("_t"."readOnly" = TRUE)`},
		{must(In("eventID", "a", "b")), `("_t"."eventID" IN ('a', 'b'))`},
		{must(In("eventID")), `FALSE`},
		{must(IsNull("sessionId")), `("_t"."sessionId" IS NULL)`},
		{must(Between("appendTime", start, start.Add(time.Hour))), `(("_t"."appendTime" > TIMESTAMP '2026-11-20 08:00:00.000000') AND ("_t"."appendTime" <= TIMESTAMP '2026-11-20 09:00:00.000000'))`},
		{AnyOf(SeqIn(1), SeqIn(2, 3)), `(("_t"."seq" = 1) OR ("_t"."seq" IN (2, 3)))`},
		{AllOf(), `TRUE`},
	} {
		if got := tc.p.String(); got != tc.want {
			t.Errorf("built %s, want %s", got, tc.want)
		}
	}
	for _, bad := range [][2]string{{"sesionId", "x"}, {"seq", "x"}, {"readOnly", "maybe"}, {"eventTime", "soon"}, {"userIdentity", "x"}} {
		if p, err := Equals(bad[0], bad[1]); err == nil {
			t.Errorf("Equals(%q, %q) = %s, want an error", bad[0], bad[1], p)
		}
	}
}

func BenchmarkPredicate(b *testing.B) {
	p, _ := mustCheck(b, deniedSurge).Filter()
	row, err := EventRow([]byte(sessionRecord), 1, time.Unix(0, 0))
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		p.Eval(row)
	}
}

// The goal is 1 ms a statement.
func BenchmarkStatement(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		s, err := Parse(sessionWithoutMFA)
		if err == nil {
			err = s.Check(CloudTrailCatalog())
		}
		if err != nil {
			b.Fatal(err)
		}
		s.Print(DuckDB, PrintOptions{})
	}
}

func BenchmarkLongestStatement(b *testing.B) {
	text := "SELECT * FROM CloudTrailLogs WHERE seq IN (1" + strings.Repeat(",2", MaxText/2-30) + ")"
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		s, err := Parse(text)
		if err == nil {
			err = s.Check(CloudTrailCatalog())
		}
		if err != nil {
			b.Fatal(err)
		}
		s.Print(DuckDB, PrintOptions{})
	}
}
