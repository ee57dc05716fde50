package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/internal/state"
)

// beside is an engine that hands the rows of the tables beside the trail over
// with each statement that names one: those that hold when it is asked.
type beside struct {
	query.Engine
	store state.Store
}

// Query is the engine's.
func (b beside) Query(ctx context.Context, r query.Request) (*query.Result, error) {
	r, err := b.with(ctx, r)
	if err != nil {
		return nil, err
	}
	return b.Engine.Query(ctx, r)
}

// Explain is the engine's.
func (b beside) Explain(ctx context.Context, r query.Request) (*query.Plan, error) {
	r, err := b.with(ctx, r)
	if err != nil {
		return nil, err
	}
	return b.Engine.Explain(ctx, r)
}

// with is r with the rows it needs, all of one moment.
func (b beside) with(ctx context.Context, r query.Request) (query.Request, error) {
	var tables []string
	for _, t := range r.Statement.Tables() {
		if slices.Contains(sqlfront.Snapshots, t) {
			tables = append(tables, t)
		}
	}
	if len(tables) == 0 || r.Only != "" && query.NotOwn(r.Statement) != "" { // the engine refuses that
		return r, nil
	}
	err := b.store.View(ctx, func(tx state.Tx) error {
		for _, t := range tables {
			rows, err := snapshotOf(tx, t, r.Only)
			if err != nil {
				return err
			}
			r.Beside = append(r.Beside, query.Snapshot{Table: t, Rows: rows})
		}
		return nil
	})
	if err != nil {
		return r, fmt.Errorf("read the tables beside the trail: %w", err)
	}
	return r, nil
}

// snapshotOf is the rows of a table; only, when set, is the ARN whose row of
// identities is left.
func snapshotOf(tx state.Tx, table, only string) ([][]any, error) {
	switch table {
	case sqlfront.Identities:
		return identityRows(tx, only)
	case sqlfront.Targets:
		return rowsOf(tx.Targets(), func(t state.Target) []any {
			return []any{t.Name, t.Address, labelsText(t.Labels), texts(t.HostKeys), moment(t.Created)}
		})
	case sqlfront.Alarms:
		return rowsOf(tx.Alarms(), func(a state.Alarm) []any {
			return []any{a.ID, a.Runbook, a.Key, a.State, word(a.Severity), word(a.Title), moment(a.Since), moment(a.EventTime), moment(a.Newest),
				int64(a.Matches), texts(a.EventIDs), word(a.Run), word(a.AckedBy), moment(a.AckedAt), word(a.Note)}
		})
	case sqlfront.Runs:
		return rowsOf(tx.Runs(), func(r state.Run) []any {
			steps := []any{}
			for _, s := range r.Steps {
				steps = append(steps, map[string]any{
					"id": s.ID, "kind": s.Kind, "action": word(s.Action), "state": s.State, "detail": word(s.Detail), "text": word(s.Text),
					"assignee": word(s.Assignee), "due": moment(s.Due), "ended": moment(s.Ended),
				})
			}
			return []any{r.ID, r.Runbook, r.Alarm, r.Mode, r.State, moment(r.Created), moment(r.Ended), steps}
		})
	}
	return nil, fmt.Errorf("no table beside the trail is called %s", table)
}

func rowsOf[T any](table state.Table[T], row func(T) []any) ([][]any, error) {
	all, err := table.List()
	if err != nil {
		return nil, err
	}
	rows := make([][]any, len(all))
	for i, r := range all {
		rows[i] = row(r)
	}
	return rows, nil
}

func identityRows(tx state.Tx, only string) ([][]any, error) {
	keys, err1 := tx.Keys().List()
	devices, err2 := tx.Devices().List()
	roles, err3 := tx.Roles().List()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, err
	}
	usable, factor, in := map[string]int64{}, map[string]bool{}, map[string][]string{}
	for _, k := range keys {
		if !k.Disabled {
			usable[k.Identity]++
		}
	}
	for _, d := range devices {
		factor[d.Identity] = true
	}
	for _, r := range roles {
		for _, m := range r.Members {
			in[m] = append(in[m], r.Name)
		}
	}
	rows, err := rowsOf(tx.Identities(), func(i state.Identity) []any {
		return []any{i.Name, i.ARN, word(i.Type), i.Admin, i.BreakGlass, factor[i.Name], usable[i.Name], texts(in[i.Name]), moment(i.Created)}
	})
	if only != "" {
		rows = slices.DeleteFunc(rows, func(row []any) bool { return row[1] != only })
	}
	return rows, err
}

// word is a text that is NULL when it is empty.
func word(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// moment is a time that is NULL when it is none.
func moment(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t.UTC()
}

func texts(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}

// labelsText is labels as JSON.
func labelsText(labels map[string]string) string {
	if labels == nil {
		labels = map[string]string{}
	}
	text, _ := json.Marshal(labels) // text it can always write
	return string(text)
}
