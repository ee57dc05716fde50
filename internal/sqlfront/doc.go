// Package sqlfront is the front end of every query: it reads a SELECT in the
// dialect of Trino (which CloudTrail Lake and Athena speak), checks it against
// the tables there are, and prints it for the engine that answers. It is the
// gate, too: an engine gets our text only, made of names and functions from
// closed lists, one statement, bounded in length and depth.
//
//	text → Parse → tree → Check → bound tree → Print(DuckDB | Trino)
//	                                        └→ Filter → Predicate.Eval(Row)
//
// What is read:
//
//	SELECT [DISTINCT] item, … [FROM table [[AS] alias]] [WHERE condition]
//	    [GROUP BY expression | position, …] [HAVING condition]
//	    [ORDER BY expression | alias | position [ASC|DESC] [NULLS FIRST|LAST], …]
//	    [LIMIT n] [;]
//
//	item        * | alias.* | expression [[AS] name]
//	condition   AND OR NOT, = <> != < <= > >=, [NOT] LIKE 'p' [ESCAPE 'e'],
//	            [NOT] IN (…), [NOT] BETWEEN … AND …, IS [NOT] NULL,
//	            IS [NOT] DISTINCT FROM
//	expression  + - * / %, ||, CASE, CAST, TRY_CAST, EXTRACT(HOUR FROM x),
//	            function(…) [FILTER (WHERE condition)], a.dotted.name,
//	            'text', 12, 1.5, TRUE, NULL, TIMESTAMP '…', DATE '…',
//	            INTERVAL '7' DAY
//
// Everything else is an [*Error] that says where, what was found, what would
// have fitted and what to do.
//
// The meaning is Trino's: NULL rules, integer division, errors for a division
// by zero, for an overflow and for a cast that fails, NULLS LAST, ISO weeks,
// text compared byte by byte. [Functions] lists what is done to make DuckDB's
// the same. Where we differ, we do so on every engine:
//
//   - a number with a decimal point is a double, never a decimal;
//   - every integer is a bigint, every timestamp has microseconds and is UTC;
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
