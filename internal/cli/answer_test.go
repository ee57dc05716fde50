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
