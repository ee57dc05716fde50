package gate

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
)

// floods keeps strangers from filling the trail: of the unauthenticated
// failures of one source and reason, the first few within a window are
// recorded one by one and the rest are counted. The count is recorded when the
// window is over, and when the gate stops; it is never dropped.
type floods struct {
	shown  int
	window time.Duration

	mu   sync.Mutex // guards below
	open map[floodKey]*flood
}

type floodKey struct{ source, event, reason string }

type flood struct {
	since       time.Time // of the window
	seen        int       // in it
	count       int       // of these, not recorded one by one
	first, last time.Time // of the counted
}

// maxFloods bounds the memory: past it, sources are counted together.
const maxFloods = 65_536

// manySources stands for the sources of floods that are counted together.
const manySources = "many sources"

func newFloods(l Limits) *floods {
	return &floods{shown: l.FloodShown, window: l.FloodWindow, open: make(map[floodKey]*flood)}
}

// one says whether this failure is to be recorded by itself. If not, it is
// counted.
func (f *floods) one(k floodKey, now time.Time) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.open[k]
	if fl == nil && len(f.open) >= maxFloods {
		k.source = manySources
		fl = f.open[k]
	}
	if fl == nil {
		fl = &flood{since: now}
		f.open[k] = fl
	}
	fl.seen++
	if fl.seen <= f.shown && k.source != manySources {
		return true
	}
	fl.add(1, now, now)
	return false
}

func (fl *flood) add(n int, first, last time.Time) {
	if fl.count == 0 || first.Before(fl.first) {
		fl.first = first
	}
	if last.After(fl.last) {
		fl.last = last
	}
	fl.count += n
}

// closed is a flood whose window is over.
type closed struct {
	floodKey
	flood
}

// take ends the windows that are over, or all of them, and returns those that
// counted something.
func (f *floods) take(now time.Time, all bool) []closed {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []closed
	for k, fl := range f.open {
		if !all && now.Sub(fl.since) < f.window {
			continue
		}
		delete(f.open, k)
		if fl.count > 0 {
			out = append(out, closed{k, *fl})
		}
	}
	return out
}

// back returns what could not be recorded, to be counted with what comes.
func (f *floods) back(c closed, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fl := f.open[c.floodKey]
	if fl == nil {
		fl = &flood{since: now, seen: f.shown}
		f.open[c.floodKey] = fl
	}
	fl.add(c.count, c.first, c.last)
}

// failure records an unauthenticated failure, by itself or in a count.
// records are all that would be recorded by itself, in order.
func (g *Gate) failure(ctx context.Context, m event.Meta, reason string, records ...event.Event) {
	last := records[len(records)-1]
	if !g.floods.one(floodKey{floodSource(m.SourceIP), event.Name(last), reason}, g.Now()) {
		return
	}
	for _, e := range records {
		at := m
		if e != last {
			at.ErrorCode, at.ErrorMessage = "", ""
		}
		g.appendLate(ctx, at, e)
	}
}

// floodSource is what counts as one source of a flood: an address, or the
// network of one host with IPv6, as for caps and penalties.
func floodSource(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil || a.Unmap().Is4() {
		return address
	}
	return block(a).String()
}

func (g *Gate) flushFloods(ctx context.Context, all bool) {
	for _, c := range g.floods.take(g.Now(), all) {
		m := event.Meta{
			Time: g.Now(), Identity: authn.Unknown(g.Origin.AccountID), SourceIP: c.source,
		}
		e := event.CollapseEvents{
			Of: c.event, Reason: c.reason, Count: c.count,
			First: c.first.UTC().Format(time.RFC3339), Last: c.last.UTC().Format(time.RFC3339),
		}
		if _, err := g.append(ctx, m, e); err != nil {
			g.floods.back(c, g.Now())
		}
	}
}
