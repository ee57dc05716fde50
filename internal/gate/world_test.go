package gate_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/sshtest"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// everything lets everybody do everything.
const everything = `permit (principal, action, resource);`

// fakeTrail keeps records in memory, and fails when it is told to.
type fakeTrail struct {
	mu      sync.Mutex
	records []event.Record
	grown   chan struct{} // closed and replaced when records grow
	fail    func(event.Record) error
	block   chan struct{} // Append waits for it; nil does not
}

var errDisk = errors.New("no space left on device")

func (f *fakeTrail) Append(ctx context.Context, r event.Record) (event.Entry, error) {
	f.mu.Lock()
	fail, block := f.fail, f.block
	f.mu.Unlock()
	if block != nil {
		select {
		case <-block:
		case <-ctx.Done():
			return event.Entry{}, ctx.Err()
		}
	}
	if fail != nil {
		if err := fail(r); err != nil {
			return event.Entry{}, err
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.records = append(f.records, r)
	close(f.grown)
	f.grown = make(chan struct{})
	return event.Entry{Seq: uint64(len(f.records))}, nil
}

func (f *fakeTrail) setFail(fail func(event.Record) error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *fakeTrail) all() []event.Record {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.records)
}

// named are the records of one event, oldest first.
func (f *fakeTrail) named(name string) []event.Record {
	return slices.DeleteFunc(f.all(), func(r event.Record) bool { return r.EventName != name })
}

// names are the eventNames, with the errorCode of refusals.
func (f *fakeTrail) names() []string {
	var out []string
	for _, r := range f.all() {
		name := r.EventName
		if r.ErrorCode != "" {
			name += ":" + r.ErrorCode
		}
		out = append(out, name)
	}
	return out
}

// wait returns the first record that ok likes, once there is one.
func (f *fakeTrail) wait(t *testing.T, what string, ok func(event.Record) bool) event.Record {
	t.Helper()
	limit := time.After(10 * time.Second)
	for {
		f.mu.Lock()
		records, grown := f.records, f.grown
		f.mu.Unlock()
		if i := slices.IndexFunc(records, ok); i >= 0 {
			return records[i]
		}
		select {
		case <-grown:
		case <-limit:
			t.Fatalf("no record of %s among %v", what, f.names())
		}
	}
}

func (f *fakeTrail) waitFor(t *testing.T, name string) event.Record {
	t.Helper()
	return f.wait(t, name, func(r event.Record) bool { return r.EventName == name })
}

// field is one value of a record's objects.
func field(r event.Record, name string) string {
	for _, part := range []json.RawMessage{r.RequestParameters, r.ResponseElements, r.ServiceEventDetails} {
		var m map[string]any
		if json.Unmarshal(part, &m) == nil && m[name] != nil {
			return fmt.Sprint(m[name])
		}
	}
	return ""
}

// book is rules that a test changes.
type book struct {
	mu sync.Mutex
	b  policy.Book
}

func (b *book) Book() policy.Book {
	b.mu.Lock()
	defer b.mu.Unlock()
	return policy.Book{Policies: b.b.Policies, Locks: slices.Clone(b.b.Locks)}
}

func (b *book) policies(t *testing.T, text string) {
	t.Helper()
	set, err := policy.Compile([]policy.Document{{Name: "test", Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Policies = set
}

func (b *book) locks(l ...policy.Lock) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.b.Locks = l
}

// world is a gate with its neighbours, people and one target, web1.
type world struct {
	*gate.Gate
	t      *testing.T
	addr   string
	trail  *fakeTrail
	rules  *book
	store  state.Store
	authn  *authn.Authn
	ca     *ca.CA
	target *testTarget
	keys   map[string]ssh.Signer
	codes  map[string]string // otpauth secrets
	dir    string
	shift  atomic.Int64 // nanoseconds the clock is ahead
	stop   func()
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.shift.Load())) }

func newWorld(t *testing.T, change ...func(*gate.Config)) *world {
	t.Helper()
	dir := t.TempDir()
	store, err := sqlite.Open(t.Context(), filepath.Join(dir, "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	authority, err := ca.Init(filepath.Join(dir, "ca"))
	if err != nil {
		t.Fatal(err)
	}
	w := &world{
		t: t, store: store, ca: authority, rules: &book{}, dir: dir,
		trail: &fakeTrail{grown: make(chan struct{})},
		keys:  make(map[string]ssh.Signer), codes: make(map[string]string),
	}
	w.authn = authn.New(authn.Deps{Store: store, AccountID: account, Now: w.now})
	w.rules.policies(t, everything)
	w.target = newTestTarget(t, authority, w.now)
	w.update(func(tx state.Tx) error {
		return tx.Targets().Create(state.Target{
			Name: "web1", Address: w.target.addr, HostKeys: []string{string(ssh.MarshalAuthorizedKey(w.target.hostKey.PublicKey()))},
		})
	})
	w.person("alice")
	w.person("bob")

	cfg := gate.Config{
		Origin: event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: account},
		Domain: "tg", Names: []string{"gate"}, Trail: w.trail, Rules: w.rules, Store: store, Authn: w.authn, CA: authority,
		Recorders: gate.RecordTo(filepath.Join(dir, "recordings")), Now: w.now,
		Log: slog.New(slog.NewTextHandler(testWriter{t}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	for _, c := range change {
		c(&cfg)
	}
	w.Gate = gate.New(cfg)
	w.start()
	return w
}

// start runs the gate until the test ends or w.stop is called.
func (w *world) start() {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.addr = ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- w.Run(ctx, ln) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-done:
			if err != nil {
				w.t.Errorf("Run = %v", err)
			}
		case <-time.After(20 * time.Second):
			w.t.Error("Run did not return")
		}
	})
	w.t.Cleanup(w.stop)
}

// testWriter is a log that tests show.
type testWriter struct{ t *testing.T }

func (w testWriter) Write(p []byte) (int, error) {
	w.t.Logf("%s", strings.TrimSpace(string(p)))
	return len(p), nil
}

func (w *world) update(fn func(state.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(context.Background(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) person(name string) {
	w.t.Helper()
	key := sshtest.Key(w.t)
	w.keys[name] = key
	w.update(func(tx state.Tx) error {
		return errors.Join(tx.Identities().Create(state.Identity{Name: name}), tx.Keys().Create(state.Key{
			Fingerprint: ssh.FingerprintSHA256(key.PublicKey()), Identity: name, Created: time.Now(),
		}))
	})
}

func (w *world) fingerprint(name string) string {
	return ssh.FingerprintSHA256(w.keys[name].PublicKey())
}

func (w *world) disableKey(name string) {
	w.update(func(tx state.Tx) error {
		k, err := tx.Keys().Get(w.fingerprint(name))
		k.Disabled = true
		return errors.Join(err, tx.Keys().Put(k))
	})
}

func (w *world) enrol(name string) {
	w.t.Helper()
	uri, err := w.authn.EnrolTOTP(w.t.Context(), name)
	if err != nil {
		w.t.Fatal(err)
	}
	u, err := url.Parse(uri)
	if err != nil {
		w.t.Fatal(err)
	}
	w.codes[name] = u.Query().Get("secret")
}

// code is name's code of this moment.
func (w *world) code(name string) string {
	c, err := totp.GenerateCode(w.codes[name], w.now())
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

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
