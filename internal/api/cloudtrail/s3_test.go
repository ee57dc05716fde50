package cloudtrail

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/blob/fs"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// fill puts log files and a digest into the bucket, and what is not served.
func (w *world) fill(n int) (keys []string) {
	w.t.Helper()
	l := logfile.Layout{Prefix: w.Prefix, AccountID: account, Region: region, Name: "trailgate"}
	at := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	put := func(key string, meta map[string]string) {
		if err := w.Bucket.Put(w.t.Context(), key, []byte("\x1f\x8b"+key), meta); err != nil {
			w.t.Fatal(err)
		}
	}
	for i := range n {
		key := l.LogKey(at.Add(time.Duration(i)*5*time.Minute), fmt.Sprintf("abcdefghijklmno%c", 'A'+i%26))
		put(key, nil)
		keys = append(keys, key)
	}
	digest := l.DigestKey(at.Add(time.Hour), false)
	put(digest, map[string]string{"signature": "00ff", "signature-algorithm": "SHA256withRSA"})
	put("anchors/secret.json", nil)
	return append([]string{digest}, keys...)
}

// list asks for a page of keys.
func (w *world) list(query string) (out listing) {
	w.t.Helper()
	a := w.s3("files", "GET", "/"+bucket+query)
	if a.status != 200 {
		w.t.Fatalf("list %s: %d %s", query, a.status, a.body)
	}
	if err := xml.Unmarshal(a.body, &out); err != nil {
		w.t.Fatalf("list %s: %v\n%s", query, err, a.body)
	}
	return out
}

func (l listing) keys() (keys []string) {
	for _, c := range l.Contents {
		keys = append(keys, c.Key)
	}
	return keys
}

func TestLogFilesAreListedInBothVersions(t *testing.T) {
	w := newWorld(t)
	all := w.fill(5)
	logs, want := all[1:], all // "CloudTrail-Digest/" is before "CloudTrail/"
	for _, query := range []string{"?", "?list-type=2", "?prefix=AWSLogs%2F", "?prefix=AWS", "?encoding-type=url&prefix="} {
		if diff := cmp.Diff(want, w.list(query).keys()); diff != "" {
			t.Errorf("list %s (-want +got):\n%s", query, diff)
		}
	}
	// Page by page: version 1 goes on after a marker, version 2 with a token.
	for name, next := range map[string]func(listing) string{
		"1": func(l listing) string { return "?max-keys=2&marker=" + url.QueryEscape(l.NextMarker) },
		"2": func(l listing) string {
			return "?list-type=2&max-keys=2&continuation-token=" + url.QueryEscape(l.NextContinuationToken)
		},
	} {
		var got []string
		query := "?max-keys=2"
		if name == "2" {
			query = "?list-type=2&max-keys=2"
		}
		for pages := 0; pages < 9; pages++ {
			out := w.list(query)
			if got = append(got, out.keys()...); !out.IsTruncated {
				break
			}
			query = next(out)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of version %s (-want +got):\n%s", name, diff)
		}
	}
	after := w.list("?marker=" + url.QueryEscape(logs[2]) + "&prefix=" + url.QueryEscape("AWSLogs/"+account+"/CloudTrail/"))
	if diff := cmp.Diff(logs[3:], after.keys()); diff != "" {
		t.Errorf("after a marker (-want +got):\n%s", diff)
	}
	groups := w.list("?delimiter=%2F&prefix=AWSLogs%2F" + account + "%2F")
	if len(groups.Contents) != 0 || len(groups.CommonPrefixes) != 2 || groups.CommonPrefixes[0].Prefix != "AWSLogs/"+account+"/CloudTrail-Digest/" {
		t.Errorf("by folder: %+v", groups)
	}
	one := w.list("?delimiter=%2F&max-keys=1&prefix=AWSLogs%2F" + account + "%2F")
	two := w.list("?delimiter=%2F&max-keys=1&prefix=AWSLogs%2F" + account + "%2F&marker=" + url.QueryEscape(one.NextMarker))
	if !one.IsTruncated || two.IsTruncated || len(two.CommonPrefixes) != 1 || two.CommonPrefixes[0].Prefix != "AWSLogs/"+account+"/CloudTrail/" {
		t.Errorf("folders page by page: %+v, then %+v", one, two)
	}
	for _, query := range []string{"?max-keys=x", "?max-keys=-1", "?encoding-type=base64", "?list-type=2&continuation-token=x"} {
		if a := w.s3("files", "GET", "/"+bucket+query); a.status != 400 || a.code() != "InvalidArgument" {
			t.Errorf("list %s: %d %s", query, a.status, a.body)
		}
	}
	if rec := w.last(); rec.EventName != "ListObjects" || rec.ErrorCode != "InvalidArgument" || rec.UserIdentity.UserName != "files" {
		t.Errorf("the last list is recorded as %+v", rec)
	}
}

func TestObjectsAreServedAsTheyAre(t *testing.T) {
	w := newWorld(t)
	all := w.fill(1)
	digest, log := all[0], all[1]
	a := w.s3("files", "GET", "/"+bucket+"/"+digest)
	if a.status != 200 || string(a.body) != "\x1f\x8b"+digest || a.header.Get("Content-Encoding") != "" || a.header.Get("Last-Modified") != "Mon, 23 Nov 2026 13:00:00 GMT" || a.header.Get("ETag") == "" {
		t.Errorf("GetObject: %d %q %v", a.status, a.body, a.header)
	}
	if a.header.Get("X-Amz-Meta-Signature") != "00ff" || a.header.Get("X-Amz-Meta-Signature-Algorithm") != "SHA256withRSA" {
		t.Errorf("metadata: %v", a.header)
	}
	if rec := w.last(); rec.EventName != "GetObject" || string(rec.RequestParameters) != `{"bucketName":"`+bucket+`","key":"`+digest+`"}` {
		t.Errorf("GetObject is recorded as %s %s", rec.EventName, rec.RequestParameters)
	}
	h := w.s3("files", "HEAD", "/"+bucket+"/"+log)
	if h.status != 200 || len(h.body) != 0 || h.header.Get("Content-Length") != fmt.Sprint(len(log)+2) {
		t.Errorf("HeadObject: %d %v", h.status, h.header)
	}
	for path, code := range map[string]string{
		"/" + bucket + "/AWSLogs/none.json.gz":                     "NoSuchKey",
		"/" + bucket + "/anchors/secret.json":                      "NoSuchKey",
		"/" + bucket + "/AWSLogs/../anchors/secret.json":           "NoSuchKey",
		"/" + bucket + "/AWSLogs/..%2F..%2Fstate.db":               "NoSuchKey",
		"/" + bucket + "/" + digest + ".meta.json":                 "NoSuchKey",
		"/other-bucket/" + digest:                                  "NoSuchBucket",
		"/other-bucket":                                            "NoSuchBucket",
		"/other-bucket?location":                                   "NoSuchBucket",
		"/" + bucket + "/AWSLogs/" + strings.Repeat("x", 2000):     "NoSuchKey",
		"/" + bucket + "/" + strings.TrimPrefix(digest, "AWSLogs"): "NoSuchKey",
	} {
		if a := w.s3("files", "GET", path); a.status != 404 || a.code() != code {
			t.Errorf("GET %.100s: %d %s, want %s", path, a.status, a.body, code)
		}
	}
	for method, name := range map[string]string{"PUT": "PutObject", "DELETE": "DeleteObject"} {
		if a := w.s3("admin", method, "/"+bucket+"/"+log); a.status != 403 || a.code() != "AccessDenied" {
			t.Errorf("%s: %d %s", method, a.status, a.body)
		}
		if rec := w.last(); rec.EventName != name || rec.ErrorCode != "AccessDenied" {
			t.Errorf("%s is recorded as %s %s", method, rec.EventName, rec.ErrorCode)
		}
	}
	// With something to write, as it really comes.
	forged := []byte(`{"Records":[]}`)
	r := w.request("PUT", "/"+bucket+"/"+log, forged)
	sum := sha256.Sum256(forged)
	r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:]))
	w.sign(r, "admin", "s3", forged)
	if a := w.send(r); a.status != 403 || a.code() != "AccessDenied" {
		t.Errorf("PUT with a body: %d %s", a.status, a.body)
	}
	if rec := w.last(); rec.EventName != "PutObject" || rec.ErrorCode != "AccessDenied" {
		t.Errorf("PUT with a body is recorded as %s %s", rec.EventName, rec.ErrorCode)
	}
	if _, _, err := w.Bucket.Get(t.Context(), log); err != nil {
		t.Errorf("the log file, afterwards: %v", err)
	}
	for _, query := range []string{"?acl", "?versioning", "?versions", "?policy"} {
		if a := w.s3("files", "GET", "/"+bucket+query); a.status != 405 {
			t.Errorf("GET %s: %d %s", query, a.status, a.body)
		}
	}
}

func TestBucketsSayWhereTheyAre(t *testing.T) {
	w := newWorld(t)
	if a := w.s3("files", "GET", "/"+bucket+"?location"); a.status != 200 || !strings.Contains(string(a.body), "<LocationConstraint xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"></LocationConstraint>") {
		t.Errorf("us-east-1: %d %s", a.status, a.body)
	}
	if a := w.s3("files", "HEAD", "/"+bucket); a.status != 200 || a.header.Get("X-Amz-Bucket-Region") != region {
		t.Errorf("HeadBucket: %d %v", a.status, a.header)
	}
	// Elsewhere: clients ask us-east-1 where a bucket is, and sign for it then.
	w.stop()
	w.Options.Origin.Region = "eu-central-1"
	w.start()
	if a := w.s3("files", "GET", "/"+bucket+"?location"); a.status != 200 || !strings.Contains(string(a.body), ">eu-central-1</LocationConstraint>") {
		t.Errorf("eu-central-1: %d %s", a.status, a.body)
	}
	if a := w.s3("files", "GET", "/"+bucket); a.status != 400 || !strings.Contains(string(a.body), "<Region>eu-central-1</Region>") {
		t.Errorf("a request signed for another region: %d %s", a.status, a.body)
	}
}

func TestPrefixIsRespected(t *testing.T) {
	w := newWorld(t)
	w.stop()
	w.Options.Prefix = "audit/ssh"
	w.Options.Bucket = fs.Open(t.TempDir(), bucket)
	w.start()
	all := w.fill(2)
	if err := w.Bucket.Put(t.Context(), "AWSLogs/111122223333/CloudTrail/x.json.gz", []byte("x"), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(all, w.list("?prefix=audit").keys()); diff != "" || !strings.HasPrefix(all[0], "audit/ssh/AWSLogs/") {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	if a := w.s3("files", "GET", "/"+bucket+"/"+all[1]); a.status != 200 {
		t.Errorf("GetObject: %d %s", a.status, a.body)
	}
	if a := w.s3("files", "GET", "/"+bucket+"/AWSLogs/111122223333/CloudTrail/x.json.gz"); a.status != 404 {
		t.Errorf("what is not below the prefix: %d %s", a.status, a.body)
	}
	if a := w.call("admin", "DescribeTrails", "{}"); !strings.Contains(string(a.body), `"S3KeyPrefix":"audit/ssh"`) {
		t.Errorf("DescribeTrails: %s", a.body)
	}
}
