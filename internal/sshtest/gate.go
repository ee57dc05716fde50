package sshtest

import (
	"bytes"
	"context"
	"net"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// Gate is the least gate: one identity, one target, no policy, no trail. What
// the product's gate does beside moving channels is not in it.
type Gate struct {
	Addr    string
	HostKey ssh.PublicKey
	// Hooks, if set, are for each session channel.
	Hooks func() relay.Hooks

	target wire.ClientConfig
	dial   string
	server wire.ServerConfig

	ctx context.Context
	end context.CancelCauseFunc
	wg  sync.WaitGroup
}

// AnyKey accepts the one key, by its verified signature.
type AnyKey struct{ Key ssh.PublicKey }

func (AnyKey) None(wire.Peer) wire.Verdict { return wire.Verdict{} }

func (a AnyKey) Known(_ wire.Peer, k wire.Key) bool { return bytes.Equal(k.Blob, a.Key.Marshal()) }

func (a AnyKey) Verified(_ wire.Peer, k wire.Key) wire.Verdict {
	return wire.Verdict{Outcome: wire.Accept, Proof: k.Fingerprint}
}

func (AnyKey) Answer(wire.Peer, string) wire.Verdict { return wire.Verdict{} }

// NewGate serves the client's key on loopback, for the target at addr.
func NewGate(t testing.TB, client ssh.PublicKey, addr string, target wire.ClientConfig, hooks func() relay.Hooks) *Gate {
	t.Helper()
	host := Key(t)
	g := &Gate{HostKey: host.PublicKey(), Hooks: hooks, target: target, dial: addr}
	g.server = wire.ServerConfig{HostKeys: []ssh.Signer{host}, Auth: AnyKey{client}}
	g.ctx, g.end = context.WithCancelCause(context.Background())
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.Addr = l.Addr().String()
	g.wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			g.wg.Go(func() { g.serve(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		g.end(nil)
		g.wg.Wait()
	})
	return g
}

// End ends every session with a cause.
func (g *Gate) End(cause error) { g.end(cause) }

func (g *Gate) serve(nc net.Conn) {
	client, err := wire.Serve(g.ctx, nc, g.server)
	if err != nil {
		return
	}
	defer client.Wait()
	defer client.Close()
	var d net.Dialer
	tc, err := d.DialContext(g.ctx, "tcp", g.dial)
	if err != nil {
		return
	}
	target, err := wire.Dial(g.ctx, tc, g.target)
	if err != nil {
		return
	}
	defer target.Wait()
	defer target.Close()

	var channels sync.WaitGroup
	// Relays see the target go themselves and tell the person; back channels
	// end with the connection.
	back, stop := context.WithCancel(g.ctx)
	channels.Go(func() { g.backChannels(back, client, target) })
	for {
		in, err := client.Accept(g.ctx)
		if err != nil {
			break
		}
		channels.Go(func() { g.channel(in, target) })
	}
	if g.ctx.Err() == nil {
		target.Close() // the client has left
	}
	stop()
	channels.Wait()
}

func (g *Gate) channel(in *wire.Incoming, target *wire.Conn) {
	ctx, cancel := context.WithTimeout(g.ctx, 10*time.Second)
	tc, err := target.OpenTyped(ctx, in.Open())
	cancel()
	if err != nil {
		in.Reject(wire.ConnectFailed, err.Error())
		return
	}
	cc, err := in.Accept()
	if err != nil {
		tc.Close()
		return
	}
	var h relay.Hooks
	if g.Hooks != nil {
		h = g.Hooks()
	}
	if _, ok := in.Open().(inspect.OpenSession); ok {
		relay.Channel(g.ctx, cc, tc, h)
	} else {
		relay.Tunnel(g.ctx, cc, tc, h)
	}
}

func (g *Gate) backChannels(ctx context.Context, client, target *wire.Conn) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		in, err := target.Accept(ctx)
		if err != nil {
			return
		}
		wg.Go(func() {
			cc, err := client.OpenTyped(ctx, in.Open())
			if err != nil {
				in.Reject(wire.Prohibited, "client refused")
				return
			}
			tc, err := in.Accept()
			if err != nil {
				cc.Close()
				return
			}
			relay.Tunnel(ctx, cc, tc, relay.Hooks{})
		})
	}
}
