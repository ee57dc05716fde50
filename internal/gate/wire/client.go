package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// DefaultDialTimeout bounds key exchange and login with a target.
const DefaultDialTimeout = 15 * time.Second

// ErrDialTimeout ends a handshake with a target that took too long.
var ErrDialTimeout = errors.New("target took too long to answer")

// ClientConfig is how the gate logs in to a target.
type ClientConfig struct {
	User   string
	Signer ssh.Signer // key and certificate
	// HostKey decides on the target's key; nil refuses every key. Its error
	// comes back in the chain of Dial's.
	HostKey func(keyType string, blob []byte) error
	// HostKeyTypes are the key types that HostKey can accept, such as those
	// pinned; none means every plain type.
	HostKeyTypes []string
	Timeout      time.Duration // 0 means DefaultDialTimeout
	Version      string        // "" means Version
}

// Dial runs the client's side on nc: key exchange and login. When it fails,
// nc is closed; when ctx ends first, too.
func Dial(ctx context.Context, nc net.Conn, cfg ClientConfig) (*Conn, error) {
	t := tune(nc)
	version := cfg.Version
	if version == "" {
		version = Version
	}
	var hostKeyErr error
	cc := &ssh.ClientConfig{
		Config:            transportConfig(),
		User:              cfg.User,
		ClientVersion:     version,
		HostKeyAlgorithms: algorithmsFor(cfg.HostKeyTypes),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			hostKeyErr = errors.New("no host key is accepted")
			if cfg.HostKey != nil {
				hostKeyErr = cfg.HostKey(key.Type(), key.Marshal())
			}
			return hostKeyErr
		},
	}
	if cfg.Signer != nil {
		cc.Auth = []ssh.AuthMethod{ssh.PublicKeys(cfg.Signer)}
	}
	if len(cc.HostKeyAlgorithms) == 0 { // the library would take its defaults
		t.Close()
		return nil, fmt.Errorf("handshake with target: no host key of types %q can be verified", cfg.HostKeyTypes)
	}
	limit := cfg.Timeout
	if limit == 0 {
		limit = DefaultDialTimeout
	}
	done := bound(ctx, t, limit, ErrDialTimeout)
	conn, chans, reqs, err := ssh.NewClientConn(t, nc.RemoteAddr().String(), cc)
	if cause := done(); cause != nil {
		if err == nil {
			conn.Close()
		}
		err = cause
	}
	if hostKeyErr != nil {
		err = fmt.Errorf("verify host key: %w", hostKeyErr)
	}
	if err != nil {
		t.Close()
		return nil, fmt.Errorf("handshake with target: %w", err)
	}
	peer := Peer{User: cfg.User, ClientVersion: string(conn.ServerVersion()), Remote: addrPort(nc.RemoteAddr())}
	return newConn(t, conn, chans, reqs, peer), nil
}
