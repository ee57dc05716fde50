package app

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

// Two changes of policy at once: whoever read first must not publish last, or
// the policy that was deleted would stay in force.
func TestAnOlderPolicyDoesNotReplaceANewerOne(t *testing.T) {
	inner, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer inner.Close()
	put := func(text string) {
		t.Helper()
		err := inner.Update(t.Context(), func(tx state.Tx) error { return tx.Policies().Put(state.Policy{Name: "p", Text: text}) })
		if err != nil {
			t.Fatal(err)
		}
	}
	put(`permit (principal, action, resource);`)
	read, release := make(chan struct{}), make(chan struct{})
	slow := &rules{store: heldStore{inner, read, release}}
	first := make(chan error, 1)
	go func() { first <- slow.load(t.Context()) }()
	<-read // the first has the old policy in hand

	put(`permit (principal == Identity::"bob", action, resource); forbid (principal == Identity::"eve", action, resource);`)
	second := make(chan error, 1)
	go func() { second <- slow.load(t.Context()) }()
	select {
	case err = <-second: // it went by the first
		second <- err
	case <-time.After(100 * time.Millisecond): // it waits for the first
	}
	close(release)
	for _, done := range []chan error{first, second} {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	if n := slow.set.Load().Len(); n != 2 {
		t.Errorf("%d statements in force, want the newer policy's 2", n)
	}
}

// heldStore holds the first reader of the policies once it has read them.
type heldStore struct {
	state.Store
	read, release chan struct{}
}

func (s heldStore) View(ctx context.Context, fn func(state.Tx) error) error {
	return s.Store.View(ctx, func(tx state.Tx) error { return fn(heldTx{tx, s}) })
}

type heldTx struct {
	state.Tx
	s heldStore
}

func (tx heldTx) Policies() state.Table[state.Policy] { return heldTable{tx.Tx.Policies(), tx.s} }

type heldTable struct {
	state.Table[state.Policy]
	s heldStore
}

func (t heldTable) List() ([]state.Policy, error) {
	rows, err := t.Table.List()
	select {
	case <-t.s.read:
	default:
		close(t.s.read)
		<-t.s.release
	}
	return rows, err
}

// A policy that cannot be read allows nothing (promise 4): not what it allowed
// before either.
func TestPoliciesThatCannotBeReadDeny(t *testing.T) {
	store, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "state.db"))
	if err != nil {
		t.Fatal(err)
	}
	err = store.Update(t.Context(), func(tx state.Tx) error {
		return tx.Policies().Put(state.Policy{Name: "p", Text: `permit (principal, action, resource);`})
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rules{store: store}
	if err := r.load(t.Context()); err != nil || r.set.Load().Len() != 1 {
		t.Fatalf("load = %v with %d statements, want 1", err, r.set.Load().Len())
	}
	store.Close()
	if err := r.load(t.Context()); err == nil {
		t.Fatal("a closed store was read")
	}
	if n := r.set.Load().Len(); n != 0 {
		t.Errorf("%d statements are in force after a load that failed, want none", n)
	}
}
