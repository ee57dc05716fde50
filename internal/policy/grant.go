package policy

import (
	"net/netip"
	"slices"
	"time"
)

// Grant is one positive decision with its limits: the proof that whoever acts
// was allowed to. Only Decide makes one that is Valid; the zero Grant proves
// nothing.
type Grant struct {
	request  Request
	policies []string
}

// Valid reports whether Decide made the grant.
func (g Grant) Valid() bool { return g.request.Action != "" }

// Subject is who was allowed.
func (g Grant) Subject() Subject {
	s := g.request.Subject
	s.Roles = slices.Clone(s.Roles)
	return s
}

// Action is what was allowed.
func (g Grant) Action() Action { return g.request.Action }

// Target is the name of the target it was allowed on.
func (g Grant) Target() string { return g.request.Object.Name }

// Login is the account on the target it was allowed as.
func (g Grant) Login() string { return g.request.Login }

// MFA reports whether a second factor was proven when it was allowed.
func (g Grant) MFA() bool { return g.request.MFA }

// Source is where the client was.
func (g Grant) Source() netip.Addr { return g.request.Source }

// Time is when it was allowed.
func (g Grant) Time() time.Time { return g.request.Time }

// Policies are the names of the permits that allowed it.
func (g Grant) Policies() []string { return slices.Clone(g.policies) }
