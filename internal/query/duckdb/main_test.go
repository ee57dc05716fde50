package duckdb_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"

	"github.com/trailgate/trailgate/internal/query/duckdb"
)

// The test binary is its own worker.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(duckdb.WorkerMain())
	}
	goleak.VerifyTestMain(m)
}
