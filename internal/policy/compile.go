package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/schema/validate"

	"github.com/trailgate/trailgate/internal/suggest"
)

// Document is one named Cedar text, with any number of statements.
type Document struct{ Name, Text string }

// SHA256 is the hex hash of the document's text.
func (d Document) SHA256() string {
	sum := sha256.Sum256([]byte(d.Text))
	return hex.EncodeToString(sum[:])
}

// Set is compiled policies, immutable. The nil Set has none.
type Set struct{ rules []*rule }

// Len is the number of statements.
func (s *Set) Len() int {
	if s == nil {
		return 0
	}
	return len(s.rules)
}

// about is what Cedar's authoriser reads for a question, in the documents'
// order.
func (s *Set) about(q question) iterator {
	return func(yield func(cedar.PolicyID, *cedar.Policy) bool) {
		if s == nil {
			return
		}
		for _, r := range s.rules {
			if !r.silent(q) && !yield(cedar.PolicyID(r.name), r.policy) {
				return
			}
		}
	}
}

type iterator iter.Seq2[cedar.PolicyID, *cedar.Policy]

func (i iterator) All() iter.Seq2[cedar.PolicyID, *cedar.Policy] {
	return iter.Seq2[cedar.PolicyID, *cedar.Policy](i)
}

// rule is one statement.
type rule struct {
	name   string // the document's, or name#2 for its second statement
	place  string // name:line:col
	policy *cedar.Policy
	reason string // @reason
	parts  []part // all must be true for the rule to apply
}

// silent says that a rule does not speak of what a question is about: a permit
// in whose head neither the action nor the resource is named means targets. Who
// may do everything on servers is not thereby an auditor.
func (r *rule) silent(q question) bool {
	if q.req.Resource.Type != trailType || r.policy.Effect() != cedar.Permit {
		return false
	}
	p := (*ast.Policy)(r.policy.AST())
	_, anyAction := p.Action.(ast.ScopeTypeAll)
	_, anyResource := p.Resource.(ast.ScopeTypeAll)
	return anyAction && anyResource
}

func (r *rule) effect() string {
	if r.policy.Effect() == cedar.Permit {
		return "permit"
	}
	return "forbid"
}

// Compile compiles the documents, in order, into one Set. It reports every
// mistake of every document at once, each as name:line:col: what.
func Compile(docs []Document) (*Set, error) {
	s := &Set{}
	var mistakes []error
	var places []statement // of each rule
	seen := map[string]bool{}
	for _, d := range docs {
		if seen[d.Name] {
			mistakes = append(mistakes, fmt.Errorf("%s:1:1: a second policy with this name", d.Name))
			continue
		}
		seen[d.Name] = true
		rules, from, err := parse(d)
		if err != nil {
			mistakes = append(mistakes, err)
		}
		s.rules = append(s.rules, rules...)
		places = append(places, from...)
	}
	v := newValidator(s.labels())
	for i, r := range s.rules {
		node := (*ast.Policy)(r.policy.AST())
		for _, m := range check(v, node, places[i]) {
			line, col := places[i].find(m.at)
			mistakes = append(mistakes, fmt.Errorf("%s:%d:%d: %s", document(r.name), line, col, m.what))
		}
	}
	if len(mistakes) > 0 {
		return nil, errors.Join(mistakes...)
	}
	return s, nil
}

// document is the name of the document a rule is in.
func document(rule string) string {
	name, _, _ := strings.Cut(rule, "#")
	return name
}

// parse reads the statements of one document. It returns those that parse even
// when others do not, so that their mistakes are found too.
func parse(d Document) ([]*rule, []statement, error) {
	fail := func(line, col int, format string, args ...any) error {
		return fmt.Errorf("%s:%d:%d: %s", d.Name, line, col, fmt.Sprintf(format, args...))
	}
	switch {
	case d.Name == "" || strings.ContainsAny(d.Name, "#\n"):
		return nil, nil, fmt.Errorf("%q is not a policy's name", d.Name)
	case len(d.Text) > maxDocument:
		return nil, nil, fail(1, 1, "the policy has %d bytes, more than %d: divide it", len(d.Text), maxDocument)
	case !utf8.ValidString(d.Text):
		return nil, nil, fail(1, 1, "the policy is not UTF-8 text")
	}
	statements := split(d.Text)
	if len(statements) == 0 {
		return nil, nil, fail(1, 1, "the policy is empty: it needs a permit or a forbid")
	}
	var rules []*rule
	var from []statement
	var mistakes []error
	for i, st := range statements {
		if what := st.tooMuch(); what != "" {
			mistakes = append(mistakes, fail(st.line, st.col, "%s", what))
			continue
		}
		list, err := cedar.NewPolicyListFromBytes(d.Name, []byte(st.placed()))
		if err != nil {
			line, col, what := syntax(err, st)
			mistakes = append(mistakes, fail(line, col, "%s", what))
			continue
		}
		for _, p := range list { // one, by split
			r := &rule{name: d.Name, place: fmt.Sprintf("%s:%d:%d", d.Name, st.line, st.col), policy: p}
			if len(statements) > 1 {
				r.name = fmt.Sprintf("%s#%d", d.Name, i+1)
			}
			r.reason = string(p.Annotations()["reason"])
			r.parts = partsOf((*ast.Policy)(p.AST()))
			rules = append(rules, r)
			from = append(from, st)
		}
	}
	return rules, from, errors.Join(mistakes...)
}

// Cedar's parser says: parse error at <input>:2:51 ".": exact got context want {
// where the place is that of the token after the offending one.
var (
	placeIn = regexp.MustCompile(`<input>:(\d+):(\d+)`)
	gotWant = regexp.MustCompile(`exact got (.*) want (.*)$`)
)

// syntax puts an error of Cedar's parser into our words and places.
func syntax(err error, st statement) (line, col int, what string) {
	line, col = st.line, st.col
	text := err.Error()
	if m := placeIn.FindStringSubmatch(text); m != nil {
		fmt.Sscan(m[1], &line)
		fmt.Sscan(m[2], &col)
		// The scanner counts a line break it just met as line 0 or column 0.
		line, col = max(line, st.line), max(col, 1)
	}
	if m := gotWant.FindStringSubmatch(text); m != nil {
		got := "the policy ends here"
		if m[1] != "" {
			got = fmt.Sprintf("found %q", m[1])
			line, col = st.before(m[1], line, col)
		}
		return line, col, fmt.Sprintf("%s, expected %q%s", got, m[2], suggest.DidYouMean(m[1], []string{"when", "unless", "principal", "action", "resource"}))
	}
	if _, rest, ok := strings.Cut(text, "unexpected effect: "); ok {
		return st.line, st.col, fmt.Sprintf("a statement begins with permit or forbid, not %q%s", rest, suggest.DidYouMean(rest, []string{"permit", "forbid"}))
	}
	what = strings.TrimPrefix(text, "parser error: ")
	if _, rest, ok := strings.Cut(what, "\": "); ok && strings.HasPrefix(what, "parse error at ") {
		what = rest
	}
	return line, col, strings.TrimPrefix(placeIn.ReplaceAllString(what, ""), ": ")
}

// labels are the attributes of resource any rule mentions.
func (s *Set) labels() []string {
	var labels []string
	for _, r := range s.rules {
		for _, c := range r.policy.AST().Conditions {
			ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
				var op ast.StrOpNode
				switch n := n.(type) {
				case ast.NodeTypeAccess:
					op = n.StrOpNode
				case ast.NodeTypeHas:
					op = n.StrOpNode
				default:
					return true
				}
				if isVariable(op.Arg, "resource") {
					labels = append(labels, string(op.Value))
				}
				return true
			})
		}
	}
	slices.Sort(labels)
	return slices.Compact(labels)
}

func isVariable(n ast.IsNode, name types.String) bool {
	v, ok := n.(ast.NodeTypeVariable)
	return ok && v.Name == name
}

// mistake is what is wrong with a statement, and the word it is about.
type mistake struct{ at, what string }

var (
	noAttribute = regexp.MustCompile("^attribute `(.+)` in context for Action::\"(\\w+)\" not found$")
	noneOn      = regexp.MustCompile("^attribute `(.+)` on entity type `(\\w+)` not found$")
	unguarded   = regexp.MustCompile("^unable to guarantee safety of access to optional attribute `(.+)` on entity type `(?:Target|Trail)`$")
	noAction    = regexp.MustCompile("^unrecognized action `Action::\"(.*)\"`$")
	noType      = regexp.MustCompile("^unrecognized entity type `(.+)`$")
)

// check holds a statement against the model.
func check(v *validate.Validator, p *ast.Policy, st statement) []mistake {
	out := checkWeekdays(p)
	err := v.Policy("", p)
	if err == nil {
		return out
	}
	var lines []string
	for _, l := range strings.Split(err.Error(), "\n") {
		if !slices.Contains(lines, l) {
			lines = append(lines, l)
		}
	}
	named := false // what the scope names does not exist, so it applies to nothing
	absent := map[string][]string{}
	for _, l := range lines {
		switch {
		case noAttribute.MatchString(l):
			m := noAttribute.FindStringSubmatch(l)
			absent[m[1]] = append(absent[m[1]], m[2])
		case noneOn.MatchString(l):
			m := noneOn.FindStringSubmatch(l)
			out = append(out, mistake{m[1], fmt.Sprintf("%s entities have no attribute %q%s", m[2], m[1], suggest.DidYouMean(m[1], []string{"name", "arn"}))})
		case unguarded.MatchString(l):
			name := unguarded.FindStringSubmatch(l)[1]
			out = append(out, mistake{name, fmt.Sprintf("a target may lack the label %q: ask first, resource has %s && …", name, name)})
		case noAction.MatchString(l):
			name := noAction.FindStringSubmatch(l)[1]
			named = true
			out = append(out, mistake{name, fmt.Sprintf("no action %q%s", name, suggest.DidYouMean(name, actionNames()))})
		case noType.MatchString(l):
			name := noType.FindStringSubmatch(l)[1]
			named = true
			out = append(out, mistake{name, fmt.Sprintf("no entity type %q%s", name, suggest.DidYouMean(name, []string{identityType, roleType, targetType, trailType, actionType}))})
		case strings.HasPrefix(l, "unable to find an applicable action"):
			if !named {
				out = append(out, mistake{"", "its scope can match nothing: a principal is an Identity or in a Role, a resource a Target or the Trail"})
			}
		default:
			out = append(out, mistake{"", l})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(absent)) {
		out = append(out, mistake{name, absentAttribute(name)})
	}
	return unique(out)
}

// unique leaves out what was said already: of targets, and then of the trail.
func unique(all []mistake) (out []mistake) {
	for _, m := range all {
		if !slices.Contains(out, m) {
			out = append(out, m)
		}
	}
	return out
}

// absentAttribute says why context.name may be missing.
func absentAttribute(name string) string {
	var known []string
	for _, a := range Actions {
		for _, at := range special[a] {
			if at.name == name {
				return fmt.Sprintf("context.%s exists for Action::%q only: name that action in the statement's head, or ask first, context has %s && …", name, a, name)
			}
			known = append(known, at.name)
		}
	}
	for _, at := range common {
		known = append(known, at.name)
	}
	return fmt.Sprintf("context has no attribute %q%s", name, suggest.DidYouMean(name, known))
}

func actionNames() []string {
	names := make([]string, len(Actions))
	for i, a := range Actions {
		names[i] = string(a)
	}
	return names
}

// checkWeekdays finds comparisons of context.weekday with what is no weekday:
// Cedar's types cannot.
func checkWeekdays(p *ast.Policy) []mistake {
	var out []mistake
	against := func(n ast.IsNode) {
		ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
			if v, ok := n.(ast.NodeValue); ok {
				if day, ok := v.Value.(types.String); ok && !slices.Contains(weekdays, string(day)) {
					out = append(out, mistake{string(day), fmt.Sprintf("%q is no weekday%s", string(day), suggest.DidYouMean(string(day), weekdays))})
				}
			}
			return true
		})
	}
	compare := func(a, b ast.IsNode) {
		if isWeekday(a) {
			against(b)
		} else if isWeekday(b) {
			against(a)
		}
	}
	for _, c := range p.Conditions {
		ast.Inspect(ast.NewNode(c.Body), func(n ast.IsNode) bool {
			switch n := n.(type) {
			case ast.NodeTypeEquals:
				compare(n.Left, n.Right)
			case ast.NodeTypeNotEquals:
				compare(n.Left, n.Right)
			case ast.NodeTypeContains:
				compare(n.Left, n.Right)
			}
			return true
		})
	}
	return out
}

func isWeekday(n ast.IsNode) bool {
	a, ok := n.(ast.NodeTypeAccess)
	return ok && a.Value == "weekday" && isVariable(a.Arg, "context")
}
