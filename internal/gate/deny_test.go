package gate_test

import (
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/sshtest"
	"github.com/trailgate/trailgate/internal/state"
)

func TestDenialIsRecordedAndExplained(t *testing.T) {
	w := newWorld(t)
	w.rules.policies(t, `permit (principal, action, resource) when { context.login == "deploy" };`)
	c := w.dial("root+web1", "alice")
	r := exec(t, c, "id")
	denied := w.trail.waitFor(t, "AuthorizeSecurityGroupIngress")
	if denied.ErrorCode != event.AccessDenied || field(denied, "login") != "root" || field(denied, "reason") == "" {
		t.Errorf("AuthorizeSecurityGroupIngress = %s %s %s", denied.ErrorCode, denied.RequestParameters, denied.ServiceEventDetails)
	}
	if want := "trailgate: access denied: " + denied.ErrorMessage + " (event " + denied.EventID + ")"; r.status != 254 || !strings.Contains(r.stderr, want) {
		t.Errorf("denied with %+v, want 254 and %q", r, want)
	}
	if _, err := c.Dial("tcp", "x:1"); err == nil || !strings.Contains(err.Error(), "access denied") {
		t.Errorf("a tunnel = %v, want access denied", err)
	}
	if len(w.target.certificates()) != 0 || len(w.trail.named("IssueCertificate")) != 0 {
		t.Error("a denied session got a certificate")
	}
}

func TestUnknownTargetIsDenied(t *testing.T) {
	w := newWorld(t)
	r := exec(t, w.dial("deploy+web9", "alice"), "id")
	if r.status != 254 || !strings.Contains(r.stderr, `no target named "web9"`) {
		t.Errorf("denied with %+v", r)
	}
	if a := w.trail.waitFor(t, "AuthorizeSecurityGroupIngress"); a.ErrorCode != event.AccessDenied {
		t.Errorf("recorded as %q", a.ErrorCode)
	}
}

func TestFailingPolicyDeniesAndIsRecorded(t *testing.T) {
	w := newWorld(t)
	w.rules.policies(t, everything+`forbid (principal, action, resource) when { context.hour + 9223372036854775807 + 1 < 0 };`)
	r := exec(t, w.dial("deploy+web1", "alice"), "echo hi")
	if r.status != 254 || r.stdout != "" || !strings.Contains(r.stderr, "access denied") {
		t.Errorf("with a policy that fails: %+v", r)
	}
	if f := w.trail.waitFor(t, "FailPolicy"); !strings.HasPrefix(field(f, "policyName"), "test") || field(f, "target") != "web1" {
		t.Errorf("FailPolicy = %s", f.RequestParameters)
	}
}

func TestEachActIsDecided(t *testing.T) {
	tests := []struct {
		policy, command, event string
		subsystem, shell       bool
	}{
		{`forbid (principal, action == Action::"Exec", resource) when { context.command like "*mosh-server*" };`, "mosh-server new", "ExecuteCommand", false, false},
		{`forbid (principal, action == Action::"Subsystem", resource) when { context.subsystem == "sftp" };`, "sftp", "StartSubsystem", true, false},
		{`forbid (principal, action == Action::"Shell", resource);`, "", "StartShell", false, true},
	}
	for _, tt := range tests {
		t.Run(tt.event, func(t *testing.T) {
			w := newWorld(t)
			w.rules.policies(t, everything+"\n@reason(\"not here\")\n"+tt.policy)
			c := w.dial("deploy+web1", "alice")
			s, err := c.NewSession()
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			var stderr strings.Builder
			s.Stderr = &stderr
			switch {
			case tt.shell:
				err = s.Shell()
			case tt.subsystem:
				err = s.RequestSubsystem(tt.command)
				s.Stdin = strings.NewReader("")
			default:
				err = s.Start(tt.command)
			}
			if err != nil {
				t.Fatal(err)
			}
			if !tt.subsystem {
				if status := statusOf(s.Wait()); status != 254 || !strings.Contains(stderr.String(), ": not here (event ") {
					t.Errorf("ended with %d, %q", status, stderr.String())
				}
			}
			if r := w.trail.waitFor(t, tt.event); r.ErrorCode != event.AccessDenied || field(r, "sessionId") == "" {
				t.Errorf("%s = %q in %s", tt.event, r.ErrorCode, r.RequestParameters)
			}
			if r := exec(t, c, "echo hi"); tt.event != "ExecuteCommand" && r.stdout != "hi\n" {
				t.Errorf("another act is %+v", r)
			}
		})
	}
}

func TestForwardingIsPolicy(t *testing.T) {
	for _, tt := range []struct{ request, kind, event string }{
		{"auth-agent-req@openssh.com", "auth-agent@openssh.com", "ForwardAgent"},
		{"x11-req", "x11", "ForwardX11"},
	} {
		for _, allowed := range []bool{true, false} {
			t.Run(tt.event, func(t *testing.T) {
				w := newWorld(t)
				if !allowed {
					w.rules.policies(t, everything+`forbid (principal, action == Action::"`+tt.event+`", resource);`)
				}
				c := w.dial("deploy+web1", "alice")
				agents := c.HandleChannelOpen(tt.kind)
				go func() {
					for nc := range agents {
						ch, reqs, err := nc.Accept()
						if err != nil {
							return
						}
						go ssh.DiscardRequests(reqs)
						b := make([]byte, 4)
						ch.Read(b)
						ch.Write([]byte("pong"))
						ch.Close()
					}
				}()
				s, err := c.NewSession()
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				payload := []byte(nil)
				command := "back " + tt.kind
				if tt.kind == "x11" {
					payload = ssh.Marshal(struct {
						Single           bool
						Protocol, Cookie string
						Screen           uint32
					}{false, "MIT-MAGIC-COOKIE-1", "00", 0})
				}
				ok, err := s.SendRequest(tt.request, true, payload)
				if err != nil || ok != allowed {
					t.Fatalf("%s was answered %v, %v; want %v", tt.request, ok, err, allowed)
				}
				r := run(s, command)
				if tt.kind == "auth-agent@openssh.com" && allowed && r.stdout != "pong" {
					t.Errorf("through the forwarding came %+v", r)
				}
				if !allowed && !strings.Contains(r.stdout, "refused") {
					t.Errorf("the target opened a forwarding nobody allowed: %+v", r)
				}
				first := w.trail.waitFor(t, tt.event)
				if (first.ErrorCode == "") != allowed {
					t.Errorf("%s = %q", tt.event, first.ErrorCode)
				}
			})
		}
	}
}

func TestOnlyHarmlessVariablesPass(t *testing.T) {
	w := newWorld(t)
	s, err := w.dial("deploy+web1", "alice").NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	pass := map[string]bool{
		"LANG": true, "LC_ALL": true, "LC_TIME": true, "TERM": true, "COLORTERM": true,
		"LD_PRELOAD": false, "LC_": false, "LC_X=Y": false, "PATH": false, "BASH_ENV": false, "lang": false, "LC_a\n": false,
	}
	for name, want := range pass {
		if err := s.Setenv(name, "x"); (err == nil) != want {
			t.Errorf("Setenv(%q) = %v, want it to pass: %v", name, err, want)
		}
	}
	r := run(s, "report")
	for name, want := range pass {
		if strings.Contains(" "+r.stdout+" ", " "+name+"=x ") != want {
			t.Errorf("the target was told %q; want %s to pass: %v", r.stdout, name, want)
		}
	}
}

func TestRemoteForwardIsRefused(t *testing.T) {
	w := newWorld(t)
	if ln, err := w.dial("deploy+web1", "alice").Listen("tcp", "127.0.0.1:0"); err == nil {
		ln.Close()
		t.Error("a port was forwarded back")
	}
}

func TestUnreachableTargetIsSaid(t *testing.T) {
	w := newWorld(t)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	w.retarget(func(row *state.Target) { row.Address = ln.Addr().String() })
	c := w.dial("deploy+web1", "alice")
	r := exec(t, c, "id")
	if r.status != 254 || !strings.Contains(r.stderr, `target "web1" is not reachable`) || !strings.Contains(r.stderr, "connection refused") {
		t.Errorf("said %+v", r)
	}
	if e := w.trail.waitFor(t, "ConnectTarget"); e.ErrorCode != event.TargetUnreachable || field(e, "address") != ln.Addr().String() {
		t.Errorf("ConnectTarget = %q %s", e.ErrorCode, e.RequestParameters)
	}
	if n := len(w.trail.named("StartSession")); n != 0 {
		t.Errorf("%d sessions began", n)
	}
	// The target is back: the same connection may try again.
	w.retarget(func(row *state.Target) { row.Address = w.target.addr })
	if r := exec(t, c, "echo hi"); r.stdout != "hi\n" {
		t.Errorf("once it is back: %+v", r)
	}
}

func TestTargetThatDoesNotKnowUsIsSaid(t *testing.T) {
	w := newWorld(t)
	r := exec(t, w.dial("nobody+web1", "alice"), "id")
	if r.status != 254 || !strings.Contains(r.stderr, `does not let "nobody" in`) || !strings.Contains(r.stderr, "ca show user") {
		t.Errorf("said %+v", r)
	}
}

func TestSilentTargetIsGivenUp(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Limits.DialTimeout = 200 * time.Millisecond })
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	w.retarget(func(row *state.Target) { row.Address = ln.Addr().String() })
	r := exec(t, w.dial("deploy+web1", "alice"), "id")
	if r.status != 254 || !strings.Contains(r.stderr, "took too long") {
		t.Errorf("said %+v", r)
	}
}

func TestChangedHostKeyIsRefused(t *testing.T) {
	w := newWorld(t)
	other := sshtest.Key(t)
	w.retarget(func(row *state.Target) { row.HostKeys = []string{string(ssh.MarshalAuthorizedKey(other.PublicKey()))} })
	r := exec(t, w.dial("deploy+web1", "alice"), "id")
	for _, part := range []string{`host key of target "web1" changed`, ssh.FingerprintSHA256(other.PublicKey()), ssh.FingerprintSHA256(w.target.hostKey.PublicKey()), "target update web1"} {
		if r.status != 254 || !strings.Contains(r.stderr, part) {
			t.Errorf("said %+v, want %q", r, part)
		}
	}
	e := w.trail.waitFor(t, "ConnectTarget")
	if e.ErrorCode != event.HostKeyMismatch || field(e, "hostKeyFingerprint") != ssh.FingerprintSHA256(w.target.hostKey.PublicKey()) {
		t.Errorf("ConnectTarget = %q %s", e.ErrorCode, e.ResponseElements)
	}
	if len(w.target.certificates()) != 0 {
		t.Error("the certificate was shown to a server with another key")
	}
}

func TestRecordsOfPeersTextAreClean(t *testing.T) {
	w := newWorld(t)
	conf := w.config("deploy+web1", "alice")
	conf.ClientVersion = "SSH-2.0-evil"
	c, err := ssh.Dial("tcp", w.addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	exec(t, c, "echo \x1b]52;c;AAAA\x07 \u202e\xff\n\tdone")
	x := w.trail.waitFor(t, "ExecuteCommand")
	if got, want := field(x, "command"), `echo \x1b]52;c;AAAA\a \u202e\xff`+"\n\tdone"; got != want {
		t.Errorf("the command is recorded as %q, want %q", got, want)
	}
	if x.UserAgent != "SSH-2.0-evil" {
		t.Errorf("userAgent = %q", x.UserAgent)
	}
}

func TestLostRecordingEndsTheSession(t *testing.T) {
	w := newWorld(t, func(c *gate.Config) { c.Recorders = gate.RecordTo("/dev/null/no") })
	r := exec(t, w.dial("deploy+web1", "alice"), "echo hi")
	if r.status != 254 || r.stdout != "" || !strings.Contains(r.stderr, "could not be recorded") {
		t.Errorf("an unrecorded command = %+v", r)
	}
	if e := w.trail.waitFor(t, "EndSession"); field(e, "cause") != "recording failed" {
		t.Errorf("EndSession = %s", e.ResponseElements)
	}
	names := strings.Join(w.trail.names(), " ")
	if !strings.Contains(names, "LoseRecording") || strings.Index(names, "LoseRecording") > strings.Index(names, "EndSession") {
		t.Errorf("recorded %s", names)
	}
}

// retarget changes web1.
func (w *world) retarget(change func(*state.Target)) {
	w.t.Helper()
	w.update(func(tx state.Tx) error {
		row, err := tx.Targets().Get("web1")
		change(&row)
		return errors.Join(err, tx.Targets().Put(row))
	})
}

func TestKeysOfTheGateAreNotInTheRecord(t *testing.T) {
	w := newWorld(t)
	exec(t, w.dial("deploy+web1", "alice"), "echo hi")
	secret, err := os.ReadFile(w.dir + "/ca/user_ca")
	if err != nil {
		t.Fatal(err)
	}
	line := strings.Split(string(secret), "\n")[1]
	for _, r := range w.trail.all() {
		for _, part := range [][]byte{r.RequestParameters, r.ResponseElements, r.ServiceEventDetails} {
			if strings.Contains(string(part), line) || strings.Contains(string(part), "PRIVATE") {
				t.Errorf("%s holds a key", r.EventName)
			}
		}
	}
	if diff := cmp.Diff(1, len(w.target.certificates())); diff != "" {
		t.Errorf("certificates used: %s", diff)
	}
}
