// Package querytest holds what a query engine must do, as tests that every
// engine runs, and a trail in memory for them to read.
package querytest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Trail is a query.Source in memory whose sealed part is Parquet files in Dir.
type Trail struct {
	Dir string // absolute

	t testing.TB

	mu      sync.Mutex // guards below
	entries []event.Entry
	more    chan struct{} // closed and replaced when entries grow
	sealed  query.Catalogue
	swapped chan struct{} // closed and replaced when sealed changes
}

// NewTrail makes an empty trail whose files go when the test ends.
func NewTrail(t testing.TB) *Trail {
	return &Trail{Dir: t.TempDir(), t: t, more: make(chan struct{}), swapped: make(chan struct{})}
}

// Start is the appendTime of the first event; each later one is a second after
// the one before.
var Start = time.Date(2026, 11, 20, 12, 0, 0, 123456000, time.UTC)

// AppendTime is when event seq was appended.
func AppendTime(seq uint64) time.Time { return Start.Add(time.Duration(seq-1) * time.Second) }

// Append adds records, JSON objects, and returns the sequence number of the
// last.
func (s *Trail) Append(records ...string) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range records {
		seq := uint64(len(s.entries) + 1)
		s.entries = append(s.entries, event.Entry{Seq: seq, AppendTime: AppendTime(seq), JSON: []byte(r)})
	}
	close(s.more)
	s.more = make(chan struct{})
	return uint64(len(s.entries))
}

// Last is the sequence number of the newest event.
func (s *Trail) Last() uint64 { return uint64(len(s.Entries())) }

// Entries are all events so far.
func (s *Trail) Entries() []event.Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[:len(s.entries):len(s.entries)]
}

// Seal moves all events up to seq into a new Parquet file.
func (s *Trail) Seal(seq uint64) {
	s.t.Helper()
	s.mu.Lock()
	c := s.sealed
	entries := s.entries[c.Seq:seq]
	s.mu.Unlock()
	name := filepath.Join(s.Dir, fmt.Sprintf("%d-%d.parquet", c.Seq+1, seq))
	if err := WriteParquet(name, entries); err != nil {
		s.t.Fatal(err)
	}
	s.Publish(query.Catalogue{Files: append(c.Files[:len(c.Files):len(c.Files)], name), Seq: seq})
}

// Publish makes c the catalogue.
func (s *Trail) Publish(c query.Catalogue) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sealed = c
	close(s.swapped)
	s.swapped = make(chan struct{})
}

// Sealed is query.Source's.
func (s *Trail) Sealed() (query.Catalogue, <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sealed, s.swapped
}

// Follow is query.Source's. It hands out at most 1,000 entries at a time.
func (s *Trail) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	for next := from; ; {
		s.mu.Lock()
		batch, more := s.entries[min(next-1, uint64(len(s.entries))):], s.more
		s.mu.Unlock()
		batch = batch[:min(len(batch), 1000)]
		if len(batch) > 0 {
			if err := fn(batch); err != nil {
				return err
			}
			next += uint64(len(batch))
			continue
		}
		select {
		case <-more:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// WriteParquet writes entries as the trail seals them: the columns of
// CloudTrailLogs, from sqlfront.Flatten.
func WriteParquet(name string, entries []event.Entry) (err error) {
	f, err := os.Create(name)
	if err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	defer func() {
		if closing := f.Close(); err == nil {
			err = closing
		}
	}()
	w := parquet.NewGenericWriter[sqlfront.Flat](f, parquet.Compression(&parquet.Zstd), parquet.MaxRowsPerRowGroup(16<<10))
	for _, e := range entries {
		row, err := sqlfront.Flatten(e.JSON, e.Seq, e.AppendTime)
		if err != nil {
			return err
		}
		if _, err := w.Write([]sqlfront.Flat{row}); err != nil {
			return fmt.Errorf("write event %d: %w", e.Seq, err)
		}
	}
	return w.Close()
}
