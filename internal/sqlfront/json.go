package sqlfront

// A small JSON reader for records. It checks a text once and then hands out
// substrings of it, so that a row costs few allocations; encoding/json takes
// ten times as long. What it accepts is exactly what encoding/json accepts, to
// maxJSONDepth.

import (
	"errors"
	"fmt"
	"math/bits"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxJSONDepth bounds nesting; CloudTrail's deepest record has ten levels.
const maxJSONDepth = 500

var errNotJSON = errors.New("not JSON")

// validUTF8 is b as a string, each run of bytes that are not UTF-8 as U+FFFD.
func validUTF8(b []byte) string {
	if utf8.Valid(b) {
		return string(b)
	}
	return strings.ToValidUTF8(string(b), "\uFFFD")
}

// kindOf is the first byte of a value: { [ " t f n or that of a number; 0 when
// there is none.
func kindOf(v string) byte {
	if i := skipSpace(v, 0); i < len(v) {
		return v[i]
	}
	return 0
}

func skipSpace(s string, i int) int {
	for i < len(s) && (s[i] == ' ' || s[i] == '\n' || s[i] == '\r' || s[i] == '\t') {
		i++
	}
	return i
}

// checkJSON says whether s is one JSON value.
func checkJSON(s string) error {
	i, err := checkValue(s, skipSpace(s, 0), 0)
	if err == nil {
		if i = skipSpace(s, i); i != len(s) {
			err = errNotJSON
		}
	}
	if err != nil {
		return fmt.Errorf("byte %d: %w", i, err)
	}
	return nil
}

// checkValue returns the index after the value at i, or where it is wrong.
func checkValue(s string, i, depth int) (int, error) {
	if i >= len(s) {
		return i, errNotJSON
	}
	switch c := s[i]; {
	case c == '"':
		return checkString(s, i)
	case c == '{' || c == '[':
		if depth == maxJSONDepth {
			return i, fmt.Errorf("nested deeper than %d levels", maxJSONDepth)
		}
		return checkNested(s, i, depth+1)
	case c == '-' || c >= '0' && c <= '9':
		return checkNumber(s, i)
	}
	for _, word := range []string{"true", "false", "null"} {
		if strings.HasPrefix(s[i:], word) {
			return i + len(word), nil
		}
	}
	return i, errNotJSON
}

func checkNested(s string, i, depth int) (int, error) {
	object := s[i] == '{'
	closing := s[i] + 2 // ASCII: '{'+2 is '}', '['+2 is ']'
	i = skipSpace(s, i+1)
	if i < len(s) && s[i] == closing {
		return i + 1, nil
	}
	for {
		var err error
		if object {
			if i >= len(s) || s[i] != '"' {
				return i, errNotJSON
			}
			if i, err = checkString(s, i); err != nil {
				return i, err
			}
			if i = skipSpace(s, i); i >= len(s) || s[i] != ':' {
				return i, errNotJSON
			}
			i = skipSpace(s, i+1)
		}
		if i, err = checkValue(s, i, depth); err != nil {
			return i, err
		}
		i = skipSpace(s, i)
		if i >= len(s) {
			return i, errNotJSON
		}
		switch s[i] {
		case closing:
			return i + 1, nil
		case ',':
			i = skipSpace(s, i+1)
		default:
			return i, errNotJSON
		}
	}
}

func checkString(s string, i int) (int, error) {
	for i = skipPlain(s, i+1); i < len(s); i = skipPlain(s, i+1) {
		switch c := s[i]; {
		case c == '"':
			return i + 1, nil
		case c < ' ':
			return i, errNotJSON
		case c == '\\':
			i++
			if i >= len(s) {
				return i, errNotJSON
			}
			switch s[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if _, ok := hex4(s, i+1); !ok {
					return i, errNotJSON
				}
				i += 4
			default:
				return i, errNotJSON
			}
		}
	}
	return i, errNotJSON
}

// skipPlain is the first byte from i on that means something inside a string: a
// quote, a backslash or a control character. It looks at eight bytes at a time.
func skipPlain(s string, i int) int {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		v := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		// A zero byte in x is a high bit in (x - ones) &^ x; a byte below ' ' is one
		// in (v - 0x20…) &^ v. What a borrow adds lies above the first of them.
		quote, escape := v^(ones*'"'), v^(ones*'\\')
		if found := ((quote-ones)&^quote | (escape-ones)&^escape | (v-ones*' ')&^v) & highs; found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] >= ' ' {
		i++
	}
	return i
}

func checkNumber(s string, i int) (int, error) {
	digits := func() bool {
		from := i
		for i < len(s) && s[i] >= '0' && s[i] <= '9' {
			i++
		}
		return i > from
	}
	if s[i] == '-' {
		i++
	}
	if i < len(s) && s[i] == '0' {
		i++
	} else if !digits() {
		return i, errNotJSON
	}
	if i < len(s) && s[i] == '.' {
		i++
		if !digits() {
			return i, errNotJSON
		}
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return i, errNotJSON
		}
	}
	return i, nil
}

func hex4(s string, i int) (rune, bool) {
	if i+4 > len(s) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(s[i : i+4]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// after is the index after the value at i of a text that was checked.
func after(s string, i int) int {
	switch s[i] {
	case '"':
		return afterString(s, i)
	case '{', '[':
		for depth := 0; ; i++ {
			switch s[i] {
			case '"':
				i = afterString(s, i) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return i + 1
				}
			}
		}
	}
	for i < len(s) && !strings.ContainsRune(" \n\r\t,]}", rune(s[i])) {
		i++
	}
	return i
}

// afterString is after for a string: its end is the first quote with an even
// number of backslashes before it.
func afterString(s string, i int) int {
	for i++; ; i++ {
		i += strings.IndexByte(s[i:], '"')
		escapes := i
		for s[escapes-1] == '\\' { // ends at the opening quote at the latest
			escapes--
		}
		if (i-escapes)%2 == 0 {
			return i + 1
		}
	}
}

// cursor goes through the members of a checked object, or the elements of a
// checked array, in their order.
type cursor struct {
	key, value string
	text       string
	at         int
	object     bool
}

func members(object string) cursor {
	return cursor{text: object, at: skipSpace(object, skipSpace(object, 0)+1), object: true}
}

func elements(array string) cursor {
	return cursor{text: array, at: skipSpace(array, skipSpace(array, 0)+1)}
}

func (c *cursor) next() bool {
	if b := c.text[c.at]; b == '}' || b == ']' {
		return false
	}
	if c.object {
		end := after(c.text, c.at)
		c.key = unquoteJSON(c.text[c.at:end])
		c.at = skipSpace(c.text, skipSpace(c.text, end)+1) // past the colon
	}
	end := after(c.text, c.at)
	c.value = c.text[c.at:end]
	if c.at = skipSpace(c.text, end); c.text[c.at] == ',' {
		c.at = skipSpace(c.text, c.at+1)
	}
	return true
}

// unquoteJSON is the text of a checked JSON string. A surrogate without its
// other half is U+FFFD.
func unquoteJSON(s string) string {
	s = s[1 : len(s)-1]
	if strings.IndexByte(s, '\\') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			b = append(b, s[i])
			continue
		}
		i++
		switch s[i] {
		case 'b':
			b = append(b, '\b')
		case 'f':
			b = append(b, '\f')
		case 'n':
			b = append(b, '\n')
		case 'r':
			b = append(b, '\r')
		case 't':
			b = append(b, '\t')
		case 'u':
			r, _ := hex4(s, i+1)
			i += 4
			if utf16.IsSurrogate(r) {
				pair := utf8.RuneError
				if i+6 < len(s) && s[i+1] == '\\' && s[i+2] == 'u' {
					low, _ := hex4(s, i+3)
					pair = utf16.DecodeRune(r, low)
				}
				if r = pair; r != utf8.RuneError {
					i += 6
				}
			}
			b = utf8.AppendRune(b, r)
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}
