package relay

import (
	"context"
	"sync"
	"time"
)

// HoldLimit is how long sessions are held before they are ended.
const HoldLimit = 2 * time.Second

// holdOver ends what was held for too long.
var holdOver = &Refusal{Text: "session ended: the audit trail is not available"}

// Hold pauses every relay that shares it, while the trail cannot take a
// record. The zero value is not held.
type Hold struct {
	mu sync.Mutex
	// released is closed by End; nil when not held. deadline is set with it.
	released chan struct{}
	deadline time.Time
}

// Begin holds, for at most HoldLimit from the first Begin.
func (h *Hold) Begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released == nil {
		h.released = make(chan struct{})
		h.deadline = time.Now().Add(HoldLimit)
	}
}

// End lets everything go on.
func (h *Hold) End() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.released != nil {
		close(h.released)
		h.released = nil
	}
}

// Wait returns nil once nothing is held, a *Refusal when the hold has lasted
// too long, or ctx's cause. A nil Hold never holds.
func (h *Hold) Wait(ctx context.Context) error {
	if h == nil {
		return nil
	}
	h.mu.Lock()
	released, deadline := h.released, h.deadline
	h.mu.Unlock()
	if released == nil {
		return nil
	}
	limit := time.NewTimer(time.Until(deadline))
	defer limit.Stop()
	select {
	case <-released:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-limit.C:
		return holdOver
	}
}
