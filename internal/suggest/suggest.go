// Package suggest finds the word somebody meant.
package suggest

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Nearest returns the candidate nearest to word, or "" when none is near: at
// most a third of its characters may differ, and at least one difference is
// always forgiven in words of two or more. Case does not count. Of candidates
// equally near the first wins. When none is near, the first one that begins
// with word is, if word has four characters or more: sourceIp.
func Nearest(word string, candidates []string) string {
	best, least := "", max(1, utf8.RuneCountInString(word)/3)+1
	if utf8.RuneCountInString(word) < 2 {
		least = 1
	}
	for _, c := range candidates {
		if d := distance(strings.ToLower(word), strings.ToLower(c), least); d < least {
			best, least = c, d
		}
	}
	if best != "" || len(word) < 4 {
		return best
	}
	for _, c := range candidates {
		if strings.HasPrefix(strings.ToLower(c), strings.ToLower(word)) {
			return c
		}
	}
	return ""
}

// DidYouMean returns ` (did you mean "lock"?)`, to be put behind a message, or
// "" when no candidate is near.
func DidYouMean(word string, candidates []string) string {
	if n := Nearest(word, candidates); n != "" {
		return fmt.Sprintf(" (did you mean %q?)", n)
	}
	return ""
}

// distance is the optimal string alignment distance: insertions, deletions,
// replacements and swaps of neighbours that turn a into b; limit means that
// many or more.
func distance(a, b string, limit int) int {
	x, y := []rune(a), []rune(b)
	if len(x)-len(y) >= limit || len(y)-len(x) >= limit {
		return limit
	}
	before, last, row := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(x); i++ {
		row[0] = i
		least := i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least >= limit {
			return limit
		}
		before, last, row = last, row, before
	}
	return min(limit, last[len(y)])
}
