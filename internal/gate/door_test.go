package gate_test

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/recording"
	"github.com/trailgate/trailgate/internal/state"
)

func TestSessionThroughTheFrontDoor(t *testing.T) {
	for _, user := range []string{"deploy+web1", "deploy@web1", "deploy+web1.tg"} {
		t.Run(user, func(t *testing.T) {
			w := newWorld(t)
			c := w.dial(user, "alice")
			if r := exec(t, c, "echo hello"); r.stdout != "hello\n" || r.status != 0 {
				t.Errorf("echo = %+v", r)
			}
			if r := exec(t, c, "exit 42"); r.stderr != "leaving\n" || r.status != 42 {
				t.Errorf("exit 42 = %+v", r)
			}
			c.Close()
			w.trail.waitFor(t, "CloseConnection")
			want := []string{
				"OpenConnection", "Login", "AuthorizeSecurityGroupIngress", "IssueCertificate", "ConnectTarget", "StartSession",
				"ExecuteCommand", "CloseChannel", "ExecuteCommand", "CloseChannel", "SealRecording", "EndSession", "CloseConnection",
			}
			if diff := cmp.Diff(want, w.trail.names()); diff != "" {
				t.Errorf("the record (-want +got):\n%s", diff)
			}
			for _, r := range w.trail.all()[1:] {
				if r.UserIdentity.UserName != "alice" || r.UserIdentity.ARN != "arn:aws:iam::"+account+":user/alice" || r.SourceIPAddress != "127.0.0.1" || r.RequestID == "" {
					t.Errorf("%s is by %+v from %s on %q", r.EventName, r.UserIdentity, r.SourceIPAddress, r.RequestID)
				}
			}
			end := w.trail.waitFor(t, "EndSession")
			if field(end, "cause") != "client left" || field(end, "exitStatus") != "42" || field(end, "target") != "web1" || field(end, "login") != "deploy" ||
				string(end.AdditionalEventData) != `{"MFAAuthenticated":"False"}` {
				t.Errorf("EndSession = %s %s %s", end.RequestParameters, end.ResponseElements, end.AdditionalEventData)
			}
			if x := w.trail.waitFor(t, "ExecuteCommand"); field(x, "command") != "echo hello" || field(x, "sessionId") != field(end, "sessionId") {
				t.Errorf("ExecuteCommand = %s", x.RequestParameters)
			}
			cert := w.target.certificates()[0]
			if !cmp.Equal(cert.ValidPrincipals, []string{"deploy"}) || cert.KeyId != field(end, "sessionId")+" alice" {
				t.Errorf("the certificate is for %v with key ID %q", cert.ValidPrincipals, cert.KeyId)
			}
			rec, err := recording.Read(filepath.Join(w.dir, "recordings"), field(end, "sessionId"))
			if err != nil {
				t.Errorf("the session has no recording: %v", err)
			}
			_ = rec
			var row state.Session
			w.update(func(tx state.Tx) (err error) { row, err = tx.Sessions().Get(field(end, "sessionId")); return err })
			if row.Ended.IsZero() || row.Cause != "client left" || row.Identity != "alice" {
				t.Errorf("the session's row is %+v", row)
			}
		})
	}
}

func TestSessionBehindAJump(t *testing.T) {
	w := newWorld(t)
	outer := w.dial("whoever I am", "alice")
	c := w.jump(outer, "web1.tg", "deploy")
	if r := exec(t, c, "echo hello"); r.stdout != "hello\n" || r.status != 0 {
		t.Errorf("echo = %+v", r)
	}
	c.Close()
	outer.Close()
	w.trail.wait(t, "the outer CloseConnection", func(r event.Record) bool {
		return len(w.trail.named("CloseConnection")) == 2
	})
	want := []string{
		"OpenConnection", "Login", "OpenConnection", "Login", "AuthorizeSecurityGroupIngress", "IssueCertificate", "ConnectTarget", "StartSession",
		"ExecuteCommand", "CloseChannel", "SealRecording", "EndSession", "CloseConnection", "CloseConnection",
	}
	if diff := cmp.Diff(want, w.trail.names()); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
	logins := w.trail.named("Login")
	if field(logins[0], "userName") != event.Hidden || field(logins[1], "userName") != "deploy" || field(logins[1], "method") != "none" {
		t.Errorf("logins: %s, %s", logins[0].RequestParameters, logins[1].RequestParameters)
	}
	start := w.trail.waitFor(t, "StartSession")
	if field(start, "frontDoor") != "jump" || start.UserIdentity.UserName != "alice" || start.RequestID != logins[1].RequestID || start.RequestID == logins[0].RequestID {
		t.Errorf("StartSession = %s by %s", start.RequestParameters, start.UserIdentity.UserName)
	}
}

func TestJumpTakesTheOuterIdentityWhateverTheInnerKey(t *testing.T) {
	t.Run("own key", func(t *testing.T) {
		w := newWorld(t)
		c := w.jump(w.dial("x", "alice"), "web1.tg", "deploy", ssh.PublicKeys(w.keys["alice"]))
		if r := exec(t, c, "echo hi"); r.stdout != "hi\n" {
			t.Errorf("echo = %+v", r)
		}
	})
	// x/crypto's client tries "none" first, which is enough; so what paramiko
	// does is played by refusing none in the user name's grammar.
	t.Run("key of another", func(t *testing.T) {
		w := newWorld(t)
		outer := w.dial("x", "alice")
		if _, err := w.tryJump(outer, "web1.tg", "Deploy", ssh.PublicKeys(w.keys["bob"])); err == nil {
			t.Fatal("a malformed inner name logged in")
		}
		r := w.trail.wait(t, "the refused inner Login", func(r event.Record) bool { return r.EventName == "Login" && r.ErrorCode != "" })
		if r.ErrorCode != event.InvalidName || r.UserIdentity.UserName != "alice" {
			t.Errorf("Login = %s by %s", r.ErrorCode, r.UserIdentity.UserName)
		}
	})
}

func TestJumpLeadsToTargetsOnly(t *testing.T) {
	w := newWorld(t)
	c := w.dial("x", "alice")
	for _, address := range []string{
		"127.0.0.1:22", "localhost:22", w.addr, w.target.addr, "web1:22", "web1.tg:2222", "169.254.169.254:80",
		"[::ffff:127.0.0.1]:22", "2130706433:22", "0x7f000001:22", "017700000001:22", "evil.example:22", "web1.tg.:22", ".tg:22", "tg:22", "a+b.tg:22",
	} {
		if nc, err := c.Dial("tcp", address); err == nil {
			nc.Close()
			t.Errorf("a jump to %s was let through", address)
		}
	}
	refused := w.trail.named("OpenTunnel")
	if len(refused) != 16 {
		t.Errorf("%d refusals recorded, want 16: %v", len(refused), w.trail.names())
	}
	for _, r := range refused {
		if r.ErrorCode != event.AccessDenied || r.UserIdentity.UserName != "alice" {
			t.Errorf("OpenTunnel %s: %s by %s", r.RequestParameters, r.ErrorCode, r.UserIdentity.UserName)
		}
	}
}

func TestHomeAnswersAFewWords(t *testing.T) {
	w := newWorld(t)
	c := w.dial("anything at all", "alice")
	if r := exec(t, c, "whoami"); !strings.Contains(r.stdout, "arn:aws:iam::"+account+":user/alice") || r.status != 0 {
		t.Errorf("whoami = %+v", r)
	}
	if r := exec(t, c, "targets"); !strings.Contains(r.stdout, "deploy+web1") || r.status != 0 {
		t.Errorf("targets = %+v", r)
	}
	if r := exec(t, c, "help"); !strings.Contains(r.stdout, "ssh login+target@gate") || r.status != 0 {
		t.Errorf("help = %+v", r)
	}
	if r := exec(t, c, "rm -rf /"); r.status != 64 || r.stdout != "" || !strings.Contains(r.stderr, "not a word of the gate") {
		t.Errorf("rm = %+v", r)
	}
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var stderr strings.Builder
	s.Stderr = &stderr
	if err := s.Shell(); err != nil {
		t.Fatal(err)
	}
	if status := statusOf(s.Wait()); status != 64 || !strings.Contains(stderr.String(), "Name a target") || !strings.Contains(stderr.String(), "root+web1") {
		t.Errorf("a shell = %d, %q", status, stderr.String())
	}
	if n := len(w.trail.named("StartSession")); n != 0 {
		t.Errorf("%d sessions began", n)
	}
}

func TestTunnelIsAskedOfTheTargetOnly(t *testing.T) {
	w := newWorld(t)
	w.rules.policies(t, `
		permit (principal, action, resource) unless { action == Action::"Tunnel" };
		permit (principal, action == Action::"Tunnel", resource) when { context.host == "db.internal" && context.port == 5432 };`)
	c := w.dial("deploy+web1", "alice")
	nc, err := c.Dial("tcp", "db.internal:5432")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(nc, "ping"); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 4)
	if _, err := io.ReadFull(nc, b); err != nil || string(b) != "ping" {
		t.Errorf("the tunnel echoed %q, %v", b, err)
	}
	nc.Close()
	closed := w.trail.waitFor(t, "CloseTunnel")
	if field(closed, "bytesReceived") != "4" || field(closed, "bytesSent") != "4" || field(closed, "destinationHost") != "db.internal" {
		t.Errorf("CloseTunnel = %s %s", closed.RequestParameters, closed.ServiceEventDetails)
	}
	if _, err := c.Dial("tcp", "db.internal:22"); err == nil || !strings.Contains(err.Error(), "access denied") {
		t.Errorf("a tunnel to another port = %v, want access denied", err)
	}
	if _, err := c.Dial("unix", "/run/docker.sock"); err == nil {
		t.Error("a tunnel to a Unix socket was let through")
	}
	if n := w.trail.named("OpenTunnel"); len(n) != 3 || n[0].ErrorCode != "" || n[1].ErrorCode != event.AccessDenied || n[2].ErrorCode != event.AccessDenied {
		t.Errorf("OpenTunnel was recorded as %v", w.trail.names())
	}
}
