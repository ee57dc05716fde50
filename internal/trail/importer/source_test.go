package importer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestNamesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/111122223333_CloudTrail_eu-west-1_20260302T0005Z_a.json.gz": "2026-03-02",
		"AWSLogs/111122223333/CloudTrail/eu-west-1/2026/03/01/renamed.json.gz":                                            "2026-03-01",
		"111122223333_CloudTrail-Insight_us-east-1_20260302T0005Z_abc.json.gz":                                            "2026-03-02",
		"my_2026/x_20_20269999T9999Z_.json":                                                                               "",
		"2026/13/01/x.json":                                                                                               "",
		"x.json":                                                                                                          "",
	} {
		if got := dayOf(name); got != want {
			t.Errorf("dayOf(%s) = %q, want %q", name, got, want)
		}
	}
	for name, want := range map[string]bool{
		"AWSLogs/1/CloudTrail-Digest/us-east-1/2026/11/20/1_CloudTrail-Digest_us-east-1_t_us-east-1_20261120T100000Z.json.gz": true,
		"1_CloudTrail-Digest_us-east-1_t_us-east-1_20261120T100000Z.json.gz":                                                  true,
		"CloudTrail-Digest/x.json.gz": true,
		"AWSLogs/1/CloudTrail/us-east-1/2026/11/20/1_CloudTrail_us-east-1_20261120T1000Z_CloudTrailDigest1.json.gz": false,
	} {
		if got := isDigest(name); got != want {
			t.Errorf("isDigest(%s) = %t", name, got)
		}
	}
}

// TestNothingOutsideIsRead: links that lead out, pipes, devices and sockets are
// left alone, and nothing waits for them.
func TestNothingOutsideIsRead(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	put(t, outside, "secret.json", []byte(awsRecord(66)))
	put(t, dir, "a/in.json", []byte(awsRecord(1)))
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Symlink(filepath.Join(outside, "secret.json"), filepath.Join(dir, "out.json")))
	must(os.Symlink("../../"+filepath.Base(outside)+"/secret.json", filepath.Join(dir, "a/up.json")))
	must(os.Symlink(outside, filepath.Join(dir, "folder")))
	must(os.Symlink("loop", filepath.Join(dir, "loop")))
	must(os.Symlink("in.json", filepath.Join(dir, "a/same.json"))) // inside: read, and a duplicate
	must(unix.Mkfifo(filepath.Join(dir, "pipe.json"), 0o600))
	must(os.Symlink("/dev/zero", filepath.Join(dir, "zero.json")))
	r := importDir(t, t.TempDir(), dir)
	if r.New != 1 || r.Duplicate != 1 || r.Files != 2 || r.SkippedBy[skipOther] != 6 {
		t.Errorf("%+v, want the record inside, once more by its link, and 6 others left alone", r)
	}
	for _, name := range []string{filepath.Join(dir, "pipe.json"), "/dev/zero"} {
		if _, err := OpenDirectory(name); err == nil {
			t.Errorf("%s is a source", name)
		}
	}
}

// TestFilesChangeUnderUs: what is replaced by something else between listing
// and opening is not read.
func TestFilesChangeUnderUs(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	put(t, outside, "secret.json", []byte(awsRecord(66)))
	put(t, dir, "a.json", []byte(awsRecord(1)))
	put(t, dir, "b.json", []byte(awsRecord(2)))
	put(t, dir, "c.json", []byte(awsRecord(3)))
	src, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	files, _, err := src.List(t.Context(), time.Time{}, false)
	if err != nil || len(files) != 3 {
		t.Fatalf("%v, %v", files, err)
	}
	for _, f := range files {
		if err := os.Remove(filepath.Join(dir, f.Name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink(filepath.Join(outside, "secret.json"), filepath.Join(dir, "a.json")), unix.Mkfifo(filepath.Join(dir, "b.json"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if r, err := src.Open(t.Context(), f); err == nil {
			r.Close()
			t.Errorf("%s was opened", f.Name)
		}
	}
}

// TestUnreadableFilesAreTriedAgain and fail nothing else.
func TestUnreadableFilesAreTriedAgain(t *testing.T) {
	t.Parallel()
	dir, data := t.TempDir(), t.TempDir()
	put(t, dir, "a.json", []byte(awsRecord(1)))
	put(t, dir, "b.json", []byte(awsRecord(2)))
	src, err := OpenDirectory(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r, err := Run(t.Context(), Options{DataDir: data, Source: refusing{src, "a.json"}})
	if err != nil || r.New != 1 || r.Unreadable != 1 || len(r.Notes) != 1 || !strings.HasSuffix(r.Notes[0].File, "/a.json") {
		t.Fatalf("%+v, %v", r, err)
	}
	if r = importDir(t, data, dir); r.New != 1 || r.Unreadable != 0 {
		t.Fatalf("again: %+v", r)
	}
}

// TestOneFileIsASource, even by a link.
func TestOneFileIsASource(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "a.json", []byte(awsRecord(1)))
	put(t, dir, "b.json", []byte(awsRecord(2)))
	if err := os.Symlink("a.json", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	if r := importDir(t, data, filepath.Join(dir, "link")); r.New != 1 || r.Files != 1 {
		t.Errorf("%+v", r)
	}
	// What is not named as JSON is looked at, since it was named by somebody.
	put(t, dir, "notes.txt", []byte("no log"))
	if r := importDir(t, data, filepath.Join(dir, "notes.txt")); r.New != 0 || r.SkippedBy[skipOther] != 1 {
		t.Errorf("%+v", r)
	}
}

// TestOtherFilesAreLeftAlone, and what is named JSON and is none is broken.
func TestOtherFilesAreLeftAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	put(t, dir, "README.md", []byte("# logs"))
	put(t, dir, "archive.tar.gz", pack(t, "ustar"))
	put(t, dir, "empty", nil)
	put(t, dir, "empty.json", nil)
	put(t, dir, "none.json", []byte("no JSON"))
	put(t, dir, "half.json.gz", []byte{0x1f, 0x8b, 8})
	put(t, dir, "records", []byte(awsRecord(1))) // by what is in it
	data := t.TempDir()
	r := importDir(t, data, dir)
	if r.New != 1 || r.Quarantined != 1 || r.Damaged != 1 || r.SkippedBy[skipOther] != 3 || r.Files != 7 {
		t.Errorf("%+v", r)
	}
	if lines := quarantineLines(t, data); len(lines) != 1 || !strings.Contains(lines[0], `"bytes":"no JSON"`) || !strings.Contains(lines[0], fmt.Sprintf(`"file":"%s/none.json"`, dir)) {
		t.Errorf("quarantine has %q", lines)
	}
}
