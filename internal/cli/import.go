package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
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
	"github.com/trailgate/trailgate/internal/trail/importer"
)

func (sh *shell) importLogs() *cobra.Command {
	var o app.ImportOptions
	var since string
	c := &cobra.Command{Use: "import DIR|FILE|s3://BUCKET/PREFIX", Short: "Take AWS's own log files in, to be queried beside the trail", Args: cobra.ExactArgs(1),
		Long: "Take AWS's own log files in: CloudTrail's of every kind, packed or not, what lookup-events prints, JSON lines.\n" +
			"They are queried beside the trail, never become part of it, and trigger nothing. What was imported before is\n" +
			"not imported again; an import that was interrupted goes on where it was.\n\n" +
			"  trailgate import ./AWSLogs\n" +
			"  trailgate import s3://my-org-trail/AWSLogs/o-1a2b3c --region eu-west-1 --since 90d\n" +
			"  trailgate import s3://my-org-trail --since 2d --follow",
		RunE: func(cmd *cobra.Command, args []string) error {
			o.Source = args[0]
			var err error
			if strings.Contains(o.Source, "://") {
				if _, err = config.ParsePlace(o.Source); err != nil {
					return misused("give a directory, a file or s3://BUCKET/PREFIX", "%w", err)
				}
			}
			if o.Since, err = ago("--since", since, time.Now()); err != nil {
				return err
			}
			return sh.runImport(cmd.Context(), o)
		}}
	c.Flags().StringVar(&since, "since", "", "leave out what happened before: a day, an RFC 3339 time, or so long ago (90d, 36h)")
	c.Flags().BoolVar(&o.Follow, "follow", false, "go on with what arrives, until interrupted")
	c.Flags().BoolVar(&o.Own, "own", false, "import this installation's own events too, as when its trail was lost")
	c.Flags().StringVar(&o.Region, "region", "", "of the bucket")
	c.Flags().StringVar(&o.Endpoint, "endpoint", "", "URL of an S3 server that is not AWS's")
	c.Flags().IntVar(&o.Batch, "batch", 0, "commit so many records at a time")
	c.Flags().MarkHidden("batch") // for tests that kill it between two
	return c
}

// ago is a time of a flag: a day, an instant, or a span before now.
func ago(flag, s string, now time.Time) (time.Time, error) {
	if span, err := config.ParseSpan(s); err == nil {
		return now.UTC().Add(-span).Truncate(time.Second), nil
	}
	t, err := instant(flag, s, false)
	if err != nil {
		return t, misused("such as 90d, 36h, 2026-11-20 or 2026-11-20T08:30:00Z", "%s %q is no time", flag, s)
	}
	return t, nil
}

func (sh *shell) runImport(ctx context.Context, o app.ImportOptions) error {
	cfg, _, err := sh.settings()
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(cfg.DataDir, "journal")); errors.Is(err, os.ErrNotExist) {
		return noData(cfg)
	}
	note := rest.ImportRequest{ID: event.NewID(), Follow: o.Follow, Own: o.Own, Since: stampOf(o.Since)}
	o.Begin = func(source string) error {
		note.Source = source
		return noteImport(ctx, cfg, note)
	}
	o.Progress = sh.importProgress(o.Follow)
	report, err := app.Import(ctx, cfg, o)
	if note.Source != "" { // it was recorded that it begins
		note.End = endOf(report, err)
		if nerr := noteImport(context.WithoutCancel(ctx), cfg, note); nerr != nil {
			err = errors.Join(err, fmt.Errorf("record what came of the import: %w", nerr))
		}
	}
	if report.Files > 0 || err == nil {
		if perr := sh.printImport(report); perr != nil {
			return perr
		}
	}
	return importError(cfg, o, report, err)
}

// noteImport records that an import begins or has ended: through the server
// that runs, or else in the trail itself. A server that is just starting or
// stopping is waited for.
func noteImport(ctx context.Context, cfg config.Config, note rest.ImportRequest) error {
	const tries, pause = 20, 250 * time.Millisecond
	for n := 1; ; n++ {
		err := client.New(cfg.DataDir).NoteImport(ctx, note)
		if errors.Is(err, client.ErrNoServer) {
			err = app.RecordOffline(ctx, cfg, note.Event())
		}
		if !errors.Is(err, trail.ErrLocked) || n == tries {
			return err
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func endOf(r importer.Report, err error) *rest.ImportEnd {
	e := &rest.ImportEnd{Cause: "done", Files: int64(r.Files), Read: r.Read, New: r.New, Duplicate: r.Duplicate,
		Quarantined: r.Quarantined, Skipped: r.Skipped, Unreadable: int64(r.Unreadable)}
	switch {
	case errors.Is(err, context.Canceled):
		e.Cause = "interrupted"
	case err != nil:
		e.Cause = err.Error()
	}
	return e
}

// importError is the command's end: that some of what was read is broken is no
// failure of it, that a file could not be read is one.
func importError(cfg config.Config, o app.ImportOptions, r importer.Report, err error) error {
	switch {
	case err == nil && r.Files == 1 && r.Read == 0 && r.SkippedBy["other"] == 1:
		return hinted(fmt.Errorf("%s is no log file of CloudTrail", o.Source), "what is read is JSON, packed with gzip or not")
	case err == nil && r.Unreadable > 0:
		return hinted(fmt.Errorf("%d of %d files could not be read", r.Unreadable, r.Files), "run the same import again: it goes on with them")
	case errors.Is(err, importer.ErrLocked):
		return hinted(err, "wait until it has ended; an import that follows ends when it is interrupted")
	case errors.Is(err, app.ErrOtherUser):
		return hinted(err, "run the import as that user: sudo -u USER trailgate import …")
	case errors.Is(err, fs.ErrNotExist) && r.Files == 0 && !strings.Contains(o.Source, "://"):
		return hinted(fmt.Errorf("there is no %s", o.Source), "give a directory, a file or s3://BUCKET/PREFIX")
	case errors.Is(err, trail.ErrDamaged):
		return hinted(err, "trailgate trail verify says where; without "+trail.ImportsDir(cfg.DataDir)+" everything is imported anew")
	case errors.Is(err, context.Canceled):
		return err
	case err != nil:
		return advise(err, cfg.DataDir)
	}
	return nil
}

// printImport says exactly what came of an import.
func (sh *shell) printImport(r importer.Report) error {
	columns := cols("read:bigint", "new:bigint", "duplicate:bigint", "quarantined:bigint", "skipped:bigint", "files:bigint",
		"knownFiles:bigint", "damagedFiles:bigint", "unreadableFiles:bigint", "totalNew:bigint", "totalQuarantined:bigint", "seconds:double", "conflict:bigint")
	row := []any{r.Read, r.New, r.Duplicate, r.Quarantined, r.Skipped, int64(r.Files), int64(r.Known), int64(r.Damaged), int64(r.Unreadable),
		r.Totals.New, r.Totals.Quarantined, r.Seconds, r.Conflict}
	if f := sh.format(); f == "table" || f == "tsv" {
		columns, row = columns[:6], row[:6]
	}
	if err := sh.print(columns, [][]any{row}, ""); err != nil {
		return err
	}
	for i, n := range r.Notes {
		if i == 10 {
			fmt.Fprintf(sh.err, "note: and %d more\n", len(r.Notes)-i)
			break
		}
		fmt.Fprintf(sh.err, "note: %s: %s\n", n.File, n.Text)
	}
	if r.Skipped > 0 {
		var by []string
		for _, why := range slices.SortedFunc(maps.Keys(r.SkippedBy), func(a, b string) int {
			return cmp.Or(cmp.Compare(r.SkippedBy[b], r.SkippedBy[a]), cmp.Compare(a, b))
		}) {
			what := why
			if why == "other" {
				what = "not a log file"
			}
			by = append(by, fmt.Sprintf("%d %s", r.SkippedBy[why], what))
		}
		fmt.Fprintf(sh.err, "skipped: %s\n", strings.Join(by, ", "))
	}
	they := func(n int64, what, whose string) string {
		if n == 1 {
			return "1 record " + what + "; it is"
		}
		return fmt.Sprintf("%d records %s; they are", n, whose)
	}
	if broken := r.Quarantined - r.Conflict; broken > 0 {
		fmt.Fprintf(sh.err, "note: %s in %s, with where it was and why\n", they(broken, "could not be read", "could not be read"), r.Quarantine)
	}
	if r.Conflict > 0 {
		fmt.Fprintf(sh.err, "note: %s in %s, and what was imported first stays\n",
			they(r.Conflict, "has the eventID of another", "have the eventIDs of others"), r.Quarantine)
	}
	return nil
}

// importProgress shows how far an import is: on a terminal a line that changes,
// elsewhere, when it follows, a line for what arrived.
func (sh *shell) importProgress(follow bool) func(importer.Progress) {
	began, shown := time.Now(), time.Time{}
	f, isFile := sh.err.(*os.File)
	terminal := isFile && isTerminal(f)
	var last importer.Progress
	return func(p importer.Progress) {
		now := time.Now()
		if !terminal {
			if follow && p.Done && p.New > last.New {
				fmt.Fprintf(sh.err, "imported %d new of %d records\n", p.New-last.New, p.Read-last.Read)
				last = p
			}
			return
		}
		if now.Sub(began) < time.Second || now.Sub(shown) < 200*time.Millisecond && !p.Done {
			return
		}
		shown = now
		fmt.Fprintf(sh.err, "\r\x1b[K%s", progressLine(p, now.Sub(began)))
		if p.Done && !follow {
			fmt.Fprintln(sh.err)
		}
	}
}

// progressLine is how far an import is.
func progressLine(p importer.Progress, took time.Duration) string {
	line := fmt.Sprintf("importing %d/%d files, %d records, %d new, %.0f/s", p.FilesDone, p.FilesTotal, p.Read, p.New, float64(p.Read)/took.Seconds())
	if p.Bytes > 0 && p.Bytes < p.BytesTotal {
		left := time.Duration(float64(took) * float64(p.BytesTotal-p.Bytes) / float64(p.Bytes))
		line += fmt.Sprintf(", %s left", left.Round(time.Second))
	}
	return line
}
