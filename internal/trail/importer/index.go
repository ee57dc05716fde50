package importer

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"path/filepath"
	"slices"
	"sync"

	"github.com/trailgate/trailgate/internal/trail"
)

// An index is a set of keys with a little data each, on disk as sorted runs.
// A batch of an import adds a run; eight of a level become one of the next, so
// that there are few however much was imported. In memory it has a filter and
// every 128th key of a run: about 2 bytes a key.
//
// A run is a header of 16 bytes ("tgrun1", the entry's size, the count), and
// entries: a key of 16 bytes and the index's data, up to 16 bytes; or, in runs from
// before the index had data, the key alone, whose data is zero.
const (
	runMagic   = "tgrun1"
	runHead    = 16
	keySize    = 16
	dataSize   = 16
	fanOut     = 8
	stride     = 128 // entries from one key in memory to the next
	filterBits = 10  // a key
	filterHash = 6
)

// key is half of the SHA-256 of what it stands for.
type key [keySize]byte

func keyOf(parts ...string) key {
	h := sha256.New()
	for i, p := range parts {
		if i > 0 {
			h.Write([]byte{0})
		}
		io.WriteString(h, p)
	}
	var sum [sha256.Size]byte
	return key(h.Sum(sum[:0])[:keySize])
}

// keyOfID is keyOf for one part that is not kept.
func keyOfID(id string) key {
	var b [64]byte // an eventID is 36 long
	sum := sha256.Sum256(append(b[:0], id...))
	return key(sum[:keySize])
}

type data [dataSize]byte

type entry struct {
	key  key
	data data
}

// runInfo is a run in the catalogue.
type runInfo struct {
	Path    string `json:"path"` // under the imports' directory
	Level   int    `json:"level"`
	Entries int    `json:"entries"`
	SHA256  string `json:"sha256"`
}

// run is an open one.
type run struct {
	runInfo
	file   trail.File
	size   int // of an entry: the index's, or keySize
	filter []uint64
	sparse []key
}

// index holds the runs. Its readers may be many; one writer changes it.
type index struct {
	fs   trail.FS
	dir  string // of the imports
	name string // of the index, and of its directory
	size int    // of an entry

	mu   sync.RWMutex // guards runs; held while one is read
	runs []*run
}

// openIndex opens the runs that the catalogue names, and reads each once.
func openIndex(fsys trail.FS, dir, name string, size int, infos []runInfo) (*index, error) {
	x := &index{fs: fsys, dir: dir, name: name, size: size}
	for _, info := range infos {
		r, err := x.open(info)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("open index of %s: %w", name, err), x.close())
		}
		x.runs = append(x.runs, r)
	}
	return x, nil
}

func (x *index) close() error {
	x.mu.Lock()
	defer x.mu.Unlock()
	var errs []error
	for _, r := range x.runs {
		errs = append(errs, r.file.Close())
	}
	x.runs = nil
	return errors.Join(errs...)
}

// open opens a run and checks all of it.
func (x *index) open(info runInfo) (_ *run, err error) {
	damaged := func(why string) error { return fmt.Errorf("%w: %s %s", trail.ErrDamaged, info.Path, why) }
	if !filepath.IsLocal(info.Path) || info.Entries <= 0 {
		return nil, damaged("is no run")
	}
	f, err := x.fs.Open(filepath.Join(x.dir, info.Path), false)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	r := &run{runInfo: info, file: f, size: x.size, filter: newFilter(info.Entries)}
	switch size - runHead {
	case int64(info.Entries) * int64(x.size):
	case int64(info.Entries) * keySize:
		r.size = keySize
	default:
		return nil, damaged("has another size")
	}
	sum := sha256.New()
	last := entry{}
	n := 0
	err = r.each(sum, func(e entry) error {
		if n > 0 && bytes.Compare(last.key[:], e.key[:]) >= 0 {
			return damaged("is not sorted")
		}
		if n%stride == 0 {
			r.sparse = append(r.sparse, e.key)
		}
		n++
		addTo(r.filter, e.key)
		last = e
		return nil
	})
	if err != nil {
		return nil, err
	}
	if hex.EncodeToString(sum.Sum(nil)) != info.SHA256 {
		return nil, damaged("is not the file that was written")
	}
	return r, nil
}

// each calls fn with the entries of a run in order, hashing its bytes into sum.
func (r *run) each(sum hash.Hash, fn func(entry) error) error {
	c := r.cursor(sum)
	for {
		e, ok, err := c.next()
		if err != nil || !ok {
			return err
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

// runCursor reads a run from its start.
type runCursor struct {
	r    *run
	sum  hash.Hash // may be nil
	buf  []byte
	rest []byte
	off  int64
	left int
}

func (r *run) cursor(sum hash.Hash) *runCursor {
	return &runCursor{r: r, sum: sum, left: r.Entries, buf: make([]byte, 2048*r.size)}
}

func (c *runCursor) next() (e entry, ok bool, err error) {
	if c.off == 0 {
		head := make([]byte, runHead)
		if _, err := c.r.file.ReadAt(head, 0); err != nil && err != io.EOF {
			return e, false, fmt.Errorf("read %s: %w", c.r.Path, err)
		}
		if string(head) != string(header(c.r.size, c.r.Entries)) {
			return e, false, fmt.Errorf("%w: %s has another header", trail.ErrDamaged, c.r.Path)
		}
		c.hash(head)
		c.off = runHead
	}
	if c.left == 0 {
		return e, false, nil
	}
	if len(c.rest) == 0 {
		b := c.buf[:min(len(c.buf), c.left*c.r.size)]
		if n, err := c.r.file.ReadAt(b, c.off); n < len(b) {
			return e, false, fmt.Errorf("read %s: %w", c.r.Path, cmp.Or(err, io.ErrUnexpectedEOF))
		}
		c.hash(b)
		c.off += int64(len(b))
		c.rest = b
	}
	copy(e.key[:], c.rest)
	copy(e.data[:], c.rest[keySize:c.r.size])
	c.rest = c.rest[c.r.size:]
	c.left--
	return e, true, nil
}

func (c *runCursor) hash(b []byte) {
	if c.sum != nil {
		c.sum.Write(b)
	}
}

func header(size, entries int) []byte {
	b := append(make([]byte, 0, runHead), runMagic...)
	b = binary.BigEndian.AppendUint16(b, uint16(size))
	return binary.BigEndian.AppendUint64(b, uint64(entries))
}

// find looks a key up.
func (x *index) find(k key) (d data, ok bool, err error) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, r := range slices.Backward(x.runs) {
		if !isIn(r.filter, k) {
			continue
		}
		if d, ok, err = r.find(k); ok || err != nil {
			return d, ok, err
		}
	}
	return d, false, nil
}

func (r *run) find(k key) (d data, ok bool, err error) {
	i, exact := slices.BinarySearchFunc(r.sparse, k, func(a, b key) int { return bytes.Compare(a[:], b[:]) })
	if !exact {
		if i == 0 {
			return d, false, nil
		}
		i--
	}
	var block [stride * (keySize + dataSize)]byte
	b := block[:min(stride, r.Entries-i*stride)*r.size]
	if n, err := r.file.ReadAt(b, runHead+int64(i)*stride*int64(r.size)); n < len(b) {
		return d, false, fmt.Errorf("read %s: %w", r.Path, cmp.Or(err, io.ErrUnexpectedEOF))
	}
	lo, hi := 0, len(b)/r.size
	for lo < hi {
		mid := (lo + hi) / 2
		switch e := b[mid*r.size:]; bytes.Compare(e[:keySize], k[:]) {
		case 0:
			copy(d[:], e[keySize:r.size])
			return d, true, nil
		case -1:
			lo = mid + 1
		default:
			hi = mid
		}
	}
	return d, false, nil
}

// write makes a run of entries, whole and durable, and opens it. It is part of
// the index once adopt is called with it. name is the file's.
func (x *index) write(name string, level int, count int, entries func(yield func(entry) error) error) (*run, error) {
	info := runInfo{Path: filepath.Join(x.name, name), Level: level, Entries: count}
	path := filepath.Join(x.dir, info.Path)
	if err := x.fs.MkdirAll(filepath.Dir(path)); err != nil {
		return nil, fmt.Errorf("write index of %s: %w", x.name, err)
	}
	r := &run{runInfo: info, size: x.size, filter: newFilter(count)}
	sum := sha256.New()
	f, err := trail.CreateFile(x.fs, path, func(w io.Writer) error {
		w = io.MultiWriter(w, sum)
		if _, err := w.Write(header(x.size, count)); err != nil {
			return err
		}
		n := 0
		err := entries(func(e entry) error {
			if n%stride == 0 {
				r.sparse = append(r.sparse, e.key)
			}
			n++
			addTo(r.filter, e.key)
			if _, err := w.Write(e.key[:]); err != nil {
				return err
			}
			_, err := w.Write(e.data[:x.size-keySize])
			return err
		})
		if err == nil && n != count {
			err = fmt.Errorf("%d entries, not %d", n, count)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("write index of %s: %w", x.name, err)
	}
	r.file, r.SHA256 = f, hex.EncodeToString(sum.Sum(nil))
	return r, nil
}

// grow is what the runs are with a new one of these entries: it, or what it was
// merged into. Nothing changes until adopt. Keys that are there already must
// not be among the entries.
func (x *index) grow(generation uint64, entries []entry) (next []*run, err error) {
	next = slices.Clone(x.runs)
	if len(entries) == 0 {
		return next, nil
	}
	slices.SortFunc(entries, func(a, b entry) int { return bytes.Compare(a.key[:], b.key[:]) })
	r, err := x.write(fmt.Sprintf("%012d.run", generation), 0, len(entries), func(yield func(entry) error) error {
		for _, e := range entries {
			if err := yield(e); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	next = append(next, r)
	for level := 0; ; level++ {
		var same, others []*run
		for _, r := range next {
			if r.Level == level {
				same = append(same, r)
			} else {
				others = append(others, r)
			}
		}
		if len(same) < fanOut {
			return next, nil
		}
		merged, err := x.merge(fmt.Sprintf("%012d-%d.run", generation, level+1), level+1, same)
		if err != nil {
			x.abandon(next)
			return nil, err
		}
		for _, r := range same {
			if !slices.Contains(x.runs, r) { // made and merged at once
				r.file.Close()
			}
		}
		next = append(others, merged)
	}
}

// merge makes one run of several.
func (x *index) merge(name string, level int, runs []*run) (*run, error) {
	count := 0
	for _, r := range runs {
		count += r.Entries
	}
	return x.write(name, level, count, func(yield func(entry) error) error {
		type head struct {
			entry
			c *runCursor
		}
		var heads []head
		pull := func(c *runCursor) error {
			e, ok, err := c.next()
			if ok {
				heads = append(heads, head{e, c})
			}
			return err
		}
		for _, r := range runs {
			if err := pull(r.cursor(nil)); err != nil {
				return err
			}
		}
		for len(heads) > 0 {
			first := 0
			for i := range heads {
				if bytes.Compare(heads[i].key[:], heads[first].key[:]) < 0 {
					first = i
				}
			}
			h := heads[first]
			if err := yield(h.entry); err != nil {
				return err
			}
			e, ok, err := h.c.next()
			if err != nil {
				return err
			}
			if ok {
				heads[first].entry = e
			} else {
				heads = slices.Delete(heads, first, first+1)
			}
		}
		return nil
	})
}

// adopt makes next, which grow has made, the index's runs.
func (x *index) adopt(next []*run) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range x.runs {
		if !slices.Contains(next, r) {
			r.file.Close() // it was read only
		}
	}
	x.runs = next
}

// abandon closes what grow has made and will not be adopted.
func (x *index) abandon(next []*run) {
	for _, r := range next {
		if !slices.Contains(x.runs, r) {
			r.file.Close()
		}
	}
}

func infos(runs []*run) []runInfo {
	list := make([]runInfo, len(runs))
	for i, r := range runs {
		list[i] = r.runInfo
	}
	return list
}

// newFilter is a Bloom filter for so many keys. Keys are hashes, so their bits
// are as good as any.
func newFilter(n int) []uint64 { return make([]uint64, (n*filterBits+63)/64+1) }

func addTo(filter []uint64, k key) {
	h, step := binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])|1
	bits := uint64(len(filter)) * 64
	for range filterHash {
		i := h % bits
		filter[i/64] |= 1 << (i % 64)
		h += step
	}
}

func isIn(filter []uint64, k key) bool {
	h, step := binary.LittleEndian.Uint64(k[:8]), binary.LittleEndian.Uint64(k[8:])|1
	bits := uint64(len(filter)) * 64
	for range filterHash {
		i := h % bits
		if filter[i/64]&(1<<(i%64)) == 0 {
			return false
		}
		h += step
	}
	return true
}
