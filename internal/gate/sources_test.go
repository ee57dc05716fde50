package gate

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/policy"
)

var then = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func TestSourceIsAnAddressOrANetworkOfOneHost(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7":         "192.0.2.7/32",
		"::ffff:192.0.2.7":  "192.0.2.7/32",
		"2001:db8:1:2:3::4": "2001:db8:1:2::/64",
		"fe80::1%eth0":      "fe80::/64",
	} {
		if got := block(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("block(%s) = %s, want %s", addr, got, want)
		}
	}
}

func TestSourcesGiveBackTheirPlaces(t *testing.T) {
	s := newSources(Limits{Unproven: 4, UnprovenSource: 2}.withDefaults())
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	for _, from := range []netip.Addr{a, a, b, b} {
		if r := s.admit(from, nil, then); r != nil {
			t.Fatalf("admit(%s) = %+v", from, r)
		}
	}
	if r := s.admit(c, nil, then); r == nil {
		t.Error("one more than all was admitted")
	}
	for _, from := range []netip.Addr{a, a, b, b} {
		s.leave(from, false, then)
	}
	if len(s.bySource) != 0 || s.unproven != 0 {
		t.Errorf("all left and %d sources are kept", len(s.bySource))
	}
}

func TestPenaltiesAreCappedAndServed(t *testing.T) {
	s := newSources(Limits{}.withDefaults())
	addr := netip.MustParseAddr("192.0.2.1")
	for range 1000 {
		s.bySource[block(addr)] = orNew(s.bySource[block(addr)])
		s.bySource[block(addr)].unproven++
		s.unproven++
		s.leave(addr, true, then)
	}
	if r := s.admit(addr, nil, then.Add(s.limits.PenaltyMax-time.Second)); r == nil {
		t.Error("a penalised source was admitted")
	}
	if r := s.admit(addr, nil, then.Add(s.limits.PenaltyMax)); r != nil {
		t.Errorf("a source that served its penalty = %+v", r)
	}
}

func orNew(s *source) *source {
	if s == nil {
		return &source{}
	}
	return s
}

func TestThrottleForgetsLocksThatAreGone(t *testing.T) {
	s := newSources(Limits{}.withDefaults())
	for i := range 100 {
		now := then.Add(time.Duration(i) * time.Minute)
		l := policy.Lock{ID: fmt.Sprint(i), Created: now.Add(-time.Minute)}
		if wait := s.throttle(&l, now); wait != 0 {
			t.Fatalf("throttle = %v", wait)
		}
	}
	if len(s.admitted) != 1 {
		t.Errorf("%d locks are remembered, want 1", len(s.admitted))
	}
}

func TestManySourcesAreCountedTogether(t *testing.T) {
	f := newFloods(Limits{FloodShown: 1}.withDefaults())
	for i := range maxFloods + 10 {
		f.one(floodKey{source: fmt.Sprint(i), event: "Login", reason: "unknown key"}, then)
	}
	total := 0
	for _, c := range f.take(then, true) {
		if c.source != manySources {
			t.Errorf("%s has a count", c.source)
		}
		total += c.count
	}
	if total != 10 {
		t.Errorf("%d counted together, want 10", total)
	}
}
