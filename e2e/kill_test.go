package e2e

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// eventID is how the gate names the event of a refusal to whoever it refuses.
var eventID = regexp.MustCompile(`event ([0-9a-f-]{36})`)

// kills is how often the server is killed; TRAILGATE_KILLS says otherwise.
const kills = 200

// TestKilledServerLosesNothing defends promise 2: the server is killed with
// SIGKILL at random points under load, and every event that somebody was told
// of is in the trail afterwards, exactly once. The ledger is what ssh printed.
func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	rounds := kills
	if v, err := strconv.Atoi(os.Getenv("TRAILGATE_KILLS")); err == nil {
		rounds = v
	}
	k := newKilled(t)
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		k.round(time.Duration(rng.IntN(250)) * time.Millisecond)
	}
	if out, err := k.command("trail", "verify").CombinedOutput(); err != nil {
		t.Fatalf("trail verify after %d kills: %v\n%s", rounds, err, out)
	}
	out, err := k.command("query", "SELECT eventID FROM CloudTrailLogs", "-o", "csv", "--max-rows", "1000000").Output()
	if err != nil {
		t.Fatalf("query: %v", err)
	}
	rows, err := csv.NewReader(bytes.NewReader(out)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	times := map[string]int{}
	for _, r := range rows[1:] {
		times[r[0]]++
	}
	for id, n := range times {
		if n != 1 {
			t.Errorf("event %s is in the trail %d times", id, n)
		}
	}
	for _, id := range k.told {
		if times[id] != 1 {
			t.Errorf("event %s, which ssh printed, is in the trail %d times, want 1", id, times[id])
		}
	}
	if len(k.told) < rounds/2 {
		t.Errorf("only %d events were told in %d rounds: the load does not test anything", len(k.told), rounds)
	}
	t.Logf("%d kills, %d events told, %d in the trail", rounds, len(k.told), len(times))
}

// killed is a server that is killed again and again.
type killed struct {
	t         *testing.T
	dir, port string

	mu   sync.Mutex // guards below
	told []string   // event IDs that ssh printed
}

func newKilled(t *testing.T) *killed {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	k := &killed{t: t, dir: t.TempDir(), port: port}
	for _, name := range []string{"alice", "bob", "hostkey"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(k.dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	conf := fmt.Sprintf("Host gate\n HostName 127.0.0.1\n Port %s\n IdentityFile %s/bob\n IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n ConnectTimeout 5\n", port, k.dir)
	if err := os.WriteFile(filepath.Join(k.dir, "config"), []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	k.must("init", "--admin", "alice", "--key", filepath.Join(k.dir, "alice.pub"))
	server := k.start()
	k.must("identity", "create", "bob")
	k.must("key", "create", "--identity", "bob", "--file", filepath.Join(k.dir, "bob.pub"))
	k.must("target", "create", "web1", "--address", "127.0.0.1:9", "--host-key", filepath.Join(k.dir, "hostkey.pub"))
	server.Process.Kill()
	server.Wait()
	return k
}

// command is this test binary as trailgate.
func (k *killed) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asTrailgate+"=1", "TRAILGATE_DATA_DIR="+filepath.Join(k.dir, "data"))
	return cmd
}

func (k *killed) must(args ...string) {
	k.t.Helper()
	if out, err := k.command(args...).CombinedOutput(); err != nil {
		k.t.Fatalf("trailgate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// start returns once the server listens.
func (k *killed) start() *exec.Cmd {
	k.t.Helper()
	cmd := k.command("serve", "--gate-listen", "127.0.0.1:"+k.port)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	var log strings.Builder
	sc := bufio.NewScanner(stderr)
	for sc.Scan() {
		log.WriteString(sc.Text() + "\n")
		if strings.Contains(sc.Text(), "gate listening") {
			go func() { // ends with the server
				for sc.Scan() {
				}
			}()
			return cmd
		}
	}
	cmd.Wait()
	k.t.Fatalf("the server did not start again:\n%s", log.String())
	return nil
}

// round starts the server, has four people be refused again and again, and
// kills it after a while.
func (k *killed) round(after time.Duration) {
	k.t.Helper()
	server := k.start()
	dead := make(chan struct{})
	var load sync.WaitGroup
	for range 4 {
		load.Go(func() {
			for {
				out, err := exec.Command("ssh", "-F", filepath.Join(k.dir, "config"), "root+web1@gate", "id").CombinedOutput()
				var exit *exec.ExitError
				if m := eventID.FindSubmatch(out); m != nil && errors.As(err, &exit) && exit.ExitCode() == 254 {
					k.mu.Lock()
					k.told = append(k.told, string(m[1]))
					k.mu.Unlock()
				}
				select {
				case <-dead:
					return
				default:
				}
			}
		})
	}
	<-time.After(50*time.Millisecond + after) // the random point
	server.Process.Signal(syscall.SIGKILL)
	close(dead)
	server.Wait()
	load.Wait()
}
