package gate

import (
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/trailgate/trailgate/internal/policy"
)

// sources decides at accept whether an address may have one more connection:
// caps on connections that have not logged in, penalties for failed logins,
// and throttle locks. What is counted is the source, never a name somebody
// typed, so nobody can shut another person out.
type sources struct {
	limits Limits

	mu       sync.Mutex // guards below
	unproven int
	bySource map[netip.Prefix]*source
	logins   map[netip.Prefix][]*pendingLogin // oldest first; those that may be dropped
	admitted map[string]time.Time             // by throttle lock: its last admission
}

type source struct {
	unproven int
	penalty  time.Time // when its penalties are served
	enforced bool      // they came far enough to be enforced until served
}

// maxSources bounds the memory. Past it, new sources have no penalties.
const maxSources = 65_536

func newSources(l Limits) *sources {
	return &sources{limits: l, bySource: make(map[netip.Prefix]*source), logins: make(map[netip.Prefix][]*pendingLogin), admitted: make(map[string]time.Time)}
}

// block is what counts as one source: an IPv4 address, or an IPv6 /64, which
// is what one host has.
func block(a netip.Addr) netip.Prefix {
	a = a.Unmap().WithZone("")
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{} // no address: all such share one budget
	}
	return p
}

// refusal is why a connection is refused at accept.
type refusal struct {
	reason string // for the record
	text   string // for the person, one line
	lock   string
}

// admit takes a place for a connection from addr, to be given back with leave,
// or says why there is none.
func (s *sources) admit(addr netip.Addr, locks []policy.Lock, now time.Time) *refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := block(addr)
	src := s.bySource[b]
	if src == nil {
		src = &source{}
		s.forget(now)
		s.bySource[b] = src
	}
	defer func() {
		if src.unproven == 0 && !src.penalty.After(now) {
			delete(s.bySource, b)
		}
	}()
	wait := src.penalty.Sub(now)
	src.enforced = src.enforced && wait > 0
	if src.enforced {
		return &refusal{reason: "too many failed logins", text: fmt.Sprintf("too many failed logins from your address; try again in %s", seconds(wait))}
	}
	if s.unproven >= s.limits.Unproven && !s.makeRoom(src.unproven+1) {
		return &refusal{reason: "too many connections before login", text: "too many connections are waiting to log in; try again in a moment"}
	}
	if src.unproven >= s.limits.UnprovenSource {
		return &refusal{reason: "too many connections of one source before login", text: "too many connections from your address are waiting to log in"}
	}
	if l := policy.Throttled(locks, addr, now); l != nil {
		if wait := s.throttle(l, now); wait > 0 {
			return &refusal{reason: "throttled", lock: l.ID, text: fmt.Sprintf("new connections from your address are throttled; try again in %s", seconds(wait))}
		}
	}
	s.unproven++
	src.unproven++
	return nil
}

// pendingLogin is a connection that has not logged in yet.
type pendingLogin struct{ drop func() }

// mayDrop has drop called when the connection from addr must make room for
// another source's. settled ends that.
func (s *sources) mayDrop(addr netip.Addr, drop func()) (settled func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b, p := block(addr), &pendingLogin{drop}
	s.logins[b] = append(s.logins[b], p)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.settle(b, p)
	}
}

// settle takes p off those that may be dropped. s.mu is held.
func (s *sources) settle(b netip.Prefix, p *pendingLogin) {
	left := slices.DeleteFunc(s.logins[b], func(other *pendingLogin) bool { return other == p })
	if len(left) == 0 {
		delete(s.logins, b)
		return
	}
	s.logins[b] = left
}

// makeRoom drops the oldest login of the source that has most under way, if
// that are more than share: a few sources cannot keep all others out by
// connecting and saying nothing. s.mu is held.
func (s *sources) makeRoom(share int) bool {
	var most netip.Prefix
	for b, logins := range s.logins { // no more than Unproven
		if len(logins) > len(s.logins[most]) {
			most = b
		}
	}
	if len(s.logins[most]) <= share {
		return false
	}
	p := s.logins[most][0]
	s.settle(most, p)
	p.drop()
	return true
}

// leave gives back the place of a connection that has logged in or gone.
// failed says that it tried to log in and did not.
func (s *sources) leave(addr netip.Addr, failed bool, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := block(addr)
	src := s.bySource[b]
	if src == nil {
		panic("gate: a connection left that was not admitted")
	}
	s.unproven--
	src.unproven--
	if failed && s.limits.Penalty > 0 && !s.exempt(addr) {
		if src.penalty.Before(now) {
			src.penalty = now
		}
		src.penalty = src.penalty.Add(s.limits.Penalty)
		if last := now.Add(s.limits.PenaltyMax); src.penalty.After(last) {
			src.penalty = last
		}
		src.enforced = src.enforced || src.penalty.Sub(now) >= s.limits.PenaltyFrom
	}
	if src.unproven == 0 && (!src.penalty.After(now) || len(s.bySource) > maxSources) {
		delete(s.bySource, b)
	}
}

func (s *sources) exempt(addr netip.Addr) bool {
	for _, p := range s.limits.PenaltyExempt {
		if p.Contains(addr.Unmap().WithZone("")) {
			return true
		}
	}
	return false
}

// throttle takes a token of the lock's bucket: one an interval, none at the
// lock's creation. It returns how long to wait for the next when there is none.
func (s *sources) throttle(l *policy.Lock, now time.Time) time.Duration {
	last, ok := s.admitted[l.ID]
	if !ok || last.Before(l.Created) {
		last = l.Created
	}
	if wait := last.Add(s.limits.ThrottleInterval).Sub(now); wait > 0 {
		return wait
	}
	for id, at := range s.admitted { // those of locks long gone
		if now.Sub(at) >= s.limits.ThrottleInterval {
			delete(s.admitted, id)
		}
	}
	s.admitted[l.ID] = now
	return 0
}

// forget drops sources whose penalties are served, when there are many.
func (s *sources) forget(now time.Time) {
	if len(s.bySource) < maxSources {
		return
	}
	for b, src := range s.bySource {
		if src.unproven == 0 && !src.penalty.After(now) {
			delete(s.bySource, b)
		}
	}
}

// seconds is d for a person: whole seconds, at least one.
func seconds(d time.Duration) string { return max(d.Round(time.Second), time.Second).String() }
