package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trailgate/trailgate/internal/suggest"
)

// Mistake is one thing wrong in a file, and where.
type Mistake struct {
	File         string
	Line, Column int // from 1; Line is 0 for the file as a whole
	Text         string
}

// Error is file:line:column: text.
func (m Mistake) Error() string {
	if m.Line == 0 {
		return m.File + ": " + m.Text
	}
	return fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.Text)
}

// Mistakes are all that is wrong in a file, in its order.
type Mistakes []Mistake

// Error is one line a mistake.
func (ms Mistakes) Error() string {
	lines := make([]string, len(ms))
	for i, m := range ms {
		lines[i] = m.Error()
	}
	return strings.Join(lines, "\n")
}

// Unwrap gives the mistakes one by one.
func (ms Mistakes) Unwrap() []error {
	errs := make([]error, len(ms))
	for i, m := range ms {
		errs[i] = m
	}
	return errs
}

func (ms Mistakes) sorted() Mistakes {
	slices.SortStableFunc(ms, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return ms
}

// didYouMean is the hint that names what was meant, or all names when none is
// near.
func didYouMean(got string, names []string) string {
	if len(got) <= 64 {
		if hint := suggest.DidYouMean(got, names); hint != "" {
			return hint
		}
	}
	return " (one of " + strings.Join(names, ", ") + ")"
}

// quote shows a person's text, shortened.
func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
