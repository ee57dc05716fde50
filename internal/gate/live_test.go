package gate_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

func lock(effect policy.Effect, m policy.Match, reason string) policy.Lock {
	return policy.Lock{ID: "lock-1", Effect: effect, Match: m, Reason: reason, Created: time.Now()}
}

func TestLockEndsLiveSession(t *testing.T) {
	tests := map[string]policy.Match{
		"identity": {Identity: "alice"},
		"arn":      {Identity: "arn:aws:iam::" + account + ":user/alice"},
		"target":   {Target: "web1"},
		"login":    {Login: "deploy"},
		"source":   {Source: netip.MustParsePrefix("127.0.0.1/32")},
	}
	for name, match := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			z := startSleep(t, w.dial("deploy+web1", "alice"))
			w.rules.locks(lock(policy.Deny, match, "go and see the security team"))
			w.Redecide()
			z.ended(t, time.Second, 254, "go and see the security team")
			end := w.trail.waitFor(t, "EndSession")
			if field(end, "lockId") != "lock-1" || !strings.Contains(field(end, "cause"), "security team") || field(end, "exitStatus") != "254" {
				t.Errorf("EndSession = %s %s", end.ResponseElements, end.ServiceEventDetails)
			}
			w.trail.waitFor(t, "CloseConnection")
			if r, err := w.tryDial("deploy+web1", "alice"); err == nil {
				if got := exec(t, r, "echo hi"); got.status != 254 {
					t.Errorf("while locked: %+v", got)
				}
			}
		})
	}
}

func TestLockLeavesOthersAlone(t *testing.T) {
	w := newWorld(t)
	bob := startSleep(t, w.dial("deploy+web1", "bob"))
	alice := startSleep(t, w.jump(w.dial("x", "alice"), "web1.tg", "deploy"))
	if n := len(w.Sessions()); n != 2 {
		t.Errorf("%d live sessions, want 2", n)
	}
	w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "locked out"))
	w.Redecide()
	alice.ended(t, time.Second, 254, "locked out")
	select {
	case <-bob.done:
		t.Error("bob's session ended, too")
	default:
	}
	if live := w.Sessions(); len(live) != 1 || live[0].Identity != "bob" {
		w.trail.wait(t, "alice's EndSession", func(r event.Record) bool { return r.EventName == "EndSession" })
	}
}

func TestChangesOfStateEndSessions(t *testing.T) {
	tests := []struct {
		name, says string
		change     func(*world)
	}{
		{"key disabled", "your key was disabled", func(w *world) { w.disableKey("alice") }},
		{"key deleted", "key or identity was removed", func(w *world) {
			w.update(func(tx state.Tx) error { return tx.Keys().Delete(w.fingerprint("alice")) })
		}},
		{"identity deleted", "key or identity was removed", func(w *world) {
			w.update(func(tx state.Tx) error { return tx.Identities().Delete("alice") })
		}},
		{"target deleted", `no target named "web1"`, func(w *world) {
			w.update(func(tx state.Tx) error { return tx.Targets().Delete("web1") })
		}},
		{"policy changed", "session ended", func(w *world) {
			w.rules.policies(w.t, `permit (principal == Identity::"bob", action, resource);`)
		}},
		{"role lost", "session ended", func(w *world) {
			w.update(func(tx state.Tx) error { return tx.Roles().Put(state.Role{Name: "ops"}) })
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t)
			if tt.name == "role lost" {
				w.update(func(tx state.Tx) error { return tx.Roles().Create(state.Role{Name: "ops", Members: []string{"alice"}}) })
				w.rules.policies(t, `permit (principal in Role::"ops", action, resource);`)
			}
			z := startSleep(t, w.dial("deploy+web1", "alice"))
			w.Redecide() // nothing changed: nothing ends
			tt.change(w)
			w.Redecide()
			z.ended(t, time.Second, 254, tt.says)
		})
	}
}

func TestRequireMFASparesWhoHasIt(t *testing.T) {
	w := newWorld(t)
	w.enrol("alice")
	w.rules.policies(t, `permit (principal == Identity::"alice", action, resource) when { context.mfa };
		permit (principal == Identity::"bob", action, resource);`)
	answers := &asks{answer: func() string { return w.code("alice") }}
	alice := startSleep(t, w.dial("deploy+web1", "alice", answers.method()))
	bob := startSleep(t, w.dial("deploy+web1", "bob"))
	w.rules.locks(lock(policy.RequireMFA, policy.Match{Source: netip.MustParsePrefix("127.0.0.0/8")}, "MFA is required"))
	w.Redecide()
	bob.ended(t, time.Second, 254, "MFA is required")
	select {
	case <-alice.done:
		t.Error("alice has a second factor and was ended")
	default:
	}
	// Bob's next session needs one, and says how.
	if r := exec(t, w.dial("deploy+web1", "bob"), "echo hi"); r.status != 254 || !strings.Contains(r.stderr, "identity mfa bob") {
		t.Errorf("bob's next session = %+v", r)
	}
}

// Promise B5: a channel on a connection that is open already is decided anew,
// also when nobody has called Redecide yet.
func TestMultiplexedChannelIsDecidedAgain(t *testing.T) {
	w := newWorld(t)
	c := w.dial("deploy+web1", "alice")
	z := startSleep(t, c)
	w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "locked out"))
	r := exec(t, c, "echo hi")
	if r.stdout != "" || r.status == 0 {
		t.Errorf("a channel after the lock = %+v", r)
	}
	z.ended(t, 2*time.Second, 254, "locked out")
	w.trail.wait(t, "the denial", func(r event.Record) bool {
		return r.EventName == "AuthorizeSecurityGroupIngress" && r.ErrorCode == event.AccessDenied && field(r, "lockId") == "lock-1"
	})
}

func TestIdleOuterConnectionEndsWithALockOnThePerson(t *testing.T) {
	w := newWorld(t)
	outer := w.dial("x", "alice")
	if r := exec(t, outer, "whoami"); r.status != 0 {
		t.Fatalf("whoami = %+v", r)
	}
	w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "locked out"))
	w.Redecide()
	outer.Wait()
	if e := w.trail.waitFor(t, "CloseConnection"); !strings.Contains(field(e, "cause"), "locked out") {
		t.Errorf("CloseConnection = %s", e.ResponseElements)
	}
}

func TestStuckPeersEndWithinASecond(t *testing.T) {
	w := newWorld(t)
	c := w.dial("deploy+web1", "alice")
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	in, err := s.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.StdoutPipe(); err != nil { // nobody reads it
		t.Fatal(err)
	}
	if err := s.Start("cat"); err != nil {
		t.Fatal(err)
	}
	go func() {
		b := make([]byte, 32<<10)
		for {
			if _, err := in.Write(b); err != nil {
				return
			}
		}
	}()
	w.trail.waitFor(t, "ExecuteCommand")
	w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "locked out"))
	began := time.Now()
	w.Redecide()
	w.trail.waitFor(t, "EndSession")
	if took := time.Since(began); took > 1500*time.Millisecond {
		t.Errorf("ending a stuck session took %v", took)
	}
	c.Wait()
}

func TestTerminate(t *testing.T) {
	w := newWorld(t)
	z := startSleep(t, w.dial("deploy+web1", "alice"))
	live := w.Sessions()
	if len(live) != 1 || live[0].Identity != "alice" || live[0].Target != "web1" || live[0].Login != "deploy" || live[0].FrontDoor != "gate" {
		t.Fatalf("Sessions = %+v", live)
	}
	by := gate.By{Identity: authn.Principal(account, "carol", ""), Run: "run-1"}
	if err := w.Terminate(t.Context(), "nope", "x", by); !errors.Is(err, gate.ErrNoSession) {
		t.Errorf("Terminate(nope) = %v, want ErrNoSession", err)
	}
	if err := w.Terminate(t.Context(), live[0].ID, "MFA is required", by); err != nil {
		t.Fatal(err)
	}
	z.ended(t, time.Second, 254, "trailgate: session ended: MFA is required")
	e := w.trail.waitFor(t, "TerminateSession")
	if e.UserIdentity.UserName != "carol" || field(e, "sessionId") != live[0].ID || field(e, "runId") != "run-1" {
		t.Errorf("TerminateSession = %s by %s", e.RequestParameters, e.UserIdentity.UserName)
	}
	if e := w.trail.waitFor(t, "EndSession"); field(e, "cause") != "terminated: MFA is required" {
		t.Errorf("EndSession = %s", e.ResponseElements)
	}
	if n := len(w.Sessions()); n != 0 {
		t.Errorf("%d sessions live on", n)
	}
}

func TestTargetThatGoesAwayEndsTheSession(t *testing.T) {
	w := newWorld(t)
	c := w.dial("deploy+web1", "alice")
	if r := exec(t, c, "die"); r.status != 254 || !strings.Contains(r.stderr, "target was lost") {
		t.Errorf("the command = %+v", r)
	}
	if e := w.trail.waitFor(t, "EndSession"); field(e, "cause") != "target closed the connection" {
		t.Errorf("EndSession = %s", e.ResponseElements)
	}
	// The person's connection lives: the next channel is a new session.
	if r := exec(t, c, "echo hi"); r.stdout != "hi\n" {
		t.Errorf("the next command = %+v", r)
	}
	if n := len(w.trail.named("StartSession")); n != 2 {
		t.Errorf("%d sessions began, want 2", n)
	}
}

func TestStopEndsSessionsAndRecordsIt(t *testing.T) {
	w := newWorld(t)
	z := startSleep(t, w.dial("deploy+web1", "alice"))
	w.stop()
	z.ended(t, time.Second, 254, "the gate is stopping")
	if e := w.trail.waitFor(t, "EndSession"); field(e, "cause") != "node stopped" {
		t.Errorf("EndSession = %s", e.ResponseElements)
	}
	w.trail.waitFor(t, "CloseConnection")
}

func TestOrphansGetAnEnd(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.update(func(tx state.Tx) error {
		return errors.Join(
			tx.Sessions().Create(state.Session{ID: "s1", Identity: "alice", Target: "web1", Login: "deploy", MFA: true, Source: "192.0.2.1", Connection: "c1", Started: time.Now().Add(-time.Hour)}),
			tx.Sessions().Create(state.Session{ID: "s2", Identity: "bob", Target: "web1", Login: "deploy", Started: time.Now(), Ended: time.Now(), Cause: "client left"}),
		)
	})
	if n, err := w.EndOrphans(context.Background()); n != 1 || err != nil {
		t.Fatalf("EndOrphans = %d, %v, want 1", n, err)
	}
	e := w.trail.waitFor(t, "EndSession")
	if field(e, "sessionId") != "s1" || field(e, "cause") != "node stopped" || e.UserIdentity.UserName != "alice" || e.SourceIPAddress != "192.0.2.1" ||
		string(e.AdditionalEventData) != `{"MFAAuthenticated":"True"}` {
		t.Errorf("EndSession = %+v", e)
	}
	if n, err := w.EndOrphans(context.Background()); n != 0 || err != nil {
		t.Errorf("a second EndOrphans = %d, %v, want 0", n, err)
	}
}

// A session whose Connect is still allowed does not keep what is not.
func TestChangedPolicyEndsWhatGoesOnInASession(t *testing.T) {
	const connect = `permit (principal, action == Action::"Connect", resource);`
	tests := map[string]struct {
		change func(*world)
		begin  func(t *testing.T, w *world) (ended func() bool)
	}{
		"command": {
			change: func(w *world) { w.rules.policies(w.t, connect) },
			begin: func(t *testing.T, w *world) func() bool {
				z := startSleep(t, w.dial("deploy+web1", "alice"))
				return func() bool { z.ended(t, time.Second, 254, "no policy permits alice to run"); return true }
			},
		},
		"tunnel": {
			change: func(w *world) {
				w.rules.policies(w.t, everything+`forbid (principal, action == Action::"Tunnel", resource);`)
			},
			begin: tunnelEnds,
		},
		"tunnel, the target's labels changed": {
			change: func(w *world) {
				w.rules.policies(w.t, everything+`forbid (principal, action == Action::"Tunnel", resource) when { resource has env && resource.env == "prod" };`)
				w.update(func(tx state.Tx) error {
					row, err := tx.Targets().Get("web1")
					row.Labels = map[string]string{"env": "prod"}
					return errors.Join(err, tx.Targets().Put(row))
				})
			},
			begin: tunnelEnds,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			ended := tt.begin(t, w)
			w.Redecide() // nothing changed: nothing ends
			if len(w.Sessions()) != 1 {
				t.Fatal("the session ended by itself")
			}
			tt.change(w)
			w.Redecide()
			if !ended() {
				t.Error("it goes on, though policy no longer allows it")
			}
			if end := w.trail.waitFor(t, "EndSession"); !strings.Contains(field(end, "cause"), "web1 as deploy") && !strings.Contains(field(end, "cause"), "forbidden by") {
				t.Errorf("EndSession says %q", field(end, "cause"))
			}
		})
	}
}

// tunnelEnds opens a tunnel and says whether it ends within two seconds.
func tunnelEnds(t *testing.T, w *world) (ended func() bool) {
	nc, err := w.dial("deploy+web1", "alice").Dial("tcp", "db.internal:5432")
	if err != nil {
		t.Fatal(err)
	}
	over := make(chan struct{})
	go func() {
		defer close(over)
		nc.Read(make([]byte, 1))
	}()
	return func() bool {
		defer nc.Close()
		select {
		case <-over:
			return true
		case <-time.After(2 * time.Second):
			return false
		}
	}
}

// A new channel is decided with the labels that its target has now.
func TestChangedLabelsCountInALiveSession(t *testing.T) {
	w := newWorld(t)
	w.rules.policies(t, everything+`forbid (principal, action == Action::"Tunnel", resource) when { resource has env && resource.env == "prod" };`)
	c := w.dial("deploy+web1", "alice")
	startSleep(t, c)
	w.update(func(tx state.Tx) error {
		row, err := tx.Targets().Get("web1")
		row.Labels = map[string]string{"env": "prod"}
		return errors.Join(err, tx.Targets().Put(row))
	})
	if nc, err := c.Dial("tcp", "db.internal:5432"); err == nil {
		nc.Close()
		t.Error("a tunnel opened that the target's new label forbids")
	}
}
