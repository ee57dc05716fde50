package policy

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCompileReportsEveryMistakeWithItsPlace(t *testing.T) {
	_, err := Compile([]Document{
		{"ops", `permit (principal in Role::"ops", action, resource)
when { context.loggin == "deploy" };

// a comment; with "quotes" and ( brackets
premit (principal, action, resource);

forbid (principal, action, resource)
when { resource.env == "prod" };
`},
		{"night", `forbid (principal, action == Action::"Exce", resource);
forbid (principal in Rolle::"x", action, resource);
forbid (principal, action, resource) when { context.weekday == "Sonday" };
forbid (principal, action, resource) when { ["Saturday", "sunday"].contains(context.weekday) };`},
		{"command", `forbid (principal, action, resource) when { context.command like "rm *" };`},
		{"types", "permit (principal, action, resource)\n  when { context.hour };\nforbid (principal, action, resource) when { principal.roles };"},
		{"open", `permit (principal, action, resource)`},
		{"string", "permit (principal, action, resource)\nwhen { context.login == \"x };\n"},
		{"verb", `permit (principal, action, resource) whn { true };`},
		{"scope", `permit (principal == Target::"x", action, resource);`},
		{"nul", "permit (principal, action,\x00 resource);"},
		{"deep", "permit (principal, action, resource) when { " + strings.Repeat("(", 70) + "true" + strings.Repeat(")", 70) + " };"},
		{"empty", "// nothing\n"},
		{"binary", "permit (principal, action, resource); // \xff"},
		{"ops", `permit (principal, action, resource);`},
		{"big", strings.Repeat("//\n", maxDocument)},
		{"", "permit (principal, action, resource);"},
		{"long", "permit (principal, action, resource) when { " + strings.Repeat("true && ", 3000) + "true };"},
		{"chain", "permit (principal, action, resource) when { resource has a" + strings.Repeat(".a", 300) + " };"},
	})
	want := strings.Split(strings.TrimSpace(`
ops:5:1: a statement begins with permit or forbid, not "premit" (did you mean "permit"?)
open:1:37: the policy ends here, expected ";"
string:2:25: literal not terminated
verb:1:38: found "whn", expected ";" (did you mean "when"?)
nul:1:26: invalid character NUL
deep:1:1: brackets are nested 71 deep, more than 64
empty:1:1: the policy is empty: it needs a permit or a forbid
binary:1:1: the policy is not UTF-8 text
ops:1:1: a second policy with this name
big:1:1: the policy has 786432 bytes, more than 262144: divide it
"" is not a policy's name
long:1:1: the statement has 24051 bytes, more than 16384: divide it
chain:1:1: the statement reads 300 attributes, more than 200: divide it
ops:2:16: context has no attribute "loggin" (did you mean "login"?)
ops:8:17: a target may lack the label "env": ask first, resource has env && …
night:1:39: no action "Exce" (did you mean "Exec"?)
night:2:22: no entity type "Rolle" (did you mean "Role"?)
night:3:65: "Sonday" is no weekday (did you mean "Sunday"?)
night:4:59: "sunday" is no weekday (did you mean "Sunday"?)
command:1:53: context.command exists for Action::"Exec" only: name that action in the statement's head, or ask first, context has command && …
types:1:1: unexpected type: expected Bool but saw Long
types:3:55: Identity entities have no attribute "roles"
scope:1:1: its scope can match nothing: a principal is an Identity or in a Role, a resource a Target or the Trail
`), "\n")
	if err == nil {
		t.Fatal("Compile found no mistake")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("mistakes differ (-want +got):\n%s", diff)
	}
}

func TestCompileTakesTheExampleOfTheDocumentation(t *testing.T) {
	if got := set(t, example).Len(); got != 3 {
		t.Errorf("the example has %d statements, want 3", got)
	}
}

// example is the one in the package comment.
const example = `
permit (principal in Role::"ops", action, resource)
when { context.login == "deploy" || (context.login == "root" && context.mfa) };

@reason("tunnels out of production are closed")
forbid (principal, action == Action::"Tunnel", resource)
when { resource has env && resource.env == "prod" };

@reason("production rests at weekends")
forbid (principal, action, resource)
when { resource has env && resource.env == "prod" }
when { ["Saturday", "Sunday"].contains(context.weekday) }
unless { context.source.isInRange(ip("10.0.0.0/8")) };
`

// set compiles one document named p for each text.
func set(t testing.TB, texts ...string) *Set {
	t.Helper()
	var docs []Document
	for i, text := range texts {
		docs = append(docs, Document{"p" + strings.Repeat("'", i), text})
	}
	s, err := Compile(docs)
	if err != nil {
		t.Fatalf("Compile: %v", err)
	}
	return s
}

// A policy that is written to be slow is compiled and asked in bounded time
// and memory: an administrator's mistake must not take the gate down.
func TestCompileIsBounded(t *testing.T) {
	fill := func(s, end string) string { return strings.Repeat(s, (maxStatement-100)/len(s)) + end }
	for name, condition := range map[string]string{
		"and":    fill("true && ", "true"),
		"or":     fill("false || ", "true"),
		"not":    fill("!", "true"),
		"minus":  fill("-", "context.hour > 1"),
		"plus":   fill("1 + ", "1 == 2"),
		"set":    "[" + fill("1,", "1].contains(3)"),
		"chain":  "resource has a" + strings.Repeat(".a", maxDots),
		"labels": strings.Repeat("resource has a && resource.a == resource.b || ", maxDots/2) + "true",
		"if":     fill("if true then false else ", "true"),
		"depth":  strings.Repeat("(", maxDepth-1) + "true" + strings.Repeat(")", maxDepth-1),
	} {
		s, err := Compile([]Document{{"f", "permit (principal, action, resource) when { " + condition + " };"}})
		if err == nil {
			Decide(Book{Policies: s}, request())
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

func FuzzCompile(f *testing.F) {
	f.Add(example)
	f.Add(`permit (principal, action, resource) when { "\u{1F600}" like "*\*" };`)
	f.Add(`forbid (principal is Identity in Role::"x", action in [Action::"Exec"], resource) unless { {"a": [1, -2]}.a.contains(3) };`)
	f.Add(`@id("x;//") permit (principal, action, resource); // "`)
	f.Add(`permit (principal, action, resource) when { if context.mfa then resource has "a b" else !!!!true };`)
	f.Add(`permit (principal, action, resource) when { decimal("1.2").lessThan(decimal("1.3")) && context.time < datetime("2026-01-01") };`)
	f.Fuzz(func(t *testing.T, text string) {
		s, err := Compile([]Document{{"f", text}})
		if err != nil {
			for _, l := range strings.Split(err.Error(), "\n") {
				if !strings.HasPrefix(l, "f:") {
					t.Errorf("a mistake without its place: %q", l)
				}
			}
			return
		}
		d := Decide(Book{Policies: s}, request())
		if d.Allowed != d.Grant.Valid() {
			t.Errorf("Allowed = %v, Grant.Valid = %v", d.Allowed, d.Grant.Valid())
		}
		if d.Allowed && d.Failed != "" {
			t.Errorf("allowed although %s failed", d.Failed)
		}
	})
}
