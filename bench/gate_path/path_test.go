package gatepath

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/sshtest"
)

// paired runs one measure of both ends a round, in turn, and reports the
// median of each and of the rounds' ratios.
func paired(b *testing.B, unit string, ratio string, measure func(host string) float64) {
	var direct, gate, ratios []float64
	for round := range *rounds {
		hosts := []string{"direct", "gate"}
		if round%2 == 1 {
			hosts[0], hosts[1] = hosts[1], hosts[0]
		}
		got := map[string]float64{}
		for _, h := range hosts {
			got[h] = measure(h)
		}
		direct, gate = append(direct, got["direct"]), append(gate, got["gate"])
		ratios = append(ratios, got["gate"]/got["direct"])
	}
	b.ReportMetric(median(direct), "direct-"+unit)
	b.ReportMetric(median(gate), "gate-"+unit)
	b.ReportMetric(median(ratios), ratio)
	b.ReportMetric(0, "ns/op") // means nothing here
}

// zeros is n zero bytes, read in large pieces.
type zeros struct{ n int64 }

func (z *zeros) Read(p []byte) (int, error) {
	if z.n == 0 {
		return 0, io.EOF
	}
	n := min(int64(len(p)), z.n)
	z.n -= n
	return int(n), nil
}

// BenchmarkUpload is the throughput to a command that reads; goal 0.55 of direct.
func BenchmarkUpload(b *testing.B) {
	x := newBench(b)
	file, err := os.CreateTemp(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer file.Close()
	if _, err := io.Copy(file, &zeros{*size << 20}); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		paired(b, "MiB/s", "of-direct", func(host string) float64 {
			if _, err := file.Seek(0, 0); err != nil {
				b.Fatal(err)
			}
			cmd := x.ssh(host, "cat > /dev/null")
			cmd.Stdin = file
			return x.transfer(b, cmd.Run)
		})
	}
}

// BenchmarkDownload is the throughput from a command that writes; goal 0.55 of
// direct, with the default recording.
func BenchmarkDownload(b *testing.B) {
	x := newBench(b)
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		b.Fatal(err)
	}
	defer null.Close()
	for b.Loop() {
		paired(b, "MiB/s", "of-direct", func(host string) float64 {
			cmd := x.ssh("-n", host, fmt.Sprintf("head -c %d /dev/zero", *size<<20))
			cmd.Stdout = null
			return x.transfer(b, cmd.Run)
		})
	}
}

func (x *bench) transfer(b *testing.B, run func() error) float64 {
	b.Helper()
	begin := time.Now()
	if err := run(); err != nil {
		b.Fatal(err)
	}
	return float64(*size) / time.Since(begin).Seconds()
}

// BenchmarkTrue is `ssh host true`, from start to exit; goal 0.60 of direct
// with the same key exchange.
func BenchmarkTrue(b *testing.B) {
	x := newBench(b)
	for b.Loop() {
		paired(b, "ms", "of-direct", func(host string) float64 {
			const each = 5
			begin := time.Now()
			for range each {
				if err := x.ssh("-n", host, "true").Run(); err != nil {
					b.Fatal(err)
				}
			}
			return float64(time.Since(begin).Milliseconds()) / each
		})
	}
}

// BenchmarkStorm is 600 execs, 64 at a time; goal: none lost.
func BenchmarkStorm(b *testing.B) {
	x := newBench(b)
	if *gateAddr == "" {
		// A target in process is faster than sshd and meets more races.
		x.gate, x.pid = leastGate(b, stub(b, func(e *sshtest.Exec) {
			e.Reply(true)
			io.WriteString(e, e.Command)
			e.Exit(7)
		}))
	}
	for b.Loop() {
		const execs = 600
		begin := time.Now()
		work := make(chan int)
		var mu sync.Mutex
		lost := map[string]int{}
		var wg sync.WaitGroup
		for range 64 {
			wg.Go(func() {
				for i := range work {
					if err := x.one(strconv.Itoa(i)); err != nil {
						mu.Lock()
						lost[err.Error()]++
						mu.Unlock()
					}
				}
			})
		}
		for i := range execs {
			work <- i
		}
		close(work)
		wg.Wait()
		n := 0
		for why, k := range lost {
			b.Logf("%d lost: %s", k, why)
			n += k
		}
		b.ReportMetric(float64(n), "lost")
		b.ReportMetric(execs/time.Since(begin).Seconds(), "sessions/s")
		b.ReportMetric(0, "ns/op")
	}
}

// one is a connection with one exec: its output and status must come.
func (x *bench) one(name string) error {
	c, err := x.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	s, err := c.NewSession()
	if err != nil {
		return err
	}
	defer s.Close()
	var out bytes.Buffer
	s.Stdout = &out
	command, want := name, 7
	if *gateAddr != "" {
		command = "printf " + name + "; exit 7"
	}
	err = s.Run(command)
	exit, ok := err.(*ssh.ExitError)
	if !ok || exit.ExitStatus() != want || out.String() != name {
		return fmt.Errorf("status %v, output %q", err, out.String())
	}
	return nil
}

func (x *bench) dial() (*ssh.Client, error) {
	private, err := os.ReadFile(x.gate.key)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		return nil, err
	}
	config := ssh.ClientConfig{
		User: x.gate.user, Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	}
	user, door, ok := strings.Cut(x.gate.jump, "@")
	if !ok {
		return ssh.Dial("tcp", x.gate.addr, &config)
	}
	outer := config
	outer.User = user
	jump, err := ssh.Dial("tcp", door, &outer)
	if err != nil {
		return nil, err
	}
	nc, err := jump.Dial("tcp", x.gate.addr)
	if err != nil {
		jump.Close()
		return nil, err
	}
	conn, chans, reqs, err := ssh.NewClientConn(nc, x.gate.addr, &config)
	if err != nil {
		jump.Close()
		return nil, err
	}
	go func() {
		conn.Wait()
		jump.Close()
	}()
	return ssh.NewClient(conn, chans, reqs), nil
}

// stub is a target in process that takes any key.
func stub(b *testing.B, run func(*sshtest.Exec)) end {
	b.Helper()
	target := sshtest.NewTarget(b, run)
	_, key := sshtest.KeyFile(b, b.TempDir(), "any")
	return end{addr: target.Addr, user: "bench", key: key}
}

// BenchmarkIdle is the gate's memory for a session with a terminal that shows
// nothing more, recording on; goal 220 KiB through the login+target door.
func BenchmarkIdle(b *testing.B) {
	x := newBench(b)
	if *gateAddr == "" {
		x.gate, x.pid = leastGate(b, stub(b, func(e *sshtest.Exec) {
			e.Reply(true)
			io.WriteString(e, "$ ")
			for range e.Requests {
			}
			e.Close()
		}))
	}
	if x.pid == 0 {
		b.Fatal("-pid of the gate is needed to read its memory")
	}
	if c, err := x.dial(); err != nil { // the first costs the process more
		b.Fatal(err)
	} else {
		c.Close()
	}
	for b.Loop() {
		before := pss(b, x.pid)
		var open []*ssh.Client
		for range *idle {
			c, err := x.dial()
			if err != nil {
				b.Fatal(err)
			}
			open = append(open, c)
			s, err := c.NewSession()
			if err != nil {
				b.Fatal(err)
			}
			if err := s.RequestPty("xterm", 24, 80, nil); err != nil {
				b.Fatal(err)
			}
			out, err := s.StdoutPipe()
			if err != nil {
				b.Fatal(err)
			}
			if err := s.Shell(); err != nil {
				b.Fatal(err)
			}
			if _, err := out.Read(make([]byte, 1)); err != nil {
				b.Fatal(err)
			}
		}
		<-time.After(3 * time.Second) // recordings are flushed after one
		b.ReportMetric((pss(b, x.pid)-before)/float64(*idle), "KiB/session")
		b.ReportMetric(0, "ns/op")
		for _, c := range open {
			c.Close()
		}
	}
}

// pss is a process's proportional set size, in KiB.
func pss(b *testing.B, pid int) float64 {
	b.Helper()
	rollup, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
	if err != nil {
		b.Fatal(err)
	}
	for _, line := range strings.Split(string(rollup), "\n") {
		if v, ok := strings.CutPrefix(line, "Pss:"); ok {
			n, err := strconv.ParseFloat(strings.Fields(v)[0], 64)
			if err != nil {
				b.Fatal(err)
			}
			return n
		}
	}
	b.Fatal("no Pss")
	return 0
}
