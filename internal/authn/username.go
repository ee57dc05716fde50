package authn

import (
	"errors"
	"strings"
)

// The user name a client sends says which login on which target is wanted:
// login+target, or login@target. It never says who asks. The grammar is a
// strict subset of what OpenSSH 10 lets through, so nothing in it can mean
// anything to a shell:
//
//	login  := [a-z_][a-z0-9_.-]{0,31}
//	target := [a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?

// Errors of ParseUser.
var (
	// ErrNoTarget is a user name without a separator: it names no target.
	ErrNoTarget = errors.New("the user name names no target: use login+target")
	// ErrUserName is anything else that does not parse.
	ErrUserName = errors.New("the user name is not login+target: small letters, digits, . _ - and one +")
)

// maxUser bounds a user name before anything looks at it.
const maxUser = 128

// ParseUser splits a user name into login and target. It does no look-up and
// shows no part of the name in its errors.
func ParseUser(user string) (login, target string, err error) {
	if len(user) > maxUser {
		return "", "", ErrUserName
	}
	at := strings.IndexAny(user, "+@")
	if at < 0 {
		for _, r := range user {
			if r < ' ' || r > '~' {
				return "", "", ErrUserName
			}
		}
		return "", "", ErrNoTarget
	}
	login, target = user[:at], user[at+1:]
	if !ValidLogin(login) || !ValidTarget(target) {
		return "", "", ErrUserName
	}
	return login, target, nil
}

// FormatUser is what ParseUser parses.
func FormatUser(login, target string) string { return login + "+" + target }

// TrimDomain takes the gate's domain off a target: web1.tg is web1 when the
// domain is tg. ok is false when name is not in the domain.
func TrimDomain(name, domain string) (target string, ok bool) {
	target, ok = strings.CutSuffix(name, "."+strings.TrimPrefix(domain, "."))
	if !ok || !ValidTarget(target) {
		return name, false
	}
	return target, true
}

// ValidLogin says whether s is a login.
func ValidLogin(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c == '_':
		case i > 0 && (c >= '0' && c <= '9' || c == '.' || c == '-'):
		default:
			return false
		}
	}
	return true
}

// ValidTarget says whether s is a target's name.
func ValidTarget(s string) bool {
	if s == "" || len(s) > 63 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case i > 0 && i < len(s)-1 && (c == '.' || c == '-'):
		default:
			return false
		}
	}
	return true
}
