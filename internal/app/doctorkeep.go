package app

import (
	"context"
	"fmt"
	"os"

	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/state/sqlite"
)

// keepChecks are doctor's on what is kept, and for how long.
func keepChecks(ctx context.Context, cfg config.Config) []Check {
	var checks []Check
	keep := cfg.Trail.KeepFor()
	if place, err := config.ParsePlace(cfg.Blob.URL); err == nil && keep > 0 && place.Lock > keep {
		checks = append(checks, Check{false, fmt.Sprintf("trail.retention (%s) ends before the lock of blob.url does (%s)", config.SpanText(keep), config.SpanText(place.Lock)),
			"log files cannot be removed while they are locked, and nothing else is until they are: make the lock shorter, or the retention longer"})
	}
	if _, err := os.Stat(statePath(cfg)); err != nil {
		return checks // a fresh data directory
	}
	holds, err := readHolds(ctx, cfg)
	if err != nil {
		return append(checks, Check{false, err.Error(), "state.db holds the identities, policies and holds: restore it"})
	}
	kept := "all events are kept"
	if keep > 0 {
		kept = fmt.Sprintf("events are kept for %s", config.SpanText(keep))
	}
	switch n := len(holds); {
	case n == 1:
		kept += ", and what 1 legal hold covers longer"
	case n > 1:
		kept += fmt.Sprintf(", and what %d legal holds cover longer", n)
	}
	return append(checks, Check{true, kept, ""})
}

func readHolds(ctx context.Context, cfg config.Config) (holds []state.Hold, err error) {
	s, err := sqlite.Open(ctx, statePath(cfg))
	if err != nil {
		return nil, err
	}
	defer s.Close()
	err = s.View(ctx, func(tx state.Tx) error { holds, err = tx.Holds().List(); return err })
	return holds, err
}
