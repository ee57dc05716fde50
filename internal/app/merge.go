package app

import "github.com/trailgate/trailgate/internal/trail"

// newMerger makes what merges this node's seals. It rests as long as it works: a
// thread of low priority would be no help, since Go's garbage collector waits for
// each thread, and would wait for that one when the machine is busy.
func (a *App) newMerger() *trail.Compactor {
	return trail.NewCompactor(a.sealer, trail.CompactOptions{Every: a.cfg.Trail.MergeEvery, Grace: sealGrace, Gently: true, OnError: func(err error) {
		a.o.Log.Error("seals not merged, the old ones stay and it is tried again", "err", err)
	}})
}
