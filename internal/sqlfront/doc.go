// Package sqlfront is the front end of every query: it reads a SELECT in the
// dialect of Trino (which CloudTrail Lake and Athena speak), checks it against
// the tables there are, and prints it for the engine that answers. It is the
// gate, too: an engine gets our text only, made of names and functions from
// closed lists, one statement, bounded in length and depth.
//
//	text → Parse → tree → Check → bound tree → Print(DuckDB | Trino)
//	                                        └→ Filter → Predicate.Eval(Row)
//
// What is read is Trino's SELECT:
//
//	[WITH name [(columns)] AS (query), …]
//	SELECT [DISTINCT] item, … [FROM relation, …] [WHERE condition]
//	    [GROUP BY expression | position | ROLLUP | CUBE | GROUPING SETS (…), …]
//	    [HAVING condition] [WINDOW name AS (…), …]
//	[UNION | INTERSECT | EXCEPT [ALL] query] …
//	[ORDER BY expression | alias | position [ASC|DESC] [NULLS FIRST|LAST], …]
//	[OFFSET n] [LIMIT n | FETCH FIRST n ROWS ONLY] [;]
//
//	relation    table | (query) | UNNEST(list, …) [WITH ORDINALITY] | VALUES …,
//	            each [[AS] alias [(columns)]]; CROSS, INNER, LEFT, RIGHT and FULL
//	            JOIN … ON condition | USING (columns); LATERAL (query)
//	condition   AND OR NOT, = <> != < <= > >=, [NOT] LIKE 'p' [ESCAPE 'e'],
//	            [NOT] IN (… | query), [NOT] BETWEEN … AND …, IS [NOT] NULL,
//	            IS [NOT] DISTINCT FROM, EXISTS (query), = ANY (query), > ALL (query)
//	expression  + - * / %, ||, CASE, CAST, TRY_CAST, EXTRACT(HOUR FROM x),
//	            function(… [ORDER BY …]) [FILTER (WHERE …)] [OVER (…)], x -> y,
//	            a.dotted.name, list[1], map['key'], (query), AT TIME ZONE 'zone',
//	            ARRAY[…], (a, row), 'text', 12, 1.5, 1e3, TRUE, NULL,
//	            TIMESTAMP '…', DATE '…', DECIMAL '…', INTERVAL '7' DAY, :parameter
//
// A table is CloudTrailLogs, CloudTrailHistory, cloudtrail_logs (the columns of
// AWS's table for Athena), or an event data store's id (those of CloudTrail
// Lake). The last two are made of the stored columns when a statement is
// printed for DuckDB, and only of those it reads: see shape and leaves.
//
// Everything else is an [*Error] that says where, what was found, what would
// have fitted and what to do.
//
// The meaning is Trino's: NULL rules, integer division, errors for a division
// by zero, for an overflow and for a cast that fails, NULLS LAST, ISO weeks,
// text compared byte by byte. [Functions] lists what is done to make DuckDB's
// the same. Where we differ, we do so on every engine:
//
//   - every integer is a bigint; every timestamp has microseconds and is UTC,
//     unless AT TIME ZONE says otherwise;
//   - text may stand for a time or a boolean when it is a literal, as in
//     CloudTrail Lake: eventTime > '2026-11-20', readOnly = 'true';
//   - dividing a double by zero is an error on DuckDB and in a [Predicate].
//
// A [Predicate] is a condition interpreted in Go, on one event at a time; a
// test holds it against DuckDB over random conditions and rows. [Flat] is a
// record as a row of CloudTrailLogs, for the interpreter, for Parquet and for
// the engine's hot table alike.
//
// The package is pure: no I/O, no goroutines, no clock.
package sqlfront
