package logfile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/trail"
)

// Archive is a trail's log files and digests as retention sees them. It removes
// whole digests from the front of the chain, each after the log files it names;
// the tombstone in the trail says which digest was the last and what its hash
// is, so that the one after it has a previous one to name.
type Archive struct {
	Layout
	Bucket blob.Bucket
}

var _ trail.LogFiles = Archive{}

// Expired finds the digests of the time before: all their log files were
// delivered, and so all the events in these appended, before it. The newest
// digest stays whatever its age: the next one names it.
func (a Archive) Expired(ctx context.Context, before time.Time) (trail.Expired, error) {
	fail := func(err error) (trail.Expired, error) {
		return trail.Expired{}, fmt.Errorf("find expired log files: %w", err)
	}
	// next is x with the last digest read; aside counts what is behind that one
	// in the backfill chain.
	var x, next, aside trail.Expired
	var end time.Time
	for k, err := range a.digests(ctx) {
		if err != nil {
			return fail(err)
		}
		if !k.Backfill {
			x = next // another follows it
		}
		// The name of a log file has the minute of its delivery only.
		if k.Time.Add(time.Minute).After(before) {
			return x, nil
		}
		d, hash, err := a.read(ctx, k.name)
		if err != nil {
			return fail(err)
		}
		if d.NewestEventTime != nil {
			newest, err := time.Parse(timeLayout, *d.NewestEventTime)
			if err != nil {
				return fail(fmt.Errorf("digest %s: newestEventTime: %w", k.name, err))
			}
			if !newest.Before(before) {
				return x, nil
			}
		}
		aside.Digests++
		aside.LogFiles += len(d.LogFiles)
		if aside.FirstDigest == "" {
			aside.FirstDigest = k.name
		}
		if !k.Backfill {
			next.LastDigest, next.DigestHash, end = k.name, hash, k.Time
		}
		if !k.Backfill || k.Time.Equal(end) {
			next.FirstDigest = cmp.Or(next.FirstDigest, aside.FirstDigest)
			next.Digests += aside.Digests
			next.LogFiles += aside.LogFiles
			aside = trail.Expired{}
		}
	}
	return x, nil
}

// Remove removes the digests up to the last of x, and the log files they name.
func (a Archive) Remove(ctx context.Context, x trail.Expired) error {
	last, ok := ParseKey(x.LastDigest)
	if !ok || last.Kind != KindDigest || !last.Is(a.Layout) {
		return fmt.Errorf("remove expired log files: %q is not a digest of this trail", x.LastDigest)
	}
	for k, err := range a.digests(ctx) {
		if err == nil && k.Time.After(last.Time) {
			break
		}
		if err == nil {
			err = a.remove(ctx, k.name)
		}
		if err != nil {
			return fmt.Errorf("remove expired log files: %w", err)
		}
	}
	return nil
}

// remove removes the log files that a digest names, and then the digest.
func (a Archive) remove(ctx context.Context, digest string) error {
	d, _, err := a.read(ctx, digest)
	if errors.Is(err, blob.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, f := range d.LogFiles {
		k, ok := ParseKey(f.Object)
		if !ok || k.Kind != KindLog || !k.Is(a.Layout) || f.Bucket != a.Bucket.Name() {
			return fmt.Errorf("digest %s names %s/%s, which is not a log file of this trail", digest, f.Bucket, f.Object)
		}
		if err := a.Bucket.Delete(ctx, f.Object); err != nil {
			return fmt.Errorf("remove %s: %w", f.Object, err)
		}
	}
	if err := a.Bucket.Delete(ctx, digest); err != nil {
		return fmt.Errorf("remove %s: %w", digest, err)
	}
	return nil
}

// digestKey is the key of a digest, whole and taken apart.
type digestKey struct {
	Key
	name string
}

// digests yields the keys of this trail's digests by their end, those of the
// backfill chain behind the others of their time.
func (a Archive) digests(ctx context.Context) func(yield func(digestKey, error) bool) {
	return func(yield func(digestKey, error) bool) {
		for o, err := range a.Bucket.List(ctx, a.DigestPrefix(), "") {
			if err != nil {
				yield(digestKey{}, err)
				return
			}
			k, ok := ParseKey(o.Key)
			if ok && k.Kind == KindDigest && k.Is(a.Layout) && !yield(digestKey{k, o.Key}, nil) {
				return
			}
		}
	}
}

// read reads a digest and the hash of its text.
func (a Archive) read(ctx context.Context, key string) (Digest, string, error) {
	body, _, err := a.Bucket.Get(ctx, key)
	if err != nil {
		return Digest{}, "", fmt.Errorf("read digest %s: %w", key, err)
	}
	text, err := Unpack(body)
	if err != nil {
		return Digest{}, "", fmt.Errorf("read digest %s: %w", key, err)
	}
	d, err := ParseDigest(text)
	if err != nil {
		return Digest{}, "", fmt.Errorf("digest %s: %w", key, err)
	}
	return d, hexHash(text), nil
}
