package table

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
)

var update = flag.Bool("update", false, "write the golden files anew")

var sampleColumns = []query.Column{
	{Name: "eventTime", Type: "timestamp"},
	{Name: "eventName", Type: "varchar"},
	{Name: "userIdentity", Type: "json"},
	{Name: "readOnly", Type: "boolean"},
	{Name: "seq", Type: "bigint"},
	{Name: "share", Type: "double"},
	{Name: "errorCode", Type: "varchar"},
	{Name: "eventName", Type: "varchar"},
}

var sampleRows = [][]any{
	{time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC), "StartSession",
		map[string]any{"type": "IAMUser", "userName": "ana"}, false, int64(7), 0.25, nil, "x"},
	{time.Date(2026, 11, 20, 12, 0, 1, 123456000, time.FixedZone("", 3600)), "tab\tnew\nline \x1b[31mred\x1b[0m \x00 \xff \\ \u202e\u200b,\"quoted\"",
		map[string]any{"arn": "<&>", "list": []any{int64(1), nil, "a"}}, true, int64(-1234567), 1e21, "", "日本語 e\u0301"},
	{nil, nil, nil, nil, nil, nil, nil, nil},
	{time.Date(2026, 11, 20, 12, 0, 2, 0, time.UTC), strings.Repeat("long ", 60),
		map[string]any{}, true, int64(9223372036854775807), -0.5, "AccessDenied", "=1+1"},
}

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name, format string
		rows         [][]any
		width        int
	}{
		{"table", "table", sampleRows, 0},
		{"table-120", "table", sampleRows, 120},
		{"table-20", "table", sampleRows, 20},
		{"table-empty", "table", nil, 80},
		{"tsv", "tsv", sampleRows, 0},
		{"json", "json", sampleRows, 0},
		{"json-empty", "json", nil, 0},
		{"jsonl", "jsonl", sampleRows, 0},
		{"csv", "csv", sampleRows, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got bytes.Buffer
			if err := Write(&got, tt.format, sampleColumns, tt.rows, Options{Width: tt.width}); err != nil {
				t.Fatal(err)
			}
			file := filepath.Join("testdata", tt.name+".golden")
			if *update {
				if err := os.WriteFile(file, got.Bytes(), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("%s differs (-want +got):\n%s", tt.name, diff)
			}
		})
	}
}

func TestUnknownFormatIsAnError(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, "xml", nil, nil, Options{}); err == nil || b.Len() > 0 {
		t.Errorf("format xml: %v, %q", err, b.String())
	}
}

// No cell can end its row or speak to the terminal.
func FuzzHostileCells(f *testing.F) {
	f.Add("a\tb\nc", "\x1b]0;title\x07", 40)
	f.Add("\x9b31m", "\u2028\u202e", 0)
	f.Add("\\n", "\r", 10)
	f.Fuzz(func(t *testing.T, a, b string, width int) {
		cols := []query.Column{{Name: a, Type: "varchar"}, {Name: b, Type: "varchar"}}
		rows := [][]any{{a, b}, {b, map[string]any{a: b}}}
		for _, format := range []string{"table", "tsv"} {
			var out bytes.Buffer
			if err := Write(&out, format, cols, rows, Options{Width: width}); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(out.String(), "\n"); n != 3 {
				t.Errorf("%s of three lines has %d: %q", format, n, out.String())
			}
			for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
				if format == "tsv" && strings.Count(line, "\t") != 1 {
					t.Errorf("line %q has not two columns", line)
				}
				for _, r := range line {
					if r != '\t' && hidden(r) {
						t.Errorf("%s shows %q of %q", format, r, line)
					}
				}
			}
		}
		var out bytes.Buffer
		if err := Write(&out, "jsonl", cols, rows, Options{}); err != nil {
			t.Fatal(err)
		}
		for _, line := range strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n") {
			if !json.Valid([]byte(line)) {
				t.Errorf("line %q is no JSON", line)
			}
			if strings.ContainsFunc(line, hidden) {
				t.Errorf("jsonl shows a hidden character: %q", line)
			}
		}
		out.Reset()
		if err := Write(&out, "csv", cols, rows, Options{}); err != nil {
			t.Fatal(err)
		}
		if lines, err := csv.NewReader(&out).ReadAll(); err != nil || len(lines) != 3 {
			t.Errorf("csv of three lines has %d, %v", len(lines), err)
		}
	})
}
