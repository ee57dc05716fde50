package trail

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
)

// FS is what the trail needs of a file system, so that tests can take a disk
// away at any write. Names are full paths. A missing file is fs.ErrNotExist.
type FS interface {
	// Create makes a new file for reading and writing; it must not exist.
	Create(name string) (File, error)
	// Open opens a file for reading, and for writing too if write is set.
	Open(name string, write bool) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	MkdirAll(name string) error
	// List names what is in a directory, sorted.
	List(dir string) ([]string, error)
	// SyncDir makes the names in a directory durable.
	SyncDir(dir string) error
	// Lock takes an exclusive lock that dies with the process; ErrLocked if
	// another has it.
	Lock(name string) (io.Closer, error)
}

// File is an open file.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	Size() (int64, error)
	Truncate(size int64) error
	// Sync makes the file's data and size durable (fdatasync). After it has
	// failed the file is never written again.
	Sync() error
}

// readFile reads a whole file.
func readFile(fsys FS, name string) ([]byte, error) {
	f, err := fsys.Open(name, false)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	return b, readFull(f, b, 0)
}

// readFull fills b from off.
func readFull(f io.ReaderAt, b []byte, off int64) error {
	n, err := f.ReadAt(b, off)
	if n == len(b) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return err
}

// replaceFile makes name hold b, whole and durable or not at all, and returns
// it open for writing.
func replaceFile(fsys FS, name string, b []byte) (File, error) {
	temp := name + tempExt
	f, err := createTemp(fsys, temp)
	if err != nil {
		return nil, err
	}
	if err := finishFile(fsys, f, temp, name, b); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// createTemp makes a temporary file, over one left behind.
func createTemp(fsys FS, temp string) (File, error) {
	// Whatever an earlier attempt left is another file from here on: its
	// failed writes are not ours.
	_ = fsys.Remove(temp)
	f, err := fsys.Create(temp)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", filepath.Base(temp), err)
	}
	return f, nil
}

// finishFile writes b to f, a new file named temp, and gives it its name.
func finishFile(fsys FS, f File, temp, name string, b []byte) (err error) {
	defer func() {
		if err != nil {
			_ = fsys.Remove(temp) // Open removes it otherwise
		}
	}()
	if _, err := f.WriteAt(b, 0); err != nil {
		return fmt.Errorf("write %s: %w", filepath.Base(name), err)
	}
	return publishFile(fsys, f, temp, name)
}

// publishFile makes f, a finished file named temp, durable under its name.
func publishFile(fsys FS, f File, temp, name string) error {
	if err := f.Sync(); err != nil {
		return fmt.Errorf("sync %s: %w", filepath.Base(name), err)
	}
	if err := fsys.Rename(temp, name); err != nil {
		return fmt.Errorf("rename %s: %w", filepath.Base(temp), err)
	}
	if err := fsys.SyncDir(filepath.Dir(name)); err != nil {
		return fmt.Errorf("sync directory of %s: %w", filepath.Base(name), err)
	}
	return nil
}
