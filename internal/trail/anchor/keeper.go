package anchor

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// keepTimeout ends the writing of one anchor to one place.
const keepTimeout = 2 * time.Minute

// Keeper writes anchors to all places and knows how each does.
type Keeper struct {
	writers []Writer
	now     func() time.Time

	mu     sync.Mutex // guards below
	status []Status
	has    []string // name of the anchor that each place had last
}

// Status is how one place does.
type Status struct {
	Place string
	Kept  time.Time // when an anchor was last kept there; zero for never
	Seq   uint64    // its event
	Error string    // why the last try failed; "" if it did not
	Tried time.Time
}

// NewKeeper writes to these places. now is what the status shows.
func NewKeeper(writers []Writer, now func() time.Time) *Keeper {
	k := &Keeper{writers: writers, now: now, status: make([]Status, len(writers)), has: make([]string, len(writers))}
	for i, w := range writers {
		k.status[i].Place = w.String()
	}
	return k
}

// Keep writes a to every place that does not have it yet, all at once. The error
// names the places that failed; Keep of the same anchor again tries only these.
func (k *Keeper) Keep(ctx context.Context, a Anchor) error {
	errs := make([]error, len(k.writers))
	var wg sync.WaitGroup
	for i, w := range k.writers {
		k.mu.Lock()
		done := k.has[i] == a.Name()
		k.mu.Unlock()
		if done {
			continue
		}
		wg.Go(func() {
			ctx, cancel := context.WithTimeout(ctx, keepTimeout)
			defer cancel()
			err := w.Put(ctx, a)
			if err != nil {
				errs[i] = fmt.Errorf("anchor %s: %w", w, err)
			}
			k.note(i, a, err)
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

func (k *Keeper) note(i int, a Anchor, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := &k.status[i]
	s.Tried, s.Error = k.now(), ""
	if err != nil {
		s.Error = err.Error()
		return
	}
	s.Kept, s.Seq, k.has[i] = s.Tried, a.Seq, a.Name()
}

// Status is how the places do, in their order.
func (k *Keeper) Status() []Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]Status(nil), k.status...)
}
