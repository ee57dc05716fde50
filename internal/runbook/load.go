package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"slices"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Load reads a runbook from a file's bytes; name is the file's, for messages.
// The error is Mistakes: everything that is wrong, with line and column.
func Load(name string, data []byte) (*Runbook, error) { return load(name, data, nil) }

// load is Load with values for parameters, which are of the file and fit.
func load(name string, data []byte, values map[string]string) (*Runbook, error) {
	l := &loader{reader: reader{file: name}, values: values, used: map[string]bool{}, rb: &Runbook{
		Severity:   DefaultSeverity,
		Window:     DefaultWindow,
		Threshold:  DefaultThreshold,
		Respond:    Respond{Mode: Observe},
		Escalation: DefaultEscalation,
		Text:       slices.Clone(data),
	}}
	if root := l.root(data); root != nil {
		l.read(root)
		l.check(root)
	}
	if len(l.mistakes) > 0 {
		return nil, l.mistakes.sorted()
	}
	sum := sha256.Sum256(data)
	l.rb.SHA256 = hex.EncodeToString(sum[:])
	return l.rb, nil
}

// loader is one Load.
type loader struct {
	reader
	rb     *Runbook
	values map[string]string
	params []sqlfront.Parameter // with the values they have here
	used   map[string]bool

	// What check needs the places of.
	id, query, event, key, cooldown, resolve *yaml.Node
	keys                                     []*yaml.Node
	paramNodes                               []*yaml.Node
	queryText, eventText, resolveText        string
	cooldownSet                              bool
	steps                                    []placed
	refs                                     []ref
	tests                                    []*testFile
	events                                   int // of all tests
}

// placed is a step and where it stands.
type placed struct {
	step Step
	node *yaml.Node
}

// ref is a ${path} and where it stands.
type ref struct {
	path string
	node *yaml.Node
}

var idForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$`)

func (l *loader) read(root *yaml.Node) {
	rb := l.rb
	l.mapping(root, "the runbook",
		field{"id", func(n *yaml.Node) {
			l.id = n
			if l.text(&rb.ID, "id", 64)(n); rb.ID != "" && !idForm.MatchString(rb.ID) {
				l.wrong(n, "id %s must be lower-case letters, digits and hyphens", quote(rb.ID))
			}
		}},
		field{"title", l.text(&rb.Title, "title", 200)},
		field{"severity", oneOf(&l.reader, &rb.Severity, "severity", Severities)},
		field{"owner", l.text(&rb.Owner, "owner", 100)},
		field{"attack", l.texts(&rb.Attack, "attack")},
		field{"controls", l.texts(&rb.Controls, "controls")},
		field{"params", l.readParams},
		field{"query", func(n *yaml.Node) { l.query = n; l.text(&l.queryText, "query", 64<<10)(n) }},
		field{"window", l.duration(&rb.Window, "window", time.Second, maxWindow)},
		field{"trigger", func(n *yaml.Node) {
			l.mapping(n, "trigger",
				field{"event", func(n *yaml.Node) { l.event = n; l.text(&l.eventText, "trigger.event", 16<<10)(n) }},
				field{"every", l.duration(&rb.Trigger.Every, "trigger.every", minEvery, maxWindow)},
			)
		}},
		field{"key", l.readKey},
		field{"threshold", l.integer(&rb.Threshold, "threshold", 1, maxThreshold)},
		field{"alarm", func(n *yaml.Node) {
			l.mapping(n, "alarm",
				field{"cooldown", func(n *yaml.Node) {
					l.cooldownSet = true
					l.duration(&rb.Alarm.Cooldown, "alarm.cooldown", 0, maxDuration)(n)
				}},
				field{"resolve", l.readResolve},
			)
		}},
		field{"respond", func(n *yaml.Node) {
			l.mapping(n, "respond",
				field{"mode", oneOf(&l.reader, &rb.Respond.Mode, "mode", Modes)},
				field{"steps", func(n *yaml.Node) { l.list(n, "respond.steps", l.readStep) }},
			)
		}},
		field{"escalation", l.text(&rb.Escalation, "escalation", 100)},
		field{"tests", func(n *yaml.Node) { l.list(n, "tests", l.readTest) }},
	)
	for _, p := range l.steps {
		rb.Respond.Steps = append(rb.Respond.Steps, p.step)
	}
	if rb.Title == "" {
		rb.Title = rb.ID
	}
}

func (l *loader) readKey(n *yaml.Node) {
	l.key = n
	l.list(n, "key", func(n *yaml.Node) {
		s, ok := l.scalar(n, "a column of key")
		if !ok {
			return
		}
		if !isPath(s) {
			l.wrong(n, "%s is not a column", quote(s))
			return
		}
		if slices.Contains(l.rb.Key, s) {
			l.wrong(n, "column %s is in key twice", quote(s))
			return
		}
		l.rb.Key = append(l.rb.Key, s)
		l.keys = append(l.keys, n)
	})
}

func (l *loader) readResolve(n *yaml.Node) {
	var after bool
	l.mapping(n, "alarm.resolve",
		field{"event", func(n *yaml.Node) { l.resolve = n; l.text(&l.resolveText, "alarm.resolve.event", 16<<10)(n) }},
		field{"after", func(n *yaml.Node) {
			after = true
			l.duration(&l.rb.Alarm.ResolveAfter, "alarm.resolve.after", time.Second, maxDuration)(n)
		}},
	)
	if n.Kind == yaml.MappingNode && after == (l.resolve != nil) {
		l.wrong(n, "alarm.resolve needs either event or after")
	}
}

var stepForm = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

func (l *loader) readStep(n *yaml.Node) {
	s := Step{}
	var said []string // the kinds this step says it is
	is := func(k Kind, read func(*yaml.Node)) func(*yaml.Node) {
		return func(n *yaml.Node) {
			s.Kind = k
			said = append(said, string(k))
			read(n)
		}
	}
	var with *yaml.Node
	var idNode, assignee, due, actionNode *yaml.Node
	ok := l.mapping(n, "step",
		field{"id", func(n *yaml.Node) { idNode = n; l.text(&s.ID, "step id", 40)(n) }},
		field{"evidence", is(Evidence, func(n *yaml.Node) {
			l.list(n, "evidence", func(n *yaml.Node) {
				var e string
				if oneOf(&l.reader, &e, "evidence", evidences)(n); e != "" {
					s.Collect = append(s.Collect, e)
				}
			})
		})},
		field{"action", is(Action, func(n *yaml.Node) {
			actionNode = n
			oneOf(&l.reader, &s.Action, "action", actionNames())(n)
		})},
		field{"with", func(n *yaml.Node) { with = n }},
		field{"notify", is(Notify, l.texts(&s.To, "notify"))},
		field{"manual", is(Manual, l.text(&s.Text, "manual", 1000))},
		field{"assignee", func(n *yaml.Node) { assignee = n; l.text(&s.Assignee, "assignee", 100)(n) }},
		field{"due", func(n *yaml.Node) { due = n; l.duration(&s.Due, "due", time.Minute, maxDuration)(n) }},
	)
	if !ok {
		return
	}
	switch {
	case idNode == nil:
		l.wrong(n, "step has no id")
	case s.ID != "" && !stepForm.MatchString(s.ID):
		l.wrong(idNode, "step id %s must be a lower-case letter, then letters, digits, - and _", quote(s.ID))
	}
	for _, p := range l.steps {
		if s.ID != "" && p.step.ID == s.ID {
			l.wrong(n, "step %q is there twice (first in line %d)", s.ID, p.node.Line)
		}
	}
	if len(said) != 1 {
		l.wrong(n, "step %s must be exactly one of evidence, action, notify, manual", quote(s.ID))
		return
	}
	if s.Kind != Action && with != nil {
		l.wrong(with, "with belongs to an action step")
	}
	for _, m := range []*yaml.Node{assignee, due} {
		if m != nil && s.Kind != Manual {
			l.wrong(m, "assignee and due belong to a manual step")
			break
		}
	}
	if s.Kind == Action && s.Action != "" {
		s.With = l.readWith(s, actionNode, with)
	}
	if len(l.steps) == maxSteps {
		l.wrong(n, "more than %d steps", maxSteps)
	}
	l.steps = append(l.steps, placed{s, n})
}

// readWith reads an action's parameters against its Spec.
func (l *loader) readWith(s Step, action, with *yaml.Node) map[string]Template {
	spec, _ := specOf(s.Action)
	params := map[string]Template{}
	var fields []field
	for _, p := range spec.Params {
		fields = append(fields, field{p.Name, func(n *yaml.Node) {
			var text string
			if l.text(&text, "with."+p.Name, 500)(n); text == "" {
				return
			}
			t, bad, _ := parseTemplate(text)
			if bad != "" {
				l.wrong(n, "%s is not a ${column} reference", quote(bad))
				return
			}
			if p.Duration {
				d, err := ParseDuration(text)
				if err != nil || d < time.Second || d > maxDuration {
					l.wrong(n, "with.%s must be a duration such as 30m or 1d, not %s", p.Name, quote(text))
					return
				}
			}
			for _, path := range t.Refs() {
				l.refs = append(l.refs, ref{path, n})
			}
			params[p.Name] = t
		}})
	}
	if with != nil && !l.mapping(with, "with of "+s.Action, fields...) {
		return params
	}
	for _, p := range spec.Params {
		given := false
		if with != nil {
			for i := 0; i+1 < len(with.Content); i += 2 {
				given = given || with.Content[i].Value == p.Name
			}
		}
		if p.Required && !given {
			l.wrong(action, "step %s: %s needs with.%s", quote(s.ID), s.Action, p.Name)
		}
	}
	return params
}

// check is what can be said only once everything is read.
func (l *loader) check(root *yaml.Node) {
	rb := l.rb
	if l.id == nil {
		l.wrong(root, "the runbook has no id")
	}
	if l.query == nil {
		l.wrong(root, "the runbook has no query")
	}
	l.checkSQL()
	l.checkParams()
	if !l.cooldownSet {
		rb.Alarm.Cooldown = rb.Window
	}
	if rb.Alarm.ResolveAfter == 0 && l.resolve == nil {
		rb.Alarm.ResolveAfter = rb.Window
	}
	l.checkTests()
}

func (s Step) String() string { return fmt.Sprintf("%s (%s)", s.ID, s.Kind) }
