// Package blob is a bucket of whole objects: log files, digests, anchors and
// what is imported.
//
// An object appears whole and durable or not at all, and what is read is what
// was written: nothing is unpacked on the way. Its drivers are fs and s3, and
// every one passes blobtest.Exercise.
package blob

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// What callers decide by.
var (
	ErrNotFound = errors.New("no such object")
	ErrExists   = errors.New("the object exists already")
	ErrDamaged  = errors.New("the object is damaged")                 // it is there and cannot be read as it was written
	ErrLocked   = errors.New("the object is locked against deleting") // retention or a legal hold
)

// Object is what a listing says of an object.
type Object struct {
	Key      string
	Size     int64
	Modified time.Time
	ETag     string // changes when the object does; "" where a driver has none
}

// Bucket holds objects by key. It is safe for concurrent use.
type Bucket interface {
	// Name is the bucket as digests spell it.
	Name() string
	// Put makes key hold body and meta, whole and durable or not at all. It
	// replaces what was there. Names in meta are small letters, digits and -.
	Put(ctx context.Context, key string, body []byte, meta map[string]string) error
	// Get reads an object as it was put, or ErrNotFound. meta is not nil.
	Get(ctx context.Context, key string) (body []byte, meta map[string]string, err error)
	// List yields the objects whose key starts with prefix and is greater than
	// after, in byte order of their keys. It ends with the first error.
	List(ctx context.Context, prefix, after string) iter.Seq2[Object, error]
	// Delete removes an object; it is nil when there is none, ErrLocked when it
	// may not go yet.
	Delete(ctx context.Context, key string) error
}

// Creator is a bucket that can refuse to replace. Every driver here is one.
type Creator interface {
	// Create is Put where nothing is, and ErrExists where something is.
	Create(ctx context.Context, key string, body []byte, meta map[string]string) error
}

// Version is one of the bodies that a key has had.
type Version struct {
	Object
	ID      string
	Current bool // what Get reads
	Deleted bool // a mark that the key was deleted: it has no body
}

// Historian is a bucket that keeps what was replaced or deleted, as S3 with
// versioning does. Who reads anchors looks there too.
type Historian interface {
	// Versions yields all versions of the objects whose key starts with prefix, in
	// any order. It is errors.ErrUnsupported where the server cannot tell.
	Versions(ctx context.Context, prefix string) iter.Seq2[Version, error]
	// GetVersion reads one of them.
	GetVersion(ctx context.Context, key, id string) (body []byte, meta map[string]string, err error)
}

// MetaExt ends the name of the file in which the fs driver keeps an object's
// metadata, so no key may end so.
const MetaExt = ".meta.json"

// maxKey is S3's limit, in bytes.
const maxKey = 1024

// CheckKey says what is wrong with a key. Every driver refuses the same ones,
// so that a trail can move from one to another.
func CheckKey(key string) error {
	bad := func(why string) error { return fmt.Errorf("object key %q %s", key, why) }
	switch {
	case key == "":
		return bad("is empty")
	case len(key) > maxKey:
		return fmt.Errorf("object key of %d bytes is longer than %d", len(key), maxKey)
	case !utf8.ValidString(key):
		return bad("is not UTF-8")
	case strings.ContainsFunc(key, func(r rune) bool { return unicode.IsControl(r) || r == '\\' }):
		return bad("holds a control character or a backslash")
	case strings.HasSuffix(key, MetaExt):
		return bad("ends in " + MetaExt + ", as metadata does")
	}
	for part := range strings.SplitSeq(key, "/") {
		switch {
		case part == "", part == ".", part == "..":
			return bad("has an empty part, . or ..")
		case len(part) > 255-len(MetaExt): // a file name's limit, with the side-car's ending
			return bad("has a part too long for a file name")
		case strings.HasPrefix(part, TempPrefix):
			return bad("has a part that starts with " + TempPrefix + ", as unfinished files do")
		}
	}
	return nil
}

// TempPrefix starts the name of a file that the fs driver is still writing.
const TempPrefix = ".tmp-"

// CheckMeta says what is wrong with metadata.
func CheckMeta(meta map[string]string) error {
	size := 0
	for name, value := range meta {
		size += len(name) + len(value)
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return !('a' <= r && r <= 'z' || '0' <= r && r <= '9' || r == '-') }) {
			return fmt.Errorf("metadata name %q is not of small letters, digits and -", name)
		}
		if strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) || strings.TrimSpace(value) != value {
			return fmt.Errorf("metadata %s is not plain ASCII text", name)
		}
	}
	if size > 2<<10 { // S3's limit
		return fmt.Errorf("metadata of %d bytes is larger than 2 KiB", size)
	}
	return nil
}
