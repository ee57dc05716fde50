package importer

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
)

// awsRecord is record n of an account, in AWS's shape.
func awsRecord(n int) string {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(n) * 7 * time.Second)
	return fmt.Sprintf(`{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROAEXAMPLE:ana","arn":"arn:aws:sts::111122223333:assumed-role/ops/ana","accountId":"111122223333"},`+
		`"eventTime":"%s","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"eu-west-1","sourceIPAddress":"203.0.113.9","userAgent":"aws-cli/2.15",`+
		`"requestParameters":{"instancesSet":{"items":[{"instanceId":"i-%08x"}]},"filterSet":{}},"responseElements":null,"requestID":"r-%d","eventID":"%08x-0000-4000-8000-000000000000",`+
		`"readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management"}`,
		at.Format(time.RFC3339), n, n, n)
}

func awsRecords(from, to int) string {
	var list []string
	for n := from; n < to; n++ {
		list = append(list, awsRecord(n))
	}
	return strings.Join(list, ",")
}

func pack(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func put(t testing.TB, dir, name string, b []byte) {
	t.Helper()
	name = filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// importDir imports a directory into a data directory.
func importDir(t testing.TB, data, dir string, change ...func(*Options)) Report {
	t.Helper()
	src, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	o := Options{DataDir: data, Source: src}
	for _, c := range change {
		c(&o)
	}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestImportTwice(t *testing.T) {
	t.Parallel()
	data, dir := t.TempDir(), t.TempDir()
	put(t, dir, "AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T0005Z_aaaaaaaaaaaaaaaa.json.gz", pack(t, `{"Records":[`+awsRecords(0, 100)+`]}`))
	put(t, dir, "list.json", []byte(`[`+awsRecords(90, 120)+`]`))
	r := importDir(t, data, dir)
	if r.Read != 130 || r.New != 120 || r.Duplicate != 10 || r.Files != 2 {
		t.Fatalf("first import: %+v", r)
	}
	r = importDir(t, data, dir)
	if r.Read != 130 || r.New != 0 || r.Duplicate != 130 || r.Known != 2 {
		t.Fatalf("second import: %+v", r)
	}
	if ids := imported(t, data); len(ids) != 120 {
		t.Errorf("%d different events are there, want 120", len(ids))
	}
}

func TestImportFromABucket(t *testing.T) {
	t.Parallel()
	b := blobtest.NewMem("logs")
	at := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	put := func(key, text string) {
		t.Helper()
		if err := b.Put(t.Context(), key, []byte(text), nil); err != nil {
			t.Fatal(err)
		}
	}
	folder := "org/AWSLogs/111122223333/CloudTrail/eu-west-1/"
	put(folder+"2026/03/01/111122223333_CloudTrail_eu-west-1_20260301T0005Z_aaaaaaaaaaaaaaaa.json.gz", string(pack(t, `{"Records":[`+awsRecords(0, 10)+`]}`)))
	put(folder+"2026/03/02/111122223333_CloudTrail_eu-west-1_20260302T0005Z_aaaaaaaaaaaaaaaa.json.gz", `{"Records":[`+awsRecords(10, 30)+`]}`)
	put("org/AWSLogs/111122223333/CloudTrail-Digest/eu-west-1/2026/03/01/111122223333_CloudTrail-Digest_eu-west-1_t_eu-west-1_20260301T100000Z.json.gz", "x")
	put("elsewhere/a.json", awsRecord(99))
	src := NewBucket(b, "org")
	src.now = func() time.Time { return at }
	data := t.TempDir()
	r, err := Run(t.Context(), Options{DataDir: data, Source: src, Since: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)})
	if err != nil || r.Files != 1 || r.Read != 20 || r.New != 0 || r.SkippedBy[skipOld] != 20 || r.SkippedBy[skipOldFile] != 1 || r.SkippedBy[skipDigest] != 1 {
		t.Fatalf("since: %+v, %v", r, err)
	}
	r, err = Run(t.Context(), Options{DataDir: data, Source: src})
	if err != nil || r.New != 30 {
		t.Fatalf("all: %+v, %v", r, err)
	}
	// What arrives later is found in the folders of the days.
	put(folder+"2026/03/02/111122223333_CloudTrail_eu-west-1_20260302T1200Z_bbbbbbbbbbbbbbbb.json.gz", awsRecord(30))
	put("org/AWSLogs/111122223333/CloudTrail/us-east-1/2026/03/02/111122223333_CloudTrail_us-east-1_20260302T1200Z_bbbbbbbbbbbbbbbb.json.gz", awsRecord(31))
	files, _, err := src.List(t.Context(), time.Time{}, true)
	if err != nil || len(files) != 3 {
		t.Errorf("the second listing has %d files, want those of yesterday and today in eu-west-1: %+v, %v", len(files), files, err)
	}
	at = at.Add(2 * time.Hour)
	if files, _, err = src.List(t.Context(), time.Time{}, true); err != nil || len(files) != 4 {
		t.Errorf("hours later the listing has %d files, want all 4: %v", len(files), err)
	}
}

// scale is how often to do what is done often: the environment variable if it
// is set, so that a long run is the same test.
func scale(t testing.TB, env string, usual int) int {
	t.Helper()
	s := os.Getenv(env)
	if s == "" {
		return usual
	}
	n, err := strconv.Atoi(s)
	if err != nil || n <= 0 {
		t.Fatalf("%s is no number: %q", env, s)
	}
	return n
}
