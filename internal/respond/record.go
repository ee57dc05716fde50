package respond

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/runbook"
)

// identityOf is who a runbook acts as. The records of what it does carry it,
// and by it other runbooks do not see them.
func identityOf(o event.Origin, id string) event.UserIdentity {
	return event.UserIdentity{
		Type:        "Service",
		PrincipalID: runbook.InvokedBy + id,
		AccountID:   o.AccountID,
		InvokedBy:   runbook.InvokedBy + id,
	}
}

// append puts an event of runbook id in the trail.
func (r *Responder) append(ctx context.Context, id string, e event.Event) error {
	return r.appendBy(ctx, identityOf(r.deps.Origin, id), e)
}

func (r *Responder) appendBy(ctx context.Context, by event.UserIdentity, e event.Event) error {
	rec := r.deps.Origin.Record(event.Meta{
		Time:     r.deps.Now(),
		Identity: by,
		SourceIP: r.deps.Origin.EventSource,
	}, e)
	if _, err := r.deps.Trail.Append(ctx, rec); err != nil {
		return fmt.Errorf("record %s: %w", rec.EventName, err)
	}
	return nil
}

// once appends an event unless a record of it, by this mark, is in the trail
// already: a crash between an append and the store must not say things twice.
func (r *Responder) once(ctx context.Context, mark, id string, e event.Event) error {
	r.mu.Lock()
	there := r.recorded[mark]
	r.mu.Unlock()
	if there {
		return nil
	}
	if err := r.append(ctx, id, e); err != nil {
		return err
	}
	r.note(mark)
	return nil
}

func (r *Responder) note(mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.recorded[mark] = true
}

// forget drops the marks of a run that has ended: it says nothing more.
func (r *Responder) forget(run, alarm string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for mark := range r.recorded {
		if strings.Contains(mark, " "+run) || strings.HasPrefix(mark, raiseMark(alarm, "")) {
			delete(r.recorded, mark)
		}
	}
}

// The marks of records that must not be there twice.
func startMark(run string) string { return "StartRun " + run }
func endMark(run string) string   { return "EndRun " + run }
func stepMark(run, step, result string) string {
	return "ExecuteStep " + run + " " + step + " " + result
}
func raiseMark(alarm string, newest string) string {
	return "SetAlarmState " + alarm + " " + newest
}

// remember notes the marks of a record of a response that is in the trail. Only
// a runbook is called what it is called: an event from outside that looks like
// one must not keep the real one from being recorded.
func (r *Responder) remember(e event.Entry) error {
	rec, err := e.Record()
	if err != nil {
		return err
	}
	if !strings.HasPrefix(rec.UserIdentity.InvokedBy, runbook.InvokedBy) {
		return nil
	}
	request, response := texts(rec.RequestParameters), texts(rec.ResponseElements)
	switch rec.EventName {
	case "StartRun":
		r.note(startMark(request["runId"]))
	case "EndRun":
		r.note(endMark(request["runId"]))
	case "ExecuteStep":
		r.note(stepMark(request["runId"], request["step"], response["result"]))
	case "SetAlarmState":
		if request["state"] == "ALARM" {
			r.note(raiseMark(request["alarmId"], newestOf(rec.ServiceEventDetails)))
		}
	}
	return nil
}

// recordedBy says whether an entry may be a record of a response, without
// decoding it.
func recordedBy(e event.Entry) bool {
	return containsAny(e.JSON, `"StartRun"`, `"EndRun"`, `"ExecuteStep"`, `"SetAlarmState"`)
}

// gap records that something was not covered.
func (r *Responder) gap(ctx context.Context, g event.DetectGap) error {
	return r.appendBy(ctx, event.UserIdentity{Type: "Service", PrincipalID: "respond", AccountID: r.deps.Origin.AccountID}, g)
}

// gone says whether err is only that ctx ended.
func gone(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}
