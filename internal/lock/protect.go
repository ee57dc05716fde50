package lock

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// ErrProtected means that a lock was refused because of whom it would shut out.
var ErrProtected = errors.New("the lock would shut out somebody who must be able to come in")

// protect refuses a lock that denies a break-glass identity, or shuts out the
// last administrator, given the locks that are there.
func protect(tx state.Tx, all []policy.Lock, l policy.Lock, now time.Time) error {
	if l.Effect != policy.Deny {
		return nil // a second factor or a pause shuts nobody out
	}
	identities, err := tx.Identities().List()
	if err != nil {
		return err
	}
	roles, err := tx.Roles().List()
	if err != nil {
		return err
	}
	keys, err := tx.Keys().List()
	if err != nil {
		return err
	}
	var before []policy.Lock
	for _, old := range all {
		if old.Effect == policy.Deny && old.InForce(now) {
			before = append(before, old)
		}
	}
	after := append(slices.Clone(before), l)
	admins, left := 0, 0
	last := ""
	for _, id := range identities {
		w := whoOf(id, roles, keys)
		if id.BreakGlass && w.touched(l) {
			return fmt.Errorf("%w: %s is a break-glass identity", ErrProtected, id.Name)
		}
		if !id.Admin || w.shutOut(before) {
			continue
		}
		admins++
		if w.shutOut(after) {
			last = id.Name
		} else {
			left++
		}
	}
	if admins > 0 && left == 0 {
		return fmt.Errorf("%w: %s is the last administrator who can", ErrProtected, last)
	}
	return nil
}

// who is an identity with what it can come in with.
type who struct {
	subject policy.Subject
	keys    []string // fingerprints that are not disabled
}

func whoOf(id state.Identity, roles []state.Role, keys []state.Key) who {
	w := who{subject: policy.Subject{Name: id.Name, ARN: id.ARN}}
	for _, r := range roles {
		if slices.Contains(r.Members, id.Name) {
			w.subject.Roles = append(w.subject.Roles, r.Name)
		}
	}
	for _, k := range keys {
		if k.Identity == id.Name && !k.Disabled {
			w.keys = append(w.keys, k.Fingerprint)
		}
	}
	return w
}

// touched reports whether a lock denies the identity as such: not only on one
// target, as one login or from one place.
func (w who) touched(l policy.Lock) bool {
	if l.Match.Fingerprint == "" {
		return w.meets(l, "")
	}
	return slices.ContainsFunc(w.keys, func(k string) bool { return w.meets(l, k) })
}

// shutOut reports whether the locks leave the identity no key to come in with.
// An identity without a key cannot come in at all.
func (w who) shutOut(locks []policy.Lock) bool {
	for _, k := range w.keys {
		if !slices.ContainsFunc(locks, func(l policy.Lock) bool { return w.meets(l, k) }) {
			return false
		}
	}
	return true
}

// meets reports whether a lock matches the identity with a key wherever it
// comes from and goes to.
func (w who) meets(l policy.Lock, key string) bool {
	m := l.Match
	if m.Target != "" || m.Login != "" {
		return false
	}
	s := w.subject
	s.Fingerprint = key
	r := policy.Request{Subject: s}
	if m.Source.IsValid() {
		if m.Source.Bits() > 0 {
			return false
		}
		r.Source = m.Source.Addr() // everywhere
	}
	return m.Matches(r)
}
