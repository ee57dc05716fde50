package relay

import "sync"

// pieceSize is the largest piece, one full packet of a channel.
const pieceSize = 32 << 10

// smallSize is what a stream that waits holds.
const smallSize = 512

var piecePool = sync.Pool{New: func() any { return new([pieceSize]byte) }}

// buffer is a stream's read buffer: small while little flows, from a pool
// while a lot does, so that an idle stream costs next to nothing.
type buffer struct {
	small []byte
	large *[pieceSize]byte
}

func newBuffer() *buffer { return &buffer{small: make([]byte, smallSize)} }

// next is where to read to.
func (b *buffer) next() []byte {
	if b.large != nil {
		return b.large[:]
	}
	return b.small
}

// read tells how much the last read brought, once it is passed on.
func (b *buffer) read(n int) {
	switch {
	case b.large == nil && n == smallSize:
		b.large = piecePool.Get().(*[pieceSize]byte)
	case b.large != nil && n < smallSize:
		b.release()
	}
}

// release gives back what is from the pool.
func (b *buffer) release() {
	if b.large != nil {
		piecePool.Put(b.large)
		b.large = nil
	}
}
