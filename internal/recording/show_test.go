package recording

import (
	"bytes"
	"context"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSanitizeKeepsTextColoursAndCursor(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"text", "héllo\r\n\tworld\b", "héllo\r\n\tworld\b"},
		{"colours and erasing", "\x1b[1;31mred\x1b[0m\x1b[2J\x1b[H\x1b[10;5H\x1b[K", "\x1b[1;31mred\x1b[0m\x1b[2J\x1b[H\x1b[10;5H\x1b[K"},
		{"title", "a\x1b]0;pwned\x07b", "ab"},
		{"clipboard", "a\x1b]52;c;cm0gLXJm\x1b\\b", "ab"},
		{"device control", "a\x1bP+q544e\x1b\\b", "ab"},
		{"other texts", "a\x1b_x\x1b\\b\x1b^y\x1b\\c\x1bXz\x1b\\d", "abcd"},
		{"report requests", "a\x1b[6n\x1b[c\x1b[>c\x1b[21tb", "ab"},
		{"modes", "a\x1b[?1049h\x1b[?25l\x1b[4hb", "ab"},
		{"C1 controls", "a\u009b31mb\u009d0;x\u009cc", "a31mb0;xc"},
		{"raw C1", "a\x9b31mb", "a\ufffd31mb"},
		{"charset", "a\x1b(0b\x1b)Bc", "abc"},
		{"reset", "a\x1bcb", "ab"},
		{"bell and null", "a\x07\x00b\x7f", "ab"},
		{"huge number", "a\x1b[2147483647Lb", "ab"},
		{"long parameter", "a\x1b[" + strings.Repeat("1;", 100) + "mb", "ab"},
		{"broken by another", "a\x1b[31\x1b[0mb", "a\x1b[0mb"},
		{"unfinished UTF-8", "a\xe2\x82b", "a\ufffdb"},
		{"text ended by a sequence", "a\x1b]0;x\x1b[31mb", "a\x1b[31mb"},
		{"cancelled", "a\x1b]0;x\x18b", "ab"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(Sanitize([]byte(c.in))); got != c.want {
				t.Errorf("Sanitize(%q) = %q, want %q", c.in, got, c.want)
			}
			var split bytes.Buffer
			s := NewSanitizer(&split)
			for i := range len(c.in) {
				s.Write([]byte{c.in[i]})
			}
			if split.String() != c.want {
				t.Errorf("byte by byte %q, want %q", split.String(), c.want)
			}
		})
	}
}

// Whatever goes in, only the allowed comes out, and it is stable.
func FuzzSanitize(f *testing.F) {
	f.Add([]byte("\x1b]0;x\x07\x1b[31m\x1bPq\x1b\\\u009b"))
	f.Fuzz(func(t *testing.T, p []byte) {
		once := Sanitize(p)
		if twice := Sanitize(once); !bytes.Equal(once, twice) {
			t.Fatalf("Sanitize(%q) = %q, and again %q", p, once, twice)
		}
		for _, bad := range []string{"\x1b]", "\x1bP", "\x1b_", "\x1b^", "\x1bX", "\x1bc", "\x1b[?", "\x07", "\x00", "\u009b", "\u009d"} {
			if bytes.Contains(once, []byte(bad)) {
				t.Fatalf("Sanitize(%q) = %q has %q", p, once, bad)
			}
		}
	})
}

func recorded(t *testing.T, clock *time.Time, run func(*Recorder)) []byte {
	t.Helper()
	var m memory
	r, err := begin(&m, Meta{Session: session, Identity: "alice", Login: "root", Target: "web1"}, func() time.Time { return *clock })
	if err != nil {
		t.Fatal(err)
	}
	run(r)
	if _, err := r.Close(); err != nil {
		t.Fatal(err)
	}
	return m.Bytes()
}

func shown(t *testing.T) []byte {
	clock := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	return recorded(t, &clock, func(r *Recorder) {
		c := channel(t, r, Began{Kind: "shell", Terminal: true, Term: "xterm", Columns: 100, Rows: 30})
		step := func(d time.Duration, f func() error) {
			clock = clock.Add(d)
			if err := f(); err != nil {
				t.Fatal(err)
			}
		}
		euro := "€"
		step(time.Second, func() error { return c.Stdout([]byte("a\x1b]0;t\x07" + euro[:1])) })
		step(30*time.Second, func() error { return c.Stdout([]byte(euro[1:] + "\xff")) })
		step(0, func() error { return c.Resize(120, 40) })
		step(time.Second, func() error { return c.Stderr([]byte("e")) })
	})
}

func TestExportIsAsciicast(t *testing.T) {
	r, err := NewReader(bytes.NewReader(shown(t)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := r.Export(&out, "asciicast", 0); err != nil {
		t.Fatal(err)
	}
	want := `{"version":2,"width":100,"height":30,"timestamp":1795435200,"title":"alice root@web1","env":{"TERM":"xterm"}}
[1.000000, "o", "a\u001b]0;t\u0007"]
[31.000000, "o", "€�"]
[31.000000, "r", "120x40"]
[32.000000, "o", "e"]
`
	if d := cmp.Diff(want, out.String()); d != "" {
		t.Errorf("cast (-want +got):\n%s", d)
	}
	r, _ = NewReader(bytes.NewReader(shown(t)))
	if err := r.Export(&out, "gif", 0); err == nil {
		t.Error("an unknown format is exported")
	}
}

func TestReplayIsPacedAndSanitised(t *testing.T) {
	r, err := NewReader(bytes.NewReader(shown(t)))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	var slept []time.Duration
	err = r.Replay(t.Context(), &out, Pace{Speed: 2, MaxIdle: 3 * time.Second, Sleep: func(_ context.Context, d time.Duration) error {
		slept = append(slept, d)
		return nil
	}})
	if err != nil || out.String() != "a€\ufffde" {
		t.Errorf("Replay shows %q, %v", out.String(), err)
	}
	want := []time.Duration{500 * time.Millisecond, 3 * time.Second, 500 * time.Millisecond}
	if d := cmp.Diff(want, slept); d != "" {
		t.Errorf("pauses (-want +got):\n%s", d)
	}
}
