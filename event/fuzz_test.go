package event

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzRecord: whatever text a client sends, the record is one line of valid
// JSON that decodes back to the same text.
func FuzzRecord(f *testing.F) {
	for _, s := range []string{"", "id", "a\x00b\x1f", "\"\\\b\f\n\r\t\x7f", "\xff\xfe\xc3", "€😀\u2028\u2029",
		strings.Repeat("é", 600), strings.Repeat("\x80", 3000), "<script>&amp;</script>", "\ufffd"} {
		f.Add(s, "web1", 3, true)
	}
	f.Fuzz(func(t *testing.T, s, target string, n int, mfa bool) {
		m := meta()
		m.Session = &Session{ID: NewID(), Target: target, Login: s, MFA: mfa}
		m.UserAgent, m.ErrorCode, m.ErrorMessage = s, AccessDenied, s
		m.Identity.UserName = s
		step := ExecuteStep{Step: s, With: map[string]string{s: target, target: s}, Detail: s}
		for _, e := range []Event{
			ExecuteCommand{Channel: n, Command: s, Terminal: mfa},
			AuthorizeSecurityGroupIngress{Port: n, Policies: []string{s, target}, Reason: s},
			step,
		} {
			rec := origin.Record(m, e)
			text := rec.AppendJSON(nil)
			if bytes.ContainsAny(text, "\n\r") || !utf8.Valid(text) {
				t.Fatalf("not one line of UTF-8: %.2000q", text)
			}
			back, err := Entry{JSON: text}.Record()
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(back.AppendJSON(nil), text) {
				t.Fatalf("decoded and encoded again:\n%.2000s\nwas\n%.2000s", back.AppendJSON(nil), text)
			}
			if back.UserIdentity.UserName != valid(s) {
				t.Fatalf("userName %q came back as %q", s, back.UserIdentity.UserName)
			}
		}
		if len(s)+len(target) > 4<<10 {
			return // may be cut
		}
		var got struct {
			Step string
			With map[string]string
		}
		if err := json.Unmarshal(origin.Record(m, step).RequestParameters, &got); err != nil {
			t.Fatal(err)
		}
		if got.Step != valid(s) {
			t.Fatalf("step %q came back as %q", s, got.Step)
		}
		if utf8.ValidString(s) && utf8.ValidString(target) {
			if d := cmp.Diff(step.With, got.With); d != "" {
				t.Fatalf("with differs:\n%s", d)
			}
		}
	})
}

// valid is s with each byte that is not UTF-8 replaced, as JSON needs it.
func valid(s string) string { return string([]rune(s)) }

func BenchmarkRecord(b *testing.B) {
	b.ReportAllocs()
	m := meta()
	m.Session = inSession(true)
	e := ExecuteCommand{Channel: 1, Command: "sudo systemctl restart nginx && tail -f /var/log/nginx/error.log", Terminal: true}
	buf := make([]byte, 0, 4096)
	for b.Loop() {
		rec := origin.Record(m, e)
		buf = rec.AppendJSON(buf[:0])
	}
}
