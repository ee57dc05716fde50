// Package fs keeps a bucket in a directory: an object is the file DIR/KEY, its
// metadata DIR/KEY.meta.json beside it.
//
// A file is written whole and synced under another name, then gets its own; the
// metadata goes first, so that an object which is there has it. What a crash
// leaves in DIR/.tmp-put is no object and is removed by the first Put of whoever
// comes next: a file that is being written is locked, and a crash unlocks it. One limit
// remains: a Put that dies while it replaces an object by one with other metadata
// may leave the old body with the new metadata. The trail replaces nothing.
//
// Nothing outside the directory is reached, whatever links lie in it.
package fs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/trailgate/trailgate/internal/blob"
)

const (
	tempDir    = blob.TempPrefix + "put"
	tempOld    = time.Hour // where nothing can be locked, a file of an earlier Put that is older will get no name any more
	maxObject  = 1 << 30
	maxMeta    = 64 << 10
	owner      = 0o600
	ownersOnly = 0o700
)

// Bucket is a directory. It implements blob.Bucket and blob.Creator.
type Bucket struct {
	name string
	dir  string

	mu    sync.Mutex // one change at a time; guards below
	root  *os.Root   // nil until the directory is there
	swept bool       // old temporary files are gone
}

// Open makes a bucket of a directory, which the first Put makes when it is not
// there. name is the bucket's name as digests spell it.
func Open(dir, name string) *Bucket { return &Bucket{name: name, dir: dir} }

// Name is the bucket as digests spell it.
func (b *Bucket) Name() string { return b.name }

// String is where the bucket is.
func (b *Bucket) String() string { return "file://" + b.dir }

// Close gives the directory back.
func (b *Bucket) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.root == nil {
		return nil
	}
	if b.swept {
		_ = b.root.Remove(tempDir) // stays while another process writes
	}
	defer func() { b.root, b.swept = nil, false }()
	return b.root.Close()
}

// open opens the directory, once it is there.
func (b *Bucket) open(create bool) (*os.Root, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.openLocked(create)
}

func (b *Bucket) openLocked(create bool) (*os.Root, error) {
	if b.root != nil {
		return b.root, nil
	}
	if create {
		if err := makeRoot(b.dir); err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(b.dir)
	b.root = root
	return root, err
}

// makeRoot makes the bucket's own directory, durably.
func makeRoot(dir string) error {
	if _, err := os.Stat(dir); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(dir, ownersOnly); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(dir))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Put makes key hold body and meta.
func (b *Bucket) Put(ctx context.Context, key string, body []byte, meta map[string]string) error {
	return b.put(ctx, key, body, meta, false)
}

// Create is Put where nothing is, and blob.ErrExists where something is, also
// when another process makes the object at the same moment.
func (b *Bucket) Create(ctx context.Context, key string, body []byte, meta map[string]string) error {
	return b.put(ctx, key, body, meta, true)
}

// put writes an object; create refuses to replace one.
func (b *Bucket) put(ctx context.Context, key string, body []byte, meta map[string]string, create bool) error {
	fail := func(err error) error {
		if errors.Is(err, fs.ErrExist) {
			err = fmt.Errorf("%w (%w)", blob.ErrExists, err)
		}
		return fmt.Errorf("put object %s: %w", key, err)
	}
	if err := errors.Join(blob.CheckKey(key), blob.CheckMeta(meta), ctx.Err()); err != nil {
		return fail(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	root, err := b.openLocked(true)
	if err != nil {
		return fail(err)
	}
	if err := b.sweep(root); err != nil {
		return fail(err)
	}
	if err := makeDirs(root, path.Dir(key)); err != nil {
		return fail(err)
	}
	if create { // before its metadata is touched
		if _, err := root.Lstat(key); err == nil {
			return fail(fs.ErrExist)
		}
	}
	if err := putMeta(root, key, meta); err != nil {
		return fail(err)
	}
	if err := writeFile(root, key, body, create); err != nil {
		return fail(err)
	}
	return nil
}

// putMeta writes the metadata beside where an object will be.
func putMeta(root *os.Root, key string, meta map[string]string) error {
	side := key + blob.MetaExt
	if len(meta) == 0 {
		if _, err := root.Lstat(side); errors.Is(err, fs.ErrNotExist) {
			return nil // no file says the same
		}
		meta = map[string]string{}
	}
	return writeFile(root, side, metaText(meta), false)
}

// metaText is metadata as its file has it.
func metaText(meta map[string]string) []byte {
	text, err := json.MarshalIndent(meta, "", "  ")
	if err != nil {
		panic("blob/fs: " + err.Error()) // no map of strings is refused
	}
	return append(text, '\n')
}

// writeFile makes name hold b, durably; create refuses to replace a file.
func writeFile(root *os.Root, name string, b []byte, create bool) (err error) {
	f, temp, err := createTemp(root)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = root.Remove(temp) // sweep removes it otherwise
		}
	}()
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if create { // a link, unlike a rename, replaces nothing
		err = root.Link(temp, name)
		_ = root.Remove(temp)
	} else {
		err = root.Rename(temp, name)
	}
	if err != nil {
		return err
	}
	return syncDir(root, path.Dir(name))
}

// createTemp makes a file that nobody else has, locked until it is closed.
func createTemp(root *os.Root) (*os.File, string, error) {
	for n := os.Getpid(); ; n += 1 << 22 { // process IDs are smaller
		temp := fmt.Sprintf("%s/%x", tempDir, n)
		f, err := root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, owner)
		switch {
		case errors.Is(err, fs.ErrExist):
			continue
		case errors.Is(err, fs.ErrNotExist): // another process was done with the directory
			if err := makeDirs(root, tempDir); err != nil {
				return nil, "", err
			}
			continue
		case err != nil:
			return nil, "", err
		}
		if !errors.Is(lock(f), syscall.EWOULDBLOCK) && isAt(root, f, temp) {
			return f, temp, nil
		}
		f.Close() // a sweep took it before it was locked
	}
}

// lock locks a temporary file: EWOULDBLOCK says that another has it. Not every
// file system can lock.
func lock(f *os.File) error { return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) }

// isAt reports whether a file still has its name.
func isAt(root *os.Root, f *os.File, name string) bool {
	mine, err := f.Stat()
	if err != nil {
		return false
	}
	there, err := root.Lstat(name)
	return err == nil && os.SameFile(mine, there)
}

// sweep makes the directory of temporary files and removes what a crash left.
func (b *Bucket) sweep(root *os.Root) error {
	if b.swept {
		return nil
	}
	if err := makeDirs(root, tempDir); err != nil {
		return err
	}
	entries, err := fs.ReadDir(root.FS(), tempDir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		name := tempDir + "/" + e.Name()
		f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0)
		if err != nil {
			continue // another process may have been first
		}
		info, err := f.Stat()
		locked := lock(f)
		if locked == nil || !errors.Is(locked, syscall.EWOULDBLOCK) && err == nil && time.Since(info.ModTime()) > tempOld {
			_ = root.Remove(name)
		}
		f.Close()
	}
	b.swept = true
	return nil
}

// makeDirs makes a directory and those above it, durably.
func makeDirs(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if info, err := root.Stat(dir); err == nil && info.IsDir() {
		return nil
	}
	if err := makeDirs(root, path.Dir(dir)); err != nil {
		return err
	}
	if err := root.Mkdir(dir, ownersOnly); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if info, err := root.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("%s is an object, so nothing can be below it", dir)
	}
	return syncDir(root, path.Dir(dir))
}

func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Get reads an object as it was put.
func (b *Bucket) Get(ctx context.Context, key string) ([]byte, map[string]string, error) {
	fail := func(err error) ([]byte, map[string]string, error) {
		return nil, nil, fmt.Errorf("get object %s: %w", key, notFound(err))
	}
	if err := errors.Join(blob.CheckKey(key), ctx.Err()); err != nil {
		return fail(err)
	}
	root, err := b.open(false)
	if err != nil {
		return fail(err)
	}
	body, err := readFile(root, key, maxObject)
	if err != nil {
		return fail(err)
	}
	meta := map[string]string{}
	text, err := readFile(root, key+blob.MetaExt, maxMeta)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return body, meta, nil
	case err != nil:
		return fail(err)
	}
	if err := json.Unmarshal(text, &meta); err != nil || meta == nil {
		return fail(fmt.Errorf("%w: %s is not JSON of names and texts", blob.ErrDamaged, key+blob.MetaExt))
	}
	if !bytes.Equal(text, metaText(meta)) { // a name may be there twice, for two readers
		return fail(fmt.Errorf("%w: %s is not as it was written", blob.ErrDamaged, key+blob.MetaExt))
	}
	return body, meta, nil
}

// readFile reads a regular file of at most limit bytes.
func readFile(root *os.Root, name string, limit int64) ([]byte, error) {
	f, err := root.OpenFile(name, os.O_RDONLY|syscall.O_NONBLOCK, 0) // nobody may be at a pipe's other end
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, fs.ErrNotExist
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%w: it is not a file", blob.ErrDamaged)
	case info.Size() > limit:
		return nil, fmt.Errorf("%w: it has %d bytes, more than an object may", blob.ErrDamaged, info.Size())
	}
	return io.ReadAll(io.LimitReader(f, limit))
}

// notFound is err, as the seam has it.
func notFound(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w (%w)", blob.ErrNotFound, err)
	}
	return err
}

// List yields the objects with a prefix, after a key.
func (b *Bucket) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Object, error] {
	return func(yield func(blob.Object, error) bool) {
		root, err := b.open(false)
		if errors.Is(err, fs.ErrNotExist) {
			return // nothing was put yet
		}
		if err == nil {
			_, err = walk(ctx, root.FS(), ".", prefix, after, func(o blob.Object) bool { return yield(o, nil) })
		}
		if err != nil {
			yield(blob.Object{}, fmt.Errorf("list objects: %w", err))
		}
	}
}

// walk yields the objects in dir and below. more is false once yield was.
func walk(ctx context.Context, fsys fs.FS, dir, prefix, after string, yield func(blob.Object) bool) (more bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	entries, err := fs.ReadDir(fsys, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil // it went since
	}
	if err != nil {
		return false, err
	}
	key := func(e fs.DirEntry) string { // as it stands in the keys
		k := path.Join(dir, e.Name())
		if e.IsDir() {
			k += "/"
		}
		return k
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return cmp.Compare(key(a), key(b)) })
	for _, e := range entries {
		k := key(e)
		switch {
		case strings.HasPrefix(e.Name(), blob.TempPrefix), strings.HasSuffix(k, blob.MetaExt):
		case e.IsDir():
			inPrefix := strings.HasPrefix(k, prefix) || strings.HasPrefix(prefix, k)
			if !inPrefix || k < after && !strings.HasPrefix(after, k) {
				continue
			}
			if more, err := walk(ctx, fsys, path.Join(dir, e.Name()), prefix, after, yield); err != nil || !more {
				return false, err
			}
		case strings.HasPrefix(k, prefix) && k > after:
			info, err := e.Info()
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return false, err
			}
			o := blob.Object{Key: k, Size: info.Size(), Modified: info.ModTime(), ETag: fmt.Sprintf("%x-%x", info.ModTime().UnixNano(), info.Size())}
			if !yield(o) {
				return false, nil
			}
		}
	}
	return true, nil
}

// Delete removes an object and its metadata.
func (b *Bucket) Delete(ctx context.Context, key string) error {
	err := errors.Join(blob.CheckKey(key), ctx.Err())
	if err == nil {
		b.mu.Lock()
		defer b.mu.Unlock()
		err = b.remove(key)
	}
	if err != nil {
		return fmt.Errorf("delete object %s: %w", key, err)
	}
	return nil
}

// remove takes the object first: metadata alone is no object.
func (b *Bucket) remove(key string) error {
	root, err := b.openLocked(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info, err := root.Lstat(key); err == nil && info.IsDir() {
		return nil // keys are below it; it is none
	}
	for _, name := range []string{key, key + blob.MetaExt} {
		if err := root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	if _, err := root.Lstat(path.Dir(key)); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return syncDir(root, path.Dir(key))
}
