package importer

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// A packed file is read no further than honest ones go: JSON that gzip makes
// more than unpackRatio times smaller is none of AWS's, whose logs shrink to a
// tenth.
const (
	unpackBase  = 64 << 20
	unpackRatio = 256
	maxLayers   = 2 // gzip inside gzip: a packed file packed again on its way
)

var errBomb = errors.New("it unpacks to far more than a log file does")

// unpacker reads files, packed or not; what a file is its first bytes say. It
// may be used for one after the other.
type unpacker struct {
	layers [maxLayers]gzip.Reader
	bufs   [maxLayers + 1]*bufio.Reader
	raw    counter
	most   int64 // unpacked, beside unpackRatio; 0 is unpackBase
}

// open returns the text of r, and whether it begins as JSON does. Every error
// of it but io.EOF is a *cutError.
func (u *unpacker) open(r io.Reader) (text io.Reader, isJSON bool) {
	u.raw = counter{r: r}
	in := u.buffer(0, &u.raw)
	for i := range u.layers {
		head, _ := in.Peek(2) // an error comes again when it is read
		if len(head) < 2 || head[0] != 0x1f || head[1] != 0x8b {
			break
		}
		if err := u.layers[i].Reset(in); err != nil {
			return failing{&cutError{fmt.Errorf("unpack: %w", err)}}, false
		}
		in = u.buffer(i+1, &bounded{r: &u.layers[i], raw: &u.raw, base: cmp.Or(u.most, unpackBase)})
	}
	head, _ := in.Peek(512)
	start := strings.TrimLeft(strings.TrimPrefix(string(head), "\xEF\xBB\xBF"), " \t\r\n")
	return whole{in}, start != "" && (start[0] == '{' || start[0] == '[')
}

func (u *unpacker) buffer(i int, r io.Reader) *bufio.Reader {
	if u.bufs[i] == nil {
		u.bufs[i] = bufio.NewReaderSize(r, 64<<10)
	} else {
		u.bufs[i].Reset(r)
	}
	return u.bufs[i]
}

// counter counts what was read.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// bounded ends a text that is far larger than what it was unpacked from.
type bounded struct {
	r    io.Reader
	raw  *counter
	base int64
	n    int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.n > b.base+unpackRatio*b.raw.n {
		return 0, errBomb
	}
	n, err := b.r.Read(p)
	b.n += int64(n)
	if err != nil && err != io.EOF {
		err = fmt.Errorf("unpack: %w", err)
	}
	return n, err
}

// whole makes every error but io.EOF a *cutError.
type whole struct{ r io.Reader }

func (w whole) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if err != nil && err != io.EOF {
		err = &cutError{err}
	}
	return n, err
}

// failing is a file that cannot be read at all.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
