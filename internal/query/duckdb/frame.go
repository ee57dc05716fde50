package duckdb

// A frame is a big-endian length of four bytes, a kind of one byte and a body;
// the length counts the body only. Bodies are JSON, except those that carry
// entries or rows.

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// protocolVersion is said by both sides first. They are always the same binary;
// it guards against a worker command that names another one.
const protocolVersion = 2

// maxFrame bounds a body. Batches and chunks of rows are far smaller; one row
// with huge cells may come near it.
const maxFrame = 16 << 20

const frameHeader = 5

type kind byte

const (
	// To the worker.
	kindHello     kind = 1 // hello
	kindLoad      kind = 2 // entries, see appendEntry
	kindCatalogue kind = 3 // catalogue
	kindQuery     kind = 4 // ask
	kindCancel    kind = 5 // ask, of which only ID counts

	// From the worker.
	kindReady   kind = 16 // ready
	kindApplied kind = 17 // applied, one for each load and catalogue
	kindColumns kind = 18 // columns
	kindRows    kind = 19 // the ask's ID in eight bytes, then cells
	kindDone    kind = 20 // done
	kindPlan    kind = 21 // plan
)

var errProtocol = errors.New("query worker protocol")

// newFrame starts a frame; append its body and call finish.
func newFrame(k kind) []byte { return []byte{0, 0, 0, 0, byte(k)} }

// finish sets the length of a frame that newFrame started.
func finish(f []byte) ([]byte, error) {
	n := len(f) - frameHeader
	if n > maxFrame {
		return nil, fmt.Errorf("%w: a frame of %d bytes is over %d", errProtocol, n, maxFrame)
	}
	binary.BigEndian.PutUint32(f, uint32(n))
	return f, nil
}

// jsonFrame is a whole frame with v as its body.
func jsonFrame(k kind, v any) ([]byte, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("encode frame: %w", err)
	}
	return finish(append(newFrame(k), body...))
}

// readFrame reads one frame. The body is valid until the next call with the
// same buf. At the end between two frames it returns io.EOF.
func readFrame(r io.Reader, buf *[]byte) (kind, []byte, error) {
	var head [frameHeader]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return 0, nil, err
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return 0, nil, fmt.Errorf("%w: cut in a header: %w", errProtocol, err)
	}
	n := binary.BigEndian.Uint32(head[:])
	if n > maxFrame {
		return 0, nil, fmt.Errorf("%w: a frame of %d bytes is over %d", errProtocol, n, maxFrame)
	}
	if int(n) > cap(*buf) {
		*buf = make([]byte, n)
	}
	body := (*buf)[:n]
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, fmt.Errorf("%w: cut in a body: %w", errProtocol, err)
	}
	return kind(head[4]), body, nil
}
