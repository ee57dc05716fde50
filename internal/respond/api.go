package respond

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// What people ask of a Responder. Each change is appended before it is made;
// by is who makes it.

// Info is a runbook and how it works here.
type Info struct {
	Runbook *runbook.Runbook
	Enabled bool
	Mode    runbook.Mode
	Params  map[string]string // values that differ from the file's
}

// Runbooks are all runbooks, by ID.
func (r *Responder) Runbooks(ctx context.Context) ([]Info, error) {
	r.mu.Lock()
	rbs := maps.Clone(r.runbooks)
	r.mu.Unlock()
	var infos []Info
	err := r.deps.Store.View(ctx, func(tx state.Tx) error {
		rows, err := tx.Runbooks().List()
		if err != nil {
			return err
		}
		for _, id := range slices.Sorted(maps.Keys(rbs)) {
			enabled, mode := modeOf(rbs[id], rows)
			infos = append(infos, Info{rbs[id], enabled, mode, paramsOf(id, rows)})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list runbooks: %w", err)
	}
	return infos, nil
}

func (r *Responder) runbook(id string) (*runbook.Runbook, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if rb := r.runbooks[id]; rb != nil {
		return rb, nil
	}
	return nil, fmt.Errorf("runbook %q: %w", id, ErrNoRunbook)
}

// Reload replaces the runbooks. What changed is appended first; alarms and
// runs go on.
func (r *Responder) Reload(ctx context.Context, rbs []*runbook.Runbook, by event.UserIdentity) error {
	r.mu.Lock()
	old := maps.Clone(r.runbooks)
	r.mu.Unlock()
	for _, rb := range rbs {
		if was := old[rb.ID]; was != nil && was.SHA256 == rb.SHA256 {
			continue
		}
		if err := r.appendBy(ctx, by, event.PutRunbook{Runbook: rb.ID, SHA256: rb.SHA256}); err != nil {
			return fmt.Errorf("put runbook %s: %w", rb.ID, err)
		}
	}
	r.mu.Lock()
	r.runbooks = byID(rbs)
	r.mu.Unlock()
	r.poke()
	return nil
}

// Enable puts a runbook to work in a mode. params are values for parameters of
// it; those set before stay as they are.
func (r *Responder) Enable(ctx context.Context, id string, mode runbook.Mode, params map[string]string, by event.UserIdentity) error {
	rb, err := r.runbook(id)
	if err != nil {
		return err
	}
	if !slices.Contains(runbook.Modes, mode) {
		return fmt.Errorf("enable runbook %s: mode %q is not one of observe, propose, enforce", id, mode)
	}
	before, err := r.params(ctx, id)
	if err != nil {
		return fmt.Errorf("enable runbook %s: %w", id, err)
	}
	values := rb.Changed(before, params)
	if _, err := rb.With(values); err != nil {
		return fmt.Errorf("enable %w", err)
	}
	if err := r.appendBy(ctx, by, event.EnableRunbook{Runbook: id, Mode: string(mode), Params: values}); err != nil {
		return fmt.Errorf("enable runbook %s: %w", id, err)
	}
	return r.put(ctx, state.Runbook{ID: id, Enabled: true, Mode: string(mode), Params: values})
}

// Disable stops a runbook. Its runs go on.
func (r *Responder) Disable(ctx context.Context, id string, by event.UserIdentity) error {
	rb, err := r.runbook(id)
	if err != nil {
		return err
	}
	if err := r.appendBy(ctx, by, event.DisableRunbook{Runbook: id}); err != nil {
		return fmt.Errorf("disable runbook %s: %w", id, err)
	}
	params, err := r.params(ctx, id)
	if err != nil {
		return fmt.Errorf("disable runbook %s: %w", id, err)
	}
	return r.put(ctx, state.Runbook{ID: id, Mode: string(rb.Respond.Mode), Params: params})
}

// params are the values set for a runbook's parameters.
func (r *Responder) params(ctx context.Context, id string) (values map[string]string, err error) {
	err = r.deps.Store.View(ctx, func(tx state.Tx) error {
		row, err := tx.Runbooks().Get(id)
		if errors.Is(err, state.ErrNotFound) {
			return nil
		}
		values = row.Params
		return err
	})
	return values, err
}

func (r *Responder) put(ctx context.Context, row state.Runbook) error {
	err := r.deps.Store.Update(ctx, func(tx state.Tx) error { return tx.Runbooks().Put(row) })
	if err != nil {
		return fmt.Errorf("store runbook %s: %w", row.ID, err)
	}
	r.poke()
	return nil
}

// RunNow evaluates an enabled runbook over the last window at once, as its
// schedule would, and gives the names of the alarms it raised.
func (r *Responder) RunNow(ctx context.Context, id string) ([]string, error) {
	if _, err := r.runbook(id); err != nil {
		return nil, err
	}
	var d *detector
	if err := r.job(ctx, func(_ context.Context, now *detector) error { d = now; return nil }); err != nil {
		return nil, fmt.Errorf("run runbook %s: %w", id, err)
	}
	if d.trackers[id] == nil {
		return nil, fmt.Errorf("run runbook %s: it is disabled: %w", id, ErrNotOpen)
	}
	rb := d.trackers[id].rb
	to := r.deps.Now().Truncate(time.Microsecond)
	from := to.Add(-rb.Window)
	ms, err := d.ask(ctx, rb, from, to)
	if err != nil {
		return nil, fmt.Errorf("run runbook %s: %w", id, err)
	}
	var raised []string
	stale := false
	err = r.job(ctx, func(ctx context.Context, now *detector) error {
		if stale = now != d; stale {
			return nil
		}
		t := d.trackers[id]
		var changes []change
		if live, _ := rb.Live(); live {
			changes = t.sweep(ms, from, to)
		} else {
			changes = t.found(rb.Group(to, ms, t.answered))
		}
		for _, c := range changes {
			if c.transition.Responds() {
				raised = append(raised, c.id())
			}
		}
		return d.commit(ctx, changes)
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("run runbook %s: %w", id, err)
	case stale:
		return nil, fmt.Errorf("run runbook %s: the runbooks changed meanwhile: %w", id, ErrNotOpen)
	}
	return raised, nil
}

// Ack takes an alarm on. Acknowledging what is acknowledged changes nothing.
func (r *Responder) Ack(ctx context.Context, id, note string, by event.UserIdentity) error {
	var row state.Alarm
	err := r.deps.Store.View(ctx, func(tx state.Tx) (err error) {
		row, err = tx.Alarms().Get(id)
		return err
	})
	if err != nil {
		return fmt.Errorf("acknowledge alarm: %w", err)
	}
	if row.AckedBy != "" {
		return nil
	}
	if row.EventTime.IsZero() && row.State != string(alarm.InsufficientData) {
		return fmt.Errorf("acknowledge alarm %s: it was never raised: %w", id, ErrNotOpen)
	}
	if err := r.appendBy(ctx, by, event.AcknowledgeAlarm{Alarm: id, Note: note}); err != nil {
		return fmt.Errorf("acknowledge alarm %s: %w", id, err)
	}
	err = r.deps.Store.Update(ctx, func(tx state.Tx) error {
		now, err := tx.Alarms().Get(id)
		if err != nil {
			return err
		}
		if !now.EventTime.Equal(row.EventTime) {
			return fmt.Errorf("alarm %s was raised again meanwhile: %w", id, ErrNotOpen)
		}
		now.AckedBy, now.AckedAt, now.Note = nameOf(by), r.deps.Now(), note
		return tx.Alarms().Put(now)
	})
	if err != nil {
		return fmt.Errorf("acknowledge alarm: %w", err)
	}
	return nil
}

// Done finishes a step that waits for a person, or that was proposed to one.
func (r *Responder) Done(ctx context.Context, run, step, note string, by event.UserIdentity) error {
	var row state.Run
	err := r.deps.Store.View(ctx, func(tx state.Tx) (err error) {
		row, err = tx.Runs().Get(run)
		return err
	})
	if err != nil {
		return fmt.Errorf("finish step: %w", err)
	}
	if _, err := openStep(&row, step); err != nil {
		return err
	}
	if err := r.appendBy(ctx, by, event.ReviewStep{Run: run, Step: step, Decision: "done", Note: note}); err != nil {
		return fmt.Errorf("finish step %s: %w", step, err)
	}
	row, err = r.edit(ctx, run, func(row *state.Run) error {
		s, err := openStep(row, step)
		if err != nil {
			return err
		}
		s.State, s.Ended, s.Detail = stepDone, r.deps.Now(), nameOf(by)
		if note != "" {
			s.Detail += ": " + note
		}
		return nil
	})
	if err != nil {
		return err
	}
	return r.finish(ctx, row)
}

// openStep is a run's step that a person may finish.
func openStep(run *state.Run, id string) (*state.Step, error) {
	var ids []string
	for i := range run.Steps {
		s := &run.Steps[i]
		if s.ID == id {
			if s.State == stepWaiting || s.State == stepProposed {
				return s, nil
			}
			return nil, fmt.Errorf("step %s of run %s is %s: %w", id, run.ID, s.State, ErrNotOpen)
		}
		ids = append(ids, s.ID)
	}
	return nil, fmt.Errorf("run %s has no step %q, only %v: %w", run.ID, id, ids, state.ErrNotFound)
}

func nameOf(by event.UserIdentity) string {
	if by.ARN != "" {
		return by.ARN
	}
	return by.PrincipalID
}
