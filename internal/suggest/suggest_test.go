package suggest

import "testing"

func TestNearest(t *testing.T) {
	words := []string{"lock", "login", "listen", "lock_identity", "region"}
	for _, c := range []struct{ word, want string }{
		{"loock", "lock"},
		{"lokc", "lock"},
		{"LOGIN", "login"},
		{"lisetn", "listen"},
		{"lock_idntity", "lock_identity"},
		{"regoin", "region"},
		{"banana", ""},
		{"x", ""},
		{"", ""},
		{"lo", ""},
	} {
		if got := Nearest(c.word, words); got != c.want {
			t.Errorf("Nearest(%q) = %q, want %q", c.word, got, c.want)
		}
	}
	if got, want := DidYouMean("loock", words), ` (did you mean "lock"?)`; got != want {
		t.Errorf("DidYouMean = %q, want %q", got, want)
	}
	if got := DidYouMean("banana", words); got != "" {
		t.Errorf("DidYouMean with nothing near = %q, want nothing", got)
	}
}

// The distance is a metric's: symmetric, zero only for equals, never more than
// the longer word's length.
func FuzzDistance(f *testing.F) {
	f.Add("lock", "lokc")
	f.Add("", "x")
	f.Add("äöü", "aou")
	f.Fuzz(func(t *testing.T, a, b string) {
		if len(a) > 100 || len(b) > 100 {
			return
		}
		x, y := []rune(a), []rune(b)
		d := distance(a, b, 1000)
		if d != distance(b, a, 1000) {
			t.Errorf("distance(%q, %q) is not symmetric", a, b)
		}
		if (d == 0) != (string(x) == string(y)) {
			t.Errorf("distance(%q, %q) = %d", a, b, d)
		}
		if d > max(len(x), len(y)) {
			t.Errorf("distance(%q, %q) = %d, more than the longer word", a, b, d)
		}
	})
}
