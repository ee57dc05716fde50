//go:build conformance

package ocsf

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestConformanceRecordsOfAWSFitTheirClass: AWS's own records, as many as there
// are outside this repository.
func TestConformanceRecordsOfAWSFitTheirClass(t *testing.T) {
	dir := os.Getenv("TRAILGATE_OUTSIDE_DATA")
	if dir == "" {
		t.Fatal("TRAILGATE_OUTSIDE_DATA does not say where AWS's records are")
	}
	count := 0
	classes := map[string]int{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, rec := range recordsIn(text) {
			count++
			e, err := Map(rec)
			if err != nil {
				t.Errorf("%s: %v: %.200s", path, err, rec)
				continue
			}
			classes[e.Common().TypeName]++
			for _, errText := range check(Append(nil, e)) {
				t.Errorf("%s: %s: %.300s", path, errText, rec)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if count < 3210 {
		t.Errorf("%d records were found in %s, want the 3,210 of the two data sets", count, dir)
	}
	t.Logf("%d records: %v", count, classes)
}

// recordsIn are the records of a log file or of a list of records; none of any
// other file.
func recordsIn(text []byte) (records []json.RawMessage) {
	var file struct{ Records []json.RawMessage }
	if json.Unmarshal(text, &file) != nil || file.Records == nil {
		_ = json.Unmarshal(text, &file.Records)
	}
	for _, r := range file.Records {
		if bytes.Contains(r, []byte(`"eventTime"`)) {
			records = append(records, r)
		}
	}
	return records
}
