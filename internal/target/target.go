// Package target reaches the servers behind the gate: it dials them, holds
// their host keys against the pins, and scans the keys of new ones.
//
// Rules: nothing is dialled without a [policy.Grant] for that very target; the
// address is resolved once and the address that was checked is the one
// dialled; a host key that is not pinned to the target is an error, whatever
// other target it may belong to.
package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// Errors a caller decides on.
var (
	// ErrNoGrant is a dial without leave for this target. It is a bug in the
	// caller, or an attack on one.
	ErrNoGrant = errors.New("no grant for this target")
	// ErrUnreachable is a target that could not be connected to.
	ErrUnreachable = errors.New("target unreachable")
)

// DefaultTimeout bounds a dial, name resolution included.
const DefaultTimeout = 10 * time.Second

// Dialer dials targets. The zero Dialer works.
type Dialer struct {
	Timeout time.Duration // 0 means DefaultTimeout
}

// Conn is a transport to a target whose host key is still to be verified, with
// what verifies it.
type Conn struct {
	net.Conn
	Pins Pins
}

// Dial connects to t, for which g must have been granted. The error wraps
// ErrUnreachable when the network is to blame.
func (d Dialer) Dial(ctx context.Context, g policy.Grant, t state.Target) (*Conn, error) {
	if !g.Valid() || g.Action() != policy.Connect || g.Target() != t.Name {
		return nil, fmt.Errorf("dial target %q: %w", t.Name, ErrNoGrant)
	}
	pins, err := ParsePins(t)
	if err != nil {
		return nil, fmt.Errorf("dial target %q: %w", t.Name, err)
	}
	timeout := d.Timeout
	if timeout == 0 {
		timeout = DefaultTimeout
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	nc, err := dial(ctx, t.Address)
	if err != nil {
		return nil, fmt.Errorf("dial target %q at %s: %w: %w", t.Name, t.Address, ErrUnreachable, err)
	}
	return &Conn{Conn: nc, Pins: pins}, nil
}

// dial resolves address once and tries each answer.
func dial(ctx context.Context, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return nil, fmt.Errorf("port %q is not a number", port)
	}
	ips := []netip.Addr{}
	if ip, err := netip.ParseAddr(host); err == nil {
		ips = append(ips, ip)
	} else if ips, err = net.DefaultResolver.LookupNetIP(ctx, "ip", host); err != nil {
		return nil, err
	}
	var nd net.Dialer
	var failed error
	for _, ip := range ips {
		nc, err := nd.DialContext(ctx, "tcp", net.JoinHostPort(ip.Unmap().String(), port))
		if err == nil {
			return nc, nil
		}
		failed = errors.Join(failed, err)
	}
	if failed == nil {
		failed = fmt.Errorf("%s has no address", host)
	}
	return nil, failed
}
