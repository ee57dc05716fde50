package duckdb

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// What Trino answers is what we must. statements.sql has the statements and
// answers.txt what Trino said, over the rows of oracleRecords; make test-trino
// asks a real one again, and make test holds DuckDB to what is recorded.
const (
	oracleStatements = "testdata/trino/statements.sql"
	oracleAnswers    = "testdata/trino/answers.txt"
)

// oracleCase is a statement with its name and what its comments say.
type oracleCase struct {
	name, text string
	lake       string   // why Trino itself does not take the text as it stands, or says something else
	rows       []string // what we answer then, where Trino cannot
	fails      bool     // we refuse it or fail, where Trino does not
	approx     float64  // share by which numbers may differ
	ordered    bool
}

// oracleAnswer is a result, or the name of an error.
type oracleAnswer struct {
	failure string
	types   []string
	names   []string
	rows    []string // JSON lists; sorted, unless the statement orders them
}

func oracleCases(t testing.TB) []oracleCase {
	t.Helper()
	data, err := os.ReadFile(oracleStatements)
	if err != nil {
		t.Fatal(err)
	}
	var list []oracleCase
	known := map[string]bool{}
	for _, part := range strings.Split("\n"+string(data), "\n-- name: ")[1:] {
		name, rest, _ := strings.Cut(part, "\n")
		c := oracleCase{name: strings.TrimSpace(name)}
		for {
			line, more, _ := strings.Cut(rest, "\n")
			key, value, is := strings.Cut(strings.TrimPrefix(line, "-- "), ": ")
			if !is || !strings.HasPrefix(line, "-- ") {
				break
			}
			switch key {
			case "lake":
				c.lake = value
			case "row":
				c.rows = append(c.rows, value)
			case "refused":
				c.lake, c.fails = value, true
			case "approx":
				if c.approx, err = strconv.ParseFloat(value, 64); err != nil {
					t.Fatalf("%s: %v", c.name, err)
				}
			default:
				t.Fatalf("%s: unknown comment %q", c.name, line)
			}
			rest = more
		}
		c.text, _, _ = strings.Cut(rest, "\n-- # ")
		c.text = strings.TrimSpace(c.text)
		c.ordered = ordersRows(c.text)
		if known[c.name] || c.text == "" {
			t.Fatalf("%s: %q is there twice, or empty", oracleStatements, c.name)
		}
		known[c.name] = true
		list = append(list, c)
	}
	return list
}

var quotedText = regexp.MustCompile(`'[^']*'|"[^"]*"|--[^\n]*`)

// ordersRows says whether the statement itself has ORDER BY.
func ordersRows(text string) bool {
	text = strings.ToLower(quotedText.ReplaceAllString(text, "q"))
	depth := 0
	for i := range text {
		switch text[i] {
		case '(':
			depth++
		case ')':
			depth--
		}
		if depth == 0 && strings.HasPrefix(text[i:], "order by") {
			return true
		}
	}
	return false
}

func readOracleAnswers(t testing.TB) map[string]oracleAnswer {
	t.Helper()
	data, err := os.ReadFile(oracleAnswers)
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]oracleAnswer{}
	for _, part := range strings.Split(string(data), "\n== ")[1:] {
		lines := strings.Split(strings.TrimRight(part, "\n"), "\n")
		var a oracleAnswer
		if failure, failed := strings.CutPrefix(lines[1], "! "); failed {
			a.failure = failure
		} else {
			for _, column := range strings.Split(lines[1], ", ") {
				name, typ, _ := strings.Cut(column, "|")
				a.names, a.types = append(a.names, name), append(a.types, typ)
			}
			a.rows = lines[2:]
		}
		answers[lines[0]] = a
	}
	return answers
}

// analysis are the errors that Trino finds before it runs a statement, with
// others of its kind: a refusal is what fits them.
var analysis = []string{"SYNTAX_ERROR", "TYPE_MISMATCH", "COLUMN_NOT_FOUND", "TABLE_NOT_FOUND", "FUNCTION_NOT_FOUND", "EXPRESSION_NOT_AGGREGATE", "NESTED_AGGREGATION", "NESTED_WINDOW",
	"AMBIGUOUS_NAME", "MISSING_GROUP_BY", "INVALID_COLUMN_REFERENCE", "EXPRESSION_NOT_SCALAR", "NOT_SUPPORTED", "MISMATCHED_COLUMN_ALIASES", "INVALID_WINDOW_FRAME", "INVALID_LITERAL",
	"TYPE_NOT_FOUND", "EXPRESSION_NOT_IN_DISTINCT", "FUNCTION_NOT_AGGREGATE", "FUNCTION_NOT_WINDOW", "TOO_MANY_ARGUMENTS", "MISSING_OVER", "DUPLICATE_NAMED_QUERY", "COLUMN_ALIASES_NOT_ALLOWED", "INVALID_PATH"}

func TestAnswersAreThoseOfTrino(t *testing.T) {
	s := querytest.NewTrail(t)
	s.Append(oracleRecords()...)
	s.Seal(100)
	s.Seal(200) // the last hundred are in memory
	e := runEngine(t, s)
	if err := e.Wait(t.Context(), s.Last()); err != nil {
		t.Fatal(err)
	}
	answers := readOracleAnswers(t)
	cases := oracleCases(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, known := answers[c.name]
			if !known && c.rows == nil {
				t.Fatal("Trino's answer is not recorded: make test-trino RECORD=1")
			}
			if c.rows != nil {
				want = oracleAnswer{rows: c.rows}
			}
			got, text, err := askOurs(t.Context(), e, c)
			var refused *sqlfront.Error
			switch {
			case c.fails:
				if !errors.As(err, &refused) && !errors.Is(err, query.ErrFailed) {
					t.Errorf("%s\nis not refused: %v", c.text, err)
				}
			case want.failure != "":
				if err == nil {
					t.Errorf("%s\nreturns %s, Trino says %s\n%s", c.text, got.rows, want.failure, text)
				} else if !errors.As(err, &refused) && (!errors.Is(err, query.ErrFailed) || slices.Contains(analysis, want.failure)) {
					t.Errorf("%s\nfails with %v, Trino with %s", c.text, err, want.failure)
				}
			case err != nil:
				t.Errorf("%s\n%v\n%s", c.text, err, text)
			default:
				if d := differences(c, want, got); d != "" {
					t.Errorf("%s\n%s\n%s", c.text, d, text)
				}
			}
		})
	}
	for name := range answers {
		if !slices.ContainsFunc(cases, func(c oracleCase) bool { return c.name == name }) {
			t.Errorf("%s has an answer to %q, which nobody asks", oracleAnswers, name)
		}
	}
}

// checked is a statement over the three tables.
func checked(text string) (*sqlfront.Statement, error) {
	st, err := sqlfront.Parse(text)
	if err != nil {
		return nil, err
	}
	return st, st.Check(sqlfront.CloudTrailCatalog().WithStore(storeID))
}

// askOurs asks our engine; text is what it was asked in its own words.
func askOurs(ctx context.Context, e *Engine, c oracleCase) (a oracleAnswer, text string, err error) {
	st, err := checked(c.text)
	if err != nil {
		return a, "", err
	}
	r := query.Request{Statement: st, MaxRows: 10_000, Timeout: time.Minute}
	text = statementText(r)
	res, err := e.Query(ctx, r)
	if err != nil {
		return a, text, err
	}
	for _, c := range res.Columns {
		a.types, a.names = append(a.types, c.Type), append(a.names, c.Name)
	}
	for _, row := range res.Rows {
		for i := range row {
			row[i] = plainForm(row[i])
		}
		a.rows = append(a.rows, compactJSON(row))
	}
	if !c.ordered {
		slices.Sort(a.rows)
	}
	return a, text, nil
}

// plainForm is a cell as the recorded answers have it: times as text, no
// members that are NULL, and numbers that JSON knows.
func plainForm(v any) any {
	switch v := v.(type) {
	case time.Time:
		return v.Format("2006-01-02 15:04:05.000000")
	case float64:
		switch {
		case math.IsNaN(v):
			return "NaN"
		case math.IsInf(v, 0):
			return strings.TrimPrefix(map[bool]string{true: "Infinity", false: "-Infinity"}[v > 0], "+")
		}
		return v
	case map[string]any:
		out := map[string]any{}
		for k, e := range v {
			if e != nil {
				out[k] = plainForm(e)
			}
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plainForm(v[i])
		}
		return out
	}
	return v
}

var generatedName = regexp.MustCompile(`^_col\d+$`)

// differences says how got is not want; empty when it is.
func differences(c oracleCase, want, got oracleAnswer) string {
	for i := range want.types {
		if i < len(got.types) && !sameColumn(want.types[i], got.types[i]) {
			return fmt.Sprintf("column %d is %s, in Trino %s", i+1, got.types[i], want.types[i])
		}
		if i < len(got.names) && !generatedName.MatchString(want.names[i]) && !strings.EqualFold(want.names[i], got.names[i]) {
			return fmt.Sprintf("column %d is called %s, in Trino %s", i+1, got.names[i], want.names[i])
		}
	}
	wanted := slices.Clone(want.rows)
	if !c.ordered {
		slices.Sort(wanted)
	}
	if len(wanted) != len(got.rows) {
		return fmt.Sprintf("%d rows, Trino has %d\nours:\n%s\nTrino's:\n%s", len(got.rows), len(wanted), strings.Join(got.rows, "\n"), strings.Join(wanted, "\n"))
	}
	for i := range wanted {
		if !sameCells(wanted[i], got.rows[i], max(c.approx, 1e-12)) {
			return fmt.Sprintf("row %d is\n%s\nin Trino\n%s", i+1, got.rows[i], wanted[i])
		}
	}
	return ""
}

// sameColumn compares Trino's type of a column with ours. What has a zone that
// is not UTC is text with us, and what is only NULL anything.
func sameColumn(trinos, ours string) bool {
	const zoned = "timestamp with time zone"
	return trinos == ours || trinos == "unknown" || trinos == "timestamp" && ours == zoned || trinos == zoned && (ours == "timestamp" || ours == "varchar")
}

// sameCells compares two values of JSON; numbers may differ by a share.
func sameCells(a, b string, share float64) bool {
	var x, y any
	if decodeNumbers(a, &x) != nil || decodeNumbers(b, &y) != nil {
		return false
	}
	return sameValue(x, y, share)
}

func decodeNumbers(s string, v any) error {
	d := json.NewDecoder(bytes.NewReader([]byte(s)))
	d.UseNumber()
	return d.Decode(v)
}

func sameValue(x, y any, share float64) bool {
	switch x := x.(type) {
	case json.Number:
		n, ok := y.(json.Number)
		if !ok {
			return false
		}
		a, _ := x.Float64()
		b, _ := n.Float64()
		return x == n || a == b && (strings.ContainsAny(string(x+n), ".eE")) || math.Abs(a-b) <= share*max(math.Abs(a), math.Abs(b)) && (share > 1e-12 || strings.ContainsAny(string(x+n), ".eE"))
	case []any:
		l, ok := y.([]any)
		return ok && slices.EqualFunc(x, l, func(a, b any) bool { return sameValue(a, b, share) })
	case map[string]any:
		m, ok := y.(map[string]any)
		if !ok || len(x) != len(m) {
			return false
		}
		for k, v := range x {
			w, has := m[k]
			if !has || !sameValue(v, w, share) {
				return false
			}
		}
		return true
	}
	return x == y
}
