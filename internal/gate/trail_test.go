package gate_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/policy"
)

// failAt makes the trail refuse one event, for good from then on.
func failAt(f *fakeTrail, name string) {
	down := false
	f.setFail(func(r event.Record) error {
		if down = down || r.EventName == name; down {
			return errDisk
		}
		return nil
	})
}

// TestNothingHappensUnrecorded fails the trail at each append in turn: what
// that record was to allow does not happen, and the person reads why.
func TestNothingHappensUnrecorded(t *testing.T) {
	for _, at := range []string{
		"OpenConnection", "Login", "AuthorizeSecurityGroupIngress", "IssueCertificate", "ConnectTarget", "StartSession", "ExecuteCommand",
	} {
		t.Run(at, func(t *testing.T) {
			w := newWorld(t)
			failAt(w.trail, at)
			c := w.dial("deploy+web1", "alice")
			r := exec(t, c, "echo hi")
			c.Close()
			if r.stdout != "" || r.status != 254 || !strings.Contains(r.stderr, "audit trail is not available") {
				t.Errorf("with the trail down at %s: %+v", at, r)
			}
			switch at {
			case "ConnectTarget", "StartSession", "ExecuteCommand":
			default:
				if n := len(w.target.certificates()); n != 0 {
					t.Errorf("the target was logged in to %d times", n)
				}
			}
			w.trail.setFail(nil)
			if at == "ExecuteCommand" { // the session had begun: its end is recorded once it can be
				w.trail.waitFor(t, "EndSession")
			}
			if at != "OpenConnection" && at != "Login" {
				w.trail.waitFor(t, "CloseConnection")
			}
			if r := exec(t, w.dial("deploy+web1", "alice"), "echo hi"); r.stdout != "hi\n" {
				t.Errorf("once the trail is back: %+v", r)
			}
		})
	}
}

func TestStatusDoesNotPassUnrecorded(t *testing.T) {
	w := newWorld(t)
	failAt(w.trail, "CloseChannel")
	r := exec(t, w.dial("deploy+web1", "alice"), "exit 7")
	if r.status != 254 {
		t.Errorf("with CloseChannel refused: %+v, want 254", r)
	}
}

func TestTunnelDoesNotOpenUnrecorded(t *testing.T) {
	w := newWorld(t)
	c := w.dial("deploy+web1", "alice")
	exec(t, c, "echo hi")
	failAt(w.trail, "OpenTunnel")
	if nc, err := c.Dial("tcp", "db:1"); err == nil {
		nc.Close()
		t.Error("a tunnel opened unrecorded")
	}
}

func TestDeadTrailEndsRunningSessions(t *testing.T) {
	w := newWorld(t)
	alice := startSleep(t, w.dial("deploy+web1", "alice"))
	w.trail.setFail(func(event.Record) error { return errDisk })
	r := exec(t, w.dial("deploy+web1", "bob"), "echo hi")
	if r.status != 254 {
		t.Errorf("a new session = %+v", r)
	}
	alice.ended(t, time.Second, 254, "audit trail is not available")
	w.trail.setFail(nil)
	if e := w.trail.waitFor(t, "EndSession"); field(e, "cause") != "trail unavailable" || e.UserIdentity.UserName != "alice" {
		t.Errorf("EndSession = %s by %s", e.ResponseElements, e.UserIdentity.UserName)
	}
}

func TestLockWorksWhileTheTrailIsDown(t *testing.T) {
	w := newWorld(t)
	alice := startSleep(t, w.dial("deploy+web1", "alice"))
	w.trail.setFail(func(event.Record) error { return errDisk })
	w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "locked out"))
	w.Redecide()
	alice.ended(t, time.Second, 254, "locked out")
	w.trail.setFail(nil)
	if e := w.trail.waitFor(t, "EndSession"); field(e, "lockId") != "lock-1" {
		t.Errorf("EndSession = %s %s", e.ResponseElements, e.ServiceEventDetails)
	}
}

func TestTerminateWorksWhileTheTrailIsDown(t *testing.T) {
	w := newWorld(t)
	alice := startSleep(t, w.dial("deploy+web1", "alice"))
	w.trail.setFail(func(event.Record) error { return errDisk })
	if err := w.Terminate(t.Context(), w.Sessions()[0].ID, "out", gate.By{Identity: authn.Principal(account, "carol", "")}); err != nil {
		t.Error(err)
	}
	alice.ended(t, time.Second, 254, "session ended: out")
	w.trail.setFail(nil)
	w.trail.waitFor(t, "TerminateSession")
	w.trail.waitFor(t, "EndSession")
}

// A slow append holds running sessions, and lets them go on when it is done.
func TestSlowTrailHoldsSessions(t *testing.T) {
	w := newWorld(t)
	c := w.dial("deploy+web1", "alice")
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, _ := s.StdinPipe()
	out, _ := s.StdoutPipe()
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	w.trail.waitFor(t, "ExecuteCommand")
	block := make(chan struct{})
	w.trail.mu.Lock()
	w.trail.block = block
	w.trail.mu.Unlock()
	tunnelled := make(chan error, 1)
	go func() {
		nc, err := c.Dial("tcp", "db:1")
		if err == nil {
			nc.Close()
		}
		tunnelled <- err
	}()
	// The tunnel's record waits; a while later the shell beside it is held.
	held := false
	got := make([]byte, 1)
	for range 100 {
		in.Write([]byte("x"))
		read := make(chan bool, 1)
		go func() { _, err := out.Read(got); read <- err == nil }()
		select {
		case <-read:
			<-time.After(10 * time.Millisecond)
			continue
		case <-time.After(300 * time.Millisecond):
			held = true
		}
		w.trail.mu.Lock()
		w.trail.block = nil
		w.trail.mu.Unlock()
		close(block)
		if !<-read {
			t.Error("the held session did not go on")
		}
		break
	}
	if !held {
		t.Error("a slow trail did not hold the session")
	}
	if err := <-tunnelled; err != nil {
		t.Errorf("the tunnel = %v", err)
	}
	in.Close()
	if err := s.Wait(); err != nil {
		t.Errorf("the session ended with %v", err)
	}
}

func TestLockWorksWhileTheTrailHangs(t *testing.T) {
	w := newWorld(t)
	alice := startSleep(t, w.dial("deploy+web1", "alice"))
	block := make(chan struct{})
	w.trail.mu.Lock()
	w.trail.block = block
	w.trail.mu.Unlock()
	w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "locked out"))
	w.Redecide()
	alice.ended(t, time.Second, 254, "locked out")
	w.trail.mu.Lock()
	w.trail.block = nil
	w.trail.mu.Unlock()
	close(block)
	w.trail.waitFor(t, "EndSession")
	if n := len(w.trail.named("CloseChannel")); n != 1 {
		t.Errorf("%d CloseChannel recorded, want 1", n)
	}
}
