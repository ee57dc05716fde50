package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// Effect is what a lock does to what it matches.
type Effect string

// The effects of a lock.
const (
	Deny       Effect = "deny"
	RequireMFA Effect = "require_mfa"
	Throttle   Effect = "throttle" // by source only: one new connection an interval
)

// Lock is a rule in force on what it matches, until it expires or is deleted.
// A lock matches when every field of Match that is set matches.
type Lock struct {
	ID      string    `json:"id"`
	Effect  Effect    `json:"effect"`
	Match   Match     `json:"match"`
	Reason  string    `json:"reason"` // the person it ends reads this
	Created time.Time `json:"created"`
	By      string    `json:"by"`            // identity's ARN, or runbook:ID
	Run     string    `json:"run,omitempty"` // the run that created it
	Expires time.Time `json:"expires,omitzero"`
}

// Match says what a lock is about. The zero Match matches nothing.
type Match struct {
	Identity    string       `json:"identity,omitempty"` // name or ARN
	Role        string       `json:"role,omitempty"`
	Source      netip.Prefix `json:"source,omitzero"`
	Target      string       `json:"target,omitempty"`
	Login       string       `json:"login,omitempty"`
	Fingerprint string       `json:"fingerprint,omitempty"`
}

// InForce reports whether the lock is in force at a time.
func (l Lock) InForce(at time.Time) bool { return l.Expires.IsZero() || at.Before(l.Expires) }

// sentence is what the person it stops reads.
func (l Lock) sentence() string {
	text := "locked"
	if l.Effect == RequireMFA {
		text = "a second factor is required"
	}
	if !l.Expires.IsZero() {
		text += " until " + l.Expires.UTC().Format(time.RFC3339)
	}
	if l.Reason != "" {
		text += ": " + l.Reason
	}
	return text
}

// Matches reports whether every field that is set matches the request. The
// zero Match matches nothing.
func (m Match) Matches(r Request) bool {
	return m != (Match{}) &&
		(m.Identity == "" || m.Identity == r.Subject.Name || m.Identity == r.Subject.ARN) &&
		(m.Role == "" || slices.Contains(r.Subject.Roles, m.Role)) &&
		(m.Source == (netip.Prefix{}) || m.contains(r.Source)) &&
		(m.Target == "" || m.Target == r.Object.Name && !r.Action.OnTrail()) &&
		(m.Login == "" || m.Login == r.Login) &&
		(m.Fingerprint == "" || m.Fingerprint == r.Subject.Fingerprint)
}

// contains reports whether a source is in the match's prefix. An IPv4 address
// is the same one when it comes as IPv6 (::ffff:a.b.c.d), on either side.
func (m Match) contains(source netip.Addr) bool {
	p := m.Source
	if a := p.Addr(); a.Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(a.Unmap(), p.Bits()-96)
	}
	return p.Contains(source.Unmap().WithZone(""))
}

// String lists the fields that are set: identity alice, source 203.0.113.7/32.
func (m Match) String() string {
	var set []string
	add := func(name, value string) {
		if value != "" {
			set = append(set, name+" "+value)
		}
	}
	add("identity", m.Identity)
	add("role", m.Role)
	if m.Source != (netip.Prefix{}) {
		add("source", m.Source.String())
	}
	add("target", m.Target)
	add("login", m.Login)
	add("key", m.Fingerprint)
	if len(set) == 0 {
		return "nothing"
	}
	return strings.Join(set, ", ")
}

// Check says what is wrong with a lock somebody wants to put in force.
func (l Lock) Check() error {
	switch {
	case l.Effect != Deny && l.Effect != RequireMFA && l.Effect != Throttle:
		return fmt.Errorf("effect %q is none of %s, %s, %s", l.Effect, Deny, RequireMFA, Throttle)
	case l.Match == (Match{}):
		return fmt.Errorf("the lock matches nothing: name an identity, role, source, target, login or key")
	case l.Effect == Throttle && (l.Match != Match{Source: l.Match.Source}):
		return fmt.Errorf("a throttle matches by source alone, not %s", l.Match)
	case l.Match.Source != (netip.Prefix{}) && !l.Match.Source.IsValid():
		return fmt.Errorf("the source is not an address or a prefix")
	}
	return nil
}

// Throttled returns the throttle in force on a source, nil for none: the gate
// admits one new connection an interval from it.
func Throttled(locks []Lock, source netip.Addr, at time.Time) *Lock {
	r := Request{Source: source, Time: at}
	return inForce(locks, r, Throttle)
}

// inForce returns the first lock with an effect that is in force and matches.
func inForce(locks []Lock, r Request, effect Effect) *Lock {
	for i := range locks {
		if l := &locks[i]; l.Effect == effect && l.InForce(r.Time) && l.Match.Matches(r) {
			found := *l
			return &found
		}
	}
	return nil
}
