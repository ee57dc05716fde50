package forward_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
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
