package runbook

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Parameters. :name in the SQL of a runbook is a value that its file declares:
//
//	params:
//	  failures: {type: bigint, default: 5, description: failures before the login}
//
// The value is a literal of its type in the parsed tree and never read as SQL.
// Each has a default, so that a file alone means one thing; where it works,
// somebody may set another (runbook enable --param).

// maxParams bounds the parameters of a runbook.
const maxParams = 50

func (l *loader) readParams(n *yaml.Node) {
	if !l.plain(n) {
		return
	}
	if n.Kind != yaml.MappingNode {
		l.wrong(n, "params must be a mapping of names")
		return
	}
	l.each(n, "params", func(key, value *yaml.Node) {
		p := sqlfront.Parameter{Name: key.Value}
		var typed, given *yaml.Node
		ok := l.mapping(value, "parameter "+quote(key.Value),
			field{"type", func(n *yaml.Node) {
				typed = n
				var name string
				if l.text(&name, "type", 50)(n); name == "" {
					return
				}
				var known bool
				if p.Type, p.List, known = sqlfront.ParameterType(name); !known {
					l.wrong(n, "unknown type %s%s, or array(…) of one", quote(name), didYouMean(name, sqlfront.ParameterTypes()))
				}
			}},
			field{"default", func(n *yaml.Node) { given, p.Optional = n, l.readDefault(&p.Default, n) }},
			field{"description", l.text(&p.About, "description", 500)},
		)
		switch {
		case !ok:
			return
		case typed == nil:
			l.wrong(key, "parameter %s has no type", quote(key.Value))
			return
		case given == nil:
			l.wrong(key, "parameter %s has no default: a runbook means one thing by itself", quote(key.Value))
			return
		case p.Type == sqlfront.Unknown || !p.Optional:
			return
		}
		if err := sqlfront.CheckParameter(p); err != nil {
			l.wrong(given, "%v", err)
			return
		}
		if len(l.params) == maxParams {
			l.wrong(key, "more than %d parameters", maxParams)
			return
		}
		here := p
		if v, set := l.values[p.Name]; set {
			here.Default = v
		}
		l.rb.Params = append(l.rb.Params, Value{p, here.Default})
		l.params, l.paramNodes = append(l.params, here), append(l.paramNodes, key)
	})
}

// readDefault reads a default, as text: of a list as JSON.
func (l *loader) readDefault(to *string, n *yaml.Node) bool {
	if !l.plain(n) {
		return false
	}
	if n.Kind == yaml.ScalarNode && n.Tag != "!!null" {
		*to = n.Value
		return true
	}
	if n.Kind != yaml.SequenceNode {
		l.wrong(n, "default must be a value, or a list of them")
		return false
	}
	values := []string{}
	for _, e := range n.Content {
		s, ok := l.scalar(e, "a value of default")
		if !ok {
			return false
		}
		values = append(values, s)
	}
	text, err := json.Marshal(values)
	if err != nil {
		panic(fmt.Sprintf("runbook: texts as JSON: %v", err))
	}
	*to = string(text)
	return true
}

// declare gives a statement the file's parameters.
func (l *loader) declare(s *sqlfront.Statement) (*sqlfront.Statement, error) {
	for _, p := range s.Parameters() {
		l.used[p.Name] = true
	}
	return s.Declare(l.params)
}

// checkParams says which are used nowhere.
func (l *loader) checkParams() {
	for i, p := range l.params {
		if !l.used[p.Name] && len(l.mistakes) == 0 {
			l.wrong(l.paramNodes[i], "parameter %s is used nowhere: :%s in query, trigger.event or alarm.resolve.event", quote(p.Name), p.Name)
		}
	}
}

// With is the runbook with other values for parameters. The error says which
// is not one of the runbook's, or does not fit.
func (rb *Runbook) With(values map[string]string) (*Runbook, error) {
	if len(values) == 0 {
		return rb, nil
	}
	var names []string
	for _, p := range rb.Params {
		names = append(names, p.Name)
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		i := slices.Index(names, name)
		if i < 0 {
			return nil, fmt.Errorf("runbook %s has no parameter %s%s", rb.ID, quote(name), didYouMean(name, names))
		}
		p := rb.Params[i].Parameter
		p.Default = values[name]
		if err := sqlfront.CheckParameter(p); err != nil {
			return nil, fmt.Errorf("runbook %s: %w", rb.ID, err)
		}
	}
	out, err := load(rb.ID, rb.Text, values)
	if err != nil {
		return nil, fmt.Errorf("runbook %s with these parameters: %w", rb.ID, err)
	}
	out.Shipped = rb.Shipped
	return out, nil
}

// Changed are the values that differ from the file's: those that were set
// before and are still parameters, and then others. An empty list of values or
// a default that is said again is no change.
func (rb *Runbook) Changed(before, others map[string]string) map[string]string {
	values := map[string]string{}
	for _, p := range rb.Params {
		if v, ok := before[p.Name]; ok && v != p.Default {
			values[p.Name] = v
		}
	}
	for name, v := range others {
		i := slices.IndexFunc(rb.Params, func(p Value) bool { return p.Name == name })
		if i >= 0 && rb.Params[i].Default == v {
			delete(values, name)
		} else {
			values[name] = v
		}
	}
	return values
}
