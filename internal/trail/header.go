package trail

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"path/filepath"
	"strconv"
	"strings"
)

// A segment opens with a header that says where it belongs:
//
//	magic     [8]  "TGJRNL\r\n"
//	version   u32  1
//	length    u32  of the header
//	trail     [16] which trail this is
//	ordinal   u64  of this segment, as in its file name
//	first     u64  sequence number of its first frame
//	previous  u64  ordinal of the segment before it, 0 for none
//	end       u64  where the accepted part of that segment ended
//	hash      [32] the chain's hash there
//	zero      to offset 124
//	crc       u32  CRC32C of all before
const (
	headerSize     = 128
	headerVersion  = 1
	headerMagic    = "TGJRNL\r\n"
	headerCRCStart = headerSize - 4
)

var errHeader = errors.New("segment header is damaged")

// header is a decoded segment header.
type header struct {
	trail    trailID
	ordinal  uint64
	first    uint64
	previous uint64
	end      int64
	hash     Hash
}

// trailID tells trails apart, so that a segment of another one is no use here.
type trailID [16]byte

// genesis is the hash the first frame of a trail is chained to.
func (id trailID) genesis() Hash {
	return sha256.Sum256(append([]byte("trailgate journal "), id[:]...))
}

func (h header) encode() []byte {
	b := make([]byte, 0, headerSize)
	b = append(b, headerMagic...)
	b = binary.LittleEndian.AppendUint32(b, headerVersion)
	b = binary.LittleEndian.AppendUint32(b, headerSize)
	b = append(b, h.trail[:]...)
	b = binary.LittleEndian.AppendUint64(b, h.ordinal)
	b = binary.LittleEndian.AppendUint64(b, h.first)
	b = binary.LittleEndian.AppendUint64(b, h.previous)
	b = binary.LittleEndian.AppendUint64(b, uint64(h.end))
	b = append(b, h.hash[:]...)
	b = b[:headerSize]
	binary.LittleEndian.PutUint32(b[headerCRCStart:], crc32.Checksum(b[:headerCRCStart], castagnoli))
	return b
}

func readHeader(b []byte) (header, error) {
	if len(b) < headerSize {
		return header{}, fmt.Errorf("%w: it has %d of %d bytes", errHeader, len(b), headerSize)
	}
	if !bytes.Equal(b[:8], []byte(headerMagic)) {
		return header{}, fmt.Errorf("%w: it does not start as a segment does", errHeader)
	}
	if crc32.Checksum(b[:headerCRCStart], castagnoli) != binary.LittleEndian.Uint32(b[headerCRCStart:]) {
		return header{}, fmt.Errorf("%w: its checksum does not match", errHeader)
	}
	if v := binary.LittleEndian.Uint32(b[8:]); v != headerVersion {
		return header{}, fmt.Errorf("%w: version %d is not %d, which this release reads", errHeader, v, headerVersion)
	}
	h := header{
		trail:    trailID(b[16:32]),
		ordinal:  binary.LittleEndian.Uint64(b[32:]),
		first:    binary.LittleEndian.Uint64(b[40:]),
		previous: binary.LittleEndian.Uint64(b[48:]),
		end:      int64(binary.LittleEndian.Uint64(b[56:])),
		hash:     Hash(b[64:96]),
	}
	if h.previous >= h.ordinal || h.end < 0 {
		return header{}, fmt.Errorf("%w: it names segment %d as the one before %d", errHeader, h.previous, h.ordinal)
	}
	return h, nil
}

const segmentExt = ".seg"

// segmentName is the file name of a segment.
func segmentName(ordinal uint64) string { return fmt.Sprintf("%012d%s", ordinal, segmentExt) }

// segmentOrdinal is the inverse of segmentName.
func segmentOrdinal(name string) (uint64, bool) {
	s, ok := strings.CutSuffix(name, segmentExt)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil || n == 0 || segmentName(n) != name {
		return 0, false
	}
	return n, true
}

// The directories and files of a trail.
func journalDir(dir string) string { return filepath.Join(dir, "journal") }
func eventsDir(dir string) string  { return filepath.Join(dir, "events") }
func headPath(dir string) string   { return filepath.Join(journalDir(dir), "head") }
func lockPath(dir string) string   { return filepath.Join(journalDir(dir), "lock") }
func segmentPath(dir string, ordinal uint64) string {
	return filepath.Join(journalDir(dir), segmentName(ordinal))
}

// tempExt ends the name of a file that is being made.
const tempExt = ".tmp"
