package trail

import (
	"context"
	"errors"
	"testing"
)

// TestLinksAreTheChain: the hash that was the head's after an event is what Links
// says of it later, across segments, and a rewritten segment says another.
func TestLinksAreTheChain(t *testing.T) {
	m := newMemFS()
	r := start(t, m, dataDir, Options{SegmentBytes: 4096})
	want := map[uint64]Hash{}
	var seqs []uint64
	for range 20 {
		r.mustAppend(t, 1, 600)
		h := r.Head()
		want[h.Seq] = h.Hash
		seqs = append(seqs, h.Seq)
	}
	r.mustEnd(t)
	reader, err := openReader(m, dataDir)
	if err != nil {
		t.Fatal(err)
	}
	if len(reader.view.spans) < 3 || reader.First() != 1 {
		t.Fatalf("the trail has %d segments and begins with event %d", len(reader.view.spans), reader.First())
	}
	links, err := reader.Links(context.Background(), append(seqs, 0, 21, 1<<40))
	if err != nil || len(links) != 21 {
		t.Fatalf("Links = %d of them, %v; want the twenty and the beginning", len(links), err)
	}
	for seq, hash := range want {
		if l := links[seq]; l.Hash != hash || l.Seq != seq || l.Time.IsZero() {
			t.Errorf("Links says %x of event %d, want %x", l.Hash, seq, hash)
		}
	}
	if l := links[0]; l.Hash != reader.view.head.trail.genesis() {
		t.Errorf("the chain begins with %x", l.Hash)
	}
	m.names[segmentPath(dataDir, 2)].data[headerSize+60] ^= 1
	if _, err := reader.Links(context.Background(), seqs); !errors.Is(err, ErrDamaged) {
		t.Errorf("Links of a damaged segment: %v, want ErrDamaged", err)
	}
}
