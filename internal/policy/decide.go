package policy

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
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

// The actions on a target. Connect is asked once for each session, the others
// for each channel and request inside it.
const (
	Connect      Action = "Connect"
	Shell        Action = "Shell"
	Exec         Action = "Exec"
	Subsystem    Action = "Subsystem"
	Tunnel       Action = "Tunnel"
	ForwardAgent Action = "ForwardAgent"
	ForwardX11   Action = "ForwardX11"
)

// The actions on the trail, asked for each call of the CloudTrail API.
const (
	ReadTrail      Action = "ReadTrail"      // every event, by lookup or query
	ReadOwnEvents  Action = "ReadOwnEvents"  // the events one caused oneself
	ReadLogFiles   Action = "ReadLogFiles"   // log files, digests and the keys they are signed with
	PutAuditEvents Action = "PutAuditEvents" // add events from outside
)

// OnTrail says whether the action is one on the trail. Its request has no
// login, and its object is the trail.
func (a Action) OnTrail() bool { return slices.Contains(trailActions, a) }

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

// ErrDenied is what callers wrap a denial in when they must return an error.
var ErrDenied = errors.New("access denied")

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

// malformed is Decision.Failed when no policy could be asked.
const malformed = "request"

// Decide answers a request from the book. It always answers: whatever fails on
// the way is a denial.
func Decide(b Book, r Request) Decision {
	if err := r.check(); err != nil {
		return Decision{Reason: err.Error(), Failed: malformed, Explain: []string{"denied: " + err.Error()}}
	}
	q := ask(r, r.MFA)
	d := decide(b, r, q)
	if !d.Allowed && !r.MFA && d.Failed == "" && decide(b, withMFA(r), ask(r, true)).Allowed {
		d.NeedsMFA = true
		d.Reason = "a second factor is required"
		if l := inForce(b.Locks, r, RequireMFA); l != nil {
			d.Lock, d.Reason = l, l.sentence()
		}
	}
	if d.Allowed {
		r.Subject.Roles = slices.Clone(r.Subject.Roles)
		d.Grant = Grant{request: r, policies: d.Policies}
	}
	d.explain(b, r, &q)
	return d
}

func withMFA(r Request) Request {
	r.MFA = true
	return r
}

// decide asks the locks and the policies: deny locks first; a require_mfa lock
// last, so that nobody is asked for a factor that would not help.
func decide(b Book, r Request, q question) Decision {
	if l := inForce(b.Locks, r, Deny); l != nil {
		return Decision{Reason: l.sentence(), Lock: l}
	}
	d := b.Policies.answer(q)
	if l := inForce(b.Locks, r, RequireMFA); l != nil && d.Allowed && !r.MFA {
		return Decision{Reason: l.sentence(), Policies: d.Policies, Lock: l}
	}
	return d
}

// answer asks the policies. Only Allowed, Policies, Failed and Reason are set;
// the reason of a default denial is left to explain.
func (s *Set) answer(q question) Decision {
	if missing := q.missing(); missing != "" {
		return Decision{Failed: malformed, Reason: fmt.Sprintf("the request has no context.%s", missing)}
	}
	verdict, diag := cedar.Authorize(s.about(q), q.entities, q.req)
	if len(diag.Errors) > 0 {
		e := diag.Errors[0]
		return Decision{
			Failed:   string(e.PolicyID),
			Policies: []string{string(e.PolicyID)},
			Reason:   fmt.Sprintf("policy %s failed: %s", e.PolicyID, e.Message),
		}
	}
	d := Decision{Allowed: verdict == cedar.Allow}
	for _, why := range diag.Reasons {
		d.Policies = append(d.Policies, string(why.PolicyID))
	}
	switch names := strings.Join(d.Policies, ", "); {
	case d.Allowed:
		d.Reason = "permitted by " + names
	case len(d.Policies) > 0:
		d.Reason = "forbidden by " + names
		for _, r := range s.rules {
			if r.name == d.Policies[0] && r.reason != "" {
				d.Reason += ": " + r.reason
			}
		}
	}
	return d
}

// missing names an attribute every context of the question's action has and
// this one lacks. An absent attribute must not make a guarded forbid pass.
func (q question) missing() string {
	for _, at := range common {
		if _, ok := q.req.Context.Get(types.String(at.name)); !ok {
			return at.name
		}
	}
	for _, at := range special[Action(q.req.Action.ID)] {
		if _, ok := q.req.Context.Get(types.String(at.name)); !ok {
			return at.name
		}
	}
	return ""
}

// explain fills in Explain, and the reason of a default denial.
func (d *Decision) explain(b Book, r Request, q *question) {
	lines, near := b.Policies.lines(q, d.Allowed)
	if d.Reason == "" {
		d.Reason = fmt.Sprintf("no policy permits %s to %s", r.Subject.Name, r.what())
		if near != nil {
			d.Reason += fmt.Sprintf("; nearest is %s: %s", near.rule.name, near.why(q))
		}
	}
	verdict, may := "denied", "may not"
	if d.Allowed {
		verdict, may = "allowed", "may"
	}
	mfa := "no"
	if r.MFA {
		mfa = "yes"
	}
	d.Explain = append(d.Explain,
		fmt.Sprintf("%s: %s %s %s: %s", verdict, r.Subject.Name, may, r.what(), d.Reason),
		fmt.Sprintf("asked: %s%s; second factor: %s; %s%s", r.Subject.Name, q.inRoles(), mfa, r.from(), r.Time.UTC().Format("Monday 2006-01-02 15:04 MST")))
	for _, l := range b.Locks {
		if l.InForce(r.Time) && l.Match.Matches(r) {
			d.Explain = append(d.Explain, fmt.Sprintf("lock %s (%s): matches %s: %s", l.ID, l.Effect, l.Match, l.Reason))
		}
	}
	d.Explain = append(d.Explain, lines...)
	if d.NeedsMFA {
		d.Explain = append(d.Explain, "with a second factor it would be allowed")
	}
}

// from is the source in words; nothing where none was given.
func (r Request) from() string {
	if !r.Source.IsValid() || r.Source.IsUnspecified() {
		return ""
	}
	return fmt.Sprintf("from %s; ", r.Source.Unmap())
}

// what is the act in words: connect to web1 as deploy.
func (r Request) what() string {
	verb := ""
	switch r.Action {
	case Connect:
		return fmt.Sprintf("connect to %s as %s", r.Object.Name, r.Login)
	case Shell:
		verb = "open a shell"
	case Exec:
		verb = fmt.Sprintf("run %q", brief(r.Command))
	case Subsystem:
		verb = fmt.Sprintf("start subsystem %q", brief(r.Subsystem))
	case Tunnel:
		verb = fmt.Sprintf("open a tunnel to %q port %d", brief(r.Host), r.Port)
	case ForwardAgent:
		verb = "forward an agent"
	case ForwardX11:
		verb = "forward X11"
	case ReadTrail:
		return "read the trail " + r.Object.Name
	case ReadOwnEvents:
		return "read their own events of the trail " + r.Object.Name
	case ReadLogFiles:
		return "read the log files of the trail " + r.Object.Name
	case PutAuditEvents:
		return "put events into the trail " + r.Object.Name
	}
	return fmt.Sprintf("%s on %s as %s", verb, r.Object.Name, r.Login)
}

// brief cuts text to what fits a sentence.
func brief(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
