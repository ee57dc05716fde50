package querytest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/query"
)

// exerciseHostile is about rows that an attacker wrote.
func exerciseHostile(t *testing.T, open Open) {
	agents := []string{
		`it's "quoted" \"`,
		"'; DROP TABLE logs; --",
		"$$ /* -- */ ${x} %s %_ \\_",
		"line\nfeed\ttab\r\x1b[31mred\x07",
		"nul \x00 inside\x00",
		"not utf-8 \xff\xfe\xc3(",
		"\u202e\u200b\ufeff日本語 🔑",
		"",
		strings.Repeat("x", 100<<10),
		strings.Repeat("é", 50<<10),
	}
	for _, sealed := range []bool{false, true} {
		s := NewTrail(t)
		for _, a := range agents {
			s.Append(`{"eventName":"Login","userAgent":` + jsonText(a) + `,"userIdentity":{"userName":` + jsonText(a) + `},"requestParameters":{"login":` + jsonText(a) + `}}`)
		}
		if sealed {
			s.Seal(s.Last())
		}
		e := open(t, s)
		everyColumn(t, e, s)
		for i, a := range agents {
			clean := strings.ToValidUTF8(a, "\uFFFD")
			if strings.ContainsAny(clean, "\x00\u202e") {
				continue // no parameter may hold it
			}
			expect(t, e, s, query.Request{Statement: statementWith(t, "SELECT seq FROM CloudTrailLogs WHERE userAgent = :agent", map[string]string{"agent": clean})},
				[]any{int64(i + 1)})
		}
	}
	t.Run("answer over 64 MiB", func(t *testing.T) {
		s := NewTrail(t)
		for range 10 {
			s.Append(`{"userAgent":"` + strings.Repeat("x", 1<<20) + `"}`)
		}
		e := open(t, s)
		var columns []string
		for i := range 10 {
			columns = append(columns, fmt.Sprintf("userAgent AS c%d", i))
		}
		res := answer(t, e, s, query.Request{Statement: statement(t, "SELECT "+strings.Join(columns, ", ")+" FROM CloudTrailLogs")})
		if !res.Truncated || len(res.Rows) == 0 || len(res.Rows) > 6 {
			t.Errorf("an answer of 100 MiB has %d of 10 rows, Truncated %v", len(res.Rows), res.Truncated)
		}
	})
}

// jsonText is s as a JSON string with its bytes as they are, but for those JSON
// does not take.
func jsonText(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range []byte(s) {
		switch {
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			fallthrough
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// census is a statement whose answer shows every row that is missing or there
// twice.
const census = "SELECT count(*) AS n, count(DISTINCT seq) AS each, min(seq) AS low, max(seq) AS high FROM CloudTrailLogs"

// always is a window that hides nothing.
var always = &query.Window{End: Start.AddDate(1, 0, 0)}

// checkCensus holds an answer against what was applied before it was asked for
// and appended after it came.
func checkCensus(res *query.Result, atLeast, atMost uint64) error {
	row := res.Rows[0]
	if row[0] == int64(0) && atLeast == 0 {
		return nil
	}
	high, _ := row[3].(int64)
	want := []any{high, high, int64(1), high}
	if diff := cmp.Diff(want, row); diff != "" || uint64(high) < atLeast || uint64(high) > atMost {
		return fmt.Errorf("census %v, want 1 to n once each with %d <= n <= %d", row, atLeast, atMost)
	}
	return nil
}

func small(seq int) string {
	return fmt.Sprintf(`{"eventName":"Event%d","userAgent":"%s","userIdentity":{"userName":"ana"}}`, seq%7, strings.Repeat("x", 200))
}

// exerciseTakeover seals while events come in and queries run.
func exerciseTakeover(t *testing.T, open Open) {
	const rounds, batch = 24, 50
	s := NewTrail(t)
	e := open(t, s)
	asked := query.Request{Statement: statement(t, census)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers sync.WaitGroup
	var answers atomic.Int64
	for i := range 3 {
		asked := asked
		if i > 0 {
			asked.Window = always
		}
		readers.Go(func() {
			for ctx.Err() == nil {
				atLeast := e.Applied()
				res, err := e.Query(t.Context(), asked)
				if err == nil {
					err = checkCensus(res, atLeast, s.Last())
				}
				if err != nil {
					t.Error(err)
					return
				}
				answers.Add(1)
			}
		})
	}
	for i := range rounds {
		var last uint64
		for j := range batch {
			last = s.Append(small(i*batch + j))
		}
		// Seals run ahead of the feed, behind it, and skip rounds.
		if i%3 == 0 {
			if err := e.Wait(t.Context(), last); err != nil {
				t.Error(err)
				break
			}
		}
		if i%2 == 0 {
			s.Seal(last - uint64(i%5))
		}
	}
	if err := e.Wait(t.Context(), s.Last()); err != nil {
		t.Error(err)
	}
	cancel()
	readers.Wait()
	expect(t, e, s, asked, []any{int64(rounds * batch), int64(rounds * batch), int64(1), int64(rounds * batch)})
	t.Logf("%d answers during %d seals", answers.Load(), rounds/2)
}

// exerciseDeath kills the worker under feed and queries.
func exerciseDeath(t *testing.T, open Open) {
	s := NewTrail(t)
	e := open(t, s)
	victim, ok := e.(interface{ Kill() })
	if !ok {
		t.Log("this engine has no worker to kill")
		return
	}
	asked := query.Request{Statement: statement(t, census)}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var readers sync.WaitGroup
	var right, unavailable atomic.Int64
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				atLeast := e.Applied()
				res, err := e.Query(t.Context(), asked)
				if errors.Is(err, query.ErrUnavailable) {
					unavailable.Add(1)
					continue
				}
				if err == nil {
					err = checkCensus(res, atLeast, s.Last())
				}
				if err != nil {
					t.Error(err)
					return
				}
				right.Add(1)
			}
		})
	}
	const deaths = 4
	for i := range deaths {
		var last uint64
		for j := range 200 {
			last = s.Append(small(i*200 + j))
		}
		if i%2 == 1 {
			s.Seal(last - 30)
		}
		target := right.Load() + 2
		for right.Load() < target && !t.Failed() { // it answers; now it dies
			wait, stop := context.WithTimeout(t.Context(), 5*time.Millisecond)
			_ = e.Wait(wait, last+1) // nothing comes: a pause that the engine takes part in
			stop()
		}
		victim.Kill()
	}
	last := s.Append(small(0))
	if err := e.Wait(t.Context(), last); err != nil {
		t.Error(err)
	}
	cancel()
	readers.Wait()
	for {
		res, err := e.Query(t.Context(), asked)
		if errors.Is(err, query.ErrUnavailable) {
			continue // Query itself waits for the worker
		}
		if err == nil {
			err = checkCensus(res, last, last)
		}
		if err != nil {
			t.Error(err)
		}
		break
	}
	t.Logf("%d right answers, %d times unavailable, %d deaths", right.Load(), unavailable.Load(), deaths)
}
