package forward_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

// fakeSink does what a test says.
type fakeSink struct {
	limits forward.Limits
	mu     sync.Mutex // guards below
	reply  func(ctx context.Context, batch []forward.Message) ([]forward.Failure, error)
	took   [][]uint64 // of each batch that was taken whole
	calls  int
}

func (s *fakeSink) Limits() forward.Limits { return s.limits }
func (s *fakeSink) String() string         { return "fake://" }
func (s *fakeSink) Close() error           { return nil }

func (s *fakeSink) Send(ctx context.Context, batch []forward.Message) ([]forward.Failure, error) {
	s.mu.Lock()
	s.calls++
	reply := s.reply
	s.mu.Unlock()
	if reply != nil {
		if failed, err := reply(ctx, batch); err != nil || len(failed) > 0 {
			return failed, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var seqs []uint64
	for _, m := range batch {
		seqs = append(seqs, m.Seq)
	}
	s.took = append(s.took, seqs)
	return nil, nil
}

func (s *fakeSink) answer(f func(context.Context, []forward.Message) ([]forward.Failure, error)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reply = f
}

func (s *fakeSink) requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// batches is what was taken, as text: 1-3 4-4.
func (s *fakeSink) batches() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []string
	for _, b := range s.took {
		all = append(all, fmt.Sprintf("%d-%d", b[0], b[len(b)-1]))
	}
	return strings.Join(all, " ")
}

// bench is a runner at work on a fake sink.
type bench struct {
	t       *testing.T
	o       forward.Options
	sink    *fakeSink
	journal *forwardtest.Journal
	store   state.Store
	r       *forward.Runner
	stop    func()

	mu     sync.Mutex // guards below
	events []event.Event
}

func newBench(t *testing.T, limits forward.Limits) *bench {
	b := &bench{t: t, sink: &fakeSink{limits: limits}, journal: forwardtest.NewJournal(time.Now()), store: forwardtest.NewStore()}
	b.o = forward.Options{
		Name: "siem", Kind: "fake", Sink: b.sink, Journal: b.journal, Store: b.store, Dir: filepath.Join(t.TempDir(), "siem"),
		Record: func(_ context.Context, e event.Event) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.events = append(b.events, e)
			return nil
		},
	}
	return b
}

// start makes a runner and runs it until stop is called.
func (b *bench) start() {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	r, err := forward.New(ctx, b.o)
	if err != nil {
		b.t.Fatal(err)
	}
	b.r = r
	var wg sync.WaitGroup
	wg.Go(func() { r.Run(ctx) })
	b.stop = func() {
		cancel()
		wg.Wait()
	}
}

func (b *bench) recorded() []event.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]event.Event(nil), b.events...)
}

// after lets the fake clock run.
func after(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func refuse(context.Context, []forward.Message) ([]forward.Failure, error) {
	return nil, errors.New("connection refused")
}

func TestAFailureIsAnnouncedAfterFiveMinutesAndSoIsItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(refuse)
		b.journal.Add(3)
		began := time.Now()
		b.start()
		after(5*time.Minute - time.Second)
		if got := b.recorded(); len(got) != 0 {
			t.Fatalf("recorded %+v before five minutes were over", got)
		}
		st := b.r.Status()
		if !st.Failing.Equal(began) || st.LastError != "connection refused" || st.LagEvents != 3 || st.LagSeconds <= 0 || st.Errors < 8 {
			t.Errorf("status %+v", st)
		}
		after(time.Second)
		want := event.FailForwarder{Forwarder: "siem", Kind: "fake", Since: began.UTC().Format(time.RFC3339), Waiting: 3, Reason: "connection refused"}
		if got := b.recorded(); len(got) != 1 || got[0] != event.Event(want) {
			t.Fatalf("recorded %+v, want %+v", got, want)
		}
		b.stop()
		b.start() // a restart says neither twice
		after(10 * time.Minute)
		if got := b.recorded(); len(got) != 1 {
			t.Fatalf("recorded %+v after a restart, want no more", got)
		}
		if got := b.r.Status().Failing; !got.Equal(began) {
			t.Errorf("failing since %v, want since %v, before the restart", got, began)
		}
		b.sink.answer(nil)
		b.journal.Add(2)
		after(time.Minute)
		got := b.recorded()
		if len(got) != 2 {
			t.Fatalf("recorded %+v, want ResumeForwarder too", got)
		}
		resumed, ok := got[1].(event.ResumeForwarder)
		if !ok || resumed.Seconds < 15*60 || resumed.Seconds > 17*60 || resumed.Since != want.Since || resumed.Waiting != 5 {
			t.Errorf("recorded %+v", got[1])
		}
		if st := b.r.Status(); !st.Failing.IsZero() || st.Cursor != 5 || st.Sent != 5 || st.LagEvents != 0 || st.LagSeconds != 0 {
			t.Errorf("status %+v", st)
		}
		b.stop()
	})
}

func TestAShortFailureIsNotAnnounced(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(refuse)
		b.journal.Add(1)
		b.start()
		after(4 * time.Minute)
		b.sink.answer(nil)
		after(time.Hour)
		if got := b.recorded(); len(got) != 0 {
			t.Errorf("recorded %+v", got)
		}
		b.stop()
	})
}

// While the trail cannot be appended to, the announcement waits for it.
func TestAnAnnouncementWaitsForTheTrail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		record := b.o.Record
		down := true
		b.o.Record = func(ctx context.Context, e event.Event) error {
			b.mu.Lock()
			no := down
			b.mu.Unlock()
			if no {
				return errors.New("the trail is down")
			}
			return record(ctx, e)
		}
		b.sink.answer(refuse)
		b.journal.Add(1)
		b.start()
		after(20 * time.Minute)
		b.mu.Lock()
		down = false
		b.mu.Unlock()
		after(2 * time.Minute)
		if got := b.recorded(); len(got) != 1 {
			t.Errorf("recorded %+v, want FailForwarder once", got)
		}
		b.stop()
	})
}

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

func TestWhatIsTooLargeIsPutAsideUnsent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{Largest: 50, Size: func(m forward.Message) int { return int(m.Seq) * 20 }})
		b.journal.Add(4)
		b.start()
		after(time.Second)
		if st := b.r.Status(); st.Refused != 2 || st.Sent != 2 || st.Cursor != 4 || b.sink.batches() != "1-2" {
			t.Errorf("status %+v, batches %s", st, b.sink.batches())
		}
		b.stop()
		text, err := os.ReadFile(filepath.Join(b.o.Dir, forward.AsideName))
		if err != nil || strings.Count(string(text), "\n") != 2 || !strings.Contains(string(text), "the sink takes 50") {
			t.Errorf("put aside: %v\n%s", err, text)
		}
		b.start()
		if got := b.r.Status().Refused; got != 2 {
			t.Errorf("Refused = %d after a restart, want 2", got)
		}
		b.stop()
	})
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

func TestWhatCannotBeEncodedIsPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.o.Encode = func(e event.Entry) ([]byte, error) {
			if e.Seq == 2 {
				return nil, errors.New("no class for it")
			}
			return []byte(`{}`), nil
		}
		b.journal.Add(3)
		b.start()
		after(time.Second)
		if st := b.r.Status(); st.Refused != 1 || st.Sent != 2 || st.Cursor != 3 {
			t.Errorf("status %+v", st)
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

// One bad message in a batch that is refused as a whole is found by halving.
func TestABadMessageIsFoundAndTheOthersArrive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(func(_ context.Context, batch []forward.Message) ([]forward.Failure, error) {
			for _, m := range batch {
				if m.Seq == 37 {
					return nil, &forward.BatchError{Final: true, Cause: errors.New("400 Bad Request")}
				}
			}
			return nil, nil
		})
		b.journal.Add(64)
		b.start()
		after(time.Second)
		st := b.r.Status()
		if st.Refused != 1 || st.Sent != 63 || st.Cursor != 64 || b.sink.requests() != 13 {
			t.Errorf("status %+v after %d requests, want 63 sent and 1 refused after 13", st, b.sink.requests())
		}
		b.stop()
	})
}

// A sink that refuses everything is wrong itself, whatever it says: events wait
// instead of all being put aside.
func TestASinkThatRefusesEverythingIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		b.sink.answer(func(context.Context, []forward.Message) ([]forward.Failure, error) {
			return nil, &forward.BatchError{Final: true, Cause: errors.New("400 Bad Request")}
		})
		b.journal.Add(500)
		b.start()
		after(10 * time.Minute)
		if st := b.r.Status(); st.Refused != 100 || st.Failing.IsZero() || !strings.Contains(st.LastError, "it must be wrong, not they: 400 Bad Request") {
			t.Errorf("status %+v, want 100 put aside and the others waiting", st)
		}
		b.sink.answer(nil)
		after(2 * time.Minute)
		if st := b.r.Status(); st.Refused != 100 || st.Sent != 400 || st.Cursor != 500 {
			t.Errorf("status %+v, want the other 400 sent", st)
		}
		b.stop()
	})
}

func TestOnlyWhatFailedIsSentAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{})
		var sizes []int
		b.sink.answer(func(_ context.Context, batch []forward.Message) (failed []forward.Failure, _ error) {
			sizes = append(sizes, len(batch))
			for _, m := range batch {
				switch {
				case m.Seq == 3:
					failed = append(failed, forward.Failure{Seq: 3, Reason: "too old", Final: true})
				case m.Seq >= 7 && len(sizes) < 3:
					failed = append(failed, forward.Failure{Seq: m.Seq, Reason: "throttled"})
				}
			}
			return failed, nil
		})
		b.journal.Add(10)
		b.start()
		after(time.Minute)
		if st := b.r.Status(); fmt.Sprint(sizes) != "[10 4 4]" || st.Sent != 9 || st.Refused != 1 || st.Cursor != 10 {
			t.Errorf("batches of %v, status %+v", sizes, st)
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

// A disk that is full, or gone, keeps a refused message from being put aside:
// the runner waits.
func TestNothingIsRefusedUnlessItIsPutAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, forward.Limits{Largest: 1})
		b.start()
		if err := os.WriteFile(b.o.Dir, nil, 0o600); err != nil { // a file where the directory should be
			t.Fatal(err)
		}
		b.journal.Add(1)
		after(10 * time.Second)
		if st := b.r.Status(); st.Refused != 0 || st.Cursor != 0 || !strings.Contains(st.LastError, "put a refused message aside") {
			t.Errorf("status %+v, want it to wait", st)
		}
		if err := os.Remove(b.o.Dir); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Minute)
		if st := b.r.Status(); st.Refused != 1 || st.Cursor != 1 || !st.Failing.IsZero() {
			t.Errorf("status %+v", st)
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
