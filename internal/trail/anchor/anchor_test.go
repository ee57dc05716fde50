package anchor

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/blob/fs"
	"github.com/trailgate/trailgate/internal/webhook"
)

const arn = "arn:aws:cloudtrail:us-east-1:123456789012:trail/trailgate"

var began = time.Date(2026, 11, 23, 15, 0, 0, 123456000, time.UTC)

// numbered is the n-th anchor of a trail.
func numbered(n int) Anchor {
	end := began.Add(time.Duration(n) * time.Hour).Truncate(time.Second)
	hash := strings.Repeat(hex.EncodeToString([]byte{byte(n)}), 32)
	return Anchor{
		Version: Version, Trail: arn, Time: began.Add(time.Duration(n) * time.Hour), Seq: uint64(100 * n), Hash: hash,
		Digest: Digest{
			Bucket: "trailgate-123456789012-us-east-1", Key: "AWSLogs/123456789012/CloudTrail-Digest/us-east-1/" + end.Format("2006/01/02") + "/d&<>.json.gz",
			SHA256: hash, Signature: strings.Repeat("0a", 256), End: end, Fingerprint: "00112233445566778899aabbccddeeff",
		},
		PublicKey: []byte{1, 2, 3, byte(n)},
	}
}

// place is a kind of place. Opened again it is the same one.
type place interface {
	Writer
	Reader
}

// kinds are all kinds of places; open opens a new one of the kind, and calling
// what it returns opens that one again.
func kinds() map[string]func(t *testing.T) func() place {
	return map[string]func(t *testing.T) func() place{
		"directory": func(t *testing.T) func() place {
			dir := t.TempDir()
			return func() place {
				b := fs.Open(dir, "anchors")
				t.Cleanup(func() { b.Close() })
				return NewBucket(b, "", "file://"+dir, arn)
			}
		},
		"bucket": func(t *testing.T) func() place {
			m := blobtest.NewMem("anchors")
			return func() place { return NewBucket(m, "a/b", "s3://anchors/a/b", arn) }
		},
		"bucket with history": func(t *testing.T) func() place {
			m := newHistory()
			return func() place { return NewBucket(m, "", "s3://anchors", arn) }
		},
		"git remote": func(t *testing.T) func() place {
			remote, dir := newRemote(t), t.TempDir()
			return func() place {
				w, err := NewGit("git+file://"+remote, "", dir, arn)
				if err != nil {
					t.Fatal(err)
				}
				return w
			}
		},
		"webhook": func(t *testing.T) func() place {
			r := newReceiver(t)
			return func() place { return r.open(t, arn) }
		},
	}
}

func mustPut(t *testing.T, w Writer, anchors ...Anchor) {
	t.Helper()
	for _, a := range anchors {
		if err := w.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
	}
}

func mustRead(t *testing.T, r Reader) []Anchor {
	t.Helper()
	all, err := r.Anchors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// TestEveryKindKeepsAnchors: what is put is read back, in order and once, however
// often it was put; those of another trail are another trail's.
func TestEveryKindKeepsAnchors(t *testing.T) {
	for name, kind := range kinds() {
		t.Run(name, func(t *testing.T) {
			open := kind(t)
			if got := mustRead(t, open()); len(got) != 0 {
				t.Errorf("an empty place has %v", got)
			}
			other := numbered(2)
			other.Trail += "-2"
			mustPut(t, open(), numbered(2), numbered(1), other, numbered(2))
			mustPut(t, open(), numbered(3), numbered(1))
			want := []Anchor{numbered(1), numbered(2), numbered(3)}
			if diff := cmp.Diff(want, mustRead(t, open())); diff != "" {
				t.Errorf("anchors differ (-want +got):\n%s", diff)
			}
			if strings.ContainsAny(open().String(), "\n ") || open().String() == "" {
				t.Errorf("the place is called %q", open())
			}
			bad := numbered(4)
			bad.Hash = "x"
			if err := open().Put(t.Context(), bad); err == nil {
				t.Error("Put takes an anchor that Parse refuses")
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			if err := open().Put(ctx, numbered(5)); err == nil {
				t.Error("Put works in a context that has ended")
			}
		})
	}
}

// TestAnEditedAnchorShows in every kind of place that keeps files: it is said,
// and the others are read.
func TestAnEditedAnchorShows(t *testing.T) {
	dir := t.TempDir()
	b := fs.Open(dir, "anchors")
	defer b.Close()
	p := NewBucket(b, "", "file://"+dir, arn)
	mustPut(t, p, numbered(1), numbered(2))
	name := filepath.Join(dir, filepath.FromSlash(numbered(1).Name()))
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for what, edited := range map[string][]byte{
		"another event": bytes.Replace(text, []byte(`"seq":100`), []byte(`"seq":101`), 1),
		"cut":           text[:50],
		"empty":         nil,
		"two":           append(bytes.Clone(text), text...),
		"nothing known": []byte("{}\n"),
	} {
		if err := os.WriteFile(name, edited, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := p.Anchors(t.Context())
		if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), numbered(1).Name()) || !cmp.Equal(got, []Anchor{numbered(2)}) {
			t.Errorf("%s: Anchors = %d of them, %v; want the other one, and ErrDamaged that names it", what, len(got), err)
		}
	}
	if err := p.Put(t.Context(), numbered(1)); !errors.Is(err, ErrConflict) {
		t.Errorf("Put over an edited anchor: %v, want ErrConflict", err)
	}
}

// history is a bucket that keeps what was.
type history struct {
	*blobtest.Mem
	mu  sync.Mutex // guards was
	was []blob.Version
	has map[string][]byte
}

func newHistory() *history {
	return &history{Mem: blobtest.NewMem("anchors"), has: map[string][]byte{}}
}

func (h *history) Create(ctx context.Context, key string, body []byte, meta map[string]string) error {
	err := h.Mem.Create(ctx, key, body, meta)
	if err == nil {
		h.note(key, body, false)
	}
	return err
}

func (h *history) note(key string, body []byte, deleted bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	id := string(rune('a' + len(h.was)))
	h.was = append(h.was, blob.Version{Object: blob.Object{Key: key}, ID: id, Deleted: deleted})
	h.has[id] = body
}

func (h *history) Versions(_ context.Context, prefix string) iter.Seq2[blob.Version, error] {
	return func(yield func(blob.Version, error) bool) {
		for _, v := range h.was {
			if strings.HasPrefix(v.Key, prefix) && !yield(v, nil) {
				return
			}
		}
	}
}

func (h *history) GetVersion(_ context.Context, _, id string) ([]byte, map[string]string, error) {
	return h.has[id], nil, nil
}

// TestHiddenAnchorsAreRead: a mark over an anchor, or another one in its place,
// hides it from Get and not from us.
func TestHiddenAnchorsAreRead(t *testing.T) {
	h := newHistory()
	p := NewBucket(h, "", "s3://anchors", arn)
	mustPut(t, p, numbered(1), numbered(2))
	if err := h.Delete(t.Context(), numbered(1).Name()); err != nil {
		t.Fatal(err)
	}
	h.note(numbered(1).Name(), nil, true)
	if got := mustRead(t, p); !cmp.Equal(got, []Anchor{numbered(1), numbered(2)}) {
		t.Errorf("below a mark %d anchors are read", len(got))
	}
	h.note(numbered(2).Name(), numbered(3).Marshal(), false)
	got, err := p.Anchors(t.Context())
	if !errors.Is(err, ErrDamaged) || !cmp.Equal(got, []Anchor{numbered(1), numbered(2)}) {
		t.Errorf("below another text %d anchors are read, %v; want both and ErrDamaged", len(got), err)
	}
}

// receiver is somebody's server.
type receiver struct {
	url, secret string
	mu          sync.Mutex // guards below
	ids         map[string]bool
	lines       []string
	deaf        bool // gives nothing back
}

func newReceiver(t *testing.T) *receiver {
	r := &receiver{secret: filepath.Join(t.TempDir(), "secret"), ids: map[string]bool{}}
	if err := os.WriteFile(r.secret, []byte("whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.deaf && q.Method == http.MethodGet {
			w.WriteHeader(http.StatusMethodNotAllowed)
			return
		}
		if q.Method == http.MethodGet {
			_, _ = io.WriteString(w, strings.Join(r.lines, "\n"))
			return
		}
		body, _ := io.ReadAll(q.Body)
		if id := q.Header.Get("webhook-id"); !r.ids[id] {
			r.ids[id] = true
			r.lines = append(r.lines, string(body))
		}
	}))
	t.Cleanup(s.Close)
	r.url = s.URL + "/token-1234"
	return r
}

func (r *receiver) open(t *testing.T, trail string) *Webhook {
	t.Helper()
	c := webhook.NewClient(time.Now)
	t.Cleanup(c.Close)
	w, err := NewWebhook(r.url, r.secret, trail, c)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestAWebhookMayGiveNothingBack(t *testing.T) {
	r := newReceiver(t)
	w := r.open(t, arn)
	mustPut(t, w, numbered(1))
	r.lines = append(r.lines, "", string(numbered(2).Marshal()), `{"type":"trail.anchor"}`)
	got, err := w.Anchors(t.Context())
	if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), "line 5") || len(got) != 2 {
		t.Errorf("Anchors = %d of them, %v; want two, and the last line named", len(got), err)
	}
	r.deaf = true
	if _, err := w.Anchors(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("of a receiver that gives nothing back: %v, want ErrUnsupported", err)
	}
	if strings.Contains(w.String(), "token") {
		t.Errorf("the place is called %q, which shows a token", w)
	}
}

// TestKeeperTriesOnlyWhatFailed: one place that is down neither keeps the others
// from being written nor has them written twice.
func TestKeeperTriesOnlyWhatFailed(t *testing.T) {
	up, down := blobtest.NewMem("up"), blobtest.NewMem("down")
	boom := errors.New("it is down")
	down.Before(func(context.Context, blobtest.Call) error { return boom })
	k := NewKeeper([]Writer{NewBucket(up, "", "s3://up", arn), NewBucket(down, "", "s3://down", arn)}, func() time.Time { return began })
	if err := k.Keep(t.Context(), numbered(1)); !errors.Is(err, boom) || !strings.Contains(err.Error(), "s3://down") || strings.Contains(err.Error(), "s3://up") {
		t.Errorf("Keep: %v, want the place that is down named, and no other", err)
	}
	calls := up.Calls()
	if s := k.Status(); s[0].Seq != 100 || s[0].Error != "" || s[1].Seq != 0 || s[1].Error == "" || !s[1].Kept.IsZero() {
		t.Errorf("Status = %+v", s)
	}
	down.Before(nil)
	if err := k.Keep(t.Context(), numbered(1)); err != nil || up.Calls() != calls {
		t.Errorf("Keep again: %v, with %d more calls of the place that has it", err, up.Calls()-calls)
	}
	if s := k.Status(); s[1].Seq != 100 || s[1].Error != "" || !s[1].Kept.Equal(began) {
		t.Errorf("Status = %+v", s)
	}
}

func TestParseTakesNothingOnTrust(t *testing.T) {
	good := numbered(1)
	if got, err := Parse(good.Marshal()); err != nil || !cmp.Equal(got, good) {
		t.Fatalf("Parse(Marshal) = %+v, %v", got, err)
	}
	for what, change := range map[string]func(*Anchor){
		"version 0":          func(a *Anchor) { a.Version = 0 },
		"a later version":    func(a *Anchor) { a.Version = Version + 1 },
		"no trail":           func(a *Anchor) { a.Trail = "" },
		"a trail with lines": func(a *Anchor) { a.Trail = "a\nb" },
		"a short hash":       func(a *Anchor) { a.Hash = a.Hash[2:] },
		"a hash in capitals": func(a *Anchor) { a.Hash = strings.Repeat("AB", 32) },
		"no signature":       func(a *Anchor) { a.Digest.Signature = "" },
		"no key of a digest": func(a *Anchor) { a.Digest.Key = "" },
		"no time":            func(a *Anchor) { a.Time = time.Time{} },
		"no end":             func(a *Anchor) { a.Digest.End = time.Time{} },
		"no public key":      func(a *Anchor) { a.PublicKey = nil },
	} {
		a := good
		change(&a)
		if _, err := Parse(a.Marshal()); err == nil {
			t.Errorf("Parse takes an anchor with %s", what)
		}
	}
	if _, err := Parse(bytes.Repeat([]byte(" "), maxSize+1)); err == nil {
		t.Error("Parse takes more than an anchor has")
	}
}

func FuzzParse(f *testing.F) {
	f.Add(numbered(1).Marshal())
	f.Add([]byte(`{"version":1,"trail":"arn:","time":"9998-12-31T23:59:59+23:59"}`))
	f.Add([]byte("{}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(a.Marshal())
		if err != nil || !bytes.Equal(again.Marshal(), a.Marshal()) {
			t.Errorf("an anchor that was read does not read back: %v", err)
		}
		if err := blob.CheckKey(a.Name()); err != nil {
			t.Errorf("an anchor that was read has no place: %v", err)
		}
	})
}

func FuzzParseLine(f *testing.F) {
	f.Add([]byte(`{"type":"trail.anchor","timestamp":"2026-11-23T15:00:00Z","data":{}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		if a, err := parseLine(b); err == nil && a.check() != nil {
			t.Error("parseLine takes what check refuses")
		}
	})
}

func FuzzSplitBatch(f *testing.F) {
	f.Add("a\nb", []byte("0123 blob 2\nhi\n4567 blob 0\n\n"))
	f.Add("a", []byte("0123 blob -1\n"))
	f.Fuzz(func(t *testing.T, names string, b []byte) {
		texts, err := splitBatch(strings.Split(names, "\n"), b)
		if err == nil && len(texts) > strings.Count(names, "\n")+1 {
			t.Error("more objects than were asked for")
		}
	})
}
