package gate

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestClean(t *testing.T) {
	tests := map[string]string{
		"ls -l":            "ls -l",
		"a\nb\tc":          "a\nb\tc",
		"\x1b[2J":          `\x1b[2J`,
		"\r\n":             `\r` + "\n",
		"\x00\x7f":         `\x00\x7f`,
		"h\u202eello":      `h\u202eello`,
		"z\u200bw":         `z\u200bw`,
		"größe":            "größe",
		"\xff\xfe":         `\xff\xfe`,
		"\u0085next":       `\u0085next`,
		"\U000e0001tag":    `\U000e0001tag`,
		"12345678901":      "1234567890…",
		"123456789\x1b[2J": "123456789…",
	}
	for in, want := range tests {
		limit := 1000
		if strings.HasPrefix(in, "1") {
			limit = 10
		}
		if got := clean(in, limit); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
	if got := line("a\nb", 10); got != `a\nb` {
		t.Errorf("line = %q", got)
	}
}

// FuzzClean: what comes out is text that no terminal obeys, bounded.
func FuzzClean(f *testing.F) {
	for _, s := range []string{"", "ls", "\x1b]0;x\x07", "\xff", "a\u202eb", strings.Repeat("ä", 100)} {
		f.Add(s, 32)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		if limit < 0 || limit > 1<<16 {
			return
		}
		got := clean(s, limit)
		if !utf8.ValidString(got) || len(got) > limit+len("…") {
			t.Fatalf("clean(%q, %d) = %q", s, limit, got)
		}
		for _, r := range got {
			if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
				t.Fatalf("clean(%q, %d) lets %U through", s, limit, r)
			}
		}
	})
}
