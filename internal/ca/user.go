package ca

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// The validity of a user certificate around the moment it is made. It bounds
// how late a log-in may be, not how long the session lasts.
const (
	validBefore = time.Minute // targets' clocks differ
	validAfter  = 5 * time.Minute
)

// UserRequest says what a user certificate is for.
type UserRequest struct {
	Login string // the only principal
	KeyID string // session and identity; sshd logs it
	Now   time.Time

	PTY, PortForwarding, AgentForwarding, X11Forwarding bool
}

// UserCertificate is a certificate and its fresh private key, made for one
// session and never written anywhere.
type UserCertificate struct {
	Signer                  ssh.Signer
	Serial                  uint64
	KeyID                   string
	Fingerprint             string
	ValidAfter, ValidBefore time.Time
}

// MintUser makes a key and a certificate for it.
func (c *CA) MintUser(r UserRequest) (*UserCertificate, error) {
	if r.Login == "" {
		return nil, errors.New("mint a user certificate: no login") // an empty list would match every login
	}
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("mint a user certificate: %w", err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("mint a user certificate: %w", err)
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return nil, fmt.Errorf("mint a user certificate: %w", err)
	}
	serial := newSerial()
	u := &UserCertificate{
		Serial: serial, KeyID: r.KeyID, Fingerprint: ssh.FingerprintSHA256(key),
		ValidAfter: r.Now.Add(-validBefore).Truncate(time.Second), ValidBefore: r.Now.Add(validAfter).Truncate(time.Second),
	}
	cert := &ssh.Certificate{
		Key: key, Serial: serial, CertType: ssh.UserCert, KeyId: r.KeyID,
		ValidPrincipals: []string{r.Login},
		ValidAfter:      uint64(u.ValidAfter.Unix()), ValidBefore: uint64(u.ValidBefore.Unix()),
		Permissions: ssh.Permissions{Extensions: r.extensions()},
	}
	if err := cert.SignCert(rand.Reader, c.user); err != nil {
		return nil, fmt.Errorf("mint a user certificate: %w", err)
	}
	if u.Signer, err = ssh.NewCertSigner(cert, signer); err != nil {
		return nil, fmt.Errorf("mint a user certificate: %w", err)
	}
	return u, nil
}

func (r UserRequest) extensions() map[string]string {
	ext := make(map[string]string)
	for name, on := range map[string]bool{
		"permit-pty":              r.PTY,
		"permit-port-forwarding":  r.PortForwarding,
		"permit-agent-forwarding": r.AgentForwarding,
		"permit-X11-forwarding":   r.X11Forwarding,
	} {
		if on {
			ext[name] = ""
		}
	}
	return ext
}

func newSerial() uint64 {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		panic(fmt.Sprintf("ca: the system's random source failed: %v", err))
	}
	return binary.BigEndian.Uint64(b[:]) >> 1 // signed in some tools
}

// UserLine is the user CA's public key as targets trust it: one line for the
// file that TrustedUserCAKeys names.
func (c *CA) UserLine() string { return authorizedLine(c.user) + " trailgate-user-ca" }

// SshdSnippet is what a target's sshd_config needs, with path as the file that
// holds UserLine (empty: the usual place).
func (c *CA) SshdSnippet(path string) string {
	if path == "" {
		path = "/etc/ssh/trailgate_user_ca.pub"
	}
	return strings.Join([]string{
		"# Trailgate: people log in through the gate, with certificates that name the login.",
		"TrustedUserCAKeys " + path,
		"PubkeyAuthentication yes",
		"",
	}, "\n")
}

func authorizedLine(s ssh.Signer) string {
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(s.PublicKey())))
}
