package recording

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"time"

	"github.com/klauspost/compress/zstd"
)

// flushEvery bounds what a crash can lose.
const flushEvery = time.Second

// ErrClosed is what a recorder returns after Close.
var ErrClosed = errors.New("recording is closed")

// Meta says what a recording is of.
type Meta struct {
	Session  string    `json:"sessionId"`
	Identity string    `json:"identity"`
	Login    string    `json:"login"`
	Target   string    `json:"target"`
	Started  time.Time `json:"started"`
}

// Sealed is a recording that is finished and stored.
type Sealed struct {
	Bytes  int64    // of the file
	SHA256 [32]byte // of the file
	Frames int64
}

// Recorder writes one session's recording. Its methods may be called at the
// same time. After an error every method returns it: what a session shows must
// not pass unrecorded, so the session ends.
type Recorder struct {
	now   func() time.Time
	start time.Time

	mu      sync.Mutex // guards below
	f       file
	dir     string
	buf     *chunk // nil while nothing waits to be written
	timer   *time.Timer
	chain   [32]byte
	file    hash.Hash // of the whole file
	bytes   int64
	frames  int64
	err     error
	closed  bool
	onFault func(error)
}

// file is what a recording is written to.
type file interface {
	io.WriteCloser
	Sync() error
}

// chunk is the frames that wait, from a pool.
type chunk struct{ raw, stored []byte }

var chunks = sync.Pool{New: func() any {
	return &chunk{raw: make([]byte, 0, maxRaw), stored: make([]byte, 0, maxStored)}
}}

// encoder is shared: EncodeAll may be called at the same time.
var encoder = sync.OnceValue(func() *zstd.Encoder {
	e, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false))
	if err != nil {
		panic(fmt.Sprintf("recording: zstd options: %v", err))
	}
	return e
})

var sessionName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,63}$`)

// path is where a session's recording is; an id that is no file name is refused.
func path(dir, session string) (string, error) {
	if !sessionName.MatchString(session) {
		return "", fmt.Errorf("recording of session %q: not a session id", session)
	}
	return filepath.Join(dir, session+".tgr"), nil
}

// Open begins the recording of a session in dir, which it makes. A session
// that has a recording already is an error.
func Open(dir, session string, m Meta) (*Recorder, error) {
	name, err := path(dir, session)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	m.Session = session
	r, err := begin(f, m, time.Now)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.dir = dir
	return r, nil
}

func begin(f file, m Meta, now func() time.Time) (*Recorder, error) {
	r := &Recorder{now: now, start: now(), f: f, file: sha256.New()}
	if m.Started.IsZero() {
		m.Started = r.start
	}
	header, err := encodeHeader(m)
	if err != nil {
		return nil, fmt.Errorf("open recording: %w", err)
	}
	r.chain = sha256.Sum256(header)
	if err := r.put(header); err != nil {
		return nil, err
	}
	return r, nil
}

var magic = [8]byte{'T', 'G', 'R', 'E', 'C', 0, 0, 1}

func encodeHeader(m Meta) ([]byte, error) {
	meta, err := json.Marshal(m)
	if err != nil {
		return nil, err
	}
	if len(meta) > maxMeta {
		return nil, errors.New("description too long")
	}
	header := binary.BigEndian.AppendUint32(magic[:], uint32(len(meta)))
	return append(header, meta...), nil
}

// OnFault sets what is called, once and on its own goroutine, when a write
// fails, so that a session that shows nothing more ends too.
func (r *Recorder) OnFault(f func(error)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.onFault = f
}

// add appends frames; r.mu is not held.
func (r *Recorder) add(kind Kind, channel int, p []byte) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for first := true; first || len(p) > 0; first = false {
		if r.closed && r.err == nil {
			return ErrClosed
		}
		if r.err != nil {
			return r.err
		}
		n := min(len(p), maxFrame)
		if r.buf == nil {
			r.buf = chunks.Get().(*chunk)
			r.arm()
		}
		r.buf.raw = appendFrame(r.buf.raw, Frame{kind, channel, max(r.now().Sub(r.start), 0), p[:n]})
		r.frames++
		p = p[n:]
		if len(r.buf.raw) >= chunkSize {
			r.flush()
		}
	}
	return r.err
}

// arm sets the timer that writes what waits.
func (r *Recorder) arm() {
	if r.timer == nil {
		r.timer = time.AfterFunc(flushEvery, func() {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.flush()
		})
		return
	}
	r.timer.Reset(flushEvery)
}

// flush writes what waits as a chunk and gives its buffer back. mu is held.
func (r *Recorder) flush() {
	if r.buf == nil || r.err != nil {
		return
	}
	r.timer.Stop()
	stored := encoder().EncodeAll(r.buf.raw, append(r.buf.stored[:0], make([]byte, chunkHead)...))
	r.seal(stored, len(r.buf.raw))
	r.buf.raw, r.buf.stored = r.buf.raw[:0], stored[:0]
	chunks.Put(r.buf)
	r.buf = nil
}

// chunkHead is what precedes a chunk's stored bytes.
const chunkHead = 4 + 4 + sha256.Size

// seal completes the head of a chunk, whose stored bytes follow it, and writes both.
func (r *Recorder) seal(stored []byte, raw int) {
	binary.BigEndian.PutUint32(stored, uint32(raw))
	binary.BigEndian.PutUint32(stored[4:], uint32(len(stored)-chunkHead))
	r.chain = chainOf(r.chain, stored[:8], stored[chunkHead:])
	copy(stored[8:], r.chain[:])
	r.put(stored)
}

func chainOf(before [32]byte, lengths, stored []byte) (after [32]byte) {
	h := sha256.New()
	h.Write(before[:])
	h.Write(lengths)
	h.Write(stored)
	h.Sum(after[:0])
	return after
}

// put writes, and keeps the first error for good: a short write has left a
// torn chunk, and nothing may follow it.
func (r *Recorder) put(p []byte) error {
	n, err := r.f.Write(p)
	r.file.Write(p[:n])
	r.bytes += int64(n)
	if err != nil {
		r.fault(fmt.Errorf("write recording: %w", err))
	}
	return r.err
}

func (r *Recorder) fault(err error) {
	r.err = err
	if r.onFault != nil {
		go r.onFault(err) // takes its own locks, so not under ours
		r.onFault = nil
	}
}

// Close completes the recording and makes it durable. The second Close
// returns ErrClosed.
func (r *Recorder) Close() (Sealed, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return Sealed{}, ErrClosed
	}
	r.closed = true
	r.onFault = nil
	r.flush()
	if r.err == nil {
		r.seal(make([]byte, chunkHead), 0)
	}
	if r.buf != nil { // a fault left it
		r.buf.raw = r.buf.raw[:0]
		chunks.Put(r.buf)
		r.buf = nil
	}
	if r.timer != nil {
		r.timer.Stop()
	}
	if r.err == nil {
		r.err = r.f.Sync()
	}
	if err := r.f.Close(); r.err == nil && err != nil {
		r.err = err
	}
	if r.err == nil && r.dir != "" {
		r.err = syncDir(r.dir)
	}
	if r.err != nil {
		return Sealed{}, fmt.Errorf("close recording: %w", r.err)
	}
	s := Sealed{Bytes: r.bytes, Frames: r.frames}
	r.file.Sum(s.SHA256[:0])
	return s, nil
}

// syncDir makes the file's name durable.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}
