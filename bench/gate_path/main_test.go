// Package gatepath measures the gate's data path against a direct connection
// to the same sshd, in the same run: each round visits both, in turn, and the
// ratio is taken inside the round.
//
//	go test ./bench/gate_path -run '^$' -bench . -benchtime 1x
//
// measures the least gate that wire and relay make, with the default recording
// and the product's GC settings, in a process of its own. To measure a server:
//
//	… -bench . -benchtime 1x -args -gate HOST:PORT -user LOGIN+TARGET -key FILE \
//	    -direct HOST:PORT -direct-user LOGIN -direct-key FILE [-pid PID]
//
// whose target is the direct one. Differences below a tenth are noise.
package gatepath

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/recording"
	"github.com/trailgate/trailgate/internal/sshtest"
)

var (
	gateAddr   = flag.String("gate", "", "a running gate; empty starts the least gate")
	gateUser   = flag.String("user", "", "user name for -gate, such as root+web1")
	gateKey    = flag.String("key", "", "private key for -gate")
	gateJump   = flag.String("jump", "", "USER@HOST:PORT: measure the jump's door there; -gate is then TARGET.DOMAIN:22")
	gatePID    = flag.Int("pid", 0, "process of -gate, for its memory")
	directAddr = flag.String("direct", "", "the gate's target; empty starts an sshd")
	directUser = flag.String("direct-user", "", "login on -direct")
	directKey  = flag.String("direct-key", "", "private key for -direct")
	rounds     = flag.Int("rounds", 7, "rounds; the median counts")
	size       = flag.Int64("mib", 256, "MiB of one transfer")
	idle       = flag.Int("idle", 200, "idle sessions")
	gogc       = flag.Int("gogc", 400, "GOGC of the least gate")
)

// childDir is set in the process that is the gate; its files are there.
const childDir = "GATEPATH_DIR"

// end is where ssh connects to.
type end struct{ addr, user, key, jump string }

// bench is what a benchmark has to do with.
type bench struct {
	config       string // ssh_config with the hosts direct and gate
	gate, direct end
	pid          int
}

func newBench(b *testing.B) *bench {
	b.Helper()
	dir := b.TempDir()
	x := &bench{config: filepath.Join(dir, "config")}
	x.direct = end{addr: *directAddr, user: *directUser, key: *directKey}
	if x.direct.addr == "" {
		daemon := sshtest.Sshd(b)
		key, file := sshtest.KeyFile(b, dir, "id")
		daemon.Authorize(b, key.PublicKey())
		x.direct = end{addr: daemon.Addr, user: daemon.Login, key: file}
	}
	x.gate = end{addr: *gateAddr, user: *gateUser, key: *gateKey, jump: *gateJump}
	x.pid = *gatePID
	if x.gate.addr == "" {
		x.gate, x.pid = leastGate(b, x.direct)
	}
	var config strings.Builder
	for name, e := range map[string]end{"direct": x.direct, "gate": x.gate} {
		host, port, _ := strings.Cut(e.addr, ":")
		fmt.Fprintf(&config, "Host %s\n HostName %s\n Port %s\n User %s\n IdentityFile %s\n", name, host, port, e.user, e.key)
		if e.jump != "" {
			fmt.Fprintf(&config, " ProxyJump door\n")
		}
		// The same cipher on every leg. Without mlkem768x25519, which OpenSSH
		// 9.2 lacks, both ends agree on curve25519 anyway.
		config.WriteString(" KexAlgorithms curve25519-sha256\n Ciphers aes128-gcm@openssh.com\n")
	}
	if user, addr, ok := strings.Cut(x.gate.jump, "@"); ok {
		host, port, _ := strings.Cut(addr, ":")
		fmt.Fprintf(&config, "Host door\n HostName %s\n Port %s\n User %s\n IdentityFile %s\n KexAlgorithms curve25519-sha256\n Ciphers aes128-gcm@openssh.com\n", host, port, user, x.gate.key)
	}
	config.WriteString("Host *\n IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n GlobalKnownHostsFile /dev/null\n LogLevel ERROR\n ControlPath none\n")
	if err := os.WriteFile(x.config, []byte(config.String()), 0o600); err != nil {
		b.Fatal(err)
	}
	return x
}

func (x *bench) ssh(args ...string) *exec.Cmd {
	return exec.Command("ssh", append([]string{"-F", x.config}, args...)...)
}

// leastGate starts this test binary again as a gate for the target.
func leastGate(b *testing.B, target end) (end, int) {
	b.Helper()
	dir := b.TempDir()
	_, key := sshtest.KeyFile(b, dir, "client")
	private, err := os.ReadFile(target.key)
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "target"), private, 0o600); err != nil {
		b.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^TestGateProcess$")
	cmd.Env = append(os.Environ(), childDir+"="+dir, "GATEPATH_TARGET="+target.user+"@"+target.addr,
		"GATEPATH_GOGC="+strconv.Itoa(*gogc))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		io.Copy(io.Discard, out)
		cmd.Wait()
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("gate process: %v", err)
	}
	return end{addr: strings.TrimSpace(line), user: "bench", key: key}, cmd.Process.Pid
}

// TestGateProcess is the gate, in a process of its own; without its parent's
// directory there is nothing to do.
func TestGateProcess(t *testing.T) {
	dir := os.Getenv(childDir)
	if dir == "" {
		return
	}
	if percent, err := strconv.Atoi(os.Getenv("GATEPATH_GOGC")); err == nil {
		debug.SetGCPercent(percent)
	}
	debug.SetMemoryLimit(1 << 30)
	user, addr, _ := strings.Cut(os.Getenv("GATEPATH_TARGET"), "@")
	private, err := os.ReadFile(filepath.Join(dir, "target"))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	line, err := os.ReadFile(filepath.Join(dir, "client.pub"))
	if err != nil {
		t.Fatal(err)
	}
	client, _, _, _, err := ssh.ParseAuthorizedKey(line)
	if err != nil {
		t.Fatal(err)
	}
	var n atomic.Int64
	g := sshtest.NewGate(t, client, addr, wire.ClientConfig{
		User: user, Signer: signer, HostKey: func(string, []byte) error { return nil },
	}, func() relay.Hooks {
		return recorded(filepath.Join(dir, "recordings"), fmt.Sprintf("session-%d", n.Add(1)))
	})
	fmt.Println(g.Addr)
	io.Copy(io.Discard, os.Stdin)
}

// recorded is the default recording.
func recorded(dir, session string) relay.Hooks {
	var r *recording.Recorder
	var c *recording.Channel
	var terminal bool
	return relay.Hooks{
		Request: func(_ context.Context, m inspect.Message) (err error) {
			if _, ok := m.(inspect.Pty); ok {
				terminal = true
			}
			if inspect.Starts(m) {
				if r, err = recording.Open(dir, session, recording.Meta{}); err == nil {
					c, err = r.Channel(1, recording.Began{Kind: m.Type(), Terminal: terminal})
				}
			}
			return err
		},
		Output: func(s wire.Stream, p []byte) error {
			if s == wire.Stderr {
				return c.Stderr(p)
			}
			return c.Stdout(p)
		},
		Closing: func(context.Context, relay.Summary) error {
			if r == nil {
				return nil
			}
			_, err := r.Close()
			return err
		},
	}
}

func median(v []float64) float64 {
	v = slices.Clone(v)
	slices.Sort(v)
	return v[len(v)/2]
}
