package wire

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
)

// MaxChannels bounds the open channels of a connection: each may hold up to
// its 2 MiB window.
const MaxChannels = 100

// Conn is one SSH connection after its login, on either leg.
type Conn struct {
	t    *tuned
	ssh  ssh.Conn
	peer Peer

	incoming <-chan ssh.NewChannel
	channels atomic.Int64

	wg   tasks         // goroutines of the connection
	done chan struct{} // closed when the connection is over
	err  error         // why it is over; read after done
}

func newConn(t *tuned, c ssh.Conn, chans <-chan ssh.NewChannel, reqs <-chan *ssh.Request, p Peer) *Conn {
	t.ciphersOn.Store(true)
	conn := &Conn{t: t, ssh: c, peer: p, incoming: chans, done: make(chan struct{})}
	conn.wg.idle.L = &conn.wg.mu
	// Ends when the library's reader ends and closes reqs.
	go func() {
		conn.global(reqs)
		conn.err = c.Wait()
		close(conn.done)
	}()
	return conn
}

// Proof is the last step's Proof; nil on the target's leg.
func (c *Conn) Proof() any { return c.peer.Proof }

// Peer is who is at the other end. On the target's leg User is the login and
// ClientVersion the target's version.
func (c *Conn) Peer() Peer { return c.peer }

// Algorithms are what was negotiated.
func (c *Conn) Algorithms() Algorithms {
	m, ok := c.ssh.(ssh.AlgorithmsConnMetadata)
	if !ok {
		return Algorithms{}
	}
	a := m.Algorithms()
	return Algorithms{
		KeyExchange: a.KeyExchange, HostKey: a.HostKey,
		CipherRead: a.Read.Cipher, MACRead: a.Read.MAC,
		CipherWrite: a.Write.Cipher, MACWrite: a.Write.MAC,
	}
}

// Bytes are what the transport has carried, encrypted, from and to the peer.
func (c *Conn) Bytes() (in, out int64) { return c.t.in.Load(), c.t.out.Load() }

// Done is closed when the connection is over.
func (c *Conn) Done() <-chan struct{} { return c.done }

// Wait blocks until the connection is over, and says why. A peer that closed
// orderly is no error.
func (c *Conn) Wait() error {
	<-c.done
	c.wg.Wait()
	// The library's type for a peer's DISCONNECT is not exported; 11 is
	// SSH_DISCONNECT_BY_APPLICATION, OpenSSH's goodbye.
	if c.err == nil || errors.Is(c.err, io.EOF) || strings.HasPrefix(c.err.Error(), "ssh: disconnect, reason 11:") {
		return nil
	}
	return c.err
}

// Close ends the connection at once: reads, writes and Accept on it return.
func (c *Conn) Close() error { return c.t.Close() }

// Accept returns the next channel that the peer opens, or an error that wraps
// io.EOF when the connection is over. Somebody must accept all the time, or
// the connection stalls.
func (c *Conn) Accept(ctx context.Context) (*Incoming, error) {
	for {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case nc, ok := <-c.incoming:
			if !ok {
				return nil, fmt.Errorf("accept channel: %w", io.EOF)
			}
			in, reason, text := c.admit(nc)
			if in != nil {
				return in, nil
			}
			nc.Reject(ssh.RejectionReason(reason), text)
		}
	}
}

// admit decodes an open, or says why it is refused here already.
func (c *Conn) admit(nc ssh.NewChannel) (*Incoming, Reason, string) {
	open, err := inspect.DecodeOpen(nc.ChannelType(), nc.ExtraData())
	if err != nil {
		return nil, ConnectFailed, "malformed channel open"
	}
	if c.channels.Add(1) > MaxChannels {
		c.channels.Add(-1)
		return nil, ResourceShortage, "too many channels"
	}
	return &Incoming{conn: c, nc: nc, open: open}, 0, ""
}

// Open asks the peer for a channel. A refusal is an *OpenError. When ctx ends
// first, a channel that the peer still opens is closed.
func (c *Conn) Open(ctx context.Context, kind string, extra []byte) (*Channel, error) {
	type result struct {
		ch   ssh.Channel
		reqs <-chan *ssh.Request
		err  error
	}
	got := make(chan result, 1) // the opener never waits for a caller that left
	c.wg.Go(func() {
		ch, reqs, err := c.ssh.OpenChannel(kind, extra)
		got <- result{ch, reqs, err}
	})
	select {
	case r := <-got:
		if r.err == nil {
			c.channels.Add(1)
			return newChannel(c, r.ch, r.reqs), nil
		}
		var refused *ssh.OpenChannelError
		if errors.As(r.err, &refused) {
			return nil, &OpenError{Reason: Reason(refused.Reason), Text: refused.Message}
		}
		return nil, fmt.Errorf("open channel %q: %w", kind, r.err)
	case <-ctx.Done():
		c.wg.Go(func() {
			if r := <-got; r.err == nil {
				r.ch.Close()
				ssh.DiscardRequests(r.reqs)
			}
		})
		return nil, fmt.Errorf("open channel %q: %w", kind, context.Cause(ctx))
	}
}

// OpenTyped is Open with a typed request.
func (c *Conn) OpenTyped(ctx context.Context, o inspect.Open) (*Channel, error) {
	kind, extra := inspect.EncodeOpen(o)
	return c.Open(ctx, kind, extra)
}

// global answers the peer's global requests until the connection is over.
// hostkeys-00@openssh.com (a target's keys are not the gate's),
// tcpip-forward and all else are refused; keepalive is happy with any reply.
// no-more-sessions@openssh.com cannot be kept: the library shows it on another
// path than the opens it comes after.
func (c *Conn) global(reqs <-chan *ssh.Request) {
	for r := range reqs {
		if r.WantReply {
			r.Reply(r.Type == "keepalive@openssh.com", nil)
		}
	}
}

// Keepalive asks the peer for a sign of life and returns once it came.
func (c *Conn) Keepalive() error {
	if _, _, err := c.ssh.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		return fmt.Errorf("keep alive: %w", err)
	}
	return nil
}
