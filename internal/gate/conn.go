package gate

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// The front doors, as records name them.
const (
	doorGate = "gate"
	doorJump = "jump"
)

// clientLinger is what channels may take to come to their end after their
// client is gone, and a client to hang up after its session was ended.
const (
	clientLinger = 10 * time.Second
	hangUp       = 300 * time.Millisecond
)

// errRoom ends a login of a source that has too many of them under way.
var errRoom = errors.New("dropped to make room for another source")

var errClientLeft = newEnding("client left", "", "session ended")

// conn is one SSH connection from a client: from the network, or over a
// jump's channel (then outer is the connection of that channel).
type conn struct {
	g      *Gate
	id     string
	door   string
	source netip.AddrPort
	opened time.Time
	outer  *conn

	// Written during the login, by one goroutine, and fixed then. target is
	// empty when the user name named none.
	login, target string
	agent         string

	end context.CancelCauseFunc // with an *ending
	wg  sync.WaitGroup          // what moves its channels
	w   *wire.Conn              // set before the conn is in Gate.conns

	openOnce sync.Once
	openErr  error

	starting chan struct{} // holds one token while a session is being started

	mu      sync.Mutex // guards below
	who     authn.Identity
	session *session
	jumps   int
}

func (g *Gate) newConn(door string, source netip.AddrPort, outer *conn) *conn {
	return &conn{
		g: g, id: event.NewID(), door: door, source: source, opened: g.Now(), outer: outer,
		starting: make(chan struct{}, 1),
	}
}

// serve takes one connection from accept to end.
func (g *Gate) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	var source netip.AddrPort
	if a, ok := nc.RemoteAddr().(*net.TCPAddr); ok {
		source = netip.AddrPortFrom(a.AddrPort().Addr().Unmap(), a.AddrPort().Port())
	}
	c := g.newConn(doorGate, source, nil)
	if r := g.sources.admit(source.Addr(), g.Rules.Book().Locks, g.Now()); r != nil {
		m := c.meta()
		m.ErrorCode, m.ErrorMessage = event.Throttled, r.reason
		g.failure(ctx, m, r.reason+r.lock, event.OpenConnection{FrontDoor: c.door, Port: int(source.Port()), Lock: r.lock})
		turnAway(nc, r.text)
		return
	}
	auth := &frontAuth{attempt{c: c, ctx: ctx}}
	signers, err := g.CA.HostSigners(g.Now(), g.hostNames()...)
	if err != nil {
		g.Log.Error("host certificate failed", "conn", c.id, "err", err)
		g.sources.leave(source.Addr(), false, g.Now())
		return
	}
	login, drop := context.WithCancelCause(ctx)
	defer drop(nil)
	settled := g.sources.mayDrop(source.Addr(), func() { drop(errRoom) })
	w, err := wire.Serve(login, nc, wire.ServerConfig{HostKeys: signers, Auth: auth, Grace: g.Limits.LoginGrace, Certificate: auth.refuseCertificate})
	settled()
	failed := err != nil && ctx.Err() == nil && (auth.reason != "" || errors.Is(err, wire.ErrGrace))
	g.sources.leave(source.Addr(), failed, g.Now())
	if err != nil {
		c.loginFailed(ctx, &auth.attempt, err)
		return
	}
	c.run(ctx, w)
}

func (g *Gate) hostNames() []string {
	if len(g.Names) == 0 {
		return []string{"trailgate"}
	}
	return g.Names
}

// turnAway says why before any SSH, where RFC 4253 §4.2 lets a server write
// lines, and hangs up so that the line arrives.
func turnAway(nc net.Conn, text string) {
	nc.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(nc, "trailgate: %s\r\n", text); err != nil {
		return
	}
	if half, ok := nc.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		// An unread byte of the client would turn the close into a reset,
		// which overtakes the line.
		var b [512]byte
		for range 8 {
			if _, err := nc.Read(b[:]); err != nil {
				return
			}
		}
	}
}

// meta is what all records of this connection share.
func (c *conn) meta() event.Meta {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := event.Meta{Time: c.g.Now(), Identity: authn.Unknown(c.g.Origin.AccountID), SourceIP: c.source.Addr().String(), UserAgent: c.agent, ConnectionID: c.id}
	if c.who.Proven() {
		m.Identity = c.who.UserIdentity()
	}
	return m
}

func (c *conn) setAgent(version string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.agent == "" {
		c.agent = line(version, maxName)
	}
}

func (c *conn) identity() authn.Identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.who
}

// open records OpenConnection, before the first other record of the
// connection: a stranger who goes away at once is recorded in a count, if
// there are many.
func (c *conn) open(ctx context.Context) error {
	c.openOnce.Do(func() {
		m := c.meta()
		m.Time, m.Identity = c.opened, authn.Unknown(c.g.Origin.AccountID)
		if c.outer != nil {
			m.Identity = c.outer.identity().UserIdentity()
		}
		_, c.openErr = c.g.append(ctx, m, c.openEvent())
	})
	return c.openErr
}

func (c *conn) openEvent() event.OpenConnection {
	return event.OpenConnection{FrontDoor: c.door, Port: int(c.source.Port())}
}

// loginFailed records a login that came to nothing.
func (c *conn) loginFailed(ctx context.Context, a *attempt, err error) {
	var le *wire.LoginError
	if errors.As(err, &le) {
		c.setAgent(le.Peer.ClientVersion)
	}
	m := c.meta()
	m.ErrorCode, m.ErrorMessage = a.code, a.reason
	if a.reason == "" { // gone, or not SSH at all, before any key was tried
		m.ErrorCode, m.ErrorMessage = event.AuthenticationFailed, "no login"
		switch {
		case errors.Is(err, wire.ErrGrace):
			m.ErrorMessage = "login grace time is over"
		case errors.Is(err, errRoom):
			m.ErrorMessage = errRoom.Error()
		}
		c.g.failure(ctx, m, m.ErrorMessage, c.openEvent())
		return
	}
	login := event.Login{UserName: event.Hidden, Method: authn.PublicKey, Fingerprint: a.fingerprint, KeyType: a.keyType}
	if a.identity == nil {
		c.g.failure(ctx, m, a.reason, c.openEvent(), login)
		return
	}
	// Somebody's key was proven: never collapsed.
	m.Identity = a.identity.UserIdentity()
	if c.open(ctx) == nil {
		c.g.appendLate(ctx, m, login)
		m.ErrorCode, m.ErrorMessage = "", ""
		c.g.appendLate(ctx, m, event.CloseConnection{Cause: a.reason})
	}
}

// run serves the channels of a connection whose login is finished.
func (c *conn) run(ctx context.Context, w *wire.Conn) {
	defer w.Close()
	id, ok := w.Proof().(authn.Identity)
	if !ok || !id.Proven() {
		panic("gate: a login finished without an identity")
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	c.end, c.w = end, w
	c.mu.Lock()
	c.who = id
	c.mu.Unlock()
	c.g.add(c)
	defer c.g.remove(c)

	down := c.recordLogin(ctx)
	for {
		in, err := w.Accept(ctx)
		if err != nil {
			break
		}
		c.wg.Go(func() { c.channel(ctx, in, down) })
	}
	linger := time.AfterFunc(clientLinger, func() { end(errClientLeft) })
	c.wg.Wait()
	c.finishSession()
	linger.Stop()
	if ctx.Err() != nil { // ended by the gate: the person's client hangs up by itself
		select {
		case <-w.Done():
		case <-time.After(hangUp):
		}
	}
	w.Close()
	if down == nil {
		in, out := w.Bytes()
		m := c.meta()
		c.g.appendLate(ctx, m, event.CloseConnection{Cause: c.cause(ctx), BytesReceived: in, BytesSent: out})
	}
}

// cause is why the connection is over, for records.
func (c *conn) cause(ctx context.Context) string {
	var e *ending
	if errors.As(context.Cause(ctx), &e) {
		return e.cause
	}
	return errClientLeft.cause
}

// recordLogin records OpenConnection and Login. Its error is what every
// channel is then refused with.
func (c *conn) recordLogin(ctx context.Context) error {
	if err := c.open(ctx); err != nil {
		return err
	}
	id, algorithms := c.identity(), c.w.Algorithms()
	login := event.Login{
		UserName: c.userName(id), Method: id.Method(), MFA: id.Factor(),
		Fingerprint: id.Fingerprint(), KeyType: id.KeyType(),
		Cipher: algorithms.CipherRead, KEX: algorithms.KeyExchange, HostKey: algorithms.HostKey,
	}
	if c.door == doorJump && id.Factor() != authn.ByTOTP {
		login.Method = "none"
	}
	_, err := c.g.append(ctx, c.meta(), login)
	return err
}

// userName is what was typed, if all of it is known here.
func (c *conn) userName(id authn.Identity) string {
	user := c.w.Peer().User
	if c.target == "" {
		if user == id.Name() {
			return user
		}
		return event.Hidden
	}
	return user
}

// channel decides what a channel that the client asks for is.
func (c *conn) channel(ctx context.Context, in *wire.Incoming, down error) {
	if down != nil {
		c.refuse(ctx, in, down)
		return
	}
	if o, ok := in.Open().(inspect.OpenDirect); ok && c.door == doorGate {
		if name, isJump := c.jumpTarget(o); isJump || c.target == "" {
			c.jump(ctx, in, o, name)
			return
		}
	}
	if c.target == "" {
		c.home(ctx, in)
		return
	}
	s, err := c.begin(ctx)
	if err != nil {
		c.refuse(ctx, in, err)
		return
	}
	s.channel(ctx, in)
	s.wg.Done()
}

// refuse tells the person why a channel is not served: on stderr where there
// is one, or as the reason of the refusal.
func (c *conn) refuse(ctx context.Context, in *wire.Incoming, err error) {
	text := "access denied"
	var r *relay.Refusal
	if errors.As(err, &r) {
		text = r.Text
	} else {
		c.g.Log.Error("channel refused", "conn", c.id, "err", err)
	}
	if _, ok := in.Open().(inspect.OpenSession); !ok {
		in.Reject(wire.Prohibited, text)
		return
	}
	ch, err := in.Accept()
	if err != nil {
		return
	}
	// The client's requests come first: OpenSSH shows nothing of a channel
	// whose shell or command was refused.
	limit := time.AfterFunc(refuseTime, func() { c.w.Close() })
	defer limit.Stop()
	defer context.AfterFunc(ctx, func() { limit.Reset(endTime) })()
	for started := false; !started; {
		req, err := ch.Receive(context.Background())
		if err != nil {
			break
		}
		m, err := req.Message()
		started = err == nil && inspect.Starts(m)
		_, pty := m.(inspect.Pty)
		req.Reply(started || pty)
	}
	relay.Say(ch, text)
}

// How long a refused client may take to hear why, and how long when its
// connection is being ended.
const (
	refuseTime = 10 * time.Second
	endTime    = 700 * time.Millisecond
)
