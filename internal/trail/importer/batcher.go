package importer

import (
	"encoding/binary"
	"path/filepath"
	"time"
)

// maxAside bounds what is written of one file's broken records; all of them are
// counted.
const maxAside = 1000

// batcher puts parts of files into batches and has them committed, one while
// the next is filled. It belongs to one goroutine.
type batcher struct {
	im    *importer
	since time.Time
	batch *batch

	committing *batch
	committed  chan error // of committing

	// Of files that were begun and have not ended:
	quarantined map[key]int
	partial     map[key]bool // something was left out that another import may want
	fileCounts  map[key]*Counts
}

// take takes parts until there are no more.
func (b *batcher) take(parts <-chan part) error {
	for {
		select {
		case err := <-b.committed: // nil channel while nothing is being committed
			b.committing, b.committed = nil, nil
			if err != nil {
				return err
			}
		case p, ok := <-parts:
			if !ok {
				return nil
			}
			if err := b.part(p); err != nil {
				return err
			}
			b.im.tell(false)
		}
	}
}

func (b *batcher) part(p part) error {
	name := filepath.ToSlash(b.im.Source.String() + "/" + p.file.Name)
	c := b.fileCounts[p.source]
	if c == nil {
		c = &Counts{}
		b.fileCounts[p.source] = c
	}
	var delta Counts
	if p.known != nil {
		delta = knownCounts(*p.known)
		delta.Known = 1
	}
	for i := range p.findings {
		if err := b.finding(p, i, name, &delta); err != nil {
			return err
		}
	}
	if p.last {
		delta.Files = 1
		b.im.total.FilesDone++
		b.im.total.Bytes += p.file.Size
		switch {
		case p.err != nil:
			delta.Unreadable = 1
			b.im.note(name, p.err.Error())
		case p.cut != nil:
			delta.Damaged = 1
			b.im.note(name, p.cut.Error())
		}
	}
	c.add(delta)
	b.im.report.add(delta)
	b.batch.counts.add(delta)
	if p.last {
		// What holds no records costs little to look at again, and says so again.
		if p.err == nil && p.known == nil && !b.partial[p.source] && c.Read > 0 && c.Skipped == 0 {
			b.batch.sources = append(b.batch.sources, entry{p.source, knownData(*c)})
		}
		delete(b.fileCounts, p.source)
		delete(b.quarantined, p.source)
		delete(b.partial, p.source)
	}
	if len(b.batch.rows) >= b.im.BatchRows || b.batch.bytes >= b.im.BatchSize {
		return b.next()
	}
	return nil
}

func (b *batcher) finding(p part, i int, name string, c *Counts) error {
	f := &p.findings[i]
	switch {
	case f.skip != "":
		c.skip(f.skip, 1)
		return nil
	case f.reason != "":
		c.Read++
		c.Quarantined++
		return b.aside(p.source, name, f)
	}
	c.Read++
	if f.at.Before(b.since) {
		c.skip(skipOld, 1)
		b.partial[p.source] = true
		return nil
	}
	if b.im.Own != nil && b.im.Own(f.source, f.account) {
		c.skip(skipOwn, 1)
		b.partial[p.source] = true
		return nil
	}
	id := p.ids[i]
	first, known, err := b.known(id.key)
	switch was := contentIn(first); {
	case err != nil:
		return err
	case !known:
		b.batch.add(&f.record, id)
		c.New++
		return nil
	case was == 0 || was == contentIn(id.data):
		c.Duplicate++
		return nil
	}
	c.Quarantined++
	c.Conflict++
	f.reason, f.text = conflict, f.text[:min(len(f.text), maxConflict)]
	return b.aside(p.source, name, f)
}

// conflict is why a record is kept aside whose eventID is taken. Whoever writes
// what is imported from one place could otherwise make those of another vanish.
const conflict = "conflict: a record with this eventID and other content was imported before, which stays; one of the two is not what AWS wrote"

// maxConflict is as long as AWS writes a record: the whole of it is kept.
const maxConflict = 256 << 10

// known is what is kept of a key that is in a batch or has been committed.
func (b *batcher) known(k key) (d data, ok bool, err error) {
	if d, ok := b.batch.ids[k]; ok {
		return d, true, nil
	}
	if b.committing != nil {
		if d, ok := b.committing.ids[k]; ok {
			return d, true, nil
		}
	}
	return b.im.store.ids.find(k)
}

// aside puts a broken record into quarantine, once.
func (b *batcher) aside(source key, name string, f *finding) error {
	n := b.quarantined[source]
	b.quarantined[source] = n + 1
	if n > maxAside {
		return nil
	}
	q := quarantined{Time: b.im.Now().UTC().Truncate(time.Second), File: name, Offset: f.offset, Size: f.size, Reason: f.reason}
	sample := f.text
	if n == maxAside {
		q.Reason, q.Size, sample = "more of this file is broken; from here on it is only counted", 0, ""
	}
	k := quarantineKey(name, f)
	_, known, err := b.known(k)
	if err != nil || known {
		return err
	}
	b.batch.setAside(q, sample, k)
	return nil
}

// next has the batch committed once the last one is, and begins another.
func (b *batcher) next() error {
	if err := b.wait(); err != nil {
		return err
	}
	b.committing, b.committed = b.batch, make(chan error, 1) // 1: the commit ends whoever waits
	b.batch = newBatch()
	go func(batch *batch, done chan<- error) { done <- b.im.store.commit(batch) }(b.committing, b.committed)
	return nil
}

// wait waits for the commit that runs.
func (b *batcher) wait() error {
	if b.committing == nil {
		return nil
	}
	err := <-b.committed
	b.committing, b.committed = nil, nil
	return err
}

// flush commits what there is; without commit it only waits for what runs.
func (b *batcher) flush(commit bool) error {
	err := b.wait()
	if err != nil || !commit {
		return err
	}
	if len(b.batch.rows) == 0 && len(b.batch.sources) == 0 && b.batch.broken == 0 {
		return nil // nothing is new
	}
	if err := b.next(); err != nil {
		return err
	}
	return b.wait()
}

// knownData is what is remembered of a file.
func knownData(c Counts) (d data) {
	binary.BigEndian.PutUint64(d[:], uint64(c.Read))
	binary.BigEndian.PutUint64(d[8:], uint64(c.Quarantined))
	return d
}

// knownCounts is what reading a known file again would give.
func knownCounts(d data) (c Counts) {
	c.Read = int64(binary.BigEndian.Uint64(d[:]))
	c.Quarantined = int64(binary.BigEndian.Uint64(d[8:]))
	c.Duplicate = c.Read - c.Quarantined
	return c
}
