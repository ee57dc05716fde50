package logfile

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/trail"
)

// tombstone is what a DeleteEvents event says of digests that retention
// removed.
type tombstone struct {
	last   Key // the newest one
	name   string
	hash   string
	before time.Time // the log files removed held events appended before
}

var deleteEventsName = `"` + event.Name(event.DeleteEvents{}) + `"`

// readOurs takes from a record what it says of digests, and returns the
// PutDigest it is, or nil. seq is 0 when it comes from a log file.
func (v *verifier) readOurs(record []byte, seq uint64) *putRecord {
	switch string(member(record, "eventName")) {
	case putDigestName:
		p, ok := readPut(record)
		if !ok {
			return nil
		}
		if old, known := v.puts[p.Object]; !known || old.seq == 0 {
			v.puts[p.Object] = putEvent{p, seq, eventID(record)}
		}
		return &p
	case deleteEventsName:
		_, e, ok := trail.ReadTombstone(record)
		if !ok {
			return nil
		}
		v.shortened = true
		if k, ok := ParseKey(e.LastDigest); ok && k.Kind == KindDigest && k.Is(v.o.Layout) {
			before, _ := time.Parse(time.RFC3339Nano, e.Before)
			v.tombstones = append(v.tombstones, tombstone{k, e.LastDigest, e.DigestHash, before})
		}
	}
	return nil
}

// putEvent is a PutDigest event.
type putEvent struct {
	putRecord
	seq uint64 // in the journal; 0 when only a log file has it
	id  string
}

// pruned says whether retention removed a digest, by a tombstone in the trail.
// hash is what is expected of it; "" for whatever it was.
func (v *verifier) pruned(object, hash string) bool {
	k, ok := ParseKey(object)
	if !ok {
		return false
	}
	for _, t := range v.tombstones {
		if object == t.name {
			return hash == "" || hash == t.hash
		}
		if k.Time.Before(t.last.Time) || k.Backfill && k.Time.Equal(t.last.Time) {
			return true
		}
	}
	return false
}

// checkTail looks for what was cut off behind the newest digest: all that
// vouches for a digest from elsewhere must find it.
func (v *verifier) checkTail(ctx context.Context) error {
	for _, object := range slices.Sorted(maps.Keys(v.puts)) {
		if err := v.checkPut(ctx, object, v.puts[object]); err != nil {
			return err
		}
	}
	if v.before != nil && !v.ranged() {
		for i, ref := range []*Reference{v.before.Chain, v.before.Backfill} {
			v.checkState(ref, [][]*heldDigest{v.chain, v.backfills}[i])
		}
	}
	if v.before == nil && v.o.store != nil && len(v.digests) > 0 && v.found[stateFile] == 0 {
		v.findf(stateFile, "the delivery's state is missing, though there are digests")
	}
	for _, w := range v.o.Witnesses {
		v.checkWitness(w)
	}
	if n := len(v.chain); n > 0 && v.o.Every > 0 && !v.ranged() {
		if silent := v.o.Now.Sub(v.chain[n-1].at.Time); silent > 2*v.o.Every {
			v.note("the newest digest ends at %s, %s ago: was the server down since?", v.chain[n-1].at.Time.Format(timeLayout), silent.Round(time.Minute))
		}
	}
	return nil
}

// vouched says whether a digest that somebody vouches for is to be looked at.
func (v *verifier) vouched(object, bucket string) bool {
	k, ok := ParseKey(object)
	switch {
	case !ok || !k.Is(v.o.Layout) || bucket != v.o.Bucket.Name():
		return false
	case !v.o.From.IsZero() && k.Time.Before(v.o.From) || !v.o.To.IsZero() && k.Time.After(v.o.To):
		return false
	}
	return !v.pruned(object, "")
}

func (v *verifier) checkPut(ctx context.Context, object string, p putEvent) error {
	if !v.vouched(object, p.Bucket) {
		return nil
	}
	d, ok := v.digests[object]
	switch {
	case !ok: // it may be newer than our list
		_, _, _, err := v.get(ctx, object, "event "+p.id+" (PutDigest) says that it was put")
		return err
	case d.hash != "" && d.hash != p.Hash || d.signature != p.Signature:
		v.find(Finding{Object: object, Seq: p.seq, EventID: p.id, Problem: "it is not the digest that this PutDigest event tells of"})
	case d.at.Backfill && p.Generated != d.generated.UTC().Format(backfillLayout):
		v.find(Finding{Object: object, Seq: p.seq, EventID: p.id, Problem: "its metadata says that it was made at another time than this PutDigest event does"})
	}
	return nil
}

// checkState checks that the delivery's newest digest is there, and the newest
// but for one that it was about to put when the node ended.
func (v *verifier) checkState(ref *Reference, chain []*heldDigest) {
	if n := len(chain); n > 0 && v.pending(chain[n-1]) {
		chain = chain[:n-1]
	}
	if ref == nil || ref.Bucket != v.o.Bucket.Name() {
		if ref == nil && len(chain) > 0 {
			v.findf(chain[len(chain)-1].key, "the delivery knows of no digest: was the data directory put back?")
		}
		return
	}
	d, ok := v.digests[ref.Object]
	switch {
	case !ok && v.pruned(ref.Object, ref.Hash):
	case !ok:
		v.lacks(ref.Object, "the delivery put it, and nothing newer")
	case d.hash != "" && d.hash != ref.Hash || d.signature != ref.Signature:
		v.findf(ref.Object, "it is not the digest that was delivered")
	case len(chain) > 0 && chain[len(chain)-1] != d:
		v.findf(chain[len(chain)-1].key, "it is newer than the newest that the delivery knows of, %s: was the data directory put back?", ref.Object)
	}
}

// pending reports whether the delivery has announced d, and does not know yet
// whether it was put.
func (v *verifier) pending(d *heldDigest) bool {
	p := v.before.Digest
	return p != nil && p.Object == d.key && p.Signature == d.signature && (d.hash == "" || d.hash == p.Hash)
}

// checkWitness checks that what somebody outside was told of is there.
func (v *verifier) checkWitness(w Witness) {
	if !v.vouched(w.Digest.Object, w.Digest.Bucket) {
		return
	}
	d, ok := v.digests[w.Digest.Object]
	switch {
	case !ok:
		if !v.missing[w.Digest.Object] {
			v.missing[w.Digest.Object] = true
			v.find(Finding{Object: w.Digest.Object, Lost: true, Problem: fmt.Sprintf("not found: %s was told of it at %s", w.Source, w.Time.UTC().Format(timeLayout))})
		}
	case d.hash != "" && d.hash != w.Digest.Hash || d.signature != w.Digest.Signature:
		v.findf(w.Digest.Object, "it is not the digest that %s was told of at %s", w.Source, w.Time.UTC().Format(timeLayout))
	}
}
