package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Bounds of what Compile parses. Cedar's parser recurses, and writes a has
// chain (has a.b.c) out as one expression for each of its dots.
const (
	maxDocument  = 256 << 10 // bytes
	maxStatement = 16 << 10  // bytes
	maxDepth     = 64        // open brackets
	maxDots      = 200       // attributes read by one statement
)

// statement is one permit or forbid of a document.
type statement struct {
	text      string // without what precedes it
	line, col int    // of text in its document, from 1; columns count characters
	depth     int    // deepest bracket nesting
	dots      int    // outside strings and comments
}

// tooMuch says which bound a statement exceeds, "" for none.
func (s statement) tooMuch() string {
	switch {
	case len(s.text) > maxStatement:
		return fmt.Sprintf("the statement has %d bytes, more than %d: divide it", len(s.text), maxStatement)
	case s.depth > maxDepth:
		return fmt.Sprintf("brackets are nested %d deep, more than %d", s.depth, maxDepth)
	case s.dots > maxDots:
		return fmt.Sprintf("the statement reads %d attributes, more than %d: divide it", s.dots, maxDots)
	}
	return ""
}

// split cuts a document at the semicolons that end its statements, so that
// each is parsed, and its mistakes found, by itself. Blank text and comments
// before a statement are left out.
func split(doc string) []statement {
	var out []statement
	start := -1 // byte offset of the current statement, -1 before it begins
	depth, deepest, dots := 0, 0, 0
	end := func(to int) {
		if start >= 0 {
			line, col := place(doc, start)
			out = append(out, statement{doc[start:to], line, col, deepest, dots})
		}
		start, depth, deepest, dots = -1, 0, 0, 0
	}
	for i := 0; i < len(doc); i++ {
		switch c := doc[i]; {
		case strings.HasPrefix(doc[i:], "//"):
			n := strings.IndexByte(doc[i:], '\n')
			if n < 0 {
				n = len(doc) - i
			}
			i += n - 1
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			continue
		case start < 0:
			start = i
		}
		switch doc[i] {
		case '"':
			for i++; i < len(doc) && doc[i] != '"' && doc[i] != '\n'; i++ {
				if doc[i] == '\\' {
					i++
				}
			}
		case '(', '[', '{':
			depth++
			deepest = max(deepest, depth)
		case ')', ']', '}':
			depth--
		case '.':
			dots++
		case ';':
			end(i + 1)
		}
	}
	end(len(doc))
	return out
}

// place is the line and column of a byte offset, both from 1; columns count
// characters.
func place(doc string, offset int) (line, col int) {
	before := doc[:offset]
	line = 1 + strings.Count(before, "\n")
	return line, 1 + utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:])
}

// placed returns the statement behind as much blank text as precedes it in its
// document, so that a parser reports the document's lines and columns.
func (s statement) placed() string {
	return strings.Repeat("\n", s.line-1) + strings.Repeat(" ", s.col-1) + s.text
}

// find is the place in the document of the first occurrence of word that is
// not inside a longer one, or of the statement itself.
func (s statement) find(word string) (line, col int) {
	for from := 0; word != ""; {
		i := strings.Index(s.text[from:], word)
		if i < 0 {
			break
		}
		i += from
		if !wordByte(s.text, i-1) && !wordByte(s.text, i+len(word)) {
			l, c := place(s.text, i)
			if l == 1 {
				c += s.col - 1
			}
			return s.line + l - 1, c
		}
		from = i + len(word)
	}
	return s.line, s.col
}

// before is the place of the last token that precedes a place, or that place
// when it is not found on its line: Cedar's parser names the next token.
func (s statement) before(token string, line, col int) (int, int) {
	lines := strings.Split(s.placed(), "\n")
	if line > len(lines) {
		return line, col
	}
	text := []rune(lines[line-1])
	head := string(text[:min(col-1, len(text))])
	if i := strings.LastIndex(head, token); i >= 0 {
		return line, 1 + utf8.RuneCountInString(head[:i])
	}
	return line, col
}

func wordByte(s string, i int) bool {
	if i < 0 || i >= len(s) {
		return false
	}
	c := s[i]
	return c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}
