package admin

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/state"
)

// CreateHold puts a legal hold on the events of a time; a zero end is open. It
// is serialised with retention's tombstones: what it covers and is there when it
// returns stays.
func (a *Admin) CreateHold(ctx context.Context, by Actor, reason string, from, to time.Time) (state.Hold, error) {
	switch {
	case strings.TrimSpace(reason) == "":
		return state.Hold{}, &Conflict{"a legal hold needs a reason", `such as --reason "matter 2026-17"`}
	case !from.IsZero() && !to.IsZero() && to.Before(from):
		return state.Hold{}, &Conflict{"the hold would end before it begins", "--from is the earlier of the two"}
	}
	h := state.Hold{ID: event.NewID(), Reason: reason, From: from.UTC(), To: to.UTC(), By: cmp.Or(by.Identity.ARN, by.Identity.UserName), Created: a.d.Now()}
	err := a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		e := event.CreateLegalHold{Reason: reason, From: holdTime(h.From), To: holdTime(h.To), ID: h.ID}
		return []event.Event{e}, tx.Holds().Create(h)
	})
	if err != nil {
		return state.Hold{}, fmt.Errorf("create legal hold: %w", err)
	}
	return h, nil
}

// DeleteHold lets retention have what a hold kept.
func (a *Admin) DeleteHold(ctx context.Context, by Actor, id string) error {
	err := a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		return []event.Event{event.DeleteLegalHold{ID: id}}, tx.Holds().Delete(id)
	})
	if errors.Is(err, state.ErrNotFound) {
		return &Conflict{fmt.Sprintf("no legal hold has the ID %q", id), "trailgate trail hold list shows them"}
	}
	if err != nil {
		return fmt.Errorf("delete legal hold: %w", err)
	}
	return nil
}

func holdTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
