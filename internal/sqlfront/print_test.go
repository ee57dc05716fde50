package sqlfront

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"
)

// sameTree compares bound trees without the places they were read from.
var sameTree = cmp.Options{
	cmp.Exporter(func(reflect.Type) bool { return true }),
	cmpopts.IgnoreFields(node{}, "at"), cmpopts.IgnoreFields(item{}, "at"), cmpopts.IgnoreFields(table{}, "at", "base"), cmpopts.IgnoreFields(query{}, "at"), cmpopts.IgnoreFields(selection{}, "at"),
	cmpopts.IgnoreFields(cte{}, "at"), cmpopts.IgnoreFields(setOp{}, "at"), cmpopts.IgnoreFields(values{}, "at"), cmpopts.IgnoreFields(derived{}, "at"), cmpopts.IgnoreFields(join{}, "at"), cmpopts.IgnoreFields(unnest{}, "at"),
	cmpopts.IgnoreFields(call{}, "fn", "ready"), cmpopts.IgnoreFields(like{}, "match"),
	cmpopts.EquateEmpty(),
}

func mustCheck(t testing.TB, text string) *Statement {
	t.Helper()
	s, err := Parse(text)
	if err == nil {
		err = s.Check(CloudTrailCatalog())
	}
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return s
}

func mustPredicate(t testing.TB, text string) *Predicate {
	t.Helper()
	p, err := ParsePredicate(text)
	if err != nil {
		t.Fatalf("%s\n%v", text, err)
	}
	return p
}

// statement draws a statement as written.
func (g gen) statement() *query {
	s := &selection{from: &table{name: oneOf(g, "CloudTrailLogs", "cloudtrailhistory"), alias: "CloudTrailLogs"}}
	q := &query{body: s, limit: -1}
	if g.pick(3) > 0 {
		s.where = g.truth(2)
	}
	if g.pick(4) == 0 {
		q.limit = int64(g.pick(1000))
	}
	order := func(n int) {
		for range g.pick(3) {
			q.order = append(q.order, orderItem{lit(BigintValue(int64(1 + g.pick(n)))), g.pick(2) == 0, g.pick(2) == 0})
		}
	}
	by := func(e expr) grouping { return grouping{sets: [][]expr{{e}}} }
	switch g.pick(4) {
	case 0:
		s.items = []item{{}}
	case 1: // expressions
		s.distinct = g.pick(2) == 0
		s.items = []item{{x: g.text(2), alias: "a \"b\""}, {x: g.number(2)}, {x: oneOf(g, g.truth, g.moment, g.double, g.day)(2)}, {x: fn("now")}}
		order(4)
	default: // groups
		s.items = []item{{x: g.text(1)}, {x: fn("date_trunc", lit(VarcharValue("hour")), col("eventTime")), alias: "hour"}}
		s.group = []grouping{by(lit(BigintValue(2)))}
		if _, constant := s.items[0].x.(*literal); !constant {
			s.group = append(s.group, by(lit(BigintValue(1))))
		}
		for range g.pick(4) {
			s.items = append(s.items, item{x: g.aggregate()})
		}
		if g.pick(2) == 0 {
			s.having = &binary{op: ">", l: &call{name: "count", star: true}, r: lit(BigintValue(int64(g.pick(5))))}
		}
		order(2)
	}
	return q
}

func (g gen) aggregate() expr {
	c := oneOf[expr](g, &call{name: "count", star: true}, &call{name: "count", args: []expr{g.text(1)}, distinct: true}, fn("count_if", g.truth(1)), fn("sum", g.number(1)),
		fn("avg", g.number(1)), fn("min", g.text(1)), fn("max", g.moment(1)), fn("max_by", g.text(1), g.moment(1)), fn("array_agg", g.text(0)), fn("approx_distinct", g.text(1)),
		fn("arbitrary", g.text(1)), fn("bool_or", g.truth(1))).(*call)
	if g.pick(3) == 0 {
		c.filter = g.truth(1)
	}
	return c
}

// What is printed for Trino is read back as the same tree, and prints the same.
func TestPrintedStatementParsesToTheSameTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := gen{t}.statement()
		s := &Statement{tree: tree}
		if err := s.Check(CloudTrailCatalog()); err != nil {
			var e *Error
			if errors.As(err, &e) && (strings.Contains(e.Expected, "divides by zero") || strings.Contains(e.Expected, "a time")) {
				return
			}
			t.Fatalf("a generated statement does not bind: %v", err)
		}
		readBack(t, s)
	})
}

type failer interface {
	Fatalf(string, ...any)
	Helper()
}

func readBack(t failer, s *Statement) {
	t.Helper()
	readBackIn(t, s, CloudTrailCatalog())
}

func readBackIn(t failer, s *Statement, c Catalog) {
	t.Helper()
	text := s.Print(Trino, PrintOptions{})
	again, err := Parse(text)
	if err == nil {
		err = again.Check(c)
	}
	if err != nil {
		t.Fatalf("the printed statement is refused: %v\n%s", err, text)
	}
	if d := cmp.Diff(s.bound, again.bound, sameTree); d != "" {
		t.Fatalf("the printed statement is another (-made +read):\n%s\n%s", d, text)
	}
	if got := again.Print(Trino, PrintOptions{}); got != text {
		t.Fatalf("printing twice differs:\n%s\n%s", text, got)
	}
	if a, b := again.Print(DuckDB, PrintOptions{}), s.Print(DuckDB, PrintOptions{}); a != b {
		t.Fatalf("DuckDB's text differs after reading back:\n%s\n%s", a, b)
	}
}

// Every predicate is one of a statement, and reads back too.
func TestPrintedPredicateParsesToTheSameTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := &Predicate{gen{t}.predicate()}
		again, err := Parse("SELECT * FROM CloudTrailLogs AS \"_t\" WHERE " + p.String())
		if err == nil {
			err = again.Check(CloudTrailCatalog())
		}
		if err != nil {
			t.Fatalf("the printed predicate is refused: %v\n%s", err, p)
		}
		if d := cmp.Diff(p.e, again.bound.body.(*selection).where, sameTree); d != "" {
			t.Fatalf("the printed predicate is another (-made +read):\n%s\n%s", d, p)
		}
	})
}
