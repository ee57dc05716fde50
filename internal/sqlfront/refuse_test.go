package sqlfront

import (
	"slices"
	"strconv"
	"strings"
	"testing"
)

// check is everything a statement goes through before it is printed.
func check(text string) error {
	s, err := Parse(text)
	if err == nil {
		err = s.Check(CloudTrailCatalog().WithBeside())
	}
	return err
}

// doubling is n queries of WITH that each read the one before twice.
func doubling(n int) string {
	text := ", w0 AS (SELECT x FROM a)"
	for i := 1; i <= n; i++ {
		text += ", w" + strconv.Itoa(i) + " AS (SELECT l.x FROM w" + strconv.Itoa(i-1) + " l, w" + strconv.Itoa(i-1) + " r)"
	}
	return text
}

// Everything outside the subset is refused with its place and what to do.
func TestRefusals(t *testing.T) {
	const from = "SELECT * FROM CloudTrailLogs "
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", `line 1, column 1: expected SELECT, found the end of the text (the statement is empty)`},
		{"only a comment", "-- nothing\n", `line 2, column 1: expected SELECT, found the end of the text (the statement is empty)`},
		{"mistyped keyword", "SELCT * FROM CloudTrailLogs", `line 1, column 1: expected SELECT, found "SELCT" (did you mean "SELECT"?)`},
		{"keywords run together", from + "WHERE eventName = 'a' ORDERBY eventTime", `line 1, column 52: expected the statement to end, found "ORDERBY" (put a space after ORDER)`},
		{"mistyped clause", from + "WEHRE eventName = 'a'", `line 1, column 30: expected the statement to end, found "WEHRE" (did you mean "WHERE"?)`},
		{"two froms", "SELECT * FROM FROM CloudTrailLogs", `line 1, column 15: expected the name of a table after FROM, found "FROM" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"no table", "SELECT eventName", `line 1, column 8: a column needs a table, found "eventName" (add FROM CloudTrailLogs; text goes between single quotes)`},
		{"mistyped table", "SELECT * FROM CloudTrailLog", `line 1, column 15: there is no such table, found "CloudTrailLog" (did you mean "CloudTrailLogs"?)`},
		{"unknown table", "SELECT * FROM secrets", `line 1, column 15: there is no such table, found "secrets" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"qualified table", "SELECT * FROM main.CloudTrailLogs", `line 1, column 20: a table's name has one part, found "CloudTrailLogs" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"mistyped column", from + "WHERE evntName = 'a'", `line 1, column 36: there is no such column in CloudTrailLogs, found "evntName" (did you mean "eventName"?)`},
		{"unknown column", from + "WHERE banana = 'a'", `line 1, column 36: there is no such column in CloudTrailLogs, found "banana" (text goes between single quotes)`},
		{"mistyped field", from + "WHERE userIdentity.an = 'a'", `line 1, column 36: "userIdentity" has no such field, found "userIdentity.an" (did you mean "arn"?)`},
		{"field of JSON text", from + "WHERE requestParameters.target = 'a'", `line 1, column 36: "requestParameters" has no such field, found "requestParameters.target" (it is JSON text: json_extract_scalar(requestParameters, '$.target'))`},
		{"field of a list", from + "WHERE resources.arn = 'a'", `line 1, column 36: "resources" has no such field, found "resources.arn" (it is a list: element_at(resources, 1).arn)`},
		{"wrong alias", "SELECT x.eventName FROM CloudTrailLogs y", `line 1, column 8: there is no such column in CloudTrailLogs, found "x.eventName"`},
		{"mistyped function", "SELECT lenght(eventName) FROM CloudTrailLogs", `line 1, column 8: there is no such function here, found "lenght" (did you mean "length"?)`},
		{"function of another engine", "SELECT strftime(eventTime, '%Y') FROM CloudTrailLogs", `line 1, column 8: there is no such function here, found "strftime" (use date_format(x, '%Y-%m-%d'))`},
		{"arguments missing", "SELECT lower() FROM CloudTrailLogs", `line 1, column 8: expected lower(varchar) → varchar, found 0 arguments`},
		{"arguments too many", "SELECT lower(eventName, eventName) FROM CloudTrailLogs", `line 1, column 8: expected lower(varchar) → varchar, found 2 arguments`},
		{"text against a number", from + "WHERE seq = 'twelve'", `line 1, column 42: the comparison needs a bigint, this is a varchar (a number has no quotes)`},
		{"number against text", from + "WHERE recipientAccountId = 123456789012", `line 1, column 57: the comparison needs a varchar, this is a bigint (put it between single quotes)`},
		{"text against a boolean", from + "WHERE readOnly = 'yes'", `line 1, column 47: the comparison needs true or false, found 'yes'`},
		{"text that is no time", from + "WHERE eventTime > '${date_filter}'", `line 1, column 48: expected a time, found '${date_filter}' (write '2026-11-20', '2026-11-20 08:00:00' or '2026-11-20T08:00:00Z')`},
		{"column against a time", from + "WHERE eventTime > eventName", `line 1, column 48: the comparison needs a timestamp, this is a varchar (from_iso8601_timestamp(…) reads a time)`},
		{"no condition", from + "WHERE eventName", `line 1, column 36: a condition needs a boolean, this is a varchar`},
		{"a row compared", from + "WHERE userIdentity = 'alice'", `line 1, column 36: cannot compare a row (compare one of its fields: type, principalId, arn, accountId, accessKeyId, userName, sessionContext, invokedBy)`},
		{"json compared", from + "WHERE json_extract(requestParameters, '$.a') = 'x'", `line 1, column 36: cannot compare a json (compare json_extract_scalar(…))`},
		{"plus between text", from + "WHERE eventName + 'x' = 'y'", `line 1, column 36: + needs numbers, this is a varchar (text is joined with ||)`},
		{"division by zero", from + "WHERE seq / 0 = 1", `line 1, column 42: this divides by zero`},
		{"bad pattern", from + "WHERE regexp_like(eventName, '(?=a)')", `line 1, column 59: expected a regular expression: invalid or unsupported Perl syntax, found '(?=a)' (the syntax is RE2's: no look-around, no back-references)`},
		{"pattern from a column", from + "WHERE eventName LIKE userName", `line 1, column 51: the pattern of LIKE must be a string (use strpos(x, y) > 0, or starts_with(x, y))`},
		{"bad escape", from + `WHERE eventName LIKE 'a\b' ESCAPE '\'`, `line 1, column 51: in this pattern \ is not followed by %, _ or itself`},
		{"bad JSON path", from + "WHERE json_extract_scalar(requestParameters, 'target') = 'a'", `line 1, column 75: expected a path into JSON, found 'target' (write '$.key', '$.list[0]' or '$["a key"]')`},
		{"bad unit", "SELECT date_trunc('hours', eventTime) FROM CloudTrailLogs", `line 1, column 19: there is no such unit in date_trunc, found 'hours' (did you mean "hour"?)`},
		{"cast that cannot be", "SELECT CAST(seq AS date) FROM CloudTrailLogs", `line 1, column 8: cannot cast a bigint to date`},
		{"not grouped", "SELECT eventName, count(*) FROM CloudTrailLogs", `line 1, column 8: "eventName" is neither grouped by nor aggregated (add it to GROUP BY, or write arbitrary(eventName))`},
		{"alias in GROUP BY", "SELECT lower(eventName) AS n, count(*) FROM CloudTrailLogs GROUP BY n", `line 1, column 69: an alias cannot be used in GROUP BY (write GROUP BY 1, or the expression itself)`},
		{"aggregate in WHERE", from + "WHERE count(*) > 3", `line 1, column 36: count aggregates, which WHERE cannot (use HAVING)`},
		{"aggregate in an aggregate", "SELECT max(count(*)) FROM CloudTrailLogs", `line 1, column 12: count is inside max, and both aggregate`},
		{"position out of the list", "SELECT eventName FROM CloudTrailLogs ORDER BY 2", `line 1, column 47: ORDER BY takes an expression or a position from 1 to 1`},
		{"aggregate grouped by", "SELECT count(*) FROM CloudTrailLogs GROUP BY 1", `line 1, column 46: GROUP BY 1 is count(…), which aggregates (group by what is not aggregated)`},
		{"distinct ordered by another", "SELECT DISTINCT eventName FROM CloudTrailLogs ORDER BY eventTime", `line 1, column 56: with SELECT DISTINCT, ORDER BY takes what is in the SELECT list (add it to the list)`},
		{"keyword as a name", "SELECT eventName AS order FROM CloudTrailLogs", `line 1, column 21: expected a name after AS, found "order" (it is a keyword; as a name it goes between double quotes: "order")`},
		{"alias in single quotes", "SELECT eventName AS 'n' FROM CloudTrailLogs", `line 1, column 21: expected a name after AS, found 'n' (an alias goes between double quotes: "…")`},
		{"limit of text", from + "LIMIT 'x'", `line 1, column 36: expected a whole number after LIMIT, found 'x'`},
		{"limit without end", from + "LIMIT 99999999999999999999", `line 1, column 36: expected a number up to 9223372036854775807, found "99999999999999999999"`},
		{"bracket not closed", from + "WHERE (eventName = 'a'", `line 1, column 52: expected ) to close the bracket, found the end of the text`},
		{"string not closed", from + "WHERE eventName = 'a", `line 1, column 48: expected the string to end, found 'a (close it with '; a quote inside is written '')`},
		{"comment not closed", from + "/* WHERE", `line 1, column 30: expected the comment to end, found "/*" (close it with */)`},
		{"name not closed", `SELECT "eventName FROM CloudTrailLogs`, `line 1, column 8: expected the quoted name to end, found "eventName FROM CloudTrailLogs (close it with ")`},

		// Trino that is not in this subset.
		{"lambda", "SELECT count(x -> x) FROM CloudTrailLogs", `line 1, column 14: count takes no lambda here (signature: count(*) or count([DISTINCT] x) → bigint)`},
		{"TABLESAMPLE", from + "TABLESAMPLE BERNOULLI (10)", `line 1, column 30: TABLESAMPLE is not supported (use LIMIT)`},
		{"parameter", from + "WHERE seq = ?", `line 1, column 42: parameters have names here (write :name)`},
		{"IS TRUE", from + "WHERE readOnly IS TRUE", `line 1, column 48: expected NULL or DISTINCT FROM after IS, found "TRUE" (compare with = true)`},
		{"ILIKE", from + "WHERE eventName ILIKE 'a'", `line 1, column 46: ILIKE is not SQL that Trino knows (use lower(x) LIKE '…')`},
		{"prefixed string", from + "WHERE eventName = e'a'", `line 1, column 48: strings with a prefix are not supported, found "e" (write plain quotes: '…')`},
		{"cast of another engine", "SELECT seq::text FROM CloudTrailLogs", `line 1, column 11: expected SQL, found ":" (a cast is written CAST(x AS type))`},

		// What an attacker would try.
		{"stacked", from + "; DROP TABLE CloudTrailLogs", `line 1, column 32: expected one statement only, found "DROP" (run the second on its own)`},
		{"stacked selects", "SELECT 1; SELECT 2", `line 1, column 11: expected one statement only, found "SELECT" (run the second on its own)`},
		{"COPY", "COPY CloudTrailLogs TO '/tmp/x'", `line 1, column 1: expected SELECT, found "COPY" (a query only reads)`},
		{"ATTACH", "ATTACH 'x.db'", `line 1, column 1: expected SELECT, found "ATTACH" (a query only reads)`},
		{"PRAGMA", "PRAGMA database_list", `line 1, column 1: expected SELECT, found "PRAGMA" (a query only reads)`},
		{"SET", "SET memory_limit = '1TB'", `line 1, column 1: expected SELECT, found "SET" (a query only reads)`},
		{"INSERT", "INSERT INTO CloudTrailLogs VALUES (1)", `line 1, column 1: expected SELECT, found "INSERT" (a query only reads)`},
		{"CREATE", "CREATE TABLE x AS SELECT 1", `line 1, column 1: expected SELECT, found "CREATE" (a query only reads)`},
		{"EXPLAIN", "EXPLAIN SELECT 1", `line 1, column 1: expected SELECT, found "EXPLAIN" (a query only reads)`},
		{"FROM first", "FROM CloudTrailLogs", `line 1, column 1: expected SELECT, found "FROM" (a query only reads)`},
		{"SELECT INTO", "SELECT * INTO x FROM CloudTrailLogs", `line 1, column 10: expected the statement to end, found "INTO"`},
		{"table function", "SELECT * FROM read_csv('/etc/passwd')", `line 1, column 15: table functions are not supported, found "read_csv" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"quoted table function", `SELECT * FROM "read_csv"('/etc/passwd')`, `line 1, column 15: table functions are not supported, found "read_csv" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"scalar file reader", "SELECT read_text('/etc/passwd')", `line 1, column 8: there is no such function here, found "read_text" (files cannot be read)`},
		{"file as a table", "SELECT * FROM '/etc/passwd'", `line 1, column 15: expected the name of a table, found '/etc/passwd' (files cannot be read; the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"quoted file as a table", `SELECT * FROM "/etc/passwd"`, `line 1, column 15: there is no such table, found "/etc/passwd" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"query()", "SELECT * FROM query('DROP TABLE x')", `line 1, column 15: table functions are not supported, found "query" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"getenv", "SELECT getenv('HOME')", `line 1, column 8: there is no such function here, found "getenv" (a query sees the trail only)`},
		{"comment that hides", "SELECT * FROM CloudTrailLogs /* ; */ ; -- \n ATTACH 'x'", `line 2, column 2: expected one statement only, found "ATTACH" (run the second on its own)`},
		{"nested comment", "SELECT /* /* */ 1 */ FROM CloudTrailLogs", `line 1, column 20: expected an expression, found "/"`},
		{"NUL byte", "SELECT * FROM CloudTrailLogs\x00; DROP TABLE x", `line 1, column 29: expected readable text, found a NUL byte (remove it)`},
		{"NUL byte in a string", from + "WHERE eventName = 'a\x00b'", `line 1, column 50: expected readable text, found a NUL byte (remove it)`},
		{"not UTF-8", from + "WHERE eventName = 'a\xff'", `line 1, column 50: expected readable text, found byte 0xFF, which is not UTF-8 (save the text as UTF-8)`},
		{"an escape sequence", from + "WHERE eventName = '\x1b[2J'", `line 1, column 49: expected readable text, found U+001B, which a terminal takes for a command (remove it; in text chr(27) stands for it)`},
		{"an escape sequence in a comment", "SELECT 1 -- \u009b8m", `line 1, column 13: expected readable text, found U+009B, which a terminal takes for a command (remove it; in text chr(155) stands for it)`},
		{"a line over another", "SELECT 1 -- a\rSELECT 2", `line 1, column 14: expected readable text, found a carriage return that ends no line (end lines with a line feed)`},
		{"text that turns round", from + "WHERE eventName = 'a\u202e'", `line 1, column 50: expected readable text, found U+202E, which changes the direction of text (remove it)`},
		{"Cyrillic letter", "SELECT * FROM CloudTrаilLogs", `line 1, column 22: expected SQL, found "а" (U+0430) (names have plain letters a to z; others go between double quotes, text between single ones)`},
		{"smart quotes", from + "WHERE eventName = ‘a’", `line 1, column 48: expected SQL, found "‘" (U+2018) (text goes between plain quotes: ')`},
		{"no-break space", "SELECT\u00a0* FROM CloudTrailLogs", `line 1, column 7: expected SQL, found U+00A0 (replace it with a plain space)`},
		{"zero-width space", "SELECT\u200b * FROM CloudTrailLogs", `line 1, column 7: expected SQL, found U+200B (replace it with a plain space)`},
		{"full-width semicolon", "SELECT 1；DROP TABLE x", `line 1, column 9: expected SQL, found "；" (U+FF1B) (replace it with a plain ;)`},
		{"backslash quote", from + `WHERE eventName = 'a\'; DROP TABLE x --'`, `line 1, column 54: expected one statement only, found "DROP" (run the second on its own)`},
		{"dollar quotes", from + "WHERE eventName = $$a$$", `line 1, column 48: expected SQL, found "$" (a place-holder was not filled in)`},
		{"place-holder", "SELECT * FROM $EDS_ID", `line 1, column 15: there is no such event data store, found "$EDS_ID" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"very long", "SELECT '" + strings.Repeat("a", MaxText) + "'", `line 1, column 1: a statement of at most 1 MiB, found 1048585 bytes (ask for less in one statement)`},
		{"deep brackets", "SELECT " + strings.Repeat("(", 100_000) + "1" + strings.Repeat(")", 100_000), `line 1, column 608: this is nested deeper than 200 levels (write it flatter)`},
		{"deep NOT", from + "WHERE " + strings.Repeat("NOT ", 100_000) + "readOnly", `line 1, column 2436: this is nested deeper than 200 levels (write it flatter)`},
		{"deep calls", "SELECT " + strings.Repeat("lower(", 300) + "'a'" + strings.Repeat(")", 300), `line 1, column 1808: this is nested deeper than 200 levels (write it flatter)`},
		{"deep minus", "SELECT " + strings.Repeat("- ", 100_000) + "seq FROM CloudTrailLogs", `line 1, column 1208: this is nested deeper than 200 levels (write it flatter)`},
		{"long chain", "SELECT 1" + strings.Repeat(" + 1", 10_000), `line 1, column 810: this chain has more than 200 parts, found "+" (write concat(…), or shorten it)`},
		{"deep CASE", "SELECT " + strings.Repeat("CASE WHEN true THEN ", 1000) + "1" + strings.Repeat(" END", 1000), `line 1, column 5998: this is nested deeper than 200 levels (write it flatter)`},
		{"what grows when printed", "SELECT " + strings.Repeat("substr(", 20) + "eventName" + strings.Repeat(", seq, seq)", 20) + " FROM CloudTrailLogs", `line 1, column 8: this is too long once it is written out for the engine (divide by columns, and cut text, fewer times inside each other)`},
		{"WITH that doubles", "WITH a AS (SELECT 1 AS x FROM CloudTrailLogs)" + doubling(20) + " SELECT * FROM w20", `line 1, column 354: this reads more than 500 tables, each query of WITH counted as often as it is named (name fewer)`},
		{"queries that grow when printed", "SELECT " + strings.Repeat("substr((SELECT ", 20) + "eventName" + strings.Repeat("), seq, seq)", 20) + " FROM CloudTrailLogs", `line 1, column 165: sub-queries are nested deeper than 10 levels (write it flatter, or use WITH)`},
		{"lambdas in lambdas", "SELECT " + strings.Repeat("any_match(ARRAY[1], x -> ", 20) + "x = 1" + strings.Repeat(")", 20), `line 1, column 278: lambdas are nested deeper than 10 levels (write it flatter)`},
		{"subscripts that grow", "SELECT " + strings.Repeat("ARRAY[seq][", 50) + "1" + strings.Repeat("]", 50) + " FROM CloudTrailLogs", `line 1, column 18: this is too long once it is written out for the engine (divide by columns, and cut text, fewer times inside each other)`},
		{"queries in queries", strings.Repeat("SELECT * FROM (", 1000) + "SELECT 1" + strings.Repeat(")", 1000), `line 1, column 451: queries are nested deeper than 30 levels (write it flatter, or use WITH)`},
		{"many joins", "SELECT 1 FROM CloudTrailLogs" + strings.Repeat(", CloudTrailLogs", 1000), `line 1, column 813: FROM has more than 50 tables (join fewer)`},
		{"many unions", "SELECT 1" + strings.Repeat(" UNION SELECT 1", 1000), `line 1, column 760: more than 50 queries are put together, found "UNION" (write fewer)`},
		{"cubes", "SELECT 1 FROM CloudTrailLogs GROUP BY CUBE (1, 2, 3, 4, 5, 6, 7, 8, 9)", `line 1, column 39: at most 8 columns go into CUBE, found "CUBE" (group by fewer)`},
		{"recursion", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT * FROM r", `line 1, column 6: WITH RECURSIVE is not supported (a trail has no tree to climb)`},
		{"a CTE reads a file", "WITH x AS (SELECT * FROM '/etc/passwd') SELECT * FROM x", `line 1, column 26: expected the name of a table, found '/etc/passwd' (files cannot be read; the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"writing in WITH", "WITH x AS (INSERT INTO CloudTrailLogs VALUES (1)) SELECT 1", `line 1, column 12: expected SELECT, found "INSERT" (a query only reads)`},
		{"an engine's own table", "SELECT * FROM logs", `line 1, column 15: there is no such table, found "logs" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"an engine's catalogue", "SELECT * FROM information_schema.tables", `line 1, column 34: a table's name has one part, found "tables" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"our own names", `SELECT * FROM "_w1"`, `line 1, column 15: there is no such table, found "_w1" (the tables are CloudTrailLogs, CloudTrailHistory, cloudtrail_logs, sessions, identities, targets, alarms and runs)`},
		{"ambiguous", "SELECT seq FROM CloudTrailLogs a, CloudTrailLogs b", `line 1, column 8: more than one column has this name, found "seq" (put the table's name or alias in front: a.seq or b.seq)`},
		{"window in WHERE", from + "WHERE rank() OVER (ORDER BY seq) = 1", `line 1, column 36: a window function cannot stand in WHERE (select it in a sub-query, and filter outside)`},
		{"rank without OVER", "SELECT rank() FROM CloudTrailLogs", `line 1, column 8: rank needs OVER (rank(…) OVER (PARTITION BY … ORDER BY …))`},
		{"unions of different width", "SELECT 1 UNION SELECT 1, 2", `line 1, column 16: the query before UNION has 1, found 2 columns (select as many in both)`},
		{"unions of different types", "SELECT 1 UNION SELECT 'a'", `line 1, column 16: column 1 is a bigint before UNION and a varchar after it (CAST one of them)`},
		{"two columns as a value", "SELECT (SELECT 1, 2)", `line 1, column 8: a sub-query that is a value has one column, this one 2 (select one)`},
		{"subscript of text", "SELECT eventName[1] FROM CloudTrailLogs", `line 1, column 8: a subscript needs an array, a map or a row, this is a varchar`},
		{"unknown zone", "SELECT eventTime AT TIME ZONE 'Mars/Olympus' FROM CloudTrailLogs", `line 1, column 31: there is no such time zone here, found 'Mars/Olympus' (a name such as 'Europe/Berlin')`},
		{"a lambda that reaches out of UNNEST", "SELECT 1 FROM CloudTrailLogs CROSS JOIN UNNEST(transform(sequence(1, 3), x -> eventName)) AS u (y)", `line 1, column 74: a lambda inside UNNEST cannot reach the columns of a table (make the list in a sub-query, and unnest its column)`},
		{"a share over all", "SELECT approx_percentile(seq, 1e9) FROM CloudTrailLogs", `line 1, column 31: the share of approx_percentile is a number from 0 to 1 (signature: approx_percentile(number, share) → number, or array)`},
		{"a share of each row", "SELECT approx_percentile(seq, seq) FROM CloudTrailLogs", `line 1, column 31: the share of approx_percentile is a number from 0 to 1 (signature: approx_percentile(number, share) → number, or array)`},
		{"bad format", "SELECT date_format(eventTime, '%Q') FROM CloudTrailLogs", `line 1, column 31: expected a format of times, found '%Q' (such as '%Y-%m-%d %H:%i:%s')`},
		{"many columns", "SELECT 1" + strings.Repeat(", 1", 1000), `line 1, column 3008: the SELECT list has more than 1000 columns (name fewer)`},
		{"many stars", "SELECT *" + strings.Repeat(", *", 40) + " FROM CloudTrailLogs", `line 1, column 104: the SELECT list has more than 1000 columns (name fewer)`},
		{"much to order by", "SELECT 1 ORDER BY 1" + strings.Repeat(", 1", 1000), `line 1, column 3019: ORDER BY has more than 1000 columns (name fewer)`},
		{"a name too long", `SELECT 1 AS "` + strings.Repeat("a", 200) + `"`, `line 1, column 13: expected a name of at most 128 bytes, found "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa…"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			err := check(tc.text)
			if err == nil {
				t.Fatalf("%.200s\nwas taken, want %s", tc.text, tc.want)
			}
			if err.Error() != tc.want {
				t.Errorf("%.200s\n got %s\nwant %s", tc.text, err, tc.want)
			}
		})
	}
}

// A lambda where none belongs is refused by every function, in every place.
func TestLambdaStandsNowhereElse(t *testing.T) {
	others := []string{"1", "'a'", "'$.a'", "true", "ARRAY[1]", "map(ARRAY['a'], ARRAY[1])", "eventTime", "INTERVAL '1' DAY", "x -> x", "(x, y) -> x"}
	for _, name := range functionNames() {
		for n := 1; n <= 4; n++ {
			for at := range n {
				for _, other := range others {
					args := slices.Repeat([]string{other}, n)
					args[at] = "l -> l"
					text := "SELECT " + name + "(" + strings.Join(args, ", ") + ") FROM CloudTrailLogs"
					_ = check(text) // many are fine; what must not come is a panic
				}
			}
		}
	}
	for text, want := range map[string]string{
		"SELECT any_match(r -> r, r -> r = 1)":    `line 1, column 18: any_match needs an array, this is a lambda (the column resources is one)`,
		"SELECT map_keys(m -> m)":                 `line 1, column 17: map_keys needs a map, this is a lambda`,
		"SELECT json_extract(j -> j, '$.Id')":     `line 1, column 21: json_extract needs a varchar, this is a lambda`,
		"SELECT lower(x -> x)":                    `line 1, column 14: lower needs a varchar, this is a lambda`,
		"SELECT try(x -> x), coalesce(1, x -> x)": `line 1, column 12: try takes no lambda here (signature: try(x) → x)`,
	} {
		if err := check(text); err == nil || err.Error() != want {
			t.Errorf("%s\n got %v\nwant %s", text, err, want)
		}
	}
}
