package policy

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/schema"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"
)

// The entity types of the package comment's model.
const (
	identityType = "Identity"
	roleType     = "Role"
	actionType   = "Action"
	targetType   = "Target"
	trailType    = "Trail"
)

// Actions are all actions, in the order of the documentation.
var Actions = slices.Concat([]Action{Connect, Shell, Exec, Subsystem, Tunnel, ForwardAgent, ForwardX11}, trailActions)

var trailActions = []Action{ReadTrail, ReadOwnEvents, ReadLogFiles, PutAuditEvents}

// objectType is what an action's resource is.
func objectType(a Action) types.EntityType {
	if a.OnTrail() {
		return trailType
	}
	return targetType
}

// attribute is one attribute of the context and its Cedar type.
type attribute struct{ name, typ string }

var common = []attribute{
	{"login", "String"}, {"mfa", "Bool"}, {"source", "ipaddr"},
	{"hour", "Long"}, {"weekday", "String"}, {"time", "datetime"},
}

var special = map[Action][]attribute{
	Exec:      {{"command", "String"}},
	Subsystem: {{"subsystem", "String"}},
	Tunnel:    {{"host", "String"}, {"port", "Long"}},
}

// contextOf lists the attributes every context of an action has.
func contextOf(a Action) []attribute { return slices.Concat(common, special[a]) }

// weekdays are the values of context.weekday.
var weekdays = func() (names []string) {
	for d := time.Sunday; d <= time.Saturday; d++ {
		names = append(names, d.String())
	}
	return names
}()

// newValidator checks policies against the model. labels are those the
// policies mention: each may be missing from any target.
func newValidator(labels []string) *validate.Validator {
	var b strings.Builder
	fmt.Fprintf(&b, "entity %s;\nentity %s in [%s] = { name: String, arn: String };\n", roleType, identityType, roleType)
	// The trail has no labels. It may have them for the validator, so that what
	// asks whether a resource has one may speak of every action.
	for _, object := range []string{targetType, trailType} {
		fmt.Fprintf(&b, "entity %s = {", object)
		for _, l := range labels {
			fmt.Fprintf(&b, " %s?: String,", types.String(l).MarshalCedar())
		}
		b.WriteString(" };\n")
	}
	for _, a := range Actions {
		fmt.Fprintf(&b, "action %s appliesTo { principal: %s, resource: %s, context: {", a, identityType, objectType(a))
		for _, at := range contextOf(a) {
			fmt.Fprintf(&b, " %s: %s,", at.name, at.typ)
		}
		b.WriteString(" } };\n")
	}
	var s schema.Schema
	if err := s.UnmarshalCedar([]byte(b.String())); err != nil {
		panic(fmt.Sprintf("policy: the model is not a Cedar schema: %v\n%s", err, &b))
	}
	r, err := s.Resolve()
	if err != nil {
		panic(fmt.Sprintf("policy: the model does not resolve: %v", err))
	}
	return validate.New(r)
}

// check says what is missing from a request; every context is complete, so
// that no policy meets an absent attribute.
func (r Request) check() error {
	switch {
	case r.Subject.Name == "":
		return fmt.Errorf("the request names no identity")
	case r.Object.Name == "":
		return fmt.Errorf("the request names no target")
	case r.Login == "" && !r.Action.OnTrail():
		return fmt.Errorf("the request names no login")
	case !slices.Contains(Actions, r.Action):
		return fmt.Errorf("the request's action %q does not exist", r.Action)
	case !r.Source.IsValid():
		return fmt.Errorf("the request has no source address")
	case r.Time.IsZero():
		return fmt.Errorf("the request has no time")
	}
	return nil
}

// question is a request in Cedar's words.
type question struct {
	req      cedar.Request
	entities types.EntityMap
	shown    map[string]string // operand values already printed
}

// ask puts a complete request into Cedar's words.
func ask(r Request, mfa bool) question {
	who := cedar.NewEntityUID(identityType, types.String(r.Subject.Name))
	what := cedar.NewEntityUID(objectType(r.Action), types.String(r.Object.Name))
	entities := make(types.EntityMap, 2+len(r.Subject.Roles))
	roles := make([]types.EntityUID, len(r.Subject.Roles))
	for i, name := range r.Subject.Roles {
		roles[i] = cedar.NewEntityUID(roleType, types.String(name))
		entities[roles[i]] = types.Entity{UID: roles[i]}
	}
	entities[who] = types.Entity{
		UID:        who,
		Parents:    types.NewEntityUIDSet(roles...),
		Attributes: types.NewRecord(types.RecordMap{"name": types.String(r.Subject.Name), "arn": types.String(r.Subject.ARN)}),
	}
	labels := make(types.RecordMap, len(r.Object.Labels))
	if !r.Action.OnTrail() {
		for k, v := range r.Object.Labels {
			labels[types.String(k)] = types.String(v)
		}
	}
	entities[what] = types.Entity{UID: what, Attributes: types.NewRecord(labels)}

	source, now := r.Source.Unmap().WithZone(""), r.Time.UTC()
	context := types.RecordMap{
		"login":   types.String(r.Login),
		"mfa":     types.Boolean(mfa),
		"source":  types.IPAddr(netip.PrefixFrom(source, source.BitLen())),
		"hour":    types.Long(now.Hour()),
		"weekday": types.String(now.Weekday().String()),
		"time":    types.NewDatetime(now),
	}
	switch r.Action {
	case Exec:
		context["command"] = types.String(r.Command)
	case Subsystem:
		context["subsystem"] = types.String(r.Subsystem)
	case Tunnel:
		context["host"] = types.String(r.Host)
		context["port"] = types.Long(r.Port)
	}
	return question{
		req: cedar.Request{
			Principal: who,
			Action:    cedar.NewEntityUID(actionType, types.String(r.Action)),
			Resource:  what,
			Context:   types.NewRecord(context),
		},
		entities: entities,
	}
}
