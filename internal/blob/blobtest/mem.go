package blobtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

// Call is one call of a Mem's method.
type Call struct {
	N    int    // counted from 1
	Verb string // put, create, get, list or delete
	Key  string // or the prefix that is listed
}

// Mem is a bucket in memory that fails, waits or is put back where it is told to.
// It implements blob.Bucket and blob.Creator; its zero value is no bucket: NewMem
// makes one.
type Mem struct {
	name string

	mu      sync.Mutex // guards below
	objects map[string]object
	calls   int
	before  func(context.Context, Call) error
	after   func(Call) error
}

type object struct {
	body     []byte
	meta     map[string]string
	modified time.Time
}

// NewMem makes an empty bucket.
func NewMem(name string) *Mem { return &Mem{name: name, objects: map[string]object{}} }

// Name is the bucket as digests spell it.
func (m *Mem) Name() string { return m.name }

// Before has f asked before each call; an error of it is the call's, which then
// has no effect. f may wait: nothing is locked. Nil asks nobody.
func (m *Mem) Before(f func(context.Context, Call) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.before = f
}

// After has f asked after each call that changed something: an error of it is what
// the caller is told although the change is there. Nil asks nobody.
func (m *Mem) After(f func(Call) error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = f
}

// FailNth fails the n-th call from now on with err, and no other.
func (m *Mem) FailNth(n int, err error) {
	first := m.Calls()
	m.Before(func(_ context.Context, c Call) error {
		if c.N == first+n {
			return fmt.Errorf("%s %s: %w", c.Verb, c.Key, err)
		}
		return nil
	})
}

// Calls is how many calls there were.
func (m *Mem) Calls() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls
}

// Snapshot is a copy of the bucket as it is, without faults.
func (m *Mem) Snapshot() *Mem {
	m.mu.Lock()
	defer m.mu.Unlock()
	return &Mem{name: m.name, objects: maps.Clone(m.objects)} // bodies are never changed in place
}

// Restore makes the bucket what it was when s was taken.
func (m *Mem) Restore(s *Mem) {
	objects := s.Snapshot().objects
	m.mu.Lock()
	defer m.mu.Unlock()
	m.objects = objects
}

// Keys are all keys, in order.
func (m *Mem) Keys() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Sorted(maps.Keys(m.objects))
}

// begin counts a call and asks whether it may be.
func (m *Mem) begin(ctx context.Context, verb, key string) (Call, error) {
	m.mu.Lock()
	m.calls++
	c, before := Call{m.calls, verb, key}, m.before
	m.mu.Unlock()
	if before != nil {
		if err := before(ctx, c); err != nil {
			return c, err
		}
	}
	return c, ctx.Err()
}

func (m *Mem) end(c Call) error {
	m.mu.Lock()
	after := m.after
	m.mu.Unlock()
	if after != nil {
		return after(c)
	}
	return nil
}

// Put makes key hold body and meta.
func (m *Mem) Put(ctx context.Context, key string, body []byte, meta map[string]string) error {
	return m.put(ctx, "put", key, body, meta)
}

// Create is Put where nothing is.
func (m *Mem) Create(ctx context.Context, key string, body []byte, meta map[string]string) error {
	return m.put(ctx, "create", key, body, meta)
}

func (m *Mem) put(ctx context.Context, verb, key string, body []byte, meta map[string]string) error {
	if err := errors.Join(blob.CheckKey(key), blob.CheckMeta(meta)); err != nil {
		return err
	}
	c, err := m.begin(ctx, verb, key)
	if err != nil {
		return err
	}
	m.mu.Lock()
	_, there := m.objects[key]
	if !there || verb == "put" {
		m.objects[key] = object{bytes.Clone(body), maps.Clone(meta), time.Now().UTC()}
	}
	m.mu.Unlock()
	if there && verb == "create" {
		return fmt.Errorf("create %s: %w", key, blob.ErrExists)
	}
	return m.end(c)
}

// Get reads an object.
func (m *Mem) Get(ctx context.Context, key string) ([]byte, map[string]string, error) {
	if err := blob.CheckKey(key); err != nil {
		return nil, nil, err
	}
	if _, err := m.begin(ctx, "get", key); err != nil {
		return nil, nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	o, ok := m.objects[key]
	if !ok {
		return nil, nil, fmt.Errorf("get %s: %w", key, blob.ErrNotFound)
	}
	meta := maps.Clone(o.meta)
	if meta == nil {
		meta = map[string]string{}
	}
	return bytes.Clone(o.body), meta, nil
}

// List yields the objects with a prefix, after a key.
func (m *Mem) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		if _, err := m.begin(ctx, "list", prefix); err != nil {
			yield(blob.Object{}, err)
			return
		}
		for _, key := range m.Keys() {
			if !strings.HasPrefix(key, prefix) || key <= after {
				continue
			}
			m.mu.Lock()
			o, ok := m.objects[key]
			m.mu.Unlock()
			if ok && !yield(blob.Object{Key: key, Size: int64(len(o.body)), Modified: o.modified, ETag: fmt.Sprint(o.modified.UnixNano())}, nil) {
				return
			}
		}
	}
}

// Delete removes an object.
func (m *Mem) Delete(ctx context.Context, key string) error {
	if err := blob.CheckKey(key); err != nil {
		return err
	}
	c, err := m.begin(ctx, "delete", key)
	if err != nil {
		return err
	}
	m.mu.Lock()
	delete(m.objects, key)
	m.mu.Unlock()
	return m.end(c)
}
