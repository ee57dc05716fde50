package gate_test

import (
	"bufio"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// firstLine connects and reads what the gate says first.
func firstLine(t *testing.T, addr, from string) string {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: 5 * time.Second}
	nc, err := d.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	nc.SetDeadline(time.Now().Add(5 * time.Second))
	line, err := bufio.NewReader(nc).ReadString('\n')
	if err != nil {
		t.Fatalf("read from the gate: %v", err)
	}
	return line
}

func TestThrottledSourceGetsOneConnectionAnInterval(t *testing.T) {
	w := newWorld(t)
	l := policy.Lock{ID: "slow", Effect: policy.Throttle, Match: policy.Match{Source: netip.MustParsePrefix("127.0.0.2/32")}, Created: w.now()}
	w.rules.locks(l)
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.Contains(line, "throttled; try again in 10s") {
		t.Errorf("the first connection, bucket empty, was told %q", line)
	}
	if line := firstLine(t, w.addr, "127.0.0.3"); !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("another source was told %q", line)
	}
	w.shift.Add(int64(10 * time.Second))
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("an interval later it was told %q", line)
	}
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.Contains(line, "throttled") {
		t.Errorf("the next one was told %q", line)
	}
	refused := w.trail.wait(t, "the refusal", func(r event.Record) bool { return r.ErrorCode == event.Throttled })
	if refused.EventName != "OpenConnection" || field(refused, "lockId") != "slow" || refused.SourceIPAddress != "127.0.0.2" {
		t.Errorf("recorded as %s from %s %s", refused.EventName, refused.SourceIPAddress, refused.ServiceEventDetails)
	}
	w.rules.locks()
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("without the lock it was told %q", line)
	}
}

func TestFloodIsCountedNeverDropped(t *testing.T) {
	const shown, tries = 5, 12
	w := newWorld(t, func(c *gate.Config) { c.Limits.FloodShown = shown })
	w.keys["stranger"] = sshtest.Key(t)
	for range tries {
		if _, err := w.tryDial("deploy+web1", "stranger"); err == nil {
			t.Fatal("a stranger logged in")
		}
	}
	w.disableKey("bob")
	if _, err := w.tryDial("deploy+web1", "bob"); err == nil {
		t.Fatal("a disabled key logged in")
	}
	w.stop()
	one, counted := 0, 0
	for _, r := range w.trail.all() {
		switch {
		case r.EventName == "Login" && r.ErrorMessage == "unknown key":
			one++
		case r.EventName == "CollapseEvents":
			var n int
			fmt.Sscan(field(r, "count"), &n)
			counted += n
			if field(r, "eventName") != "Login" || field(r, "reason") != "unknown key" || r.SourceIPAddress != "127.0.0.1" || field(r, "first") == "" || field(r, "last") == "" {
				t.Errorf("CollapseEvents = %s from %s", r.RequestParameters, r.SourceIPAddress)
			}
		}
	}
	if one != shown || counted != tries-shown {
		t.Errorf("%d recorded and %d counted, want %d and %d", one, counted, shown, tries-shown)
	}
	if n := len(w.trail.named("Login")); n != shown+1 {
		t.Errorf("%d Logins recorded, want %d: another reason has its own count", n, shown+1)
	}
}

func TestFloodIsFlushedEachWindow(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Limits.FloodShown = 1 })
	w.keys["stranger"] = sshtest.Key(t)
	for range 3 {
		w.tryDial("deploy+web1", "stranger")
	}
	w.trail.waitFor(t, "Login")
	w.shift.Add(int64(11 * time.Second))
	if r := w.trail.waitFor(t, "CollapseEvents"); field(r, "count") != "2" {
		t.Errorf("CollapseEvents = %s", r.RequestParameters)
	}
}

func TestCountSurvivesATrailThatIsDown(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Limits.FloodShown = 1 })
	w.keys["stranger"] = sshtest.Key(t)
	for range 3 {
		w.tryDial("deploy+web1", "stranger")
	}
	w.trail.waitFor(t, "Login")
	refused := make(chan struct{}, 1)
	w.trail.setFail(func(event.Record) error {
		select {
		case refused <- struct{}{}:
		default:
		}
		return errDisk
	})
	w.shift.Add(int64(11 * time.Second))
	<-refused
	w.trail.setFail(nil)
	w.stop()
	if r := w.trail.waitFor(t, "CollapseEvents"); field(r, "count") != "2" {
		t.Errorf("CollapseEvents = %s", r.RequestParameters)
	}
}

func TestFailedLoginsArePenalised(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) {
		c.Limits.Penalty, c.Limits.PenaltyFrom = 5*time.Second, 15*time.Second
		c.Limits.PenaltyExempt = []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}
	})
	w.keys["stranger"] = sshtest.Key(t)
	for range 4 {
		w.tryDial("deploy+web1", "stranger")
	}
	w.trail.wait(t, "four failures", func(event.Record) bool { return len(w.trail.named("Login")) == 4 })
	if line := firstLine(t, w.addr, "127.0.0.1"); !strings.Contains(line, "too many failed logins") {
		t.Errorf("after failures the source was told %q", line)
	}
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("another source was told %q", line)
	}
	w.shift.Add(int64(21 * time.Second))
	if r := exec(t, w.dial("deploy+web1", "alice"), "echo hi"); r.status != 0 {
		t.Errorf("once the penalty is served: %+v", r)
	}
}

func TestSilentConnectionsAreCapped(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) {
		c.Limits.UnprovenSource, c.Limits.LoginGrace = 3, 300*time.Millisecond
	})
	var held []net.Conn
	for range 3 {
		nc, err := net.Dial("tcp", w.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		if _, err := bufio.NewReader(nc).ReadString('\n'); err != nil {
			t.Fatal(err)
		}
		held = append(held, nc)
	}
	if line := firstLine(t, w.addr, "127.0.0.1"); !strings.Contains(line, "waiting to log in") {
		t.Errorf("one too many was told %q", line)
	}
	if line := firstLine(t, w.addr, "127.0.0.2"); !strings.HasPrefix(line, "SSH-2.0-") {
		t.Errorf("another source was told %q", line)
	}
	for _, nc := range held { // all gone once the grace is over
		nc.SetDeadline(time.Now().Add(5 * time.Second))
		for b := make([]byte, 4096); ; {
			if _, err := nc.Read(b); err != nil {
				break
			}
		}
	}
	r := w.trail.wait(t, "the grace's end", func(r event.Record) bool { return r.ErrorMessage == "login grace time is over" })
	if r.EventName != "OpenConnection" || r.ErrorCode != event.AuthenticationFailed {
		t.Errorf("recorded as %s %s", r.EventName, r.ErrorCode)
	}
	if r := exec(t, w.dial("deploy+web1", "alice"), "echo hi"); r.status != 0 {
		t.Errorf("afterwards: %+v", r)
	}
}
