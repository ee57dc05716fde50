package sqlfront

import (
	"slices"
	"strings"

	"github.com/trailgate/trailgate/internal/suggest"
)

// What is refused by name: Trino that is not in this subset yet, statements
// that are not a SELECT, and words nearest to what was meant.

// reservedWords are Trino's; they cannot be names without quotes.
var reservedWords = wordSet(`ALTER AND AS BETWEEN BY CASE CAST CONSTRAINT CREATE CROSS CUBE CURRENT_CATALOG CURRENT_DATE
	CURRENT_PATH CURRENT_ROLE CURRENT_SCHEMA CURRENT_TIME CURRENT_TIMESTAMP CURRENT_USER DEALLOCATE DELETE DESCRIBE DISTINCT
	DROP ELSE END ESCAPE EXCEPT EXECUTE EXISTS EXTRACT FALSE FOR FROM FULL GROUP GROUPING HAVING IN INNER INSERT INTERSECT
	INTO IS JOIN JSON_ARRAY JSON_EXISTS JSON_OBJECT JSON_QUERY JSON_TABLE JSON_VALUE LEFT LIKE LISTAGG LOCALTIME LOCALTIMESTAMP
	NATURAL NORMALIZE NOT NULL ON OR ORDER OUTER PREPARE RECURSIVE RIGHT ROLLUP SELECT SKIP TABLE THEN TRIM TRUE UESCAPE UNION
	UNNEST USING VALUES WHEN WHERE WITH`)

func wordSet(s string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(s) {
		set[w] = true
	}
	return set
}

// reserved words; trim is one in Trino but reads as a function everywhere.
func reserved(word string) bool {
	w := strings.ToUpper(word)
	return w != "TRIM" && reservedWords[w]
}

func reservedHint(t token) string {
	if t.kind == wordToken && reserved(t.text) {
		return `it is a keyword; as a name it goes between double quotes: "` + shorten(t.text) + `"`
	}
	return ""
}

// clauseWords may be names, but right after an expression or a table they are
// the clause.
var clauseWords = wordSet(`LIMIT OFFSET FETCH WINDOW TABLESAMPLE FILTER OVER AT MATCH_RECOGNIZE ILIKE RLIKE REGEXP GLOB QUALIFY SAMPLE PIVOT`)

func clauseWord(t token) bool { return t.kind == wordToken && clauseWords[strings.ToUpper(t.text)] }

// laterWords are Trino's grammar that is not in this subset.
var laterWords = map[string]string{
	"TABLESAMPLE": "TABLESAMPLE", "MATCH_RECOGNIZE": "MATCH_RECOGNIZE", "JSON_TABLE": "JSON_TABLE", "JSON_OBJECT": "JSON_OBJECT",
	"JSON_ARRAY": "JSON_ARRAY", "NORMALIZE": "NORMALIZE", "CURRENT_TIME": "CURRENT_TIME", "LOCALTIME": "LOCALTIME", "CURRENT_USER": "CURRENT_USER",
	"CURRENT_ROLE": "CURRENT_ROLE", "CURRENT_CATALOG": "CURRENT_CATALOG", "CURRENT_SCHEMA": "CURRENT_SCHEMA", "CURRENT_PATH": "CURRENT_PATH",
}

var laterHints = map[string]string{
	"TABLESAMPLE": "use LIMIT", "CURRENT_TIME": "use now()", "LOCALTIME": "use now()", "MATCH_RECOGNIZE": "use lag(…) OVER (…)",
}

// otherDialects are words of other SQL, with what Trino says instead.
var otherDialects = map[string]string{
	"ILIKE":   "use lower(x) LIKE '…'",
	"RLIKE":   "use regexp_like(x, '…')",
	"REGEXP":  "use regexp_like(x, '…')",
	"GLOB":    "use LIKE",
	"QUALIFY": "use HAVING, or filter the result",
	"SAMPLE":  "use LIMIT",
	"PIVOT":   "use count_if(…) for each column",
}

// unsupported is the refusal of a word that is understood but not supported.
func (p *parser) unsupported(t token) error {
	if t.kind != wordToken {
		return nil
	}
	word := strings.ToUpper(t.text)
	if what, ok := laterWords[word]; ok {
		// The word alone may be a name where it is not reserved.
		if !reservedWords[word] && !clauseWords[word] {
			return nil
		}
		return p.src.fail(t.at, "", what+" is not supported", laterHints[what])
	}
	if hint, ok := otherDialects[word]; ok && !p.ahead(1).is(".", ",") {
		return p.src.fail(t.at, "", word+" is not SQL that Trino knows", hint)
	}
	return nil
}

// statements that are not a SELECT, in Trino, DuckDB and their neighbours.
var otherStatements = wordSet(`ALTER ANALYZE ATTACH BEGIN CALL CHECKPOINT COMMENT COMMIT COPY CREATE DEALLOCATE DELETE DENY DESCRIBE
	DETACH DO DROP EXECUTE EXPLAIN EXPORT FORCE GRANT IMPORT INSERT INSTALL LOAD MERGE PIVOT PRAGMA PREPARE REFRESH RESET REVOKE
	ROLLBACK SAVEPOINT SET SHOW START SUMMARIZE TRUNCATE UNPIVOT UPDATE USE VACUUM FROM`)

// onlySelect refuses anything that does not start with SELECT.
func (p *parser) onlySelect() error {
	t := p.peek()
	switch {
	case p.startsQuery(0), t.is("(") && p.closing(p.next) < len(p.tokens)-1:
		return nil
	case t.kind == wordToken && otherStatements[strings.ToUpper(t.text)]:
		return p.failAt(t, "expected SELECT", "a query only reads")
	case t.kind == endToken:
		return p.failAt(t, "expected SELECT", "the statement is empty")
	}
	return p.failAt(t, "expected SELECT", nearestKeyword(t))
}

var keywords = []string{"SELECT", "DISTINCT", "FROM", "WHERE", "AND", "OR", "NOT", "LIKE", "ESCAPE", "IN", "BETWEEN", "IS", "NULL", "GROUP", "BY",
	"HAVING", "ORDER", "LIMIT", "ASC", "DESC", "NULLS", "FIRST", "LAST", "CASE", "WHEN", "THEN", "ELSE", "END", "AS", "FILTER", "CAST", "WITH", "UNION", "ALL",
	"INTERSECT", "EXCEPT", "JOIN", "LEFT", "RIGHT", "INNER", "OUTER", "FULL", "CROSS", "USING", "UNNEST", "EXISTS", "OVER", "PARTITION", "OFFSET", "VALUES"}

// nearestKeyword is a hint when t looks like a mistyped keyword.
func nearestKeyword(t token) string {
	if t.kind != wordToken {
		return ""
	}
	for _, k := range keywords {
		// The end of a keyword run together with the next word: ORDERBY.
		if len(k) > 3 && len(t.text) > len(k) && strings.EqualFold(t.text[:len(k)], k) && slices.ContainsFunc(keywords, func(w string) bool { return strings.EqualFold(t.text[len(k):], w) }) {
			return "put a space after " + k
		}
	}
	if hint := didYouMean(t.text, keywords); !strings.EqualFold(hint, `did you mean "`+t.text+`"?`) {
		return hint
	}
	return "" // the keyword itself, in the wrong place
}

// didYouMean names the candidate nearest to what was written, if any is near.
func didYouMean(written string, candidates []string) string {
	if len(written) > maxSuggested {
		return ""
	}
	if n := suggest.Nearest(written, candidates); n != "" {
		return `did you mean "` + n + `"?`
	}
	return ""
}

// maxSuggested is longer than any name there is; comparing a longer word with
// all of them would only cost time.
const maxSuggested = 64
