package cli

import (
	"bytes"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// athenaRun runs trailgate athena ddl with settings of its own.
func athenaRun(t *testing.T, args ...string) (out, complaint string, code int) {
	t.Helper()
	t.Setenv("TRAILGATE_DATA_DIR", t.TempDir())
	t.Setenv("TRAILGATE_ACCOUNT_ID", "111122223333")
	t.Setenv("TRAILGATE_REGION", "eu-central-1")
	var stdout, stderr bytes.Buffer
	code = run(t.Context(), append([]string{"athena", "ddl"}, args...), streams{strings.NewReader(""), &stdout, &stderr})
	return stdout.String(), stderr.String(), code
}

func TestAthenaTableIsAWSs(t *testing.T) {
	const golden = "testdata/athena.sql"
	got, complaint, code := athenaRun(t, "--blob-url", "s3://corp-trail/ssh/prod?region=eu-central-1")
	if code != 0 {
		t.Fatalf("exit %d: %s", code, complaint)
	}
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("the statement (-want +got):\n%s", d)
	}
	named, _, _ := athenaRun(t, "--blob-url", "s3://corp-trail", "--table", "security.ssh_logs")
	for _, part := range []string{"CREATE EXTERNAL TABLE `security`.`ssh_logs` (", `FROM "security"."ssh_logs"`, "LOCATION 's3://corp-trail/AWSLogs/111122223333/CloudTrail/eu-central-1'\n",
		"'storage.location.template'='s3://corp-trail/AWSLogs/111122223333/CloudTrail/eu-central-1/${timestamp}'"} {
		if !strings.Contains(named, part) {
			t.Errorf("the statement lacks %s", part)
		}
	}
	other, _, _ := athenaRun(t, "--bucket", "copy-of-it", "--prefix", "a/b/")
	if !strings.Contains(other, "LOCATION 's3://copy-of-it/a/b/AWSLogs/") {
		t.Errorf("with --bucket and --prefix the place is another:\n%s", other)
	}
}

func TestAthenaTakesNothingThatEndsItsStrings(t *testing.T) {
	for name, args := range map[string][]string{
		"no bucket":         nil,
		"a directory":       {"--blob-url", "file:///srv/logs"},
		"table":             {"--bucket", "corp-trail", "--table", "t` (x int); DROP TABLE y; --"},
		"three parts":       {"--bucket", "corp-trail", "--table", "a.b.c"},
		"empty table":       {"--bucket", "corp-trail", "--table", ""},
		"capital letters":   {"--bucket", "corp-trail", "--table", "Logs"},
		"bucket":            {"--bucket", "corp'trail"},
		"bucket, new line":  {"--bucket", "corp-trail\n"},
		"prefix":            {"--bucket", "corp-trail", "--prefix", `a\'b`},
		"prefix, variable":  {"--bucket", "corp-trail", "--prefix", "${timestamp}"},
		"prefix, semicolon": {"--bucket", "corp-trail", "--prefix", "a;b"},
		"region":            {"--bucket", "corp-trail", "--region", "eu'"},
	} {
		out, complaint, code := athenaRun(t, args...)
		if code != exitMisused || out != "" || !strings.Contains(complaint, "hint: ") {
			t.Errorf("%s: exit %d, %q, %s; want 2 and a hint", name, code, out, complaint)
		}
	}
}
