package ocsf

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
)

// samples are records that Trailgate did not write, in the shapes AWS and
// callers of PutAuditEvents give theirs.
var samples = map[string]string{
	"console login": `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","principalId":"AIDAEXAMPLE","arn":"arn:aws:iam::111122223333:user/ana","accountId":"111122223333","userName":"ana"},
		"eventTime":"2023-07-10T12:27:45Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.10","userAgent":"Mozilla/5.0",
		"requestParameters":null,"responseElements":{"ConsoleLogin":"Success"},"additionalEventData":{"LoginTo":"https://console.example","MobileVersion":"No","MFAUsed":"Yes"},
		"eventID":"8feee4c2-5e27-4857-8475-bfa7e7b6d791","readOnly":false,"eventType":"AwsConsoleSignIn","managementEvent":true,"recipientAccountId":"111122223333","eventCategory":"Management",
		"tlsDetails":{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256"}}`,
	"failed console login": `{"eventVersion":"1.08","userIdentity":{"type":"IAMUser","accountId":"111122223333","userName":"HIDDEN_DUE_TO_SECURITY_REASONS"},
		"eventTime":"2023-07-10T12:27:45Z","eventSource":"signin.amazonaws.com","eventName":"ConsoleLogin","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.10","errorMessage":"No username found in supplied account",
		"requestParameters":null,"responseElements":{"ConsoleLogin":"Failure"},"additionalEventData":{"MFAUsed":"No"},"eventID":"a","eventType":"AwsConsoleSignIn","eventCategory":"Management"}`,
	"assume role by a service": `{"eventVersion":"1.08","userIdentity":{"type":"AWSService","invokedBy":"rds.amazonaws.com"},"eventTime":"2023-07-10T12:27:45Z","eventSource":"sts.amazonaws.com","eventName":"AssumeRole",
		"awsRegion":"us-east-1","sourceIPAddress":"rds.amazonaws.com","requestParameters":{"roleArn":"arn:aws:iam::111122223333:role/x"},"responseElements":{"credentials":{"accessKeyId":"ASIAEXAMPLE"}},
		"resources":[{"ARN":"arn:aws:iam::111122223333:role/x","accountId":"111122223333","type":"AWS::IAM::Role"}],"requestID":"r","eventID":"b","readOnly":true,"eventType":"AwsApiCall","eventCategory":"Management"}`,
	"create user": `{"eventVersion":"1.11","userIdentity":{"type":"Root","principalId":"111122223333","arn":"arn:aws:iam::111122223333:root","accountId":"111122223333","accessKeyId":"ASIAEXAMPLE",
		"sessionContext":{"sessionIssuer":{},"webIdFederationData":{},"attributes":{"creationDate":"20131102T010628Z","mfaAuthenticated":"false"}}},"eventTime":"2023-07-10T12:27:45Z","eventSource":"iam.amazonaws.com",
		"eventName":"CreateUser","awsRegion":"us-east-1","sourceIPAddress":"192.0.2.10","userAgent":"aws-cli/2.9","requestParameters":{"userName":"eve","tags":[{"key":"a","value":"b"}]},
		"responseElements":{"user":{"arn":"arn:aws:iam::111122223333:user/eve"}},"requestID":"r","eventID":"c","eventType":"AwsApiCall","apiVersion":"2010-05-08","eventCategory":"Management"}`,
	"api call refused": `{"eventVersion":"1.09","userIdentity":{"type":"AssumedRole","principalId":"AROA:i","arn":"arn:aws:sts::111122223333:assumed-role/r/i","accountId":"111122223333",
		"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/r"},"attributes":{"creationDate":"2023-07-10T11:42:31Z","mfaAuthenticated":"false"}}},
		"eventTime":"2023-07-10T12:27:45Z","eventSource":"ec2.amazonaws.com","eventName":"RunInstances","awsRegion":"us-east-1","sourceIPAddress":"AWS Internal","userAgent":"x",
		"errorCode":"Client.UnauthorizedOperation","errorMessage":"You are not authorized","requestParameters":{"instancesSet":{"items":[{"minCount":1}]},"max":12345678901234567890},"responseElements":null,
		"eventID":"d","readOnly":false,"resources":[{"ARNPrefix":"arn:"}],"eventType":"AwsApiCall","eventCategory":"Management"}`,
	"no type": `{"eventVersion":"1.08","userIdentity":{"accountId":"111122223333","invokedBy":"secretsmanager.amazonaws.com"},"eventTime":"2023-07-10T12:27:45Z","eventSource":"secretsmanager.amazonaws.com",
		"eventName":"RotationStarted","awsRegion":"us-east-1","sourceIPAddress":"secretsmanager.amazonaws.com","requestParameters":null,"responseElements":null,"eventID":"e","eventType":"AwsServiceEvent","eventCategory":"Management"}`,
	"insight": `{"eventVersion":"1.07","eventTime":"2020-11-20T12:00:00Z","awsRegion":"us-east-1","eventID":"f","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"s",
		"insightDetails":{"state":"Start","eventName":"X","insightContext":{"statistics":{"baseline":{"average":0.3}}}},"eventCategory":"Insight"}`,
	"aggregated": `{"eventVersion":"1.0","accountId":"111122223333","eventId":"g","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-east-1","eventSource":"s3.amazonaws.com",
		"timeWindow":{"windowStart":"2026-01-01T00:00:00Z","windowEnd":"2026-01-01T00:05:00Z","windowSize":"PT5M"},"summary":{"details":[1,2]}}`,
	"from outside, wrapped by Lake": `{"eventVersion":"1.0","eventCategory":"ActivityAuditLog","eventType":"ActivityLog","eventID":"h","eventTime":"2026-11-20 09:00:00.000","awsRegion":"us-east-1","recipientAccountId":"111122223333",
		"metadata":{"channelARN":"arn:aws:cloudtrail:us-east-1:111122223333:channel/x"},
		"eventData":{"version":"1","userIdentity":{"type":"user","principalId":"ana@corp.example","details":{"org":"x"}},"userAgent":"curl","eventSource":"github.audit","eventName":"repo.destroy",
		"eventTime":"2026-11-20T08:59:59Z","UID":"u-1","sourceIPAddress":"2001:db8::1"}}`,
	"a login from outside":       `{"eventVersion":"1","eventCategory":"ActivityAuditLog","eventType":"ActivityLog","eventID":"i","eventTime":"2026-11-20T08:59:59","eventSource":"vpn.example","eventName":"Login","userIdentity":{"type":"user","principalId":"ana"},"errorCode":"BadPassword","sourceIPAddress":"10.0.0.1"}`,
	"nothing but a time":         `{"eventTime":"2026-11-20T08:59:59Z"}`,
	"values of the wrong kind":   `{"eventTime":"2026-11-20T08:59:59Z","eventName":7,"userIdentity":"ana","requestParameters":[1],"responseElements":{"cause":{"a":null}},"eventType":"ActivityLog","eventCategory":"Management","eventSource":["x"]}`,
	"an event of ours that lies": `{"eventTime":"2026-11-20T08:59:59Z","eventName":"EndSession","eventType":"ActivityLog","eventCategory":"Management","requestParameters":{"sessionId":"s"}}`,
}

func TestRecordsOfOthersFitTheirClass(t *testing.T) {
	for name, text := range samples {
		for _, errText := range check(Append(nil, mustMap(t, text))) {
			t.Errorf("%s: %s", name, errText)
		}
	}
}

// TestMapsWhatMatters holds some of the events against what an analyst would ask.
func TestMapsWhatMatters(t *testing.T) {
	full, within, refused := ways[0], ways[1], ways[3]
	for _, c := range []struct {
		name string
		rec  string
		want map[string]any
	}{
		{"session", string(sampleRecord(event.StartSession{}, within)), map[string]any{
			"type_uid": 400701, "actor.session.is_mfa": true, "actor.session.uid": "s-1", "dst_endpoint.name": "web1", "proxy.svc_name": origin.EventSource,
			"actor.user.uid": alice.ARN, "actor.session.issuer": "arn:aws:iam::123456789012:role/Ops", "auth_type_id": 6, "src_endpoint.ip": "192.0.2.10",
			"time": 1795167001000, "metadata.uid": "019ab300-0000-7000-8000-000000000001", "metadata.correlation_uid": "s-1", "status_id": 1, "cloud.region": "us-east-1"}},
		{"refused session", strings.Replace(string(sampleRecord(event.StartSession{}, within)), `"requestParameters"`, `"errorCode":"AccessDenied","requestParameters"`, 1), map[string]any{
			"type_uid": 400705, "action_id": 2, "disposition_id": 2, "status_id": 2}},
		{"failed dial", string(sampleRecord(event.ConnectTarget{}, how{"", true, inSession, event.TargetUnreachable})), map[string]any{
			"type_uid": 400704, "action_id": 1, "status_id": 2, "status_code": "TargetUnreachable", "dst_endpoint.hostname": "web1.internal", "dst_endpoint.port": 22}},
		{"end", string(sampleRecord(event.EndSession{}, within)), map[string]any{"type_uid": 400702, "traffic.bytes": 14, "duration": 7, "message": "the cause"}},
		{"decision", string(sampleRecord(event.AuthorizeSecurityGroupIngress{}, refused)), map[string]any{
			"type_uid": 300301, "privileges.0": "ec2-user@web1", "actor.authorizations.0.policy.name": "one", "actor.authorizations.0.decision": "denied", "severity_id": 2}},
		{"login", string(sampleRecord(event.Login{}, full)), map[string]any{"type_uid": 300201, "auth_protocol_id": 99, "auth_protocol": "SSH publickey+totp", "is_mfa": true, "user.credential_uid": "SHA256:AbCd"}},
		{"failed login", string(sampleRecord(event.Login{}, how{"", true, nil, event.AuthenticationFailed})), map[string]any{"type_uid": 300201, "status_id": 2, "severity_id": 3}},
		{"wrong code", strings.Replace(string(sampleRecord(event.CheckMfa{}, full)), `"CheckMfa":"Success"`, `"CheckMfa":"Failure"`, 1), map[string]any{"type_uid": 300206, "status_id": 2, "is_mfa": false}},
		{"command", string(sampleRecord(event.ExecuteCommand{}, within)), map[string]any{"type_uid": 100701, "process.cmd_line": "id", "process.uid": "s-1/7", "process.user.name": "ec2-user", "device.name": "web1"}},
		{"end of a command", string(sampleRecord(event.CloseChannel{}, within)), map[string]any{"type_uid": 100702, "exit_code": 7}},
		{"tunnel", string(sampleRecord(event.OpenTunnel{}, within)), map[string]any{"type_uid": 401401, "dst_endpoint.ip": "192.0.2.77", "dst_endpoint.port": 7, "proxy.name": "web1"}},
		{"mfa", string(sampleRecord(event.EnableMFADevice{}, full)), map[string]any{"type_uid": 300110, "user.name": "bob"}},
		{"role", string(sampleRecord(event.DeleteRole{}, full)), map[string]any{"type_uid": 300404, "entity.group.name": "ops", "entity.type_id": 3}},
		{"lock of an identity", string(sampleRecord(event.CreateLock{}, full)), map[string]any{"type_uid": 300109, "user.name": "the identity"}},
		{"lock of a source", string(sampleRecord(event.CreateLock{Effect: "throttle", Source: "10.0.0.0/8", ID: "l"}, ways[2])), map[string]any{"type_uid": 300401, "entity.name": "l"}},
		{"alarm", string(sampleRecord(event.SetAlarmState{}, full)), map[string]any{"type_uid": 200401, "severity_id": 4, "finding_info.uid": "alarm-1", "finding_info.related_events.1.uid": "two"}},
		{"step", string(sampleRecord(event.ExecuteStep{}, full)), map[string]any{"type_uid": 700101, "command_uid": "run-1/the step"}},
		{"query", string(sampleRecord(event.StartQuery{}, full)), map[string]any{"type_uid": 600504, "query_info.query_string": "SELECT * FROM CloudTrailLogs"}},
		{"gap", string(sampleRecord(event.DetectGap{}, full)), map[string]any{"type_uid": 100899, "severity_id": 4}},
		{"flood", string(sampleRecord(event.CollapseEvents{}, full)), map[string]any{"type_uid": 300201, "count": 7, "status_id": 2, "status_detail": "the reason"}},
		{"read a file", file0("GetFile", `"path":"/etc/passwd"`), map[string]any{"type_uid": 100102, "file.name": "passwd", "file.parent_folder": "/etc", "device.name": "web1"}},
		{"rename a file", file0("RenameFile", `"path":"a","newPath":"b"`), map[string]any{"type_uid": 100105, "file.name": "a", "file_result.name": "b"}},
		{"AWS login", samples["console login"], map[string]any{"type_uid": 300201, "is_mfa": true, "metadata.product.name": "CloudTrail", "metadata.product.vendor_name": "AWS",
			"dst_endpoint.svc_name": "https://console.example", "http_request.user_agent": "Mozilla/5.0", "unmapped.tlsDetails\\.tlsVersion": "TLSv1.3"}},
		{"AWS login failed", samples["failed console login"], map[string]any{"status_id": 2, "status_detail": "No username found in supplied account", "is_mfa": false}},
		{"AWS role", samples["assume role by a service"], map[string]any{"type_uid": 300203, "actor.invoked_by": "rds.amazonaws.com", "src_endpoint.svc_name": "rds.amazonaws.com", "user.name": "Unknown"}},
		{"AWS user", samples["create user"], map[string]any{"type_uid": 300101, "user.name": "eve", "actor.user.type_id": 2, "actor.session.created_time": 1383354388000,
			"api.version": "2010-05-08", "unmapped.requestParameters\\.tags": `[{"key":"a","value":"b"}]`}},
		{"AWS call", samples["api call refused"], map[string]any{"type_uid": 600301, "status_code": "Client.UnauthorizedOperation", "api.response.error": "Client.UnauthorizedOperation",
			"unmapped.requestParameters\\.max": "12345678901234567890", "src_endpoint.svc_name": "AWS Internal", "unmapped.resources": `[{"ARNPrefix":"arn:"}]`}},
		{"aggregated", samples["aggregated"], map[string]any{"type_uid": 600399, "time": 1767225900000}},
		{"outside", samples["from outside, wrapped by Lake"], map[string]any{"type_uid": 600399, "metadata.uid": "h", "time": 1795165199000, "metadata.product.vendor_name": "github.audit",
			"actor.user.name": "ana@corp.example", "src_endpoint.ip": "2001:db8::1", "unmapped.UID": "u-1", "unmapped.eventData\\.eventTime": "2026-11-20 09:00:00.000"}},
		{"outside login", samples["a login from outside"], map[string]any{"type_uid": 300201, "status_id": 2, "user.name": "ana"}},
		{"lacks its target", samples["an event of ours that lies"], map[string]any{"type_uid": 600399, "metadata.correlation_uid": "s"}},
	} {
		var got map[string]any
		if err := json.Unmarshal(Append(nil, mustMap(t, c.rec)), &got); err != nil {
			t.Fatal(err)
		}
		for _, at := range slices.Sorted(maps.Keys(c.want)) {
			if have, want := fmt.Sprint(dig(got, at)), fmt.Sprint(c.want[at]); have != want {
				t.Errorf("%s: %s is %s, want %s", c.name, at, have, want)
			}
		}
		if errs := check(Append(nil, mustMap(t, c.rec))); errs != nil {
			t.Errorf("%s does not fit: %v", c.name, errs)
		}
	}
}

// file0 is a record of a file event inside a session.
func file0(name, request string) string {
	return `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"ana"},"eventTime":"2026-11-20T08:59:59Z","eventSource":"ssh.example","eventName":"` + name +
		`","requestParameters":{"sessionId":"s","target":"web1","login":"root",` + request + `},"responseElements":{"bytes":5,"sha256":"ab"},"eventID":"x","eventType":"ActivityLog","eventCategory":"Data"}`
}

// dig is the value at a dotted path; \. is a dot within a name.
func dig(v any, path string) any {
	for _, name := range strings.Split(strings.ReplaceAll(path, `\.`, "\x00"), ".") {
		name = strings.ReplaceAll(name, "\x00", ".")
		switch o := v.(type) {
		case map[string]any:
			v = o[name]
		case []any:
			v = nil
			if i := int(name[0] - '0'); i < len(o) {
				v = o[i]
			}
		default:
			return nil
		}
	}
	if f, ok := v.(float64); ok {
		return int64(f)
	}
	return v
}

// TestNothingIsLost: every text, number and boolean of a record is somewhere in
// its event.
func TestNothingIsLost(t *testing.T) {
	all := maps.Clone(samples)
	for _, e := range event.All() {
		for _, h := range ways[:2] {
			all[event.Name(e)+", "+h.name] = string(sampleRecord(e, h))
		}
	}
	for name, text := range all {
		var rec any
		d := json.NewDecoder(strings.NewReader(text))
		d.UseNumber()
		if err := d.Decode(&rec); err != nil {
			t.Fatal(err)
		}
		mapped := string(Append(nil, mustMap(t, text)))
		have, _ := json.Marshal(mapped) // lists are JSON text within JSON text
		var look func(path string, v any)
		look = func(path string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for name, v := range v {
					look(path+"."+name, v)
				}
			case []any:
				for _, v := range v {
					look(path+"[]", v)
				}
			case string:
				s, _ := json.Marshal(v)
				if in := strings.Trim(string(s), `"`); !strings.Contains(mapped, in) && !strings.Contains(string(have), in) && !becomes[path] {
					t.Errorf("%s: %s %q is not in %s", name, path, v, mapped)
				}
			case json.Number:
				if !strings.Contains(mapped, string(v)) {
					t.Errorf("%s: %s %s is not in %s", name, path, v, mapped)
				}
			}
		}
		look("", rec)
	}
}

// becomes are texts that another form stands for.
var becomes = map[string]bool{
	".userIdentity.sessionContext.attributes.creationDate": true, ".userIdentity.sessionContext.attributes.mfaAuthenticated": true,
	".additionalEventData.MFAAuthenticated": true, ".additionalEventData.MFAUsed": true, ".timeWindow.windowEnd": true,
	".requestParameters.first": true, ".requestParameters.last": true,
	".requestParameters.address": true, // host and port apart
}

func TestTheSameRecordIsTheSameEvent(t *testing.T) {
	for name, text := range samples {
		first := Append(nil, mustMap(t, text))
		for range 5 {
			if again := Append(nil, mustMap(t, text)); !bytes.Equal(first, again) {
				t.Errorf("%s differs:\n%s", name, cmp.Diff(string(first), string(again)))
			}
		}
	}
}

func TestRefusesWhatIsNoRecord(t *testing.T) {
	for _, text := range []string{"", "null", "[]", `"x"`, "{", `{}`, `{"eventTime":"yesterday"}`, `{"eventTime":"2026-11-20T08:59:59Z"} x`, `{"eventTime":7}`} {
		if e, err := Map([]byte(text)); err == nil {
			t.Errorf("Map(%s) = %v, want an error", text, e)
		}
	}
}

// TestLongNamesDoNotMultiply: a long name around many members is not repeated
// for each of them.
func TestLongNamesDoNotMultiply(t *testing.T) {
	inner := `"m0":0`
	for i := 1; i < 2000; i++ {
		inner += fmt.Sprintf(`,"m%d":%d`, i, i)
	}
	text := `{"eventTime":"2026-11-20T08:59:59Z","` + strings.Repeat("n", 50_000) + `":{` + inner + `}}`
	if out := Append(nil, mustMap(t, text)); len(out) > 3*len(text) {
		t.Errorf("%d bytes became %d", len(text), len(out))
	}
}

func FuzzMap(f *testing.F) {
	for _, text := range samples {
		f.Add([]byte(text))
	}
	for _, e := range event.All() {
		f.Add(sampleRecord(e, ways[1]))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := Map(text)
		if err != nil {
			return
		}
		if errs := check(Append(nil, e)); errs != nil {
			t.Errorf("%s: %v", text, errs)
		}
	})
}

func BenchmarkMap(b *testing.B) {
	rec := sampleRecord(event.StartSession{}, ways[1])
	b.SetBytes(int64(len(rec)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Transform(rec); err != nil {
			b.Fatal(err)
		}
	}
}
