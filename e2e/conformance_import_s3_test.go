//go:build conformance

package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailgate/trailgate/internal/blob/blobtest"
)

// TestConformanceImportS3 imports every real record from an S3 server that
// checks signatures: packed, in the layout of a trail, with what AWS says of its
// objects.
func TestConformanceImportS3(t *testing.T) {
	g := blobtest.StartGateway(t)
	g.Make("org-trail", false)
	n := 0
	for dir := range realRecords {
		err := fs.WalkDir(os.DirFS(filepath.Join(outsideData(), dir)), ".", func(name string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() || filepath.Ext(name) != ".json" {
				return err
			}
			text, err := os.ReadFile(filepath.Join(outsideData(), dir, name))
			if err != nil {
				return err
			}
			var packed bytes.Buffer
			z := gzip.NewWriter(&packed)
			if _, err := z.Write(text); err != nil {
				return err
			}
			if err := z.Close(); err != nil {
				return err
			}
			n++
			key := fmt.Sprintf("pre/AWSLogs/111122223333/CloudTrail/us-east-1/2024/08/%02d/111122223333_CloudTrail_us-east-1_202408%02dT0000Z_%016d.json.gz", 1+n%3, 1+n%3, n)
			_, err = g.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("org-trail"), Key: &key, Body: bytes.NewReader(packed.Bytes()),
				ContentType: aws.String("application/json"), ContentEncoding: aws.String("gzip")})
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	key := "pre/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2024/08/01/111122223333_CloudTrail-Digest_us-east-1_t_us-east-1_20240801T100000Z.json.gz"
	if _, err := g.Client().PutObject(t.Context(), &s3.PutObjectInput{Bucket: aws.String("org-trail"), Key: &key, Body: bytes.NewReader([]byte("digest"))}); err != nil {
		t.Fatal(err)
	}
	i := newImports(t)
	if c := i.run("s3://org-trail/pre", "--region", "us-east-1", "--endpoint", g.Endpoint); c.New != 3210 || c.Read != 3210 || c.Skipped != 1 || c.Files != int64(n) {
		t.Errorf("%+v, want 3210 new of %d files", c, n)
	}
	source := "s3://org-trail/pre?region=us-east-1&endpoint=" + url.QueryEscape(g.Endpoint)
	if c := i.run(source); c.New != 0 || c.Duplicate != 3210 || c.Known != int64(n) {
		t.Errorf("again: %+v", c)
	}
	if c := i.run(source, "--since", "2024-08-02"); c.Files >= int64(n) || c.New != 0 || c.Duplicate != c.Read {
		t.Errorf("since the second day: %+v", c)
	}
	i.check(3210)
}
