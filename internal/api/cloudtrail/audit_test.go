package cloudtrail

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
)

// outside is eventData of somebody else, with members set or, by nil, left out.
func outside(changes ...any) string {
	m := map[string]any{
		"version": "1", "userIdentity": map[string]any{"type": "CustomUser", "principalId": "u-1", "details": map[string]any{"team": "doors"}},
		"eventSource": "badge.example.com", "eventName": "OpenDoor", "eventTime": "2026-11-23T10:00:00Z", "UID": "uid-1",
		"recipientAccountId": account, "requestParameters": map[string]any{"door": 7}, "sourceIPAddress": "10.0.0.7",
	}
	for i := 0; i < len(changes); i += 2 {
		m[changes[i].(string)] = changes[i+1]
		if changes[i+1] == nil {
			delete(m, changes[i].(string))
		}
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// audits is a request's body.
func audits(t *testing.T, events ...map[string]string) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"auditEvents": events})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestEventsFromOutsideEnterTheTrail(t *testing.T) {
	w := newWorld(t)
	data := outside("additionalEventData", map[string]any{"MFAAuthenticated": "False"}, "errorCode", "Denied")
	sum := sha256.Sum256([]byte(data))
	body := audits(t, map[string]string{"id": "a", "eventData": data, "eventDataChecksum": base64.StdEncoding.EncodeToString(sum[:])},
		map[string]string{"id": "b", "eventData": outside("eventTime", "2026-11-23T10:00:01")}, map[string]string{"id": "c", "eventData": "{}"})
	a := w.audit("feed", "?channelArn="+strings.ReplaceAll(channel, ":", "%3A")+"&externalId=ext-1", body)
	var out auditAnswer
	if err := json.Unmarshal(a.body, &out); err != nil || a.status != 200 || len(out.Successful) != 2 || len(out.Failed) != 1 || out.Failed[0].ID != "c" || out.Failed[0].Code != "FieldNotFound" {
		t.Fatalf("%d %s", a.status, a.body)
	}
	all := w.records()
	call, first, second := all[len(all)-3], all[len(all)-2], all[len(all)-1]
	if call.EventName != "PutAuditEvents" || call.EventCategory != event.Data || call.UserIdentity.AccessKeyID != w.keys["feed"].Row.ID ||
		string(call.RequestParameters) != `{"channelArn":"`+channel+`","externalId":"ext-1","auditEvents":3}` || string(call.ResponseElements) != `{"successful":2,"failed":1}` {
		t.Errorf("the call is recorded as %+v %s %s", call, call.RequestParameters, call.ResponseElements)
	}
	if first.EventID != out.Successful[0].EventID || second.EventID != out.Successful[1].EventID {
		t.Errorf("the answer names %v, the trail has %s and %s", out.Successful, first.EventID, second.EventID)
	}
	got := string(first.AppendJSON(nil))
	want := `{"eventVersion":"1.11","userIdentity":{"type":"CustomUser","principalId":"u-1"},"eventTime":"2026-11-23T10:00:00Z","eventSource":"badge.example.com",` +
		`"eventName":"OpenDoor","awsRegion":"us-east-1","sourceIPAddress":"10.0.0.7","errorCode":"Denied","requestParameters":{"door":7},"responseElements":null,` +
		`"additionalEventData":{"MFAAuthenticated":"False"},"eventID":"` + first.EventID + `","readOnly":false,"eventType":"ActivityLog","managementEvent":false,` +
		`"recipientAccountId":"111122223333","serviceEventDetails":{"UID":"uid-1","version":"1","channelARN":"` + channel + `","externalId":"ext-1","putBy":"` + arnOf("feed") +
		`","requestID":"` + call.RequestID + `","userIdentityDetails":{"team":"doors"}},"eventCategory":"ActivityAuditLog"}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the record (-want +got):\n%s", diff)
	}
}

// Threat: somebody who may add events makes some that the gate seems to have
// told, or AWS.
func TestNobodyForgesEventsOfTheGate(t *testing.T) {
	w := newWorld(t)
	for _, source := range []string{
		ours, strings.ToUpper(ours), " " + ours, ours + ".", ours + "\n", "ssh-proxy-service\u200b.yourdomain.com", "ssh-proxy-service.yourdomain.com\u202e",
		"amazonaws.com", "signin.amazonaws.com", "S3.AmazonAWS.com", "s3.amazonaws.com.", "s3.amazonaws.com.cn", "s3.amazon\u00adaws.com", "\u200b",
	} {
		a := w.audit("feed", "?channelArn="+storeID, audits(t, map[string]string{"id": "a", "eventData": outside("eventSource", source)}))
		var out auditAnswer
		if err := json.Unmarshal(a.body, &out); err != nil || len(out.Failed) != 1 || out.Failed[0].Code != "InvalidEventSource" && out.Failed[0].Code != "FieldNotFound" {
			t.Errorf("eventSource %q: %s, want it refused", source, a.body)
		}
	}
	// Whatever it claims to be, it names nobody and is no event of a session.
	data := outside("userIdentity", map[string]any{"type": "IAMUser", "principalId": "x", "arn": arnOf("admin"), "userName": "admin"},
		"eventCategory", "Management", "eventType", "AwsApiCall", "eventID", "01a2091b-9c2b-790b-92d2-3c8d44124245", "managementEvent", true)
	if a := w.audit("feed", "?channelArn="+storeID, audits(t, map[string]string{"id": "a", "eventData": data})); a.status != 200 {
		t.Fatalf("%s", a.body)
	}
	rec := w.last()
	if rec.UserIdentity.ARN != "" || rec.UserIdentity.UserName != "" || rec.EventCategory != event.Audit || rec.EventType != "ActivityLog" || rec.ManagementEvent || rec.EventID == "01a2091b-9c2b-790b-92d2-3c8d44124245" {
		t.Errorf("the record claims %+v", rec)
	}
}

func TestEventsThatAreRefusedSayWhy(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct{ name, data, code string }{
		{"not JSON", "x", "InvalidData"},
		{"a list", "[]", "InvalidData"},
		{"two objects", "{} {}", "InvalidData"},
		{"no identity", outside("userIdentity", nil), "FieldNotFound"},
		{"no principal", outside("userIdentity", map[string]any{"type": "x"}), "FieldNotFound"},
		{"no version", outside("version", nil), "FieldNotFound"},
		{"no UID", outside("UID", nil), "FieldNotFound"},
		{"blank name", outside("eventName", " "), "FieldNotFound"},
		{"no source", outside("eventSource", nil), "FieldNotFound"},
		{"no time", outside("eventTime", nil), "FieldNotFound"},
		{"no recipient", outside("recipientAccountId", nil), "FieldNotFound"},
		{"another account", outside("recipientAccountId", "999999999999"), "InvalidRecipient"},
		{"local time", outside("eventTime", "23.11.2026"), "InvalidData"},
		{"bad address", outside("sourceIPAddress", "here"), "InvalidData"},
		{"long version", outside("version", strings.Repeat("x", 257)), "FieldTooLong"},
		{"long type", outside("userIdentity", map[string]any{"type": strings.Repeat("x", 129), "principalId": "x"}), "FieldTooLong"},
		{"long name", outside("eventName", strings.Repeat("x", 1025)), "FieldTooLong"},
		{"long error", outside("errorMessage", strings.Repeat("x", 257)), "FieldTooLong"},
		{"large parameters", outside("requestParameters", map[string]any{"x": strings.Repeat("x", 100<<10)}), "FieldTooLong"},
		{"large additions", outside("additionalEventData", map[string]any{"x": strings.Repeat("x", 28<<10)}), "FieldTooLong"},
		{"text for parameters", outside("requestParameters", "x"), "InvalidData"},
	} {
		a := w.audit("feed", "?channelArn="+storeID, audits(t, map[string]string{"id": "a", "eventData": c.data}))
		var out auditAnswer
		if err := json.Unmarshal(a.body, &out); err != nil || len(out.Failed) != 1 || out.Failed[0].Code != c.code || out.Failed[0].Error == "" {
			t.Errorf("%s: %.300s, want %s", c.name, a.body, c.code)
		}
	}
	if a := w.audit("feed", "?channelArn="+storeID, audits(t, map[string]string{"id": "a", "eventData": outside(), "eventDataChecksum": "AAAA"})); !strings.Contains(string(a.body), "InvalidChecksum") {
		t.Errorf("a wrong checksum: %s", a.body)
	}
}

func TestRequestsThatAreRefusedWhole(t *testing.T) {
	w := newWorld(t)
	one := map[string]string{"id": "a", "eventData": outside()}
	many := make([]map[string]string, maxAuditEvents+1)
	for i := range many {
		many[i] = map[string]string{"id": fmt.Sprint(i), "eventData": "{}"}
	}
	large := audits(t, map[string]string{"id": "a", "eventData": strings.Repeat("x", maxAuditBytes)})
	for _, c := range []struct {
		name, query, body, code string
		status                  int
	}{
		{"no channel", "", audits(t, one), "InvalidChannelARN", 400},
		{"bad channel", "?channelArn=x", audits(t, one), "InvalidChannelARN", 400},
		{"another channel", "?channelArn=arn:aws:cloudtrail:us-east-1:111122223333:channel/00000000-0000-0000-0000-000000000000", audits(t, one), "ChannelNotFound", 400},
		{"bad external ID", "?externalId=x&channelArn=" + storeID, audits(t, one), "ValidationError", 400},
		{"no events", "?channelArn=" + storeID, "{}", "ValidationError", 400},
		{"too many", "?channelArn=" + storeID, audits(t, many...), "ValidationError", 400},
		{"bad ID", "?channelArn=" + storeID, audits(t, map[string]string{"id": "a b", "eventData": "{}"}), "ValidationError", 400},
		{"no data", "?channelArn=" + storeID, audits(t, map[string]string{"id": "a"}), "ValidationError", 400},
		{"twice", "?channelArn=" + storeID, audits(t, one, one), "DuplicatedAuditEventId", 400},
		{"too large", "?channelArn=" + storeID, large, "RequestEntityTooLargeException", 413},
		{"not JSON", "?channelArn=" + storeID, "{", "SerializationException", 400},
	} {
		before := len(w.records())
		a := w.audit("feed", c.query, c.body)
		if a.code() != c.code || a.status != c.status || a.header.Get("X-Amzn-Errortype") != c.code {
			t.Errorf("%s: %d %.300s, want %d %s", c.name, a.status, a.body, c.status, c.code)
		}
		for _, rec := range w.records()[before:] {
			if rec.EventCategory == event.Audit || rec.ErrorCode == "" {
				t.Errorf("%s left %s in the trail", c.name, rec.EventName)
			}
		}
	}
}

// Whatever a sender writes, what enters the trail is one valid record that
// claims nothing of ours.
func FuzzAuditEvent(f *testing.F) {
	for _, seed := range []string{outside(), outside("eventSource", ours), outside("requestParameters", map[string]any{"a": []any{1, "\u2028"}}), "{}", `{"userIdentity":{"details":{}}}`,
		`{"USERIDENTITY":{"type":"a","principalId":"b"},"userIdentity":null}`} {
		f.Add(seed)
	}
	s := &Server{Options: Options{Origin: event.Origin{EventSource: ours, Region: region, AccountID: account}, StoreID: storeID}}
	f.Fuzz(func(t *testing.T, data string) {
		rec, refused := s.auditRecord(&call{s: s, requestID: "r"}, &putAuditEvents{}, auditEvent{ID: "a", EventData: &data})
		if refused != nil {
			if refused.code == "" || refused.text == "" {
				t.Fatalf("refused without a reason: %+v", refused)
			}
			return
		}
		text := rec.AppendJSON(nil)
		back, err := event.Entry{JSON: text}.Record()
		if err != nil {
			t.Fatalf("the record is not JSON: %v\n%s", err, text)
		}
		if strings.ContainsAny(string(text), "\n\r") || len(text) > maxAuditRecord {
			t.Fatalf("the record is not one line of a fit size: %.300q", text)
		}
		if back.EventCategory != event.Audit || s.ours(back.EventSource) || back.UserIdentity.ARN != "" || back.UserIdentity.UserName != "" || back.RecipientAccountID != account {
			t.Fatalf("the record claims %+v", back)
		}
	})
}
