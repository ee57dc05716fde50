package authn

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"
	"github.com/pquerna/otp/totp"

	"github.com/trailgate/trailgate/internal/state"
)

// TOTP parameters, those every authenticator app knows (RFC 6238).
const (
	stepSeconds = 30
	codeDigits  = 6
	skew        = 1 // steps either side: clocks differ
)

// Wrong codes allowed for a key in a while. The limit is on the key, not on
// the identity: only who holds the key can use it up, so nobody can lock
// another person out.
const (
	maxWrong  = 10
	wrongSpan = 10 * time.Minute
)

type tries struct {
	since time.Time
	count int
}

// TOTP proves i's second factor with code, and remembers it for i's key and
// source. A code works once, also after a restart: its time step is committed
// to state before TOTP returns. Errors: ErrNoDevice, ErrWrongCode,
// ErrTooManyCodes.
func (a *Authn) TOTP(ctx context.Context, i Identity, code string) (Identity, error) {
	if !i.Proven() {
		return Identity{}, ErrUnknownKey
	}
	f, err := a.lookup(ctx, i.fingerprint)
	if err != nil {
		return Identity{}, err
	}
	if !a.mayTry(i.fingerprint) {
		return Identity{}, ErrTooManyCodes
	}
	code = strings.TrimSpace(code)
	err = a.store.Update(ctx, func(tx state.Tx) error {
		d, err := tx.Devices().Get(i.name)
		if errors.Is(err, state.ErrNotFound) {
			return ErrNoDevice
		} else if err != nil {
			return err
		}
		if deviceIDOf(d) != f.device {
			return ErrWrongCode // enrolled anew this very moment
		}
		secret, err := a.secretOf(d)
		if err != nil {
			return err
		}
		step, err := matchStep(secret, d.LastStep, code, a.now())
		if err != nil {
			return err
		}
		d.LastStep = step
		return tx.Devices().Put(d)
	})
	if err != nil {
		return Identity{}, fmt.Errorf("check the code of %q: %w", i.name, err)
	}
	a.giveBack(i.fingerprint)
	i.mfa = ByTOTP
	i.since = a.now()
	a.keep(i, f)
	return i, nil
}

// matchStep finds the unused time step that code belongs to. All steps are
// compared, whichever matches.
func matchStep(secret string, last int64, code string, now time.Time) (int64, error) {
	if len(code) != codeDigits {
		return 0, ErrWrongCode
	}
	at := now.Unix() / stepSeconds
	match := int64(-1)
	for step := at - skew; step <= at+skew; step++ {
		want, err := hotp.GenerateCodeCustom(secret, uint64(step), hotp.ValidateOpts{
			Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
		})
		if err != nil {
			return 0, fmt.Errorf("compute the code: %w", err)
		}
		if subtle.ConstantTimeCompare([]byte(want), []byte(code)) == 1 && step > last {
			match = step
		}
	}
	if match < 0 {
		return 0, ErrWrongCode
	}
	return match, nil
}

// mayTry takes one try from the key's allowance; a right code gives that one
// back, and no other: who guesses may share the key with who knows.
func (a *Authn) mayTry(fingerprint string) bool {
	now := a.now()
	a.mu.Lock()
	defer a.mu.Unlock()
	for fp, t := range a.wrong {
		if now.Sub(t.since) >= wrongSpan {
			delete(a.wrong, fp)
		}
	}
	t := a.wrong[fingerprint]
	if t == nil {
		t = &tries{since: now}
		a.wrong[fingerprint] = t
	}
	t.count++
	return t.count <= maxWrong
}

func (a *Authn) giveBack(fingerprint string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.wrong[fingerprint]
	if t == nil {
		return
	}
	if t.count--; t.count <= 0 {
		delete(a.wrong, fingerprint)
	}
}

// EnrolTOTP gives the identity name a new device, in place of any it had, and
// returns its otpauth URI, which holds the secret: show it to that person and
// nobody else.
func (a *Authn) EnrolTOTP(ctx context.Context, name string) (uri string, err error) {
	key, err := totp.Generate(totp.GenerateOpts{
		Issuer: "Trailgate", AccountName: name, Period: stepSeconds, SecretSize: 20,
		Digits: otp.DigitsSix, Algorithm: otp.AlgorithmSHA1,
	})
	if err != nil {
		return "", fmt.Errorf("make a TOTP secret for %q: %w", name, err)
	}
	err = a.store.Update(ctx, func(tx state.Tx) error {
		if _, err := tx.Identities().Get(name); err != nil {
			return err
		}
		secret := key.Secret()
		if a.seal != nil {
			secret = a.seal.Seal(aboutDevice(name), secret)
		}
		return tx.Devices().Put(state.Device{Identity: name, Secret: secret, Created: a.now()})
	})
	if err != nil {
		return "", fmt.Errorf("enrol an MFA device for %q: %w", name, err)
	}
	return key.URL(), nil
}
