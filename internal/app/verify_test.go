package app

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// TestVerifyBesideANode: events, log files, digests and anchors that come while
// verify looks are no findings.
func TestVerifyBesideANode(t *testing.T) {
	l := newLineage(t)
	l.cfg.Trail.LogFileEvery, l.cfg.Trail.DigestEvery = 50*time.Millisecond, time.Second
	n := l.start(t, true)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				n.commands(5, "ls")
			}
		}
	})
	var last *TrailReport
	looks := 0
	for deadline := time.Now().Add(30 * time.Second); (looks < 8 || last.Anchors < 2) && time.Now().Before(deadline); looks++ {
		r, err := VerifyTrail(t.Context(), l.cfg, l.options())
		if err != nil || !r.Intact {
			t.Errorf("look %d: %+v, %v; want no finding", looks, r, err)
			break
		}
		last = r
	}
	close(stop)
	wg.Wait()
	n.stop()
	if last == nil || last.Anchors < 2 || last.LogFiles < 2 || last.Digests < 2 {
		t.Errorf("the last of %d looks saw %+v, want anchors, log files and digests", looks, last)
	}
}

// copied is a copy of the bucket alone, as an auditor has it.
func copied(t *testing.T, l *lineage, moment files) *config.Place {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "copy")
	for name, b := range moment {
		if key, ok := strings.CutPrefix(name, "trail/AWSLogs/"); ok {
			path := filepath.Join(dir, "AWSLogs", key)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	return &config.Place{Dir: dir}
}

// TestVerifyACopy: without the journal and the settings, with a key that somebody
// handed over, a copy of the bucket is checked, and held against the anchors.
func TestVerifyACopy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLineage(t)
		l.grow(t)
		keys, err := DigestKeys(l.cfg)
		if err != nil {
			t.Fatal(err)
		}
		nobody := config.Default()
		nobody.DataDir = filepath.Join(t.TempDir(), "none")
		verify := func(place *config.Place, keys []logfile.PublicKey, anchors bool) (*TrailReport, error) {
			o := VerifyOptions{Bucket: place, Keys: keys}
			if anchors {
				o.Anchors = l.options().Anchors
			}
			return VerifyTrail(t.Context(), nobody, o)
		}
		whole := copied(t, l, l.now())
		r, err := verify(whole, keys, true)
		if err != nil || !r.Intact || r.Digests < 8 || r.Anchors < 6 || r.Events < 50 || r.Head != "" {
			t.Errorf("a whole copy: %+v, %v; want it intact, without a journal's head", r, err)
		}
		if _, err := verify(whole, nil, true); !errors.Is(err, ErrNoKeys) {
			t.Errorf("a copy without a key: %v, want ErrNoKeys", err)
		}
		stranger := newLineage(t)
		theirs, err := DigestKeys(stranger.cfg)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := verify(whole, theirs, false); err != nil || r.Intact || r.Digests != 0 {
			t.Errorf("a copy with a stranger's key: %+v, %v; want every digest refused", r, err)
		}
		old := copied(t, l, l.moments[len(l.moments)/2])
		if r, err := verify(old, keys, false); err != nil || !r.Intact {
			t.Errorf("an older copy without anchors: %+v, %v; nobody can tell that it is", r, err)
		}
		if r, err := verify(old, keys, true); err != nil || r.Intact || !strings.Contains(r.Findings[0].Where, logfile.KindDigest) {
			t.Errorf("an older copy with anchors: %+v, %v; want the first missing digest named", r, err)
		}
		var log string
		for name := range l.now() {
			if strings.Contains(name, "/CloudTrail/") && strings.HasSuffix(name, ".json.gz") {
				log = strings.TrimPrefix(name, "trail/")
			}
		}
		if err := os.Remove(filepath.Join(whole.Dir, log)); err != nil {
			t.Fatal(err)
		}
		if r, err := verify(whole, keys, false); err != nil || r.Intact || r.Findings[0].Where != log {
			t.Errorf("a copy without %s: %+v, %v; want it named", log, r, err)
		}
		empty := &config.Place{Dir: t.TempDir()}
		if _, err := verify(empty, keys, false); err == nil || !strings.Contains(err.Error(), "there are none") {
			t.Errorf("an empty copy: %v, want that there is nothing", err)
		}
	})
}

// TestVerifySaysWhatItCould: an anchor place that is down is an error, one that was
// tampered with a finding, and the report is the same in JSON.
func TestVerifySaysWhatItCould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLineage(t)
		l.grow(t)
		o := VerifyOptions{Anchors: []config.Anchor{{URL: "git+file:///nowhere/there"}}}
		if _, err := VerifyTrail(t.Context(), l.cfg, o); err == nil || !strings.Contains(err.Error(), "git+file:///nowhere/there") {
			t.Errorf("with a git remote that is not there: %v, want it named", err)
		}
		o.Anchors[0].URL = "file://" + filepath.Join(t.TempDir(), "not mounted")
		if _, err := VerifyTrail(t.Context(), l.cfg, o); err == nil || !strings.Contains(err.Error(), "there is no directory") {
			t.Errorf("with a directory that is not there: %v, want it said", err)
		}
		var edited string
		err := filepath.WalkDir(l.outside, func(path string, d os.DirEntry, err error) error {
			if err == nil && filepath.Ext(path) == ".json" {
				edited = path
			}
			return err
		})
		if err == nil {
			err = os.WriteFile(edited, []byte("{}"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		r, err := VerifyTrail(t.Context(), l.cfg, l.options())
		if err != nil || len(r.Findings) != 1 || r.Findings[0].Where != "file://"+l.outside || !strings.Contains(r.Findings[0].Problem, filepath.Base(edited)) {
			t.Errorf("with an anchor that was edited: %+v, %v; want it named", r, err)
		}
		b, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var again TrailReport
		if err := json.Unmarshal(b, &again); err != nil || again.Anchors != r.Anchors || !slices.Equal(again.Findings, r.Findings) {
			t.Errorf("the report in JSON reads back as %+v, %v", again, err)
		}
	})
}

// TestVerifyAPart: with bounds, the digests between them count.
func TestVerifyAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLineage(t)
		began := time.Now()
		l.grow(t)
		all, err := VerifyTrail(t.Context(), l.cfg, l.options())
		if err != nil {
			t.Fatal(err)
		}
		o := l.options()
		o.From, o.To = began.Add(90*time.Minute), began.Add(4*time.Hour)
		r, err := VerifyTrail(t.Context(), l.cfg, o)
		if err != nil || !r.Intact || r.Digests == 0 || r.Digests >= all.Digests || r.Events != all.Events {
			t.Errorf("a part: %+v, %v; want it intact, with fewer digests than %d and the whole journal", r, err, all.Digests)
		}
	})
}

var _ blob.Bucket = named{}

// TestOpenBucketObeysTheSetting.
func TestOpenBucketObeysTheSetting(t *testing.T) {
	cfg := config.Default()
	cfg.DataDir, cfg.AccountID, cfg.Region = t.TempDir(), "111122223333", "eu-west-1"
	b, prefix, err := OpenBucket(context.Background(), cfg)
	if err != nil || b.Name() != "trailgate-111122223333-eu-west-1" || prefix != "" {
		t.Fatalf("OpenBucket = %v, %q, %v", b, prefix, err)
	}
	if err := b.Put(t.Context(), "AWSLogs/x", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "trail", "AWSLogs", "x")); err != nil {
		t.Error(err)
	}
	for name, value := range map[string]string{"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_PROFILE": ""} {
		t.Setenv(name, value)
	}
	cfg.Blob.URL = "s3://logs/a/b?region=eu-west-1"
	if b, prefix, err = OpenBucket(context.Background(), cfg); err != nil || b.Name() != "logs" || prefix != "a/b" {
		t.Errorf("OpenBucket = %v, %q, %v; want the bucket logs and the prefix a/b", b, prefix, err)
	}
	cfg.Blob.URL = "ftp://x"
	if _, _, err := OpenBucket(context.Background(), cfg); err == nil {
		t.Error("OpenBucket takes ftp://x")
	}
}
