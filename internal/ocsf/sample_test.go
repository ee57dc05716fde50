package ocsf

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
)

var origin = event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "123456789012"}

var alice = event.UserIdentity{
	Type: "AssumedRole", PrincipalID: "AROAEXAMPLE:alice", ARN: "arn:aws:sts::123456789012:assumed-role/Ops/alice", AccountID: "123456789012", UserName: "alice",
	SessionContext: &event.SessionContext{
		SessionIssuer: &event.SessionIssuer{Type: "Role", PrincipalID: "AROAEXAMPLE", ARN: "arn:aws:iam::123456789012:role/Ops", AccountID: "123456789012", UserName: "Ops"},
		Attributes:    &event.SessionAttributes{CreationDate: "2026-11-20T09:00:00Z", MFAAuthenticated: "true"},
	},
}

var inSession = &event.Session{ID: "s-1", Target: "web1", Login: "ec2-user", MFA: true}

// how an event came about.
type how struct {
	name    string
	full    bool           // every field set
	session *event.Session // inside one
	code    string
}

// ways are the shapes every event is mapped in.
var ways = []how{
	{"done, with all fields", true, nil, ""},
	{"done, in a session", true, inSession, ""},
	{"done, with no fields", false, nil, ""},
	{"refused", true, nil, event.AccessDenied},
	{"refused, with no fields", false, nil, event.AccessDenied},
	{"failed", true, inSession, event.InternalFailure},
}

// record is e as the trail holds it, always with the same eventID.
func sampleRecord(e event.Event, h how) []byte {
	if h.full {
		e = sample(e)
	}
	m := event.Meta{
		Time: time.Date(2026, 11, 20, 9, 30, 1, 0, time.UTC), Identity: alice, SourceIP: "192.0.2.10", UserAgent: "SSH-2.0-OpenSSH_9.9",
		ConnectionID: "c-1", Session: h.session, ErrorCode: h.code,
	}
	if h.code != "" {
		m.ErrorMessage = "it may not"
	}
	rec := origin.Record(m, e)
	rec.EventID = "019ab300-0000-7000-8000-000000000001"
	return rec.AppendJSON(nil)
}

// texts are values for fields by the end of their tag, where anything will not do.
var texts = map[string]string{
	"address": "web1.internal:22", "destinationHost": "192.0.2.77", "state": "ALARM", "previousState": "OK", "severity": "high", "action": "lock_identity",
	"result": "done", "effect": "deny", "CheckMfa": "Success", "mfaType": "totp", "method": "publickey+totp", "kind": "exec", "command": "id",
	"keyFingerprint": "SHA256:AbCd", "first": "2026-11-20T09:00:00Z", "last": "2026-11-20T09:10:00Z", "from": "2026-11-20T09:00:00Z", "to": "2026-11-20T09:10:00Z",
	"eventName": "Login", "queryStatement": "SELECT * FROM CloudTrailLogs", "userName": "bob", "target": "web1", "login": "ec2-user", "roleName": "ops",
	"path": "/etc/passwd", "newPath": "/etc/passwd.old", "runId": "run-1", "alarmId": "alarm-1", "runbookId": "session-without-mfa", "lockId": "lock-1",
	"sessionId": "s-1", "holdId": "hold-1", "ca": "digest", "reason": "the reason", "subsystem": "sftp",
}

// sample is e with every field set.
func sample(e event.Event) event.Event {
	v := reflect.New(reflect.TypeOf(e)).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		if !f.CanSet() {
			continue // the embedded kind
		}
		tag := v.Type().Field(i).Tag
		name := tag.Get("request") + tag.Get("response") + tag.Get("details")
		switch f.Interface().(type) {
		case string:
			s, ok := texts[name]
			if !ok {
				s = "the " + name
			}
			f.SetString(s)
		case bool:
			f.SetBool(true)
		case int, int64:
			f.SetInt(7)
		case *int:
			n := 7
			f.Set(reflect.ValueOf(&n))
		case []string:
			f.Set(reflect.ValueOf([]string{"one", "two"}))
		case *bool:
			yes := true
			f.Set(reflect.ValueOf(&yes))
		case []map[string]string:
			f.Set(reflect.ValueOf([]map[string]string{{"b": "2", "a": "1"}}))
		case map[string]string:
			f.Set(reflect.ValueOf(map[string]string{"b": "2", "a": "1"}))
		default:
			panic("sample: no value for " + f.Type().String())
		}
	}
	return v.Interface().(event.Event)
}

func mustMap(t testing.TB, text string) Event {
	t.Helper()
	e, err := Map([]byte(strings.TrimSpace(text)))
	if err != nil {
		t.Fatalf("map %s: %v", text, err)
	}
	return e
}

// writeIndented writes JSON with its members on lines of their own.
func writeIndented(b *strings.Builder, text []byte) {
	var out bytes.Buffer
	if err := json.Indent(&out, text, "", "  "); err != nil {
		panic(err)
	}
	b.Write(out.Bytes())
	b.WriteByte('\n')
}
