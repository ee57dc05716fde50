package authn

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pquerna/otp/totp"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

const account = "123456789012"

var (
	home   = netip.MustParseAddr("192.0.2.1")
	office = netip.MustParseAddr("192.0.2.2")
)

// world is an Authn over a real store, with a clock to turn.
type world struct {
	*Authn
	t     *testing.T
	store state.Store
	now   time.Time
	keys  map[string]ssh.PublicKey
}

func newWorld(t *testing.T) *world {
	t.Helper()
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	w := &world{t: t, store: store, now: time.Date(2026, 11, 23, 12, 0, 10, 0, time.UTC), keys: map[string]ssh.PublicKey{}}
	w.Authn = w.restart()
	w.identity("alice", state.Identity{Name: "alice"})
	w.identity("bob", state.Identity{Name: "bob", ARN: "arn:aws:sts::111122223333:assumed-role/Ops/bob", Type: "AssumedRole"})
	w.update(func(tx state.Tx) error {
		return tx.Roles().Create(state.Role{Name: "ops", Members: []string{"alice", "bob"}})
	})
	return w
}

func (w *world) restart() *Authn {
	return New(Deps{Store: w.store, AccountID: account, Now: func() time.Time { return w.now }})
}

func (w *world) update(fn func(state.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func newKey(t *testing.T) ssh.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (w *world) identity(name string, row state.Identity) {
	w.t.Helper()
	key := newKey(w.t)
	w.keys[name] = key
	w.update(func(tx state.Tx) error {
		return errors.Join(tx.Identities().Create(row), tx.Keys().Create(state.Key{
			Fingerprint: ssh.FingerprintSHA256(key), PublicKey: string(ssh.MarshalAuthorizedKey(key)),
			Identity: name, Created: w.now,
		}))
	})
}

func (w *world) begin(name string, from netip.Addr) Identity {
	w.t.Helper()
	id, err := w.Begin(w.t.Context(), ssh.FingerprintSHA256(w.keys[name]), w.keys[name].Marshal(), from)
	if err != nil {
		w.t.Fatal(err)
	}
	return id
}

// enrol gives name a device and returns what makes its codes.
func (w *world) enrol(name string) (code func(at time.Time) string) {
	w.t.Helper()
	uri, err := w.EnrolTOTP(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(uri)
	if err != nil || u.Scheme != "otpauth" || !strings.Contains(u.Path, name) {
		w.t.Fatalf("EnrolTOTP gave %q, %v", uri, err)
	}
	return func(at time.Time) string {
		c, err := totp.GenerateCode(u.Query().Get("secret"), at)
		if err != nil {
			w.t.Fatal(err)
		}
		return c
	}
}

func TestKeyMakesItsOwnIdentity(t *testing.T) {
	w := newWorld(t)
	id := w.begin("alice", home)
	if id.Name() != "alice" || id.ARN() != "arn:aws:iam::"+account+":user/alice" || id.MFA() || id.Method() != PublicKey || !id.Proven() {
		t.Errorf("Begin = %+v", id)
	}
	got, _ := json.Marshal(id.UserIdentity())
	want := `{"type":"IAMUser","principalId":"` + uniqueID("AIDA", id.ARN()) + `","arn":"arn:aws:iam::123456789012:user/alice","accountId":"123456789012","userName":"alice",` +
		`"sessionContext":{"attributes":{"creationDate":"2026-11-23T12:00:10Z","mfaAuthenticated":"false"}}}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("userIdentity (-want +got):\n%s", diff)
	}
	if s := id.Subject(); !cmp.Equal(s.Roles, []string{"ops"}) || s.Fingerprint != ssh.FingerprintSHA256(w.keys["alice"]) {
		t.Errorf("Subject = %+v", s)
	}
}

func TestAssumedRoleNamesItsIssuer(t *testing.T) {
	w := newWorld(t)
	u := w.begin("bob", home).UserIdentity()
	if u.Type != "AssumedRole" || u.AccountID != "111122223333" || u.SessionContext.SessionIssuer == nil {
		t.Fatalf("userIdentity = %+v", u)
	}
	want := event.SessionIssuer{Type: "Role", ARN: "arn:aws:iam::111122223333:role/Ops", AccountID: "111122223333", UserName: "Ops",
		PrincipalID: uniqueID("AROA", "arn:aws:iam::111122223333:role/Ops")}
	if diff := cmp.Diff(want, *u.SessionContext.SessionIssuer); diff != "" {
		t.Errorf("sessionIssuer (-want +got):\n%s", diff)
	}
}

func TestUnknownNamesNobody(t *testing.T) {
	if u := Unknown(account); u.UserName != event.Hidden || u.ARN != "" {
		t.Errorf("Unknown = %+v", u)
	}
}

func TestKeysThatProveNothing(t *testing.T) {
	w := newWorld(t)
	ctx, alice := t.Context(), w.keys["alice"]
	stranger := newKey(t)
	if _, err := w.Begin(ctx, ssh.FingerprintSHA256(stranger), stranger.Marshal(), home); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Begin with a stranger's key = %v, want ErrUnknownKey", err)
	}
	if _, err := w.Begin(ctx, ssh.FingerprintSHA256(alice), stranger.Marshal(), home); err == nil {
		t.Error("Begin with alice's fingerprint and a stranger's key succeeded")
	}
	if _, err := w.Begin(ctx, ssh.FingerprintSHA256(alice), []byte("x"), home); err == nil {
		t.Error("Begin with an unreadable key succeeded")
	}
	id := w.begin("alice", home)
	w.update(func(tx state.Tx) error {
		k, err := tx.Keys().Get(ssh.FingerprintSHA256(alice))
		k.Disabled = true
		return errors.Join(err, tx.Keys().Put(k))
	})
	if _, err := w.Begin(ctx, ssh.FingerprintSHA256(alice), alice.Marshal(), home); !errors.Is(err, ErrKeyDisabled) {
		t.Errorf("Begin with a disabled key = %v, want ErrKeyDisabled", err)
	}
	if _, err := w.Refresh(ctx, id); !errors.Is(err, ErrKeyDisabled) {
		t.Errorf("Refresh with a disabled key = %v, want ErrKeyDisabled", err)
	}
	w.update(func(tx state.Tx) error {
		return errors.Join(tx.Keys().Put(state.Key{Fingerprint: ssh.FingerprintSHA256(alice), Identity: "alice"}), tx.Identities().Delete("alice"))
	})
	if _, err := w.Refresh(ctx, id); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Refresh without the identity = %v, want ErrUnknownKey", err)
	}
}

func TestRefreshSeesRolesAndNewOwners(t *testing.T) {
	w := newWorld(t)
	id := w.begin("alice", home)
	w.update(func(tx state.Tx) error { return tx.Roles().Put(state.Role{Name: "ops", Members: []string{"bob"}}) })
	fresh, err := w.Refresh(t.Context(), id)
	if err != nil || len(fresh.Roles()) != 0 || fresh.Source() != home {
		t.Errorf("Refresh = %+v, %v, want no roles", fresh, err)
	}
	w.update(func(tx state.Tx) error {
		return tx.Keys().Put(state.Key{Fingerprint: id.Fingerprint(), Identity: "bob"})
	})
	if _, err := w.Refresh(t.Context(), id); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("Refresh after the key went to bob = %v, want ErrUnknownKey", err)
	}
}

func TestCodeWorksOnceAlsoAfterARestart(t *testing.T) {
	w := newWorld(t)
	code := w.enrol("alice")
	id := w.begin("alice", home)
	if _, err := w.TOTP(t.Context(), id, "000000"); !errors.Is(err, ErrWrongCode) {
		t.Errorf("TOTP with a wrong code = %v, want ErrWrongCode", err)
	}
	for _, bad := range []string{"", "1", strings.Repeat("1", 1<<20), "１２３４５６"} {
		if _, err := w.TOTP(t.Context(), id, bad); !errors.Is(err, ErrWrongCode) {
			t.Errorf("TOTP(%.10q) = %v, want ErrWrongCode", bad, err)
		}
	}
	proven, err := w.TOTP(t.Context(), id, " "+code(w.now)+"\n")
	if err != nil || !proven.MFA() || proven.Method() != PublicKeyTOTP || proven.UserIdentity().SessionContext.Attributes.MFAAuthenticated != "true" {
		t.Fatalf("TOTP = %+v, %v", proven, err)
	}
	if id.MFA() {
		t.Error("TOTP changed the identity it was given")
	}
	if _, err := w.TOTP(t.Context(), id, code(w.now)); !errors.Is(err, ErrWrongCode) {
		t.Errorf("the same code again = %v, want ErrWrongCode", err)
	}
	w.Authn = w.restart()
	if _, err := w.TOTP(t.Context(), id, code(w.now)); !errors.Is(err, ErrWrongCode) {
		t.Errorf("the same code after a restart = %v, want ErrWrongCode", err)
	}
	if _, err := w.TOTP(t.Context(), id, code(w.now.Add(-30*time.Second))); !errors.Is(err, ErrWrongCode) {
		t.Errorf("an older code after a newer = %v, want ErrWrongCode", err)
	}
	if _, err := w.TOTP(t.Context(), id, code(w.now.Add(30*time.Second))); err != nil {
		t.Errorf("the next code, one step early = %v", err)
	}
	if _, err := w.TOTP(t.Context(), id, code(w.now.Add(90*time.Second))); !errors.Is(err, ErrWrongCode) {
		t.Errorf("a code three steps early = %v, want ErrWrongCode", err)
	}
}

func TestOneCodeOpensOneConnection(t *testing.T) {
	w := newWorld(t)
	code := w.enrol("alice")(w.now)
	id := w.begin("alice", home)
	var wg sync.WaitGroup
	var mu sync.Mutex
	won := 0
	for range 8 {
		wg.Go(func() {
			if _, err := w.TOTP(context.Background(), id, code); err == nil {
				mu.Lock()
				won++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if won != 1 {
		t.Errorf("one code was taken %d times at once, want 1", won)
	}
}

func TestGuessingIsLimitedByKey(t *testing.T) {
	w := newWorld(t)
	code := w.enrol("alice")
	bob := w.enrol("bob")
	id := w.begin("alice", home)
	for range maxWrong {
		if _, err := w.TOTP(t.Context(), id, "000000"); !errors.Is(err, ErrWrongCode) {
			t.Fatalf("TOTP = %v, want ErrWrongCode", err)
		}
	}
	if _, err := w.TOTP(t.Context(), id, code(w.now)); !errors.Is(err, ErrTooManyCodes) {
		t.Errorf("the right code after %d wrong = %v, want ErrTooManyCodes", maxWrong, err)
	}
	if _, err := w.TOTP(t.Context(), w.begin("bob", home), bob(w.now)); err != nil {
		t.Errorf("bob, meanwhile = %v", err)
	}
	w.now = w.now.Add(wrongSpan)
	if _, err := w.TOTP(t.Context(), id, code(w.now)); err != nil {
		t.Errorf("the right code after the wait = %v", err)
	}
}

// A right code forgives no wrong ones: who shares the key with its owner would
// have ten more guesses each time the owner logs in.
func TestRightCodeForgivesNoGuesses(t *testing.T) {
	w := newWorld(t)
	code := w.enrol("alice")
	id := w.begin("alice", home)
	guess := func() error { _, err := w.TOTP(t.Context(), id, "000000"); return err }
	for range maxWrong - 1 {
		if err := guess(); !errors.Is(err, ErrWrongCode) {
			t.Fatalf("TOTP = %v, want ErrWrongCode", err)
		}
	}
	for i := range 2 { // a right code costs no try either
		if _, err := w.TOTP(t.Context(), id, code(w.now.Add(time.Duration(i)*30*time.Second))); err != nil {
			t.Fatalf("the owner's code = %v", err)
		}
	}
	if err := guess(); !errors.Is(err, ErrWrongCode) {
		t.Errorf("guess %d = %v, want ErrWrongCode", maxWrong, err)
	}
	if err := guess(); !errors.Is(err, ErrTooManyCodes) {
		t.Errorf("guess %d = %v, want ErrTooManyCodes", maxWrong+1, err)
	}
}

func TestNoDevice(t *testing.T) {
	w := newWorld(t)
	id := w.begin("alice", home)
	if has, err := w.HasDevice(t.Context(), id); has || err != nil {
		t.Errorf("HasDevice = %v, %v", has, err)
	}
	if _, err := w.TOTP(t.Context(), id, "123456"); !errors.Is(err, ErrNoDevice) {
		t.Errorf("TOTP = %v, want ErrNoDevice", err)
	}
	if _, err := w.EnrolTOTP(t.Context(), "nobody"); !errors.Is(err, state.ErrNotFound) {
		t.Errorf("EnrolTOTP(nobody) = %v, want ErrNotFound", err)
	}
	w.enrol("alice")
	if has, err := w.HasDevice(t.Context(), id); !has || err != nil {
		t.Errorf("HasDevice after enrolment = %v, %v", has, err)
	}
	if _, err := w.TOTP(t.Context(), Identity{}, "123456"); err == nil {
		t.Error("nobody proved a second factor")
	}
}

func TestProofIsRememberedForKeyAndSource(t *testing.T) {
	w := newWorld(t)
	code := w.enrol("alice")
	earlier := w.begin("alice", home)
	if id, err := w.Recall(t.Context(), earlier); err != nil || id.MFA() {
		t.Errorf("Recall before any code = %+v, %v", id, err)
	}
	if _, err := w.TOTP(t.Context(), w.begin("alice", home), code(w.now)); err != nil {
		t.Fatal(err)
	}
	if id, err := w.Recall(t.Context(), earlier); err != nil || id.Factor() != ByMemory {
		t.Errorf("Recall on a connection opened earlier = %+v, %v, want remembered", id, err)
	}
	again := w.begin("alice", netip.MustParseAddr("::ffff:192.0.2.1"))
	if !again.MFA() || again.Factor() != ByMemory || again.Method() != PublicKey {
		t.Errorf("same key and source: %+v, want remembered", again)
	}
	if w.begin("alice", office).MFA() {
		t.Error("remembered for another source")
	}
	w.now = w.now.Add(DefaultRemember)
	if w.begin("alice", home).MFA() {
		t.Error("remembered past its time")
	}
}

func TestProofIsDroppedWhenDeviceOrKeyChanges(t *testing.T) {
	changes := map[string]func(*world){
		"new device": func(w *world) { w.enrol("alice") },
		"no device":  func(w *world) { w.update(func(tx state.Tx) error { return tx.Devices().Delete("alice") }) },
		"key enrolled again": func(w *world) {
			w.update(func(tx state.Tx) error {
				k, err := tx.Keys().Get(ssh.FingerprintSHA256(w.keys["alice"]))
				k.Created = k.Created.Add(time.Second)
				return errors.Join(err, tx.Keys().Put(k))
			})
		},
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			code := w.enrol("alice")
			if _, err := w.TOTP(t.Context(), w.begin("alice", home), code(w.now)); err != nil {
				t.Fatal(err)
			}
			change(w)
			if w.begin("alice", home).MFA() {
				t.Error("the proof is still remembered")
			}
		})
	}
}
