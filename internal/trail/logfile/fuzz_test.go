package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"testing"
	"time"
)

// FuzzUnpack: any object is unpacked or refused, and what is unpacked is one
// member with nothing behind it.
func FuzzUnpack(f *testing.F) {
	good := Pack([]byte(`{"Records":[{"eventID":"1"}]}`))
	f.Add(good)
	f.Add(append(slices.Clone(good), good...))
	f.Add(append(slices.Clone(good), 0))
	f.Add(good[:len(good)-1])
	f.Add([]byte("\x1f\x8b"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, object []byte) {
		text, err := Unpack(object)
		if err != nil {
			if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTrailing) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		again, err := Unpack(Pack(text))
		if err != nil || !bytes.Equal(again, text) {
			t.Errorf("packed again, the text is another: %v", err)
		}
		if _, err := Unpack(append(slices.Clone(object), 'x')); !errors.Is(err, ErrTrailing) {
			t.Errorf("a byte behind it is not found: %v", err)
		}
	})
}

// FuzzSplit: the records are those that encoding/json finds, byte for byte.
func FuzzSplit(f *testing.F) {
	for _, text := range []string{
		`{"Records":[]}`, ` { "Records" : [ {"a":1} , {"b":"]}"} ] } `, `{"Records":[{"a":{"Records":[{}]}},{"b":"\"\\"}]}`,
		`{"Records":[1]}`, `{"Records":{}}`, `{"records":[]}`, `{"Records":[],"x":1}`, `[]`, `{"Records":[{}]}{}`, `{}`, `"Records"`, ``,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		records, err := Split(text)
		if err != nil {
			if !errors.Is(err, ErrFormat) {
				t.Errorf("an error of no kind: %v", err)
			}
			return
		}
		var want struct{ Records []json.RawMessage }
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("split what is not JSON: %v", err)
		}
		if !slices.EqualFunc(records, want.Records, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Errorf("Split = %q, want %q", records, want.Records)
		}
		again, err := Split(Encode(rawRecords(records)))
		if err != nil || len(again) != len(records) {
			t.Errorf("encoded again: %d records, %v, want %d", len(again), err, len(records))
		}
	})
}

// FuzzMember: a member of a valid record is the one that encoding/json finds;
// anything else ends.
func FuzzMember(f *testing.F) {
	f.Add([]byte(`{"a":{"eventTime":"no"},"eventTime":"2026-11-20T09:00:00Z"}`))
	f.Add([]byte(` { "x" : [1,"]"] , "eventTime" : {"a":"}"} }`))
	f.Add([]byte(`{"eventTime`))
	f.Add([]byte(`{,,,`))
	f.Add([]byte(`{"\`))
	f.Fuzz(func(t *testing.T, record []byte) {
		got := member(record, "eventTime")
		var members map[string]json.RawMessage
		if !json.Valid(record) || json.Unmarshal(record, &members) != nil {
			return
		}
		want, has := members["eventTime"]
		if has && (bytes.Count(record, []byte("eventTime")) > 1 || !bytes.Contains(record, []byte(`"eventTime"`))) {
			return // twice: the first here, the last there; or escaped, which nobody writes
		}
		if !bytes.Equal(got, want) {
			t.Errorf("member(%s) = %q, want %q", record, got, want)
		}
	})
}

// FuzzDigest: what parses as a digest can be judged, whatever it says.
func FuzzDigest(f *testing.F) {
	previous := "x"
	good, _ := Digest{AccountID: "111122223333", Start: "2026-11-20T09:00:00Z", End: "2026-11-20T10:00:00Z", Bucket: "b", Object: "o",
		PreviousObject: &previous, LogFiles: []LogFile{{Bucket: "b", Object: "l"}}}.Encode()
	f.Add(good)
	f.Add([]byte(`{"logFiles":[]}`))
	f.Add([]byte(`null`))
	f.Add(append(slices.Clone(good), good...))
	f.Fuzz(func(t *testing.T, text []byte) {
		d, err := ParseDigest(text)
		if err != nil {
			return
		}
		start, end := d.Span()
		if !start.Before(end) {
			t.Errorf("it spans %s to %s", start, end)
		}
		if lines := bytes.Split(d.StringToSign(text), []byte("\n")); len(lines) < 4 {
			t.Errorf("what is signed has %d lines", len(lines))
		}
		again, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := ParseDigest(again); err != nil {
			t.Errorf("encoded again it does not parse: %v", err)
		}
	})
}

// FuzzKey: what parses as a key is the key that Layout makes.
func FuzzKey(f *testing.F) {
	at := time.Date(2026, 11, 20, 9, 5, 7, 0, time.UTC)
	f.Add(testLayout.LogKey(at, "abcdefghijklmnop"))
	f.Add(testLayout.DigestKey(at, false))
	f.Add(Layout{Prefix: "a/b", AccountID: "1", Region: "r", Name: "my_trail_1"}.DigestKey(at, true))
	f.Add("AWSLogs/x/CloudTrail/y/2026/11/20/_CloudTrail__20261120T0905Z_.json.gz")
	f.Fuzz(func(t *testing.T, key string) {
		k, ok := ParseKey(key)
		if !ok {
			return
		}
		again := k.LogKey(k.Time, k.Unique)
		if k.Kind == KindDigest {
			l := k.Layout
			again = l.DigestKey(k.Time, k.Backfill)
			if k.HomeRegion != k.Region {
				return // Layout makes none of these; AWS does
			}
		}
		if again != key {
			t.Errorf("ParseKey(%q) makes %q", key, again)
		}
	})
}

// FuzzState: any text is a state or refused.
func FuzzState(f *testing.F) {
	good, _ := (&state{Version: stateVersion, Delivered: 7}).encode()
	f.Add(good)
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := parseState(b); err == nil && s == nil {
			t.Error("neither a state nor an error")
		}
	})
}
