package manifest

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got, err := Parse("team.yaml", []byte(`
kind: identity
name: alice
admin: true
---
kind: key
identity: alice
publicKey: ssh-ed25519 AAAA
---
kind: role
name: ops
members: [alice]
---
kind: target
name: web1
address: 10.0.0.11:22
hostKeys: [ssh-ed25519 AAAA]
labels: {env: prod}
---
kind: policy
name: ops
text: |
  permit(principal, action, resource);
---
`))
	if err != nil {
		t.Fatal(err)
	}
	want := []Resource{
		{Kind: Identity, Name: "alice", Admin: true, Place: "team.yaml:2"},
		{Kind: Key, Identity: "alice", PublicKey: "ssh-ed25519 AAAA", Place: "team.yaml:6"},
		{Kind: Role, Name: "ops", Members: []string{"alice"}, Place: "team.yaml:10"},
		{Kind: Target, Name: "web1", Address: "10.0.0.11:22", HostKeys: []string{"ssh-ed25519 AAAA"}, Labels: map[string]string{"env": "prod"}, Place: "team.yaml:14"},
		{Kind: Policy, Name: "ops", Text: "permit(principal, action, resource);\n", Place: "team.yaml:20"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Parse differs (-want +got):\n%s", d)
	}
}

func TestMistakesAllAtOnceWithPlace(t *testing.T) {
	_, err := Parse("bad.yaml", []byte(`kind: target
name: Web 1
adress: x
labels: [a]
---
kind: idenity
name: bob
---
kind: role
name: ops
name: dev
members: alice
`))
	if err == nil {
		t.Fatal("Parse took a file full of mistakes")
	}
	for _, want := range []string{
		`bad.yaml:2:7: name of target: "Web 1" may have a-z`,
		`bad.yaml:3:1: unknown field "adress" of target (did you mean "address"?)`,
		`bad.yaml:4:9: labels of target: want a mapping`,
		`bad.yaml:1:1: target needs address`,
		`bad.yaml:6:1: unknown kind "idenity" (did you mean "identity"?)`,
		`bad.yaml:11:1: field "name" twice`,
		`bad.yaml:12:10: members of role: want a list`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("kind: role\nname: ops\nmembers: [a, b]\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("---\n---\n!!binary x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		all, err := Parse("f", data)
		if err != nil && len(all) > 0 {
			t.Errorf("Parse returned %d resources beside the error %v", len(all), err)
		}
	})
}
