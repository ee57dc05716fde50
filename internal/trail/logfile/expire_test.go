package logfile

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/trail"
)

var (
	expireLayout = Layout{AccountID: "123456789012", Region: "us-east-1", Name: "trailgate"}
	expireBase   = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
)

// hourly puts digests of so many hours into a bucket, each naming two log
// files, and one of the backfill chain for the third hour and for one that has
// no other.
func hourly(t *testing.T, hours int) Archive {
	t.Helper()
	a := Archive{expireLayout, blobtest.NewMem("logs")}
	put := func(key, text string) {
		if err := a.Bucket.Put(t.Context(), key, Pack([]byte(text)), map[string]string{MetaSignature: "00"}); err != nil {
			t.Fatal(err)
		}
	}
	digest := func(end time.Time, backfilled bool, logs ...string) {
		newest := end.Add(-10 * time.Minute).Format(timeLayout)
		d := Digest{Start: end.Add(-time.Hour).Format(timeLayout), End: end.Format(timeLayout), Bucket: "logs", Object: a.DigestKey(end, backfilled), NewestEventTime: &newest}
		for _, l := range logs {
			d.LogFiles = append(d.LogFiles, LogFile{Bucket: "logs", Object: l})
		}
		text, err := d.Encode()
		if err != nil {
			t.Fatal(err)
		}
		put(d.Object, string(text))
	}
	for h := 1; h <= hours; h++ {
		end := expireBase.Add(time.Duration(h) * time.Hour)
		var logs []string
		for i := range 2 {
			logs = append(logs, a.LogKey(end.Add(-time.Duration(20+i)*time.Minute), newUnique()))
			put(logs[i], `{"Records":[]}`)
		}
		if h == 5 { // its digest was made up for later
			digest(end, true, logs...)
			continue
		}
		digest(end, false, logs...)
		if h == 3 {
			late := a.LogKey(end.Add(-5*time.Minute), newUnique())
			put(late, `{"Records":[]}`)
			digest(end, true, late)
		}
	}
	return a
}

func digestTimes(keys []string) (digests []string, logs int) {
	for _, k := range keys {
		p, ok := ParseKey(k)
		switch {
		case ok && p.Kind == KindDigest && p.Backfill:
			digests = append(digests, p.Time.Format("15b"))
		case ok && p.Kind == KindDigest:
			digests = append(digests, p.Time.Format("15"))
		case ok:
			logs++
		}
	}
	return digests, logs
}

// TestWholeDigestsExpire: those of before a time and the log files they name
// go, the oldest first, and the newest of the chain stays.
func TestWholeDigestsExpire(t *testing.T) {
	for _, c := range []struct {
		name          string
		before        time.Duration // after the base
		last          string
		digests, logs int // that go
		left          string
	}{
		{"none is old", 30 * time.Minute, "", 0, 0, "01 02 03 03b 04 05b 06 07 08"},
		{"in the minute of the first", time.Hour + 59*time.Second, "", 0, 0, "01 02 03 03b 04 05b 06 07 08"},
		{"the first", time.Hour + time.Minute, "01", 1, 2, "02 03 03b 04 05b 06 07 08"},
		{"with the backfill of its hour", 3*time.Hour + 30*time.Minute, "03", 4, 7, "04 05b 06 07 08"},
		{"a backfill alone waits for the next", 5*time.Hour + 30*time.Minute, "04", 5, 9, "05b 06 07 08"},
		{"a backfill with the next", 6*time.Hour + 30*time.Minute, "06", 7, 13, "07 08"},
		{"the newest stays", 1000 * time.Hour, "07", 8, 15, "08"},
	} {
		a := hourly(t, 8)
		mem := a.Bucket.(*blobtest.Mem)
		x, err := a.Expired(t.Context(), expireBase.Add(c.before))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		last, _ := ParseKey(x.LastDigest)
		if x.LastDigest != "" && last.Time.Format("15") != c.last || x.LastDigest == "" && c.last != "" || x.Digests != c.digests || x.LogFiles != c.logs {
			t.Errorf("%s: expired are %+v, want %d digests up to %q and %d log files", c.name, x, c.digests, c.last, c.logs)
		}
		if x.LastDigest == "" {
			continue
		}
		_, before := digestTimes(mem.Keys())
		// A bucket that fails in between: what is left can be removed later.
		broken := errors.New("broken")
		mem.FailNth(c.digests+1, broken)
		if err := a.Remove(t.Context(), x); err != nil && !errors.Is(err, broken) {
			t.Fatalf("%s: remove: %v", c.name, err)
		}
		for range 2 {
			if err := a.Remove(t.Context(), x); err != nil {
				t.Fatalf("%s: remove again: %v", c.name, err)
			}
		}
		digests, logs := digestTimes(mem.Keys())
		if got := strings.Join(digests, " "); got != c.left || before-logs != c.logs {
			t.Errorf("%s: left are %s, and %d log files went, want %s and %d", c.name, got, before-logs, c.left, c.logs)
		}
	}
}

// TestExpiryTouchesNothingElse: a digest names no other trail's files and no
// file that is no log file; one that cannot be read is not removed.
func TestExpiryTouchesNothingElse(t *testing.T) {
	a := hourly(t, 4)
	mem := a.Bucket.(*blobtest.Mem)
	other := a.Layout
	other.Name = "other"
	stranger := other.DigestKey(expireBase.Add(time.Hour), false)
	if err := mem.Put(t.Context(), stranger, []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	x, err := a.Expired(t.Context(), expireBase.Add(2*time.Hour+time.Minute))
	if err != nil || x.Digests != 2 {
		t.Fatalf("expired are %+v, %v", x, err)
	}
	first := a.DigestKey(expireBase.Add(time.Hour), false)
	body, meta, err := mem.Get(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string]string{
		"another trail's digest": `"s3Bucket":"logs","s3Object":"` + stranger + `"`,
		"another bucket":         `"s3Bucket":"elsewhere","s3Object":"` + a.LogKey(expireBase, newUnique()) + `"`,
		"no log file":            `"s3Bucket":"logs","s3Object":"secret.txt"`,
	} {
		text := `{"digestStartTime":"2026-11-20T00:00:00Z","digestEndTime":"2026-11-20T01:00:00Z","logFiles":[{` + bad + `}]}`
		if err := mem.Put(t.Context(), first, Pack([]byte(text)), meta); err != nil {
			t.Fatal(err)
		}
		if err := a.Remove(t.Context(), x); err == nil || !strings.Contains(err.Error(), "not a log file of this trail") {
			t.Errorf("a digest that names %s: %v", name, err)
		}
	}
	if err := mem.Put(t.Context(), first, []byte("damaged"), meta); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Expired(t.Context(), expireBase.Add(2*time.Hour+time.Minute)); err == nil {
		t.Error("a damaged digest expires")
	}
	if err := a.Remove(t.Context(), x); err == nil || !slices.Contains(mem.Keys(), first) {
		t.Errorf("a damaged digest is removed: %v", err)
	}
	if err := mem.Put(t.Context(), first, body, meta); err != nil {
		t.Fatal(err)
	}
	if err := a.Remove(t.Context(), x); err != nil || !slices.Contains(mem.Keys(), stranger) {
		t.Errorf("remove: %v; another trail's digest is there: %v", err, slices.Contains(mem.Keys(), stranger))
	}
	for _, key := range []string{"", stranger, a.LogKey(expireBase, newUnique()), "AWSLogs/x"} {
		if err := a.Remove(t.Context(), trail.Expired{LastDigest: key, Digests: 1}); err == nil {
			t.Errorf("removed up to %q", key)
		}
	}
	mem.Before(func(_ context.Context, c blobtest.Call) error {
		if c.Verb == "delete" {
			return blob.ErrLocked
		}
		return nil
	})
	x, _ = a.Expired(t.Context(), expireBase.Add(3*time.Hour+time.Minute))
	if err := a.Remove(t.Context(), x); !errors.Is(err, blob.ErrLocked) {
		t.Errorf("remove what is locked: %v", err)
	}
}
