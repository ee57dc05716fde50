package app

import (
	"context"
	"runtime"

	"github.com/trailgate/trailgate/internal/trail"
)

// newMerger makes what merges this node's seals.
func (a *App) newMerger() *trail.Compactor {
	return trail.NewCompactor(a.sealer, trail.CompactOptions{Every: a.cfg.Trail.MergeEvery, Grace: sealGrace, OnError: func(err error) {
		a.o.Log.Error("seals not merged, the old ones stay and it is tried again", "err", err)
	}})
}

// mergeSeals merges seals until ctx ends. It has a thread of its own, with the
// lowest priority: whatever is appended or asked goes first. The thread ends with
// it, because its priority cannot be raised again.
func (a *App) mergeSeals(ctx context.Context) error {
	runtime.LockOSThread()
	stepBackThread()
	return a.merger.Run(ctx)
}
