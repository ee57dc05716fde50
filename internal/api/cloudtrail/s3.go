package cloudtrail

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// As much of S3 as `aws cloudtrail validate-logs`, `aws s3 cp` and other
// readers of log files use: GetBucketLocation, HeadBucket, ListObjects in both
// versions, GetObject and HeadObject, on the trail's log files and digests and
// nothing else of the bucket. Whatever writes is refused.

// s3Request is a request of S3.
type s3Request struct {
	bucket, key string
	query       url.Values
	write       func(http.ResponseWriter, *http.Request) // the answer, once it was served
}

// s3Op is one of its operations.
type s3Op struct {
	*s3Request
	name    string
	what    event.Event
	perform func(ctx context.Context, c *call) error
}

func (o *s3Op) event() event.Event { return o.what }

func (o *s3Op) serve(ctx context.Context, c *call) (any, error) { return nil, o.perform(ctx, c) }

// serveS3 serves what is not the API.
func (s *Server) serveS3(w http.ResponseWriter, r *http.Request, c *call) {
	ctx, cancel := context.WithTimeout(r.Context(), serveLimit)
	defer cancel()
	if err := c.prove(ctx, w, r); err != nil {
		failS3(w, c, answerOf(err))
		return
	}
	op := s.s3Operation(r, c)
	if op == nil {
		failS3(w, c, &apiError{http.StatusMethodNotAllowed, "MethodNotAllowed", "The specified method is not allowed against this resource."})
		return
	}
	if _, err := c.run(ctx, op.name, operation{needs: files}, op, nil); err != nil {
		failS3(w, c, answerOf(err))
		return
	}
	op.write(w, r)
}

// s3Operation finds out what is asked; nil for what this is not.
func (s *Server) s3Operation(r *http.Request, c *call) *s3Op {
	in := &s3Request{query: c.claim.Query}
	path := strings.TrimPrefix(r.URL.Path, "/")
	if host, _, _ := strings.Cut(r.Host, ":"); strings.HasPrefix(host, s.Bucket.Name()+".") {
		in.bucket, in.key = s.Bucket.Name(), path // BUCKET.HOST, where the name resolves
	} else {
		in.bucket, in.key, _ = strings.Cut(path, "/")
	}
	op := &s3Op{s3Request: in}
	read := r.Method == http.MethodGet || r.Method == http.MethodHead
	switch {
	case in.bucket == "":
		return nil
	case in.key != "" && r.Method == http.MethodPut:
		op.name, op.what, op.perform = "s3:PutObject", event.PutObject{Bucket: in.bucket, Key: in.key}, in.readOnly
	case in.key != "" && r.Method == http.MethodDelete:
		op.name, op.what, op.perform = "s3:DeleteObject", event.DeleteObject{Bucket: in.bucket, Key: in.key}, in.readOnly
	case in.key != "" && r.Method == http.MethodHead:
		op.name, op.what, op.perform = "s3:GetObject", event.HeadObject{Bucket: in.bucket, Key: in.key}, in.getObject
	case in.key != "" && r.Method == http.MethodGet && !strange(in.query):
		op.name, op.what, op.perform = "s3:GetObject", event.GetObject{Bucket: in.bucket, Key: in.key}, in.getObject
	case in.key != "" || !read:
		return nil
	case in.query.Has("location"):
		op.name, op.what, op.perform = "s3:GetBucketLocation", event.GetBucketLocation{Bucket: in.bucket}, in.getLocation
	case r.Method == http.MethodHead:
		op.name, op.what, op.perform = "s3:ListBucket", event.HeadBucket{Bucket: in.bucket}, in.headBucket
	case !strange(in.query):
		marker := in.query.Get("marker") + in.query.Get("start-after") + in.query.Get("continuation-token")
		op.name, op.what, op.perform = "s3:ListBucket", event.ListObjects{Bucket: in.bucket, Prefix: in.query.Get("prefix"), Marker: marker}, in.listObjects
	default:
		return nil
	}
	return op
}

// strange says whether a query asks for something that is none of the
// operations here: ?acl, ?versions, ?tagging, …
func strange(q url.Values) bool {
	for name := range q {
		switch name {
		case "prefix", "marker", "max-keys", "delimiter", "encoding-type", "list-type", "start-after", "continuation-token", "fetch-owner", "x-id":
		default:
			return true
		}
	}
	return false
}

func (in *s3Request) readOnly(context.Context, *call) error {
	return &apiError{http.StatusForbidden, "AccessDenied", "Access Denied: this bucket is read only"}
}

// inBucket refuses other buckets than the trail's.
func (in *s3Request) inBucket(c *call) error {
	if in.bucket != c.s.Bucket.Name() {
		return &apiError{http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist"}
	}
	return nil
}

// root is what the keys begin with that are served.
func (s *Server) root() string {
	if s.Prefix == "" {
		return "AWSLogs/"
	}
	return s.Prefix + "/AWSLogs/"
}

func (in *s3Request) getLocation(_ context.Context, c *call) error {
	region := c.s.Origin.Region
	if region == "us-east-1" {
		region = "" // S3's way of saying so
	}
	in.write = writeXML(struct {
		XMLName xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ LocationConstraint"`
		Region  string   `xml:",chardata"`
	}{Region: region})
	return in.inBucket(c)
}

func (in *s3Request) headBucket(_ context.Context, c *call) error {
	in.write = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Amz-Bucket-Region", c.s.Origin.Region)
	}
	return in.inBucket(c)
}

// getObject reads an object whole, as it is: no Content-Encoding, because a
// client that honours one would unpack what it is to verify.
func (in *s3Request) getObject(ctx context.Context, c *call) error {
	if err := in.inBucket(c); err != nil {
		return err
	}
	missing := &apiError{http.StatusNotFound, "NoSuchKey", "The specified key does not exist."}
	if !strings.HasPrefix(in.key, c.s.root()) || blob.CheckKey(in.key) != nil {
		return missing
	}
	body, meta, err := c.s.Bucket.Get(ctx, in.key)
	if errors.Is(err, blob.ErrNotFound) {
		return missing
	}
	if errors.Is(err, blob.ErrDamaged) {
		// AWS's tools call an object they cannot get invalid, and go on.
		c.s.Log.Error("an object of the trail is damaged", "key", in.key, "err", err)
		return &apiError{http.StatusNotFound, "NoSuchKey", "The object is damaged: it cannot be read as it was written."}
	}
	if err != nil {
		return fmt.Errorf("read object %q: %w", in.key, err)
	}
	in.write = func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		for name, value := range meta {
			// In small letters, as S3 writes them: botocore keeps the case, and the
			// AWS CLI asks for "signature".
			h["x-amz-meta-"+name] = []string{value}
		}
		sum := md5.Sum(body) // what S3's ETag is; nothing relies on it
		h.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		h.Set("Content-Type", "application/x-gzip")
		if !strings.HasSuffix(in.key, ".gz") {
			h.Set("Content-Type", "application/json")
		}
		var modified time.Time
		if k, ok := logfile.ParseKey(in.key); ok {
			modified = k.Time // of delivery: nothing changes a file later
		}
		http.ServeContent(w, r, "", modified, bytes.NewReader(body))
	}
	return nil
}

const (
	maxKeys  = 1000
	s3Layout = "2006-01-02T15:04:05.000Z"
)

// listing is the answer of both versions of ListObjects.
type listing struct {
	XMLName               xml.Name `xml:"http://s3.amazonaws.com/doc/2006-03-01/ ListBucketResult"`
	Name                  string
	Prefix                string
	Marker                *string `xml:",omitempty"`
	NextMarker            string  `xml:",omitempty"`
	StartAfter            string  `xml:",omitempty"`
	ContinuationToken     string  `xml:",omitempty"`
	NextContinuationToken string  `xml:",omitempty"`
	KeyCount              *int    `xml:",omitempty"`
	MaxKeys               int
	Delimiter             string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	IsTruncated           bool
	Contents              []content
	CommonPrefixes        []commonPrefix
}

type content struct {
	Key          string
	LastModified string
	ETag         string `xml:",omitempty"`
	Size         int64
	StorageClass string
}

type commonPrefix struct{ Prefix string }

func (in *s3Request) listObjects(ctx context.Context, c *call) error {
	if err := in.inBucket(c); err != nil {
		return err
	}
	q, most := in.query, maxKeys
	if text := q.Get("max-keys"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			return &apiError{http.StatusBadRequest, "InvalidArgument", "Provided max-keys not an integer or within integer range"}
		}
		most = min(n, maxKeys)
	}
	if e := q.Get("encoding-type"); e != "" && e != "url" {
		return &apiError{http.StatusBadRequest, "InvalidArgument", "Invalid Encoding Method specified in Request"}
	}
	second := q.Get("list-type") == "2"
	after := q.Get("marker")
	if second {
		after = q.Get("start-after")
		if token := q.Get("continuation-token"); token != "" {
			key, err := c.s.Tokens.Open(pageOf("list "+in.bucket), token)
			if err != nil {
				return &apiError{http.StatusBadRequest, "InvalidArgument", "The continuation token provided is incorrect"}
			}
			after = key
		}
	}
	out := listing{Name: in.bucket, Prefix: q.Get("prefix"), Delimiter: q.Get("delimiter"), MaxKeys: most}
	last, err := in.list(ctx, c, &out, after, most)
	if err != nil {
		return err
	}
	if second {
		n := len(out.Contents) + len(out.CommonPrefixes)
		out.KeyCount, out.StartAfter, out.ContinuationToken = &n, q.Get("start-after"), q.Get("continuation-token")
		if out.IsTruncated {
			out.NextContinuationToken = c.s.Tokens.Seal(pageOf("list "+in.bucket), last)
		}
	} else {
		marker := after
		out.Marker = &marker
		if out.IsTruncated {
			out.NextMarker = last
		}
	}
	if out.EncodingType = q.Get("encoding-type"); out.EncodingType != "" {
		out.encode()
	}
	in.write = writeXML(out)
	return nil
}

// list fills in keys and common prefixes after a key, and returns the last.
func (in *s3Request) list(ctx context.Context, c *call, out *listing, after string, most int) (last string, err error) {
	root := c.s.root()
	prefix := out.Prefix
	if strings.HasPrefix(root, prefix) {
		prefix = root
	} else if !strings.HasPrefix(prefix, root) {
		return "", nil
	}
	for o, err := range c.s.Bucket.List(ctx, prefix, after) {
		if err != nil {
			return "", fmt.Errorf("list bucket %q: %w", in.bucket, err)
		}
		group := ""
		if out.Delimiter != "" && len(o.Key) > len(out.Prefix) {
			if before, _, ok := strings.Cut(o.Key[len(out.Prefix):], out.Delimiter); ok {
				group = out.Prefix + before + out.Delimiter
			}
		}
		if group != "" && (strings.HasPrefix(after, group) || len(out.CommonPrefixes) > 0 && out.CommonPrefixes[len(out.CommonPrefixes)-1].Prefix == group) {
			continue // named already, here or on the page before
		}
		if len(out.Contents)+len(out.CommonPrefixes) == most {
			out.IsTruncated = most > 0
			return last, nil
		}
		if group != "" {
			last = group
			out.CommonPrefixes = append(out.CommonPrefixes, commonPrefix{group})
			continue
		}
		last = o.Key
		etag := ""
		if o.ETag != "" {
			etag = `"` + strings.Trim(o.ETag, `"`) + `"`
		}
		out.Contents = append(out.Contents, content{o.Key, o.Modified.UTC().Format(s3Layout), etag, o.Size, "STANDARD"})
	}
	return last, nil
}

// encode writes keys as clients asked for them.
func (l *listing) encode() {
	enc := func(s *string) { *s = strings.ReplaceAll(url.QueryEscape(*s), "%2F", "/") }
	for _, s := range []*string{&l.Prefix, &l.NextMarker, &l.StartAfter, &l.Delimiter, l.Marker} {
		if s != nil {
			enc(s)
		}
	}
	for i := range l.Contents {
		enc(&l.Contents[i].Key)
	}
	for i := range l.CommonPrefixes {
		enc(&l.CommonPrefixes[i].Prefix)
	}
}

// writeXML writes an answer.
func writeXML(v any) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/xml")
		body, err := xml.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("cloudtrail: an answer is not XML: %v", err))
		}
		body = append([]byte(xml.Header), body...)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // nobody is left to be told
	}
}

// failS3 writes an error as S3 does. The answer of HEAD has no body.
func failS3(w http.ResponseWriter, c *call, e *apiError) {
	code := e.code
	switch e.code { // what S3 calls them
	case "AccessDeniedException":
		code = "AccessDenied"
	case "ThrottlingException", "ServiceUnavailable":
		code = "SlowDown"
	case "InternalFailure":
		code = "InternalError"
	case "RequestEntityTooLargeException":
		code = "EntityTooLarge"
	}
	h := w.Header()
	h.Set("Content-Type", "application/xml")
	h.Set("X-Amz-Request-Id", c.requestID)
	status := e.status
	if code == "SlowDown" {
		status = http.StatusServiceUnavailable
	}
	body, err := xml.Marshal(struct {
		XMLName   xml.Name `xml:"Error"`
		Code      string
		Message   string
		Resource  string
		Region    string `xml:",omitempty"`
		RequestID string `xml:"RequestId"`
	}{Code: code, Message: e.text, Resource: c.path, Region: regionOf(code, c), RequestID: c.requestID})
	if err != nil {
		panic(fmt.Sprintf("cloudtrail: an error is not XML: %v", err))
	}
	body = append([]byte(xml.Header), body...)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	if c.method != http.MethodHead {
		_, _ = w.Write(body) // nobody is left to be told
	}
}

// regionOf tells a client that signed for another region which to sign for.
func regionOf(code string, c *call) string {
	if code == "AuthorizationHeaderMalformed" {
		return c.s.Origin.Region
	}
	return ""
}
