package wire

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"
)

// Version is what both legs announce. It begins with OpenSSH since that is
// what makes OpenSSH's two ends tell each other that nobody reads any more
// (eow@openssh.com, by compat.c's SSH_NEW_OPENSSH): without it
// `ssh gate yes | head -1` never ends.
const Version = "SSH-2.0-OpenSSH_Trailgate"

// DefaultGrace is how long a login may take (DESIGN.md 8).
const DefaultGrace = 30 * time.Second

// ErrGrace ends a login that took too long.
var ErrGrace = errors.New("login grace time is over")

// ServerConfig is how a client's connection is served.
type ServerConfig struct {
	HostKeys []ssh.Signer // plain keys and host certificates; at least one
	Auth     Auth
	Grace    time.Duration            // for the whole login; 0 means DefaultGrace
	Version  string                   // "" means Version
	Banner   func(user string) string // said before the login; nil or "" says nothing
	// Certificate is told of a user certificate, which is refused whatever it
	// says, and words it for the person. k is the key in it. Nil says nothing.
	Certificate func(p Peer, k Key, expired bool) (notice string)
}

// LoginError is a connection that did not come to a finished login.
type LoginError struct {
	Peer Peer // as far as the login came; no Proof
	Err  error
}

func (e *LoginError) Error() string { return fmt.Sprintf("serve login: %v", e.Err) }

func (e *LoginError) Unwrap() error { return e.Err }

// Serve runs the server's side on nc: key exchange and login. When it fails,
// nc is closed and the error is a *LoginError; when ctx ends first, too.
func Serve(ctx context.Context, nc net.Conn, cfg ServerConfig) (*Conn, error) {
	t := tune(nc)
	l := &login{auth: cfg.Auth, remote: addrPort(nc.RemoteAddr()), certificate: cfg.Certificate}
	l.last.Remote = l.remote

	sc := &ssh.ServerConfig{Config: transportConfig(), ServerVersion: cfg.Version}
	if sc.ServerVersion == "" {
		sc.ServerVersion = Version
	}
	if cfg.Banner != nil {
		sc.BannerCallback = func(m ssh.ConnMetadata) string {
			return cfg.Banner(l.peer(m, nil).User)
		}
	}
	sc.PreAuthConnCallback = func(m ssh.ServerPreAuthConn) { l.peer(m, nil) }
	l.configure(sc)
	for _, k := range cfg.HostKeys {
		sc.AddHostKey(k)
	}

	grace := cfg.Grace
	if grace == 0 {
		grace = DefaultGrace
	}
	done := bound(ctx, t, grace, ErrGrace)
	sconn, chans, reqs, err := ssh.NewServerConn(t, sc)
	if cause := done(); cause != nil {
		if err == nil {
			sconn.Close()
		}
		err = cause
	}
	if err != nil {
		t.Close()
		return nil, &LoginError{Peer: l.last, Err: err}
	}
	peer := l.peer(sconn, nil)
	var proof any
	if sconn.Permissions != nil {
		proof = sconn.Permissions.ExtraData[proofKey{}]
	}
	peer.Proof = proof
	return newConn(t, sconn.Conn, chans, reqs, peer), nil
}

// bound closes nc when ctx ends or the time is over, so that a handshake on
// it fails. The function it returns lifts the bound and says which of the two
// happened; it must be called.
func bound(ctx context.Context, nc net.Conn, limit time.Duration, over error) (lift func() error) {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, over)
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	return func() error {
		defer cancel()
		if stop() {
			return nil
		}
		return context.Cause(ctx)
	}
}

func addrPort(a net.Addr) netip.AddrPort {
	if t, ok := a.(*net.TCPAddr); ok {
		ap := t.AddrPort()
		return netip.AddrPortFrom(ap.Addr().Unmap(), ap.Port())
	}
	return netip.AddrPort{}
}
