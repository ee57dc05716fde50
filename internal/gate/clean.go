package gate

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean makes text that a peer wrote fit for records, logs and terminals:
// valid UTF-8 without control, format and bidirectional characters (which
// become \x1b and the like), cut at limit bytes with a mark. Line breaks and
// tabs stay: commands have them.
func clean(s string, limit int) string {
	ok := len(s) <= limit
	for i := 0; ok && i < len(s); i++ {
		ok = s[i] >= ' ' && s[i] <= '~' || s[i] == '\n' || s[i] == '\t'
	}
	if ok {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		piece := s[i : i+n]
		switch {
		case r == utf8.RuneError && n == 1:
			piece = `\x` + strconv.FormatUint(uint64(s[i])+0x100, 16)[1:]
		case r == '\n' || r == '\t':
		case !unicode.IsPrint(r):
			piece = strconv.QuoteRuneToASCII(r)
			piece = piece[1 : len(piece)-1]
		}
		if b.Len()+len(piece) > limit {
			b.WriteString("…")
			break
		}
		b.WriteString(piece)
		i += n
	}
	return b.String()
}

// line is clean without line breaks, for names and versions.
func line(s string, limit int) string {
	return strings.NewReplacer("\n", `\n`, "\t", `\t`).Replace(clean(s, limit))
}

// whole is clean of what must not be cut: it says whether all of s is there.
func whole(s string, limit int) (string, bool) {
	const worst = 10 // a byte that is no text becomes four, a character ten
	if len(clean(s, worst*len(s))) > limit {
		return clean(s, limit), false
	}
	return clean(s, limit), true
}

// The limits of what peers wrote, in records.
const (
	maxCommand = 48 << 10 // twice as much in JSON, at worst: below an event's 100 KB
	maxName    = 256
)
