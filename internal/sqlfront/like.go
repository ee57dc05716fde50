package sqlfront

import (
	"strings"
	"unicode/utf8"
)

// likePattern is a LIKE pattern cut at its wildcards. % is any text, _ one
// character (not byte).
type likePattern struct {
	// parts lie between the %; each is literal text with holes for _.
	parts []likePart
}

type likePart []likePiece

// likePiece is text, or any characters of the given number.
type likePiece struct {
	text string
	any  int
}

// compileLike reports false when the escape character stands before anything
// but %, _ and itself, which Trino refuses.
func compileLike(pattern, escape string) (*likePattern, bool) {
	p := &likePattern{parts: []likePart{nil}}
	var text strings.Builder
	last := func() *likePart { return &p.parts[len(p.parts)-1] }
	flush := func() {
		if text.Len() > 0 {
			*last() = append(*last(), likePiece{text: text.String()})
			text.Reset()
		}
	}
	for i := 0; i < len(pattern); i++ {
		switch c := pattern[i]; {
		case escape != "" && c == escape[0]:
			i++
			if i >= len(pattern) || pattern[i] != '%' && pattern[i] != '_' && pattern[i] != escape[0] {
				return nil, false
			}
			text.WriteByte(pattern[i])
		case c == '%':
			flush()
			p.parts = append(p.parts, nil)
		case c == '_':
			flush()
			*last() = append(*last(), likePiece{any: 1})
		default:
			text.WriteByte(c)
		}
	}
	flush()
	return p, true
}

// duckText is the pattern with \ as its escape character, and whether it needs
// one. DuckDB looks for % and _ before it looks for the escape, so one that is
// % or _ itself would mean something else there.
func (p *likePattern) duckText() (pattern string, escaped bool) {
	var b strings.Builder
	for _, part := range p.parts {
		for _, piece := range part {
			escaped = escaped || strings.ContainsAny(piece.text, "%_")
		}
	}
	plain := strings.NewReplacer(`%`, `\%`, `_`, `\_`, `\`, `\\`)
	for i, part := range p.parts {
		if i > 0 {
			b.WriteByte('%')
		}
		for _, piece := range part {
			switch {
			case piece.any > 0:
				b.WriteByte('_')
			case escaped:
				b.WriteString(plain.Replace(piece.text))
			default:
				b.WriteString(piece.text)
			}
		}
	}
	return b.String(), escaped
}

// match says whether the whole of s matches.
func (p *likePattern) match(s string) bool {
	first, rest := p.parts[0], p.parts[1:]
	n, ok := first.at(s)
	if !ok {
		return false
	}
	s = s[n:]
	if len(rest) == 0 {
		return s == ""
	}
	// Each part in the middle is taken as early as it can be; the last one has
	// to be at the end.
	for _, part := range rest[:len(rest)-1] {
		end, ok := part.find(s)
		if !ok {
			return false
		}
		s = s[end:]
	}
	return rest[len(rest)-1].endOf(s)
}

// at matches the part at the start of s and says how many bytes it takes.
func (p likePart) at(s string) (int, bool) {
	n := 0
	for _, piece := range p {
		if piece.any > 0 {
			if n == len(s) {
				return 0, false
			}
			_, size := utf8.DecodeRuneInString(s[n:])
			n += size
			continue
		}
		if !strings.HasPrefix(s[n:], piece.text) {
			return 0, false
		}
		n += len(piece.text)
	}
	return n, true
}

// find is the end of the first place of the part in s.
func (p likePart) find(s string) (end int, ok bool) {
	if len(p) == 0 {
		return 0, true
	}
	for from := 0; from <= len(s); {
		if p[0].any == 0 { // jump to where its first text is
			i := strings.Index(s[from:], p[0].text)
			if i < 0 {
				return 0, false
			}
			from += i
		}
		if n, ok := p.at(s[from:]); ok {
			return from + n, true
		}
		if from == len(s) {
			break
		}
		_, size := utf8.DecodeRuneInString(s[from:])
		from += size
	}
	return 0, false
}

// endOf says whether s ends with the part.
func (p likePart) endOf(s string) bool {
	at := len(s)
	for i := len(p) - 1; i >= 0; i-- {
		if p[i].any > 0 {
			if at == 0 {
				return false
			}
			_, size := utf8.DecodeLastRuneInString(s[:at])
			at -= size
			continue
		}
		if !strings.HasSuffix(s[:at], p[i].text) {
			return false
		}
		at -= len(p[i].text)
	}
	return true
}
