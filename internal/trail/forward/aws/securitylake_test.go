package aws

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	_ "github.com/duckdb/duckdb-go/v2"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/blob/blobtest"
	"github.com/trailgate/trailgate/internal/ocsf"
	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

// farBucket is a Security Lake.
type farBucket struct {
	*blobtest.Mem
	t  testing.TB
	mu sync.Mutex // guards below
	w  forwardtest.Weather
}

func newLakeBucket(t testing.TB) *farBucket {
	f := &farBucket{Mem: blobtest.NewMem("lake"), t: t, w: forwardtest.Fine}
	f.Before(func(ctx context.Context, _ blobtest.Call) error {
		f.mu.Lock()
		w := f.w
		f.mu.Unlock()
		switch w {
		case forwardtest.Down:
			return errors.New("connection refused")
		case forwardtest.Slow:
			<-ctx.Done()
			return ctx.Err()
		case forwardtest.Busy:
			return errors.New("SlowDown: Please reduce your request rate.")
		case forwardtest.Denied:
			return errors.New("AccessDenied")
		}
		return nil
	})
	return f
}

func (f *farBucket) Sink(testing.TB) forward.Sink {
	return NewSecurityLake(SecurityLake{Bucket: f.Mem, Prefix: "ext", Source: "tg_", Region: region, Account: "111122223333", Writer: "w"})
}

func (f *farBucket) Set(w forwardtest.Weather) bool {
	switch w {
	case forwardtest.Fine, forwardtest.Down, forwardtest.Slow, forwardtest.Busy, forwardtest.Denied:
		f.mu.Lock()
		f.w = w
		f.mu.Unlock()
		return true
	}
	return false
}

// Receipts are the rows of all files, by eventID: what order there is, is within
// a file.
func (f *farBucket) Receipts() (all []forwardtest.Receipt) {
	type row struct {
		TypeUID  int64 `parquet:"type_uid"`
		Time     int64 `parquet:"time"`
		Metadata struct {
			UID string `parquet:"uid,optional"`
		} `parquet:"metadata"`
	}
	for _, key := range f.Keys() {
		body, _, err := f.Get(context.Background(), key)
		if err != nil {
			f.t.Fatal(err)
		}
		rows, err := parquet.Read[row](bytes.NewReader(body), int64(len(body)))
		if err != nil {
			f.t.Fatalf("%s: %v", key, err)
		}
		if !slices.IsSortedFunc(rows, func(a, b row) int { return cmp.Compare(a.Time, b.Time) }) {
			f.t.Errorf("%s is not sorted by time", key)
		}
		for _, r := range rows {
			all = append(all, forwardtest.Receipt{EventID: r.Metadata.UID, Body: fmt.Append(nil, r)})
		}
	}
	slices.SortStableFunc(all, func(a, b forwardtest.Receipt) int { return cmp.Compare(a.EventID, b.EventID) })
	return all
}

func TestSecurityLake(t *testing.T) {
	t.Parallel()
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return inOneClass{newLakeBucket(t)} })
}

// inOneClass sends all events as AWS's, which makes them one class: a file has
// many columns, and three files a batch would take the race detector a minute.
// Make conformance runs the suite with all of them.
type inOneClass struct{ *farBucket }

func (f inOneClass) Sink(t testing.TB) forward.Sink { return asAWS{f.farBucket.Sink(t)} }

type asAWS struct{ forward.Sink }

func (s asAWS) Send(ctx context.Context, batch []forward.Message) ([]forward.Failure, error) {
	batch = slices.Clone(batch)
	for i := range batch {
		batch[i].JSON = bytes.Replace(batch[i].JSON, []byte(`"ActivityLog"`), []byte(`"AwsApiCall"`), 1)
	}
	return s.Sink.Send(ctx, batch)
}

// ofEveryClass are records, at least one of each class.
func ofEveryClass(t *testing.T) (records [][]byte) {
	status := 3
	who := event.UserIdentity{Type: "IAMUser", ARN: "arn:aws:iam::111122223333:user/ana", UserName: "ana", AccountID: "111122223333",
		SessionContext: &event.SessionContext{Attributes: &event.SessionAttributes{CreationDate: "2026-11-20T09:00:00Z", MFAAuthenticated: "true"}}}
	in := &event.Session{ID: "s-1", Target: "web1", Login: "root", MFA: true}
	for i, e := range []event.Event{
		event.OpenConnection{Port: 40000}, event.Login{Method: "publickey", Fingerprint: "SHA256:x"}, event.AuthorizeSecurityGroupIngress{Target: "web1", Login: "root", Policies: []string{"a", "b"}},
		event.StartSession{}, event.ExecuteCommand{Channel: 1, Command: "echo 'ü' <&> \"\u2028\""}, event.CloseChannel{Channel: 1, ExitStatus: &status},
		event.EndSession{BytesReceived: 5, BytesSent: 7, Millis: 9}, event.OpenTunnel{Host: "::1", Port: 80}, event.CreateUser{UserName: "bob", Admin: true},
		event.CreateTarget{Target: "db1", Address: "10.0.0.1:22", Labels: map[string]string{"env": "prod"}}, event.PutPolicy{Policy: "p", SHA256: "x"}, event.CreateRole{Role: "ops"},
		event.SetAlarmState{Alarm: "a", Runbook: "r", State: "ALARM", Severity: "high", Events: []string{"e1", "e2"}}, event.ExecuteStep{Run: "r", Step: "s", Action: "lock_identity"},
		event.StartNode{Version: "1"}, event.LoseRecording{Reason: "disk"}, event.StartQuery{Statement: "SELECT 1"}, event.IssueCertificate{KeyID: "k"},
	} {
		m := event.Meta{Time: time.Date(2026, 11, 20, 23, 59, 59-i, 0, time.UTC), Identity: who, SourceIP: "192.0.2.1", UserAgent: "SSH-2.0-x", ConnectionID: "c"}
		if i > 2 && i < 8 {
			m.Session = in
		}
		if i == 2 {
			m.ErrorCode, m.ErrorMessage = event.AccessDenied, "outside hours"
		}
		rec := event.Origin{EventSource: "ssh.example", Region: region, AccountID: "111122223333"}.Record(m, e)
		records = append(records, rec.AppendJSON(nil))
	}
	records = append(records,
		[]byte(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","userName":"ana"},"eventTime":"2026-11-21T00:00:00Z","eventSource":"ssh.example","eventName":"CloseFile","requestParameters":{"sessionId":"s","target":"web1","path":"/a/b"},"responseElements":{"bytes":9007199254740993,"sha256":"ab"},"eventID":"f","eventType":"ActivityLog","eventCategory":"Data"}`),
		[]byte(`{"eventVersion":"1.08","userIdentity":{"type":"AWSService","invokedBy":"x.amazonaws.com"},"eventTime":"2026-11-21T00:00:01Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventType":"AwsApiCall","resources":[{"ARN":"arn:1","accountId":"1","type":"T"},{"ARN":"arn:2"}],"eventID":"g"}`))
	return records
}

// TestSecurityLakeFilesReadBack: what DuckDB reads from the files is what OCSF's
// JSON says, column by column.
func TestSecurityLakeFilesReadBack(t *testing.T) {
	b := newLakeBucket(t)
	var batch []forward.Message
	want := map[string]any{}
	classes := map[string]bool{}
	for i, rec := range ofEveryClass(t) {
		e, err := ocsf.Map(rec)
		if err != nil {
			t.Fatal(err)
		}
		c := e.Common()
		batch = append(batch, forward.Message{Seq: uint64(40 + i), EventID: c.Metadata.UID, JSON: rec})
		var v any
		if err := unmarshal(ocsf.Append(nil, e), &v); err != nil {
			t.Fatal(err)
		}
		want[c.Metadata.UID] = v
		classes[e.Class().Name] = true
	}
	for _, e := range ocsf.All() {
		if !classes[e.Class().Name] {
			t.Errorf("no record here is of class %s", e.Class().Name)
		}
	}
	bad := forward.Message{Seq: 99, EventID: "bad", JSON: []byte(`{"eventName":"no time"}`)}
	failed, err := b.Sink(t).Send(t.Context(), append(batch, bad))
	if err != nil || len(failed) != 1 || failed[0].Seq != 99 || !failed[0].Final {
		t.Fatalf("Send = %v, %v; want only the record without a time refused", failed, err)
	}
	shape := regexp.MustCompile(`^ext/tg_[a-z_]+/region=eu-west-1/accountId=111122223333/eventDay=2026112[01]/trailgate-[0-9a-f]{16}-00000000000000000040\.parquet$`)
	dir := t.TempDir()
	for _, key := range b.Keys() {
		if !shape.MatchString(key) {
			t.Errorf("a key is %s", key)
		}
		if source := strings.Split(key, "/")[1]; len(source) > 20 {
			t.Errorf("the source %s is longer than 20 characters", source)
		}
		body, _, err := b.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, key)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("duckdb", "")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	got := map[string]any{}
	for _, e := range ocsf.All() {
		files := filepath.Join(dir, "ext", "tg_"+e.Class().Source(), "**", "*.parquet")
		rows, err := db.Query(`SELECT metadata.uid, to_json(r)::VARCHAR FROM read_parquet(?, hive_partitioning=false) r`, files)
		if err != nil {
			t.Fatalf("%s: %v", e.Class().Name, err)
		}
		for rows.Next() {
			var uid, text string
			if err := rows.Scan(&uid, &text); err != nil {
				t.Fatal(err)
			}
			var v any
			if err := unmarshal([]byte(text), &v); err != nil {
				t.Fatal(err)
			}
			got[uid] = withoutNulls(v)
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		var codec string
		if err := db.QueryRow(`SELECT string_agg(DISTINCT compression) FROM parquet_metadata(?)`, files).Scan(&codec); err != nil || codec != "ZSTD" {
			t.Errorf("%s: compressed with %s, %v", e.Class().Name, codec, err)
		}
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	var n int
	if err := db.QueryRow(`SELECT count(*) FROM read_parquet(?, hive_partitioning=true) WHERE "accountId" = 111122223333 AND "eventDay" = 20261120 AND actor.session.is_mfa AND dst_endpoint.name = 'web1' AND type_uid = 400701`,
		filepath.Join(dir, "ext/tg_ssh/**/*.parquet")).Scan(&n); err != nil || n != 1 {
		t.Errorf("a question about a session: %d rows, %v; want 1", n, err)
	}
}

func withoutNulls(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, m := range v {
			if m == nil {
				delete(v, name)
			} else {
				v[name] = withoutNulls(m)
			}
		}
	case []any:
		for i := range v {
			v[i] = withoutNulls(v[i])
		}
	}
	return v
}

// TestABatchSentAgainReplacesItsFiles: a file's name comes from the batch alone.
func TestABatchSentAgainReplacesItsFiles(t *testing.T) {
	b := newLakeBucket(t)
	var batch []forward.Message
	for i, rec := range ofEveryClass(t) {
		batch = append(batch, forward.Message{Seq: uint64(i + 1), JSON: rec})
	}
	mustSend(t, b.Sink(t), batch...)
	first, rows := b.Snapshot(), b.Receipts()
	mustSend(t, b.Sink(t), batch...)
	if d := gocmp.Diff(first.Keys(), b.Keys()); d != "" {
		t.Error(d)
	}
	if d := gocmp.Diff(rows, b.Receipts()); d != "" {
		t.Error(d)
	}
	b.FailNth(3, errors.New("gone"))
	if _, err := b.Sink(t).Send(t.Context(), batch); err == nil {
		t.Error("Send is nil although a file was not written")
	}
	other := NewSecurityLake(SecurityLake{Bucket: b.Mem, Prefix: "ext", Source: "tg_", Region: region, Account: "111122223333", Writer: "another"})
	mustSend(t, other, batch...)
	if len(b.Keys()) != 2*len(first.Keys()) {
		t.Error("two writers share files")
	}
}

// BenchmarkSecurityLake is a batch on its way to Parquet.
func BenchmarkSecurityLake(b *testing.B) {
	j := forwardtest.NewJournal(time.Now())
	j.Add(5000)
	var batch []forward.Message
	for _, e := range j.Entries() {
		batch = append(batch, forward.Message{Seq: e.Seq, JSON: e.JSON})
	}
	s := newLakeBucket(b).Sink(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Send(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N*len(batch))/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkSecurityLakeSmall is a batch of a few events.
func BenchmarkSecurityLakeSmall(b *testing.B) {
	j := forwardtest.NewJournal(time.Now())
	j.Add(7)
	var batch []forward.Message
	for _, e := range j.Entries() {
		batch = append(batch, forward.Message{Seq: e.Seq, JSON: e.JSON})
	}
	s := newLakeBucket(b).Sink(b)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Send(b.Context(), batch); err != nil {
			b.Fatal(err)
		}
	}
}
