package app

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/anchor"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// files are all files of a data directory that a trail is made of, by their path
// in it. What is in one is never changed in place.
type files map[string][]byte

// readFiles reads the trail's files below a data directory.
func readFiles(t *testing.T, dir string) files {
	t.Helper()
	all := files{}
	for _, sub := range []string{"journal", "events", "trail"} {
		err := filepath.WalkDir(filepath.Join(dir, sub), func(path string, d fs.DirEntry, err error) error {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if err == nil && len(b) > 0 { // the journal's lock is empty
				name, _ := filepath.Rel(dir, path)
				all[filepath.ToSlash(name)] = b
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// write makes a data directory that has the files was have these.
func (f files) write(t *testing.T, dir string, was files) {
	t.Helper()
	for name := range was {
		if _, keep := f[name]; !keep {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, b := range f {
		if old, ok := was[name]; ok && bytes.Equal(old, b) {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// lineage is a trail as it was again and again while it grew.
type lineage struct {
	dir      string
	cfg      config.Config
	outside  string // directory of the anchors
	anchors  []config.Anchor
	moments  []files // each consistent in itself; the last is now
	heads    []uint64
	anchored []uint64 // events that anchors speak of
}

func (l *lineage) now() files { return l.moments[len(l.moments)-1] }

// options hold the trail against its anchors.
func (l *lineage) options() VerifyOptions {
	return VerifyOptions{Anchors: l.anchors}
}

// newLineage is a trail's settings in a new data directory with a digest key.
func newLineage(t *testing.T) *lineage {
	t.Helper()
	l := &lineage{dir: t.TempDir(), outside: t.TempDir(), cfg: config.Default()}
	l.cfg.DataDir, l.cfg.AccountID, l.cfg.Region = l.dir, "111122223333", "eu-west-1"
	l.cfg.Trail.LogFileEvery = 15 * time.Minute
	l.anchors = []config.Anchor{{URL: "file://" + l.outside}}
	for _, dir := range []string{caDir(l.cfg), TrailDir(l.cfg)} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := ca.InitDigest(caDir(l.cfg), time.Now()); err != nil {
		t.Fatal(err)
	}
	return l
}

// stubborn is a bucket that takes no digests while it is told so.
type stubborn struct {
	blob.Bucket
	refuse atomic.Bool
}

// Put refuses digests.
func (b *stubborn) Put(ctx context.Context, key string, body []byte, meta map[string]string) error {
	if b.refuse.Load() && strings.Contains(key, logfile.KindDigest) {
		return errors.New("the bucket takes no digests today")
	}
	return b.Bucket.Put(ctx, key, body, meta)
}

// Create is the driver's.
func (b *stubborn) Create(ctx context.Context, key string, body []byte, meta map[string]string) error {
	if b.refuse.Load() && strings.Contains(key, logfile.KindDigest) {
		return errors.New("the bucket takes no digests today")
	}
	return b.Bucket.(blob.Creator).Create(ctx, key, body, meta)
}

// node is a trail at work: everything that writes its files.
type node struct {
	t         *testing.T
	l         *lineage
	trail     *trail.Trail
	bucket    *stubborn
	deliverer *logfile.Deliverer
	stop      func()
}

// start runs a node on the lineage's directory. It must be in a bubble. Without
// anchors nobody outside is told.
func (l *lineage) start(t *testing.T, anchors bool) *node {
	t.Helper()
	n := &node{t: t, l: l}
	var err error
	if n.trail, err = trail.Open(l.dir, trail.Options{Origin: OriginOf(l.cfg), SegmentBytes: 12 << 10}); err != nil {
		t.Fatal(err)
	}
	inner, prefix, err := OpenBucket(t.Context(), l.cfg)
	if err != nil {
		t.Fatal(err)
	}
	n.bucket = &stubborn{Bucket: inner}
	keys, err := ca.LoadDigest(caDir(l.cfg))
	if err != nil {
		t.Fatal(err)
	}
	a := &App{cfg: l.cfg}
	var list []config.Anchor
	if anchors {
		list = l.options().Anchors
	}
	layout := LayoutOf(l.cfg, prefix)
	places, err := openAnchors(t.Context(), list, layout.ARN(), anchorDir(l.cfg))
	if err != nil {
		t.Fatal(err)
	}
	a.files = logFiles{layout: layout, keeper: places.keeper()}
	n.deliverer = logfile.NewDeliverer(logfile.Options{
		Layout: layout, Journal: n.trail, Bucket: n.bucket, Signer: digestSigner{keys}, Dir: TrailDir(l.cfg), FileEvery: l.cfg.Trail.LogFileEvery, DigestEvery: l.cfg.Trail.DigestEvery,
		Record:  func(ctx context.Context, e event.Event) error { return n.append(ctx, e) },
		Witness: a.anchorDigest,
		OnError: func(err error) {
			if !n.bucket.refuse.Load() && !errors.Is(err, context.Canceled) {
				t.Errorf("deliver: %v", err)
			}
		},
	})
	sealer := trail.NewSealer(n.trail, trail.SealOptions{Every: 150 * time.Minute})
	merger := trail.NewCompactor(sealer, trail.CompactOptions{Files: 1, OnError: func(err error) { t.Errorf("merge: %v", err) }})
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { _ = n.trail.Run(ctx) })
	wg.Go(func() { _ = sealer.Run(ctx) })
	wg.Go(func() { _ = merger.Run(ctx) })
	wg.Go(func() { _ = n.deliverer.Run(ctx) })
	n.stop = func() {
		cancel()
		wg.Wait()
		places.Close()
		if c, ok := inner.(interface{ Close() error }); ok {
			c.Close()
		}
		if err := n.trail.Close(); err != nil {
			t.Error(err)
		}
	}
	return n
}

func (n *node) append(ctx context.Context, e event.Event) error {
	_, err := n.trail.Append(ctx, OriginOf(n.l.cfg).Record(event.Meta{
		Time: time.Now(), Identity: event.UserIdentity{Type: "IAMUser", UserName: "alice"}, SourceIP: "203.0.113.7",
	}, e))
	return err
}

// commands appends events, one after the other.
func (n *node) commands(count int, text string) {
	n.t.Helper()
	for i := range count {
		if err := n.append(n.t.Context(), event.ExecuteCommand{Command: fmt.Sprintf("%s %d", text, i)}); err != nil {
			n.t.Fatal(err)
		}
	}
}

// keep notes the files as they are now, when nothing is being written.
func (n *node) keep() {
	n.t.Helper()
	synctest.Wait()
	now := readFiles(n.t, n.l.dir)
	if m := n.l.moments; len(m) > 0 && maps.EqualFunc(m[len(m)-1], now, bytes.Equal) {
		return
	}
	n.l.moments = append(n.l.moments, now)
	n.l.heads = append(n.l.heads, n.trail.Head().Seq)
}

// grow is half a day of a small trail: busy hours, hours without an event, an hour in
// which the bucket takes no digest, and a crash that leaves log files for the
// backfill chain.
func (l *lineage) grow(t *testing.T) {
	t.Helper()
	n := l.start(t, true)
	n.keep()
	for hour := range 9 {
		for part := range 3 {
			if hour%4 != 2 {
				n.commands(2+hour%3, fmt.Sprintf("ls /srv/%d/%d", hour, part))
			}
			n.keep()
			time.Sleep(20 * time.Minute)
			n.keep()
		}
		n.bucket.refuse.Store(hour == 4)
		if hour == 6 { // it dies before the digest is due, and is down for longer than an hour
			n.commands(3, "shutdown")
			time.Sleep(15 * time.Minute)
			n.keep()
			n.stop()
			time.Sleep(3 * time.Hour)
			n = l.start(t, true)
		}
	}
	time.Sleep(2 * time.Hour)
	n.keep()
	n.stop()
	places, err := openAnchors(t.Context(), l.options().Anchors, LayoutOf(l.cfg, "").ARN(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer places.Close()
	anchors, err := places.list[0].(*anchor.Bucket).Anchors(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range anchors {
		l.anchored = append(l.anchored, a.Seq)
	}
}

// fork is what the trail would be if somebody with its keys had put an older copy
// back and gone on from there, with nobody outside told.
func (l *lineage) fork(t *testing.T, from, hours int) files {
	t.Helper()
	other := &lineage{dir: t.TempDir(), cfg: l.cfg}
	other.cfg.DataDir = other.dir
	if err := os.Symlink(caDir(l.cfg), caDir(other.cfg)); err != nil {
		t.Fatal(err)
	}
	l.moments[from].write(t, other.dir, nil)
	if err := os.MkdirAll(TrailDir(other.cfg), 0o700); err != nil {
		t.Fatal(err)
	}
	n := other.start(t, false)
	for range hours {
		n.commands(6, "cat /etc/shadow")
		time.Sleep(time.Hour)
	}
	n.keep()
	n.stop()
	return other.now()
}
