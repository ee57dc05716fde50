package runbook

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/trailgate/trailgate/event"
)

// Test is one test of a runbook's file: a trail, and what must come of it.
type Test struct {
	Name   string
	Events []event.Entry // seq from 1, appendTime from Epoch on
	Expect Expect
}

// Expect is what a test expects. Steps nil expects nothing of the steps.
type Expect struct {
	Alarms []Raised
	Steps  []string // ids of the steps of each alarm's run, in order
}

// Raised is an alarm that was raised: the key's and when, after Epoch.
type Raised struct {
	Key string
	At  time.Duration
}

// Epoch is the time that a test's `at: 0s` stands for.
var Epoch = time.Date(2026, 1, 15, 10, 0, 0, 0, time.UTC)

// What a test's events are unless they say otherwise.
const (
	testSource  = "ssh-proxy-service.yourdomain.com"
	testAccount = "123456789012"
	testRegion  = "us-east-1"
	testAddress = "192.0.2.1"
)

// testFile is a test as it is read: its events before they are put in order.
type testFile struct {
	Test
	node   *yaml.Node
	events []testEvent
	alarms []*yaml.Node
	steps  []*yaml.Node
}

type testEvent struct {
	at     time.Duration
	fields map[string]any
	i      int
}

// eventFields are the fields an event of a test may have, beside at, every
// and count. The nested ones take a mapping.
var (
	eventTexts = []string{"eventName", "eventSource", "awsRegion", "sourceIPAddress", "userAgent", "errorCode", "errorMessage",
		"requestID", "eventID", "eventType", "eventCategory", "recipientAccountId", "userName", "userArn", "sessionId", "target", "login", "mfaAuthenticated"}
	eventNested = []string{"userIdentity", "requestParameters", "responseElements", "serviceEventDetails"}
)

func (l *loader) readTest(n *yaml.Node) {
	t := &testFile{node: n}
	ok := l.mapping(n, "test",
		field{"name", l.text(&t.Name, "test name", 200)},
		field{"events", func(n *yaml.Node) { l.list(n, "events", func(n *yaml.Node) { l.readEvent(t, n) }) }},
		field{"expect", func(n *yaml.Node) {
			l.mapping(n, "expect",
				field{"alarms", func(n *yaml.Node) { l.list(n, "expect.alarms", func(n *yaml.Node) { l.readRaised(t, n) }) }},
				field{"steps", func(n *yaml.Node) {
					t.Expect.Steps = []string{}
					l.list(n, "expect.steps", func(n *yaml.Node) {
						var s string
						if l.text(&s, "a step", 40)(n); s != "" {
							t.Expect.Steps = append(t.Expect.Steps, s)
							t.steps = append(t.steps, n)
						}
					})
				}},
			)
		}},
	)
	if !ok {
		return
	}
	if t.Name == "" {
		l.wrong(n, "test has no name")
	}
	if len(t.events) == 0 {
		l.wrong(n, "test %s has no events", quote(t.Name))
	}
	if len(l.tests) == maxTests {
		l.wrong(n, "more than %d tests", maxTests)
	}
	l.tests = append(l.tests, t)
}

func (l *loader) readRaised(t *testFile, n *yaml.Node) {
	var want Raised
	l.mapping(n, "alarm",
		field{"key", func(n *yaml.Node) {
			if n.Kind != yaml.SequenceNode {
				l.text(&want.Key, "key", 1000)(n)
				return
			}
			var values []string
			l.texts(&values, "key")(n)
			want.Key = keyOf(values)
		}},
		field{"at", l.duration(&want.At, "at", 0, maxWindow*2)},
	)
	t.Expect.Alarms = append(t.Expect.Alarms, want)
	t.alarms = append(t.alarms, n)
}

func (l *loader) readEvent(t *testFile, n *yaml.Node) {
	if !l.plain(n) {
		return
	}
	var at, every time.Duration
	count := 1
	f := map[string]any{}
	fields := []field{
		{"at", l.duration(&at, "at", 0, maxWindow*2)},
		{"every", l.duration(&every, "every", 0, maxWindow)},
		{"count", l.integer(&count, "count", 1, maxEvents)},
		{"additionalEventData", func(n *yaml.Node) {
			if n.Kind == yaml.MappingNode {
				f["additionalEventData"] = l.value(n, 0)
				return
			}
			var s string
			if l.text(&s, "additionalEventData", 1000)(n); s != "" {
				f["additionalEventData"] = pairsOf(s)
			}
		}},
		{"readOnly", func(n *yaml.Node) {
			if s, ok := l.scalar(n, "readOnly"); ok {
				if s != "true" && s != "false" {
					l.wrong(n, "readOnly must be true or false, not %s", quote(s))
				}
				f["readOnly"] = s == "true"
			}
		}},
	}
	for _, name := range eventTexts {
		fields = append(fields, field{name, func(n *yaml.Node) {
			var s string
			if l.text(&s, name, 2000)(n); s != "" {
				f[name] = s
			}
		}})
	}
	for _, name := range eventNested {
		fields = append(fields, field{name, func(n *yaml.Node) {
			if !l.plain(n) {
				return
			}
			if n.Kind != yaml.MappingNode {
				l.wrong(n, "%s must be a mapping", name)
				return
			}
			f[name] = l.value(n, 0)
		}})
	}
	if !l.mapping(n, "event", fields...) {
		return
	}
	if f["eventName"] == nil {
		l.wrong(n, "event has no eventName")
	}
	if count > 1 && every == 0 {
		l.wrong(n, "event with count needs every")
	}
	if l.events += count; l.events > maxEvents {
		l.wrong(n, "more than %d events in all tests", maxEvents)
		return
	}
	for i := range count {
		t.events = append(t.events, testEvent{at: at + time.Duration(i)*every, fields: f, i: i})
	}
}

// value is a nested value as JSON has it.
func (l *loader) value(n *yaml.Node, depth int) any {
	if !l.plain(n) {
		return nil
	}
	if depth > 8 {
		l.wrong(n, "nested too deeply")
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		m := map[string]any{}
		l.each(n, "event", func(k, v *yaml.Node) { m[k.Value] = l.value(v, depth+1) })
		return m
	case yaml.SequenceNode:
		list := []any{}
		for _, e := range n.Content {
			list = append(list, l.value(e, depth+1))
		}
		return list
	}
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return n.Value == "true"
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
	}
	return n.Value
}

// pairsOf reads k=v joined by commas, as additionalEventData has it in SQL.
func pairsOf(s string) map[string]any {
	m := map[string]any{}
	for pair := range strings.SplitSeq(s, ",") {
		k, v, _ := strings.Cut(strings.TrimSpace(pair), "=")
		m[k] = v
	}
	return m
}

// record is the CloudTrail record of a test's event.
func (e testEvent) record(seq int) json.RawMessage {
	f, _ := expand(e.fields, strconv.Itoa(e.i)).(map[string]any)
	rec := map[string]any{
		"eventVersion": event.Version, "eventSource": testSource, "awsRegion": testRegion, "sourceIPAddress": testAddress,
		"requestParameters": nil, "responseElements": nil, "eventID": fmt.Sprintf("00000000-0000-7000-8000-%012d", seq),
		"eventTime": Epoch.Add(e.at).Format("2006-01-02T15:04:05Z"), "readOnly": false, "eventType": "ActivityLog",
		"managementEvent": true, "recipientAccountId": testAccount, "eventCategory": event.Management,
	}
	who := map[string]any{"type": "Unknown"}
	if name, ok := f["userName"]; ok {
		who = map[string]any{"type": "IAMUser", "userName": name, "accountId": testAccount,
			"arn": fmt.Sprintf("arn:aws:iam::%s:user/%s", testAccount, name)}
	}
	if arn, ok := f["userArn"]; ok {
		who["type"], who["arn"] = "IAMUser", arn
	}
	if mfa, ok := f["mfaAuthenticated"]; ok {
		who["sessionContext"] = map[string]any{"attributes": map[string]any{"mfaAuthenticated": mfa}}
	}
	request := map[string]any{}
	for k, v := range f {
		switch k {
		case "userName", "userArn", "mfaAuthenticated":
		case "sessionId", "target", "login":
			request[k] = v
		case "userIdentity":
			merge(who, v)
		case "requestParameters":
			merge(request, v)
		default:
			rec[k] = v
		}
	}
	rec["userIdentity"] = who
	if len(request) > 0 {
		rec["requestParameters"] = request
	}
	b, err := json.Marshal(rec)
	if err != nil {
		panic(fmt.Sprintf("runbook: a test's event cannot be JSON: %v", err))
	}
	return b
}

func merge(to map[string]any, from any) {
	if m, ok := from.(map[string]any); ok {
		for k, v := range m {
			to[k] = v
		}
	}
}

// expand replaces ${i} in all text of v.
func expand(v any, i string) any {
	switch v := v.(type) {
	case string:
		return strings.ReplaceAll(v, "${i}", i)
	case map[string]any:
		m := make(map[string]any, len(v))
		for k, e := range v {
			m[k] = expand(e, i)
		}
		return m
	case []any:
		list := make([]any, len(v))
		for k, e := range v {
			list[k] = expand(e, i)
		}
		return list
	}
	return v
}

// checkTests puts the events of each test in order and holds what it expects
// against the runbook.
func (l *loader) checkTests() {
	names := map[string]int{}
	for _, t := range l.tests {
		if line, twice := names[t.Name]; twice {
			l.wrong(t.node, "test %s is there twice (first in line %d)", quote(t.Name), line)
		}
		names[t.Name] = t.node.Line
		slices.SortStableFunc(t.events, func(a, b testEvent) int { return int(a.at - b.at) })
		for i, e := range t.events {
			t.Events = append(t.Events, event.Entry{Seq: uint64(i + 1), AppendTime: Epoch.Add(e.at), JSON: e.record(i + 1)})
		}
		for i, s := range t.Expect.Steps {
			ids := make([]string, len(l.steps))
			for j, p := range l.steps {
				ids[j] = p.step.ID
			}
			if !slices.Contains(ids, s) {
				l.wrong(t.steps[i], "no step %s%s", quote(s), didYouMean(s, ids))
			}
		}
		l.rb.Tests = append(l.rb.Tests, t.Test)
	}
}
