package trail

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/parquet-go/parquet-go"
)

// Seals are an index: Reindex makes them again of the journal, which has every
// event that is kept (retention takes an event out of both). It makes none of a
// journal that is not what was written, and none of one that ends before what
// was sealed: the old seals are then what shows it.
//
// The new files lie beside the old ones, under other names, until one swap of the
// catalogue. A process that dies before leaves the old index as it was, and
// files that the next start or Reindex removes.
//
// History is in no journal: its files stay as they are. Imported events are in
// none either, and have a catalogue of their own, which is not touched.

// ReindexReport is what Reindex did.
type ReindexReport struct {
	Events  uint64   // that are sealed now
	Files   int      // that hold them
	Bytes   int64    // the files' size
	Removed int      // files that were there before
	History int      // files of history, kept as they are
	Lost    []string // files of history that are missing or not what they were, and are queried no more
}

// Reindex makes the seals of a data directory again. No server may run on it:
// ErrLocked. A journal that is not what was written is ErrDamaged. progress may
// be nil.
func Reindex(ctx context.Context, dir string, progress func(stage string, done, total int64)) (ReindexReport, error) {
	return reindex(ctx, dir, Options{}, SealOptions{}, progress)
}

func reindex(ctx context.Context, dir string, o Options, so SealOptions, progress func(stage string, done, total int64)) (r ReindexReport, err error) {
	if progress == nil {
		progress = func(string, int64, int64) {}
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("reindex: %w", err)
		}
	}()
	o.anew = true
	t, err := Open(dir, o)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if err := t.checkJournal(ctx, func(done, total int64) { progress("checking the journal", done, total) }); err != nil {
		return r, err
	}
	s := NewSealer(t, so)
	before, _ := t.sealed.get()
	next := catalogue{Version: catalogueVersion, Seq: t.view.head.seq}
	if len(before.Files) == 0 { // there is no catalogue, or none that can be read
		if before.Files, err = t.unnamed(); err != nil {
			return r, err
		}
	}
	next.Files, r.Lost = t.history(before)
	r.History = len(next.Files)
	files, err := s.sealAll(ctx, func(done, total int64) { progress("sealing events", done, total) })
	if err != nil {
		return r, err
	}
	next.Files = append(next.Files, files...)
	if err := t.sealed.swap(t.fs, dir, func(catalogue) catalogue { return next }); err != nil {
		return r, err
	}
	c := NewCompactor(s, CompactOptions{OnError: func(e error) { err = errors.Join(err, e) }})
	c.progress = func(done, total int) { progress("merging days", int64(done), int64(total)) }
	if c.Compact(ctx); err != nil || ctx.Err() != nil {
		return r, errors.Join(err, ctx.Err())
	}
	if err := s.sweep(); err != nil {
		return r, err
	}
	now, _ := t.sealed.get()
	for _, f := range now.Files {
		if f.FirstSeq > 0 {
			r.Files++
			r.Events += uint64(f.Rows)
			r.Bytes += f.Bytes
		}
	}
	r.Removed = len(before.Files) - r.History - len(r.Lost)
	return r, nil
}

// checkJournal checks the journal as Verify does.
func (t *Trail) checkJournal(ctx context.Context, progress func(done, total int64)) error {
	v := &verifier{fs: t.fs, dir: t.dir, progress: progress}
	if err := v.readHead(); err != nil {
		return err
	}
	segments, err := listSegments(t.fs, t.dir)
	if err != nil {
		return err
	}
	if err := v.findChain(segments); err != nil {
		return err
	}
	if err := v.walk(ctx); err != nil {
		return err
	}
	if len(v.report.Findings) > 0 {
		return fmt.Errorf("%w: %s", ErrDamaged, v.report.Findings[0])
	}
	return nil
}

// sealAll makes seals of all events, which the catalogue does not name yet.
func (s *Sealer) sealAll(ctx context.Context, progress func(done, total int64)) (files []seal, err error) {
	v := s.t.view
	if len(v.spans) == 0 {
		return nil, nil
	}
	first := max(v.spans[0].first, s.t.removedUpTo()+1)
	total := int64(v.head.seq - first + 1)
	for from := first; from <= v.head.seq; {
		progress(int64(from-first), total)
		last := min(v.head.seq, from+uint64(s.rows)-1)
		made, err := s.write(ctx, v, from, last, func(partition string) (string, error) {
			return freePath(s.t.fs, s.t.dir, partition, "", from, last)
		})
		if err != nil {
			return nil, fmt.Errorf("seal events %d to %d: %w", from, last, err)
		}
		files = append(files, made...)
		from = last + 1
	}
	progress(total, total)
	return files, nil
}

// history are the files of history that are what the catalogue says, and the
// paths of those that are not.
func (t *Trail) history(c catalogue) (kept []seal, lost []string) {
	for _, s := range c.Files {
		if s.FirstSeq > 0 {
			continue
		}
		now, err := t.lookAt(s.Path)
		if err == nil && (s.Bytes == 0 || now.Bytes == s.Bytes && now.Rows == s.Rows && (s.SHA256 == "" || now.SHA256 == s.SHA256)) {
			kept = append(kept, now)
		} else {
			lost = append(lost, s.Path)
		}
	}
	return kept, lost
}

// lookAt is what a catalogue says of a file of history that is there and can be
// read to its end.
func (t *Trail) lookAt(path string) (seal, error) {
	name := filepath.Join(eventsDir(t.dir), path)
	s := seal{Path: path}
	err := eachRaw(t.fs, name, func(parquet.Row) error {
		s.Rows++
		return nil
	})
	if err != nil {
		return s, err
	}
	b, err := readFile(t.fs, name)
	if err != nil {
		return s, err
	}
	sum := sha256.Sum256(b)
	s.Bytes, s.SHA256 = int64(len(b)), hex.EncodeToString(sum[:])
	return s, nil
}

// unnamed are the Parquet files of the partitions, by what their names say. One of
// events after the journal's last shows that an older journal was put back.
func (t *Trail) unnamed() (files []seal, err error) {
	days, err := t.fs.List(eventsDir(t.dir))
	if err != nil {
		return nil, fmt.Errorf("list seals: %w", err)
	}
	for _, day := range days {
		if !strings.HasPrefix(day, partitionPrefix) {
			continue
		}
		names, err := t.fs.List(filepath.Join(eventsDir(t.dir), day))
		if err != nil {
			return nil, fmt.Errorf("list seals: %w", err)
		}
		for _, name := range names {
			if !strings.HasSuffix(name, sealExt) {
				continue
			}
			s := seal{Path: filepath.Join(day, name)}
			bounds := strings.TrimPrefix(strings.TrimPrefix(name, mergedPrefix), dayPrefix)
			if _, err := fmt.Sscanf(bounds, "%d-%d", &s.FirstSeq, &s.LastSeq); err != nil && !strings.HasPrefix(name, historyPrefix) {
				continue
			}
			if s.LastSeq > t.view.head.seq {
				return nil, fmt.Errorf("%w: events up to %d were sealed, but the journal ends at %d", ErrDamaged, s.LastSeq, t.view.head.seq)
			}
			files = append(files, s)
		}
	}
	return files, nil
}
