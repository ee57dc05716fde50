package sqlfront

import (
	"iter"
	"time"
)

// What an importer needs of the JSON reader: it looks at a text once, to find
// its records and whether they are JSON, and flattens what it keeps later.

// ScanJSON returns the index after the JSON value that begins at text[at], or
// where it goes wrong. An error at len(text) may be one of a text that is not
// all there yet. A value nested deeper than 500 levels is an error.
func ScanJSON(text string, at int) (end int, err error) { return checkValue(text, at, 0) }

// ScanString returns the index after the JSON string that begins at text[at],
// or where it goes wrong.
func ScanString(text string, at int) (end int, err error) { return checkString(text, at) }

// Members yields the members of an object that [ScanJSON] has accepted: the
// key's text and the value as it is written.
func Members(object string) iter.Seq2[string, string] {
	return func(yield func(key, value string) bool) {
		for m := members(object); m.next(); {
			if !yield(m.key, m.value) {
				return
			}
		}
	}
}

// Elements yields the elements of an array that [ScanJSON] has accepted.
func Elements(array string) iter.Seq[string] {
	return func(yield func(value string) bool) {
		for m := elements(array); m.next(); {
			if !yield(m.value) {
				return
			}
		}
	}
}

// Text is a value of [Members] or [Elements] as the columns have it: a string
// unquoted, anything else but null its JSON text.
func Text(value string) (text string, ok bool) {
	switch kindOf(value) {
	case 'n':
		return "", false
	case '"':
		return unquoteJSON(value), true
	default:
		return value, true
	}
}

// FlattenScanned is [Flatten] for an object that ScanJSON has accepted and that
// is UTF-8. The row shares its memory.
func FlattenScanned(object string, seq uint64, appendTime time.Time) Flat {
	return flatten(object, seq, appendTime)
}
