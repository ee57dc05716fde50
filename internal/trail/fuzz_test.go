package trail

import (
	"bytes"
	"testing"
)

// FuzzSegment reads any bytes as a segment: nothing panics, and what a walk
// takes for good is exactly what it was chained from.
func FuzzSegment(f *testing.F) {
	m := newMemFS()
	r := start(f, m, dataDir, Options{})
	r.mustAppend(f, 3, 600)
	r.mustEnd(f)
	whole := m.names[segmentPath(dataDir, 1)].data
	f.Add(whole)
	f.Add(whole[:headerSize+10])
	f.Add(whole[:headerSize-1])
	f.Add(append(bytes.Clone(whole), 0xff, 0xff, 0xff, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := readHeader(b)
		if err != nil {
			return
		}
		if again := h.encode(); h.trail == m.header(t, 1).trail && !bytes.Equal(again[:96], b[:96]) {
			t.Errorf("a header changes when written again: %x, was %x", again, b[:headerSize])
		}
		w := walker{l: newLinker(), seq: h.first, hash: h.hash, off: headerSize}
		w.walkGood(b)
		good := w.off
		w = walker{l: newLinker(), seq: h.first, hash: h.hash, off: headerSize}
		w.walk(b)
		if (len(w.findings) == 0) != (good == int64(len(b))) {
			t.Errorf("%d of %d bytes are good, but a walk finds %v", good, len(b), w.findings)
		}
		var again []byte
		prev := h.hash
		for off := int64(headerSize); off < good; {
			fr, err := readFrame(b[off:])
			if err != nil {
				t.Fatal(err)
			}
			again, prev = appendFrame(again, newLinker(), prev, fr.seq, fr.micros, fr.json())
			off += int64(fr.size())
		}
		if !bytes.Equal(again, b[headerSize:good]) {
			t.Error("frames change when written again")
		}
	})
}

func FuzzFrame(f *testing.F) {
	b, _ := appendFrame(nil, newLinker(), Hash{}, 7, 1, []byte(`{"eventName":"Login"}`))
	f.Add(b)
	f.Add(b[:39])
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, err := readFrame(b)
		if err == nil && (fr.size() > len(b) || len(fr.payload) < payloadHead) {
			t.Errorf("a frame of %d bytes in %d", fr.size(), len(b))
		}
	})
}

func FuzzHead(f *testing.F) {
	b := make([]byte, headSize)
	p := position{ordinal: 3, end: 900, seq: 12}
	for range 2 {
		p.generation++
		p.encodeSlot(b[p.slot()*slotSize : (p.slot()+1)*slotSize])
	}
	f.Add(b)
	f.Add(b[:slotSize])
	f.Add(make([]byte, headSize))
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := parseHead(b)
		if err != nil || h.damaged() {
			return
		}
		again := make([]byte, slotSize)
		h.encodeSlot(again)
		if got, err := readSlot(again); err != nil || got != h.position {
			t.Errorf("a head changes when written again: %+v, was %+v, %v", got, h.position, err)
		}
	})
}

func FuzzCatalogue(f *testing.F) {
	f.Add([]byte(`{"version":1,"seq":3,"files":[{"path":"day=2026-11-20/1-3.parquet","firstSeq":1,"lastSeq":3,"rows":3,"bytes":100}]}`))
	f.Add([]byte(`{"version":1,"files":[{"path":"../../etc/passwd"}]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := parseCatalogue(b)
		if err != nil {
			return
		}
		for _, name := range c.query("/data").Files {
			if !bytes.HasPrefix([]byte(name), []byte("/data/events")) {
				t.Errorf("the catalogue names %q", name)
			}
		}
	})
}
