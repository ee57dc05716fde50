package sqlfront

import (
	"slices"
	"strconv"
	"strings"
)

func (b *binder) call(e *call) (expr, error) {
	fn := functions[strings.ToLower(e.name)]
	if fn == nil {
		hint := otherFunctions[strings.ToLower(e.name)]
		if hint == "" {
			hint = didYouMean(e.name, functionNames())
		}
		return nil, b.src.fail(e.at, `"`+shorten(e.name)+`"`, "there is no such function here", hint)
	}
	c := &call{node: node{at: e.at}, name: fn.name, star: e.star, distinct: e.distinct, ignoreNulls: e.ignoreNulls, fn: fn}
	leave, err := b.mayStand(e, c)
	if err != nil {
		return nil, err
	}
	defer leave()
	if e.star && fn.name != "count" {
		return nil, b.fail(e, fn.name+" takes no *", "signature: "+fn.signature)
	}
	c.args = make([]expr, len(e.args))
	if fn.name == "try" {
		b.trying++
		defer func() { b.trying-- }()
	}
	for i, a := range e.args {
		if l, ok := a.(*lambda); ok { // its function binds it, and knows the types of its parameters
			c.args[i] = &lambda{node: node{l.at, unboundLambda}, params: l.params, body: l.body}
		} else if c.args[i], err = b.expr(a); err != nil {
			return nil, err
		}
	}
	if e.filter != nil {
		if c.filter, err = b.condition(e.filter); err != nil {
			return nil, err
		}
	}
	if c.order, err = b.orderInside(e.order); err != nil {
		return nil, err
	}
	if e.over != nil {
		if c.over, err = b.over(e, e.over); err != nil {
			return nil, err
		}
	}
	if c.typ, err = fn.bind(b, c); err != nil {
		return nil, err
	}
	for _, a := range c.args {
		if l, ok := a.(*lambda); ok && l.typ == unboundLambda {
			return nil, b.fail(a, fn.name+" takes no lambda here", "signature: "+fn.signature)
		}
	}
	if fn.rewrite != nil {
		return fn.rewrite(b, c)
	}
	return c, nil
}

// unboundLambda is the type of a lambda that no function has bound.
var unboundLambda = &Type{Kind: Lambda}

// mayStand says whether a call may stand where it does; leave goes with it.
func (b *binder) mayStand(e, c *call) (leave func(), err error) {
	fn := c.fn
	nothing := func() {}
	switch {
	case e.over != nil && fn.family != aggregate && fn.family != windowed:
		return nil, b.fail(e, fn.name+" is not a window function", "leave OVER out")
	case e.over == nil && fn.family == windowed:
		return nil, b.fail(e, fn.name+" needs OVER", fn.name+"(…) OVER (PARTITION BY … ORDER BY …)")
	case e.ignoreNulls && (e.over == nil || fn.family != windowed):
		return nil, b.fail(e, fn.name+" takes no IGNORE NULLS here", "")
	case e.over != nil && !b.windows:
		return nil, b.fail(e, "a window function cannot stand in "+b.where, "select it in a sub-query, and filter outside")
	case e.over != nil && e.distinct:
		return nil, b.fail(e, "a window function takes no DISTINCT", "")
	case e.over != nil:
		windows := b.windows
		b.windows = false
		return func() { b.windows = windows }, nil
	case fn.family != aggregate:
		if e.distinct || e.filter != nil || len(e.order) > 0 {
			return nil, b.fail(e, fn.name+" does not aggregate, so it takes no DISTINCT, no FILTER and no ORDER BY", "")
		}
		return nothing, nil
	case b.inside != nil:
		return nil, b.fail(e, fn.name+" is inside "+b.inside.name+", and both aggregate", "")
	case b.scope != nil && b.scope.params != nil:
		return nil, b.fail(e, fn.name+" aggregates, which a lambda cannot", "")
	case !b.aggregates:
		hint := ""
		if b.where == "WHERE" {
			hint = "use HAVING"
		}
		return nil, b.fail(e, fn.name+" aggregates, which "+b.where+" cannot", hint)
	}
	b.inside = c
	windows := b.windows
	b.windows = false
	return func() { b.inside, b.windows = nil, windows }, nil
}

// orderInside binds the ORDER BY of a function or a window, which knows no
// aliases and no positions.
func (b *binder) orderInside(list []orderItem) ([]orderItem, error) {
	var out []orderItem
	for _, o := range list {
		x, err := b.expr(o.x)
		if err != nil {
			return nil, err
		}
		if err := b.orderable(o.x, x.info().typ); err != nil {
			return nil, err
		}
		if _, ok := x.(*literal); ok {
			continue // a constant orders nothing
		}
		out = append(out, orderItem{x, o.desc, o.nullsFirst})
	}
	return out, nil
}

func (b *binder) over(e *call, w *window) (*window, error) {
	if w.base != "" {
		base := b.named[strings.ToLower(w.base)]
		if base == nil {
			return nil, b.fail(e, "there is no window "+shorten(w.base), "WINDOW "+shorten(w.base)+" AS (…) defines it")
		}
		if w.partition != nil || w.order != nil && base.order != nil || base.frame != nil && (w.order != nil || w.frame != nil) {
			return nil, b.fail(e, "this window cannot change "+shorten(w.base), "write it out")
		}
		merged := *base
		if w.order != nil {
			merged.order = w.order
		}
		if w.frame != nil {
			merged.frame = w.frame
		}
		w = &merged
	}
	out := &window{}
	var err error
	if out.partition, err = b.exprs(w.partition); err != nil {
		return nil, err
	}
	for _, p := range out.partition {
		if err := b.groupable(p, p); err != nil {
			return nil, err
		}
	}
	if out.order, err = b.orderInside(w.order); err != nil {
		return nil, err
	}
	if w.frame == nil {
		return out, nil
	}
	f := *w.frame
	rank := func(f frameBound) int {
		return slices.Index([]string{"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW", "FOLLOWING", "UNBOUNDED FOLLOWING"}, f.kind)
	}
	if rank(f.from) > rank(f.to) || f.from.kind == "UNBOUNDED FOLLOWING" || f.to.kind == "UNBOUNDED PRECEDING" {
		return nil, b.fail(e, "the frame ends before it starts", "")
	}
	for _, bound := range []*frameBound{&f.from, &f.to} {
		if bound.n == nil {
			continue
		}
		x, err := b.expr(bound.n)
		if err != nil {
			return nil, err
		}
		l, ok := x.(*literal)
		if ok && b.bending[l] {
			if x, err = b.read(l, bigintType, "the bound of a frame"); err != nil {
				return nil, err
			}
			l = x.(*literal)
		}
		whole := ok && l.v.kind == Bigint && l.v.i >= 0
		if !whole && (f.unit != "RANGE" || !ok || l.v.kind != DayInterval && l.v.kind != MonthInterval) {
			return nil, b.fail(x, "the bound of a frame is a whole number from 0", "or an interval, with RANGE")
		}
		if f.unit == "RANGE" && (len(out.order) != 1 || !rangeFits(out.order[0].x.info().typ.Kind, l.v.kind)) {
			return nil, b.fail(x, "RANGE with such a bound needs ORDER BY one number, or one time and an interval", "")
		}
		bound.n = x
	}
	if f.unit == "GROUPS" && len(out.order) == 0 {
		return nil, b.fail(e, "GROUPS needs ORDER BY in the window", "")
	}
	out.frame = &f
	return out, nil
}

func rangeFits(ordered, bound Kind) bool {
	switch ordered {
	case Bigint, Double, Decimal:
		return bound == Bigint
	case Timestamp, Date:
		return bound == DayInterval || bound == MonthInterval
	}
	return false
}

// bindLambda binds argument i, which must be a lambda over parameters of the
// given types, and returns the type of its value.
func (b *binder) bindLambda(c *call, i int, params ...*Type) (*Type, error) {
	l, ok := c.args[i].(*lambda)
	if !ok || len(l.params) != len(params) {
		hint := "x -> expression"
		if len(params) > 1 {
			hint = "(x, y) -> expression"
		}
		return nil, b.fail(c.args[i], "argument "+strconv.Itoa(i+1)+" of "+c.name+" is a lambda", hint)
	}
	if b.lambdas++; b.lambdas > maxInside {
		return nil, b.fail(l, "lambdas are nested deeper than "+strconv.Itoa(maxInside)+" levels", "write it flatter")
	}
	defer func() { b.lambdas-- }()
	sc := &scope{params: []lambdaParam{}}
	out := &lambda{node: node{l.at, &Type{Kind: Lambda}}}
	for j, p := range l.params {
		b.used.params++
		printed := "_v" + strconv.Itoa(b.used.params)
		sc.params = append(sc.params, lambdaParam{p, printed, params[j]})
		out.params = append(out.params, printed)
	}
	defer b.enter(sc)()
	windows := b.windows
	b.windows = false
	body, err := b.expr(l.body)
	b.windows = windows
	if err != nil {
		return nil, err
	}
	if holdsQuery(body) {
		return nil, b.fail(body, "a lambda holds no query", "")
	}
	out.body = body
	c.args[i] = out
	return body.info().typ, nil
}

// maxInside bounds lambdas in lambdas, and sub-queries in expressions of
// sub-queries: DuckDB takes twice as long to plan each level more.
const maxInside = 10

// nestedExpr binds what holds queries, rows and lists.
func (b *binder) nestedExpr(e expr) (expr, error) {
	at := e.info().at
	typed := func(t *Type) node { return node{at, t} }
	if queryIn(e) != nil {
		if b.queries++; b.queries > maxInside {
			return nil, b.fail(e, "sub-queries are nested deeper than "+strconv.Itoa(maxInside)+" levels", "write it flatter, or use WITH")
		}
		defer func() { b.queries-- }()
	}
	switch e := e.(type) {
	case *subscript:
		return b.subscript(e)
	case *rowOf:
		args, err := b.exprs(e.args)
		if err != nil {
			return nil, err
		}
		t := &Type{Kind: Struct}
		for _, a := range args {
			t.Fields = append(t.Fields, Field{Type: a.info().typ})
		}
		return &rowOf{typed(t), args}, nil
	case *arrayOf:
		args, err := b.exprs(e.args)
		if err != nil {
			return nil, err
		}
		elem, err := b.unify(args, "the elements of ARRAY")
		return &arrayOf{typed(&Type{Kind: Array, Elem: elem}), args}, err
	case *subquery:
		q, columns, err := b.nested(e.q)
		if err != nil {
			return nil, err
		}
		if len(columns) != 1 {
			return nil, b.fail(e, "a sub-query that is a value has one column, this one "+strconv.Itoa(len(columns)), "select one")
		}
		return &subquery{typed(columns[0].Type), q}, nil
	case *exists:
		q, _, err := b.nested(e.q)
		return &exists{typed(booleanType), q}, err
	case *inQuery:
		x, q, err := b.against(e, e.x, e.q, "IN")
		return &inQuery{typed(booleanType), x, q, e.not}, err
	case *quantified:
		x, q, err := b.against(e, e.x, e.q, "the comparison")
		return &quantified{typed(booleanType), e.op, x, e.all, q}, err
	case *lambda:
		return nil, b.fail(e, "a lambda stands only where a function takes one", "any_match(list, x -> x = 1)")
	case *param:
		return e, nil
	}
	unbound(e)
	return nil, nil
}

// against binds a value that is compared with the rows of a query.
func (b *binder) against(e, x expr, q *query, what string) (expr, *query, error) {
	l, err := b.expr(x)
	if err != nil {
		return nil, nil, err
	}
	bound, columns, err := b.nested(q)
	if err != nil {
		return nil, nil, err
	}
	if len(columns) != 1 {
		return nil, nil, b.fail(e, "this sub-query has one column, found "+strconv.Itoa(len(columns)), "select one")
	}
	stand := &column{node{e.info().at, columns[0].Type}, "", nil}
	sides := []expr{l, stand}
	if err := b.comparable(sides); err != nil {
		return nil, nil, err
	}
	if sides[1] != expr(stand) {
		if bound, err = b.retype(bound, []*Type{sides[1].info().typ}); err != nil {
			return nil, nil, err
		}
	}
	return sides[0], bound, nil
}

func (b *binder) subscript(e *subscript) (expr, error) {
	x, err := b.expr(e.x)
	if err != nil {
		return nil, err
	}
	i, err := b.expr(e.i)
	if err != nil {
		return nil, err
	}
	switch t := x.info().typ; t.Kind {
	case Array:
		if i, err = b.fit(i, bigintType, "the subscript of an array"); err != nil {
			return nil, err
		}
		if l, ok := i.(*literal); ok && l.v.kind == Bigint && l.v.i < 1 {
			return nil, b.fail(i, "the first element of an array is [1]", "element_at(list, -1) is the last one")
		}
		return &subscript{node{e.at, t.Elem}, x, i}, nil
	case Map:
		if i, err = b.fit(i, t.Key, "the key of a map"); err != nil {
			return nil, err
		}
		return &subscript{node{e.at, t.Elem}, x, i}, nil
	case Struct:
		l, ok := i.(*literal)
		if !ok || l.v.kind != Bigint || l.v.i < 1 || l.v.i > int64(len(t.Fields)) {
			return nil, b.fail(i, "the subscript of a row is a number from 1 to "+strconv.Itoa(len(t.Fields)), "")
		}
		f := t.Fields[l.v.i-1]
		if f.Name != "" {
			return fieldAt(x, &f, e.at), nil
		}
		return &subscript{node{e.at, f.Type}, x, l}, nil
	default:
		return nil, b.fail(x, "a subscript needs an array, a map or a row, this is "+article(t.Kind), "")
	}
}
