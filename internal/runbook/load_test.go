package runbook

import (
	"errors"
	"strings"
	"testing"
	"time"
)

// design is the example of DESIGN 7.
const design = `id: session-without-mfa
title: Session without MFA
severity: high                      # info low medium high critical
owner: iam
attack: [T1078]                     # ATT&CK v19
controls: ["SOC2:CC6.1", "PCI-4.0.1:8.4.2"]
query: |
  SELECT * FROM CloudTrailLogs
  WHERE additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%'
  LIMIT 100
window: 15m                         # inside the query, CloudTrailLogs is (now - window, now]; CloudTrailHistory is all that is kept
trigger:
  event: eventName = 'StartSession' # a SQL predicate on one event: evaluate at once
  every: 5m                         # and on this schedule
key: [sessionId]                    # one alarm for each
threshold: 1                        # matches of one key inside the window that make an alarm (a surge sets 20)
alarm: {cooldown: 1h, resolve: {event: "eventName = 'EndSession'"}}
respond:
  mode: enforce                     # observe | propose | enforce
  steps:
    - {id: keep, evidence: [matches, recording]}
    - {id: stop, action: terminate_session, with: {session: "${sessionId}", message: MFA is required}}
    - {id: require, action: require_mfa, with: {identity: "${userArn}"}}
    - {id: tell, notify: [security]}
    - {id: fix, manual: Enforce MFA rules on the applicable roles, assignee: "role:iam", due: 1d}
escalation: default
tests:
  - name: a session without MFA is ended, one with MFA is not
    events:
      - {at: 0s, eventName: StartSession, sessionId: s1, userName: bob, additionalEventData: MFAAuthenticated=False}
      - {at: 1s, eventName: StartSession, sessionId: s2, userName: ana, additionalEventData: MFAAuthenticated=True}
    expect: {alarms: [{key: s1, at: 0s}], steps: [keep, stop, require, tell, fix]}
`

func TestTheDesignsExampleLoads(t *testing.T) {
	rb, err := Load("session-without-mfa.yaml", []byte(design))
	if err != nil {
		t.Fatal(err)
	}
	live, _ := rb.Live()
	if rb.ID != "session-without-mfa" || rb.Severity != "high" || rb.Window != 15*time.Minute || rb.Trigger.Every != 5*time.Minute || !live ||
		rb.Alarm.Cooldown != time.Hour || rb.Alarm.ResolveEvent == nil || rb.Alarm.ResolveAfter != 0 || rb.Respond.Mode != Enforce ||
		len(rb.Respond.Steps) != 5 || rb.Respond.Steps[4].Due != 24*time.Hour || len(rb.Tests) != 1 || len(rb.Tests[0].Events) != 2 {
		t.Errorf("loaded %+v", rb)
	}
	for _, n := range Lint(rb, testSource) {
		if n.Level == Warning {
			t.Errorf("lint: %s", n.Text)
		}
	}
}

func TestTenLinesMakeARunbook(t *testing.T) {
	rb, err := Load("a.yaml", []byte("id: a\nquery: SELECT * FROM CloudTrailLogs WHERE errorCode = 'AccessDenied'\n"))
	if err != nil {
		t.Fatal(err)
	}
	if rb.Title != "a" || rb.Severity != DefaultSeverity || rb.Window != DefaultWindow || rb.Threshold != 1 || rb.Alarm.Cooldown != rb.Window ||
		rb.Alarm.ResolveAfter != rb.Window || rb.Respond.Mode != Observe || rb.Trigger.Every != 0 {
		t.Errorf("defaults %+v", rb)
	}
}

// Each mistake alone: the file, and the place and words of the mistake.
func TestMistakes(t *testing.T) {
	const head = "id: a\nquery: SELECT * FROM CloudTrailLogs WHERE errorCode = 'x'\n"
	for _, c := range []struct{ name, file, want string }{
		{"an unknown field", head + "treshold: 2\n", `f.yaml:3:1: unknown field "treshold" in the runbook (did you mean "threshold"?)`},
		{"an unknown nested field", head + "alarm: {cooldwn: 1h}\n", `f.yaml:3:9: unknown field "cooldwn" in alarm (did you mean "cooldown"?)`},
		{"a field twice", head + "window: 1m\nwindow: 2m\n", `f.yaml:4:1: field "window" of the runbook is given twice (first in line 3)`},
		{"no id", "query: SELECT * FROM CloudTrailLogs\n", "f.yaml:1:1: the runbook has no id"},
		{"no query", "id: a\n", "f.yaml:1:1: the runbook has no query"},
		{"a bad id", "id: A b\nquery: SELECT * FROM CloudTrailLogs\n", "f.yaml:1:5: id \"A b\" must be lower-case"},
		{"a severity there is not", head + "severity: hihg\n", `f.yaml:3:11: unknown severity "hihg" (did you mean "high"?)`},
		{"a mode there is not", head + "respond: {mode: enforced}\n", `f.yaml:3:17: unknown mode "enforced" (did you mean "enforce"?)`},
		{"a duration without a unit", head + "window: 15\n", `f.yaml:3:9: window must be a duration such as 30s, 15m, 1h or 1d, not "15"`},
		{"a window too long", head + "window: 30d\n", "f.yaml:3:9: window must be between 1s and 1d, not 30d"},
		{"a threshold of nothing", head + "threshold: 0\n", "f.yaml:3:12: threshold must be a whole number from 1 to 100000"},
		{"an action there is not", head + "respond: {steps: [{id: a, action: terminate_sesion, with: {session: x}}]}\n", `f.yaml:3:35: unknown action "terminate_sesion" (did you mean "terminate_session"?)`},
		{"a parameter there is not", head + "respond: {steps: [{id: a, action: terminate_session, with: {sesion: x, session: y}}]}\n", `f.yaml:3:61: unknown field "sesion" in with of terminate_session (did you mean "session"?)`},
		{"a parameter that is missing", head + "respond: {steps: [{id: a, action: lock_identity}]}\n", `f.yaml:3:35: step "a": lock_identity needs with.identity`},
		{"a reference to no column", head + "respond: {steps: [{id: a, action: lock_identity, with: {identity: \"${userArm}\"}}]}\n", `f.yaml:3:67: ${userArm}: no column "userArm" (did you mean`},
		{"a reference that is not one", head + "respond: {steps: [{id: a, action: lock_identity, with: {identity: \"${user arn}\"}}]}\n", `f.yaml:3:67: "${user arn}" is not a ${column} reference`},
		{"a reference that does not end", head + "respond: {steps: [{id: a, action: lock_identity, with: {identity: \"${userArn\"}}]}\n", `f.yaml:3:67: "${userArn" is not a ${column} reference`},
		{"two steps in one", head + "respond: {steps: [{id: a, notify: [x], manual: y}]}\n", `f.yaml:3:19: step "a" must be exactly one of evidence, action, notify, manual`},
		{"a step twice", head + "respond: {steps: [{id: a, notify: [x]}, {id: a, notify: [x]}]}\n", `f.yaml:3:41: step "a" is there twice (first in line 3)`},
		{"a key that is no column", head + "key: [sourceIp]\n", `f.yaml:3:7: key: no column "sourceIp" (did you mean`},
		{"a key that is an object", head + "key: [userIdentity]\n", `f.yaml:3:7: key: "userIdentity" is a row: name one value in it`},
		{"a wrong query", "id: a\nquery: |\n  SELECT *\n  FROM CloudTrailLogs\n  WERE x = 1\n", "f.yaml:5:3: query: "},
		{"a wrong column in the query", "id: a\nquery: SELECT * FROM CloudTrailLogs WHERE evenName = 'x'\n", `f.yaml:2:43: query: `},
		{"a wrong trigger", head + "trigger: {event: \"eventNam = 'x'\"}\n", `f.yaml:3:19: trigger.event: `},
		{"a live trigger on an aggregate", "id: a\nquery: SELECT count(*) AS n FROM CloudTrailLogs\ntrigger: {event: eventName = 'x'}\n", "f.yaml:3:18: trigger.event needs a query that is a filter"},
		{"a key an aggregate has not", "id: a\nquery: SELECT userName, count(*) AS n FROM CloudTrailLogs GROUP BY userName\nkey: [user]\n", `f.yaml:3:7: key: the query has no column "user"`},
		{"neither event nor after", head + "alarm: {resolve: {}}\n", "f.yaml:3:18: alarm.resolve needs either event or after"},
		{"both event and after", head + "alarm: {resolve: {after: 1m, event: eventName = 'x'}}\n", "f.yaml:3:18: alarm.resolve needs either event or after"},
		{"an alias", head + "owner: &a x\ntitle: *a\n", "f.yaml:4:8: aliases are not allowed"},
		{"an anchor", head + "owner: &a x\n", "f.yaml:3:8: anchors are not allowed"},
		{"a tag", head + "owner: !!binary eA==\n", "f.yaml:3:8: the tag"},
		{"a merge", head + "<<: {owner: x}\n", `f.yaml:3:1: unknown field "<<"`},
		{"a list for a runbook", "- a\n", "f.yaml:1:1: a runbook is a mapping"},
		{"no YAML", "id: [a\n", "f.yaml:2:1: not YAML: "},
		{"two documents", head + "---\nid: b\n", "not YAML: "},
		{"nothing", "", "f.yaml:1:1: "},
		{"a test without an eventName", head + "tests: [{name: a, events: [{at: 0s}]}]\n", "f.yaml:3:28: event has no eventName"},
		{"an event field there is not", head + "tests: [{name: a, events: [{eventNme: x, eventName: y}]}]\n", `f.yaml:3:29: unknown field "eventNme" in event (did you mean "eventName"?)`},
		{"a step a test invents", head + "respond: {steps: [{id: tell, notify: [x]}]}\ntests: [{name: a, events: [{eventName: x}], expect: {steps: [tel]}}]\n", `f.yaml:4:62: no step "tel" (did you mean "tell"?)`},
		{"repetition without an interval", head + "tests: [{name: a, events: [{eventName: x, count: 2}]}]\n", "f.yaml:3:28: event with count needs every"},
		{"more events than a test may have", head + "tests: [{name: a, events: [{eventName: x, count: 5000, every: 1s}, {eventName: y}]}]\n", "more than 5000 events in all tests"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Load("f.yaml", []byte(c.file))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("err = %v\nwant %s", err, c.want)
			}
		})
	}
}

func TestEveryMistakeAtOnceInTheOrderOfTheFile(t *testing.T) {
	_, err := Load("f.yaml", []byte("id: a\nseverty: high\nquery: SELECT * FROM CloudTrail\nwindow: long\nkey: [nobody]\nthreshold: many\nrespond: {steps: [{id: x, action: reboot}]}\n"))
	var ms Mistakes
	if !errors.As(err, &ms) || len(ms) != 5 {
		t.Fatalf("err = %v, want five mistakes", err)
	}
	for i := 1; i < len(ms); i++ {
		if ms[i].Line < ms[i-1].Line {
			t.Errorf("mistakes are not in the order of the file:\n%v", err)
		}
	}
}

func TestHostileFilesAreBounded(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 20 {
		bomb += strings.Repeat(" ", 0) + string(rune('b'+i)) + ": &" + string(rune('b'+i)) + " [*" + strings.Repeat(string(rune('a'+i))+",*", 8) + string(rune('a'+i)) + "]\n"
	}
	for name, file := range map[string]string{
		"a bomb of aliases": bomb,
		"deep brackets":     "id: " + strings.Repeat("[", 100_000),
		"deep maps":         "id: " + strings.Repeat("{a: ", 50_000),
		"deep blocks":       strings.Repeat("- ", 50_000) + "x",
		"too large":         "id: a\n#" + strings.Repeat("x", 256<<10),
		"a long scalar":     "id: " + strings.Repeat("x", 200<<10),
		"many fields":       strings.Repeat("x: 1\n", 50_000),
		"not UTF-8":         "id: \xff\xfe\x00",
	} {
		start := time.Now()
		if _, err := Load("f.yaml", []byte(file)); err == nil {
			t.Errorf("%s loads", name)
		}
		if d := time.Since(start); d > 30*time.Second {
			t.Errorf("%s takes %v", name, d)
		}
	}
}

func FuzzLoad(f *testing.F) {
	f.Add([]byte(design))
	f.Add([]byte("id: a\nquery: >\n  SELECT *\n  FROM x\nkey: [a.b]\nalarm: {resolve: {after: 1h}}"))
	f.Add([]byte("tests: [{name: x, events: [{at: 1s, every: 1s, count: 3, eventName: \"n${i}\", userIdentity: {a: [1, null, true]}}]}]"))
	f.Add([]byte("? [a]\n: b\n"))
	f.Add([]byte("a: &x {b: *x}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rb, err := Load("f.yaml", data)
		if err == nil {
			Lint(rb, testSource)
			rb.Detection().Text()
			return
		}
		var ms Mistakes
		if !errors.As(err, &ms) || len(ms) == 0 {
			t.Fatalf("the error is not Mistakes: %v", err)
		}
		for _, m := range ms {
			if m.Line < 0 || m.Line > strings.Count(string(data), "\n")+2 {
				t.Fatalf("%v is outside the file", m)
			}
		}
	})
}
