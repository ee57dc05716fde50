package sqlfront

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	_ "github.com/duckdb/duckdb-go/v2"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"
)

// engine is DuckDB in this process with the rows as its CloudTrailLogs. They go
// through a Parquet file, as a seal's do.
func engine(t testing.TB, rows []Flat) *sql.DB {
	t.Helper()
	file := filepath.Join(t.TempDir(), "rows.parquet")
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := parquet.Write(f, rows); err != nil {
		t.Fatalf("write the rows as Parquet: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	for _, q := range []string{"SET threads = 1", `CREATE TABLE "CloudTrailLogs" AS SELECT * FROM read_parquet(` + QuoteText(file) + `)`} {
		if _, err := db.Exec(q); err != nil {
			t.Fatal(err)
		}
	}
	return db
}

// judgements are an expression's values on the engine's rows, by seq.
func judgements(db *sql.DB, e expr) (map[int64]Truth, error) {
	p := printer{d: DuckDB}
	p.expr(e)
	rows, err := db.Query(`SELECT seq, ` + p.String() + ` FROM "CloudTrailLogs" AS "_t"`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]Truth{}
	for rows.Next() {
		var seq int64
		var v sql.NullBool
		if err := rows.Scan(&seq, &v); err != nil {
			return nil, err
		}
		out[seq] = Maybe
		if v.Valid {
			out[seq] = negatedTruth(v.Bool)
		}
	}
	return out, rows.Err()
}

func negatedTruth(b bool) Truth {
	if b {
		return True
	}
	return False
}

// filtered are the rows that pass e in a WHERE.
func filtered(db *sql.DB, e expr) (map[int64]bool, error) {
	p := printer{d: DuckDB}
	p.expr(e)
	rows, err := db.Query(`SELECT seq FROM "CloudTrailLogs" AS "_t" WHERE ` + p.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[int64]bool{}
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return nil, err
		}
		out[seq] = true
	}
	return out, rows.Err()
}

// fails says whether any part of e fails on a row; an engine may compute parts
// that the interpreter does not need.
func fails(e expr, row Row) bool {
	failed := false
	walk(e, func(e expr) bool {
		if _, err := eval(e, row); err != nil {
			failed = true
		}
		return !failed
	})
	return failed
}

// agree compares the interpreter with the engine on every row.
func agree(t failer, db *sql.DB, rows []Flat, e expr) {
	text := printer{d: DuckDB}
	text.expr(e)
	pred := &Predicate{e}
	anyFails := false
	for i := range rows {
		anyFails = anyFails || fails(e, &rows[i])
	}
	got, err := judgements(db, e)
	if err != nil {
		if !anyFails {
			t.Fatalf("DuckDB fails on what the interpreter computes: %v\n%s\n%s", err, pred, text.String())
		}
		return
	}
	pass, err := filtered(db, e)
	if err != nil && !anyFails {
		t.Fatalf("DuckDB fails on what the interpreter filters: %v\n%s", err, pred)
	}
	for i := range rows {
		want, evalErr := pred.Try(&rows[i])
		if evalErr != nil {
			continue
		}
		seq := *rows[i].Seq
		if got[seq] != want {
			t.Fatalf("interpreter says %v, DuckDB %v\n%s\n%s\nrow: %s", want, got[seq], pred, text.String(), describe(&rows[i]))
		}
		if err == nil && pass[seq] != (want == True) {
			t.Fatalf("interpreter says %v, DuckDB's WHERE passes: %v\n%s\nrow: %s", want, pass[seq], pred, describe(&rows[i]))
		}
	}
}

// The live trigger and the schedule are one thing: what the interpreter says of
// an event is what DuckDB computes from the printed text.
func TestInterpreterAgreesWithDuckDB(t *testing.T) {
	rows := randomRows(1, 150)
	db := engine(t, rows)
	rapid.Check(t, func(t *rapid.T) {
		agree(t, db, rows, gen{t}.predicate())
	})

}

// The article's conditions, and what the test above once found.
func TestInterpreterAgreesOnTheseToo(t *testing.T) {
	rows := append(randomRows(4, 150), sessions(t)...)
	for i := range rows {
		seq := int64(i + 1)
		rows[i].Seq = &seq
	}
	db := engine(t, rows)
	for _, text := range []string{
		"eventName = 'AuthorizeSecurityGroupIngress' AND errorCode = 'AccessDenied' AND eventSource = 'ssh-proxy-service.yourdomain.com'",
		"additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%'",
		"NOT (additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%')",
		"NOT date_trunc('day', eventTime) = TIMESTAMP '2026-11-20 08:00:00'", // DuckDB 1.5: FALSE for NULL
		"date_trunc('hour', eventTime) IN (TIMESTAMP '2026-11-20 08:30:00', eventTime)",
		"CAST(CAST(eventTime AS date) - INTERVAL '3' DAY AS varchar) < '2026-11-20'",
		"eventName NOT LIKE '_%%' ESCAPE '%'", "eventName LIKE 'a__' ESCAPE '_'", `eventName LIKE 'a\b%'`, `eventName LIKE 'a\\b#_%' ESCAPE '#'`,
		"NULL / cardinality(resources) IS NULL",
		"seq NOT IN (1, NULL)", "NULL IN (1, 2)", "readOnly BETWEEN false AND NULL",
	} {
		p, err := ParsePredicate(text)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		agree(t, db, rows, p.e)
	}
}
