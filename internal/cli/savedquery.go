package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/client"
	"github.com/trailgate/trailgate/internal/manifest"
	"github.com/trailgate/trailgate/internal/state"
	"github.com/trailgate/trailgate/internal/suggest"
	"github.com/trailgate/trailgate/queries"
)

func (sh *shell) savedQuery() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List the saved queries: those that come with Trailgate, and your own", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := queries.All()
			if err != nil {
				return err
			}
			var rows [][]any
			say := func(q queries.Query, shipped bool) {
				rows = append(rows, []any{q.Name, q.Title, parameterList(q), q.Description, shipped})
			}
			own, err := sh.ownQueries(cmd.Context(), "")
			switch {
			case errors.Is(err, client.ErrNoServer):
				fmt.Fprintln(sh.err, "note: no server is running: your own are not listed")
			case err != nil:
				return err
			}
			for _, q := range own {
				say(q, false)
			}
			for _, q := range all {
				say(q, true)
			}
			columns := cols("name", "title", "parameters", "description", "shipped:boolean")
			if sh.format() == "table" {
				columns, rows = brief(columns, rows, []string{"name", "title", "parameters", "shipped"})
			}
			return sh.print(columns, rows, "no saved queries")
		}}
	show := &cobra.Command{Use: "show NAME", Short: "Show a saved query: its parameters and its SQL", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			q, err := sh.savedNamed(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(sh.out, strings.TrimSuffix(q.Text, "\n"))
			return err
		}}
	n := noun[state.SavedQuery]{name: "saved-query", plural: "saved queries", get: func(c *client.Client, ctx context.Context, name string) ([]state.SavedQuery, error) {
		rows, err := c.SavedQueries(ctx, name)
		if all, wrong := queries.All(); wrong != nil || slices.ContainsFunc(all, func(q queries.Query) bool { return q.Name == name }) {
			return rows, wrong // the server says that it stays
		}
		return rows, err
	}}
	return group("saved-query", "Questions with a name, to ask with trailgate query --saved", list, show, sh.createSavedQuery(),
		n.deleteCommand(sh, " of your own"))
}

func (sh *shell) createSavedQuery() *cobra.Command {
	var file, statement string
	var replace bool
	r := manifest.Resource{Kind: manifest.SavedQuery}
	c := &cobra.Command{Use: "create NAME --file FILE | --statement 'SELECT …'", Short: "Keep a question under a name", Args: cobra.ExactArgs(1),
		Long: "Keep a question under a name. It is checked now, but for the values of its parameters, which are :name in it.\n\n" +
			"  trailgate saved-query create reached --statement \"SELECT target, max(startTime) FROM sessions WHERE userName = :who GROUP BY 1\"\n" +
			"  trailgate query --saved reached --param who=alice",
		RunE: func(cmd *cobra.Command, args []string) error {
			if (file == "") == (statement == "") {
				return misused("--file FILE, or --statement 'SELECT …'", "saved-query create takes one statement")
			}
			r.Name, r.Text = args[0], statement
			if file != "" {
				text, err := sh.readFile(file)
				if err != nil {
					return err
				}
				r.Text = string(text)
			}
			return sh.create(cmd.Context(), r, replace, "trailgate query --saved "+args[0])
		}}
	c.Flags().StringVar(&file, "file", "", "the statement, - for stdin")
	c.Flags().StringVar(&statement, "statement", "", "the statement")
	c.Flags().StringVar(&r.Description, "description", "", "what it answers, in a line")
	c.Flags().BoolVar(&replace, "replace", false, "replace the saved query of this name")
	return c
}

// parameterList is name=default of each parameter; one without a default is
// name alone.
func parameterList(q queries.Query) string {
	var list []string
	for _, p := range q.Statement.Parameters() {
		switch {
		case !p.Optional:
			list = append(list, p.Name)
		case p.Default == "":
			list = append(list, p.Name+"=''")
		default:
			list = append(list, p.Name+"="+p.Default)
		}
	}
	return strings.Join(list, " ")
}

// ownQueries are the saved queries that the server keeps: all, or the one of a
// name.
func (sh *shell) ownQueries(ctx context.Context, name string) ([]queries.Query, error) {
	c, cfg, err := sh.client()
	if err != nil {
		return nil, err
	}
	rows, err := c.SavedQueries(ctx, name)
	if errors.Is(err, client.ErrNoServer) {
		return nil, err
	}
	if err != nil {
		return nil, advise(err, cfg.DataDir)
	}
	var all []queries.Query
	for _, row := range rows {
		q, err := queries.Parse(row.Name, row.Text)
		if err != nil {
			return nil, err
		}
		q.Description = cmp.Or(row.Description, q.Description)
		all = append(all, q)
	}
	return all, nil
}

// savedNamed is the saved query of that name.
func (sh *shell) savedNamed(ctx context.Context, name string) (queries.Query, error) {
	all, err := queries.All()
	if err != nil {
		return queries.Query{}, err
	}
	own, err := sh.ownQueries(ctx, "")
	hint := "trailgate saved-query list shows them"
	switch {
	case errors.Is(err, client.ErrNoServer):
		hint += "; your own need a running server"
	case err != nil:
		return queries.Query{}, err
	}
	var names []string
	for _, q := range append(own, all...) {
		if q.Name == name {
			return q, nil
		}
		names = append(names, q.Name)
	}
	return queries.Query{}, misused(hint, "no saved query named %q%s", name, suggest.DidYouMean(name, names))
}
