package inspect

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var messages = []Message{
	Shell{}, Exec{"ls -l"}, Exec{""}, Subsystem{"sftp"},
	Pty{"xterm", 80, 24, 640, 480, "\x01\x00\x00\x00\x03\x00"},
	WindowChange{1, 2, 3, 4}, Env{"LANG", "C.UTF-8"}, Signal{"INT"}, Break{500},
	AgentForward{}, X11{true, "MIT-MAGIC-COOKIE-1", "00ff", 1}, EndOfWrite{}, Keepalive{},
	ExitStatus{1<<32 - 1}, ExitSignal{"TERM", true, "text", "en"}, XonXoff{true},
	Unknown{"x@example.com", "\x00\xff"},
}

var opens = []Open{
	OpenSession{}, OpenDirect{Address{"db1", 5432}, Address{"127.0.0.1", 50000}},
	OpenDirectUnix{"/run/x.sock", ""}, OpenForwarded{Address{"", 80}, Address{"::1", 1}},
	OpenAgent{}, OpenX11{Address{"127.0.0.1", 6010}}, OpenUnknown{"tun@openssh.com", "\x00"},
}

func TestMessagesGoThereAndBack(t *testing.T) {
	for _, m := range messages {
		kind, payload := Encode(m)
		got, err := Decode(kind, payload)
		if d := cmp.Diff(m, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", kind, err, d)
		}
		if _, known := m.(Unknown); known {
			continue
		}
		if _, err := Decode(kind, append(payload, 0)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s with a trailing byte: %v", kind, err)
		}
		for i := range payload {
			if _, err := Decode(kind, payload[:i]); !errors.Is(err, ErrMalformed) {
				t.Errorf("%s cut at %d: %v", kind, i, err)
			}
		}
	}
}

func TestOpensGoThereAndBack(t *testing.T) {
	for _, o := range opens {
		kind, extra := EncodeOpen(o)
		got, err := DecodeOpen(kind, extra)
		if d := cmp.Diff(o, got); d != "" || err != nil {
			t.Errorf("%s: %v\n%s", kind, err, d)
		}
	}
}

func TestSizesAreBounded(t *testing.T) {
	long := strings.Repeat("x", MaxValue+1)
	for _, m := range []Message{
		Exec{strings.Repeat("x", MaxCommand+1)}, Env{"A", long}, Env{long, ""}, Subsystem{long},
		Pty{Term: long}, Pty{Modes: strings.Repeat("x", MaxModes+1)}, Unknown{"x", long}, Unknown{long, ""},
	} {
		if _, err := Decode(Encode(m)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%.20s: %v", m.Type(), err)
		}
	}
	for _, o := range []Open{
		OpenDirect{Address{long, 1}, Address{}}, OpenDirect{Address{"h", 65536}, Address{}}, OpenUnknown{"x", long},
	} {
		if _, err := DecodeOpen(EncodeOpen(o)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %v", o.Type(), err)
		}
	}
}

func TestOnlyAStartStarts(t *testing.T) {
	for _, m := range messages {
		kind := m.Type()
		if want := kind == "shell" || kind == "exec" || kind == "subsystem"; Starts(m) != want {
			t.Errorf("Starts(%s) = %v", kind, !want)
		}
	}
}

// What is accepted is written back as it was, but for a boolean's spelling.
func FuzzDecode(f *testing.F) {
	for _, m := range messages {
		kind, payload := Encode(m)
		f.Add(kind, payload)
	}
	f.Fuzz(func(t *testing.T, kind string, payload []byte) {
		m, err := Decode(kind, payload)
		if err != nil {
			return
		}
		again, back := Encode(m)
		if again != kind || len(back) != len(payload) {
			t.Fatalf("%q %x encodes to %q %x", kind, payload, again, back)
		}
		if m2, err := Decode(again, back); err != nil || m2 != m {
			t.Fatalf("%+v reads back as %+v, %v", m, m2, err)
		}
		switch m.(type) {
		case X11, ExitSignal, XonXoff:
		default:
			if !bytes.Equal(back, payload) {
				t.Fatalf("%q %x encodes to %x", kind, payload, back)
			}
		}
	})
}

func FuzzDecodeOpen(f *testing.F) {
	for _, o := range opens {
		kind, extra := EncodeOpen(o)
		f.Add(kind, extra)
	}
	f.Fuzz(func(t *testing.T, kind string, extra []byte) {
		o, err := DecodeOpen(kind, extra)
		if err != nil {
			return
		}
		again, back := EncodeOpen(o)
		if o2, err := DecodeOpen(again, back); err != nil || o2 != o {
			t.Fatalf("%+v reads back as %+v, %v", o, o2, err)
		}
	})
}
