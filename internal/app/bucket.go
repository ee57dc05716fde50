package app

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/blob/fs"
	"github.com/trailgate/trailgate/internal/blob/s3"
	"github.com/trailgate/trailgate/internal/config"
)

// TrailDir is where a trail's log files are unless blob.url says otherwise, and
// where their delivery keeps its state in any case.
func TrailDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "trail") }

// bucketName is the bucket of a trail whose log files are on disk, as digests
// spell it.
func bucketName(cfg config.Config) string {
	return "trailgate-" + cfg.AccountID + "-" + cfg.Region
}

// OpenBucket opens the bucket that blob.url names. Log files and digests lie in it
// below prefix, which has no slashes around it and may be empty.
func OpenBucket(ctx context.Context, cfg config.Config) (b blob.Bucket, prefix string, err error) {
	place := config.Place{Dir: TrailDir(cfg)}
	if cfg.Blob.URL != "" {
		if place, err = config.ParsePlace(cfg.Blob.URL); err != nil {
			return nil, "", fmt.Errorf("blob.url: %w", err)
		}
	}
	return openPlace(ctx, place, bucketName(cfg))
}

// openPlace opens a place. name is what a directory is called as a bucket.
func openPlace(ctx context.Context, p config.Place, name string) (blob.Bucket, string, error) {
	if p.Dir != "" {
		return fs.Open(p.Dir, name), "", nil
	}
	b, err := s3.Open(ctx, s3.Options{Bucket: p.Bucket, Region: p.Region, Endpoint: p.Endpoint, Lock: p.Lock})
	if err != nil {
		return nil, "", err
	}
	return b, p.Prefix, nil
}
