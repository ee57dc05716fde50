package bench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trailgate/trailgate/event"
	"github.com/trailgate/trailgate/internal/query"
	"github.com/trailgate/trailgate/internal/trail"
)

const (
	millionRows = 1_000_000
	millionDays = 90
)

// millionTrail writes a million events of 90 days as history, 1,000 identities
// and five kinds of event, one in 40,000 of them a denial.
func millionTrail(b *testing.B, dir string) {
	b.Helper()
	start := time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC)
	origin := event.Origin{EventSource: "ssh-proxy-service.yourdomain.com", Region: "us-east-1", AccountID: "123456789012"}
	kinds := []event.Event{event.StartSession{}, event.ExecuteCommand{Command: "uptime"}, event.StartShell{}, event.EndSession{}, event.OpenTunnel{}}
	n, err := trail.WriteHistory(dir, "bench", func(yield func(event.Entry) bool) {
		for i := range millionRows {
			at := start.Add(time.Duration(i) * millionDays * 24 * time.Hour / millionRows)
			user := fmt.Sprintf("user%d", i*7919%1000)
			m := event.Meta{
				Time:         at,
				Identity:     event.UserIdentity{Type: "IAMUser", UserName: user, ARN: "arn:aws:iam::123456789012:user/" + user, AccountID: "123456789012"},
				SourceIP:     fmt.Sprintf("10.0.%d.%d", i%200, i%250),
				UserAgent:    "SSH-2.0-OpenSSH_9.2p1",
				ConnectionID: fmt.Sprintf("019ab3-%08x", i),
				Session:      &event.Session{ID: fmt.Sprintf("s%d", i/10), Target: fmt.Sprintf("web%d", i%50), Login: "ec2-user", MFA: i%1000 != 0},
			}
			var e event.Event = kinds[i%len(kinds)]
			if i%40_000 == 0 {
				e, m.ErrorCode = event.AuthorizeSecurityGroupIngress{}, event.AccessDenied
			}
			text, err := json.Marshal(origin.Record(m, e))
			if err != nil {
				b.Fatal(err)
			}
			if !yield(event.Entry{AppendTime: at, JSON: text}) {
				return
			}
		}
	})
	if err != nil || n != millionRows {
		b.Fatalf("wrote %d events: %v", n, err)
	}
}

// BenchmarkQueryMillion asks DESIGN.md 10's questions of a million sealed
// events; its goals are for ten million.
func BenchmarkQueryMillion(b *testing.B) {
	dir := appendDir(b)
	millionTrail(b, dir)
	r, err := trail.OpenReader(dir)
	if err != nil {
		b.Fatal(err)
	}
	e := queryEngine(b, r, filepath.Join(dir, "events"))
	size := int64(0)
	files, _ := r.Sealed()
	for _, f := range files.Files {
		info, err := os.Stat(f)
		if err != nil {
			b.Fatal(err)
		}
		size += info.Size()
	}
	for _, q := range []struct{ name, text string }{
		{"day", "SELECT count(DISTINCT sourceIPAddress) AS n FROM CloudTrailLogs WHERE userArn = 'arn:aws:iam::123456789012:user/user7' AND eventTime BETWEEN '2026-10-01' AND '2026-10-02'"},
		{"identity", "SELECT sourceIPAddress, count(*) AS n FROM CloudTrailLogs WHERE userIdentity.arn = 'arn:aws:iam::123456789012:user/user7' GROUP BY sourceIPAddress"},
		{"group", "SELECT eventName, errorCode, count(*) AS n FROM CloudTrailLogs GROUP BY eventName, errorCode ORDER BY n DESC LIMIT 10"},
		{"article1", "SELECT * FROM CloudTrailLogs WHERE eventName = 'AuthorizeSecurityGroupIngress' AND errorCode = 'AccessDenied' AND eventSource = 'ssh-proxy-service.yourdomain.com' LIMIT 50"},
		{"article2", "SELECT * FROM CloudTrailLogs WHERE additionalEventData != 'MFAAuthenticated=True' AND eventSource LIKE '%ssh%' LIMIT 100"},
		{"latest", "SELECT * FROM CloudTrailLogs ORDER BY eventTime DESC LIMIT 50"},
	} {
		b.Run(q.name, func(b *testing.B) {
			r := query.Request{Statement: queryStatement(b, q.text)}
			var took []time.Duration
			for b.Loop() {
				res, err := e.Query(context.Background(), r)
				if err != nil {
					b.Fatal(err)
				}
				if len(res.Rows) == 0 {
					b.Fatalf("%s: no rows", q.text)
				}
				took = append(took, res.Elapsed)
			}
			queryReport(b, took)
			b.ReportMetric(float64(size)/millionRows, "B/event")
		})
	}
}
