package querytest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// exerciseForeign is about files from elsewhere: history and imports, whose
// rows have no seq. They are in every answer but those for a window, and they
// come and go without the trail's own events changing.
func exerciseForeign(t *testing.T, open Open) {
	s := NewTrail(t)
	s.Append(Samples()...)
	foreign := func(name string, seq uint64) string {
		path := filepath.Join(s.Dir, name+".parquet")
		if err := WriteParquet(path, []event.Entry{{AppendTime: AppendTime(seq), JSON: []byte(`{"eventName":"` + name + `"}`)}}); err != nil {
			t.Fatal(err)
		}
		return path
	}
	early := foreign("early", 3)
	s.Publish(query.Catalogue{Files: []string{early}})
	s.Seal(4)
	e := open(t, s)
	names := statement(t, "SELECT eventName FROM CloudTrailHistory WHERE seq IS NULL ORDER BY eventName")
	window := &query.Window{Start: AppendTime(2), End: AppendTime(6)}
	inside := statement(t, "SELECT seq FROM CloudTrailLogs ORDER BY seq")
	expect(t, e, s, query.Request{Statement: names}, []any{"early"})
	expect(t, e, s, query.Request{Statement: names, Window: window, MaxSeq: 5}, []any{"early"})
	expect(t, e, s, query.Request{Statement: inside, Window: window}, seqs(3, 4, 5, 6)...)

	// One more comes while the engine runs, then all are replaced.
	sealed, _ := s.Sealed()
	s.Publish(query.Catalogue{Files: append(sealed.Files[:len(sealed.Files):len(sealed.Files)], foreign("late", 5)), Seq: sealed.Seq})
	eventually(t, e, s, names, "early", "late")
	expect(t, e, s, query.Request{Statement: inside, Window: window}, seqs(3, 4, 5, 6)...)
	s.Append(Samples()[0])
	expect(t, e, s, query.Request{Statement: statement(t, "SELECT count(seq) AS n FROM CloudTrailLogs")}, []any{int64(len(Samples()) + 1)})
	s.Publish(query.Catalogue{Files: append(sealed.Files[1:len(sealed.Files):len(sealed.Files)], foreign("merged", 5)), Seq: sealed.Seq})
	eventually(t, e, s, names, "merged")
	s.Seal(8)
	expect(t, e, s, query.Request{Statement: names}, []any{"merged"})
	expect(t, e, s, query.Request{Statement: inside, Window: window}, seqs(3, 4, 5, 6)...)
}

// eventually asks until the first cells of the rows are as wanted: a catalogue
// that only brings files from elsewhere is nothing that Wait waits for.
func eventually(t *testing.T, e query.Engine, s *Trail, r *sqlfront.Statement, want ...any) {
	t.Helper()
	for limit := time.Now().Add(10 * time.Second); ; {
		res := answer(t, e, s, query.Request{Statement: r})
		same := len(res.Rows) == len(want)
		for i := 0; same && i < len(want); i++ {
			same = res.Rows[i][0] == want[i]
		}
		if same {
			return
		}
		if time.Now().After(limit) {
			t.Fatalf("%s gives %v, want %v", r.Text(), res.Rows, want)
		}
	}
}
