// Package query is the seam to whatever engine answers SQL over the trail.
// An engine never sees a person's text: package sqlfront parses it, checks it
// and prints the engine's own.
package query

import (
	"context"
	"errors"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Errors a caller decides on. A *sqlfront.Error says what is wrong with the
// statement itself, with line and column.
var (
	ErrLimit       = errors.New("query stopped at its limit")      // time or memory
	ErrUnavailable = errors.New("query engine is being restarted") // try again in a second
	ErrFailed      = errors.New("query failed on the data")        // a cast that fails, a division by zero
)

// Request is one read-only statement.
type Request struct {
	Statement *sqlfront.Statement // parsed and checked
	// Window, when set, is what CloudTrailLogs means in the statement: events
	// with appendTime in (Start, End] that the trail has appended: history and
	// imports, which have no seq, are no part of it. CloudTrailHistory is always
	// everything.
	Window *Window
	// Only, when set, is an ARN: events of other identities do not exist for the
	// statement, whatever it says.
	Only string
	// Beside is the rows of the tables beside the trail that the statement names.
	Beside []Snapshot
	// MaxSeq hides events appended after it; 0 hides none.
	MaxSeq uint64
	// MaxRows and Timeout bound the answer; zero means the engine's default
	// (10,000 rows, 30 s).
	MaxRows int
	Timeout time.Duration
}

// Window is a span of time, open at its start.
type Window struct{ Start, End time.Time }

// Column is a result column. Type is Trino's name (varchar, bigint, boolean,
// double, timestamp, date, and json for nested values).
type Column struct {
	Name string `json:"name"`
	Type string `json:"type"`
}

// Result is an answer. Cells are nil, string, int64, float64, bool, time.Time
// (UTC), or map[string]any and []any for nested values, whose members that are
// NULL are left out. A date is text.
type Result struct {
	Columns   []Column
	Rows      [][]any
	Truncated bool // there were more rows than MaxRows, or than fit into 64 MiB
	Elapsed   time.Duration
}

// Engine answers statements.
type Engine interface {
	Query(ctx context.Context, r Request) (*Result, error)
	// Applied is the newest event this engine's answers include; Wait blocks
	// until that is at least seq.
	Applied() uint64
	Wait(ctx context.Context, seq uint64) error
}

// Source is where an engine gets events from: the trail.
type Source interface {
	// Sealed is the catalogue of Parquet files, which hold all events up to a
	// sequence number, and a channel that is closed when it changes.
	Sealed() (Catalogue, <-chan struct{})
	// Follow calls fn with batches of entries in order, from sequence number
	// from on, first those in the journal, then live ones, until ctx ends.
	Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error
}

// Catalogue is the sealed part of the trail.
type Catalogue struct {
	Files []string // absolute paths of Parquet files
	Seq   uint64   // all events up to and including Seq are in Files
}
