//go:build conformance

package s3

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
)

func open(t *testing.T, o Options) *Bucket {
	t.Helper()
	b, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestConformanceSuite runs the seam's suite against a server that checks
// signatures: in buckets that keep one version and in ones that lock objects.
func TestConformanceSuite(t *testing.T) {
	g := blobtest.StartGateway(t)
	for _, lock := range []bool{false, true} {
		t.Run(fmt.Sprintf("lock=%t", lock), func(t *testing.T) {
			var mu sync.Mutex // guards buckets
			buckets := map[*testing.T]string{}
			blobtest.Exercise(t, func(t *testing.T) blob.Bucket {
				mu.Lock()
				defer mu.Unlock()
				if buckets[t] == "" {
					buckets[t] = fmt.Sprintf("bucket-%t-%d", lock, len(buckets))
					g.Make(buckets[t], lock)
				}
				return open(t, Options{Bucket: buckets[t], Endpoint: g.Endpoint})
			})
		})
	}
}

func TestConformanceWrongSecretIsRefused(t *testing.T) {
	g := blobtest.StartGateway(t)
	g.Make("bucket", false)
	t.Setenv("AWS_SECRET_ACCESS_KEY", "another secret")
	b := open(t, Options{Bucket: "bucket", Endpoint: g.Endpoint})
	err := b.Put(t.Context(), "k", []byte("x"), nil)
	if err == nil || !strings.Contains(err.Error(), "SignatureDoesNotMatch") {
		t.Errorf("Put with a wrong secret: %v, want SignatureDoesNotMatch", err)
	}
}

func TestConformanceNoBucketIsSaid(t *testing.T) {
	g := blobtest.StartGateway(t)
	b := open(t, Options{Bucket: "nowhere", Endpoint: g.Endpoint})
	if _, _, err := b.Get(t.Context(), "k"); err == nil || errors.Is(err, blob.ErrNotFound) || !strings.Contains(err.Error(), "no bucket nowhere") {
		t.Errorf("Get of no bucket: %v, want it said, and not ErrNotFound", err)
	}
}

// TestConformanceLock: an object put with lock= cannot be deleted before its
// time, what replaces it replaces nothing, and all that was is read back.
func TestConformanceLock(t *testing.T) {
	g := blobtest.StartGateway(t)
	g.Make("locked", true)
	b := open(t, Options{Bucket: "locked", Endpoint: g.Endpoint, Lock: time.Hour})
	for _, body := range []string{"first", "second"} {
		if err := b.Put(t.Context(), "a/k", []byte(body), map[string]string{"n": body}); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Delete(t.Context(), "a/k"); !errors.Is(err, blob.ErrLocked) {
		t.Errorf("Delete: %v, want ErrLocked", err)
	}
	// Somebody with the credentials puts a mark over it, and cannot do more.
	if _, err := g.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("locked"), Key: aws.String("a/k")}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := b.Get(t.Context(), "a/k"); !errors.Is(err, blob.ErrNotFound) {
		t.Errorf("Get below a mark: %v, want ErrNotFound", err)
	}
	var bodies []string
	marks := 0
	for v, err := range b.Versions(t.Context(), "a/") {
		if err != nil {
			t.Fatal(err)
		}
		if v.Deleted {
			marks++
			continue
		}
		body, meta, err := b.GetVersion(t.Context(), v.Key, v.ID)
		if err != nil || meta["n"] != string(body) {
			t.Errorf("GetVersion = %q, %v, %v", body, meta, err)
		}
		bodies = append(bodies, string(body))
		if _, err := g.Client().DeleteObject(t.Context(), &s3.DeleteObjectInput{Bucket: aws.String("locked"), Key: &v.Key, VersionId: &v.ID}); err == nil {
			t.Errorf("the version %q could be deleted", body)
		}
	}
	if len(bodies) != 2 || marks != 1 {
		t.Errorf("the bucket has the versions %q and %d marks, want both and one", bodies, marks)
	}
}

func TestConformanceLockWhereNoneIs(t *testing.T) {
	g := blobtest.StartGateway(t)
	g.Make("plain", false)
	err := open(t, Options{Bucket: "plain", Endpoint: g.Endpoint, Lock: time.Hour}).Put(t.Context(), "k", []byte("x"), nil)
	if err == nil || !strings.Contains(err.Error(), "--object-lock-enabled-for-bucket") {
		t.Errorf("Put with a lock into a bucket without: %v, want what to do", err)
	}
}
