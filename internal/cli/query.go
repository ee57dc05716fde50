package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/api/rest"
	"github.com/trailgate/trailgate/internal/app"
	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// question is a statement to ask, and how.
type question struct {
	text       string
	parameters map[string]string
	maxRows    int
	explain    bool
	every      time.Duration // 0 asks once
	pager      bool
	out        string // a file
}

func (sh *shell) query() *cobra.Command {
	var q question
	var file, saved string
	var noPager bool
	var params []string
	c := &cobra.Command{Use: "query 'SELECT …'", Short: "Ask the trail a question in SQL", Args: cobra.MaximumNArgs(1),
		Long: "Ask the trail a question in SQL: one SELECT in the dialect of CloudTrail Lake and Athena, over CloudTrailLogs,\n" +
			"and sessions, identities, targets, alarms and runs beside it.\n" +
			"With a server running, the answer holds every event appended before the question. With none, the data\ndirectory is read as it is.\n\n" +
			"  trailgate query \"SELECT eventTime, target FROM CloudTrailLogs WHERE eventName = 'StartSession' AND userName = 'alice'\"\n" +
			"  trailgate query --saved sessions-of-identity --param identity=alice --param since=30d\n" +
			"  trailgate query --file denied.sql -o json",
		RunE: func(cmd *cobra.Command, args []string) error {
			given := 0
			for _, from := range []bool{len(args) == 1, file != "", saved != ""} {
				if from {
					given++
				}
			}
			if given != 1 {
				return misused("trailgate query 'SELECT …', or --file FILE, or --saved NAME", "query takes one statement")
			}
			var err error
			if q.parameters, err = parameters(params); err != nil {
				return err
			}
			switch {
			case file != "":
				text, err := sh.readFile(file)
				if err != nil {
					return err
				}
				q.text = string(text)
			case saved != "":
				s, err := sh.savedNamed(cmd.Context(), saved)
				if err != nil {
					return err
				}
				q.text = s.Text
			default:
				q.text = args[0]
			}
			if q.every != 0 && q.every < time.Second {
				return misused("--watch 5s", "a question every %s is too often", q.every)
			}
			q.pager = !noPager
			switch {
			case q.every > 0 && q.out != "":
				return misused("leave one out", "--watch is for a screen, --out for a file")
			case q.explain && q.every > 0:
				return misused("leave one out", "--explain shows one question, --watch asks again")
			case q.explain && q.out != "":
				return misused("> FILE takes the plan", "--explain shows no rows, which --out is for")
			}
			if err := sh.answerable(q); err != nil {
				return err
			}
			return sh.ask(cmd.Context(), q)
		}}
	c.Flags().IntVar(&q.maxRows, "max-rows", 10_000, "stop after this many rows")
	c.Flags().StringVar(&file, "file", "", "read the statement from a file, - for stdin")
	c.Flags().StringVar(&saved, "saved", "", "ask a saved query; trailgate saved-query list shows them")
	c.Flags().StringArrayVar(&params, "param", nil, "NAME=VALUE for :NAME in the statement; may be repeated")
	c.Flags().BoolVar(&q.explain, "explain", false, "show the statement as the engine gets it and what it reads, instead of the rows")
	c.Flags().StringVar(&q.out, "out", "", "write the answer to a file; -o says in which format, parquet too")
	c.Flags().BoolVar(&noPager, "no-pager", false, "show a long table without $PAGER")
	c.Flags().DurationVar(&q.every, "watch", 0, "ask again after so long, until interrupted")
	return c
}

// parameters reads NAME=VALUE pairs.
func parameters(pairs []string) (map[string]string, error) {
	values := map[string]string{}
	for _, p := range pairs {
		name, value, ok := strings.Cut(p, "=")
		if name = strings.TrimPrefix(name, ":"); !ok || name == "" {
			return nil, misused("--param identity=alice", "--param %q is not NAME=VALUE", p)
		}
		if _, twice := values[name]; twice {
			return nil, misused("give it once", "--param %s is given twice", name)
		}
		values[name] = value
	}
	return values, nil
}

// ask puts the question, once or until interrupted.
func (sh *shell) ask(ctx context.Context, q question) error {
	c, cfg, err := sh.client()
	if err != nil {
		return err
	}
	// A mistake in the statement is the same with and without a server.
	stmt, err := app.CheckQuery(q.text, q.parameters, app.EventDataStoreID(cfg))
	if err != nil {
		return sh.statementError(q.text, err)
	}
	for {
		began, done := time.Now(), sh.waiting()
		out, err := answer(ctx, c, cfg, q, stmt)
		took := time.Since(began) // and not how long somebody reads
		done()
		if err != nil {
			return err
		}
		if q.explain {
			return sh.showPlan(out.Plan)
		}
		_, terminal := sh.terminal()
		if terminal && q.every > 0 {
			fmt.Fprint(sh.out, "\x1b[H\x1b[2J")
		}
		if err := sh.show(ctx, q, out.Columns, out.Rows); err != nil {
			return err
		}
		if out.Truncated {
			fmt.Fprintf(sh.err, "note: there are more rows than %d; --max-rows N shows more, LIMIT fewer\n", q.maxRows)
		}
		if terminal {
			fmt.Fprintf(sh.err, "%d rows in %s; %s events and %s read\n", len(out.Rows), took.Round(time.Millisecond), grouped(out.Scanned.Rows), bytesText(out.Scanned.Bytes))
		}
		if q.every == 0 {
			return nil
		}
		select {
		case <-time.After(q.every):
		case <-ctx.Done():
			return nil // that is how a watch ends
		}
	}
}

// answer asks the running server, or reads the data directory when none runs.
func answer(ctx context.Context, c *client.Client, cfg config.Config, q question, stmt *sqlfront.Statement) (rest.QueryAnswer, error) {
	out, err := c.Query(ctx, rest.QueryRequest{Statement: q.text, Parameters: q.parameters, MaxRows: q.maxRows, Explain: q.explain})
	switch {
	case errors.Is(err, client.ErrNoServer):
		return offline(ctx, cfg, q, stmt, err)
	case err != nil:
		return out, advise(err, cfg.DataDir)
	}
	return out, nil
}

// offline reads the data directory; noServer is why.
func offline(ctx context.Context, cfg config.Config, q question, stmt *sqlfront.Statement, noServer error) (out rest.QueryAnswer, err error) {
	if table := app.NeedsServer(stmt); table != "" {
		return out, hinted(fmt.Errorf("the table %s is what holds now, and %w: %s", table, noServer, cfg.DataDir), "trailgate serve --data-dir "+cfg.DataDir+" starts one")
	}
	if q.explain {
		out.Plan, err = app.ExplainOffline(ctx, cfg, stmt, q.maxRows)
	} else if res, failed := app.QueryOffline(ctx, cfg, stmt, q.maxRows); failed != nil {
		err = failed
	} else {
		out = rest.QueryAnswer{Columns: res.Columns, Rows: res.Rows, Truncated: res.Truncated, Scanned: res.Scanned}
	}
	if errors.Is(err, os.ErrNotExist) {
		return out, noData(cfg)
	}
	return out, err
}

// showPlan shows how a statement is answered.
func (sh *shell) showPlan(p *query.Plan) error {
	if !sh.prose() {
		columns := cols("text", "columns:json", "days:json", "allDays:bigint", "files:bigint", "allFiles:bigint", "rowGroups:bigint", "allRowGroups:bigint",
			"eventsScanned:bigint", "eventsInMemory:bigint", "bytesScanned:bigint", "rows:bigint", "seconds:double")
		row := []any{p.Text, list(p.Columns), list(p.Days), int64(p.AllDays), p.Scanned.Files, p.AllFiles, p.Scanned.RowGroups, p.AllGroups,
			p.Scanned.Rows, p.Memory, p.Scanned.Bytes, int64(p.Rows), p.Seconds}
		return sh.print(columns, [][]any{row}, "")
	}
	days := ""
	if n := len(p.Days); n > 0 {
		days = ": " + p.Days[0]
		if n > 1 {
			days += " to " + p.Days[n-1]
		}
	}
	_, err := fmt.Fprintf(sh.out, `%s

columns     %s
days        %d of %d%s
files       %s of %s
row groups  %s of %s
events      %s, of which %s in memory
bytes       %s
answer      %d rows in %s
`, p.Text, strings.Join(p.Columns, ", "), len(p.Days), p.AllDays, days, grouped(p.Scanned.Files), grouped(p.AllFiles),
		grouped(p.Scanned.RowGroups), grouped(p.AllGroups), grouped(p.Scanned.Rows), grouped(p.Memory), bytesText(p.Scanned.Bytes),
		p.Rows, time.Duration(p.Seconds*float64(time.Second)).Round(time.Millisecond))
	return err
}

// statementError is exit 2 with the place of the mistake, which a person is shown.
func (sh *shell) statementError(text string, err error) error {
	var se *sqlfront.Error
	if errors.As(err, &se) {
		plain := *se
		plain.Hint = "" // it has a line of its own
		err = &plain
		if f, isFile := sh.err.(*os.File); isFile && isTerminal(f) {
			if place := caret(text, se); place != "" {
				err = fmt.Errorf("%w\n%s", err, place)
			}
		}
		return &failure{exitMisused, err, cmp.Or(se.Hint, "docs/reference/tables.md has the tables and their columns; trailgate query --help has examples")}
	}
	return err
}
