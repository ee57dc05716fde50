// Package s3 keeps a bucket in Amazon S3 or a server that speaks its protocol.
//
// Credentials come from where AWS's own tools take them: the environment, the
// shared files, the machine's role. Requests ask of a server only what every one
// offers: no checksum trailers, path-style addresses where an endpoint is given.
package s3

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/trailgate/trailgate/internal/blob"
)

// Options say which bucket.
type Options struct {
	Bucket   string
	Region   string           // "" is what the SDK finds; us-east-1 with an Endpoint
	Endpoint string           // URL of a server that is not AWS's; "" is AWS's
	Lock     time.Duration    // each object is locked against deleting and changing this long; 0 is not at all
	Now      func() time.Time // nil is time.Now
}

const (
	callTimeout = 2 * time.Minute // of one object, retries included
	maxObject   = 1 << 30
)

// Bucket is a bucket in S3. It implements blob.Bucket, blob.Creator and
// blob.Historian.
type Bucket struct {
	o      Options
	client *s3.Client
}

// Open prepares to speak to a bucket. It asks nothing of the server yet.
func Open(ctx context.Context, o Options) (*Bucket, error) {
	if o.Bucket == "" {
		return nil, errors.New("open S3 bucket: it has no name")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	load := []func(*config.LoadOptions) error{
		config.WithRequestChecksumCalculation(aws.RequestChecksumCalculationWhenRequired),
		config.WithResponseChecksumValidation(aws.ResponseChecksumValidationWhenRequired),
	}
	if o.Region != "" {
		load = append(load, config.WithRegion(o.Region))
	}
	cfg, err := config.LoadDefaultConfig(ctx, load...)
	if err != nil {
		return nil, fmt.Errorf("open S3 bucket %s: %w", o.Bucket, err)
	}
	if cfg.Region == "" {
		if o.Endpoint == "" {
			return nil, fmt.Errorf("open S3 bucket %s: no region is known: put ?region=… into its URL", o.Bucket)
		}
		cfg.Region = "us-east-1"
	}
	return &Bucket{o, s3.NewFromConfig(cfg, func(c *s3.Options) {
		if o.Endpoint != "" {
			c.BaseEndpoint = aws.String(o.Endpoint)
			c.UsePathStyle = true
		}
	})}, nil
}

// Name is the bucket as digests spell it.
func (b *Bucket) Name() string { return b.o.Bucket }

// String is where the bucket is.
func (b *Bucket) String() string { return "s3://" + b.o.Bucket }

// Put makes key hold body and meta.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, meta map[string]string) error {
	return b.put(ctx, key, body, meta, nil)
}

// Create is Put where nothing is, and blob.ErrExists where something is.
func (b *Bucket) Create(ctx context.Context, key string, body []byte, meta map[string]string) error {
	if err := blob.CheckKey(key); err != nil {
		return fmt.Errorf("put object %s: %w", key, err)
	}
	// A server that does not know conditions would replace what is there.
	switch _, err := b.head(ctx, key); {
	case err == nil:
		return fmt.Errorf("put object %s: %w", key, blob.ErrExists)
	case !errors.Is(err, blob.ErrNotFound):
		return fmt.Errorf("put object %s: %w", key, err)
	}
	return b.put(ctx, key, body, meta, aws.String("*"))
}

// put writes an object, unless one of the ETag unless is there.
func (b *Bucket) put(ctx context.Context, key string, body []byte, meta map[string]string, unless *string) error {
	if err := errors.Join(blob.CheckKey(key), blob.CheckMeta(meta), ctx.Err()); err != nil {
		return fmt.Errorf("put object %s: %w", key, err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	// Object lock demands a checksum; this one is the oldest, which every server knows.
	sum := md5.Sum(body)
	in := &s3.PutObjectInput{
		Bucket: &b.o.Bucket, Key: &key, Body: bytes.NewReader(body), Metadata: meta,
		ContentMD5: aws.String(base64.StdEncoding.EncodeToString(sum[:])), IfNoneMatch: unless,
	}
	if b.o.Lock > 0 {
		in.ObjectLockMode = types.ObjectLockModeCompliance
		in.ObjectLockRetainUntilDate = aws.Time(b.o.Now().Add(b.o.Lock))
	}
	_, err := b.client.PutObject(ctx, in)
	if b.o.Lock > 0 && isCode(err, "InvalidRequest", "ObjectLockConfigurationNotFoundError", "InvalidBucketObjectLockConfiguration", "NotImplemented", "InvalidBucketState") {
		return fmt.Errorf("put object %s: the bucket does not lock objects (%w): make one that does, with aws s3api create-bucket --object-lock-enabled-for-bucket, or take lock= out of its URL", key, err)
	}
	if err != nil {
		return fmt.Errorf("put object %s: %w", key, b.plain(err))
	}
	return nil
}

// head asks for an object's particulars.
func (b *Bucket) head(ctx context.Context, key string) (*s3.HeadObjectOutput, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := b.client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: &b.o.Bucket, Key: &key})
	return out, b.plain(err)
}

// Get reads an object as it was put.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, map[string]string, error) {
	return b.get(ctx, key, nil)
}

// GetVersion reads one of the bodies that a key has had.
func (b *Bucket) GetVersion(ctx context.Context, key, id string) ([]byte, map[string]string, error) {
	return b.get(ctx, key, &id)
}

func (b *Bucket) get(ctx context.Context, key string, version *string) ([]byte, map[string]string, error) {
	fail := func(err error) ([]byte, map[string]string, error) {
		return nil, nil, fmt.Errorf("get object %s: %w", key, b.plain(err))
	}
	if err := errors.Join(blob.CheckKey(key), ctx.Err()); err != nil {
		return fail(err)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := b.client.GetObject(ctx, &s3.GetObjectInput{Bucket: &b.o.Bucket, Key: &key, VersionId: version})
	if err != nil {
		return fail(err)
	}
	defer out.Body.Close()
	body, err := io.ReadAll(io.LimitReader(out.Body, maxObject+1))
	switch {
	case err != nil:
		return fail(err)
	case len(body) > maxObject:
		return fail(fmt.Errorf("%w: it has more bytes than an object may", blob.ErrDamaged))
	case out.ContentLength != nil && *out.ContentLength != int64(len(body)):
		return fail(fmt.Errorf("%d of %d bytes came", len(body), *out.ContentLength))
	}
	meta := out.Metadata
	if meta == nil {
		meta = map[string]string{}
	}
	return body, meta, nil
}

// List yields the objects with a prefix, after a key. Keys that CheckKey refuses,
// such as the folders that S3's console makes, are none.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		in := &s3.ListObjectsV2Input{Bucket: &b.o.Bucket, Prefix: &prefix}
		if after != "" {
			in.StartAfter = &after
		}
		pages := s3.NewListObjectsV2Paginator(b.client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if err != nil {
				yield(blob.Object{}, fmt.Errorf("list objects: %w", b.plain(err)))
				return
			}
			for _, o := range page.Contents {
				key := aws.ToString(o.Key)
				if blob.CheckKey(key) != nil {
					continue
				}
				if !yield(blob.Object{Key: key, Size: aws.ToInt64(o.Size), Modified: aws.ToTime(o.LastModified), ETag: aws.ToString(o.ETag)}, nil) {
					return
				}
			}
		}
	}
}

// Versions yields all versions of the objects with a prefix, and the marks that
// one was deleted.
func (b *Bucket) Versions(ctx context.Context, prefix string) iter.Seq2[blob.Version, error] {
	return func(yield func(blob.Version, error) bool) {
		pages := s3.NewListObjectVersionsPaginator(b.client, &s3.ListObjectVersionsInput{Bucket: &b.o.Bucket, Prefix: &prefix})
		for pages.HasMorePages() {
			page, err := pages.NextPage(ctx)
			if isCode(err, "NotImplemented") {
				err = errors.Join(err, errors.ErrUnsupported)
			}
			if err != nil {
				yield(blob.Version{}, fmt.Errorf("list versions of objects: %w", b.plain(err)))
				return
			}
			for _, v := range page.Versions {
				o := blob.Object{Key: aws.ToString(v.Key), Size: aws.ToInt64(v.Size), Modified: aws.ToTime(v.LastModified), ETag: aws.ToString(v.ETag)}
				if blob.CheckKey(o.Key) == nil && !yield(blob.Version{Object: o, ID: aws.ToString(v.VersionId), Current: aws.ToBool(v.IsLatest)}, nil) {
					return
				}
			}
			for _, d := range page.DeleteMarkers {
				o := blob.Object{Key: aws.ToString(d.Key), Modified: aws.ToTime(d.LastModified)}
				if blob.CheckKey(o.Key) == nil && !yield(blob.Version{Object: o, ID: aws.ToString(d.VersionId), Current: aws.ToBool(d.IsLatest), Deleted: true}, nil) {
					return
				}
			}
		}
	}
}

// Delete removes an object; where its lock still holds it is blob.ErrLocked.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	fail := func(err error) error { return fmt.Errorf("delete object %s: %w", key, err) }
	if err := errors.Join(blob.CheckKey(key), ctx.Err()); err != nil {
		return fail(err)
	}
	if b.o.Lock > 0 {
		// S3 would put a mark over a locked object and say that it is deleted.
		head, err := b.head(ctx, key)
		switch {
		case errors.Is(err, blob.ErrNotFound):
			return nil
		case err != nil:
			return fail(err)
		case aws.ToTime(head.ObjectLockRetainUntilDate).After(b.o.Now()):
			return fail(fmt.Errorf("%w until %s", blob.ErrLocked, head.ObjectLockRetainUntilDate.UTC().Format(time.RFC3339)))
		case head.ObjectLockLegalHoldStatus == types.ObjectLockLegalHoldStatusOn:
			return fail(fmt.Errorf("%w: it is on legal hold", blob.ErrLocked))
		}
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := b.client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &b.o.Bucket, Key: &key})
	if err = b.plain(err); err != nil && !errors.Is(err, blob.ErrNotFound) {
		return fail(err)
	}
	return nil
}

// plain is an error of the SDK as the seam has it, and with what to do.
func (b *Bucket) plain(err error) error {
	var status *awshttp.ResponseError
	code := 0
	if errors.As(err, &status) {
		code = status.HTTPStatusCode()
	}
	switch {
	case err == nil:
		return nil
	case isCode(err, "NoSuchBucket"):
		return fmt.Errorf("there is no bucket %s: %w", b.o.Bucket, err)
	case isCode(err, "NoSuchKey", "NotFound", "NoSuchVersion"), code == http.StatusNotFound:
		return fmt.Errorf("%w (%w)", blob.ErrNotFound, err)
	case isCode(err, "PreconditionFailed", "ConditionalRequestConflict"), code == http.StatusPreconditionFailed:
		return fmt.Errorf("%w (%w)", blob.ErrExists, err)
	case isCode(err, "ObjectLocked"):
		return fmt.Errorf("%w (%w)", blob.ErrLocked, err)
	}
	return err
}

// isCode reports whether a server answered with one of these error codes.
func isCode(err error, codes ...string) bool {
	var api interface{ ErrorCode() string }
	if !errors.As(err, &api) {
		return false
	}
	for _, c := range codes {
		if api.ErrorCode() == c {
			return true
		}
	}
	return false
}
