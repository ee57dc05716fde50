package logfile

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

// Metadata of our own. It is not signed, and nothing is believed because of it.
const (
	// Which events of the journal a log file holds: finds them again when the
	// delivery's state is lost.
	metaFirst = "first-event"
	metaLast  = "last-event"
	// SHA-256 of the object: digests know that of the text inside only.
	metaObject = "object-hash"
)

// errForeign is an object of ours that is not ours: the bucket belongs to
// another trail as well, or this one was rolled back.
var errForeign = errors.New("another object is there already")

// work does all that is due: what was begun first, then log files, then
// digests.
func (r *runner) work(ctx context.Context) error {
	if r.unsaved {
		if err := r.keep(r.state); err != nil {
			return err
		}
	}
	if err := r.finish(ctx); err != nil {
		return err
	}
	for r.cutDue() {
		if err := r.cut(ctx); err != nil {
			return err
		}
	}
	if err := r.digestsDue(ctx); err != nil {
		return err
	}
	r.answer(func(a *ask) bool { return !a.digest && r.state.Delivered >= a.upTo }, nil)
	return nil
}

// finish does again what may be half done.
func (r *runner) finish(ctx context.Context) error {
	if r.state.Log != nil {
		if err := r.putLog(ctx); err != nil {
			return err
		}
	}
	if r.state.Digest != nil {
		if err := r.putDigest(ctx); err != nil {
			return err
		}
	}
	if r.state.Record != nil {
		return r.record(ctx)
	}
	return nil
}

// cutDue says whether the next log file is to be delivered.
func (r *runner) cutDue() bool {
	if r.next.empty() {
		return false
	}
	if len(r.rest) > 0 || r.filesDue() || r.digestDue() {
		return true
	}
	for _, a := range r.waiting {
		if r.taken >= a.upTo && r.state.Delivered < a.upTo {
			return true
		}
	}
	return false
}

// filesDue says whether the time of a file has come; a clock that was set back
// does not put it off.
func (r *runner) filesDue() bool {
	now := r.o.Now()
	return !now.Before(r.files) || r.files.Sub(now) > r.o.FileEvery
}

// cut delivers the next log file.
func (r *runner) cut(ctx context.Context) error {
	file, err := r.next.finish()
	if err != nil {
		return err
	}
	r.again = &file
	rest := r.rest
	r.take(rest)
	if r.filesDue() {
		r.files = after(r.o.Now().UTC(), r.o.FileEvery)
	}
	now := r.now()
	st := r.state.clone()
	st.Log = &waitingFile{
		LogFile: LogFile{
			Bucket: r.o.Bucket.Name(), Object: r.o.LogKey(now, newUnique()), Hash: file.hash, HashAlgorithm: HashAlgorithm,
			NewestEventTime: file.newest.Format(timeLayout), OldestEventTime: file.oldest.Format(timeLayout),
		},
		First: file.first, Last: file.last, At: now.Truncate(time.Minute), Due: r.dueFor(now.Truncate(time.Minute)),
	}
	if err := r.keep(st); err != nil { // it is the intent all the same, and kept before it is acted on
		return err
	}
	return r.putLog(ctx)
}

// putLog puts the log file that was announced.
func (r *runner) putLog(ctx context.Context) error {
	r.note(func(s *Status) { s.LatestDeliveryAttempt = r.now() })
	err := r.tryLog(ctx)
	r.note(func(s *Status) { s.LatestDeliveryError = text(err) })
	return err
}

func (r *runner) tryLog(ctx context.Context) error {
	log := r.state.Log
	if r.again == nil {
		file, err := rebuild(ctx, r.o.Journal, log.First, log.Last)
		if err != nil {
			return err
		}
		if file.hash != log.Hash {
			return fmt.Errorf("make log file %s again: the journal's events %d to %d are not what they were", log.Object, log.First, log.Last)
		}
		r.again = &file
	}
	meta := map[string]string{metaFirst: strconv.FormatUint(log.First, 10), metaLast: strconv.FormatUint(log.Last, 10)}
	if err := put(ctx, r.o.Bucket, log.Object, r.again.body, meta); err != nil {
		return fmt.Errorf("deliver log file: %w", err)
	}
	st := r.state.clone()
	st.Waiting = append(st.Waiting, *log)
	st.Delivered, st.Log, st.LatestDelivery = log.Last, nil, r.now()
	r.again = nil
	return r.keep(st)
}

// keep makes st the state and saves it. If that fails, it is saved before
// anything else is done: what is in the bucket is then done again, to no harm.
func (r *runner) keep(st *state) error {
	r.state = st
	err := r.save(st)
	r.unsaved = err != nil
	if err != nil {
		r.note(func(s *Status) { s.LatestDeliveryError = err.Error() })
	}
	return err
}

// put makes an object that nobody replaces. One that is there with the same
// text and metadata is what an earlier attempt left.
func put(ctx context.Context, b blob.Bucket, key string, body []byte, meta map[string]string) error {
	meta[metaObject] = hexHash(body)
	c, ok := b.(blob.Creator)
	if !ok {
		return b.Put(ctx, key, body, meta)
	}
	err := c.Create(ctx, key, body, meta)
	if !errors.Is(err, blob.ErrExists) {
		return err
	}
	there, thereMeta, err := b.Get(ctx, key)
	if err != nil {
		return fmt.Errorf("look at what is there: %w", err)
	}
	is, err := Unpack(there)
	want, wantErr := Unpack(body)
	meta[metaObject] = hexHash(there) // another release may pack in another way
	if err != nil || wantErr != nil || !bytes.Equal(is, want) || !maps.Equal(thereMeta, meta) {
		return fmt.Errorf("%s: %w", key, errForeign)
	}
	return nil
}

// text is an error's, "" for none.
func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
