package lock

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// again is how long Run waits after a failure, above all of the trail.
const again = time.Second

// Run ends locks at their expiry and appends the events that are missing,
// until ctx ends.
func (b *Book) Run(ctx context.Context) error {
	told := map[string]bool{} // expired locks whose end was told while their event is late
	for {
		failed := b.recordMissing(ctx, "")
		next, err := b.expire(ctx, told)
		if err = errors.Join(failed, err); err != nil && ctx.Err() == nil {
			b.d.Log.Warn("events of locks are late", "err", err)
			next = b.d.Now().Add(again)
		}
		if err := b.wait(ctx, next); err != nil {
			return nil
		}
	}
}

// wait returns at a time, or when something changed; zero waits for a change
// only. Its error is that ctx ended.
func (b *Book) wait(ctx context.Context, until time.Time) error {
	var due <-chan time.Time
	if !until.IsZero() {
		t := time.NewTimer(until.Sub(b.d.Now()))
		defer t.Stop()
		due = t.C
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-b.kick:
	case <-due:
	}
	return nil
}

// expire removes the locks that ended, and returns when the next one does.
func (b *Book) expire(ctx context.Context, told map[string]bool) (next time.Time, err error) {
	now := b.d.Now()
	for _, l := range *b.locks.Load() {
		if l.InForce(now) {
			if !l.Expires.IsZero() && (next.IsZero() || l.Expires.Before(next)) {
				next = l.Expires
			}
			continue
		}
		gone := b.remove(ctx, l.ID, b.self(), "expired")
		if errors.Is(gone, state.ErrNotFound) { // somebody deleted it just now
			gone = b.reload(ctx)
		}
		if gone == nil {
			delete(told, l.ID)
			continue
		}
		err = errors.Join(err, gone)
		if !told[l.ID] { // it no longer matches, although its event is late
			told[l.ID] = true
			b.tell()
		}
	}
	return next, err
}

// self is this node as the one who acts.
func (b *Book) self() event.UserIdentity {
	return event.UserIdentity{Type: "Service", PrincipalID: "lock", AccountID: b.d.Origin.AccountID, InvokedBy: b.d.Origin.EventSource}
}

// waiting is the name of the cursor that says a lock's CreateLock is missing.
const waiting = "lock-unrecorded:"

// unrecorded is that cursor. Its name ends in who made the lock, whom the event
// must name.
func unrecorded(l policy.Lock, by event.UserIdentity) state.Cursor {
	who, err := json.Marshal(by)
	if err != nil {
		panic(fmt.Sprintf("lock: a userIdentity is not JSON: %v", err))
	}
	return state.Cursor{Name: waiting + l.ID + ":" + string(who), Time: l.Created}
}

// append makes an event of a lock durable.
func (b *Book) append(ctx context.Context, e event.Event, by event.UserIdentity, at time.Time) error {
	meta := event.Meta{Time: at, Identity: by, SourceIP: b.d.Origin.EventSource}
	if _, err := b.d.Trail.Append(ctx, b.d.Origin.Record(meta, e)); err != nil {
		return fmt.Errorf("append %s: %w", event.Name(e), err)
	}
	return nil
}

// missing is a lock without its CreateLock.
type missing struct {
	cursor string
	lock   policy.Lock
	by     event.UserIdentity
}

// missingIn lists the locks without their events in the order they were made;
// of the lock id only, unless it is empty.
func missingIn(tx state.Tx, id string) ([]missing, error) {
	cursors, err := tx.Cursors().List()
	if err != nil {
		return nil, err
	}
	var all []missing
	for _, c := range cursors {
		rest, ok := strings.CutPrefix(c.Name, waiting)
		if !ok {
			continue
		}
		// The identity is JSON: it begins at the first brace after the ID.
		of, who, _ := strings.Cut(rest, ":{")
		if id != "" && of != id {
			continue
		}
		m := missing{cursor: c.Name}
		if err := json.Unmarshal([]byte("{"+who), &m.by); err != nil {
			return nil, fmt.Errorf("%w: cursor %q: %w", state.ErrDamaged, c.Name, err)
		}
		if m.lock, err = tx.Locks().Get(of); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	slices.SortStableFunc(all, func(x, y missing) int { return x.lock.Created.Compare(y.lock.Created) })
	return all, nil
}

// recordMissing appends the events of locks that were made while the trail was
// down, or just before a crash; of the lock id only, unless it is empty.
func (b *Book) recordMissing(ctx context.Context, id string) error {
	var all []missing
	err := b.d.Store.View(ctx, func(tx state.Tx) (err error) {
		all, err = missingIn(tx, id)
		return err
	})
	if err != nil {
		return err
	}
	for _, m := range all {
		if err := b.record(ctx, m.lock.ID); err != nil {
			return err
		}
	}
	return nil
}

// record appends the CreateLock of a lock, unless it is there, and notes that it
// is there. When somebody else is at it, it waits to see how that went.
func (b *Book) record(ctx context.Context, id string) error {
	for {
		other := b.claim(id)
		if other == nil {
			break
		}
		<-other
	}
	defer b.release(id)
	var all []missing
	err := b.d.Store.View(ctx, func(tx state.Tx) (err error) {
		all, err = missingIn(tx, id)
		return err
	})
	for _, m := range all { // at most one
		if err := b.append(ctx, created(m.lock), m.by, m.lock.Created); err != nil {
			return err
		}
		err = b.d.Store.Update(ctx, func(tx state.Tx) error { return tx.Cursors().Delete(m.cursor) })
	}
	return err
}

// claim takes the recording of a lock, so that its event is appended once. It
// returns nil, or what is closed when whoever has it is done.
func (b *Book) claim(id string) <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	if other, taken := b.recording[id]; taken {
		return other
	}
	b.recording[id] = make(chan struct{})
	return nil
}

func (b *Book) release(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.recording[id])
	delete(b.recording, id)
}

// created is the event of a new lock.
func created(l policy.Lock) event.CreateLock {
	e := event.CreateLock{
		Effect: string(l.Effect), Identity: l.Match.Identity, Role: l.Match.Role, Login: l.Match.Login, Key: l.Match.Fingerprint,
		TargetMatch: l.Match.Target, Reason: l.Reason, Run: l.Run, ID: l.ID,
	}
	if l.Match.Source.IsValid() {
		e.Source = l.Match.Source.String()
	}
	if !l.Expires.IsZero() {
		e.Expires = l.Expires.UTC().Format(time.RFC3339)
	}
	return e
}
