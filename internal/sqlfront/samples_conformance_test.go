//go:build conformance

package sqlfront

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The public sample queries of CloudTrail Lake, unedited but for times and
// values that are place-holders, over public records of attacks.

func outsideData(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("TRAILGATE_OUTSIDE_DATA")
	if dir == "" {
		dir = "../../../shared/data" // beside the repository
	}
	if _, err := os.Stat(dir); err != nil {
		t.Fatalf("the outside data is not there: %v", err)
	}
	return dir
}

// corpus is every record of the data sets, once.
func corpus(t *testing.T, dir string) []Flat {
	t.Helper()
	var rows []Flat
	seen := map[string]bool{}
	add := func(record []byte) {
		f, err := Flatten(record, uint64(len(rows)+1), time.Unix(1_700_000_000, 0))
		if err != nil {
			t.Fatal(err)
		}
		if f.EventID == nil || seen[*f.EventID] {
			return
		}
		seen[*f.EventID] = true
		rows = append(rows, f)
	}
	for _, set := range []string{"invictus-aws_dataset", "stratus-red-team"} {
		err := filepath.WalkDir(filepath.Join(dir, set), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.Contains(d.Name(), ".json") {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			if bytes.HasPrefix(b, []byte{0x1f, 0x8b}) {
				z, err := gzip.NewReader(bytes.NewReader(b))
				if err != nil {
					return err
				}
				if b, err = io.ReadAll(z); err != nil {
					return err
				}
			}
			var file struct{ Records []json.RawMessage }
			if json.Unmarshal(b, &file) == nil && file.Records != nil {
				for _, r := range file.Records {
					add(r)
				}
				return nil
			}
			var list []json.RawMessage
			if json.Unmarshal(b, &list) == nil {
				for _, r := range list {
					add(r)
				}
				return nil
			}
			for d := json.NewDecoder(bytes.NewReader(b)); ; {
				var r json.RawMessage
				if err := d.Decode(&r); errors.Is(err, io.EOF) {
					return nil
				} else if err != nil {
					return nil // no records
				}
				if bytes.Contains(r, []byte(`"eventID"`)) {
					add(r)
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows
}

// malformed are the samples that AWS publishes with a mistake in them, and
// where it is.
var malformed = map[string]string{
	"ConfigItemCountQuery.sql": "there is no such table", "ConfigTableCreation.sql": "a query only reads",
	"list-attempted-s3-requests..sql": "line ", "top-errors.sql": "line ", "top-s3-actions.sql": "line ", "list-all-errors-for-s3-events.sql": "line ",
	"list-all-events-not-in-authorized-region.sql": "line ", "list-publicly-accessible-rds-instances.sql": "line ", "iam-idc-authenticate-api.sql": `found "FROM"`,
	"network-activity-events-vpce-access-denied-s3.sql": "neither grouped by nor aggregated"}

var (
	sampleAfter  = regexp.MustCompile(`(?i)(eventtime\s*>=?\s*)'[^']*'`)
	sampleBefore = regexp.MustCompile(`(?i)(eventtime\s*<=?\s*)'[^']*'`)
)

// widened is a sample with times that hold all records.
func widened(text string) string {
	return sampleBefore.ReplaceAllString(sampleAfter.ReplaceAllString(text, "${1}'2023-01-01 00:00:00'"), "${1}'2025-01-01 00:00:00'")
}

func TestConformanceSamples(t *testing.T) {
	dir := outsideData(t)
	rows := corpus(t, dir)
	if len(rows) != 3210 {
		t.Fatalf("the corpus has %d records, want 3210", len(rows))
	}
	db := engine(t, rows)
	c := CloudTrailCatalog().WithStore("8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10")
	files, err := filepath.Glob(filepath.Join(dir, "cloud-trail-lake-query-samples", "*.sql"))
	if err != nil || len(files) != 72 {
		t.Fatalf("%d sample files, want 72 (%v)", len(files), err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read := func(text string) (*Statement, error) {
				s, err := Parse(text)
				if err == nil {
					err = s.Check(c)
				}
				return s, err
			}
			s, err := read(string(text))
			if strings.Contains(string(text), "${date_filter}") {
				if err == nil || !strings.Contains(err.Error(), "expected a time, found '${date_filter}'") {
					t.Errorf("a time that was not filled in: %v", err)
				}
				s, err = read(widened(string(text)))
			}
			if want, bad := malformed[name]; bad {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %q", name, err, want)
				}
				return
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			if _, err := run(db, s); err != nil {
				t.Errorf("%v\n%s", err, s.Print(DuckDB, PrintOptions{}))
			}
			again, err := Parse(s.Print(Trino, PrintOptions{}))
			if err == nil {
				err = again.Check(c)
			}
			if err != nil || again.Print(Trino, PrintOptions{}) != s.Print(Trino, PrintOptions{}) {
				t.Errorf("its print is not read back: %v\n%s", err, s.Print(Trino, PrintOptions{}))
			}
		})
	}
}

// The rows that a plain program over the JSON found.
func TestConformanceSampleAnswers(t *testing.T) {
	dir := outsideData(t)
	db := engine(t, corpus(t, dir))
	c := CloudTrailCatalog().WithStore("8d4fb6bb-1b2c-4b39-8a3e-0f5d8f7c9a10")
	const key, role = "AKIATFQR7NSC8Q4X20BJ", "arn:aws:iam::123837392027:role/stratus-red-team-ec2-get-password-data-role"
	for _, tc := range []struct {
		file  string
		edits []string // old and new text
		rows  int
		first string // how the first row begins
	}{
		{"console-login-with-no-mfa", nil, 2, ""},
		{"cross-account-access", nil, 0, ""},
		{"SelfAssumeRole", nil, 0, ""},
		{"aws-support-access", nil, 0, ""},
		{"activity-performed-by-IP-address", []string{"192.0.2.76", "192.168.10.20"}, 1, "123837392027"},
		{"iam-access-key-activity", []string{"AKIAIOSFODNN7EXAMPLE", key}, 2104, ""},
		{"iam-access-key-success-activity", []string{"AKIAIOSFODNN7EXAMPLE", key}, 171, ""},
		{"iam-idc-federate-api-by-idc-user", nil, 0, ""},
		{"iam-idc-user-denied-activity", []string{"%alice@example.com", "%"}, 111, ""},
		{"iam-idc-user-mutable-actions", []string{"%alice@example.com", "%"}, 581, ""},
		{"iam-role-activity", []string{"arn:aws:iam::555555555555:role/alice", role}, 29, ""},
		{"iam-role-assumed-by-iam-access-key", []string{"AKIAIOSFODNN7EXAMPLE", key}, 23, ""},
		{"iam-principal-by-launched-ec2-instance-id", []string{"i-b188560f", "i-0dbc91f429e48eeed"}, 1, ""},
		{"list-events-with-errors", nil, 352, ""},
		{"top-errors", []string{"errorMessageORDER", "errorMessage ORDER", "DESCLIMIT 10", "DESC"}, 148, "ThrottlingException | Rate exceeded | 102"},
		{"users-by-account", nil, 54, ""},
		{"top-iam-actions-by-principal", nil, 56, "130 | GetUser"},
		{"top-actions-by-iam-role", []string{"arn:aws:iam::555555555555:role/alice", role}, 1, "29"},
		{"logs-by-region", nil, 71, ""},
		{"data-by-week-day", []string{"'Data'", "'Management'"}, 6, "1 | 2900"},
		{"tls-unsupported-version", []string{"<= 1.1", "<= 1.2"}, 24, ""},
		{"tls-version", nil, 2234, ""},
		{"list-write-events-from-management-console", nil, 2, ""},
		{"list-all-manually-created-resources", nil, 9, ""},
		{"list-all-events-in-a-flatten-table-format", nil, 3210, ""},
		{"tag-history-by-resource", nil, 1, ""},
		{"ec2-public-security-group", nil, 1, ""},
		{"s3-buckets-using-acls", nil, 0, ""},
		{"top-s3-objects", []string{"AND eventCategory = 'Data'", "", "AND eventName = 'GetObject'", "", "LIMIT 20", ""}, 146, ""},
		{"ssm-patch-compliance-distinct-ec2-instance-latest", nil, 0, ""},
	} {
		t.Run(tc.file, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, "cloud-trail-lake-query-samples", tc.file+".sql"))
			if err != nil {
				t.Fatal(err)
			}
			text := widened(strings.NewReplacer(tc.edits...).Replace(string(b)))
			s, err := Parse(text)
			if err == nil {
				err = s.Check(c)
			}
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			got, err := run(db, s)
			if err != nil {
				t.Fatalf("%v\n%s", err, s.Print(DuckDB, PrintOptions{}))
			}
			if len(got) != tc.rows || tc.first != "" && !strings.HasPrefix(got[0], tc.first) {
				t.Errorf("%d rows, want %d, beginning with %q\n%.600s\n%s", len(got), tc.rows, tc.first, strings.Join(got[:min(3, len(got))], "\n"), text)
			}
		})
	}
}
