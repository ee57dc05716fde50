package app

import (
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/forward"
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

func TestDoctorNamesWhatIsWrongWithForwarders(t *testing.T) {
	dir := t.TempDir()
	cfg := config.Default()
	cfg.DataDir = dir
	cfg.Forwarders = []config.Forwarder{
		{Name: "good", To: "file:///var/log/x.jsonl", Format: "cloudtrail"},
		{Name: "unsigned", To: "https://siem.example.com", SecretFile: filepath.Join(dir, "none"), Format: "cloudtrail"},
		{Name: "refused", To: "file:///var/log/y.jsonl", Format: "cloudtrail"},
	}
	aside := forwardDir(cfg, "refused")
	if err := errors.Join(os.MkdirAll(aside, 0o700), os.WriteFile(filepath.Join(aside, forward.AsideName), []byte("{}\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	checks := forwarderChecks(t.Context(), cfg)
	if len(checks) != 3 || !checks[0].OK || checks[1].OK || checks[2].OK || !strings.Contains(checks[1].What, "secret_file") || !strings.Contains(checks[2].What, "refused.jsonl") {
		t.Errorf("checks %+v", checks)
	}
}
