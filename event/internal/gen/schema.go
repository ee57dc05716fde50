package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// node is a JSON Schema, its keywords in the order they are read best.
type node struct {
	Schema      string           `json:"$schema,omitempty"`
	ID          string           `json:"$id,omitempty"`
	Title       string           `json:"title,omitempty"`
	Description string           `json:"description,omitempty"`
	Ref         string           `json:"$ref,omitempty"`
	Type        any              `json:"type,omitempty"` // a name, or a list of them
	Const       any              `json:"const,omitempty"`
	Enum        []string         `json:"enum,omitempty"`
	Pattern     string           `json:"pattern,omitempty"`
	MaxLength   int              `json:"maxLength,omitempty"`
	Items       *node            `json:"items,omitempty"`
	Properties  map[string]*node `json:"properties,omitempty"`
	Required    []string         `json:"required,omitempty"`
	Additional  any              `json:"additionalProperties,omitempty"` // a node, or false
	AllOf       []*node          `json:"allOf,omitempty"`
	If          *node            `json:"if,omitempty"`
	Then        *node            `json:"then,omitempty"`
	Defs        map[string]*node `json:"$defs,omitempty"`
}

const timePattern = `^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$`

// schema is the JSON Schema (2020-12) of every record written by this version.
// It is exact: a record with a key that is not in it is not ours.
func (v *vocabulary) schema() ([]byte, error) {
	root := v.object("Record")
	root.Schema = "https://json-schema.org/draft/2020-12/schema"
	root.ID = "urn:trailgate:record:" + v.Version
	root.Title = "A Trailgate record"
	root.Description = "One CloudTrail record, eventVersion " + v.Version + ", as Trailgate writes it."
	root.Defs = map[string]*node{}
	for _, name := range []string{"UserIdentity", "SessionContext", "SessionIssuer", "SessionAttributes", "Resource"} {
		root.Defs[name] = v.object(name)
	}

	p := root.Properties
	p["eventVersion"].Const = v.Version
	p["eventType"].Const = "ActivityLog"
	p["eventCategory"].Enum = []string{"Management", "Data", "Insight"}
	p["eventID"].Pattern = `^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`
	p["recipientAccountId"].Pattern = `^\d{12}$`
	for _, c := range v.Errors {
		p["errorCode"].Enum = append(p["errorCode"].Enum, c.Value)
	}
	for _, key := range []string{"userAgent", "errorMessage"} {
		p[key].MaxLength = 1024
	}
	p["requestParameters"].Type = []string{"object", "null"}
	p["responseElements"].Type = []string{"object", "null"}
	p["serviceEventDetails"].Type = "object"
	p["additionalEventData"] = &node{
		Description: p["additionalEventData"].Description,
		Type:        "object",
		Properties:  map[string]*node{"MFAAuthenticated": {Enum: []string{"True", "False"}}},
		Required:    []string{"MFAAuthenticated"},
		Additional:  false,
	}
	for _, f := range v.Families {
		for _, e := range f.Events {
			p["eventName"].Enum = append(p["eventName"].Enum, e.Name)
			root.Defs[e.Name] = e.schema()
			root.AllOf = append(root.AllOf, &node{
				If:   &node{Properties: map[string]*node{"eventName": {Const: e.Name}}},
				Then: &node{Ref: "#/$defs/" + e.Name},
			})
		}
	}
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("write the schema: %w", err)
	}
	return []byte(b.String()), nil
}

// object is the schema of a struct with json tags.
func (v *vocabulary) object(name string) *node {
	n := &node{Description: v.Types[name].Doc, Type: "object", Properties: map[string]*node{}, Additional: false}
	for _, m := range v.Types[name].Fields {
		p := typeSchema(m.Type)
		p.Description = m.Doc
		n.Properties[m.Key] = p
		if !m.Optional {
			n.Required = append(n.Required, m.Key)
		}
	}
	return n
}

// schema is what holds of the records of one event.
func (e eventType) schema() *node {
	n := &node{Description: e.Doc, Properties: map[string]*node{
		"eventCategory": {Const: e.Category},
		"readOnly":      {Const: e.ReadOnly},
	}}
	for i, part := range partKeys {
		p := &node{Properties: map[string]*node{}, Additional: false}
		if part == "request" {
			for _, key := range []string{"sessionId", "target", "login"} {
				p.Properties[key] = &node{Type: "string", Description: "of the session, inside one"}
			}
		}
		for _, f := range e.Fields {
			if f.Part == part {
				s := typeSchema(f.Type)
				s.Description = f.Doc
				p.Properties[f.Key] = s
			}
		}
		p.Properties["omitted"] = &node{Type: "string", Description: "why content is missing: the object was larger than 100 KB"}
		n.Properties[members[i]] = p
	}
	return n
}

// members are the record's objects the parts become.
var members = []string{"requestParameters", "responseElements", "serviceEventDetails"}

func typeSchema(t string) *node {
	t = strings.TrimPrefix(t, "*")
	switch {
	case t == "string":
		return &node{Type: "string"}
	case t == "bool":
		return &node{Type: "boolean"}
	case t == "int", t == "int64":
		return &node{Type: "integer"}
	case t == "Time":
		return &node{Type: "string", Pattern: timePattern}
	case t == "json.RawMessage":
		return &node{}
	case t == "map[string]string":
		return &node{Type: "object", Additional: &node{Type: "string"}}
	case strings.HasPrefix(t, "[]"):
		return &node{Type: "array", Items: typeSchema(t[2:])}
	default:
		return &node{Ref: "#/$defs/" + t}
	}
}
