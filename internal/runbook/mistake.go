package runbook

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
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

// nearest is the name a person most likely meant: at most a third of it wrong,
// or only begun.
func nearest(got string, names []string) string {
	best, bestAt := "", len(got)/3+2
	for _, n := range names {
		if d := distance(strings.ToLower(got), strings.ToLower(n)); d < bestAt {
			best, bestAt = n, d
		}
	}
	for _, n := range names {
		if best == "" && len(got) >= 4 && strings.HasPrefix(strings.ToLower(n), strings.ToLower(got)) {
			best = n
		}
	}
	return best
}

// didYouMean is the hint that names it, or all names when none is near.
func didYouMean(got string, names []string) string {
	if len(got) <= 64 {
		if n := nearest(got, names); n != "" {
			return fmt.Sprintf(" (did you mean %q?)", n)
		}
	}
	return " (one of " + strings.Join(names, ", ") + ")"
}

// distance is Damerau and Levenshtein's: insertions, deletions, changes and
// swaps of neighbours.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			change := 1
			if a[i-1] == b[j-1] {
				change = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+change)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}

// quote shows a person's text, shortened.
func quote(s string) string {
	if len(s) > 60 {
		s = strings.ToValidUTF8(s[:57], "") + "…"
	}
	return fmt.Sprintf("%q", s)
}
