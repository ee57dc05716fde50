package trail

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"hash/crc32"
)

// A frame holds one event:
//
//	length  u32   of the payload
//	crc     u32   CRC32C of length, hash and payload
//	hash    [32]  SHA-256 of the previous frame's hash and this payload
//	payload seq u64, append time i64 (µs since 1970), the record's JSON
//
// All integers are little-endian.
const (
	frameHead   = 4 + 4 + sha256.Size
	payloadHead = 8 + 8
	// maxPayload bounds what a length may claim. A record's three objects are
	// at most 100 KB each (package event), so none comes near it.
	maxPayload = 1 << 20
)

// Hash is a link of the chain.
type Hash [sha256.Size]byte

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// What can be wrong with a frame's bytes.
var (
	errShort  = errors.New("frame is incomplete")
	errLength = errors.New("frame length is out of range")
	errCRC    = errors.New("frame checksum does not match")
	errSeq    = errors.New("frame has another sequence number")
	errChain  = errors.New("hash chain is broken")
	errTime   = errors.New("append time goes backwards")
)

// frame is a decoded frame; its slices point into the bytes it was read from.
type frame struct {
	seq     uint64
	micros  int64
	hash    Hash
	payload []byte
}

func (f frame) json() []byte { return f.payload[payloadHead:] }
func (f frame) size() int    { return frameHead + len(f.payload) }

// linker computes the hash chain without allocating.
type linker struct {
	h         hash.Hash
	prev, sum Hash
}

func newLinker() *linker { return &linker{h: sha256.New()} }

func (l *linker) link(prev Hash, payload []byte) Hash {
	l.prev = prev
	l.h.Reset()
	l.h.Write(l.prev[:])
	l.h.Write(payload)
	l.h.Sum(l.sum[:0])
	return l.sum
}

// appendFrame adds a frame to b and returns the hash it ends the chain with.
func appendFrame(b []byte, l *linker, prev Hash, seq uint64, micros int64, json []byte) ([]byte, Hash) {
	start := len(b)
	b = binary.LittleEndian.AppendUint32(b, uint32(payloadHead+len(json)))
	b = append(b, make([]byte, frameHead-4)...)
	b = binary.LittleEndian.AppendUint64(b, seq)
	b = binary.LittleEndian.AppendUint64(b, uint64(micros))
	b = append(b, json...)
	f := b[start:]
	sum := l.link(prev, f[frameHead:])
	copy(f[8:], sum[:])
	binary.LittleEndian.PutUint32(f[4:], frameCRC(f))
	return b, sum
}

// frameCRC covers all of a frame but the checksum itself.
func frameCRC(f []byte) uint32 {
	return crc32.Update(crc32.Update(0, castagnoli, f[:4]), castagnoli, f[8:])
}

// frameSize is how long the frame at the start of b says it is.
func frameSize(b []byte) (int, error) {
	if len(b) < frameHead {
		return frameHead, errShort
	}
	n := binary.LittleEndian.Uint32(b)
	if n < payloadHead || n > maxPayload {
		return 0, errLength
	}
	return frameHead + int(n), nil
}

// readFrame decodes the frame at the start of b. It checks the length and the
// checksum; the caller checks the sequence number and the chain.
func readFrame(b []byte) (frame, error) {
	n, err := frameSize(b)
	if err != nil {
		return frame{}, err
	}
	if n > len(b) {
		return frame{}, errShort
	}
	b = b[:n]
	if binary.LittleEndian.Uint32(b[4:]) != frameCRC(b) {
		return frame{}, errCRC
	}
	p := b[frameHead:n:n]
	return frame{
		seq:     binary.LittleEndian.Uint64(p),
		micros:  int64(binary.LittleEndian.Uint64(p[8:])),
		hash:    Hash(b[8:frameHead]),
		payload: p,
	}, nil
}
