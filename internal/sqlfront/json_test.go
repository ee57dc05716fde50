package sqlfront

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestSkipPlainIsALoop holds eight bytes at a time against one at a time: every
// byte at every place, among neighbours that it could be mistaken with.
func TestSkipPlainIsALoop(t *testing.T) {
	t.Parallel()
	slow := func(s string, i int) int {
		for i < len(s) && s[i] != '"' && s[i] != '\\' && s[i] >= ' ' {
			i++
		}
		return i
	}
	check := func(s string) {
		for i := range len(s) + 1 {
			if got, want := skipPlain(s, i), slow(s, i); got != want {
				t.Fatalf("skipPlain(%q, %d) = %d, want %d", s, i, got, want)
			}
		}
	}
	for c := range 256 {
		for at := range 20 {
			for _, around := range []string{"a", " ", "!", "#", "[", "]", "\x7f", "\x80", "\xff"} {
				check(strings.Repeat(around, at) + string([]byte{byte(c)}) + strings.Repeat(around, 20-at))
			}
		}
	}
	r := rand.New(rand.NewPCG(1, 2))
	for range 5000 {
		b := make([]byte, r.IntN(40))
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		check(string(b))
	}
}

// TestStringsEndWhereTheyEnd: at the quote that is not escaped.
func TestStringsEndWhereTheyEnd(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", `"`, `\`, `\"`, `\\`, `\\"`, `"\`, `a\`, `\\\`, strings.Repeat(`\`, 33), strings.Repeat(`"`, 33), "\x00\x1f\n", "é\u2028"} {
		b, err := json.Marshal([]string{s, s})
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		end, err := ScanString(text, 1)
		if err != nil || after(text, 1) != end || text[end] != ',' {
			t.Errorf("%s: the first string ends at %d and %d: %v", text, end, after(text, 1), err)
		}
		for e := range Elements(text) {
			if got, ok := Text(e); !ok || got != s {
				t.Errorf("%s has the element %q, want %q", text, got, s)
			}
		}
	}
}
