package trail

import (
	"context"
	"fmt"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
)

// Reader reads a trail as it was when OpenReader looked, and changes nothing.
// It may be used beside a server.
type Reader struct {
	dir     string
	fs      FS
	view    view
	sealed  catalogue
	imports []string
	changed chan struct{} // never closed: a Reader's catalogue stays
}

var (
	_ query.Source = (*Reader)(nil)
	_ query.Source = (*Trail)(nil)
)

// OpenReader opens the trail in a data directory for reading. A missing trail
// is fs.ErrNotExist.
func OpenReader(dir string) (*Reader, error) { return openReader(osFS{}, dir) }

func openReader(fsys FS, dir string) (*Reader, error) {
	// The catalogue first: what it says is sealed the head has acknowledged.
	c, err := readCatalogue(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("open trail: %w", err)
	}
	head, err := readHead(fsys, dir)
	if err != nil {
		return nil, fmt.Errorf("open trail: %w", err)
	}
	v, err := loadView(fsys, dir, head.position)
	if err != nil {
		return nil, fmt.Errorf("open trail: %w", err)
	}
	imports, _ := loadImports(fsys, dir) // Verify says what is wrong with them
	return &Reader{dir: dir, fs: fsys, view: v, sealed: c, imports: imports, changed: make(chan struct{})}, nil
}

// Head is the newest event the reader sees.
func (r *Reader) Head() Head { return r.view.head.head() }

// Sealed is the catalogue, and a channel that is never closed.
func (r *Reader) Sealed() (query.Catalogue, <-chan struct{}) {
	q := r.sealed.query(r.dir)
	q.Files = append(q.Files, r.imports...)
	return q, r.changed
}

// Follow calls fn with batches of entries in order, from sequence number from
// to Head, and returns nil there.
func (r *Reader) Follow(ctx context.Context, from uint64, fn func([]event.Entry) error) error {
	c := cursor{fs: r.fs, dir: r.dir, next: from}
	defer c.close()
	return c.replay(ctx, r.view, fn)
}
