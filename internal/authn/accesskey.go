package authn

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/trailgate/trailgate/internal/state"
)

// AccessKey is the method of an identity that signed a call of the CloudTrail
// API.
const AccessKey = "accesskey"

// Errors of access keys a caller decides on, beside ErrUnknownKey and
// ErrKeyDisabled.
var (
	// ErrKeyExpired is a key after its time.
	ErrKeyExpired = errors.New("the access key has expired")
	// ErrWrongToken is a temporary key without its session token, or a token
	// with a key that has none.
	ErrWrongToken = errors.New("the session token is not the access key's")
)

// Sealer encrypts the secrets that state keeps (package ca).
type Sealer interface {
	Seal(about, secret string) string
	Open(about, sealed string) (string, error)
	Sealed(text string) bool
}

// What a sealed secret is about.
func aboutKey(id string) string       { return "access key " + id }
func aboutDevice(owner string) string { return "mfa device " + owner }

// NewAccessKey is an access key at its making, the only time its secret is
// seen.
type NewAccessKey struct {
	Row    state.AccessKey
	Secret string
	Token  string // of a temporary key
}

// MakeAccessKey makes a key in the shape of AWS's, which its tools expect: 20
// characters, AKIA or ASIA first, and a secret of 40. A temporary one works
// with its session token only. Storing the row puts it to work.
func (a *Authn) MakeAccessKey(identity string, temporary bool, expires time.Time) (NewAccessKey, error) {
	if a.seal == nil {
		return NewAccessKey{}, errors.New("make an access key: there is nothing to seal its secret with")
	}
	random := func(n int) []byte {
		b := make([]byte, n)
		rand.Read(b)
		return b
	}
	k := NewAccessKey{
		Row:    state.AccessKey{ID: "AKIA", Identity: identity, Created: a.now(), Expires: expires},
		Secret: base64.StdEncoding.EncodeToString(random(30)),
	}
	if temporary {
		k.Row.ID = "ASIA"
		k.Token = base64.StdEncoding.EncodeToString(random(96))
		k.Row.Token = hashToken(k.Token)
	}
	k.Row.ID += base32.StdEncoding.EncodeToString(random(10))
	k.Row.Secret = a.seal.Seal(aboutKey(k.Row.ID), k.Secret)
	return k, nil
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// Signed makes the identity of an access key that signed a request: verify is
// given its secret and says whether it did. Errors: ErrUnknownKey, verify's
// own, and to whoever has the secret ErrKeyDisabled, ErrKeyExpired and
// ErrWrongToken.
func (a *Authn) Signed(ctx context.Context, id, token string, source netip.Addr, verify func(secret string) error) (Identity, error) {
	var key state.AccessKey
	var who Identity
	err := a.store.View(ctx, func(tx state.Tx) (err error) {
		if key, err = tx.AccessKeys().Get(id); errors.Is(err, state.ErrNotFound) {
			return ErrUnknownKey
		} else if err != nil {
			return err
		}
		row, err := tx.Identities().Get(key.Identity)
		if errors.Is(err, state.ErrNotFound) {
			return ErrUnknownKey
		} else if err != nil {
			return err
		}
		roles, err := tx.Roles().List()
		who = identityOf(row, roles, a.account)
		return err
	})
	if err != nil {
		return Identity{}, fmt.Errorf("look up the access key: %w", err)
	}
	if a.seal == nil {
		return Identity{}, errors.New("look up the access key: there is nothing to open its secret with")
	}
	secret, err := a.seal.Open(aboutKey(key.ID), key.Secret)
	if err != nil {
		return Identity{}, fmt.Errorf("access key %s: %w", key.ID, err)
	}
	if err := verify(secret); err != nil {
		return Identity{}, fmt.Errorf("access key %s: %w", key.ID, err)
	}
	given := ""
	if token != "" {
		given = hashToken(token)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(given), []byte(key.Token)) != 1:
		err = ErrWrongToken
	case key.Disabled:
		err = ErrKeyDisabled
	case !key.Expires.IsZero() && !a.now().Before(key.Expires):
		err = ErrKeyExpired
	}
	if err != nil {
		return Identity{}, fmt.Errorf("access key %s: %w", key.ID, err)
	}
	who.accessKey, who.fingerprint, who.keyType = true, key.ID, AccessKey
	who.source, who.since = source.Unmap(), a.now()
	return who, nil
}

// SealDevices seals the secrets of second factors that an older Trailgate
// stored as they are. It returns how many there were.
func (a *Authn) SealDevices(ctx context.Context) (n int, err error) {
	if a.seal == nil {
		return 0, nil
	}
	err = a.store.Update(ctx, func(tx state.Tx) error {
		all, err := tx.Devices().List()
		if err != nil {
			return err
		}
		for _, d := range all {
			if a.seal.Sealed(d.Secret) {
				continue
			}
			d.Secret = a.seal.Seal(aboutDevice(d.Identity), d.Secret)
			if err := tx.Devices().Put(d); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("seal the secrets of MFA devices: %w", err)
	}
	return n, nil
}

// secretOf is a device's secret, opened.
func (a *Authn) secretOf(d state.Device) (string, error) {
	if a.seal == nil || !a.seal.Sealed(d.Secret) {
		return d.Secret, nil
	}
	return a.seal.Open(aboutDevice(d.Identity), d.Secret)
}
