package logfile

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// listLogs finds the log files that are there.
func (v *verifier) listLogs(ctx context.Context) error {
	for o, err := range v.o.Bucket.List(ctx, v.o.LogPrefix(), "") {
		if err != nil {
			return err
		}
		k, ok := ParseKey(o.Key)
		if !ok || k.Kind != KindLog {
			v.findf(o.Key, "this is not the name of a log file, and nothing else belongs here")
			continue
		}
		l := &heldLog{LogFile: LogFile{Object: o.Key}, at: k, there: true}
		v.logs, v.logByKey[o.Key] = append(v.logs, l), l
	}
	return nil
}

// nameLogs brings together log files and the digests that name them.
func (v *verifier) nameLogs() {
	for _, d := range slices.Concat(v.chain, v.backfills, v.others) {
		for _, f := range d.LogFiles {
			if f.Bucket != v.o.Bucket.Name() {
				v.note("log file %s/%s is in another bucket: not looked at", f.Bucket, f.Object)
				continue
			}
			l, ok := v.logByKey[f.Object]
			if !ok {
				k, _ := ParseKey(f.Object)
				l = &heldLog{at: k}
				v.logs, v.logByKey[f.Object] = append(v.logs, l), l
				v.lacks(f.Object, "digest %s names it", d.key)
			}
			if l.digest != nil && !l.digest.bad {
				if !d.bad {
					v.findf(f.Object, "two digests name it, %s and %s", l.digest.key, d.key)
				}
				continue
			}
			l.LogFile, l.digest = f, d
		}
	}
	if v.ranged() { // others may name the rest
		v.logs = slices.DeleteFunc(v.logs, func(l *heldLog) bool { return l.digest == nil })
	}
	slices.SortStableFunc(v.logs, func(a, b *heldLog) int {
		return cmp.Or(a.at.Time.Compare(b.at.Time), strings.Compare(a.Object, b.Object))
	})
}

func (v *verifier) readLogs(ctx context.Context) error {
	for _, l := range v.logs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if l.there {
			if err := v.readLog(ctx, l); err != nil {
				return err
			}
		}
		v.step(len(v.digests) + len(v.logs))
	}
	return nil
}

// load reads a log file's text; false when there is none to read.
func (v *verifier) load(ctx context.Context, l *heldLog) (text []byte, ok bool, err error) {
	body, meta, ok, err := v.get(ctx, l.Object, "it was there a moment ago")
	if err != nil || !ok {
		return nil, false, err
	}
	l.meta = meta
	text, ok = v.unpack(l.Object, body, meta)
	return text, ok, nil
}

// readLog checks a log file against the digest that names it, and itself.
func (v *verifier) readLog(ctx context.Context, l *heldLog) error {
	text, ok, err := v.load(ctx, l)
	if err != nil || !ok {
		l.bad = true
		return err
	}
	l.hash = hexHash(text)
	if l.digest != nil {
		l.bad = l.Hash != l.hash
		if l.HashAlgorithm != HashAlgorithm {
			v.findf(l.digest.key, "it hashes %s with %q: only %s is", l.Object, l.HashAlgorithm, HashAlgorithm)
		}
	}
	if l.bad {
		v.findf(l.Object, "hash value doesn't match what digest %s has of it", l.digest.key)
	}
	records, err := Split(text)
	if err != nil {
		l.bad = true
		v.findf(l.Object, "%v", err)
		return nil
	}
	l.parsed, l.records = true, len(records)
	if len(records) > 0 {
		l.firstID = eventID(records[0])
	}
	v.checkRecords(l, records)
	if l.digest != nil && !l.bad && !l.digest.bad {
		for _, r := range records {
			v.readOurs(r, 0)
		}
	}
	return nil
}

// checkRecords checks what the digest and the metadata say of the records.
func (v *verifier) checkRecords(l *heldLog, records []json.RawMessage) {
	var oldest, newest string
	for _, r := range records {
		var at string
		if json.Unmarshal(member(r, "eventTime"), &at) != nil {
			continue
		}
		if oldest == "" || at < oldest {
			oldest = at
		}
		newest = max(newest, at)
	}
	if l.digest != nil && !l.bad && oldest != "" && (l.OldestEventTime != oldest || l.NewestEventTime != newest) {
		v.findf(l.Object, "its events are of %s to %s, digest %s says %s to %s", oldest, newest, l.digest.key, l.OldestEventTime, l.NewestEventTime)
	}
	if first, last, ok := l.sequence(); ok && last-first+1 != uint64(len(records)) {
		v.findf(l.Object, "its metadata says events %d to %d, it holds %d", first, last, len(records))
	}
}

// sequence is which events the metadata says the file holds.
func (l *heldLog) sequence() (first, last uint64, ok bool) {
	first, ferr := strconv.ParseUint(l.meta[metaFirst], 10, 64)
	last, lerr := strconv.ParseUint(l.meta[metaLast], 10, 64)
	return first, last, ferr == nil && lerr == nil
}

func eventID(record []byte) string {
	var id string
	_ = json.Unmarshal(member(record, "eventID"), &id)
	return id
}

// checkUnnamed judges the log files that no digest names: those that came after
// the newest digest wait for the next.
func (v *verifier) checkUnnamed() {
	var end time.Time
	if n := len(v.chain); n > 0 {
		end = v.chain[n-1].at.Time
	}
	waiting := map[string]string{} // hash by key
	if v.after != nil {
		for _, w := range v.after.Waiting {
			waiting[w.Object] = w.Hash
		}
		if v.after.Log != nil {
			waiting[v.after.Log.Object] = v.after.Log.Hash
		}
	}
	for _, l := range v.logs {
		if l.digest != nil {
			continue
		}
		hash, waits := waiting[l.Object]
		switch {
		case waits && l.hash != "" && l.hash != hash:
			v.findf(l.Object, "hash value doesn't match what was delivered")
		case waits:
		case v.after != nil:
			v.findf(l.Object, "no digest names it, and the delivery does not know it")
		case l.at.Time.Add(time.Minute).Before(end):
			v.findf(l.Object, "no digest names it, though later ones were made")
		case v.o.Every > 0 && v.o.Now.Sub(l.at.Time) > 2*v.o.Every:
			v.findf(l.Object, "no digest names it, though it was due long ago")
		}
	}
	if v.before == nil || v.ranged() {
		return
	}
	for _, w := range v.before.Waiting {
		if _, there := v.logByKey[w.Object]; !there && w.Bucket == v.o.Bucket.Name() {
			v.lacks(w.Object, "it was delivered and waits for its digest")
		}
	}
}
