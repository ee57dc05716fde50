//go:build conformance

package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// realRecords are the records of the data sets, by their directory.
var realRecords = map[string]int64{"invictus-aws_dataset/CloudTrail": 2900, "stratus-red-team": 310}

// TestConformanceImport imports every real record there is, with exact counts,
// and again.
func TestConformanceImport(t *testing.T) {
	data := outsideData()
	i := newImports(t)
	total := int64(0)
	for dir, records := range realRecords {
		total += records
		if c := i.run(filepath.Join(data, dir)); c.Read != records || c.New != records || c.Duplicate != 0 || c.Quarantined != 0 || c.TotalNew != total {
			t.Errorf("%s: %+v, want %d new", dir, c, records)
		}
	}
	for dir, records := range realRecords {
		if c := i.run(filepath.Join(data, dir)); c.Read != records || c.New != 0 || c.Duplicate != records || c.Quarantined != 0 || c.TotalNew != total {
			t.Errorf("%s again: %+v, want %d duplicates", dir, c, records)
		}
	}
	i.check(total)
	// By another name they are read again, and still known.
	same := filepath.Join(t.TempDir(), "same")
	if err := os.CopyFS(same, os.DirFS(filepath.Join(data, "stratus-red-team"))); err != nil {
		t.Fatal(err)
	}
	if c := i.run(same); c.Read != 310 || c.Duplicate != 310 || c.Known != 0 {
		t.Errorf("a copy: %+v, want 310 duplicates", c)
	}
	// What is beside them: queries, a digest chain, licences.
	if c := i.run(filepath.Join(data, "golden-digest-chain", "tgbucket")); c.Quarantined != 0 || c.Skipped == 0 || c.New == 0 {
		t.Errorf("a bucket with digests: %+v", c)
	}
}

// TestConformanceImportKilled imports them while it is killed at 20 points.
func TestConformanceImportKilled(t *testing.T) {
	source := filepath.Join(t.TempDir(), "logs")
	for dir := range realRecords {
		if err := os.CopyFS(filepath.Join(source, dir), os.DirFS(filepath.Join(outsideData(), dir))); err != nil {
			t.Fatal(err)
		}
	}
	newImports(t).kills(20, 3210, source, 100)
}
