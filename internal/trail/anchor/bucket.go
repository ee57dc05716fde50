package anchor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path"

	"github.com/trailgate/trailgate/internal/blob"
)

// Bucket keeps anchors as objects: in a directory elsewhere, or in S3, where they
// belong under object lock. It is a Writer and a Reader.
type Bucket struct {
	bucket blob.Bucket
	prefix string
	name   string
	trail  string
}

// NewBucket keeps anchors in a bucket, below prefix, which may be empty. name is the
// place's, for people; trail is the ARN of the trail whose anchors are read, all
// trails' if it is empty.
func NewBucket(b blob.Bucket, prefix, name, trail string) *Bucket {
	return &Bucket{b, prefix, name, trail}
}

// String names the place.
func (b *Bucket) String() string { return b.name }

func (b *Bucket) key(a Anchor) string { return path.Join(b.prefix, a.Name()) }

// Put keeps a. It replaces nothing.
func (b *Bucket) Put(ctx context.Context, a Anchor) error {
	if err := a.check(); err != nil {
		return fmt.Errorf("put anchor: %w", err)
	}
	c, ok := b.bucket.(blob.Creator)
	if !ok {
		return errors.New("put anchor: the bucket would replace what is there")
	}
	key := b.key(a)
	err := c.Create(ctx, key, a.Marshal(), nil)
	if errors.Is(err, blob.ErrExists) {
		var there []byte
		if there, _, err = b.bucket.Get(ctx, key); err == nil && !bytes.Equal(there, a.Marshal()) {
			err = fmt.Errorf("%w: %s", ErrConflict, key)
		}
	}
	if err != nil {
		return fmt.Errorf("put anchor: %w", err)
	}
	return nil
}

// Anchors are all that were ever put, also those that were hidden or replaced
// since where the bucket keeps what was.
func (b *Bucket) Anchors(ctx context.Context) ([]Anchor, error) {
	prefix := path.Join(b.prefix, "anchors") + "/"
	var texts []kept
	read := func(key string, body []byte, err error) error {
		if errors.Is(err, blob.ErrNotFound) {
			return nil // it went since it was listed
		}
		if err != nil {
			return fmt.Errorf("read anchors: %w", err)
		}
		if path.Ext(key) == ".json" {
			texts = append(texts, kept{key, body})
		}
		return nil
	}
	if h, ok := b.bucket.(blob.Historian); ok {
		err := eachVersion(ctx, h, prefix, read)
		if err == nil {
			return parseAll(texts, b.trail, b.key)
		}
		if !errors.Is(err, errors.ErrUnsupported) {
			return nil, err
		}
		texts = nil
	}
	for o, err := range b.bucket.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("read anchors: %w", err)
		}
		body, _, err := b.bucket.Get(ctx, o.Key)
		if err := read(o.Key, body, err); err != nil {
			return nil, err
		}
	}
	return parseAll(texts, b.trail, b.key)
}

// eachVersion reads all bodies that keys with the prefix ever had.
func eachVersion(ctx context.Context, h blob.Historian, prefix string, read func(key string, body []byte, err error) error) error {
	for v, err := range h.Versions(ctx, prefix) {
		if err != nil {
			return fmt.Errorf("read anchors: %w", err)
		}
		if v.Deleted {
			continue
		}
		body, _, err := h.GetVersion(ctx, v.Key, v.ID)
		if err := read(v.Key, body, err); err != nil {
			return err
		}
	}
	return nil
}
