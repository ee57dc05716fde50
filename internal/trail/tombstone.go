package trail

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"

	"github.com/trailgate/trailgate/event"
)

// A tombstone is the DeleteEvents event that announces which events go. It is
// what a pruned trail begins with: the chain goes on from the hash it names,
// and whatever else is missing at the front is damage.
//
// journal/pruned.json says which tombstone is the last, so that a start need
// not read the whole journal for it. It is an index: without it the tombstone is
// looked for, and what it says counts only when the event says so too.

const (
	prunedName    = "pruned.json"
	prunedVersion = 1
	tombstoneName = "DeleteEvents"
)

// tombstone is a DeleteEvents event, with its place in the trail.
type tombstone struct {
	EventID string             `json:"eventID"`
	Seq     uint64             `json:"seq,omitempty"`   // of its event; 0 while it is being appended
	After   uint64             `json:"after,omitempty"` // its event is appended after this one
	Done    bool               `json:"done,omitempty"`  // nothing it names is there any more
	Event   event.DeleteEvents `json:"event"`
}

// last is the newest event it removes, and the chain's hash there.
func (t *tombstone) last() uint64 { return uint64(t.Event.Last) }

// pruned is the contents of journal/pruned.json.
type pruned struct {
	Version int        `json:"version"`
	Start   *tombstone `json:"start,omitempty"` // announced: what it names may be gone
	Next    *tombstone `json:"next,omitempty"`  // of no effect unless its event is in the trail
}

// same reports whether nothing was pruned between p and o.
func (p pruned) same(o pruned) bool {
	if p.Start == nil || o.Start == nil {
		return p.Start == o.Start
	}
	return p.Start.Done && o.Start.Done && p.Start.EventID == o.Start.EventID
}

func prunedPath(dir string) string { return filepath.Join(journalDir(dir), prunedName) }

// readPruned reads pruned.json. One that is missing or cannot be read says
// nothing: it is an index.
func readPruned(fsys FS, dir string) (pruned, error) {
	b, err := readFile(fsys, prunedPath(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return pruned{}, nil
	}
	if err != nil {
		return pruned{}, fmt.Errorf("read %s: %w", prunedName, err)
	}
	var p pruned
	if json.Unmarshal(b, &p) != nil || p.Version != prunedVersion {
		return pruned{}, nil
	}
	return p, nil
}

func writePruned(fsys FS, dir string, p pruned) error {
	p.Version = prunedVersion
	b, err := json.MarshalIndent(p, "", " ")
	if err != nil {
		return fmt.Errorf("encode %s: %w", prunedName, err)
	}
	f, err := replaceFile(fsys, prunedPath(dir), append(b, '\n'))
	if err != nil {
		return fmt.Errorf("write %s: %w", prunedName, err)
	}
	return f.Close()
}

// tombstoneMark is in the JSON of every tombstone. Other events that have it
// somewhere are told apart by readTombstone.
var tombstoneMark = []byte(tombstoneName)

// readTombstone reads a tombstone from the record of the event seq.
func readTombstone(seq uint64, record []byte) (t tombstone, ok bool) {
	id, e, ok := ReadTombstone(record)
	if !ok || uint64(e.Last) >= seq {
		return t, false
	}
	return tombstone{EventID: id, Seq: seq, Event: e}, true
}

// ReadTombstone reads a tombstone and its eventID from a record. ok is false for
// any other event: only Trailgate itself appends tombstones, and what it calls
// itself no client can be called.
func ReadTombstone(record []byte) (id string, e event.DeleteEvents, ok bool) {
	if !bytes.Contains(record, tombstoneMark) {
		return "", e, false
	}
	var r struct {
		UserIdentity struct {
			Type      string `json:"type"`
			InvokedBy string `json:"invokedBy"`
		} `json:"userIdentity"`
		EventSource       string `json:"eventSource"`
		EventName         string `json:"eventName"`
		EventID           string `json:"eventID"`
		EventCategory     string `json:"eventCategory"`
		ErrorCode         string `json:"errorCode"`
		RequestParameters struct {
			Reason      string   `json:"reason"`
			Before      string   `json:"before"`
			First       int64    `json:"firstSequenceNumber"`
			Last        int64    `json:"lastSequenceNumber"`
			Count       int64    `json:"eventCount"`
			Oldest      string   `json:"oldestEventTime"`
			Newest      string   `json:"newestEventTime"`
			Hash        string   `json:"hash"`
			Segments    []string `json:"segments"`
			FirstDigest string   `json:"firstDigest"`
			LastDigest  string   `json:"lastDigest"`
			DigestHash  string   `json:"lastDigestHash"`
			Digests     int64    `json:"digestCount"`
			LogFiles    int64    `json:"logFileCount"`
		} `json:"requestParameters"`
	}
	if json.Unmarshal(record, &r) != nil || r.EventName != tombstoneName || r.ErrorCode != "" || r.EventCategory != event.Management ||
		r.UserIdentity.Type != serviceType || r.UserIdentity.InvokedBy != r.EventSource {
		return "", e, false
	}
	p := r.RequestParameters
	if p.First < 1 || p.Last < p.First || len(p.Hash) != 2*len(Hash{}) {
		return "", e, false
	}
	return r.EventID, event.DeleteEvents{
		Reason: p.Reason, Before: p.Before, First: p.First, Last: p.Last, Count: p.Count, Oldest: p.Oldest, Newest: p.Newest, Hash: p.Hash, Segments: p.Segments,
		FirstDigest: p.FirstDigest, LastDigest: p.LastDigest, DigestHash: p.DigestHash, Digests: p.Digests, LogFiles: p.LogFiles,
	}, true
}

// serviceType is the userIdentity.type of what Trailgate itself does.
const serviceType = "Service"

// allows reports whether a trail may begin with the segment that h opens. One
// that begins earlier than t says is in the middle of being pruned.
func (t *tombstone) allows(h header) bool {
	switch {
	case h.first == 0 || h.first > t.last()+1:
		return false
	case h.first == t.last()+1:
		return hex.EncodeToString(h.hash[:]) == t.Event.Hash
	}
	return true
}

// begun is v, whose first segment h opens, with the tombstone that says why it
// begins there. Without one it is damaged.
func (v view) begun(fsys FS, dir string, h header) (view, error) {
	p, err := readPruned(fsys, dir)
	if err != nil {
		return v, err
	}
	from, last := h.first, v.head.seq
	if p.Start != nil && p.Start.allows(h) && p.Start.Seq >= h.first {
		from, last = p.Start.Seq, p.Start.Seq
	}
	for {
		all, err := v.tombstones(fsys, dir, from, last)
		if err != nil {
			return v, err
		}
		for _, t := range slices.Backward(all) {
			if t.allows(h) {
				v.start = &t
				return v, nil
			}
		}
		if from == h.first && last == v.head.seq {
			return v, fmt.Errorf("%w: segment %s is missing, and no event tells that it was removed", ErrDamaged, segmentName(h.previous))
		}
		from, last = h.first, v.head.seq // the index is wrong
	}
}

// pruned is how far the pruning of v is, when nobody prunes it. What the index
// says counts only with the event it names.
func (v view) pruned(fsys FS, dir string) (pruned, error) {
	p, err := readPruned(fsys, dir)
	if err != nil {
		return pruned{}, err
	}
	if p.Start != nil {
		found, err := v.tombstones(fsys, dir, p.Start.Seq, p.Start.Seq)
		if err != nil {
			return pruned{}, err
		}
		if len(found) != 1 || found[0].EventID != p.Start.EventID {
			p.Start = nil
		}
	}
	if v.start != nil && (p.Start == nil || p.Start.Seq < v.start.Seq) {
		p.Start = v.start
	}
	return p, nil
}

// tombstones are those among the events from to last.
func (v view) tombstones(fsys FS, dir string, from, last uint64) (all []tombstone, err error) {
	c := cursor{fs: fsys, dir: dir, next: from}
	defer c.close()
	err = c.replay(context.Background(), v, func(entries []event.Entry) error {
		for _, e := range entries {
			if e.Seq > last {
				return errFar
			}
			if t, ok := readTombstone(e.Seq, e.JSON); ok {
				all = append(all, t)
			}
		}
		return nil
	})
	if errors.Is(err, errFar) {
		err = nil
	}
	return all, err
}

// errFar ends a replay that has come far enough.
var errFar = errors.New("far enough")
