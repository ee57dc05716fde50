package inspect

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Sizes of one message. A peer that exceeds them is refused, never truncated.
const (
	MaxCommand = 240 << 10 // below the 256 KiB packet; Linux takes 128 KiB an argument
	MaxValue   = 32 << 10  // a variable's value, an unknown request
	MaxName    = 1 << 10   // names: terminal, variable, signal, subsystem, host
	MaxModes   = 4 << 10   // encoded terminal modes
)

// ErrMalformed is in the chain of every decoding error.
var ErrMalformed = errors.New("malformed message")

// reader takes SSH wire values off a payload; the first failure sticks.
type reader struct {
	rest []byte
	err  error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s", ErrMalformed, what)
	}
}

func (r *reader) uint32(what string) uint32 {
	if r.err != nil || len(r.rest) < 4 {
		r.fail(what)
		return 0
	}
	v := binary.BigEndian.Uint32(r.rest)
	r.rest = r.rest[4:]
	return v
}

func (r *reader) bool(what string) bool {
	if r.err != nil || len(r.rest) < 1 {
		r.fail(what)
		return false
	}
	v := r.rest[0] != 0 // RFC 4251 §5: every non-zero value is true
	r.rest = r.rest[1:]
	return v
}

func (r *reader) string(what string, limit int) string {
	n := r.uint32(what)
	if r.err != nil {
		return ""
	}
	if uint64(n) > uint64(len(r.rest)) || int64(n) > int64(limit) {
		r.fail(what)
		return ""
	}
	s := string(r.rest[:n])
	r.rest = r.rest[n:]
	return s
}

func (r *reader) end() {
	if r.err == nil && len(r.rest) > 0 {
		r.fail("trailing bytes")
	}
}

func appendString(b []byte, s string) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
	return append(b, s...)
}

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}
