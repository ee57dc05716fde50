package sqlfront

import (
	"database/sql"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestLike(t *testing.T) {
	for _, tc := range []struct {
		text, pattern, escape string
		want                  bool
	}{
		{"", "", "", true}, {"", "%", "", true}, {"", "_", "", false}, {"a", "", "", false},
		{"ssh-proxy", "%ssh%", "", true}, {"SSH-proxy", "%ssh%", "", false}, {"xssh", "ssh%", "", false}, {"ssh", "%%ssh%%", "", true},
		{"é", "_", "", true}, {"e\u0301", "_", "", false}, {"e\u0301", "__", "", true}, {"😀😀", "_😀", "", true}, {"日本語", "日%語", "", true}, {"日語", "日_語", "", false},
		{"100%", `100\%`, `\`, true}, {"1000", `100\%`, `\`, false}, {`a\b`, `a\\b`, `\`, true}, {`a\b`, `a\b`, "", true}, {"a_b", "a#_b", "#", true}, {"axb", "a#_b", "#", false},
		{"aab", "%ab", "", true}, {"aaab", "a%a_b", "", true}, {"aab", "a%a_b", "", false}, {"aaxab", "a%a_b", "", false}, {"aaaxb", "a%a_b", "", true}, {"abab", "%ab%ab", "", true}, {"ab", "%ab%ab", "", false},
		{"line\nbreak", "line%break", "", true}, {"a\nb", "a_b", "", true}, {"mississippi", "m%iss%pi", "", true}, {"mississippi", "m%iss%iss%iss%", "", false}, {"xay", "%_a_%", "", true}, {"ay", "%_a_%", "", false},
	} {
		p, ok := compileLike(tc.pattern, tc.escape)
		if !ok {
			t.Errorf("%q ESCAPE %q is refused", tc.pattern, tc.escape)
			continue
		}
		if got := p.match(tc.text); got != tc.want {
			t.Errorf("%q LIKE %q ESCAPE %q = %v, want %v", tc.text, tc.pattern, tc.escape, got, tc.want)
		}
	}
}

// LIKE over all sorts of text, NULL among it, is DuckDB's.
func TestLikeAgreesWithDuckDB(t *testing.T) {
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	rapid.Check(t, func(t *rapid.T) {
		alphabet := rapid.SampledFrom([]string{"a", "b", "A", "é", "e\u0301", "😀", "日", "%", "_", `\`, "#", "'", "\n", " "})
		draw := func(name string, most int) string {
			return strings.Join(rapid.SliceOfN(alphabet, 0, most).Draw(t, name), "")
		}
		text, pattern, escape := draw("text", 8), draw("pattern", 6), rapid.SampledFrom([]string{"", "", `\`, "#", "%", "_", "a"}).Draw(t, "escape")
		p, ok := compileLike(pattern, escape)
		if !ok {
			return // Trino refuses it; DuckDB would guess
		}
		written, escaped := p.duckText()
		query := "SELECT x LIKE " + QuoteText(written)
		if escaped {
			query += ` ESCAPE '\'`
		}
		var got sql.NullBool
		if err := db.QueryRow(query+" FROM (SELECT CAST(? AS VARCHAR) AS x)", text).Scan(&got); err != nil {
			t.Fatal(err)
		}
		if want := p.match(text); !got.Valid || got.Bool != want {
			t.Fatalf("%q LIKE %q ESCAPE %q: interpreter %v, DuckDB %v", text, pattern, escape, want, got)
		}
	})
	for _, text := range []string{"errorCode LIKE '%'", "errorCode NOT LIKE '%'"} {
		if got := mustPredicate(t, text).Eval(&Flat{}); got != Maybe {
			t.Errorf("NULL: %s = %v, want NULL", text, got)
		}
	}
}
