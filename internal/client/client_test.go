package client_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/lock"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

// server is the local API on a real socket, over a real store and real locks;
// what lies above them only notes what it was asked.
type server struct {
	*client.Client
	dir   string
	store state.Store
	rules *policy.Set
	locks *lock.Book

	mu    sync.Mutex
	asked []string
	who   []event.UserIdentity
}

var origin = event.Origin{EventSource: "gate.example.com", Region: "us-east-1", AccountID: "111122223333"}

func (s *server) note(by event.UserIdentity, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked = append(s.asked, fmt.Sprintf(format, args...))
	s.who = append(s.who, by)
}

func (s *server) took() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.asked
	s.asked = nil
	return a
}

func (s *server) Append(_ context.Context, rec event.Record) (event.Entry, error) {
	s.note(rec.UserIdentity, "event %s", rec.EventName)
	return event.Entry{}, nil
}

func (s *server) EnrolTOTP(_ context.Context, name string) (string, error) {
	err := s.store.Update(context.Background(), func(tx state.Tx) error { return tx.Devices().Put(state.Device{Identity: name, Secret: "SECRET"}) })
	return "otpauth://totp/" + name, err
}

func (s *server) MakeAccessKey(identity string, _ bool, expires time.Time) (authn.NewAccessKey, error) {
	row := state.AccessKey{ID: "AKIAIOSFODNN7EXAMPLE", Identity: identity, Secret: "sealed", Expires: expires}
	return authn.NewAccessKey{Row: row, Secret: "secret"}, nil
}

func (s *server) Book() policy.Book {
	return policy.Book{Policies: s.rules, Locks: s.locks.Active(time.Now())}
}

func (s *server) Terminate(_ context.Context, id, message string, by event.UserIdentity) error {
	s.note(by, "terminate %s %s", id, message)
	return nil
}

func (s *server) Query(_ context.Context, by admin.Actor, in rest.QueryRequest) (*query.Result, error) {
	s.note(by.Identity, "query %s %v %d", in.Statement, in.Parameters, in.MaxRows)
	switch in.Statement {
	case "busy":
		return nil, query.ErrUnavailable
	case "long":
		return nil, fmt.Errorf("run: %w", query.ErrLimit)
	case "wrong":
		_, err := sqlfront.Parse("SELEC 1")
		return nil, err
	}
	return &query.Result{
		Columns: []query.Column{{Name: "n", Type: "bigint"}, {Name: "x", Type: "double"}, {Name: "t", Type: "timestamp"}, {Name: "j", Type: "json"}},
		Rows:    [][]any{{int64(9007199254740993), 1.5, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), map[string]any{"a": "b"}}, {nil, nil, nil, nil}},
	}, nil
}

func (s *server) Runbooks(context.Context) ([]rest.RunbookInfo, error) {
	return []rest.RunbookInfo{{ID: "denied-surge", Title: "Denied surge", Enabled: true, Mode: "observe"}}, nil
}

func (s *server) Enable(_ context.Context, id string, mode runbook.Mode, _ map[string]string, by event.UserIdentity) error {
	s.note(by, "enable %s %s", id, mode)
	return nil
}

func (s *server) Explain(context.Context, admin.Actor, rest.QueryRequest) (*query.Plan, error) {
	return &query.Plan{Text: "SELECT"}, nil
}

func (s *server) Disable(_ context.Context, id string, by event.UserIdentity) error {
	s.note(by, "disable %s", id)
	return nil
}

func (s *server) RunNow(_ context.Context, id string) ([]string, error) {
	if id != "denied-surge" {
		return nil, fmt.Errorf("no runbook named %q: %w", id, state.ErrNotFound)
	}
	return []string{"a1"}, nil
}

func (s *server) Ack(_ context.Context, alarm, note string, by event.UserIdentity) error {
	s.note(by, "ack %s %s", alarm, note)
	return nil
}

func (s *server) Done(_ context.Context, run, step, note string, by event.UserIdentity) error {
	s.note(by, "done %s %s %s", run, step, note)
	return nil
}

func (s *server) Status() rest.Status { return rest.Status{Version: "v1", PID: 42, TrailSeq: 1 << 60} }

func (s *server) GotRecording(_ context.Context, by admin.Actor, session, format string) error {
	s.note(by.Identity, "recording %s %s", session, format)
	return nil
}

// start serves until the test ends.
func start(t *testing.T) *server {
	t.Helper()
	// Not t.TempDir: its path may be longer than a socket's may be.
	dir, err := os.MkdirTemp("", "tg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	s := &server{Client: client.New(dir), dir: dir}
	if s.store, err = sqlite.Open(t.Context(), filepath.Join(dir, "state.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.store.Close() })
	if s.rules, err = policy.Compile([]policy.Document{{Name: "ops", Text: `permit (principal in Role::"ops", action, resource) when { context.login == "deploy" };`}}); err != nil {
		t.Fatal(err)
	}
	if s.locks, err = lock.New(t.Context(), lock.Deps{Store: s.store, Trail: s, Origin: origin, Now: time.Now}); err != nil {
		t.Fatal(err)
	}
	r := &rest.Server{Origin: origin, Store: s.store, Locks: s.locks, Sessions: s, Query: s, Rules: s, Respond: s, Node: s, Log: slog.New(slog.DiscardHandler),
		Admin: admin.New(admin.Deps{Store: s.store, Trail: s, Enrol: s, Origin: origin, Now: time.Now, Changed: func() {}})}
	ln, err := rest.Listen(filepath.Join(dir, client.SocketName))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return s
}

func (s *server) fill(t *testing.T) {
	t.Helper()
	_, err := s.Apply(t.Context(), rest.ApplyRequest{Resources: []manifest.Resource{
		{Kind: manifest.Identity, Name: "alice", Admin: true}, {Kind: manifest.Identity, Name: "bob"},
		{Kind: manifest.Role, Name: "ops", Members: []string{"bob"}}, {Kind: manifest.Target, Name: "web1", Address: "10.0.0.1:22", HostKeys: []string{hostKey}},
		{Kind: manifest.Policy, Name: "ops", Text: "permit (principal, action, resource);"},
	}})
	if err != nil {
		t.Fatal(err)
	}
	err = s.store.Update(t.Context(), func(tx state.Tx) error {
		return errors.Join(tx.Keys().Put(state.Key{Fingerprint: "SHA256:a/b+c=", Identity: "bob"}), tx.Sessions().Put(state.Session{ID: "s1"}),
			tx.Alarms().Put(state.Alarm{ID: "a1"}), tx.Runs().Put(state.Run{ID: "r1"}))
	})
	if err != nil {
		t.Fatal(err)
	}
	s.took()
}

const hostKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGNl5rLSbDHWUyxDdpLDhmU6Rq8tFjSpw5u5VwCGtN5u"

func TestNoServer(t *testing.T) {
	dir := t.TempDir()
	if _, err := client.New(dir).Status(t.Context()); !errors.Is(err, client.ErrNoServer) {
		t.Errorf("without a socket: %v, want ErrNoServer", err)
	}
	// A socket that a killed server left.
	s := start(t)
	path := filepath.Join(s.dir, "dead.sock")
	ln, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	ln.(*net.UnixListener).SetUnlinkOnClose(false)
	ln.Close()
	dead := filepath.Join(s.dir, "d")
	if err := errors.Join(os.Mkdir(dead, 0o700), os.Rename(path, filepath.Join(dead, client.SocketName))); err != nil {
		t.Fatal(err)
	}
	if _, err := client.New(dead).Status(t.Context()); !errors.Is(err, client.ErrNoServer) {
		t.Errorf("with a dead socket: %v, want ErrNoServer", err)
	}
	ln2, err := rest.Listen(filepath.Join(dead, client.SocketName))
	if err != nil {
		t.Errorf("Listen in place of a dead socket: %v", err)
	} else {
		ln2.Close()
	}
}

func TestListsAndShows(t *testing.T) {
	s := start(t)
	s.fill(t)
	ctx := t.Context()
	one := func(what string, n int, err error) {
		t.Helper()
		if err != nil || n != 1 {
			t.Errorf("show %s: %d rows, %v", what, n, err)
		}
	}
	ids, err := s.Identities(ctx, "")
	if err != nil || len(ids) != 2 || ids[0].Name != "alice" || !ids[0].Admin {
		t.Errorf("identities = %+v, %v", ids, err)
	}
	ids, err = s.Identities(ctx, "bob")
	one("identity", len(ids), err)
	keys, err := s.Keys(ctx, "SHA256:a/b+c=")
	one("key", len(keys), err)
	roles, err := s.Roles(ctx, "ops")
	one("role", len(roles), err)
	targets, err := s.Targets(ctx, "web1")
	one("target", len(targets), err)
	policies, err := s.Policies(ctx, "ops")
	one("policy", len(policies), err)
	sessions, err := s.Sessions(ctx, "s1")
	one("session", len(sessions), err)
	alarms, err := s.Alarms(ctx, "a1")
	one("alarm", len(alarms), err)
	runs, err := s.Runs(ctx, "r1")
	one("run", len(runs), err)
	books, err := s.Client.Runbooks(ctx)
	one("runbook", len(books), err)
	locks, err := s.Locks(ctx, "")
	if err != nil || len(locks) != 0 {
		t.Errorf("locks = %v, %v, want none and no failure", locks, err)
	}
	st, err := s.Client.Status(ctx)
	if err != nil || st.PID != 42 || st.TrailSeq != 1<<60 {
		t.Errorf("status = %+v, %v", st, err)
	}
	_, err = s.Targets(ctx, "db1")
	failed(t, err, `no target named "db1"`, 1)
	if got := s.took(); len(got) > 0 {
		t.Errorf("reading did %q", got)
	}
}

// failed holds an error to what a command prints and ends with.
func failed(t *testing.T, err error, text string, code int) {
	t.Helper()
	var f *rest.Failure
	if !errors.As(err, &f) || !strings.Contains(f.Text, text) || f.Code != code {
		t.Errorf("error = %#v, want %q with exit code %d", err, text, code)
	}
}

func TestChanges(t *testing.T) {
	s := start(t)
	s.fill(t)
	ctx := t.Context()
	changes, err := s.Apply(ctx, rest.ApplyRequest{Resources: []manifest.Resource{{Kind: manifest.Identity, Name: "carol"}}, DryRun: true})
	if diff := cmp.Diff([]admin.Change{{Resource: "identity carol", What: "created"}}, changes); err != nil || diff != "" {
		t.Errorf("dry run: %v, %s", err, diff)
	}
	uri, err := s.EnrolMFA(ctx, "bob")
	if err != nil || uri != "otpauth://totp/bob" {
		t.Errorf("EnrolMFA = %q, %v", uri, err)
	}
	if who, err := s.MFA(ctx); err != nil || !slices.Equal(who, []string{"bob"}) {
		t.Errorf("MFA = %v, %v", who, err)
	}
	l, err := s.CreateLock(ctx, policy.Lock{Effect: policy.Deny, Match: policy.Match{Source: netip.MustParsePrefix("203.0.113.0/24")}, Reason: "surge"})
	if err != nil || l.ID == "" || l.By == "" || l.Created.IsZero() {
		t.Errorf("CreateLock = %+v, %v", l, err)
	}
	alarms, err := s.RunRunbook(ctx, "denied-surge")
	if err != nil || !slices.Equal(alarms, []string{"a1"}) {
		t.Errorf("RunRunbook = %v, %v", alarms, err)
	}
	for what, err := range map[string]error{
		"disable key":   s.SetKey(ctx, "SHA256:a/b+c=", true),
		"delete key":    s.Delete(ctx, "key", "SHA256:a/b+c="),
		"delete mfa":    s.Delete(ctx, "mfa", "bob"),
		"delete lock":   s.Delete(ctx, "lock", l.ID),
		"terminate":     s.Client.Terminate(ctx, "s1", "go home"),
		"enable":        s.EnableRunbook(ctx, "denied-surge", "enforce", nil),
		"disable":       s.DisableRunbook(ctx, "denied-surge"),
		"ack":           s.AckAlarm(ctx, "a1", "mine"),
		"done":          s.DoneStep(ctx, "r1", "fix", "fixed"),
		"got recording": s.Client.GotRecording(ctx, "s1", "asciicast"),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	want := []string{"event EnableMFADevice", "event CreateLock", "event UpdateSSHPublicKey", "event DeleteSSHPublicKey", "event DeactivateMFADevice", "event DeleteLock",
		"terminate s1 go home", "enable denied-surge enforce", "disable denied-surge", "ack a1 mine", "done r1 fix fixed", "recording s1 asciicast"}
	got := s.took()
	if !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
		t.Errorf("did %q, want %q", got, want)
	}
	for _, by := range s.who {
		if by.Type != "Service" || by.AccountID != "111122223333" || by.PrincipalID != fmt.Sprintf("local:%d", os.Getuid()) || by.UserName == "" {
			t.Errorf("recorded as %+v, want this test's own user", by)
		}
	}
}

// Who made a lock and for which run is the server's to say, not the caller's.
func TestLockSaysWhoMadeIt(t *testing.T) {
	s := start(t)
	l, err := s.CreateLock(t.Context(), policy.Lock{Effect: policy.Deny, Match: policy.Match{Login: "root"}, By: "runbook:denied-surge", Run: "r9", Created: time.Unix(1, 0)})
	if err != nil || l.By == "runbook:denied-surge" || l.Run != "" || l.Created.Year() < 2000 {
		t.Errorf("CreateLock = %+v, %v; want its maker, no run and the time of now", l, err)
	}
}

func TestFailures(t *testing.T) {
	s := start(t)
	s.fill(t)
	ctx := t.Context()
	_, err := s.Apply(ctx, rest.ApplyRequest{Resources: []manifest.Resource{{Kind: manifest.Policy, Name: "p", Text: "premit"}}})
	failed(t, err, `p:1:1: a statement begins with permit or forbid, not "premit" (did you mean "permit"?)`, 1)
	_, err = s.Apply(ctx, rest.ApplyRequest{Resources: []manifest.Resource{{Kind: manifest.Identity, Name: "bob"}}, Create: true})
	failed(t, err, "identity bob exists already", 1)
	var f *rest.Failure
	if errors.As(err, &f) && f.Hint == "" {
		t.Error("a conflict has no hint")
	}
	failed(t, s.Delete(ctx, "identity", "alice"), "last admin", 1)
	failed(t, s.Delete(ctx, "lock", "none"), "not found", 1)
	_, err = s.CreateLock(ctx, policy.Lock{Effect: policy.Deny})
	failed(t, err, "matches nothing", 1)
	_, err = s.Client.Query(ctx, rest.QueryRequest{Statement: "wrong"})
	failed(t, err, "SELEC", 2)
	_, err = s.Client.Query(ctx, rest.QueryRequest{Statement: "busy"})
	failed(t, err, "restarted", 1)
	_, err = s.Client.Query(ctx, rest.QueryRequest{Statement: "long"})
	failed(t, err, "limit", 1)
	_, err = s.RunRunbook(ctx, "none")
	failed(t, err, `no runbook named "none"`, 1)
	_, err = s.Why(ctx, rest.WhyRequest{Identity: "bob", Target: "web1", Login: "x", Source: "nowhere"})
	failed(t, err, `source "nowhere" is not an IP address`, 2)
	_, err = s.Why(ctx, rest.WhyRequest{Identity: "eve", Target: "web1", Login: "x"})
	failed(t, err, `no identity named "eve"`, 1)
}

func TestUnknownKindIsAMistake(t *testing.T) {
	s := start(t)
	_, err := s.Apply(t.Context(), rest.ApplyRequest{Resources: []manifest.Resource{{Kind: "polcy", Name: "p"}}})
	failed(t, err, `unknown kind "polcy" (did you mean "policy"?)`, 1)
}

func TestQueryKeepsValues(t *testing.T) {
	s := start(t)
	got, err := s.Client.Query(t.Context(), rest.QueryRequest{Statement: "SELECT 1", Parameters: map[string]string{"a": "b"}, MaxRows: 7})
	if err != nil {
		t.Fatal(err)
	}
	want := [][]any{{int64(9007199254740993), 1.5, "2026-11-23T12:00:00Z", map[string]any{"a": "b"}}, {nil, nil, nil, nil}}
	if diff := cmp.Diff(want, got.Rows); diff != "" {
		t.Errorf("rows differ (-want +got):\n%s", diff)
	}
	if a := s.took(); !slices.Equal(a, []string{"query SELECT 1 map[a:b] 7"}) {
		t.Errorf("asked %q", a)
	}
}

func TestWhy(t *testing.T) {
	s := start(t)
	s.fill(t)
	monday := time.Date(2026, 11, 23, 8, 30, 0, 0, time.UTC)
	got, err := s.Why(t.Context(), rest.WhyRequest{Identity: "bob", Target: "web1", Login: "root", Source: "192.0.2.1", Time: monday})
	want := rest.WhyAnswer{
		Reason: `no policy permits bob to connect to web1 as root; nearest is ops: context.login == "deploy" is false: context.login is "root"`,
		Explain: []string{
			`denied: bob may not connect to web1 as root: no policy permits bob to connect to web1 as root; nearest is ops: context.login == "deploy" is false: context.login is "root"`,
			`asked: bob in roles ops; second factor: no; from 192.0.2.1; Monday 2026-11-23 08:30 UTC`,
			`permit ops (ops:1:1): context.login == "deploy" is false: context.login is "root"`,
		},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("Why: %v; differs (-want +got):\n%s", err, diff)
	}
	if got, err := s.Why(t.Context(), rest.WhyRequest{Identity: "bob", Target: "web1", Login: "deploy"}); err != nil || !got.Allowed {
		t.Errorf("Why = %+v, %v, want allowed", got, err)
	}
}

// raw sends a request that no client of ours would.
func (s *server) raw(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", filepath.Join(s.dir, client.SocketName))
	}}}
	req, err := http.NewRequestWithContext(t.Context(), method, "http://x"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestStrangeRequestsDoNothing(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		method, path, body string
		status             int
	}{
		{"POST", "/v1/apply", `{`, 400},
		{"POST", "/v1/apply", `{"resources": [{"kind": "identity", "nam": "eve"}]}`, 400},
		{"POST", "/v1/apply", `{"resources": [{"kind": "king", "name": "eve"}]}`, 500},
		{"POST", "/v1/lock", `[]`, 400},
		{"POST", "/v1/lock", `{"match": {"source": "nonsense"}}`, 400},
		{"POST", "/v1/nothing", `{}`, 404},
		{"GET", "/v1/device", ``, 404}, // holds secrets
		{"GET", "/../state.db", ``, 404},
		{"PUT", "/v1/apply", `{}`, 405},
	} {
		status, text := s.raw(t, c.method, c.path, c.body)
		if status != c.status && !(c.status == 404 && status == 301) {
			t.Errorf("%s %s %s = %d %s, want %d", c.method, c.path, c.body, status, text, c.status)
		}
	}
	if got := s.took(); len(got) > 0 {
		t.Errorf("strange requests did %q", got)
	}
}

// Only root and the server's own user may speak. The file's mode says so first;
// who gets past it is asked for by the kernel's word, not his own.
func TestSocketIsForItsOwner(t *testing.T) {
	s := start(t)
	path := filepath.Join(s.dir, client.SocketName)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v, want 0600", info.Mode().Perm(), err)
	}
	if os.Geteuid() != 0 {
		return // another user's process can only be made by root
	}
	if err := errors.Join(os.Chmod(path, 0o666), os.Chmod(s.dir, 0o755)); err != nil {
		t.Fatal(err)
	}
	out, err := asNobody(path)
	if err != nil || !strings.Contains(out, "403") || !strings.Contains(out, "only root and the server's own user") {
		t.Errorf("nobody got %q, %v, want 403", out, err)
	}
	if got := s.took(); len(got) > 0 {
		t.Errorf("nobody did %q", got)
	}
}

// nobodyEnv makes the test binary a client that prints an answer.
const nobodyEnv = "TRAILGATE_TEST_NOBODY"

func TestMain(m *testing.M) {
	if path := os.Getenv(nobodyEnv); path != "" {
		c, err := net.Dial("unix", path)
		if err == nil {
			_, err = io.WriteString(c, "DELETE /v1/identity?id=alice HTTP/1.0\r\n\r\n")
		}
		if err == nil {
			_, err = io.Copy(os.Stdout, c)
		}
		if err != nil {
			fmt.Println(err)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func asNobody(path string) (string, error) {
	r, w, err := os.Pipe()
	if err != nil {
		return "", err
	}
	defer r.Close()
	// The binary is opened by us: nobody may not reach its directory.
	exe, err := os.Open("/proc/self/exe")
	if err != nil {
		return "", err
	}
	defer exe.Close()
	p, err := os.StartProcess("/proc/self/fd/3", []string{"client.test"}, &os.ProcAttr{
		Env: append(os.Environ(), nobodyEnv+"="+path), Files: []*os.File{nil, w, w, exe},
		Sys: &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}},
	})
	w.Close()
	if err != nil {
		return "", err
	}
	out, err := io.ReadAll(r)
	_, werr := p.Wait()
	return string(out), errors.Join(err, werr)
}

// A secret leaves the server once, when its key is made.
func TestAccessKeysAreListedWithoutTheirSecrets(t *testing.T) {
	s := start(t)
	ctx := t.Context()
	if _, err := s.Apply(ctx, rest.ApplyRequest{Resources: []manifest.Resource{{Kind: manifest.Identity, Name: "alice"}}}); err != nil {
		t.Fatal(err)
	}
	made, err := s.CreateAccessKey(ctx, rest.AccessKeyRequest{Identity: "alice"})
	if err != nil || made.Secret != "secret" || made.Region != origin.Region {
		t.Fatalf("CreateAccessKey = %+v, %v", made, err)
	}
	if err := s.SetAccessKey(ctx, made.ID, true); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"", made.ID} {
		rows, err := s.AccessKeys(ctx, id)
		if err != nil || len(rows) != 1 || rows[0].Secret != "" || rows[0].Token != "" || !rows[0].Disabled {
			t.Errorf("AccessKeys(%q) = %+v, %v", id, rows, err)
		}
	}
	var f *rest.Failure
	if _, err := s.AccessKeys(ctx, "AKIANONE"); !errors.As(err, &f) || f.Hint == "" {
		t.Errorf("AccessKeys of none = %v", err)
	}
	if err := s.Delete(ctx, "accesskey", made.ID); err != nil {
		t.Fatal(err)
	}
	if rows, err := s.AccessKeys(ctx, ""); err != nil || len(rows) != 0 {
		t.Errorf("after the delete: %+v, %v", rows, err)
	}
	if err := s.SetAccessKey(ctx, made.ID, true); !errors.As(err, &f) {
		t.Errorf("SetAccessKey of none = %v", err)
	}
}
