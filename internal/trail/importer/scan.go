package importer

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// A scanner finds the records in a text of any of the forms that AWS and its
// tools write: {"Records":[…]}, {"Events":[…]}, a bare array, one record, and
// any number of these one after the other, on lines or not.
//
// It looks at the text through a window, so that its memory is bounded whatever
// the text is. What it cannot read it takes out of the way up to where the next
// record begins (resync.go), and says so: a broken record costs itself alone.
const (
	windowSize = 4 << 20  // holds any record that AWS writes (1 MB) several times; a record may have half
	maxSample  = 64 << 10 // of the bytes of what is broken
)

// finding is one thing that a scanner met.
type finding struct {
	record
	offset int64 // in the unpacked file
	size   int64
	skip   string // why it is left out knowingly, if it is
	reason string // why it cannot be read, if it cannot; text is its beginning then
}

type scanner struct {
	r    io.Reader
	take func(finding) error
	buf  []byte // as long as the window; the reader's next bytes go here

	text string // the window
	at   int
	base int64 // offset of text in the file
	eof  bool
	cut  error // why the text ended before its end, if it did

	torn   bool // something broken was met: brackets may have lost their other half
	effort int  // bytes looked at in search of the next record
}

// scan reads r to its end and hands what is in it to take, in order. buf is
// as long as the window, and may be used again afterwards. err is take's. A text that
// breaks off is read up to there, and cut says why.
func scan(r io.Reader, buf []byte, take func(finding) error) (size int64, cut, err error) {
	s := &scanner{r: r, buf: buf, take: take}
	s.more()
	if strings.HasPrefix(s.text, "\xEF\xBB\xBF") {
		s.at = 3
	}
	for err == nil && s.next() {
		switch c := s.text[s.at]; {
		case c == '[':
			s.at++
			_, err = s.list()
		case c == '{':
			err = s.document()
		case s.torn && (c == ',' || c == ']' || c == '}'):
			s.at++
		default:
			_, err = s.value()
		}
	}
	return s.base + int64(len(s.text)), s.cut, err
}

// more reads on, when the window has room for it. What lies before at is gone
// then, and at is 0. It reports whether there is more than before.
func (s *scanner) more() bool {
	rest := len(s.text) - s.at
	if s.eof || rest >= len(s.buf) {
		return false
	}
	copy(s.buf, s.text[s.at:])
	n, err := io.ReadFull(s.r, s.buf[rest:])
	if err != nil {
		s.eof = true
		var broken *cutError
		if errors.As(err, &broken) {
			s.cut = broken
		}
	}
	s.base += int64(s.at)
	s.text, s.at = string(s.buf[:rest+n]), 0
	return n > 0
}

// largest is what a record may have.
func (s *scanner) largest() int { return len(s.buf) / 2 }

// next skips space and reports whether anything follows.
func (s *scanner) next() bool {
	for {
		for s.at < len(s.text) {
			switch s.text[s.at] {
			case ' ', '\n', '\r', '\t':
				s.at++
			default:
				return true
			}
		}
		if !s.more() {
			return false
		}
	}
}

// document is an object that is no element of a list: a record, or an envelope
// of records. An envelope is entered, since it may be larger than the window.
func (s *scanner) document() error {
	if len(s.text)-s.at < s.largest() {
		s.more()
	}
	list, ok := envelope(s.text, s.at)
	if !ok {
		_, err := s.value()
		return err
	}
	s.at = list
	ended, err := s.list()
	if err != nil || !ended {
		return err
	}
	// What else is in the envelope is of no interest.
	for s.next() && s.text[s.at] == ',' {
		s.at++
		if !s.next() || !s.pass() || !s.next() || s.text[s.at] != ':' {
			return nil
		}
		s.at++
		if !s.next() || !s.pass() {
			return nil
		}
	}
	if s.next() && s.text[s.at] == '}' {
		s.at++
	}
	return nil
}

// pass goes behind the value that begins here, if it is one.
func (s *scanner) pass() bool {
	end, err := s.measure()
	if err == nil {
		s.at = end
	}
	return err == nil
}

// envelope says whether the object at text[at] is one that holds a list of
// records, and where in the text the list begins.
func envelope(text string, at int) (list int, ok bool) {
	const most = 16 // members before the list, such as page tokens
	at++
	for range most {
		at = space(text, at)
		end, err := sqlfront.ScanString(text, at)
		if err != nil {
			return 0, false
		}
		name := text[at:end]
		if at = space(text, end); at >= len(text) || text[at] != ':' {
			return 0, false
		}
		at = space(text, at+1)
		if (name == `"Records"` || name == `"Events"`) && at < len(text) && text[at] == '[' {
			return at + 1, true
		}
		if recordKeys[name] {
			return 0, false
		}
		if at, err = sqlfront.ScanJSON(text, at); err != nil {
			return 0, false
		}
		if at = space(text, at); at >= len(text) || text[at] != ',' {
			return 0, false
		}
		at++
	}
	return 0, false
}

func space(text string, at int) int {
	for at < len(text) && (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t') {
		at++
	}
	return at
}

// list reads elements up to the closing bracket. It did not get there when the
// text ends before, or when what is broken reached beyond it.
func (s *scanner) list() (ended bool, err error) {
	for s.next() {
		switch s.text[s.at] {
		case ']':
			s.at++
			return true, nil
		case ',':
			s.at++
			continue
		}
		if lost, err := s.value(); err != nil || lost {
			return false, err
		}
	}
	if s.cut == nil {
		s.cut = &cutError{errors.New("the text ends inside a list of records")}
	}
	return false, nil
}

// value takes the value that begins here. lost says that something broken was
// there and that what follows begins another document.
func (s *scanner) value() (lost bool, err error) {
	end, err := s.measure()
	if err != nil {
		s.effort += end - s.at
		return s.broken(describe(err, end-s.at, end == len(s.text)))
	}
	text, offset := s.text[s.at:end], s.base+int64(s.at)
	s.at = end
	size := int64(len(text))
	switch {
	case text[0] != '{':
		return false, s.take(broken(text, offset, size, "a value that is no object stands where a record belongs"))
	case len(text) > s.largest():
		return false, s.take(broken(text, offset, size, fmt.Sprintf("the record is larger than %d bytes", s.largest())))
	}
	return false, judge(text, offset, 0, func(f finding) error {
		f.size = size // of what a record was wrapped in, too: that is what begins at its offset
		return s.take(f)
	})
}

// measure is where the value that begins here ends, or goes wrong. It reads on
// as long as that may be for want of text.
func (s *scanner) measure() (end int, err error) {
	const longest = 8 // of what is reported where it begins: a word, an escape
	for {
		end, err = sqlfront.ScanJSON(s.text, s.at)
		if end < len(s.text)-longest || err == nil && end < len(s.text) || !s.more() {
			return end, err
		}
	}
}

// describe is why a text is no JSON, for a person.
func describe(err error, at int, atEnd bool) string {
	if atEnd {
		return "the record does not end"
	}
	return fmt.Sprintf("byte %d: %v", at, err)
}

func broken(text string, offset, size int64, reason string) finding {
	text = text[:min(len(text), maxSample)]
	return finding{record: record{text: text}, offset: offset, size: size, reason: reason}
}

// cutError is a text that breaks off.
type cutError struct{ err error }

func (e *cutError) Error() string { return e.err.Error() }
func (e *cutError) Unwrap() error { return e.err }
