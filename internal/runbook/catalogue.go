package runbook

// Param is one parameter of an action.
type Param struct {
	Name     string
	Required bool
	Duration bool // a duration; text otherwise
}

// Spec is an action that a step may name. The catalogue is closed: no shell,
// no template language, nothing a site can add.
type Spec struct {
	Name   string
	Params []Param
	// Undo is how a person takes it back.
	Undo string
}

// Actions is the catalogue. All of them only restrict, and all but ending a
// session expire.
var Actions = []Spec{
	{Name: "lock_identity", Undo: "trailgate lock delete", Params: []Param{
		{Name: "identity", Required: true}, {Name: "for", Duration: true}, {Name: "message"}}},
	{Name: "require_mfa", Undo: "trailgate lock delete", Params: []Param{
		{Name: "identity", Required: true}, {Name: "for", Duration: true}, {Name: "message"}}},
	{Name: "terminate_session", Undo: "the person connects again", Params: []Param{
		{Name: "session", Required: true}, {Name: "message"}}},
	{Name: "throttle_source", Undo: "trailgate lock delete", Params: []Param{
		{Name: "source", Required: true}, {Name: "for", Duration: true}, {Name: "message"}}},
}

// evidences is what an evidence step may collect.
var evidences = []string{"matches", "recording"}

func specOf(name string) (Spec, bool) {
	for _, s := range Actions {
		if s.Name == name {
			return s, true
		}
	}
	return Spec{}, false
}

func actionNames() []string {
	names := make([]string, len(Actions))
	for i, s := range Actions {
		names[i] = s.Name
	}
	return names
}
