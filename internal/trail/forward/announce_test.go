package forward_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

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
