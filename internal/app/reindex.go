package app

import (
	"context"

	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
)

// Reindex makes the Parquet files that queries read again of the journal of a
// data directory that no server runs on. progress may be nil.
func Reindex(ctx context.Context, cfg config.Config, progress func(stage string, done, total int64)) (trail.ReindexReport, error) {
	if err := checkOwner(cfg.DataDir); err != nil {
		return trail.ReindexReport{}, err
	}
	return trail.Reindex(ctx, cfg.DataDir, progress)
}
