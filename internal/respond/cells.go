package respond

import (
	"strings"

	"github.com/trailgate/trailgate/internal/query"
)

// cells finds the cells of an answer by column, as SQL names them: whatever
// the case.
type cells map[string]int

func newCells(columns []query.Column) cells {
	c := make(cells, len(columns))
	for i, col := range columns {
		if name := strings.ToLower(col.Name); !c.has(name) {
			c[name] = i
		}
	}
	return c
}

func (c cells) has(name string) bool {
	_, ok := c[name]
	return ok
}

// of gives the cells of a row: column, or column.field of a nested value.
func (c cells) of(row []any) func(path string) any {
	return func(path string) any {
		if i, ok := c[strings.ToLower(path)]; ok {
			return row[i]
		}
		name, rest, _ := strings.Cut(path, ".")
		i, ok := c[strings.ToLower(name)]
		if !ok {
			return nil
		}
		v := row[i]
		for part := range strings.SplitSeq(rest, ".") {
			m, ok := v.(map[string]any)
			if !ok {
				return nil
			}
			v = field(m, part)
		}
		return v
	}
}

func field(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}
