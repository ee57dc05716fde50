package sqlfront

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What the grammar takes is answered as Trino would, and reads back.
func TestGrammarAnswers(t *testing.T) {
	db := engine(t, sessions(t))
	if _, err := db.Exec(`CREATE VIEW "CloudTrailHistory" AS SELECT * FROM "CloudTrailLogs"`); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		// WITH, sub-queries.
		{"WITH", "WITH w AS (SELECT eventName, count(*) AS n FROM CloudTrailLogs GROUP BY 1) SELECT eventName, n FROM w WHERE n > 1 ORDER BY n DESC", []string{"AuthorizeSecurityGroupIngress | 3", "StartSession | 2"}},
		{"WITH names its columns and another", "WITH a(x) AS (SELECT seq FROM CloudTrailLogs), b AS (SELECT x + 1 AS y FROM a) SELECT max(y), (SELECT min(x) FROM a) FROM b", []string{"7 | 1"}},
		{"WITH shadows a table", "WITH CloudTrailLogs AS (SELECT * FROM CloudTrailLogs WHERE seq = 2) SELECT count(*) FROM CloudTrailLogs", []string{"1"}},
		{"WITH inside", "SELECT * FROM (WITH w AS (SELECT 1 AS a) SELECT a FROM w) WHERE a = 1", []string{"1"}},
		{"sub-query in FROM without alias", "SELECT n FROM (SELECT count(*) AS n FROM CloudTrailLogs)", []string{"6"}},
		{"sub-query with names", "SELECT t.b, t.a FROM (SELECT 1, 'x') AS t(a, b)", []string{"x | 1"}},
		{"names twice in a sub-query", "SELECT * FROM (SELECT 1 AS a, 2 AS a)", []string{"1 | 2"}},
		{"scalar", "SELECT seq FROM CloudTrailLogs WHERE eventTime = (SELECT max(eventTime) FROM CloudTrailHistory)", []string{"6"}},
		{"correlated", "SELECT seq FROM CloudTrailLogs a WHERE seq = (SELECT max(seq) FROM CloudTrailLogs b WHERE b.eventName = a.eventName) ORDER BY 1", []string{"2", "5", "6"}},
		{"IN a query", "SELECT seq FROM CloudTrailLogs WHERE userName IN (SELECT userName FROM CloudTrailHistory WHERE errorCode = 'AccessDenied') ORDER BY seq", []string{"3", "4"}},
		{"NOT IN with NULL", "SELECT count(*) FROM CloudTrailLogs WHERE userName NOT IN (SELECT userName FROM CloudTrailLogs WHERE seq > 4)", []string{"0"}},
		{"EXISTS", "SELECT seq FROM CloudTrailLogs a WHERE NOT EXISTS (SELECT 1 FROM CloudTrailLogs b WHERE b.seq < a.seq)", []string{"1"}},
		{"ANY and ALL", "SELECT seq FROM CloudTrailLogs WHERE seq >= ALL (SELECT seq FROM CloudTrailLogs) OR seq = ANY (VALUES 1, 2) ORDER BY 1", []string{"1", "2", "6"}},
		// Joins.
		{"inner join", "SELECT a.seq, b.seq FROM CloudTrailLogs a JOIN CloudTrailLogs AS b ON a.seq + 1 = b.seq AND a.eventName = b.eventName ORDER BY 1", []string{"1 | 2", "3 | 4", "4 | 5"}},
		{"left join", "SELECT a.x, b.y FROM (VALUES 1, 2) a(x) LEFT OUTER JOIN (VALUES 2) b(y) ON a.x = b.y ORDER BY 1", []string{"1 | NULL", "2 | 2"}},
		{"right join", "SELECT a.x, b.y FROM (VALUES 1) a(x) RIGHT JOIN (VALUES 2) b(y) ON a.x = b.y", []string{"NULL | 2"}},
		{"full join using", "SELECT * FROM (VALUES (1, 'a')) a(k, x) FULL JOIN (VALUES (2, 'b')) b(k, y) USING (k) ORDER BY k", []string{"1 | a | NULL", "2 | NULL | b"}},
		{"using is one column", "SELECT k, a.k, x, y FROM (VALUES (1, 'a')) a(k, x) JOIN (VALUES (1, 'b')) b(k, y) USING (k)", []string{"1 | 1 | a | b"}},
		{"cross and comma", "SELECT count(*) FROM CloudTrailLogs a, CloudTrailLogs b CROSS JOIN (VALUES 1, 2) c", []string{"72"}},
		{"joins in brackets", "SELECT a.x, c.z FROM (VALUES 1) a(x) LEFT JOIN ((VALUES 1) b(y) JOIN (VALUES 1) c(z) ON y = z) ON x = y", []string{"1 | 1"}},
		{"lateral", "SELECT a.x, b.y FROM (VALUES 1, 2) a(x) CROSS JOIN LATERAL (SELECT a.x * 10 AS y) b ORDER BY 1", []string{"1 | 10", "2 | 20"}},
		// Set operations.
		{"UNION", "SELECT 1 UNION SELECT 1 UNION ALL SELECT 2 ORDER BY 1 DESC", []string{"2", "1"}},
		{"UNION of types", "SELECT 1 UNION ALL SELECT 2.5 UNION ALL SELECT NULL ORDER BY 1", []string{"1", "2.5", "NULL"}},
		{"INTERSECT first", "SELECT 1 UNION ALL SELECT 2 INTERSECT SELECT 3", []string{"1"}},
		{"EXCEPT", "(VALUES 1, 2, 2, 3) EXCEPT (SELECT 2) ORDER BY 1 LIMIT 1", []string{"1"}},
		{"EXCEPT ALL", "SELECT count(*) FROM ((VALUES 1, 2, 2) EXCEPT ALL VALUES 2)", []string{"2"}},
		{"union of limited queries", "(SELECT seq FROM CloudTrailLogs ORDER BY seq LIMIT 1) UNION ALL (SELECT seq FROM CloudTrailLogs ORDER BY seq DESC LIMIT 1) ORDER BY seq", []string{"1", "6"}},
		{"VALUES", "VALUES (1, 'a'), (2, NULL)", []string{"1 | a", "2 | NULL"}},
		{"TABLE", "SELECT count(*) FROM (TABLE CloudTrailLogs)", []string{"6"}},
		// Bounds.
		{"OFFSET and LIMIT", "SELECT seq FROM CloudTrailLogs ORDER BY seq OFFSET 2 ROWS LIMIT 2", []string{"3", "4"}},
		{"FETCH", "SELECT seq FROM CloudTrailLogs ORDER BY seq OFFSET 1 FETCH NEXT 1 ROW ONLY", []string{"2"}},
		// Lists, maps and rows.
		{"UNNEST of rows", "SELECT seq, arn FROM CloudTrailLogs CROSS JOIN UNNEST(resources) AS t(arn, accountId, type) ORDER BY arn", []string{"5 | arn:r1", "5 | arn:r2"}},
		{"UNNEST as one column", "SELECT seq, r.arn FROM CloudTrailLogs CROSS JOIN UNNEST(resources) AS t(r) ORDER BY 2", []string{"5 | arn:r1", "5 | arn:r2"}},
		{"UNNEST after a comma", "SELECT rt.arn FROM CloudTrailLogs, unnest(resources) AS rt ORDER BY 1", []string{"arn:r1", "arn:r2"}},
		{"UNNEST of two with ORDINALITY", "SELECT a, b, n FROM UNNEST(ARRAY[1, 2], ARRAY['x']) WITH ORDINALITY AS t(a, b, n) ORDER BY n", []string{"1 | x | 1", "2 | NULL | 2"}},
		{"UNNEST of a map", "SELECT k, v FROM UNNEST(map(ARRAY['a', 'b'], ARRAY[1, 2])) AS t(k, v) ORDER BY k", []string{"a | 1", "b | 2"}},
		{"LEFT JOIN UNNEST", "SELECT seq, arn FROM CloudTrailLogs LEFT JOIN UNNEST(resources) AS t(arn, a, b) ON TRUE WHERE seq > 4 ORDER BY 1, 2", []string{"5 | arn:r1", "5 | arn:r2", "6 | NULL"}},
		{"subscripts", "SELECT ARRAY[7, 8][2], map(ARRAY['a'], ARRAY[1])['a'], ROW(1, 'x')[2], resources[1].arn FROM CloudTrailLogs WHERE seq = 5", []string{"8 | 1 | x | arn:r1"}},
		{"try of a subscript", "SELECT try(ARRAY[1][3]), try(map(ARRAY['a'], ARRAY[1])['b']), try(1 / (seq - seq)), coalesce(try(CAST('x' AS bigint)), 5) FROM CloudTrailLogs WHERE seq = 1", []string{"NULL | NULL | NULL | 5"}},
		{"rows compared", "SELECT seq FROM CloudTrailLogs WHERE (login, target) = ('root', 'web1') OR (seq, login) IN ((2, 'ec2-user'), (3, 'x')) ORDER BY 1", []string{"1", "2"}},
		{"row with names", "SELECT CAST(ROW(1, 'x') AS row(a bigint, b varchar)).b", []string{"x"}},
		{"lambdas", "SELECT transform(ARRAY[1, 2, 3], x -> x * 2), filter(ARRAY[1, 2, 3], x -> x > 1), reduce(ARRAY[1, 2, 3], 0, (s, x) -> s + x, s -> s * 10), any_match(ARRAY[1, NULL], x -> x = 2), all_match(ARRAY[1], x -> x = 1), none_match(ARRAY[], x -> TRUE)",
			[]string{"[2 4 6] | [2 3] | 60 | NULL | true | true"}},
		{"lambda of a column", "SELECT seq, transform(resources, r -> r.arn || CAST(seq AS varchar)) FROM CloudTrailLogs WHERE any_match(resources, r -> r.arn LIKE '%r2')", []string{"5 | [arn:r15 arn:r25]"}},
		{"lambdas of two", "SELECT zip_with(ARRAY[1, 2], ARRAY[10, 20], (x, y) -> x + y), map_values(transform_values(map(ARRAY['a'], ARRAY[1]), (k, v) -> k || CAST(v AS varchar))), map_keys(map_filter(map(ARRAY['a', 'b'], ARRAY[1, 2]), (k, v) -> v > 1)), map_keys(transform_keys(map(ARRAY['a'], ARRAY[1]), (k, v) -> k || 'z'))",
			[]string{"[11 22] | [a1] | [b] | [az]"}},
		{"lambda in a lambda", "SELECT transform(ARRAY[ARRAY[1], ARRAY[2, 3]], l -> reduce(l, 0, (s, x) -> s + x, s -> s))", []string{"[1 5]"}},
		{"lists", "SELECT contains(ARRAY[1, 2], 2), contains(ARRAY[1, NULL], 2), array_distinct(ARRAY[2, 1, 2, NULL, NULL]), array_sort(ARRAY[3, NULL, 1]), array_join(ARRAY[1, NULL, 2], ','), array_join(ARRAY[1, NULL], ',', '-'), array_position(ARRAY['a', 'b'], 'b'), slice(ARRAY[1, 2, 3], -2, 5), cardinality(ARRAY[1]), array_max(ARRAY[1, NULL]), flatten(ARRAY[ARRAY[1], ARRAY[2]]), ARRAY[1] || 2 || ARRAY[3]",
			[]string{"true | NULL | [2 1 <nil>] | [1 3 <nil>] | 1,2 | 1,- | 2 | [2 3] | 1 | NULL | [1 2] | [1 2 3]"}},
		{"more lists", "SELECT array_union(ARRAY[1, 2], ARRAY[2, 3]), array_intersect(ARRAY[1, 2], ARRAY[2]), array_except(ARRAY[1, 2], ARRAY[2]), array_remove(ARRAY[1, 2], 2), sequence(3, 1), sequence(1, 5, 2), reverse(ARRAY[1, 2]), element_at(ARRAY[1, 2], -1), arrays_overlap(ARRAY[1], ARRAY[1]), concat(ARRAY[1], ARRAY[2])",
			[]string{"[1 2 3] | [2] | [1] | [1] | [3 2 1] | [1 3 5] | [2 1] | 2 | true | [1 2]"}},
		{"maps", "SELECT element_at(map(ARRAY['a'], ARRAY[1]), 'b'), cardinality(map(ARRAY['a'], ARRAY[1])), map_keys(map_concat(map(ARRAY['a'], ARRAY[1]), map(ARRAY['b'], ARRAY[2]))), element_at(split_to_map('a=1,b=2', ',', '='), 'b')", []string{"NULL | 1 | [a b] | 2"}},
		{"aggregates that make maps", "SELECT element_at(histogram(eventName), 'StartSession'), element_at(map_agg(userName, target), 'bob'), cardinality(multimap_agg(eventName, seq)), approx_percentile(seq, 0.5), array_agg(seq ORDER BY seq DESC), listagg(target, ',') WITHIN GROUP (ORDER BY target, seq) FROM CloudTrailLogs",
			[]string{"2 | web1 | 3 | 3 | [6 5 4 3 2 1] | db1,db1,db2,web1,web1"}},
		// Windows and groups.
		{"windows", "SELECT seq, rank() OVER (PARTITION BY eventName ORDER BY eventTime DESC) AS r, lag(seq) OVER (ORDER BY seq), sum(seq) OVER (ORDER BY seq ROWS BETWEEN 1 PRECEDING AND CURRENT ROW), count(*) FILTER (WHERE seq > 1) OVER () FROM CloudTrailLogs ORDER BY seq LIMIT 3",
			[]string{"1 | 2 | NULL | 1 | 5", "2 | 1 | 1 | 3 | 5", "3 | 3 | 2 | 5 | 5"}},
		{"named window", "SELECT row_number() OVER w, first_value(seq) OVER (w ROWS UNBOUNDED PRECEDING), lead(errorCode) IGNORE NULLS OVER w FROM CloudTrailLogs WHERE seq < 4 WINDOW w AS (ORDER BY seq) ORDER BY 1", []string{"1 | 1 | AccessDenied", "2 | 1 | AccessDenied", "3 | 1 | NULL"}},
		{"latest of each", "SELECT eventName, seq FROM (SELECT eventName, seq, row_number() OVER (PARTITION BY eventName ORDER BY seq DESC) AS n FROM CloudTrailLogs) WHERE n = 1 ORDER BY 2", []string{"StartSession | 2", "AuthorizeSecurityGroupIngress | 5", "RunInstances | 6"}},
		{"window over groups", "SELECT eventName, count(*), sum(count(*)) OVER () FROM CloudTrailLogs GROUP BY eventName ORDER BY 2, 1", []string{"RunInstances | 1 | 6", "StartSession | 2 | 6", "AuthorizeSecurityGroupIngress | 3 | 6"}},
		{"ROLLUP", "SELECT login, count(*), grouping(login) FROM CloudTrailLogs WHERE seq < 6 GROUP BY ROLLUP (login) ORDER BY 3, 1", []string{"ec2-user | 1 | 0", "root | 4 | 0", "NULL | 5 | 1"}},
		{"CUBE and GROUPING SETS", "SELECT count(*) FROM (SELECT login, target FROM CloudTrailLogs GROUP BY CUBE (login, target)) UNION ALL SELECT count(*) FROM (SELECT 1 FROM CloudTrailLogs GROUP BY GROUPING SETS ((login), (login, target), ()))", []string{"13", "9"}},
		{"correlated with groups", "SELECT eventName, (SELECT max(b.seq) FROM CloudTrailLogs b WHERE b.eventName = a.eventName) FROM CloudTrailLogs a GROUP BY eventName ORDER BY 2", []string{"StartSession | 2", "AuthorizeSecurityGroupIngress | 5", "RunInstances | 6"}},
		// Numbers and times.
		{"decimals", "SELECT 1 / 3.0, 100.0 * 1 / 3, 1.10 + 2.205, 7 % 2.5, DECIMAL '12.50', CAST('3.456' AS decimal(5, 2)), round(2.345, 2), CAST(2.5 AS bigint), avg(v), sum(v), -1.5 FROM (VALUES 1.25, 2.5) t(v)", []string{"0.3 | 33.3 | 3.305 | 2 | 12.5 | 3.46 | 2.35 | 3 | 1.88 | 3.75 | -1.5"}},
		{"doubles", "SELECT 1e0 / 3e0 > 0.33, CAST(1e10 AS varchar), CAST(1.5e0 AS varchar), CAST(1e-7 AS varchar), CAST(1234567.0e0 AS varchar), CAST(12345678e0 AS varchar), CAST(1.5 AS varchar)", []string{"true | 1.0E10 | 1.5E0 | 1.0E-7 | 1.234567E6 | 1.2345678E7 | 1.5"}},
		{"mathematics", "SELECT power(2, 3), sqrt(9), mod(7, 4), sign(-3), ln(0), is_nan(sqrt(-1)), truncate(2.9), abs(-1.5), ceil(1.2), floor(-1.2)", []string{"8 | 3 | 3 | -1 | -Inf | true | 2 | 1.5 | 2 | -2"}},
		{"intervals", "SELECT eventTime - INTERVAL '1' DAY, eventTime + INTERVAL '2' MONTH, eventTime - appendTime = INTERVAL '0' SECOND, date_add('day', seq, DATE '2026-11-20'), to_milliseconds(appendTime - eventTime) FROM CloudTrailLogs WHERE seq = 1",
			[]string{"2026-11-19T08:00:00Z | 2027-01-20T08:00:00Z | true | 2026-11-21T00:00:00Z | 0"}},
		{"time zones", "SELECT hour(eventTime AT TIME ZONE 'America/New_York'), CAST(eventTime AT TIME ZONE 'Asia/Tokyo' AS varchar), date(eventTime AT TIME ZONE 'Asia/Tokyo'), eventTime AT TIME ZONE 'Asia/Tokyo' = eventTime, date_trunc('day', eventTime AT TIME ZONE 'America/New_York'), eventTime AT TIME ZONE 'UTC' FROM CloudTrailLogs WHERE seq = 1",
			[]string{"3 | 2026-11-20 17:00:00.000000 Asia/Tokyo | 2026-11-20T00:00:00Z | true | 2026-11-20 00:00:00.000000 America/New_York | 2026-11-20T08:00:00Z"}},
		{"formats of times", "SELECT date_format(eventTime, '%Y-%m-%d %H:%i:%s'), format_datetime(eventTime, 'yyyy/MM/dd''T''HH'), date_parse('20/11/2026 07', '%d/%m/%Y %H'), to_unixtime(eventTime), from_unixtime(1795161600), from_iso8601_date('2026-11-20'), last_day_of_month(eventTime), year_of_week(eventTime) FROM CloudTrailLogs WHERE seq = 1",
			[]string{"2026-11-20 08:00:00 | 2026/11/20T08 | 2026-11-20T07:00:00Z | 1.7951616e+09 | 2026-11-20T08:00:00Z | 2026-11-20T00:00:00Z | 2026-11-30T00:00:00Z | 2026"}},
		{"typed literals", "SELECT BIGINT '12', DOUBLE '1.5', BOOLEAN 'true', VARCHAR 'x', DATE '2026-11-20', TIMESTAMP '2026-11-20 08:00', json_extract_scalar(JSON '{\"a\":1}', '$.a')", []string{"12 | 1.5 | true | x | 2026-11-20T00:00:00Z | 2026-11-20T08:00:00Z | 1"}},
		// Text and JSON.
		{"regular expressions", `SELECT regexp_extract('a12b', '(\d)(\d)', 2), regexp_extract('x', '\d'), regexp_extract_all('a1b22', '\d+'), regexp_replace('abab', 'a(b)', '$1\$'), regexp_replace('aXbX', 'X'), regexp_split('a,b', ','), regexp_count('aXbX', 'X')`, []string{"2 | NULL | [1 22] | b$b$ | ab | [a b] | 2"}},
		{"text", "SELECT split('a.b.c', '.'), split('a.b.c', '.', 2), lpad('7', 3, '0'), rpad('7', 2, 'x'), reverse('abc'), position('b' IN 'abc'), substring('abc' FROM 2 FOR 1), trim(BOTH 'x' FROM 'xax'), replace('abc', 'b'), concat_ws('-', 'a', NULL, 'b'), chr(65), to_hex(md5(to_utf8('a'))), translate('abc', 'ab', 'xy')",
			[]string{"[a b c] | [a b.c] | 007 | 7x | cba | 2 | b | a | ac | a-b | A | 0CC175B9C0F1B6A831C399E269772661 | xyc"}},
		{"URLs", "SELECT url_extract_host(u), url_extract_port(u), url_extract_path(u), url_extract_query(u), url_extract_parameter(u, 'k'), url_extract_fragment(u), url_extract_protocol(u), url_decode('a+b%21'), url_encode('a b') FROM (VALUES 'https://me@example.com:8443/p/q?k=v%20w&x=1#top') t(u)",
			[]string{"example.com | 8443 | /p/q | k=v%20w&x=1 | v w | top | https | a b! | a+b"}},
		{"JSON", `SELECT json_extract(j, '$.a'), json_format(json_extract(j, '$.l')), json_array_get(json_extract(j, '$.l'), 1), json_array_contains(json_extract(j, '$.l'), 2), json_size(j, '$.l'), CAST(json_extract(j, '$.l') AS array(bigint)), element_at(CAST(json_parse(j) AS map(varchar, json)), 'a'), CAST(json_extract(j, '$.s') AS varchar), json_value(j, 'lax $.s'), json_exists(j, 'lax $.z'), json_query(j, 'lax $.l') FROM (VALUES '{"a":{"b":1},"l":[1,2],"s":"x"}') t(j)`,
			[]string{"map[b:1] | [1,2] | 2 | true | 2 | [1 2] | map[b:1] | x | x | false | [1,2]"}},
		{"casts to JSON", "SELECT json_format(CAST(ARRAY[1, 2] AS json)), json_format(CAST('a' AS json)), json_format(CAST(map(ARRAY['k'], ARRAY[1]) AS json))", []string{`[1,2] | "a" | {"k":1}`}},
		{"cut by a cast", "SELECT CAST('abcdef' AS varchar(3)), TRY_CAST(12345 AS varchar(2)), CAST(12 AS varchar(2))", []string{"abc | NULL | 12"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := mustCheck(t, tc.text)
			got, err := run(db, s)
			if err != nil {
				t.Fatalf("%s\n%s\n%v", tc.text, s.Print(DuckDB, PrintOptions{}), err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("%s\n%s\n(-want +got):\n%s", tc.text, s.Print(DuckDB, PrintOptions{}), d)
			}
			readBack(t, s)
		})
	}
}
