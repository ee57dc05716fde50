package target

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

func signers(t *testing.T) []ssh.Signer {
	t.Helper()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	var out []ssh.Signer
	for _, k := range []any{ed, ec} {
		s, err := ssh.NewSignerFromKey(k)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	return out
}

// serve runs an SSH server that shows keys and refuses everybody.
func serve(t *testing.T, keys ...ssh.Signer) (address string) {
	t.Helper()
	conf := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) {
		return nil, errors.New("no")
	}}
	for _, k := range keys {
		conf.AddHostKey(k)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				nc.SetDeadline(time.Now().Add(5 * time.Second))
				ssh.NewServerConn(nc, conf)
			}()
		}
	}()
	return ln.Addr().String()
}

func line(s ssh.Signer) string { return string(ssh.MarshalAuthorizedKey(s.PublicKey())) }

// grantFor asks the real authoriser: nobody else makes a Grant.
func grantFor(t *testing.T, name string, action policy.Action) policy.Grant {
	t.Helper()
	set, err := policy.Compile([]policy.Document{{Name: "all", Text: "permit (principal, action, resource);"}})
	if err != nil {
		t.Fatal(err)
	}
	d := policy.Decide(policy.Book{Policies: set}, policy.Request{
		Subject: policy.Subject{Name: "alice"}, Action: action, Object: policy.Object{Name: name}, Login: "deploy", Time: time.Now(),
		Source: netip.MustParseAddr("127.0.0.1"),
	})
	if !d.Allowed {
		t.Fatalf("Decide = %+v", d)
	}
	return d.Grant
}

func TestDialNeedsAGrantForThatTarget(t *testing.T) {
	keys := signers(t)
	row := state.Target{Name: "web1", Address: serve(t, keys[0]), HostKeys: []string{line(keys[0])}}
	for name, g := range map[string]policy.Grant{
		"none":           {},
		"another target": grantFor(t, "db1", policy.Connect),
		"another action": grantFor(t, "web1", policy.Shell),
	} {
		if _, err := (Dialer{}).Dial(t.Context(), g, row); !errors.Is(err, ErrNoGrant) {
			t.Errorf("Dial with grant for %s = %v, want ErrNoGrant", name, err)
		}
	}
	c, err := Dialer{}.Dial(t.Context(), grantFor(t, "web1", policy.Connect), row)
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}

func TestDialNamesWhatIsUnreachable(t *testing.T) {
	keys := signers(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	for _, address := range []string{ln.Addr().String(), "127.0.0.1", "127.0.0.1:ssh", "", "127.0.0.1:70000"} {
		row := state.Target{Name: "web1", Address: address, HostKeys: []string{line(keys[0])}}
		_, err = Dialer{}.Dial(t.Context(), grantFor(t, "web1", policy.Connect), row)
		if !errors.Is(err, ErrUnreachable) || !strings.Contains(err.Error(), `"web1"`) {
			t.Errorf("Dial(%q) = %v, want ErrUnreachable naming web1", address, err)
		}
	}
}

func TestTargetWithoutPinsIsNotDialled(t *testing.T) {
	row := state.Target{Name: "web1", Address: "127.0.0.1:1"}
	for _, pins := range [][]string{nil, {"nonsense"}} {
		row.HostKeys = pins
		if _, err := (Dialer{}).Dial(t.Context(), grantFor(t, "web1", policy.Connect), row); err == nil || errors.Is(err, ErrUnreachable) {
			t.Errorf("Dial with pins %q = %v, want an error about the pins", pins, err)
		}
	}
}

func TestOnlyPinnedKeysPass(t *testing.T) {
	keys := signers(t)
	other := signers(t)
	p, err := ParsePins(state.Target{Name: "web1", HostKeys: []string{line(keys[0]), line(keys[1])}})
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range keys {
		if err := p.Verify(k.PublicKey().Marshal()); err != nil {
			t.Errorf("Verify(%s) = %v", k.PublicKey().Type(), err)
		}
	}
	var mismatch *HostKeyMismatch
	err = p.Verify(other[0].PublicKey().Marshal())
	if !errors.As(err, &mismatch) {
		t.Fatalf("Verify of another key = %v, want *HostKeyMismatch", err)
	}
	for _, part := range []string{"web1", ssh.FingerprintSHA256(keys[0].PublicKey()), ssh.FingerprintSHA256(other[0].PublicKey()), "target update web1"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error lacks %q: %v", part, err)
		}
	}
	if err := p.Verify(nil); err == nil {
		t.Error("no key at all passed")
	}
	if want := []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256}; !cmp.Equal(want, p.KeyTypes()) {
		t.Errorf("KeyTypes: %s", cmp.Diff(want, p.KeyTypes()))
	}
}

func TestScanFindsAllKeys(t *testing.T) {
	keys := signers(t)
	found, err := ScanHostKeys(t.Context(), serve(t, keys...))
	if err != nil {
		t.Fatal(err)
	}
	var got, want []string
	for _, k := range found {
		got = append(got, k.Line)
	}
	for _, k := range keys {
		want = append(want, strings.TrimSpace(line(k)))
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ScanHostKeys (-want +got):\n%s", diff)
	}
}

func TestScanNamesWhatIsUnreachable(t *testing.T) {
	if _, err := ScanHostKeys(t.Context(), "127.0.0.1:1"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("ScanHostKeys of a closed port = %v, want ErrUnreachable", err)
	}
}
