package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/trailgate/trailgate/internal/admin"
	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/state/sqlite"
	"github.com/trailgate/trailgate/internal/trail"
)

// FirstAdmin is who may come in first.
type FirstAdmin struct {
	Name      string
	PublicKey string // one line
}

// Init makes the data directory: its settings file, the certificate
// authorities, and the first admin. It can be run again and never replaces a
// key or a settings file. It returns what it did, a line each.
func Init(ctx context.Context, cfg config.Config, first FirstAdmin) (did []string, err error) {
	if _, err := authn.ParsePublicKey(first.PublicKey); err != nil {
		return nil, fmt.Errorf("the admin's key: %w", err)
	}
	if err := manifest.CheckName(first.Name); err != nil {
		return nil, fmt.Errorf("the admin's name: %w", err)
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data directory: %w", err)
	}
	settings := filepath.Join(cfg.DataDir, "trailgate.yaml")
	f, err := os.OpenFile(settings, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	switch {
	case errors.Is(err, os.ErrExist):
		did = append(did, "kept "+settings)
	case err != nil:
		return did, fmt.Errorf("write the settings: %w", err)
	default:
		_, werr := f.WriteString(cfg.YAML())
		if err := errors.Join(werr, f.Close()); err != nil {
			return did, fmt.Errorf("write the settings: %w", err)
		}
		did = append(did, "wrote "+settings)
	}
	keys, err := ca.Init(caDir(cfg))
	if err != nil {
		return did, err
	}
	if _, err := ca.InitDigest(caDir(cfg), time.Now()); err != nil {
		return did, err
	}
	did = append(did, "certificate authorities in "+caDir(cfg)+"; the gate's key is "+keys.GateFingerprint())
	changes, err := putFirst(ctx, cfg, first)
	for _, c := range changes {
		did = append(did, c.What+" "+c.Resource)
	}
	return did, err
}

// putFirst makes the first admin, through the trail like everybody.
func putFirst(ctx context.Context, cfg config.Config, first FirstAdmin) ([]admin.Change, error) {
	origin := OriginOf(cfg)
	t, err := trail.Open(cfg.DataDir, trail.Options{Origin: origin})
	if err != nil {
		return nil, err
	}
	defer t.Close()
	g := newGroup(ctx)
	g.run("trail", t.Run)
	defer g.stop()
	store, err := sqlite.Open(ctx, statePath(cfg))
	if err != nil {
		return nil, err
	}
	defer store.Close()
	adm := admin.New(admin.Deps{Store: store, Trail: t, Enrol: authn.New(authn.Deps{Store: store, AccountID: cfg.AccountID}), Origin: origin, Now: time.Now, Changed: func() {}})
	return adm.Apply(ctx, admin.Actor{Identity: nodeIdentity(origin), Source: origin.EventSource}, []manifest.Resource{
		{Kind: manifest.Identity, Name: first.Name, Admin: true},
		{Kind: manifest.Key, Identity: first.Name, PublicKey: first.PublicKey},
	}, admin.Options{})
}
