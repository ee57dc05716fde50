package querytest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// Open starts an engine over s that runs until the test ends. If the engine has
// a method Kill(), which ends its worker the hard way, what must hold then is
// tested too.
type Open func(t testing.TB, s *Trail) query.Engine

// Exercise runs the conformance suite of the seam.
func Exercise(t *testing.T, open Open) {
	t.Run("answers", func(t *testing.T) { exerciseAnswers(t, open) })
	t.Run("bounds", func(t *testing.T) { exerciseBounds(t, open) })
	t.Run("foreign", func(t *testing.T) { exerciseForeign(t, open) })
	t.Run("beside", func(t *testing.T) { exerciseBeside(t, open) })
	t.Run("limits", func(t *testing.T) { exerciseLimits(t, open) })
	t.Run("hostile", func(t *testing.T) { exerciseHostile(t, open) })
	t.Run("takeover", func(t *testing.T) { exerciseTakeover(t, open) })
	t.Run("death", func(t *testing.T) { exerciseDeath(t, open) })
}

// statement parses and checks text.
func statement(t testing.TB, text string) *sqlfront.Statement {
	t.Helper()
	return statementWith(t, text, nil)
}

// statementWith is a statement with values for its parameters.
func statementWith(t testing.TB, text string, values map[string]string) *sqlfront.Statement {
	t.Helper()
	s, err := sqlfront.Parse(text)
	if err == nil {
		s, err = s.With(values)
	}
	if err == nil {
		err = s.Check(sqlfront.CloudTrailCatalog())
	}
	if err != nil {
		t.Fatalf("statement %s: %v", text, err)
	}
	return s
}

// answer asks once all of the trail is in the answer.
func answer(t testing.TB, e query.Engine, s *Trail, r query.Request) *query.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.Wait(ctx, s.Last()); err != nil {
		t.Fatal(err)
	}
	res, err := e.Query(ctx, r)
	if err != nil {
		t.Fatalf("query %s: %v", r.Statement.Text(), err)
	}
	return res
}

// expect asks and compares the rows.
func expect(t testing.TB, e query.Engine, s *Trail, r query.Request, want ...[]any) *query.Result {
	t.Helper()
	res := answer(t, e, s, r)
	if diff := cmp.Diff(want, res.Rows); diff != "" {
		t.Errorf("%s (-want +got):\n%s", r.Statement.Text(), diff)
	}
	return res
}

// seqs is the rows of `SELECT seq …`.
func seqs(list ...int64) (rows [][]any) {
	for _, n := range list {
		rows = append(rows, []any{n})
	}
	return rows
}

// exerciseAnswers asks the same of a trail that is in memory, sealed, and half
// and half.
func exerciseAnswers(t *testing.T, open Open) {
	samples := Samples()
	for name, seals := range map[string][]uint64{
		"hot":    nil,
		"sealed": {uint64(len(samples))},
		"both":   {2, 4},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewTrail(t)
			s.Append(samples...)
			for _, seq := range seals {
				s.Seal(seq)
			}
			e := open(t, s)
			for _, c := range cases {
				expect(t, e, s, query.Request{Statement: statement(t, c.text)}, c.want...)
			}
			article(t, e, s)
			everyColumn(t, e, s)
			columnTypes(t, e, s)
		})
	}
}

// article runs the article's two queries, to the letter.
func article(t *testing.T, e query.Engine, s *Trail) {
	t.Helper()
	for text, want := range map[string][]int64{ArticleDenied: {1, 2, 5}, ArticleMFA: {3, 8}} {
		res := answer(t, e, s, query.Request{Statement: statement(t, text)})
		var got []int64
		for _, row := range res.Rows {
			got = append(got, row[len(row)-1].(int64)) // seq is the last column
		}
		slices.Sort(got) // they have no ORDER BY
		if !slices.Equal(got, want) {
			t.Errorf("%s\nreturns events %v, want %v", text, got, want)
		}
	}
}

// everyColumn holds SELECT * against Flatten: all columns, in order, typed.
func everyColumn(t *testing.T, e query.Engine, s *Trail) {
	t.Helper()
	res := answer(t, e, s, query.Request{Statement: statement(t, "SELECT * FROM CloudTrailLogs ORDER BY seq")})
	var names []string
	for _, c := range res.Columns {
		names = append(names, c.Name)
	}
	var columns []string
	for _, f := range sqlfront.CloudTrailCatalog().Tables[0].Columns {
		columns = append(columns, f.Name)
	}
	if diff := cmp.Diff(columns, names); diff != "" {
		t.Errorf("columns of SELECT * (-want +got):\n%s", diff)
	}
	var want [][]any
	for _, entry := range s.Entries() {
		f, err := sqlfront.Flatten(entry.JSON, entry.Seq, entry.AppendTime)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, flatCells(f))
	}
	if diff := cmp.Diff(want, res.Rows); diff != "" {
		t.Errorf("SELECT * (-want +got):\n%s", diff)
	}
}

func columnTypes(t *testing.T, e query.Engine, s *Trail) {
	t.Helper()
	res := answer(t, e, s, query.Request{Statement: statement(t,
		`SELECT eventName, eventTime, readOnly, userIdentity, resources, seq AS number, avg(seq) AS average, count(*) AS n, max(appendTime) AS latest
		FROM CloudTrailLogs WHERE seq = 3 GROUP BY eventName, eventTime, readOnly, userIdentity, resources, seq`)})
	want := []query.Column{
		{Name: "eventName", Type: "varchar"}, {Name: "eventTime", Type: "timestamp"}, {Name: "readOnly", Type: "boolean"},
		{Name: "userIdentity", Type: "json"}, {Name: "resources", Type: "json"}, {Name: "number", Type: "bigint"},
		{Name: "average", Type: "double"}, {Name: "n", Type: "bigint"}, {Name: "latest", Type: "timestamp"},
	}
	if diff := cmp.Diff(want, res.Columns); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	if len(res.Rows) != 1 || res.Rows[0][8] != AppendTime(3) || res.Rows[0][6] != 3.0 || res.Rows[0][7] != int64(1) {
		t.Errorf("rows %v", res.Rows)
	}
}

// exerciseBounds is about windows, MaxSeq and the two names.
func exerciseBounds(t *testing.T, open Open) {
	s := NewTrail(t)
	s.Append(Samples()...)
	s.Seal(4)
	e := open(t, s)
	logs := statement(t, "SELECT seq FROM CloudTrailLogs ORDER BY seq")
	history := statement(t, "SELECT seq FROM CloudTrailHistory ORDER BY seq")
	window := &query.Window{Start: AppendTime(2), End: AppendTime(6)}
	all := seqs(1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	expect(t, e, s, query.Request{Statement: logs}, all...)
	expect(t, e, s, query.Request{Statement: history}, all...)
	expect(t, e, s, query.Request{Statement: logs, Window: window}, seqs(3, 4, 5, 6)...)
	expect(t, e, s, query.Request{Statement: history, Window: window}, all...)
	expect(t, e, s, query.Request{Statement: logs, Window: window, MaxSeq: 5}, seqs(3, 4, 5)...)
	expect(t, e, s, query.Request{Statement: history, MaxSeq: 3}, seqs(1, 2, 3)...)
	// A window's edges hold to the microsecond, and what is below one changes nothing.
	expect(t, e, s, query.Request{Statement: logs, Window: &query.Window{
		Start: AppendTime(2).Add(-time.Microsecond), End: AppendTime(4).Add(-time.Microsecond)}}, seqs(2, 3)...)
	expect(t, e, s, query.Request{Statement: logs, Window: &query.Window{
		Start: AppendTime(2).Add(time.Nanosecond), End: AppendTime(4).Add(time.Nanosecond)}}, seqs(3, 4)...)
	// Times of other zones are the same times.
	zone := time.FixedZone("far", 9*3600)
	expect(t, e, s, query.Request{Statement: logs, Window: &query.Window{
		Start: window.Start.In(zone), End: window.End.In(zone)}}, seqs(3, 4, 5, 6)...)
	expect(t, e, s, query.Request{Statement: logs, Window: &query.Window{Start: AppendTime(20), End: AppendTime(30)}})
	// The bound is inside the statement: an aggregate counts only what it may.
	expect(t, e, s, query.Request{
		Statement: statement(t, "SELECT count(*) AS n FROM CloudTrailLogs WHERE CloudTrailLogs.errorCode = 'AccessDenied'"),
		Window:    window}, []any{int64(1)})
	// Rows of others do not exist for who is limited to their own.
	const mallory = "arn:aws:iam::111122223333:user/mallory"
	for text, want := range map[string][][]any{
		"SELECT seq FROM CloudTrailLogs ORDER BY seq":                              seqs(1, 2),
		"SELECT seq FROM CloudTrailHistory ORDER BY seq":                           seqs(1, 2),
		"SELECT seq FROM CloudTrailLogs WHERE userName = 'bob' OR TRUE ORDER BY 1": seqs(1, 2),
		"SELECT count(*) FROM CloudTrailLogs":                                      seqs(2),
		"SELECT DISTINCT userArn FROM CloudTrailHistory":                           {{mallory}},
	} {
		expect(t, e, s, query.Request{Statement: statement(t, text), Only: mallory}, want...)
	}
	expect(t, e, s, query.Request{Statement: logs, Only: mallory, Window: &query.Window{Start: AppendTime(1), End: AppendTime(6)}}, seqs(2)...)
	expect(t, e, s, query.Request{Statement: logs, Only: "arn:aws:iam::111122223333:user/MALLORY"})
	expect(t, e, s, query.Request{Statement: logs, Only: "x' OR userArn LIKE '%"})
	// What was read tells what a filter found in the row groups, whose rows they are or not.
	if res := expect(t, e, s, query.Request{Statement: logs, Only: mallory}, seqs(1, 2)...); res.Scanned != (query.Scan{}) {
		t.Errorf("who is limited to their own rows is told that %+v was read", res.Scanned)
	}
	if p, err := e.Explain(t.Context(), query.Request{Statement: logs, Only: mallory}); !errors.Is(err, query.ErrDenied) {
		t.Errorf("a statement is explained to who is limited to their own rows: %+v, %v", p, err)
	}
}

func exerciseLimits(t *testing.T, open Open) {
	s := NewTrail(t)
	s.Append(Samples()...)
	s.Seal(4)
	e := open(t, s)
	ordered := statement(t, "SELECT seq FROM CloudTrailLogs ORDER BY seq DESC")
	if res := expect(t, e, s, query.Request{Statement: ordered, MaxRows: 3}, seqs(10, 9, 8)...); !res.Truncated {
		t.Error("an answer of 10 rows with MaxRows 3 is not Truncated")
	}
	if res := answer(t, e, s, query.Request{Statement: ordered, MaxRows: 10}); res.Truncated || len(res.Rows) != 10 {
		t.Errorf("an answer of 10 rows with MaxRows 10 has %d, Truncated %v", len(res.Rows), res.Truncated)
	}
	limited := statement(t, "SELECT seq FROM CloudTrailLogs ORDER BY seq DESC LIMIT 2")
	if res := expect(t, e, s, query.Request{Statement: limited, MaxRows: 3}, seqs(10, 9)...); res.Truncated {
		t.Error("an answer that ends at its own LIMIT is Truncated")
	}
	none := answer(t, e, s, query.Request{Statement: statement(t, "SELECT seq, eventName FROM CloudTrailLogs WHERE seq < 0")})
	if len(none.Rows) != 0 || len(none.Columns) != 2 {
		t.Errorf("an empty answer has columns %v, rows %v", none.Columns, none.Rows)
	}

	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("gone home")
	cancel(cause)
	if _, err := e.Query(ctx, query.Request{Statement: ordered}); !errors.Is(err, cause) {
		t.Errorf("query with an ended context: %v, want its cause", err)
	}
	if err := e.Wait(ctx, s.Last()+1); !errors.Is(err, cause) {
		t.Errorf("wait with an ended context: %v, want its cause", err)
	}
	bad := statement(t, "SELECT CAST(eventName AS bigint) AS n FROM CloudTrailLogs WHERE seq = 1")
	if _, err := e.Query(t.Context(), query.Request{Statement: bad}); !errors.Is(err, query.ErrFailed) {
		t.Errorf("a cast that fails: %v, want ErrFailed", err)
	}
}
