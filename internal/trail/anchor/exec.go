package anchor

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// git runs the git binary in one bare repository. What it does depends on its
// arguments alone: no file of settings, no hook, no helper and no prompt of the
// machine's has a say, and only one protocol may be spoken.
type git struct {
	dir      string
	protocol string // ssh or file
	key      string // private key for ssh; "" for the user's default ones
	hosts    string // a file of known hosts, beside the user's own
}

const (
	gitTimeout = time.Minute // of one command
	gitOutput  = 256 << 20   // of one command; anchors of a hundred years are less
)

// settings stand above those of the clone.
var settings = []string{
	"-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "-c", "core.attributesFile=/dev/null", "-c", "core.alternateRefsCommand=true",
	"-c", "credential.helper=", "-c", "gc.auto=0", "-c", "maintenance.auto=false", "-c", "commit.gpgSign=false", "-c", "push.gpgSign=false",
	"-c", "fetch.fsckObjects=true", "-c", "fetch.recurseSubmodules=false", "-c", "core.fsync=committed", "-c", "gc.pruneExpire=never",
}

// env is all of git's environment.
func (g git) env() []string {
	return []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + g.dir, "LC_ALL=C", "GIT_DIR=" + g.dir, "GIT_INDEX_FILE=" + g.dir + "/index",
		"GIT_CONFIG_NOSYSTEM=1", "GIT_CONFIG_SYSTEM=" + os.DevNull, "GIT_CONFIG_GLOBAL=" + os.DevNull, "GIT_ATTR_NOSYSTEM=1",
		"GIT_TERMINAL_PROMPT=0", "GIT_ASKPASS=false", "SSH_ASKPASS=false", "SSH_ASKPASS_REQUIRE=never", "GIT_EDITOR=false", "GIT_PAGER=cat",
		"GIT_ALLOW_PROTOCOL=" + g.protocol, "GIT_PROTOCOL_FROM_USER=0", "GIT_NO_REPLACE_OBJECTS=1", "GIT_SSH_VARIANT=ssh", "GIT_SSH_COMMAND=" + g.ssh(),
		"GIT_AUTHOR_NAME=trailgate", "GIT_AUTHOR_EMAIL=trailgate@localhost", "GIT_COMMITTER_NAME=trailgate", "GIT_COMMITTER_EMAIL=trailgate@localhost",
	}
}

// ssh is the command git connects with. A host that is not known is not believed.
func (g git) ssh() string {
	command := "ssh -F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=15 -o ServerAliveInterval=10 -o ServerAliveCountMax=3" +
		" -o ForwardAgent=no -o ClearAllForwardings=yes -o UpdateHostKeys=no -o " + quote(`UserKnownHostsFile="`+g.hosts+`" "~/.ssh/known_hosts"`)
	if g.key != "" {
		command += " -o IdentitiesOnly=yes -i " + quote(g.key)
	}
	return command
}

// quote is text as one word of a shell.
func quote(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// run runs one command and returns what it printed.
func (g git) run(ctx context.Context, stdin []byte, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, gitTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append(append([]string(nil), settings...), args...)...)
	cmd.Dir, cmd.Env, cmd.Stdin = g.dir, g.env(), bytes.NewReader(stdin)
	out, problems := &limited{max: gitOutput}, &limited{max: 4 << 10}
	cmd.Stdout, cmd.Stderr = out, problems
	// git starts ssh and others: they end with it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return nil, errors.New("git is not installed")
	case ctx.Err() != nil:
		return nil, fmt.Errorf("git %s: %w", args[0], ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("git %s: %w: %s", args[0], err, firstLines(problems.b.String()))
	case out.cut:
		return nil, fmt.Errorf("git %s: it printed more than %d bytes", args[0], gitOutput)
	}
	return out.b.Bytes(), nil
}

// line is what a command printed, without the end of its only line.
func (g git) line(ctx context.Context, stdin []byte, args ...string) (string, error) {
	out, err := g.run(ctx, stdin, args...)
	return strings.TrimSpace(string(out)), err
}

// limited keeps so much of what is written and drops the rest.
type limited struct {
	b   bytes.Buffer
	max int
	cut bool
}

func (l *limited) Write(p []byte) (int, error) {
	room := l.max - l.b.Len()
	l.cut = l.cut || len(p) > room
	l.b.Write(p[:min(len(p), room)])
	return len(p), nil
}

// firstLines is what a program complained of, on one line and printable.
func firstLines(text string) string {
	lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
	joined := strings.Join(lines[:min(len(lines), 4)], "; ")
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0x9b {
			return -1
		}
		return r
	}, joined)
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
