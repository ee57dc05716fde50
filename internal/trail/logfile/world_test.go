package logfile

import (
	"context"
	"crypto/md5"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"crypto"
	"crypto/rand"
	"crypto/sha256"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/trail"
)

var testLayout = Layout{AccountID: "111122223333", Region: "eu-west-1", Name: "tg"}

// journal is a trail in memory.
type journal struct {
	mu       sync.Mutex
	entries  []event.Entry
	first    uint64 // the oldest kept; 0 and 1 are all
	advanced chan struct{}
}

func newJournal() *journal { return &journal{advanced: make(chan struct{})} }

var testOrigin = event.Origin{EventSource: "ssh.example.com", Region: testLayout.Region, AccountID: testLayout.AccountID}

// append appends what the node itself does.
func (j *journal) append(e event.Event) {
	j.appendAs(event.UserIdentity{Type: "Service", InvokedBy: testOrigin.EventSource}, e)
}

func (j *journal) appendAs(who event.UserIdentity, e event.Event) {
	j.mu.Lock()
	defer j.mu.Unlock()
	rec := testOrigin.Record(event.Meta{Time: time.Now(), SourceIP: "192.0.2.7", Identity: who}, e)
	j.entries = append(j.entries, event.Entry{Seq: uint64(len(j.entries) + 1), AppendTime: time.Now().UTC(), JSON: rec.AppendJSON(nil)})
	close(j.advanced)
	j.advanced = make(chan struct{})
}

func (j *journal) command(text string) {
	j.appendAs(event.UserIdentity{Type: "IAMUser", UserName: "alice"}, event.ExecuteCommand{Command: text})
}

func (j *journal) tombstone(x trail.Expired, before time.Time) {
	j.append(event.DeleteEvents{Before: stamp(before), First: 1, Last: 1, Count: 1, Hash: strings.Repeat("0", 64),
		FirstDigest: x.FirstDigest, LastDigest: x.LastDigest, DigestHash: x.DigestHash})
}

func (j *journal) Head() trail.Head {
	j.mu.Lock()
	defer j.mu.Unlock()
	h := trail.Head{Seq: uint64(len(j.entries))}
	if h.Seq > 0 {
		last := j.entries[h.Seq-1]
		h.Hash, h.Time = sha256.Sum256(last.JSON), last.AppendTime
	}
	return h
}

func (j *journal) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	for {
		j.mu.Lock()
		from = max(from, j.first, 1)
		batch, advanced := slices.Clone(j.entries[min(from-1, uint64(len(j.entries))):]), j.advanced
		j.mu.Unlock()
		if len(batch) > 0 {
			from = batch[len(batch)-1].Seq + 1
			if err := fn(batch); err != nil {
				return err
			}
			continue
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// still is the journal as a reader sees it: it ends.
type still struct{ *journal }

func (s still) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	s.mu.Lock()
	from = max(from, s.first, 1)
	batch := slices.Clone(s.entries[min(from-1, uint64(len(s.entries))):])
	s.mu.Unlock()
	for part := range slices.Chunk(batch, 7) {
		if err := fn(part); err != nil {
			return err
		}
	}
	return nil
}

// memStore is a delivery's state in memory.
type memStore struct {
	mu sync.Mutex
	b  []byte
}

func (m *memStore) load() ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.b == nil {
		return nil, fs.ErrNotExist
	}
	return slices.Clone(m.b), nil
}

func (m *memStore) save(b []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.b = slices.Clone(b)
	return nil
}

// signer signs with keys that take over one after the other.
type signer struct {
	keys    []PublicKey
	private map[string]*rsa.PrivateKey
}

var testKeys = sync.OnceValue(func() []*rsa.PrivateKey {
	var keys []*rsa.PrivateKey
	for range 2 {
		k, err := rsa.GenerateKey(rand.Reader, 1024) // quick, and enough for tests
		if err != nil {
			panic(err)
		}
		keys = append(keys, k)
	}
	return keys
})

var longAgo, farAhead = time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC)

func newSigner() *signer {
	s := &signer{private: map[string]*rsa.PrivateKey{}}
	s.add(testKeys()[0], longAgo)
	return s
}

func (s *signer) add(private *rsa.PrivateKey, from time.Time) {
	if n := len(s.keys); n > 0 {
		s.keys[n-1].To = from
	}
	der := x509.MarshalPKCS1PublicKey(&private.PublicKey)
	sum := md5.Sum(der)
	k := PublicKey{DER: der, Fingerprint: hex.EncodeToString(sum[:]), From: from, To: farAhead}
	s.keys, s.private[k.Fingerprint] = append(s.keys, k), private
}

func (s *signer) Key(t time.Time) (PublicKey, error) {
	for _, k := range s.keys {
		if k.valid(t) {
			return k, nil
		}
	}
	return PublicKey{}, errors.New("no key signs then")
}

func (s *signer) Keys(from, to time.Time) []PublicKey {
	return slices.DeleteFunc(slices.Clone(s.keys), func(k PublicKey) bool { return k.From.After(to) || !k.To.After(from) })
}

func (s *signer) Sign(fingerprint string, text []byte) ([]byte, error) {
	sum := sha256.Sum256(text)
	return rsa.SignPKCS1v15(nil, s.private[fingerprint], crypto.SHA256, sum[:])
}

// world is all that a deliverer works with.
type world struct {
	t       testing.TB
	journal *journal
	bucket  *blobtest.Mem
	store   *memStore
	signer  *signer
	faulty  *faults // between the deliverer and the rest
	errs    []error
	limit   int // of a log file's text
	layout  Layout
	now     func() time.Time // nil is time.Now
	witness func(context.Context, Witnessed) error
}

func newWorld(t testing.TB) *world {
	w := &world{t: t, layout: testLayout, journal: newJournal(), bucket: blobtest.NewMem("tgbucket"), store: &memStore{}, signer: newSigner(), faulty: &faults{}}
	w.faulty.puts(w.bucket)
	return w
}

func (w *world) deliverer() *Deliverer {
	d := NewDeliverer(Options{
		Layout: w.layout, Now: w.now, Witness: w.witness, Journal: w.journal, Bucket: w.bucket, Signer: w.signer, Dir: "/nonexistent",
		Record: func(_ context.Context, e event.Event) error {
			return w.faulty.step("record", func() error { w.journal.append(e); return nil })
		},
		OnError: w.told,
	})
	d.store, d.limit = faultyStore{w.store, w.faulty}, w.limit
	return d
}

func (w *world) told(err error) {
	w.faulty.mu.Lock()
	defer w.faulty.mu.Unlock()
	w.errs = append(w.errs, err)
}

// run runs a deliverer while fn does, and waits for its end.
func (w *world) run(fn func(*Deliverer)) {
	w.t.Helper()
	d := w.deliverer()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	fn(d)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		w.t.Errorf("Run = %v, want that it was cancelled", err)
	}
}

// faults fails steps: what is saved, put or recorded.
type faults struct {
	mu   sync.Mutex
	log  []string
	fail func(n int, what string) (before, after error) // nil fails none
	put  error                                          // what comes after the put that is under way
}

var errFault = errors.New("fault")

// set makes fail decide from now on.
func (f *faults) set(fail func(n int, what string) (before, after error)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *faults) begin(what string) (before, after error) {
	f.mu.Lock()
	f.log = append(f.log, what)
	n, fail := len(f.log), f.fail
	f.mu.Unlock()
	if fail == nil {
		return nil, nil
	}
	return fail(n, what)
}

func (f *faults) step(what string, do func() error) error {
	before, after := f.begin(what)
	if before != nil {
		return before
	}
	if err := do(); err != nil {
		return err
	}
	return after
}

// puts makes a step of each put into b.
func (f *faults) puts(b *blobtest.Mem) {
	b.Before(func(_ context.Context, c blobtest.Call) (err error) {
		if c.Verb == "put" || c.Verb == "create" {
			err, f.put = f.begin("put " + c.Key)
		}
		return err
	})
	b.After(func(blobtest.Call) error { return f.put })
}

type faultyStore struct {
	*memStore
	f *faults
}

func (s faultyStore) save(b []byte) error {
	return s.f.step("save", func() error { return s.memStore.save(b) })
}

// keys are those in the bucket with a prefix, in order.
func (w *world) keys(prefix string) []string {
	return slices.DeleteFunc(w.bucket.Keys(), func(k string) bool { return !strings.HasPrefix(k, prefix) })
}

// get is an object of the bucket.
func (w *world) get(key string) (body []byte, meta map[string]string) {
	w.t.Helper()
	body, meta, err := w.bucket.Get(context.Background(), key)
	if err != nil {
		w.t.Fatal(err)
	}
	return body, meta
}

// text is an object's, unpacked.
func (w *world) text(key string) []byte {
	w.t.Helper()
	body, _ := w.get(key)
	text, err := Unpack(body)
	if err != nil {
		w.t.Fatalf("%s: %v", key, err)
	}
	return text
}

// delivered are the records of all log files, by eventID, and how often each
// is there.
func (w *world) delivered() map[string]int {
	w.t.Helper()
	count := map[string]int{}
	for _, k := range w.keys(testLayout.LogPrefix()) {
		text := w.text(k)
		records, err := Split(text)
		if err != nil {
			w.t.Fatalf("%s: %v", k, err)
		}
		for _, r := range records {
			count[string(r)]++
		}
	}
	return count
}

// holdsOnce checks that the log files hold the journal's first n events once
// each, and nothing else.
func (w *world) holdsOnce(n int) {
	w.t.Helper()
	count := w.delivered()
	for _, e := range w.journal.entries[:n] {
		if c := count[string(e.JSON)]; c != 1 {
			w.t.Errorf("event %d is in %d log files, want in one", e.Seq, c)
		}
	}
	if len(count) != n {
		w.t.Errorf("the log files hold %d events, want %d", len(count), n)
	}
}

// digests are those in the bucket, in the order of their keys.
func (w *world) digests() (chain, backfilled []Digest) {
	w.t.Helper()
	for _, k := range w.keys(testLayout.DigestPrefix()) {
		d, err := ParseDigest(w.text(k))
		if err != nil {
			w.t.Fatalf("%s: %v", k, err)
		}
		if isBackfill(k) {
			backfilled = append(backfilled, d)
		} else {
			chain = append(chain, d)
		}
	}
	return chain, backfilled
}

// spans are digests in short: from to, and how many log files.
func spans(digests []Digest) []string {
	var s []string
	for _, d := range digests {
		start, end := d.Span()
		s = append(s, fmt.Sprintf("%s-%s %d", start.Format("15:04:05"), end.Format("15:04:05"), len(d.LogFiles)))
	}
	return s
}

func (w *world) state() *state {
	w.t.Helper()
	s, err := readState(w.store)
	if err != nil {
		w.t.Fatal(err)
	}
	return s
}
