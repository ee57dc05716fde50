//go:debug rsa1024min=0
package wire_test

import (
	"context"
	crand "crypto/rand"
	"crypto/rsa"
	"errors"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// door is a served listener that keeps nothing but who came in.
type door struct {
	addr   string
	proofs chan any   // of each login that finished
	failed chan error // of each that did not
}

func newDoor(t testing.TB, cfg wire.ServerConfig) *door {
	t.Helper()
	if cfg.HostKeys == nil {
		cfg.HostKeys = []ssh.Signer{sshtest.Key(t)}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{addr: l.Addr().String(), proofs: make(chan any, 1), failed: make(chan error, 1)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			c, err := wire.Serve(context.Background(), nc, cfg)
			if err != nil {
				d.failed <- err
				continue
			}
			d.proofs <- c.Proof()
			c.Close()
			c.Wait()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return d
}

// login plays the steps and returns who came in, "" for nobody.
func (d *door) login(t testing.TB, steps ...sshtest.Step) (who string, err error) {
	t.Helper()
	c, _ := sshtest.Login(d.addr, "root+web1", steps...)
	if c != nil {
		c.Close()
	}
	select {
	case p := <-d.proofs:
		who, _ := p.(string)
		return who, nil
	case err := <-d.failed:
		return "", err
	case <-time.After(10 * time.Second):
		t.Fatal("login neither came in nor failed")
		return "", nil
	}
}

// people are identities by key; some need a code that is theirs.
type people struct {
	keys map[string]string // blob → name
	mfa  bool
}

func (p people) None(wire.Peer) wire.Verdict { return wire.Verdict{} }

func (p people) Known(_ wire.Peer, k wire.Key) bool { return p.keys[string(k.Blob)] != "" }

func (p people) Verified(_ wire.Peer, k wire.Key) wire.Verdict {
	v := wire.Verdict{Outcome: wire.Accept, Proof: p.keys[string(k.Blob)]}
	if p.mfa {
		v.Outcome, v.Prompt = wire.Ask, "Code: "
	}
	return v
}

func (p people) Answer(peer wire.Peer, answer string) wire.Verdict {
	if who, ok := peer.Proof.(string); ok && answer == "code of "+who {
		return wire.Verdict{Outcome: wire.Accept, Proof: who}
	}
	return wire.Verdict{Outcome: wire.Ask, Prompt: "Code, again: "}
}

// Mallory has her own key and code, and everybody's public keys. In no order
// of offers, signatures and answers may she come in as the victim
// (CVE-2024-45337).
func TestIdentityIsOnlyOfTheKeyThatSigned(t *testing.T) {
	victim, mallory := sshtest.Key(t), sshtest.Key(t)
	moves := []sshtest.Step{
		sshtest.Offer("victim", victim.PublicKey()),
		sshtest.Offer("mallory", mallory.PublicKey()),
		sshtest.Sign("mallory", mallory),
		sshtest.Forge("victim", victim.PublicKey(), mallory),
		sshtest.Answer("code of mallory"),
		sshtest.Answer("code of victim"), // she has seen one
	}
	for _, mfa := range []bool{false, true} {
		d := newDoor(t, wire.ServerConfig{Auth: people{mfa: mfa, keys: map[string]string{
			string(victim.PublicKey().Marshal()):  "victim",
			string(mallory.PublicKey().Marshal()): "mallory",
		}}})
		came := map[string]int{}
		play := func(script []sshtest.Step) {
			who, _ := d.login(t, script...)
			came[who]++
			if who == "victim" {
				var names []string
				for _, s := range script {
					names = append(names, s.Name)
				}
				t.Fatalf("mfa %v: came in as the victim by %s", mfa, strings.Join(names, ", "))
			}
		}
		for _, a := range moves {
			play([]sshtest.Step{a})
			for _, b := range moves {
				play([]sshtest.Step{a, b})
				for _, c := range moves {
					play([]sshtest.Step{a, b, c})
				}
			}
		}
		for seed := range uint64(100) {
			r := rand.New(rand.NewPCG(seed, 1))
			var script []sshtest.Step
			for range 4 + r.IntN(4) {
				script = append(script, moves[r.IntN(len(moves))])
			}
			play(script)
		}
		if came["mallory"] == 0 || came[""] == 0 {
			t.Errorf("mfa %v: nobody came in, or everybody: %v", mfa, came)
		}
		// And she who has the key does come in.
		if who, err := d.login(t, sshtest.Offer("mallory", mallory.PublicKey()), sshtest.Sign("victim", victim), sshtest.Answer("code of victim")); who != "victim" {
			t.Errorf("mfa %v: the victim herself came in as %q, %v", mfa, who, err)
		}
	}
}

func TestAtMostThreeAnswers(t *testing.T) {
	key := sshtest.Key(t)
	d := newDoor(t, wire.ServerConfig{Auth: people{mfa: true, keys: map[string]string{string(key.PublicKey().Marshal()): "alice"}}})
	wrong, right := sshtest.Answer("no"), sshtest.Answer("code of alice")
	// A wrong answer is asked again at once, so one method takes all three.
	if who, _ := d.login(t, sshtest.Sign("alice", key), wrong, right, right); who != "" {
		t.Errorf("came in as %q after three wrong answers", who)
	}
	if who, err := d.login(t, sshtest.Sign("alice", key), right); who != "alice" {
		t.Errorf("right answer: %q, %v", who, err)
	}
	for _, odd := range []sshtest.Step{sshtest.AnswerMany(), sshtest.AnswerMany("code of alice", "x"), sshtest.Answer(""), sshtest.Answer(strings.Repeat("1", 1<<20-1<<18))} {
		if who, _ := d.login(t, sshtest.Sign("alice", key), odd); who != "" {
			t.Errorf("%s: came in as %q", odd.Name, who)
		}
	}
}

func TestKeysThatAreNotAccepted(t *testing.T) {
	ca := sshtest.Key(t)
	cert := sshtest.Certify(t, ca, "root")
	small, err := rsa.GenerateKey(crand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	weak, err := ssh.NewSignerFromKey(small)
	if err != nil {
		t.Fatal(err)
	}
	d := newDoor(t, wire.ServerConfig{Auth: everybody{}})
	if who, err := d.login(t, sshtest.Sign("certificate", cert)); who != "" || !strings.Contains(err.Error(), "certificates") {
		t.Errorf("certificate: %q, %v", who, err)
	}
	if who, err := d.login(t, sshtest.Sign("rsa 1024", weak)); who != "" || err == nil {
		t.Errorf("rsa 1024: %q, %v", who, err)
	}
	if who, _ := d.login(t, sshtest.Sign("plain", sshtest.Key(t))); who != "somebody" {
		t.Errorf("plain key: %q", who)
	}
}

// everybody knows every key.
type everybody struct{ people }

func (everybody) Known(wire.Peer, wire.Key) bool { return true }

func (everybody) Verified(wire.Peer, wire.Key) wire.Verdict {
	return wire.Verdict{Outcome: wire.Accept, Proof: "somebody"}
}

// Auth sees the user name as sent, but never more than MaxUser of it.
func TestUserNameIsRawAndBounded(t *testing.T) {
	seen := make(chan wire.Peer, 4)
	d := newDoor(t, wire.ServerConfig{Auth: spy{seen: seen}})
	for _, user := range []string{"a+b+c", "x\x00\x1b[31m", strings.Repeat("u", 10_000)} {
		c, _ := sshtest.Login(d.addr, user, sshtest.Sign("key", sshtest.Key(t)))
		if c != nil {
			c.Close()
		}
		<-d.failed
		p := <-seen
		if want := user[:min(len(user), wire.MaxUser)]; p.User != want {
			t.Errorf("Auth saw %.40q, want %.40q", p.User, want)
		}
		if !strings.HasPrefix(p.ClientVersion, "SSH-2.0-Go") || !p.Remote.Addr().IsLoopback() {
			t.Errorf("Auth saw %+v", p)
		}
	}
}

type spy struct {
	people
	seen chan wire.Peer
}

func (s spy) Known(p wire.Peer, _ wire.Key) bool { s.seen <- p; return false }

func TestLoginIsBoundedInTime(t *testing.T) {
	d := newDoor(t, wire.ServerConfig{Auth: people{}, Grace: 200 * time.Millisecond})
	nc, err := net.Dial("tcp", d.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.Write([]byte("SSH-2.0-slow\r\n"))
	var le *wire.LoginError
	if err := <-d.failed; !errors.Is(err, wire.ErrGrace) || !errors.As(err, &le) || !le.Peer.Remote.IsValid() {
		t.Errorf("a silent login ends with %v", err)
	}
}

func TestNoticeIsSaidAsBanner(t *testing.T) {
	d := newDoor(t, wire.ServerConfig{Auth: throttled{}})
	said := make(chan string, 4)
	_, err := ssh.Dial("tcp", d.addr, &ssh.ClientConfig{
		User: "root", HostKeyCallback: ssh.InsecureIgnoreHostKey(), Auth: []ssh.AuthMethod{ssh.PublicKeys(sshtest.Key(t))},
		BannerCallback: func(m string) error { said <- m; return nil },
	})
	if err == nil {
		t.Fatal("came in")
	}
	<-d.failed
	if m := <-said; m != "too many attempts\r\n" {
		t.Errorf("banner %q", m)
	}
}

type throttled struct{ everybody }

func (throttled) Verified(wire.Peer, wire.Key) wire.Verdict {
	return wire.Verdict{Notice: "too many attempts"}
}

func TestAlgorithmsAreTheListedOnes(t *testing.T) {
	d := newDoor(t, wire.ServerConfig{Auth: everybody{}})
	dial := func(change func(*ssh.ClientConfig)) error {
		c := &ssh.ClientConfig{User: "root", HostKeyCallback: ssh.InsecureIgnoreHostKey(), Auth: []ssh.AuthMethod{ssh.PublicKeys(sshtest.Key(t))}}
		change(c)
		client, err := ssh.Dial("tcp", d.addr, c)
		if err == nil {
			client.Close()
			<-d.proofs
		} else {
			<-d.failed
		}
		return err
	}
	supported, insecure := ssh.SupportedAlgorithms(), ssh.InsecureAlgorithms()
	for _, a := range append(supported.KeyExchanges, insecure.KeyExchanges...) {
		want := slices.Contains([]string{"mlkem768x25519-sha256", "curve25519-sha256"}, a)
		if err := dial(func(c *ssh.ClientConfig) { c.KeyExchanges = []string{a} }); (err == nil) != want {
			t.Errorf("key exchange %s: %v", a, err)
		}
	}
	for _, a := range append(supported.Ciphers, insecure.Ciphers...) {
		want := strings.Contains(a, "gcm@") || strings.Contains(a, "chacha20-poly1305@") || a == "aes128-ctr" || a == "aes256-ctr"
		if err := dial(func(c *ssh.ClientConfig) { c.Ciphers = []string{a} }); (err == nil) != want {
			t.Errorf("cipher %s: %v", a, err)
		}
	}
}
