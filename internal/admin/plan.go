package admin

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/policy"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/target"
)

// plan is one Apply at work: it changes the rows of an open transaction and
// collects the events that must be durable before it commits.
type plan struct {
	tx     state.Tx
	o      Options
	now    time.Time
	origin event.Origin
	store  string // the trail's id as an event data store

	changes  []Change
	events   []event.Event
	wrong    []error
	policies bool              // a policy changed
	seen     map[string]string // the resources of this set by label, and their places
	admins   bool              // there was an admin before
}

// begin notes what the end is held against.
func (p *plan) begin() error {
	p.seen = map[string]string{}
	all, err := p.tx.Identities().List()
	p.admins = slices.ContainsFunc(all, func(i state.Identity) bool { return i.Admin })
	return err
}

// checkAdmins keeps the last admin: somebody must be able to undo what this
// set does.
func (p *plan) checkAdmins() {
	all, err := p.tx.Identities().List()
	if err != nil {
		p.wrong = append(p.wrong, fmt.Errorf("read the identities: %w", err))
	}
	if p.admins && !slices.ContainsFunc(all, func(i state.Identity) bool { return i.Admin }) {
		p.wrong = append(p.wrong, &Conflict{"this would leave no admin", "make another identity admin in the same set"})
	}
}

func (p *plan) fail(r manifest.Resource, format string, args ...any) {
	err := fmt.Errorf(r.Label()+": "+format, args...)
	if r.Place != "" {
		err = fmt.Errorf("%s: %w", r.Place, err)
	}
	p.wrong = append(p.wrong, err)
}

// put plans one resource.
func (p *plan) put(r manifest.Resource) {
	if r.Kind != manifest.Key {
		if err := manifest.CheckName(r.Name); err != nil {
			p.fail(r, "name: %v", err)
			return
		}
	}
	if r.Kind != manifest.Key { // an identity has as many keys as it likes
		if first, again := p.seen[r.Label()]; again {
			where := ""
			if first != "" {
				where = ", first at " + first
			}
			p.fail(r, "it is in this set twice%s", where)
			return
		}
		p.seen[r.Label()] = r.Place
	}
	switch r.Kind {
	case manifest.Identity:
		p.identity(r)
	case manifest.Key:
		p.key(r)
	case manifest.Role:
		p.role(r)
	case manifest.Target:
		p.target(r)
	case manifest.Policy:
		p.policy(r)
	case manifest.SavedQuery:
		p.savedQuery(r)
	}
}

// settle is what all kinds share: nothing to do, created or updated.
func settle[T any](p *plan, r manifest.Resource, table state.Table[T], id string, row T, differs func(old T) []string, created, updated event.Event) {
	old, err := table.Get(id)
	what, fields, e := "created", []string(nil), created
	switch {
	case errors.Is(err, state.ErrNotFound):
	case err != nil:
		p.fail(r, "read what is there: %w", err)
		return
	case p.o.Create:
		hint := "trailgate apply -f changes what exists"
		if r.Kind == manifest.Policy || r.Kind == manifest.SavedQuery {
			hint = "--replace puts this in its place"
		}
		p.wrong = append(p.wrong, &Conflict{r.Label() + " exists already", hint})
		return
	default:
		what, fields, e = "updated", differs(old), updated
		if len(fields) == 0 {
			p.changes = append(p.changes, Change{Resource: r.Label(), What: "unchanged"})
			return
		}
	}
	if err := table.Put(row); err != nil {
		p.fail(r, "write it: %w", err)
		return
	}
	p.changes = append(p.changes, Change{r.Label(), what, fields})
	p.events = append(p.events, e)
}

// diff lists the names of the fields that differ.
func diff(pairs ...any) []string {
	var out []string
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1].(bool) {
			out = append(out, pairs[i].(string))
		}
	}
	return out
}

func (p *plan) identity(r manifest.Resource) {
	arn := r.ARN
	if arn == "" {
		arn = authn.ARN(p.origin.AccountID, r.Name)
	}
	principal := authn.Principal(p.origin.AccountID, r.Name, arn)
	if !strings.HasPrefix(arn, "arn:") || strings.Count(arn, ":") < 5 || strings.ContainsFunc(arn, func(c rune) bool { return c <= ' ' || c > '~' }) {
		p.fail(r, "arn %q is not an ARN such as arn:aws:iam::111122223333:user/alice", arn)
		return
	}
	row := state.Identity{Name: r.Name, ARN: arn, Type: principal.Type, Admin: r.Admin, BreakGlass: r.BreakGlass, Created: p.now}
	others, err := p.tx.Identities().List()
	if err != nil {
		p.fail(r, "read the identities: %w", err)
		return
	}
	for _, other := range others {
		if other.ARN == arn && other.Name != r.Name {
			p.fail(r, "its ARN belongs to identity %s already: an event must name one identity", other.Name)
			return
		}
		if other.Name == r.Name {
			row.Created = other.Created
		}
	}
	settle(p, r, p.tx.Identities(), r.Name, row, func(old state.Identity) []string {
		return diff("arn", old.ARN != row.ARN, "admin", old.Admin != row.Admin, "breakGlass", old.BreakGlass != row.BreakGlass)
	}, event.CreateUser{UserName: r.Name, ARN: arn, Admin: row.Admin, BreakGlass: row.BreakGlass},
		event.UpdateUser{UserName: r.Name, ARN: arn, Admin: row.Admin, BreakGlass: row.BreakGlass})
}

func (p *plan) key(r manifest.Resource) {
	if _, err := p.tx.Identities().Get(r.Identity); err != nil {
		p.fail(r, "no identity named %q", r.Identity)
		return
	}
	k, err := authn.ParsePublicKey(r.PublicKey)
	if err != nil {
		p.fail(r, "%w", err)
		return
	}
	row := state.Key{Fingerprint: k.Fingerprint, PublicKey: k.Line, Identity: r.Identity, Comment: k.Comment, Created: p.now}
	if old, err := p.tx.Keys().Get(k.Fingerprint); err == nil {
		if old.Identity != r.Identity {
			p.wrong = append(p.wrong, &Conflict{
				fmt.Sprintf("key %s belongs to identity %s already", k.Fingerprint, old.Identity),
				"a key proves one identity: trailgate key delete " + k.Fingerprint + " frees it",
			})
			return
		}
		row.Created, row.Disabled = old.Created, old.Disabled
	}
	e := event.UploadSSHPublicKey{UserName: r.Identity, Fingerprint: k.Fingerprint}
	settle(p, r, p.tx.Keys(), k.Fingerprint, row, func(old state.Key) []string {
		return diff("comment", old.Comment != row.Comment)
	}, e, e)
}

func (p *plan) role(r manifest.Resource) {
	members := slices.Compact(slices.Sorted(slices.Values(r.Members)))
	for _, m := range members {
		if _, err := p.tx.Identities().Get(m); err != nil {
			p.fail(r, "no identity named %q", m)
			return
		}
	}
	row := state.Role{Name: r.Name, Members: members, ARN: r.ARN}
	settle(p, r, p.tx.Roles(), r.Name, row, func(old state.Role) []string {
		return diff("arn", old.ARN != row.ARN, "members", !slices.Equal(old.Members, row.Members))
	}, event.CreateRole{Role: r.Name, Members: members, ARN: r.ARN}, event.UpdateRole{Role: r.Name, Members: members, ARN: r.ARN})
}

func (p *plan) target(r manifest.Resource) {
	if !authn.ValidTarget(r.Name) {
		p.fail(r, "the name must be what a host name is: a-z, 0-9, and inside it . and -")
		return
	}
	host, port, err := net.SplitHostPort(r.Address)
	if n, perr := strconv.Atoi(port); err != nil || perr != nil || host == "" || n < 1 || n > 65535 {
		p.fail(r, "address %q is not host:port", r.Address)
		return
	}
	row := state.Target{Name: r.Name, Address: r.Address, HostKeys: r.HostKeys, Labels: r.Labels, Created: p.now}
	pins, err := target.ParsePins(row)
	if err != nil {
		p.fail(r, "%w", err)
		return
	}
	if old, err := p.tx.Targets().Get(r.Name); err == nil {
		row.Created = old.Created
	}
	prints := pins.Fingerprints()
	settle(p, r, p.tx.Targets(), r.Name, row, func(old state.Target) []string {
		return diff("address", old.Address != row.Address, "hostKeys", !slices.Equal(old.HostKeys, row.HostKeys), "labels", !maps.Equal(old.Labels, row.Labels))
	}, event.CreateTarget{Target: r.Name, Address: r.Address, Keys: prints, Labels: r.Labels},
		event.UpdateTarget{Target: r.Name, Address: r.Address, Keys: prints, Labels: r.Labels})
}

func (p *plan) policy(r manifest.Resource) {
	p.policies = true
	row := state.Policy{Name: r.Name, Text: r.Text, Updated: p.now}
	e := event.PutPolicy{Policy: r.Name, SHA256: policy.Document{Name: r.Name, Text: r.Text}.SHA256()}
	settle(p, r, p.tx.Policies(), r.Name, row, func(old state.Policy) []string {
		return diff("text", old.Text != row.Text)
	}, e, e)
}

// checkPolicies compiles all policies as they will be: a set with a mistake is
// refused whole.
func (p *plan) checkPolicies() {
	if !p.policies {
		return
	}
	if _, err := Compile(p.tx); err != nil {
		p.wrong = append(p.wrong, err)
	}
}

// Compile compiles the policies of a transaction.
func Compile(tx state.Tx) (*policy.Set, error) {
	rows, err := tx.Policies().List()
	if err != nil {
		return nil, fmt.Errorf("read the policies: %w", err)
	}
	docs := make([]policy.Document, len(rows))
	for i, r := range rows {
		docs[i] = policy.Document{Name: r.Name, Text: r.Text}
	}
	return policy.Compile(docs)
}

// remove deletes one row, and what makes no sense without it, and returns the
// events to append before the transaction commits.
func remove(tx state.Tx, kind, name string) ([]event.Event, error) {
	switch kind {
	case manifest.Identity:
		return removeIdentity(tx, name)
	case manifest.Key:
		k, err := tx.Keys().Get(name)
		if err != nil {
			return nil, err
		}
		return []event.Event{event.DeleteSSHPublicKey{UserName: k.Identity, Fingerprint: name}}, tx.Keys().Delete(name)
	case manifest.Role:
		return []event.Event{event.DeleteRole{Role: name}}, tx.Roles().Delete(name)
	case manifest.Target:
		return []event.Event{event.DeleteTarget{Target: name}}, tx.Targets().Delete(name)
	case manifest.Policy:
		return []event.Event{event.DeletePolicy{Policy: name}}, tx.Policies().Delete(name)
	case manifest.SavedQuery:
		return removeSavedQuery(tx, name)
	}
	return nil, fmt.Errorf("unknown kind %q", kind)
}

func removeIdentity(tx state.Tx, name string) ([]event.Event, error) {
	gone, err := tx.Identities().Get(name)
	if err != nil {
		return nil, err
	}
	all, err := tx.Identities().List()
	if err != nil {
		return nil, err
	}
	if gone.Admin && !slices.ContainsFunc(all, func(i state.Identity) bool { return i.Admin && i.Name != name }) {
		return nil, &Conflict{"identity " + name + " is the last admin", "make another identity admin first"}
	}
	var events []event.Event
	keys, err := tx.Keys().List()
	if err != nil {
		return nil, err
	}
	for _, k := range keys {
		if k.Identity == name {
			events = append(events, event.DeleteSSHPublicKey{UserName: name, Fingerprint: k.Fingerprint})
			if err := tx.Keys().Delete(k.Fingerprint); err != nil {
				return nil, err
			}
		}
	}
	revoked, err := removeAccessKeys(tx, name)
	if err != nil {
		return nil, err
	}
	events = append(events, revoked...)
	if err := tx.Devices().Delete(name); err == nil {
		events = append(events, event.DeactivateMFADevice{UserName: name})
	} else if !errors.Is(err, state.ErrNotFound) {
		return nil, err
	}
	roles, err := tx.Roles().List()
	if err != nil {
		return nil, err
	}
	for _, r := range roles {
		if i := slices.Index(r.Members, name); i >= 0 {
			r.Members = slices.Delete(r.Members, i, i+1)
			events = append(events, event.UpdateRole{Role: r.Name, Members: r.Members, ARN: r.ARN})
			if err := tx.Roles().Put(r); err != nil {
				return nil, err
			}
		}
	}
	return append(events, event.DeleteUser{UserName: name}), tx.Identities().Delete(name)
}
