package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/blob/s3"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/importer"
)

// importMemory is what an import may use before it collects its garbage harder.
const importMemory = 256 << 20

// ErrOtherUser is an import as root into the data directory of another user,
// whose server could not read what it writes.
var ErrOtherUser = errors.New("the data directory belongs to another user")

// ImportOptions say what Import takes in.
type ImportOptions struct {
	Source   string // a directory, a file, file:///DIR or s3://BUCKET/PREFIX?region=…&endpoint=…
	Region   string // of S3; "" is what the source or the SDK says
	Endpoint string // of a server that is not AWS's
	Since    time.Time
	Follow   bool
	Own      bool // this installation's own events too
	Batch    int  // records that are committed at a time; 0 is the importer's default
	Progress func(importer.Progress)
	// Begin is called with the source's name when it is there to be read, before
	// anything is imported; its error keeps the import from happening.
	Begin func(source string) error
}

// Import takes AWS's log files into a data directory, in this process: a server
// on it goes on undisturbed and shows what was imported within a second.
func Import(ctx context.Context, cfg config.Config, o ImportOptions) (importer.Report, error) {
	if err := checkOwner(cfg.DataDir); err != nil {
		return importer.Report{}, err
	}
	src, name, closeSource, err := openSource(ctx, o)
	if err != nil {
		return importer.Report{}, err
	}
	defer closeSource()
	if err := o.Begin(name); err != nil {
		return importer.Report{}, err
	}
	debug.SetMemoryLimit(importMemory)
	stepBack()
	io := importer.Options{DataDir: cfg.DataDir, Source: src, Since: o.Since, Follow: o.Follow, Progress: o.Progress, BatchRows: o.Batch}
	if !o.Own {
		io.Own = func(source, account string) bool { return source == cfg.EventSource && account == cfg.AccountID }
	}
	return importer.Run(ctx, io)
}

// openSource opens what o names.
func openSource(ctx context.Context, o ImportOptions) (src importer.Source, name string, closing func() error, err error) {
	dir := o.Source
	if strings.HasPrefix(dir, "s3://") || strings.HasPrefix(dir, "file://") {
		place, err := config.ParsePlace(o.Source)
		switch {
		case err != nil:
			return nil, "", nil, err
		case place.Lock != 0:
			return nil, "", nil, errors.New("lock= means nothing to an import, which only reads")
		case place.Dir == "":
			b, err := s3.Open(ctx, s3.Options{Bucket: place.Bucket, Region: cmp.Or(o.Region, place.Region), Endpoint: cmp.Or(o.Endpoint, place.Endpoint)})
			if err != nil {
				return nil, "", nil, err
			}
			return importer.NewBucket(b, place.Prefix), place.String(), func() error { return nil }, nil
		}
		dir = place.Dir
	}
	d, err := importer.OpenDirectory(dir)
	if err != nil {
		return nil, "", nil, err
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, "", nil, errors.Join(err, d.Close())
	}
	return d, dir, d.Close, nil
}

// checkOwner refuses to make files that the server cannot read.
func checkOwner(dir string) error {
	info, err := os.Stat(dir)
	if err != nil {
		return err
	}
	owner, ok := info.Sys().(*syscall.Stat_t)
	if ok && os.Geteuid() == 0 && owner.Uid != 0 {
		return fmt.Errorf("%w (uid %d)", ErrOtherUser, owner.Uid)
	}
	return nil
}

// RecordOffline appends an event to a data directory that no server runs on.
func RecordOffline(ctx context.Context, cfg config.Config, e event.Event) (err error) {
	origin := OriginOf(cfg)
	t, err := trail.Open(cfg.DataDir, trail.Options{Origin: origin})
	if err != nil {
		return fmt.Errorf("record %s: %w", event.Name(e), err)
	}
	g := newGroup(context.WithoutCancel(ctx))
	g.run("trail", t.Run)
	_, err = t.Append(ctx, origin.Record(event.Meta{Time: time.Now(), Identity: commandIdentity(origin), SourceIP: origin.EventSource}, e))
	return errors.Join(err, g.stop(), t.Close())
}

// Imported records that an import begins or has ended. Whoever waits for the
// answer can query what was imported.
func (a *App) Imported(ctx context.Context, by admin.Actor, e event.Event) error {
	if _, err := a.trail.Append(ctx, a.origin.Record(event.Meta{Time: time.Now(), Identity: by.Identity, SourceIP: by.Source}, e)); err != nil {
		return fmt.Errorf("record the import: %w", err)
	}
	if err := a.trail.LoadImports(); err != nil {
		return fmt.Errorf("show what was imported: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := a.people.WaitSealed(ctx); err != nil {
		a.o.Log.Error("imported events are not queried yet", "err", err)
	}
	return nil
}

// watchImports shows queries what is imported.
func (a *App) watchImports(ctx context.Context) error {
	return a.trail.WatchImports(ctx, func(err error) { a.o.Log.Error("imported events cannot be queried", "err", err) })
}
