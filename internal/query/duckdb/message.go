package duckdb

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
)

// hello is the parent's first frame: what the worker may use.
type hello struct {
	Version     int
	MemoryLimit string // DuckDB's spelling
	MemoryBytes int64  // the same in bytes
	Threads     int
	EventsDir   string // the only directory it may read; empty for none
	Nice        int    // how far it steps back behind the rest of the machine
}

// ready answers hello.
type ready struct {
	Version int
	DuckDB  string // its version
}

// catalogue replaces the sealed files. All events up to Seq are in them.
type catalogue struct {
	Files []string
	Seq   uint64
}

// applied answers a load or a catalogue.
type applied struct {
	Seq   uint64 // the newest event the worker's answers include
	Error string // the step was not made, and nothing changed
	Notes []string
}

// ask is one statement in DuckDB's dialect.
type ask struct {
	ID       uint64
	SQL      string
	Only     string     // an ARN: SQL may read its events only; empty for all
	Since    *time.Time // someFilesView must include what was appended after it; nil when SQL is not about a window
	Files    string     // a statement that finds the files of someFilesView; empty when SQL does not read that view, or Since is set
	MaxRows  int
	MaxBytes int
	Timeout  time.Duration
	Explain  bool   // a plan is wanted, and no rows
	by       string // who asks

	beside []query.Snapshot // goes ahead, in kindTable frames
	tables *snapshot        // what came so
}

// plan comes before done where one was asked for.
type plan struct {
	ID   uint64
	Plan query.Plan
}

// columns comes before the rows of an answer.
type columns struct {
	ID      uint64
	Columns []query.Column
}

// done ends an answer.
type done struct {
	ID        uint64
	Truncated bool
	Scanned   query.Scan
	Outcome   outcome
	Error     string
}

// outcome is what the parent makes of an answer's error.
type outcome int

const (
	answered outcome = iota
	failed           // on the data: a cast, a division by zero
	limited          // time or memory
	canceled         // the parent asked for it
	broken           // a bug here or in DuckDB
)

func decodeJSON(body []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return fmt.Errorf("%w: %w", errProtocol, err)
	}
	return nil
}

// appendEntry adds an entry to a kindLoad frame: seq, append time in
// microseconds, length and bytes of the record.
func appendEntry(b []byte, e event.Entry) []byte {
	b = binary.AppendUvarint(b, e.Seq)
	b = binary.AppendVarint(b, e.AppendTime.UnixMicro())
	b = binary.AppendUvarint(b, uint64(len(e.JSON)))
	return append(b, e.JSON...)
}

// decodeEntries calls fn for each entry of a kindLoad frame. The entry's JSON
// is the frame's memory.
func decodeEntries(b []byte, fn func(event.Entry) error) error {
	for len(b) > 0 {
		seq, n := binary.Uvarint(b)
		if n <= 0 {
			return fmt.Errorf("%w: entry without a sequence number", errProtocol)
		}
		b = b[n:]
		micro, n := binary.Varint(b)
		if n <= 0 {
			return fmt.Errorf("%w: entry without a time", errProtocol)
		}
		b = b[n:]
		size, n := binary.Uvarint(b)
		if n <= 0 || size > uint64(len(b)-n) {
			return fmt.Errorf("%w: entry with a wrong length", errProtocol)
		}
		b = b[n:]
		err := fn(event.Entry{Seq: seq, AppendTime: time.UnixMicro(micro).UTC(), JSON: b[:size:size]})
		if err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}
