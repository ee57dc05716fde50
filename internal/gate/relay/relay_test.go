package relay_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/trailgate/trailgate/internal/sshtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// doors are a real ssh to a real sshd, direct and through the gate.
type doors struct {
	ssh    *sshtest.OpenSSH
	daemon *sshtest.Daemon
	gate   *sshtest.Gate
}

func newDoors(t *testing.T) *doors {
	t.Helper()
	d := &doors{ssh: sshtest.NewOpenSSH(t), daemon: sshtest.Sshd(t)}
	d.daemon.Authorize(t, d.ssh.Key.PublicKey())
	d.gate = sshtest.NewGate(t, d.ssh.Key.PublicKey(), d.daemon.Addr, d.daemon.Config(t), nil)
	d.ssh.Host(t, "direct", d.daemon.Login, d.daemon.Addr, d.daemon.HostKey)
	d.ssh.Host(t, "gate", "anyone", d.gate.Addr, d.gate.HostKey)
	return d
}

type outcome struct {
	Status         int
	Stdout, Stderr string
}

func (d *doors) run(t *testing.T, stdin io.Reader, args ...string) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	cmd := d.ssh.Command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, &out, &errs
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("ssh %q: %v", args, err)
	}
	stdout := out.String()
	if len(stdout) > 4096 {
		sum := sha256.Sum256(out.Bytes())
		stdout = fmt.Sprintf("%d bytes, sha256 %s", len(stdout), hex.EncodeToString(sum[:]))
	}
	return outcome{cmd.ProcessState.ExitCode(), stdout, errs.String()}
}

// A script must not notice the hop: the same command has the same bytes on
// both streams and the same status, direct and through the gate.
func TestSameAsDirect(t *testing.T) {
	d := newDoors(t)
	big := bytes.Repeat([]byte("0123456789abcde\n"), 300_000)
	for _, c := range []struct {
		name    string
		args    []string // ssh's options, before the host
		command string
		stdin   []byte
	}{
		{name: "true", command: "true"},
		{name: "status", command: "exit 42"},
		{name: "status 255", command: "exit 255"},
		{name: "stderr apart", command: "echo out; echo err >&2; exit 3"},
		{name: "no such command", command: "/no/such/command"},
		{name: "killed by a signal", command: "kill -TERM $$"},
		{name: "killed by KILL", command: "kill -KILL $$"},
		{name: "stdin to stdout", command: "cat", stdin: big},
		{name: "stdin counted", command: "wc -c", stdin: big},
		{name: "nothing on stdin", command: "cat", stdin: nil},
		{name: "-n", args: []string{"-n"}, command: "cat; echo done"},
		{name: "output after stdin's end", command: "cat >/dev/null; seq 1 50000; echo e >&2; exit 7", stdin: big[:100_000]},
		{name: "stdout closed before the end", command: "echo x; exec >&-; sleep 0.3; exit 9"},
		{name: "both outputs closed before the end", command: "echo x; exec >&- 2>&-; sleep 0.3; exit 9"},
		{name: "stdin closed by the target", command: "exec <&-; sleep 0.2; echo late; exit 4", stdin: big},
		{name: "reads a line of many", command: "head -n 1", stdin: big},
		{name: "background keeps the output", command: "(sleep 0.3; echo late) & exit 5"},
		{name: "large stderr", command: "seq 1 100000 >&2; exit 6"},
		{name: "binary", command: "head -c 3000000 /dev/zero; printf '\\377\\376\\000\\r\\n'"},
		{name: "terminal", args: []string{"-tt"}, command: "tty >/dev/null && stty size; exit 11"},
		{name: "environment", args: []string{"-o", "SetEnv=LC_ALL=C.UTF-8 TEST_X=y"}, command: "echo $LC_ALL $TEST_X"},
		{name: "rekeying, up", args: []string{"-o", "RekeyLimit=2M"}, command: "sha256sum", stdin: big},
		{name: "rekeying, down", args: []string{"-o", "RekeyLimit=2M"}, command: "seq 1 600000"},
		{name: "chacha", args: []string{"-c", "chacha20-poly1305@openssh.com"}, command: "cat", stdin: big},
		{name: "quoting", command: `printf '%s\n' "a  b" 'c"d' $'\t'`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got [2]outcome
			for i, host := range []string{"direct", "gate"} {
				args := append(append([]string{}, c.args...), host, c.command)
				got[i] = d.run(t, bytes.NewReader(c.stdin), args...)
			}
			if got[0] != got[1] {
				t.Errorf("through the gate %+v, direct %+v", got[1], got[0])
			}
		})
	}
}

// A client that reads no more must end what writes: it needs eow both ways.
func TestClosedPipeEndsTheCommand(t *testing.T) {
	d := newDoors(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", "ssh -F "+d.ssh.Config+" gate yes | head -n 1")
	out, err := cmd.Output()
	if err != nil || strings.TrimSpace(string(out)) != "y" {
		t.Fatalf("ssh gate yes | head -n 1 = %q, %v", out, err)
	}
}
