package gate

import (
	"context"
	"errors"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/policy"
)

// tunnel relays a direct-tcpip channel. The target connects, never the gate.
func (s *session) tunnel(ctx context.Context, in *wire.Incoming, o inspect.OpenDirect, number int) {
	host, port := line(o.Host, maxName), int(o.Port)
	if host != o.Host { // cut or made fit: no host is called so, and the record would name another
		no := &denial{reason: "the tunnel's destination is not the name or address of a host"}
		s.refuseOpen(ctx, in, event.OpenTunnel{Channel: number, Host: host, Port: port}, no)
		return
	}
	over, err := s.begin(ctx, policy.Tunnel, event.OpenTunnel{Channel: number, Host: host, Port: port}, func(r *policy.Request) {
		r.Host, r.Port = o.Host, port
	})
	if err != nil {
		reject(in, wire.Prohibited, err)
		return
	}
	defer over()
	closeTunnel := func(ctx context.Context, sum relay.Summary) {
		s.received.Add(sum.In)
		s.sent.Add(sum.Out)
		s.c.g.appendLate(ctx, s.meta(), event.CloseTunnel{
			Channel: number, Host: host, Port: port, BytesReceived: sum.In, BytesSent: sum.Out,
		})
	}
	up, err := s.w.OpenTyped(ctx, o)
	if err != nil {
		closeTunnel(ctx, relay.Summary{})
		var refused *wire.OpenError
		if errors.As(err, &refused) {
			in.Reject(refused.Reason, clean(refused.Text, maxName))
			return
		}
		in.Reject(wire.ConnectFailed, "the target did not open the tunnel")
		return
	}
	down, err := in.Accept()
	if err != nil {
		up.Close()
		closeTunnel(ctx, relay.Summary{})
		return
	}
	relay.Tunnel(ctx, down, up, relay.Hooks{
		Hold: &s.c.g.pause.hold,
		Closing: func(ctx context.Context, sum relay.Summary) error {
			closeTunnel(ctx, sum)
			return nil
		},
	})
}

// fromTarget serves the channels that the target opens back to the client,
// until the target is gone: those of forwarding that was asked for and
// allowed. Each is decided again.
func (s *session) fromTarget(ctx context.Context) {
	for {
		in, err := s.w.Accept(context.WithoutCancel(ctx))
		if err != nil {
			break
		}
		s.wg.Go(func() { s.back(ctx, in) })
	}
	<-s.w.Done()
}

func (s *session) back(ctx context.Context, in *wire.Incoming) {
	number := int(s.next.Add(1))
	s.mu.Lock()
	agent, x11 := s.agent, s.x11
	s.mu.Unlock()
	var over func()
	var err error
	switch in.Open().(type) {
	case inspect.OpenAgent:
		over, err = s.backAllowed(ctx, agent, policy.ForwardAgent, event.ForwardAgent{Channel: number})
	case inspect.OpenX11:
		over, err = s.backAllowed(ctx, x11, policy.ForwardX11, event.ForwardX11{Channel: number})
	default:
		in.Reject(wire.UnknownType, "the gate does not offer this kind of channel")
		return
	}
	if err != nil {
		reject(in, wire.Prohibited, err)
		return
	}
	defer over()
	down, err := s.c.w.OpenTyped(ctx, in.Open())
	if err != nil {
		in.Reject(wire.ConnectFailed, "the client refused the channel")
		return
	}
	up, err := in.Accept()
	if err != nil {
		down.Close()
		return
	}
	relay.Tunnel(ctx, down, up, relay.Hooks{Hold: &s.c.g.pause.hold, Closing: func(_ context.Context, sum relay.Summary) error {
		s.received.Add(sum.In)
		s.sent.Add(sum.Out)
		return nil
	}})
}

// backAllowed decides on a channel back to the client, and records it.
func (s *session) backAllowed(ctx context.Context, asked bool, action policy.Action, e event.Event) (over func(), err error) {
	if !asked {
		return nil, s.c.deny(ctx, s.meta(), e, &denial{reason: "the target opened a forwarding that nobody asked for"})
	}
	return s.begin(ctx, action, e, nil)
}
