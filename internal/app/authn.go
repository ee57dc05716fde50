package app

import (
	"context"

	"github.com/trailgate/trailgate/internal/authn"
	"github.com/trailgate/trailgate/internal/ca"
)

// authenticator makes what turns keys, codes and signatures into identities,
// and seals what an older Trailgate stored as it is.
func (a *App) authenticator(ctx context.Context) (*authn.Authn, error) {
	seal, err := ca.OpenSealer(caDir(a.cfg))
	if err != nil {
		return nil, err
	}
	auth := authn.New(authn.Deps{Store: a.store, AccountID: a.cfg.AccountID, Remember: a.cfg.Limits.MFARemember, Sealer: seal})
	n, err := auth.SealDevices(ctx)
	if n > 0 {
		a.o.Log.Info("secrets of MFA devices sealed", "devices", n)
	}
	return auth, err
}
