package trail

import (
	"errors"
	"math/rand/v2"
	"syscall"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTrailHoldsWhateverHappens does appends, restarts, faults, crashes and
// clock steps in any order.
func TestTrailHoldsWhateverHappens(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		m := newMemFS()
		d := newDisk(nil, r)
		now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
		o := Options{SegmentBytes: 3 << 10, Now: func() time.Time { return now }}
		acked := map[string]uint64{}
		trail, err := tryStart(m, dataDir, o)
		if err != nil {
			rt.Fatal(err)
		}
		restart := func() {
			m.failWith(nil)
			if err := trail.end(); err != nil {
				rt.Fatal(err)
			}
		}
		steps := rapid.SliceOfN(rapid.SampledFrom([]string{"append", "append", "append", "restart", "crash", "fault", "clock"}), 1, 25).Draw(rt, "steps")
		for _, step := range steps {
			switch step {
			case "append":
				for range rapid.IntRange(1, 4).Draw(rt, "records") {
					rec := testRecord(rapid.IntRange(500, 1500).Draw(rt, "size"))
					e, err := trail.Append(rt.Context(), rec)
					if err == nil {
						acked[rec.EventID] = e.Seq
					} else if !errors.Is(err, ErrUnavailable) {
						rt.Fatal(err)
					}
				}
			case "fault":
				n := m.ops() + rapid.IntRange(0, 12).Draw(rt, "at")
				m.failWith(func(i int, _ op) error {
					if i == n {
						return syscall.EIO
					}
					return nil
				})
			case "clock":
				trail.cancel() // it reads the clock
				trail.wg.Wait()
				now = now.Add(time.Duration(rapid.IntRange(-5000, 9000).Draw(rt, "step")) * time.Millisecond)
				restart()
				trail, err = tryStart(m, dataDir, o)
			case "restart":
				restart()
				trail, err = tryStart(m, dataDir, o)
			case "crash":
				restart()
				for _, o := range m.log {
					d.apply(o)
				}
				m = d.after(rapid.SampledFrom(crashes).Draw(rt, "kept"), r)
				d = newDisk(m, r)
				trail, err = tryStart(m, dataDir, o)
			}
			if err != nil {
				rt.Fatalf("%s: %v", step, err)
			}
		}
		restart()
		all, err := contents(m, dataDir)
		if err == nil {
			err = checkContents(all, acked)
		}
		if err != nil {
			rt.Fatal(err)
		}
		mustVerify(t, m, dataDir)
	})
}
