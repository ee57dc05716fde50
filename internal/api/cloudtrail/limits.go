package cloudtrail

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/policy"
)

// What is counted here is sources, never names that somebody sent, and every
// count is bounded: past it all share one.

// maxCounted bounds each table.
const maxCounted = 16_384

// block is what counts as one source: an IPv4 address, or an IPv6 /64.
func block(a netip.Addr) netip.Prefix {
	bits := 32
	if a.Is6() {
		bits = 64
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return p
}

// Of the failures of a source with one reason, this many in a window are events
// of their own; the rest are counted in one. Who is proven and refused gets more
// of them for each operation and reason.
const (
	floodShown   = 5
	refusedShown = 30
	floodWindow  = time.Minute
)

// floodKey is what is counted together: failures of a source, or refusals of a
// key that was proven.
type floodKey struct{ source, key, event, reason string }

type flood struct {
	since       time.Time  // of the window
	seen, count int        // all of it, and those that are only counted
	first, last time.Time  // of the counted
	latest      event.Meta // of the counted; of strangers only the source is said
}

// floods keep the trail from being filled. Make one with its limit.
type floods struct {
	shown int

	mu   sync.Mutex // guards below
	open map[floodKey]*flood
}

// manySources stands for sources that are counted together.
const manySources = "many sources"

// one says whether a failure is an event by itself. If not, it is counted.
func (f *floods) one(k floodKey, m event.Meta, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.open == nil {
		f.open = map[floodKey]*flood{}
	}
	fl := f.open[k]
	if fl == nil && len(f.open) >= maxCounted {
		k.source = manySources
		fl = f.open[k]
	}
	if fl == nil {
		fl = &flood{since: now}
		f.open[k] = fl
	}
	if fl.seen++; fl.seen <= f.shown && k.source != manySources {
		return true
	}
	if fl.count++; fl.count == 1 {
		fl.first = now
	}
	fl.last, fl.latest = now, m
	return false
}

// take ends the windows that are over, or all, and returns what they counted.
func (f *floods) take(now time.Time, all bool) map[floodKey]flood {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[floodKey]flood{}
	for k, fl := range f.open {
		if !all && now.Sub(fl.since) < floodWindow {
			continue
		}
		delete(f.open, k)
		if fl.count > 0 {
			out[k] = *fl
		}
	}
	return out
}

// back returns a count that could not be recorded.
func (f *floods) back(k floodKey, lost flood, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if fl := f.open[k]; fl != nil {
		lost.seen, lost.count = lost.seen+fl.seen, lost.count+fl.count
		lost.last, lost.latest = now, fl.latest
	}
	lost.since = now
	f.open[k] = &lost
}

// recordFloods makes events of what was counted.
func (s *Server) recordFloods(ctx context.Context, all bool) {
	for _, f := range []*floods{&s.floods, &s.refusals} {
		for k, fl := range f.take(s.Now(), all) {
			e := event.CollapseEvents{Of: k.event, Reason: k.reason, Count: fl.count,
				First: fl.first.UTC().Format(time.RFC3339), Last: fl.last.UTC().Format(time.RFC3339)}
			m := fl.latest
			if k.key == "" || k.source == manySources {
				m = event.Meta{Identity: authn.Unknown(s.Origin.AccountID), SourceIP: k.source}
				if p, err := netip.ParsePrefix(k.source); err == nil && p.IsSingleIP() {
					m.SourceIP = p.Addr().String()
				}
			}
			m.Time = s.Now()
			if _, err := s.Journal.Append(ctx, s.Origin.Record(m, e)); err != nil {
				s.Log.Error("event not recorded", "event", event.Name(e), "err", err)
				f.back(k, fl, s.Now())
			}
		}
	}
}

// A source that failed so often in a while is not served for as long, but for
// keys that were proven from there lately: many people may share an address.
const (
	penaltyAfter = 20
	penaltySpan  = time.Minute
	knownFor     = time.Hour
)

type failures struct {
	since time.Time
	count int
}

type keyAt struct {
	source netip.Prefix
	key    string
}

// penalties hold back who sends signature after signature that proves nothing.
// The zero value is ready.
type penalties struct {
	mu       sync.Mutex // guards below
	failures map[netip.Prefix]failures
	proven   map[keyAt]time.Time
}

func (p *penalties) failed(source netip.Addr, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failures == nil || len(p.failures) >= maxCounted {
		p.failures = map[netip.Prefix]failures{} // bounded; strangers start anew
	}
	f := p.failures[block(source)]
	if now.Sub(f.since) >= penaltySpan {
		f = failures{since: now}
	}
	f.count++
	p.failures[block(source)] = f
}

func (p *penalties) known(source netip.Addr, key string, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.proven == nil || len(p.proven) >= maxCounted {
		p.proven = map[keyAt]time.Time{}
	}
	p.proven[keyAt{block(source), key}] = now
}

// wait is how long a call of this key from this source is not served.
func (p *penalties) wait(source netip.Addr, key string, now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.failures[block(source)]
	left := f.since.Add(penaltySpan).Sub(now)
	if f.count < penaltyAfter || left <= 0 {
		return 0
	}
	if at, ok := p.proven[keyAt{block(source), key}]; ok && now.Sub(at) < knownFor {
		return 0
	}
	return left
}

// rates allow each identity two calls a second, as LookupEvents has it for an
// account. The zero value is ready.
type rates struct {
	mu   sync.Mutex // guards below
	last map[string][2]time.Time
}

func (r *rates) admit(who string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.last == nil || len(r.last) >= maxCounted {
		r.last = map[string][2]time.Time{}
	}
	two := r.last[who]
	if now.Sub(two[0]) < time.Second {
		return false
	}
	r.last[who] = [2]time.Time{two[1], now}
	return true
}

// throttles remember when each throttle lock last let a call pass. The zero
// value is ready.
type throttles struct {
	mu   sync.Mutex // guards below
	last map[string]time.Time
}

func (t *throttles) admit(l *policy.Lock, every time.Duration, now time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last == nil || len(t.last) >= maxCounted {
		t.last = map[string]time.Time{}
	}
	last, ok := t.last[l.ID]
	if !ok || last.Before(l.Created) {
		last = l.Created
	}
	if now.Sub(last) < every {
		return false
	}
	t.last[l.ID] = now
	return true
}
