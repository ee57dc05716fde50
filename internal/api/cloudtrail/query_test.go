package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awstrail "github.com/aws/aws-sdk-go-v2/service/cloudtrail"
	"github.com/aws/aws-sdk-go-v2/service/cloudtrail/types"
	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
	"github.com/trailgate/trailgate/queries"
)

// ask starts a query and waits for its end.
func (w *world) ask(c *awstrail.Client, statement string) (id string, end *awstrail.DescribeQueryOutput) {
	w.t.Helper()
	q, err := c.StartQuery(w.t.Context(), &awstrail.StartQueryInput{QueryStatement: aws.String(statement)})
	if err != nil {
		w.t.Fatalf("StartQuery %s: %v", statement, err)
	}
	return *q.QueryId, w.await(c, *q.QueryId)
}

func (w *world) await(c *awstrail.Client, id string) *awstrail.DescribeQueryOutput {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 30*time.Second)
	defer cancel()
	for {
		d, err := c.DescribeQuery(ctx, &awstrail.DescribeQueryInput{QueryId: aws.String(id)})
		if err != nil {
			w.t.Fatalf("DescribeQuery: %v", err)
		}
		if d.QueryStatus != types.QueryStatusQueued && d.QueryStatus != types.QueryStatusRunning {
			return d
		}
		tick := time.NewTimer(10 * time.Millisecond)
		select {
		case <-tick.C:
		case <-ctx.Done():
			w.t.Fatal("the query does not end")
		}
	}
}

// rows are all of a query's rows, page by page.
func (w *world) rows(c *awstrail.Client, id string, page int32) (rows [][]string) {
	w.t.Helper()
	in := &awstrail.GetQueryResultsInput{QueryId: aws.String(id), MaxQueryResults: aws.Int32(page)}
	for {
		out, err := c.GetQueryResults(w.t.Context(), in)
		if err != nil {
			w.t.Fatalf("GetQueryResults: %v", err)
		}
		for _, r := range out.QueryResultRows {
			var cells []string
			for _, one := range r {
				for k, v := range one {
					cells = append(cells, k+"="+v)
				}
			}
			rows = append(rows, cells)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return rows
		}
	}
}

// What came of a query is in the trail before its rows are anywhere, with what
// it read; and its statistics say the same.
func TestEveryQueryEndsInTheTrail(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.sdk("admin"), t.Context()
	for i := range 5 {
		w.session("bob", fmt.Sprintf("s%d", i))
	}
	id, end := w.ask(c, "SELECT eventName FROM CloudTrailLogs WHERE eventName = 'StartSession'")
	var of map[string]string
	var got struct {
		Rows                        int
		EventsScanned, BytesScanned int64
	}
	for _, rec := range w.records() {
		if rec.EventName == "EndQuery" {
			if err := errors.Join(json.Unmarshal(rec.RequestParameters, &of), json.Unmarshal(rec.ResponseElements, &got)); err != nil || rec.ErrorCode != "" || rec.UserIdentity.UserName != "admin" {
				t.Errorf("%+v: %v", rec, err)
			}
		}
	}
	if of["queryId"] != id || got.Rows != 5 || got.EventsScanned < 5 || got.BytesScanned < 5*100 {
		t.Errorf("EndQuery of %v says %+v", of, got)
	}
	if *end.QueryStatistics.EventsScanned != got.EventsScanned || *end.QueryStatistics.BytesScanned != got.BytesScanned {
		t.Errorf("statistics are %d events and %d bytes, EndQuery says %+v", *end.QueryStatistics.EventsScanned, *end.QueryStatistics.BytesScanned, got)
	}
	out, err := c.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: &id})
	if err != nil || *out.QueryStatistics.BytesScanned != got.BytesScanned {
		t.Errorf("GetQueryResults: %+v, %v", out, err)
	}
	w.ask(c, "SELECT 1 / (seq - seq) FROM CloudTrailLogs")
	if rec := w.records(); !slices.ContainsFunc(rec, func(r event.Record) bool { return r.EventName == "EndQuery" && r.ErrorCode == "QueryFailed" }) {
		t.Error("no EndQuery says that a query failed")
	}
}

func TestQueryFromStartToResults(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.sdk("admin"), t.Context()
	for i := range 5 {
		w.session("bob", fmt.Sprintf("s%d", i))
	}
	for _, table := range []string{"CloudTrailLogs", storeID, "$EDS_ID", strings.ToUpper(storeID)} {
		id, end := w.ask(c, "SELECT eventName, userIdentity.userName AS who, 1 FROM "+table+" WHERE eventName = 'StartSession'")
		if end.QueryStatus != types.QueryStatusFinished || *end.QueryStatistics.EventsMatched != 5 || end.QueryStatistics.CreationTime == nil {
			t.Fatalf("%s: %+v %v", table, end, end.ErrorMessage)
		}
		want := []string{"eventName=StartSession", "who=bob", "_col2=1"}
		for _, row := range w.rows(c, id, 2) {
			if diff := cmp.Diff(want, row); diff != "" {
				t.Errorf("%s (-want +got):\n%s", table, diff)
			}
		}
		if n := len(w.rows(c, id, 2)); n != 5 {
			t.Errorf("%s: %d rows, want 5", table, n)
		}
		// A token is worth nothing elsewhere.
		page, err := c.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: aws.String(id), MaxQueryResults: aws.Int32(1)})
		if err != nil || page.NextToken == nil || *page.QueryStatistics.TotalResultsCount != 5 || *page.QueryStatistics.ResultsCount != 1 {
			t.Fatalf("a page = %+v, %v", page, err)
		}
		other, _ := w.ask(c, "SELECT 1")
		var wrong *types.InvalidNextTokenException
		if _, err := c.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: aws.String(other), NextToken: page.NextToken}); !errors.As(err, &wrong) {
			t.Errorf("a token of another query = %v", err)
		}
		var inactive *types.InactiveQueryException
		if _, err := c.CancelQuery(ctx, &awstrail.CancelQueryInput{QueryId: aws.String(id)}); !errors.As(err, &inactive) {
			t.Errorf("CancelQuery of a query that is over = %v, want InactiveQueryException", err)
		}
	}
	// A query that fails on the data says so.
	_, end := w.ask(c, "SELECT CAST(eventName AS bigint) FROM CloudTrailLogs")
	if end.QueryStatus != types.QueryStatusFailed || aws.ToString(end.ErrorMessage) == "" {
		t.Errorf("a cast that fails: %s %s", end.QueryStatus, aws.ToString(end.ErrorMessage))
	}
	list, err := c.ListQueries(ctx, &awstrail.ListQueriesInput{EventDataStore: aws.String(store), MaxResults: aws.Int32(4)})
	if err != nil || len(list.Queries) != 4 || list.NextToken == nil || list.Queries[0].QueryStatus != types.QueryStatusFailed {
		t.Fatalf("ListQueries = %+v, %v", list, err)
	}
	rest, err := c.ListQueries(ctx, &awstrail.ListQueriesInput{EventDataStore: aws.String(store), NextToken: list.NextToken})
	if err != nil || len(rest.Queries) != 5 {
		t.Errorf("the rest of the queries = %+v, %v, want 5", rest, err)
	}
	failed, err := c.ListQueries(ctx, &awstrail.ListQueriesInput{EventDataStore: aws.String(store), QueryStatus: types.QueryStatusFailed})
	if err != nil || len(failed.Queries) != 1 {
		t.Errorf("failed queries = %+v, %v", failed, err)
	}
}

// Results are kept over a restart, and what ran is said to have failed.
func TestResultsSurviveARestart(t *testing.T) {
	w := newWorld(t)
	id, _ := w.ask(w.sdk("admin"), "SELECT 'kept' AS word")
	running := asked{ID: event.NewID(), Statement: "SELECT 1", By: arnOf("admin"), Created: time.Now(), State: running}
	if err := w.Server.queries.save(running); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(w.dir, "queries", event.NewID()+".json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.stop()
	w.start()
	c := w.sdk("admin")
	if diff := cmp.Diff([][]string{{"word=kept"}}, w.rows(c, id, 10)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if d := w.await(c, running.ID); d.QueryStatus != types.QueryStatusFailed || *d.ErrorMessage != errRestarted {
		t.Errorf("what ran = %s %s", d.QueryStatus, aws.ToString(d.ErrorMessage))
	}
	// After seven days it is gone, its files too.
	w.shift(keepQueries + time.Minute)
	w.Server.queries.sweep()
	left, err := os.ReadDir(filepath.Join(w.dir, "queries"))
	if err != nil || len(left) != 1 { // the one that cannot be read is left to its owner
		t.Errorf("%d files are left after seven days, %v", len(left), err)
	}
}

// stuck is an engine whose queries do not end by themselves.
type stuck struct{ begun chan struct{} }

func (s stuck) Wait(context.Context, uint64) error { return nil }

func (s stuck) Query(ctx context.Context, _ query.Request) (*query.Result, error) {
	s.begun <- struct{}{}
	<-ctx.Done()
	return nil, context.Cause(ctx)
}

func TestTenQueriesAtOnce(t *testing.T) {
	w := newWorld(t)
	w.stop()
	engine := stuck{make(chan struct{}, maxRunning)}
	w.Options.Queries = engine
	w.start()
	c, ctx := w.sdk("admin"), t.Context()
	var ids []string
	for range maxRunning {
		q, err := c.StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT 1")})
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, *q.QueryId)
		<-engine.begun
	}
	var many *types.MaxConcurrentQueriesException
	if _, err := c.StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT 1")}); !errors.As(err, &many) {
		t.Errorf("query %d = %v, want MaxConcurrentQueriesException", maxRunning+1, err)
	}
	out, err := c.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: aws.String(ids[0])})
	if err != nil || out.QueryStatus != types.QueryStatusRunning || len(out.QueryResultRows) != 0 {
		t.Errorf("results of what runs = %+v, %v", out, err)
	}
	if got, err := c.CancelQuery(ctx, &awstrail.CancelQueryInput{QueryId: aws.String(ids[0])}); err != nil || got.QueryStatus != types.QueryStatusCancelled {
		t.Errorf("CancelQuery = %+v, %v", got, err)
	}
	if d := w.await(c, ids[0]); d.QueryStatus != types.QueryStatusCancelled {
		t.Errorf("after CancelQuery: %s", d.QueryStatus)
	}
	if _, err := c.StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT 1")}); err != nil {
		t.Errorf("in the place of the cancelled one: %v", err)
	}
	w.stop() // ends what runs
	for _, a := range w.Server.queries.all {
		if !a.over() {
			t.Errorf("query %s is %s after the end", a.ID, a.State)
		}
	}
}

// Who may read their own events only gets no others, asks no others' queries,
// and keeps nothing of a wider right.
func TestOwnEventsAreAllOneGets(t *testing.T) {
	w := newWorld(t)
	w.session("admin", "secret")
	w.session("bob", "mine")
	admin, bob, ctx := w.sdk("admin"), w.sdk("bob"), t.Context()
	for _, statement := range []string{
		"SELECT requestParameters FROM CloudTrailLogs WHERE eventName = 'StartSession'",
		"SELECT requestParameters FROM CloudTrailHistory WHERE eventName = 'StartSession' OR userArn = '" + arnOf("admin") + "' AND sessionId = 'secret'",
		"SELECT requestParameters FROM " + storeID + " WHERE element_at(requestParameters, 'sessionId') IN ('secret', 'mine')",
		"SELECT requestparameters FROM cloudtrail_logs WHERE eventname = 'StartSession'",
		"WITH logs AS (SELECT * FROM CloudTrailLogs) SELECT requestParameters FROM logs WHERE sessionId IN ('secret', 'mine')",
		"WITH own_logs AS (SELECT requestParameters, sessionId FROM CloudTrailHistory), CloudTrailLogs AS (SELECT * FROM own_logs) SELECT requestParameters FROM CloudTrailLogs WHERE sessionId IS NOT NULL",
		"SELECT requestParameters FROM CloudTrailLogs WHERE sessionId = 'mine' UNION ALL SELECT requestParameters FROM CloudTrailHistory WHERE sessionId = 'secret'",
		"SELECT requestParameters FROM CloudTrailLogs WHERE sessionId IN (SELECT sessionId FROM CloudTrailHistory)",
		"SELECT b.requestParameters FROM CloudTrailLogs a RIGHT JOIN CloudTrailHistory b ON a.seq = b.seq WHERE b.sessionId IS NOT NULL",
		"SELECT (SELECT max(sessionId) FROM CloudTrailHistory), array_agg(requestParameters) FROM CloudTrailLogs WHERE eventName = 'StartSession'",
		"SELECT sessionId FROM sessions",
		"SELECT s.sessionId FROM sessions s FULL JOIN sessions t ON s.userArn <> t.userArn OR TRUE",
		"SELECT t.requestParameters FROM (SELECT * FROM CloudTrailLogs EXCEPT SELECT * FROM CloudTrailLogs WHERE sessionId IS NULL) t",
	} {
		id, end := w.ask(bob, statement)
		if rows := fmt.Sprint(w.rows(bob, id, 1000)); !strings.Contains(rows, "mine") || strings.Contains(rows, "secret") {
			t.Errorf("%s (%s) shows bob %s", statement, end.QueryStatus, rows)
		}
	}
	found, err := bob.LookupEvents(ctx, &awstrail.LookupEventsInput{})
	if err != nil || len(found.Events) == 0 {
		t.Fatalf("LookupEvents = %+v, %v", found, err)
	}
	for _, e := range found.Events {
		if aws.ToString(e.Username) != "bob" {
			t.Errorf("bob looks up an event of %s", aws.ToString(e.Username))
		}
	}
	secret, _ := w.ask(admin, "SELECT * FROM CloudTrailLogs")
	var none *types.QueryIdNotFoundException
	if _, err := bob.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: aws.String(secret)}); !errors.As(err, &none) {
		t.Errorf("bob reads the results of admin's query: %v", err)
	}
	if _, err := bob.CancelQuery(ctx, &awstrail.CancelQueryInput{QueryId: aws.String(secret)}); !errors.As(err, &none) {
		t.Errorf("bob cancels admin's query: %v", err)
	}
	list, err := bob.ListQueries(ctx, &awstrail.ListQueriesInput{EventDataStore: aws.String(storeID)})
	if err != nil || len(list.Queries) != 13 {
		t.Errorf("bob's queries = %+v, %v, want his 13", list, err)
	}
	for _, table := range []string{"alarms", "runs", "targets"} {
		for _, statement := range []string{"SELECT * FROM " + table, "SELECT 1 FROM CloudTrailLogs WHERE 1 IN (SELECT 1 FROM " + table + ")"} {
			_, err := bob.StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: &statement})
			if err == nil || !strings.Contains(err.Error(), "AccessDeniedException: Table "+table+" has rows of others") {
				t.Errorf("%s = %v, want AccessDeniedException", statement, err)
			}
		}
	}
	// A query that bob ran while he had a wider right is closed to him now.
	wide := asked{ID: event.NewID(), Statement: "SELECT 1", By: arnOf("bob"), Created: time.Now(), State: finished}
	w.Server.queries.mu.Lock()
	w.Server.queries.all[wide.ID] = &wide
	w.Server.queries.mu.Unlock()
	if _, err := bob.GetQueryResults(ctx, &awstrail.GetQueryResultsInput{QueryId: aws.String(wide.ID)}); !errors.As(err, &none) {
		t.Errorf("bob reads what he may no longer: %v", err)
	}
}

func TestLookupIsNewestFirstAndPaged(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.session("bob", fmt.Sprintf("s%d", i))
	}
	w.put("bob", event.OpenTunnel{Host: "db", Port: 5432}) // a data event, which is never looked up
	w.put("bob", event.SetAlarmState{})                    // an insight
	ctx, name := t.Context(), types.LookupAttribute{AttributeKey: types.LookupAttributeKeyEventName, AttributeValue: aws.String("StartSession")}
	// look is one call, each as far from the last as the rate wants.
	look := func(in awstrail.LookupEventsInput) *awstrail.LookupEventsOutput {
		t.Helper()
		w.shift(2 * time.Second)
		r := w.call("admin", "LookupEvents", lookupBody(t, in))
		if r.status != 200 {
			t.Fatalf("LookupEvents: %d %s", r.status, r.body)
		}
		w.shift(2 * time.Second)
		c := w.sdk("admin")
		out, err := c.LookupEvents(ctx, &in)
		if err != nil {
			t.Fatalf("LookupEvents: %v", err)
		}
		return out
	}
	in := awstrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{name}, MaxResults: aws.Int32(3)}
	var seen []string
	for page := 0; ; page++ {
		out := look(in)
		for _, e := range out.Events {
			var rec struct{ RequestParameters struct{ SessionID string } }
			if err := json.Unmarshal([]byte(*e.CloudTrailEvent), &rec); err != nil || *e.EventName != "StartSession" || *e.ReadOnly != "false" || e.EventTime == nil || *e.Username != "bob" {
				t.Errorf("event %+v, %v", e, err)
			}
			seen = append(seen, rec.RequestParameters.SessionID)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil || page > 5 {
			break
		}
		wrong := in
		wrong.LookupAttributes = nil
		w.shift(2 * time.Second)
		var bad *types.InvalidNextTokenException
		if _, err := w.sdk("admin").LookupEvents(ctx, &wrong); !errors.As(err, &bad) {
			t.Errorf("a token with another filter = %v", err)
		}
	}
	if diff := cmp.Diff([]string{"s6", "s5", "s4", "s3", "s2", "s1", "s0"}, seen); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for _, c := range []struct {
		key   types.LookupAttributeKey
		value string
		want  int
	}{
		{types.LookupAttributeKeyUsername, "bob", 7},
		{types.LookupAttributeKeyUsername, "bo", 0},
		{types.LookupAttributeKeyEventSource, ours, -1},
		{types.LookupAttributeKeyResourceName, "s3", 1},
		{types.LookupAttributeKeyResourceType, "Trailgate::Target", 7},
		{types.LookupAttributeKeyReadOnly, "true", -1},
		{types.LookupAttributeKeyAccessKeyId, w.keys["admin"].Row.ID, -1},
		{types.LookupAttributeKeyEventName, "OpenTunnel", 0},
		{types.LookupAttributeKeyEventName, "it's", 0},
	} {
		out := look(awstrail.LookupEventsInput{LookupAttributes: []types.LookupAttribute{{AttributeKey: c.key, AttributeValue: aws.String(c.value)}}})
		if n := len(out.Events); n != c.want && (c.want >= 0 || n == 0) {
			t.Errorf("%s = %s finds %d events, want %d", c.key, c.value, n, c.want)
		}
	}
	if out := look(awstrail.LookupEventsInput{EventCategory: types.EventCategoryInsight}); len(out.Events) != 1 || *out.Events[0].EventName != "SetAlarmState" {
		t.Errorf("insights = %+v", out.Events)
	}
	if out := look(awstrail.LookupEventsInput{EndTime: aws.Time(time.Now().Add(-time.Hour))}); len(out.Events) != 0 {
		t.Errorf("before an hour: %d events", len(out.Events))
	}
	w.shift(time.Minute)
	first, second, third := w.call("admin", "LookupEvents", "{}"), w.call("admin", "LookupEvents", "{}"), w.call("admin", "LookupEvents", "{}")
	if first.status != 200 || second.status != 200 || third.code() != "ThrottlingException" {
		t.Errorf("three at once: %d, %d, %s", first.status, second.status, third.body)
	}
}

// lookupBody is an input as JSON with times as numbers.
func lookupBody(t *testing.T, in awstrail.LookupEventsInput) string {
	t.Helper()
	body := map[string]any{"LookupAttributes": in.LookupAttributes}
	if in.MaxResults != nil {
		body["MaxResults"] = *in.MaxResults
	}
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestSamplesAreStatements(t *testing.T) {
	library, err := queries.All()
	if err != nil {
		t.Fatal(err)
	}
	found := search(library, "select", storeID)
	if len(found) != len(library) {
		t.Errorf("%d samples of %d have a SELECT", len(found), len(library))
	}
	c := sqlfront.CloudTrailCatalog().WithStore(storeID)
	for _, s := range found {
		stmt, err := sqlfront.Parse(s.SQL)
		if err == nil {
			err = stmt.Check(c)
		}
		if err != nil || s.Name == "" || s.Description == "" || strings.Contains(s.SQL, "$EDS_ID") {
			t.Errorf("sample %q: %v", s.Name, err)
		}
	}
}

// The formats of Lake's cells, as seen in real output.
func TestCellsAreLakesText(t *testing.T) {
	issuer := &sqlfront.Type{Kind: sqlfront.Struct, Fields: []sqlfront.Field{{Name: "type", Type: &sqlfront.Type{Kind: sqlfront.Varchar}}, {Name: "userName", Type: &sqlfront.Type{Kind: sqlfront.Varchar}}}}
	list := &sqlfront.Type{Kind: sqlfront.Array, Elem: issuer}
	for _, c := range []struct {
		v    any
		t    *sqlfront.Type
		want string
	}{
		{"text", nil, "text"},
		{int64(96059), nil, "96059"},
		{true, nil, "true"},
		{1.5, nil, "1.5"},
		{2.0, nil, "2.0"},
		{0.0, nil, "0.0"},
		{1e7, nil, "1.0E7"},
		{1.25e-5, nil, "1.25E-5"},
		{-12345678.9, nil, "-1.23456789E7"},
		{math.Inf(1), nil, "Infinity"},
		{math.Inf(-1), nil, "-Infinity"},
		{math.NaN(), nil, "NaN"},
		{time.Date(2023, 6, 11, 16, 26, 27, 0, time.UTC), nil, "2023-06-11 16:26:27.000"},
		{time.Date(2023, 6, 11, 16, 26, 27, 123456000, time.UTC), nil, "2023-06-11 16:26:27.123456"},
		{map[string]any{"userName": "alice"}, issuer, "{type=null, username=alice}"},
		{[]any{map[string]any{"type": "Role"}, nil}, list, "[{type=Role, username=null}, null]"},
		{map[string]any{"b": "2", "A": int64(1)}, nil, "{A=1, b=2}"},
		{[]any{}, list, "[]"},
	} {
		if got, ok := cellText(c.v, c.t); !ok || got != c.want {
			t.Errorf("%v is %q, want %q", c.v, got, c.want)
		}
	}
	if _, ok := cellText(nil, nil); ok {
		t.Error("NULL has a text")
	}
	line, err := rowJSON(nil, []string{"a", "a", "n"}, nil, []any{"x\"y", int64(1), nil})
	if err != nil || string(line) != `[{"a":"x\"y"},{"a":"1"},{"n":null}]` {
		t.Errorf("a row is %s, %v", line, err)
	}
}

// Results that go to the trail's bucket are signed as AWS signs them.
func TestDeliveredResultsAreSigned(t *testing.T) {
	w := newWorld(t)
	c, ctx := w.sdk("admin"), t.Context()
	q, err := c.StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT 'a,b' AS x, NULL AS y"), DeliveryS3Uri: aws.String("s3://" + bucket)})
	if err != nil {
		t.Fatal(err)
	}
	d := w.await(c, *q.QueryId)
	if d.DeliveryStatus != types.DeliveryStatusSuccess || *d.DeliveryS3Uri != "s3://"+bucket {
		t.Fatalf("delivery = %+v", d)
	}
	dir := "AWSLogs/" + account + "/CloudTrail-Lake/Query/" + d.QueryStatistics.CreationTime.UTC().Format("2006/01/02") + "/" + *q.QueryId + "/"
	file := w.s3("files", "GET", "/"+bucket+"/"+dir+"result_1.csv.gz")
	sign := w.s3("files", "GET", "/"+bucket+"/"+dir+"result_sign.json")
	var s struct {
		Files                               []struct{ FileHashValue, FileName string }
		HashSignature, PublicKeyFingerprint string
	}
	if err := json.Unmarshal(sign.body, &s); err != nil {
		t.Fatalf("%v: %s", err, sign.body)
	}
	sum := sha256.Sum256(file.body)
	if len(s.Files) != 1 || s.Files[0].FileHashValue != hex.EncodeToString(sum[:]) || s.Files[0].FileName != "result_1.csv.gz" {
		t.Errorf("result_sign.json = %s", sign.body)
	}
	keys := w.PublicKeys(time.Now(), time.Now())
	public, err := x509.ParsePKCS1PublicKey(keys[0].DER)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := hex.DecodeString(s.HashSignature)
	if err != nil {
		t.Fatal(err)
	}
	text := sha256.Sum256([]byte(s.Files[0].FileHashValue))
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, text[:], signature); err != nil || s.PublicKeyFingerprint != keys[0].Fingerprint {
		t.Errorf("the signature: %v", err)
	}
	z, err := gzip.NewReader(bytes.NewReader(file.body))
	if err != nil {
		t.Fatal(err)
	}
	if csv, err := io.ReadAll(z); err != nil || string(csv) != "x,y\n\"a,b\",\n" {
		t.Errorf("the file has %q, %v", csv, err)
	}
	var denied *types.InsufficientS3BucketPolicyException
	if _, err := w.sdk("bob").StartQuery(ctx, &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT 1"), DeliveryS3Uri: aws.String("s3://" + bucket)}); !errors.As(err, &denied) {
		t.Errorf("delivery of one's own events = %v", err)
	}
}

// Of more calls at once than there is room for, some find it taken when their
// StartQuery is in the trail already: it has an end, too.
func TestQueryThatFindsNoRoomEndsInTheTrail(t *testing.T) {
	w := newWorld(t)
	c := w.sdk("admin")
	var wg sync.WaitGroup
	for range 4 * maxRunning {
		wg.Go(func() {
			// Refused or not is the same here.
			_, _ = c.StartQuery(t.Context(), &awstrail.StartQueryInput{QueryStatement: aws.String("SELECT count(*) FROM CloudTrailLogs")})
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for {
		open := map[string]bool{}
		for _, rec := range w.records() {
			var of struct{ QueryID string }
			text := rec.RequestParameters
			if rec.EventName == "StartQuery" {
				text = rec.ResponseElements
			}
			if rec.ErrorCode == "" && rec.EventName == "StartQuery" || rec.EventName == "EndQuery" {
				if err := json.Unmarshal(text, &of); err != nil || of.QueryID == "" {
					t.Fatalf("%+v: %v", rec, err)
				}
				open[of.QueryID] = rec.EventName == "StartQuery"
			}
		}
		maps.DeleteFunc(open, func(_ string, yet bool) bool { return !yet })
		if len(open) == 0 {
			return
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			t.Fatalf("%d queries have no end", len(open))
		}
	}
}
