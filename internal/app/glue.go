package app

import (
	"context"
	"errors"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/gate"
	"github.com/trailgate/trailgate/internal/respond"
	"github.com/trailgate/trailgate/internal/state"
)

// apiSessions lets an administrator end sessions.
type apiSessions struct{ gate *gate.Gate }

// Terminate ends a live session; one that is not live is not found.
func (s apiSessions) Terminate(ctx context.Context, id, message string, by event.UserIdentity) error {
	err := s.gate.Terminate(ctx, id, message, gate.By{Identity: by})
	if errors.Is(err, gate.ErrNoSession) {
		return errors.Join(errors.New("no live session has this ID"), state.ErrNotFound)
	}
	return err
}

func gateLimits(cfg config.Config) gate.Limits {
	return gate.Limits{
		LoginGrace: cfg.Limits.LoginGrace, ThrottleInterval: cfg.Limits.ThrottleInterval,
		Unproven: cfg.Limits.Unproven, UnprovenSource: cfg.Limits.UnprovenSource,
	}
}

// apiRunbooks shows an administrator the runbooks at work.
type apiRunbooks struct{ *respond.Responder }

// Runbooks lists what is loaded, with how it works here.
func (r apiRunbooks) Runbooks(ctx context.Context) ([]rest.RunbookInfo, error) {
	infos, err := r.Responder.Runbooks(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]rest.RunbookInfo, len(infos))
	for i, info := range infos {
		rb := info.Runbook
		trigger := "schedule"
		if live, _ := rb.Live(); live {
			trigger = "live"
			if rb.Trigger.Every > 0 {
				trigger = "live and schedule"
			}
		}
		params := map[string]string{}
		for _, p := range rb.Params {
			params[p.Name] = p.Default
			if v, set := info.Params[p.Name]; set {
				params[p.Name] = v
			}
		}
		out[i] = rest.RunbookInfo{ID: rb.ID, Title: rb.Title, Severity: rb.Severity, Owner: rb.Owner, Trigger: trigger, Enabled: info.Enabled, Mode: string(info.Mode), Params: params}
	}
	return out, nil
}
