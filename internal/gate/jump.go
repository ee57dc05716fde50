package gate

import (
	"context"
	"fmt"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// jumpTarget is the target that a direct-tcpip open means in ssh -J: a name in
// the gate's domain, at the SSH port.
func (c *conn) jumpTarget(o inspect.OpenDirect) (name string, ok bool) {
	name, ok = authn.TrimDomain(o.Host, c.g.Domain)
	return name, ok && o.Port == sshPort
}

// jump answers ssh -J: the channel becomes an inner SSH connection, to a
// server that is the target as far as the client can tell. The gate never
// dials what the client wrote. A name in the domain that is no target's gets a
// connection, too: that its session is denied, and why, can be read there,
// while of a refused jump OpenSSH shows no reason.
func (c *conn) jump(ctx context.Context, in *wire.Incoming, o inspect.OpenDirect, name string) {
	if _, ok := c.jumpTarget(o); !ok {
		no := &denial{reason: fmt.Sprintf("only targets can be reached: NAME.%s, port %d", c.g.Domain, sshPort)}
		reject(in, wire.Prohibited, c.deny(ctx, c.meta(), event.OpenTunnel{Host: line(o.Host, maxName), Port: int(o.Port)}, no))
		return
	}
	if !c.takeJump() {
		in.Reject(wire.ResourceShortage, "too many connections through this one")
		return
	}
	defer c.leaveJump()
	signers, err := c.g.CA.HostSigners(c.g.Now(), o.Host)
	if err != nil {
		c.g.Log.Error("host certificate failed", "conn", c.id, "err", err)
		in.Reject(wire.ConnectFailed, "the gate could not make a host certificate")
		return
	}
	ch, err := in.Accept()
	if err != nil {
		return
	}
	nc := wire.NewNetConn(ch)
	defer nc.Close()
	inner := c.g.newConn(doorJump, c.source, c)
	inner.target = name
	outer := c.identity()
	auth := &jumpAuth{attempt: attempt{c: inner, ctx: ctx}, outer: outer}
	w, err := wire.Serve(ctx, nc, wire.ServerConfig{HostKeys: signers, Auth: auth, Grace: c.g.Limits.LoginGrace, Certificate: auth.refuseCertificate})
	if err != nil {
		inner.jumpFailed(ctx, auth)
		return
	}
	inner.run(ctx, w)
}

// jumpFailed records an inner login that came to nothing. Who is behind it is
// known: the outer connection's identity.
func (c *conn) jumpFailed(ctx context.Context, a *jumpAuth) {
	if a.reason == "" {
		return // the client went away before it asked for anything
	}
	if c.open(ctx) != nil {
		return
	}
	m := c.meta()
	m.Identity, m.ErrorCode, m.ErrorMessage = a.outer.UserIdentity(), a.code, a.reason
	c.g.appendLate(ctx, m, event.Login{
		UserName: orElse(c.login, event.Hidden), Method: authn.PublicKey, Fingerprint: a.fingerprint, KeyType: a.keyType,
	})
	m.ErrorCode, m.ErrorMessage = "", ""
	c.g.appendLate(ctx, m, event.CloseConnection{Cause: a.reason})
}

func (c *conn) takeJump() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jumps >= c.g.Limits.Jumps {
		return false
	}
	c.jumps++
	return true
}

func (c *conn) leaveJump() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.jumps--
}
