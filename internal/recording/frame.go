package recording

import (
	"encoding/binary"
	"errors"
	"fmt"
	"time"
)

// Kind is what a frame holds.
type Kind byte

// The kinds.
const (
	Start  Kind = 's' // a channel begins; Bytes is a Began as JSON
	Stdout Kind = 'o'
	Stderr Kind = 'e'
	Input  Kind = 'i' // off unless policy asks for it
	Resize Kind = 'r' // Bytes is COLUMNSxROWS
	Cut    Kind = 'c' // the limit is reached: output is counted from here on
	End    Kind = 'x' // a channel's end; Bytes is a Totals as JSON
)

// Frame is one thing that happened on a channel.
type Frame struct {
	Kind    Kind
	Channel int
	Time    time.Duration // since the recording's start
	Bytes   []byte        // valid until the next frame is read
}

const (
	maxFrame = 32 << 10 // longer output is split
	// chunkSize is when a chunk is written; the last frame may exceed it.
	chunkSize   = 64 << 10
	maxRaw      = chunkSize + maxFrame + 64
	maxStored   = maxRaw + 1024 // zstd adds little to what it cannot compress
	maxMeta     = 64 << 10
	maxChannels = 1 << 20
)

// ErrCorrupt is in the chain of what a damaged recording returns.
var ErrCorrupt = errors.New("recording is corrupt")

func appendFrame(b []byte, f Frame) []byte {
	b = append(b, byte(f.Kind))
	b = binary.AppendUvarint(b, uint64(f.Channel))
	b = binary.AppendUvarint(b, uint64(f.Time/time.Microsecond))
	b = binary.AppendUvarint(b, uint64(len(f.Bytes)))
	return append(b, f.Bytes...)
}

// cutFrame takes the first frame off b.
func cutFrame(b []byte) (f Frame, rest []byte, err error) {
	fail := func(what string) (Frame, []byte, error) {
		return Frame{}, nil, fmt.Errorf("%w: frame: %s", ErrCorrupt, what)
	}
	if len(b) == 0 {
		return fail("kind")
	}
	f.Kind = Kind(b[0])
	b = b[1:]
	var v [3]uint64
	for i, what := range [...]string{"channel", "time", "length"} {
		n := 0
		if v[i], n = binary.Uvarint(b); n <= 0 {
			return fail(what)
		}
		b = b[n:]
	}
	switch {
	case v[0] > maxChannels:
		return fail("channel")
	case v[1] > uint64(1<<63-1)/uint64(time.Microsecond):
		return fail("time")
	case v[2] > maxFrame || v[2] > uint64(len(b)):
		return fail("length")
	}
	f.Channel = int(v[0])
	f.Time = time.Duration(v[1]) * time.Microsecond
	f.Bytes = b[:v[2]:v[2]]
	return f, b[v[2]:], nil
}
