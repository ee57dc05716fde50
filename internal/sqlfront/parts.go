package sqlfront

import "slices"

// Parts are what a statement puts events together with, in the words of its
// text: WITH, a join, UNION, a sub-query, a window function. A statement that
// is Simple has none.
func (s *Statement) Parts() []string {
	found := map[string]bool{}
	visitor{
		query: func(q *query) {
			if len(q.with) > 0 {
				found["WITH"] = true
			}
			if op, ok := q.body.(*setOp); ok {
				found[op.op] = true
			}
		},
		relation: func(r relation) {
			switch r.(type) {
			case *join:
				found["a join"] = true
			case *derived:
				found["a sub-query"] = true
			}
		},
		expr: func(e expr) bool {
			if queryIn(e) != nil {
				found["a sub-query"] = true
			}
			if c, ok := e.(*call); ok && c.over != nil {
				found["a window function"] = true
			}
			return true
		},
	}.visit(s.checked())
	return slices.DeleteFunc([]string{"WITH", "a join", "UNION", "INTERSECT", "EXCEPT", "a sub-query", "a window function"}, func(p string) bool { return !found[p] })
}
