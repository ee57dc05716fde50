package house

import (
	"errors"
	"go/ast"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is where a file has stopped being one idea.
const maxLines = 600

func TestFilesAreOneIdea(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.Test && !f.Generated && f.Lines > maxLines {
			t.Errorf("%s has %d lines, more than %d: a file is one idea, named for it", f.Path, f.Lines, maxLines)
		}
	}
}

// TestEveryPackageSaysWhatItIs, once.
func TestEveryPackageSaysWhatItIs(t *testing.T) {
	docs := map[string][]goFile{}
	shipped := map[string]bool{}
	for _, f := range goFiles(t) {
		key := f.Package() + " " + strings.TrimSuffix(f.AST.Name.Name, "_test")
		if f.AST.Doc != nil && strings.TrimSpace(f.AST.Doc.Text()) != "" {
			docs[key] = append(docs[key], f)
		}
		shipped[key] = true
	}
	for key := range shipped {
		folder, name, _ := strings.Cut(key, " ")
		switch found := docs[key]; len(found) {
		case 0:
			t.Errorf("package %s has no comment: say in one sentence what it is", folder)
		case 1:
			text := found[0].AST.Doc.Text()
			start := "Package " + name + " "
			if name == "main" {
				start = "" // "Trailgate is …", "Command gen …"
			}
			if !strings.HasPrefix(text, start) {
				t.Errorf("%s: the package comment begins %.40q, want %q", found[0].Path, text, start)
			}
			if !strings.Contains(strings.ReplaceAll(text, "\n", " ")+" ", ". ") {
				t.Errorf("%s: the package comment has no sentence", found[0].Path)
			}
		default:
			t.Errorf("package %s is explained in %s and in %s: godoc runs them together", folder, found[0].Path, found[1].Path)
		}
	}
}

// calls reports each call in f of a function named as one of names says:
// "time.Sleep", or ".Skip" for a method on t, tb, b or f.
func calls(f goFile, found func(at ast.Node, name string), names ...string) {
	ast.Inspect(f.AST, func(n ast.Node) bool {
		s, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		x, ok := s.X.(*ast.Ident)
		if !ok {
			return true
		}
		name := x.Name + "." + s.Sel.Name
		method := slices.Contains([]string{"t", "tb", "b", "f"}, x.Name) && slices.Contains(names, "."+s.Sel.Name)
		if method || slices.Contains(names, name) {
			found(s, name)
		}
		return true
	})
}

func TestHostKeysAreAlwaysChecked(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.Test || under(f.Package(), testOnly...) {
			continue
		}
		calls(f, func(at ast.Node, name string) {
			t.Errorf("%s: %s accepts every host: a target's key is pinned, or signed by a host CA", f.At(at), name)
		}, "ssh.InsecureIgnoreHostKey")
	}
}

// rule is text that no file of ours contains.
type rule struct {
	pattern *regexp.Regexp
	files   *regexp.Regexp // which files
	why     string
}

// The patterns are put together from halves, so that they do not find
// themselves here.
var rules = []rule{
	{regexp.MustCompile(`\b(TO` + `DO|FIX` + `ME)\b(?:[^(]|$)`), regexp.MustCompile(`(\.go|\.sh|\.md|\.sql|\.yaml|^[^.]+)$`),
		"a note to ourselves has an owner, as in (name), or is an issue"},
	{regexp.MustCompile(`/wo` + `rk/|/ro` + `ot/go|/Us` + `ers/|/ho` + `me/[a-z]+/(go|src|work)/|/tm` + `p/plan`), regexp.MustCompile(`.`),
		"a path of one machine"},
	{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE ` + `KEY-----\s*\n?[A-Za-z0-9+/]{16}`), regexp.MustCompile(`.`),
		"a private key; tests make theirs"},
	{regexp.MustCompile(`(?m)^(<<<<` + `<<<|>>>>` + `>>>) `), regexp.MustCompile(`.`), "what a merge left behind"},
}

func TestNoFileContains(t *testing.T) {
	for _, name := range files(t) {
		text, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			if os.IsNotExist(err) {
				continue // gone since it was listed
			}
			t.Fatal(err)
		}
		if strings.Contains(string(text[:min(len(text), 8000)]), "\x00") {
			continue // no text
		}
		for _, r := range rules {
			if !r.files.MatchString(path.Base(name)) {
				continue
			}
			if at := r.pattern.FindIndex(text); at != nil {
				line := 1 + strings.Count(string(text[:at[0]]), "\n")
				t.Errorf("%s:%d: %q: %s", name, line, text[at[0]:at[1]], r.why)
			}
		}
	}
}

// TestScriptsCanRun: a shebang without the bit helps nobody.
func TestScriptsCanRun(t *testing.T) {
	for _, name := range files(t) {
		if !under(name, "scripts", ".ci") {
			continue
		}
		info, err := os.Stat(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode()&0o111 == 0 {
			t.Errorf("%s is not executable", name)
		}
		if !strings.HasPrefix(read(t, name), "#!/usr/bin/env bash\n") || !strings.Contains(read(t, name), "\nset -euo pipefail\n") {
			t.Errorf("%s does not begin with the bash line and set -euo pipefail", name)
		}
	}
}

// TestScriptsExplainThemselves: a wrong argument is two lines and exit 2.
func TestScriptsExplainThemselves(t *testing.T) {
	cmd := exec.Command("scripts/deps", "--nonsense")
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 {
		t.Errorf("scripts/deps --nonsense: %v, want exit status 2", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 || !strings.HasPrefix(lines[0], "error: ") || !strings.HasPrefix(lines[1], "hint: ") {
		t.Errorf("scripts/deps --nonsense says %q, want an error and a hint", out)
	}
}
