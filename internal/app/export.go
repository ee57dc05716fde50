package app

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/blob/fs"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/export"
)

// TakeEvents records that somebody takes events out of the trail in bulk. It
// comes before the first of them is read.
func (a *App) TakeEvents(ctx context.Context, by admin.Actor, e event.GetEvents) error {
	if _, err := a.trail.Append(ctx, a.origin.Record(event.Meta{Time: time.Now(), Identity: by.Identity, SourceIP: by.Source}, e)); err != nil {
		return fmt.Errorf("record that events are taken out: %w", err)
	}
	return nil
}

// TakeEventsOffline is TakeEvents on a data directory that no server runs on.
func TakeEventsOffline(ctx context.Context, cfg config.Config, e event.GetEvents) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("record that events are taken out: %w", err)
		}
	}()
	origin := OriginOf(cfg)
	t, err := trail.Open(cfg.DataDir, trail.Options{Origin: origin})
	if err != nil {
		return err
	}
	defer t.Close()
	g := newGroup(ctx)
	g.run("trail", t.Run)
	defer g.stop()
	_, err = t.Append(ctx, origin.Record(event.Meta{Time: time.Now(), Identity: commandIdentity(origin), SourceIP: origin.EventSource}, e))
	return err
}

// commandIdentity is whoever runs a command on this machine without a server.
func commandIdentity(o event.Origin) event.UserIdentity {
	uid := strconv.Itoa(os.Geteuid())
	name := uid
	if u, err := user.LookupId(uid); err == nil {
		name = u.Username
	}
	return event.UserIdentity{Type: "Service", PrincipalID: "local:" + uid, AccountID: o.AccountID, UserName: name, InvokedBy: "command line"}
}

// Export takes events out of a data directory, with or without a server on it.
// o.Reader is its own. The caller has recorded it.
func Export(ctx context.Context, cfg config.Config, o export.Options) (export.Report, error) {
	r, err := trail.OpenReader(cfg.DataDir)
	if err != nil {
		return export.Report{}, fmt.Errorf("export events: %w", err)
	}
	o.Reader = r
	return export.Run(ctx, o)
}

// DirBucket is a directory that log files are written to.
func DirBucket(dir string) *fs.Bucket { return fs.Open(dir, dir) }
