package sqlfront

import "slices"

// The tree of a statement. Parse makes it from text, with names as written;
// bind makes the checked tree from that: names become columns, literals take
// the type they are compared with, ordinals and * are written out. Both are
// made of the same nodes, and a node is not changed once its tree is finished.

// expr is an expression.
type expr interface{ info() *node }

// node is what every expression has.
type node struct {
	at  int   // byte of the source
	typ *Type // nil until bound
}

func (n *node) info() *node { return n }

type (
	// literal is a constant.
	literal struct {
		node
		v Value
	}
	// name is a dotted name as written; bind replaces it.
	name struct {
		node
		parts []string
	}
	// column is a column of a relation in FROM, or a field of one.
	column struct {
		node
		rel  string // the relation's alias in what is printed
		path []string
	}
	// fieldOf is a field of what a function returns.
	fieldOf struct {
		node
		x     expr
		field string
	}
	// logic is a chain of AND or OR.
	logic struct {
		node
		or   bool
		args []expr
	}
	not struct {
		node
		x expr
	}
	negate struct {
		node
		x expr
	}
	// binary is a comparison, arithmetic, || or IS [NOT] DISTINCT FROM.
	binary struct {
		node
		op   string
		l, r expr
	}
	like struct {
		node
		x, pattern, escape expr // escape may be nil
		not                bool
		match              *likePattern // bound
	}
	in struct {
		node
		x    expr
		list []expr
		not  bool
	}
	between struct {
		node
		x, lo, hi expr
		not       bool
	}
	isNull struct {
		node
		x   expr
		not bool
	}
	caseOf struct {
		node
		operand expr // may be nil
		whens   []when
		other   expr // may be nil
	}
	when struct{ cond, then expr }
	cast struct {
		node
		x   expr
		to  *Type
		try bool
	}
	call struct {
		node
		name        string
		args        []expr
		star        bool // count(*)
		distinct    bool
		order       []orderItem // inside the brackets
		filter      expr        // may be nil
		ignoreNulls bool
		over        *window   // may be nil
		fn          *function // bound
		ready       any       // bound: what fn prepared from literal arguments
	}
	// subscript is list[i] or map[key]: an error where there is none.
	subscript struct {
		node
		x, i expr
	}
	// rowOf is (a, b) or ROW(a, b), whose fields have no names.
	rowOf struct {
		node
		args []expr
	}
	arrayOf struct {
		node
		args []expr
	}
	// lambda is a function given to a function.
	lambda struct {
		node
		params []string
		body   expr
	}
	// param is a lambda's parameter in its body, bound.
	param struct {
		node
		name string
	}
	// subquery is a query as a value; exists and inQuery ask about its rows.
	subquery struct {
		node
		q *query
	}
	exists struct {
		node
		q *query
	}
	inQuery struct {
		node
		x   expr
		q   *query
		not bool
	}
	// quantified is x op ALL (…) or x op ANY (…).
	quantified struct {
		node
		op  string
		x   expr
		all bool
		q   *query
	}
)

// The operators of binary that are words.
const (
	isDistinct  = "IS DISTINCT FROM"
	notDistinct = "IS NOT DISTINCT FROM"
)

// window is what a window function looks at. base is a name from WINDOW, as
// written.
type window struct {
	base      string
	partition []expr
	order     []orderItem
	frame     *frame // may be nil
}

// frame is ROWS, RANGE or GROUPS BETWEEN from AND to.
type frame struct {
	unit     string
	from, to frameBound
}

// frameBound is UNBOUNDED PRECEDING, n PRECEDING, CURRENT ROW, n FOLLOWING or
// UNBOUNDED FOLLOWING.
type frameBound struct {
	kind string // "UNBOUNDED PRECEDING", "PRECEDING", …
	n    expr   // of n PRECEDING and n FOLLOWING
}

type item struct {
	at    int
	x     expr   // nil for *
	alias string // empty when not given
	star  string // t of t.*
}

type orderItem struct {
	x          expr // a literal bigint is a position, once bound
	desc       bool
	nullsFirst bool
}

// children are the expressions directly inside e; not those of a query in it.
func children(e expr) []expr {
	some := func(list ...expr) []expr {
		kept := list[:0]
		for _, e := range list {
			if e != nil {
				kept = append(kept, e)
			}
		}
		return kept
	}
	switch e := e.(type) {
	case *fieldOf:
		return []expr{e.x}
	case *logic:
		return e.args
	case *not:
		return []expr{e.x}
	case *negate:
		return []expr{e.x}
	case *binary:
		return []expr{e.l, e.r}
	case *like:
		return some(e.x, e.pattern, e.escape)
	case *in:
		return append([]expr{e.x}, e.list...)
	case *between:
		return []expr{e.x, e.lo, e.hi}
	case *isNull:
		return []expr{e.x}
	case *caseOf:
		list := some(e.operand)
		for _, w := range e.whens {
			list = append(list, w.cond, w.then)
		}
		return append(list, some(e.other)...)
	case *cast:
		return []expr{e.x}
	case *call:
		list := append(slices.Clone(e.args), some(e.filter)...)
		for _, o := range e.order {
			list = append(list, o.x)
		}
		if e.over != nil {
			list = append(list, e.over.partition...)
			for _, o := range e.over.order {
				list = append(list, o.x)
			}
			if f := e.over.frame; f != nil {
				list = append(list, some(f.from.n, f.to.n)...)
			}
		}
		return list
	case *subscript:
		return []expr{e.x, e.i}
	case *rowOf:
		return e.args
	case *arrayOf:
		return e.args
	case *lambda:
		return []expr{e.body}
	case *inQuery:
		return []expr{e.x}
	case *quantified:
		return []expr{e.x}
	}
	return nil
}

// walk calls visit for e and all below it, from the top; visit returning false
// leaves out what is below.
func walk(e expr, visit func(expr) bool) {
	if e == nil || !visit(e) {
		return
	}
	for _, c := range children(e) {
		walk(c, visit)
	}
}
