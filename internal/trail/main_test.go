package trail

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
)

// appendUntilKilled, in the environment, makes the test binary a process that
// appends to the trail there and prints what was acknowledged.
const appendUntilKilled = "TRAILGATE_TEST_APPEND"

func TestMain(m *testing.M) {
	if dir := os.Getenv(appendUntilKilled); dir != "" {
		if err := appendForever(dir); err != nil {
			fmt.Fprintln(os.Stderr, "error:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

func appendForever(dir string) error {
	r, err := tryStart(nil, dir, Options{SegmentBytes: 256 << 10})
	if err != nil {
		return err
	}
	var mu sync.Mutex // one line at a time
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				rec := testRecord(1200)
				e, err := r.Append(context.Background(), rec)
				if err != nil {
					fmt.Fprintln(os.Stderr, "error:", err)
					return
				}
				mu.Lock()
				fmt.Println(e.Seq, rec.EventID)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return r.end()
}
