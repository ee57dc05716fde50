package gate

import (
	"errors"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/sshtest"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

type fixedRules struct{ b policy.Book }

func (f fixedRules) Book() policy.Book { return f.b }

// keyFor enrols a key for name.
func keyFor(t *testing.T, store state.Store, name string) wire.Key {
	t.Helper()
	pub := sshtest.Key(t).PublicKey()
	enrolled, err := authn.ParsePublicKey(string(pub.Type() + " " + b64(pub.Marshal())))
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(t.Context(), func(tx state.Tx) error {
		return errors.Join(tx.Identities().Put(state.Identity{Name: name}),
			tx.Keys().Create(state.Key{Fingerprint: enrolled.Fingerprint, Identity: name, Created: time.Now()}))
	})
	if err != nil {
		t.Fatal(err)
	}
	return wire.Key{Algorithm: pub.Type(), Blob: pub.Marshal(), Fingerprint: enrolled.Fingerprint}
}

// What paramiko does, which never tries "none": it proves a key on the inner
// leg. Its own identity's passes, nobody's is no more than refused, and
// another identity's is a denial that nothing afterwards undoes.
func TestInnerKeyOfAnotherIdentityIsADenial(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	alice, aliceToo, bob := keyFor(t, store, "alice"), keyFor(t, store, "alice"), keyFor(t, store, "bob")
	stranger := sshtest.Key(t).PublicKey()
	nobody := wire.Key{Algorithm: stranger.Type(), Blob: stranger.Marshal(), Fingerprint: fingerprintOf(stranger)}

	g := New(Config{Store: store, Authn: authn.New(authn.Deps{Store: store, AccountID: "123456789012"}), Rules: fixedRules{}, Domain: "tg"})
	source := netip.MustParseAddrPort("192.0.2.1:1000")
	outer, err := g.Authn.Begin(t.Context(), alice.Fingerprint, alice.Blob, source.Addr())
	if err != nil {
		t.Fatal(err)
	}
	peer := wire.Peer{User: "deploy", ClientVersion: "SSH-2.0-paramiko", Remote: source}
	login := func() *jumpAuth {
		c := g.newConn(doorJump, source, nil)
		c.target = "web1"
		return &jumpAuth{attempt: attempt{c: c, ctx: t.Context()}, outer: outer}
	}
	accepted := func(v wire.Verdict) bool {
		id, ok := v.Proof.(authn.Identity)
		return v.Outcome == wire.Accept && ok && id.Name() == "alice" && id.Fingerprint() == alice.Fingerprint
	}

	for _, k := range []wire.Key{alice, aliceToo} {
		if v := login().Verified(peer, k); !accepted(v) {
			t.Errorf("alice's own key = %+v, want the outer identity", v)
		}
	}
	a := login()
	if v := a.Verified(peer, nobody); v.Outcome != wire.Reject {
		t.Errorf("nobody's key = %v, want reject", v.Outcome)
	}
	if v := a.Verified(peer, alice); !accepted(v) {
		t.Errorf("alice's key after nobody's = %+v", v)
	}
	a = login()
	if v := a.Verified(peer, bob); v.Outcome != wire.Reject || !strings.Contains(v.Notice, "belongs to somebody else") {
		t.Errorf("bob's key behind alice's jump = %+v, want a denial", v)
	}
	if a.code != event.AccessDenied || a.identity == nil || a.identity.Name() != "alice" || a.fingerprint != bob.Fingerprint {
		t.Errorf("it is recorded as %+v", a.failed)
	}
	for name, v := range map[string]wire.Verdict{"none": a.None(peer), "alice's key": a.Verified(peer, alice)} {
		if v.Outcome != wire.Reject {
			t.Errorf("%s after bob's key = %v, want reject", name, v.Outcome)
		}
	}
	if v := login().Answer(peer, "123456"); v.Outcome != wire.Reject {
		t.Errorf("an answer to no question = %v, want reject", v.Outcome)
	}
}
