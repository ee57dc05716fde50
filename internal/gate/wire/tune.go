package wire

import (
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// What lies below the library, measured in reference/ssh-datapath.md 3:
//
//   - Quick ACKs for the first reads: OpenSSH leaves Nagle on until a session
//     starts, and each of its small writes would wait 40 ms for our ACK.
//   - One large read feeds the library's many small ones. The buffer is from a
//     pool and held only while it has unread bytes: an idle connection has none.
//   - The library writes a large packet as 4,096 bytes and the rest. The first
//     part is held and leaves with the second in one writev. A packet of our
//     ciphers is never exactly 4,096 bytes long (4 + 16k + 16 or 4 + 8k + 16),
//     so a second part always follows; before the ciphers are on, nothing is held.
const (
	quickReads = 40
	readSize   = 64 << 10
	halfSize   = 4096 // bufio.Writer's buffer in the library
)

var (
	readPool = sync.Pool{New: func() any { return new([readSize]byte) }}
	halfPool = sync.Pool{New: func() any { return new([halfSize]byte) }}
)

// tuned is a connection with the above. One goroutine reads and one writes at
// a time, as the library does.
type tuned struct {
	net.Conn
	raw syscall.RawConn // nil for what is not TCP

	buf   *[readSize]byte
	r, w  int
	reads int

	ciphersOn atomic.Bool // set once the handshake is over
	half      *[halfSize]byte

	in, out atomic.Int64
}

func tune(nc net.Conn) *tuned {
	t := &tuned{Conn: nc}
	if tc, ok := nc.(*net.TCPConn); ok {
		tc.SetNoDelay(true)
		t.raw, _ = tc.SyscallConn()
	}
	return t
}

func (t *tuned) Read(p []byte) (int, error) {
	if t.raw == nil {
		n, err := t.Conn.Read(p)
		t.in.Add(int64(n))
		return n, err
	}
	if t.r == t.w {
		if err := t.fill(); err != nil {
			return 0, err
		}
	}
	n := copy(p, t.buf[t.r:t.w])
	t.r += n
	if t.r == t.w {
		t.drop()
	}
	return n, nil
}

// fill reads what there is. It takes a buffer only once there is something to
// read, so a connection that waits holds none.
func (t *tuned) fill() error {
	var n int
	var err error
	waitErr := t.raw.Read(func(fd uintptr) bool {
		if t.buf == nil {
			t.buf = readPool.Get().(*[readSize]byte)
		}
		for {
			n, err = unix.Read(int(fd), t.buf[:])
			if err != unix.EINTR {
				break
			}
		}
		if err == unix.EAGAIN {
			t.drop()
			return false
		}
		if t.reads < quickReads {
			t.reads++
			// Best effort: where it fails, the ACK comes 40 ms later.
			unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1)
		}
		return true
	})
	switch {
	case waitErr != nil:
		err = waitErr
	case err != nil:
	case n == 0:
		err = io.EOF
	}
	if err != nil {
		t.drop()
		return err
	}
	t.in.Add(int64(n))
	t.r, t.w = 0, n
	return nil
}

func (t *tuned) drop() {
	if t.buf != nil {
		readPool.Put(t.buf)
		t.buf = nil
	}
	t.r, t.w = 0, 0
}

func (t *tuned) Write(p []byte) (int, error) {
	if t.raw == nil {
		n, err := t.Conn.Write(p)
		t.out.Add(int64(n))
		return n, err
	}
	if t.half == nil && len(p) == halfSize && t.ciphersOn.Load() {
		t.half = halfPool.Get().(*[halfSize]byte)
		copy(t.half[:], p)
		return len(p), nil
	}
	if t.half == nil {
		n, err := t.Conn.Write(p)
		t.out.Add(int64(n))
		return n, err
	}
	both := net.Buffers{t.half[:], p}
	n, err := both.WriteTo(t.Conn)
	t.out.Add(n)
	halfPool.Put(t.half)
	t.half = nil
	if err != nil {
		return 0, err
	}
	return len(p), nil
}

// Close is safe to call twice; the second is no error.
func (t *tuned) Close() error {
	if err := t.Conn.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}
