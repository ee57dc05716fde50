package trail

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/trailgate/trailgate/event"
)

// TestKillLosesNothing kills a process that appends, at random points, and
// opens its trail again. TRAILGATE_KILLS says how often.
func TestKillLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kills := scale(t, "TRAILGATE_KILLS", 10)
	r := testRand(8)
	seen := map[string]bool{}
	var last uint64
	cut := int64(0)
	for kill := range kills {
		acked, err := appendAndKill(dir, r.IntN(300))
		if err != nil {
			t.Fatalf("kill %d: %v", kill, err)
		}
		tr, err := Open(dir, Options{})
		if err != nil {
			t.Fatalf("open after kill %d: %v", kill, err)
		}
		cut += tr.Opened().TailCut
		if err := tr.Close(); err != nil {
			t.Fatal(err)
		}
		if last, err = checkTail(dir, last, acked, seen); err != nil {
			t.Fatalf("after kill %d: %v", kill, err)
		}
	}
	report, err := Verify(t.Context(), dir, nil)
	if err != nil || !report.Intact || report.Events != last {
		t.Fatalf("after %d kills Verify says %+v, %v; want %d events", kills, report, err, last)
	}
	t.Logf("%d kills, %d events in %d segments, %d bytes of torn tails", kills, report.Events, report.Segments, cut)
}

// appendAndKill starts a process that appends to dir, kills it after so many
// acknowledgements, and returns them all.
func appendAndKill(dir string, after int) (map[string]uint64, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), appendUntilKilled+"="+dir)
	var complaint strings.Builder
	cmd.Stderr = &complaint
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	acked := map[string]uint64{}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		var seq uint64
		var id string
		if n, _ := fmt.Sscan(lines.Text(), &seq, &id); n == 2 && len(id) == 36 {
			acked[id] = seq
		}
		if len(acked) == after+1 {
			if err := cmd.Process.Kill(); err != nil {
				return nil, err
			}
		}
	}
	_ = cmd.Wait() // killed
	if len(acked) <= after {
		return nil, errors.New("the process ended by itself: " + complaint.String())
	}
	return acked, nil
}

// checkTail checks the events after last, and returns the new last one.
func checkTail(dir string, last uint64, acked map[string]uint64, seen map[string]bool) (uint64, error) {
	r, err := OpenReader(dir)
	if err != nil {
		return 0, err
	}
	found := 0
	err = r.Follow(context.Background(), last+1, func(entries []event.Entry) error {
		for _, e := range entries {
			id := eventID(e)
			last++
			switch {
			case e.Seq != last:
				return fmt.Errorf("event %d follows %d", e.Seq, last-1)
			case seen[id]:
				return fmt.Errorf("event %s is there twice", id)
			case acked[id] != 0 && acked[id] != e.Seq:
				return fmt.Errorf("event %s is at %d, it was acknowledged at %d", id, e.Seq, acked[id])
			case acked[id] != 0:
				found++
			}
			seen[id] = true
		}
		return nil
	})
	if err == nil && found != len(acked) {
		err = fmt.Errorf("%d of %d acknowledged events are lost", len(acked)-found, len(acked))
	}
	return last, err
}
