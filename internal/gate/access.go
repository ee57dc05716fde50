package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// sshPort is where jumps lead, and what AuthorizeSecurityGroupIngress says.
const sshPort = 22

// target reads a target's row.
func (g *Gate) target(ctx context.Context, name string) (row state.Target, err error) {
	err = g.Store.View(ctx, func(tx state.Tx) error {
		row, err = tx.Targets().Get(name)
		return err
	})
	return row, err
}

// fresh reads the connection's identity and target again, as they are now. Its
// error is a *denial.
func (c *conn) fresh(ctx context.Context) (authn.Identity, state.Target, error) {
	id, err := c.g.Authn.Refresh(ctx, c.identity())
	switch {
	case errors.Is(err, authn.ErrKeyDisabled):
		return id, state.Target{}, &denial{reason: "your key was disabled"}
	case errors.Is(err, authn.ErrUnknownKey):
		return id, state.Target{}, &denial{reason: "your key or identity was removed"}
	case err != nil:
		return id, state.Target{}, c.inside("identity", err)
	}
	c.mu.Lock()
	c.who = id
	c.mu.Unlock()
	if c.target == "" {
		return id, state.Target{}, nil
	}
	row, err := c.g.target(ctx, c.target)
	switch {
	case errors.Is(err, state.ErrNotFound):
		return id, row, &denial{reason: fmt.Sprintf("no target named %q", c.target)}
	case err != nil:
		return id, row, c.inside("target", err)
	}
	return id, row, nil
}

// inside is a failure of ours: a denial whose detail is for the log only.
func (c *conn) inside(what string, err error) *denial {
	level := slog.LevelError
	if errors.Is(err, context.Canceled) {
		level = slog.LevelDebug // the connection ended under the question
	}
	c.g.Log.Log(context.Background(), level, "state failed, access denied", "conn", c.id, "err", err)
	return &denial{reason: what + " could not be read", code: event.InternalFailure}
}

// denial is why something is not allowed. It is an error.
type denial struct {
	reason   string
	code     string // empty means AccessDenied
	decision policy.Decision
}

func (d *denial) Error() string { return "access denied: " + d.reason }

func (d *denial) errorCode() string {
	if d.code != "" {
		return d.code
	}
	return event.AccessDenied
}

// lockID is the lock that denied, if one did.
func lockID(d policy.Decision) string {
	if d.Lock == nil {
		return ""
	}
	return d.Lock.ID
}

// authorise asks whether the connection may have a session on its target now,
// and records the answer before it counts. Its error is for the person.
func (c *conn) authorise(ctx context.Context) (id authn.Identity, row state.Target, g policy.Grant, err error) {
	id, row, err = c.fresh(ctx)
	var no *denial
	var d policy.Decision
	if !errors.As(err, &no) {
		r := c.request(id, policy.Connect, row)
		d = policy.Decide(c.g.Rules.Book(), r)
		c.g.failPolicy(ctx, c.meta(), r, d)
		if !d.Allowed {
			no = &denial{reason: d.Reason, decision: d}
		}
	}
	e := event.AuthorizeSecurityGroupIngress{
		Target: c.target, Login: c.login, Protocol: "tcp", Port: sshPort, FrontDoor: c.door,
		Fingerprint: c.identity().Fingerprint(), Policies: d.Policies, Lock: lockID(d), Reason: d.Reason,
	}
	m := c.meta()
	if no == nil {
		_, err := c.g.append(ctx, m, e)
		return id, row, d.Grant, err
	}
	e.Reason = no.reason
	return id, row, g, c.deny(ctx, m, e, no)
}

// deny records a denial and returns what the person reads. A denial that
// cannot be recorded stays a denial.
func (c *conn) deny(ctx context.Context, m event.Meta, e event.Event, no *denial) error {
	m.ErrorCode, m.ErrorMessage = no.errorCode(), no.reason
	eventID, err := c.g.append(ctx, m, e)
	if err != nil {
		return err
	}
	text := fmt.Sprintf("access denied: %s (event %s)", clean(no.reason, 1<<10), eventID)
	if no.decision.NeedsMFA {
		text += "\n" + c.mfaHint(ctx)
	}
	return &relay.Refusal{Text: text, Err: no}
}

// mfaHint says how to get a second factor proven.
func (c *conn) mfaHint(ctx context.Context) string {
	id := c.identity()
	if has, err := c.g.Authn.HasDevice(ctx, id); err == nil && !has {
		return "hint: no MFA device is enrolled for " + id.Name() + "; an administrator does it with: trailgate identity mfa " + id.Name()
	}
	return "hint: close this connection and connect again, to be asked for a code"
}

// recheck decides again whether the connection, and all that goes on in its
// session, may go on, with the rules, keys and identities of this moment, and
// ends it when not.
func (c *conn) recheck(ctx context.Context) {
	id, row, err := c.fresh(ctx)
	var no *denial
	if errors.As(err, &no) {
		if s := c.current(); s == nil && no.code == "" && id.Proven() {
			return // its target is gone, but it has no session there
		}
		c.end(newEnding(no.reason, "", "session ended: "+no.reason))
		return
	}
	book, r := c.g.Rules.Book(), c.request(id, policy.Connect, row)
	s := c.current()
	if s == nil {
		// Nothing is open that policy could be asked about; whatever is opened
		// next, is. A lock on the person ends the connection all the same.
		for _, l := range book.Locks {
			if l.Effect == policy.Deny && l.InForce(r.Time) && l.Match.Matches(r) {
				d := policy.Decide(book, c.asIf(r))
				c.end(newEnding(causeOf(d.Reason), l.ID, "session ended: "+clean(orElse(d.Reason, l.Reason), 1<<10)))
				return
			}
		}
		return
	}
	s.renew(row)
	d := policy.Decide(book, r)
	for _, under := range s.underWay(id) {
		if !d.Allowed {
			break
		}
		r, d = under, policy.Decide(book, under)
	}
	if d.Allowed {
		return
	}
	c.g.failPolicy(ctx, c.meta(), r, d)
	text := "session ended: " + clean(d.Reason, 1<<10)
	if d.NeedsMFA {
		text += "\n" + c.mfaHint(ctx)
	}
	c.end(newEnding(causeOf(d.Reason), lockID(d), text))
}

// asIf completes a request of a connection that names no target, to have a
// lock on the person explained.
func (c *conn) asIf(r policy.Request) policy.Request {
	if r.Object.Name == "" {
		r.Object.Name, r.Login = "-", "-"
	}
	return r
}

func causeOf(reason string) string { return clean(orElse(reason, "locked"), 1<<10) }

func orElse(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}
