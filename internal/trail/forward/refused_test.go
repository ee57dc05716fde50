package forward_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

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
