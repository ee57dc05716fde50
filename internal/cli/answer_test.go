package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPagerShowsTheWholeText(t *testing.T) {
	text := []byte(strings.Repeat("a line\n", 100_000))
	for _, command := range []string{"cat", "cat -u", "", "no-such-pager-anywhere"} {
		var out, errs bytes.Buffer
		if err := page(t.Context(), command, text, streams{nil, &out, &errs}); err != nil || !bytes.Equal(out.Bytes(), text) || errs.Len() > 0 {
			t.Errorf("page with %q: %v, %d bytes, stderr %q", command, err, out.Len(), errs.String())
		}
	}
	set := func(string) (string, bool) { return "more", true }
	unset := func(string) (string, bool) { return "", false }
	if a, b := pagerCommand(set), pagerCommand(unset); a != "more" || b != "less -FRX" {
		t.Errorf("pagers are %q and %q", a, b)
	}
}

func TestAnswersToAFileAreWholeOrAbsent(t *testing.T) {
	dir := t.TempDir()
	for _, format := range []string{"csv", "parquet", "json"} {
		name := filepath.Join(dir, "answer."+format)
		sh := &shell{streams: streams{nil, &bytes.Buffer{}, &bytes.Buffer{}}, output: format}
		if err := sh.show(t.Context(), question{out: name}, cols("n:bigint"), [][]any{{int64(7)}}); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(name)
		if err != nil || len(data) == 0 {
			t.Errorf("%s: %d bytes, %v", format, len(data), err)
		}
		if format == "parquet" && !bytes.HasPrefix(data, []byte("PAR1")) {
			t.Errorf("no Parquet: %q", data[:4])
		}
	}
	sh := &shell{streams: streams{nil, &bytes.Buffer{}, &bytes.Buffer{}}, output: "parquet"}
	if err := sh.show(t.Context(), question{out: filepath.Join(dir, "wrong")}, cols("n:bigint"), [][]any{{"x"}}); err == nil {
		t.Error("a cell of the wrong type was written")
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 3 {
		t.Errorf("files %v, %v, want the three answers", left, err)
	}
}

// A format that cannot be is refused before the question is put: no data
// directory is needed to say so.
func TestFormatsAreRefusedBeforeTheQuestion(t *testing.T) {
	for line, want := range map[string][2]string{
		"-o xml":                      {`unknown output format "xml"`, "one of: table, tsv, json, jsonl, csv, parquet"},
		"-o parquet --explain":        {"Parquet is for rows, and --explain shows none", "one of: table, tsv, json, jsonl, csv"},
		"-o parquet --watch 5s":       {"--watch is for a screen, Parquet for a file", "leave one out"},
		"--explain --watch 5s":        {"--explain shows one question, --watch asks again", "leave one out"},
		"--explain --out answer.json": {"--explain shows no rows, which --out is for", "> FILE takes the plan"},
	} {
		args := append([]string{"query", "SELECT 1", "--data-dir", filepath.Join(t.TempDir(), "none")}, strings.Fields(line)...)
		code, out, errs := ran(t, args...)
		if wanted := "error: " + want[0] + "\nhint: " + want[1] + "\n"; code != exitMisused || out != "" || errs != wanted {
			t.Errorf("trailgate query %s exits %d, prints %q and says %q, want %d and %q", line, code, out, errs, exitMisused, wanted)
		}
	}
}
