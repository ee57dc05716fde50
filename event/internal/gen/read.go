package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
)

// vocabulary is package event as its source says it.
type vocabulary struct {
	Families []family
	Types    map[string]structType // Record, UserIdentity, …
	Errors   []constant
	Version  string
}

// family is the events of one file.
type family struct {
	Title  string
	Events []eventType
}

type eventType struct {
	Name     string
	Doc      string
	Category string
	ReadOnly bool
	Fields   []field
}

type field struct {
	Part string // request, response, details
	Key  string // in JSON
	Type string // in Go
	Doc  string
}

type structType struct {
	Doc    string
	Fields []member
}

type member struct {
	Key      string
	Type     string
	Doc      string
	Optional bool
}

type constant struct{ Name, Value, Doc string }

// titles are the families by file, in the order of the page.
var titles = []struct{ file, title string }{
	{"events_access.go", "Transport, login, access and sessions"},
	{"events_channel.go", "Channels and recordings"},
	{"events_admin.go", "Administration"},
	{"events_response.go", "Detection and response"},
	{"events_trail.go", "The trail itself"},
	{"events_api.go", "The CloudTrail API"},
	{"events_refused.go", "The CloudTrail API: what is always refused"},
	{"events_keep.go", "What is kept, removed and taken out"},
	{"events_import.go", "Imports"},
	{"events_forward.go", "Forwarders"},
}

// kinds are the structs an event embeds.
var kinds = map[string]struct {
	category string
	readOnly bool
}{
	"managementWrite": {"Management", false},
	"managementRead":  {"Management", true},
	"dataWrite":       {"Data", false},
	"dataRead":        {"Data", true},
	"insight":         {"Insight", false},
}

var partKeys = []string{"request", "response", "details"}

func read(dir string) (*vocabulary, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	v := &vocabulary{Types: map[string]structType{}}
	byFile := map[string][]eventType{}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(dir, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		for _, d := range file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok {
				continue
			}
			if err := v.declaration(g, func(e eventType) { byFile[name] = append(byFile[name], e) }); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	for _, t := range titles {
		v.Families = append(v.Families, family{t.title, byFile[t.file]})
		delete(byFile, t.file)
	}
	for name := range byFile {
		return nil, fmt.Errorf("%s has events but no title in gen/read.go", name)
	}
	return v, nil
}

func (v *vocabulary) declaration(g *ast.GenDecl, found func(eventType)) error {
	for _, spec := range g.Specs {
		switch spec := spec.(type) {
		case *ast.ValueSpec:
			v.constant(g, spec)
		case *ast.TypeSpec:
			s, ok := spec.Type.(*ast.StructType)
			if !ok {
				continue
			}
			e, ok, err := readEvent(spec.Name.Name, oneLine(g.Doc), s)
			if err != nil {
				return err
			}
			if ok {
				found(e)
				continue
			}
			if st := plain(oneLine(g.Doc), s); len(st.Fields) > 0 {
				v.Types[spec.Name.Name] = st
			}
		}
	}
	return nil
}

// constant keeps Version and the error codes.
func (v *vocabulary) constant(g *ast.GenDecl, spec *ast.ValueSpec) {
	if g.Tok != token.CONST || len(spec.Values) != 1 {
		return
	}
	lit, ok := spec.Values[0].(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return
	}
	text, _ := strconv.Unquote(lit.Value)
	c := constant{spec.Names[0].Name, text, oneLine(spec.Comment)}
	switch {
	case c.Name == "Version":
		v.Version = text
	case g.Doc != nil && strings.HasPrefix(g.Doc.Text(), "Error codes"):
		v.Errors = append(v.Errors, c)
	}
}

// readEvent reads an event type: a struct that embeds one of kinds.
func readEvent(name, doc string, s *ast.StructType) (eventType, bool, error) {
	if len(s.Fields.List) == 0 || len(s.Fields.List[0].Names) != 0 {
		return eventType{}, false, nil
	}
	kind, ok := kinds[goType(s.Fields.List[0].Type)]
	if !ok {
		return eventType{}, false, nil
	}
	e := eventType{Name: name, Doc: doc, Category: kind.category, ReadOnly: kind.readOnly}
	if doc == "" {
		return e, false, fmt.Errorf("%s has no comment", name)
	}
	for _, f := range s.Fields.List[1:] {
		tag := tags(f)
		if len(f.Names) != 1 {
			return e, false, fmt.Errorf("%s: one name a field, please", name)
		}
		where := name + "." + f.Names[0].Name
		var part, key string
		for _, p := range partKeys {
			if k := tag.Get(p); k != "" {
				if part != "" {
					return e, false, fmt.Errorf("%s goes to %s and to %s", where, part, p)
				}
				part, key = p, k
			}
		}
		doc := oneLine(f.Doc) + oneLine(f.Comment)
		if part == "" || doc == "" {
			return e, false, fmt.Errorf("%s needs a tag that says where it goes and a comment", where)
		}
		e.Fields = append(e.Fields, field{part, key, goType(f.Type), doc})
	}
	return e, true, nil
}

// plain reads a struct with json tags.
func plain(doc string, s *ast.StructType) (st structType) {
	st.Doc = doc
	for _, f := range s.Fields.List {
		key, opts, _ := strings.Cut(tags(f).Get("json"), ",")
		if key != "" {
			st.Fields = append(st.Fields, member{key, goType(f.Type), oneLine(f.Doc) + oneLine(f.Comment), opts != ""})
		}
	}
	return st
}

func tags(f *ast.Field) reflect.StructTag {
	if f.Tag == nil {
		return ""
	}
	text, _ := strconv.Unquote(f.Tag.Value)
	return reflect.StructTag(text)
}

// goType is the source of a type, as far as events use types.
func goType(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.StarExpr:
		return "*" + goType(e.X)
	case *ast.ArrayType:
		return "[]" + goType(e.Elt)
	case *ast.MapType:
		return "map[" + goType(e.Key) + "]" + goType(e.Value)
	case *ast.SelectorExpr:
		return goType(e.X) + "." + e.Sel.Name
	}
	return "?"
}

func oneLine(c *ast.CommentGroup) string {
	if c == nil {
		return ""
	}
	return strings.Join(strings.Fields(c.Text()), " ")
}
