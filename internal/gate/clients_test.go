package gate_test

import (
	"errors"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// asks answers prompts and counts them.
type asks struct {
	n      atomic.Int64
	answer func() string
}

func (a *asks) method() ssh.AuthMethod {
	return ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		out := make([]string, len(questions))
		for i := range questions {
			a.n.Add(1)
			out[i] = a.answer()
		}
		return out, nil
	})
}

// config logs in as user with the key of name.
func (w *world) config(user, name string, more ...ssh.AuthMethod) *ssh.ClientConfig {
	return &ssh.ClientConfig{
		User: user, Auth: append([]ssh.AuthMethod{ssh.PublicKeys(w.keys[name])}, more...),
		HostKeyCallback: w.checkHost("gate"), Timeout: 10 * time.Second,
	}
}

// checkHost accepts a host certificate of the gate's CA for host.
func (w *world) checkHost(host string) ssh.HostKeyCallback {
	_, _, want, _, _, err := ssh.ParseKnownHosts([]byte(w.ca.HostLine("tg", "gate")))
	if err != nil {
		w.t.Fatal(err)
	}
	c := &ssh.CertChecker{Clock: w.now, IsHostAuthority: func(k ssh.PublicKey, _ string) bool {
		return string(k.Marshal()) == string(want.Marshal())
	}}
	return func(_ string, a net.Addr, k ssh.PublicKey) error { return c.CheckHostKey(host+":22", a, k) }
}

func (w *world) tryDial(user, name string, more ...ssh.AuthMethod) (*ssh.Client, error) {
	return ssh.Dial("tcp", w.addr, w.config(user, name, more...))
}

func (w *world) dial(user, name string, more ...ssh.AuthMethod) *ssh.Client {
	w.t.Helper()
	c, err := w.tryDial(user, name, more...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

// jump is the inner connection of ssh -J, over outer.
func (w *world) tryJump(outer *ssh.Client, host, login string, auth ...ssh.AuthMethod) (*ssh.Client, error) {
	nc, err := outer.Dial("tcp", host+":22")
	if err != nil {
		return nil, err
	}
	c, chans, reqs, err := ssh.NewClientConn(nc, host+":22", &ssh.ClientConfig{User: login, Auth: auth, HostKeyCallback: w.checkHost(host)})
	if err != nil {
		nc.Close()
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

func (w *world) jump(outer *ssh.Client, host, login string, auth ...ssh.AuthMethod) *ssh.Client {
	w.t.Helper()
	c, err := w.tryJump(outer, host, login, auth...)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { c.Close() })
	return c
}

// result is what a command came to.
type result struct {
	stdout, stderr string
	status         int // -1 without one
}

func exec(t *testing.T, c *ssh.Client, command string) result {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	return run(s, command)
}

func run(s *ssh.Session, command string) result {
	var stdout, stderr strings.Builder
	s.Stdout, s.Stderr = &stdout, &stderr
	return result{stdout: stdout.String(), stderr: stderr.String(), status: statusOf(s.Run(command))}.with(&stdout, &stderr)
}

func (r result) with(stdout, stderr *strings.Builder) result {
	r.stdout, r.stderr = stdout.String(), stderr.String()
	return r
}

func statusOf(err error) int {
	var exit *ssh.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitStatus()
	}
	return -1
}

// sleeper is a command under way, until something ends it.
type sleeper struct {
	s      *ssh.Session
	stderr strings.Builder
	done   chan int
}

func startSleep(t *testing.T, c *ssh.Client) *sleeper {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	z := &sleeper{s: s, done: make(chan int, 1)}
	s.Stderr = &z.stderr
	out, err := s.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start("sleep"); err != nil {
		t.Fatal(err)
	}
	ready := make([]byte, 6)
	if _, err := out.Read(ready); err != nil || string(ready) != "ready\n" {
		t.Fatalf("the command did not start: %q, %v", ready, err)
	}
	go func() { z.done <- statusOf(s.Wait()) }()
	return z
}

// ended waits for the command's end and holds it to status and text on stderr.
func (z *sleeper) ended(t *testing.T, within time.Duration, status int, text string) {
	t.Helper()
	began := time.Now()
	select {
	case got := <-z.done:
		if took := time.Since(began); took > within {
			t.Errorf("it took %v to end, want %v", took, within)
		}
		if got != status || !strings.Contains(z.stderr.String(), text) {
			t.Errorf("ended with %d, %q; want %d and %q", got, z.stderr.String(), status, text)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("it did not end")
	}
}
