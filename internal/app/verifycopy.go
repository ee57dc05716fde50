package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail/logfile"
)

// ErrNoKeys says that a copy of a bucket cannot be checked with its own keys.
var ErrNoKeys = errors.New("a copy of a bucket has no keys one could believe")

// openCopy opens a bucket that holds nothing but log files and digests, and finds
// out whose they are.
func (v *trailVerifier) openCopy(ctx context.Context) error {
	if len(v.keys) == 0 {
		return ErrNoKeys
	}
	place := *v.o.Bucket
	bucket, prefix, err := openPlace(ctx, place, bucketName(v.cfg))
	if err != nil {
		return err
	}
	v.bucket = bucket
	found, key, err := findTrail(ctx, bucket, prefix)
	if err != nil {
		v.close()
		return fmt.Errorf("look for digests in %s: %w", place, err)
	}
	v.layout = found
	v.bucket = named{bucket, digestBucket(ctx, bucket, key)}
	return nil
}

// findTrail finds the one trail whose digests are in a bucket, and one of them.
func findTrail(ctx context.Context, b blob.Bucket, prefix string) (logfile.Layout, string, error) {
	if prefix != "" {
		prefix += "/"
	}
	var found *logfile.Layout
	var newest string
	for o, err := range b.List(ctx, prefix, "") {
		if err != nil {
			return logfile.Layout{}, "", err
		}
		k, ok := logfile.ParseKey(o.Key)
		if !ok || k.Kind != logfile.KindDigest {
			continue
		}
		l := k.Layout
		if found != nil && *found != l {
			return l, "", fmt.Errorf("there are those of %s and of %s: name the folder above one of them", found.ARN(), l.ARN())
		}
		found, newest = &l, o.Key
	}
	if found == nil {
		return logfile.Layout{}, "", errors.New("there are none")
	}
	return *found, newest, nil
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
