package logfile

import (
	"encoding/json"
	"fmt"
	"time"
)

// scanner walks JSON that is known to be valid.
type scanner struct{ rest []byte }

func (s *scanner) space() {
	for len(s.rest) > 0 {
		switch s.rest[0] {
		case ' ', '\t', '\r', '\n':
			s.rest = s.rest[1:]
		default:
			return
		}
	}
}

// skip reports whether c comes next, and goes past it.
func (s *scanner) skip(c byte) bool {
	s.space()
	if len(s.rest) == 0 || s.rest[0] != c {
		return false
	}
	s.rest = s.rest[1:]
	return true
}

// value goes past the next value, or member name, and returns its text.
func (s *scanner) value() []byte {
	s.space()
	depth := 0
	for i := 0; i < len(s.rest); i++ {
		switch c := s.rest[i]; c {
		case '"':
			i += stringEnd(s.rest[i:]) - 1
			if depth == 0 {
				return s.take(i + 1)
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 { // of what the value is in
				return s.take(i)
			}
			if depth--; depth == 0 {
				return s.take(i + 1)
			}
		case ',', ':', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return s.take(i)
			}
		}
	}
	return s.take(len(s.rest))
}

func (s *scanner) take(n int) []byte {
	v := s.rest[:n:n]
	s.rest = s.rest[n:]
	return v
}

// stringEnd is the length of the string that b starts with.
func stringEnd(b []byte) int {
	for i := 1; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// identify returns a record's eventID and eventTime.
func identify(record []byte) (id string, at time.Time, err error) {
	var r struct {
		EventID   string `json:"eventID"`
		EventTime string `json:"eventTime"`
	}
	s := scanner{record}
	if !s.skip('{') {
		return "", time.Time{}, fmt.Errorf("%w: a record is not an object", ErrFormat)
	}
	for !s.skip('}') && len(s.rest) > 0 {
		s.skip(',')
		name := s.value()
		s.skip(':')
		value := s.value()
		var to *string
		switch string(name) {
		case `"eventID"`:
			to = &r.EventID
		case `"eventTime"`:
			to = &r.EventTime
		default:
			continue
		}
		if err := json.Unmarshal(value, to); err != nil {
			return "", time.Time{}, fmt.Errorf("%w: %s of a record: %w", ErrFormat, name, err)
		}
		if r.EventID != "" && r.EventTime != "" {
			break
		}
	}
	if at, err = time.Parse(timeLayout, r.EventTime); err != nil {
		return r.EventID, time.Time{}, fmt.Errorf("%w: a record's eventTime: %w", ErrFormat, err)
	}
	return r.EventID, at, nil
}
