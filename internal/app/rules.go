package app

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/lock"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// rules is the snapshot every decision is made from: the compiled policies, and
// the locks in force.
type rules struct {
	store state.Store
	locks *lock.Book
	now   func() time.Time
	set   atomic.Pointer[policy.Set]

	loading sync.Mutex // held over a load: an older snapshot must not replace a newer one
}

// Book returns the snapshot of now. It does no I/O.
func (r *rules) Book() policy.Book {
	return policy.Book{Policies: r.set.Load(), Locks: r.locks.Active(r.now())}
}

// load compiles the policies anew. When that fails nothing is allowed until a
// load works: a policy that was deleted must not go on because the state could
// not be read.
func (r *rules) load(ctx context.Context) error {
	r.loading.Lock()
	defer r.loading.Unlock()
	err := r.store.View(ctx, func(tx state.Tx) error {
		set, err := admin.Compile(tx)
		if err == nil {
			r.set.Store(set)
		}
		return err
	})
	if err != nil {
		r.set.Store(nil) // denies everything
	}
	return err
}
