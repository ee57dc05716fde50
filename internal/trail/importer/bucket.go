package importer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

// maxObject bounds an object, which is read as a whole. A log file has 50 MB
// before it is packed.
const maxObject = 256 << 20

// rediscover is how often a bucket that is followed is listed as a whole, for
// the first files of a new account or region. In between only the days that
// files arrive for are.
const rediscover = time.Hour

// Bucket is a source of the objects below a prefix of a bucket.
type Bucket struct {
	bucket blob.Bucket
	prefix string // ends in / or is empty
	now    func() time.Time

	folders map[string]bool // in which days lie: …/CloudTrail/us-east-1/
	listed  time.Time       // as a whole
}

// NewBucket makes a source of the objects of b below prefix.
func NewBucket(b blob.Bucket, prefix string) *Bucket {
	if prefix != "" {
		prefix = strings.TrimSuffix(prefix, "/") + "/"
	}
	return &Bucket{bucket: b, prefix: prefix, now: time.Now, folders: map[string]bool{}}
}

func (b *Bucket) String() string { return "s3://" + b.bucket.Name() }

// Every is how often to look for new files.
func (b *Bucket) Every() time.Duration { return 30 * time.Second }

// List lists the bucket.
func (b *Bucket) List(ctx context.Context, since time.Time, again bool) ([]File, map[string]int, error) {
	prefixes := []string{b.prefix}
	now := b.now().UTC()
	if again && len(b.folders) > 0 && now.Sub(b.listed) < rediscover {
		prefixes = nil
		for _, folder := range slices.Sorted(maps.Keys(b.folders)) {
			for days := -1; days <= 0; days++ { // files of yesterday may come late
				prefixes = append(prefixes, folder+now.AddDate(0, 0, days).Format("2006/01/02/"))
			}
		}
	} else {
		b.listed = now
	}
	var files []File
	skipped := map[string]int{}
	for _, prefix := range prefixes {
		for o, err := range b.bucket.List(ctx, prefix, "") {
			if err != nil {
				return nil, nil, fmt.Errorf("list %s: %w", b, err)
			}
			f := File{Name: o.Key, Size: o.Size, Modified: o.Modified, Tag: o.ETag, Day: dayOf(o.Key)}
			if dir := path.Dir(o.Key); f.Day != "" && strings.HasSuffix(dir, strings.ReplaceAll(f.Day, "-", "/")) {
				b.folders[strings.TrimSuffix(dir, strings.ReplaceAll(f.Day, "-", "/"))] = true
			}
			switch {
			case isDigest(f.Name):
				skipped[skipDigest]++
			case f.isBefore(since):
				skipped[skipOldFile]++
			default:
				files = append(files, f)
			}
		}
	}
	order(files)
	return files, skipped, nil
}

// Open reads an object.
func (b *Bucket) Open(ctx context.Context, f File) (io.ReadCloser, error) {
	if f.Size > maxObject {
		return nil, fmt.Errorf("its %d bytes are more than a log file has", f.Size)
	}
	body, _, err := b.bucket.Get(ctx, f.Name)
	if err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(body)), nil
}
