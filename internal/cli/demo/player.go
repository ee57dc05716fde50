package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/pquerna/otp/totp"
)

// player is one persona with a key and a loopback address of its own, who acts
// through the machine's real ssh client.
type player struct {
	name   string
	source string // loopback address its connections come from
	dir    string // the demo's directory, with a folder for each player
	secret string // TOTP secret; empty without a device

	mu      sync.Mutex
	lastTry time.Time // of a TOTP code: a code opens one connection only
}

// deed is one ssh command a player ran and what the player saw: a line of the
// ledger.
type deed struct {
	player  *player
	command string
	started time.Time
	ended   time.Time
	status  int // ssh's exit status
	stdout  string
	stderr  string
}

// ssh runs the real ssh client and waits for it. args follow the options:
// a destination, then a command.
func (p *player) ssh(ctx context.Context, args ...string) (deed, error) {
	s, err := p.start(ctx, nil, args...)
	if err != nil {
		return deed{}, err
	}
	return s.wait(), nil
}

// running is an ssh client at work.
type running struct {
	d      deed
	cmd    *exec.Cmd
	stdout *watched
	stderr *watched
	done   chan struct{} // closed when the client has exited
}

// start runs the real ssh client with stdin (nil for none).
func (p *player) start(ctx context.Context, stdin io.Reader, args ...string) (*running, error) {
	full := append([]string{"-F", filepath.Join(p.dir, p.name, "ssh_config")}, args...)
	cmd := exec.CommandContext(ctx, "ssh", full...)
	cmd.WaitDelay = time.Second
	r := &running{cmd: cmd, stdout: newWatched(), stderr: newWatched(), done: make(chan struct{})}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, r.stdout, r.stderr
	cmd.Env = append(os.Environ(), "LC_ALL=C", "SSH_AUTH_SOCK=", "SSH_ASKPASS_REQUIRE=force", "SSH_ASKPASS="+filepath.Join(p.dir, "askpass"))
	if p.secret != "" {
		code, err := p.code(ctx)
		if err != nil {
			return nil, err
		}
		cmd.Env = append(cmd.Env, "TRAILGATE_DEMO_CODE="+code)
	}
	r.d = deed{player: p, command: "ssh " + strings.Join(args, " "), started: time.Now()}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start ssh for %s: %w", p.name, err)
	}
	go func() {
		defer close(r.done)
		err := cmd.Wait()
		r.d.ended, r.d.stdout, r.d.stderr = time.Now(), r.stdout.String(), r.stderr.String()
		var ee *exec.ExitError
		switch {
		case errors.As(err, &ee):
			r.d.status = ee.ExitCode()
		case err != nil:
			r.d.status = -1
		}
	}()
	return r, nil
}

// wait returns when the client has exited.
func (r *running) wait() deed {
	<-r.done
	return r.d
}

// code is the TOTP code of now. A code opens one connection only, so a second
// one inside the same 30 seconds is the next one, which the gate takes too.
func (p *player) code(ctx context.Context) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := time.Now()
	if next := p.lastTry.Truncate(30 * time.Second).Add(30 * time.Second); at.Before(next) && !p.lastTry.IsZero() {
		at = next
	}
	p.lastTry = at
	code, err := totp.GenerateCode(p.secret, at)
	if err != nil {
		return "", fmt.Errorf("make %s's code: %w", p.name, err)
	}
	return code, nil
}

// watched keeps what is written to it and lets a reader wait for a text.
type watched struct {
	mu      sync.Mutex
	buf     bytes.Buffer
	changed chan struct{} // closed and replaced at each write
}

func newWatched() *watched { return &watched{changed: make(chan struct{})} }

func (w *watched) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(b)
	close(w.changed)
	w.changed = make(chan struct{})
	return len(b), nil
}

func (w *watched) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// waitFor returns when text has been written, and when that was noticed.
func (w *watched) waitFor(ctx context.Context, text string, ended <-chan struct{}) (time.Time, error) {
	for {
		w.mu.Lock()
		seen, changed := strings.Contains(w.buf.String(), text), w.changed
		w.mu.Unlock()
		if seen {
			return time.Now(), nil
		}
		select {
		case <-changed:
		case <-ended:
			if strings.Contains(w.String(), text) {
				return time.Now(), nil
			}
			return time.Time{}, fmt.Errorf("ssh ended before it said %q", text)
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("wait for ssh to say %q: %w", text, context.Cause(ctx))
		}
	}
}
