package house

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"testing"
)

func TestTestsDoNotSleepOrSkip(t *testing.T) {
	tests := map[string][]goFile{} // by package
	for _, f := range goFiles(t) {
		if f.Test || under(f.Package(), testOnly...) {
			tests[f.Package()] = append(tests[f.Package()], f)
		}
	}
	for _, pkg := range tests {
		for _, f := range pkg {
			calls(f, func(at ast.Node, name string) {
				if !bubbled(pkg, f, at, nil) {
					t.Errorf("%s: %s in a test: pass the time in, use testing/synctest, or wait on a signal the code offers", f.At(at), name)
				}
			}, "time.Sleep")
			calls(f, func(at ast.Node, name string) {
				t.Errorf("%s: %s: a test that did not run proves nothing; scripts/deps installs what it needs", f.At(at), name)
			}, ".Skip", ".Skipf", ".SkipNow", "testing.Short")
		}
	}
}

// bubbled says whether n, in file f of pkg, runs only in synctest bubbles,
// where time costs nothing: it stands inside a call of synctest.Test, or in a
// helper all of whose uses do. Helpers are told apart by name only.
func bubbled(pkg []goFile, f goFile, n ast.Node, seen []string) bool {
	helper := ""
	for _, d := range f.AST.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || !within(n, fn) {
			continue
		}
		inside := false
		ast.Inspect(fn, func(m ast.Node) bool {
			c, ok := m.(*ast.CallExpr)
			inside = inside || ok && isBubble(c) && within(n, c)
			return !inside
		})
		if inside {
			return true
		}
		helper = fn.Name.Name
	}
	if slices.Contains(seen, helper) {
		return true
	}
	uses := 0
	for _, g := range pkg {
		ok := true
		ast.Inspect(g.AST, func(m ast.Node) bool {
			if id, isIdent := m.(*ast.Ident); isIdent && id.Name == helper && !declaresHere(g, id) {
				uses++
				ok = ok && bubbled(pkg, g, id, append(seen, helper))
			}
			return ok
		})
		if !ok {
			return false
		}
	}
	return uses > 0 // a test is used by nobody here
}

func isBubble(c *ast.CallExpr) bool {
	s, ok := c.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == "synctest" && s.Sel.Name == "Test"
}

func within(n, outer ast.Node) bool { return outer.Pos() <= n.Pos() && n.End() <= outer.End() }

// declaresHere says whether id is the name of a function's declaration in f.
func declaresHere(f goFile, id *ast.Ident) bool {
	return slices.ContainsFunc(f.AST.Decls, func(d ast.Decl) bool {
		fn, ok := d.(*ast.FuncDecl)
		return ok && fn.Name == id
	})
}

// TestTheSleepRule keeps the rule itself honest.
func TestTheSleepRule(t *testing.T) {
	for name, c := range map[string]struct {
		source string
		want   int // sleeps that are found
	}{
		"in a test":                {`func TestX(t *testing.T) { time.Sleep(1) }`, 1},
		"in a bubble":              {`func TestX(t *testing.T) { synctest.Test(t, func(t *testing.T) { time.Sleep(1) }) }`, 0},
		"after a bubble":           {`func TestX(t *testing.T) { synctest.Test(t, func(t *testing.T) {}); time.Sleep(1) }`, 1},
		"helper of a bubble":       {`func TestX(t *testing.T) { synctest.Test(t, func(t *testing.T) { a() }) }; func a() { b() }; func b() { time.Sleep(1) }`, 0},
		"helper of a test as well": {`func TestX(t *testing.T) { synctest.Test(t, func(t *testing.T) { a() }); a() }; func a() { time.Sleep(1) }`, 1},
		"helper that calls itself": {`func TestX(t *testing.T) { a() }; func a() { time.Sleep(1); a() }`, 1},
		"helper that nobody calls": {`func a() { time.Sleep(1) }`, 1},
	} {
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, "x_test.go", "package x\n"+c.source, 0)
		if err != nil {
			t.Fatal(err)
		}
		f := goFile{Path: "x_test.go", Test: true, AST: file, Set: set}
		found := 0
		calls(f, func(at ast.Node, _ string) {
			if !bubbled([]goFile{f}, f, at, nil) {
				found++
			}
		}, "time.Sleep")
		if found != c.want {
			t.Errorf("%s: found %d sleeps, want %d", name, found, c.want)
		}
	}
}
