package runbook

import (
	"time"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Runbook is one file: a question, what asks it, and what is then done.
type Runbook struct {
	ID       string
	Title    string
	Severity string // info, low, medium, high, critical
	Owner    string
	Attack   []string // ATT&CK v19 technique IDs
	Controls []string // FRAMEWORK:control

	Params    []Value // of the query and the predicates, as the file has them
	Query     *sqlfront.Statement
	Window    time.Duration
	Trigger   Trigger
	Key       []string // columns; one alarm for each of their values
	Threshold int      // matches of one key inside the window that make an alarm

	Alarm      Alarm
	Respond    Respond
	Escalation string
	Tests      []Test

	// Shipped is set on the runbooks that come with Trailgate: they observe
	// until somebody enables them in another mode.
	Shipped bool
	Text    []byte // the file
	SHA256  string // of Text, hex

	matcher
}

// Value is a parameter of a runbook, :name in its SQL, and its value here.
type Value struct {
	sqlfront.Parameter        // with the default of the file
	Here               string // the value: the default, unless somebody set another
}

// Trigger says when the question is asked.
type Trigger struct {
	Event *sqlfront.Predicate // on each event it is true of; nil for every match of a live query
	Every time.Duration       // and on this schedule; 0 for none
}

// Alarm says how the alarm of a key behaves.
type Alarm struct {
	Cooldown time.Duration // after it was raised, the key raises no other for this long
	// One of them ends it: an event of the same key, or this long without a match.
	ResolveEvent *sqlfront.Predicate
	ResolveAfter time.Duration
}

// Respond says what is done about an alarm.
type Respond struct {
	Mode  Mode
	Steps []Step
}

// Mode is how much a runbook may do by itself.
type Mode string

// The modes.
const (
	Observe Mode = "observe" // collect, tell, and write down what would have been done
	Propose Mode = "propose" // the same, and leave each action for a person to take
	Enforce Mode = "enforce" // act
)

// Modes are all of them, the mildest first.
var Modes = []Mode{Observe, Propose, Enforce}

// Kind is what a step is.
type Kind string

// The kinds, in the order in which a run comes to them: evidence is taken
// before anything is changed, and containment waits for nobody's web server.
const (
	Evidence Kind = "evidence"
	Action   Kind = "action"
	Notify   Kind = "notify"
	Manual   Kind = "manual"
)

var kinds = []Kind{Evidence, Action, Notify, Manual}

// Step is one step of the response.
type Step struct {
	ID       string
	Kind     Kind
	Collect  []string            // evidence: matches, recording
	Action   string              // action: its name in Actions
	With     map[string]Template // action: its parameters
	To       []string            // notify: receivers
	Text     string              // manual: what to do
	Assignee string              // manual
	Due      time.Duration       // manual: after the run began
}

// Steps are the runbook's steps in the order a run takes them: by kind, and
// within a kind as the file has them.
func (rb *Runbook) Steps() []Step {
	var all []Step
	for _, k := range kinds {
		for _, s := range rb.Respond.Steps {
			if s.Kind == k {
				all = append(all, s)
			}
		}
	}
	return all
}

// Severities are the severities, the mildest first.
var Severities = []string{"info", "low", "medium", "high", "critical"}

// Defaults of what a file may leave out.
const (
	DefaultSeverity   = "medium"
	DefaultWindow     = 15 * time.Minute
	DefaultEvery      = 5 * time.Minute // of a query that has no live trigger
	DefaultThreshold  = 1
	DefaultEscalation = "default"
	defaultShown      = 100 // events an alarm lists for a key
)

// Bounds of what a file may ask for.
const (
	maxBytes     = 256 << 10
	maxWindow    = 24 * time.Hour
	minEvery     = time.Second
	maxDuration  = 400 * 24 * time.Hour
	maxThreshold = 100_000
	maxSteps     = 50
	maxTests     = 200
	maxEvents    = 5_000 // of all tests, repetitions counted
)
