package forward

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// AsideName is the file, in a forwarder's directory, of the messages that its
// sink will never take.
const AsideName = "refused.jsonl"

// Refused is a line of it.
type Refused struct {
	Time    time.Time `json:"time"` // when it was put aside
	Seq     uint64    `json:"seq"`
	EventID string    `json:"eventID"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"` // as it was sent
}

// aside is the open file. Nothing is taken out of it by us: whoever mends the
// cause sends the lines again and removes the file.
type aside struct {
	dir   string
	f     *os.File // nil until the first message
	count uint64
}

// openAside counts what is there.
func openAside(dir string) (*aside, error) {
	a := &aside{dir: dir}
	f, err := os.Open(a.path())
	if errors.Is(err, os.ErrNotExist) {
		return a, nil
	}
	if err != nil {
		return nil, fmt.Errorf("count refused messages: %w", err)
	}
	defer f.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := f.Read(buf)
		a.count += uint64(bytes.Count(buf[:n], []byte{'\n'}))
		if err == io.EOF {
			return a, nil
		}
		if err != nil {
			return nil, fmt.Errorf("count refused messages: %w", err)
		}
	}
}

func (a *aside) path() string { return filepath.Join(a.dir, AsideName) }

// put returns once the message is durable. After an error a torn line may be
// left; the next line begins behind a newline.
func (a *aside) put(now time.Time, m Message, reason string) error {
	line, err := json.Marshal(Refused{now.UTC(), m.Seq, m.EventID, reason, string(m.JSON)})
	if err != nil {
		return fmt.Errorf("put a refused message aside: %w", err)
	}
	if a.f == nil {
		if a.f, err = appendTo(a.path()); err != nil {
			return fmt.Errorf("put a refused message aside: %w", err)
		}
	}
	if _, err = a.f.Write(append(line, '\n')); err == nil {
		err = a.f.Sync()
	}
	if err != nil {
		err = errors.Join(err, a.close()) // opened anew, the torn line is cut
		return fmt.Errorf("put a refused message aside: %w", err)
	}
	a.count++
	return nil
}

func (a *aside) close() error {
	if a.f == nil {
		return nil
	}
	f := a.f
	a.f = nil
	return f.Close()
}

// appendTo opens a file of lines to append to, with its directory, and cuts what
// a crash left of a line. Its name is durable when it returns.
func appendTo(path string) (_ *os.File, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	if err := cutTorn(f); err != nil {
		return nil, err
	}
	return f, syncDir(path)
}

// syncDir makes the name of a file durable.
func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// cutTorn cuts the file behind its last newline.
func cutTorn(f *os.File) error {
	st, err := f.Stat()
	if err != nil || !st.Mode().IsRegular() {
		return err
	}
	buf := make([]byte, 64<<10)
	for end := st.Size(); end > 0; {
		n := min(int64(len(buf)), end)
		if _, err := f.ReadAt(buf[:n], end-n); err != nil {
			return err
		}
		if i := bytes.LastIndexByte(buf[:n], '\n'); i >= 0 {
			if keep := end - n + int64(i) + 1; keep < st.Size() {
				return f.Truncate(keep)
			}
			return nil
		}
		end -= n
	}
	if st.Size() > 0 {
		return f.Truncate(0)
	}
	return nil
}
