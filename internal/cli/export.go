package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/trail"
	"github.com/trailgate/trailgate/internal/trail/export"
)

func (sh *shell) trailExport() *cobra.Command {
	var o export.Options
	var from, to, out string
	c := &cobra.Command{Use: "export --format FORMAT", Short: "Take events out of the trail", Args: cobra.NoArgs,
		Long: "Take events out of the trail: jsonl is a record a line, cloudtrail is log files in AWS's layout below a\n" +
			"directory, parquet is one file with the columns of CloudTrailLogs. That it was done is an event itself.\n\n" +
			"  trailgate trail export --format jsonl --from 2026-11-01 --to 2026-11-30 > november.jsonl\n" +
			"  trailgate trail export --format parquet --out november.parquet --from 2026-11-01 --to 2026-11-30\n" +
			"  trailgate trail export --format cloudtrail --imported --out ./logs",
		RunE: func(cmd *cobra.Command, args []string) error {
			if !slices.Contains(export.Formats, o.Format) {
				return misused("one of: "+strings.Join(export.Formats, ", "), "unknown format %q", o.Format)
			}
			var err error
			if o.From, o.To, err = span(from, to); err != nil {
				return err
			}
			return sh.export(cmd.Context(), o, out)
		}}
	c.Flags().StringVar(&o.Format, "format", export.JSONL, strings.Join(export.Formats, ", "))
	c.Flags().StringVar(&from, "from", "", "events that happened on this day or at this RFC 3339 time, or after")
	c.Flags().StringVar(&to, "to", "", "events that happened on this day or at this RFC 3339 time, or before")
	c.Flags().StringVar(&out, "out", "", "the file, or for cloudtrail the directory (default: stdout)")
	c.Flags().BoolVar(&o.Imported, "imported", false, "imported events too")
	return c
}

// export writes to where out says.
func (sh *shell) export(ctx context.Context, o export.Options, out string) error {
	cfg, _, err := sh.settings()
	if err != nil {
		return err
	}
	o.Progress = sh.progress("exporting", "events")
	switch _, terminal := sh.terminal(); {
	case o.Format == export.CloudTrail && (out == "" || out == "-"):
		return misused("--out DIR", "log files need a directory")
	case o.Format == export.CloudTrail:
		dir, err := filepath.Abs(out)
		if err != nil {
			return fmt.Errorf("find %s: %w", out, err)
		}
		to := app.DirBucket(dir)
		o.Bucket = to
		return errors.Join(sh.exported(ctx, cfg, o, out), to.Close())
	case (out == "" || out == "-") && terminal && o.Format == export.Parquet:
		return misused("--out FILE", "parquet is nothing for a terminal")
	case out == "" || out == "-":
		w := bufio.NewWriterSize(sh.out, 1<<16)
		o.Out = w
		return errors.Join(sh.exported(ctx, cfg, o, "stdout"), w.Flush())
	}
	return sh.exportFile(ctx, cfg, o, out)
}

// exportFile makes a file that is whole or not there.
func (sh *shell) exportFile(ctx context.Context, cfg config.Config, o export.Options, out string) (err error) {
	if _, err := os.Lstat(out); err == nil {
		return hinted(fmt.Errorf("%s exists already", out), "an export replaces nothing: remove it, or name another")
	}
	f, err := os.CreateTemp(filepath.Dir(out), ".trailgate-export-") // mode 0600
	if errors.Is(err, os.ErrNotExist) {
		return hinted(fmt.Errorf("there is no directory %s", filepath.Dir(out)), "make it, or name another file")
	}
	if err != nil {
		return fmt.Errorf("make %s: %w", out, err)
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	w := bufio.NewWriterSize(f, 1<<20)
	o.Out = w
	finish := func() error {
		return errors.Join(w.Flush(), f.Sync(), f.Close())
	}
	report, err := sh.runExport(ctx, cfg, o)
	if err = errors.Join(err, finish()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), out); err != nil {
		return fmt.Errorf("make %s: %w", out, err)
	}
	sh.saidExport(report, out)
	return nil
}

func (sh *shell) exported(ctx context.Context, cfg config.Config, o export.Options, where string) error {
	report, err := sh.runExport(ctx, cfg, o)
	if err == nil {
		sh.saidExport(report, where)
	}
	return err
}

// saidExport says exactly what was exported.
func (sh *shell) saidExport(r export.Report, where string) {
	text := fmt.Sprintf("exported %d events to %s", r.Events, where)
	if r.Imported > 0 {
		text = fmt.Sprintf("exported %d events and %d imported ones to %s", r.Events, r.Imported, where)
	}
	if r.Files > 0 {
		text += ", " + count(r.Files, "log file")
	}
	sh.done("", "%s; the trail was read up to event %d", text, r.Head)
}

// runExport records that events are taken out, and takes them out. With a
// server running it records it; without one this process does.
func (sh *shell) runExport(ctx context.Context, cfg config.Config, o export.Options) (export.Report, error) {
	req := rest.ExportRequest{Format: o.Format, From: stampOf(o.From), To: stampOf(o.To), Imported: o.Imported}
	err := client.New(cfg.DataDir).AnnounceExport(ctx, req)
	if errors.Is(err, client.ErrNoServer) {
		if _, serr := os.Stat(filepath.Join(cfg.DataDir, "journal")); errors.Is(serr, os.ErrNotExist) {
			return export.Report{}, noData(cfg)
		}
		err = app.TakeEventsOffline(ctx, cfg, event.GetEvents{Format: req.Format, From: req.From, To: req.To, Imported: req.Imported})
	}
	switch {
	case errors.Is(err, trail.ErrLocked):
		return export.Report{}, hinted(err, "another command is at work on this data directory: try again when it is done")
	case errors.Is(err, trail.ErrDamaged):
		return export.Report{}, hinted(err, "trailgate trail verify says where")
	case err != nil:
		return export.Report{}, advise(err, cfg.DataDir)
	}
	return app.Export(ctx, cfg, o)
}

func stampOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
