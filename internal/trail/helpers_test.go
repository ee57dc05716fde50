package trail

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

// dataDir is the data directory of trails in memory.
const dataDir = "/data"

var testOrigin = event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "123456789012"}

// testRecord is a record whose JSON is about size bytes long.
func testRecord(size int) event.Record {
	pad := max(0, min(1000, size-560))
	return testOrigin.Record(event.Meta{
		Time:     time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
		Identity: event.UserIdentity{Type: "IAMUser", UserName: "alice", ARN: "arn:aws:iam::123456789012:user/alice"},
		SourceIP: "203.0.113.7",
	}, event.StartShell{Channel: 1, Term: strings.Repeat("x", pad)})
}

// running is a trail with its committer at work.
type running struct {
	*Trail
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

func start(t testing.TB, fsys FS, dir string, o Options) *running {
	t.Helper()
	r, err := tryStart(fsys, dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryStart(fsys FS, dir string, o Options) (*running, error) {
	o.FS, o.Origin = fsys, testOrigin
	tr, err := Open(dir, o)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{Trail: tr, cancel: cancel}
	r.wg.Go(func() { tr.Run(ctx) })
	return r, nil
}

// end stops the committer and closes the trail.
func (r *running) end() error {
	r.cancel()
	r.wg.Wait()
	return r.Close()
}

func (r *running) mustEnd(t testing.TB) {
	t.Helper()
	if err := r.end(); err != nil {
		t.Fatal(err)
	}
}

func (r *running) mustAppend(t testing.TB, n, size int) {
	t.Helper()
	for range n {
		if _, err := r.Append(context.Background(), testRecord(size)); err != nil {
			t.Fatal(err)
		}
	}
}

// contents are all entries of a trail that nobody has open, in order.
func contents(fsys FS, dir string) ([]event.Entry, error) {
	r, err := openReader(fsys, dir)
	if err != nil {
		return nil, err
	}
	var all []event.Entry
	err = r.Follow(context.Background(), 1, func(es []event.Entry) error {
		all = append(all, es...)
		return nil
	})
	if err == nil && uint64(len(all)) != r.Head().Seq {
		err = fmt.Errorf("read %d events, the head is at %d", len(all), r.Head().Seq)
	}
	return all, err
}

// eventID is the entry's, without decoding all of it.
func eventID(e event.Entry) string {
	_, rest, _ := strings.Cut(string(e.JSON), `"eventID":"`)
	id, _, _ := strings.Cut(rest, `"`)
	return id
}

func eventName(e event.Entry) string {
	_, rest, _ := strings.Cut(string(e.JSON), `"eventName":"`)
	name, _, _ := strings.Cut(rest, `"`)
	return name
}

// checkContents holds a trail's entries against the fate of its events: each
// acknowledged one is there, where its writer was told; none is there twice;
// sequence numbers have no gap and append times never go back.
func checkContents(all []event.Entry, acked map[string]uint64) error {
	at := map[string]uint64{}
	var errs []error
	for i, e := range all {
		if e.Seq != uint64(i+1) {
			errs = append(errs, fmt.Errorf("entry %d has sequence number %d", i+1, e.Seq))
		}
		if i > 0 && e.AppendTime.Before(all[i-1].AppendTime) {
			errs = append(errs, fmt.Errorf("append time goes back at event %d", e.Seq))
		}
		id := eventID(e)
		if at[id] != 0 {
			errs = append(errs, fmt.Errorf("event %s is there twice, at %d and %d", id, at[id], e.Seq))
		}
		at[id] = e.Seq
	}
	for id, seq := range acked {
		if at[id] != seq {
			errs = append(errs, fmt.Errorf("acknowledged event %s is at %d, want %d (0: lost)", id, at[id], seq))
		}
	}
	return errors.Join(errs...)
}

// mustVerify fails unless the trail is intact.
func mustVerify(t testing.TB, fsys FS, dir string) Report {
	t.Helper()
	r, err := verify(context.Background(), fsys, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !r.Intact {
		t.Fatalf("Verify found %d problems, first: %s", len(r.Findings), r.Findings[0])
	}
	return r
}

// scale is how often to do what is done often: the environment variable if it
// is set, so that a long run is the same test.
func scale(t testing.TB, env string, usual int) int {
	t.Helper()
	s := os.Getenv(env)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatalf("%s is not a number: %v", env, err)
	}
	return n
}
