package sshtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// Key makes an ed25519 key.
func Key(t testing.TB) ssh.Signer {
	t.Helper()
	signer, _ := keyPair(t)
	return signer
}

func keyPair(t testing.TB) (ssh.Signer, ed25519.PrivateKey) {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return signer, private
}

// KeyFile makes a key and stores it where OpenSSH can read it.
func KeyFile(t testing.TB, dir, name string) (ssh.Signer, string) {
	t.Helper()
	signer, private := keyPair(t)
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, name)
	write(t, path, pem.EncodeToMemory(block))
	write(t, path+".pub", ssh.MarshalAuthorizedKey(signer.PublicKey()))
	return signer, path
}

// Certify signs a fresh key for login, valid for an hour.
func Certify(t testing.TB, ca ssh.Signer, login string) ssh.Signer {
	t.Helper()
	return certify(t, ca, ssh.UserCert, login)
}

// CertifyHost signs a fresh host key for name.
func CertifyHost(t testing.TB, ca ssh.Signer, name string) ssh.Signer {
	t.Helper()
	return certify(t, ca, ssh.HostCert, name)
}

func certify(t testing.TB, ca ssh.Signer, kind uint32, principal string) ssh.Signer {
	t.Helper()
	key := Key(t)
	cert := &ssh.Certificate{
		Key: key.PublicKey(), CertType: kind, KeyId: "test", ValidPrincipals: []string{principal},
		ValidAfter:  uint64(time.Now().Add(-time.Minute).Unix()),
		ValidBefore: uint64(time.Now().Add(time.Hour).Unix()),
	}
	if kind == ssh.UserCert {
		cert.Extensions = map[string]string{"permit-pty": "", "permit-agent-forwarding": "", "permit-port-forwarding": "", "permit-X11-forwarding": ""}
	}
	if err := cert.SignCert(rand.Reader, ca); err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewCertSigner(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

func write(t testing.TB, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
