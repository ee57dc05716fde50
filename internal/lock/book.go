package lock

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// Trail takes the events of locks.
type Trail interface {
	Append(ctx context.Context, rec event.Record) (event.Entry, error)
}

// Deps are what a Book works with. All but Log are needed.
type Deps struct {
	Store  state.Store
	Trail  Trail
	Origin event.Origin
	Now    func() time.Time
	Log    *slog.Logger // nil discards
}

// Book is the locks of one node. It is safe for concurrent use.
type Book struct {
	d    Deps
	kick chan struct{} // 1: Run looks again; one pending look covers all reasons

	locks atomic.Pointer[[]policy.Lock] // by ID; replaced, never changed

	loading sync.Mutex // held over a reload: an older snapshot must not replace a newer one

	mu        sync.Mutex               // guards below
	changed   chan struct{}            // closed at the next change
	recording map[string]chan struct{} // locks whose CreateLock somebody is appending; closed after
}

// New reads the locks of the store. Run must run for locks to expire and for
// events that could not be appended to follow.
func New(ctx context.Context, d Deps) (*Book, error) {
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	b := &Book{d: d, kick: make(chan struct{}, 1), changed: make(chan struct{}), recording: map[string]chan struct{}{}}
	if err := b.reload(ctx); err != nil {
		return nil, fmt.Errorf("read the locks: %w", err)
	}
	return b, nil
}

// Active returns the locks in force at a time. It does no I/O. The slice must
// not be changed.
func (b *Book) Active(now time.Time) []policy.Lock {
	all := *b.locks.Load()
	if !slices.ContainsFunc(all, func(l policy.Lock) bool { return !l.InForce(now) }) {
		return all
	}
	active := make([]policy.Lock, 0, len(all)-1)
	for _, l := range all {
		if l.InForce(now) {
			active = append(active, l)
		}
	}
	return active
}

// Changed returns a channel that is closed at the next change of what is in
// force. Take it before reading Active, so that no change is missed.
func (b *Book) Changed() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.changed
}

// reload publishes the store's locks.
func (b *Book) reload(ctx context.Context) error {
	b.loading.Lock()
	defer b.loading.Unlock()
	var all []policy.Lock
	err := b.d.Store.View(ctx, func(tx state.Tx) error {
		rows, err := tx.Locks().List()
		all = rows
		return err
	})
	if err != nil {
		return err
	}
	b.locks.Store(&all)
	b.tell()
	return nil
}

// tell says that what is in force has changed.
func (b *Book) tell() {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.changed)
	b.changed = make(chan struct{})
}

// recordingFirst is how long a new lock waits for its event. Then it comes into
// force without, and the event follows.
const recordingFirst = 250 * time.Millisecond

// Create puts a lock in force and returns it completed: with an ID, the time,
// and by's ARN or name where the caller left them empty. It is idempotent: a lock with
// an ID that is there already, or with the run, effect and match of one in
// force, is returned as it is. The error is ErrProtected when the lock would
// shut out somebody who must be able to come in.
func (b *Book) Create(ctx context.Context, l policy.Lock, by event.UserIdentity) (policy.Lock, error) {
	if err := l.Check(); err != nil {
		return policy.Lock{}, fmt.Errorf("create lock: %w", err)
	}
	now := b.d.Now()
	if l.ID == "" {
		l.ID = event.NewID()
	}
	if l.Created.IsZero() {
		l.Created = now
	}
	if l.By == "" {
		l.By = name(by)
	}
	if !l.InForce(now) {
		return policy.Lock{}, fmt.Errorf("create lock: it would expire at %s, in the past", l.Expires.UTC().Format(time.RFC3339))
	}
	made := false
	err := b.d.Store.Update(ctx, func(tx state.Tx) error {
		all, err := tx.Locks().List()
		if err != nil {
			return err
		}
		for _, old := range all {
			if old.ID == l.ID || l.Run != "" && old.Run == l.Run && old.Effect == l.Effect && old.Match == l.Match && old.InForce(now) {
				l = old
				return nil
			}
		}
		if err := protect(tx, all, l, now); err != nil {
			return err
		}
		made = true
		return errors.Join(tx.Locks().Create(l), tx.Cursors().Put(unrecorded(l, by)))
	})
	if err != nil {
		return policy.Lock{}, fmt.Errorf("create lock: %w", err)
	}
	if !made {
		return l, nil
	}
	// From here on the lock stands, whatever becomes of the caller.
	ctx = context.WithoutCancel(ctx)
	appended := make(chan error, 1) // one result; the sender never waits
	go func() { appended <- b.record(ctx, l.ID) }()
	soon := time.NewTimer(recordingFirst)
	defer soon.Stop()
	select {
	case err = <-appended:
		appended <- err
	case <-soon.C:
	}
	if err := b.reload(ctx); err != nil {
		// The lock is in the store: not being able to read it back must not
		// keep it out of force.
		b.d.Log.Error("locks not read", "err", err)
		b.loading.Lock()
		more := append(slices.Clone(*b.locks.Load()), l)
		b.locks.Store(&more)
		b.loading.Unlock()
		b.tell()
	}
	if err := <-appended; err != nil {
		b.d.Log.Warn("lock in force, its event will follow", "lock", l.ID, "err", err)
	}
	b.look()
	return l, nil
}

// Delete undoes a lock: its event first.
func (b *Book) Delete(ctx context.Context, id string, by event.UserIdentity) error {
	if err := b.remove(ctx, id, by, "deleted"); err != nil {
		return fmt.Errorf("delete lock: %w", err)
	}
	return nil
}

// remove appends the DeleteLock of a lock and takes it out of the state. Both
// happen in one transaction, so that a lock is deleted once; and once begun
// they are finished, whatever becomes of the caller.
func (b *Book) remove(ctx context.Context, id string, by event.UserIdentity, cause string) error {
	ctx = context.WithoutCancel(ctx)
	if err := b.recordMissing(ctx, id); err != nil {
		return err
	}
	err := b.d.Store.Update(ctx, func(tx state.Tx) error {
		if _, err := tx.Locks().Get(id); err != nil {
			return err
		}
		if late, err := missingIn(tx, id); err != nil || len(late) > 0 {
			return cmp.Or(err, errors.New("its creation is being recorded: try again"))
		}
		if err := b.append(ctx, event.DeleteLock{ID: id, Cause: cause}, by, b.d.Now()); err != nil {
			return err
		}
		return tx.Locks().Delete(id)
	})
	if err != nil {
		return err
	}
	return b.reload(ctx)
}

// look makes Run look again.
func (b *Book) look() {
	select {
	case b.kick <- struct{}{}:
	default:
	}
}

// name is how a lock says who made it.
func name(by event.UserIdentity) string {
	for _, n := range []string{by.ARN, by.InvokedBy, by.UserName, by.PrincipalID} {
		if n != "" {
			return n
		}
	}
	return strings.ToLower(by.Type)
}
