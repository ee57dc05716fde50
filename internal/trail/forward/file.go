package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"
)

// file appends messages to a file, a line each, and flushes the disk after each
// batch. The file may be renamed, removed or truncated at any time, as logrotate
// does: the next batch goes to a file of the old name. No signal is needed.
type file struct {
	path string
	f    *os.File // nil until the first batch
}

// NewFile makes the sink of a file of JSON lines. The file's directory must be
// there: a disk that is not mounted is no reason to fill another.
func NewFile(path string) Sink { return &file{path: path} }

// A batch costs a flush of the disk that the journal needs too.
const fileLinger = 200 * time.Millisecond

func (s *file) String() string { return "file://" + s.path }

func (s *file) Limits() Limits {
	return Limits{Events: 4096, Bytes: 8 << 20, Linger: fileLinger}
}

func (s *file) Close() error {
	if s.f == nil {
		return nil
	}
	f := s.f
	s.f = nil
	return f.Close()
}

func (s *file) Send(_ context.Context, batch []Message) ([]Failure, error) {
	if err := s.open(batch); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	var b bytes.Buffer
	for _, m := range batch {
		b.Write(m.JSON)
		b.WriteByte('\n')
	}
	size, err := s.f.Seek(0, io.SeekEnd)
	if err == nil {
		if _, err = s.f.Write(b.Bytes()); err != nil {
			err = errors.Join(err, s.f.Truncate(size)) // no half of a line is left
		}
	}
	if err == nil {
		err = s.f.Sync()
	}
	if err != nil { // after a failed flush the file is opened anew and the batch written again
		return nil, errors.Join(fmt.Errorf("append to the file: %w", err), s.Close())
	}
	return nil, nil
}

// open makes s.f the file that has the path now.
func (s *file) open(batch []Message) error {
	if s.f != nil {
		now, err := os.Stat(s.path)
		if err == nil {
			var ours os.FileInfo
			if ours, err = s.f.Stat(); err == nil && os.SameFile(now, ours) {
				return nil
			}
		}
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("look at the file: %w", err)
		}
		if err := s.Close(); err != nil {
			return fmt.Errorf("close the file that was rotated away: %w", err)
		}
	}
	if st, err := os.Stat(s.path); err == nil && !st.Mode().IsRegular() {
		return fmt.Errorf("open the file: %s is not a regular file", s.path)
	}
	f, err := os.OpenFile(s.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the file: %w", err)
	}
	s.f = f
	if err := endLine(f, batch); err != nil {
		return fmt.Errorf("mend the end of the file: %w", err)
	}
	return syncDir(s.path)
}

// endLine makes the file end with a whole line. What a crash of ours cut is the
// beginning of a message that comes again, and is removed. Anything else is
// somebody's: it is kept and ended.
func endLine(f *os.File, batch []Message) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	longest := 0
	for _, m := range batch {
		longest = max(longest, len(m.JSON))
	}
	tail := make([]byte, min(st.Size(), int64(longest)+1))
	if _, err := f.ReadAt(tail, st.Size()-int64(len(tail))); err != nil && len(tail) > 0 {
		return err
	}
	line := tail[bytes.LastIndexByte(tail, '\n')+1:]
	if len(line) == 0 {
		return nil
	}
	for _, m := range batch {
		if bytes.HasPrefix(m.JSON, line) {
			return f.Truncate(st.Size() - int64(len(line)))
		}
	}
	_, err = f.Write([]byte{'\n'})
	return err
}
