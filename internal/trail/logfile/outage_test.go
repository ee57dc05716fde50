package logfile

import (
	"strings"
	"testing"
	"time"
)

// TestLongOutageIsAnEvent: a bucket that is away for an hour is told of once, a
// shorter absence is not.
func TestLongOutageIsAnEvent(t *testing.T) {
	for _, c := range []struct {
		away time.Duration
		gaps int
	}{{20 * time.Minute, 0}, {3 * time.Hour, 1}} {
		bubble(t, func(t *testing.T, w *world) {
			w.run(func(d *Deliverer) {
				w.journal.command("before")
				pass(10 * time.Minute)
				w.faulty.set(func(_ int, what string) (error, error) {
					if strings.HasPrefix(what, "put ") {
						return errFault, nil
					}
					return nil, nil
				})
				w.journal.command("meanwhile")
				pass(c.away)
				w.faulty.set(nil)
				pass(2 * time.Hour)
			})
			gaps := 0
			for _, e := range w.journal.entries {
				if text := string(e.JSON); strings.Contains(text, `"eventName":"DetectGap"`) {
					gaps++
					for _, want := range []string{`"what":"log files"`, `"from":"`, errFault.Error()} {
						if !strings.Contains(text, want) {
							t.Errorf("DetectGap lacks %s: %s", want, text)
						}
					}
				}
			}
			if gaps != c.gaps {
				t.Errorf("after %v without a bucket there are %d DetectGap events, want %d", c.away, gaps, c.gaps)
			}
		})
	}
}
