package action

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

func notifier(t *testing.T, url string) *Notifier {
	t.Helper()
	n, err := NewNotifier(map[string]Receiver{"security": {url, secretFile(t)}}, func() time.Time { return sentAt })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Close)
	return n
}

func message() Message {
	return Message{ID: "run.tell.security", Type: "alarm.opened", Time: sentAt, Data: map[string]string{"alarm": "a"}}
}

// As the receiver of https://www.standardwebhooks.com verifies it.
func TestWebhookIsSigned(t *testing.T) {
	var problem string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
		switch {
		case r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json":
			problem = "not a JSON POST"
		case r.Header.Get("webhook-id") != "run.tell.security" || r.Header.Get("webhook-timestamp") != fmt.Sprint(sentAt.Unix()):
			problem = "webhook-id or webhook-timestamp is wrong"
		case r.Header.Get("webhook-signature") != want:
			problem = "signature " + r.Header.Get("webhook-signature") + ", want " + want
		case !strings.Contains(string(body), `"type":"alarm.opened"`):
			problem = "body " + string(body)
		}
	}))
	defer s.Close()
	if status, err := notifier(t, s.URL).Send(t.Context(), "security", message()); err != nil || status != 200 || problem != "" {
		t.Errorf("Send = %d, %v; the receiver says %q", status, err, problem)
	}
}

func TestNobodyOfThatName(t *testing.T) {
	if _, err := notifier(t, "http://127.0.0.1:1").Send(t.Context(), "nobody", message()); !errors.Is(err, ErrNoReceiver) {
		t.Errorf("err = %v, want ErrNoReceiver", err)
	}
}

func TestBadReceiversAreAllNamed(t *testing.T) {
	_, err := NewNotifier(map[string]Receiver{
		"a": {"ftp://example.com", secretFile(t)},
		"b": {"https://example.com", ""},
		"c": {"https://example.com", secretFile(t, "hunter2")},
		"d": {"https://user:pass@example.com", secretFile(t)},
		"e": {"https://example.com", filepath.Join(t.TempDir(), "none")},
	}, time.Now)
	if err == nil {
		t.Fatal("no error")
	}
	for _, name := range []string{"notify.a", "notify.b", "notify.c", "notify.d", "notify.e"} {
		if !strings.Contains(err.Error(), name) {
			t.Errorf("error %q does not name %s", err, name)
		}
	}
	if strings.Contains(err.Error(), "hunter2") {
		t.Error("the error shows a secret")
	}
}
