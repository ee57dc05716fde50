package policy

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/cedar-policy/cedar-go"
	public "github.com/cedar-policy/cedar-go/ast"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/cedar-policy/cedar-go/x/exp/ast"
	"github.com/cedar-policy/cedar-go/x/exp/eval"
)

// Cedar says nothing about a default denial. So each statement is also kept in
// parts (its scope, the conjuncts of its conditions), which are evaluated one
// by one when somebody was denied, to say how near each permit came.

// part is one condition of a statement. All of them in order, stopping at the
// first that is not true, mean what the statement means.
type part struct {
	text     string // as Cedar
	node     ast.IsNode
	unless   bool            // the part holds when node is false
	scope    ast.IsScopeNode // set for principal, action or resource
	variable types.String    // of scope
	operands []operand
}

// operand is what a person needs to see to understand why a part is false.
type operand struct {
	text string
	node ast.IsNode
}

// maxOperands bounds the values shown for one part.
const maxOperands = 4

// partsOf takes a statement apart.
func partsOf(p *ast.Policy) []part {
	var parts []part
	for _, s := range []struct {
		variable ast.NodeTypeVariable
		scope    ast.IsScopeNode
	}{
		{ast.NewPrincipalNode(), p.Principal},
		{ast.NewActionNode(), p.Action},
		{ast.NewResourceNode(), p.Resource},
	} {
		if n := scopeNode(s.variable, s.scope); n != nil {
			pt := newPart(n, false)
			pt.scope, pt.variable = s.scope, s.variable.Name
			parts = append(parts, pt)
		}
	}
	for _, c := range p.Conditions {
		if c.Condition == ast.ConditionUnless {
			parts = append(parts, newPart(c.Body, true))
			continue
		}
		for _, n := range conjuncts(c.Body) {
			parts = append(parts, newPart(n, false))
		}
	}
	return parts
}

// scopeNode is a scope as an expression, nil for one that matches everything.
func scopeNode(v ast.NodeTypeVariable, scope ast.IsScopeNode) ast.IsNode {
	n := ast.NewNode(v)
	switch s := scope.(type) {
	case ast.ScopeTypeEq:
		return n.Equal(ast.Value(s.Entity)).AsIsNode()
	case ast.ScopeTypeIn:
		return n.In(ast.Value(s.Entity)).AsIsNode()
	case ast.ScopeTypeInSet:
		nodes := make([]ast.Node, len(s.Entities))
		for i, e := range s.Entities {
			nodes[i] = ast.Value(e)
		}
		return n.In(ast.Set(nodes...)).AsIsNode()
	case ast.ScopeTypeIs:
		return n.Is(s.Type).AsIsNode()
	case ast.ScopeTypeIsIn:
		return n.IsIn(s.Type, ast.Value(s.Entity)).AsIsNode()
	}
	return nil
}

// conjuncts flattens a && b && c.
func conjuncts(n ast.IsNode) []ast.IsNode {
	if and, ok := n.(ast.NodeTypeAnd); ok {
		return append(conjuncts(and.Left), conjuncts(and.Right)...)
	}
	return []ast.IsNode{n}
}

func newPart(n ast.IsNode, unless bool) part {
	p := part{text: cedarText(n), node: n, unless: unless}
	add := func(n ast.IsNode) {
		text := cedarText(n)
		if len(p.operands) < maxOperands && !slices.ContainsFunc(p.operands, func(o operand) bool { return o.text == text }) {
			p.operands = append(p.operands, operand{text, n})
		}
	}
	ast.Inspect(ast.NewNode(n), func(n ast.IsNode) bool {
		switch n := n.(type) {
		case ast.NodeTypeAccess:
			if _, ok := n.Arg.(ast.NodeTypeVariable); ok {
				add(n)
				return false
			}
		case ast.NodeTypeHas:
			return false // the text says it all
		case ast.NodeTypeVariable:
			if n.Name != "context" {
				add(n)
			}
		}
		return true
	})
	return p
}

// cedarText prints an expression.
func cedarText(n ast.IsNode) string {
	p := ast.Permit().When(ast.NewNode(n))
	text := cedar.NewPolicyFromAST((*public.Policy)(p)).MarshalCedar()
	_, text, _ = bytes.Cut(text, []byte("when { "))
	return string(bytes.TrimSuffix(text, []byte(" };")))
}

// outcome is how far a statement came with one question.
type outcome struct {
	rule    *rule
	applies bool
	err     error // its evaluation failed
	stopped *part // the first part that is not true, or failed
	held    int   // parts before it that were true
	missed  int   // scope parts that are not true
}

// trace evaluates a statement part by part.
func (r *rule) trace(env eval.Env) outcome {
	o := outcome{rule: r}
	for i := range r.parts {
		p := &r.parts[i]
		if o.stopped != nil && p.scope == nil {
			break
		}
		holds, err := p.holds(env)
		if holds && o.stopped == nil {
			o.held++
		}
		if !holds && p.scope != nil {
			o.missed++
		}
		if !holds && o.stopped == nil {
			o.stopped, o.err = p, err
		}
	}
	o.applies = o.stopped == nil
	return o
}

// holds evaluates one part; it does not hold when it fails.
func (p *part) holds(env eval.Env) (bool, error) {
	if p.scope != nil {
		return p.inScope(env), nil
	}
	v, err := eval.Eval(p.node, env)
	if err != nil {
		return false, err
	}
	is, ok := v.(types.Boolean)
	if !ok {
		return false, fmt.Errorf("%s is not true or false", p.text)
	}
	return bool(is) != p.unless, nil
}

// inScope is what Cedar does for a scope, without compiling an expression: a
// denial looks at the scope of every statement there is.
func (p *part) inScope(env eval.Env) bool {
	uid, _ := env.Resource.(types.EntityUID)
	switch p.variable {
	case "principal":
		uid, _ = env.Principal.(types.EntityUID)
	case "action":
		uid, _ = env.Action.(types.EntityUID)
	}
	in := func(e types.EntityUID) bool {
		if uid == e {
			return true
		}
		entity, _ := env.Entities.Get(uid) // the model's hierarchy has one level
		return entity.Parents.Contains(e)
	}
	switch s := p.scope.(type) {
	case ast.ScopeTypeEq:
		return uid == s.Entity
	case ast.ScopeTypeIn:
		return in(s.Entity)
	case ast.ScopeTypeInSet:
		return slices.ContainsFunc(s.Entities, in)
	case ast.ScopeTypeIs:
		return uid.Type == s.Type
	case ast.ScopeTypeIsIn:
		return uid.Type == s.Type && in(s.Entity)
	}
	return true
}

// env is a question as the parts' environment.
func (q *question) env() eval.Env {
	return eval.Env{Entities: q.entities, Principal: q.req.Principal, Action: q.req.Action, Resource: q.req.Resource, Context: q.req.Context}
}

// why says what stopped a statement: `context.login == "deploy" is false:
// context.login is "root"`.
func (o outcome) why(q *question) string {
	p := o.stopped
	if o.err != nil {
		return fmt.Sprintf("%s failed: %v", brief(p.text), o.err)
	}
	verdict := " is false"
	text := brief(p.text)
	if p.unless {
		verdict, text = " is true", "unless "+text
	}
	var values []string
	for _, op := range p.operands {
		if op.text != p.text {
			values = append(values, brief(op.text)+" is "+brief(q.show(op)))
		}
	}
	if len(values) == 0 {
		return text + verdict
	}
	return text + verdict + ": " + strings.Join(values, ", ")
}

// show prints an operand's value in this question.
func (q *question) show(op operand) string {
	if text, ok := q.shown[op.text]; ok {
		return text
	}
	text := "missing"
	if v, err := eval.Eval(op.node, q.env()); err == nil {
		text = string(v.MarshalCedar())
		if v == types.Value(q.req.Principal) {
			text += q.inRoles()
		}
	}
	if q.shown == nil {
		q.shown = map[string]string{}
	}
	q.shown[op.text] = text
	return text
}

// inRoles names the principal's roles.
func (q *question) inRoles() string {
	var roles []string
	for r := range q.entities[q.req.Principal].Parents.All() {
		roles = append(roles, string(r.ID))
	}
	if len(roles) == 0 {
		return " in no role"
	}
	slices.Sort(roles)
	return " in roles " + strings.Join(roles, ", ")
}

// nearest orders outcomes: those whose scope fits first, then those that came
// furthest, then as they are in the set.
func nearest(all []outcome) []outcome {
	slices.SortStableFunc(all, func(a, b outcome) int {
		return cmp.Or(cmp.Compare(a.missed, b.missed), cmp.Compare(b.held, a.held))
	})
	return all
}

// lines says what each policy made of a question: what applied or failed, then
// the permits by nearness, then the other forbids. When the answer is yes, the
// permits that did not apply explain nothing and are left out.
func (s *Set) lines(q *question, allowed bool) (lines []string, near *outcome) {
	if s.Len() == 0 {
		return []string{"there is no policy, so nothing is permitted"}, nil
	}
	var permits, forbids []outcome
	env := q.env()
	for _, r := range s.rules {
		permit := r.policy.Effect() == cedar.Permit
		o := r.trace(env)
		switch {
		case r.silent(*q):
			if o.missed == 0 && !allowed {
				lines = append(lines, o.head()+"speaks of targets: a permit that is meant for the trail names its actions or resource is Trail")
			}
		case o.applies:
			lines = append(lines, o.head()+"applies")
		case o.err != nil:
			lines = append(lines, o.head()+o.why(q)+"; a policy that fails denies")
		case !permit:
			forbids = append(forbids, o)
		case !allowed:
			permits = append(permits, o)
		}
	}
	for _, o := range nearest(permits) {
		lines = append(lines, o.head()+o.why(q))
	}
	for _, o := range forbids {
		lines = append(lines, o.head()+"does not apply: "+o.why(q))
	}
	if len(permits) > 0 {
		near = &permits[0]
	}
	return lines, near
}

// head begins an outcome's line: `permit ops (ops:3:1): `.
func (o outcome) head() string {
	return o.rule.effect() + " " + o.rule.name + " (" + o.rule.place + "): "
}
