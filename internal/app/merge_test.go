package app

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/config"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/query/duckdb"
	"github.com/trailgate/trailgate/internal/query/querytest"
	"github.com/trailgate/trailgate/internal/trail"
	library "github.com/trailgate/trailgate/queries"
)

// The test binary is its own query worker.
func init() {
	if len(os.Args) > 1 && os.Args[1] == "query-worker" {
		os.Exit(QueryWorker())
	}
}

// TestMergedSealsAnswerTheSame: the library, the article's queries and some of
// every column are answered by one engine before seals are merged, at once after,
// when the old files are gone, and once all was made again of the journal; the
// rows are the same.
func TestMergedSealsAnswerTheSame(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	clock := now
	origin := event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "123456789012"}
	tr, err := trail.Open(dir, trail.Options{Origin: origin, Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	g := newGroup(t.Context())
	g.run("trail", tr.Run)
	sealer := trail.NewSealer(tr, trail.SealOptions{Rows: 40})
	for i := range 600 {
		if _, err := tr.Append(t.Context(), mergedRecord(origin, now, i)); err != nil {
			t.Fatal(err)
		}
	}
	if err := sealer.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 5 { // some are in no seal
		if _, err := tr.Append(t.Context(), mergedRecord(origin, now, i)); err != nil {
			t.Fatal(err)
		}
	}
	e := duckdb.New(duckdb.Options{Command: []string{os.Args[0], "query-worker"}, Source: tr, EventsDir: filepath.Join(dir, "events"), Name: "test", Log: slog.New(slog.DiscardHandler)})
	g.run("query worker", e.Run)
	texts := []string{
		querytest.ArticleDenied, querytest.ArticleMFA, "SELECT * FROM CloudTrailLogs",
		"SELECT seq, eventJson FROM CloudTrailLogs WHERE userArn = 'arn:aws:iam::123456789012:user/user3'",
		"SELECT eventName, errorCode, count(*) AS n, count(DISTINCT userIdentity.arn) AS people, max(seq) AS last FROM CloudTrailLogs GROUP BY eventName, errorCode",
		"SELECT * FROM cloudtrail_logs WHERE errorcode IS NOT NULL",
	}
	shipped, err := library.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range shipped {
		texts = append(texts, q.Text)
	}
	before := answers(t, e, tr, texts)
	files, _ := tr.Sealed()
	merger := trail.NewCompactor(sealer, trail.CompactOptions{OnError: func(err error) { t.Error(err) }})
	merger.Compact(t.Context())
	if err := e.WaitSealed(t.Context()); err != nil {
		t.Fatal(err)
	}
	merged, _ := tr.Sealed()
	if len(merged.Files) > len(files.Files)/2 || merged.Seq != files.Seq {
		t.Fatalf("%d files up to event %d became %d up to %d", len(files.Files), files.Seq, len(merged.Files), merged.Seq)
	}
	same(t, "merged", texts, before, answers(t, e, tr, texts))
	clock = clock.Add(time.Hour)
	merger.Compact(t.Context())
	if slices.ContainsFunc(files.Files, func(f string) bool { _, err := os.Stat(f); return err == nil && !slices.Contains(merged.Files, f) }) {
		t.Error("files that were merged are still there an hour later")
	}
	same(t, "the old files gone", texts, before, answers(t, e, tr, texts))
	if err := g.stop(); err != nil {
		t.Fatal(err)
	}
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}

	if r, err := trail.Reindex(t.Context(), dir, nil); err != nil || r.Events != 605 {
		t.Fatalf("Reindex: %+v, %v", r, err)
	}
	reader, err := trail.OpenReader(dir)
	if err != nil {
		t.Fatal(err)
	}
	e = duckdb.New(duckdb.Options{Command: []string{os.Args[0], "query-worker"}, Source: reader, EventsDir: filepath.Join(dir, "events"), Name: "test", Log: slog.New(slog.DiscardHandler)})
	g = newGroup(t.Context())
	g.run("query worker", e.Run)
	same(t, "made again", texts, before, answers(t, e, reader, texts))
	if err := g.stop(); err != nil {
		t.Error(err)
	}
	report, err := trail.Verify(t.Context(), dir, nil)
	if err != nil || !report.Intact {
		t.Errorf("Verify: %+v, %v", report, err)
	}
}

// mergedRecord is one of many kinds, of one of the last four days.
func mergedRecord(o event.Origin, now time.Time, i int) event.Record {
	user := fmt.Sprintf("user%d", i%17)
	m := event.Meta{
		Time:     now.Add(-time.Duration(i%4*24*60+i) * time.Minute),
		Identity: event.UserIdentity{Type: "IAMUser", UserName: user, ARN: "arn:aws:iam::123456789012:user/" + user, AccountID: o.AccountID},
		SourceIP: fmt.Sprintf("203.0.113.%d", i%50), UserAgent: "SSH-2.0-OpenSSH_9.2p1", ConnectionID: event.NewID(),
		Session: &event.Session{ID: fmt.Sprintf("s%d", i/9), Target: fmt.Sprintf("web%d", i%5), Login: "ec2-user", MFA: i%6 != 0},
	}
	kinds := []event.Event{event.StartSession{FrontDoor: "gate"}, event.ExecuteCommand{Command: fmt.Sprint("sudo systemctl restart ", i), Channel: 1},
		event.OpenTunnel{}, event.EndSession{}, event.StartShell{Term: "xterm"}, event.GetRecording{SessionID: "s1", Format: "cast"}}
	e := kinds[i%len(kinds)]
	if i%11 == 0 {
		e, m.ErrorCode, m.ErrorMessage = event.AuthorizeSecurityGroupIngress{}, event.AccessDenied, "outside hours"
	}
	return o.Record(m, e)
}

// answers are the rows of each statement, in an order of their own: not all have
// one.
func answers(t *testing.T, e query.Engine, s query.Source, texts []string) (all [][]string) {
	t.Helper()
	head := s.(interface{ Head() trail.Head }).Head()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := e.Wait(ctx, head.Seq); err != nil {
		t.Fatal(err)
	}
	for _, text := range texts {
		stmt, err := CheckQuery(text, nil, EventDataStoreID(config.Default()))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		r, err := e.Query(ctx, query.Request{Statement: stmt})
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		var rows []string
		for _, row := range r.Rows {
			rows = append(rows, fmt.Sprint(row...))
		}
		slices.Sort(rows)
		all = append(all, rows)
	}
	return all
}

// same compares answers. Of a LIMIT that is met, which rows are shown may differ
// where their order says nothing; how many may not.
func same(t *testing.T, when string, texts []string, want, got [][]string) {
	t.Helper()
	rows := 0
	for i, text := range texts {
		rows += len(want[i])
		limited := strings.Contains(strings.ToUpper(text), "LIMIT ")
		if len(want[i]) != len(got[i]) || !limited && !slices.Equal(want[i], got[i]) {
			t.Errorf("%s: %s (-before +after):\n%s", when, text, cmp.Diff(want[i], got[i]))
		}
	}
	if rows < 1000 {
		t.Errorf("the statements return %d rows: they compare little", rows)
	}
}
