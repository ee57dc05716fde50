package admin

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/suggest"
)

// Trail takes the event of a change; a change whose event cannot be appended
// does not happen.
type Trail interface {
	Append(ctx context.Context, rec event.Record) (event.Entry, error)
}

// Enroller makes second factors and access keys (package authn).
type Enroller interface {
	EnrolTOTP(ctx context.Context, name string) (uri string, err error)
	MakeAccessKey(identity string, temporary bool, expires time.Time) (authn.NewAccessKey, error)
}

// Actor is who asks for a change.
type Actor struct {
	Identity event.UserIdentity
	Source   string // sourceIPAddress; for the local socket the installation's event source
}

// Conflict is a change that what is there does not allow. The hint says what
// to do.
type Conflict struct{ Text, Hint string }

func (c *Conflict) Error() string { return c.Text }

// Deps are what an Admin works with. All are needed.
type Deps struct {
	Store   state.Store
	Trail   Trail
	Enrol   Enroller
	Origin  event.Origin
	Now     func() time.Time
	Changed func() // called after every change, so that live sessions are decided again
	StoreID string // of the trail as an event data store, which saved queries may name
}

// Admin changes resources.
type Admin struct{ d Deps }

// New returns an Admin.
func New(d Deps) *Admin { return &Admin{d} }

// change calls fn in a transaction, appends the events it returns, and commits:
// each event is durable before its change can be seen. When the change fails
// after events were appended, each is followed by its twin with the error, so
// that the trail does not claim what did not happen.
func (a *Admin) change(ctx context.Context, by Actor, fn func(tx state.Tx) ([]event.Event, error)) error {
	var appended []event.Event
	err := a.d.Store.Update(ctx, func(tx state.Tx) error {
		events, err := fn(tx)
		if err != nil {
			return err
		}
		for _, e := range events {
			if err := a.append(ctx, by, e, nil); err != nil {
				return err
			}
			appended = append(appended, e)
		}
		return nil
	})
	if err == nil {
		return nil
	}
	for _, e := range appended {
		if also := a.append(context.WithoutCancel(ctx), by, e, err); also != nil {
			return errors.Join(err, also)
		}
	}
	return err
}

// append makes e durable in the trail: about to be done, or failed.
func (a *Admin) append(ctx context.Context, by Actor, e event.Event, failure error) error {
	m := event.Meta{Time: a.d.Now(), Identity: by.Identity, SourceIP: by.Source}
	if failure != nil {
		m.ErrorCode, m.ErrorMessage = event.InternalFailure, failure.Error()
	}
	if _, err := a.d.Trail.Append(ctx, a.d.Origin.Record(m, e)); err != nil {
		return fmt.Errorf("record %s: %w", event.Name(e), err)
	}
	return nil
}

// Options of Apply.
type Options struct {
	DryRun bool // say what would change, change nothing
	Create bool // a resource that exists already is a Conflict
}

// Change is what Apply did, or would do, to one resource.
type Change struct {
	Resource string   `json:"resource"` // e.g. "target web1"
	What     string   `json:"what"`     // created, updated, unchanged
	Fields   []string `json:"fields,omitempty"`
}

// errDryRun rolls the transaction of a dry run back.
var errDryRun = errors.New("dry run")

// Apply puts resources in place, in the order of manifest.Kinds: all of them or
// none. It reports every mistake at once.
func (a *Admin) Apply(ctx context.Context, by Actor, resources []manifest.Resource, o Options) ([]Change, error) {
	var changes []Change
	err := a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		p := &plan{tx: tx, o: o, now: a.d.Now(), origin: a.d.Origin, store: a.d.StoreID}
		if err := p.begin(); err != nil {
			return nil, fmt.Errorf("read the identities: %w", err)
		}
		for _, r := range resources {
			if !slices.Contains(manifest.Kinds, r.Kind) {
				p.fail(r, "unknown kind %q%s", r.Kind, suggest.DidYouMean(r.Kind, manifest.Kinds))
			}
		}
		for _, kind := range manifest.Kinds {
			for _, r := range resources {
				if r.Kind == kind {
					p.put(r)
				}
			}
		}
		p.checkPolicies()
		p.checkAdmins()
		changes = p.changes
		if len(p.wrong) > 0 {
			return nil, errors.Join(p.wrong...)
		}
		if o.DryRun {
			return nil, errDryRun
		}
		return p.events, nil
	})
	if err != nil && !errors.Is(err, errDryRun) {
		return nil, err
	}
	if !o.DryRun {
		a.d.Changed()
	}
	return changes, nil
}

// Delete removes one resource: an identity with its keys, devices and
// memberships. A key is named by its fingerprint.
func (a *Admin) Delete(ctx context.Context, by Actor, kind, name string) error {
	err := a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) { return remove(tx, kind, name) })
	if errors.Is(err, state.ErrNotFound) {
		return fmt.Errorf("no %s named %q: %w", kind, name, state.ErrNotFound)
	}
	if err != nil {
		return err
	}
	a.d.Changed()
	return nil
}

// SetKey enables or disables a key. Disabling ends the sessions it opened.
func (a *Admin) SetKey(ctx context.Context, by Actor, fingerprint string, disabled bool) error {
	err := a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		k, err := tx.Keys().Get(fingerprint)
		if err != nil {
			return nil, fmt.Errorf("no key %q: %w", fingerprint, err)
		}
		if k.Disabled == disabled {
			return nil, nil
		}
		k.Disabled = disabled
		status := "Active"
		if disabled {
			status = "Inactive"
		}
		return []event.Event{event.UpdateSSHPublicKey{UserName: k.Identity, Fingerprint: fingerprint, Status: status}}, tx.Keys().Put(k)
	})
	if err == nil {
		a.d.Changed()
	}
	return err
}

// EnrolMFA gives an identity a new TOTP device in place of any it had, and
// returns its otpauth URI, which holds the secret.
func (a *Admin) EnrolMFA(ctx context.Context, by Actor, name string) (uri string, err error) {
	if err := a.exists(ctx, name); err != nil {
		return "", err
	}
	e := event.EnableMFADevice{UserName: name, Type: "totp"}
	if err := a.append(ctx, by, e, nil); err != nil {
		return "", err
	}
	if uri, err = a.d.Enrol.EnrolTOTP(ctx, name); err != nil {
		return "", errors.Join(err, a.append(context.WithoutCancel(ctx), by, e, err))
	}
	a.d.Changed()
	return uri, nil
}

// RemoveMFA takes an identity's device away.
func (a *Admin) RemoveMFA(ctx context.Context, by Actor, name string) error {
	err := a.change(ctx, by, func(tx state.Tx) ([]event.Event, error) {
		if err := tx.Devices().Delete(name); err != nil {
			return nil, fmt.Errorf("identity %q has no MFA device: %w", name, err)
		}
		return []event.Event{event.DeactivateMFADevice{UserName: name}}, nil
	})
	if err == nil {
		a.d.Changed()
	}
	return err
}

func (a *Admin) exists(ctx context.Context, identity string) error {
	return a.d.Store.View(ctx, func(tx state.Tx) error {
		if _, err := tx.Identities().Get(identity); err != nil {
			return fmt.Errorf("no identity named %q: %w", identity, err)
		}
		return nil
	})
}
