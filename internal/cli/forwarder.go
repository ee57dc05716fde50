package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/cli/table"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/trail/forward"
)

func (sh *shell) forwarder() *cobra.Command {
	listing := &cobra.Command{Use: "list", Short: "List the forwarders in the settings", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, _, err := sh.settings()
			if err != nil {
				return err
			}
			var rows [][]any
			for _, f := range cfg.Forwarders {
				to := f.To
				if f.SecretFile != "" {
					to = webhookText(to)
				}
				rows = append(rows, []any{f.Name, to, f.Format, f.Only})
			}
			return sh.print(cols("name", "to", "format", "only"), rows, "no forwarders: trailgate.yaml names them under forwarders")
		}}
	status := &cobra.Command{Use: "status", Short: "Say how far each forwarder has come; exits 3 when one is failing", Args: cobra.NoArgs,
		Long: "Say how far each forwarder has come, how far it lags, and its last error.\nExits 3 when a sink takes nothing now.\n\n" +
			"  trailgate forwarder status -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				all, err := c.Forwarders(cmd.Context())
				if err != nil {
					return err
				}
				failing := 0
				var rows [][]any
				for _, st := range all {
					if !st.Failing.IsZero() {
						failing++
					}
					rows = append(rows, []any{st.Name, st.Kind, st.To, st.Cursor, st.LagEvents, st.LagSeconds, st.Sent, st.Refused, st.Missed, st.Errors,
						cell(st.LastSent), cell(st.Failing), st.LastError, cell(st.ErrorTime)})
				}
				columns := cols("name", "kind", "to", "cursor:bigint", "lagEvents:bigint", "lagSeconds:double", "sent:bigint", "refused:bigint", "missed:bigint", "errors:bigint",
					"lastSent:timestamp", "failingSince:timestamp", "lastError", "errorTime:timestamp")
				whole := sh.format() != "table"
				if !whole {
					columns, rows = brief(columns, rows, []string{"name", "kind", "lagEvents", "sent", "refused", "failingSince"})
				}
				if err := sh.print(columns, rows, "no forwarders: trailgate.yaml names them under forwarders"); err != nil {
					return err
				}
				if !whole {
					if err := sh.lastErrors(all); err != nil {
						return err
					}
				}
				if failing > 0 {
					return found(fmt.Errorf("%d of %d forwarders are failing: their events wait", failing, len(all)))
				}
				return nil
			})
		}}
	test := &cobra.Command{Use: "test NAME", Short: "Send a message through a forwarder and wait until its sink has it", Args: cobra.ExactArgs(1),
		Long: "Append a TestForwarder event, which passes the forwarder's filter, and wait until the sink has it.\n" +
			"It takes its turn behind the events that wait. Exits 3 when it has not arrived.\n\n  trailgate forwarder test siem",
		RunE: func(cmd *cobra.Command, args []string) error {
			return sh.server(func(c *client.Client) error {
				got, err := c.TestForwarder(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				if !sh.prose() {
					row := []any{got.Status.Name, got.Status.To, got.EventID, got.Problem == "", orNull(got.Problem), int64(got.Status.LagEvents)}
					if err := sh.print(cols("name", "to", "eventID", "arrived:boolean", "problem", "lagEvents:bigint"), [][]any{row}, ""); err != nil {
						return err
					}
				}
				if got.Problem != "" {
					sh.done("trailgate forwarder status", "event %s waits behind %d others", got.EventID, max(got.Status.LagEvents, 1)-1)
					return found(errors.New(got.Problem))
				}
				if sh.prose() {
					fmt.Fprintf(sh.out, "%s has event %s\n", got.Status.To, got.EventID)
				}
				return nil
			})
		}}
	return group("forwarder", "Where events go outside", listing, status, test)
}

// lastErrors are below the table a line each, and nothing cut: what is wrong is
// often at the end.
func (sh *shell) lastErrors(all []forward.Status) error {
	var lines [][]any
	for _, st := range all {
		if st.LastError != "" {
			lines = append(lines, []any{fmt.Sprintf("%s, %s: %s", st.Name, st.ErrorTime.UTC().Format(time.RFC3339), st.LastError)})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	fmt.Fprintln(sh.out)
	return table.Write(sh.out, "table", cols("last error"), lines, table.Options{})
}

// cell is a time, or nothing for none.
func cell(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	return t
}
