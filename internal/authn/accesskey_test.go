package authn

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/state"
)

// marks is a Sealer that one can see through.
type marks struct{}

func (marks) Seal(about, secret string) string { return "sealed:" + about + ":" + secret }
func (marks) Open(about, sealed string) (string, error) {
	secret, ok := strings.CutPrefix(sealed, "sealed:"+about+":")
	if !ok {
		return "", errors.New("sealed for something else")
	}
	return secret, nil
}
func (marks) Sealed(text string) bool { return strings.HasPrefix(text, "sealed:") }

func newKeyWorld(t *testing.T) *world {
	w := newWorld(t)
	w.Authn = newKeyAuthn(w)
	return w
}

func (w *world) accessKey(identity string, temporary bool, expires time.Time) NewAccessKey {
	w.t.Helper()
	k, err := w.MakeAccessKey(identity, temporary, expires)
	if err != nil {
		w.t.Fatal(err)
	}
	w.update(func(tx state.Tx) error { return tx.AccessKeys().Create(k.Row) })
	return k
}

// signed asks for the identity of a key whose signature fits when secret does.
func (w *world) signed(k NewAccessKey, secret, token string) (Identity, error) {
	return w.Signed(w.t.Context(), k.Row.ID, token, home, func(have string) error {
		if have != secret {
			return errors.New("wrong signature")
		}
		return nil
	})
}

func TestAccessKeyMakesItsOwnIdentity(t *testing.T) {
	w := newKeyWorld(t)
	k := w.accessKey("alice", false, time.Time{})
	if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(k.Row.ID) || len(k.Secret) != 40 || k.Token != "" {
		t.Errorf("access key = %+v", k)
	}
	if k.Row.Secret == k.Secret {
		t.Error("the secret is stored as it is")
	}
	id, err := w.signed(k, k.Secret, "")
	if err != nil {
		t.Fatal(err)
	}
	u := id.UserIdentity()
	if !id.Proven() || id.Name() != "alice" || id.MFA() || id.Method() != AccessKey || u.AccessKeyID != k.Row.ID || id.Subject().Fingerprint != k.Row.ID || id.Source() != home {
		t.Errorf("Signed = %+v", id)
	}
	if _, err := w.signed(k, "another", ""); err == nil || !strings.Contains(err.Error(), "wrong signature") {
		t.Errorf("with another secret = %v", err)
	}
	if _, err := w.signed(NewAccessKey{Row: state.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE"}}, "", ""); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("a key nobody made = %v", err)
	}
}

func TestTemporaryKeysNeedTheirToken(t *testing.T) {
	w := newKeyWorld(t)
	k := w.accessKey("alice", true, w.now.Add(time.Hour))
	if !strings.HasPrefix(k.Row.ID, "ASIA") || k.Token == "" || strings.Contains(k.Row.Token, k.Token) {
		t.Errorf("temporary key = %+v", k)
	}
	if _, err := w.signed(k, k.Secret, k.Token); err != nil {
		t.Error(err)
	}
	for _, token := range []string{"", "x", k.Token + "x", k.Row.Token} {
		if _, err := w.signed(k, k.Secret, token); !errors.Is(err, ErrWrongToken) {
			t.Errorf("with token %.5q = %v, want ErrWrongToken", token, err)
		}
	}
	lasting := w.accessKey("alice", false, time.Time{})
	if _, err := w.signed(lasting, lasting.Secret, k.Token); !errors.Is(err, ErrWrongToken) {
		t.Errorf("a token with a key that has none = %v", err)
	}
	w.now = w.now.Add(time.Hour)
	if _, err := w.signed(k, k.Secret, k.Token); !errors.Is(err, ErrKeyExpired) {
		t.Errorf("after its time = %v, want ErrKeyExpired", err)
	}
}

func TestDisabledAndOrphanedAccessKeysProveNothing(t *testing.T) {
	w := newKeyWorld(t)
	k := w.accessKey("alice", false, time.Time{})
	row := k.Row
	row.Disabled = true
	w.update(func(tx state.Tx) error { return tx.AccessKeys().Put(row) })
	if _, err := w.signed(k, k.Secret, ""); !errors.Is(err, ErrKeyDisabled) {
		t.Errorf("disabled = %v", err)
	}
	if _, err := w.signed(k, "another", ""); errors.Is(err, ErrKeyDisabled) {
		t.Error("somebody without the secret learns that the key is disabled")
	}
	w.update(func(tx state.Tx) error {
		return errors.Join(tx.AccessKeys().Put(k.Row), tx.Identities().Delete("alice"))
	})
	if _, err := w.signed(k, k.Secret, ""); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("without its identity = %v", err)
	}
}

func TestDevicesAreSealed(t *testing.T) {
	w := newWorld(t) // an older Trailgate, which sealed nothing
	code := w.enrol("alice")
	w.Authn = newKeyAuthn(w)
	if n, err := w.SealDevices(t.Context()); n != 1 || err != nil {
		t.Fatalf("SealDevices = %d, %v, want 1", n, err)
	}
	if n, err := w.SealDevices(t.Context()); n != 0 || err != nil {
		t.Fatalf("SealDevices again = %d, %v, want 0", n, err)
	}
	bob := w.enrol("bob")
	if err := w.store.View(t.Context(), func(tx state.Tx) error {
		all, err := tx.Devices().List()
		for _, d := range all {
			if !strings.HasPrefix(d.Secret, "sealed:mfa device "+d.Identity+":") {
				t.Errorf("the secret of %s is stored as %q", d.Identity, d.Secret)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for name, code := range map[string]func(time.Time) string{"alice": code, "bob": bob} {
		if _, err := w.TOTP(t.Context(), w.begin(name, home), code(w.now)); err != nil {
			t.Errorf("%s's code = %v", name, err)
		}
	}
}

func newKeyAuthn(w *world) *Authn {
	return New(Deps{Store: w.store, AccountID: account, Now: func() time.Time { return w.now }, Sealer: marks{}})
}
