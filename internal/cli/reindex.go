package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/trail"
)

func (sh *shell) reindex() *cobra.Command {
	return &cobra.Command{Use: "reindex", Short: "Make the Parquet files that queries read again of the journal", Args: cobra.NoArgs,
		Long: "Make the Parquet files that queries read, and their catalogue, again of the journal: after one was lost or\n" +
			"changed. No server may run. The old files stay until the new ones are whole; keep a copy of them first if\n" +
			"they are evidence. The journal is checked before, and nothing is done when it is not what was written.\n\n" +
			"  trailgate trail verify      # says which file is not what it was\n" +
			"  trailgate trail reindex\n" +
			"  trailgate trail verify",
		RunE: func(cmd *cobra.Command, _ []string) error { return sh.reindexTrail(cmd.Context()) }}
}

func (sh *shell) reindexTrail(ctx context.Context) error {
	cfg, _, err := sh.settings()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "journal")); errors.Is(err, os.ErrNotExist) {
		return noData(cfg)
	}
	stage, show := "", func(int64, int64) {}
	r, err := app.Reindex(ctx, cfg, func(doing string, done, total int64) {
		if doing != stage {
			stage, show = doing, sh.progress(doing, "")
		}
		show(done, total)
	})
	switch {
	case errors.Is(err, app.ErrOtherUser):
		return hinted(err, "run it as that user")
	case errors.Is(err, trail.ErrLocked):
		return hinted(err, "stop the server first: it keeps the files in use that are to be made again")
	case errors.Is(err, trail.ErrDamaged):
		return &failure{exitFound, err, "trailgate trail verify says all of it; an index cannot mend the journal, and the old one is as it was"}
	case err != nil:
		return err
	}
	for _, path := range r.Lost {
		fmt.Fprintf(sh.err, "note: %s held history that is in no journal: it is missing or changed, and is not queried any more\n", filepath.Join("events", path))
	}
	history := ""
	if r.History > 0 {
		history = ", " + count(r.History, "file") + " of history kept"
	}
	sh.done("trailgate trail verify checks all of it", "sealed %d events anew: %s of %d bytes in place of %d%s", r.Events, count(r.Files, "file"), r.Bytes, r.Removed, history)
	return nil
}
