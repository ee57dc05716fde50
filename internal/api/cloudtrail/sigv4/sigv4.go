// Package sigv4 verifies requests that are signed with AWS Signature Version 4,
// in the Authorization header or in the query (presigned).
//
// Rules kept here:
//
//   - What is signed is what the caller said is signed, whatever the list of
//     headers, but host and every x-amz-* header that was sent are in it.
//   - Where two readings of a request are possible it is refused: two
//     Authorization headers, two dates, a parameter of the signature twice, a
//     signature in both places. [Claim.Query] is the query as it was signed; use
//     it and not the URL's, which reads "+" in another way.
//   - Signatures are compared in constant time, and nothing is said about a
//     wrong one.
//
// A request that was signed can be sent again by whoever sees it, until its
// time is up: TLS is against that, and what a request changes must bear it.
//
// Sources: AWS General Reference, "Create a signed AWS API request"; Amazon S3
// API Reference, "Authenticating Requests".
package sigv4

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Kind is what is wrong with a signature.
type Kind int

// The kinds of [Error].
const (
	Missing     Kind = iota + 1 // nothing is signed
	Incomplete                  // the signature cannot be read, or leaves out what it must cover
	Skewed                      // signed too long ago, or in the future
	Expired                     // a presigned URL after its time
	WrongRegion                 // signed for another region
	WrongScope                  // signed for another service, or on another day than it says
	Mismatch                    // the signature or the body is not what was signed
)

// Error is why a request is not what somebody signed. Its text may be shown to
// the caller.
type Error struct {
	Kind Kind
	Text string
}

func (e *Error) Error() string { return e.Text }

// KindOf is the kind of an error of this package, 0 for any other.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return 0
}

func fail(k Kind, format string, args ...any) error {
	return &Error{k, fmt.Sprintf(format, args...)}
}

// Claim is what a request says about who signed it. It proves nothing before
// [Claim.Verify].
type Claim struct {
	KeyID     string        // access key ID
	Token     string        // session token; empty without
	Day       string        // the scope's date, YYYYMMDD
	Region    string        // the scope's
	Service   string        // the scope's
	Time      time.Time     // when it was signed
	Presigned bool          // the signature is in the query
	Expires   time.Duration // of a presigned request
	Query     url.Values    // as signed, without the signature's own parameters

	method    string
	payload   string // of x-amz-content-sha256; empty when it was not sent
	headers   []string
	signature []byte
	head      string // the canonical request but for the payload's hash
}

// The words of the protocol.
const (
	algorithm       = "AWS4-HMAC-SHA256"
	terminator      = "aws4_request"
	timeLayout      = "20060102T150405Z"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	s3              = "s3"

	maxExpires = 7 * 24 * time.Hour
	maxHeaders = 100
)

// own are a presigned request's parameters that are about the signature.
var own = []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"}

// Read reads a request's claim. It reads no body.
func Read(r *http.Request) (*Claim, error) {
	params, err := readQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	c := &Claim{method: r.Method}
	var signed, signature, credential, date string
	header := r.Header.Values("Authorization")
	_, inQuery := first(params, "X-Amz-Signature")
	switch {
	case len(header) == 0 && !inQuery:
		return nil, fail(Missing, "Missing Authentication Token")
	case len(header) > 1, len(header) > 0 && inQuery:
		return nil, fail(Incomplete, "Only one auth mechanism allowed; only one Authorization header or the X-Amz-Signature query string parameter should be specified")
	case inQuery:
		c.Presigned = true
		credential, date, signed, signature, err = c.readPresigned(params)
	default:
		credential, signed, signature, err = readHeader(header[0])
		if err == nil {
			date, err = c.readHeaders(r.Header)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := c.readScope(credential, date); err != nil {
		return nil, err
	}
	if c.signature, err = hex.DecodeString(signature); err != nil || len(c.signature) != sha256.Size {
		return nil, fail(Incomplete, "the signature is not 64 hexadecimal digits")
	}
	if err := c.readSigned(r, signed); err != nil {
		return nil, err
	}
	path, err := canonicalPath(r.URL.EscapedPath(), c.Service == s3)
	if err != nil {
		return nil, err
	}
	lines, err := canonicalHeaders(r, c.headers)
	if err != nil {
		return nil, err
	}
	c.Query = url.Values{}
	for _, p := range params {
		if !c.Presigned || !slices.Contains(own, p.name) {
			c.Query.Add(p.name, p.value)
		}
	}
	c.head = strings.Join([]string{r.Method, path, canonicalQuery(params), lines, strings.Join(c.headers, ";")}, "\n")
	return c, nil
}

// readHeader takes the Authorization header apart.
func readHeader(text string) (credential, signed, signature string, err error) {
	scheme, rest, _ := strings.Cut(text, " ")
	if scheme != algorithm {
		return "", "", "", fail(Incomplete, "the Authorization header is not of the algorithm %s", algorithm)
	}
	found := map[string]string{}
	for field := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(field), "=")
		if _, again := found[name]; !ok || again {
			return "", "", "", fail(Incomplete, "the Authorization header cannot be read")
		}
		found[name] = value
	}
	var missing []string
	for _, name := range []string{"Credential", "Signature", "SignedHeaders"} {
		if found[name] == "" {
			missing = append(missing, "Authorization header requires '"+name+"' parameter.")
		}
	}
	if len(missing) > 0 {
		return "", "", "", fail(Incomplete, "%s", strings.Join(missing, " "))
	}
	return found["Credential"], found["SignedHeaders"], found["Signature"], nil
}

// readHeaders reads what a signature in the header has in other headers.
func (c *Claim) readHeaders(h http.Header) (date string, err error) {
	for _, one := range []struct {
		name string
		to   *string
	}{{"X-Amz-Date", &date}, {"X-Amz-Security-Token", &c.Token}, {"X-Amz-Content-Sha256", &c.payload}} {
		values := h.Values(one.name)
		if len(values) > 1 {
			return "", fail(Incomplete, "%s was sent twice", one.name)
		}
		if len(values) == 1 {
			*one.to = values[0]
		}
	}
	if date != "" {
		return date, nil
	}
	if dates := h.Values("Date"); len(dates) == 1 {
		at, err := http.ParseTime(dates[0])
		if err != nil {
			return dates[0], nil // readScope says what is wrong with it
		}
		return at.UTC().Format(timeLayout), nil
	}
	return "", fail(Incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
}

// readPresigned reads a presigned request's parameters.
func (c *Claim) readPresigned(params []param) (credential, date, signed, signature string, err error) {
	var alg, expires string
	for name, to := range map[string]*string{
		"X-Amz-Algorithm": &alg, "X-Amz-Credential": &credential, "X-Amz-Date": &date, "X-Amz-Expires": &expires,
		"X-Amz-SignedHeaders": &signed, "X-Amz-Signature": &signature, "X-Amz-Security-Token": &c.Token,
	} {
		value, n := "", 0
		for _, p := range params {
			if p.name == name {
				value, n = p.value, n+1
			}
		}
		if n > 1 || value == "" && name != "X-Amz-Security-Token" {
			return "", "", "", "", fail(Incomplete, "Query-string authentication requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters, each once.")
		}
		*to = value
	}
	if alg != algorithm {
		return "", "", "", "", fail(Incomplete, "X-Amz-Algorithm only supports %q", algorithm)
	}
	seconds, err := time.ParseDuration(expires + "s")
	if err != nil || strings.Trim(expires, "0123456789") != "" || len(expires) > 7 || seconds < time.Second || seconds > maxExpires {
		return "", "", "", "", fail(Incomplete, "X-Amz-Expires must be a number of seconds between 1 and 604800")
	}
	c.Expires = seconds
	return credential, date, signed, signature, nil
}

// readScope reads KEY/DAY/REGION/SERVICE/aws4_request, and the time.
func (c *Claim) readScope(credential, date string) (err error) {
	if c.Time, err = time.Parse(timeLayout, date); err != nil {
		return fail(Incomplete, "Date must be in ISO-8601 'basic format'. Got '%.40s'.", printable(date))
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || slices.Contains(parts, "") || parts[4] != terminator || len(credential) > 256 || printable(credential) != credential {
		return fail(Incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/aws4_request")
	}
	c.KeyID, c.Day, c.Region, c.Service = parts[0], parts[1], parts[2], parts[3]
	if c.Day != c.Time.Format("20060102") {
		return fail(WrongScope, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP")
	}
	return nil
}

// readSigned reads the list of signed headers and holds it to what must be
// signed.
func (c *Claim) readSigned(r *http.Request, list string) error {
	c.headers = strings.Split(list, ";")
	if len(c.headers) > maxHeaders {
		return fail(Incomplete, "more than %d headers are signed", maxHeaders)
	}
	if !slices.IsSorted(c.headers) || len(slices.Compact(slices.Clone(c.headers))) != len(c.headers) || strings.ToLower(list) != list {
		return fail(Incomplete, "SignedHeaders must be in small letters, sorted, each once")
	}
	if !slices.Contains(c.headers, "host") {
		return fail(Incomplete, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	for name := range r.Header {
		small := strings.ToLower(name)
		if strings.HasPrefix(small, "x-amz-") && !slices.Contains(c.headers, small) {
			return fail(Incomplete, "There were headers present in the request which were not signed: %s", printable(small))
		}
	}
	return nil
}

// Rules are what a request must keep to at one place it can be sent to.
type Rules struct {
	Service  string        // cloudtrail, cloudtrail-data or s3
	Regions  []string      // those it may be signed for, the usual one first
	Skew     time.Duration // how far its clock may be off
	Unsigned bool          // whether UNSIGNED-PAYLOAD is taken: only for GET and HEAD
}

// Check holds the claim to all that needs no secret.
func (c *Claim) Check(rules Rules, now time.Time) error {
	switch {
	case c.Service != rules.Service:
		return fail(WrongScope, "Credential should be scoped to correct service: '%s'.", rules.Service)
	case !slices.Contains(rules.Regions, c.Region):
		return fail(WrongRegion, "Credential should be scoped to a valid region, not '%s'.", c.Region)
	}
	minutes := int(rules.Skew / time.Minute)
	switch stamp := func(t time.Time) string { return t.UTC().Format(timeLayout) }; {
	case c.Time.After(now.Add(rules.Skew)):
		return fail(Skewed, "Signature not yet current: %s is still later than %s (%s + %d min.)", stamp(c.Time), stamp(now.Add(rules.Skew)), stamp(now), minutes)
	case c.Presigned && now.After(c.Time.Add(c.Expires)):
		return fail(Expired, "Request has expired")
	case !c.Presigned && c.Time.Before(now.Add(-rules.Skew)):
		return fail(Skewed, "Signature expired: %s is now earlier than %s (%s - %d min.)", stamp(c.Time), stamp(now.Add(-rules.Skew)), stamp(now), minutes)
	}
	read := c.method == http.MethodGet || c.method == http.MethodHead
	if c.payload == unsignedPayload && !(rules.Unsigned && read) {
		return fail(Mismatch, "the body must be signed")
	}
	return nil
}

// Verify says whether secret made the signature, over this body.
func (c *Claim) Verify(secret string, body []byte) error {
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	switch {
	case c.payload == unsignedPayload, c.payload == "" && c.Presigned && c.Service == s3:
		payload = unsignedPayload
		if len(body) > 0 {
			return fail(Mismatch, "the body must be signed")
		}
	case c.payload != "" && c.payload != payload:
		return fail(Mismatch, "The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return c.verify(secret, payload)
}

// VerifyUnread is Verify for a request whose body nobody reads: the signature
// covers the hash that was sent, whatever the body would be.
func (c *Claim) VerifyUnread(secret string) error {
	payload := c.payload
	if payload == "" {
		return c.Verify(secret, nil)
	}
	return c.verify(secret, payload)
}

func (c *Claim) verify(secret, payload string) error {
	if !hmac.Equal(c.sign(secret, c.head+"\n"+payload), c.signature) {
		return fail(Mismatch, "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	return nil
}

// sign is the signature of a canonical request.
func (c *Claim) sign(secret, request string) []byte {
	sum := sha256.Sum256([]byte(request))
	scope := strings.Join([]string{c.Day, c.Region, c.Service, terminator}, "/")
	text := strings.Join([]string{algorithm, c.Time.Format(timeLayout), scope, hex.EncodeToString(sum[:])}, "\n")
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.Day, c.Region, c.Service, terminator, text} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	return key
}

// printable cuts control characters and whatever is not ASCII: the text goes
// into answers and records.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
}

// param is one parameter of a query, decoded.
type param struct{ name, value string }

// readQuery decodes a query. A plus sign is a plus sign.
func readQuery(raw string) ([]param, error) {
	var params []param
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		var p param
		var err error
		if p.name, err = url.PathUnescape(name); err == nil {
			p.value, err = url.PathUnescape(value)
		}
		if err != nil {
			return nil, fail(Incomplete, "the query cannot be decoded")
		}
		params = append(params, p)
	}
	return params, nil
}

func first(params []param, name string) (string, bool) {
	i := slices.IndexFunc(params, func(p param) bool { return p.name == name })
	if i < 0 {
		return "", false
	}
	return params[i].value, true
}

// canonicalQuery is the parameters but the signature, sorted and encoded.
func canonicalQuery(params []param) string {
	var encoded []param
	for _, p := range params {
		if p.name != "X-Amz-Signature" {
			encoded = append(encoded, param{encode(p.name), encode(p.value)})
		}
	}
	slices.SortFunc(encoded, func(a, b param) int {
		return cmp.Or(strings.Compare(a.name, b.name), strings.Compare(a.value, b.value))
	})
	parts := make([]string, len(encoded))
	for i, p := range encoded {
		parts[i] = p.name + "=" + p.value
	}
	return strings.Join(parts, "&")
}

// canonicalPath encodes a path: once for S3, twice for everything else.
func canonicalPath(escaped string, once bool) (string, error) {
	segments := strings.Split(escaped, "/")
	for i, s := range segments {
		plain, err := url.PathUnescape(s)
		if err != nil {
			return "", fail(Incomplete, "the path cannot be decoded")
		}
		segments[i] = encode(plain)
		if !once {
			segments[i] = encode(segments[i])
		}
	}
	return cmp.Or(strings.Join(segments, "/"), "/"), nil
}

// canonicalHeaders is a line for each signed header, and an empty one.
func canonicalHeaders(r *http.Request, names []string) (string, error) {
	var b strings.Builder
	for _, name := range names {
		values := r.Header.Values(name)
		switch {
		case name == "host":
			values = []string{r.Host}
		case name == "content-length" && len(values) == 0 && r.ContentLength >= 0:
			values = []string{fmt.Sprint(r.ContentLength)}
		case len(values) == 0:
			return "", fail(Mismatch, "the header %s is signed but was not sent", printable(name))
		}
		b.WriteString(name)
		b.WriteByte(':')
		for i, v := range values {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(spaces(v))
		}
		b.WriteByte('\n')
	}
	return b.String(), nil
}

// spaces is v without those around it, and one for many inside it.
func spaces(v string) string {
	v = strings.Trim(v, " \t")
	for strings.Contains(v, "  ") {
		v = strings.ReplaceAll(v, "  ", " ")
	}
	return v
}

const hexDigits = "0123456789ABCDEF"

// encode is AWS's URI encoding: all but A-Z a-z 0-9 - . _ ~.
func encode(s string) string {
	b := make([]byte, 0, len(s))
	for i := range len(s) {
		switch c := s[i]; {
		case 'A' <= c && c <= 'Z', 'a' <= c && c <= 'z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == '~':
			b = append(b, c)
		default:
			b = append(b, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return string(b)
}
