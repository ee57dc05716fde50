package gate_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
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
	"github.com/trailgate/trailgate/internal/sshtest"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const account = "123456789012"

// everything lets everybody do everything.
const everything = `permit (principal, action, resource);`

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
