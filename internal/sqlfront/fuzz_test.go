package sqlfront

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var fuzzSeeds = []string{deniedSurge, sessionWithoutMFA, "", ";", "SELECT 1", "SELECT 'a''b' AS \"x\"\"y\" -- c\n/* d */ ;",
	"select t.*, count(*) filter (where readOnly) from cloudtraillogs t where not eventTime between '2026-11-20' and now() group by 1 having max(seq) > 1.5e3 order by 1 desc nulls first limit 3",
	"SELECT CASE eventName WHEN 'a' THEN -1 ELSE seq % 2 END, CAST(seq AS varchar) || 'x', INTERVAL '-7' DAY + eventTime FROM CloudTrailHistory",
	"SELECT substr(eventName, -2, 3), EXTRACT(DOW FROM eventTime), element_at(resources, 1).arn FROM CloudTrailLogs WHERE eventName NOT LIKE 'a\\%' ESCAPE '\\'",
	"WITH x AS (SELECT 1) SELECT * FROM x", "WITH w(a) AS (VALUES 1, 2) SELECT w.a, r.arn FROM w LEFT JOIN CloudTrailLogs c ON c.seq = w.a CROSS JOIN UNNEST(c.resources) WITH ORDINALITY AS t(r, n) UNION ALL (SELECT 1, 'x' LIMIT 1) ORDER BY 1",
	"SELECT rank() OVER (PARTITION BY a ORDER BY b DESC ROWS BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING), ARRAY[1][1], (a, b) = (1, 2), x.y FROM (SELECT seq a, seq b FROM CloudTrailLogs) GROUP BY CUBE (a), ROLLUP (b), GROUPING SETS ((), (a, b))",
	"SELECT transform(resources, r -> r.arn), reduce(ARRAY[1.5], 0, (s, x) -> s + 1, s -> s), element_at(requestParameters, 'k'), try(CAST(eventTime AT TIME ZONE 'Asia/Tokyo' AS varchar(5))) FROM 8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10, <EDS ID> x",
	"SELECT * FROM cloudtrail_logs a JOIN cloudtrail_logs b USING (eventid) WHERE EXISTS (SELECT 1 WHERE a.eventtime > ALL (SELECT eventtime FROM cloudtrail_logs)) OFFSET 1 FETCH FIRST 2 ROWS ONLY", "SELECT * FROM read_csv('/etc/passwd')", "SELECT ((((((1))))))", "SELECT \x00", "SELECT е", "SELECT 1e", "SELECT - - -1 - -1",
	"SELECT any_match(r -> r / a, r -> r = 1), map_keys(transform_keys(m -> x, (k, v) -> k)), json_extract(j -> j, '$.Id')"}

// Whatever the text, parsing ends with a statement or a placed error.
func FuzzParse(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		err := check(text)
		var e *Error
		if err != nil && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Expected == "") {
			t.Errorf("%q: an error without its place: %v", text, err)
		}
	})
}

// What is taken prints to what is read as the same statement.
func FuzzPrint(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil || s.Check(fuzzCatalog) != nil {
			return
		}
		readBackIn(t, s, fuzzCatalog)
	})
}

var fuzzCatalog = CloudTrailCatalog().WithStore("8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10").WithBeside()

// What is printed for DuckDB is one SELECT to DuckDB's own parser.
func FuzzPrintDuckDB(f *testing.F) {
	for _, s := range fuzzSeeds {
		f.Add(s)
	}
	db := engine(f, nil)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Parse(text)
		if err != nil || s.Check(fuzzCatalog) != nil {
			return
		}
		printed := s.Print(DuckDB, PrintOptions{})
		var answer string
		if err := db.QueryRow("SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", printed).Scan(&answer); err != nil {
			t.Fatalf("%v\n%s", err, printed)
		}
		var tree struct {
			Error        bool   `json:"error"`
			ErrorMessage string `json:"error_message"`
			Statements   []any  `json:"statements"`
		}
		if err := json.Unmarshal([]byte(answer), &tree); err != nil || tree.Error || len(tree.Statements) != 1 {
			t.Errorf("DuckDB does not read what is printed for it: %v %s\n%s\n%s", err, tree.ErrorMessage, text, printed)
		}
	})
}

// A predicate of any text judges any record, and its print judges alike.
func FuzzPredicate(f *testing.F) {
	for _, s := range []string{"eventName = 'StartSession'", "additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%'", "seq / 0.5 > -3 OR NOT readOnly",
		"json_extract_scalar(eventJson, '$.requestParameters.login') IN ('root', NULL)", "date_add('month', 1, eventTime) > '2026-11-20T08:00:00Z'", "substr(login, seq, -1) = ''",
		"element_at(resources, 1).arn IS NOT DISTINCT FROM userArn", "regexp_like(userAgent, '(?i)openssh')"} {
		f.Add(s, sessionRecord)
	}
	f.Fuzz(func(t *testing.T, text, record string) {
		p, err := ParsePredicate(text)
		if err != nil {
			return
		}
		row, err := EventRow([]byte(record), 7, time.Unix(1_795_161_600, 0))
		if err != nil {
			return
		}
		want, wantErr := p.Try(row)
		again, err := Parse(`SELECT * FROM CloudTrailLogs AS "_t" WHERE ` + p.String())
		if err == nil {
			err = again.Check(CloudTrailCatalog())
		}
		if err != nil {
			t.Fatalf("the printed predicate is refused: %v\n%s", err, p)
		}
		q, live := again.Filter()
		if !live {
			t.Fatalf("%s is not live", p)
		}
		if got, err := q.Try(row); got != want || (err == nil) != (wantErr == nil) {
			t.Errorf("%s is %v (%v), its print %v (%v)", text, want, wantErr, got, err)
		}
	})
}

// FuzzPredicateAgainstDuckDB drives the generator of the differential test with
// the fuzzer's bytes.
func FuzzPredicateAgainstDuckDB(f *testing.F) {
	rows := randomRows(3, 60)
	db := engine(f, rows)
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { agree(t, db, rows, gen{t}.predicate()) }))
}
