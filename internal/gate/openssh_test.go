package gate_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/sshtest"
	"github.com/trailgate/trailgate/internal/state"
)

// openSSH is the real client in a person's hands: both front doors, one
// @cert-authority line, codes from an askpass program.
type openSSH struct {
	w   *world
	dir string
}

func newOpenSSH(w *world, name string) *openSSH {
	w.t.Helper()
	o := &openSSH{w: w, dir: w.t.TempDir()}
	key, path := sshtest.KeyFile(w.t, o.dir, "id")
	w.update(func(tx state.Tx) error {
		return tx.Keys().Create(state.Key{Fingerprint: ssh.FingerprintSHA256(key.PublicKey()), Identity: name, Created: time.Now()})
	})
	host, port, err := net.SplitHostPort(w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	o.write("known_hosts", w.ca.HostLine("tg", "gate")+"\n", 0o600)
	o.write("config", fmt.Sprintf(`Host gate
  HostName %s
  Port %s
  HostKeyAlias gate
Host *.tg
  ProxyJump gate
Host *
  IdentityFile %s
  IdentitiesOnly yes
  UserKnownHostsFile %s
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  LogLevel ERROR
`, host, port, path, filepath.Join(o.dir, "known_hosts")), 0o600)
	return o
}

func (o *openSSH) write(name, text string, mode os.FileMode) {
	if err := os.WriteFile(filepath.Join(o.dir, name), []byte(text), mode); err != nil {
		o.w.t.Fatal(err)
	}
}

func (o *openSSH) run(args ...string) result {
	o.w.t.Helper()
	ctx, cancel := context.WithTimeout(o.w.t.Context(), 20*time.Second)
	defer cancel()
	cmd := osexec.CommandContext(ctx, "ssh", append([]string{"-F", filepath.Join(o.dir, "config")}, args...)...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK=", "SSH_ASKPASS="+filepath.Join(o.dir, "askpass"), "SSH_ASKPASS_REQUIRE=force", "DISPLAY=:0")
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *osexec.ExitError
	if err != nil && !errors.As(err, &exit) {
		o.w.t.Fatal(err)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// doors are the ways to the same session.
var doors = map[string]string{"jump": "deploy@web1.tg", "plus": "deploy+web1@gate", "at": "deploy@web1@gate"}

func TestOpenSSHThroughBothDoors(t *testing.T) {
	w := newWorld(t)
	o := newOpenSSH(w, "alice")
	for name, host := range doors {
		if r := o.run(host, "echo hello"); r != (result{"hello\n", "", 0}) {
			t.Errorf("%s: echo = %+v", name, r)
		}
		if r := o.run(host, "exit 42"); r != (result{"", "leaving\n", 42}) {
			t.Errorf("%s: exit 42 = %+v", name, r)
		}
	}
	if r := o.run("gate", "whoami"); r.status != 0 || !strings.Contains(r.stdout, "user/alice") {
		t.Errorf("whoami = %+v", r)
	}
	if r := o.run("gate"); r.status != 64 || !strings.Contains(r.stderr, "deploy+web1") {
		t.Errorf("no target = %+v", r)
	}
	if r := o.run("deploy@web9.tg", "true"); r.status != 254 || !strings.Contains(r.stderr, `no target named "web9"`) {
		t.Errorf("no such target = %+v", r)
	}
}

func TestOpenSSHShowsTheReason(t *testing.T) {
	w := newWorld(t)
	o := newOpenSSH(w, "alice")
	w.rules.policies(t, "@reason(\"production rests\")\nforbid (principal, action, resource);")
	for name, host := range doors {
		if r := o.run(host, "echo hello"); r.status != 254 || r.stdout != "" || !strings.Contains(r.stderr, "production rests (event ") {
			t.Errorf("%s: denied with %+v", name, r)
		}
	}
	w.rules.policies(t, everything)
	for name, host := range doors {
		before := len(w.trail.named("ExecuteCommand"))
		done := make(chan result, 1)
		go func() { done <- o.run(host, "sleep") }()
		for len(w.trail.named("ExecuteCommand")) == before {
			select {
			case r := <-done:
				t.Fatalf("%s: sleep = %+v", name, r)
			case <-time.After(time.Millisecond):
			}
		}
		w.rules.locks(lock(policy.Deny, policy.Match{Identity: "alice"}, "laptop stolen"))
		began := time.Now()
		w.Redecide()
		if r := <-done; r.status != 254 || !strings.Contains(r.stderr, "trailgate: session ended: locked: laptop stolen") {
			t.Errorf("%s: ended with %+v", name, r)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: it took %v to end", name, took)
		}
		w.rules.locks()
	}
}

func TestOpenSSHIsAskedForACode(t *testing.T) {
	for name, host := range doors {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.enrol("alice")
			w.rules.policies(t, `permit (principal, action, resource) when { context.mfa };`)
			o := newOpenSSH(w, "alice")
			o.write("askpass", "#!/bin/sh\necho \"$1\" >>"+filepath.Join(o.dir, "asked")+"\necho "+w.code("alice")+"\n", 0o700)
			if r := o.run(host, "echo hello"); r.stdout != "hello\n" || r.status != 0 {
				t.Fatalf("with a code: %+v", r)
			}
			asked, err := os.ReadFile(filepath.Join(o.dir, "asked"))
			if err != nil || strings.Count(string(asked), "Code from your authenticator app") != 1 {
				t.Errorf("asked %q, %v; want one code", asked, err)
			}
			start := w.trail.waitFor(t, "StartSession")
			if string(start.AdditionalEventData) != `{"MFAAuthenticated":"True"}` || start.UserIdentity.UserName != "alice" {
				t.Errorf("StartSession = %s by %s", start.AdditionalEventData, start.UserIdentity.UserName)
			}
		})
	}
}
