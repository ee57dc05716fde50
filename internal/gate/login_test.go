package gate_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sshtest"
	"github.com/trailgate/trailgate/internal/state"
)

// script is one publickey step of an attacker: which key is offered, which one
// the signed request then claims, and who signs. A nil claim only offers.
type script struct {
	name   string
	offer  ssh.Signer
	claim  ssh.Signer
	signer ssh.Signer
}

// scripted is a key that changes while the client looks away: x/crypto's
// client marshals it for the offer, for the reply, and for the signed request.
type scripted struct {
	ssh.PublicKey
	s     script
	calls int
}

func (k *scripted) Type() string { return ssh.KeyAlgoED25519 }

func (k *scripted) Marshal() []byte {
	k.calls++
	switch {
	case k.calls == 1, k.calls == 2 && k.s.claim != nil:
		return k.s.offer.PublicKey().Marshal()
	case k.calls == 2:
		return nil // the reply then does not fit, and the next step follows
	}
	return k.s.claim.PublicKey().Marshal()
}

func (s script) PublicKey() ssh.PublicKey { return &scripted{PublicKey: s.offer.PublicKey(), s: s} }

func (s script) Sign(r io.Reader, data []byte) (*ssh.Signature, error) {
	return s.signer.Sign(rand.Reader, data)
}

// TestIdentityIsTheSignersWhateverWasOffered plays every order of offering and
// signing with another's public key (CVE-2024-45337), with and without TOTP.
// Alice is the victim, bob the attacker who has only his own private key.
func TestIdentityIsTheSignersWhateverWasOffered(t *testing.T) {
	w := newWorld(t)
	w.enrol("bob")
	w.enrol("alice")
	alice, bob, stranger := w.keys["alice"], w.keys["bob"], sshtest.Key(t)
	early := []script{
		{"offer alice", alice, nil, nil},
		{"offer bob", bob, nil, nil},
		{"offer stranger", stranger, nil, nil},
		{"offer alice, claim alice, sign bob", alice, alice, bob},
		{"offer bob, claim alice, sign bob", bob, alice, bob},
		{"offer alice, claim stranger, sign stranger", alice, stranger, stranger},
	}
	final := []script{
		{"offer bob, sign bob", bob, bob, bob},
		{"offer alice, claim bob, sign bob", alice, bob, bob},
		{"offer stranger, claim bob, sign bob", stranger, bob, bob},
	}
	for _, mfa := range []bool{false, true} {
		var orders [][]script
		for _, last := range final {
			orders = append(orders, []script{last})
			for _, a := range early {
				orders = append(orders, []script{a, last})
				for _, b := range early {
					orders = append(orders, []script{a, b, last})
				}
			}
		}
		w.rules.policies(t, everything)
		if mfa {
			w.rules.policies(t, `permit (principal, action, resource) when { context.mfa };`)
		}
		for _, order := range orders {
			name := fmt.Sprintf("mfa=%v", mfa)
			signers := make([]ssh.Signer, len(order))
			for i, s := range order {
				name += ": " + s.name
				signers[i] = s
			}
			w.shift.Add(int64(15 * 60e9)) // past what is remembered, to an unused code
			answers := &asks{answer: func() string { return w.code("bob") }}
			conf := w.config("deploy+web1", "bob")
			conf.Auth = []ssh.AuthMethod{ssh.PublicKeys(signers...), answers.method()}
			before, closed := len(w.trail.all()), len(w.trail.named("CloseConnection"))
			c, err := ssh.Dial("tcp", w.addr, conf)
			if forged(order) {
				// The library hangs up on a wrong signature.
				if err == nil {
					t.Fatalf("%s: a forged signature was forgiven", name)
				}
				for _, r := range w.trail.all()[before:] {
					if r.UserIdentity.ARN != "" {
						t.Fatalf("%s: %s is by %q", name, r.EventName, r.UserIdentity.UserName)
					}
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			exec(t, c, "echo hi")
			c.Close()
			w.trail.wait(t, "the end of "+name, func(event.Record) bool { return len(w.trail.named("CloseConnection")) > closed })
			for _, r := range w.trail.all()[before:] {
				if r.EventName == "OpenConnection" || r.EventName == "CollapseEvents" || r.UserIdentity.UserName == event.Hidden && r.ErrorCode != "" {
					continue // nobody's yet, or a stranger's from before
				}
				if r.UserIdentity.UserName != "bob" {
					t.Fatalf("%s: %s is by %q", name, r.EventName, r.UserIdentity.UserName)
				}
				if r.EventName == "Login" && (field(r, "keyFingerprint") != w.fingerprint("bob") || (field(r, "mfa") == "totp") != mfa) {
					t.Fatalf("%s: Login = %s %s", name, r.RequestParameters, r.ResponseElements)
				}
				if want := fmt.Sprintf(`{"MFAAuthenticated":"%s"}`, map[bool]string{true: "True", false: "False"}[mfa]); r.EventName == "StartSession" && string(r.AdditionalEventData) != want {
					t.Fatalf("%s: StartSession has %s, want %s", name, r.AdditionalEventData, want)
				}
			}
			if mfa && answers.n.Load() != 1 {
				t.Errorf("%s: %d prompts, want 1", name, answers.n.Load())
			}
		}
	}
}

func forged(order []script) bool {
	return slices.ContainsFunc(order, func(s script) bool { return s.claim != nil && s.claim != s.signer })
}

// Another person's code does not help, and neither does a claim after one's own key.
func TestCodeOfAnotherDoesNotHelp(t *testing.T) {
	w := newWorld(t)
	w.enrol("alice")
	w.enrol("bob")
	w.rules.policies(t, `permit (principal, action, resource) when { context.mfa };`)
	answers := &asks{answer: func() string { return w.code("alice") }}
	if c, err := w.tryDial("deploy+web1", "bob", answers.method()); err == nil {
		c.Close()
		t.Fatal("bob logged in with alice's code")
	}
	check := w.trail.waitFor(t, "CheckMfa")
	if check.ErrorCode != event.AuthenticationFailed || check.UserIdentity.UserName != "bob" || field(check, "CheckMfa") != "Failure" {
		t.Errorf("CheckMfa = %s by %s: %s", check.ErrorCode, check.UserIdentity.UserName, check.ResponseElements)
	}
	login := w.trail.waitFor(t, "Login")
	if login.ErrorCode != event.AuthenticationFailed || login.UserIdentity.UserName != "bob" {
		t.Errorf("Login = %s by %s", login.ErrorCode, login.UserIdentity.UserName)
	}
}

func TestStrangersLearnNothing(t *testing.T) {
	w := newWorld(t)
	w.disableKey("bob")
	stranger := sshtest.Key(t)
	w.keys["stranger"] = stranger
	var errs []string
	for _, name := range []string{"stranger", "bob"} {
		for _, user := range []string{"deploy+web1", "deploy+nosuch", "alice", "nobody"} {
			c, err := w.tryDial(user, name)
			if err == nil {
				c.Close()
				t.Fatalf("%s logged in as %s", name, user)
			}
			errs = append(errs, err.Error())
		}
	}
	for _, e := range errs {
		if e != errs[0] {
			t.Errorf("two refusals differ: %q and %q", e, errs[0])
		}
	}
	w.stop() // flushes what was collapsed
	counted := 0
	for _, r := range w.trail.all() {
		if r.UserIdentity.UserName != event.Hidden || r.UserIdentity.ARN != "" {
			t.Errorf("%s names %+v", r.EventName, r.UserIdentity)
		}
		if strings.Contains(string(r.RequestParameters), "nosuch") || strings.Contains(string(r.RequestParameters), "nobody") {
			t.Errorf("%s keeps what was typed: %s", r.EventName, r.RequestParameters)
		}
		if r.EventName == "Login" && r.ErrorCode == event.AuthenticationFailed {
			counted++
		}
	}
	if counted != len(errs) {
		t.Errorf("%d failed logins recorded, want %d", counted, len(errs))
	}
}

func TestMalformedUserNames(t *testing.T) {
	w := newWorld(t)
	names := []string{
		"a+b+c", "a@b@c", "+web1", "deploy+", "deploy+web1\x00", "dep\x1b[2Jloy+web1", "deploy+web1\r\nX", strings.Repeat("a", 10_000),
		strings.Repeat("a", 10_000) + "+web1", "-oProxyCommand=id+web1", "deploy+%h", "root+../../etc", "dëploy+web1", "DEPLOY+web1", "deploy+$(id)",
	}
	for _, user := range names {
		if c, err := w.tryDial(user, "alice"); err == nil {
			c.Close()
			t.Errorf("%.30q logged in", user)
		}
	}
	w.stop()
	seen := 0
	for _, r := range w.trail.all() {
		switch {
		case r.EventName == "Login" && r.ErrorCode == event.InvalidName && field(r, "userName") == event.Hidden:
			seen++
		case r.EventName == "CollapseEvents" && field(r, "reason") == "malformed user name":
			var n int
			fmt.Sscan(field(r, "count"), &n)
			seen += n
		case r.EventName == "OpenConnection":
		default:
			t.Errorf("unexpected %s: %s", r.EventName, r.RequestParameters)
		}
	}
	if seen != len(names) {
		t.Errorf("%d malformed names recorded or counted, want %d: %v", seen, len(names), w.trail.names())
	}
}

func TestSecondFactor(t *testing.T) {
	w := newWorld(t)
	w.enrol("alice")
	w.rules.policies(t, `permit (principal, action, resource) when { context.mfa };`)
	answers := &asks{answer: func() string { return w.code("alice") }}

	c := w.dial("deploy+web1", "alice", answers.method())
	if r := exec(t, c, "echo hi"); r.status != 0 || answers.n.Load() != 1 {
		t.Fatalf("with a code: %+v after %d prompts", r, answers.n.Load())
	}
	login := w.trail.waitFor(t, "Login")
	if field(login, "method") != "publickey+totp" || field(login, "mfa") != "totp" || login.UserIdentity.SessionContext.Attributes.MFAAuthenticated != "true" {
		t.Errorf("Login = %s %s", login.RequestParameters, login.ResponseElements)
	}
	// One code opens one connection, so the proof is remembered.
	again := w.dial("deploy+web1", "alice", answers.method())
	if r := exec(t, again, "echo hi"); r.status != 0 || answers.n.Load() != 1 {
		t.Errorf("a moment later: %+v after %d prompts, want remembered", r, answers.n.Load())
	}
	if l := w.trail.named("Login")[1]; field(l, "mfa") != "remembered" || field(l, "method") != "publickey" {
		t.Errorf("the second Login = %s %s", l.RequestParameters, l.ResponseElements)
	}
	// Behind a jump the target is known on the inner leg only: it asks there.
	w.shift.Add(int64(15 * 60e9))
	outer := w.dial("x", "alice", answers.method())
	if n := answers.n.Load(); n != 1 {
		t.Errorf("the outer leg asked %d times, want 0", n-1)
	}
	inner := w.jump(outer, "web1.tg", "deploy", answers.method())
	if r := exec(t, inner, "echo hi"); r.status != 0 || answers.n.Load() != 2 {
		t.Errorf("behind a jump: %+v after %d prompts, want 2", r, answers.n.Load())
	}
	next := w.jump(outer, "web1.tg", "deploy", answers.method())
	if r := exec(t, next, "echo hi"); r.status != 0 || answers.n.Load() != 2 {
		t.Errorf("a second inner leg: %+v after %d prompts, want remembered", r, answers.n.Load())
	}
	for _, s := range w.trail.named("StartSession") {
		if string(s.AdditionalEventData) != `{"MFAAuthenticated":"True"}` {
			t.Errorf("StartSession has %s", s.AdditionalEventData)
		}
	}
}

func TestWrongCodesEndTheLogin(t *testing.T) {
	w := newWorld(t)
	w.enrol("alice")
	w.rules.policies(t, `permit (principal, action, resource) when { context.mfa };`)
	answers := &asks{answer: func() string { return "000000" }}
	if _, err := w.tryDial("deploy+web1", "alice", answers.method()); err == nil {
		t.Fatal("a wrong code logged in")
	}
	if n := answers.n.Load(); n != 3 {
		t.Errorf("asked %d times, want 3", n)
	}
	if n := len(w.trail.named("CheckMfa")); n != 3 {
		t.Errorf("%d CheckMfa recorded, want 3", n)
	}
	for _, bad := range []string{"", strings.Repeat("1", 1<<16)} {
		answers := &asks{answer: func() string { return bad }}
		if _, err := w.tryDial("deploy+web1", "alice", answers.method()); err == nil {
			t.Errorf("the answer %.10q logged in", bad)
		}
	}
}

func TestDeniedForWantOfADeviceSaysHow(t *testing.T) {
	w := newWorld(t)
	w.rules.policies(t, `permit (principal, action, resource) when { context.mfa };`)
	r := exec(t, w.dial("deploy+web1", "alice"), "echo hi")
	if r.status != 254 || !strings.Contains(r.stderr, "access denied: a second factor is required (event ") || !strings.Contains(r.stderr, "trailgate identity mfa alice") {
		t.Errorf("denied with %+v", r)
	}
}

func TestNobodyIsHeldUpByTheSilent(t *testing.T) {
	w := newWorld(t)
	for range 8 {
		nc, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
	}
	if r := exec(t, w.dial("deploy+web1", "alice"), "echo hi"); r.status != 0 {
		t.Errorf("beside silent connections: %+v", r)
	}
}

func TestRemovedIdentityCannotLogIn(t *testing.T) {
	w := newWorld(t)
	w.update(func(tx state.Tx) error { return tx.Identities().Delete("alice") })
	if _, err := w.tryDial("deploy+web1", "alice"); err == nil {
		t.Error("a removed identity logged in")
	}
	if _, err := w.tryDial("deploy+web1", "bob"); errors.Is(err, io.EOF) {
		t.Errorf("bob = %v", err)
	}
}
