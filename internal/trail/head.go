package trail

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// The head file says how far the trail is acknowledged. It lies outside the
// segments, so that a segment cut at a frame boundary shows. It has two slots
// of one disk block, written in turn: a write that is torn leaves the other.
//
//	magic      [8]  "TGHEAD\r\n"
//	version    u32  1
//	zero       u32
//	generation u64  grows by one with each write; even ones are in slot 0
//	trail      [16] which trail this is
//	ordinal    u64  the segment it points into, 0 before the first
//	end        u64  offset just past the last acknowledged frame there
//	seq        u64  of that frame
//	time       i64  its append time, µs
//	hash       [32] its hash
//	zero       to offset 4092
//	crc        u32  CRC32C of all before
const (
	slotSize     = 4096
	headSize     = 2 * slotSize
	headVersion  = 1
	headMagic    = "TGHEAD\r\n"
	slotCRCStart = slotSize - 4
)

var errSlot = errors.New("head slot is damaged")

// position is a place in the trail: just past the frame seq.
type position struct {
	generation uint64
	trail      trailID
	ordinal    uint64
	end        int64
	seq        uint64
	micros     int64
	hash       Hash
}

func (p position) slot() int { return int(p.generation % 2) }

// encodeSlot writes p over b, which is one slot long.
func (p position) encodeSlot(b []byte) {
	clear(b)
	copy(b, headMagic)
	binary.LittleEndian.PutUint32(b[8:], headVersion)
	binary.LittleEndian.PutUint64(b[16:], p.generation)
	copy(b[24:], p.trail[:])
	binary.LittleEndian.PutUint64(b[40:], p.ordinal)
	binary.LittleEndian.PutUint64(b[48:], uint64(p.end))
	binary.LittleEndian.PutUint64(b[56:], p.seq)
	binary.LittleEndian.PutUint64(b[64:], uint64(p.micros))
	copy(b[72:], p.hash[:])
	binary.LittleEndian.PutUint32(b[slotCRCStart:], crc32.Checksum(b[:slotCRCStart], castagnoli))
}

func readSlot(b []byte) (position, error) {
	if len(b) != slotSize || !bytes.Equal(b[:8], []byte(headMagic)) {
		return position{}, errSlot
	}
	if crc32.Checksum(b[:slotCRCStart], castagnoli) != binary.LittleEndian.Uint32(b[slotCRCStart:]) {
		return position{}, fmt.Errorf("%w: its checksum does not match", errSlot)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != headVersion {
		return position{}, fmt.Errorf("%w: version %d is not %d, which this release reads", errSlot, v, headVersion)
	}
	return position{
		generation: binary.LittleEndian.Uint64(b[16:]),
		trail:      trailID(b[24:40]),
		ordinal:    binary.LittleEndian.Uint64(b[40:]),
		end:        int64(binary.LittleEndian.Uint64(b[48:])),
		seq:        binary.LittleEndian.Uint64(b[56:]),
		micros:     int64(binary.LittleEndian.Uint64(b[64:])),
		hash:       Hash(b[72:104]),
	}, nil
}

// headState is a head file as read.
type headState struct {
	position          // of the newest good slot
	bad      [2]error // what is wrong with each slot
}

// damaged reports whether a slot is. The newest write may then be lost.
func (h headState) damaged() bool { return h.bad[0] != nil || h.bad[1] != nil }

// parseHead reads a head file's bytes. It fails when no slot is good.
func parseHead(b []byte) (headState, error) {
	var h headState
	if len(b) != headSize {
		return h, fmt.Errorf("%w: the head file has %d bytes, not %d", ErrDamaged, len(b), headSize)
	}
	var slots [2]position
	for i := range slots {
		slots[i], h.bad[i] = readSlot(b[i*slotSize : (i+1)*slotSize])
		if h.bad[i] == nil && slots[i].slot() != i {
			h.bad[i] = fmt.Errorf("%w: generation %d belongs into the other", errSlot, slots[i].generation)
		}
	}
	newest, other := 0, 1
	switch {
	case h.bad[0] != nil && h.bad[1] != nil:
		return h, fmt.Errorf("%w: both slots of the head file are unreadable: %w", ErrDamaged, h.bad[0])
	case h.bad[0] != nil:
		newest, other = 1, 0
	case h.bad[1] != nil:
	default:
		if slots[1].generation > slots[0].generation {
			newest, other = 1, 0
		}
		if slots[other].generation+1 != slots[newest].generation || slots[other].trail != slots[newest].trail {
			h.bad[other] = fmt.Errorf("%w: it does not precede the other", errSlot)
		}
	}
	h.position = slots[newest]
	return h, nil
}

// readHead reads the head file. A running server may be writing a slot just
// now; reading again then shows it whole.
func readHead(fsys FS, dir string) (headState, error) {
	for try := 0; ; try++ {
		b, err := readFile(fsys, headPath(dir))
		if err != nil {
			return headState{}, fmt.Errorf("read head: %w", err)
		}
		h, err := parseHead(b)
		if try == 3 || err == nil && !h.damaged() {
			return h, err
		}
	}
}

// writeHead replaces the head file by one with both slots at p, and returns it
// open with the position of its newest slot.
func writeHead(fsys FS, dir string, p position) (File, position, error) {
	b := make([]byte, headSize)
	for range 2 {
		p.generation++
		p.encodeSlot(b[p.slot()*slotSize : (p.slot()+1)*slotSize])
	}
	f, err := replaceFile(fsys, headPath(dir), b)
	return f, p, err
}
