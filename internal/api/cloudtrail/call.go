package cloudtrail

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/api/cloudtrail/sigv4"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/policy"
)

// dialect is how requests and answers are written.
type dialect int

const (
	jsonDialect dialect = iota // POST /: awsJson1.1
	dataDialect                // POST /PutAuditEvents: rest-json
	s3Dialect                  // everything else
)

// call is one request on its way.
type call struct {
	s         *Server
	dialect   dialect
	requestID string
	source    netip.Addr
	agent     string
	now       time.Time
	method    string
	path      string // as S3 answers name it

	who   authn.Identity // once the signature verified
	claim *sigv4.Claim
	body  []byte
	own   bool // only the caller's own events and queries

	recorded bool   // its event is in the trail
	leave    func() // gives its place back
}

func (s *Server) newCall(r *http.Request) *call {
	c := &call{s: s, dialect: s3Dialect, requestID: event.NewID(), agent: r.UserAgent(), now: s.Now(), method: r.Method, path: r.URL.Path, leave: func() {}}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		c.source, _ = netip.ParseAddr(host)
	}
	c.source = c.source.Unmap().WithZone("")
	if r.Method == http.MethodPost {
		switch {
		case r.URL.Path == "/" && r.Header.Get("X-Amz-Target") != "", strings.HasPrefix(r.URL.Path, "/service/"):
			c.dialect = jsonDialect
		case r.URL.Path == auditPath:
			c.dialect = dataDialect
		}
	}
	return c
}

// rules are what a signature must keep to.
func (c *call) rules(r *http.Request) (rules sigv4.Rules, maxBody int64) {
	region := c.s.Origin.Region
	switch c.dialect {
	case jsonDialect:
		return sigv4.Rules{Service: "cloudtrail", Regions: []string{region}, Skew: 5 * time.Minute}, maxJSON
	case dataDialect:
		return sigv4.Rules{Service: "cloudtrail-data", Regions: []string{region}, Skew: 5 * time.Minute}, maxAudit
	}
	rules = sigv4.Rules{Service: "s3", Regions: []string{region}, Skew: 15 * time.Minute, Unsigned: true}
	if r.URL.Query().Has("location") {
		// Clients ask us-east-1 where a bucket is, wherever that turns out to be.
		rules.Regions = append(rules.Regions, "us-east-1")
	}
	return rules, 0
}

// prove finds out who calls, and reads the body.
func (c *call) prove(ctx context.Context, w http.ResponseWriter, r *http.Request) error {
	claim, err := sigv4.Read(r)
	if err != nil {
		return c.stranger(ctx, "", err)
	}
	if wait := c.s.strange.wait(c.source, claim.KeyID, c.now); wait > 0 {
		return errThrottled
	}
	rules, most := c.rules(r)
	if err := claim.Check(rules, c.now); err != nil {
		return c.stranger(ctx, claim.KeyID, err)
	}
	// A body is read for a key that exists, and for so many at a time: who has
	// none cannot use up memory, nor the places of those who have.
	c.who, err = c.s.Signers.Signed(ctx, claim.KeyID, claim.Token, c.source, func(secret string) error {
		if c.dialect == s3Dialect && r.Method == http.MethodPut {
			// Refused and recorded, whatever it would write.
			if err := c.take(); err != nil {
				return err
			}
			return claim.VerifyUnread(secret)
		}
		if err := c.read(w, r, most); err != nil {
			return err
		}
		return claim.Verify(secret, c.body)
	})
	var known *apiError
	if errors.As(err, &known) {
		return known // the body's fault
	}
	if err != nil {
		return c.stranger(ctx, claim.KeyID, err)
	}
	c.claim = claim
	c.s.strange.known(c.source, claim.KeyID, c.now)
	return nil
}

// take takes a place among the calls that are served.
func (c *call) take() error {
	select {
	case c.s.busy <- struct{}{}:
		c.leave = func() { <-c.s.busy }
		return nil
	default:
		return errBusy
	}
}

// read takes a place and reads the body.
func (c *call) read(w http.ResponseWriter, r *http.Request, most int64) (err error) {
	if err := c.take(); err != nil {
		return err
	}
	if r.ContentLength > most {
		return errTooLarge
	}
	if c.body, err = io.ReadAll(http.MaxBytesReader(w, r.Body, most)); err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			return errTooLarge
		}
		return &apiError{http.StatusRequestTimeout, "RequestTimeoutException", "The request's body did not arrive in time."}
	}
	return nil
}

// accessKeyID is what may be recorded of a key ID that proved nothing: people
// paste secrets into the wrong line.
var accessKeyID = regexp.MustCompile(`^(AKIA|ASIA)[A-Z2-7]{16}$`)

// stranger records that somebody proved nothing, and returns what they are
// told.
func (c *call) stranger(ctx context.Context, keyID string, err error) error {
	answer := unproven(err, c.dialect)
	if answer.status >= http.StatusInternalServerError {
		c.s.Log.Error("the identity of a call could not be looked up", "source", c.source, "err", err)
		return answer
	}
	c.s.strange.failed(c.source, c.now)
	e := event.Login{UserName: event.Hidden, Method: authn.AccessKey}
	if !c.s.floods.one(floodKey{source: block(c.source).String(), event: event.Name(e), reason: answer.code}, event.Meta{}, c.now) {
		return answer
	}
	if accessKeyID.MatchString(keyID) {
		e.Fingerprint = keyID
	}
	m := c.meta()
	m.Identity = authn.Unknown(c.s.Origin.AccountID)
	m.ErrorCode, m.ErrorMessage = event.AuthenticationFailed, answer.code
	if _, err := c.s.Journal.Append(ctx, c.s.Origin.Record(m, e)); err != nil {
		c.s.Log.Error("event not recorded", "event", event.Name(e), "err", err)
	}
	return answer
}

// may asks the authoriser whether the caller may do one of the actions, in
// their order. It returns a refusal, or nil.
func (c *call) may(ctx context.Context, operation string, actions []policy.Action) error {
	book := c.s.Rules.Book()
	if l := policy.Throttled(book.Locks, c.source, c.now); l != nil && !c.s.held.admit(l, c.s.Throttle, c.now) {
		return errThrottled
	}
	for _, a := range actions {
		d := policy.Decide(book, policy.Request{
			Subject: c.who.Subject(), Action: a, Object: policy.Object{Name: c.s.Name},
			MFA: c.who.MFA(), Source: c.source, Time: c.now,
		})
		if d.Allowed {
			c.own = a == policy.ReadOwnEvents
			return nil
		}
		if d.Failed != "" {
			e := event.FailPolicy{Policy: d.Failed, Target: c.s.Name, Reason: d.Reason}
			if !c.tooMany(e, d.Failed) {
				if err := c.append(ctx, e, nil); err != nil {
					return err
				}
			}
		}
		c.s.Log.Debug("call denied", "identity", c.who.Name(), "operation", operation, "action", string(a), "cause", d.Reason)
	}
	return &apiError{http.StatusForbidden, "AccessDeniedException", "User: " + c.who.ARN() + " is not authorized to perform: " + operation}
}

// only is the ARN whose events the caller is limited to; empty for all.
func (c *call) only() string {
	if c.own {
		return c.who.ARN()
	}
	return ""
}

func (c *call) meta() event.Meta {
	source := c.source.String()
	if !c.source.IsValid() {
		source = c.s.Origin.EventSource
	}
	return event.Meta{Time: c.now, Identity: c.who.UserIdentity(), SourceIP: source, UserAgent: c.agent, ConnectionID: c.requestID}
}

// counted says that the refusal of a proven call is one of too many, each of
// which could be large: it is counted instead of recorded. What is not a
// refusal never is.
func (c *call) counted(e event.Event, err error) bool {
	var known *apiError
	if c.recorded || !errors.As(err, &known) || known.status >= http.StatusInternalServerError {
		return false
	}
	reason := known.code
	if reason == "AccessDeniedException" {
		reason = event.AccessDenied // as everywhere in the trail
	}
	return c.tooMany(e, reason)
}

// tooMany counts an event of a proven caller beyond those that are recorded.
func (c *call) tooMany(e event.Event, reason string) bool {
	return !c.s.refusals.one(floodKey{source: c.who.ARN(), key: c.claim.KeyID, event: event.Name(e), reason: reason}, c.meta(), c.now)
}

// record makes the call's event durable: about to be done, or refused with err.
func (c *call) record(ctx context.Context, e event.Event, err error) error {
	if err := c.append(ctx, e, err); err != nil {
		return err
	}
	c.recorded = true
	return nil
}

func (c *call) append(ctx context.Context, e event.Event, failure error) error {
	m := c.meta()
	if failure != nil {
		answer := answerOf(failure)
		m.ErrorCode, m.ErrorMessage = answer.code, answer.text
		if answer.code == "AccessDeniedException" {
			m.ErrorCode = event.AccessDenied // as everywhere in the trail
		}
	}
	// A call that its client gave up is still recorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	if _, err := c.s.Journal.Append(ctx, c.s.Origin.Record(m, e)); err != nil {
		c.s.Log.Error("event not recorded", "event", event.Name(e), "err", err)
		return errNotRecorded
	}
	return nil
}
