package logfile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

// open reads the state. Where there is none it is made of what the bucket
// holds: a lost state costs neither a file delivered twice nor one that no
// digest names.
func (r *runner) open(ctx context.Context) error {
	st, err := readState(r.store)
	if errors.Is(err, errState) {
		r.o.OnError(err) // as good as lost
	} else if err != nil {
		return err
	}
	started := r.o.Now().UTC().Truncate(time.Second)
	switch {
	case st == nil:
		st = &state{Started: started}
		if err := r.adopt(ctx, st); err != nil {
			return fmt.Errorf("see what was delivered: %w", err)
		}
	case st.Trail != r.o.ARN(): // another name is another chain
		st = &state{Started: started, Delivered: st.Delivered, Waiting: st.Waiting, Log: st.Log, LatestDelivery: st.LatestDelivery}
	default:
		if err := r.overtaken(ctx, st); err != nil {
			return fmt.Errorf("see what was delivered: %w", err)
		}
	}
	// A file that was on its way to another bucket, or under another name, sets
	// out again.
	if st.Log != nil && (st.Log.Bucket != r.o.Bucket.Name() || !ours(st.Log.Object, r.o.Layout)) {
		st.Log = nil
	}
	if st.Digest != nil && (st.Digest.Bucket != r.o.Bucket.Name() || !ours(st.Digest.Object, r.o.Layout)) {
		st.Digest = nil
	}
	return r.keep(st)
}

func ours(object string, l Layout) bool {
	k, ok := ParseKey(object)
	return ok && k.Is(l)
}

// overtaken looks for digests newer than the state knows, and goes on from
// them: they are signed, and a chain has no branches. The data directory was
// then put back to an earlier time, which verification will say.
func (r *runner) overtaken(ctx context.Context, st *state) error {
	if st.Digest != nil && !r.exists(ctx, st.Digest.Object) {
		return nil // and what was announced is not there yet
	}
	for _, chain := range []*Reference{st.Chain, st.Backfill} {
		if chain == nil || chain.Bucket != r.o.Bucket.Name() {
			continue
		}
		from := chain.Object
		if d := st.Digest; d != nil && isBackfill(d.Object) == isBackfill(from) {
			from = d.Object
		}
		if err := r.goOn(ctx, st, from, isBackfill(from)); err != nil {
			return err
		}
	}
	return nil
}

func (r *runner) exists(ctx context.Context, object string) bool {
	_, _, err := r.o.Bucket.Get(ctx, object)
	return err == nil
}

// goOn makes the newest digest of a chain after from the one that st goes on
// from.
func (r *runner) goOn(ctx context.Context, st *state, from string, backfilled bool) error {
	newest, err := r.newestDigest(ctx, from, backfilled)
	if newest == nil || err != nil {
		return err
	}
	r.o.OnError(fmt.Errorf("digest %s is newer than the delivery's state knows: going on from it; was the data directory put back?", newest.Object))
	st.Digest = nil
	if backfilled {
		st.Backfill = newest
	} else {
		st.Chain = newest
	}
	return nil
}

// newestDigest is the newest one of a chain whose key is greater than from and
// that was signed with our keys; nil if there is none.
func (r *runner) newestDigest(ctx context.Context, from string, backfilled bool) (*Reference, error) {
	var newest *Reference
	for o, err := range r.o.Bucket.List(ctx, r.o.DigestPrefix(), from) {
		if err != nil {
			return nil, err
		}
		if k, ok := ParseKey(o.Key); !ok || !k.Is(r.o.Layout) || k.Backfill != backfilled {
			continue
		}
		_, ref, err := r.readOwn(ctx, o.Key)
		switch {
		case err == nil:
			newest = &ref
		case errors.Is(err, errNotOurs):
			r.o.OnError(err)
		default:
			return nil, err
		}
	}
	return newest, nil
}

var errNotOurs = errors.New("not what this trail has written")

// readOwn reads a digest and checks its signature.
func (r *runner) readOwn(ctx context.Context, object string) (Digest, Reference, error) {
	body, meta, err := r.o.Bucket.Get(ctx, object)
	if err != nil && !errors.Is(err, blob.ErrDamaged) {
		return Digest{}, Reference{}, fmt.Errorf("read digest %s: %w", object, err)
	}
	text, uerr := Unpack(body)
	d, perr := ParseDigest(text)
	if err := errors.Join(err, uerr, perr); err != nil {
		return Digest{}, Reference{}, fmt.Errorf("%s: %w: %w", object, errNotOurs, err)
	}
	start, end := d.Span()
	for _, key := range r.o.Signer.Keys(time.Time{}, end.AddDate(1000, 0, 0)) {
		if key.Fingerprint == d.Fingerprint && d.Object == object && key.Check(d.StringToSign(text), meta[MetaSignature]) == nil {
			return d, Reference{Bucket: d.Bucket, Object: d.Object, Start: start, End: end, Hash: hexHash(text),
				Signature: meta[MetaSignature], Fingerprint: d.Fingerprint}, nil
		}
	}
	return Digest{}, Reference{}, fmt.Errorf("%s: %w", object, errNotOurs)
}

// overtake is what is done when another digest lies where the next one
// belongs: st goes on from the newest there is.
func (r *runner) overtake(ctx context.Context, st *state) error {
	for _, backfilled := range []bool{false, true} {
		from := ""
		if have := st.Chain; have != nil && !backfilled {
			from = have.Object
		}
		if have := st.Backfill; have != nil && backfilled {
			from = have.Object
		}
		if err := r.goOn(ctx, st, from, backfilled); err != nil {
			return err
		}
	}
	return r.keep(st)
}

// adopt makes a state of what the bucket holds.
func (r *runner) adopt(ctx context.Context, st *state) error {
	named := map[string]bool{}
	var last []string // log files that the newest digests name
	for o, err := range r.o.Bucket.List(ctx, r.o.DigestPrefix(), "") {
		if err != nil {
			return err
		}
		k, ok := ParseKey(o.Key)
		if !ok || !k.Is(r.o.Layout) {
			continue
		}
		d, ref, err := r.readOwn(ctx, o.Key)
		if errors.Is(err, errNotOurs) {
			r.o.OnError(err)
			continue
		}
		if err != nil {
			return err
		}
		if k.Backfill {
			st.Backfill = &ref
		} else {
			st.Chain = &ref
		}
		if len(d.LogFiles) > 0 {
			last = last[:0]
		}
		for _, f := range d.LogFiles {
			named[f.Object] = true
			last = append(last, f.Object)
		}
	}
	return r.adoptLogs(ctx, st, named, last)
}

// adoptLogs finds the log files that no digest names, and how far they and
// those that the newest digest names go.
func (r *runner) adoptLogs(ctx context.Context, st *state, named map[string]bool, last []string) error {
	want := map[string]bool{} // and whether a digest names it
	for _, object := range last {
		want[object] = true
	}
	for o, err := range r.o.Bucket.List(ctx, r.o.LogPrefix(), "") {
		if err != nil {
			return err
		}
		if ours(o.Key, r.o.Layout) && !named[o.Key] {
			want[o.Key] = false
		}
	}
	for _, object := range slices.Sorted(maps.Keys(want)) {
		f, err := r.readLog(ctx, object)
		if err != nil && !errors.Is(err, errNotOurs) {
			return err
		}
		if err != nil {
			r.o.OnError(fmt.Errorf("log file %s: %w", object, err))
			continue
		}
		st.Delivered = max(st.Delivered, f.Last)
		if !want[object] {
			st.Waiting = append(st.Waiting, f)
		}
	}
	slices.SortFunc(st.Waiting, func(a, b waitingFile) int { return int(a.First) - int(b.First) })
	return nil
}

// readLog reads what a log file says it holds, and holds it against the
// journal.
func (r *runner) readLog(ctx context.Context, object string) (waitingFile, error) {
	body, meta, err := r.o.Bucket.Get(ctx, object)
	if err != nil && !errors.Is(err, blob.ErrDamaged) {
		return waitingFile{}, fmt.Errorf("read log file %s: %w", object, err)
	}
	text, uerr := Unpack(body)
	if err := errors.Join(err, uerr); err != nil {
		return waitingFile{}, fmt.Errorf("%w: %w", errNotOurs, err)
	}
	first, ferr := strconv.ParseUint(meta[metaFirst], 10, 64)
	last, lerr := strconv.ParseUint(meta[metaLast], 10, 64)
	if ferr != nil || lerr != nil || first == 0 || last < first || last-first > uint64(len(text)) {
		return waitingFile{}, fmt.Errorf("%w: its metadata does not say which events it holds", errNotOurs)
	}
	file, err := rebuild(ctx, r.o.Journal, first, last)
	if ctx.Err() != nil {
		return waitingFile{}, ctx.Err()
	}
	if err != nil {
		return waitingFile{}, fmt.Errorf("%w: %w", errNotOurs, err)
	}
	if file.hash != hexHash(text) {
		return waitingFile{}, fmt.Errorf("%w: the journal's events %d to %d are others", errNotOurs, first, last)
	}
	k, _ := ParseKey(object)
	due := k.Time
	if due.Truncate(r.o.DigestEvery) != due {
		due = after(due, r.o.DigestEvery)
	}
	return waitingFile{
		LogFile: LogFile{Bucket: r.o.Bucket.Name(), Object: object, Hash: file.hash, HashAlgorithm: HashAlgorithm,
			NewestEventTime: file.newest.Format(timeLayout), OldestEventTime: file.oldest.Format(timeLayout)},
		First: first, Last: last, At: k.Time, Due: due,
	}, nil
}
