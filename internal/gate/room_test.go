package gate_test

import (
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate"
)

// silent opens n connections from an address that say nothing, and returns
// once the gate has answered each with its version.
func silent(t *testing.T, w *world, from string, n int) {
	t.Helper()
	for range n {
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
		nc, err := d.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { nc.Close() })
		nc.SetReadDeadline(time.Now().Add(5 * time.Second))
		if _, err := nc.Read(make([]byte, 1)); err != nil {
			t.Fatalf("a silent connection from %s: %v", from, err)
		}
	}
}

// Threat G1: a few sources that connect and say nothing do not shut others out.
func TestSilentSourcesMakeRoomForOthers(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Limits = gate.Limits{Unproven: 4, UnprovenSource: 2} })
	silent(t, w, "127.0.0.2", 2)
	silent(t, w, "127.0.0.3", 2)
	if r := exec(t, w.dial("deploy+web1", "alice"), "echo hi"); r.stdout != "hi\n" {
		t.Errorf("a login while all places are taken by silent ones: %+v", r)
	}
	dropped := w.trail.wait(t, "the connection that made room", func(r event.Record) bool { return strings.Contains(r.ErrorMessage, "make room") })
	if dropped.EventName != "OpenConnection" || dropped.SourceIPAddress == "127.0.0.1" {
		t.Errorf("%s from %s made room", dropped.EventName, dropped.SourceIPAddress)
	}
	// Sources with no more than their share keep it.
	silent(t, w, "127.0.0.4", 1)
	silent(t, w, "127.0.0.5", 1)
	if line := firstLine(t, w.addr, "127.0.0.6"); !strings.Contains(line, "waiting to log in") {
		t.Errorf("one more source than places was told %q", line)
	}
}

// Connections that say nothing until the grace time is over count as failed
// logins do.
func TestSilentSourceIsPenalised(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) {
		c.Limits = gate.Limits{LoginGrace: 300 * time.Millisecond, Penalty: time.Minute, PenaltyFrom: time.Minute, PenaltyExempt: []netip.Prefix{}}
	})
	silent(t, w, "127.0.0.2", 1)
	w.trail.wait(t, "the grace time's end", func(r event.Record) bool { return strings.Contains(r.ErrorMessage, "grace") })
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.Contains(line, "too many failed logins") {
		t.Errorf("after a silent connection its source was told %q", line)
	}
}
