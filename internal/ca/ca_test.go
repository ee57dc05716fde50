package ca

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func newCA(t *testing.T) (*CA, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "ca")
	c, err := Init(dir)
	if err != nil {
		t.Fatal(err)
	}
	return c, dir
}

func TestInitNeverReplacesAKey(t *testing.T) {
	c, dir := newCA(t)
	before, err := os.ReadFile(filepath.Join(dir, userFile))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, hostFile)); err != nil { // as after a crash half way
		t.Fatal(err)
	}
	again, err := Init(dir)
	if err != nil {
		t.Fatal(err)
	}
	after, _ := os.ReadFile(filepath.Join(dir, userFile))
	if !bytes.Equal(before, after) || c.UserLine() != again.UserLine() || c.GateFingerprint() != again.GateFingerprint() {
		t.Error("a second Init changed a key that existed")
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("Init left %v behind", left)
	}
}

func TestInitRacesToOneKey(t *testing.T) {
	dir := t.TempDir()
	lines := make([]string, 8)
	var wg sync.WaitGroup
	for i := range lines {
		wg.Go(func() {
			if c, err := Init(dir); err == nil {
				lines[i] = c.UserLine()
			}
		})
	}
	wg.Wait()
	for _, l := range lines {
		if l == "" || l != lines[0] {
			t.Fatalf("Init at once gave %q and %q", lines[0], l)
		}
	}
}

func TestLoadRefusesKeysOthersCanRead(t *testing.T) {
	_, dir := newCA(t)
	for _, name := range []string{userFile, hostFile, gateFile} {
		for _, mode := range []os.FileMode{0o640, 0o604, 0o620} {
			if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(dir); !errors.Is(err, ErrNotPrivate) || !strings.Contains(err.Error(), name) {
				t.Errorf("Load with %s at %04o = %v, want ErrNotPrivate naming it", name, mode, err)
			}
		}
		if err := os.Chmod(filepath.Join(dir, name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLoadWantsAllKeys(t *testing.T) {
	_, dir := newCA(t)
	if err := os.Remove(filepath.Join(dir, userFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Load without a user CA = %v, want ErrNotExist", err)
	}
}

func TestUserCertificateIsForOneLoginAndAFewMinutes(t *testing.T) {
	c, _ := newCA(t)
	u, err := c.MintUser(UserRequest{Login: "deploy", KeyID: "s1 alice", Now: noon, PTY: true, PortForwarding: true})
	if err != nil {
		t.Fatal(err)
	}
	cert := u.Signer.PublicKey().(*ssh.Certificate)
	checker := ssh.CertChecker{Clock: func() time.Time { return noon }}
	if err := checker.CheckCert("deploy", cert); err != nil {
		t.Errorf("CheckCert(deploy) = %v", err)
	}
	for _, other := range []string{"root", "deploy+web1", ""} {
		if err := checker.CheckCert(other, cert); err == nil {
			t.Errorf("the certificate is good for %q, too", other)
		}
	}
	for _, at := range []time.Time{noon.Add(-2 * time.Minute), noon.Add(5*time.Minute + time.Second)} {
		late := ssh.CertChecker{Clock: func() time.Time { return at }}
		if err := late.CheckCert("deploy", cert); err == nil {
			t.Errorf("the certificate is valid at %v", at)
		}
	}
	if want := map[string]string{"permit-pty": "", "permit-port-forwarding": ""}; !cmp.Equal(want, cert.Extensions) {
		t.Errorf("extensions: %s", cmp.Diff(want, cert.Extensions))
	}
	if got := strings.TrimSuffix(c.UserLine(), " trailgate-user-ca"); got != strings.TrimSpace(string(ssh.MarshalAuthorizedKey(cert.SignatureKey))) {
		t.Error("the certificate is not signed by the key of UserLine")
	}
	if cert.CertType != ssh.UserCert || cert.KeyId != "s1 alice" || cert.Serial != u.Serial {
		t.Errorf("type %d, key ID %q, serial %d", cert.CertType, cert.KeyId, cert.Serial)
	}
	v, err := c.MintUser(UserRequest{Login: "deploy", KeyID: "s2 alice", Now: noon})
	if err != nil {
		t.Fatal(err)
	}
	if v.Fingerprint == u.Fingerprint || v.Serial == u.Serial {
		t.Error("two sessions share a key or a serial")
	}
	if _, err := c.MintUser(UserRequest{Now: noon}); err == nil {
		t.Error("MintUser without a login succeeded: sshd would take it for any")
	}
}

func TestHostCertificateIsCachedAndRenewed(t *testing.T) {
	c, _ := newCA(t)
	at := func(now time.Time, names ...string) *ssh.Certificate {
		t.Helper()
		s, err := c.HostSigners(now, names...)
		if err != nil {
			t.Fatal(err)
		}
		if len(s) != 2 || s[1].PublicKey().Type() != ssh.KeyAlgoED25519 {
			t.Fatalf("HostSigners gave %d keys, want certificate and plain key", len(s))
		}
		return s[0].PublicKey().(*ssh.Certificate)
	}
	first := at(noon, "web1.tg")
	if again := at(noon.Add(hostRenew-time.Second), "web1.tg"); again != first {
		t.Error("the certificate was not cached")
	}
	renewed := at(noon.Add(hostRenew), "web1.tg")
	if renewed == first {
		t.Error("the certificate was not renewed")
	}
	check := ssh.CertChecker{Clock: func() time.Time { return noon.Add(hostRenew) }}
	if err := check.CheckCert("web1.tg", renewed); err != nil {
		t.Error(err)
	}
	if err := check.CheckCert("db1.tg", renewed); err == nil {
		t.Error("the certificate of web1.tg is good for db1.tg")
	}
	_, hosts, key, _, _, err := ssh.ParseKnownHosts([]byte(c.HostLine("tg", "gate.example.com")))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"*.tg", "gate.example.com"}; !cmp.Equal(want, hosts) || !bytes.Equal(key.Marshal(), renewed.SignatureKey.Marshal()) {
		t.Errorf("HostLine names %v", hosts)
	}
	if _, err := c.HostSigners(noon); err == nil {
		t.Error("HostSigners without a name succeeded: clients would take it for any host")
	}
}

func TestSnippetNamesTheFile(t *testing.T) {
	c, _ := newCA(t)
	if s := c.SshdSnippet("/etc/ssh/x.pub"); !strings.Contains(s, "\nTrustedUserCAKeys /etc/ssh/x.pub\n") {
		t.Errorf("snippet:\n%s", s)
	}
	if s := c.SshdSnippet(""); !strings.Contains(s, "\nTrustedUserCAKeys /etc/ssh/trailgate_user_ca.pub\n") {
		t.Errorf("snippet:\n%s", s)
	}
}
