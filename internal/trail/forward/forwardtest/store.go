package forwardtest

import (
	"context"
	"sync"

	"github.com/trailgate/trailgate/internal/state"
)

// NewStore is a store that holds cursors in memory, and nothing else.
func NewStore() state.Store { return &store{rows: map[string]state.Cursor{}} }

type store struct {
	state.Store // nil: only what is below works

	mu   sync.Mutex // guards below
	rows map[string]state.Cursor
}

func (s *store) View(ctx context.Context, fn func(state.Tx) error) error { return s.Update(ctx, fn) }

func (s *store) Update(ctx context.Context, fn func(state.Tx) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return fn(storeTx{s: s})
}

type storeTx struct {
	state.Tx
	s *store
}

func (t storeTx) Cursors() state.Table[state.Cursor] { return cursors{s: t.s} }

type cursors struct {
	state.Table[state.Cursor]
	s *store
}

func (c cursors) Get(name string) (state.Cursor, error) {
	row, ok := c.s.rows[name]
	if !ok {
		return row, state.ErrNotFound
	}
	return row, nil
}

func (c cursors) Put(row state.Cursor) error {
	c.s.rows[row.Name] = row
	return nil
}
