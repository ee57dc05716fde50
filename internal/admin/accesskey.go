package admin

import (
	"context"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/state"
)

// CreateAccessKey gives an identity a key for the CloudTrail API. Its secret is
// in the answer and nowhere else that can be read.
func (a *Admin) CreateAccessKey(ctx context.Context, by Actor, identity string, temporary bool, expires time.Time) (made authn.NewAccessKey, err error) {
	if err := a.exists(ctx, identity); err != nil {
		return made, err
	}
	if temporary && expires.IsZero() {
		return made, &Conflict{"a temporary key must expire", "say when: --expires 12h"}
	}
	if !expires.IsZero() && !expires.After(a.d.Now()) {
		return made, &Conflict{"the key would have expired already", "say when it expires: --expires 90d"}
	}
	if made, err = a.d.Enrol.MakeAccessKey(identity, temporary, expires); err != nil {
		return made, err
	}
	e := event.CreateAccessKey{UserName: identity, Temporary: temporary, AccessKeyID: made.Row.ID}
	if !expires.IsZero() {
		e.Expires = expires.UTC().Format(time.RFC3339)
	}
	err = a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		return []event.Event{e}, tx.AccessKeys().Create(made.Row)
	})
	return made, err
}

// SetAccessKey enables or disables an access key.
func (a *Admin) SetAccessKey(ctx context.Context, by Actor, id string, disabled bool) error {
	return a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		k, err := tx.AccessKeys().Get(id)
		if err != nil {
			return nil, fmt.Errorf("no key named %q: %w", id, err)
		}
		if k.Disabled == disabled {
			return nil, nil
		}
		k.Disabled = disabled
		status := "Active"
		if disabled {
			status = "Inactive"
		}
		return []event.Event{event.UpdateAccessKey{UserName: k.Identity, AccessKeyID: id, Status: status}}, tx.AccessKeys().Put(k)
	})
}

// DeleteAccessKey removes an access key.
func (a *Admin) DeleteAccessKey(ctx context.Context, by Actor, id string) error {
	return a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		k, err := tx.AccessKeys().Get(id)
		if err != nil {
			return nil, fmt.Errorf("no key named %q: %w", id, err)
		}
		return []event.Event{event.DeleteAccessKey{UserName: k.Identity, AccessKeyID: id}}, tx.AccessKeys().Delete(id)
	})
}

// removeAccessKeys deletes those of an identity that goes.
func removeAccessKeys(tx state.Tx, identity string) (events []event.Event, err error) {
	keys, err := tx.AccessKeys().List()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Identity != identity {
			continue
		}
		events = append(events, event.DeleteAccessKey{UserName: identity, AccessKeyID: k.ID})
		if err := tx.AccessKeys().Delete(k.ID); err != nil {
			return nil, err
		}
	}
	return events, nil
}
