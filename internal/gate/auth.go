package gate

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// Both front doors answer every key offer alike: any key may try a signature.
// So nobody learns by offering public keys who is enrolled here, and the only
// thing that proves anything is a signature.

// What is asked for a second factor.
const (
	codeInstruction = "A second factor is required for %s on %s."
	codePrompt      = "Code from your authenticator app: "
)

// failed is why a login came to nothing, for its record.
type failed struct {
	reason      string // constant text: floods are collapsed by it
	code        string
	fingerprint string
	keyType     string
	identity    *authn.Identity // when its key was proven and its code was wrong
	certificate bool            // of a user certificate
}

// attempt is what one login on c has come to so far. It holds reasons for the
// record, never an identity: those travel in the verdicts.
type attempt struct {
	c   *conn
	ctx context.Context // of the connection: package wire's Auth has none
	failed
}

func (a *attempt) fail(f failed) wire.Verdict {
	if !a.certificate { // which a client follows up with its bare key
		a.failed = f
	}
	return wire.Verdict{}
}

// refuseCertificate notes that a user certificate was shown: only keys that are
// enrolled prove an identity, and the person is told so.
func (a *attempt) refuseCertificate(_ wire.Peer, k wire.Key, expired bool) (notice string) {
	f := failed{reason: "user certificate", code: event.AuthenticationFailed, fingerprint: k.Fingerprint, keyType: line(k.Algorithm, maxName), certificate: true}
	notice = "user certificates are not taken: log in with a key that is enrolled (trailgate key create)"
	if expired {
		f.reason, notice = "expired user certificate", "your certificate has expired, and "+notice
	}
	a.fail(f)
	return notice
}

// begin makes the identity of a verified key.
func (a *attempt) begin(k wire.Key) (authn.Identity, wire.Verdict, bool) {
	id, err := a.c.g.Authn.Begin(a.ctx, k.Fingerprint, k.Blob, a.c.source.Addr())
	if err == nil {
		return id, wire.Verdict{}, true
	}
	f := failed{reason: "internal failure", code: event.InternalFailure, fingerprint: k.Fingerprint, keyType: line(k.Algorithm, maxName)}
	switch {
	case errors.Is(err, authn.ErrUnknownKey):
		f.reason, f.code = "unknown key", event.AuthenticationFailed
	case errors.Is(err, authn.ErrKeyDisabled):
		f.reason, f.code = "key disabled", event.AuthenticationFailed
	default:
		a.c.g.Log.Error("authentication failed inside", "conn", a.c.id, "err", err)
	}
	return authn.Identity{}, a.fail(f), false
}

// settle accepts id for the connection's login on its target, or asks for a
// second factor where one is required, not proven, and enrolled. Whether
// anything is allowed is decided, and said, when a channel asks for it.
func (a *attempt) settle(id authn.Identity) wire.Verdict {
	c := a.c
	if c.target == "" || id.MFA() {
		return wire.Verdict{Outcome: wire.Accept, Proof: id}
	}
	row, err := c.g.target(a.ctx, c.target)
	if err != nil {
		return wire.Verdict{Outcome: wire.Accept, Proof: id}
	}
	d := policy.Decide(c.g.Rules.Book(), c.request(id, policy.Connect, row))
	if !d.NeedsMFA {
		return wire.Verdict{Outcome: wire.Accept, Proof: id}
	}
	// Behind a jump, a code may have been given on an earlier inner connection.
	if id, err = c.g.Authn.Recall(a.ctx, id); err == nil && id.MFA() {
		return wire.Verdict{Outcome: wire.Accept, Proof: id}
	}
	has, err := c.g.Authn.HasDevice(a.ctx, id)
	if err != nil {
		c.g.Log.Error("authentication failed inside", "conn", c.id, "err", err)
		return a.fail(failed{reason: "internal failure", code: event.InternalFailure, fingerprint: id.Fingerprint()})
	}
	if !has {
		return wire.Verdict{Outcome: wire.Accept, Proof: id}
	}
	return a.ask(id)
}

func (a *attempt) ask(id authn.Identity) wire.Verdict {
	return wire.Verdict{
		Outcome: wire.Ask, Proof: id, Prompt: codePrompt,
		Instruction: fmt.Sprintf(codeInstruction, a.c.login, a.c.target),
	}
}

// Answer checks a code. Right or wrong, it is recorded before it counts.
func (a *attempt) Answer(p wire.Peer, answer string) wire.Verdict {
	id, ok := p.Proof.(authn.Identity)
	if !ok {
		return a.fail(failed{reason: "no key", code: event.AuthenticationFailed})
	}
	a.c.setAgent(p.ClientVersion)
	proven, err := a.c.g.Authn.TOTP(a.ctx, id, answer)
	check := event.CheckMfa{Type: "totp", Fingerprint: id.Fingerprint(), Result: "Success"}
	m := a.c.meta()
	m.Identity = id.UserIdentity()
	wrong := failed{reason: "wrong code", code: event.AuthenticationFailed, fingerprint: id.Fingerprint(), keyType: id.KeyType(), identity: &id}
	switch {
	case err == nil:
		m.Identity = proven.UserIdentity()
	case errors.Is(err, authn.ErrWrongCode):
	case errors.Is(err, authn.ErrTooManyCodes):
		wrong.reason = "too many wrong codes"
	default:
		wrong.reason, wrong.code = "internal failure", event.InternalFailure
		a.c.g.Log.Error("authentication failed inside", "conn", a.c.id, "err", err)
	}
	if err != nil {
		check.Result, m.ErrorCode, m.ErrorMessage = "Failure", wrong.code, wrong.reason
	}
	if a.c.open(a.ctx) != nil {
		return a.fail(wrong)
	}
	if _, err := a.c.g.append(a.ctx, m, check); err != nil {
		a.fail(failed{reason: "trail unavailable", code: event.TrailUnavailable, fingerprint: id.Fingerprint(), identity: &id})
		return wire.Verdict{Notice: trailDown}
	}
	switch {
	case err == nil:
		return wire.Verdict{Outcome: wire.Accept, Proof: proven}
	case errors.Is(err, authn.ErrWrongCode):
		a.failed = wrong
		return a.ask(id)
	}
	return a.fail(wrong)
}

// frontAuth is the login at the front door: a key, then a code where the
// target that the user name names requires one.
type frontAuth struct{ attempt }

func (a *frontAuth) None(p wire.Peer) wire.Verdict {
	a.c.setAgent(p.ClientVersion)
	return wire.Verdict{}
}

func (a *frontAuth) Known(p wire.Peer, k wire.Key) bool {
	if a.reason == "" {
		a.fail(failed{reason: "no signature", code: event.AuthenticationFailed})
	}
	return true
}

func (a *frontAuth) Verified(p wire.Peer, k wire.Key) wire.Verdict {
	c := a.c
	c.setAgent(p.ClientVersion)
	login, target, err := authn.ParseUser(p.User)
	if errors.Is(err, authn.ErrUserName) {
		a.fail(failed{reason: "malformed user name", code: event.InvalidName, fingerprint: k.Fingerprint, keyType: line(k.Algorithm, maxName)})
		return wire.Verdict{Notice: err.Error()}
	}
	id, verdict, ok := a.begin(k)
	if !ok {
		return verdict
	}
	if err == nil {
		target, _ = authn.TrimDomain(target, c.g.Domain)
		c.login, c.target = login, target
	}
	return a.settle(id)
}

// jumpAuth is the login on an inner connection behind a jump. The identity is
// the outer connection's, already: "none" is enough. Clients that never try
// "none" when they have a key (paramiko) may offer one; somebody else's key is
// a denial.
type jumpAuth struct {
	attempt
	outer   authn.Identity
	foreign bool // somebody else's key was proven: nothing is accepted any more
}

func (a *jumpAuth) name(p wire.Peer) (wire.Verdict, bool) {
	a.c.setAgent(p.ClientVersion)
	if a.foreign {
		return wire.Verdict{}, false
	}
	if !authn.ValidLogin(p.User) {
		a.fail(failed{reason: "malformed user name", code: event.InvalidName})
		return wire.Verdict{Notice: "the user name is not a login on " + a.c.target}, false
	}
	a.c.login = p.User
	return wire.Verdict{}, true
}

func (a *jumpAuth) None(p wire.Peer) wire.Verdict {
	if v, ok := a.name(p); !ok {
		return v
	}
	return a.settle(a.outer)
}

func (a *jumpAuth) Known(wire.Peer, wire.Key) bool { return true }

func (a *jumpAuth) Verified(p wire.Peer, k wire.Key) wire.Verdict {
	if v, ok := a.name(p); !ok {
		return v
	}
	id, v, ok := a.begin(k)
	switch {
	case !ok:
		return v
	case id.Name() != a.outer.Name():
		a.foreign = true
		a.fail(failed{reason: "key of another identity", code: event.AccessDenied, fingerprint: id.Fingerprint(), keyType: id.KeyType(), identity: &a.outer})
		return wire.Verdict{Notice: "access denied: this key belongs to somebody else than the jump"}
	}
	return a.settle(a.outer)
}

// request is a question about this connection's login on row.
func (c *conn) request(id authn.Identity, action policy.Action, row state.Target) policy.Request {
	return policy.Request{
		Subject: id.Subject(), Action: action, Object: policy.Object{Name: row.Name, Labels: row.Labels},
		Login: c.login, MFA: id.MFA(), Source: c.sourceAddr(), Time: c.g.Now(),
	}
}

func (c *conn) sourceAddr() netip.Addr { return c.source.Addr() }
