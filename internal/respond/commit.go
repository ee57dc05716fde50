package respond

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/alarm"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// appendsAtOnce bounds the transitions appended beside each other: they share
// group commits.
const appendsAtOnce = 32

// commit appends the transitions among changes and stores everything that
// changed, with the cursor, in one transaction. It stores the cursors of
// schedules in moved, too.
//
// A transition into ALARM is stored whether or not the trail took it, because
// it leads to acts that only restrict; the run appends it first of all. Any
// other waits in owed until the trail has it, and so does the cursor.
func (d *detector) commit(ctx context.Context, changes []change, moved ...state.Cursor) error {
	var decided []change
	for _, c := range changes {
		if c.transition.Changed() {
			decided = append(decided, c)
			delete(d.dirty, c.id())
			continue
		}
		d.dirty[c.id()] = c
	}
	now := d.r.deps.Now()
	due := len(decided)+len(d.owed)+len(moved) > 0 || now.Sub(d.flushed) >= flushEvery && (len(d.dirty) > 0 || d.seq > d.cursor.Seq)
	if !due {
		return nil
	}
	decided = append(d.owed, decided...)
	d.owed = nil
	recorded := d.record(ctx, decided)
	var ready []change
	for i, c := range decided {
		if recorded[i] || c.transition.Responds() {
			ready = append(ready, c)
		} else {
			d.owed = append(d.owed, c)
		}
	}
	for _, c := range d.dirty {
		ready = append(ready, c)
	}
	cursor := d.cursor
	if len(d.owed) == 0 {
		cursor.Seq, cursor.Time = d.seq, d.at
	} else {
		moved = nil
	}
	err := d.r.deps.Store.Update(ctx, func(tx state.Tx) error {
		for _, c := range ready {
			if err := d.store(tx, c); err != nil {
				return err
			}
		}
		for _, c := range append(moved, cursor) {
			if err := tx.Cursors().Put(c); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("store alarms: %w", err)
	}
	d.cursor, d.flushed = cursor, now
	clear(d.dirty)
	for _, c := range ready {
		if c.transition.Responds() {
			d.wake(c.run())
		}
	}
	return nil
}

// record appends the transitions, and says which the trail has.
func (d *detector) record(ctx context.Context, decided []change) []bool {
	done := make([]bool, len(decided))
	slots := make(chan struct{}, appendsAtOnce)
	var wg sync.WaitGroup
	for i, c := range decided {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			var err error
			if e := c.event(); c.transition.Responds() {
				err = d.r.once(ctx, raiseMark(e.Alarm, last(e.Events)), c.rb.ID, e)
			} else {
				err = d.r.append(ctx, c.rb.ID, e)
			}
			if err != nil && ctx.Err() == nil {
				d.r.deps.Log.Error("alarm is not recorded yet", "err", err)
			}
			done[i] = err == nil
		})
	}
	wg.Wait()
	return done
}

// store writes an alarm's row, and the run of a transition into ALARM.
func (d *detector) store(tx state.Tx, c change) error {
	row, err := tx.Alarms().Get(c.id())
	if err != nil && !errors.Is(err, state.ErrNotFound) {
		return err
	}
	if !c.transition.Changed() && row.Since.After(c.alarm.Since) {
		return nil // counts of an alarm that has moved on
	}
	c.fill(&row)
	if c.transition.Responds() {
		row.Run, row.AckedBy, row.AckedAt, row.Note = c.run(), "", time.Time{}, ""
		run := c.newRun(d.modes[c.rb.ID], d.r.deps.Now())
		if err := tx.Runs().Create(run); err != nil && !errors.Is(err, state.ErrExists) {
			return err
		}
	}
	return tx.Alarms().Put(row)
}

// id is the name of the change's alarm.
func (c change) id() string {
	if c.own {
		return alarm.OwnID(c.rb.ID)
	}
	return alarm.ID(c.rb.ID, c.key)
}

// run is the name of the run that answers the change.
func (c change) run() string { return alarm.RunID(c.id(), c.alarm.Raised) }

// event is the record of the change.
func (c change) event() event.SetAlarmState {
	return event.SetAlarmState{
		Alarm: c.id(), Runbook: c.rb.ID, Key: c.key,
		State: string(c.transition.To), Previous: string(c.transition.From),
		Severity: c.rb.Severity, Reason: c.transition.Reason,
		Events: c.found.EventIDs, Matches: c.found.Matches,
	}
}

// fill writes the change into the alarm's row.
func (c change) fill(row *state.Alarm) {
	row.ID, row.Runbook, row.Key = c.id(), c.rb.ID, c.key
	row.State, row.Since = string(c.alarm.State), c.alarm.Since
	row.Severity, row.Title = c.rb.Severity, c.rb.Title
	row.EventTime, row.Newest, row.Answered = c.alarm.Raised, c.alarm.Newest, c.alarm.Answered
	row.Matches, row.EventIDs = c.found.Matches, c.found.EventIDs
	if c.found.Fields != nil {
		row.Fields = c.found.Fields
	}
}

// fromRow is the alarm of a row; fill writes it.
func fromRow(row state.Alarm) alarm.Alarm {
	return alarm.Alarm{State: alarm.State(row.State), Since: row.Since, Raised: row.EventTime, Newest: row.Newest, Answered: row.Answered}
}

func foundOf(row state.Alarm) runbook.Finding {
	return runbook.Finding{Key: row.Key, At: row.Since, Matches: row.Matches, EventIDs: row.EventIDs, Newest: row.Newest, Fields: row.Fields}
}

// newRun is the response to the change, its steps rendered and pending.
func (c change) newRun(mode runbook.Mode, now time.Time) state.Run {
	run := state.Run{ID: c.run(), Alarm: c.id(), Runbook: c.rb.ID, Mode: string(mode), State: runOpen, Created: now}
	for _, s := range c.rb.Steps() {
		run.Steps = append(run.Steps, newStep(s, c.found.Fields, now))
	}
	return run
}

// newStep renders a step for the event that raised the alarm. A reference
// without a value stays empty: the action then refuses, and says why.
func newStep(s runbook.Step, fields map[string]string, now time.Time) state.Step {
	row := state.Step{ID: s.ID, Kind: string(s.Kind), Action: s.Action, To: s.To, Text: s.Text, Assignee: s.Assignee, State: stepPending}
	if s.Kind == runbook.Evidence {
		row.Text = strings.Join(s.Collect, ", ")
	}
	if s.Due > 0 {
		row.Due = now.Add(s.Due)
	}
	for name, t := range s.With {
		if row.With == nil {
			row.With = map[string]string{}
		}
		row.With[name], _ = t.Render(fields)
	}
	return row
}

// scheduleOf is the runbook whose schedule a cursor is.
func scheduleOf(name string) (string, bool) { return strings.CutPrefix(name, cursorName+"/") }
