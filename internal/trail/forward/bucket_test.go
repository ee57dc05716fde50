package forward_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

var layout = logfile.Layout{Prefix: "gate", AccountID: "111122223333", Region: "eu-west-1", Name: "trailgate"}

// farBucket is a bucket in memory; its receipts are what its log files hold, in
// the order in which they were first written.
type farBucket struct {
	t   *testing.T
	mem *blobtest.Mem

	mu      sync.Mutex // guards below
	weather forwardtest.Weather
	order   []string
}

func newFarBucket(t *testing.T) *farBucket {
	f := &farBucket{t: t, mem: blobtest.NewMem("logs.example"), weather: forwardtest.Fine}
	f.mem.Before(func(ctx context.Context, c blobtest.Call) error {
		f.mu.Lock()
		defer f.mu.Unlock()
		switch f.weather {
		case forwardtest.Slow:
			<-ctx.Done()
			return ctx.Err()
		case forwardtest.Down, forwardtest.Busy, forwardtest.Denied:
			return errors.New(string(f.weather))
		}
		if !slices.Contains(f.order, c.Key) {
			f.order = append(f.order, c.Key)
		}
		return nil
	})
	return f
}

func (f *farBucket) Sink(testing.TB) forward.Sink {
	return forward.NewBucket("archive", f.mem, layout, 5*time.Minute)
}

func (f *farBucket) Set(w forwardtest.Weather) bool {
	if slices.Contains([]forwardtest.Weather{forwardtest.Garbage, forwardtest.Impostor, forwardtest.Flaky, forwardtest.Picky}, w) {
		return false // blob/s3's to notice, or not possible: a file is taken whole
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.weather = w
	return true
}

func (f *farBucket) Receipts() (all []forwardtest.Receipt) {
	f.mu.Lock()
	order := slices.Clone(f.order)
	f.mu.Unlock()
	for _, key := range order {
		k, ok := logfile.ParseKey(key)
		if !ok || !k.Is(layout) || k.Kind != logfile.KindLog {
			f.t.Errorf("%s is not the key of a log file of %+v", key, layout)
		}
		body, _, err := f.mem.Get(context.Background(), key)
		if err != nil {
			f.t.Error(err)
			continue
		}
		text, err := logfile.Unpack(body)
		if err != nil {
			f.t.Error(err)
		}
		records, err := logfile.Split(text)
		if err != nil {
			f.t.Error(err)
		}
		for _, r := range records {
			all = append(all, receipt(r))
		}
	}
	return all
}

func TestBucket(t *testing.T) {
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return newFarBucket(t) })
}

// A batch that comes again begins with the same event and holds at least the
// same: its file replaces what is there.
func TestALogFileThatIsWrittenAgainReplaces(t *testing.T) {
	f := newFarBucket(t)
	at := time.Date(2026, 1, 15, 10, 59, 0, 0, time.UTC)
	batch := func(from, to int) (b []forward.Message) {
		for i := from; i <= to; i++ {
			b = append(b, forward.Message{Seq: uint64(i), Appended: at, JSON: fmt.Appendf(nil, `{"eventID":"e%d"}`, i)})
		}
		return b
	}
	send(t, f.Sink(t), batch(1, 3)...)
	send(t, f.Sink(t), batch(1, 5)...)
	send(t, f.Sink(t), batch(6, 6)...)
	if got := f.Receipts(); len(got) != 6 || got[4].EventID != "e5" || len(f.mem.Keys()) != 2 {
		t.Errorf("the bucket holds %d events in %d files, want 6 in 2", len(got), len(f.mem.Keys()))
	}
	other := forward.NewBucket("other", f.mem, layout, time.Minute)
	send(t, other, batch(1, 1)...)
	if len(f.mem.Keys()) != 3 {
		t.Error("two forwarders write the same file")
	}
}
