package forward_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

// farFile is a directory with a file in it.
type farFile struct {
	dir string
}

func (f *farFile) path() string { return filepath.Join(f.dir, "disk", "events.jsonl") }

func (f *farFile) Sink(testing.TB) forward.Sink { return forward.NewFile(f.path()) }

func (f *farFile) Set(w forwardtest.Weather) bool {
	disk, away := filepath.Join(f.dir, "disk"), filepath.Join(f.dir, "away")
	switch w {
	case forwardtest.Fine:
		os.Rename(away, disk)
	case forwardtest.Down: // unmounted
		os.Rename(disk, away)
	default:
		return false
	}
	return true
}

func (f *farFile) Receipts() []forwardtest.Receipt {
	text, _ := os.ReadFile(f.path())
	return receiptsOfLines(text)
}

// receiptsOfLines takes JSON lines apart. A line that is none has no event ID.
func receiptsOfLines(text []byte) (all []forwardtest.Receipt) {
	for line := range bytes.Lines(text) {
		all = append(all, receipt(bytes.TrimSuffix(line, []byte("\n"))))
	}
	return all
}

func receipt(record []byte) forwardtest.Receipt {
	var head struct {
		EventID string `json:"eventID"`
	}
	if json.Unmarshal(record, &head) != nil {
		head.EventID = ""
	}
	return forwardtest.Receipt{EventID: head.EventID, Body: bytes.Clone(record)}
}

// ledger is what a far side has received.
type ledger struct {
	mu       sync.Mutex // guards below
	receipts []forwardtest.Receipt
}

func (l *ledger) add(records ...[]byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range records {
		l.receipts = append(l.receipts, receipt(r))
	}
}

func (l *ledger) Receipts() []forwardtest.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]forwardtest.Receipt(nil), l.receipts...)
}

func TestFile(t *testing.T) {
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far {
		f := &farFile{t.TempDir()}
		if err := os.Mkdir(filepath.Join(f.dir, "disk"), 0o700); err != nil {
			t.Fatal(err)
		}
		return f
	})
}

func message(seq uint64, json string) forward.Message {
	return forward.Message{Seq: seq, EventID: "e", JSON: []byte(json)}
}

func send(t *testing.T, s forward.Sink, m ...forward.Message) {
	t.Helper()
	if failed, err := s.Send(t.Context(), m); err != nil || len(failed) > 0 {
		t.Fatalf("Send = %v, %v", failed, err)
	}
}

func TestARotatedFileIsOpenedAnew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "events.jsonl")
	s := forward.NewFile(path)
	defer s.Close()
	send(t, s, message(1, `{"n":1}`))
	if err := os.Rename(path, path+".1"); err != nil {
		t.Fatal(err)
	}
	send(t, s, message(2, `{"n":2}`))
	if err := os.Truncate(path, 0); err != nil { // copytruncate
		t.Fatal(err)
	}
	send(t, s, message(3, `{"n":3}`))
	for name, want := range map[string]string{path + ".1": "{\"n\":1}\n", path: "{\"n\":3}\n"} {
		if got, err := os.ReadFile(name); err != nil || string(got) != want {
			t.Errorf("%s holds %q, %v; want %q", filepath.Base(name), got, err, want)
		}
	}
}

func TestATornLineOfOursIsCutAndAnythingElseKept(t *testing.T) {
	for _, c := range []struct{ name, before, want string }{
		{"the beginning of the message that comes", "{\"n\":0}\n{\"n\":", "{\"n\":0}\n{\"n\":1}\n"},
		{"the whole of it without its newline", "{\"n\":1}", "{\"n\":1}\n"},
		{"somebody's line", "{\"n\":0}\nsomething", "{\"n\":0}\nsomething\n{\"n\":1}\n"},
		{"somebody's file of one long line", "a line that is longer than the message", "a line that is longer than the message\n{\"n\":1}\n"},
		{"nothing", "", "{\"n\":1}\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "events.jsonl")
			if err := os.WriteFile(path, []byte(c.before), 0o600); err != nil {
				t.Fatal(err)
			}
			s := forward.NewFile(path)
			defer s.Close()
			send(t, s, message(1, `{"n":1}`))
			if got, _ := os.ReadFile(path); string(got) != c.want {
				t.Errorf("the file holds %q, want %q", got, c.want)
			}
		})
	}
}

func TestOnlyARegularFileIsWritten(t *testing.T) {
	s := forward.NewFile(t.TempDir())
	if _, err := s.Send(t.Context(), []forward.Message{message(1, `{}`)}); err == nil {
		t.Error("a directory was taken for a file")
	}
}
