package sqlfront

import (
	"strconv"
	"strings"
)

// Error says what is wrong with a statement and where.
type Error struct {
	Line, Column int    // from 1; the column counts characters
	Found        string // what stands there, e.g. `"SELCT"` or "end of text"
	Expected     string // what would have fitted, or what is not supported
	Hint         string // what to do, e.g. `did you mean "eventName"?`; may be empty
}

// Error is one line: place, what was expected, what was found, the hint.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.place())
	b.WriteString(": ")
	b.WriteString(e.Expected)
	if e.Found != "" {
		b.WriteString(", found ")
		b.WriteString(e.Found)
	}
	if e.Hint != "" {
		b.WriteString(" (")
		b.WriteString(e.Hint)
		b.WriteString(")")
	}
	return b.String()
}

func (e *Error) place() string {
	return "line " + strconv.Itoa(e.Line) + ", column " + strconv.Itoa(e.Column)
}
