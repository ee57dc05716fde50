package gate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate/wire"
)

// ErrNoSession is a session that is not live here.
var ErrNoSession = errors.New("no live session has this ID")

// Live is a session under way.
type Live struct {
	ID, Identity, ARN, Target, Login string
	MFA                              bool
	Source, FrontDoor, Connection    string
	Started                          time.Time
}

// Sessions lists the sessions under way, oldest first.
func (g *Gate) Sessions() []Live {
	var out []Live
	for _, c := range g.all() {
		s := c.current()
		if s == nil {
			continue
		}
		out = append(out, Live{
			ID: s.id, Identity: s.row.Identity, ARN: s.row.ARN, Target: c.target, Login: c.login, MFA: s.mfa,
			Source: s.row.Source, FrontDoor: c.door, Connection: c.id, Started: s.row.Started,
		})
	}
	slices.SortFunc(out, func(a, b Live) int { return strings.Compare(a.ID, b.ID) }) // a UUIDv7 begins with its time
	return out
}

// By is who ends a session: an identity, and the run it is part of, if any.
type By struct {
	Identity event.UserIdentity
	Run      string
}

// Terminate ends the session id; its person reads message. It goes ahead while
// the trail is down, and is recorded when it is back. The error wraps
// ErrNoSession when there is no such session, and ctx's when it ends before
// the session has.
func (g *Gate) Terminate(ctx context.Context, id, message string, by By) error {
	for _, c := range g.all() {
		s := c.current()
		if s == nil || s.id != id {
			continue
		}
		c.end(newEnding(clean("terminated: "+message, 1<<10), "", "session ended: "+clean(message, 1<<10)))
		m := event.Meta{Time: g.Now(), Identity: by.Identity, SourceIP: g.Origin.EventSource}
		g.appendLate(ctx, m, event.TerminateSession{SessionID: id, Message: clean(message, 1<<10), Run: by.Run})
		select {
		case <-s.over:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("end session %s: %w", id, context.Cause(ctx))
		}
	}
	return fmt.Errorf("end session %s: %w", id, ErrNoSession)
}

// redeciders bounds how many connections are decided at once.
const redeciders = 16

// Redecide decides every live connection again, with the rules, keys, roles
// and identities of this moment, and ends those now denied. It returns when
// all are decided; the denied end within a second of that.
func (g *Gate) Redecide() {
	var wg sync.WaitGroup
	places := make(chan struct{}, redeciders)
	for _, c := range g.all() {
		places <- struct{}{}
		wg.Go(func() {
			defer func() { <-places }()
			ctx, cancel := context.WithTimeout(context.Background(), appendTime)
			defer cancel()
			c.recheck(ctx)
		})
	}
	wg.Wait()
}

// endAll ends every session for the same reason.
func (g *Gate) endAll(why *ending) {
	for _, c := range g.all() {
		if c.current() != nil {
			c.end(why)
		}
	}
}

// legs are the connection's transports.
func (c *conn) legs() []*wire.Conn {
	legs := []*wire.Conn{c.w}
	if s := c.current(); s != nil {
		legs = append(legs, s.w)
	}
	return legs
}
