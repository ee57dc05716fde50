package config

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestFlagOverEnvironmentOverFileOverDefault(t *testing.T) {
	c, origins, err := Load(Source{
		File:  "trailgate.yaml",
		Data:  []byte("account_id: \"111122223333\"\nregion: eu-west-1\ngate:\n  listen: :22\n  domain: corp\nlimits: {mfa_remember: 5m}\nnotify:\n  security: {webhook: https://example.com/h, secret_file: /k}\n"),
		Env:   []string{"TRAILGATE_REGION=eu-north-1", "TRAILGATE_GATE_LISTEN=:23", "PATH=/bin"},
		Flags: map[string]string{"gate.listen": ":24"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Gate.Listen != ":24" || c.Region != "eu-north-1" || c.AccountID != "111122223333" || c.Limits.MFARemember != 5*time.Minute || c.Gate.Domain != "corp" {
		t.Errorf("Load = %+v", c)
	}
	want := map[string]string{"gate.listen": "--gate-listen", "region": "TRAILGATE_REGION", "account_id": "trailgate.yaml:1", "limits.mfa_remember": "trailgate.yaml:6", "data_dir": "default", "notify.security": "trailgate.yaml:8"}
	for name, origin := range want {
		if origins[name] != origin {
			t.Errorf("origin of %s = %q, want %q", name, origins[name], origin)
		}
	}
	if d := cmp.Diff(map[string]Receiver{"security": {"https://example.com/h", "/k"}}, c.Notify); d != "" {
		t.Errorf("notify differs (-want +got):\n%s", d)
	}
}

func TestEveryMistakeAtOnce(t *testing.T) {
	_, _, err := Load(Source{File: "t.yaml", Data: []byte("acount_id: 1\naccount_id: 12\ngate: {listn: x, listen: nope}\nlimits:\n  login_grace: soon\nregion: [a]\nregion: b\nnotify: {sec: {webhook: ftp://x}}\n"),
		Env: []string{"TRAILGATE_EVENT_SOURCE=Not A Host"}, Flags: map[string]string{"limits.unproven": "-1"}})
	if err == nil {
		t.Fatal("Load took a file full of mistakes")
	}
	for _, want := range []string{
		`t.yaml:1:1: unknown setting "acount_id" (did you mean "account_id"?)`,
		`t.yaml:2:13: account_id: "12" is not an AWS account ID: 12 digits`,
		`t.yaml:3:8: unknown setting "gate.listn" (did you mean "gate.listen"?)`,
		`t.yaml:3:26: gate.listen: "nope" is not HOST:PORT`,
		`t.yaml:5:16: limits.login_grace: "soon" is not a duration`,
		`t.yaml:6:9: region: want one value`,
		`t.yaml:7:1: region is set twice`,
		`notify.sec.webhook: "ftp://x" is not an http or https URL`,
		`TRAILGATE_EVENT_SOURCE: event_source: "Not A Host" is not a host name`,
		`--limits-unproven: limits.unproven: "-1" is not a number above zero`,
	} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error lacks %q:\n%v", want, err)
		}
	}
}

func TestYAMLReadsBack(t *testing.T) {
	c := Default()
	c.AccountID, c.Gate.Listen, c.Limits.Unproven = "111122223333", "127.0.0.1:2222", 7
	got, _, err := Load(Source{File: "t.yaml", Data: []byte(c.YAML())})
	if err != nil {
		t.Fatalf("the file that YAML writes does not load: %v\n%s", err, c.YAML())
	}
	if d := cmp.Diff(c, got); d != "" {
		t.Errorf("settings differ after a round trip (-want +got):\n%s", d)
	}
}

// TestShownListsHold: what a new settings file shows as an example is obeyed
// once its # are gone.
func TestShownListsHold(t *testing.T) {
	c := Default()
	head, shown, _ := strings.Cut(c.YAML(), "\n\n")
	shown = regexp.MustCompile(`(?m)^# (forwarders:|anchors:|notify:|  )`).ReplaceAllString(shown, "$1")
	got, _, err := Load(Source{File: "t.yaml", Data: []byte(head + "\n\n" + shown)})
	if err != nil {
		t.Fatalf("the examples do not load: %v\n%s", err, shown)
	}
	if len(got.Forwarders) != 3 || len(got.Anchors) != 2 || len(got.Notify) != 1 {
		t.Errorf("the examples are %d forwarders, %d anchors and %d receivers, want 3, 2 and 1:\n%s", len(got.Forwarders), len(got.Anchors), len(got.Notify), shown)
	}
}

func TestEmptyFileSaysNothing(t *testing.T) {
	for _, text := range []string{"", "# only a comment\n", "---\n", "gate:\n", "gate:\n  # listen: :22\nlimits: {}\n"} {
		if _, _, err := Load(Source{File: "t.yaml", Data: []byte(text)}); err != nil {
			t.Errorf("Load(%q) = %v, want the defaults", text, err)
		}
	}
}

func TestWhatAFileMayNotSay(t *testing.T) {
	for text, want := range map[string]string{
		"data_dir: ~\n":               "t.yaml:1:11: data_dir: want one value",
		"region:\n":                   "t.yaml:1:8: region: want one value",
		"gate: [a]\n":                 "t.yaml:1:7: gate: want a mapping of settings",
		"[a]\n":                       "t.yaml:1:1: the file: want a mapping of settings",
		"region: a\n---\nregion: b\n": "t.yaml:1:1: more than one YAML document",
		"gate.listen: :22\n":          `t.yaml:1:1: unknown setting "gate.listen": a section is a mapping`,
		"gate: {domain: a..b}\n":      `t.yaml:1:16: gate.domain: "a..b" is not a host name`,
		"region: &a x\ngate: *a\n":    "t.yaml:2:7: gate: want a mapping",
		"notify: {a: {webhook: ~}}\n": "t.yaml:1:23: notify.a.webhook: want one value",
		"notify: {a: b}\n":            "t.yaml:1:13: notify.a: want {webhook: URL, secret_file: FILE}",
		"notify: {a: {webhok: x}}\n":  `t.yaml:1:14: unknown setting "webhok" of a receiver (did you mean "webhook"?)`,
		"notify: {a: {webhook: https://u:p@x, secret_file: y}}\n":                                         "t.yaml:1:23: notify.a.webhook: a password does not belong in settings",
		"notify:\n  a: {webhook: https://x, secret_file: y}\n  a: {webhook: https://z, secret_file: y}\n": "t.yaml:3:3: notify.a is set twice",
		"event_source: [\n": "t.yaml:2:1: not YAML: ",
	} {
		_, _, err := Load(Source{File: "t.yaml", Data: []byte(text)})
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("Load(%q) = %v, want %s", text, err, want)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte("gate: {listen: :22}\n"))
	f.Add([]byte("notify: {a: {webhook: http://x, secret_file: y}}\n"))
	f.Add([]byte("forwarders: [{name: a, to: 'file:///x', only: 'readOnly'}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) { Load(Source{File: "f", Data: data}) })
}
