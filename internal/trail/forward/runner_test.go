package forward_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

func TestASilentSinkIsGivenUpAfterItsTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(func(ctx context.Context, _ []forward.Message) ([]forward.Failure, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		b.journal.Add(1)
		b.start()
		after(31 * time.Second)
		if st := b.r.Status(); !strings.Contains(st.LastError, "no answer within 30s") {
			t.Errorf("last error %q", st.LastError)
		}
		b.stop()
	})
}

func TestNeededHoldsBackWhatHasNotArrived(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{Events: 2})
		b.journal.Add(4)
		b.start()
		after(2 * time.Second)
		if got := b.r.Needed(); got != 5 {
			t.Errorf("Needed = %d, want 5", got)
		}
		b.sink.answer(refuse)
		b.journal.Add(4)
		after(24 * time.Hour)
		if got := b.r.Needed(); got != 5 {
			t.Errorf("Needed = %d after a day, want 5", got)
		}
		b.sink.answer(nil)
		after(2 * time.Minute)
		if got := b.r.Needed(); got != 9 || b.sink.batches() != "1-2 3-4 5-6 7-8" {
			t.Errorf("Needed = %d, batches %s", got, b.sink.batches())
		}
		b.stop()
	})
}

func TestABatchLingersUnlessSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{Linger: 5 * time.Minute})
		b.start()
		b.journal.Add(2)
		after(2 * time.Minute)
		b.journal.Add(1)
		after(2 * time.Minute)
		if got := b.sink.batches(); got != "" {
			t.Errorf("sent %s before the time", got)
		}
		after(61 * time.Second)
		if got := b.sink.batches(); got != "1-3" {
			t.Errorf("sent %q after five minutes, want 1-3", got)
		}
		b.journal.Add(2)
		if err := b.r.Flush(t.Context(), 5); err != nil || b.sink.batches() != "1-3 4-5" {
			t.Errorf("Flush = %v, sent %q", err, b.sink.batches())
		}
		b.journal.Add(1)
		after(time.Minute)
		if got := b.sink.batches(); got != "1-3 4-5" {
			t.Errorf("sent %q: a flush is over when its event is sent", got)
		}
		b.stop()
	})
}

func TestFlushSaysWhyItDoesNotEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(refuse)
		b.start()
		b.journal.Add(1)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := b.r.Flush(ctx, 1); err == nil || err.Error() != "connection refused" {
			t.Errorf("Flush = %v, want the sink's error", err)
		}
		b.stop()
	})
}

func TestBatchesKeepTheLimits(t *testing.T) {
	for _, c := range []struct {
		name   string
		limits forward.Limits
		want   string
	}{
		{"events", forward.Limits{Events: 4}, "1-4 5-8 9-10"},
		{"bytes", forward.Limits{Bytes: 100, Size: func(forward.Message) int { return 30 }}, "1-3 4-6 7-9 10-10"},
		{"what the sink says", forward.Limits{Split: func(b []forward.Message, next forward.Message) bool { return next.Seq == 6 || next.Seq == 7 }}, "1-5 6-6 7-10"},
		{"none", forward.Limits{}, "1-10"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, c.limits)
				b.journal.Add(10)
				b.start()
				after(time.Second)
				if got := b.sink.batches(); got != c.want {
					t.Errorf("batches %s, want %s", got, c.want)
				}
				b.stop()
			})
		})
	}
}

func TestOnlySendsWhatIsWantedAndCountsTheRestAsDone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		var err error
		if b.o.Only, err = sqlfront.ParsePredicate("errorCode = 'AccessDenied'"); err != nil {
			t.Fatal(err)
		}
		b.journal.Add(8) // 2 and 6 are denied
		b.start()
		after(2 * time.Second)
		if st := b.r.Status(); st.Cursor != 8 || st.Sent != 2 || st.LagEvents != 0 || b.sink.batches() != "2-6" || b.r.Needed() != 9 {
			t.Errorf("status %+v, batches %s, needed %d", st, b.sink.batches(), b.r.Needed())
		}
		origin := event.Origin{EventSource: "e", Region: "r", AccountID: "111122223333"}
		b.journal.Append(origin.Record(event.Meta{Time: time.Now()}, event.TestForwarder{Forwarder: "another"}))
		b.journal.Append(origin.Record(event.Meta{Time: time.Now()}, event.TestForwarder{Forwarder: "siem"}))
		after(2 * time.Second)
		if got := b.sink.batches(); got != "2-6 10-10" {
			t.Errorf("batches %s, want its own test message to pass the filter", got)
		}
		b.stop()
	})
}

func TestAMessageIsOneLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		var got []string
		b.sink.answer(func(_ context.Context, batch []forward.Message) ([]forward.Failure, error) {
			for _, m := range batch {
				got = append(got, string(m.JSON))
			}
			return nil, nil
		})
		texts := []string{"{\n  \"a\": \"\\n\"\n}", "{\n", `{"b": 1}`}
		b.o.Encode = func(e event.Entry) ([]byte, error) { return []byte(texts[e.Seq-1]), nil }
		b.journal.Add(3)
		b.start()
		after(time.Second)
		b.stop()
		if want := []string{`{"a":"\n"}`, `{"b": 1}`}; !slices.Equal(got, want) {
			t.Errorf("sent %q, want %q", got, want)
		}
		if st := b.r.Status(); st.Refused != 1 {
			t.Errorf("status %+v, want what is no JSON put aside", st)
		}
	})
}

// After a restart a failure is known, and what it was is not.
func TestFlushAfterARestartSaysSomething(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(refuse)
		b.journal.Add(1)
		b.start()
		after(10 * time.Minute)
		b.stop()
		b.sink.answer(func(ctx context.Context, _ []forward.Message) ([]forward.Failure, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		b.start()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := b.r.Flush(ctx, 1); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Flush = %v, want that its time is over", err)
		}
		b.stop()
	})
}

func TestASinkIsLeftAloneAsLongAsItAsks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(func(context.Context, []forward.Message) ([]forward.Failure, error) {
			return nil, &forward.BatchError{After: 10 * time.Minute, Cause: errors.New("429")}
		})
		b.journal.Add(1)
		b.start()
		after(9 * time.Minute)
		if n := b.sink.requests(); n != 1 {
			t.Errorf("%d requests within nine minutes, want 1", n)
		}
		if got := b.recorded(); len(got) != 1 {
			t.Errorf("recorded %v: five minutes are over while it waits", got)
		}
		after(2 * time.Minute)
		if n := b.sink.requests(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
		b.stop()
	})
}

func TestANewForwarderStartsWhereItIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.journal.Add(5)
		b.o.FromNow = true
		b.start()
		b.stop()
		b.journal.Add(2)
		b.start() // from now means when it was first seen
		after(2 * time.Second)
		if got := b.sink.batches(); got != "6-7" {
			t.Errorf("batches %s, want 6-7", got)
		}
		b.stop()
	})
}

func TestEventsThatWereRemovedAreMissed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.journal.Add(10)
		b.journal.Prune(4)
		b.start() // a new forwarder takes what there is
		after(2 * time.Second)
		if st := b.r.Status(); st.Missed != 0 || b.sink.batches() != "4-10" {
			t.Errorf("status %+v, batches %s", st, b.sink.batches())
		}
		b.stop()
		b.journal.Add(10)
		b.journal.Prune(16)
		b.start() // one that was away has missed some
		after(2 * time.Second)
		if st := b.r.Status(); st.Missed != 5 || st.Cursor != 20 {
			t.Errorf("status %+v, want 5 missed", st)
		}
		b.stop()
	})
}

func TestAnotherTrailIsForwardedFromItsBeginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.journal.Add(9)
		b.start()
		after(2 * time.Second)
		b.stop()
		b.journal = forwardtest.NewJournal(time.Now())
		b.o.Journal = b.journal
		b.journal.Add(4)
		b.start()
		after(2 * time.Second)
		if got := b.sink.batches(); got != "1-9 1-4" {
			t.Errorf("batches %s, want all of the new trail", got)
		}
		b.stop()
	})
}

// brokenJournal cannot be read for a while.
type brokenJournal struct {
	*forwardtest.Journal
	mu    sync.Mutex // guards below
	times int
}

func (j *brokenJournal) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	j.mu.Lock()
	j.times--
	broken := j.times >= 0
	j.mu.Unlock()
	if broken {
		return errors.New("input/output error")
	}
	return j.Journal.Follow(ctx, from, fn)
}

func TestAJournalThatCannotBeReadIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.o.Journal = &brokenJournal{Journal: b.journal, times: 3}
		b.journal.Add(2)
		b.start()
		after(time.Minute)
		if st := b.r.Status(); st.Cursor != 2 || st.Errors != 3 || !st.Failing.IsZero() {
			t.Errorf("status %+v", st)
		}
		b.stop()
	})
}

func TestBackoffDoublesToAMinute(t *testing.T) {
	for attempt, most := range map[int]time.Duration{1: 250 * time.Millisecond, 2: 500 * time.Millisecond, 5: 4 * time.Second, 9: time.Minute, 1000: time.Minute} {
		for range 100 {
			if d := forward.Backoff(attempt); d > most || d < most/2 {
				t.Fatalf("Backoff(%d) = %v, want %v or up to half of it less", attempt, d, most)
			}
		}
	}
}

// BenchmarkForwardFile: a backlog of 10,000 events into a file.
func BenchmarkForwardFile(b *testing.B) {
	journal := forwardtest.NewJournal(time.Now())
	journal.Add(10_000)
	for b.Loop() {
		ctx, cancel := context.WithCancel(b.Context())
		dir := b.TempDir()
		r, err := forward.New(ctx, forward.Options{
			Name: "file", Kind: "file", Sink: forward.NewFile(filepath.Join(dir, "events.jsonl")), Journal: journal, Store: forwardtest.NewStore(), Dir: dir,
			Record: func(context.Context, event.Event) error { return nil },
		})
		if err != nil {
			b.Fatal(err)
		}
		var wg sync.WaitGroup
		wg.Go(func() { r.Run(ctx) })
		if err := r.Flush(ctx, 10_000); err != nil {
			b.Fatal(err)
		}
		cancel()
		wg.Wait()
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "events/s")
}
