package forward_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

// secret of every webhook here.
var secret = []byte("0123456789abcdef0123456789abcdef")

func secretFile(t testing.TB) string {
	name := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(name, []byte("whsec_"+base64.StdEncoding.EncodeToString(secret)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// farHook is a receiver of Standard Webhooks that verifies what it gets.
type farHook struct {
	ledger
	t       *testing.T
	address string
	pki     *pki

	mu      sync.Mutex // guards below
	weather forwardtest.Weather
	stop    func()            // ends what listens
	bodies  map[string][]byte // by webhook-id
}

func newFarHook(t *testing.T) *farHook {
	f := &farHook{t: t, pki: newPKI(t), weather: forwardtest.Down, bodies: map[string][]byte{}, address: "127.0.0.1:0"}
	f.Set(forwardtest.Fine)
	t.Cleanup(func() { f.Set(forwardtest.Down) })
	return f
}

func (f *farHook) Sink(t testing.TB) forward.Sink {
	s, err := forward.NewWebhook("https://"+f.address+"/in?token=abc", secretFile(t), f.pki.trust(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func (f *farHook) Set(w forwardtest.Weather) bool {
	switch w {
	case forwardtest.Flaky: // a batch is one request
		return false
	}
	f.mu.Lock()
	was := f.weather
	f.weather = w
	f.mu.Unlock()
	served := func(w forwardtest.Weather) string { // which server there is, if any
		switch w {
		case forwardtest.Down, forwardtest.Impostor, forwardtest.Garbage:
			return string(w)
		}
		return "up"
	}
	if served(was) == served(w) {
		return true
	}
	if f.stop != nil {
		f.stop()
		f.stop = nil
	}
	if w == forwardtest.Down {
		return true
	}
	ln, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.address = ln.Addr().String()
	name := "127.0.0.1"
	if w == forwardtest.Impostor {
		name = "evil.example.com"
	}
	server := &http.Server{Handler: f, TLSConfig: f.pki.server(name), ErrorLog: quiet}
	if w == forwardtest.Garbage {
		f.stop = func() { ln.Close() }
		go garbage(tls.NewListener(ln, server.TLSConfig))
		return true
	}
	f.stop = func() { ln.Close(); server.Close() } // the listener too: the server may not have taken it yet
	go server.ServeTLS(ln, "", "")
	return true
}

// garbage answers every connection with what is not HTTP, until ln is closed.
func garbage(ln net.Listener) {
	for {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		io.WriteString(c, "220 mail.example.com ESMTP\r\n\r\n")
		c.Close()
	}
}

func (f *farHook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	weather := f.weather
	f.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	switch weather {
	case forwardtest.Slow:
		<-r.Context().Done()
		return
	case forwardtest.Busy:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case forwardtest.Denied:
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	id, at := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
	if want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)); r.Header.Get("webhook-signature") != want {
		f.t.Errorf("signature %q, want %q", r.Header.Get("webhook-signature"), want)
	}
	var in struct {
		Type      string    `json:"type"`
		Timestamp time.Time `json:"timestamp"`
		Data      struct {
			Records []json.RawMessage `json:"Records"`
		} `json:"data"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Type != "trail.events" || in.Timestamp.IsZero() || len(in.Data.Records) == 0 {
		f.t.Errorf("body %.200q: %v", body, err)
	}
	if weather == forwardtest.Picky {
		for _, rec := range in.Data.Records {
			if forwardtest.Poisoned(receipt(rec).EventID) {
				w.WriteHeader(http.StatusUnprocessableEntity)
				return
			}
		}
	}
	f.mu.Lock()
	if before, again := f.bodies[id]; again && !bytes.Equal(before, body) {
		f.t.Errorf("webhook-id %s came with another body", id)
	}
	f.bodies[id] = body
	f.mu.Unlock()
	for _, rec := range in.Data.Records {
		f.add(rec)
	}
}

func TestWebhook(t *testing.T) {
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return newFarHook(t) })
}

func TestAWebhooksNameHidesItsToken(t *testing.T) {
	s, err := forward.NewWebhook("https://siem.example.com/in/secret-token?key=other", secretFile(t), nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if s.String() != "https://siem.example.com" {
		t.Errorf("String() = %q", s.String())
	}
}

func TestAWebhookWaitsAsLongAsItIsAsked(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer srv.Close()
	s, err := forward.NewWebhook(srv.URL, secretFile(t), nil, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	_, err = s.Send(t.Context(), []forward.Message{message(1, `{}`)})
	be, ok := err.(*forward.BatchError)
	if !ok || be.Final || be.After != 17*time.Second || !strings.Contains(be.Error(), "429") {
		t.Errorf("Send = %#v, want a wait of 17 s", err)
	}
}

func TestTrustIsRead(t *testing.T) {
	p := newPKI(t)
	ca, cert, key := p.files(t, "client")
	c, err := forward.Trust{CAFile: ca, ClientCertificate: cert, ClientKey: key}.Config()
	if err != nil || len(c.Certificates) != 1 || c.RootCAs == nil || c.RootCAs.Equal(x509.NewCertPool()) {
		t.Errorf("Config = %+v, %v", c, err)
	}
	if c, err := (forward.Trust{}).Config(); c != nil || err != nil {
		t.Errorf("Config of nothing = %v, %v; want nil for the system's", c, err)
	}
	for name, bad := range map[string]forward.Trust{
		"no such file":      {CAFile: ca + "x"},
		"no certificate":    {CAFile: key},
		"half of a pair":    {ClientCertificate: cert},
		"a pair that isn't": {ClientCertificate: cert, ClientKey: cert},
	} {
		if _, err := bad.Config(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
