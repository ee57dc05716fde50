package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/recording"
)

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
				return sh.printFacts(trailFacts(st, files))
			})
		}}
	return group("trail", "The append-only sequence of events", sh.verify(), status, sh.trailExport(), sh.reindex(), sh.hold())
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
