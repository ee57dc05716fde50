package ca

import (
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// A host certificate lives a day and is renewed when half of that is over:
// the gate signs it itself, so a short life costs nothing.
const (
	hostLife  = 24 * time.Hour
	hostRenew = 12 * time.Hour
)

// maxHosts bounds the cache of host certificates.
const maxHosts = 4096

// HostSigners are what the gate shows as the host names: a host certificate
// for them, and the plain key beside it, because ssh2 for Node and PuTTY 0.78
// do not know certificates.
func (c *CA) HostSigners(now time.Time, names ...string) ([]ssh.Signer, error) {
	if len(names) == 0 || slices.Contains(names, "") {
		return nil, errors.New("sign a host certificate: no name") // an empty list would match every host
	}
	id := strings.Join(names, ",")
	c.mu.Lock()
	defer c.mu.Unlock()
	if h, ok := c.hosts[id]; ok && now.Before(h.renew) {
		return []ssh.Signer{h.signer, c.gate}, nil
	}
	cert := &ssh.Certificate{
		Key: c.gate.PublicKey(), Serial: newSerial(), CertType: ssh.HostCert, KeyId: "trailgate:" + id,
		ValidPrincipals: slices.Clone(names),
		ValidAfter:      uint64(now.Add(-5 * time.Minute).Unix()), ValidBefore: uint64(now.Add(hostLife).Unix()),
	}
	if err := cert.SignCert(rand.Reader, c.host); err != nil {
		return nil, fmt.Errorf("sign a host certificate for %s: %w", id, err)
	}
	signer, err := ssh.NewCertSigner(cert, c.gate)
	if err != nil {
		return nil, fmt.Errorf("sign a host certificate for %s: %w", id, err)
	}
	if len(c.hosts) >= maxHosts {
		clear(c.hosts)
	}
	c.hosts[id] = hostCert{signer: signer, renew: now.Add(hostRenew)}
	return []ssh.Signer{signer, c.gate}, nil
}

// HostLine is the known_hosts line that makes clients trust the gate as
// itself and for every target: gate holds its name as clients write it
// (gate.example.com, or [127.0.0.1]:2022 for another port).
func (c *CA) HostLine(domain string, gate ...string) string {
	hosts := append([]string{"*." + strings.TrimPrefix(domain, ".")}, gate...)
	return "@cert-authority " + strings.Join(hosts, ",") + " " + authorizedLine(c.host) + " trailgate-host-ca"
}

// GateFingerprint is that of the gate's own host key.
func (c *CA) GateFingerprint() string { return ssh.FingerprintSHA256(c.gate.PublicKey()) }
