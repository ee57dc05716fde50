package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
)

func TestEventDataStoreIDIsAlwaysTheSame(t *testing.T) {
	cfg := config.Default()
	cfg.AccountID = "111122223333"
	if id := EventDataStoreID(cfg); id != "fa2beff3-9f29-5afc-b0f0-2c6acc1cd4f3" {
		t.Errorf("EventDataStoreID = %s", id)
	}
	other := cfg
	other.Region = "eu-west-1"
	if EventDataStoreID(other) == EventDataStoreID(cfg) {
		t.Error("two regions have one event data store")
	}
}

func TestPlainAPIIsForThisMachineAlone(t *testing.T) {
	for listen, plain := range map[string]bool{
		"": true, "127.0.0.1:8443": true, "[::1]:8443": true, "localhost:8443": true, "127.1.2.3:0": true,
		":8443": false, "0.0.0.0:8443": false, "[::]:8443": false, "192.0.2.1:8443": false, "trail.example.com:8443": false,
	} {
		api := config.API{Listen: listen}
		if err := api.Check(); (err == nil) != plain || err != nil && !errors.Is(err, config.ErrPlainAPI) {
			t.Errorf("listening on %q without TLS: %v, want allowed %v", listen, err, plain)
		}
		api.Certificate, api.Key = "cert.pem", "key.pem"
		if err := api.Check(); err != nil {
			t.Errorf("listening on %q with TLS: %v", listen, err)
		}
		api.Key = ""
		if err := api.Check(); err == nil {
			t.Errorf("listening on %q with half of a certificate is allowed", listen)
		}
	}
}

// pair writes a certificate that ends at a time.
func pair(t *testing.T, dir string, ends time.Time) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(ends.Unix()), Subject: pkix.Name{CommonName: "trail.example.com"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: ends}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "EC PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestRenewedCertificateIsUsedWithoutARestart(t *testing.T) {
	dir := t.TempDir()
	first := time.Now().Add(24 * time.Hour).Truncate(time.Second)
	cert, key := pair(t, dir, first)
	c := &certificate{cert: cert, key: key}
	ends := func() time.Time {
		t.Helper()
		p, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return p.Leaf.NotAfter
	}
	if got := ends(); !got.Equal(first) {
		t.Errorf("the certificate ends at %s, want %s", got, first)
	}
	second := first.Add(90 * 24 * time.Hour)
	pair(t, dir, second)
	later := time.Now().Add(time.Minute)
	for _, file := range []string{cert, key} {
		if err := os.Chtimes(file, later, later); err != nil {
			t.Fatal(err)
		}
	}
	if got := ends(); !got.Equal(second) {
		t.Errorf("after the renewal it ends at %s, want %s", got, second)
	}
	if err := os.WriteFile(cert, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := ends(); !got.Equal(second) {
		t.Errorf("while the file is half written it ends at %s, want the last whole one", got)
	}
}

func TestDoctorLooksAtTheAPI(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	if err := os.Mkdir(filepath.Join(cfg.DataDir, "ca"), 0o700); err != nil {
		t.Fatal(err)
	}
	said := func() string {
		var b strings.Builder
		for _, c := range apiChecks(cfg) {
			b.WriteString(map[bool]string{true: "ok ", false: "bad "}[c.OK] + c.What + "\n")
			if !c.OK && c.Hint == "" {
				t.Errorf("%q has no hint", c.What)
			}
		}
		return b.String()
	}
	if got := said(); got != "" {
		t.Errorf("nothing to look at: %q", got)
	}
	if _, err := ca.OpenSealer(caDir(cfg)); err != nil {
		t.Fatal(err)
	}
	cfg.API.Listen = ":8443"
	if got := said(); !strings.Contains(got, "ok the key that seals") || !strings.Contains(got, "bad api.listen is open") {
		t.Errorf("without TLS: %q", got)
	}
	cfg.API.Listen = "127.0.0.1:8443"
	if got := said(); !strings.Contains(got, "ok the CloudTrail API listens on 127.0.0.1:8443, for this machine alone") {
		t.Errorf("on loopback: %q", got)
	}
	cfg.API.Certificate, cfg.API.Key = pair(t, t.TempDir(), time.Now().Add(24*time.Hour))
	if got := said(); !strings.Contains(got, "bad the CloudTrail API's certificate ends at") {
		t.Errorf("a certificate that ends tomorrow: %q", got)
	}
	cfg.API.Certificate, cfg.API.Key = pair(t, t.TempDir(), time.Now().Add(90*24*time.Hour))
	if got := said(); strings.Contains(got, "bad") {
		t.Errorf("a good certificate: %q", got)
	}
}
