package app

import (
	"net/url"
	"testing"
)

// A forwarder to our own API would make an event of each event.
func TestOurOwnAPIIsKnown(t *testing.T) {
	for _, c := range []struct {
		listen, to string
		own        bool
	}{
		{"127.0.0.1:8443", "https://127.0.0.1:8443/x", true},
		{"127.0.0.1:8443", "https://localhost:8443", true},
		{"127.0.0.1:8443", "https://[::ffff:127.0.0.1]:8443", true},
		{"127.0.0.1:8443", "https://127.0.0.1:8444", false},
		{"127.0.0.1:8443", "https://192.0.2.1:8443", false},
		{":8443", "https://127.0.0.9:8443", true},
		{"0.0.0.0:443", "https://localhost", true},
		{"[::]:80", "http://[::1]", true},
		{":8443", "https://192.0.2.1:8443", false},
		{"gate.example.com:443", "https://gate.example.com", true},
		{"gate.example.com:443", "https://siem.example.com", false},
		{"", "https://127.0.0.1", false},
	} {
		u, err := url.Parse(c.to)
		if err != nil {
			t.Fatal(err)
		}
		if got := isOwn(c.listen, u); got != c.own {
			t.Errorf("isOwn(%q, %s) = %t, want %t", c.listen, c.to, got, c.own)
		}
	}
}
