package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/state"
)

func (sh *shell) hold() *cobra.Command {
	n := noun[state.Hold]{"hold", "legal holds", (*client.Client).Holds, cols("id", "reason", "from:timestamp", "to:timestamp", "by", "created:timestamp"),
		func(h state.Hold) []any {
			var from, to any
			if !h.From.IsZero() {
				from = h.From
			}
			if !h.To.IsZero() {
				to = h.To
			}
			return []any{h.ID, h.Reason, from, to, h.By, h.Created}
		}, []string{"id", "from", "to", "reason"}}
	var reason, from, to string
	create := &cobra.Command{Use: "create --reason WHY", Short: "Keep events whatever their age", Args: cobra.NoArgs,
		Long: "Keep events whatever their age: those that happened or were appended in a time, and all that followed\nthem, because retention removes from the front only.\n\n" +
			"  trailgate trail hold create --reason \"matter 2026-17\" --from 2026-10-01 --to 2026-10-31\n" +
			"  trailgate trail hold create --reason audit",
		RunE: func(cmd *cobra.Command, args []string) error {
			in := rest.HoldRequest{Reason: reason}
			var err error
			if in.From, in.To, err = span(from, to); err != nil {
				return err
			}
			return sh.server(func(c *client.Client) error {
				h, err := c.CreateHold(cmd.Context(), in)
				if err != nil {
					return err
				}
				sh.done("trailgate trail hold delete "+h.ID+" lifts it", "held: events %s", between(h.From, h.To))
				_, err = fmt.Fprintln(sh.out, h.ID)
				return err
			})
		}}
	create.Flags().StringVar(&reason, "reason", "", "why they must be kept")
	create.Flags().StringVar(&from, "from", "", "a day or an RFC 3339 time (default: from the beginning)")
	create.Flags().StringVar(&to, "to", "", "a day, which is held whole, or an RFC 3339 time (default: without end)")
	create.MarkFlagRequired("reason")
	return group("hold", "Legal holds: what retention must leave alone", n.listCommand(sh), create, n.deleteCommand(sh, ": retention may have what it kept"))
}

// instant reads a time that a flag gives: RFC 3339, or a day in UTC, of which it
// is the first second or, as an end, the last. Empty is the zero time.
func instant(flag, s string, end bool) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if t, err := time.Parse(time.DateOnly, s); err == nil {
		if end {
			t = t.Add(24*time.Hour - time.Second)
		}
		return t, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, misused("such as 2026-11-20 or 2026-11-20T08:30:00Z", "%s %q is neither a day nor an RFC 3339 time", flag, s)
	}
	return t.UTC(), nil
}

// span reads --from and --to.
func span(from, to string) (first, last time.Time, err error) {
	if first, err = instant("--from", from, false); err != nil {
		return first, last, err
	}
	if last, err = instant("--to", to, true); err != nil {
		return first, last, err
	}
	if !first.IsZero() && !last.IsZero() && last.Before(first) {
		return first, last, misused("the earlier one is --from", "--from %s is after --to %s", from, to)
	}
	return first, last, nil
}

// between says a span of time; a zero end is open.
func between(from, to time.Time) string {
	switch {
	case from.IsZero() && to.IsZero():
		return "of all time"
	case from.IsZero():
		return "up to " + to.UTC().Format(time.RFC3339)
	case to.IsZero():
		return "from " + from.UTC().Format(time.RFC3339) + " on"
	}
	return "from " + from.UTC().Format(time.RFC3339) + " to " + to.UTC().Format(time.RFC3339)
}
