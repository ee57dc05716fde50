// Package queries is the library of saved queries that comes with Trailgate:
// what people who run SSH ask of their trail, and what they ask of AWS's events
// beside it.
//
//	trailgate query --saved sessions-of-identity --param identity=alice
//
// A query is a file NAME.sql: comment lines that tell its title, its
// description and its parameters, then one SELECT. Every parameter of the
// library has a default, so that each query runs as it is.
package queries

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/trailgate/trailgate/internal/sqlfront"
)

//go:embed *.sql
var files embed.FS

// Query is a saved query.
type Query struct {
	Name        string // of the file, without .sql
	Title       string
	Description string
	Text        string // all of the file: comments are part of the statement
	Statement   *sqlfront.Statement
}

// Parse reads a saved query; the statement is parsed and not yet checked. A
// title and a description may be missing.
func Parse(name, text string) (Query, error) {
	stmt, err := sqlfront.Parse(text)
	if err != nil {
		return Query{}, fmt.Errorf("saved query %s: %w", name, err)
	}
	q := Query{Name: name, Text: text, Statement: stmt}
	for line := range strings.Lines(text) {
		comment, ok := strings.CutPrefix(strings.TrimSpace(line), "--")
		if !ok {
			break
		}
		comment = strings.TrimSpace(comment)
		if title, ok := strings.CutPrefix(comment, "title:"); ok {
			q.Title = strings.TrimSpace(title)
		}
		if description, ok := strings.CutPrefix(comment, "description:"); ok {
			q.Description = strings.TrimSpace(description)
		}
	}
	return q, nil
}

// SELECT is the statement without the comments above it.
func (q Query) SELECT() string {
	text := q.Text
	for strings.HasPrefix(text, "--") {
		_, text, _ = strings.Cut(text, "\n")
	}
	return strings.TrimSpace(text)
}

// All is the library, by name.
var All = sync.OnceValues(func() ([]Query, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, fmt.Errorf("list the saved queries: %w", err)
	}
	var all []Query
	for _, name := range names {
		data, err := files.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("read the saved queries: %w", err)
		}
		q, err := Parse(strings.TrimSuffix(name, ".sql"), string(data))
		if err != nil {
			return nil, err
		}
		all = append(all, q)
	}
	return all, nil
})
