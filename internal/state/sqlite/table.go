package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	driver "modernc.org/sqlite"
	codes "modernc.org/sqlite/lib"

	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
)

// tx is the tables inside one transaction. It holds the transaction's context,
// because it lives exactly as long as the call that was given it.
type tx struct {
	ctx context.Context
	sql *sql.Tx
}

func (t tx) Identities() state.Table[state.Identity] {
	return table[state.Identity]{t, "identities", "identity", func(r state.Identity) string { return r.Name }}
}

func (t tx) Keys() state.Table[state.Key] {
	return table[state.Key]{t, "keys", "key", func(r state.Key) string { return r.Fingerprint }}
}

func (t tx) AccessKeys() state.Table[state.AccessKey] {
	return table[state.AccessKey]{t, "access_keys", "access key", func(r state.AccessKey) string { return r.ID }}
}

func (t tx) Devices() state.Table[state.Device] {
	return table[state.Device]{t, "devices", "device", func(r state.Device) string { return r.Identity }}
}

func (t tx) Roles() state.Table[state.Role] {
	return table[state.Role]{t, "roles", "role", func(r state.Role) string { return r.Name }}
}

func (t tx) Targets() state.Table[state.Target] {
	return table[state.Target]{t, "targets", "target", func(r state.Target) string { return r.Name }}
}

func (t tx) Policies() state.Table[state.Policy] {
	return table[state.Policy]{t, "policies", "policy", func(r state.Policy) string { return r.Name }}
}

func (t tx) Locks() state.Table[policy.Lock] {
	return table[policy.Lock]{t, "locks", "lock", func(r policy.Lock) string { return r.ID }}
}

func (t tx) Sessions() state.Table[state.Session] {
	return table[state.Session]{t, "sessions", "session", func(r state.Session) string { return r.ID }}
}

func (t tx) Runbooks() state.Table[state.Runbook] {
	return table[state.Runbook]{t, "runbooks", "runbook", func(r state.Runbook) string { return r.ID }}
}

func (t tx) Alarms() state.Table[state.Alarm] {
	return table[state.Alarm]{t, "alarms", "alarm", func(r state.Alarm) string { return r.ID }}
}

func (t tx) Runs() state.Table[state.Run] {
	return table[state.Run]{t, "runs", "run", func(r state.Run) string { return r.ID }}
}

func (t tx) Cursors() state.Table[state.Cursor] {
	return table[state.Cursor]{t, "cursors", "cursor", func(r state.Cursor) string { return r.Name }}
}

func (t tx) Holds() state.Table[state.Hold] {
	return table[state.Hold]{t, "legal_holds", "legal hold", func(r state.Hold) string { return r.ID }}
}

func (t tx) SavedQueries() state.Table[state.SavedQuery] {
	return table[state.SavedQuery]{t, "saved_queries", "saved-query", func(r state.SavedQuery) string { return r.Name }}
}

// table is one kind of row: an SQL table of (id, row as JSON).
type table[T any] struct {
	tx   tx
	name string // of the SQL table; never from input
	kind string // for errors
	key  func(T) string
}

func (t table[T]) Get(id string) (T, error) {
	var row T
	var text string
	err := t.tx.sql.QueryRowContext(t.tx.ctx, "SELECT row FROM "+t.name+" WHERE id = ?", id).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return row, fmt.Errorf("%s %q: %w", t.kind, id, state.ErrNotFound)
	}
	if err != nil {
		return row, fmt.Errorf("read %s %q: %w", t.kind, id, err)
	}
	return t.decode(id, text)
}

func (t table[T]) List() ([]T, error) {
	rows, err := t.tx.sql.QueryContext(t.tx.ctx, "SELECT id, row FROM "+t.name+" ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	defer rows.Close()
	var all []T
	for rows.Next() {
		var id, text string
		if err := rows.Scan(&id, &text); err != nil {
			return nil, fmt.Errorf("list %s: %w", t.name, err)
		}
		row, err := t.decode(id, text)
		if err != nil {
			return nil, err
		}
		all = append(all, row)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("list %s: %w", t.name, err)
	}
	return all, nil
}

func (t table[T]) Create(row T) error {
	err := t.write("create", "INSERT INTO "+t.name+" (id, row) VALUES (?, ?)", row)
	var e *driver.Error
	if errors.As(err, &e) && e.Code() == codes.SQLITE_CONSTRAINT_PRIMARYKEY {
		return fmt.Errorf("%s %q: %w", t.kind, t.key(row), state.ErrExists)
	}
	return err
}

func (t table[T]) Put(row T) error {
	return t.write("put", "INSERT INTO "+t.name+" (id, row) VALUES (?, ?) ON CONFLICT (id) DO UPDATE SET row = excluded.row", row)
}

func (t table[T]) write(verb, statement string, row T) error {
	id := t.key(row)
	text, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("%s %s %q: %w", verb, t.kind, id, err)
	}
	if _, err := t.tx.sql.ExecContext(t.tx.ctx, statement, id, string(text)); err != nil {
		return fmt.Errorf("%s %s %q: %w", verb, t.kind, id, err)
	}
	return nil
}

func (t table[T]) Delete(id string) error {
	done, err := t.tx.sql.ExecContext(t.tx.ctx, "DELETE FROM "+t.name+" WHERE id = ?", id)
	if err != nil {
		return fmt.Errorf("delete %s %q: %w", t.kind, id, err)
	}
	n, err := done.RowsAffected()
	if err != nil {
		return fmt.Errorf("delete %s %q: %w", t.kind, id, err)
	}
	if n == 0 {
		return fmt.Errorf("%s %q: %w", t.kind, id, state.ErrNotFound)
	}
	return nil
}

// decode reads a row's JSON. Text that is not the row's is damage: only this
// package writes it.
func (t table[T]) decode(id, text string) (T, error) {
	var row T
	if err := json.Unmarshal([]byte(text), &row); err != nil {
		return row, fmt.Errorf("%w: decode %s %q: %w", state.ErrDamaged, t.kind, id, err)
	}
	return row, nil
}
