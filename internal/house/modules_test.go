package house

import (
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dependency is a module we did not write, and the only places that know it.
type dependency struct {
	Module string
	Only   []string // packages, with all below them; nil for tests only
	Why    string
}

// dependencies are all of them. Adding one is a decision: say here where it
// may be used and why we would be wrong to own it.
var dependencies = []dependency{
	{"golang.org/x/crypto/ssh", []string{"internal/authn", "internal/ca", "internal/target", "internal/gate/wire", "internal/sshtest", "internal/cli"},
		"policy, recording and events see typed channel messages, so that another transport can replace it"},
	{"github.com/duckdb/duckdb-go/v2", []string{"internal/query/duckdb"}, "cgo and an engine, behind the query seam"},
	{"github.com/parquet-go/parquet-go", []string{"internal/trail", "internal/query"}, "the format of sealed events"},
	{"modernc.org/sqlite", []string{"internal/state/sqlite"}, "behind the state seam"},
	{"github.com/pressly/goose/v3", []string{"internal/state"}, "migrations of state drivers"},
	{"github.com/cedar-policy/cedar-go", []string{"internal/policy"}, "one package decides"},
	{"github.com/spf13/cobra", []string{"internal/cli"}, "the command line"},
	{"github.com/spf13/pflag", []string{"internal/cli"}, "the command line"},
	{"golang.org/x/term", []string{"internal/cli"}, "the terminal of the command line"},
	{"go.yaml.in/yaml/v4", []string{"internal/config", "internal/manifest", "internal/runbook"}, "files people write, with the position of every mistake"},
	{"github.com/pquerna/otp", []string{"internal/authn", "internal/cli/demo"}, "second factors; the players of the demo have a device each"},
	{"github.com/boombuler/barcode", []string{"internal/cli"}, "the QR code a phone scans to enrol; the TOTP module brings it anyway"},
	{"github.com/klauspost/compress", []string{"internal/recording", "internal/trail"}, "zstd of what is stored"},
	{"github.com/google/uuid", []string{"event"}, "identifiers come from event.NewID"},
	{"golang.org/x/sys", []string{"internal/trail", "internal/query/duckdb", "internal/gate", "internal/api/rest", "internal/app", "internal/cli"},
		"fdatasync, resource limits, socket options, peer credentials"},
	{"github.com/aws/aws-sdk-go-v2", []string{"internal/blob/s3", "internal/trail/forward"}, "credentials, signatures and S3 as AWS has them"},
	{"github.com/rogpeppe/go-internal", nil, "testscript"},
	{"github.com/google/go-cmp", nil, "differences in tests"},
	{"pgregory.net/rapid", nil, "properties in tests"},
	{"go.uber.org/goleak", nil, "leaks in tests"},
}

// metrics may be registered anywhere, in a file of that name.
const metrics = "github.com/prometheus/client_golang"

func TestDependenciesStayInTheirPackages(t *testing.T) {
	for _, f := range goFiles(t) {
		_, foreign := f.Imports()
		for _, p := range foreign {
			if why := foreignForbidden(f, p); why != "" {
				t.Errorf("%s imports %s: %s", f.Path, p, why)
			}
		}
	}
}

func foreignForbidden(f goFile, p string) string {
	if under(p, metrics) {
		if strings.HasSuffix(f.Path, "/metrics.go") || strings.HasSuffix(f.Path, "/metrics_test.go") {
			return ""
		}
		return "metrics are built in a file named metrics.go"
	}
	i := slices.IndexFunc(dependencies, func(d dependency) bool { return under(p, d.Module) })
	if i < 0 {
		return "no dependency without a reason: add it to internal/house/modules_test.go with its place (DESIGN 3: import what we would be wrong to own)"
	}
	d := dependencies[i]
	if f.Test || under(f.Package(), testOnly...) || under(f.Package(), free...) {
		return "" // a test may look at a package from outside
	}
	if d.Only == nil {
		return "it is for tests (" + d.Why + ")"
	}
	if under(f.Package(), d.Only...) {
		return ""
	}
	return "it belongs to " + strings.Join(d.Only, ", ") + " only: " + d.Why
}

// TestEveryDependencyIsUsed: a line above that no file needs is out of date.
func TestEveryDependencyIsUsed(t *testing.T) {
	used := map[string]bool{}
	for _, f := range goFiles(t) {
		_, foreign := f.Imports()
		for _, p := range foreign {
			for _, d := range dependencies {
				used[d.Module] = used[d.Module] || under(p, d.Module)
			}
		}
	}
	for _, d := range dependencies {
		if !used[d.Module] {
			t.Errorf("nothing imports %s any more: remove it from internal/house/modules_test.go and run go mod tidy", d.Module)
		}
	}
}

// TestDuckDBIsLinkedStatically: from v2.20000 on the driver downloads its
// engine apart, which a newcomer without a network cannot.
func TestDuckDBIsLinkedStatically(t *testing.T) {
	want := regexp.MustCompile(`(?m)^\s*github\.com/duckdb/duckdb-go/v2 v2\.1\d{4}\.`)
	if !want.MatchString(read(t, "go.mod")) {
		t.Error("go.mod does not pin github.com/duckdb/duckdb-go/v2 below v2.20000")
	}
}
