package sqlfront

import (
	"database/sql"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// answer runs a statement on DuckDB; each row is its cells as text, joined.
func answer(t testing.TB, db *sql.DB, text string) []string {
	t.Helper()
	out, err := run(db, mustCheck(t, text))
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return out
}

func run(db *sql.DB, s *Statement) ([]string, error) {
	return runText(db, s.Print(DuckDB, PrintOptions{Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}))
}

func runText(db *sql.DB, text string) ([]string, error) {
	rows, err := db.Query(text)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	var out []string
	for rows.Next() {
		cells := make([]any, len(names))
		refs := make([]any, len(names))
		for i := range cells {
			refs[i] = &cells[i]
		}
		if err := rows.Scan(refs...); err != nil {
			return nil, err
		}
		var text []string
		for _, c := range cells {
			switch c := c.(type) {
			case nil:
				text = append(text, "NULL")
			case time.Time:
				text = append(text, c.Format(time.RFC3339Nano))
			default:
				text = append(text, fmt.Sprintf("%v", c))
			}
		}
		out = append(out, strings.Join(text, " | "))
	}
	return out, rows.Err()
}

// sessions are a few events as the gate writes them.
func sessions(t testing.TB) []Flat {
	t.Helper()
	const source = `"eventSource":"ssh-proxy-service.yourdomain.com"`
	var rows []Flat
	for i, record := range []string{
		`{"eventTime":"2026-11-20T08:00:00Z",` + source + `,"eventName":"StartSession","requestParameters":{"sessionId":"s1","target":"web1","login":"root","n":1.50},"additionalEventData":{"MFAAuthenticated":"False"},"readOnly":false,"userIdentity":{"userName":"bob","arn":"arn:bob"}}`,
		`{"eventTime":"2026-11-20T08:00:30Z",` + source + `,"eventName":"StartSession","requestParameters":{"sessionId":"s2","target":"web1","login":"ec2-user"},"additionalEventData":{"MFAAuthenticated":"True"},"readOnly":false,"userIdentity":{"userName":"ana","arn":"arn:ana"}}`,
		`{"eventTime":"2026-11-20T09:15:00Z",` + source + `,"eventName":"AuthorizeSecurityGroupIngress","errorCode":"AccessDenied","sourceIPAddress":"192.0.2.1","requestParameters":{"target":"db1","login":"root"},"readOnly":false,"userIdentity":{"userName":"eve"}}`,
		`{"eventTime":"2026-11-20T09:45:00Z",` + source + `,"eventName":"AuthorizeSecurityGroupIngress","errorCode":"AccessDenied","sourceIPAddress":"192.0.2.1","requestParameters":{"target":"db2","login":"root"},"readOnly":false,"userIdentity":{"userName":"eve"}}`,
		`{"eventTime":"2026-11-22T10:00:00Z",` + source + `,"eventName":"AuthorizeSecurityGroupIngress","sourceIPAddress":"192.0.2.2","requestParameters":{"target":"db1","login":"root"},"readOnly":true,"userIdentity":{"userName":"ana"},"resources":[{"ARN":"arn:r1"},{"ARN":"arn:r2"}]}`,
		`{"eventTime":"2026-11-22T10:00:01Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","additionalEventData":"MFAAuthenticated=False","requestParameters":"not JSON"}`,
	} {
		f, err := Flatten([]byte(record), uint64(i+1), time.Date(2026, 11, 20, 8, 0, i, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, f)
	}
	return rows
}

// The article's queries, verbatim.
const (
	deniedSurge = `SELECT *
FROM CloudTrailLogs
WHERE eventName = 'AuthorizeSecurityGroupIngress'
AND errorCode = 'AccessDenied'
AND eventSource = 'ssh-proxy-service.yourdomain.com'
LIMIT 50`
	sessionWithoutMFA = `SELECT *
FROM CloudTrailLogs
WHERE additionalEventData != 'MFAAuthenticated=True'
AND eventSource LIKE '%ssh%'
LIMIT 100`
)

func TestArticleQueriesReturnTheirRows(t *testing.T) {
	rows := sessions(t)
	db := engine(t, rows)
	for _, tc := range []struct {
		name, text string
		limit      int64
		seqs       []string
	}{
		{"denied surge", deniedSurge, 50, []string{"3", "4"}},
		{"session without MFA", sessionWithoutMFA, 100, []string{"1"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := mustCheck(t, tc.text)
			if s.Text() != tc.text || !s.StarOnly() || s.Table() != CloudTrailLogs {
				t.Errorf("the statement is not as written: %q", s.Text())
			}
			if n, ok := s.Limit(); !ok || n != tc.limit {
				t.Errorf("Limit() = %d, %v, want %d", n, ok, tc.limit)
			}
			if all, err := run(db, s); err != nil || len(all) != len(tc.seqs) {
				t.Errorf("it returns %d rows (%v), want %d", len(all), err, len(tc.seqs))
			}
			narrow, err := s.Select("seq")
			if err != nil {
				t.Fatal(err)
			}
			got, err := run(db, narrow)
			if d := cmp.Diff(tc.seqs, got); d != "" || err != nil {
				t.Errorf("rows differ (-want +got): %v\n%s", err, d)
			}
			p, live := s.Filter()
			if !live {
				t.Fatal("it is a filter of single events, Filter says it is not")
			}
			var seqs []string
			for i := range rows {
				if p.Eval(&rows[i]) == True {
					seqs = append(seqs, fmt.Sprint(*rows[i].Seq))
				}
			}
			if d := cmp.Diff(tc.seqs, seqs); d != "" {
				t.Errorf("live matches differ (-want +got):\n%s", d)
			}
		})
	}
}

// What DuckDB answers is what Trino would.
func TestAnswersAreTrinos(t *testing.T) {
	db := engine(t, sessions(t))
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"integer division", "SELECT 7/2, -7/2, -7 % 3, 7/2.0", []string{"3 | -3 | -1 | 3.5"}},
		{"NULLs last both ways", "SELECT DISTINCT errorCode FROM CloudTrailLogs ORDER BY 1 DESC", []string{"AccessDenied", "NULL"}},
		{"NULLs first when asked", "SELECT DISTINCT errorCode FROM CloudTrailLogs ORDER BY errorCode NULLS FIRST", []string{"NULL", "AccessDenied"}},
		{"not equal drops NULL", "SELECT count(*) FROM CloudTrailLogs WHERE errorCode != 'x'", []string{"2"}},
		{"distinct from keeps NULL", "SELECT count(*) FROM CloudTrailLogs WHERE errorCode IS DISTINCT FROM 'AccessDenied'", []string{"4"}},
		{"LIKE minds case", "SELECT count(*) FROM CloudTrailLogs WHERE eventName LIKE 'start%'", []string{"0"}},
		{"names do not mind case", "select COUNT(*) from CLOUDTRAILLOGS where EVENTNAME = 'StartSession' and USERIDENTITY.USERNAME = 'bob'", []string{"1"}},
		{"quoted names do not either", `SELECT "EventName" FROM "cloudtraillogs" WHERE seq = 1`, []string{"StartSession"}},
		{"times as people write them", "SELECT count(*) FROM CloudTrailLogs WHERE eventTime BETWEEN '2026-11-20 08:00:30' AND '2026-11-20T09:45:00Z'", []string{"3"}},
		{"now and intervals", "SELECT count(*) FROM CloudTrailLogs WHERE eventTime > now() - INTERVAL '3' HOUR AND eventTime <= current_timestamp", []string{"2"}},
		{"weekday is ISO", "SELECT day_of_week(eventTime), count(*) FROM CloudTrailLogs GROUP BY 1 ORDER BY 1", []string{"5 | 4", "7 | 2"}},
		{"extract", "SELECT EXTRACT(HOUR FROM eventTime) h, count(*) FROM CloudTrailLogs GROUP BY EXTRACT(HOUR FROM eventTime) ORDER BY count(*) DESC, h LIMIT 2", []string{"8 | 2", "9 | 2"}},
		{"date_trunc and if", "SELECT date_trunc('hour', eventTime) AS hour, count_if(readOnly), sum(if(errorCode = 'AccessDenied', 1, 0)) FROM CloudTrailLogs GROUP BY date_trunc('hour', eventTime) ORDER BY hour",
			[]string{"2026-11-20T08:00:00Z | 0 | 0", "2026-11-20T09:00:00Z | 0 | 2", "2026-11-22T10:00:00Z | 1 | 0"}},
		{"date_diff counts whole units", "SELECT date_diff('hour', TIMESTAMP '2026-11-20 08:59:00', TIMESTAMP '2026-11-20 10:58:00'), date_diff('day', DATE '2026-11-22', DATE '2026-11-20')", []string{"1 | -2"}},
		{"threshold", "SELECT sourceIPAddress, count(*) AS n FROM CloudTrailLogs WHERE errorCode = 'AccessDenied' GROUP BY sourceIPAddress HAVING count(*) >= 2", []string{"192.0.2.1 | 2"}},
		{"aggregates of nothing", "SELECT count(*), sum(seq), max(eventName), array_agg(seq), avg(seq) FROM CloudTrailLogs WHERE seq < 0", []string{"0 | NULL | NULL | NULL | NULL"}},
		{"max_by of a NULL", "SELECT max_by(errorCode, seq), min_by(eventName, seq), max_by(eventName, errorCode) FROM CloudTrailLogs", []string{"NULL | StartSession | AuthorizeSecurityGroupIngress"}},
		{"filter and distinct", "SELECT count(DISTINCT userName) FILTER (WHERE readOnly = 'false'), approx_distinct(login), bool_or(readOnly), avg(seq) FROM CloudTrailLogs", []string{"3 | 2 | true | 3.5"}},
		{"scalars of JSON", "SELECT json_extract_scalar(requestParameters, '$.login'), json_extract_scalar(requestParameters, '$[\"n\"]'), json_extract_scalar(requestParameters, '$.x') FROM CloudTrailLogs WHERE seq IN (1, 6) ORDER BY seq",
			[]string{"root | 1.5 | NULL", "NULL | NULL | NULL"}},
		{"objects of JSON are no scalars", "SELECT count(*) FROM CloudTrailLogs WHERE json_extract_scalar(requestParameters, '$') IS NULL", []string{"6"}},
		{"concat of NULL", "SELECT concat('a', errorCode), 'a' || errorCode, coalesce(errorCode, '-') FROM CloudTrailLogs WHERE seq = 1", []string{"NULL | NULL | -"}},
		{"parts of text", "SELECT split_part('a.b', '.', 2), split_part('a.b', '.', 3), substr('hello', -2), substr('hello', 0), strpos('hello', 'l'), trim('\tx ')", []string{"b | NULL | lo |  | 3 | x"}},
		{"greatest with NULL", "SELECT greatest(1, 2), least(1, NULL), nullif('a', 'a'), round(2.5), round(-2.5), CAST(2.5 AS bigint)", []string{"2 | NULL | NULL | 3 | -3 | 3"}},
		{"lists", "SELECT cardinality(resources), element_at(resources, 2).arn, element_at(resources, 9).arn FROM CloudTrailLogs WHERE resources IS NOT NULL", []string{"2 | arn:r2 | NULL"}},
		{"casts", "SELECT TRY_CAST(' 12' AS bigint), TRY_CAST('1.5' AS bigint), CAST('+12' AS bigint), CAST(seq AS varchar), CAST(eventTime AS varchar), CAST('T' AS boolean) FROM CloudTrailLogs WHERE seq = 1", []string{"12 | NULL | 12 | 1 | 2026-11-20 08:00:00.000000 | true"}},
		{"comments, aliases, a semicolon", "SELECT l.eventName AS \"the name\" -- “smart”\n/* l.* */ FROM CloudTrailLogs AS l WHERE l.seq = 1;", []string{"StartSession"}},
		{"no space where none is needed", "SELECT(seq)FROM CloudTrailLogs WHERE eventName IN('RunInstances')ORDER BY seq", []string{"6"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if d := cmp.Diff(tc.want, answer(t, db, tc.text)); d != "" {
				t.Errorf("%s\n%s\n(-want +got):\n%s", tc.text, mustCheck(t, tc.text).Print(DuckDB, PrintOptions{}), d)
			}
			readBack(t, mustCheck(t, tc.text))
		})
	}
}

// Trino stops where DuckDB would make NULL, infinity or a guess.
func TestErrorsAreTrinos(t *testing.T) {
	db := engine(t, sessions(t))
	for name, text := range map[string]string{
		"division by zero":      "SELECT 1 / (seq - seq) FROM CloudTrailLogs",
		"remainder of zero":     "SELECT 1 % (seq - seq) FROM CloudTrailLogs",
		"cast of text":          "SELECT CAST(eventName AS bigint) FROM CloudTrailLogs",
		"cast of a decimal":     "SELECT CAST('1.5' AS bigint)",
		"cast of a spaced text": "SELECT CAST(' true' AS boolean)",
		"overflow":              "SELECT 9223372036854775807 + seq FROM CloudTrailLogs",
		"sum that overflows":    "SELECT sum(9223372036854775800 + seq) FROM CloudTrailLogs",
		"unreadable time":       "SELECT from_iso8601_timestamp(eventName) FROM CloudTrailLogs",
	} {
		if rows, err := run(db, mustCheck(t, text)); err == nil {
			t.Errorf("%s: %s = %q, want an error", name, text, rows)
		}
	}
	// A guard in front of a division holds.
	if got := answer(t, db, "SELECT seq FROM CloudTrailLogs WHERE seq <> 3 AND 6 / (seq - 3) = 3"); len(got) != 1 {
		t.Errorf("guarded division returns %q, want one row", got)
	}
}

// Whole statements that the generator draws are accepted by DuckDB.
func TestDuckDBTakesEveryStatement(t *testing.T) {
	db := engine(t, randomRows(2, 40))
	if _, err := db.Exec(`CREATE VIEW "CloudTrailHistory" AS SELECT * FROM "CloudTrailLogs"`); err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		s := &Statement{tree: gen{t}.statement()}
		if s.Check(CloudTrailCatalog()) != nil {
			return
		}
		if _, err := run(db, s); err != nil && (strings.Contains(err.Error(), "Binder Error") || strings.Contains(err.Error(), "Parser Error") || strings.Contains(err.Error(), "Catalog Error")) {
			t.Fatalf("%v\n%s", err, s.Print(DuckDB, PrintOptions{}))
		}
	})
}

// Upper and lower case of every character are DuckDB's.
func TestCaseOfEveryCharacter(t *testing.T) {
	db := engine(t, sessions(t))
	const block = 4096
	for from := rune(1); from < 0x20000; from += block {
		var text strings.Builder
		for r := from; r < from+block; r++ {
			if r < 0xD800 || r > 0xDFFF {
				text.WriteRune(r)
			}
		}
		var low, up string
		// The one that DuckDB makes longer is printed apart.
		if err := db.QueryRow("SELECT lower(x), replace(upper(x), 'ẞ', CASE WHEN contains(x, 'ß') THEN 'ß' ELSE 'ẞ' END) FROM (SELECT CAST(? AS VARCHAR) AS x)", text.String()).Scan(&low, &up); err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{"lower": low, "upper": up} {
			got, _ := functions[name].eval(nil, []Value{VarcharValue(text.String())})
			if got.s == want {
				continue
			}
			t.Errorf("%s of the characters from U+%04X differs:\n%s", name, from, cmp.Diff(want, got.s))
		}
	}
}
