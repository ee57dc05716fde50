package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// ErrNoKeys says that a copy of a bucket cannot be checked with its own keys.
var ErrNoKeys = errors.New("a copy of a bucket has no keys one could believe")

// ErrNoCopy says that there are no digests where a copy of a bucket should be.
var ErrNoCopy = errors.New("no copy of a bucket")

// openCopy opens a bucket that holds nothing but log files and digests, and finds
// out whose they are.
func (v *trailVerifier) openCopy(ctx context.Context) error {
	if len(v.keys) == 0 {
		return ErrNoKeys
	}
	place := *v.o.Bucket
	if info, err := os.Stat(place.Dir); place.Dir != "" && (err != nil || !info.IsDir()) {
		return fmt.Errorf("%w: there is no directory %s", ErrNoCopy, place.Dir)
	}
	bucket, prefix, err := openPlace(ctx, place, bucketName(v.cfg))
	if err != nil {
		return err
	}
	v.bucket = bucket
	found, key, newest, err := findTrail(ctx, bucket, prefix)
	if err != nil {
		v.close()
		return fmt.Errorf("look for digests in %s: %w", place, err)
	}
	v.layout, v.asOf = found, newest
	v.bucket = named{bucket, digestBucket(ctx, bucket, key)}
	v.note("the newest file in the copy is of %s", newest.Format(time.RFC3339))
	return nil
}

// findTrail finds the one trail whose digests are in a bucket, one of them, and the
// time of its newest file: a copy is judged as of then.
func findTrail(ctx context.Context, b blob.Bucket, prefix string) (found logfile.Layout, digest string, newest time.Time, err error) {
	if prefix != "" {
		prefix += "/"
	}
	for o, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return found, "", newest, err
		}
		k, ok := logfile.ParseKey(o.Key)
		if !ok {
			continue
		}
		if k.Time.After(newest) {
			newest = k.Time
		}
		if k.Kind != logfile.KindDigest {
			continue
		}
		if digest != "" && k.Layout != found {
			return found, "", newest, fmt.Errorf("there are those of %s and of %s: name the folder above one of them", found.ARN(), k.ARN())
		}
		found, digest = k.Layout, o.Key
	}
	if digest == "" {
		return found, "", newest, fmt.Errorf("%w: there are none", ErrNoCopy)
	}
	return found, digest, newest, nil
}

// digestBucket is the bucket that a digest was written to: a copy may lie in
// another.
func digestBucket(ctx context.Context, b blob.Bucket, key string) string {
	body, _, err := b.Get(ctx, key)
	if err != nil {
		return b.Name()
	}
	text, err := logfile.Unpack(body)
	if err != nil {
		return b.Name()
	}
	var d struct {
		Bucket string `json:"digestS3Bucket"`
	}
	if err := json.Unmarshal(text, &d); err != nil || strings.TrimSpace(d.Bucket) == "" {
		return b.Name()
	}
	return d.Bucket
}

// named is a bucket by another name.
type named struct {
	blob.Bucket
	name string
}

// Name is the name that digests spell.
func (b named) Name() string { return b.name }

// Close gives back what the bucket holds.
func (b named) Close() error {
	if c, ok := b.Bucket.(interface{ Close() error }); ok {
		return c.Close()
	}
	return nil
}
