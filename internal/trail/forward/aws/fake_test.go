package aws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

const region = "eu-west-1"

// credentials are the fake's only ones.
var credentials = sdk.Credentials{AccessKeyID: "AKIAEXAMPLE", SecretAccessKey: "secret/EXAMPLE+KEY"}

// environment makes these credentials all that the SDK can find.
func environment(c sdk.Credentials) map[string]string {
	return map[string]string{
		"AWS_ACCESS_KEY_ID": c.AccessKeyID, "AWS_SECRET_ACCESS_KEY": c.SecretAccessKey, "AWS_SESSION_TOKEN": c.SessionToken,
		"AWS_PROFILE": "", "AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "AWS_EC2_METADATA_DISABLED": "true", "AWS_ENDPOINT_URL": "", "AWS_CA_BUNDLE": "",
	}
}

func TestMain(m *testing.M) {
	for name, value := range environment(credentials) {
		os.Setenv(name, value)
	}
	os.Exit(m.Run())
}

// setenv changes what the SDK can find, for one test.
func setenv(t *testing.T, c sdk.Credentials) {
	t.Helper()
	for name, value := range environment(c) {
		t.Setenv(name, value)
	}
}

// amazon is AWS as far as the sinks speak to it. It refuses what AWS refuses:
// wrong signatures and times, batches beyond the limits.
type amazon struct {
	*httptest.Server
	service string
	now     func() time.Time
	creds   sdk.Credentials

	mu       sync.Mutex // guards below
	weather  forwardtest.Weather
	group    bool // of CloudWatch Logs, whether it is there
	stream   bool
	calls    []string // operations, in order
	bodies   [][]byte // of the batches that were taken
	receipts []forwardtest.Receipt
	twice    bool // throttling is 503 every other time
	picked   int  // for Flaky
}

func newAmazon(t testing.TB, service string) *amazon {
	a := &amazon{service: service, now: time.Now, creds: credentials, weather: forwardtest.Fine}
	a.Server = httptest.NewServer(a)
	t.Cleanup(func() {
		a.Set(forwardtest.Fine)
		a.Close()
	})
	return a
}

func (a *amazon) Set(w forwardtest.Weather) bool {
	if w == forwardtest.Impostor || w == forwardtest.Flaky && a.service == "logs" {
		return false // plain HTTP here; CloudWatch Logs takes a batch or not
	}
	a.mu.Lock()
	a.weather = w
	a.mu.Unlock()
	if w != forwardtest.Slow {
		a.CloseClientConnections() // those that wait for an answer
	}
	return true
}

func (a *amazon) Receipts() []forwardtest.Receipt {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.receipts)
}

// refuse answers with an error as this service's protocol has it.
func (a *amazon) refuse(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Date", a.now().UTC().Format(http.TimeFormat))
	if a.service == "cloudtrail-data" {
		w.Header().Set("X-Amzn-Errortype", code+":http://internal.amazon.com/coral/com.amazonaws/")
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"message":%q}`, message)
		return
	}
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"__type":"com.amazonaws.%s#%s","Message":%q}`, a.service, code, message)
}

func (a *amazon) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	a.mu.Lock()
	weather := a.weather
	a.twice = !a.twice
	twice := a.twice
	a.mu.Unlock()
	switch weather {
	case forwardtest.Down:
		panic(http.ErrAbortHandler)
	case forwardtest.Slow:
		<-r.Context().Done()
		return
	case forwardtest.Busy:
		if twice {
			a.refuse(w, http.StatusBadRequest, "ThrottlingException", "Rate exceeded")
		} else {
			http.Error(w, "Service Unavailable", http.StatusServiceUnavailable)
		}
		return
	case forwardtest.Denied:
		a.refuse(w, http.StatusForbidden, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/x is not authorized")
		return
	case forwardtest.Garbage:
		io.WriteString(w, "<html>welcome to this network</html>")
		return
	}
	if code, message := a.signature(r, body); code != "" {
		a.refuse(w, http.StatusForbidden, code, message)
		return
	}
	operation := r.Header.Get("X-Amz-Target")
	if operation == "" {
		operation = r.URL.Path
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.calls = append(a.calls, operation)
	switch operation {
	case "Logs_20140328.CreateLogGroup":
		a.group = true
	case "Logs_20140328.CreateLogStream":
		if !a.group {
			a.refuse(w, http.StatusBadRequest, "ResourceNotFoundException", "The specified log group does not exist.")
			return
		}
		a.stream = true
	case "Logs_20140328.PutLogEvents":
		a.putLogEvents(w, body)
	case "AWSEvents.PutEvents":
		a.putEvents(w, body)
	case "/PutAuditEvents":
		a.putAuditEvents(w, r, body)
	default:
		a.refuse(w, http.StatusBadRequest, "UnknownOperationException", operation)
	}
}

// signature verifies a signature by making it again with AWS's own signer.
func (a *amazon) signature(r *http.Request, body []byte) (code, message string) {
	auth := r.Header.Get("Authorization")
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil {
		return "IncompleteSignature", "no X-Amz-Date"
	}
	if token := r.Header.Get("X-Amz-Security-Token"); token != a.creds.SessionToken {
		return "ExpiredTokenException", "The security token included in the request is expired"
	}
	if !strings.Contains(auth, "Credential="+a.creds.AccessKeyID+"/") {
		return "UnrecognizedClientException", "The security token included in the request is invalid."
	}
	_, signed, _ := strings.Cut(auth, "SignedHeaders=")
	signed, _, _ = strings.Cut(signed, ",")
	again, err := http.NewRequest(r.Method, "http://"+r.Host+r.URL.String(), bytes.NewReader(body))
	if err != nil {
		return "InternalFailure", err.Error()
	}
	for _, name := range strings.Split(signed, ";") {
		if name != "host" && name != "content-length" {
			again.Header.Set(name, r.Header.Get(name))
		}
	}
	if !slices.Contains(strings.Split(signed, ";"), "content-length") {
		again.ContentLength = 0 // the signer would sign it
	}
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(context.Background(), a.creds, again, hex.EncodeToString(sum[:]), a.service, region, at); err != nil {
		return "InternalFailure", err.Error()
	}
	if again.Header.Get("Authorization") != auth {
		return "InvalidSignatureException", "The request signature we calculated does not match the signature you provided: " + auth
	}
	if d := a.now().Sub(at).Abs(); d > 15*time.Minute {
		return "InvalidSignatureException", "Signature expired: " + d.String()
	}
	return "", ""
}

// take notes a batch. The caller holds mu.
func (a *amazon) take(body []byte, records ...string) {
	a.bodies = append(a.bodies, body)
	for _, r := range records {
		var head struct{ EventID, UID string }
		_ = json.Unmarshal([]byte(r), &head)
		a.receipts = append(a.receipts, forwardtest.Receipt{EventID: head.EventID + head.UID, Body: []byte(r)})
	}
}

func poisoned(record string) bool {
	var head struct{ EventID, UID string }
	return json.Unmarshal([]byte(record), &head) == nil && forwardtest.Poisoned(head.EventID+head.UID)
}

func (a *amazon) putLogEvents(w http.ResponseWriter, body []byte) {
	if !a.stream {
		a.refuse(w, http.StatusBadRequest, "ResourceNotFoundException", "The specified log stream does not exist.")
		return
	}
	var in struct {
		LogGroupName, LogStreamName string
		LogEvents                   []struct {
			Timestamp int64
			Message   string
		}
	}
	invalid := func(message string) { a.refuse(w, http.StatusBadRequest, "InvalidParameterException", message) }
	if err := json.Unmarshal(body, &in); err != nil || len(in.LogEvents) == 0 || len(in.LogEvents) > 10_000 {
		invalid("1 validation error detected")
		return
	}
	size, last := 0, int64(0)
	now := a.now().UnixMilli()
	old, future := -1, -1
	var records []string
	for i, e := range in.LogEvents {
		size += len(e.Message) + 26
		switch {
		case e.Timestamp < last:
			invalid("Log events in a single PutLogEvents request must be in chronological order.")
			return
		case e.Timestamp-in.LogEvents[0].Timestamp > 24*3600*1000:
			invalid("The batch of log events in a single PutLogEvents request cannot span more than 24 hours.")
			return
		case a.weather == forwardtest.Picky && poisoned(e.Message):
			invalid("a character is invalid")
			return
		case e.Timestamp < now-14*24*3600*1000:
			old = i + 1
		case e.Timestamp > now+2*3600*1000 && future < 0:
			future = i
		case future < 0:
			records = append(records, e.Message)
		}
		last = e.Timestamp
	}
	if size > 1_048_576 {
		invalid("Upload too large")
		return
	}
	a.take(body, records...)
	rejected := map[string]int{}
	if old >= 0 {
		rejected["tooOldLogEventEndIndex"] = old
	}
	if future >= 0 {
		rejected["tooNewLogEventStartIndex"] = future
	}
	out := map[string]any{"nextSequenceToken": "1"}
	if len(rejected) > 0 {
		out["rejectedLogEventsInfo"] = rejected
	}
	json.NewEncoder(w).Encode(out)
}

func (a *amazon) putEvents(w http.ResponseWriter, body []byte) {
	var in struct {
		Entries []struct {
			Time                                     json.Number
			Source, DetailType, Detail, EventBusName string
		}
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.Entries) == 0 || len(in.Entries) > 10 {
		a.refuse(w, http.StatusBadRequest, "ValidationException", "1 validation error detected")
		return
	}
	size := 0
	for _, e := range in.Entries {
		size += 14 + len(e.Source) + len(e.DetailType) + len(e.Detail)
	}
	if size > 256<<10 {
		a.refuse(w, http.StatusBadRequest, "ValidationException", "Total size of the entries in the request is over the limit.")
		return
	}
	type answer struct{ EventId, ErrorCode, ErrorMessage string }
	out := struct {
		FailedEntryCount int
		Entries          []answer
	}{}
	for _, e := range in.Entries {
		a.picked++
		switch {
		case a.weather == forwardtest.Picky && poisoned(e.Detail):
			out.Entries = append(out.Entries, answer{ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed."})
		case a.weather == forwardtest.Flaky && a.picked%3 == 0:
			out.Entries = append(out.Entries, answer{ErrorCode: "InternalFailure", ErrorMessage: "The request processing has failed."})
		default:
			a.take(body, e.Detail)
			out.Entries = append(out.Entries, answer{EventId: fmt.Sprint(a.picked)})
			continue
		}
		out.FailedEntryCount++
	}
	json.NewEncoder(w).Encode(out)
}

func (a *amazon) putAuditEvents(w http.ResponseWriter, r *http.Request, body []byte) {
	var in struct {
		AuditEvents []struct{ ID, EventData, EventDataChecksum string }
	}
	if r.URL.Query().Get("channelArn") == "" {
		a.refuse(w, http.StatusBadRequest, "InvalidChannelARN", "no channel")
		return
	}
	if err := json.Unmarshal(body, &in); err != nil || len(in.AuditEvents) == 0 || len(in.AuditEvents) > 100 {
		a.refuse(w, http.StatusBadRequest, "ValidationError", "1 validation error detected")
		return
	}
	if len(body) > 1<<20 {
		a.refuse(w, http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException", "too large")
		return
	}
	seen := map[string]bool{}
	for _, e := range in.AuditEvents {
		if seen[e.ID] {
			a.refuse(w, http.StatusBadRequest, "DuplicatedAuditEventId", "Two or more entries in the request have the same event ID.")
			return
		}
		seen[e.ID] = true
	}
	type good struct {
		ID      string `json:"id"`
		EventID string `json:"eventID"`
	}
	type bad struct {
		ID      string `json:"id"`
		Code    string `json:"errorCode"`
		Message string `json:"errorMessage"`
	}
	out := struct {
		Successful []good `json:"successful"`
		Failed     []bad  `json:"failed"`
	}{[]good{}, []bad{}}
	for _, e := range in.AuditEvents {
		a.picked++
		sum := sha256.Sum256([]byte(e.EventData))
		code := auditProblem(e.EventData)
		switch {
		case e.EventDataChecksum != base64.StdEncoding.EncodeToString(sum[:]):
			code = "InvalidChecksum"
		case a.weather == forwardtest.Picky && poisoned(e.EventData):
			code = "InvalidData"
		case a.weather == forwardtest.Flaky && a.picked%3 == 0:
			code = "Throttling"
		}
		if code != "" {
			out.Failed = append(out.Failed, bad{e.ID, code, "no"})
			continue
		}
		a.take(body, e.EventData)
		out.Successful = append(out.Successful, good{e.ID, fmt.Sprint(a.picked)})
	}
	json.NewEncoder(w).Encode(out)
}

// auditProblem holds eventData to the integration event schema.
func auditProblem(text string) string {
	var e struct {
		Version, UserAgent, EventSource, EventName, EventTime, UID, ErrorCode, ErrorMessage, SourceIPAddress, RecipientAccountID string
		UserIdentity                                                                                                             struct {
			Type, PrincipalID string
			Details           json.RawMessage
		}
		RequestParameters, ResponseElements, AdditionalEventData json.RawMessage
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&e); err != nil {
		return "InvalidData"
	}
	for _, s := range []string{e.Version, e.EventSource, e.EventName, e.EventTime, e.UID, e.UserIdentity.Type, e.UserIdentity.PrincipalID} {
		if s == "" {
			return "FieldNotFound"
		}
	}
	if e.RecipientAccountID != "111122223333" {
		return "InvalidRecipient"
	}
	if len(e.ErrorCode) > 256 || len(e.ErrorMessage) > 256 || len(e.UserIdentity.Type) > 128 || len(e.RequestParameters) > 100_000 || len(e.ResponseElements) > 100_000 || len(e.AdditionalEventData) > 28_000 {
		return "FieldTooLong"
	}
	return ""
}

// failAfter is a connection that breaks after n requests.
type failAfter struct {
	http.RoundTripper
	count *int
	n     int
}

func (f failAfter) RoundTrip(r *http.Request) (*http.Response, error) {
	if *f.count++; *f.count > f.n {
		return nil, fmt.Errorf("the network is gone")
	}
	return f.RoundTripper.RoundTrip(r)
}
