package querytest

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/sqlfront"
)

// exerciseBeside asks the tables beside the trail: sessions, which are made of
// its events, and those whose rows come with the statement.
func exerciseBeside(t *testing.T, open Open) {
	random := rand.New(rand.NewPCG(20261120, 1))
	var lives []life
	var records []string
	for len(records) < 400 {
		lives, records = happen(t, random, lives, records)
	}
	records = append(records, Samples()...)
	for name, seals := range map[string][]uint64{"hot": nil, "sealed": {uint64(len(records))}, "both": {97, 250}} {
		t.Run(name, func(t *testing.T) {
			s := NewTrail(t)
			s.Append(records...)
			for _, seq := range seals {
				s.Seal(seq)
			}
			e := open(t, s)
			all := beside(t, "SELECT * FROM sessions")
			for _, upTo := range []int{0, 399, 200, 31} {
				for _, who := range []string{"", arn("alice"), arn("bob"), arn("nobody")} {
					want := fold(t, records, upTo, who)
					if who != arn("nobody") && upTo == 0 && len(want) < 3 {
						t.Fatalf("the trail has %d sessions of %q", len(want), who)
					}
					res := answer(t, e, s, query.Request{Statement: all, Only: who, MaxSeq: uint64(upTo)})
					sameRows(t, fmt.Sprintf("sessions of %q up to event %d", who, upTo), want, res.Rows)
				}
			}
			// Beside the trail means beside: both in one statement.
			ids := beside(t, "SELECT count(*) FROM sessions s JOIN CloudTrailLogs l ON l.sessionId = s.sessionId AND l.eventName = 'StartSession' AND l.eventID = s.eventID")
			expect(t, e, s, query.Request{Statement: ids}, []any{int64(len(fold(t, records, 0, "")))})
		})
	}
	t.Run("snapshots", func(t *testing.T) { exerciseSnapshots(t, open) })
}

// beside parses and checks text over all tables.
func beside(t testing.TB, text string) *sqlfront.Statement {
	t.Helper()
	s, err := sqlfront.Parse(text)
	if err == nil {
		err = s.Check(sqlfront.CloudTrailCatalog().WithBeside())
	}
	if err != nil {
		t.Fatalf("statement %s: %v", text, err)
	}
	return s
}

func arn(name string) string { return "arn:aws:iam::111122223333:user/" + name }

// life is a session that has begun.
type life struct {
	who     string
	session event.Session
}

// happen adds an event to a trail: of a session that begins, ends or goes on,
// and now and then one that only looks so.
func happen(t testing.TB, r *rand.Rand, lives []life, records []string) ([]life, []string) {
	t.Helper()
	origin := event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "111122223333"}
	at := Start.Truncate(time.Second).Add(time.Duration(len(records)) * time.Second)
	add := func(l life, e event.Event, code string, change func(*event.Record)) {
		m := event.Meta{Time: at, Identity: event.UserIdentity{Type: "IAMUser", ARN: arn(l.who), UserName: l.who}, SourceIP: "192.0.2.7", ConnectionID: "c-" + l.session.ID, ErrorCode: code}
		if l.session.ID != "" {
			m.Session = &l.session
		}
		rec := origin.Record(m, e)
		if change != nil {
			change(&rec)
		}
		text, err := json.Marshal(rec)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, string(text))
	}
	old := func() life { return lives[r.IntN(len(lives))] }
	one := life{[]string{"alice", "bob", "carol"}[r.IntN(3)], event.Session{ID: fmt.Sprintf("s-%d", len(records)), Target: "web1", Login: "root", MFA: r.IntN(2) == 0}}
	start := event.StartSession{FrontDoor: "gate", Fingerprint: "SHA256:abc", Recording: "terminal"}
	switch n := r.IntN(10); {
	case n < 4 || len(lives) == 0:
		lives = append(lives, one)
		add(one, start, "", nil)
	case n < 7: // sometimes the second end of the same session
		end := event.EndSession{Cause: "client's end", Millis: r.Int64N(1e7), BytesReceived: r.Int64N(1e12), BytesSent: r.Int64N(1e12)}
		if r.IntN(2) == 0 {
			end.ExitStatus, end.Lock = new(r.IntN(256)), "l1"
		}
		add(old(), end, "", nil)
	case n == 7:
		add(one, start, event.AccessDenied, nil) // refused
	case n == 8: // told by others, and another service's
		add(old(), event.EndSession{Cause: "told"}, "", func(rec *event.Record) { rec.EventCategory = "ActivityAuditLog" })
		add(one, start, "", func(rec *event.Record) { rec.EventType = "AwsApiCall" })
	default:
		add(old(), event.ExecuteCommand{Command: "id"}, "", nil)
	}
	return lives, records
}

// fold is the sessions of a trail, made in Go of its first upTo events (0: all)
// that are of one identity (empty: all).
func fold(t testing.TB, records []string, upTo int, who string) [][]any {
	t.Helper()
	var order [][]any
	byID := map[string][]any{}
	for i, text := range records {
		if upTo > 0 && i >= upTo {
			break
		}
		f, err := sqlfront.Flatten([]byte(text), uint64(i+1), Start)
		if err != nil {
			t.Fatal(err)
		}
		if cell(f.EventType) != "ActivityLog" || cell(f.EventCategory) != "Management" || f.ErrorCode != nil || f.SessionID == nil || who != "" && cell(f.UserARN) != who {
			continue
		}
		var in, out, details map[string]any
		for text, to := range map[*string]*map[string]any{f.RequestParameters: &in, f.ResponseElements: &out, f.ServiceEventDetails: &details} {
			if text != nil && json.Unmarshal([]byte(*text), to) != nil {
				t.Fatalf("event %d has no JSON in it: %s", i+1, *text)
			}
		}
		whole := func(v any) any {
			if x, ok := v.(float64); ok {
				return int64(x)
			}
			return nil
		}
		switch cell(f.EventName) {
		case "StartSession":
			row := []any{*f.SessionID, cell(f.UserARN), cell(f.UserName), cell(f.Target), cell(f.Login), cell(f.SourceIPAddress), cell(f.MFAAuthenticated) == "true",
				cell(f.EventTime), nil, nil, nil, nil, nil, nil, nil, in["frontDoor"], in["keyFingerprint"], details["recording"], cell(f.RequestID), cell(f.EventID)}
			order, byID[*f.SessionID] = append(order, row), row
		case "EndSession":
			if row := byID[*f.SessionID]; row != nil && row[8] == nil {
				row[8], row[9], row[11], row[14] = cell(f.EventTime), out["cause"], whole(out["exitStatus"]), details["lockId"]
				row[10], row[12], row[13] = details["milliseconds"].(float64)/1000, whole(details["bytesReceived"]), whole(details["bytesSent"])
			}
		}
	}
	return order
}

func sameRows(t testing.TB, what string, want, got [][]any) {
	t.Helper()
	text := func(rows [][]any) []string {
		var list []string
		for _, r := range rows {
			list = append(list, fmt.Sprintf("%#v", r))
		}
		slices.SortFunc(list, cmp.Compare)
		return list
	}
	if w, g := text(want), text(got); !slices.Equal(w, g) {
		t.Errorf("%s: %d rows, want %d", what, len(g), len(w))
		for i := range min(len(w), len(g)) {
			if w[i] != g[i] {
				t.Errorf("the first that differs is\n%s, want\n%s", g[i], w[i])
				break
			}
		}
	}
}

func exerciseSnapshots(t *testing.T, open Open) {
	s := NewTrail(t)
	s.Append(Samples()...)
	e := open(t, s)
	noon := time.Date(2026, 11, 20, 12, 0, 0, 250000, time.UTC)
	rows := map[string][][]any{
		sqlfront.Identities: {
			{"mallory", arn("mallory"), "IAMUser", false, false, false, int64(1), []any{}, noon},
			{"o'neill; DROP TABLE logs", arn("x"), nil, true, true, true, int64(0), []any{"ops", "a, b"}, nil}},
		sqlfront.Targets: {{"web1", "10.0.0.1:22", `{"env":"prod","a.b":"c"}`, []any{"ssh-ed25519 AAAA"}, noon}, {"bare", nil, `{}`, []any{}, noon}},
		sqlfront.Alarms:  {{"surge.1", "surge", "198.51.100.7", "ALARM", "high", "t", noon, noon, nil, int64(20), []any{"e1", "e2"}, "r1", nil, nil, nil}},
		sqlfront.Runs: {{"r1", "surge", "surge.1", "enforce", "open", noon, nil, []any{
			map[string]any{"id": "stop", "kind": "action", "action": "throttle_source", "state": "done", "ended": noon, "detail": nil, "text": nil, "assignee": nil, "due": nil},
			map[string]any{"id": "ask", "kind": "manual", "state": "waiting", "text": "ask", "assignee": "role:x", "due": noon, "action": nil, "detail": nil, "ended": nil}}}},
	}
	var given []query.Snapshot
	for _, name := range sqlfront.Snapshots {
		given = append(given, query.Snapshot{Table: name, Rows: rows[name]})
	}
	for _, c := range []struct {
		text string
		want [][]any
	}{
		{"SELECT name, admin, mfa, keys, roles, created FROM identities ORDER BY name",
			[][]any{{"mallory", false, false, int64(1), []any{}, noon}, {"o'neill; DROP TABLE logs", true, true, int64(0), []any{"ops", "a, b"}, nil}}},
		{"SELECT name FROM identities WHERE contains(roles, 'ops') AND type IS NULL", [][]any{{"o'neill; DROP TABLE logs"}}},
		{"SELECT name, element_at(labels, 'env'), labels['a.b'] FROM targets WHERE cardinality(labels) > 0", [][]any{{"web1", "prod", "c"}}},
		{"SELECT name, labels, hostKeys FROM targets ORDER BY name DESC", [][]any{{"web1", map[string]any{"a.b": "c", "env": "prod"}, []any{"ssh-ed25519 AAAA"}}, {"bare", map[string]any{}, []any{}}}},
		// alarms with the events of their matches
		{"SELECT a.id, l.eventID, l.userName FROM alarms a CROSS JOIN UNNEST(a.eventIds) AS m (id) JOIN CloudTrailLogs l ON l.eventID = m.id ORDER BY l.seq",
			[][]any{{"surge.1", "e1", "mallory"}, {"surge.1", "e2", "mallory"}}},
		{"SELECT r.id, s.id, s.state, s.due FROM runs r CROSS JOIN UNNEST(r.steps) AS s (id, kind, action, state, detail, text, assignee, due, ended) WHERE s.state <> 'done'",
			[][]any{{"r1", "ask", "waiting", noon}}},
		{"SELECT count(*) FROM runs r JOIN alarms a ON a.id = r.alarm AND a.run = r.id AND a.raised = r.created", [][]any{{int64(1)}}},
		{"SELECT i.name, count(l.seq) FROM identities i LEFT JOIN CloudTrailLogs l ON l.userArn = i.arn GROUP BY i.name ORDER BY 1 LIMIT 1", [][]any{{"mallory", int64(2)}}},
	} {
		expect(t, e, s, query.Request{Statement: beside(t, c.text), Beside: given}, c.want...)
	}
	// One statement's rows are another's business neither at once nor later.
	own := query.Request{Statement: beside(t, "SELECT name FROM identities"), Only: arn("mallory"), Beside: []query.Snapshot{{Table: sqlfront.Identities, Rows: rows[sqlfront.Identities][:1]}}}
	expect(t, e, s, own, []any{"mallory"})
	refused := func(r query.Request, want string) {
		t.Helper()
		if _, err := e.Query(t.Context(), r); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", r.Statement.Text(), err, want)
		}
	}
	refused(query.Request{Statement: beside(t, "SELECT * FROM identities")}, "are missing")
	refused(query.Request{Statement: beside(t, "SELECT * FROM alarms"), Beside: given, Window: &query.Window{Start: Start, End: noon}}, "no part of a window")
	refused(query.Request{Statement: beside(t, "SELECT * FROM alarms"), Beside: []query.Snapshot{{Table: sqlfront.Alarms, Rows: [][]any{{"a"}}}}}, "has 1 columns")
	for _, name := range []string{sqlfront.Targets, sqlfront.Alarms, sqlfront.Runs} {
		r := query.Request{Statement: beside(t, "SELECT 1 FROM CloudTrailLogs WHERE EXISTS (SELECT 1 FROM "+name+")"), Only: arn("mallory"), Beside: given}
		refused(r, name)
		if _, err := e.Query(t.Context(), r); !errors.Is(err, query.ErrDenied) {
			t.Errorf("table %s to who is limited to their own rows: %v, want ErrDenied", name, err)
		}
	}
	// Rows without number are refused before they are sent.
	many := make([][]any, 200_001)
	for i := range many {
		many[i] = rows[sqlfront.Targets][0]
	}
	if _, err := e.Query(t.Context(), query.Request{Statement: beside(t, "SELECT count(*) FROM targets"), Beside: []query.Snapshot{{Table: sqlfront.Targets, Rows: many}}}); !errors.Is(err, query.ErrLimit) {
		t.Errorf("%d targets: %v, want ErrLimit", len(many), err)
	}
	res, err := e.Query(t.Context(), query.Request{Statement: beside(t, "SELECT count(*) FROM targets"), Beside: []query.Snapshot{{Table: sqlfront.Targets, Rows: many[:50_000]}}})
	if err != nil || res.Rows[0][0] != int64(50_000) {
		t.Errorf("50000 targets: %v, %v", res, err)
	}
}
