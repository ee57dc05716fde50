package sqlfront

import (
	"slices"
	"strconv"
	"strings"
)

// relation binds what stands in FROM and adds its columns to the scope.
func (b *binder) relation(r relation, sc *scope) (relation, error) {
	switch r := r.(type) {
	case *table:
		return b.table(r, sc)
	case *derived:
		return b.derived(r, sc)
	case *unnest:
		return b.unnest(r, sc)
	case *join:
		return b.join(r, sc)
	}
	panic("sqlfront: a relation of no kind")
}

// add makes a relation's columns visible.
func (sc *scope) add(r *visibleRelation) {
	sc.rels = append(sc.rels, r)
	sc.all = append(sc.all, r.columns...)
}

func (b *binder) table(t *table, sc *scope) (relation, error) {
	alias := t.alias
	if alias == "" {
		alias = t.name
	}
	for i := len(b.with) - 1; i >= 0; i-- {
		if w := b.with[i]; strings.EqualFold(w.written, t.name) {
			columns, err := b.rename(t.at, w.columns, t.columns)
			if err != nil {
				return nil, err
			}
			if err := b.reads(t.at, w.tables); err != nil {
				return nil, err
			}
			printed := b.newRelation()
			sc.add(relationOf(alias, printed, columns, uniqueNames(w.columns)))
			return &table{at: t.at, name: w.printed, alias: printed, cte: true}, nil
		}
	}
	base := b.catalog.table(t.name)
	if base == nil {
		return nil, b.noTable(t)
	}
	if err := b.reads(t.at, 1); err != nil {
		return nil, err
	}
	out := &table{at: t.at, name: base.Name, alias: b.newRelation(), base: base}
	v := &visibleRelation{alias: alias, name: base.Name}
	shown := 0
	for _, c := range base.Columns {
		if !c.Hidden {
			shown++
		}
	}
	if n := len(t.columns); n > 0 && n != shown {
		return nil, b.src.fail(t.at, strconv.Itoa(n)+" names", base.Name+" has "+strconv.Itoa(shown)+" columns", "name all of them, or none")
	}
	for i, c := range base.Columns {
		name := c.Name
		if len(t.columns) > 0 {
			if c.Hidden {
				continue
			}
			name = t.columns[i]
		}
		v.columns = append(v.columns, &visibleColumn{name: name, hidden: c.Hidden, written: base.AsWritten,
			x: &column{node{typ: c.Type}, out.alias, []string{c.Name}}})
	}
	sc.add(v)
	return out, nil
}

// maxTables bounds how many tables a statement reads once each name of WITH
// stands for its query: twenty that each read the one before twice are a
// million.
const maxTables = 500

// reads counts n tables more.
func (b *binder) reads(at, n int) error {
	if b.used.tables += n; b.used.tables > maxTables {
		return b.src.fail(at, "", "this reads more than "+strconv.Itoa(maxTables)+" tables, each query of WITH counted as often as it is named", "name fewer")
	}
	return nil
}

// relationOf is a relation whose columns are printed with the given names.
func relationOf(alias, rel string, columns []Field, printed []string) *visibleRelation {
	v := &visibleRelation{alias: alias}
	for i, c := range columns {
		v.columns = append(v.columns, &visibleColumn{name: c.Name, x: &column{node{typ: c.Type}, rel, []string{printed[i]}}})
	}
	return v
}

func (b *binder) noTable(t *table) error {
	if isStore(t.name) {
		hint := "the tables are " + tableList(b.catalog)
		if b.catalog.store != "" {
			hint = "the one here is " + b.catalog.store
		}
		return b.src.fail(t.at, `"`+shorten(t.name)+`"`, "there is no such event data store", hint)
	}
	if isBeside(t.name) {
		return b.src.fail(t.at, `"`+shorten(t.name)+`"`, "this asks the events alone, whatever holds now: "+strings.ToLower(t.name)+" is no table of it", "the tables are "+tableList(b.catalog))
	}
	names := tableNames(b.catalog)
	for _, w := range b.with {
		names = append(names, w.written)
	}
	hint := didYouMean(t.name, names)
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

func (b *binder) derived(d *derived, sc *scope) (relation, error) {
	var q *query
	var columns []Field
	var err error
	if d.lateral {
		q, columns, err = b.nested(d.q)
	} else {
		before := b.scope
		b.scope = sc.outer
		q, columns, err = b.nested(d.q)
		b.scope = before
	}
	if err != nil {
		return nil, err
	}
	printed := uniqueNames(columns)
	if columns, err = b.rename(d.at, columns, d.columns); err != nil {
		return nil, err
	}
	out := &derived{at: d.at, q: q, alias: b.newRelation(), lateral: d.lateral, columns: printed}
	sc.add(relationOf(d.alias, out.alias, columns, printed))
	return out, nil
}

// reaching is a lambda in e that uses a column; DuckDB does not find it there.
func reaching(e expr) (found *lambda) {
	walk(e, func(e expr) bool {
		l, ok := e.(*lambda)
		if !ok || found != nil {
			return found == nil
		}
		walk(l.body, func(e expr) bool {
			if _, ok := e.(*column); ok {
				found = l
			}
			return found == nil
		})
		return found == nil
	})
	return found
}

// unnest binds UNNEST. Its rows have a column for each field where the elements
// are rows, as in Trino; where the statement names one column only, that is the
// whole element, as AWS's examples for Athena have it.
func (b *binder) unnest(u *unnest, sc *scope) (relation, error) {
	b.where = "UNNEST"
	args, err := b.exprs(u.args)
	if err != nil {
		return nil, err
	}
	out := &unnest{at: u.at, args: args, ordinality: u.ordinality, alias: b.newRelation()}
	var columns []Field
	var wholes []expr // each argument's element
	for _, a := range args {
		if l := reaching(a); l != nil {
			return nil, b.fail(l, "a lambda inside UNNEST cannot reach the columns of a table", "make the list in a sub-query, and unnest its column")
		}
		switch t := a.info().typ; {
		case t.Kind == Array && t.Elem.Kind == Struct:
			columns = append(columns, t.Elem.Fields...)
			unnamed := &Type{Kind: Struct}
			for _, f := range t.Elem.Fields {
				unnamed.Fields = append(unnamed.Fields, Field{Type: f.Type})
			}
			row := &rowOf{node{u.at, unnamed}, nil}
			row.args = make([]expr, len(t.Elem.Fields)) // see wholeElements
			wholes = append(wholes, &cast{node{u.at, t.Elem}, row, t.Elem, false})
		case t.Kind == Array:
			columns = append(columns, Field{Type: t.Elem})
			wholes = append(wholes, nil)
		case t.Kind == Map:
			columns = append(columns, Field{Name: "", Type: t.Key}, Field{Type: t.Elem})
			wholes = append(wholes, nil, nil)
		default:
			return nil, b.fail(a, "UNNEST takes arrays and maps, this is "+article(t.Kind), "the column resources is an array")
		}
	}
	if u.ordinality {
		columns = append(columns, Field{Name: "ordinality", Type: bigintType})
		wholes = append(wholes, nil)
	}
	for i := range columns {
		if columns[i].Name == "" {
			columns[i].Name = "_col" + strconv.Itoa(i)
		}
		columns[i].Hidden = false
	}
	out.columns = uniqueNames(columns)
	v := relationOf(u.alias, out.alias, columns, out.columns)
	switch n := len(u.columns); {
	case n == 0:
	case n == len(columns):
		for i := range columns {
			v.columns[i].name = u.columns[i]
		}
	case n == len(wholes):
		v.columns = b.wholeElements(u, v.columns, wholes)
	default:
		return nil, b.src.fail(u.at, strconv.Itoa(n)+" names", "this UNNEST has "+strconv.Itoa(len(columns))+" columns", "name all of them, or one for each array")
	}
	sc.add(v)
	return out, nil
}

// wholeElements are the columns of an UNNEST that names one for each argument.
func (b *binder) wholeElements(u *unnest, columns []*visibleColumn, wholes []expr) []*visibleColumn {
	var out []*visibleColumn
	next := 0
	for i, w := range wholes {
		whole, ok := w.(*cast)
		if !ok {
			out = append(out, &visibleColumn{name: u.columns[i], x: columns[next].x})
			next++
			continue
		}
		row := whole.x.(*rowOf)
		for j := range row.args {
			row.args[j] = columns[next].x
			next++
		}
		out = append(out, &visibleColumn{name: u.columns[i], x: whole})
	}
	return out
}

func (b *binder) join(j *join, sc *scope) (relation, error) {
	out := &join{at: j.at, kind: j.kind}
	from := len(sc.all)
	var err error
	if out.l, err = b.relation(j.l, sc); err != nil {
		return nil, err
	}
	middle := len(sc.all)
	if out.r, err = b.relation(j.r, sc); err != nil {
		return nil, err
	}
	if len(sc.rels) > maxRelations {
		return nil, b.src.fail(j.at, "", "FROM has more than "+strconv.Itoa(maxRelations)+" tables", "join fewer")
	}
	if u, ok := j.r.(*unnest); ok && j.kind != "CROSS" {
		if l, ok := j.on.(*literal); !ok || l.v.kind != Boolean || l.v.i == 0 || j.kind != "LEFT" && j.kind != "INNER" {
			return nil, b.src.fail(u.at, "", "UNNEST is joined with CROSS JOIN, or with LEFT JOIN … ON TRUE", "")
		}
	}
	b.where, b.aggregates, b.windows = "ON", false, false
	if j.on != nil {
		out.on, err = b.condition(j.on)
		return out, err
	}
	if len(j.using) > 0 {
		return out, b.using(j, out, sc, from, middle)
	}
	return out, nil
}

// using makes the condition of JOIN … USING, and one column of each two.
func (b *binder) using(j, out *join, sc *scope, from, middle int) error {
	left, right := slices.Clone(sc.all[from:middle]), slices.Clone(sc.all[middle:])
	var merged []*visibleColumn
	var conditions []expr
	for _, t := range j.using {
		find := func(list []*visibleColumn, side string) (int, error) {
			found := -1
			for i, c := range list {
				if strings.EqualFold(c.name, t.text) {
					if found >= 0 {
						return 0, b.src.fail(t.at, `"`+shorten(t.text)+`"`, "more than one column "+side+" of JOIN has this name", "join with ON")
					}
					found = i
				}
			}
			if found < 0 {
				return 0, b.src.fail(t.at, `"`+shorten(t.text)+`"`, "there is no such column "+side+" of JOIN", "")
			}
			return found, nil
		}
		l, err := find(left, "on the left")
		if err != nil {
			return err
		}
		r, err := find(right, "on the right")
		if err != nil {
			return err
		}
		sides := []expr{at(left[l].x, t.at), at(right[r].x, t.at)}
		if err := b.comparable(sides); err != nil {
			return err
		}
		conditions = append(conditions, &binary{node{t.at, booleanType}, "=", sides[0], sides[1]})
		x := sides[0]
		switch j.kind {
		case "RIGHT":
			x = sides[1]
		case "FULL":
			x = &call{node: node{t.at, sides[0].info().typ}, name: "coalesce", args: sides, fn: functions["coalesce"]}
		}
		merged = append(merged, &visibleColumn{name: left[l].name, x: x, written: left[l].written})
		left, right = slices.Delete(left, l, l+1), slices.Delete(right, r, r+1)
	}
	out.on = conditions[0]
	if len(conditions) > 1 {
		out.on = &logic{node{j.at, booleanType}, false, conditions}
	}
	sc.all = append(append(append(slices.Clone(sc.all[:from]), merged...), left...), right...)
	return nil
}
