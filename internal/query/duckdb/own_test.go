package duckdb

import (
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

func entryOf(seq uint64, arn string) event.Entry {
	return event.Entry{Seq: seq, AppendTime: time.Date(2026, 11, 23, 12, 0, int(seq), 0, time.UTC),
		JSON: []byte(`{"eventName":"StartSession","userIdentity":{"type":"IAMUser","arn":"` + arn + `"}}`)}
}

// Whatever text reached the worker, were package sqlfront to print it: who is
// limited to their own rows gets no other.
func TestNoStatementReadsTheRowsOfOthers(t *testing.T) {
	const alice, bob = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob"
	w := startPipeWorker(t, t.TempDir())
	w.load(entryOf(1, alice), entryOf(2, bob), entryOf(3, alice))
	asked := func(only, text string) ([][]any, done) {
		_, rows, tail := w.ask(ask{ID: 1, SQL: text, Only: only, MaxRows: 1000, MaxBytes: 1 << 20, Timeout: 20 * time.Second})
		return rows, tail
	}
	for _, text := range []string{
		`SELECT "userArn" FROM own_logs`,
		`SELECT "userArn" FROM own_unsealed UNION ALL SELECT "userArn" FROM own_files`,
		`SELECT "userArn" FROM own_logs WHERE "userArn" = '` + bob + `' OR true`,
		`SELECT "userArn" FROM own_logs UNION ALL SELECT "userArn" FROM own_logs`,
		`SELECT "userArn" FROM (SELECT * FROM own_logs) AS t`,
		`WITH t AS (SELECT * FROM own_logs) SELECT "userArn" FROM t`,
		`SELECT a."userArn" FROM own_logs AS a FULL OUTER JOIN own_logs AS b ON false WHERE a."userArn" IS NOT NULL`,
		`SELECT (SELECT max("userArn") FROM own_logs) FROM own_logs`,
	} {
		rows, tail := asked(alice, text)
		if tail.Outcome != answered || len(rows) == 0 {
			t.Errorf("%s: %+v, %d rows, want some", text, tail, len(rows))
		}
		for _, r := range rows {
			if r[0] != alice {
				t.Errorf("%s shows alice the row of %v", text, r[0])
			}
		}
	}
	for _, text := range []string{
		`SELECT "userArn" FROM logs`,
		`SELECT "userArn" FROM recent`,
		`SELECT "userArn" FROM unsealed`,
		`SELECT "userArn" FROM files`,
		`SELECT "userArn" FROM some_files`,
		`SELECT "userArn" FROM own_unsealed UNION ALL SELECT "userArn" FROM files`,
		`WITH own_files AS (SELECT * FROM unsealed) SELECT "userArn" FROM own_files`,
		`SELECT "userArn" FROM LOGS`,
		`SELECT "userArn" FROM main.logs`,
		`SELECT "userArn" FROM memory.main.logs`,
		`SELECT "userArn" FROM hot_0`,
		`SELECT "userArn" FROM own_logs UNION ALL SELECT "userArn" FROM logs`,
		`SELECT "userArn" FROM own_logs EXCEPT SELECT "userArn" FROM logs`,
		`SELECT (SELECT max("userArn") FROM logs)`,
		`SELECT "userArn" FROM own_logs WHERE EXISTS (SELECT 1 FROM logs)`,
		`SELECT "userArn" FROM own_logs, LATERAL (SELECT * FROM logs) AS l`,
		`WITH logs AS (SELECT * FROM logs) SELECT "userArn" FROM logs`,
		`WITH own_logs AS (SELECT * FROM logs) SELECT "userArn" FROM own_logs`,
		`WITH own_logs AS (SELECT * FROM own_logs) SELECT "userArn" FROM own_logs`,
		`WITH Recent AS (SELECT 1), x AS (SELECT * FROM recent) SELECT "userArn" FROM x`,
		`WITH RECURSIVE logs AS (SELECT * FROM logs UNION ALL SELECT * FROM logs) SELECT "userArn" FROM logs`,
		`SELECT "userArn" FROM (WITH logs AS (SELECT * FROM logs) SELECT * FROM logs) AS t`,
		`SELECT * FROM query_table('logs')`,
		`SET VARIABLE own_arn = '` + bob + `'; SELECT "userArn" FROM own_logs`,
	} {
		if rows, tail := asked(alice, text); tail.Outcome == answered || len(rows) > 0 || !strings.Contains(tail.Error, errGuard.Error()) {
			t.Errorf("%s: %v (%s), want the guard's refusal", text, rows, tail.Error)
		}
	}
	// The choice is a statement's own: it is not there for the next one.
	if rows, _ := asked("", `SELECT "userArn" FROM logs`); len(rows) != 3 {
		t.Errorf("without a limit: %d rows, want 3", len(rows))
	}
	if rows, tail := asked("", `SELECT "userArn" FROM own_logs`); len(rows) != 0 || tail.Outcome == answered {
		t.Errorf("own rows of nobody: %v, %+v, want a refusal", rows, tail)
	}
	if rows, _ := asked(bob, `SELECT "userArn" FROM own_logs`); len(rows) != 1 || rows[0][0] != bob {
		t.Errorf("bob's own rows: %v", rows)
	}
}
