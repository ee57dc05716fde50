package policy

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"pgregory.net/rapid"
)

// conditions are what generated policies are made of: each is valid for every
// action, some fail for some requests.
var conditions = []string{
	`context.mfa`, `!context.mfa`, `context.login == "root"`, `context.login like "d*"`,
	`context.hour < 12`, `context.hour + 9223372036854775800 > 1`, `context.weekday == "Monday"`,
	`["root", "deploy"].contains(context.login)`, `context.source.isInRange(ip("10.0.0.0/8"))`,
	`(context.mfa || context.login == "root")`, `(context has command && context.command like "rm*")`,
	`(resource has env && resource.env == "prod")`, `principal.name == "alice"`, `principal in Role::"ops"`,
	`(if context.mfa then context.hour > 6 else context.login != "root")`, `context.time > datetime("2026-01-01")`,
	`!(context has host && context.port < 1024)`, `context has subsystem`,
}

func policies() *rapid.Generator[[]Document] {
	statement := rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		fmt.Fprintf(&b, "%s (%s, %s, %s)",
			rapid.SampledFrom([]string{"permit", "permit", "forbid"}).Draw(t, "effect"),
			rapid.SampledFrom([]string{"principal", `principal in Role::"ops"`, `principal == Identity::"alice"`, `principal is Identity in Role::"dev"`}).Draw(t, "principal"),
			rapid.SampledFrom([]string{"action", `action == Action::"Exec"`, `action in [Action::"Connect", Action::"Tunnel"]`,
				`action in [Action::"Exec", Action::"ReadTrail"]`}).Draw(t, "action"),
			rapid.SampledFrom([]string{"resource", `resource == Target::"web1"`}).Draw(t, "resource"))
		for range rapid.IntRange(0, 2).Draw(t, "clauses") {
			fmt.Fprintf(&b, " %s { %s }", rapid.SampledFrom([]string{"when", "unless"}).Draw(t, "clause"),
				strings.Join(rapid.SliceOfN(rapid.SampledFrom(conditions), 1, 3).Draw(t, "conjuncts"), " && "))
		}
		return b.String() + ";"
	})
	return rapid.Custom(func(t *rapid.T) []Document {
		var docs []Document
		for i, text := range rapid.SliceOfN(statement, 1, 5).Draw(t, "policies") {
			docs = append(docs, Document{fmt.Sprintf("p%d", i), text})
		}
		return docs
	})
}

func requests() *rapid.Generator[Request] {
	return rapid.Custom(func(t *rapid.T) Request {
		r := request()
		r.Subject.Name = rapid.SampledFrom([]string{"alice", "bob"}).Draw(t, "name")
		r.Subject.Roles = rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"ops", "dev"}), 0, 2, rapid.ID).Draw(t, "roles")
		r.Action = rapid.SampledFrom(Actions).Draw(t, "action")
		r.Login = rapid.SampledFrom([]string{"root", "deploy"}).Draw(t, "login")
		r.MFA = rapid.Bool().Draw(t, "mfa")
		r.Object.Labels = rapid.SampledFrom([]map[string]string{nil, {"env": "prod"}, {"env": "dev"}}).Draw(t, "labels")
		r.Time = monday.AddDate(0, 0, rapid.IntRange(0, 6).Draw(t, "day"))
		r.Command = rapid.SampledFrom([]string{"", "rm x"}).Draw(t, "command")
		r.Host, r.Port = "db1", rapid.SampledFrom([]int{22, 5432}).Draw(t, "port")
		return r
	})
}

func compiled(t *rapid.T) *Set {
	s, err := Compile(policies().Draw(t, "set"))
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return s
}

// Threat B15: an attribute that is not there never turns a denial into an
// allowance, even past a guard (context has …).
func TestRemovingAnAttributeNeverAllows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := compiled(t), requests().Draw(t, "request")
		q := ask(r, r.MFA)
		before := s.answer(q).Allowed
		for _, at := range contextOf(r.Action) {
			less := q
			less.req.Context = without(q.req.Context, types.String(at.name))
			after := s.answer(less)
			if after.Allowed && !before {
				t.Fatalf("removing context.%s turned a denial into an allowance", at.name)
			}
			if after.Failed == "" {
				t.Fatalf("a context without %s was not noticed", at.name)
			}
		}
	})
}

func without(r types.Record, name types.String) types.Record {
	m := r.Map()
	delete(m, name)
	return types.NewRecord(m)
}

// What the explanation says of each policy is what Cedar's authoriser found.
func TestExplanationAgreesWithTheAuthoriser(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, r := compiled(t), requests().Draw(t, "request")
		q := ask(r, r.MFA)
		for _, r1 := range s.rules {
			if r1.silent(q) {
				continue // it is not asked
			}
			// Alone and as a permit, so that its own result shows.
			one := &Set{rules: []*rule{r1}}
			verdict, diag := cedar.Authorize(one.about(q), q.entities, q.req)
			applies := verdict == cedar.Allow || len(diag.Reasons) > 0
			o := r1.trace(q.env())
			if o.applies != applies || (o.err != nil) != (len(diag.Errors) > 0) {
				t.Fatalf("%s: the explanation says applies %v, error %v; Cedar says %v, %v", r1.policy.MarshalCedar(), o.applies, o.err, applies, diag.Errors)
			}
		}
		d := Decide(Book{Policies: s}, r)
		first := strings.HasPrefix(d.Explain[0], "allowed: ")
		if first != d.Allowed || d.Allowed != d.Grant.Valid() || d.Reason == "" {
			t.Fatalf("decision and explanation differ: %+v", d)
		}
		if d.NeedsMFA && !Decide(Book{Policies: s}, withMFA(r)).Allowed {
			t.Fatal("NeedsMFA, but a second factor does not help")
		}
	})
}

// The same question has the same answer, whatever the order of the documents.
func TestOrderOfDocumentsDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		docs := policies().Draw(t, "set")
		r := requests().Draw(t, "request")
		a, err := Compile(docs)
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(docs)
		b, err := Compile(docs)
		if err != nil {
			t.Fatal(err)
		}
		if x, y := Decide(Book{Policies: a}, r), Decide(Book{Policies: b}, r); x.Allowed != y.Allowed || x.NeedsMFA != y.NeedsMFA {
			t.Fatalf("one order allows %v (MFA %v), the other %v (MFA %v)", x.Allowed, x.NeedsMFA, y.Allowed, y.NeedsMFA)
		}
	})
}
