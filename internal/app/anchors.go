package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/blob"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail/anchor"
	"github.com/trailgate/trailgate/internal/webhook"
)

// anchorPlace is a place outside, for writing and for reading.
type anchorPlace interface {
	anchor.Writer
	anchor.Reader
}

// anchorPlaces are open places.
type anchorPlaces struct {
	list    []anchorPlace
	closers []io.Closer
}

// anchorDir is where clones of git remotes go, and the hosts they are believed of.
func anchorDir(cfg config.Config) string { return filepath.Join(cfg.DataDir, "anchors") }

// openAnchors opens places; trail is the ARN whose anchors are read there. dir is
// for clones of git remotes.
func openAnchors(ctx context.Context, list []config.Anchor, trail, dir string) (_ *anchorPlaces, err error) {
	places := &anchorPlaces{}
	defer func() {
		if err != nil {
			places.Close()
		}
	}()
	for _, a := range list {
		p, err := places.open(ctx, a, trail, dir)
		if err != nil {
			return nil, fmt.Errorf("anchor %s: %w", anchorName(a), err)
		}
		places.list = append(places.list, p)
	}
	return places, nil
}

// anchorName is an anchor's URL without what may be a token.
func anchorName(a config.Anchor) string {
	u, err := url.Parse(a.URL)
	if err != nil || u.Scheme == "https" || u.Scheme == "http" {
		return "webhook"
	}
	return a.URL
}

func (p *anchorPlaces) open(ctx context.Context, a config.Anchor, trail, dir string) (anchorPlace, error) {
	if err := a.Check(); err != nil {
		return nil, err
	}
	u, err := url.Parse(a.URL)
	if err != nil {
		return nil, err
	}
	switch u.Scheme {
	case "git+ssh", "git+file":
		return anchor.NewGit(a.URL, a.SecretFile, dir, trail)
	case "https", "http":
		c := webhook.NewClient(time.Now)
		p.closers = append(p.closers, closer(c.Close))
		return anchor.NewWebhook(a.URL, a.SecretFile, trail, c)
	}
	place, err := config.ParsePlace(a.URL)
	if err != nil {
		return nil, err
	}
	b, prefix, err := openPlace(ctx, place, "anchors")
	if err != nil {
		return nil, err
	}
	if c, ok := b.(io.Closer); ok {
		p.closers = append(p.closers, c)
	}
	if place.Dir != "" {
		b = mounted{b, place.Dir}
	}
	return anchor.NewBucket(b, prefix, place.String(), trail), nil
}

// mounted is a directory elsewhere. It is not made when it is missing: the anchors
// would go to this machine's disk while the other's is not mounted, and one would
// read that there are none.
type mounted struct {
	blob.Bucket
	dir string
}

func (m mounted) check() error {
	if info, err := os.Stat(m.dir); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no directory %s: make it, or mount what it is on", m.dir)
	}
	return nil
}

// Create is the driver's.
func (m mounted) Create(ctx context.Context, key string, body []byte, meta map[string]string) error {
	if err := m.check(); err != nil {
		return err
	}
	return m.Bucket.(blob.Creator).Create(ctx, key, body, meta)
}

// List is the driver's.
func (m mounted) List(ctx context.Context, prefix, after string) iter.Seq2[blob.Object, error] {
	if err := m.check(); err != nil {
		return func(yield func(blob.Object, error) bool) { yield(blob.Object{}, err) }
	}
	return m.Bucket.List(ctx, prefix, after)
}

// closer is a function as an io.Closer.
type closer func()

// Close calls it.
func (c closer) Close() error {
	c()
	return nil
}

// Close gives back what open opened.
func (p *anchorPlaces) Close() error {
	var errs []error
	for _, c := range p.closers {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// keeper writes to all the places.
func (p *anchorPlaces) keeper() *anchor.Keeper {
	writers := make([]anchor.Writer, len(p.list))
	for i, w := range p.list {
		writers[i] = w
	}
	return anchor.NewKeeper(writers, time.Now)
}

// anchorStatus is how each place does.
func anchorStatus(k *anchor.Keeper) []rest.Anchor {
	var out []rest.Anchor
	for _, s := range k.Status() {
		out = append(out, rest.Anchor{Place: s.Place, Kept: s.Kept, Seq: s.Seq, Error: s.Error})
	}
	return out
}
