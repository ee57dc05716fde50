package respond

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
)

// execution is one run being carried out.
//
// Every record of the run goes through say, which keeps their order: what the
// trail could not take waits, in front of all that comes later. A step is over
// only when its records are in the trail, so a crash meanwhile carries it out
// again, which changes nothing, and then records it.
type execution struct {
	r       *Responder
	run     state.Run
	alarm   state.Alarm
	owed    []saying
	due     map[string]time.Time      // when a step is tried again
	acted   map[string]action.Outcome // what came of actions whose record is owed
	refused map[string]string         // receivers that will never take it, and why
	unknown string                    // said of receivers that are not configured
}

// saying is a record the trail has not taken yet.
type saying struct {
	mark string
	what event.Event
}

// How often a step is tried, and when again.
var (
	actionRetries = []time.Duration{200 * time.Millisecond, time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute}
	notifyRetries = []time.Duration{time.Second, 5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}
)

// recordAgain is how soon a record the trail did not take is tried again.
const recordAgain = 250 * time.Millisecond

// collectFor bounds an evidence step: containment waits for it.
const collectFor = 500 * time.Millisecond

func newExecution(r *Responder, run state.Run, al state.Alarm) *execution {
	return &execution{r: r, run: run, alarm: al, due: map[string]time.Time{}, acted: map[string]action.Outcome{}, refused: map[string]string{}}
}

// say appends a record of the run after those that are owed. The record is in
// the trail when it returns nil; otherwise it will be, sooner or later.
func (x *execution) say(ctx context.Context, mark string, e event.Event) error {
	if !slices.ContainsFunc(x.owed, func(s saying) bool { return s.mark == mark }) {
		x.owed = append(x.owed, saying{mark, e})
	}
	return x.flush(ctx)
}

func (x *execution) flush(ctx context.Context) error {
	for len(x.owed) > 0 {
		if err := x.r.once(ctx, x.owed[0].mark, x.run.Runbook, x.owed[0].what); err != nil {
			return err
		}
		x.owed = x.owed[1:]
	}
	return nil
}

// announce records that the run began, and the alarm before it if the trail
// could not take that. Only a run whose steps are all untouched is new.
func (x *execution) announce(ctx context.Context) {
	for _, s := range x.run.Steps {
		if s.State != stepPending || s.Attempts > 0 {
			return
		}
	}
	_ = x.say(ctx, raiseMark(x.alarm.ID, last(x.alarm.EventIDs)), event.SetAlarmState{
		Alarm: x.alarm.ID, Runbook: x.alarm.Runbook, Key: x.alarm.Key, State: "ALARM", Severity: x.alarm.Severity,
		Reason: "the threshold was reached", Events: x.alarm.EventIDs, Matches: x.alarm.Matches,
	}) // owed if it fails
	_ = x.say(ctx, startMark(x.run.ID), event.StartRun{Run: x.run.ID, Runbook: x.run.Runbook, Alarm: x.run.Alarm, Mode: x.run.Mode})
}

// pass tries every step that is due once, in order, and says when to come
// again; the zero time is never.
func (x *execution) pass(ctx context.Context, contain, tell chan struct{}) (time.Time, error) {
	if !take(ctx, contain) {
		return time.Time{}, nil
	}
	x.announce(ctx)
	err := x.phase(ctx, runbook.Evidence, runbook.Action)
	<-contain
	if err != nil {
		return time.Time{}, err
	}
	if err := x.contained(ctx); err != nil {
		return time.Time{}, err
	}
	if !take(ctx, tell) {
		return time.Time{}, nil
	}
	err = x.phase(ctx, runbook.Notify, runbook.Manual)
	<-tell
	if err != nil {
		return time.Time{}, err
	}
	var again time.Time
	for _, at := range x.due {
		if again.IsZero() || at.Before(again) {
			again = at
		}
	}
	if !again.IsZero() {
		return again, nil
	}
	if err := x.flush(ctx); err != nil {
		return x.r.deps.Now().Add(recordAgain), nil
	}
	if err := x.r.finish(ctx, x.run); err != nil {
		return x.r.deps.Now().Add(recordAgain), nil
	}
	return time.Time{}, nil
}

// phase tries the steps of some kinds.
func (x *execution) phase(ctx context.Context, kinds ...runbook.Kind) error {
	for _, kind := range kinds {
		for i := range x.run.Steps {
			s := x.run.Steps[i]
			if s.Kind != string(kind) || s.State != stepPending && s.State != stepRunning || x.due[s.ID].After(x.r.deps.Now()) {
				continue
			}
			if ctx.Err() != nil {
				return nil
			}
			if err := x.try(ctx, &s); err != nil {
				return err
			}
		}
	}
	return nil
}

// try carries a step out once and stores what came of it.
func (x *execution) try(ctx context.Context, s *state.Step) error {
	delete(x.due, s.ID)
	before := *s
	before.With, before.Told = maps.Clone(s.With), slices.Clone(s.Told)
	var again time.Duration
	switch runbook.Kind(s.Kind) {
	case runbook.Evidence:
		again = x.collect(ctx, s)
	case runbook.Action:
		again = x.act(ctx, s)
	case runbook.Notify:
		again = x.notify(ctx, s)
	case runbook.Manual:
		again = x.hand(ctx, s)
	}
	if ctx.Err() != nil && left(*s) {
		return nil
	}
	if again > 0 {
		x.due[s.ID] = x.r.deps.Now().Add(again)
	}
	if !left(*s) {
		s.Ended = x.r.deps.Now()
	}
	if s.State == before.State && s.Attempts == before.Attempts && s.Detail == before.Detail && len(s.Told) == len(before.Told) {
		return nil
	}
	return x.save(ctx, *s)
}

// save stores a step; a step that failed shows in its alarm.
func (x *execution) save(ctx context.Context, s state.Step) error {
	err := x.r.deps.Store.Update(ctx, func(tx state.Tx) error {
		run, err := tx.Runs().Get(x.run.ID)
		if err != nil {
			return err
		}
		for i := range run.Steps {
			if run.Steps[i].ID == s.ID {
				run.Steps[i] = s
			}
		}
		x.run = run
		if s.State == stepFailed {
			al, err := tx.Alarms().Get(run.Alarm)
			if err != nil {
				return err
			}
			al.Fields = maps.Clone(al.Fields)
			if al.Fields == nil {
				al.Fields = map[string]string{}
			}
			al.Fields["failed"] = s.ID + ": " + s.Detail
			if err := tx.Alarms().Put(al); err != nil {
				return err
			}
		}
		return tx.Runs().Put(run)
	})
	if err != nil {
		return fmt.Errorf("store step %s: %w", s.ID, err)
	}
	return nil
}

// contained moves the run on when its actions are over.
func (x *execution) contained(ctx context.Context) error {
	for _, s := range x.run.Steps {
		if (s.Kind == string(runbook.Action) || s.Kind == string(runbook.Evidence)) && (s.State == stepPending || s.State == stepRunning) {
			return nil
		}
	}
	if x.run.State != runOpen || ctx.Err() != nil {
		return nil
	}
	run, err := x.r.edit(ctx, x.run.ID, func(run *state.Run) error {
		if run.State == runOpen {
			run.State = runContained
		}
		return nil
	})
	if err == nil {
		x.run = run
	}
	return err
}

// event is the record of a step.
func (x *execution) event(s state.Step, what, result, detail string) event.ExecuteStep {
	return event.ExecuteStep{Run: x.run.ID, Step: s.ID, Action: what, With: s.With, Result: result, Detail: detail}
}

// over records a step's result and sets it. While the trail is down the step
// stays as it is.
func (x *execution) over(ctx context.Context, s *state.Step, what, result, detail string) (again time.Duration) {
	if err := x.say(ctx, stepMark(x.run.ID, s.ID, result), x.event(*s, what, result, detail)); err != nil {
		return recordAgain
	}
	s.State, s.Detail = result, detail
	return 0
}

// retry counts an attempt that failed, and gives the step up after the last.
func (x *execution) retry(ctx context.Context, s *state.Step, what string, retries []time.Duration, cause error, least time.Duration) time.Duration {
	if s.Attempts >= len(retries) {
		return x.over(ctx, s, what, stepFailed, cause.Error())
	}
	wait := max(retries[s.Attempts], least)
	s.State, s.Detail = stepRunning, cause.Error()
	s.Attempts++
	return wait
}

// act carries an action out, or says what it would do.
func (x *execution) act(ctx context.Context, s *state.Step) time.Duration {
	o := action.Order{
		Runbook: x.run.Runbook, Title: x.alarm.Title, Run: x.run.ID, Step: s.ID, Action: s.Action,
		With: s.With, By: identityOf(x.r.deps.Origin, x.run.Runbook),
	}
	if x.run.Mode != string(runbook.Enforce) {
		out := x.r.deps.Actions.Describe(o)
		switch {
		case out.Result == action.Refused:
			return x.over(ctx, s, s.Action, stepRefused, out.Detail)
		case x.run.Mode == string(runbook.Propose):
			return x.over(ctx, s, s.Action, stepProposed, "proposed: "+out.Detail)
		}
		return x.over(ctx, s, s.Action, stepObserved, "would "+out.Detail)
	}
	out, ok := x.acted[s.ID]
	if !ok {
		// Append, then act; but what only restricts does not wait for a trail
		// that is down: its records follow.
		if err := x.say(ctx, stepMark(x.run.ID, s.ID, stepRunning), x.event(*s, s.Action, stepRunning, "")); err != nil && gone(ctx, err) {
			return 0
		}
		var err error
		out, err = x.r.deps.Actions.Do(ctx, o)
		if err != nil {
			if ctx.Err() != nil {
				return 0
			}
			return x.retry(ctx, s, s.Action, actionRetries, err, 0)
		}
		x.acted[s.ID] = out
	}
	return x.over(ctx, s, s.Action, string(out.Result), out.Detail)
}

// hand leaves a manual step to a person.
func (x *execution) hand(ctx context.Context, s *state.Step) time.Duration {
	again := x.over(ctx, s, "manual", stepWaiting, "")
	if again == 0 && ctx.Err() == nil {
		x.r.deps.Log.Info("a step waits for a person", "run", x.run.ID)
	}
	return again
}

// notify tells the receivers that have not been told.
func (x *execution) notify(ctx context.Context, s *state.Step) time.Duration {
	if s.Attempts == 0 && len(s.Told) == 0 {
		if err := x.say(ctx, stepMark(x.run.ID, s.ID, stepRunning), x.event(*s, "notify", stepRunning, "")); err != nil {
			return recordAgain
		}
		x.r.deps.Log.Warn("alarm", "run", x.run.ID, "session", x.alarm.Fields["sessionId"], "identity", x.alarm.Fields["userArn"], "target", x.alarm.Fields["target"])
	}
	var worst error
	var after time.Duration
	for _, to := range s.To {
		if slices.Contains(s.Told, to) || x.refused[to] != "" {
			continue
		}
		status, err := x.r.deps.Notifier.Send(ctx, to, x.message(*s, to))
		if ctx.Err() != nil {
			return 0
		}
		var f *action.Failure
		switch {
		case err == nil:
			s.Told = append(s.Told, to)
		case errors.Is(err, action.ErrNoReceiver):
			s.Told = append(s.Told, to)
			x.unknown = " (the configuration names no receiver " + to + ": it is in the log)"
		case errors.As(err, &f) && f.Final:
			x.refused[to] = err.Error()
		default:
			if f != nil {
				after = max(after, f.After)
			}
			worst = fmt.Errorf("%s: %w", to, err)
			continue
		}
		mark := "SendNotification " + x.run.ID + " " + s.ID + " " + to
		_ = x.say(ctx, mark, event.SendNotification{Run: x.run.ID, Receiver: to, Status: status, Attempts: s.Attempts + 1}) // owed if it fails
	}
	if worst != nil {
		return x.retry(ctx, s, "notify", notifyRetries, worst, after)
	}
	if len(x.refused) > 0 {
		to := slices.Sorted(maps.Keys(x.refused))[0]
		return x.over(ctx, s, "notify", stepFailed, to+": "+x.refused[to])
	}
	return x.over(ctx, s, "notify", stepDone, "told "+strings.Join(s.Told, ", ")+x.unknown)
}
