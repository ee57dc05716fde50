package anchor

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/sshtest"
)

// command runs a program of the test's own in dir.
func command(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_NOSYSTEM=1", "GIT_AUTHOR_NAME=x", "GIT_AUTHOR_EMAIL=x", "GIT_COMMITTER_NAME=x", "GIT_COMMITTER_EMAIL=x")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v: %s", name, strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// newRemote makes an empty bare repository.
func newRemote(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "remote.git")
	command(t, t.TempDir(), "git", "init", "--quiet", "--bare", dir)
	return dir
}

func open(t *testing.T, url, secret, dir string) *Git {
	t.Helper()
	w, err := NewGit(url, secret, dir, arn)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestGitAnchorsOfTwoNodesMeet: both push to one branch, and neither loses an
// anchor of the other.
func TestGitAnchorsOfTwoNodesMeet(t *testing.T) {
	url := "git+file://" + newRemote(t) + "#trail/a"
	var wg sync.WaitGroup
	for node := range 2 {
		w := open(t, url, "", t.TempDir())
		wg.Go(func() {
			for i := range 2 {
				if err := w.Put(t.Context(), numbered(2*i+node+1)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if got := mustRead(t, open(t, url, "", t.TempDir())); len(got) != 4 {
		t.Errorf("the remote has %d anchors, want four", len(got))
	}
}

// TestGitHistoryIsRead: an anchor that a later commit removed is still one, and a
// branch that was rewritten or deleted shows as long as the clone knows better.
func TestGitHistoryIsRead(t *testing.T) {
	remote, dir := newRemote(t), t.TempDir()
	url := "git+file://" + remote
	mustPut(t, open(t, url, "", dir), numbered(1), numbered(2))
	work := filepath.Join(t.TempDir(), "work")
	command(t, remote, "git", "clone", "--quiet", "--branch", DefaultBranch, remote, work)
	command(t, work, "git", "rm", "--quiet", numbered(1).Name())
	command(t, work, "git", "commit", "--quiet", "-m", "tidy up")
	command(t, work, "git", "push", "--quiet", "origin", DefaultBranch)
	both := []Anchor{numbered(1), numbered(2)}
	for _, clone := range []string{dir, t.TempDir()} {
		if got := mustRead(t, open(t, url, "", clone)); !cmp.Equal(got, both) {
			t.Errorf("after a commit that removes one, %d anchors are read", len(got))
		}
	}
	first := command(t, work, "git", "rev-list", "--max-parents=0", "HEAD")
	command(t, remote, "git", "update-ref", "refs/heads/"+DefaultBranch, first)
	for range 2 { // it stays said
		got, err := open(t, url, "", dir).Anchors(t.Context())
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "rewritten") || !cmp.Equal(got, both) {
			t.Errorf("after a rewrite %d anchors are read, %v; want both and ErrDamaged", len(got), err)
		}
	}
	mustPut(t, open(t, url, "", dir), numbered(3))
	command(t, remote, "git", "update-ref", "-d", "refs/heads/"+DefaultBranch)
	got, err := open(t, url, "", dir).Anchors(t.Context())
	if !errors.Is(err, ErrDamaged) || len(got) != 3 {
		t.Errorf("after the branch is gone %d anchors are read, %v; want three and ErrDamaged", len(got), err)
	}
}

// TestGitObeysNobodyElse: neither the user's settings, nor the environment, nor
// hooks have a say in what is run.
func TestGitObeysNobodyElse(t *testing.T) {
	home, remote, dir := t.TempDir(), newRemote(t), t.TempDir()
	marker := filepath.Join(home, "ran")
	script := filepath.Join(home, "evil")
	if err := os.WriteFile(script, []byte("#!/bin/sh\ntouch "+marker+"\nexit 1\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	settings := fmt.Sprintf("[core]\n\thooksPath = %[1]s\n\tfsmonitor = %[2]s\n\tsshCommand = %[2]s\n[commit]\n\tgpgSign = true\n[gpg]\n\tprogram = %[2]s\n[url \"%[3]s\"]\n\tinsteadOf = /\n", home, script, home)
	for _, name := range []string{".gitconfig", "pre-push", "reference-transaction", "post-commit"} {
		body, mode := settings, os.FileMode(0o600)
		if name != ".gitconfig" {
			body, mode = "#!/bin/sh\ntouch "+marker+"\nexit 1\n", 0o700
		}
		if err := os.WriteFile(filepath.Join(home, name), []byte(body), mode); err != nil {
			t.Fatal(err)
		}
	}
	for name, value := range map[string]string{
		"HOME": home, "GIT_CONFIG_GLOBAL": filepath.Join(home, ".gitconfig"), "GIT_SSH_COMMAND": script, "GIT_DIR": home, "GIT_EXTERNAL_DIFF": script,
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "core.hooksPath", "GIT_CONFIG_VALUE_0": home, "GIT_ASKPASS": script,
	} {
		t.Setenv(name, value)
	}
	w := open(t, "git+file://"+remote, "", dir)
	mustPut(t, w, numbered(1))
	if got := mustRead(t, w); len(got) != 1 {
		t.Errorf("%d anchors are read", len(got))
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a program of the user's settings was run")
	}
	// A path that looks like another protocol or an option is a path.
	for _, url := range []string{"git+file://" + home + "/--upload-pack=" + script, "git+file:///ext::sh -c " + script} {
		if err := open(t, url, "", t.TempDir()).Put(t.Context(), numbered(1)); err == nil {
			t.Errorf("Put to %s works", url)
		}
	}
	if _, err := os.Stat(marker); err == nil {
		t.Error("a remote's name was run")
	}
	for _, url := range []string{"git+https://h/r", "ext::x", "https://h", "git+ext://x"} {
		if _, err := NewGit(url, "", dir, arn); err == nil {
			t.Errorf("NewGit takes %s", url)
		}
	}
}

// TestGitOverSSH goes through a real sshd: the host must be known, and the key
// named in secret_file is the one that is offered.
func TestGitOverSSH(t *testing.T) {
	base, remote, d := t.TempDir(), newRemote(t), sshtest.Sshd(t)
	key, known := sshtest.KeyFile(t, base, "user")
	_, unknown := sshtest.KeyFile(t, base, "other")
	d.Authorize(t, key.PublicKey())
	url := "git+ssh://" + d.Login + "@" + d.Addr + remote
	dir := filepath.Join(base, "it's a clone")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	put := func(secret string) error { return open(t, url, secret, dir).Put(t.Context(), numbered(1)) }
	if err := put(known); err == nil || !strings.Contains(err.Error(), "Host key verification failed") {
		t.Errorf("Put to a host that is not known: %v, want it refused", err)
	}
	host, port, _ := net.SplitHostPort(d.Addr)
	line := "[" + host + "]:" + port + " " + string(ssh.MarshalAuthorizedKey(d.HostKey))
	if err := os.WriteFile(filepath.Join(dir, "known_hosts"), []byte(line), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := put(unknown); err == nil || !strings.Contains(err.Error(), "Permission denied") {
		t.Errorf("Put with another key: %v, want it refused", err)
	}
	if err := put(known); err != nil {
		t.Fatal(err)
	}
	if got := mustRead(t, open(t, url, known, dir)); !cmp.Equal(got, []Anchor{numbered(1)}) {
		t.Errorf("%d anchors are read over ssh", len(got))
	}
}
