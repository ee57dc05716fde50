package logfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
)

// MaxText bounds a log file before it is packed: 50 MB, as CloudTrail's.
const MaxText = 50_000_000

// maxUnpacked bounds what is unpacked in memory: more than any log file or
// digest has.
const maxUnpacked = 4 * MaxText

// What is wrong with a file.
var (
	ErrTrailing = errors.New("unexpected data after end of compressed stream") // the AWS CLI's words
	ErrFormat   = errors.New("invalid format")
)

const (
	envelopeOpen  = `{"Records":[`
	envelopeClose = `]}`
)

// Encode is a log file before it is packed: the records, byte for byte, in
// CloudTrail's envelope.
func Encode(records [][]byte) []byte {
	size := len(envelopeOpen) + len(envelopeClose)
	for _, r := range records {
		size += len(r) + 1
	}
	b := append(make([]byte, 0, size), envelopeOpen...)
	for i, r := range records {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, r...)
	}
	return append(b, envelopeClose...)
}

// Pack is text as an object: one gzip member.
func Pack(text []byte) []byte {
	var b bytes.Buffer
	z := newPacker(&b)
	_, err := z.Write(text)
	if err = errors.Join(err, z.Close()); err != nil {
		panic("logfile: a write to memory failed: " + err.Error())
	}
	packers.Put(z)
	return b.Bytes()
}

// packers are gzip writers that nobody uses: a new one is a megabyte.
var packers = sync.Pool{New: func() any {
	z, err := gzip.NewWriterLevel(nil, 5)
	if err != nil {
		panic("logfile: " + err.Error()) // the level is ours
	}
	return z
}}

func newPacker(w io.Writer) *gzip.Writer {
	z := packers.Get().(*gzip.Writer)
	z.Reset(w)
	return z
}

// Unpack is an object's text. A second gzip member or anything else behind the
// first is ErrTrailing: hashes are of the text, so it would go unnoticed.
func Unpack(object []byte) ([]byte, error) {
	r := bytes.NewReader(object)
	z, err := gzip.NewReader(r)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	z.Multistream(false)
	text, err := io.ReadAll(io.LimitReader(z, maxUnpacked+1))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrFormat, err)
	}
	if len(text) > maxUnpacked {
		return nil, fmt.Errorf("%w: more than %d bytes", ErrFormat, maxUnpacked)
	}
	if r.Len() > 0 {
		return nil, fmt.Errorf("%w: %d bytes", ErrTrailing, r.Len())
	}
	return text, nil
}

// Split takes the records out of an unpacked log file, byte for byte as they
// are in it.
func Split(text []byte) ([]json.RawMessage, error) {
	if !json.Valid(text) {
		return nil, fmt.Errorf("%w: it is not JSON", ErrFormat)
	}
	s := scanner{text}
	if !s.skip('{') || string(s.value()) != `"Records"` || !s.skip(':') || !s.skip('[') {
		return nil, fmt.Errorf("%w: it does not start with %s", ErrFormat, envelopeOpen)
	}
	var records []json.RawMessage
	for !s.skip(']') {
		if len(records) > 0 {
			s.skip(',')
		}
		r := s.value()
		if r[0] != '{' {
			return nil, fmt.Errorf("%w: record %d is not an object", ErrFormat, len(records))
		}
		records = append(records, json.RawMessage(r))
	}
	if !s.skip('}') {
		return nil, fmt.Errorf("%w: something follows its records", ErrFormat)
	}
	return records, nil
}
