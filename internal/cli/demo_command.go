package cli

import (
	"errors"
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/cli/demo"
)

func (sh *shell) demo() *cobra.Command {
	o := demo.Options{}
	var verbose bool
	c := &cobra.Command{Use: "demo", Short: "See all of it work on this machine: no root, no Docker, no network", Args: cobra.NoArgs,
		Long: "Start a gate and two servers on loopback, play two incidents through the real ssh client, and hold\nthe trail against what the players saw. It keeps running until Ctrl-C and leaves nothing behind.\n\n" +
			"  trailgate demo\n  trailgate demo --once\n  trailgate demo --once --without denied-surge      exits 3: the demo notices",
		RunE: func(cmd *cobra.Command, args []string) error {
			level := slog.LevelError
			if verbose {
				level = slog.LevelDebug
			}
			o.Out, o.Version = sh.out, version
			o.Log = slog.New(slog.NewTextHandler(sh.err, &slog.HandlerOptions{Level: level}))
			err := demo.Run(cmd.Context(), o)
			var u *demo.Unsuitable
			if errors.As(err, &u) {
				return hinted(err, u.Hint)
			}
			var d *demo.Differs
			if errors.As(err, &d) {
				return &failure{exitFound, err, "trailgate demo --verbose shows what the server did"}
			}
			return err
		}}
	c.Flags().StringVar(&o.Dir, "dir", "", "the directory it makes, and removes when it ends (default: trailgate-demo here, or a temporary one)")
	c.Flags().BoolVar(&o.Once, "once", false, "end after the play; exits 3 when anything differs from the ledger")
	c.Flags().StringVar(&o.Without, "without", "", "leave this runbook disabled: denied-surge, session-without-mfa or failed-login-surge")
	c.Flags().BoolVarP(&verbose, "verbose", "v", false, "show the server's log")
	var dir string
	code := &cobra.Command{Use: "code PLAYER", Short: "Print the code of a player's device, as a phone would show it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			code, err := demo.Code(dir, args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(sh.out, code)
			return err
		}}
	code.Flags().StringVar(&dir, "dir", "trailgate-demo", "the demo's directory")
	c.AddCommand(code)
	return c
}
