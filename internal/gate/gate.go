package gate

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/target"
)

// Trail is where events go.
type Trail interface {
	// Append returns once the record is durable. An error means it is not in
	// the trail.
	Append(context.Context, event.Record) (event.Entry, error)
}

// Rules are the policies and locks of this moment.
type Rules interface {
	Book() policy.Book
}

// Dialer reaches targets.
type Dialer interface {
	Dial(context.Context, policy.Grant, state.Target) (*target.Conn, error)
}

// Config is what a Gate works with. All but Limits, Names, Now, Log and Dialer
// must be set.
type Config struct {
	Origin    event.Origin
	Domain    string   // gate.domain: targets are reached as NAME.DOMAIN behind a jump
	Names     []string // host names the gate is known by, for its host certificate
	Trail     Trail
	Rules     Rules
	Store     state.Store
	Authn     *authn.Authn
	CA        *ca.CA
	Dialer    Dialer // nil means target.Dialer{}
	Recorders Recorders
	Limits    Limits
	Now       func() time.Time // nil means time.Now
	Log       *slog.Logger     // nil discards
}

// Gate is the proxy.
type Gate struct {
	Config

	sources *sources
	floods  *floods
	late    *late
	rows    *rows
	pause   *pause

	mu    sync.Mutex // guards below
	conns map[*conn]struct{}
}

// New returns a gate. It starts nothing; see Run.
func New(c Config) *Gate {
	if c.Dialer == nil {
		c.Dialer = target.Dialer{}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	c.Limits = c.Limits.withDefaults()
	return &Gate{
		Config:  c,
		sources: newSources(c.Limits),
		floods:  newFloods(c.Limits),
		late:    &late{},
		rows:    newRows(c.Store),
		pause:   &pause{},
		conns:   make(map[*conn]struct{}),
	}
}

// errStopping ends connections when the gate stops.
var errStopping = newEnding("node stopped", "", "session ended: the gate is stopping")

// Run accepts connections on ln until ctx ends, and closes ln. It returns once
// every connection has ended and what there was to record is recorded, or
// could not be: the trail must outlive it.
func (g *Gate) Run(ctx context.Context, ln net.Listener) error {
	var housekeeping, writing, clients sync.WaitGroup
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	housekeeping.Go(func() { g.housekeep(keep) })
	write, stopWriting := context.WithCancel(context.WithoutCancel(ctx))
	writing.Go(func() { g.rows.run(write) })

	serving, end := context.WithCancelCause(context.WithoutCancel(ctx))
	unhook := context.AfterFunc(ctx, func() {
		ln.Close()
		end(errStopping)
	})
	err := g.accept(ctx, ln, func(nc net.Conn) {
		clients.Go(func() { g.serve(serving, nc) })
	})
	ln.Close()
	end(errStopping)
	unhook()
	clients.Wait()
	stop()
	housekeeping.Wait()
	stopWriting()
	writing.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// accept does nothing but accept: whatever could block runs in serve.
func (g *Gate) accept(ctx context.Context, ln net.Listener, serve func(net.Conn)) error {
	for wait := time.Duration(0); ; {
		nc, err := ln.Accept()
		if err == nil {
			wait = 0
			serve(nc)
			continue
		}
		var temporary interface{ Temporary() bool }
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) || !errors.As(err, &temporary) || !temporary.Temporary() {
			return fmt.Errorf("accept: %w", err)
		}
		// Out of file descriptors, most likely: some will be given back.
		wait = min(max(2*wait, 5*time.Millisecond), time.Second)
		g.Log.Error("accept failed", "err", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
	}
}

// The intervals of housekeeping.
const (
	tick           = time.Second
	keepaliveEvery = 15 * time.Second
	keepaliveGrace = 30 * time.Second
)

// housekeep flushes collapsed floods, records what the trail could not take
// earlier, and finds peers that vanished. It does the first two once more at
// the end.
func (g *Gate) housekeep(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var probes sync.WaitGroup
	defer probes.Wait()
	last := g.Now()
	for {
		select {
		case <-ctx.Done():
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), appendTime)
			defer cancel()
			g.late.flush(bounded, g.Trail)
			g.flushFloods(bounded, true)
			return
		case <-ticker.C:
			g.late.flush(ctx, g.Trail)
			g.flushFloods(ctx, false)
			if now := g.Now(); now.Sub(last) >= keepaliveEvery {
				last = now
				g.keepalive(&probes)
			}
		}
	}
}

// keepalive asks both ends of every connection for a sign of life; one that
// gives none loses its connection.
func (g *Gate) keepalive(probes *sync.WaitGroup) {
	for _, c := range g.all() {
		for _, leg := range c.legs() {
			probes.Go(func() { // ends within keepaliveGrace: Close makes Keepalive return
				limit := time.AfterFunc(keepaliveGrace, func() { leg.Close() })
				defer limit.Stop()
				if err := leg.Keepalive(); err != nil {
					g.Log.Debug("keepalive failed", "conn", c.id, "err", err)
				}
			})
		}
	}
}

func (g *Gate) all() []*conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	out := make([]*conn, 0, len(g.conns))
	for c := range g.conns {
		out = append(out, c)
	}
	return out
}

func (g *Gate) add(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.conns[c] = struct{}{}
}

func (g *Gate) remove(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.conns, c)
}
