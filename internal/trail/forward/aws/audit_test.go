package aws

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
)

func TestAuditEvent(t *testing.T) {
	const common = `"eventVersion":"1.11","eventTime":"2026-11-20T09:00:00Z","eventSource":"ssh.example","eventName":"Login","eventID":"u-1"`
	const same = `"version":"1.11","eventTime":"2026-11-20T09:00:00Z","eventSource":"ssh.example","eventName":"Login","UID":"u-1","recipientAccountId":"111122223333"`
	for _, c := range []struct{ name, record, want string }{
		{"all there is",
			`{` + common + `,"userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"a","sessionContext":{"attributes":{"mfaAuthenticated":"true"}}},"awsRegion":"eu-west-1","sourceIPAddress":"2001:db8::1",
			"userAgent":"SSH-2.0-x","errorCode":"AccessDenied","errorMessage":"no","requestParameters":{"n":12345678901234567890},"responseElements":{"a":[1]},"additionalEventData":{"MFAAuthenticated":"True"},
			"requestID":"c","readOnly":false,"eventType":"ActivityLog","managementEvent":true,"recipientAccountId":"111122223333","serviceEventDetails":{"x":"<y>"},"eventCategory":"Management"}`,
			`{` + same + `,"userIdentity":{"type":"IAMUser","principalId":"AIDA","details":{"arn":"a","sessionContext":{"attributes":{"mfaAuthenticated":"true"}}}},"sourceIPAddress":"2001:db8::1",
			"userAgent":"SSH-2.0-x","errorCode":"AccessDenied","errorMessage":"no","requestParameters":{"n":12345678901234567890},"responseElements":{"a":[1]},
			"additionalEventData":{"MFAAuthenticated":"True","awsRegion":"eu-west-1","requestID":"c","readOnly":false,"eventType":"ActivityLog","managementEvent":true,"serviceEventDetails":{"x":"<y>"},"eventCategory":"Management"}}`},
		{"the least", `{` + common + `,"requestParameters":null,"responseElements":null}`, `{` + same + `,"userIdentity":{"type":"Unknown","principalId":"Unknown"}}`},
		{"from a service, to another account", `{` + common + `,"userIdentity":{"type":"Service","userName":"trailgate"},"sourceIPAddress":"ssh.example","recipientAccountId":"999999999999"}`,
			`{` + same + `,"userIdentity":{"type":"Service","principalId":"trailgate","details":{"userName":"trailgate"}},"additionalEventData":{"sourceIPAddress":"ssh.example","recipientAccountId":"999999999999"}}`},
		{"long texts", `{` + common + `,"errorCode":"E","errorMessage":"` + strings.Repeat("ü", 200) + `"}`,
			`{` + same + `,"userIdentity":{"type":"Unknown","principalId":"Unknown"},"errorCode":"E","errorMessage":"` + strings.Repeat("ü", 128) + `","additionalEventData":{"errorMessage":"` + strings.Repeat("ü", 200) + `"}}`},
		{"long objects", `{` + common + `,"requestParameters":{"a":"` + strings.Repeat("x", 100_000) + `"},"serviceEventDetails":{"a":"` + strings.Repeat("x", 30_000) + `"},"awsRegion":"r"}`,
			`{` + same + `,"userIdentity":{"type":"Unknown","principalId":"Unknown"},"requestParameters":{"omitted":"larger than 100 kB"},"additionalEventData":{"awsRegion":"r","serviceEventDetails":{"omitted":"larger than 28 kB"}}}`},
		{"of the wrong kind", `{` + common + `,"userIdentity":"ana","requestParameters":[1],"errorCode":7,"additionalEventData":"text"}`,
			`{` + same + `,"userIdentity":{"type":"Unknown","principalId":"Unknown"},"additionalEventData":{"userIdentity":"ana","requestParameters":[1],"errorCode":7,"additionalEventData":"text"}}`},
	} {
		got, err := auditEvent([]byte(c.record), "111122223333")
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		var have, want any
		if err := unmarshal(got, &have); err != nil {
			t.Fatal(err)
		}
		if err := unmarshal([]byte(c.want), &want); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, have); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
		if p := auditProblem(string(got)); p != "" {
			t.Errorf("%s: AWS would say %s", c.name, p)
		}
	}
	for _, bad := range []string{``, `[]`, `"x"`, `{}`, `{"eventName":"x"}`, `null`} {
		if got, err := auditEvent([]byte(bad), "1"); err == nil {
			t.Errorf("auditEvent(%s) = %s, want an error", bad, got)
		}
	}
	many := map[string]string{"eventVersion": "1", "eventTime": "2026-11-20T09:00:00Z", "eventSource": "s", "eventName": "n", "eventID": "i"}
	for i := range 5000 {
		many[fmt.Sprintf("member%d", i)] = "v"
	}
	text, _ := json.Marshal(many)
	if got, err := auditEvent(text, "111122223333"); err != nil || auditProblem(string(got)) != "" {
		t.Errorf("a record of many members: %v, %s", err, auditProblem(string(got)))
	}
}

func FuzzAuditEvent(f *testing.F) {
	for _, e := range event.All() {
		rec := event.Origin{EventSource: "ssh.example", Region: region, AccountID: "111122223333"}.Record(event.Meta{SourceIP: "192.0.2.1", ErrorCode: "AccessDenied"}, e)
		f.Add(rec.AppendJSON(nil))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := auditEvent(text, "111122223333")
		if err != nil {
			return
		}
		if p := auditProblem(string(got)); p != "" && p != "FieldNotFound" {
			t.Errorf("%s: AWS would say %s to %s", text, p, got)
		}
		quoted, err := encode(string(got))
		if err != nil || len(quoted) > quotedLen(got)+6*strings.Count(string(got), "\u2028")+6*strings.Count(string(got), "\u2029") {
			t.Errorf("quotedLen(%s) = %d, it is %d", got, quotedLen(got), len(quoted))
		}
	})
}
