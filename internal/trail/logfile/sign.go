package logfile

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Which digest names a log file:
//
// Time is cut into spans at multiples of DigestEvery. A log file is due in the
// digest of the span it was delivered in. That digest is made when the span
// ends, or when the deliverer next runs. When by then another whole span has
// passed, because the node or the bucket was down, the file has missed its
// digest: the one of the chain covers all the time since the last, in one, and
// names what was delivered in its last span; each missed span with log files
// gets a digest of the backfill chain, which says when it was really made.

// spanStart is where the next digest starts: where the last one ends.
func (r *runner) spanStart() time.Time {
	if r.state.Chain != nil {
		return r.state.Chain.End
	}
	return r.state.Started
}

// dueFor is the end of the span whose digest is to name what is delivered now.
func (r *runner) dueFor(at time.Time) time.Time {
	due := at
	if due.Truncate(r.o.DigestEvery) != due {
		due = after(at, r.o.DigestEvery)
	}
	if start := r.spanStart(); !due.After(start) { // the digest of that span exists
		due = after(start, r.o.DigestEvery)
	}
	return due
}

// digestEnd is where a digest made now ends; zero when none is due. The clock
// may have been set back behind the newest digest: then they go on a second at
// a time until it has caught up.
func (r *runner) digestEnd() time.Time {
	start, clock := r.spanStart(), r.o.Now().UTC()
	if end := clock.Truncate(r.o.DigestEvery); end.After(start) {
		return end
	}
	if clock.Before(start) && time.Since(r.digested) >= r.o.DigestEvery {
		return start.Add(time.Second)
	}
	return time.Time{}
}

func (r *runner) digestDue() bool { return !r.digestEnd().IsZero() }

// digestsDue makes the digests whose time has come, and those asked for.
func (r *runner) digestsDue(ctx context.Context) error {
	if end := r.digestEnd(); !end.IsZero() {
		if err := r.digests(ctx, end); err != nil {
			return err
		}
	}
	ready := func(a *ask) bool { return a.digest && r.state.Delivered >= a.upTo }
	if !slices.ContainsFunc(r.waiting, ready) {
		return nil
	}
	end := r.now().Truncate(time.Second)
	if start := r.spanStart(); !end.After(start) { // not a second has passed
		if len(r.state.Waiting) == 0 && r.state.Chain != nil {
			r.answer(ready, nil)
			return nil
		}
		end = start.Add(time.Second)
	}
	if err := r.digests(ctx, end); err != nil {
		return err
	}
	r.answer(ready, nil)
	return nil
}

// digests makes the digest that ends at end, and before it those of the
// backfill chain.
func (r *runner) digests(ctx context.Context, end time.Time) error {
	for {
		missed := r.missed()
		if len(missed) == 0 {
			break
		}
		if err := r.sign(ctx, r.backfillSpan(missed[0].Due), missed, true); err != nil {
			return err
		}
	}
	var due []waitingFile
	for _, f := range r.state.Waiting {
		if !f.At.After(end) {
			due = append(due, f)
		}
	}
	return r.sign(ctx, span{r.spanStart(), end}, due, false)
}

// missed are the waiting files of the oldest span whose digest was missed.
func (r *runner) missed() []waitingFile {
	var missed []waitingFile
	this := r.now().Truncate(r.o.DigestEvery)
	for _, f := range r.state.Waiting {
		late := f.Due.Before(this) || f.At.Add(time.Minute).Before(r.spanStart()) // found again, and too old for the chain
		if !late || len(missed) > 0 && f.Due.After(missed[0].Due) {
			continue
		}
		if len(missed) > 0 && f.Due.Before(missed[0].Due) {
			missed = missed[:0]
		}
		missed = append(missed, f)
	}
	return missed
}

type span struct{ start, end time.Time }

// backfillSpan is the span that ends at end, or what follows the newest digest
// of the backfill chain if that is later.
func (r *runner) backfillSpan(end time.Time) span {
	s := span{end.Add(-r.o.DigestEvery), end}
	if last := r.state.Backfill; last != nil && s.start.Before(last.End) {
		s.start = last.End
		if !s.end.After(last.End) {
			s.end = last.End.Add(time.Second)
		}
	}
	return s
}

// sign makes the next digest of a chain, naming files, and puts it.
func (r *runner) sign(ctx context.Context, s span, files []waitingFile, backfilled bool) error {
	r.note(func(st *Status) { st.LatestDigestDeliveryAttempt = r.now() })
	next, err := r.compose(s, files, backfilled)
	if err != nil {
		r.note(func(st *Status) { st.LatestDigestDeliveryError = err.Error() })
		return err
	}
	st := r.state.clone()
	st.Digest = &next
	if err := r.keep(st); err != nil {
		return err
	}
	if err := r.putDigest(ctx); err != nil {
		return err
	}
	return r.record(ctx)
}

// compose is the next digest of a chain, signed.
func (r *runner) compose(s span, files []waitingFile, backfilled bool) (signed, error) {
	generated := r.now()
	previous, at := r.state.Chain, s.end
	if backfilled {
		previous, at = r.state.Backfill, generated
	}
	key, err := r.o.Signer.Key(at)
	if err != nil {
		return signed{}, fmt.Errorf("sign digest: %w", err)
	}
	d := Digest{
		AccountID: r.o.AccountID, Start: s.start.UTC().Format(timeLayout), End: s.end.UTC().Format(timeLayout),
		Bucket: r.o.Bucket.Name(), Object: r.o.DigestKey(s.end, backfilled),
		Fingerprint: key.Fingerprint, SignatureAlgorithm: SignatureAlgorithm, LogFiles: make([]LogFile, 0, len(files)),
	}
	if previous != nil {
		algorithm := HashAlgorithm
		d.PreviousBucket, d.PreviousObject, d.PreviousHash = &previous.Bucket, &previous.Object, &previous.Hash
		d.PreviousHashAlgorithm, d.PreviousSignature = &algorithm, &previous.Signature
	}
	var events uint64
	for _, f := range files {
		d.LogFiles = append(d.LogFiles, f.LogFile)
		events += f.Last - f.First + 1
		if d.NewestEventTime == nil || *d.NewestEventTime < f.NewestEventTime {
			d.NewestEventTime = &f.NewestEventTime
		}
		if d.OldestEventTime == nil || f.OldestEventTime < *d.OldestEventTime {
			d.OldestEventTime = &f.OldestEventTime
		}
	}
	text, err := d.Encode()
	if err != nil {
		return signed{}, err
	}
	signature, err := r.o.Signer.Sign(key.Fingerprint, d.StringToSign(text))
	if err != nil {
		return signed{}, fmt.Errorf("sign digest: %w", err)
	}
	next := signed{
		Reference: Reference{Bucket: d.Bucket, Object: d.Object, Start: s.start, End: s.end, Hash: hexHash(text),
			Signature: hex.EncodeToString(signature), Fingerprint: key.Fingerprint},
		Text: string(text), LogFiles: len(files), Events: events, Key: key,
	}
	if backfilled {
		next.Generated = generated
	}
	return next, nil
}

// putDigest puts the digest that was announced.
func (r *runner) putDigest(ctx context.Context) error {
	r.note(func(s *Status) { s.LatestDigestDeliveryAttempt = r.now() })
	err := r.tryDigest(ctx)
	r.note(func(s *Status) { s.LatestDigestDeliveryError = text(err) })
	return err
}

func (r *runner) tryDigest(ctx context.Context) error {
	d := r.state.Digest
	backfilled := !d.Generated.IsZero()
	meta := map[string]string{MetaSignature: d.Signature, MetaAlgorithm: SignatureAlgorithm}
	if backfilled {
		meta[MetaBackfill] = d.Generated.UTC().Format(backfillLayout)
	}
	st := r.state.clone()
	st.Digest = nil
	err := put(ctx, r.o.Bucket, d.Object, Pack([]byte(d.Text)), meta)
	if errors.Is(err, errForeign) {
		return errors.Join(fmt.Errorf("deliver digest: %w", err), r.overtake(ctx, st))
	}
	if err != nil {
		return fmt.Errorf("deliver digest: %w", err)
	}
	digest, err := ParseDigest([]byte(d.Text))
	if err != nil {
		return err
	}
	named := make(map[string]bool, len(digest.LogFiles))
	for _, f := range digest.LogFiles {
		named[f.Object] = true
	}
	st.Waiting = slices.DeleteFunc(st.Waiting, func(f waitingFile) bool { return named[f.Object] })
	st.LatestDigestDelivery = r.now()
	head := r.o.Journal.Head()
	st.Record = &note{Reference: d.Reference, LogFiles: d.LogFiles, Events: d.Events, Delivered: st.Delivered, Head: head, Generated: d.Generated}
	if backfilled {
		st.Backfill = &d.Reference
	} else {
		st.Chain = &d.Reference
	}
	st.Newest, st.Told = &Witnessed{Time: st.LatestDigestDelivery, Head: head, Digest: d.Reference, Key: d.Key}, false
	if err := r.keep(st); err != nil {
		return err
	}
	r.digested = time.Now()
	select { // newer replaces older
	case <-r.tell:
	default:
	}
	r.tell <- *st.Newest
	return nil
}
