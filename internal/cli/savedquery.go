package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailgate/trailgate/internal/suggest"
	"github.com/trailgate/trailgate/queries"
)

func (sh *shell) savedQuery() *cobra.Command {
	list := &cobra.Command{Use: "list", Short: "List the saved queries", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			all, err := queries.All()
			if err != nil {
				return err
			}
			var rows [][]any
			for _, q := range all {
				rows = append(rows, []any{q.Name, q.Title, parameterList(q), q.Description})
			}
			columns := cols("name", "title", "parameters", "description")
			if sh.format() == "table" {
				columns, rows = brief(columns, rows, []string{"name", "title", "parameters"})
			}
			return sh.print(columns, rows, "no saved queries")
		}}
	show := &cobra.Command{Use: "show NAME", Short: "Show a saved query: its parameters and its SQL", Args: cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			q, err := savedNamed(args[0])
			if err != nil {
				return err
			}
			_, err = fmt.Fprint(sh.out, q.Text)
			return err
		}}
	return group("saved-query", "Questions that come with Trailgate, to ask with trailgate query --saved", list, show)
}

// parameterList is name=default of each parameter.
func parameterList(q queries.Query) string {
	var list []string
	for _, p := range q.Statement.Parameters() {
		value := p.Default
		if value == "" {
			value = "''"
		}
		list = append(list, p.Name+"="+value)
	}
	return strings.Join(list, " ")
}

// savedNamed is the saved query of that name.
func savedNamed(name string) (queries.Query, error) {
	all, err := queries.All()
	if err != nil {
		return queries.Query{}, err
	}
	var names []string
	for _, q := range all {
		if q.Name == name {
			return q, nil
		}
		names = append(names, q.Name)
	}
	return queries.Query{}, misused("trailgate saved-query list shows them", "no saved query named %q%s", name, suggest.DidYouMean(name, names))
}
