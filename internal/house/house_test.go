// Package house holds the rules of the repository itself, as tests, so that no
// reviewer has to: who may import whom and why, and what no file may contain.
package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// root is the repository, from this package.
const root = "../.."

// module is the path of the module in go.mod.
const module = "github.com/trailgate/trailgate"

// goFile is one parsed file of the repository.
type goFile struct {
	Path      string // from the root, with slashes
	Test      bool
	Generated bool
	Lines     int
	AST       *ast.File
	Set       *token.FileSet
}

// Package is the folder of f from the root: "internal/trail".
func (f goFile) Package() string { return path.Dir(f.Path) }

// At is "path:line" of a node.
func (f goFile) At(n ast.Node) string {
	p := f.Set.Position(n.Pos())
	return f.Path + ":" + strconv.Itoa(p.Line)
}

// Imports are the paths f imports; those of the module are cut to folders.
func (f goFile) Imports() (own, foreign []string) {
	for _, i := range f.AST.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		first, _, _ := strings.Cut(p, "/")
		if rest, ok := strings.CutPrefix(p, module+"/"); ok {
			own = append(own, rest)
		} else if strings.Contains(first, ".") { // the standard library has no dots
			foreign = append(foreign, p)
		}
	}
	return own, foreign
}

// files returns the repository's files, but for what git and builds keep.
func files(t *testing.T) []string {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

var listed = sync.OnceValues(func() (all []string, err error) {
	err = filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); slices.Contains([]string{".git", "bin", "trailgate-demo", ".tools"}, name) || name == "fuzz" && strings.Contains(p, "testdata") {
				return fs.SkipDir
			}
			return nil
		}
		rel, err := filepath.Rel(root, p)
		all = append(all, filepath.ToSlash(rel))
		return err
	})
	return all, err
})

// goFiles is every Go file of the repository.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	all, err := parsed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 20 {
		t.Fatalf("only %d Go files below %s: is it the repository?", len(all), root)
	}
	return all
}

var parsed = sync.OnceValues(func() (all []goFile, err error) {
	names, err := listed()
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, filepath.Join(root, name), nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		all = append(all, goFile{
			Path:      name,
			Test:      strings.HasSuffix(name, "_test.go"),
			Generated: ast.IsGenerated(file),
			Lines:     set.File(file.Pos()).LineCount(),
			AST:       file,
			Set:       set,
		})
	}
	return all, nil
})

// read is the text of a file of the repository.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
