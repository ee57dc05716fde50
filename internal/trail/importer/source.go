package importer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// File is a file of a source.
type File struct {
	Name     string // in the source
	Size     int64
	Modified time.Time
	Tag      string // changes when the file does; "" leaves it to Size and Modified
	Day      string // when its name says it was delivered, "2026-11-20"
}

// version is what tells a file from what it was before.
func (f File) version() string {
	if f.Tag != "" {
		return f.Tag
	}
	return strconv.FormatInt(f.Size, 10) + "@" + strconv.FormatInt(f.Modified.UnixNano(), 10)
}

// Source is where log files are.
type Source interface {
	// String names the source; with a file's name it names the file for good.
	String() string
	// List gives the files there are, by the day they were delivered and then by
	// name, without those that hold nothing since a time (zero takes all), and
	// how many are none to read. again says that it was called before.
	List(ctx context.Context, since time.Time, again bool) (files []File, skipped map[string]int, err error)
	// Open opens a file for reading.
	Open(ctx context.Context, f File) (io.ReadCloser, error)
	// Every is how often to look for new files.
	Every() time.Duration
}

// order sorts files by day, so that the events of a few days are together.
func order(files []File) {
	slices.SortFunc(files, func(a, b File) int {
		if c := strings.Compare(a.Day, b.Day); c != 0 {
			return c
		}
		return strings.Compare(a.Name, b.Name)
	})
}

// Directory is a source of the files in a directory and all below it, or of a
// single file. Links that lead out of it, and what is no regular file, are not
// followed.
type Directory struct {
	dir  string
	only string // a single file in dir
	root *os.Root
	now  func() time.Time
}

// settled is how long ago a file must have been written for it to be read while
// others still arrive.
const settled = 2 * time.Second

// OpenDirectory opens a directory or a file as a source.
func OpenDirectory(name string) (*Directory, error) {
	name, err := filepath.Abs(name)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	d := &Directory{dir: name, now: time.Now}
	switch {
	case info.Mode().IsRegular():
		d.dir, d.only = filepath.Split(name)
	case !info.IsDir():
		return nil, fmt.Errorf("%s is neither a directory nor a file", name)
	}
	if d.root, err = os.OpenRoot(d.dir); err != nil {
		return nil, err
	}
	return d, nil
}

// Close gives the directory back.
func (d *Directory) Close() error { return d.root.Close() }

func (d *Directory) String() string { return filepath.Clean(d.dir) }

// Every is how often to look for new files.
func (d *Directory) Every() time.Duration { return 2 * time.Second }

// List walks the directory.
func (d *Directory) List(ctx context.Context, since time.Time, again bool) ([]File, map[string]int, error) {
	if d.only != "" {
		info, err := os.Stat(filepath.Join(d.dir, d.only)) // a link that was named is meant
		if err != nil {
			return nil, nil, err
		}
		return []File{{Name: d.only, Size: info.Size(), Modified: info.ModTime(), Day: dayOf(d.only)}}, nil, nil
	}
	var files []File
	skipped := map[string]int{}
	err := fs.WalkDir(d.root.FS(), ".", func(name string, e fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			if errors.Is(err, fs.ErrNotExist) && name != "." {
				return nil // gone since it was listed
			}
			return err
		}
		if e.IsDir() {
			return nil
		}
		info, err := d.root.Stat(name) // follows links inside the directory, and no others
		if err != nil || !info.Mode().IsRegular() {
			skipped[skipOther]++
			return nil
		}
		f := File{Name: name, Size: info.Size(), Modified: info.ModTime(), Day: dayOf(name)}
		switch {
		case isDigest(name):
			skipped[skipDigest]++
		case f.isBefore(since):
			skipped[skipOldFile]++
		case again && d.now().Sub(f.Modified) < settled: // still being written, perhaps
		default:
			files = append(files, f)
		}
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("list %s: %w", d.dir, err)
	}
	order(files)
	return files, skipped, nil
}

// Open opens a file. It never waits for the other end of a pipe.
func (d *Directory) Open(_ context.Context, f File) (io.ReadCloser, error) {
	var file *os.File
	var err error
	if d.only != "" {
		file, err = os.OpenFile(filepath.Join(d.dir, d.only), os.O_RDONLY|unix.O_NONBLOCK, 0)
	} else {
		file, err = d.root.OpenFile(f.Name, os.O_RDONLY|unix.O_NONBLOCK, 0)
	}
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no regular file", path.Base(f.Name))
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
