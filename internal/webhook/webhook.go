// Package webhook sends messages as Standard Webhooks 1.0 has them: the receiver
// verifies who sent one, and knows a message it has had before by its webhook-id.
//
// Redirects are not followed and a link-local address is never dialled, however
// the name resolves: the metadata service of a cloud listens there.
package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Timeout ends a message that takes longer.
const Timeout = 10 * time.Second

const (
	maxAnswer    = 4 << 10 // read of an answer whose body nobody wants
	secretPrefix = "whsec_"
)

// Failure is a delivery that failed.
type Failure struct {
	Status int           // HTTP status; 0 when there was no answer
	Final  bool          // trying again will not help
	After  time.Duration // the receiver asked to wait this long; 0 if it did not
	Cause  string        // without the URL, which may hold a token
}

// Error is the cause.
func (f *Failure) Error() string { return f.Cause }

// Receiver is where messages go, and the keys they are signed with.
type Receiver struct {
	url  string
	keys [][]byte
}

// NewReceiver checks the URL and reads the secret file: one whsec_… a line,
// several while they are rotated.
func NewReceiver(address, secretFile string) (Receiver, error) {
	u, err := url.Parse(address)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
		return Receiver{}, errors.New("webhook must be an http or https URL without a password")
	}
	keys, err := secrets(secretFile)
	if err != nil {
		return Receiver{}, err
	}
	return Receiver{address, keys}, nil
}

// secrets reads a secret file. Its base64 is 24 to 64 bytes, as the standard
// asks.
func secrets(file string) ([][]byte, error) {
	if file == "" {
		return nil, errors.New(`secret_file is missing (make one with: (printf whsec_; openssl rand -base64 32) > FILE)`)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("read secret_file: %w", err)
	}
	var keys [][]byte
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		text, ok := strings.CutPrefix(line, secretPrefix)
		key, err := base64.StdEncoding.DecodeString(text)
		if !ok || err != nil || len(key) < 24 || len(key) > 64 {
			return nil, fmt.Errorf("secret_file %s: a secret is whsec_ and the base64 of 24 to 64 bytes", file)
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("secret_file %s is empty", file)
	}
	return keys, nil
}

// Client sends messages. It is safe for concurrent use.
type Client struct {
	http *http.Client
	now  func() time.Time
}

// NewClient makes a client; now is the time messages are signed at.
func NewClient(now func() time.Time) *Client { return NewTLSClient(now, nil) }

// NewTLSClient makes one that trusts, and shows, the certificates of trust; nil
// trusts the system's authorities.
func NewTLSClient(now func() time.Time, trust *tls.Config) *Client {
	dialer := net.Dialer{Timeout: Timeout, Control: egress}
	return &Client{now: now, http: &http.Client{
		Timeout: Timeout,
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			TLSClientConfig:     trust,
			TLSHandshakeTimeout: Timeout,
			MaxIdleConns:        8,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// egress runs after the name is resolved, so a name cannot hide the address.
func egress(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %s: %w", address, err)
	}
	if a := ap.Addr().Unmap(); a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return fmt.Errorf("dial %s: link-local and multicast addresses are refused", address)
	}
	return nil
}

// Close lets idle connections go.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Post delivers body, JSON, once. id is stable across retries: the receiver's
// idempotency key. The error is a *Failure.
func (c *Client) Post(ctx context.Context, to Receiver, id string, body []byte) (status int, err error) {
	res, err := c.do(ctx, http.MethodPost, to, id, body)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer) // so that the connection can be used again
	return res.StatusCode, answered(res)
}

// Get asks for what is kept at the receiver's URL, signed as a message with an
// empty body is. More than limit bytes are a failure, and so is any answer but
// 2xx.
func (c *Client) Get(ctx context.Context, from Receiver, id string, limit int64) ([]byte, error) {
	res, err := c.do(ctx, http.MethodGet, from, id, nil)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if err := answered(res); err != nil {
		return nil, err
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, limit+1))
	switch {
	case err != nil:
		return nil, &Failure{Status: res.StatusCode, Cause: "read the answer: " + err.Error()}
	case int64(len(body)) > limit:
		return nil, &Failure{Status: res.StatusCode, Final: true, Cause: fmt.Sprintf("the answer is larger than %d bytes", limit)}
	}
	return body, nil
}

func (c *Client) do(ctx context.Context, method string, to Receiver, id string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, to.url, bytes.NewReader(body))
	if err != nil {
		return nil, &Failure{Final: true, Cause: plainCause(err)}
	}
	at := strconv.FormatInt(c.now().Unix(), 10)
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("User-Agent", "trailgate")
	req.Header.Set("webhook-id", id)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", signatures(to.keys, id, at, body))
	res, err := c.http.Do(req)
	if err != nil {
		return nil, &Failure{Cause: plainCause(err)}
	}
	return res, nil
}

// answered is what an answer's status says: nil for 2xx.
func answered(res *http.Response) error {
	if res.StatusCode/100 == 2 {
		return nil
	}
	// Not res.Status: its words are the receiver's, of any length.
	f := &Failure{Status: res.StatusCode, Cause: strings.TrimSpace(fmt.Sprintf("answered %d %s", res.StatusCode, http.StatusText(res.StatusCode)))}
	switch c := res.StatusCode; {
	case c == http.StatusRequestTimeout, c == http.StatusTooManyRequests, c >= 500:
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && s <= 3600 {
			f.After = time.Duration(s) * time.Second
		}
	default:
		f.Final = true
	}
	return f
}

// signatures are one v1 signature a secret.
func signatures(keys [][]byte, id, at string, body []byte) string {
	all := make([]string, len(keys))
	for i, k := range keys {
		mac := hmac.New(sha256.New, k)
		fmt.Fprintf(mac, "%s.%s.", id, at)
		mac.Write(body)
		all[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	return strings.Join(all, " ")
}

// plainCause is a client error without the URL, which may hold a token.
func plainCause(err error) string {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err.Error()
	}
	return err.Error()
}
