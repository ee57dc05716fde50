package relay_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/gate/relay"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// greeter speaks first, reads to the end, says how much it was, and closes.
func greeter(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			io.WriteString(c, "220 hello\n")
			n, _ := io.Copy(io.Discard, c)
			fmt.Fprintf(c, "got %d\n%s", n, strings.Repeat("z", 3<<20))
			c.Close()
		}
	}()
	t.Cleanup(func() { l.Close(); <-done })
	return l.Addr().String()
}

// A server that speaks first, half-close and more than a window, through a
// tunnel, are as direct.
func TestTunnelIsAsDirect(t *testing.T) {
	d := newDoors(t)
	addr := greeter(t)
	data := bytes.Repeat([]byte("t"), 5<<20)
	var got [2]outcome
	for i, host := range []string{"direct", "gate"} {
		got[i] = d.run(t, bytes.NewReader(data), "-W", addr, host)
	}
	if got[0] != got[1] || got[0].Status != 0 {
		t.Errorf("through the gate %+v, direct %+v", got[1], got[0])
	}
	closed := "127.0.0.1:1"
	for i, host := range []string{"direct", "gate"} {
		got[i] = d.run(t, nil, "-W", closed, host)
	}
	if got[0].Status != got[1].Status {
		t.Errorf("to a closed port: through the gate %+v, direct %+v", got[1], got[0])
	}
}

// The agent channel comes from the target and reaches the client's agent.
func TestAgentIsReachedThroughTheGate(t *testing.T) {
	d := newDoors(t)
	dir := t.TempDir()
	sock := filepath.Join(dir, "agent")
	agent := exec.Command("ssh-agent", "-D", "-a", sock)
	out, err := agent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	if _, err := out.Read(make([]byte, 1)); err != nil { // it says so when it listens
		t.Fatal(err)
	}
	_, key := sshtest.KeyFile(t, dir, "key")
	add := exec.Command("ssh-add", "-q", key)
	add.Env = append(os.Environ(), "SSH_AUTH_SOCK="+sock)
	if b, err := add.CombinedOutput(); err != nil {
		t.Fatalf("ssh-add: %v: %s", err, b)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var got [2]string
	for i, host := range []string{"direct", "gate"} {
		cmd := d.ssh.Command(ctx, "-A", host, "ssh-add -l & ssh-add -l; wait") // two channels at a time
		cmd.Env = add.Env
		b, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v: %s", host, err, b)
		}
		got[i] = string(b)
	}
	if got[0] != got[1] || strings.Count(got[1], "SHA256:") != 2 {
		t.Errorf("through the gate %q, direct %q", got[1], got[0])
	}
}

// A tunnel that the gate ends is over within a second, though nobody reads.
func TestEndedTunnelIsOver(t *testing.T) {
	d := newDoors(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	up := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			io.WriteString(c, "x")
			up <- c
		}
	}()
	cmd := d.ssh.Command(t.Context(), "-W", l.Addr().String(), "gate")
	in, _ := cmd.StdinPipe()
	defer in.Close()
	out, _ := cmd.StdoutPipe()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	out.Read(make([]byte, 1))
	defer (<-up).Close()
	begin := time.Now()
	d.gate.End(&relay.Refusal{Text: "locked"})
	io.Copy(io.Discard, out)
	cmd.Wait()
	if took := time.Since(begin); took > 1500*time.Millisecond {
		t.Errorf("took %v", took)
	}
}
