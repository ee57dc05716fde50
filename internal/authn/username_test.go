package authn

import (
	"errors"
	"strings"
	"testing"
)

func TestParseUser(t *testing.T) {
	long := strings.Repeat("a", 33)
	tests := []struct {
		user, login, target string
		err                 error
	}{
		{user: "ec2-user+web1", login: "ec2-user", target: "web1"},
		{user: "ec2-user@web1", login: "ec2-user", target: "web1"},
		{user: "_x+1", login: "_x", target: "1"},
		{user: "deploy+web1.eu.tg", login: "deploy", target: "web1.eu.tg"},
		{user: "alice", err: ErrNoTarget},
		{user: "Alice Smith", err: ErrNoTarget},
		{user: "", err: ErrNoTarget},
		{user: "a+b+c", err: ErrUserName},
		{user: "a@b@c", err: ErrUserName},
		{user: "a+b@c", err: ErrUserName},
		{user: "+web1", err: ErrUserName},
		{user: "deploy+", err: ErrUserName},
		{user: "Deploy+web1", err: ErrUserName},
		{user: "deploy+Web1", err: ErrUserName},
		{user: "deploy+-web1", err: ErrUserName},
		{user: "deploy+web1.", err: ErrUserName},
		{user: "-oProxyCommand=x+web1", err: ErrUserName},
		{user: "deploy+%h", err: ErrUserName},
		{user: "1deploy+web1", err: ErrUserName},
		{user: "dep\x00loy+web1", err: ErrUserName},
		{user: "deploy+web1\r\n", err: ErrUserName},
		{user: "dep\x1bloy", err: ErrUserName},
		{user: "déploy+web1", err: ErrUserName},
		{user: "déploy", err: ErrUserName},
		{user: long + "+web1", err: ErrUserName},
		{user: "deploy+" + strings.Repeat("w", 64), err: ErrUserName},
		{user: strings.Repeat("a", 10_000), err: ErrUserName},
		{user: strings.Repeat("a", 10_000) + "+web1", err: ErrUserName},
	}
	for _, tt := range tests {
		login, target, err := ParseUser(tt.user)
		if login != tt.login || target != tt.target || !errors.Is(err, tt.err) {
			t.Errorf("ParseUser(%.40q) = %q, %q, %v, want %q, %q, %v", tt.user, login, target, err, tt.login, tt.target, tt.err)
		}
	}
}

func TestTrimDomain(t *testing.T) {
	tests := []struct {
		name, domain, target string
		ok                   bool
	}{
		{"web1.tg", "tg", "web1", true},
		{"web1.tg", ".tg", "web1", true},
		{"web1.eu.tg", "tg", "web1.eu", true},
		{"web1", "tg", "web1", false},
		{"tg", "tg", "tg", false},
		{".tg", "tg", ".tg", false},
		{"web1xtg", "tg", "web1xtg", false},
		{"127.0.0.1", "tg", "127.0.0.1", false},
		{"WEB1.tg", "tg", "WEB1.tg", false},
	}
	for _, tt := range tests {
		if target, ok := TrimDomain(tt.name, tt.domain); target != tt.target || ok != tt.ok {
			t.Errorf("TrimDomain(%q, %q) = %q, %v, want %q, %v", tt.name, tt.domain, target, ok, tt.target, tt.ok)
		}
	}
}

// FuzzParseUser holds ParseUser to its grammar: what parses is written back
// the same, has no second separator, and nothing panics.
func FuzzParseUser(f *testing.F) {
	for _, s := range []string{"deploy+web1", "deploy@web1.tg", "a+b+c", "alice", "", "x\x00+y", strings.Repeat("a", 300)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, user string) {
		login, target, err := ParseUser(user)
		if err != nil {
			if login != "" || target != "" {
				t.Fatalf("ParseUser(%q) failed and gave %q, %q", user, login, target)
			}
			return
		}
		if len(user) > maxUser || strings.ContainsAny(login+target, "+@ '\"`$;&|<>(){}\\%\r\n\x00") {
			t.Fatalf("ParseUser(%q) = %q, %q", user, login, target)
		}
		if back := FormatUser(login, target); strings.ReplaceAll(user, "@", "+") != back {
			t.Fatalf("ParseUser(%q) is written back as %q", user, back)
		}
		l, tg, err := ParseUser(FormatUser(login, target))
		if l != login || tg != target || err != nil {
			t.Fatalf("ParseUser(FormatUser(%q, %q)) = %q, %q, %v", login, target, l, tg, err)
		}
	})
}
