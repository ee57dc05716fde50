package gate

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/trailgate/trailgate/event"
)

// records is a trail that counts.
type records struct {
	mu    sync.Mutex
	names map[string]int
	last  event.Record
}

func (r *records) Append(_ context.Context, rec event.Record) (event.Entry, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.names[rec.EventName]++
	r.last = rec
	return event.Entry{}, nil
}

// One host has as many addresses as it likes in its IPv6 network: a flood from
// all of them is one flood.
func TestFloodFromOneNetworkIsCollapsed(t *testing.T) {
	for name, tt := range map[string]struct {
		address string
		source  string // of the count; empty when nothing is collapsed
	}{
		"an IPv6 network":        {"2001:db8:1:2::%x", "2001:db8:1:2::/64"},
		"IPv4 addresses":         {"192.0.2.%d", ""},
		"IPv4 addresses as IPv6": {"::ffff:192.0.2.%d", ""},
	} {
		t.Run(name, func(t *testing.T) {
			trail := &records{names: map[string]int{}}
			g := New(Config{Trail: trail})
			for i := range 100 {
				g.failure(t.Context(), event.Meta{SourceIP: fmt.Sprintf(tt.address, i+1)}, "unknown key", event.Login{})
			}
			g.flushFloods(t.Context(), true)
			if tt.source == "" {
				if trail.names["Login"] != 100 {
					t.Errorf("recorded %v, want each of 100 hosts'", trail.names)
				}
				return
			}
			if trail.names["Login"] != g.Limits.FloodShown || trail.names["CollapseEvents"] != 1 || trail.last.SourceIPAddress != tt.source {
				t.Errorf("recorded %v, the last from %s; want %d and one count from %s", trail.names, trail.last.SourceIPAddress, g.Limits.FloodShown, tt.source)
			}
		})
	}
}
