package gate

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trailgate/trailgate/internal/gate/relay"
)

// A disk that is slow and works holds sessions for moments, however many
// appends overlap: one person who has many things recorded must not end the
// sessions of all.
func TestSlowAppendsThatSucceedEndNoSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{}
		done := make(chan struct{}, 2) // so that both end by themselves
		for i := range 2 {             // two that overlap all the time, 300 ms each
			go func() {
				<-time.After(time.Duration(i) * 150 * time.Millisecond)
				for range 20 {
					over := p.watch()
					<-time.After(300 * time.Millisecond)
					over(nil)
				}
				done <- struct{}{}
			}()
		}
		for running := 2; running > 0; {
			if err := p.hold.Wait(t.Context()); err != nil {
				t.Fatalf("a session beside appends that succeed: %v", err)
			}
			select {
			case <-done:
				running--
			case <-time.After(10 * time.Millisecond):
			}
		}
		if err := p.hold.Wait(t.Context()); err != nil {
			t.Errorf("after the last append: %v", err)
		}
	})
}

// A trail that stands still ends them, and one that fails does not count as
// one that works.
func TestAppendsThatDoNotSucceedHoldSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pause{}
		stuck := p.watch()
		<-time.After(holdAfter + time.Millisecond)
		p.watch()(errors.New("no space left on device"))
		began := time.Now()
		var refusal *relay.Refusal
		if err := p.hold.Wait(t.Context()); !errors.As(err, &refusal) {
			t.Errorf("a session while the trail stands still: %v, want a refusal", err)
		}
		if took := time.Since(began); took > relay.HoldLimit {
			t.Errorf("it was held for %v, want at most %v", took, relay.HoldLimit)
		}
		stuck(errors.New("no space left on device"))
		if err := p.hold.Wait(t.Context()); err != nil {
			t.Errorf("with no append under way: %v", err)
		}
	})
}
