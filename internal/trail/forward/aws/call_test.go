package aws

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

func message(seq uint64, at time.Time, json string) forward.Message {
	return forward.Message{Seq: seq, EventID: fmt.Sprintf("e-%d", seq), Time: at, Appended: at, JSON: []byte(json)}
}

// one is a message that every service takes.
func one() forward.Message {
	return message(1, time.Now(), `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA"},"eventTime":"2026-11-20T09:00:00Z","eventSource":"ssh.example","eventName":"Login","eventID":"e-1"}`)
}

// everywhere runs a test against each service.
func everywhere(t *testing.T, test func(t *testing.T, f *far)) {
	for name, open := range map[string]func(testing.TB) *far{"CloudWatch": cloudWatchAt, "EventBridge": eventBridgeAt, "Lake": lakeAt} {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func mustSend(t *testing.T, s forward.Sink, m ...forward.Message) {
	t.Helper()
	if failed, err := s.Send(t.Context(), m); err != nil || len(failed) > 0 {
		t.Fatalf("Send = %v, %v", failed, err)
	}
}

// TestAWrongKeyIsSaid keeps the fake honest, too: it does verify signatures.
func TestAWrongKeyIsSaid(t *testing.T) {
	for name, c := range map[string]struct {
		creds sdk.Credentials
		want  string
	}{
		"secret":   {sdk.Credentials{AccessKeyID: credentials.AccessKeyID, SecretAccessKey: "wrong"}, "InvalidSignatureException"},
		"key":      {sdk.Credentials{AccessKeyID: "AKIAOTHER", SecretAccessKey: credentials.SecretAccessKey}, "UnrecognizedClientException"},
		"no keys":  {sdk.Credentials{}, "no AWS credentials"},
		"a token":  {sdk.Credentials{AccessKeyID: credentials.AccessKeyID, SecretAccessKey: credentials.SecretAccessKey, SessionToken: "old"}, "ExpiredTokenException"},
		"all good": {credentials, ""},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, c.creds)
			everywhere(t, func(t *testing.T, f *far) {
				_, err := f.Sink(t).Send(t.Context(), []forward.Message{one()})
				var whole *forward.BatchError
				if errors.As(err, &whole) && whole.Final {
					t.Errorf("the batch is blamed for it: %v", err)
				}
				if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
					t.Errorf("Send = %v, want %q", err, c.want)
				}
			})
		})
	}
}

// TestAKeyReplacedInItsFileIsRead: the sink lives longer than keys do.
func TestAKeyReplacedInItsFileIsRead(t *testing.T) {
	setenv(t, sdk.Credentials{})
	file := filepath.Join(t.TempDir(), "credentials")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	write := func(c sdk.Credentials) {
		text := fmt.Sprintf("[default]\naws_access_key_id=%s\naws_secret_access_key=%s\naws_session_token=%s\n", c.AccessKeyID, c.SecretAccessKey, c.SessionToken)
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	everywhere(t, func(t *testing.T, f *far) {
		f.creds = sdk.Credentials{AccessKeyID: "ASIAFIRST", SecretAccessKey: "s1", SessionToken: "t1"}
		write(f.creds)
		s := f.Sink(t)
		mustSend(t, s, one())
		f.creds = sdk.Credentials{AccessKeyID: "ASIANEXT", SecretAccessKey: "s2", SessionToken: "t2"} // the old token has expired
		write(f.creds)
		mustSend(t, s, one())
	})
}

// TestAClockThatIsOffIsCorrected: AWS's answer says what time it is.
func TestAClockThatIsOffIsCorrected(t *testing.T) {
	for _, off := range []time.Duration{-40 * time.Minute, 3 * time.Hour} {
		everywhere(t, func(t *testing.T, f *far) {
			real := f.now
			f.now = func() time.Time { return real().Add(off) } // ours
			s := f.Sink(t)
			f.now = real // AWS's
			mustSend(t, s, one())
			before := len(f.calls)
			mustSend(t, s, one())
			if got := len(f.calls) - before; got != 1 {
				t.Errorf("%d calls for the second batch, want 1: the right time is known", got)
			}
		})
	}
}

// answers is a server that always says the same.
func answers(t *testing.T, status int, header map[string]string, body string) *far {
	f := &far{amazon: &amazon{now: time.Now}}
	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range header {
			w.Header().Set(name, value)
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(f.Close)
	return f
}

func TestErrorsDecideWhatBecomesOfABatch(t *testing.T) {
	for _, c := range []struct {
		name   string
		status int
		header map[string]string
		body   string
		final  bool
		after  time.Duration
		want   string
	}{
		{"throttled", 400, nil, `{"__type":"ThrottlingException","message":"Rate exceeded"}`, false, 0, "ThrottlingException: Rate exceeded"},
		{"throttled, says how long", 429, map[string]string{"Retry-After": "7"}, ``, false, 7 * time.Second, "HTTP status 429"},
		{"a silly Retry-After", 503, map[string]string{"Retry-After": "99999999"}, ``, false, 10 * time.Minute, "HTTP status 503"},
		{"overloaded", 500, nil, `<html>`, false, 0, "HTTP status 500"},
		{"denied", 403, map[string]string{"X-Amzn-Errortype": "AccessDeniedException:http://x/"}, `{"Message":"no"}`, false, 0, "AccessDeniedException: no"},
		{"not there", 404, nil, `{"code":"ChannelNotFound"}`, false, 0, "ChannelNotFound"},
		{"malformed", 400, nil, `{"__type":"com.amazonaws.x#ValidationException","message":"bad"}`, true, 0, "ValidationException: bad"},
		{"too large", 413, nil, ``, true, 0, "HTTP status 413"},
		{"twice", 400, nil, `{"__type":"DuplicatedAuditEventId"}`, true, 0, "DuplicatedAuditEventId"},
		{"moved", 301, map[string]string{"Location": "https://elsewhere.example/"}, ``, false, 0, "HTTP status 301"},
		{"a server's fault by a client's name", 500, nil, `{"__type":"ValidationException"}`, false, 0, "ValidationException"},
	} {
		for name, open := range map[string]func(testing.TB) *far{"CloudWatch": cloudWatchAt, "EventBridge": eventBridgeAt, "Lake": lakeAt} {
			f := answers(t, c.status, c.header, c.body)
			f.open = open(t).open
			_, err := f.Sink(t).Send(t.Context(), []forward.Message{one()})
			var whole *forward.BatchError
			isBatch := errors.As(err, &whole)
			switch {
			case err == nil || !strings.Contains(err.Error(), c.want):
				t.Errorf("%s, %s: %v, want %s", name, c.name, err, c.want)
			case (isBatch && whole.Final) != c.final:
				t.Errorf("%s, %s: final %t, want %t", name, c.name, !c.final, c.final)
			case c.after != 0 && (!isBatch || whole.After != c.after):
				t.Errorf("%s, %s: %v does not say to wait %v", name, c.name, err, c.after)
			}
		}
	}
}

func TestWhatOpenRefuses(t *testing.T) {
	for name, open := range map[string]func(context.Context) (forward.Sink, error){
		"no region": func(ctx context.Context) (forward.Sink, error) { return NewEventBridge(ctx, EventBridge{}) },
		"no URL": func(ctx context.Context) (forward.Sink, error) {
			return NewCloudWatch(ctx, CloudWatch{Options: Options{Region: region, Endpoint: "vpce"}})
		},
		"no channel":    func(ctx context.Context) (forward.Sink, error) { return NewLake(ctx, Lake{Channel: "arn:aws:s3:::x"}) },
		"no such thing": func(ctx context.Context) (forward.Sink, error) { return NewLake(ctx, Lake{Channel: "01234567"}) },
	} {
		if s, err := open(t.Context()); err == nil {
			t.Errorf("%s: %v, want an error", name, s)
		}
	}
}

func TestWhereServicesAre(t *testing.T) {
	for _, c := range []struct{ region, endpoint, env, want string }{
		{"eu-west-1", "", "", "https://logs.eu-west-1.amazonaws.com"},
		{"cn-north-1", "", "", "https://logs.cn-north-1.amazonaws.com.cn"},
		{"eu-west-1", "", "http://localhost:5000", "http://localhost:5000"},
		{"eu-west-1", "https://vpce-1.logs.example/base/", "http://localhost:5000", "https://vpce-1.logs.example/base/"},
	} {
		t.Setenv("AWS_ENDPOINT_URL", c.env)
		cl, err := open(t.Context(), "logs", Options{Region: c.region, Endpoint: c.endpoint})
		if err != nil {
			t.Fatal(err)
		}
		if got := cl.base.String(); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
	}
}

// A wrong signature has AWS repeat what was signed: a session token is in it.
func TestNoTokenIsInAnError(t *testing.T) {
	body := `{"__type":"InvalidSignatureException","message":"The request signature we calculated does not match.\n\nThe Canonical String for this request should have been\n'POST\n/\n\nhost:x\nx-amz-security-token:FQoGZXIvYXdz'"}`
	err := failure(&http.Response{StatusCode: http.StatusForbidden, Header: http.Header{}}, []byte(body))
	if text := err.Error(); text != "InvalidSignatureException: The request signature we calculated does not match." {
		t.Errorf("the error says %q", text)
	}
}

func TestCutSplitsNoCharacter(t *testing.T) {
	for n := range 8 {
		got := cut("aüü€", n)
		if len(got) > n || strings.ToValidUTF8(got, "?") != got {
			t.Errorf("cut to %d: %q", n, got)
		}
	}
}
