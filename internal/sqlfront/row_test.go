package sqlfront

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sessionRecord = `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"p1","arn":"arn:aws:iam::123456789012:user/alice","accountId":"123456789012","userName":"alice","sessionContext":{"attributes":{"creationDate":"2026-11-20T08:00:00Z","mfaAuthenticated":"true"}}},"eventTime":"2026-11-20T08:00:01Z","eventSource":"ssh-proxy-service.yourdomain.com","eventName":"StartSession","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.7","userAgent":"SSH-2.0-OpenSSH_9.2","requestParameters":{"sessionId":"s1","target":"web1","login":"ec2-user","frontDoor":"jump"},"responseElements":null,"additionalEventData":{"MFAAuthenticated":"True"},"requestID":"c1","eventID":"0190","readOnly":false,"resources":[{"ARN":"arn:x","accountId":"1","type":"AWS::X::Y"}],"eventType":"ActivityLog","managementEvent":true,"recipientAccountId":"123456789012","serviceEventDetails":{"recording":"terminal"},"eventCategory":"Management"}`

// got is a row as words, for tests.
func got(f Flat) map[string]any {
	m := map[string]any{}
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("parquet"), ",")
		if p := v.Field(i); p.Kind() == reflect.Pointer && !p.IsNil() && p.Elem().Kind() != reflect.Struct {
			m[name] = p.Elem().Interface()
		} else if t, ok := p.Interface().(*time.Time); ok && t != nil {
			m[name] = t.Format(time.RFC3339Nano)
		}
	}
	delete(m, "eventJson")
	return m
}

func TestFlattenSession(t *testing.T) {
	at := time.Date(2026, 11, 20, 8, 0, 1, 123456789, time.UTC)
	f, err := Flatten([]byte(sessionRecord), 42, at)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"eventVersion": "1.11", "eventTime": "2026-11-20T08:00:01Z", "eventSource": "ssh-proxy-service.yourdomain.com",
		"eventName": "StartSession", "awsRegion": "us-east-1", "sourceIPAddress": "192.0.2.7", "userAgent": "SSH-2.0-OpenSSH_9.2",
		"requestParameters":   `{"sessionId":"s1","target":"web1","login":"ec2-user","frontDoor":"jump"}`,
		"additionalEventData": "MFAAuthenticated=True", "requestID": "c1", "eventID": "0190", "readOnly": false,
		"eventType": "ActivityLog", "managementEvent": true, "recipientAccountId": "123456789012",
		"serviceEventDetails": `{"recording":"terminal"}`, "eventCategory": "Management",
		"userName": "alice", "userArn": "arn:aws:iam::123456789012:user/alice", "sessionId": "s1", "target": "web1",
		"login": "ec2-user", "mfaAuthenticated": "true", "appendTime": "2026-11-20T08:00:01.123456Z", "seq": int64(42),
	}
	if d := cmp.Diff(want, got(f)); d != "" {
		t.Errorf("row of a session differs (-want +got):\n%s", d)
	}
	if a := f.UserIdentity.SessionContext.Attributes; *a.CreationDate != "2026-11-20T08:00:00Z" || *a.MFAAuthenticated != "true" {
		t.Errorf("session attributes = %v", a)
	}
	if len(f.Resources) != 1 || *f.Resources[0].ARN != "arn:x" || *f.Resources[0].Type != "AWS::X::Y" {
		t.Errorf("resources = %v", f.Resources)
	}
	if *f.EventJSON != sessionRecord {
		t.Error("eventJson is not the record")
	}
}

func TestFlattenTakesOddRecords(t *testing.T) {
	for name, tc := range map[string]struct {
		record string
		want   map[string]any
	}{
		"empty":                {`{}`, map[string]any{}},
		"nulls":                {`{"eventName":null,"userIdentity":null,"resources":null,"requestParameters":null}`, map[string]any{}},
		"empty text stays":     {`{"userAgent":""}`, map[string]any{"userAgent": ""}},
		"number as text":       {`{"eventVersion":1.08}`, map[string]any{"eventVersion": "1.08"}},
		"text for an object":   {`{"userIdentity":"root","requestParameters":"plain","additionalEventData":"MFAAuthenticated=True"}`, map[string]any{"requestParameters": "plain", "additionalEventData": "MFAAuthenticated=True"}},
		"several pairs":        {`{"additionalEventData":{"b":1,"MFAAuthenticated":"False","a":{"x":[1]}}}`, map[string]any{"additionalEventData": `MFAAuthenticated=False, a={"x":[1]}, b=1`, "mfaAuthenticated": "false"}},
		"mfa of the identity":  {`{"userIdentity":{"sessionContext":{"attributes":{"mfaAuthenticated":"True"}}},"additionalEventData":{"MFAAuthenticated":"maybe"}}`, map[string]any{"additionalEventData": "MFAAuthenticated=maybe", "mfaAuthenticated": "true"}},
		"boolean in quotes":    {`{"readOnly":"true","managementEvent":"no"}`, map[string]any{"readOnly": true}},
		"unreadable time":      {`{"eventTime":"yesterday"}`, map[string]any{}},
		"time with an offset":  {`{"eventTime":"2026-11-20T09:00:00.5+01:00"}`, map[string]any{"eventTime": "2026-11-20T08:00:00.5Z"}},
		"last of a twin wins":  {`{"eventName":"A","eventName":"B"}`, map[string]any{"eventName": "B"}},
		"escapes":              {`{"eventN\u0061me":"\ud83d\ude00 \ud800 \u0000 \"\\\/\b\f\n\r\t"}`, map[string]any{"eventName": "😀 \uFFFD \x00 \"\\/\b\f\n\r\t"}},
		"not UTF-8":            {"{\"eventName\":\"a\xff\xfeb\"}", map[string]any{"eventName": "a\uFFFDb"}},
		"space everywhere":     {" { \"eventName\" : \"A\" , \"resources\" : [ { \"ARN\" : \"x\" } , 7 ] } \n", map[string]any{"eventName": "A"}},
		"from outside":         {`{"requestParameters":{"sessionId":"s1","target":"web1","login":"root"},"eventCategory":"ActivityAuditLog"}`, map[string]any{"requestParameters": `{"sessionId":"s1","target":"web1","login":"root"}`, "eventCategory": "ActivityAuditLog"}},
		"elements not objects": {`{"resources":[1,"x",null,[]]}`, map[string]any{}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Flatten([]byte(tc.record), 0, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got(f)); d != "" {
				t.Errorf("Flatten(%s) differs (-want +got):\n%s", tc.record, d)
			}
		})
	}
}

func TestFlattenRefusesWhatIsNoObject(t *testing.T) {
	for _, text := range []string{``, ` `, `[]`, `"x"`, `{`, `{"a":}`, `{"a":1,}`, `{} {}`, `{"a":01}`, `{"a":"` + "\n" + `"}`, strings.Repeat("[", 100_000)} {
		if _, err := Flatten([]byte(text), 1, time.Time{}); err == nil {
			t.Errorf("Flatten(%.40q) took it, want an error", text)
		}
	}
}

func FuzzFlatten(f *testing.F) {
	f.Add(sessionRecord)
	f.Add(`{"a":[1,{"b":"\ud800\u0041"}],"eventName":-1.5e+9}`)
	f.Fuzz(func(t *testing.T, text string) {
		valid := json.Valid([]byte(text)) || json.Valid([]byte(strings.ToValidUTF8(text, "\uFFFD")))
		if err := checkJSON(validUTF8([]byte(text))); (err == nil) != valid && strings.Count(text, "[")+strings.Count(text, "{") < maxJSONDepth {
			t.Errorf("checkJSON(%q) = %v, encoding/json says %v", text, err, valid)
		}
		var want string
		if json.Unmarshal([]byte(validUTF8([]byte(text))), &want) == nil && kindOf(text) == '"' {
			if got := unquoteJSON(strings.Trim(validUTF8([]byte(text)), " \r\n\t")); got != want {
				t.Errorf("unquoteJSON(%q) = %q, want %q", text, got, want)
			}
		}
		_, _ = Flatten([]byte(text), 1, time.Time{})
	})
}

func BenchmarkFlatten(b *testing.B) {
	record := []byte(sessionRecord)
	b.SetBytes(int64(len(record)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Flatten(record, 1, time.Unix(0, 0)); err != nil {
			b.Fatal(err)
		}
	}
}
