package logfile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

// listDigests finds the trail's digests. What lies among them and is none is a
// finding.
func (v *verifier) listDigests(ctx context.Context) error {
	for o, err := range v.o.Bucket.List(ctx, v.o.DigestPrefix(), "") {
		if err != nil {
			return err
		}
		k, ok := ParseKey(o.Key)
		if !ok || k.Kind != KindDigest {
			v.findf(o.Key, "this is not the name of a digest, and nothing else belongs here")
			continue
		}
		if !k.Is(v.o.Layout) {
			v.others = append(v.others, &heldDigest{key: o.Key, at: k})
			continue
		}
		if !v.o.From.IsZero() && k.Time.Before(v.o.From) || !v.o.To.IsZero() && k.Time.After(v.o.To) {
			continue
		}
		d := &heldDigest{key: o.Key, at: k}
		v.digests[o.Key] = d
		if k.Backfill {
			v.backfills = append(v.backfills, d)
		} else {
			v.chain = append(v.chain, d)
		}
	}
	return nil
}

func (v *verifier) readDigests(ctx context.Context) error {
	for _, chain := range [][]*heldDigest{v.chain, v.backfills} {
		for _, d := range chain {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := v.readDigest(ctx, d); err != nil {
				return err
			}
			v.step(len(v.digests) + len(v.logs))
		}
	}
	return v.readOthers(ctx)
}

// readOthers reads the digests of other trails here: log files do not say which
// they are of. Only those that our keys signed count, as those of a trail do that
// got another name.
func (v *verifier) readOthers(ctx context.Context) error {
	others := v.others
	v.others = nil
	names := map[string]int{}
	for _, d := range others {
		names[d.at.Name]++
		body, meta, err := v.o.Bucket.Get(ctx, d.key)
		if err != nil && !errors.Is(err, blob.ErrNotFound) && !errors.Is(err, blob.ErrDamaged) {
			return err
		}
		text, uerr := Unpack(body)
		parsed, perr := ParseDigest(text)
		if err != nil || uerr != nil || perr != nil || parsed.Object != d.key || parsed.Bucket != v.o.Bucket.Name() {
			continue
		}
		key, ok := v.keys[parsed.Fingerprint]
		if ok && key.Check(parsed.StringToSign(text), meta[MetaSignature]) == nil {
			d.Digest, d.hash, d.readable = parsed, hexHash(text), true
			v.others = append(v.others, d)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		v.note("%d digests of another trail, %s, are here as well: what they say of each other is not looked at", names[name], name)
	}
	return nil
}

// readDigest reads a digest and checks all that it says of itself.
func (v *verifier) readDigest(ctx context.Context, d *heldDigest) error {
	before := v.found[d.key]
	defer func() { d.bad = d.bad || v.found[d.key] > before }()
	body, meta, ok, err := v.get(ctx, d.key, "it was there a moment ago")
	if err != nil || !ok {
		return err
	}
	text, ok := v.unpack(d.key, body, meta)
	if !ok {
		return nil
	}
	d.hash, d.signature = hexHash(text), meta[MetaSignature]
	if d.Digest, err = ParseDigest(text); err != nil {
		v.findf(d.key, "invalid format: %v", err)
		return nil
	}
	d.readable = true
	if d.Bucket != v.o.Bucket.Name() || d.Object != d.key {
		v.findf(d.key, "has been moved from its original location %s/%s", d.Bucket, d.Object)
	}
	if _, end := d.Span(); !end.Equal(d.at.Time) {
		v.findf(d.key, "its name says that it ends at %s, it says %s", d.at.Time.Format(timeLayout), d.End)
	}
	if d.AccountID != v.o.AccountID {
		v.findf(d.key, "it is of account %s", d.AccountID)
	}
	v.checkSignature(d, text, meta)
	return nil
}

// checkSignature checks that a key we trust signed the digest when it was
// made.
func (v *verifier) checkSignature(d *heldDigest, text []byte, meta map[string]string) {
	_, signed := d.Span()
	generated, has := meta[MetaBackfill]
	switch {
	case d.at.Backfill:
		t, err := time.Parse(backfillLayout, generated)
		if err != nil {
			v.findf(d.key, "its metadata %s is not a time: %q", MetaBackfill, generated)
		} else if t.Before(signed) || t.After(v.o.Now.Add(time.Minute)) {
			v.findf(d.key, "its metadata says that it was made at %s, which cannot be", generated)
		} else {
			signed = t
		}
		d.generated = t
	case has:
		v.findf(d.key, "its metadata has %s, which only backfill digests do", MetaBackfill)
	}
	if d.SignatureAlgorithm != SignatureAlgorithm || meta[MetaAlgorithm] != SignatureAlgorithm {
		v.findf(d.key, "it says that it is signed with %q, its metadata with %q: only %s is", d.SignatureAlgorithm, meta[MetaAlgorithm], SignatureAlgorithm)
	}
	key, ok := v.keys[d.Fingerprint]
	switch {
	case !ok:
		v.findf(d.key, "public key not found: nobody vouches for the key %s", d.Fingerprint)
	case key.Check(d.StringToSign(text), d.signature) != nil:
		v.findf(d.key, "signature verification failed")
	case !key.valid(signed):
		v.findf(d.key, "the key %s signs from %s until %s, not at %s", d.Fingerprint, key.From.Format(timeLayout), key.To.Format(timeLayout), signed.Format(timeLayout))
	}
}

// checkChain checks that each digest continues the one before it.
func (v *verifier) checkChain(chain []*heldDigest) {
	var last *heldDigest // the newest that could be read
	for i, d := range chain {
		if !d.readable {
			continue
		}
		v.checkPrevious(d, chain[:i])
		if last != nil {
			v.checkContinues(d, last)
		}
		last = d
	}
}

// checkPrevious checks what d says of the digest before it, of those before.
func (v *verifier) checkPrevious(d *heldDigest, before []*heldDigest) {
	if d.PreviousObject == nil || d.PreviousHash == nil || d.PreviousSignature == nil || d.PreviousBucket == nil {
		if d.PreviousObject != nil || d.PreviousHash != nil || d.PreviousSignature != nil || d.PreviousBucket != nil {
			v.findf(d.key, "it says only in part which digest is before it")
		}
		if len(before) > 0 {
			v.findf(d.key, "it starts a chain anew, though %s is before it", before[len(before)-1].key)
		}
		return
	}
	if *d.PreviousBucket != v.o.Bucket.Name() {
		v.note("%s: the digest before it is in another bucket, %s/%s: not looked at", d.key, *d.PreviousBucket, *d.PreviousObject)
		return
	}
	previous, ok := v.digests[*d.PreviousObject]
	if !ok {
		if !v.pruned(*d.PreviousObject, *d.PreviousHash) && !v.outside(*d.PreviousObject) {
			v.lacks(*d.PreviousObject, "digest %s continues it", d.key)
		}
		return
	}
	if previous.hash != "" && *d.PreviousHash != previous.hash {
		v.findf(previous.key, "hash value doesn't match: digest %s has another one of it", d.key)
		previous.bad = true
	}
	if *d.PreviousSignature != previous.signature {
		v.findf(previous.key, "its signature is not the one that digest %s has of it", d.key)
		previous.bad = true
	}
	if n := len(before); n > 0 && before[n-1] != previous {
		v.findf(before[n-1].key, "no digest continues it: %s continues %s", d.key, *d.PreviousObject)
	}
}

// outside says whether a digest is left out because it is not in the range
// looked at.
func (v *verifier) outside(object string) bool {
	k, ok := ParseKey(object)
	return ok && !v.o.From.IsZero() && k.Time.Before(v.o.From)
}

// checkContinues checks that nothing is between two digests of a chain.
func (v *verifier) checkContinues(d, last *heldDigest) {
	start, end := d.Span()
	_, lastEnd := last.Span()
	switch {
	case start.Before(lastEnd):
		v.findf(d.key, "it starts at %s, before the digest before it ends (%s)", d.Start, last.End)
	case d.at.Backfill:
		return
	case start.After(lastEnd):
		v.findf(d.key, "no digest covers %s to %s, which is before it", last.End, d.Start)
	}
	if v.o.Every > 0 && end.Sub(start) > v.o.Every {
		v.note("no digest was made from %s to %s: that of %s covers all of it", d.Start, d.End, d.End)
	}
}
