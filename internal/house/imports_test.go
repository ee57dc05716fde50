package house

import (
	"fmt"
	"go/ast"
	"path"
	"slices"
	"strings"
	"testing"
)

// levels are the packages from the ground up. A package imports only from
// levels below its own: what stands on one level does not know of each other,
// and meets through small interfaces that the importer declares. A name ending
// in /** is a family: it and all below it, free among themselves.
var levels = [][]string{
	{"event"},
	{"internal/suggest"},
	{"internal/sqlfront"},
	{"internal/config", "internal/policy", "internal/runbook", "internal/alarm", "internal/manifest", "internal/ocsf"},
	{"runbooks", "queries"},
	{"internal/blob", "internal/state", "internal/query", "internal/webhook"},
	{"internal/trail/**", "internal/recording", "internal/target", "internal/lock", "internal/action", "internal/authn", "internal/ca"},
	{"internal/admin"}, // changes resources, for whichever API asks
	{"internal/gate/**", "internal/respond", "internal/report", "internal/api/cloudtrail/**", "internal/api/rest", "internal/web"},
	{"internal/app"},
	{"internal/client"},
	{"internal/cli/**"},
	{"cmd/trailgate"},
}

// pure packages do no I/O: what they may not import of the standard library.
var (
	pure     = []string{"event", "internal/suggest", "internal/sqlfront", "internal/config", "internal/policy", "internal/runbook", "internal/alarm", "internal/manifest", "internal/ocsf"}
	impureIO = []string{"net/http", "os", "os/exec", "os/signal", "io/ioutil", "database/sql", "log", "log/slog"}
)

// drivers are the systems behind a seam: state/sqlite behind state.
var drivers = []string{"internal/blob/", "internal/state/", "internal/query/"}

// suites hold every driver of a seam to its contract, helpers serve tests;
// nothing that ships imports them.
var testOnly = []string{"internal/blob/blobtest", "internal/state/statetest", "internal/query/querytest", "internal/trail/forward/forwardtest", "internal/sshtest", "internal/house"}

// free are packages of programs and tests that nothing imports: they may use
// what they like of the module.
var free = []string{"bench", "e2e", "event/internal", "internal/house", "internal/sshtest",
	"internal/blob/blobtest", "internal/state/statetest", "internal/query/querytest", "internal/trail/forward/forwardtest"}

func TestImportsGoDown(t *testing.T) {
	for _, f := range goFiles(t) {
		p := f.Package()
		if f.Test || under(p, free...) {
			continue
		}
		own, _ := f.Imports()
		for _, q := range own {
			if why := forbidden(p, q); why != "" {
				t.Errorf("%s imports %s: %s", f.Path, q, why)
			}
		}
	}
}

// TestTheRuleForbids keeps the rule itself honest.
func TestTheRuleForbids(t *testing.T) {
	for _, c := range []struct {
		importer, imported string
		allowed            bool
	}{
		{"internal/trail", "event", true},
		{"internal/runbook", "internal/sqlfront", true},
		{"internal/policy", "internal/runbook", false},
		{"internal/trail", "internal/lock", false},
		{"internal/trail", "internal/gate", false},
		{"internal/gate", "internal/gate/wire", true},
		{"internal/gate/relay", "internal/gate/inspect", true},
		{"internal/gate", "internal/respond", false},
		{"internal/api/rest", "internal/admin", true},
		{"internal/api/rest", "internal/gate", false},
		{"internal/respond", "internal/query/duckdb", false},
		{"internal/cli", "internal/query/duckdb", false},
		{"internal/app", "internal/query/duckdb", true},
		{"internal/query/duckdb", "internal/query", true},
		{"internal/query/duckdb", "internal/state", false},
		{"internal/query/duckdb", "internal/query/trino", false},
		{"internal/gate", "internal/sshtest", false},
		{"internal/app", "internal/state/statetest", false},
		{"event", "internal/sqlfront", false},
		{"internal/cli/demo", "internal/cli", true},
		{"internal/app", "internal/cli", false},
		{"cmd/trailgate", "internal/cli", true},
		{"internal/nowhere", "event", false},
	} {
		if why := forbidden(c.importer, c.imported); (why == "") != c.allowed {
			t.Errorf("forbidden(%s, %s) = %q, want allowed %t", c.importer, c.imported, why, c.allowed)
		}
	}
}

// forbidden says why p may not import q; "" allows it.
func forbidden(p, q string) string {
	if p == q {
		return ""
	}
	if under(q, testOnly...) {
		return "it is there for tests; what ships must not depend on it"
	}
	if d := driverOf(q); d != "" && !under(p, q) {
		if p == "internal/app" {
			return ""
		}
		return "a driver is imported by internal/app and by tests only, so that everything else works with any " + path.Base(d)
	}
	at := p
	if d := driverOf(p); d != "" {
		if q == d {
			return "" // a driver knows its seam
		}
		at = d
	}
	from, to := level(at), level(q)
	switch {
	case from < 0:
		return fmt.Sprintf("%s has no level yet: decide where it stands in internal/house/imports_test.go (DESIGN: imports go down only)", p)
	case to < 0:
		return fmt.Sprintf("%s has no level yet: decide where it stands in internal/house/imports_test.go (DESIGN: imports go down only)", q)
	case to < from, family(p) != "" && family(p) == family(q):
		return ""
	case to == from:
		return "they stand on one level, so they meet through a small interface that the importer declares and internal/app satisfies"
	default:
		return "imports go down only, or the lower package cannot be tested, read or replaced without the upper"
	}
}

func level(p string) int {
	return slices.IndexFunc(levels, func(names []string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			f, isFamily := strings.CutSuffix(name, "/**")
			return p == name || isFamily && under(p, f)
		})
	})
}

// family is the name of the family p belongs to.
func family(p string) string {
	for _, names := range levels {
		for _, name := range names {
			if f, ok := strings.CutSuffix(name, "/**"); ok && under(p, f) {
				return f
			}
		}
	}
	return ""
}

// driverOf is the seam that p is a driver of: "internal/state".
func driverOf(p string) string {
	for _, d := range drivers {
		if strings.HasPrefix(p, d) && !under(p, testOnly...) {
			return strings.TrimSuffix(d, "/")
		}
	}
	return ""
}

// under says whether p is one of the folders or below it.
func under(p string, folders ...string) bool {
	return slices.ContainsFunc(folders, func(f string) bool {
		return p == f || strings.HasPrefix(p, f+"/")
	})
}

// TestPurePackagesAreFunctions: time and text are arguments to them, so that
// the same input always gives the same decision.
func TestPurePackagesAreFunctions(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.Test || !slices.Contains(pure, f.Package()) {
			continue
		}
		for _, i := range f.AST.Imports {
			if p := strings.Trim(i.Path.Value, `"`); slices.Contains(impureIO, p) {
				t.Errorf("%s imports %s: %s is pure and does no I/O", f.Path, p, f.Package())
			}
		}
		calls(f, func(at ast.Node, name string) {
			t.Errorf("%s: %s: %s is pure: time is an argument", f.At(at), name, f.Package())
		}, "time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.NewTimer", "time.NewTicker", "time.AfterFunc")
		ast.Inspect(f.AST, func(n ast.Node) bool {
			if g, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s: go: %s is pure and starts no goroutines", f.At(g), f.Package())
			}
			return true
		})
	}
}

// TestMainIsThin: what is in main no test reaches.
func TestMainIsThin(t *testing.T) {
	for _, f := range goFiles(t) {
		if under(f.Package(), "cmd") && f.Lines > 30 {
			t.Errorf("%s has %d lines: a main only calls internal/cli, where tests reach", f.Path, f.Lines)
		}
	}
}
