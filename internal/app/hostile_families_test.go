package app

import (
	"fmt"
	"strings"
)

// hostile is a statement somebody might try, by what it tries.
type hostile struct{ family, text string }

// hostileStatements are 500 of them. canary is the path of a file outside the
// events directory, events that directory.
func hostileStatements(canary, events string) (list []hostile) {
	add := func(family string, texts ...string) {
		for _, t := range texts {
			list = append(list, hostile{family, t})
		}
	}
	each := func(family, format string, values ...string) {
		for _, v := range values {
			add(family, strings.ReplaceAll(format, "§", v))
		}
	}
	const from = " FROM CloudTrailLogs"
	q := func(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

	// Files, in every spelling of a path and by every function that opens one.
	for _, path := range []string{canary, "file://" + canary, events + "/../" + canary, events + "/**/*.parquet", "/etc/passwd", "/proc/self/environ", "~/.ssh/id_ed25519", "https://example.com/x.csv", "s3://bucket/x.parquet", "hf://datasets/x"} {
		add("file as a table", "SELECT * FROM "+q(path), `SELECT * FROM "`+path+`"`)
	}
	readers := []string{"read_csv", "read_csv_auto", "read_parquet", "parquet_scan", "parquet_metadata", "parquet_schema", "parquet_kv_metadata", "parquet_file_metadata", "read_json", "read_json_auto", "read_ndjson", "read_ndjson_objects", "read_text", "read_blob", "glob", "sniff_csv"}
	for _, f := range readers {
		add("file by a function", "SELECT * FROM "+f+"("+q(canary)+")", "SELECT "+f+"("+q(canary)+")"+from, "SELECT * FROM CloudTrailLogs, LATERAL "+f+"("+q(canary)+") t")
	}
	// Table functions that are no reader.
	each("table function", "SELECT * FROM §", "range(10)", "generate_series(1, 1000000000000)", "query('SELECT 1')", "query_table('logs')", "duckdb_settings()", "duckdb_tables()", "duckdb_functions()", "duckdb_secrets()",
		"duckdb_extensions()", "duckdb_logs()", "duckdb_memory()", "duckdb_variables()", "duckdb_temporary_files()", "pragma_version()", "pragma_table_info('logs')", "pragma_database_size()", "seq_scan('hot_0')", "repeat(1, 1000000000)",
		"repeat_row(1, num_rows := 1000000000)", "test_all_types()", "json_execute_serialized_sql('x')", "sql_auto_complete('S')", "TABLE(range(10))", "unnest(range(1000000000))", "which_secret('s3://x', 's3')", "summary(CloudTrailLogs)", "storage_info('hot_0')")
	// Statements that change something.
	for _, s := range []string{"DROP TABLE hot_0", "CREATE TABLE x AS SELECT 1", "CREATE OR REPLACE VIEW logs AS SELECT 1", "CREATE TEMP TABLE x (i int)", "CREATE MACRO lower(x) AS 'a'", "CREATE SECRET (TYPE s3)", "CREATE SEQUENCE s", "CREATE FUNCTION f() AS 1",
		"INSERT INTO sealed VALUES ('x')", "UPDATE sealed SET path = 'x'", "DELETE FROM hot_0", "TRUNCATE hot_0", "MERGE INTO hot_0 USING x ON true WHEN MATCHED THEN DELETE", "ALTER TABLE hot_0 RENAME TO y", "COPY logs TO " + q(events+"/x.parquet"),
		"COPY (SELECT 1) TO " + q(canary), "COPY hot_0 FROM " + q(canary), "EXPORT DATABASE " + q(events), "IMPORT DATABASE " + q(events), "ATTACH " + q(canary) + " AS x", "DETACH memory", "USE x", "INSTALL httpfs", "LOAD " + q(canary), "FORCE INSTALL httpfs",
		"SET memory_limit = '100GB'", "SET GLOBAL enable_external_access = true", "RESET lock_configuration", "SET VARIABLE own_arn = 'x'", "SET SESSION x = 1", "PRAGMA enable_profiling", "PRAGMA database_list", "CALL pragma_version()", "CHECKPOINT", "VACUUM", "ANALYZE",
		"BEGIN", "COMMIT", "ROLLBACK", "PREPARE p AS SELECT 1", "EXECUTE p", "DEALLOCATE p", "EXPLAIN SELECT 1", "EXPLAIN ANALYZE SELECT 1", "DESCRIBE logs", "SHOW TABLES", "SUMMARIZE logs", "FROM logs", "PIVOT logs ON eventName", "UNPIVOT logs ON eventName", "GRANT SELECT ON x TO y", "COMMENT ON TABLE hot_0 IS 'x'"} {
		add("no SELECT", s)
		add("stacked", "SELECT 1; "+s, "SELECT 1"+from+" /* ; */ ;\n"+s, "SELECT 1 -- \n;"+s+";--")
	}
	// Where a comment, a quote or a letter means something else to somebody.
	each("comment", "SELECT 1 § DROP TABLE hot_0", "--\r;", "/* /* */ ;", "-- \u2028;", "#\n;", "/*! */ ;", "--\x0b;", "//\n;", "/**/;/**/", "\ufeff;", "REM\n;")
	each("quote", "SELECT * FROM CloudTrailLogs WHERE eventName = §", `'a\'; DROP TABLE x --'`, `"a""; DROP TABLE x --"`, `E'a\'; DROP TABLE x --'`, `$$a$$; DROP TABLE x`, `$x$a$x$; DROP`, `U&'a\0027; DROP TABLE x'`, "`a`; DROP TABLE x", `[a]; DROP`, `x'27'; DROP`, `'a'';DROP TABLE x`, `q'(a)'; DROP`, `N'a'; DROP`)
	each("look-alike", "SELECT * FROM §", "CloudTrаilLogs", "ＣloudTrailLogs", "CloudTrailLogs\u200b", "Cloud\u00adTrailLogs", "\u202eCloudTrailLogs", "CloudTrailLogs\x00", "CloudTrailLogs\x00; DROP TABLE x", "CloudTrailLogs；DROP TABLE x", "CloudTrailLogs\xff", "CloudTrailLogs\xc0\xbb", "Cloud TrailLogs", "CloudTrailLogs\u037e SELECT 1", "CloudTrailLogs\U000e0041", "ﬁle")
	each("look-alike", "SELECT §", "‘a’", "“a”", "1\u066b5", "१", "a\u0301", "\u00a01", "ſelect", "K", "1\u20132", "\x1b[2J", "'\x1b]0;x\x07'", "'\u202e'")
	// What the engine keeps about itself.
	each("system table", "SELECT * FROM §", "duckdb_tables", "duckdb_settings", "sqlite_master", "pg_catalog.pg_class", "pg_tables", "information_schema.tables", "information_schema.columns", "main.logs", "memory.main.hot_0", "temp.x", "system.main.duckdb_views", "hot_0", "sealed", "logs", "own_logs", "recent", "duckdb_logs", "__internal_x", `"main"."logs"`, "pragma_database_list")
	each("system function", "SELECT §"+from, "getvariable('own_arn')", "current_setting('memory_limit')", "current_database()", "current_schemas(true)", "version()", "getenv('HOME')", "pg_sleep(100)", "sleep_ms(100000)", "write_log('x')", "txid_current()", "nextval('s')", "query('SELECT 1')",
		"add_parquet_key('a', 'b')", "error('x')", "set_config('x', 'y')", "pg_read_file('/etc/passwd')", "json_serialize_sql('SELECT 1')", "in_search_path('a', 'b')", "stats(eventName)", "alias(eventName)", "checkpoint()", "load_extension('x')", "system('id')", "sys_exec('id')", "xp_cmdshell('id')", "pg_ls_dir('/')", "lo_import('/etc/passwd')", "icu_sort_key('a', 'b')")
	// Text that is large before anything runs.
	add("large", "SELECT '"+strings.Repeat("a", 2<<20)+"'", "SELECT "+strings.Repeat("(", 50_000)+"1"+strings.Repeat(")", 50_000), "SELECT "+strings.Repeat("NOT ", 50_000)+"true", "SELECT 1"+strings.Repeat(" + 1", 50_000), "SELECT "+strings.Repeat("lower(", 5000)+"'a'"+strings.Repeat(")", 5000),
		strings.Repeat("SELECT * FROM (", 2000)+"SELECT 1"+strings.Repeat(")", 2000), "SELECT "+strings.Repeat("CASE WHEN true THEN ", 5000)+"1"+strings.Repeat(" END", 5000), "SELECT 1"+strings.Repeat(" UNION ALL SELECT 1", 5000), "SELECT 1"+strings.Repeat(", 1", 50_000), "SELECT 1"+from+strings.Repeat(", CloudTrailLogs", 2000),
		"SELECT "+strings.Repeat("- ", 50_000)+"1", "SELECT "+strings.Repeat("[", 10_000), "/*"+strings.Repeat("/*", 100_000), "SELECT "+strings.Repeat("\"", 100_001), strings.Repeat("WITH a AS (", 3000)+"SELECT 1", "SELECT 1"+strings.Repeat("\n", 1<<20)+"?", "SELECT "+strings.Repeat("x -> ", 5000)+"1")
	add("huge IN", "SELECT count(*)"+from+" WHERE eventName IN ('"+strings.Repeat("a', '", 40_000)+"b')", "SELECT count(*)"+from+" WHERE seq IN (1"+strings.Repeat(", 2", 100_000)+")", "SELECT count(*)"+from+" WHERE (seq, eventName) IN ((1, 'a')"+strings.Repeat(", (2, 'b')", 20_000)+")",
		"SELECT count(*)"+from+" WHERE "+strings.Repeat("seq = 1 OR ", 190)+"seq = 2", "SELECT count(*)"+from+" WHERE "+strings.Repeat("eventName LIKE '%a%b%c%' AND ", 190)+"true", "VALUES 1"+strings.Repeat(", 2", 100_000))
	list = append(list, hostileBombs(from)...)
	if len(list) < 500 {
		panic(fmt.Sprintf("only %d hostile statements", len(list)))
	}
	return list
}

// hostileBombs may be read as SQL; what they ask for is too much.
func hostileBombs(from string) (list []hostile) {
	add := func(family string, texts ...string) {
		for _, t := range texts {
			list = append(list, hostile{family, t})
		}
	}
	each := func(family, format string, values ...string) {
		for _, v := range values {
			add(family, strings.ReplaceAll(format, "§", v))
		}
	}
	big := []string{"1000000000", "2147483648", "9223372036854775807", "100000000000000000000"}
	for _, n := range big {
		each("text bomb", "SELECT §"+from, "repeat('x', "+n+")", "lpad('x', "+n+", 'ab')", "rpad(eventName, "+n+", eventName)", "length(repeat(eventJson, "+n+"))", "cardinality(sequence(1, "+n+"))", "cardinality(repeat(1, "+n+"))", "substr(eventName, "+n+")", "split(repeat('a,', "+n+"), ',')")
	}
	each("text bomb", "SELECT length(§)"+from, strings.Repeat("concat(", 8)+"eventJson"+strings.Repeat(", eventJson, eventJson, eventJson, eventJson, eventJson, eventJson, eventJson, eventJson)", 8), strings.Repeat("replace(", 9)+"eventJson"+strings.Repeat(", 'e', 'eeeeeeeeeeeeeeee')", 9),
		strings.Repeat("regexp_replace(", 9)+"eventJson"+strings.Repeat(", '.', '$0$0$0$0$0$0')", 9), "array_join(transform(sequence(1, 10000), x -> eventJson), '')", "array_join(transform(sequence(1, 10000), x -> array_join(transform(sequence(1, 10000), y -> eventJson), '')), '')", "lpad(rpad(eventName, 1000000, 'a'), 2000000, 'b')", "listagg(eventJson, '') WITHIN GROUP (ORDER BY seq)", "array_join(array_agg(eventJson), 'x')")
	each("array bomb", "SELECT §"+from, "cardinality(transform(sequence(1, 10000), x -> sequence(1, 10000)))", "reduce(sequence(1, 10000), ARRAY[1], (s, x) -> s || s, s -> cardinality(s))", "reduce(sequence(1, 10000), 'a', (s, x) -> s || s, s -> length(s))", "cardinality(flatten(transform(sequence(1, 10000), x -> sequence(1, 10000))))",
		"cardinality(combinations(sequence(1, 30), 5))", "cardinality(ngrams(sequence(1, 10000), 5000))", "cardinality(array_distinct(flatten(transform(sequence(1, 5000), x -> transform(sequence(1, 5000), y -> x * y)))))", "array_sort(transform(sequence(1, 10000), x -> transform(sequence(1, 1000), y -> x - y)))",
		"map_agg(seq, eventJson)", "histogram(eventJson)", "map(sequence(1, 10000), transform(sequence(1, 10000), x -> eventJson))", "zip(sequence(1, 10000), sequence(1, 10000))", "cardinality(shuffle(sequence(1, 10000)))", "array_intersect(sequence(1, 10000), sequence(1, 10000))", "multimap_agg(eventName, eventJson)")
	for _, n := range []int{2, 3, 4, 6, 10, 40} {
		tables := make([]string, n)
		for i := range tables {
			tables[i] = fmt.Sprintf("CloudTrailHistory t%d", i)
		}
		product := strings.Join(tables, ", ")
		add("cross join", "SELECT count(*) FROM "+product, "SELECT count(DISTINCT t0.eventJson || t1.eventJson) FROM "+product, "SELECT * FROM "+product+" ORDER BY t0.eventID, t1.eventID", "SELECT max(t0.eventJson || t1.eventJson) FROM "+product+" WHERE t0.seq <> t1.seq",
			"SELECT array_agg(t0.eventJson) FROM "+product, "SELECT row_number() OVER (ORDER BY t0.eventJson || t1.eventJson) FROM "+product)
	}
	each("cross join", "SELECT count(*) FROM CloudTrailHistory a JOIN CloudTrailHistory b ON §", "a.seq <> b.seq", "a.eventJson LIKE '%' || b.eventName || '%'", "regexp_like(a.eventJson, b.eventName)", "a.eventTime > b.eventTime", "length(a.eventJson) < length(b.eventJson) AND a.seq % 2 = 0", "true", "a.seq BETWEEN b.seq - 100000 AND b.seq + 100000", "levenshtein_distance(a.eventJson, b.eventJson) < 9")
	each("recursion", "§", "WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) SELECT max(n) FROM r", "WITH r AS (SELECT * FROM r) SELECT * FROM r", "WITH a AS (SELECT * FROM b), b AS (SELECT * FROM a) SELECT * FROM a", "WITH CloudTrailLogs AS (SELECT 1) SELECT * FROM CloudTrailLogs", "WITH logs AS (SELECT 1 AS x) SELECT * FROM logs", "WITH own_logs AS (SELECT 1) SELECT * FROM CloudTrailLogs")
	for _, width := range []int{2, 3, 4} {
		text := "WITH w0 AS (SELECT eventJson x, seq FROM CloudTrailHistory)"
		for i := 1; i <= 4; i++ {
			var from, cells []string
			for j := range width {
				from = append(from, fmt.Sprintf("w%d t%d", i-1, j))
				cells = append(cells, fmt.Sprintf("t%d.x", j))
			}
			text += fmt.Sprintf(", w%d AS (SELECT %s x, t0.seq FROM %s)", i, strings.Join(cells, " || "), strings.Join(from, ", "))
		}
		add("recursion", text+" SELECT max(length(x)) FROM w4", text+" SELECT count(*) FROM w2", text+" SELECT x FROM w3 ORDER BY x DESC")
	}
	for _, pattern := range []string{"(a+)+$", "(a|a)*b", "(.*)(.*)(.*)(.*)(.*)x", "((a{1,100}){1,100}){1,100}", "(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:.*,){50}P", "a{1000}{1000}", "(((((.*)*)*)*)*)*z", "[\\s\\S]{1,1000}q[\\s\\S]{1,1000}"} {
		p := "'" + pattern + "'"
		add("pattern bomb", "SELECT count(*)"+from+" WHERE regexp_like(eventJson, "+p+")", "SELECT regexp_replace(eventJson, "+p+", '$0$0$0')"+from, "SELECT cardinality(regexp_extract_all(eventJson, "+p+"))"+from+" a, CloudTrailLogs b")
	}
	each("pattern bomb", "SELECT count(*) FROM CloudTrailHistory a, CloudTrailHistory b WHERE a.eventJson || b.eventJson LIKE '§'", strings.Repeat("%a", 40), strings.Repeat("%_", 200)+"%", strings.Repeat("_%", 40)+"z", "%"+strings.Repeat("a%b%c%", 30)+"q", strings.Repeat("%", 1000)+"x")
	each("numbers", "SELECT §"+from, strings.Repeat("9", 400), "1e400", "-1e400", "0."+strings.Repeat("0", 5000)+"1", "CAST('1e308' AS double) * 1e308", "9223372036854775807 + seq", "CAST("+strings.Repeat("9", 38)+" AS decimal(38,0)) * seq", "power(10, 400)", "factorial(1000)", "1 / (seq - seq)", "mod(seq, 0)", "CAST(eventName AS bigint)", "CAST('"+strings.Repeat("9", 100_000)+"' AS decimal(38, 10))",
		"INTERVAL '999999999999' YEAR + eventTime", "date_add('month', 9223372036854775807, eventTime)", "date_add('second', 99999999999999, eventTime)", "from_unixtime(1e300)", "eventTime AT TIME ZONE '+99:99'", "eventTime AT TIME ZONE '../../etc/passwd'", "date_parse(repeat('9', 9999), '%Y')", "date_format(eventTime, '"+strings.Repeat("%M", 5000)+"')", "timestamp '999999-01-01 00:00:00'", "round(1e308, 400)", "to_base(9223372036854775807, 2)", "from_base('zz', 99)", "bit_count(9223372036854775807, 65)", "width_bucket(1, 2, 3, 9223372036854775807)", "rand(9223372036854775807)", "chr(99999999)", "approx_percentile(seq, 1e9)")
	nested := strings.Repeat("[", 500) + strings.Repeat("]", 500)
	each("json bomb", "SELECT §"+from, "json_parse('"+nested+"')", "json_extract(eventJson, '$"+strings.Repeat(".a", 900)+"')", "json_extract(eventJson, '$..*')", "json_extract(eventJson, '$.a[?(@.b)]')", "json_query(eventJson, 'strict $.**')", "json_extract_scalar('"+strings.Repeat(`{"a":`, 400)+"1"+strings.Repeat("}", 400)+"', '$.a')", "json_size(eventJson, '$"+strings.Repeat("[0]", 900)+"')", "json_format(CAST(transform(sequence(1, 10000), x -> eventJson) AS json))", "json_array_length(json_parse(array_join(transform(sequence(1, 10000), x -> eventJson), ',')))", "json_extract(eventJson, eventJson)", "json_object_keys(eventJson)", "CAST(json_parse(eventJson) AS map(varchar, varchar))")
	each("unnest bomb", "SELECT count(*) FROM CloudTrailHistory CROSS JOIN §", "UNNEST(sequence(1, 10000)) a (x)", "UNNEST(sequence(1, 10000)) a (x) CROSS JOIN UNNEST(sequence(1, 10000)) b (y)", "UNNEST(sequence(1, 10000)) a (x) CROSS JOIN UNNEST(sequence(1, 10000)) b (y) CROSS JOIN UNNEST(sequence(1, 10000)) c (z)", "UNNEST(split(eventJson, '')) a (x) CROSS JOIN UNNEST(split(eventJson, '')) b (y)", "UNNEST(transform(sequence(1, 10000), x -> eventJson)) a (x)", "UNNEST(regexp_extract_all(eventJson, '.')) a (x) CROSS JOIN UNNEST(regexp_extract_all(eventJson, '.')) b (y)", "UNNEST(sequence(1, 10001)) a (x)", "UNNEST(sequence(1, seq)) a (x) CROSS JOIN UNNEST(sequence(1, seq)) b (y)")
	each("window bomb", "SELECT § FROM CloudTrailHistory a, CloudTrailHistory b", "array_agg(a.eventJson) OVER (ORDER BY a.seq ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)", "array_agg(a.eventJson) OVER (ORDER BY b.seq)", "count(DISTINCT a.eventJson) OVER ()", "max(a.eventJson || b.eventJson) OVER (PARTITION BY a.seq % 3 ORDER BY b.seq RANGE BETWEEN 1000000 PRECEDING AND 1000000 FOLLOWING)", "lag(a.eventJson, 1000000000) OVER (ORDER BY b.seq)", "ntile(9223372036854775807) OVER (ORDER BY a.eventJson)", "sum(a.seq) OVER (ORDER BY a.eventJson, b.eventJson ROWS 100000 PRECEDING)", "percent_rank() OVER (ORDER BY a.eventJson || b.eventJson)")
	each("grouping bomb", "SELECT count(*), max(eventJson) FROM CloudTrailHistory GROUP BY §", "CUBE (eventName, eventSource, userName, target, login, seq, eventID, eventJson)", "CUBE (eventName, eventSource, userName, target, login, seq, eventID, eventJson, requestID)", "CUBE (eventName, eventSource, seq), CUBE (userName, target, eventID), CUBE (login, eventJson)", "ROLLUP (eventJson, eventID, seq, requestID, eventTime), ROLLUP (eventName, userName, eventSource)",
		"GROUPING SETS ("+strings.Repeat("(seq), ", 300)+"(eventID))", "GROUPING SETS ("+strings.Repeat("(seq, eventID), ", 50)+"(eventID)), CUBE (eventName, target, login)", "eventJson || eventJson, eventID, seq", "CUBE (seq), CUBE (seq), CUBE (seq), CUBE (seq), CUBE (seq), CUBE (seq)")
	each("memory bomb", "SELECT § FROM CloudTrailHistory a, CloudTrailHistory b, CloudTrailHistory c", "count(DISTINCT a.eventJson || b.eventJson || c.eventID)", "array_agg(a.eventJson || b.eventJson)", "array_agg(DISTINCT a.eventJson || c.eventID)", "map_agg(a.eventID || b.eventID, c.eventJson)", "histogram(a.eventID || b.eventID || c.eventID)", "max_by(a.eventJson, b.eventJson || c.eventJson)", "approx_distinct(a.eventJson || b.eventJson || c.eventJson)", "array_join(array_agg(a.eventJson ORDER BY b.eventJson || c.eventID), ',')", "approx_percentile(a.seq * b.seq, 0.5)", "min(a.eventJson || b.eventJson, 100000)", "multimap_agg(a.eventID, b.eventJson)", "array_sort(array_agg(a.eventJson || c.eventID))", "checksum(a.eventJson)", "a.eventJson, b.eventJson, c.eventJson")
	add("memory bomb", "SELECT DISTINCT a.eventJson || b.eventJson FROM CloudTrailHistory a, CloudTrailHistory b", "SELECT a.eventJson || b.eventJson x FROM CloudTrailHistory a, CloudTrailHistory b ORDER BY x", "SELECT a.eventJson || b.eventJson FROM CloudTrailHistory a, CloudTrailHistory b UNION SELECT b.eventJson || a.eventID FROM CloudTrailHistory a, CloudTrailHistory b",
		"SELECT a.eventJson || b.eventJson FROM CloudTrailHistory a, CloudTrailHistory b EXCEPT SELECT eventJson FROM CloudTrailHistory", "SELECT a.eventJson || b.eventJson FROM CloudTrailHistory a, CloudTrailHistory b INTERSECT ALL SELECT a.eventJson || b.eventJson FROM CloudTrailHistory b, CloudTrailHistory a",
		"SELECT (SELECT max(a.eventJson || b.eventJson || c.eventID) FROM CloudTrailHistory b, CloudTrailHistory c) FROM CloudTrailHistory a", "SELECT count(*) FROM CloudTrailHistory a WHERE EXISTS (SELECT 1 FROM CloudTrailHistory b, CloudTrailHistory c WHERE b.eventJson || c.eventJson > a.eventJson || a.eventID)",
		"SELECT count(*) FROM CloudTrailHistory a WHERE a.eventJson > ALL (SELECT b.eventJson || c.eventJson FROM CloudTrailHistory b, CloudTrailHistory c)")
	each("cast bomb", "SELECT CAST(§) FROM CloudTrailHistory", "transform(sequence(1, 10000), x -> eventJson) AS json", "eventJson AS varchar(9223372036854775807)", "transform(sequence(1, 10000), x -> CAST(x AS varchar)) AS array(bigint)", "eventJson AS array(array(array(varchar)))", "ROW("+strings.Repeat("eventJson, ", 150)+"1) AS json", "eventJson AS varbinary", "map(sequence(1, 10000), sequence(1, 10000)) AS json", "'"+strings.Repeat("1", 200_000)+"' AS double", "eventTime AS time", "eventJson AS uuid")
	return list
}
