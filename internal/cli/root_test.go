package cli

import (
	"bytes"
	"strings"
	"testing"
)

// ran runs a command line that needs no server.
func ran(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

func TestUnknownWordsNameWhatWasMeant(t *testing.T) {
	for _, tt := range []struct{ line, want string }{
		{"qury", `error: unknown command "qury" (did you mean "query"?)`},
		{"verify", `error: unknown command "verify" (did you mean "trailgate trail verify"?)`},
		{"replay", `error: unknown command "replay" (did you mean "trailgate recording replay"?)`},
		{"export", `error: unknown command "export" (did you mean "trailgate recording export" or "trailgate trail export"?)`},
		{"list", `error: unknown command "list"`},
		{"trail import", `error: unknown verb "import" for trail (did you mean "trailgate import"?)`},
		{"trail exprot", `error: unknown verb "exprot" for trail (did you mean "export"?)`},
		{"alarm shw", `error: unknown verb "shw" for alarm (did you mean "show"?)`},
		{"help nosuch", `error: unknown command "nosuch"`},
		{"help qury", `error: unknown command "qury" (did you mean "query"?)`},
		{"help trail import", `error: unknown verb "import" for trail (did you mean "trailgate import"?)`},
	} {
		code, out, errs := ran(t, strings.Fields(tt.line)...)
		said, hint, _ := strings.Cut(errs, "\n")
		if code != exitMisused || out != "" || said != tt.want || !strings.HasPrefix(hint, "hint: trailgate ") {
			t.Errorf("trailgate %s exits %d with stdout %q and stderr %q, want %d and %q", tt.line, code, out, errs, exitMisused, tt.want)
		}
	}
}

func TestHelpGoesToStdout(t *testing.T) {
	for line, want := range map[string]string{
		"help":              "trailgate demo",
		"help query":        "Ask the trail a question",
		"help trail verify": "Check the whole trail",
		"help exit-codes":   "the check ran and found something",
		"trail --help":      "verify",
	} {
		if code, out, errs := ran(t, strings.Fields(line)...); code != exitDone || errs != "" || !strings.Contains(out, want) {
			t.Errorf("trailgate %s exits %d, prints %q and says %q, want %q", line, code, out, errs, want)
		}
	}
}
