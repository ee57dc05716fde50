package importer

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"strings"
)

// What is the same record twice, and what is another with the same eventID? A
// record's content is a number of 64 bits made of its text without the white space
// between its parts, which is all that those who hand AWS's records on change as a
// rule. It is mixed with a seed that only this data directory knows, so that nobody
// can make a record to the content of another.

// content is of a record; 0 is one that is not known.
type content uint64

// contentSize is what the index of eventIDs has of it.
const contentSize = 8

func (c content) data() (d data) {
	binary.BigEndian.PutUint64(d[:], uint64(c))
	return d
}

func contentIn(d data) content { return content(binary.BigEndian.Uint64(d[:])) }

// newSeed is one that nobody can guess.
func newSeed() uint64 {
	var b [8]byte
	rand.Read(b[:])
	return binary.BigEndian.Uint64(b[:]) | 1
}

// contentOf is that of a JSON object that sqlfront.ScanJSON has accepted.
func contentOf(seed uint64, object string) content {
	if loose(object) {
		var tight bytes.Buffer
		if json.Compact(&tight, []byte(object)) == nil {
			object = tight.String()
		}
	}
	return content(mixed(seed, object) | 1)
}

// loose says whether there may be white space between the parts of an object.
// Text within it may look the same and costs only time.
func loose(object string) bool {
	for _, c := range []byte("\n\r\t") {
		if strings.IndexByte(object, c) >= 0 {
			return true
		}
	}
	const parts = `{}[],:"`
	for at := 0; ; {
		n := strings.IndexByte(object[at:], ' ')
		if n < 0 {
			return false
		}
		at += n + 1 // the object begins and ends with its braces
		if strings.IndexByte(parts, object[at-2]) >= 0 || strings.IndexByte(parts, object[at]) >= 0 {
			return true
		}
	}
}

// mixed is a number made of a text, eight bytes at a time.
func mixed(seed uint64, s string) uint64 {
	const odd = 0xa0761d6478bd642f
	h, k := mix(seed^odd, uint64(len(s))^seed), seed^0xe7037ed1a0b428db
	for ; len(s) >= 8; s = s[8:] {
		h = mix(h^(uint64(s[0])|uint64(s[1])<<8|uint64(s[2])<<16|uint64(s[3])<<24|uint64(s[4])<<32|uint64(s[5])<<40|uint64(s[6])<<48|uint64(s[7])<<56), k)
	}
	var tail uint64
	for i := range len(s) {
		tail = tail<<8 | uint64(s[i])
	}
	return mix(mix(h^tail, k)^odd, k)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}
