package s3

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// The suite runs against a real server in make conformance; here is what a
// request looks like, for servers that know less than S3.

func environment(t *testing.T) {
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}

func TestPutAsksOnlyWhatEveryServerKnows(t *testing.T) {
	environment(t)
	var got *http.Request
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
	}))
	defer s.Close()
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	b, err := Open(t.Context(), Options{Bucket: "logs.example", Endpoint: s.URL, Lock: 24 * time.Hour, Now: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Put(t.Context(), "a/b.json.gz", []byte("body"), map[string]string{"signature": "0a"}); err != nil {
		t.Fatal(err)
	}
	if got.Method != http.MethodPut || got.URL.Path != "/logs.example/a/b.json.gz" || body != "body" {
		t.Errorf("%s %s with the body %q: want it path-style and as it is", got.Method, got.URL.Path, body)
	}
	for name, want := range map[string]string{
		"X-Amz-Meta-Signature": "0a", "X-Amz-Object-Lock-Mode": "COMPLIANCE", "X-Amz-Object-Lock-Retain-Until-Date": "2026-11-24T15:00:00Z",
		"Content-Md5": "hBotaJrYa9FhFEdFPCLG/A==", "X-Amz-Trailer": "", "Content-Encoding": "", "X-Amz-Sdk-Checksum-Algorithm": "",
	} {
		if h := got.Header.Get(name); h != want {
			t.Errorf("%s: %q, want %q", name, h, want)
		}
	}
	if !strings.Contains(got.Header.Get("Authorization"), "/us-east-1/s3/aws4_request") {
		t.Errorf("signed as %q, want us-east-1 where an endpoint names no region", got.Header.Get("Authorization"))
	}
}

func TestARegionMustBeKnown(t *testing.T) {
	environment(t)
	if _, err := Open(t.Context(), Options{Bucket: "logs"}); err == nil || !strings.Contains(err.Error(), "region=") {
		t.Errorf("Open without any region: %v, want what to do", err)
	}
	if _, err := Open(t.Context(), Options{Region: "us-east-1"}); err == nil {
		t.Error("Open takes a bucket without a name")
	}
}
