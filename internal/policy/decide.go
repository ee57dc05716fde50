package policy

import (
	"net/netip"
	"time"
)

// Subject is who asks: what policy and locks may know of an identity.
type Subject struct {
	Name        string   // identity's name, e.g. alice
	ARN         string   // identity's principal ARN
	Roles       []string // names of the roles it is in
	Fingerprint string   // SHA256:… of the key that proved it
}

// Object is what is asked for: a target and its labels.
type Object struct {
	Name   string
	Labels map[string]string
}

// Action is what an identity wants to do. Each is one Cedar action.
type Action string

// The actions. Connect is asked once for each session, the others for each
// channel and request inside it.
const (
	Connect      Action = "Connect"
	Shell        Action = "Shell"
	Exec         Action = "Exec"
	Subsystem    Action = "Subsystem"
	Tunnel       Action = "Tunnel"
	ForwardAgent Action = "ForwardAgent"
	ForwardX11   Action = "ForwardX11"
)

// Request is one question for the authoriser.
type Request struct {
	Subject Subject
	Action  Action
	Object  Object
	Login   string
	MFA     bool // a second factor is proven
	Source  netip.Addr
	Time    time.Time

	Command   string // Exec
	Subsystem string // Subsystem
	Host      string // Tunnel: destination
	Port      int    // Tunnel: destination
}

// Book is an immutable snapshot of all rules: what Decide reads.
type Book struct {
	Policies *Set   // nil denies everything
	Locks    []Lock // in force or not; Decide looks at the time
}

// Decision is the answer, and why.
type Decision struct {
	Allowed  bool
	Grant    Grant    // proof for whoever acts; zero unless Allowed
	Reason   string   // one sentence for a person
	Policies []string // the policies that decided
	Lock     *Lock    // the lock that denied, nil otherwise
	NeedsMFA bool     // denied now, allowed once a second factor is proven
	Failed   string   // the policy whose evaluation failed; the answer is then a denial
	Explain  []string // what trailgate why prints: one line a step
}
