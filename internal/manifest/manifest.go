// Package manifest reads resource files: the identities, keys, roles, targets,
// policies and saved queries that "trailgate apply" puts in place.
//
// A file is YAML documents, each one resource:
//
//	kind: target
//	name: web1
//	address: 10.0.0.11:22
//	hostKeys: [ssh-ed25519 AAAA…]
//	labels: {env: prod}
//
// Unknown kinds and fields are mistakes, and every mistake is reported at once
// with its place.
package manifest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/internal/suggest"
)

// Kinds of resources, in the order they are put in place: a key needs its
// identity, a role its members.
const (
	Identity = "identity"
	Key      = "key"
	Role     = "role"
	Target   = "target"
	Policy   = "policy"

	SavedQuery = "saved-query"
)

// Kinds lists them in that order.
var Kinds = []string{Identity, Key, Role, Target, Policy, SavedQuery}

// Resource is one thing to put in place. Which fields mean something depends on
// the kind; the others are empty.
type Resource struct {
	Kind string `json:"kind"`
	Name string `json:"name,omitempty"` // all but key

	ARN        string `json:"arn,omitempty"` // identity: own principal; role: the IAM role its members act as
	Admin      bool   `json:"admin,omitempty"`
	BreakGlass bool   `json:"breakGlass,omitempty"`

	Identity  string `json:"identity,omitempty"` // key: whose it is
	PublicKey string `json:"publicKey,omitempty"`

	Members []string `json:"members,omitempty"` // role

	Address  string            `json:"address,omitempty"` // target: host:port
	HostKeys []string          `json:"hostKeys,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`

	Text string `json:"text,omitempty"` // policy: Cedar; saved query: SQL

	Description string `json:"description,omitempty"` // saved query

	Place string `json:"place,omitempty"` // file:line it came from, for messages
}

// Label is how a message names the resource.
func (r Resource) Label() string {
	if r.Kind == Key {
		return "key of " + r.Identity
	}
	return r.Kind + " " + r.Name
}

// Mistake is one thing wrong in a file, and where.
type Mistake struct {
	File         string
	Line, Column int
	Text         string
}

func (m Mistake) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", m.File, m.Line, m.Column, m.Text)
}

// setter puts a node's value into a resource.
type setter func(*Resource, *yaml.Node) error

// fields is the format: what each kind may say, and what it must.
var fields = map[string]struct {
	must []string
	may  map[string]setter
}{
	Identity: {[]string{"name"}, map[string]setter{"name": name, "arn": text(func(r *Resource) *string { return &r.ARN }),
		"admin": boolean(func(r *Resource) *bool { return &r.Admin }), "breakGlass": boolean(func(r *Resource) *bool { return &r.BreakGlass })}},
	Key: {[]string{"identity", "publicKey"}, map[string]setter{"identity": text(func(r *Resource) *string { return &r.Identity }),
		"publicKey": text(func(r *Resource) *string { return &r.PublicKey })}},
	Role: {[]string{"name"}, map[string]setter{"name": name, "arn": text(func(r *Resource) *string { return &r.ARN }),
		"members": list(func(r *Resource) *[]string { return &r.Members })}},
	Target: {[]string{"name", "address"}, map[string]setter{"name": name, "address": text(func(r *Resource) *string { return &r.Address }),
		"hostKeys": list(func(r *Resource) *[]string { return &r.HostKeys }), "labels": labels}},
	Policy: {[]string{"name", "text"}, map[string]setter{"name": name, "text": text(func(r *Resource) *string { return &r.Text })}},
	SavedQuery: {[]string{"name", "text"}, map[string]setter{"name": name, "text": text(func(r *Resource) *string { return &r.Text }),
		"description": text(func(r *Resource) *string { return &r.Description })}},
}

// limits on what a file may hold.
const (
	maxBytes     = 4 << 20
	maxResources = 10_000
)

// Parse reads one file. The error joins a Mistake for everything wrong.
func Parse(file string, data []byte) ([]Resource, error) {
	if len(data) > maxBytes {
		return nil, Mistake{file, 1, 1, fmt.Sprintf("larger than %d MiB: split it", maxBytes>>20)}
	}
	var all []Resource
	var wrong []error
	dec, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		return nil, Mistake{file, 1, 1, err.Error()}
	}
	for {
		var doc yaml.Node
		if err := dec.Load(&doc); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			wrong = append(wrong, syntax(file, err))
			break
		}
		if doc.Kind == yaml.DocumentNode && len(doc.Content) == 1 {
			doc = *doc.Content[0]
		}
		if doc.Kind == yaml.ScalarNode && doc.Tag == "!!null" {
			continue // an empty document
		}
		r, mistakes := resource(file, &doc)
		wrong = append(wrong, mistakes...)
		if len(mistakes) == 0 {
			all = append(all, r)
		}
		if len(all) > maxResources {
			wrong = append(wrong, Mistake{file, doc.Line, doc.Column, fmt.Sprintf("more than %d resources: split the file", maxResources)})
			break
		}
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	return all, nil
}

func syntax(file string, err error) Mistake {
	m := Mistake{file, 1, 1, "not YAML: " + err.Error()}
	var le *yaml.LoadError
	if errors.As(err, &le) && le.Mark.Line > 0 {
		m.Line, m.Column, m.Text = le.Mark.Line, max(le.Mark.Column, 1), "not YAML: "+le.Message
	}
	return m
}

// resource reads one document.
func resource(file string, doc *yaml.Node) (Resource, []error) {
	at := func(n *yaml.Node, format string, args ...any) error {
		return Mistake{file, max(n.Line, 1), max(n.Column, 1), fmt.Sprintf(format, args...)}
	}
	if doc.Kind != yaml.MappingNode {
		return Resource{}, []error{at(doc, "a resource is a mapping that starts with kind: %s", strings.Join(Kinds, ", "))}
	}
	r := Resource{Place: fmt.Sprintf("%s:%d", file, doc.Line)}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		if doc.Content[i].Value == "kind" {
			r.Kind = doc.Content[i+1].Value
		}
	}
	f, known := fields[r.Kind]
	if !known {
		if r.Kind == "" {
			return r, []error{at(doc, "kind is missing: one of %s", strings.Join(Kinds, ", "))}
		}
		return r, []error{at(doc, "unknown kind %q%s", r.Kind, suggest.DidYouMean(r.Kind, Kinds))}
	}
	var wrong []error
	seen := map[string]bool{}
	for i := 0; i+1 < len(doc.Content); i += 2 {
		key, value := doc.Content[i], doc.Content[i+1]
		set, known := f.may[key.Value]
		switch {
		case seen[key.Value]:
			wrong = append(wrong, at(key, "field %q twice", key.Value))
		case key.Value == "kind":
		case !known:
			wrong = append(wrong, at(key, "unknown field %q of %s%s", key.Value, r.Kind, suggest.DidYouMean(key.Value, names(f.may))))
		default:
			if err := set(&r, value); err != nil {
				wrong = append(wrong, at(value, "%s of %s: %v", key.Value, r.Kind, err))
			}
		}
		seen[key.Value] = true
	}
	for _, m := range f.must {
		if !seen[m] {
			wrong = append(wrong, at(doc, "%s needs %s", r.Kind, m))
		}
	}
	return r, wrong
}

func names(m map[string]setter) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

func scalar(n *yaml.Node) (string, error) {
	if n.Kind != yaml.ScalarNode || n.Tag == "!!null" {
		return "", errors.New("want a text")
	}
	return n.Value, nil
}

func text(at func(*Resource) *string) setter {
	return func(r *Resource, n *yaml.Node) (err error) {
		*at(r), err = scalar(n)
		return err
	}
}

func name(r *Resource, n *yaml.Node) error {
	s, err := scalar(n)
	if err != nil {
		return err
	}
	r.Name = s
	return CheckName(s)
}

func boolean(at func(*Resource) *bool) setter {
	return func(r *Resource, n *yaml.Node) error {
		if n.Kind != yaml.ScalarNode || n.Value != "true" && n.Value != "false" {
			return errors.New("want true or false")
		}
		*at(r) = n.Value == "true"
		return nil
	}
}

func list(at func(*Resource) *[]string) setter {
	return func(r *Resource, n *yaml.Node) error {
		if n.Kind != yaml.SequenceNode {
			return errors.New("want a list")
		}
		for _, item := range n.Content {
			s, err := scalar(item)
			if err != nil {
				return err
			}
			*at(r) = append(*at(r), s)
		}
		return nil
	}
}

func labels(r *Resource, n *yaml.Node) error {
	if n.Kind != yaml.MappingNode {
		return errors.New("want a mapping, such as {env: prod}")
	}
	r.Labels = map[string]string{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		v, err := scalar(n.Content[i+1])
		if err != nil {
			return fmt.Errorf("label %s: %w", n.Content[i].Value, err)
		}
		r.Labels[n.Content[i].Value] = v
	}
	return nil
}

// CheckName says whether s can name an identity, role, target, policy or saved query: it
// becomes part of ARNs, certificates and user names.
func CheckName(s string) error {
	if s == "" || len(s) > 63 {
		return fmt.Errorf("%q has %d characters, want 1 to 63", s[:min(len(s), 63)], len(s))
	}
	for i, c := range []byte(s) {
		ok := 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || i > 0 && strings.IndexByte("._-", c) >= 0
		if !ok {
			return fmt.Errorf("%q may have a-z, 0-9, and after the first character . _ -", s)
		}
	}
	return nil
}
