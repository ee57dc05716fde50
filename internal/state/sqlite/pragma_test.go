package sqlite

import (
	"path/filepath"
	"testing"
)

// What makes a commit survive a power cut is two settings of the connection
// that writes; a typo in its name would lose them silently.
func TestWriterIsDurable(t *testing.T) {
	s, err := open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var mode string
	var synchronous, readOnly int
	if err := s.writer.QueryRow("PRAGMA journal_mode").Scan(&mode); err != nil || mode != "wal" {
		t.Errorf("journal_mode = %q, %v, want wal", mode, err)
	}
	if err := s.writer.QueryRow("PRAGMA synchronous").Scan(&synchronous); err != nil || synchronous != 2 {
		t.Errorf("synchronous = %d, %v, want 2 (FULL)", synchronous, err)
	}
	if err := s.reader.QueryRow("PRAGMA query_only").Scan(&readOnly); err != nil || readOnly != 1 {
		t.Errorf("query_only of readers = %d, %v, want 1", readOnly, err)
	}
	if n := s.writer.Stats().MaxOpenConnections; n != 1 {
		t.Errorf("%d connections may write, want 1", n)
	}
}
