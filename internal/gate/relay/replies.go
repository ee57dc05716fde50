package relay

import "sync"

// replies holds the target's messages back while a client's request waits for
// its reply.
type replies struct {
	mu      sync.Mutex
	settled sync.Cond // on mu
	pending bool
}

func newReplies() *replies {
	r := &replies{}
	r.settled.L = &r.mu
	return r
}

// begin is called before the request is sent to the target: all that the
// target sends after its reply is read after this.
func (r *replies) begin() {
	r.mu.Lock()
	r.pending = true
	r.mu.Unlock()
}

// end is called once the reply is on its way to the client.
func (r *replies) end() {
	r.mu.Lock()
	r.pending = false
	r.settled.Broadcast()
	r.mu.Unlock()
}

// wait returns when no reply is pending.
func (r *replies) wait() {
	r.mu.Lock()
	for r.pending {
		r.settled.Wait()
	}
	r.mu.Unlock()
}
