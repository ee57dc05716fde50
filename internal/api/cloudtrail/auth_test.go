package cloudtrail

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// Threats: a caller without a key, with somebody else's, with a key that was
// taken back. AWS's tools decide by these names.
func TestWhoProvesNothingIsTurnedAway(t *testing.T) {
	w := newWorld(t)
	admin := w.keys["admin"]
	temporary, err := w.authn.MakeAccessKey("admin", true, time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	expired, err := w.authn.MakeAccessKey("admin", true, time.Now().Add(-time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	disabled, err := w.authn.MakeAccessKey("admin", false, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	disabled.Row.Disabled = true
	w.update(func(tx state.Tx) error {
		for _, row := range []state.AccessKey{temporary.Row, expired.Row, disabled.Row} {
			if err := tx.AccessKeys().Create(row); err != nil {
				return err
			}
		}
		return nil
	})
	body := []byte("{}")
	for _, c := range []struct {
		name      string
		sign      func(r *http.Request, service string, body []byte)
		json, s3  string
		status    int
		elsewhere bool // the two differ in status
	}{
		{name: "nothing", sign: func(*http.Request, string, []byte) {}, json: "MissingAuthenticationTokenException", s3: "AccessDenied", status: 403},
		{name: "unknown key", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, "AKIAIOSFODNN7EXAMPLE", admin.Secret, "", s, b, time.Now())
		}, json: "UnrecognizedClientException", s3: "InvalidAccessKeyId", status: 403},
		{name: "wrong secret", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, admin.Row.ID, w.keys["bob"].Secret, "", s, b, time.Now())
		}, json: "InvalidSignatureException", s3: "SignatureDoesNotMatch", status: 403},
		{name: "disabled", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, disabled.Row.ID, disabled.Secret, "", s, b, time.Now())
		}, json: "UnrecognizedClientException", s3: "InvalidAccessKeyId", status: 403},
		{name: "no token", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, temporary.Row.ID, temporary.Secret, "", s, b, time.Now())
		}, json: "UnrecognizedClientException", s3: "InvalidToken", status: 403, elsewhere: true},
		{name: "expired", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, expired.Row.ID, expired.Secret, expired.Token, s, b, time.Now())
		}, json: "ExpiredTokenException", s3: "ExpiredToken", status: 403, elsewhere: true},
		{name: "old clock", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, admin.Row.ID, admin.Secret, "", s, b, time.Now().Add(-20*time.Minute))
		}, json: "InvalidSignatureException", s3: "RequestTimeTooSkewed", status: 403},
		{name: "another service", sign: func(r *http.Request, s string, b []byte) {
			w.signWith(r, admin.Row.ID, admin.Secret, "", "iam", b, time.Now())
		}, json: "InvalidSignatureException", s3: "AuthorizationHeaderMalformed", status: 403, elsewhere: true},
		{name: "garbage", sign: func(r *http.Request, s string, b []byte) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x") },
			json: "IncompleteSignature", s3: "AuthorizationHeaderMalformed", status: 403, elsewhere: true},
	} {
		r := w.request("POST", "/", body)
		r.Header.Set("X-Amz-Target", "CloudTrail_20131101.DescribeTrails")
		c.sign(r, "cloudtrail", body)
		if a := w.send(r); a.code() != c.json || a.status != c.status {
			t.Errorf("%s: %d %s, want %d %s", c.name, a.status, a.body, c.status, c.json)
		}
		r = w.request("GET", "/"+bucket, nil)
		c.sign(r, "s3", nil)
		if a := w.send(r); a.code() != c.s3 || !c.elsewhere && a.status != c.status {
			t.Errorf("%s: S3 says %d %s, want %s", c.name, a.status, a.body, c.s3)
		}
	}
	r := w.request("POST", "/", body)
	r.Header.Set("X-Amz-Target", "CloudTrail_20131101.DescribeTrails")
	w.signWith(r, temporary.Row.ID, temporary.Secret, temporary.Token, "cloudtrail", body, time.Now())
	if a := w.send(r); a.status != 200 {
		t.Errorf("a temporary key with its token: %d %s", a.status, a.body)
	}
	for _, rec := range w.records()[:1] {
		if rec.EventName != "Login" || rec.ErrorCode != event.AuthenticationFailed || rec.UserIdentity.UserName != event.Hidden || rec.UserIdentity.AccessKeyID != "" {
			t.Errorf("a failure is recorded as %+v", rec)
		}
	}
}

// Threat: a flood of bad signatures fills the trail, or keeps others out.
func TestBadSignaturesAreCountedNotRecordedOneByOne(t *testing.T) {
	w := newWorld(t)
	if a := w.call("admin", "DescribeTrails", "{}"); a.status != 200 {
		t.Fatalf("admin: %s", a.body)
	}
	before := len(w.records())
	throttled := 0
	for range 60 {
		r := w.request("POST", "/", nil)
		r.Header.Set("X-Amz-Target", "CloudTrail_20131101.DescribeTrails")
		w.signWith(r, "AKIAIOSFODNN7EXAMPLE", "x", "", "cloudtrail", nil, time.Now())
		if w.send(r).code() == "ThrottlingException" {
			throttled++
		}
	}
	if n := len(w.records()) - before; n != floodShown {
		t.Errorf("60 bad signatures are %d events, want %d and a count", n, floodShown)
	}
	if throttled != 60-penaltyAfter {
		t.Errorf("%d of 60 were held back, want %d", throttled, 60-penaltyAfter)
	}
	if a := w.call("admin", "DescribeTrails", "{}"); a.status != 200 {
		t.Errorf("a key that was proven from there is kept out: %s", a.body)
	}
	w.stop()
	rec := w.last()
	if rec.EventName != "CollapseEvents" || !strings.Contains(string(rec.RequestParameters), fmt.Sprintf(`"count":%d`, penaltyAfter-floodShown)) {
		t.Errorf("the rest is recorded as %s %s", rec.EventName, rec.RequestParameters)
	}
}

// Threat: who holds a key fills the disk with refusals of 100 KB each. Beyond
// some they are counted, for that key alone, and none goes unsaid.
func TestRefusalsOfAKeyAreCounted(t *testing.T) {
	w := newWorld(t)
	w.lock(policy.Lock{ID: "1", Effect: policy.Deny, Match: policy.Match{Identity: "admin"}})
	before := len(w.records())
	for range refusedShown + 40 {
		if a := w.call("admin", "DescribeTrails", "{}"); a.code() != "AccessDeniedException" {
			t.Fatalf("a refusal that is counted is answered with %s", a.body)
		}
	}
	if n := len(w.records()) - before; n != refusedShown {
		t.Errorf("%d refusals are %d events, want %d", refusedShown+40, n, refusedShown)
	}
	if w.call("admin", "ListTrails", "{}"); w.last().EventName != "ListTrails" {
		t.Errorf("a refusal of another kind is not recorded: %+v", w.last())
	}
	if a := w.call("bob", "DescribeTrails", "{}"); w.last().EventName != "DescribeTrails" || w.last().UserIdentity.UserName != "bob" {
		t.Errorf("the call of another key is not recorded: %s", a.body)
	}
	w.stop()
	rec := w.last()
	if rec.EventName != "CollapseEvents" || rec.UserIdentity.UserName != "admin" || rec.SourceIPAddress == "" ||
		!strings.Contains(string(rec.RequestParameters), `"eventName":"DescribeTrails","reason":"AccessDenied","count":40`) {
		t.Errorf("the rest is recorded as %s of %s: %s", rec.EventName, rec.UserIdentity.UserName, rec.RequestParameters)
	}
}

func TestLocksRefuseAtOnce(t *testing.T) {
	w := newWorld(t)
	for name, l := range map[string]policy.Lock{
		"identity": {ID: "1", Effect: policy.Deny, Match: policy.Match{Identity: "admin"}},
		"key":      {ID: "2", Effect: policy.Deny, Match: policy.Match{Fingerprint: w.keys["admin"].Row.ID}},
		"mfa":      {ID: "3", Effect: policy.RequireMFA, Match: policy.Match{Identity: arnOf("admin")}},
	} {
		w.lock()
		if a := w.call("admin", "DescribeTrails", "{}"); a.status != 200 {
			t.Fatalf("before the lock: %s", a.body)
		}
		w.lock(l)
		if a := w.call("admin", "DescribeTrails", "{}"); a.code() != "AccessDeniedException" || a.status != 403 {
			t.Errorf("a lock by %s: %d %s, want it denied", name, a.status, a.body)
		}
	}
	w.lock(policy.Lock{ID: "4", Effect: policy.Throttle, Match: policy.Match{Source: block(loopback)}, Created: time.Now().Add(-time.Minute)})
	first, second := w.call("admin", "DescribeTrails", "{}"), w.call("admin", "DescribeTrails", "{}")
	if first.status != 200 || second.code() != "ThrottlingException" {
		t.Errorf("throttled: %d, then %s", first.status, second.body)
	}
}

// Promise 2: if the call cannot be recorded, it is not answered.
func TestNoAnswerWithoutItsEvent(t *testing.T) {
	w := newWorld(t)
	w.journal.setBroken(true)
	for name, a := range map[string]answer{
		"read":  w.call("admin", "ListPublicKeys", "{}"),
		"query": w.call("admin", "StartQuery", `{"QueryStatement":"SELECT 1"}`),
		"audit": w.audit("feed", "?channelArn="+channel, `{"auditEvents":[{"id":"a","eventData":"{}"}]}`),
		"s3":    w.s3("files", "GET", "/"+bucket),
	} {
		if a.status != 503 || strings.Contains(string(a.body), "Fingerprint") {
			t.Errorf("%s: %d %s, want 503 and nothing of the answer", name, a.status, a.body)
		}
	}
	w.journal.setBroken(false)
	if a := w.call("admin", "ListQueries", `{"EventDataStore":"`+storeID+`"}`); strings.Contains(string(a.body), "QueryId") {
		t.Errorf("a query that was not recorded has started: %s", a.body)
	}
}

// Each operation is an event of its own name, whoever calls it.
func TestEveryOperationIsAnEvent(t *testing.T) {
	w := newWorld(t)
	if len(operations) != 61 {
		t.Errorf("%d operations, want the 60 of the model and PutAuditEvents", len(operations))
	}
	for name := range operations {
		if name == "PutAuditEvents" {
			continue
		}
		who := "eve" // everything on targets is nothing here
		if a := w.call(who, name, "{}"); a.code() != "AccessDeniedException" || a.status != 403 {
			t.Errorf("%s by %s: %d %s, want it denied", name, who, a.status, a.body)
		}
		rec := w.last()
		if rec.EventName != name || rec.ErrorCode != "AccessDenied" || rec.UserIdentity.UserName != who || rec.UserIdentity.AccessKeyID != w.keys[who].Row.ID ||
			rec.EventSource != ours || rec.SourceIPAddress != "127.0.0.1" {
			t.Errorf("%s by %s is recorded as %s %s of %+v", name, who, rec.EventName, rec.ErrorCode, rec.UserIdentity)
		}
	}
	for _, r := range refused {
		name := event.Name(r.event)
		a := w.call("admin", name, `{"`+r.member+`":"x"}`)
		if a.code() != "UnsupportedOperationException" || a.status != 400 {
			t.Errorf("%s: %d %s, want it unsupported", name, a.status, a.body)
		}
		if rec := w.last(); rec.EventName != name || rec.ErrorCode != "UnsupportedOperationException" || !strings.Contains(string(rec.RequestParameters), `"x"`) {
			t.Errorf("%s is recorded as %s %s %s", name, rec.EventName, rec.ErrorCode, rec.RequestParameters)
		}
	}
}

// Who may do what: one row a right.
func TestRightsAreApart(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		call    func(name string) answer
		name    string
		allowed string // identities beside admin, which may
	}{
		{func(n string) answer { return w.call(n, "LookupEvents", "{}") }, "LookupEvents", "bob"},
		{func(n string) answer { return w.call(n, "ListQueries", `{"EventDataStore":"`+storeID+`"}`) }, "ListQueries", "bob"},
		{func(n string) answer { return w.call(n, "ListPublicKeys", "{}") }, "ListPublicKeys", "files"},
		{func(n string) answer { return w.call(n, "GetTrail", `{"Name":"trailgate"}`) }, "GetTrail", "bob files feed"},
		{func(n string) answer { return w.s3(n, "GET", "/"+bucket) }, "ListObjects", "files"},
		{func(n string) answer {
			return w.audit(n, "?channelArn="+storeID, `{"auditEvents":[{"id":"a","eventData":"{}"}]}`)
		}, "PutAuditEvents", "feed"},
	} {
		for name := range w.keys {
			want := 403
			if name == "admin" || strings.Contains(c.allowed, name) {
				want = 200
			}
			if a := c.call(name); a.status != want {
				t.Errorf("%s by %s: %d %s, want %d", c.name, name, a.status, a.body, want)
			}
		}
	}
}

// Threat: somebody without a key sends large or endless bodies.
func TestBodiesOfStrangersAreNotRead(t *testing.T) {
	w := newWorld(t)
	body := []byte(strings.Repeat("x", maxAudit))
	r := w.request("POST", auditPath, body)
	w.signWith(r, "AKIAIOSFODNN7EXAMPLE", "x", "", "cloudtrail-data", body, time.Now())
	stuck, feed := io.Pipe() // no more of the body ever comes
	defer feed.Close()
	r.Body, r.ContentLength = stuck, int64(len(body))
	if a := w.send(r); a.code() != "UnrecognizedClientException" {
		t.Errorf("a stranger with a body: %d %s", a.status, a.body)
	}
	for range maxCalls {
		w.busy <- struct{}{}
	}
	if a := w.call("admin", "DescribeTrails", "{}"); a.status != 503 {
		t.Errorf("call %d at once: %d %s", maxCalls+1, a.status, a.body)
	}
	for range maxCalls {
		<-w.busy
	}
	before := len(w.records())
	if a := w.call("admin", "StartQuery", strings.Repeat("x", maxJSON+1)); a.status != 413 || len(w.records()) != before {
		t.Errorf("a body that is too large: %d %s, and %d events of a failed login", a.status, a.body, len(w.records())-before)
	}
}
