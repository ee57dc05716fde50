package house

import (
	"go/ast"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// reference is `file.go:Name` or `file.go:Type.Method` in a page.
var reference = regexp.MustCompile("`([A-Za-z0-9_./-]+\\.go):([A-Za-z_][A-Za-z0-9_]*)(?:\\.([A-Za-z_][A-Za-z0-9_]*))?`")

// TestPagesNameWhatExists: ARCHITECTURE.md and its like point into the code;
// here they cannot rot.
func TestPagesNameWhatExists(t *testing.T) {
	code := map[string]goFile{}
	for _, f := range goFiles(t) {
		code[f.Path] = f
	}
	count := 0
	for _, page := range pages(t) {
		for _, m := range reference.FindAllStringSubmatch(read(t, page), -1) {
			count++
			f, ok := code[m[1]]
			if !ok {
				t.Errorf("%s names %s, which does not exist", page, m[1])
			} else if !declares(f, m[2], m[3]) {
				t.Errorf("%s names %s, but %s declares no such thing", page, m[0], m[1])
			}
		}
	}
	if count == 0 {
		t.Error("no page names a function: ARCHITECTURE.md should lead into the code")
	}
}

// declares says whether f declares name, or the method of the type name.
func declares(f goFile, name, method string) bool {
	for _, d := range f.AST.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if method == "" && d.Recv == nil && d.Name.Name == name {
				return true
			}
			if method != "" && d.Recv != nil && d.Name.Name == method && receiver(d) == name {
				return true
			}
		case *ast.GenDecl:
			for _, s := range d.Specs {
				switch s := s.(type) {
				case *ast.TypeSpec:
					if s.Name.Name == name && (method == "" || has(s, method)) {
						return true
					}
				case *ast.ValueSpec:
					for _, n := range s.Names {
						if method == "" && n.Name == name {
							return true
						}
					}
				}
			}
		}
	}
	return false
}

// has says whether a type has the field or interface method.
func has(s *ast.TypeSpec, member string) bool {
	found := false
	ast.Inspect(s.Type, func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok {
			for _, name := range f.Names {
				found = found || name.Name == member
			}
		}
		return !found
	})
	return found
}

func receiver(d *ast.FuncDecl) string {
	e := d.Recv.List[0].Type
	if s, ok := e.(*ast.StarExpr); ok {
		e = s.X
	}
	if i, ok := e.(*ast.IndexExpr); ok {
		e = i.X
	}
	if id, ok := e.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// pages are the Markdown files.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, name := range files(t) {
		if strings.HasSuffix(name, ".md") && !strings.Contains(name, "testdata/") {
			all = append(all, name)
		}
	}
	return all
}

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+?)\s*$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
)

// TestLinksLeadSomewhere follows the links between pages, and to headings.
func TestLinksLeadSomewhere(t *testing.T) {
	for _, page := range pages(t) {
		text := fence.ReplaceAllString(read(t, page), "")
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			to := m[1]
			if strings.Contains(to, "://") || strings.HasPrefix(to, "mailto:") {
				continue
			}
			file, anchor, _ := strings.Cut(to, "#")
			if file == "" {
				file = page
			} else {
				file = path.Join(path.Dir(page), file)
			}
			if _, err := os.Stat(filepath.Join(root, file)); err != nil {
				t.Errorf("%s links to %s, which does not exist", page, to)
			} else if anchor != "" && !slugs(read(t, file))[anchor] {
				t.Errorf("%s links to %s, but there is no such heading", page, to)
			}
		}
	}
}

// slugs are the anchors a page offers, by GitHub's rule.
func slugs(text string) map[string]bool {
	found := map[string]bool{}
	for _, m := range heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		s := notSlug.ReplaceAllString(strings.ToLower(m[1]), "")
		found[strings.ReplaceAll(s, " ", "-")] = true
	}
	return found
}

// TestDocsIndexIsComplete: docs/README.md leads to every page, and only to
// pages that exist (see above).
func TestDocsIndexIsComplete(t *testing.T) {
	index := read(t, "docs/README.md")
	for _, name := range files(t) {
		rel, ok := strings.CutPrefix(name, "docs/")
		if ok && rel != "README.md" && !strings.Contains(index, "("+rel+")") {
			t.Errorf("docs/README.md does not lead to %s", name)
		}
	}
}

var target = regexp.MustCompile(`(?m)^([a-z-]+):`)

// TestMakeTargetsAreExplained: make help prints every target.
func TestMakeTargetsAreExplained(t *testing.T) {
	makefile := read(t, "Makefile")
	for _, m := range target.FindAllStringSubmatch(makefile, -1) {
		if !regexp.MustCompile(`(?m)^` + m[1] + `:.*## .`).MatchString(makefile) {
			t.Errorf("make help does not explain %s: write ## after it", m[1])
		}
		if !strings.Contains(makefile, ".PHONY: "+m[1]+"\n") {
			t.Errorf("%s in the Makefile is not .PHONY", m[1])
		}
	}
	for _, want := range strings.Fields("help build demo test lint fuzz bench generate soak check conformance") {
		if !strings.Contains(makefile, "\n"+want+":") {
			t.Errorf("the Makefile has no target %s", want)
		}
	}
}
