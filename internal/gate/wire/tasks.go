package wire

import "sync"

// tasks are the goroutines of a connection. Unlike a WaitGroup it takes new
// ones while somebody waits: a channel may be closed after its connection is.
type tasks struct {
	mu   sync.Mutex
	idle sync.Cond // on mu
	n    int
}

func (t *tasks) Go(f func()) {
	t.mu.Lock()
	t.n++
	t.mu.Unlock()
	go func() {
		defer func() {
			t.mu.Lock()
			if t.n--; t.n == 0 {
				t.idle.Broadcast()
			}
			t.mu.Unlock()
		}()
		f()
	}()
}

func (t *tasks) Wait() {
	t.mu.Lock()
	for t.n > 0 {
		t.idle.Wait()
	}
	t.mu.Unlock()
}
