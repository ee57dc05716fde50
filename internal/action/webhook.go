package action

// The generic webhook is Standard Webhooks 1.0: the receiver verifies who sent
// it, and knows a message it has had before by its webhook-id. Redirects are
// not followed and a link-local address is never dialled, however the name
// resolves: the metadata service of a cloud listens there.

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
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

// Receiver is somebody to notify, as the configuration names them.
type Receiver struct {
	Webhook    string // http or https URL
	SecretFile string // one whsec_… a line; several while they are rotated
}

// Message is what a receiver is told.
type Message struct {
	ID   string    // stable across retries: the receiver's idempotency key
	Type string    // alarm.opened
	Time time.Time // of the occurrence
	Data any       // marshalled as the body's data
}

// Failure is a delivery that failed.
type Failure struct {
	Status int           // HTTP status; 0 when there was no answer
	Final  bool          // trying again will not help
	After  time.Duration // the receiver asked to wait this long; 0 if it did not
	Cause  string
}

// Error is the cause.
func (f *Failure) Error() string { return f.Cause }

// ErrNoReceiver says that nobody of that name is configured.
var ErrNoReceiver = errors.New("no such receiver")

// Notifier delivers messages to receivers.
type Notifier struct {
	receivers map[string]receiver
	client    *http.Client
	now       func() time.Time
}

type receiver struct {
	url  string
	keys [][]byte
}

const (
	deliverTimeout = 10 * time.Second
	maxAnswer      = 4 << 10
	secretPrefix   = "whsec_"
)

// NewNotifier reads the receivers' secrets and checks their URLs.
func NewNotifier(receivers map[string]Receiver, now func() time.Time) (*Notifier, error) {
	n := &Notifier{receivers: map[string]receiver{}, now: now}
	var bad []error
	for name, r := range receivers {
		u, err := url.Parse(r.Webhook)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || u.User != nil {
			bad = append(bad, fmt.Errorf("notify.%s: webhook must be an http or https URL without a password", name))
			continue
		}
		keys, err := secrets(r.SecretFile)
		if err != nil {
			bad = append(bad, fmt.Errorf("notify.%s: %w", name, err))
			continue
		}
		n.receivers[name] = receiver{r.Webhook, keys}
	}
	if err := errors.Join(bad...); err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: deliverTimeout, Control: egress}
	n.client = &http.Client{
		Timeout: deliverTimeout,
		Transport: &http.Transport{
			DialContext:         dialer.DialContext,
			TLSHandshakeTimeout: deliverTimeout,
			MaxIdleConns:        8,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return n, nil
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
func (n *Notifier) Close() { n.client.CloseIdleConnections() }

// Send delivers m once. The error is ErrNoReceiver, or a *Failure.
func (n *Notifier) Send(ctx context.Context, to string, m Message) (status int, err error) {
	r, ok := n.receivers[to]
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrNoReceiver, to)
	}
	body, err := json.Marshal(struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      any       `json:"data"`
	}{m.Type, m.Time.UTC(), m.Data})
	if err != nil {
		return 0, &Failure{Final: true, Cause: fmt.Sprintf("encode the message: %v", err)}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(body))
	if err != nil {
		return 0, &Failure{Final: true, Cause: err.Error()}
	}
	at := strconv.FormatInt(n.now().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "trailgate")
	req.Header.Set("webhook-id", m.ID)
	req.Header.Set("webhook-timestamp", at)
	req.Header.Set("webhook-signature", signatures(r.keys, m.ID, at, body))
	res, err := n.client.Do(req)
	if err != nil {
		return 0, &Failure{Cause: plainCause(err)}
	}
	defer res.Body.Close()
	_, _ = io.CopyN(io.Discard, res.Body, maxAnswer) // so that the connection can be used again
	if res.StatusCode/100 == 2 {
		return res.StatusCode, nil
	}
	f := &Failure{Status: res.StatusCode, Cause: "answered " + res.Status}
	switch c := res.StatusCode; {
	case c == http.StatusRequestTimeout, c == http.StatusTooManyRequests, c >= 500:
		if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 && s <= 3600 {
			f.After = time.Duration(s) * time.Second
		}
	default:
		f.Final = true
	}
	return res.StatusCode, f
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
