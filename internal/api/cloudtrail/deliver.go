package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Query results as files, signed as digests are, so that
// `aws cloudtrail verify-query-results` proves them (CloudTrail User Guide,
// "Validate saved query results"):
//
//	[prefix/]AWSLogs/ACCOUNT/CloudTrail-Lake/Query/YYYY/MM/DD/QUERYID/result_1.csv.gz
//	                                                                 result_sign.json
//
// They go to the trail's bucket only: Trailgate has the right to write there,
// and no other caller's.

const (
	delivered     = "SUCCESS"
	notDelivered  = "FAILED"
	notSigned     = "FAILED_SIGNING_FILE"
	queryDayShape = "2006/01/02"
)

// checkDelivery holds a DeliveryS3Uri to the trail's own place.
func (s *Server) checkDelivery(c *call, uri string) error {
	if uri == "" {
		return nil
	}
	m := s3URI.FindStringSubmatch(uri)
	if m == nil || len(uri) > 1024 {
		return refuse("InvalidS3BucketNameException", "%.200q is not s3://BUCKET/PREFIX", uri)
	}
	switch {
	case m[1] != s.Bucket.Name():
		return refuse("S3BucketDoesNotExistException", "Results are delivered to the trail's bucket only: s3://%s/%s", s.Bucket.Name(), s.Prefix)
	case strings.Trim(m[2], "/") != s.Prefix:
		return refuse("InvalidS3PrefixException", "Results are delivered below the trail's own prefix only: s3://%s/%s", s.Bucket.Name(), s.Prefix)
	case c.own:
		// Everybody who may read log files could read them.
		return refuse("InsufficientS3BucketPolicyException", "Results of one's own events are not delivered to the trail's bucket")
	}
	return nil
}

// deliver writes a result's files and says what came of it.
func (s *Server) deliver(ctx context.Context, a asked, names []string, cells [][]string) string {
	file, err := resultFile(names, cells)
	if err != nil {
		s.Log.Error("query result not delivered", "query", a.ID, "err", err)
		return notDelivered
	}
	dir := s.root() + s.Origin.AccountID + "/CloudTrail-Lake/Query/" + a.Created.UTC().Format(queryDayShape) + "/" + a.ID + "/"
	const name = "result_1.csv.gz"
	if err := s.Bucket.Put(ctx, dir+name, file, nil); err != nil {
		s.Log.Error("query result not delivered", "query", a.ID, "err", err)
		return notDelivered
	}
	sign, err := s.signFile(name, file)
	if err == nil {
		err = s.Bucket.Put(ctx, dir+"result_sign.json", sign, nil)
	}
	if err != nil {
		s.Log.Error("query result not signed", "query", a.ID, "err", err)
		return notSigned
	}
	return delivered
}

// resultFile is the rows as CSV, with a header, packed.
func resultFile(names []string, cells [][]string) ([]byte, error) {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	w := csv.NewWriter(z)
	if err := w.Write(names); err != nil {
		return nil, fmt.Errorf("write a result: %w", err)
	}
	if err := w.WriteAll(cells); err != nil { // flushes
		return nil, fmt.Errorf("write a result: %w", err)
	}
	if err := z.Close(); err != nil {
		return nil, fmt.Errorf("write a result: %w", err)
	}
	return b.Bytes(), nil
}

// signFile is result_sign.json. What is signed is the hashes of the files as
// they are, packed, with a blank between them.
func (s *Server) signFile(name string, file []byte) ([]byte, error) {
	sum := sha256.Sum256(file)
	hash := hex.EncodeToString(sum[:])
	now := s.Now().UTC()
	signature, fingerprint, err := s.Sign(now, []byte(hash))
	if err != nil {
		return nil, fmt.Errorf("sign a result: %w", err)
	}
	type one struct {
		Hash string `json:"fileHashValue"`
		Name string `json:"fileName"`
	}
	return json.Marshal(struct {
		Version            string `json:"version"`
		Region             string `json:"region"`
		Files              []one  `json:"files"`
		HashAlgorithm      string `json:"hashAlgorithm"`
		SignatureAlgorithm string `json:"signatureAlgorithm"`
		Complete           string `json:"queryCompleteTime"`
		Signature          string `json:"hashSignature"`
		Fingerprint        string `json:"publicKeyFingerprint"`
	}{"1.0", s.Origin.Region, []one{{hash, name}}, "SHA-256", "SHA256withRSA", now.Format(time.RFC3339), hex.EncodeToString(signature), fingerprint})
}
