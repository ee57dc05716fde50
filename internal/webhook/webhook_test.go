package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// key is a secret's bytes; its file is what secretFile writes.
var key = []byte("0123456789abcdef0123456789abcdef")

func secretFile(t *testing.T, lines ...string) string {
	t.Helper()
	if len(lines) == 0 {
		lines = []string{"whsec_" + base64.StdEncoding.EncodeToString(key)}
	}
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

var sentAt = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

// post sends one message to a URL.
func post(t *testing.T, url, body string) (int, error) {
	t.Helper()
	c := NewClient(func() time.Time { return sentAt })
	defer c.Close()
	to, err := NewReceiver(url, secretFile(t))
	if err != nil {
		t.Fatal(err)
	}
	return c.Post(t.Context(), to, "m1", []byte(body))
}

// As the receiver of https://www.standardwebhooks.com verifies it.
func TestAMessageIsSigned(t *testing.T) {
	var problem string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		switch {
		case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json":
			problem = "not a JSON POST"
		case r.Header.Get("webhook-id") != "m1" || r.Header.Get("webhook-timestamp") != fmt.Sprint(sentAt.Unix()):
			problem = "webhook-id or webhook-timestamp is wrong"
		case r.Header.Get("webhook-signature") != want:
			problem = "signature " + r.Header.Get("webhook-signature") + ", want " + want
		case string(body) != `{"a":1}`:
			problem = "body " + string(body)
		}
	}))
	defer s.Close()
	if status, err := post(t, s.URL, `{"a":1}`); err != nil || status != 200 || problem != "" {
		t.Errorf("Post = %d, %v; the receiver says %q", status, err, problem)
	}
}

func TestSecretsInRotationSignBoth(t *testing.T) {
	second := "whsec_" + base64.StdEncoding.EncodeToString([]byte("fedcba9876543210fedcba9876543210"))
	keys, err := secrets(secretFile(t, "whsec_"+base64.StdEncoding.EncodeToString(key), "", second))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Fields(signatures(keys, "id", "1", nil)); len(got) != 2 || got[0] == got[1] {
		t.Errorf("signatures %v, want one a secret", got)
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		after  string
		final  bool
		wait   time.Duration
	}{
		{"a busy receiver is asked again when it says", 429, "7", false, 7 * time.Second},
		{"a broken receiver is asked again", 503, "", false, 0},
		{"a wait of days is not obeyed", 503, "864000", false, 0},
		{"a slow receiver is asked again", 408, "", false, 0},
		{"a refusal is final", 400, "", true, 0},
		{"a receiver that is gone is final", 410, "", true, 0},
		{"a redirect is not followed", 307, "", true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			asked := 0
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked++
				w.Header().Set("Retry-After", c.after)
				w.Header().Set("Location", "/elsewhere")
				w.WriteHeader(c.status)
			}))
			defer s.Close()
			status, err := post(t, s.URL, "{}")
			var f *Failure
			if !errors.As(err, &f) || status != c.status || f.Final != c.final || f.After != c.wait || asked != 1 {
				t.Errorf("Post = %d, %#v after %d requests", status, err, asked)
			}
		})
	}
}

func TestAReceiverThatIsDownIsAskedAgainAndItsURLStaysSecret(t *testing.T) {
	s := httptest.NewServer(nil)
	s.Close()
	_, err := post(t, s.URL+"/token-1234", "{}")
	var f *Failure
	if !errors.As(err, &f) || f.Final || strings.Contains(err.Error(), "token-1234") {
		t.Errorf("err = %v, want a failure to retry without the URL in it", err)
	}
}

func TestLinkLocalAddressesAreRefused(t *testing.T) {
	for _, address := range []string{"169.254.169.254:80", "[fe80::1]:80", "[::ffff:169.254.169.254]:80", "0.0.0.0:80", "224.0.0.1:80"} {
		if err := egress("tcp", address, nil); err == nil {
			t.Errorf("egress(%s) allows it", address)
		}
	}
	for _, address := range []string{"127.0.0.1:80", "10.0.0.1:443", "203.0.113.1:443"} {
		if err := egress("tcp", address, nil); err != nil {
			t.Errorf("egress(%s) = %v", address, err)
		}
	}
}

func TestBadReceiversAreRefused(t *testing.T) {
	for name, o := range map[string][2]string{
		"another scheme": {"ftp://example.com", secretFile(t)},
		"no host":        {"https:///x", secretFile(t)},
		"a password":     {"https://user:pass@example.com", secretFile(t)},
		"no secret":      {"https://example.com", ""},
		"a bad secret":   {"https://example.com", secretFile(t, "hunter2")},
		"no secret file": {"https://example.com", filepath.Join(t.TempDir(), "none")},
		"an empty file":  {"https://example.com", secretFile(t, "")},
	} {
		if _, err := NewReceiver(o[0], o[1]); err == nil {
			t.Errorf("NewReceiver takes %s", name)
		} else if strings.Contains(err.Error(), "hunter2") {
			t.Error("the error shows a secret")
		}
	}
}

// TestGetIsSignedAndBounded: what a receiver keeps comes back, as much as is
// wanted, and the receiver can tell who asks.
func TestGetIsSignedAndBounded(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want := signatures([][]byte{key}, r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), nil)
		if r.Method != http.MethodGet || r.Header.Get("webhook-signature") != want {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, "{}\n{}\n")
	}))
	defer s.Close()
	c := NewClient(time.Now)
	defer c.Close()
	from, err := NewReceiver(s.URL, secretFile(t))
	if err != nil {
		t.Fatal(err)
	}
	if b, err := c.Get(t.Context(), from, "read-1", 6); err != nil || string(b) != "{}\n{}\n" {
		t.Errorf("Get = %q, %v", b, err)
	}
	if b, err := c.Get(t.Context(), from, "read-2", 5); err == nil {
		t.Errorf("Get of more than the limit = %q, want a failure", b)
	}
	var f *Failure
	stranger := Receiver{s.URL, [][]byte{[]byte("another key that is long enough!")}}
	if _, err := c.Get(t.Context(), stranger, "read-3", 6); !errors.As(err, &f) || f.Status != http.StatusForbidden || !f.Final {
		t.Errorf("Get with another key: %v, want a final failure", err)
	}
}
