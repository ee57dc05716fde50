package sqlfront

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxText is the longest statement taken, in bytes.
const MaxText = 1 << 20

type tokenKind uint8

const (
	endToken tokenKind = iota
	wordToken
	quotedToken // "identifier"
	stringToken
	integerToken
	decimalToken
	symbolToken
	variableToken // :name
)

// token is a piece of the text. text is its value: of a word as written, of a
// quoted identifier or string what is between the quotes.
type token struct {
	kind     tokenKind
	at, next int // bytes of the source
	text     string
}

// source is the text being read and knows where its bytes are.
type source string

// fail is an Error at a byte of the source.
func (s source) fail(at int, found, expected, hint string) *Error {
	before := string(s[:min(at, len(s))])
	line := strings.Count(before, "\n") + 1
	column := utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return &Error{Line: line, Column: column, Found: found, Expected: expected, Hint: hint}
}

// lex cuts the text into tokens; comments are left out. With an error come the
// tokens before it.
func lex(src source) ([]token, error) {
	if len(src) > MaxText {
		return nil, &Error{Line: 1, Column: 1, Found: fmt.Sprintf("%d bytes", len(src)), Expected: "a statement of at most 1 MiB", Hint: "ask for less in one statement"}
	}
	at, found, hint := unreadable(string(src))
	if at < 0 {
		at, found, hint = commanding(string(src))
	}
	if at >= 0 {
		return nil, src.fail(at, found, "expected readable text", hint)
	}
	var tokens []token
	for at := 0; ; {
		var err error
		if at, err = skipBlank(src, at); err != nil {
			return tokens, err
		}
		var t token
		store := false
		if len(tokens) > 0 {
			t, store = lexStore(src, at, tokens[len(tokens)-1])
		}
		if !store {
			if t, err = lexOne(src, at); err != nil {
				return tokens, err
			}
		}
		tokens = append(tokens, t)
		if t.kind == endToken {
			return tokens, nil
		}
		at = t.next
	}
}

// unreadable finds what must not be in a statement anywhere, not in strings or
// comments either: what a person reviewing it would not see.
func unreadable(s string) (at int, found, hint string) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == 0:
			return i, "a NUL byte", "remove it"
		case r == utf8.RuneError && n == 1:
			return i, fmt.Sprintf("byte 0x%02X, which is not UTF-8", s[i]), "save the text as UTF-8"
		case r >= 0x202A && r <= 0x202E || r >= 0x2066 && r <= 0x2069 || r == 0x200E || r == 0x200F:
			return i, fmt.Sprintf("U+%04X, which changes the direction of text", r), "remove it"
		}
		i += n
	}
	return -1, "", ""
}

// commanding finds what a terminal that shows the statement would obey: a kept
// one is shown to others, who would see another text or none. A value may have
// it, as it is looked for in what people typed.
func commanding(s string) (at int, found, hint string) {
	for i, r := range s {
		switch {
		case r == '\r' && !strings.HasPrefix(s[i+1:], "\n"):
			return i, "a carriage return that ends no line", "end lines with a line feed"
		case unicode.IsControl(r) && !strings.ContainsRune("\t\n\v\f\r", r):
			return i, fmt.Sprintf("U+%04X, which a terminal takes for a command", r), fmt.Sprintf("remove it; in text chr(%d) stands for it", r)
		}
	}
	return -1, "", ""
}

func skipBlank(src source, at int) (int, error) {
	for at < len(src) {
		switch rest := src[at:]; {
		case strings.IndexByte(" \t\n\r\f\v", src[at]) >= 0:
			at++
		case strings.HasPrefix(string(rest), "--"):
			end := strings.IndexByte(string(rest), '\n')
			if end < 0 {
				return len(src), nil
			}
			at += end
		case strings.HasPrefix(string(rest), "/*"):
			// As in Trino, comments do not nest.
			end := strings.Index(string(rest[2:]), "*/")
			if end < 0 {
				return at, src.fail(at, `"/*"`, "expected the comment to end", "close it with */")
			}
			at += 2 + end + 2
		default:
			return at, nil
		}
	}
	return at, nil
}

// symbols, longest first.
var symbols = []string{"<>", "!=", "<=", ">=", "||", "->", "=>", "(", ")", ",", ".", ";", "=", "<", ">", "+", "-", "*", "/", "%", "[", "]", "?"}

func lexOne(src source, at int) (token, error) {
	if at >= len(src) {
		return token{kind: endToken, at: len(src), next: len(src)}, nil
	}
	s := string(src)
	c := s[at]
	switch {
	case c == '\'':
		return lexQuoted(src, at, stringToken)
	case c == '"':
		return lexQuoted(src, at, quotedToken)
	case isLetter(c) || c == '_':
		end := at
		for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || s[end] == '_') {
			end++
		}
		return token{wordToken, at, end, s[at:end]}, nil
	case isDigit(c) || c == '.' && at+1 < len(s) && isDigit(s[at+1]):
		return lexNumber(src, at)
	}
	if t, ok := lexVariable(s, at); c == ':' && ok {
		return t, nil
	}
	for _, sym := range symbols {
		if strings.HasPrefix(s[at:], sym) {
			return token{symbolToken, at, at + len(sym), sym}, nil
		}
	}
	r, _ := utf8.DecodeRuneInString(s[at:])
	return token{}, src.fail(at, describeRune(r), "expected SQL", hintRune(r))
}

func lexQuoted(src source, at int, kind tokenKind) (token, error) {
	quote := src[at]
	var b strings.Builder
	for i := at + 1; i < len(src); i++ {
		if src[i] != quote {
			b.WriteByte(src[i])
			continue
		}
		if i+1 < len(src) && src[i+1] == quote {
			b.WriteByte(quote)
			i++
			continue
		}
		if kind == quotedToken && b.Len() == 0 {
			return token{}, src.fail(at, `""`, "expected a name between the quotes", "")
		}
		return token{kind, at, i + 1, b.String()}, nil
	}
	what, hint := "expected the string to end", "close it with '; a quote inside is written ''"
	if kind == quotedToken {
		what, hint = "expected the quoted name to end", `close it with "`
	}
	return token{}, src.fail(at, shorten(string(src[at:])), what, hint)
}

func lexNumber(src source, at int) (token, error) {
	s, i := string(src), at
	digits := func() bool {
		from := i
		for i < len(s) && isDigit(s[i]) {
			i++
		}
		return i > from
	}
	kind := integerToken
	digits()
	if i < len(s) && s[i] == '.' {
		kind = decimalToken
		i++
		digits()
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		kind = decimalToken
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		if !digits() {
			return token{}, src.fail(at, shorten(s[at:i]), "expected digits after the exponent's E", "")
		}
	}
	if i < len(s) && (isLetter(s[i]) || s[i] == '_') {
		end := i
		for end < len(s) && (isLetter(s[end]) || isDigit(s[end]) || s[end] == '_') {
			end++
		}
		return token{}, src.fail(at, `"`+shorten(s[at:end])+`"`, "expected a number or a name", "a name that starts with a digit goes in double quotes")
	}
	return token{kind, at, i, s[at:i]}, nil
}

func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }

func describeRune(r rune) string {
	if r < 0x80 && unicode.IsPrint(r) {
		return fmt.Sprintf("%q", string(r))
	}
	if unicode.IsGraphic(r) && !unicode.IsSpace(r) {
		return fmt.Sprintf("%q (U+%04X)", string(r), r)
	}
	return fmt.Sprintf("U+%04X", r)
}

// hintRune says what a character that only looks like SQL should have been.
func hintRune(r rune) string {
	switch {
	case strings.ContainsRune("‘’‛′`´＇", r):
		return "text goes between plain quotes: '"
	case strings.ContainsRune("“”„″＂", r):
		return `a name goes between plain quotes: "`
	case strings.ContainsRune("–—−‐‑", r):
		return "the minus sign is -"
	case r == '≠':
		return "not equal is <>"
	case r > 0xFF00 && r < 0xFF5F:
		return "replace it with a plain " + string(r-0xFF00+' ')
	case unicode.IsSpace(r) || r == 0x200B || r == 0xFEFF || r == 0x2060 || r == 0x200C || r == 0x200D:
		return "replace it with a plain space"
	case unicode.IsLetter(r) || unicode.IsDigit(r):
		return "names have plain letters a to z; others go between double quotes, text between single ones"
	case r == '{' || r == '$':
		return "a place-holder was not filled in"
	case r == '#':
		return "a comment starts with --"
	case r == '\\':
		return "a quote inside a string is written ''"
	case r == ':':
		return "a cast is written CAST(x AS type)"
	}
	return ""
}

// shorten cuts what is quoted in a message.
func shorten(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, s)
	if utf8.RuneCountInString(s) > 40 {
		return string([]rune(s)[:39]) + "…"
	}
	return s
}

// describe is a token as a message shows it.
func (t token) describe() string {
	switch t.kind {
	case endToken:
		return "the end of the text"
	case stringToken:
		return "'" + shorten(t.text) + "'"
	}
	return `"` + shorten(t.text) + `"`
}
