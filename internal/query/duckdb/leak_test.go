package duckdb

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// An expression that fails on a row says something of the row: nothing of a
// statement may be computed on the rows of others.
func TestNoStatementComputesOnTheRowsOfOthers(t *testing.T) {
	const alice, bob = "arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:user/bob"
	dir := t.TempDir()
	w := startPipeWorker(t, dir)
	var all []event.Entry
	const rows = 3000 // several of DuckDB's vectors
	for seq := uint64(1); seq <= rows; seq++ {
		arn, message := alice, "7"
		if seq%2 == 0 {
			arn, message = bob, fmt.Sprintf("secret of bob %d", seq)
		}
		all = append(all, event.Entry{Seq: seq, AppendTime: time.Date(2026, 11, 23, 12, 0, int(seq%60), 0, time.UTC),
			JSON: []byte(`{"eventName":"StartSession","errorMessage":"` + message + `","userIdentity":{"type":"IAMUser","arn":"` + arn + `"}}`)})
	}
	w.load(all...)
	exercise := func(where string) {
		t.Helper()
		for i, text := range []string{
			"SELECT seq FROM CloudTrailLogs WHERE CAST(errorMessage AS bigint) = 7",
			"SELECT seq FROM CloudTrailLogs WHERE CAST(errorMessage AS bigint) = 7 OR userName = 'x'",
			"SELECT seq FROM CloudTrailLogs WHERE 1 / (CASE WHEN errorMessage LIKE 'secret%' THEN 0 ELSE 1 END) = 1",
			"SELECT seq FROM CloudTrailLogs WHERE seq > 0 AND userArn IS NOT NULL AND CAST(errorMessage AS bigint) = 7",
			"SELECT CAST(errorMessage AS bigint) FROM CloudTrailLogs",
			"SELECT sum(CAST(errorMessage AS bigint)) FROM CloudTrailLogs",
			"SELECT a.seq FROM CloudTrailLogs a JOIN CloudTrailHistory b ON CAST(a.errorMessage AS bigint) = CAST(b.errorMessage AS bigint) AND a.seq = b.seq",
			"SELECT a.seq FROM CloudTrailLogs a LEFT JOIN CloudTrailHistory b ON a.seq = b.seq WHERE CAST(b.errorMessage AS bigint) = 7",
			"SELECT seq FROM CloudTrailLogs WHERE seq IN (SELECT CAST(errorMessage AS bigint) FROM CloudTrailLogs)",
			"SELECT seq FROM CloudTrailLogs l WHERE EXISTS (SELECT 1 FROM CloudTrailLogs r WHERE CAST(r.errorMessage AS bigint) = l.seq)",
			"SELECT eventName, count(*) FILTER (WHERE CAST(errorMessage AS bigint) = 7) FROM CloudTrailLogs GROUP BY 1",
			"SELECT seq FROM CloudTrailLogs WHERE length(errorMessage) = 1 ORDER BY CAST(errorMessage AS bigint)",
			"SELECT x FROM (SELECT CAST(errorMessage AS bigint) AS x FROM CloudTrailLogs) WHERE x = 7",
			"WITH t AS (SELECT CAST(errorMessage AS bigint) AS x FROM CloudTrailLogs) SELECT a.x FROM t a, t b WHERE a.x = 7 AND b.x > 1 LIMIT 5",
		} {
			s, err := sqlfront.Parse(text)
			if err == nil {
				err = s.Check(sqlfront.CloudTrailCatalog())
			}
			if err != nil {
				t.Errorf("%s: %v", text, err)
				continue
			}
			sql := statementText(query.Request{Statement: s, Only: alice, MaxRows: 1000})
			_, _, tail := w.ask(ask{ID: uint64(i + 1), SQL: sql, Only: alice, MaxRows: 1000, MaxBytes: 1 << 20, Timeout: 20 * time.Second})
			if tail.Outcome != answered || strings.Contains(tail.Error, "secret") {
				t.Errorf("%s: %s: %+v, want alice's rows\n%s", where, text, tail, sql)
			}
		}
	}
	exercise("hot")
	sealed := filepath.Join(dir, "1-3000.parquet")
	if err := querytest.WriteParquet(sealed, all); err != nil {
		t.Fatal(err)
	}
	if a := w.catalogue(catalogue{Files: []string{sealed}, Seq: rows}); a.Error != "" {
		t.Fatal(a.Error)
	}
	exercise("sealed")
}
