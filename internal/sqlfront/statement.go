// Package sqlfront is the front end of every query: it parses a subset of
// Trino's SELECT, checks it and prints the engines' own text.
package sqlfront

// Statement is one parsed SELECT. It is not changed once made.
type Statement struct {
	text string
}

// Text is the statement as it was given.
func (s *Statement) Text() string { return s.text }
