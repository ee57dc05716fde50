package sqlfront

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// binder makes the checked tree of a statement: it finds columns and
// functions, gives every expression its type, writes * and ordinals out, and
// turns literals into the type they are compared with. What it makes prints
// the same in every dialect, and binding it again changes nothing.
type binder struct {
	src     source
	catalog Catalog
	table   *Table // nil without FROM
	alias   string // what the table is called in the statement

	aggregates bool // may the expression being bound aggregate?
	where      string
	inside     *call // the aggregate whose arguments are being bound
}

// tableAlias is the table's name in every printed statement.
const tableAlias = "_t"

func (b *binder) fail(e expr, expected, hint string) error {
	return b.src.fail(e.info().at, "", expected, hint)
}

func (b *binder) selection(s *selection) (*selection, error) {
	out := &selection{distinct: s.distinct, limit: s.limit}
	if s.from != nil {
		if b.table = b.catalog.table(s.from.name); b.table == nil {
			return nil, b.noTable(s.from)
		}
		if b.alias = s.from.alias; b.alias == "" {
			b.alias = s.from.name
		}
		out.from = &table{at: s.from.at, name: b.table.Name, alias: tableAlias}
	}
	var err error
	b.aggregates = false
	if s.where != nil {
		b.where = "WHERE"
		if out.where, err = b.condition(s.where); err != nil {
			return nil, err
		}
	}
	if out.items, err = b.items(s.items); err != nil {
		return nil, err
	}
	if out.group, err = b.groupBy(s.group, out.items); err != nil {
		return nil, err
	}
	b.aggregates, b.where = true, "HAVING"
	if s.having != nil {
		if out.having, err = b.condition(s.having); err != nil {
			return nil, err
		}
	}
	if out.order, err = b.orderBy(s, out.items); err != nil {
		return nil, err
	}
	if err := b.grouping(out); err != nil {
		return nil, err
	}
	for _, e := range out.expressions() {
		if grows(e) > maxGrowth {
			return nil, b.fail(e, "this is too long once it is written out for the engine", "divide by columns, and cut text, fewer times inside each other")
		}
	}
	return out, nil
}

func (b *binder) noTable(t *table) error {
	if isStore(t.name) {
		hint := "the tables are " + tableList(b.catalog)
		if b.catalog.store != "" {
			hint = "the one here is " + b.catalog.store
		}
		return b.src.fail(t.at, `"`+shorten(t.name)+`"`, "there is no such event data store", hint)
	}
	hint := didYouMean(t.name, tableNames(b.catalog))
	if hint == "" {
		hint = "the tables are " + tableList(b.catalog)
	}
	return b.src.fail(t.at, `"`+shorten(t.name)+`"`, "there is no such table", hint)
}

func tableNames(c Catalog) []string {
	var names []string
	for _, t := range c.Tables {
		names = append(names, t.Name)
	}
	return names
}

// condition binds an expression that must be boolean.
func (b *binder) condition(e expr) (expr, error) {
	x, err := b.expr(e)
	if err != nil {
		return nil, err
	}
	return b.fit(x, booleanType, "a condition")
}

func (b *binder) items(list []item) ([]item, error) {
	b.aggregates, b.where = true, "SELECT"
	var out []item
	for _, it := range list {
		if it.x == nil {
			if b.table == nil {
				return nil, b.src.fail(it.at, `"*"`, "* needs a table", "add FROM CloudTrailLogs")
			}
			if it.star != "" && !strings.EqualFold(it.star, b.alias) {
				return nil, b.src.fail(it.at, `"`+shorten(it.star)+`"`, "there is no such table in FROM", didYouMean(it.star, []string{b.alias}))
			}
			for _, c := range b.table.Columns {
				out = append(out, item{it.at, &column{node{it.at, c.Type}, []string{c.Name}}, c.Name, ""})
			}
			if len(out) > maxList {
				return nil, b.src.fail(it.at, "", "the SELECT list has more than "+strconv.Itoa(maxList)+" columns", "name fewer")
			}
			continue
		}
		x, err := b.expr(it.x)
		if err != nil {
			return nil, err
		}
		alias := it.alias
		if alias == "" {
			alias = outputName(x, len(out))
		}
		out = append(out, item{it.at, x, alias, ""})
	}
	return out, nil
}

// outputName is Trino's name of a result column without an alias.
func outputName(x expr, index int) string {
	switch x := x.(type) {
	case *column:
		return x.path[len(x.path)-1]
	case *fieldOf:
		return x.field
	}
	return "_col" + strconv.Itoa(index)
}

// position reads e as an ordinal of the SELECT list.
func (b *binder) position(e expr, items []item, clause string) (int, bool, error) {
	l, ok := e.(*literal)
	if !ok {
		return 0, false, nil
	}
	if l.v.kind != Bigint || l.v.i < 1 || l.v.i > int64(len(items)) {
		return 0, false, b.fail(e, clause+" takes an expression or a position from 1 to "+strconv.Itoa(len(items)), "")
	}
	return int(l.v.i) - 1, true, nil
}

func (b *binder) groupBy(list []expr, items []item) ([]expr, error) {
	b.aggregates, b.where = false, "GROUP BY"
	var out []expr
	for _, e := range list {
		i, ok, err := b.position(e, items, "GROUP BY")
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
			out = append(out, items[i].x)
			continue
		}
		x, err := b.expr(e)
		if err != nil {
			if n, ok := e.(*name); ok && len(n.parts) == 1 {
				if i := slices.IndexFunc(items, func(it item) bool { return strings.EqualFold(it.alias, n.parts[0]) }); i >= 0 && b.column(n.parts) == nil {
					return nil, b.fail(e, "an alias cannot be used in GROUP BY", "write GROUP BY "+strconv.Itoa(i+1)+", or the expression itself")
				}
			}
			return nil, err
		}
		if k := x.info().typ.Kind; k == JSON {
			return nil, b.fail(e, "cannot group by "+k.String(), "group by json_extract_scalar(…)")
		}
		out = append(out, x)
	}
	return out, nil
}

func (b *binder) orderBy(s *selection, items []item) ([]orderItem, error) {
	b.aggregates, b.where = true, "ORDER BY"
	var out []orderItem
	byText := map[string]int{}
	if len(s.order) > 0 {
		for i := len(items) - 1; i >= 0; i-- {
			byText[exprText(items[i].x)] = i
		}
	}
	for _, o := range s.order {
		i, ok, err := b.position(o.x, items, "ORDER BY")
		if err != nil {
			return nil, err
		}
		if !ok {
			i, ok = aliasOf(o.x, items)
		}
		var x expr
		if !ok {
			if x, err = b.expr(o.x); err != nil {
				return nil, err
			}
			// Written like a result column it is that column.
			i, ok = byText[exprText(x)]
		}
		if ok {
			x = &literal{node{o.x.info().at, bigintType}, BigintValue(int64(i) + 1)}
			if k := items[i].x.info().typ.Kind; k == Struct || k == Array || k == JSON {
				return nil, b.fail(o.x, "cannot order by "+k.String(), "order by one of its fields")
			}
		} else if s.distinct {
			return nil, b.fail(o.x, "with SELECT DISTINCT, ORDER BY takes what is in the SELECT list", "add it to the list")
		} else if k := x.info().typ.Kind; k == Struct || k == Array || k == JSON {
			return nil, b.fail(o.x, "cannot order by "+k.String(), "order by one of its fields")
		}
		out = append(out, orderItem{x, o.desc, o.nullsFirst})
	}
	return out, nil
}

// aliasOf finds the result column that a bare name in ORDER BY means; result
// columns come before the table's.
func aliasOf(e expr, items []item) (int, bool) {
	n, ok := e.(*name)
	if !ok || len(n.parts) != 1 {
		return 0, false
	}
	i := slices.IndexFunc(items, func(it item) bool { return strings.EqualFold(it.alias, n.parts[0]) })
	return i, i >= 0
}

// firstAggregate is an aggregate function in e, or nil.
func firstAggregate(e expr) *call {
	var found *call
	walk(e, func(e expr) bool {
		if c, ok := e.(*call); ok && c.fn != nil && c.fn.family == aggregate && found == nil {
			found = c
		}
		return found == nil
	})
	return found
}

// grouping checks that what is outside aggregates is grouped by.
func (b *binder) grouping(s *selection) error {
	grouped := len(s.group) > 0 || s.having != nil
	for _, e := range s.expressions() {
		grouped = grouped || firstAggregate(e) != nil
	}
	if !grouped {
		return nil
	}
	keys := map[string]bool{}
	for _, g := range s.group {
		keys[exprText(g)] = true
	}
	check := func(e expr) (err error) {
		walk(e, func(e expr) bool {
			if err != nil || len(keys) > 0 && keys[exprText(e)] {
				return false
			}
			switch e := e.(type) {
			case *call:
				return e.fn.family != aggregate
			case *column:
				text := strings.Join(e.path, ".")
				err = b.src.fail(e.at, "", fmt.Sprintf("%q is neither grouped by nor aggregated", text), "add it to GROUP BY, or write arbitrary("+text+")")
				return false
			}
			return true
		})
		return err
	}
	for _, it := range s.items {
		if err := check(it.x); err != nil {
			return err
		}
	}
	if s.having != nil {
		if err := check(s.having); err != nil {
			return err
		}
	}
	for _, o := range s.order {
		if err := check(o.x); err != nil {
			return err
		}
	}
	return nil
}
