package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/runbook"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/suggest"
)

func (sh *shell) runbook() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List the runbooks and how they work here", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				all, err := c.Runbooks(cmd.Context())
				if err != nil {
					return err
				}
				var rows [][]any
				for _, rb := range all {
					var params []string
					for _, name := range slices.Sorted(maps.Keys(rb.Params)) {
						params = append(params, name+"="+rb.Params[name])
					}
					rows = append(rows, []any{rb.ID, rb.Title, rb.Severity, rb.Owner, rb.Trigger, rb.Enabled, rb.Mode, strings.Join(params, " ")})
				}
				columns := cols("id", "title", "severity", "owner", "trigger", "enabled:boolean", "mode", "params")
				if sh.format() == "table" { // 80 columns hold it; runbook show has the rest
					columns, rows = brief(columns, rows, []string{"id", "severity", "trigger", "enabled", "mode", "params"})
				}
				return sh.print(columns, rows, "no runbooks")
			})
		}}
	show := &cobra.Command{Use: "show ID|FILE", Short: "Print a runbook's file, and how it is evaluated on stderr", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			rbs, err := sh.runbooks(args)
			if err != nil {
				return err
			}
			fmt.Fprintf(sh.err, "note: %s\n", rbs[0].Evaluation())
			_, err = sh.out.Write(rbs[0].Text)
			return err
		}}
	lint := &cobra.Command{Use: "lint [ID|FILE…]", Short: "Check runbooks and say how each is evaluated; exits 3 on a finding",
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			rbs, err := sh.runbooks(args)
			if err != nil {
				return err
			}
			findings := 0
			for _, rb := range rbs {
				for _, n := range runbook.Lint(rb, cfg.EventSource) {
					fmt.Fprintf(sh.out, "%s: %s: %s\n", rb.ID, n.Level, n.Text)
					if n.Level == runbook.Warning {
						findings++
					}
				}
			}
			if findings > 0 {
				return found(fmt.Errorf("%d findings", findings))
			}
			return nil
		}}
	var tried []string
	test := &cobra.Command{Use: "test [ID|FILE…]", Short: "Run the tests in runbooks: live, on schedule and at every event; exits 3 when one fails",
		Long: "Run the tests in runbooks: live, on schedule and at every event, which must agree. None named means all.\nIt needs no server. Exits 3 when a test fails.\n\n" +
			"  trailgate runbook test session-without-mfa\n  trailgate runbook test ./root-login.yaml",
		RunE: func(cmd *cobra.Command, args []string) error {
			rbs, err := sh.runbooks(args)
			if err != nil {
				return err
			}
			values, err := parameters(tried)
			if err != nil {
				return err
			}
			for i := range rbs {
				if rbs[i], err = rbs[i].With(values); err != nil {
					return misused("trailgate runbook show prints its file, with its parameters", "%w", err)
				}
			}
			failed, passed := 0, 0
			err = app.TestRunbooks(cmd.Context(), rbs, func(rb *runbook.Runbook, name string, problems []string) {
				if len(problems) == 0 {
					passed++
					fmt.Fprintf(sh.out, "ok    %s: %s\n", rb.ID, name)
					return
				}
				failed++
				fmt.Fprintf(sh.out, "FAIL  %s: %s\n", rb.ID, name)
				for _, p := range problems {
					fmt.Fprintf(sh.out, "      %s\n", p)
				}
			})
			if err != nil {
				return err
			}
			if failed > 0 {
				return found(fmt.Errorf("%d of %d tests failed", failed, failed+passed))
			}
			return nil
		}}
	test.Flags().StringArrayVar(&tried, "param", nil, "NAME=VALUE for a parameter of the runbook; may be repeated")
	var mode string
	var params []string
	enable := &cobra.Command{Use: "enable ID", Short: "Put a runbook to work", Args: cobra.ExactArgs(1),
		Long: "Put a runbook to work. Without --mode it observes: it raises alarms and says what it would do.\n\n" +
			"  trailgate runbook enable session-without-mfa --mode enforce\n" +
			"  trailgate runbook enable login-after-failures --param failures=10",
		RunE: func(cmd *cobra.Command, args []string) error {
			if modes := []string{"observe", "propose", "enforce"}; !slices.Contains(modes, mode) {
				return misused("one of: "+strings.Join(modes, ", "), "unknown mode %q%s", mode, suggest.DidYouMean(mode, modes))
			}
			values, err := parameters(params)
			if err != nil {
				return err
			}
			return sh.server(func(c *client.Client) error {
				if err := known(cmd.Context(), c, args[0]); err != nil {
					return err
				}
				if err := c.EnableRunbook(cmd.Context(), args[0], mode, values); err != nil {
					return err
				}
				sh.done("trailgate alarm list", "%s is enabled in mode %s", args[0], mode)
				return nil
			})
		}}
	enable.Flags().StringVar(&mode, "mode", "observe", "observe (say what would be done), propose (leave it to a person) or enforce (do it)")
	enable.Flags().StringArrayVar(&params, "param", nil, "NAME=VALUE for a parameter of the runbook; may be repeated, and the others stay as they are")
	disable := &cobra.Command{Use: "disable ID", Short: "Stop a runbook", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if err := known(cmd.Context(), c, args[0]); err != nil {
					return err
				}
				if err := c.DisableRunbook(cmd.Context(), args[0]); err != nil {
					return err
				}
				sh.done("trailgate runbook enable "+args[0]+" starts it again", "%s is disabled", args[0])
				return nil
			})
		}}
	run := &cobra.Command{Use: "run ID", Short: "Evaluate a runbook now", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if err := known(cmd.Context(), c, args[0]); err != nil {
					return err
				}
				alarms, err := c.RunRunbook(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				sh.done("trailgate alarm list", "%s raised %d alarms", args[0], len(alarms))
				return nil
			})
		}}
	return group("runbook", "A query, what triggers it, and what is done about it", list, show, lint, test, run, enable, disable)
}

// known says whether the server has a runbook, and otherwise which one may be
// meant.
func known(ctx context.Context, c *client.Client, id string) error {
	all, err := c.Runbooks(ctx)
	if err != nil {
		return err
	}
	var ids []string
	for _, rb := range all {
		if rb.ID == id {
			return nil
		}
		ids = append(ids, rb.ID)
	}
	return hinted(fmt.Errorf("no runbook named %q%s", id, suggest.DidYouMean(id, ids)), "trailgate runbook list shows them; files of your own go into runbooks.dir")
}

// runbooks loads runbooks by ID or file name; none named means all that are
// configured. Every mistake of every file is reported.
func (sh *shell) runbooks(names []string) ([]*runbook.Runbook, error) {
	cfg, _, err := sh.settings()
	if err != nil {
		return nil, err
	}
	all, err := app.Runbooks(cfg)
	if err != nil && len(names) == 0 {
		return nil, misused("", "%w", err)
	}
	if len(names) == 0 {
		return all, nil
	}
	var out []*runbook.Runbook
	var wrong []error
	for _, name := range names {
		rb, err := runbookNamed(all, name)
		if err != nil {
			wrong = append(wrong, err)
			continue
		}
		out = append(out, rb)
	}
	if len(wrong) > 0 {
		return nil, misused("", "%w", errors.Join(wrong...))
	}
	return out, nil
}

func runbookNamed(all []*runbook.Runbook, name string) (*runbook.Runbook, error) {
	var ids []string
	for _, rb := range all {
		if rb.ID == name {
			return rb, nil
		}
		ids = append(ids, rb.ID)
	}
	if !strings.ContainsRune(name, filepath.Separator) && !strings.HasSuffix(name, ".yaml") {
		return nil, fmt.Errorf("no runbook named %q: there are %s", name, strings.Join(ids, ", "))
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read the runbook: %w", err)
	}
	return runbook.Load(name, data)
}

func (sh *shell) alarm() *cobra.Command {
	n := noun[state.Alarm]{"alarm", "alarms", (*client.Client).Alarms,
		cols("id", "runbook", "key", "state", "severity", "since:timestamp", "matches:bigint", "run", "ackedBy", "title"),
		func(a state.Alarm) []any {
			return []any{a.ID, a.Runbook, a.Key, a.State, a.Severity, a.Since, int64(a.Matches), a.Run, a.AckedBy, a.Title}
		}, []string{"id", "state", "severity", "matches", "since", "ackedBy", "key"}}
	var all bool
	list := &cobra.Command{Use: "list", Short: "List what is in ALARM, and all that nobody has acknowledged", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if !all {
				n.plural = "alarms in ALARM, and none that nobody has acknowledged; --all shows the others"
			}
			return n.list(sh, func(a state.Alarm) bool { return all || a.State == "ALARM" || a.AckedBy == "" })(cmd, args)
		}}
	list.Flags().BoolVar(&all, "all", false, "acknowledged ones too")
	var note string
	ack := &cobra.Command{Use: "ack ALARM", Short: "Take an alarm on", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if _, err := c.Alarms(cmd.Context(), args[0]); err != nil {
					return err
				}
				if err := c.AckAlarm(cmd.Context(), args[0], note); err != nil {
					return err
				}
				sh.done("trailgate run list shows what was done and what is left to do", "alarm %s is yours", args[0])
				return nil
			})
		}}
	ack.Flags().StringVar(&note, "note", "", "what you know about it")
	return group("alarm", "What runbooks found", list, n.showCommand(sh), ack)
}

func (sh *shell) run() *cobra.Command {
	n := noun[state.Run]{"run", "runs", (*client.Client).Runs, cols("id", "runbook", "alarm", "mode", "state", "created:timestamp", "steps"),
		func(r state.Run) []any {
			var steps []string
			for _, s := range r.Steps {
				steps = append(steps, s.ID+"="+s.State)
			}
			return []any{r.ID, r.Runbook, r.Alarm, r.Mode, r.State, r.Created, strings.Join(steps, " ")}
		}, []string{"id", "mode", "state", "steps"}}
	show := &cobra.Command{Use: "show RUN", Short: "Show what a run did and what is left to do", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				runs, err := c.Runs(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				var rows [][]any
				for _, s := range runs[0].Steps {
					what := s.Action
					if what == "" {
						what = s.Kind
					}
					var due, ended any
					if !s.Due.IsZero() {
						due = s.Due
					}
					if !s.Ended.IsZero() {
						ended = s.Ended
					}
					detail := s.Detail
					if s.Text != "" {
						detail = strings.TrimSpace(s.Text + " " + s.Detail)
					}
					rows = append(rows, []any{s.ID, what, s.State, detail, s.Assignee, due, ended})
				}
				return sh.print(cols("step", "what", "state", "detail", "assignee", "due:timestamp", "ended:timestamp"), rows, "")
			})
		}}
	var note string
	done := &cobra.Command{Use: "done RUN STEP", Short: "Finish a manual step", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				if _, err := c.Runs(cmd.Context(), args[0]); err != nil {
					return err
				}
				if err := c.DoneStep(cmd.Context(), args[0], args[1], note); err != nil {
					return err
				}
				sh.done("trailgate run show "+args[0], "step %s is done", args[1])
				return nil
			})
		}}
	done.Flags().StringVar(&note, "note", "", "what was found and done")
	return group("run", "Responses to alarms, step by step", n.listCommand(sh), show, done)
}
