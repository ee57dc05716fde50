package sqlfront

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// position reads e as an ordinal of a list of n columns.
func (b *binder) position(e expr, n int, clause string) (int, bool, error) {
	l, ok := e.(*literal)
	if !ok {
		return 0, false, nil
	}
	if l.v.kind != Bigint || l.v.i < 1 || l.v.i > int64(n) {
		return 0, false, b.fail(e, clause+" takes an expression or a position from 1 to "+strconv.Itoa(n), "")
	}
	return int(l.v.i) - 1, true, nil
}

func (b *binder) groupBy(list []grouping, items []item) ([]grouping, error) {
	b.aggregates, b.windows, b.where = false, false, "GROUP BY"
	var out []grouping
	for _, g := range list {
		bound := grouping{kind: g.kind}
		for _, set := range g.sets {
			var exprs []expr
			for _, e := range set {
				x, err := b.groupExpr(e, items)
				if err != nil {
					return nil, err
				}
				exprs = append(exprs, x)
			}
			if g.kind == "" { // (a, b) is a, b
				for _, x := range exprs {
					out = append(out, grouping{sets: [][]expr{{x}}})
				}
				continue
			}
			bound.sets = append(bound.sets, exprs)
		}
		if g.kind != "" {
			out = append(out, bound)
		}
	}
	return out, nil
}

func (b *binder) groupExpr(e expr, items []item) (expr, error) {
	i, ok, err := b.position(e, len(items), "GROUP BY")
	if err != nil {
		return nil, err
	}
	if ok {
		if agg := firstAggregate(items[i].x); agg != nil {
			return nil, b.fail(e, "GROUP BY "+strconv.Itoa(i+1)+" is "+agg.name+"(…), which aggregates", "group by what is not aggregated")
		}
		if _, constant := items[i].x.(*literal); constant {
			return nil, b.fail(e, "GROUP BY "+strconv.Itoa(i+1)+" is a constant", "leave it out")
		}
		return items[i].x, b.groupable(e, items[i].x)
	}
	x, err := b.expr(e)
	if err != nil {
		if n, ok := e.(*name); ok && len(n.parts) == 1 {
			if i := slices.IndexFunc(items, func(it item) bool { return strings.EqualFold(it.alias, n.parts[0]) }); i >= 0 {
				return nil, b.fail(e, "an alias cannot be used in GROUP BY", "write GROUP BY "+strconv.Itoa(i+1)+", or the expression itself")
			}
		}
		return nil, err
	}
	return x, b.groupable(e, x)
}

func (b *binder) groupable(e, x expr) error {
	if k := x.info().typ.Kind; k == JSON {
		return b.fail(e, "cannot group by "+k.String(), "group by json_extract_scalar(…), or json_format(…)")
	}
	return nil
}

// orderable refuses to order by what has no order.
func (b *binder) orderable(e expr, t *Type) error {
	switch t.Kind {
	case Struct, JSON, Map:
		hint := "order by one of its fields"
		if t.Kind == Map {
			hint = "order by one of its values: element_at(map, 'key')"
		}
		return b.fail(e, "cannot order by "+t.Kind.String(), hint)
	}
	return nil
}

func (b *binder) orderBy(list []orderItem, s *selection) ([]orderItem, error) {
	b.aggregates, b.windows, b.where = true, true, "ORDER BY"
	items := s.items
	var out []orderItem
	byText := map[string]int{}
	if len(list) > 0 {
		for i := len(items) - 1; i >= 0; i-- {
			byText[exprText(items[i].x)] = i
		}
	}
	for _, o := range list {
		i, ok, err := b.position(o.x, len(items), "ORDER BY")
		if err != nil {
			return nil, err
		}
		if !ok {
			if i, ok, err = b.aliasOf(o.x, items); err != nil {
				return nil, err
			}
		}
		var x expr
		if !ok {
			if x, err = b.expr(o.x); err != nil {
				return nil, err
			}
			// Written like a result column it is that column.
			i, ok = byText[exprText(x)]
		}
		switch {
		case ok:
			x = &literal{node{o.x.info().at, bigintType}, BigintValue(int64(i) + 1)}
			err = b.orderable(o.x, items[i].x.info().typ)
		case s.distinct:
			err = b.fail(o.x, "with SELECT DISTINCT, ORDER BY takes what is in the SELECT list", "add it to the list")
		default:
			err = b.orderable(o.x, x.info().typ)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, orderItem{x, o.desc, o.nullsFirst})
	}
	return out, nil
}

// orderOutput is ORDER BY after UNION and its like: by the columns of the
// result alone.
func (b *binder) orderOutput(list []orderItem, columns []Field) ([]orderItem, error) {
	var out []orderItem
	for _, o := range list {
		i, ok, err := b.position(o.x, len(columns), "ORDER BY")
		if err != nil {
			return nil, err
		}
		if n, name := o.x.(*name); !ok && name && len(n.parts) == 1 {
			i = slices.IndexFunc(columns, func(f Field) bool { return strings.EqualFold(f.Name, n.parts[0]) })
			ok = i >= 0
		}
		if !ok {
			return nil, b.fail(o.x, "here ORDER BY takes a column of the result, or its position", "select from the query in brackets to order by more")
		}
		if err := b.orderable(o.x, columns[i].Type); err != nil {
			return nil, err
		}
		out = append(out, orderItem{&literal{node{o.x.info().at, bigintType}, BigintValue(int64(i) + 1)}, o.desc, o.nullsFirst})
	}
	return out, nil
}

// aliasOf finds the result column that a bare name in ORDER BY means; result
// columns come before the table's.
func (b *binder) aliasOf(e expr, items []item) (int, bool, error) {
	n, ok := e.(*name)
	if !ok || len(n.parts) != 1 {
		return 0, false, nil
	}
	found := -1
	for i, it := range items {
		if !strings.EqualFold(it.alias, n.parts[0]) {
			continue
		}
		if found >= 0 && exprText(items[found].x) != exprText(it.x) {
			return 0, false, b.src.fail(n.at, `"`+shorten(n.parts[0])+`"`, "more than one result column has this name", "order by its position")
		}
		if found < 0 {
			found = i
		}
	}
	return found, found >= 0, nil
}

// firstAggregate is a call in e that aggregates rows, or nil. Inside a window
// function and a sub-query it is theirs.
func firstAggregate(e expr) *call {
	var found *call
	walk(e, func(e expr) bool {
		if c, ok := e.(*call); ok && c.aggregates() && found == nil {
			found = c
		}
		return found == nil
	})
	return found
}

// aggregates says whether a call makes one value of many rows.
func (c *call) aggregates() bool {
	return c.fn != nil && c.over == nil && c.fn.family == aggregate
}

// grouping checks that what is outside aggregates is grouped by.
func (b *binder) grouping(s *selection, order []orderItem, sc *scope) error {
	if !s.grouped(order) {
		return nil
	}
	keys := map[string]bool{}
	for _, g := range s.groupExprs() {
		keys[exprText(g)] = true
	}
	own := map[string]bool{}
	for _, c := range sc.all {
		walk(c.x, func(e expr) bool {
			if c, ok := e.(*column); ok {
				own[c.rel] = true
			}
			return true
		})
	}
	var wrong error
	var check func(e expr) bool
	check = func(e expr) bool {
		if wrong != nil || len(keys) > 0 && keys[exprText(e)] {
			return false
		}
		switch e := e.(type) {
		case *call:
			if e.name == "grouping" {
				wrong = b.groupingArgs(e, keys)
				return false
			}
			return !e.aggregates()
		case *column:
			if own[e.rel] && !groupedPrefix(e, keys) {
				text := strings.Join(e.path, ".")
				wrong = b.src.fail(e.at, "", fmt.Sprintf("%q is neither grouped by nor aggregated", text), "add it to GROUP BY, or write arbitrary("+text+")")
			}
			return false
		}
		if q := queryIn(e); q != nil {
			visitor{expr: func(e expr) bool {
				if c, ok := e.(*column); ok && own[c.rel] && !groupedPrefix(c, keys) && wrong == nil {
					wrong = b.src.fail(c.at, "", fmt.Sprintf("%q is neither grouped by nor aggregated", strings.Join(c.path, ".")), "add it to GROUP BY")
				}
				return true
			}}.visit(q)
		}
		return wrong == nil
	}
	for _, it := range s.items {
		walk(it.x, check)
	}
	if s.having != nil {
		walk(s.having, check)
	}
	for _, o := range order {
		walk(o.x, check)
	}
	return wrong
}

// groupedPrefix says whether a column, or the row it is a field of, is a key.
func groupedPrefix(c *column, keys map[string]bool) bool {
	for n := 1; n <= len(c.path); n++ {
		if keys[exprText(&column{node{}, c.rel, c.path[:n]})] {
			return true
		}
	}
	return false
}

// grouped says whether a selection's rows are groups.
func (s *selection) grouped(order []orderItem) bool {
	if len(s.group) > 0 || s.having != nil {
		return true
	}
	has := func(e expr) bool { return firstAggregate(e) != nil }
	return slices.ContainsFunc(s.expressions(), has) || slices.ContainsFunc(orderExprs(order), has)
}

// groupingArgs checks that the arguments of grouping() are grouped by.
func (b *binder) groupingArgs(c *call, keys map[string]bool) error {
	for _, a := range c.args {
		if !keys[exprText(a)] {
			return b.fail(a, "grouping takes what is grouped by", "")
		}
	}
	return nil
}
