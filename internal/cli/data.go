package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/recording"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

func (sh *shell) query() *cobra.Command {
	var maxRows int
	var file string
	c := &cobra.Command{Use: "query 'SELECT …'", Short: "Ask the trail a question in SQL", Args: cobra.MaximumNArgs(1),
		Long: "Ask the trail a question in SQL: one SELECT over CloudTrailLogs, in the dialect of CloudTrail Lake and Athena.\n" +
			"With a server running, the answer holds every event appended before the question. With none, the data\ndirectory is read as it is.\n\n" +
			"  trailgate query \"SELECT eventTime, target FROM CloudTrailLogs WHERE eventName = 'StartSession' AND userName = 'alice'\"\n" +
			"  trailgate query --file denied.sql -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 1) == (file != "") {
				return misused("trailgate query 'SELECT …', or --file FILE", "query takes one statement")
			}
			if file != "" {
				text, err := sh.readFile(file)
				if err != nil {
					return err
				}
				args = []string{string(text)}
			}
			// A mistake in the statement is the same with and without a server.
			stmt, err := sqlfront.Parse(args[0])
			if err == nil {
				err = stmt.Check(sqlfront.CloudTrailCatalog())
			}
			if err != nil {
				return statementError(err)
			}
			return sh.answer(cmd.Context(), stmt, maxRows)
		}}
	c.Flags().IntVar(&maxRows, "max-rows", 10_000, "stop after this many rows")
	c.Flags().StringVar(&file, "file", "", "read the statement from a file, - for stdin")
	return c
}

// statementError is exit 2 with the place of the mistake.
func statementError(err error) error {
	var se *sqlfront.Error
	if errors.As(err, &se) {
		plain := *se
		plain.Hint = "" // it has a line of its own
		return &failure{exitMisused, &plain, cmp.Or(se.Hint, "docs/reference/tables.md has the columns of CloudTrailLogs; trailgate query --help has examples")}
	}
	return err
}

// answer asks the running server, or reads the data directory when none runs.
func (sh *shell) answer(ctx context.Context, stmt *sqlfront.Statement, maxRows int) error {
	c, cfg, err := sh.client()
	if err != nil {
		return err
	}
	var columns []query.Column
	var rows [][]any
	var truncated bool
	out, err := c.Query(ctx, rest.QueryRequest{Statement: stmt.Text(), MaxRows: maxRows})
	switch {
	case errors.Is(err, client.ErrNoServer):
		res, err := app.QueryOffline(ctx, cfg, stmt, maxRows)
		if errors.Is(err, os.ErrNotExist) {
			return noData(cfg)
		}
		if err != nil {
			return err
		}
		columns, rows, truncated = res.Columns, res.Rows, res.Truncated
	case err != nil:
		return advise(err, cfg.DataDir)
	default:
		columns, rows, truncated = out.Columns, out.Rows, out.Truncated
	}
	if truncated {
		fmt.Fprintf(sh.err, "note: there are more rows than %d; --max-rows N shows more, LIMIT fewer\n", maxRows)
	}
	return sh.print(columns, rows, "no rows")
}

// noData is a data directory that is none.
func noData(cfg config.Config) error {
	return hinted(fmt.Errorf("there is no trail in %s", cfg.DataDir), "--data-dir DIR or TRAILGATE_DATA_DIR says where it is; trailgate init makes a new one")
}

func (sh *shell) trail() *cobra.Command {
	status := &cobra.Command{Use: "status", Short: "Say how far the trail, its queries and its seals are", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				st, err := c.Status(cmd.Context())
				if err != nil {
					return err
				}
				files, err := c.LogFiles(cmd.Context())
				if err != nil {
					return err
				}
				return sh.print(cols("what", "value"), append(trailRows(st), deliveryRows(files)...), "")
			})
		}}
	return group("trail", "The append-only sequence of events", sh.verify(), status, sh.trailExport(), sh.hold())
}

// progress shows how far a long job is, on stderr, after a second: a line that
// changes on a terminal.
func (sh *shell) progress(doing, unit string) func(done, total int64) {
	began, shown := time.Now(), time.Time{}
	f, isFile := sh.err.(*os.File)
	terminal := isFile && isTerminal(f)
	return func(done, total int64) {
		now := time.Now()
		if now.Sub(began) < time.Second || now.Sub(shown) < 200*time.Millisecond && done < total || !terminal {
			return
		}
		shown = now
		fmt.Fprintf(sh.err, "\r%s %d/%d %s", doing, done, total, unit)
		if done >= total {
			fmt.Fprintln(sh.err)
		}
	}
}

func (sh *shell) recording() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List the recordings", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			if _, err := os.Stat(cfg.DataDir); errors.Is(err, os.ErrNotExist) {
				return noData(cfg)
			}
			sessions, err := recording.List(recordings(cfg))
			if err != nil {
				return err
			}
			var rows [][]any
			for _, id := range sessions {
				r, err := recording.Read(recordings(cfg), id)
				if err != nil {
					return err
				}
				rows = append(rows, []any{id, r.Meta.Identity, r.Meta.Login, r.Meta.Target, r.Meta.Started})
				r.Close()
			}
			columns := cols("session", "identity", "login", "target", "started:timestamp")
			if sh.format() == "table" {
				columns, rows = brief(columns, rows, []string{"session", "identity", "login", "target", "started"})
			}
			return sh.print(columns, rows, "no recordings")
		}}
	var speed float64
	var channel int
	replay := &cobra.Command{Use: "replay SESSION", Short: "Watch a recording in this terminal", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.withRecording(cmd.Context(), args[0], "replay", func(r *recording.Reader) error {
				pace := recording.Pace{Speed: speed, MaxIdle: 2 * time.Second, Channel: channel}
				if speed <= 0 {
					pace.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
				}
				return r.Replay(cmd.Context(), sh.out, pace)
			})
		}}
	replay.Flags().Float64Var(&speed, "speed", 1, "how many times as fast; 0 shows all at once")
	replay.Flags().IntVar(&channel, "channel", 0, "which channel of the session (default: the first)")
	var format string
	export := &cobra.Command{Use: "export SESSION --format asciicast", Short: "Write a recording to stdout in another format", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "asciicast" {
				return misused("asciicast", "unknown format %q", format)
			}
			return sh.withRecording(cmd.Context(), args[0], format, func(r *recording.Reader) error { return r.Export(sh.out, format, channel) })
		}}
	export.Flags().IntVar(&channel, "channel", 0, "which channel of the session (default: the first)")
	export.Flags().StringVar(&format, "format", "asciicast", "asciicast (version 2)")
	return group("recording", "What terminals showed", list, replay, export)
}

func recordings(cfg config.Config) string { return filepath.Join(cfg.DataDir, "recordings") }

// withRecording opens a recording. Looking at one is an event: with a server
// running it is recorded first, and without one nobody looks.
func (sh *shell) withRecording(ctx context.Context, session, format string, fn func(*recording.Reader) error) error {
	return sh.server(func(c *client.Client) error {
		cfg, _, err := sh.settings()
		if err != nil {
			return err
		}
		if err := c.GotRecording(ctx, session, format); err != nil {
			return err
		}
		r, err := recording.Read(recordings(cfg), session)
		if errors.Is(err, os.ErrNotExist) {
			return hinted(fmt.Errorf("no recording of session %q", session), "trailgate recording list shows them")
		}
		if err != nil {
			return err
		}
		defer r.Close()
		return fn(r)
	})
}

// printQR draws a QR code of text with half blocks, dark on light whatever the
// terminal's colours are.
func printQR(w io.Writer, text string) error {
	dark, err := qrModules(text)
	if err != nil {
		return err
	}
	var b strings.Builder
	const quiet = 2 // modules of light around it
	n := len(dark)
	at := func(x, y int) bool { return x >= 0 && y >= 0 && x < n && y < n && dark[y][x] }
	for y := -quiet; y < n+quiet; y += 2 {
		for x := -quiet; x < n+quiet; x++ {
			switch top, bottom := at(x, y), at(x, y+1); {
			case top && bottom:
				b.WriteRune(' ')
			case top:
				b.WriteRune('▄')
			case bottom:
				b.WriteRune('▀')
			default:
				b.WriteRune('█')
			}
		}
		b.WriteByte('\n')
	}
	_, err = io.WriteString(w, b.String())
	return err
}
