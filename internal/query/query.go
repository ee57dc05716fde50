// Package query is the seam to whatever engine answers SQL over the trail.
// An engine never sees a person's text: package sqlfront parses it, checks it
// and prints the engine's own.
package query

import (
	"context"
	"errors"
	"math"
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
	// statement, whatever it says. Nor does Scanned count them, which says what is in
	// the row groups that a filter left: it is empty, and Explain answers ErrDenied.
	Only string
	// By is who asks. One asker has some of an engine's places, never all.
	By string
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
	Scanned   Scan
}

// Scan is what a statement read, each time it read it: a table that is joined
// with itself counts twice, and what a filter let the engine leave out not at
// all.
//
// An engine reads whole row groups of Parquet. Rows and Bytes are those of the
// row groups read, where only some of the files' were by their mean; Bytes are
// the compressed columns the statement needed. A row that is still in memory
// counts with its record's text, by the mean as well.
type Scan struct {
	Files     int64 `json:"files"`
	RowGroups int64 `json:"rowGroups"`
	Rows      int64 `json:"rows"`
	Bytes     int64 `json:"bytes"`
}

// Plan is how an engine answers a statement. It is found out by running it; the
// rows are given to nobody.
type Plan struct {
	Text      string   `json:"text"`      // the statement as the engine gets it
	Columns   []string `json:"columns"`   // of the trail, that it reads
	Days      []string `json:"days"`      // partitions that may hold what it asks for
	AllDays   int      `json:"allDays"`   // partitions there are
	AllFiles  int64    `json:"allFiles"`  // Parquet files there are
	AllGroups int64    `json:"allGroups"` // row groups in them
	Scanned   Scan     `json:"scanned"`
	Memory    int64    `json:"memory"` // of the rows scanned, those not sealed yet
	Rows      int      `json:"rows"`   // of the answer
	Seconds   float64  `json:"seconds"`
}

// NotFinite is Trino's name of a double that is no number of JSON: NaN, Infinity
// or -Infinity, which strconv.ParseFloat reads.
func NotFinite(f float64) (name string, ok bool) {
	switch {
	case math.IsNaN(f):
		return "NaN", true
	case math.IsInf(f, 1):
		return "Infinity", true
	case math.IsInf(f, -1):
		return "-Infinity", true
	}
	return "", false
}

// Engine answers statements.
type Engine interface {
	Query(ctx context.Context, r Request) (*Result, error)
	// Explain says how Query answers r.
	Explain(ctx context.Context, r Request) (*Plan, error)
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
