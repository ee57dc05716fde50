package duckdb

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// statementText is r's statement for the worker. It has a LIMIT of at most one
// row more than r wants, which says that there are more: DuckDB makes an answer
// whole before it gives the first row.
func statementText(r query.Request) string {
	return withLimit(r).Print(sqlfront.DuckDB, printOptions(r, time.Now(), func(name string) []string { return relations(r, name, false) }))
}

// narrowTexts are r's statement for the worker over some files, and one that
// finds which. ok is false where the second is not worth it.
func narrowTexts(r query.Request) (text, files string, ok bool) {
	if r.Window != nil { // its files are few already
		return "", "", false
	}
	s, now := withLimit(r), time.Now()
	files, ok = s.Files(printOptions(r, now, func(name string) []string { return []string{bounded(r, name, filesView)} }))
	if !ok {
		return "", "", false
	}
	return s.Print(sqlfront.DuckDB, printOptions(r, now, func(name string) []string { return relations(r, name, true) })), files, true
}

func withLimit(r query.Request) *sqlfront.Statement {
	if n, ok := r.Statement.Limit(); !ok || n > int64(r.MaxRows) {
		return r.Statement.WithLimit(int64(r.MaxRows) + 1)
	}
	return r.Statement
}

// printOptions say when now is, unless r does: DuckDB skips files by what eventTime is compared
// with only where that is written out, and its now() is not.
func printOptions(r query.Request, now time.Time, table func(string) []string) sqlfront.PrintOptions {
	o := sqlfront.PrintOptions{Table: table, Now: now}
	if r.Window != nil {
		o.Now = r.Window.End
	}
	return o
}

// relations are what a table of the statement is in the worker: views, bounded
// as the request says, that have its rows together. narrow is for a statement
// that goes with one that finds its files.
func relations(r query.Request, table string, narrow bool) []string {
	switch {
	case table == sqlfront.Sessions && r.Window != nil:
		return []string{sessionsOf(bounded(r, sqlfront.CloudTrailLogs, recentView))}
	case table == sqlfront.Sessions:
		return []string{sessionsOf(bounded(r, sqlfront.CloudTrailLogs, logsView))}
	case slices.Contains(sqlfront.Snapshots, table):
		return []string{snapshotName(table)}
	}
	files := filesView
	if narrow || r.Window != nil && table == sqlfront.CloudTrailLogs {
		files = someFilesView
	}
	return []string{bounded(r, table, unsealedView), bounded(r, table, files)}
}

// bounded is a view without the rows that the request keeps from the table.
func bounded(r query.Request, table, view string) string {
	var bounds []string
	if r.Only != "" {
		view = ownPrefix + view
	}
	if r.MaxSeq > 0 {
		// History from elsewhere has no seq, and was there before.
		bounds = append(bounds, fmt.Sprintf("(seq <= %d OR seq IS NULL)", r.MaxSeq))
	}
	if w := r.Window; w != nil && table == sqlfront.CloudTrailLogs {
		// appendTime has whole microseconds, so cutting the bounds to them changes
		// neither side.
		bounds = append(bounds,
			"appendTime > "+timestamp(w.Start),
			"appendTime <= "+timestamp(w.End),
			"seq IS NOT NULL") // what came from elsewhere triggers nothing
	}
	if len(bounds) == 0 {
		return view
	}
	return "(SELECT * FROM " + view + " WHERE " + strings.Join(bounds, " AND ") + ")"
}

func timestamp(t time.Time) string {
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02 15:04:05.000000") + "'"
}
