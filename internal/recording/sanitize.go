package recording

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// Sanitizer passes on what a recorded terminal may do to the terminal of who
// watches it: text, colours, cursor moves, erasing. Titles, clipboard, reports
// that answer as if typed, device control and the rest are dropped, however
// they are split over writes.
type Sanitizer struct {
	w     io.Writer
	state state
	param []byte // of the control sequence under way
	text  []byte // an unfinished UTF-8 sequence
	out   bytes.Buffer
}

type state byte

const (
	ground   state = iota
	escape         // ESC
	charset        // ESC and an intermediate: one more byte
	control        // ESC [
	skip           // a control sequence that is dropped, until its final byte
	text           // OSC, DCS, APC, PM, SOS: dropped until BEL or ST
	textStop       // ESC in a text
)

const maxParam = 32

// NewSanitizer returns a sanitizer that writes to w.
func NewSanitizer(w io.Writer) *Sanitizer { return &Sanitizer{w: w} }

// Sanitize is the whole of p in one go.
func Sanitize(p []byte) []byte {
	var b bytes.Buffer
	s := NewSanitizer(&b)
	s.Write(p)
	return b.Bytes()
}

// Write takes all of p or returns w's error.
func (s *Sanitizer) Write(p []byte) (int, error) {
	s.out.Reset()
	for _, c := range p {
		s.next(c)
	}
	if _, err := s.w.Write(s.out.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *Sanitizer) next(c byte) {
	if c == 0x1b && s.state != text && s.state != textStop {
		s.broken()
		s.state = escape
		return
	}
	if (c == 0x18 || c == 0x1a) && s.state != ground { // CAN, SUB
		s.state = ground
		return
	}
	switch s.state {
	case ground:
		s.ground(c)
	case escape:
		s.escape(c)
	case charset:
		if c < 0x20 || c > 0x2f {
			s.state = ground
		}
	case control:
		s.control(c)
	case skip:
		if c >= 0x40 && c <= 0x7e {
			s.state = ground
		}
	case text:
		switch c {
		case 0x07:
			s.state = ground
		case 0x1b:
			s.state = textStop
		}
	case textStop:
		switch c {
		case '\\':
			s.state = ground
		case 0x1b:
		default: // ESC ends a text; what follows is a sequence of its own
			s.state = escape
			s.escape(c)
		}
	}
}

// ground is text and the few control characters that only move the cursor.
func (s *Sanitizer) ground(c byte) {
	if c < utf8.RuneSelf {
		s.broken()
		if c >= 0x20 && c != 0x7f || c == '\n' || c == '\r' || c == '\t' || c == '\b' {
			s.out.WriteByte(c)
		}
		return
	}
	s.text = append(s.text, c)
	if !utf8.FullRune(s.text) {
		return
	}
	r, n := utf8.DecodeRune(s.text)
	switch {
	case r == utf8.RuneError && n == 1:
		rest := append([]byte(nil), s.text[1:]...)
		s.text = s.text[:0]
		s.out.WriteRune(utf8.RuneError)
		for _, c := range rest {
			s.ground(c)
		}
		return
	case r >= 0x80 && r < 0xa0: // C1 controls: CSI, OSC and DCS in one character
	default:
		s.out.Write(s.text)
	}
	s.text = s.text[:0]
}

// broken replaces a UTF-8 sequence that was cut short.
func (s *Sanitizer) broken() {
	if len(s.text) > 0 {
		s.text = s.text[:0]
		s.out.WriteRune(utf8.RuneError)
	}
}

func (s *Sanitizer) escape(c byte) {
	s.state = ground
	switch {
	case c == '[':
		s.state = control
		s.param = s.param[:0]
	case c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_':
		s.state = text
	case c >= 0x20 && c <= 0x2f:
		s.state = charset
	case c == '7' || c == '8' || c == 'D' || c == 'E' || c == 'M': // cursor
		s.out.Write([]byte{0x1b, c})
	}
}

// finals are the control sequences that pass: cursor moves, erasing, insert
// and delete, scrolling, colours.
const finals = "@ABCDEFGHJKLMPSTXdfmr"

func (s *Sanitizer) control(c byte) {
	switch {
	case c >= '0' && c <= '9' || c == ';' || c == ':':
		s.param = append(s.param, c)
		if len(s.param) > maxParam || longNumber(s.param) {
			s.state = skip
		}
	case bytes.IndexByte([]byte(finals), c) >= 0:
		s.out.WriteString("\x1b[")
		s.out.Write(s.param)
		s.out.WriteByte(c)
		s.state = ground
	case c >= 0x40 && c <= 0x7e:
		s.state = ground
	case c < 0x20: // a terminal would obey it here; nobody honest sends it
	default: // private markers and intermediates: modes, reports
		s.state = skip
	}
}

// longNumber reports whether p ends in a number of five digits: a terminal
// may take seconds to insert two thousand million lines.
func longNumber(p []byte) bool {
	if len(p) < 5 {
		return false
	}
	for _, c := range p[len(p)-5:] {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}
