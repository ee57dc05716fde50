package policy

import (
	"net/netip"
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
