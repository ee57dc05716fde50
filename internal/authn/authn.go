package authn

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/state"
)

// Errors a caller decides on.
var (
	// ErrUnknownKey is a key nobody enrolled, or one whose identity is gone.
	ErrUnknownKey = errors.New("no identity has this key")
	// ErrKeyDisabled is an enrolled key that was disabled.
	ErrKeyDisabled = errors.New("the key is disabled")
	// ErrNoDevice is an identity without a second factor.
	ErrNoDevice = errors.New("no MFA device is enrolled")
	// ErrWrongCode is a code that is not valid now, or has been used.
	ErrWrongCode = errors.New("wrong or used code")
	// ErrTooManyCodes is a key that gave too many wrong codes.
	ErrTooManyCodes = errors.New("too many wrong codes; wait ten minutes")
)

// DefaultRemember is how long a second factor is remembered for its key and
// source address.
const DefaultRemember = 10 * time.Minute

// Deps is what an Authn works with.
type Deps struct {
	Store     state.Store
	AccountID string           // for identities without an ARN of their own
	Now       func() time.Time // nil means time.Now
	Remember  time.Duration    // limits.mfa_remember; 0 means DefaultRemember, negative never
	Sealer    Sealer           // of secrets in the store; without one there are no access keys
}

// Authn is the authenticator.
type Authn struct {
	store    state.Store
	account  string
	now      func() time.Time
	remember time.Duration
	seal     Sealer

	mu     sync.Mutex // guards below; never held during I/O
	proofs map[proofKey]proof
	wrong  map[string]*tries // by fingerprint
}

// New returns an authenticator over d.Store.
func New(d Deps) *Authn {
	a := &Authn{
		store: d.Store, account: d.AccountID, now: d.Now, remember: d.Remember, seal: d.Sealer,
		proofs: make(map[proofKey]proof), wrong: make(map[string]*tries),
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.remember == 0 {
		a.remember = DefaultRemember
	}
	return a
}

// Begin makes the identity of a key whose signature over this connection was
// just verified (RFC 4252 §7), from source. It must not be called for a key
// that was only offered. The second factor counts as proven when it was, for
// this key and source, a short while ago.
func (a *Authn) Begin(ctx context.Context, fingerprint string, blob []byte, source netip.Addr) (Identity, error) {
	pub, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return Identity{}, fmt.Errorf("read the public key: %w", err)
	}
	if ssh.FingerprintSHA256(pub) != fingerprint {
		return Identity{}, fmt.Errorf("read the public key: it does not have the fingerprint %q", fingerprint)
	}
	found, err := a.lookup(ctx, fingerprint)
	if err != nil {
		return Identity{}, err
	}
	id := found.identity
	id.keyType = pub.Type()
	id.source = source.Unmap()
	id.since = a.now()
	if found.hasDevice && a.remembered(id, found) {
		id.mfa = ByMemory
	}
	return id, nil
}

// Refresh reads i's identity, key and roles again, and fails with
// ErrUnknownKey or ErrKeyDisabled when they would no longer prove it. What was
// proven stays proven.
func (a *Authn) Refresh(ctx context.Context, i Identity) (Identity, error) {
	found, err := a.lookup(ctx, i.fingerprint)
	if err != nil {
		return Identity{}, err
	}
	if found.identity.name != i.name {
		return Identity{}, fmt.Errorf("the key changed hands: %w", ErrUnknownKey)
	}
	id := found.identity
	id.keyType, id.source, id.since, id.mfa = i.keyType, i.source, i.since, i.mfa
	return id, nil
}

// Recall is i with its second factor proven, if that was done for its key and
// source a short while ago on another connection; otherwise i as it is.
func (a *Authn) Recall(ctx context.Context, i Identity) (Identity, error) {
	if i.MFA() {
		return i, nil
	}
	f, err := a.lookup(ctx, i.fingerprint)
	if err != nil {
		return i, err
	}
	if f.hasDevice && f.identity.name == i.name && a.remembered(i, f) {
		i.mfa = ByMemory
	}
	return i, nil
}

// HasDevice says whether i has a second factor to be asked for.
func (a *Authn) HasDevice(ctx context.Context, i Identity) (bool, error) {
	found, err := a.lookup(ctx, i.fingerprint)
	return found.hasDevice, err
}

// found is what state knows behind a fingerprint, read in one snapshot.
type found struct {
	identity   Identity
	keyCreated time.Time
	hasDevice  bool
	device     deviceID
}

// deviceID tells one enrolment of a device from the next.
type deviceID [sha256.Size]byte

func deviceIDOf(d state.Device) deviceID { return sha256.Sum256([]byte(d.Secret)) }

func (a *Authn) lookup(ctx context.Context, fingerprint string) (found, error) {
	var f found
	err := a.store.View(ctx, func(tx state.Tx) error {
		key, err := tx.Keys().Get(fingerprint)
		switch {
		case errors.Is(err, state.ErrNotFound):
			return ErrUnknownKey
		case err != nil:
			return err
		case key.Disabled:
			return ErrKeyDisabled
		}
		row, err := tx.Identities().Get(key.Identity)
		if errors.Is(err, state.ErrNotFound) {
			return ErrUnknownKey
		} else if err != nil {
			return err
		}
		roles, err := tx.Roles().List()
		if err != nil {
			return err
		}
		f.identity = identityOf(row, roles, a.account)
		f.identity.fingerprint = fingerprint
		f.keyCreated = key.Created
		device, err := tx.Devices().Get(row.Name)
		if errors.Is(err, state.ErrNotFound) {
			return nil
		} else if err != nil {
			return err
		}
		f.hasDevice, f.device = true, deviceIDOf(device)
		return nil
	})
	if err != nil {
		return found{}, fmt.Errorf("look up key %s: %w", fingerprint, err)
	}
	return f, nil
}
