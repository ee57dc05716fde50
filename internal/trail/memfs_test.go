package trail

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
)

// memFS is a file system in memory that notes every change in order, so that
// a disk can be taken away after any of them (disk_test.go), and that fails
// where it is told to.
type memFS struct {
	mu     sync.Mutex // guards below
	names  map[string]*memInode
	locked map[string]bool
	log    []op // what was done, with the marks of those who watched
	inodes int
	fail   func(n int, o op) error // asked before change n, counted from 0
	done   int
	room   int // bytes left, if limited
	full   bool
}

type memInode struct {
	id   int
	data []byte
}

// op is one change, or a mark.
type op struct {
	kind   opKind
	inode  int
	name   string // or an eventID, of a mark
	to     string
	off    int64
	data   []byte
	failed bool // the call returned an error
	seq    uint64
}

type opKind string

const (
	opCreate   opKind = "create"
	opWrite    opKind = "write"
	opTruncate opKind = "truncate"
	opSync     opKind = "sync"
	opRename   opKind = "rename"
	opRemove   opKind = "remove"
	opSyncDir  opKind = "syncdir"
	markAck    opKind = "ack"    // Append returned without an error
	markRefuse opKind = "refuse" // Append returned one
)

func newMemFS() *memFS {
	return &memFS{names: map[string]*memInode{}, locked: map[string]bool{}}
}

// do notes a change, or fails it. The caller holds mu.
func (m *memFS) do(o op) error {
	var err error
	if m.fail != nil {
		err = m.fail(m.done, o)
	}
	m.done++
	o.failed = err != nil
	m.log = append(m.log, o)
	return err
}

// mark notes what became of an event.
func (m *memFS) mark(kind opKind, eventID string, seq uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.log = append(m.log, op{kind: kind, name: eventID, seq: seq})
}

func (m *memFS) ops() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.done
}

func (m *memFS) failWith(f func(n int, o op) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.fail = f
}

func (m *memFS) Create(name string) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] != nil {
		return nil, fmt.Errorf("create %s: %w", name, fs.ErrExist)
	}
	m.inodes++
	if err := m.do(op{kind: opCreate, inode: m.inodes, name: name}); err != nil {
		return nil, err
	}
	n := &memInode{id: m.inodes}
	m.names[name] = n
	return &memFile{m, n, name, true}, nil
}

func (m *memFS) Open(name string, write bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	if n == nil {
		return nil, fmt.Errorf("open %s: %w", name, fs.ErrNotExist)
	}
	return &memFile{m, n, name, write}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[from] == nil {
		return fmt.Errorf("rename %s: %w", from, fs.ErrNotExist)
	}
	if err := m.do(op{kind: opRename, name: from, to: to}); err != nil {
		return err
	}
	m.names[to] = m.names[from]
	delete(m.names, from)
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.names[name] == nil {
		return fmt.Errorf("remove %s: %w", name, fs.ErrNotExist)
	}
	if err := m.do(op{kind: opRemove, name: name}); err != nil {
		return err
	}
	delete(m.names, name)
	return nil
}

// MkdirAll does nothing: a directory is there when something is in it.
func (m *memFS) MkdirAll(string) error { return nil }

func (m *memFS) List(dir string) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[string]bool{}
	for name := range m.names {
		if rest, ok := strings.CutPrefix(name, dir+"/"); ok {
			first, _, _ := strings.Cut(rest, "/")
			found[first] = true
		}
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func (m *memFS) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.do(op{kind: opSyncDir, name: dir})
}

func (m *memFS) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked[name] {
		return nil, ErrLocked
	}
	m.locked[name] = true
	return closerFunc(func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		delete(m.locked, name)
		return nil
	}), nil
}

type closerFunc func() error

func (f closerFunc) Close() error { return f() }

type memFile struct {
	m     *memFS
	n     *memInode
	name  string
	write bool
}

func (f *memFile) ReadAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(b, f.n.data[off:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

// WriteAt, when it fails, has written half.
func (f *memFile) WriteAt(b []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if !f.write {
		return 0, errors.New("file is open for reading only")
	}
	n := len(b)
	if grow := off + int64(n) - int64(len(f.n.data)); f.m.full && grow > int64(f.m.room) {
		n -= int(grow) - f.m.room
		f.m.done++
		f.m.log = append(f.m.log, op{kind: opWrite, inode: f.n.id, name: f.name, off: off, data: slices.Clone(b[:n]), failed: true})
		f.put(b[:n], off)
		return n, syscall.ENOSPC
	}
	o := op{kind: opWrite, inode: f.n.id, name: f.name, off: off, data: slices.Clone(b)}
	err := f.m.do(o)
	if err != nil {
		n /= 2
		f.m.log[len(f.m.log)-1].data = o.data[:n]
	}
	f.put(b[:n], off)
	return n, err
}

func (f *memFile) put(b []byte, off int64) {
	before := len(f.n.data)
	f.n.data = writeOver(f.n.data, b, off)
	f.m.room -= len(f.n.data) - before
}

func writeOver(data, b []byte, off int64) []byte {
	if len(b) == 0 {
		return data
	}
	if end := int(off) + len(b); end > len(data) {
		data = append(data, make([]byte, end-len(data))...)
	}
	copy(data[off:], b)
	return data
}

func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.do(op{kind: opTruncate, inode: f.n.id, name: f.name, off: size}); err != nil {
		return err
	}
	f.n.data = slices.Clone(f.n.data[:size])
	return nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return f.m.do(op{kind: opSync, inode: f.n.id, name: f.name})
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *memFile) Close() error { return nil }

// clone is a copy of the files as they are, unlocked and with an empty log.
func (m *memFS) clone() *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemFS()
	for name, n := range m.names {
		c.put(name, slices.Clone(n.data))
	}
	return c
}

func (m *memFS) put(name string, data []byte) {
	m.inodes++
	m.names[name] = &memInode{id: m.inodes, data: data}
}

// base shortens a path for messages.
func base(name string) string { return filepath.Base(name) }
