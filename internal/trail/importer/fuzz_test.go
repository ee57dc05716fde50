package importer

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// FuzzScan holds the reading of a file, whatever is in it, to what an import
// counts on.
func FuzzScan(f *testing.F) {
	one, two := awsRecord(1), awsRecord(2)
	for _, text := range []string{
		`{"Records":[` + one + `,` + two + `]}`,
		one + "\n" + two[:200] + "\n" + two,
		`{"NextToken":"a","Events":[` + lookup(1) + `]}`,
		`{"Records":[` + one + `,{"eventVersion":"1.09",,"x` + "\x00" + `},` + two + `],"a":1}`,
		`[1,"a",null,{},{"Records":[` + one + `]}]`,
		`{"digestStartTime":"2026-03-01T00:00:00Z","logFiles":[]}`,
		`{"eventTime":"2026-03-01T00:00:00Z","eventID":null,"eventTime":"2027-01-01T00:00:00Z"}`,
		string(pack(f, `[`+one+`]`)),
		string(pack(f, `[`+one+`]`)[:100]),
		"\xEF\xBB\xBF[" + one,
		`{"detail-type":"AWS API Call via CloudTrail","detail":` + one + `}`,
		`{"timeWindow":{"windowStart":"2026-03-01T00:00:00Z"},"eventId":1e5}`,
	} {
		f.Add([]byte(text))
	}
	large, small := make([]byte, 64<<10), make([]byte, 2<<10)
	var u unpacker
	f.Fuzz(func(t *testing.T, b []byte) {
		text, _ := u.open(bytes.NewReader(b))
		whole, found := scanFuzzed(t, text, large)
		again, _ := u.open(bytes.NewReader(b))
		parted, foundParted := scanFuzzed(t, again, small)
		if whole != parted {
			t.Fatalf("a small window scans %d bytes, a large one %d", parted, whole)
		}
		// What is whole is the same through any window that holds it.
		for _, x := range found {
			if x.reason != "" || x.size > int64(len(small)/2) {
				return
			}
		}
		if len(found) != len(foundParted) {
			t.Fatalf("a small window finds %d records, a large one %d", len(foundParted), len(found))
		}
		for i := range found {
			if found[i].id != foundParted[i].id || found[i].skip != foundParted[i].skip {
				t.Fatalf("a small window finds %+v, a large one %+v", foundParted[i], found[i])
			}
		}
	})
}

func scanFuzzed(t *testing.T, text io.Reader, buf []byte) (size int64, found []finding) {
	last := int64(-1)
	size, _, err := scan(text, buf, func(x finding) error {
		if x.offset < last || x.size < 0 {
			t.Fatalf("a finding of %d bytes at %d follows one at %d", x.size, x.offset, last)
		}
		last = x.offset
		found = append(found, x)
		if x.reason != "" || x.skip != "" {
			return nil
		}
		if x.id == "" || x.at.Year() < firstYear || x.at.Year() > lastYear || !utf8.ValidString(x.text) || !json.Valid([]byte(x.text)) {
			t.Fatalf("a record that is none: %+v", x)
		}
		row := (&batchRow{text: x.text, at: x.at}).flat()
		want, err := sqlfront.Flatten([]byte(x.text), 0, time.Time{})
		if err != nil {
			t.Fatalf("flatten %q: %v", x.text, err)
		}
		if (want.EventSource == nil) != (row.EventSource == nil) || want.EventSource != nil && *want.EventSource != x.source {
			t.Fatalf("the key's source is %q, the row's %v", x.source, want.EventSource)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last > size {
		t.Fatalf("a finding at %d of %d bytes", last, size)
	}
	return size, found
}
