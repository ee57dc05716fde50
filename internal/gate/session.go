package gate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/target"
)

// session is one identity's use of login@target: the leg to the target, and
// the channels on it. It ends with the client's connection, with the leg to
// the target, or when the gate ends the connection.
type session struct {
	c      *conn
	id     string
	row    state.Session
	target state.Target
	mfa    bool
	w      *wire.Conn    // to the target
	over   chan struct{} // closed when its end is recorded
	wg     sync.WaitGroup
	next   atomic.Int64 // number of the newest channel
	// Payload from and to the client, of the channels that are over.
	received, sent atomic.Int64
	// clientLeft says that the leg to the target was closed for want of a client.
	clientLeft atomic.Bool
	tape       tape
	mu         sync.Mutex        // guards below
	exit       *int              // of the channel that ended last
	agent      bool              // agent forwarding was allowed
	x11        bool              // X11 forwarding was allowed
	object     state.Target      // target as last read: its labels may have changed since the dial
	acts       map[*act]struct{} // what goes on in it
	gone       bool              // guarded by c.mu: no channel may join any more
}

// act is what goes on in a session because policy allowed it.
type act struct {
	action policy.Action
	detail func(*policy.Request) // completes the question; may be nil
}

// ask is the question whether id may do a in this session.
func (s *session) ask(id authn.Identity, a *act) policy.Request {
	s.mu.Lock()
	row := s.object
	s.mu.Unlock()
	r := s.c.request(id, a.action, row)
	if a.detail != nil {
		a.detail(&r)
	}
	return r
}

// renew has the session decided with its target as it is now.
func (s *session) renew(row state.Target) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.object = row
}

// underWay are the questions about all that goes on in the session.
func (s *session) underWay(id authn.Identity) []policy.Request {
	s.mu.Lock()
	acts := slices.Collect(maps.Keys(s.acts))
	s.mu.Unlock()
	questions := make([]policy.Request, len(acts))
	for i, a := range acts {
		questions[i] = s.ask(id, a)
	}
	return questions
}

// causeTargetLeft is the cause of a session whose target went away.
const causeTargetLeft = "target closed the connection"

// current is the connection's session, nil when it has none.
func (c *conn) current() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.session
}

// begin returns the connection's session for one more channel, which calls
// s.wg.Done when it is over. The first starts the session; for each, whether
// the connection may have it is decided anew.
func (c *conn) begin(ctx context.Context) (*session, error) {
	select {
	case c.starting <- struct{}{}:
		defer func() { <-c.starting }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if s := c.join(); s != nil {
		if err := s.again(ctx); err != nil {
			s.wg.Done()
			return nil, err
		}
		return s, nil
	}
	// Whatever the last session's end still records comes first.
	if s := c.current(); s != nil {
		<-s.over
	}
	s, err := c.start(ctx)
	if err != nil {
		return nil, err
	}
	s.wg.Add(1)
	c.mu.Lock()
	c.session = s
	c.mu.Unlock()
	go s.watch(ctx) // finishSession waits for it
	// Rules may have changed since the decision: whoever changes them from now
	// on finds this session.
	c.recheck(ctx)
	if ctx.Err() != nil {
		s.wg.Done()
		return nil, context.Cause(ctx)
	}
	return s, nil
}

// join adds a channel to the session, if there is one with a target.
func (c *conn) join() *session {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.session; s != nil && !s.gone {
		s.wg.Add(1)
		return s
	}
	return nil
}

// again decides whether the session may have one more channel. When not, the
// whole connection ends, as it would with the change of rules that did it.
func (s *session) again(ctx context.Context) error {
	id, row, err := s.c.fresh(ctx)
	var no *denial
	if !errors.As(err, &no) {
		r := s.c.request(id, policy.Connect, row)
		d := policy.Decide(s.c.g.Rules.Book(), r)
		if d.Allowed {
			s.renew(row)
			return nil
		}
		s.c.g.failPolicy(ctx, s.c.meta(), r, d)
		no = &denial{reason: d.Reason, decision: d}
	}
	err = s.c.deny(ctx, s.c.meta(), event.AuthorizeSecurityGroupIngress{
		Target: s.c.target, Login: s.c.login, Protocol: "tcp", Port: sshPort, FrontDoor: s.c.door,
		Fingerprint: s.c.identity().Fingerprint(), Policies: no.decision.Policies, Lock: lockID(no.decision), Reason: no.reason,
	}, no)
	s.c.recheck(ctx)
	return err
}

// start authorises, dials and records a session, in that order.
func (c *conn) start(ctx context.Context) (*session, error) {
	// The client may go away meanwhile.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	started := make(chan struct{})
	defer close(started)
	go func() {
		select {
		case <-c.w.Done():
			cancel(errClientLeft)
		case <-started:
		}
	}()

	id, row, grant, err := c.authorise(ctx)
	if err != nil {
		return nil, err
	}
	s := &session{c: c, id: event.NewID(), target: row, object: row, mfa: id.MFA(), over: make(chan struct{})}
	cert, err := s.certificate(ctx, id)
	if err != nil {
		return nil, err
	}
	if err := s.dial(ctx, id, grant, cert); err != nil {
		return nil, err
	}
	if err := s.begun(ctx, id, grant); err != nil {
		s.w.Close()
		return nil, err
	}
	return s, nil
}

// certificate mints the session's certificate, and records it before it can
// be used.
func (s *session) certificate(ctx context.Context, id authn.Identity) (*ca.UserCertificate, error) {
	c := s.c
	may := func(a policy.Action) bool {
		return policy.Decide(c.g.Rules.Book(), c.request(id, a, s.target)).Allowed
	}
	cert, err := c.g.CA.MintUser(ca.UserRequest{
		Login: c.login, KeyID: s.id + " " + id.Name(), Now: c.g.Now(),
		// A tunnel is decided by its destination, which nobody knows yet.
		PTY: true, PortForwarding: true,
		AgentForwarding: may(policy.ForwardAgent), X11Forwarding: may(policy.ForwardX11),
	})
	if err != nil {
		return nil, &relay.Refusal{Text: "the gate could not mint a certificate for the target", Err: err}
	}
	_, err = c.g.append(ctx, c.meta(), event.IssueCertificate{
		Target: c.target, Login: c.login, Serial: strconv.FormatUint(cert.Serial, 10), KeyID: cert.KeyID,
		Fingerprint: cert.Fingerprint,
		ValidAfter:  cert.ValidAfter.UTC().Format(time.RFC3339), ValidBefore: cert.ValidBefore.UTC().Format(time.RFC3339),
	})
	return cert, err
}

// dial connects to the target and logs in there, and records what came of it.
// A session that can begin is registered in state at the same time, so that a
// crash cannot leave it without an end.
func (s *session) dial(ctx context.Context, id authn.Identity, grant policy.Grant, cert *ca.UserCertificate) error {
	c := s.c
	began := time.Now()
	e := event.ConnectTarget{Target: c.target, Login: c.login, Address: s.target.Address}
	w, err := c.g.handshake(ctx, grant, s.target, cert, &e)
	e.Millis = time.Since(began).Milliseconds()
	m := c.meta()
	if err == nil {
		algorithms := w.Algorithms()
		e.ServerVersion = line(w.Peer().ClientVersion, maxName)
		e.Cipher, e.KEX = algorithms.CipherWrite, algorithms.KeyExchange
		s.w = w
		registered := make(chan error, 1)
		go func() { registered <- s.register(ctx, id) }()
		_, err := c.g.append(ctx, m, e)
		if failed := <-registered; failed != nil {
			w.Close()
			s.endRow(c.g.Now(), "not registered") // it may have been written all the same
			return errors.Join(&relay.Refusal{Text: "the session could not be registered; try again in a moment", Err: failed}, err)
		}
		if err != nil {
			w.Close()
			s.endRow(c.g.Now(), errTrail.cause)
		}
		return err
	}
	code, text := s.explain(err)
	m.ErrorCode, m.ErrorMessage = code, clean(err.Error(), 1<<10)
	if _, err := c.g.append(ctx, m, e); err != nil {
		return err
	}
	return &relay.Refusal{Text: text, Err: err}
}

func (g *Gate) handshake(ctx context.Context, grant policy.Grant, row state.Target, cert *ca.UserCertificate, e *event.ConnectTarget) (*wire.Conn, error) {
	tc, err := g.Dialer.Dial(ctx, grant, row)
	if err != nil {
		return nil, err
	}
	return wire.Dial(ctx, tc.Conn, wire.ClientConfig{
		User: grant.Login(), Signer: cert.Signer, HostKeyTypes: tc.Pins.KeyTypes(), Timeout: g.Limits.DialTimeout,
		HostKey: func(_ string, blob []byte) error {
			e.HostKeyFingerprint = target.Fingerprint(blob)
			return tc.Pins.Verify(blob)
		},
	})
}

// explain says what a failed dial is, for the record and for the person.
func (s *session) explain(err error) (code, text string) {
	var mismatch *target.HostKeyMismatch
	switch {
	case errors.As(err, &mismatch):
		return event.HostKeyMismatch, mismatch.Error()
	case strings.Contains(err.Error(), "unable to authenticate"):
		return event.TargetUnreachable, fmt.Sprintf("target %q does not let %q in: it must trust the user CA (trailgate ca show user) and have that account",
			s.c.target, s.c.login)
	}
	return event.TargetUnreachable, fmt.Sprintf("target %q is not reachable: %s", s.c.target, clean(err.Error(), 512))
}

// register writes the session's row.
func (s *session) register(ctx context.Context, id authn.Identity) error {
	s.row = state.Session{
		ID: s.id, Identity: id.Name(), ARN: id.ARN(), Target: s.c.target, Login: s.c.login, MFA: s.mfa,
		Source: s.c.source.Addr().String(), Connection: s.c.id, Fingerprint: id.Fingerprint(), Started: s.c.g.Now().UTC(),
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTime)
	defer cancel()
	return s.c.g.rows.put(ctx, s.row)
}

// begun records StartSession.
func (s *session) begun(ctx context.Context, id authn.Identity, grant policy.Grant) error {
	_, err := s.c.g.append(ctx, s.meta(), event.StartSession{
		FrontDoor: s.c.door, Fingerprint: id.Fingerprint(), Policies: grant.Policies(), Recording: recordingMode,
	})
	if err != nil {
		s.endRow(s.c.g.Now(), errTrail.cause)
	}
	return err
}

func (s *session) endRow(at time.Time, cause string) {
	s.row.Ended, s.row.Cause = at.UTC(), cause
	ctx, cancel := context.WithTimeout(context.Background(), appendTime)
	defer cancel()
	if err := s.c.g.rows.put(ctx, s.row); err != nil {
		s.c.g.Log.Error("session row not ended", "session", s.id, "err", err)
	}
}

// meta is what the records of this session share.
func (s *session) meta() event.Meta {
	m := s.c.meta()
	m.Session = &event.Session{ID: s.id, Target: s.c.target, Login: s.c.login, MFA: s.mfa}
	return m
}

// watch serves the target's side until it is gone, waits for the channels, and
// records the end.
func (s *session) watch(ctx context.Context) {
	defer close(s.over)
	s.fromTarget(ctx)
	c := s.c
	c.mu.Lock()
	s.gone = true
	c.mu.Unlock()
	s.wg.Wait()
	cause := causeTargetLeft
	var e *ending
	if errors.As(context.Cause(ctx), &e) {
		cause = e.cause
	} else if s.clientLeft.Load() {
		cause = errClientLeft.cause
	}
	s.finish(ctx, cause, e)
	c.mu.Lock()
	if c.session == s {
		c.session = nil
	}
	c.mu.Unlock()
}

// finish seals the recording and records the end.
func (s *session) finish(ctx context.Context, cause string, e *ending) {
	g, m := s.c.g, s.meta()
	s.tape.seal(ctx, s)
	now := g.Now()
	end := event.EndSession{
		Cause: cause, Millis: now.Sub(s.row.Started).Milliseconds(),
		BytesReceived: s.received.Load(), BytesSent: s.sent.Load(),
	}
	if e != nil {
		end.Lock = e.lock
	}
	s.mu.Lock()
	end.ExitStatus = s.exit
	s.mu.Unlock()
	m.Time = now
	// The row ends with its record: a crash in between leaves the end to
	// EndOrphans.
	g.appendThen(ctx, m, end, func() { s.endRow(now, cause) })
	g.Log.Info("session ended", "session", s.id, "identity", s.row.Identity, "login", s.row.Login, "target", s.row.Target)
}

// finishSession ends the session of a connection whose channels are all over.
func (c *conn) finishSession() {
	if s := c.current(); s != nil {
		s.clientLeft.Store(true)
		s.w.Close()
		<-s.over
	}
}
