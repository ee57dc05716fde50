package duckdb

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	duckdb "github.com/duckdb/duckdb-go/v2"
)

var errGuard = errors.New("statement refused by the query worker")

// harmlessTables are the table functions a statement may use: they make rows of
// their arguments.
var harmlessTables = []string{"unnest"}

// guard checks text before DuckDB runs any of it: it must be one SELECT that
// reads these views of ours and nothing else. Package sqlfront prints no other; this
// is the second lock on the same door, with DuckDB's own parser.
func guard(ctx context.Context, c *duckdb.Conn, text string, allowed []string) error {
	v, err := value(ctx, c, "SELECT CAST(json_serialize_sql(CAST(? AS VARCHAR)) AS VARCHAR)", text)
	if err != nil {
		return fmt.Errorf("%w: %w", errGuard, err)
	}
	s, _ := v.(string)
	return guardTree(s, allowed)
}

// guardTree checks what json_serialize_sql says of a statement.
func guardTree(serialized string, allowed []string) error {
	var tree struct {
		Error        bool   `json:"error"`
		ErrorMessage string `json:"error_message"`
		Statements   []struct {
			Node any `json:"node"`
		} `json:"statements"`
	}
	if err := json.Unmarshal([]byte(serialized), &tree); err != nil {
		return fmt.Errorf("%w: %w", errGuard, err)
	}
	if tree.Error {
		return fmt.Errorf("%w: %s", errGuard, tree.ErrorMessage)
	}
	if len(tree.Statements) != 1 || tree.Statements[0].Node == nil {
		return fmt.Errorf("%w: %d statements, want one SELECT", errGuard, len(tree.Statements))
	}
	return guardNode(tree.Statements[0].Node, allowed, nil)
}

// guardNode walks the tree. Tables are named by nodes of type BASE_TABLE;
// functions that make tables by TABLE_FUNCTION. shared are the names of common
// table expressions in scope; none may have the name of a view, because inside
// such an expression the name still means the view.
func guardNode(n any, allowed, shared []string) error {
	switch n := n.(type) {
	case []any:
		for _, e := range n {
			if err := guardNode(e, allowed, shared); err != nil {
				return err
			}
		}
	case map[string]any:
		for _, name := range commonTables(n) {
			if slices.ContainsFunc(slices.Concat(snapshotNames(), views(false), views(true)), func(view string) bool { return strings.EqualFold(name, view) }) {
				return fmt.Errorf("%w: WITH %q", errGuard, name)
			}
			shared = append(slices.Clip(shared), name)
		}
		switch n["type"] {
		case "BASE_TABLE":
			name, _ := n["table_name"].(string)
			if !slices.Contains(allowed, name) && !slices.Contains(shared, name) ||
				!empty(n["schema_name"]) || !empty(n["catalog_name"]) {
				return fmt.Errorf("%w: table %q", errGuard, name)
			}
		case "TABLE_FUNCTION":
			f, _ := n["function"].(map[string]any)
			name, _ := f["function_name"].(string)
			if !slices.Contains(harmlessTables, strings.ToLower(name)) {
				return fmt.Errorf("%w: table function %q", errGuard, name)
			}
		case "SHOW_REF", "COLUMN_DATA", "BOUND_TABLE_REF":
			return fmt.Errorf("%w: %v", errGuard, n["type"])
		}
		for _, e := range n {
			if err := guardNode(e, allowed, shared); err != nil {
				return err
			}
		}
	}
	return nil
}

// commonTables are the names that a node's WITH defines.
func commonTables(n map[string]any) (names []string) {
	m, _ := n["cte_map"].(map[string]any)
	list, _ := m["map"].([]any)
	for _, e := range list {
		pair, _ := e.(map[string]any)
		if name, ok := pair["key"].(string); ok {
			names = append(names, name)
		}
	}
	return names
}

func empty(v any) bool { return v == nil || v == "" }
