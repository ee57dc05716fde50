package query

import (
	"errors"
	"slices"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// ErrDenied is a table whose rows are not for who asks.
var ErrDenied = errors.New("not for who may read their own events only")

// Snapshot is the rows of a table beside the trail, of [sqlfront.Snapshots], at
// one moment: cells in the order of [sqlfront.SnapshotColumns], as a Result has
// them. Who hands it over has left out what the asker may not see.
type Snapshot struct {
	Table string
	Rows  [][]any
}

// ownTables are the tables beside the trail that somebody may read who is
// limited to their own rows: their sessions, and who they are.
var ownTables = []string{sqlfront.Sessions, sqlfront.Identities}

// NotOwn is a table of the statement that nobody may read who is limited to
// their own rows; empty for none.
func NotOwn(s *sqlfront.Statement) string {
	for _, t := range s.Tables() {
		if slices.Contains(sqlfront.Snapshots, t) && !slices.Contains(ownTables, t) {
			return t
		}
	}
	return ""
}
