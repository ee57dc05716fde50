package sigv4

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	keyID  = "AKIAIOSFODNN7EXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
)

var (
	now    = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	strict = Rules{Service: "cloudtrail", Regions: []string{"us-east-1"}, Skew: 5 * time.Minute}
	forS3  = Rules{Service: "s3", Regions: []string{"us-east-1"}, Skew: 15 * time.Minute, Unsigned: true}
)

// signed is a request as AWS's own signer signs it and a server reads it.
func signed(t *testing.T, r *http.Request, service string, body []byte, token string, at time.Time) *http.Request {
	t.Helper()
	sum := sha256.Sum256(body)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	err := signer.SignHTTP(t.Context(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: token}, r, hex.EncodeToString(sum[:]), service, "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	return received(t, r)
}

// received is r after it went over the wire.
func received(t *testing.T, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatal(err)
	}
	got, err := http.ReadRequest(bufio.NewReader(&wire))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func newRequest(t *testing.T, method, url string, body []byte, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

// verify takes a request all the way.
func verify(r *http.Request, rules Rules, body []byte, at time.Time) (*Claim, error) {
	c, err := Read(r)
	if err != nil {
		return nil, err
	}
	if err := c.Check(rules, at); err != nil {
		return c, err
	}
	return c, c.Verify(secret, body)
}

func TestWhatAWSsSignerSignsVerifies(t *testing.T) {
	body := []byte(`{"MaxResults":1}`)
	for name, c := range map[string]struct {
		r       *http.Request
		service string
		token   string
	}{
		"json": {newRequest(t, "POST", "http://127.0.0.1:8443/", body, "X-Amz-Target", "CloudTrail_20131101.LookupEvents", "Content-Type", "application/x-amz-json-1.1",
			"Amz-Sdk-Invocation-Id", "a2b1", "Amz-Sdk-Request", "attempt=1;  max=3"), "cloudtrail", ""},
		"temporary key":   {newRequest(t, "POST", "https://trail.example.com/", body, "X-Amz-Target", "x"), "cloudtrail", "FQoGZXIvYXdzE//+=="},
		"default port":    {newRequest(t, "POST", "https://trail.example.com:443/", body), "cloudtrail", ""},
		"query":           {newRequest(t, "POST", "http://127.0.0.1/PutAuditEvents?channelArn=arn%3Aaws%3Acloudtrail%3Aus-east-1%3A111122223333%3Achannel%2FEXAMPLE&externalId=a%2Bb", body), "cloudtrail", ""},
		"query in bytes":  {newRequest(t, "POST", "http://127.0.0.1/?b=2&a=%20&a=%C3%A9&A=1&empty=", body), "cloudtrail", ""},
		"path in need":    {newRequest(t, "POST", "http://127.0.0.1/a%20b/c%2Fd", body), "cloudtrail", ""},
		"s3 path in need": {newRequest(t, "GET", "http://127.0.0.1/bucket/AWSLogs/a%20b/%C3%A9%3Dc%2Bd", nil), "s3", ""},
		"s3 list":         {newRequest(t, "GET", "http://127.0.0.1/bucket?encoding-type=url&marker=AWSLogs%2F1&prefix=AWSLogs%2F", nil), "s3", ""},
		"many values":     {newRequest(t, "POST", "http://127.0.0.1/", body, "X-Amz-Meta-A", "b", "X-Amz-Meta-A", " c  d "), "cloudtrail", ""},
	} {
		t.Run(name, func(t *testing.T) {
			sent, rules := body, strict
			if c.service == "s3" {
				sent, rules = nil, forS3
			}
			r := signed(t, c.r, c.service, sent, c.token, now)
			claim, err := verify(r, rules, sent, now)
			if err != nil {
				t.Fatalf("%v\n%s", err, claim.head)
			}
			if claim.KeyID != keyID || claim.Token != c.token || !claim.Time.Equal(now) {
				t.Errorf("claim = %+v", claim)
			}
		})
	}
}

// The example of AWS's own documentation, to hold the signer of these tests as
// well.
func TestTheDocumentedSignature(t *testing.T) {
	r := httptest.NewRequest("GET", "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08", nil)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	r.Header.Set("X-Amz-Date", "20150830T123600Z")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7")
	c, err := Read(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Verify("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", nil); err != nil {
		t.Errorf("%v\n%s", err, c.head)
	}
}

func TestPresignedRequests(t *testing.T) {
	presign := func(expires string, service string) *http.Request {
		r := newRequest(t, "GET", "http://127.0.0.1:8443/bucket/a%20key?X-Amz-Expires="+expires, nil)
		payload := "UNSIGNED-PAYLOAD"
		signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
		url, _, err := signer.PresignHTTP(t.Context(), aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret, SessionToken: "tok/en"}, r, payload, service, "us-east-1", now)
		if err != nil {
			t.Fatal(err)
		}
		return received(t, newRequest(t, "GET", url, nil))
	}
	c, err := verify(presign("600", "s3"), forS3, nil, now.Add(10*time.Minute))
	if err != nil || c.Token != "tok/en" || len(c.Query) != 0 {
		t.Errorf("a presigned request = %+v, %v", c, err)
	}
	if _, err := verify(presign("600", "s3"), forS3, nil, now.Add(601*time.Second)); KindOf(err) != Expired {
		t.Errorf("after its time = %v, want it to be expired", err)
	}
	for _, seconds := range []string{"0", "604801", "-1", "1e3", "99999999999"} {
		if _, err := Read(presign(seconds, "s3")); KindOf(err) != Incomplete {
			t.Errorf("X-Amz-Expires=%s: %v, want it refused", seconds, err)
		}
	}
	if _, err := verify(presign("600", "s3"), forS3, []byte("body"), now); KindOf(err) != Mismatch {
		t.Errorf("a presigned request with a body = %v, want a mismatch", err)
	}
	r := presign("600", "s3")
	r.Header.Set("X-Amz-Acl", "public")
	if _, err := Read(r); KindOf(err) != Incomplete {
		t.Errorf("an x-amz header that is not signed = %v, want it refused", err)
	}
}

func TestClocksMayBeOff(t *testing.T) {
	for _, c := range []struct {
		off   time.Duration
		rules Rules
		kind  Kind
		text  string
	}{
		{-5 * time.Minute, strict, 0, ""},
		{5 * time.Minute, strict, 0, ""},
		{-5*time.Minute - time.Second, strict, Skewed, "Signature expired: 20261123T115459Z is now earlier than 20261123T115500Z (20261123T120000Z - 5 min.)"},
		{5*time.Minute + time.Second, strict, Skewed, "Signature not yet current: 20261123T120501Z is still later than 20261123T120500Z (20261123T120000Z + 5 min.)"},
	} {
		r := signed(t, newRequest(t, "POST", "http://h/", nil), "cloudtrail", nil, "", now.Add(c.off))
		_, err := verify(r, c.rules, nil, now)
		if KindOf(err) != c.kind || err != nil && err.Error() != c.text {
			t.Errorf("signed %s off: %v, want %q", c.off, err, c.text)
		}
	}
}

// Whatever a request says, changed after it was signed, it is refused.
func TestChangedRequestsAreRefused(t *testing.T) {
	body := []byte(`{"QueryStatement":"SELECT 1"}`)
	fresh := func() *http.Request {
		return signed(t, newRequest(t, "POST", "http://h/PutAuditEvents?channelArn=a", body, "X-Amz-Target", "T.StartQuery", "Content-Type", "json"), "cloudtrail", body, "tok", now)
	}
	for name, change := range map[string]func(r *http.Request) []byte{
		"method":        func(r *http.Request) []byte { r.Method = "GET"; return body },
		"path":          func(r *http.Request) []byte { r.URL.Path = "/Put"; return body },
		"query":         func(r *http.Request) []byte { r.URL.RawQuery = "channelArn=b"; return body },
		"more query":    func(r *http.Request) []byte { r.URL.RawQuery += "&externalId=x"; return body },
		"host":          func(r *http.Request) []byte { r.Host = "other"; return body },
		"target":        func(r *http.Request) []byte { r.Header.Set("X-Amz-Target", "T.CancelQuery"); return body },
		"second target": func(r *http.Request) []byte { r.Header.Add("X-Amz-Target", "T.CancelQuery"); return body },
		"no target":     func(r *http.Request) []byte { r.Header.Del("X-Amz-Target"); return body },
		"another x-amz": func(r *http.Request) []byte { r.Header.Set("X-Amz-Extra", "1"); return body },
		"token":         func(r *http.Request) []byte { r.Header.Set("X-Amz-Security-Token", "other"); return body },
		"date":          func(r *http.Request) []byte { r.Header.Set("X-Amz-Date", "20261123T120001Z"); return body },
		"two dates":     func(r *http.Request) []byte { r.Header.Add("X-Amz-Date", "20261123T120000Z"); return body },
		"body":          func(r *http.Request) []byte { return []byte(`{"QueryStatement":"SELECT 2"}`) },
		"no body":       func(r *http.Request) []byte { return nil },
		"unsigned body": func(r *http.Request) []byte { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD"); return body },
		"twice": func(r *http.Request) []byte {
			r.Header.Add("Authorization", r.Header.Get("Authorization"))
			return body
		},
		"both places": func(r *http.Request) []byte { r.URL.RawQuery += "&X-Amz-Signature=00"; return body },
	} {
		r := fresh()
		changed := change(r)
		if _, err := verify(r, strict, changed, now); err == nil {
			t.Errorf("%s changed: accepted", name)
		}
	}
	if _, err := verify(fresh(), strict, body, now); err != nil {
		t.Errorf("unchanged: %v", err)
	}
}

func TestScopesAreHeldTo(t *testing.T) {
	r := signed(t, newRequest(t, "POST", "http://h/", nil), "cloudtrail", nil, "", now)
	if _, err := verify(r, Rules{Service: "cloudtrail-data", Regions: []string{"us-east-1"}, Skew: time.Minute}, nil, now); KindOf(err) != WrongScope {
		t.Errorf("another service = %v", err)
	}
	if _, err := verify(r, Rules{Service: "cloudtrail", Regions: []string{"eu-west-1"}, Skew: time.Minute}, nil, now); KindOf(err) != WrongRegion {
		t.Errorf("another region = %v", err)
	}
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/20261123/", "/20261122/", 1))
	if _, err := Read(r); KindOf(err) != WrongScope {
		t.Errorf("another day = %v", err)
	}
}

func TestUnreadableSignatures(t *testing.T) {
	good := "AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/cloudtrail/aws4_request, SignedHeaders=host, Signature=" + strings.Repeat("0", 64)
	for name, header := range map[string]string{
		"none":              "",
		"basic":             "Basic dXNlcjpwYXNz",
		"no parameters":     "AWS4-HMAC-SHA256 ",
		"no signature":      "AWS4-HMAC-SHA256 Credential=A/20261123/us-east-1/cloudtrail/aws4_request, SignedHeaders=host",
		"short signature":   strings.TrimSuffix(good, "00"),
		"four parts":        strings.Replace(good, "/aws4_request", "", 1),
		"six parts":         strings.Replace(good, "A/", "A/B/", 1),
		"empty key":         strings.Replace(good, "=A/", "=/", 1),
		"host not signed":   strings.Replace(good, "=host", "=date", 1),
		"not sorted":        strings.Replace(good, "=host", "=host;date", 1),
		"twice":             strings.Replace(good, "=host", "=host;host", 1),
		"capitals":          strings.Replace(good, "=host", "=Host", 1),
		"credential twice":  good + ", Credential=A/20261123/us-east-1/cloudtrail/aws4_request",
		"control character": strings.Replace(good, "=A/", "=A\x01/", 1),
	} {
		r := httptest.NewRequest("POST", "http://h/", nil)
		r.Header.Set("X-Amz-Date", now.Format(timeLayout))
		if header != "" {
			r.Header.Set("Authorization", header)
		}
		want := Incomplete
		if header == "" {
			want = Missing
		}
		if name == "host not signed" {
			r.Header.Set("Date", now.Format(http.TimeFormat))
			r.Header.Del("X-Amz-Date")
		} else if header != "" {
			header = strings.Replace(header, "=host", "=host;x-amz-date", 1)
			r.Header.Set("Authorization", header)
		}
		if _, err := Read(r); KindOf(err) != want {
			t.Errorf("%s: %v, want kind %d", name, err, want)
		}
	}
}

// A server reads this of anybody. What verifies must have been signed.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		// As the AWS CLI, the Go SDK and the JavaScript SDK send them.
		"POST / HTTP/1.1\r\nHost: 127.0.0.1:8443\r\nX-Amz-Target: com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents\r\nContent-Type: application/x-amz-json-1.1\r\nX-Amz-Date: 20261123T120000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261123/us-east-1/cloudtrail/aws4_request, SignedHeaders=content-type;host;x-amz-date;x-amz-target, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\nContent-Length: 2\r\n\r\n{}",
		"POST / HTTP/1.1\r\nHost: h\r\nX-Amz-Target: CloudTrail_20131101.GetTrail\r\nAmz-Sdk-Request: attempt=1; max=3\r\nX-Amz-Security-Token: t\r\nX-Amz-Date: 20261123T120000Z\r\nAuthorization: AWS4-HMAC-SHA256 Credential=ASIAIOSFODNN7EXAMPLE/20261123/us-east-1/cloudtrail/aws4_request, SignedHeaders=amz-sdk-request;content-length;host;x-amz-date;x-amz-security-token;x-amz-target, Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\nContent-Length: 0\r\n\r\n",
		"GET /bucket/a%20b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T120000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host&X-Amz-Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7 HTTP/1.1\r\nHost: h\r\n\r\n",
		"GET /?Action=ListUsers HTTP/1.1\r\nHost: h\r\nDate: Mon, 23 Nov 2026 12:00:00 GMT\r\nAuthorization: AWS4-HMAC-SHA256 Credential=A/20261123/r/s3/aws4_request,SignedHeaders=date;host,Signature=5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7\r\n\r\n",
	} {
		f.Add([]byte(seed), []byte("{}"))
	}
	rules := []Rules{strict, forS3}
	f.Fuzz(func(t *testing.T, raw, body []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
		if err != nil {
			return
		}
		c, err := Read(r)
		if err != nil {
			if KindOf(err) == 0 || c != nil {
				t.Fatalf("Read = %v, %v: not an error of this package alone", c, err)
			}
			return
		}
		if c.Presigned != (r.Header.Get("Authorization") == "") || c.Expires > maxExpires || c.Presigned && c.Expires <= 0 {
			t.Fatalf("claim = %+v", c)
		}
		for _, rule := range rules {
			if err := c.Check(rule, now); err == nil && (c.Service != rule.Service || c.Region != rule.Regions[0]) {
				t.Fatalf("%+v passed %+v", c, rule)
			}
		}
		if c.Verify(secret, body) == nil {
			t.Fatal("a signature that nobody made verifies")
		}
		// Signed with the key, it verifies, for this body and no other.
		payload := hex.EncodeToString(sum(body))
		if c.payload == unsignedPayload || c.payload == "" && c.Presigned && c.Service == s3 {
			payload, body = unsignedPayload, nil
		} else if c.payload != "" && c.payload != payload {
			return
		}
		c.signature = c.sign(secret, c.head+"\n"+payload)
		if err := c.Verify(secret, body); err != nil {
			t.Fatalf("a signature that was made does not verify: %v", err)
		}
		if c.Verify(secret, append(body[:len(body):len(body)], 'x')) == nil || c.Verify(secret+"x", body) == nil {
			t.Fatal("a signature verifies for another body or another key")
		}
	})
}

func sum(b []byte) []byte {
	s := sha256.Sum256(b)
	return s[:]
}
