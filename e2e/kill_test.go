package e2e

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// eventID is how the gate names the event of a refusal to whoever it refuses.
var eventID = regexp.MustCompile(`event ([0-9a-f-]{36})`)

// kills is how often the server is killed; TRAILGATE_KILLS says otherwise.
const kills = 50

// TestKilledServerLosesNothing defends promise 2: the server is killed with
// SIGKILL at random points of a mixed load, also while it starts. What somebody
// was told of is an event exactly once, in the journal after each kill, in SQL
// when the next server answers, and in the log files as soon as these have come
// so far; at the end in all of them, and with the forwarder.
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
	began := time.Now()
	for n := range rounds {
		p := point{starting: rng.IntN(5) == 0, after: time.Duration(rng.IntN(60)) * time.Millisecond}
		switch {
		case p.starting:
			p.after = time.Duration(rng.IntN(200)) * time.Millisecond
		case rng.IntN(10) == 0: // long enough for a digest or two
			p.after += time.Second + time.Duration(rng.IntN(1000))*time.Millisecond
			fallthrough
		default:
			p.kind, p.told = k.rarest(), rng.IntN(5)
		}
		k.round(n, p)
		if t.Failed() {
			t.Fatalf("after kill %d of %d, at %+v", n+1, rounds, p)
		}
	}
	k.finish()
	for what, n := range k.load {
		if n.Load() < int64(rounds)/4 {
			t.Errorf("only %d %s were acknowledged in %d rounds: the load does not test them", n.Load(), what, rounds)
		}
	}
	t.Logf("%d kills in %v: %s", rounds, time.Since(began).Round(time.Second), k)
}

// point is when a server is killed: so long after it was started, or after it
// listened and acknowledged so many acts of a kind. A count makes a slow machine
// test as much as a fast one.
type point struct {
	starting bool
	kind     string
	told     int
	after    time.Duration
}

// patience bounds how long a round waits for its load.
const patience = time.Minute

// The kinds of load, and what is acknowledged of each.
const (
	denials  = "denials"  // ssh printed the event's ID
	commands = "commands" // ssh printed what the command says
	changes  = "changes"  // the API answered
	queries  = "queries"  // the API answered
)

// killed is a server that is killed again and again.
type killed struct {
	t          *testing.T
	dir, data  string
	port       string
	api        *client.Client
	feeder     *feeder
	load       map[string]*atomic.Int64 // acknowledged so far
	serial     atomic.Int64             // makes what the load says unique
	starting   int                      // kills while the server started
	answered   uint64                   // SQL was held against the ledger up to this event
	*ledger                             // what was acknowledged, and what was found
	forwarders string                   // the file that a forwarder writes
}

func newKilled(t *testing.T) *killed {
	port, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	apiPort, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	k := &killed{t: t, dir: t.TempDir(), port: port, load: map[string]*atomic.Int64{}}
	for _, what := range []string{denials, commands, changes, queries, audits} {
		k.load[what] = new(atomic.Int64)
	}
	k.data, k.forwarders = filepath.Join(k.dir, "data"), filepath.Join(k.dir, "forwarded.jsonl")
	k.api, k.ledger = client.New(k.data), newLedger(k.data)
	target := sshtest.NewTarget(t, func(e *sshtest.Exec) {
		e.Reply(true)
		fmt.Fprintln(e, strings.TrimPrefix(e.Command, "echo "))
		e.Exit(0)
	})
	for _, name := range []string{"alice", "bob", "hostkey"} {
		if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(k.dir, name)).CombinedOutput(); err != nil {
			t.Fatalf("ssh-keygen: %v\n%s", err, out)
		}
	}
	for name, text := range map[string]string{
		"config":   fmt.Sprintf("Host gate\n HostName 127.0.0.1\n Port %s\n IdentityFile %s/bob\n IdentitiesOnly yes\n BatchMode yes\n StrictHostKeyChecking no\n UserKnownHostsFile /dev/null\n LogLevel ERROR\n ConnectTimeout 5\n", port, k.dir),
		"web2.pub": string(ssh.MarshalAuthorizedKey(target.HostKey)),
		"trailgate.yaml": "trail: {log_file_every: 1s, digest_every: 1s, seal_every: 1s, merge_every: 1s}\n" +
			"api: {listen: \"127.0.0.1:" + apiPort + "\"}\n" +
			"forwarders: [{name: out, to: \"file://" + k.forwarders + "\"}]\n",
		"web2.cedar": `permit (principal == Identity::"bob", action, resource == Target::"web2");
permit (principal == Identity::"bob", action == Action::"PutAuditEvents", resource);`,
	} {
		if err := os.WriteFile(filepath.Join(k.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	k.must("init", "--admin", "alice", "--key", filepath.Join(k.dir, "alice.pub"))
	server := k.start()
	k.must("identity", "create", "bob")
	k.must("key", "create", "--identity", "bob", "--file", filepath.Join(k.dir, "bob.pub"))
	k.must("target", "create", "web1", "--address", "127.0.0.1:9", "--host-key", filepath.Join(k.dir, "hostkey.pub"))
	k.must("target", "create", "web2", "--address", target.Addr, "--host-key", filepath.Join(k.dir, "web2.pub"))
	k.must("policy", "create", "web2", "--file", filepath.Join(k.dir, "web2.cedar"))
	k.feeder = k.newFeeder(apiPort)
	server.kill(t)
	return k
}

// command is this test binary as trailgate.
func (k *killed) command(args ...string) *exec.Cmd {
	cmd := exec.Command(os.Args[0], append(args, "--config", filepath.Join(k.dir, "trailgate.yaml"))...)
	cmd.Env = append(os.Environ(), asTrailgate+"=1", "TRAILGATE_DATA_DIR="+k.data)
	return cmd
}

func (k *killed) must(args ...string) {
	k.t.Helper()
	if out, err := k.command(args...).CombinedOutput(); err != nil {
		k.t.Fatalf("trailgate %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// victim is a server under way.
type victim struct {
	cmd    *exec.Cmd
	ready  chan struct{} // closed when it listens
	exited chan struct{} // closed when it has ended
	log    strings.Builder
}

// launch starts a server and waits for nothing.
func (k *killed) launch() *victim {
	k.t.Helper()
	v := &victim{cmd: k.command("serve", "--gate-listen", "127.0.0.1:"+k.port), ready: make(chan struct{}), exited: make(chan struct{})}
	stderr, err := v.cmd.StderrPipe()
	if err != nil {
		k.t.Fatal(err)
	}
	if err := v.cmd.Start(); err != nil {
		k.t.Fatal(err)
	}
	go func() { // ends with the server
		defer close(v.exited)
		sc := bufio.NewScanner(stderr)
		for sc.Scan() {
			v.log.WriteString(sc.Text() + "\n")
			if strings.Contains(sc.Text(), "gate listening") {
				close(v.ready)
			}
		}
		v.cmd.Wait()
	}()
	return v
}

// start returns once the server listens.
func (k *killed) start() *victim {
	k.t.Helper()
	v := k.launch()
	select {
	case <-v.ready:
	case <-v.exited:
		k.t.Fatalf("the server did not start again:\n%s", v.log.String())
	}
	return v
}

// kill is SIGKILL. A server that ended before by itself is a failure.
func (v *victim) kill(t *testing.T) {
	t.Helper()
	v.cmd.Process.Signal(syscall.SIGKILL)
	<-v.exited
	if s, ok := v.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || s.Signal() != syscall.SIGKILL {
		t.Fatalf("the server ended by itself: %v\n%s", v.cmd.ProcessState, v.log.String())
	}
}

// round starts the server, puts the load on it, kills it after a while and
// checks what it left.
func (k *killed) round(n int, p point) {
	k.t.Helper()
	if p.starting {
		k.starting++
		v := k.launch()
		<-time.After(p.after) // the random point
		v.kill(k.t)
	} else {
		v := k.start()
		ctx, dead := context.WithCancel(k.t.Context())
		var load sync.WaitGroup
		for _, put := range []func(context.Context){k.denied, k.denied, k.executed, k.changed, k.queried, k.audited} {
			load.Go(func() {
				for ctx.Err() == nil {
					put(ctx)
				}
			})
		}
		k.await(v, p.kind, p.told)
		<-time.After(p.after) // the random point
		v.kill(k.t)
		dead()
		load.Wait()
	}
	if err := k.ledger.check(); err != nil {
		k.t.Error(err)
	}
	if n%50 == 49 { // the whole trail takes longer each time
		k.must("trail", "verify")
	}
}

// rarest is the kind of load that was acknowledged least: a round that waits for
// it keeps the quick kinds from being all that is tested.
func (k *killed) rarest() string {
	return slices.MinFunc(slices.Sorted(maps.Keys(k.load)), func(a, b string) int {
		return cmp.Compare(k.load[a].Load(), k.load[b].Load())
	})
}

// await returns when n more acts of a kind were acknowledged. A server that keeps
// it waiting for too long says what it is doing.
func (k *killed) await(v *victim, kind string, n int) {
	late := time.After(patience)
	for until := k.load[kind].Load() + int64(n); k.load[kind].Load() < until; {
		select {
		case <-time.After(2 * time.Millisecond):
		case <-late:
			v.cmd.Process.Signal(syscall.SIGQUIT)
			<-v.exited
			k.t.Fatalf("fewer than %d %s were acknowledged in %v\n%s", n, kind, patience, v.log.String())
		}
	}
}

// unique is a word that nothing else says.
func (k *killed) unique() string { return fmt.Sprintf("mark%d", k.serial.Add(1)) }

// acknowledged notes that somebody was told of a fact.
func (k *killed) acknowledged(what, fact string) {
	k.ledger.tell(fact)
	k.load[what].Add(1)
}

// ssh runs a command as bob, who may reach web2 only.
func (k *killed) ssh(target, command string) (out []byte, status int) {
	out, err := exec.Command("ssh", "-F", filepath.Join(k.dir, "config"), "root+"+target+"@gate", command).CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return out, exit.ExitCode()
	}
	return out, 0
}

func (k *killed) denied(context.Context) {
	out, status := k.ssh("web1", "id")
	if m := eventID.FindSubmatch(out); m != nil && status == 254 {
		k.acknowledged(denials, idFact(string(m[1])))
	}
}

func (k *killed) executed(context.Context) {
	word := k.unique()
	if out, status := k.ssh("web2", "echo "+word); status == 0 && strings.TrimSpace(string(out)) == word {
		k.acknowledged(commands, wordFact("ExecuteCommand", word))
	}
}

func (k *killed) changed(ctx context.Context) {
	word := k.unique()
	_, err := k.api.Apply(ctx, rest.ApplyRequest{Resources: []manifest.Resource{{Kind: manifest.Role, Name: word, Members: []string{"bob"}}}, Create: true})
	if err == nil {
		k.acknowledged(changes, wordFact("CreateRole", word))
	}
	if err == nil && k.api.Delete(ctx, "role", word) == nil {
		k.acknowledged(changes, wordFact("DeleteRole", word))
	}
}

func (k *killed) audited(ctx context.Context) {
	id, err := k.feeder.put(ctx, k.unique())
	var refused *refusedError
	switch {
	case err == nil:
		k.acknowledged(audits, idFact(id))
	case errors.As(err, &refused) && ctx.Err() == nil:
		k.t.Errorf("PutAuditEvents: %v", err)
	}
}

// queried asks for what was told of in earlier rounds.
func (k *killed) queried(ctx context.Context) {
	word, from := k.unique(), k.answered
	head := k.ledger.head() // all that was told of up to here is in the answer
	ans, err := k.api.Query(ctx, rest.QueryRequest{MaxRows: 1_000_000,
		Statement: fmt.Sprintf("SELECT eventID FROM CloudTrailLogs WHERE seq > %d AND eventID <> '%s'", from, word)})
	if err != nil {
		return
	}
	k.acknowledged(queries, wordFact("StartQuery", word))
	ids := make([]string, len(ans.Rows))
	for i, r := range ans.Rows {
		ids[i], _ = r[0].(string)
	}
	if err := k.ledger.checkAnswer(from, head, ids); err != nil {
		k.t.Errorf("SQL after a kill: %v", err)
	}
	k.answered = head
}
