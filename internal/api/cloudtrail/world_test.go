package cloudtrail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awstrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/blob/fs"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
	"github.com/trailgate/trailgate/internal/trail"
)

// The query worker is this test binary, started again.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(duckdb.WorkerMain())
	}
	os.Exit(m.Run())
}

const (
	account = "111122223333"
	region  = "us-east-1"
	ours    = "ssh-proxy-service.yourdomain.com"
	bucket  = "trailgate-111122223333-us-east-1"
	storeID = "fa2beff3-9f29-5afc-b0f0-2c6acc1cd4f3"
	channel = "arn:aws:cloudtrail:us-east-1:111122223333:channel/" + storeID
	store   = "arn:aws:cloudtrail:us-east-1:111122223333:eventdatastore/" + storeID
)

// everything is a policy for admin, who may do all; bob, who may read what is
// his own; files, who may read log files; and feed, who may add events. eve may
// do everything on targets, which is nothing here.
const everything = `
permit (principal == Identity::"admin", action, resource is Trail);
permit (principal == Identity::"bob", action == Action::"ReadOwnEvents", resource);
permit (principal == Identity::"files", action == Action::"ReadLogFiles", resource);
permit (principal == Identity::"feed", action == Action::"PutAuditEvents", resource);
permit (principal == Identity::"eve", action, resource);`

// world is a server over a real trail, a real store and a real query worker.
type world struct {
	*Server
	t       *testing.T
	journal *journal
	store   state.Store
	authn   *authn.Authn
	engine  *duckdb.Engine
	dir     string
	url     string
	keys    map[string]authn.NewAccessKey

	mu    sync.Mutex // guards below
	book  policy.Book
	drift time.Duration // of the server's clock

	stop func() // ends the server
}

// journal is the trail, which can be broken.
type journal struct {
	*trail.Trail
	mu     sync.Mutex
	broken bool
}

func (j *journal) Append(ctx context.Context, rec event.Record) (event.Entry, error) {
	j.mu.Lock()
	broken := j.broken
	j.mu.Unlock()
	if broken {
		return event.Entry{}, trail.ErrUnavailable
	}
	return j.Trail.Append(ctx, rec)
}

func (j *journal) setBroken(b bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.broken = b
}

// Book implements Rules.
func (w *world) Book() policy.Book {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.book
}

func (w *world) lock(locks ...policy.Lock) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.book.Locks = locks
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.drift)
}

func (w *world) shift(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drift += d
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, dir: t.TempDir(), keys: map[string]authn.NewAccessKey{}}
	set, err := policy.Compile([]policy.Document{{Name: "p", Text: everything}})
	if err != nil {
		t.Fatal(err)
	}
	w.book.Policies = set
	origin := event.Origin{EventSource: ours, Region: region, AccountID: account}
	tr, err := trail.Open(w.dir, trail.Options{Origin: origin})
	if err != nil {
		t.Fatal(err)
	}
	w.journal = &journal{Trail: tr}
	w.background(tr.Run)
	t.Cleanup(func() { tr.Close() })
	if w.store, err = sqlite.Open(t.Context(), filepath.Join(w.dir, "state.db")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.store.Close() })
	caDir := filepath.Join(w.dir, "ca")
	if err := os.Mkdir(caDir, 0o700); err != nil {
		t.Fatal(err)
	}
	seal, err := ca.OpenSealer(caDir)
	if err != nil {
		t.Fatal(err)
	}
	digests, err := digestKeys()
	if err != nil {
		t.Fatal(err)
	}
	w.authn = authn.New(authn.Deps{Store: w.store, AccountID: account, Sealer: seal, Now: w.now})
	w.engine = duckdb.New(duckdb.Options{Command: []string{os.Args[0], "query-worker"}, Source: tr, EventsDir: filepath.Join(w.dir, "events"),
		MemoryLimit: "256MB", Threads: 1, Log: slog.New(slog.DiscardHandler)})
	if err := os.MkdirAll(filepath.Join(w.dir, "events"), 0o700); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"admin", "bob", "files", "feed", "eve", "nobody"} {
		w.identity(name)
	}
	w.Server = &Server{Options: Options{
		Origin: origin, Name: "trailgate", StoreID: storeID, Bucket: fs.Open(filepath.Join(w.dir, "trail"), bucket), Dir: filepath.Join(w.dir, "queries"),
		Created: time.Now(), Retention: 400 * 24 * time.Hour, Throttle: 10 * time.Second,
		Journal: w.journal, Signers: w.authn, Rules: w, Queries: &lazy{world: w}, Tokens: seal,
		PublicKeys: func(from, to time.Time) (keys []PublicKey) {
			for _, k := range digests.Keys(from, to) {
				keys = append(keys, PublicKey(k))
			}
			return keys
		},
		Sign: func(at time.Time, text []byte) ([]byte, string, error) {
			k, err := digests.Key(at)
			if err != nil {
				return nil, "", err
			}
			s, err := digests.Sign(k.Fingerprint, text)
			return s, k.Fingerprint, err
		},
		Delivery: func() Delivery { return Delivery{Started: time.Now(), Latest: time.Now(), LatestAttempt: time.Now()} },
		Now:      w.now, Log: slog.New(slog.DiscardHandler),
	}}
	w.start()
	t.Cleanup(func() { w.stop() })
	return w
}

// lazy is the engine, whose worker starts when it is first needed: most tests
// ask nothing.
type lazy struct {
	world *world
	once  sync.Once
}

func (l *lazy) Wait(ctx context.Context, seq uint64) error {
	l.once.Do(func() { l.world.background(l.world.engine.Run) })
	return l.world.engine.Wait(ctx, seq)
}

func (l *lazy) Query(ctx context.Context, r query.Request) (*query.Result, error) {
	return l.world.engine.Query(ctx, r) // after Wait
}

// start serves, anew after a stop.
func (w *world) start() {
	w.t.Helper()
	s, err := New(w.Options)
	if err != nil {
		w.t.Fatal(err)
	}
	w.Server = s
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	w.url = "http://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx, ln) }()
	w.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("Run = %v", err)
		}
	})
}

// digestKeys are those of all tests: a key of RSA takes its time.
var digestKeys = sync.OnceValues(func() (*ca.DigestKeys, error) {
	dir, err := os.MkdirTemp("", "trailgate-digest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir) // they are loaded
	return ca.InitDigest(dir, time.Now().Add(-time.Hour))
})

// background runs a service until the test ends.
func (w *world) background(run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { run(ctx); close(done) }()
	w.t.Cleanup(func() { cancel(); <-done })
}

func (w *world) identity(name string) {
	w.t.Helper()
	k, err := w.authn.MakeAccessKey(name, false, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	w.keys[name] = k
	w.update(func(tx state.Tx) error {
		return errors.Join(tx.Identities().Create(state.Identity{Name: name}), tx.AccessKeys().Create(k.Row))
	})
}

func (w *world) update(fn func(state.Tx) error) {
	w.t.Helper()
	if err := w.store.Update(w.t.Context(), fn); err != nil {
		w.t.Fatal(err)
	}
}

func arnOf(name string) string { return "arn:aws:iam::" + account + ":user/" + name }

// sdk is AWS's own client, as name.
func (w *world) sdk(name string) *awstrail.Client {
	k := w.keys[name]
	return awstrail.New(awstrail.Options{
		Region: region, BaseEndpoint: aws.String(w.url), RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider(k.Row.ID, k.Secret, k.Token),
	})
}

// answer is what the server said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// code is the name of an answer's error.
func (a answer) code() string {
	if strings.Contains(a.header.Get("Content-Type"), "xml") {
		_, rest, _ := strings.Cut(string(a.body), "<Code>")
		code, _, _ := strings.Cut(rest, "</Code>")
		return code
	}
	var e struct {
		Type string `json:"__type"`
	}
	json.Unmarshal(a.body, &e)
	return e.Type
}

// sign signs a request as name, with AWS's own signer.
func (w *world) sign(r *http.Request, name, service string, body []byte) {
	w.t.Helper()
	w.signWith(r, w.keys[name].Row.ID, w.keys[name].Secret, w.keys[name].Token, service, body, time.Now())
}

func (w *world) signWith(r *http.Request, id, secret, token, service string, body []byte, at time.Time) {
	w.t.Helper()
	sum := sha256.Sum256(body)
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := signer.SignHTTP(w.t.Context(), aws.Credentials{AccessKeyID: id, SecretAccessKey: secret, SessionToken: token}, r, hex.EncodeToString(sum[:]), service, region, at); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) send(r *http.Request) answer {
	w.t.Helper()
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, body}
}

func (w *world) request(method, path string, body []byte) *http.Request {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// call sends one operation as name.
func (w *world) call(name, operation, body string) answer {
	w.t.Helper()
	r := w.request("POST", "/", []byte(body))
	r.Header.Set("X-Amz-Target", "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."+operation)
	r.Header.Set("Content-Type", jsonType)
	w.sign(r, name, "cloudtrail", []byte(body))
	return w.send(r)
}

// audit sends PutAuditEvents as name.
func (w *world) audit(name, query, body string) answer {
	w.t.Helper()
	r := w.request("POST", auditPath+query, []byte(body))
	r.Header.Set("Content-Type", "application/json")
	w.sign(r, name, "cloudtrail-data", []byte(body))
	return w.send(r)
}

// s3 sends a request of S3 as name.
func (w *world) s3(name, method, path string) answer {
	w.t.Helper()
	r := w.request(method, path, nil)
	w.sign(r, name, "s3", nil)
	return w.send(r)
}

// records are all events so far.
func (w *world) records() []event.Record {
	w.t.Helper()
	if w.journal.Head().Seq == 0 {
		return nil
	}
	return w.recordsFrom(1)
}

func (w *world) recordsFrom(seq uint64) []event.Record {
	w.t.Helper()
	var all []event.Record
	head := w.journal.Head().Seq
	done := errors.New("done")
	err := w.journal.Follow(w.t.Context(), seq, func(entries []event.Entry) error {
		for _, e := range entries {
			rec, err := e.Record()
			if err != nil {
				return err
			}
			all = append(all, rec)
			if e.Seq == head {
				return done
			}
		}
		return nil
	})
	if !errors.Is(err, done) {
		w.t.Fatal(err)
	}
	return all
}

// last is the newest event.
func (w *world) last() event.Record {
	w.t.Helper()
	all := w.recordsFrom(w.journal.Head().Seq)
	return all[len(all)-1]
}

// put appends an event of somebody.
func (w *world) put(name string, e event.Event) {
	w.t.Helper()
	rec := w.Origin.Record(event.Meta{Time: w.now(), Identity: authn.Principal(account, name, ""), SourceIP: "192.0.2.1"}, e)
	if _, err := w.journal.Append(w.t.Context(), rec); err != nil {
		w.t.Fatal(err)
	}
}

// session appends the start of somebody's session.
func (w *world) session(name, id string) {
	w.t.Helper()
	m := event.Meta{Time: w.now(), Identity: authn.Principal(account, name, ""), SourceIP: "192.0.2.1", Session: &event.Session{ID: id, Target: "web1", Login: "root"}}
	if _, err := w.journal.Append(w.t.Context(), w.Origin.Record(m, event.StartSession{})); err != nil {
		w.t.Fatal(err)
	}
}

var _ Queries = (query.Engine)(nil)

var loopback = netip.MustParseAddr("127.0.0.1")
