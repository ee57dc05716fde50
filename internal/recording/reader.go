package recording

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// ErrUnfinished ends a recording that was never closed: the session is still
// on, or its node stopped. All frames before it are sound.
var ErrUnfinished = errors.New("recording is not finished")

// Reader reads a recording, checking its chain.
type Reader struct {
	Meta Meta

	c     io.Closer // nil if the caller has it
	r     *bufio.Reader
	chain [32]byte
	raw   []byte // the chunk's buffer
	rest  []byte // its frames not read yet
	err   error
}

var decoder = sync.OnceValue(func() *zstd.Decoder {
	d, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxRaw), zstd.WithDecoderMaxWindow(1<<20), zstd.WithDecoderLowmem(true))
	if err != nil {
		panic(fmt.Sprintf("recording: zstd options: %v", err))
	}
	return d
})

// Read opens a session's recording. The caller closes it. A session without
// one is fs.ErrNotExist.
func Read(dir, session string) (*Reader, error) {
	name, err := path(dir, session)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read recording: %w", err)
	}
	r, err := NewReader(f)
	if err != nil {
		f.Close()
		return nil, err
	}
	r.c = f
	return r, nil
}

// NewReader reads a recording from r.
func NewReader(r io.Reader) (*Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head := make([]byte, len(magic)+4)
	if _, err := io.ReadFull(b, head); err != nil {
		return nil, fmt.Errorf("read recording: header: %w", torn(err))
	}
	if !bytes.Equal(head[:len(magic)], magic[:]) {
		return nil, fmt.Errorf("read recording: %w: not a recording, or of a later version", ErrCorrupt)
	}
	n := binary.BigEndian.Uint32(head[len(magic):])
	if n > maxMeta {
		return nil, fmt.Errorf("read recording: %w: header of %d bytes", ErrCorrupt, n)
	}
	meta := make([]byte, n)
	if _, err := io.ReadFull(b, meta); err != nil {
		return nil, fmt.Errorf("read recording: header: %w", torn(err))
	}
	x := &Reader{r: b, chain: sha256.Sum256(append(head, meta...))}
	if err := json.Unmarshal(meta, &x.Meta); err != nil {
		return nil, fmt.Errorf("read recording: %w: header: %v", ErrCorrupt, err)
	}
	return x, nil
}

// torn says that the file ends where it must not.
func torn(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ErrUnfinished
	}
	return err
}

// Next returns the next frame: io.EOF after the last of a finished recording,
// ErrUnfinished after the last sound one of one that is not, ErrCorrupt when
// the chain does not hold.
func (r *Reader) Next() (Frame, error) {
	for r.err == nil && len(r.rest) == 0 {
		r.err = r.chunk()
	}
	if r.err != nil {
		return Frame{}, r.err
	}
	f, rest, err := cutFrame(r.rest)
	if err != nil {
		r.err = fmt.Errorf("read recording: %w", err)
		return Frame{}, r.err
	}
	r.rest = rest
	return f, nil
}

func (r *Reader) chunk() error {
	var head [chunkHead]byte
	if _, err := io.ReadFull(r.r, head[:]); err != nil {
		return fmt.Errorf("read recording: %w", torn(err))
	}
	raw, n := binary.BigEndian.Uint32(head[:]), binary.BigEndian.Uint32(head[4:])
	if raw > maxRaw || n > maxStored || (raw == 0) != (n == 0) {
		return fmt.Errorf("read recording: %w: chunk of %d bytes in %d", ErrCorrupt, raw, n)
	}
	stored := make([]byte, n)
	if _, err := io.ReadFull(r.r, stored); err != nil {
		return fmt.Errorf("read recording: %w", torn(err))
	}
	r.chain = chainOf(r.chain, head[:8], stored)
	if !bytes.Equal(r.chain[:], head[8:]) {
		return fmt.Errorf("read recording: %w: chain is broken", ErrCorrupt)
	}
	if raw == 0 {
		if _, err := r.r.ReadByte(); err != io.EOF {
			return fmt.Errorf("read recording: %w: bytes after the end", ErrCorrupt)
		}
		return io.EOF
	}
	var err error
	if r.raw, err = decoder().DecodeAll(stored, r.raw[:0]); err != nil {
		return fmt.Errorf("read recording: %w: %v", ErrCorrupt, err)
	}
	if len(r.raw) != int(raw) {
		return fmt.Errorf("read recording: %w: chunk of %d bytes has %d", ErrCorrupt, raw, len(r.raw))
	}
	r.rest = r.raw
	return nil
}

// Close closes the file.
func (r *Reader) Close() error {
	if r.c == nil {
		return nil
	}
	return r.c.Close()
}

// Verify reads a whole recording. It returns what a sealed one came to, nil
// for ErrUnfinished's sound part, or what is wrong.
func Verify(dir, session string) (Sealed, error) {
	r, err := Read(dir, session)
	if err != nil {
		return Sealed{}, err
	}
	defer r.Close()
	var s Sealed
	for {
		_, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return s, err
		}
		s.Frames++
	}
	name, _ := path(dir, session)
	f, err := os.Open(name)
	if err != nil {
		return s, fmt.Errorf("verify recording: %w", err)
	}
	defer f.Close()
	h := sha256.New()
	if s.Bytes, err = io.Copy(h, f); err != nil {
		return s, fmt.Errorf("verify recording: %w", err)
	}
	h.Sum(s.SHA256[:0])
	return s, nil
}

// List returns the sessions that have a recording in dir, by name.
func List(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("list recordings: %w", err)
	}
	var sessions []string
	for _, e := range entries {
		if name, ok := strings.CutSuffix(filepath.Base(e.Name()), ".tgr"); ok && sessionName.MatchString(name) {
			sessions = append(sessions, name)
		}
	}
	return sessions, nil
}
