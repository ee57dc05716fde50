package respond

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trailgate/trailgate/internal/action"
	"github.com/trailgate/trailgate/internal/state"
)

// Notice is the data of a notification: what happened and where to look, and
// nothing of what people typed. Fields are added, never renamed.
type Notice struct {
	Schema   string            `json:"schema"` // trailgate.alarm/1
	Alarm    string            `json:"alarm"`
	Runbook  string            `json:"runbook"`
	Severity string            `json:"severity"`
	Title    string            `json:"title"`
	Key      string            `json:"key"`
	State    string            `json:"state"`
	Matches  int               `json:"matches"`
	Detected time.Time         `json:"detectedAt"`
	Fields   map[string]string `json:"fields,omitempty"`
	Run      NoticeRun         `json:"run"`
}

// NoticeRun is the run of a Notice as it stood when it was sent.
type NoticeRun struct {
	ID    string       `json:"id"`
	Mode  string       `json:"mode"`
	Steps []NoticeStep `json:"steps"`
}

// NoticeStep is a step of it.
type NoticeStep struct {
	ID     string `json:"id"`
	State  string `json:"state"`
	Detail string `json:"detail,omitempty"`
}

// message is what a receiver is told. Its ID is the same at every attempt.
func (x *execution) message(s state.Step, to string) action.Message {
	n := Notice{
		Schema: "trailgate.alarm/1", Alarm: x.alarm.ID, Runbook: x.alarm.Runbook, Severity: x.alarm.Severity,
		Title: x.alarm.Title, Key: x.alarm.Key, State: x.alarm.State, Matches: x.alarm.Matches,
		Detected: x.alarm.EventTime, Fields: x.alarm.Fields, Run: NoticeRun{ID: x.run.ID, Mode: x.run.Mode},
	}
	for _, step := range x.run.Steps {
		n.Run.Steps = append(n.Run.Steps, NoticeStep{step.ID, step.State, step.Detail})
	}
	return action.Message{ID: x.run.ID + "." + s.ID + "." + to, Type: "alarm.opened", Time: x.alarm.EventTime, Data: n}
}

// collect keeps what an evidence step names. The events themselves are in the
// trail for good: what is kept of them is which they are.
func (x *execution) collect(ctx context.Context, s *state.Step) time.Duration {
	var said []string
	if s.With == nil {
		s.With = map[string]string{}
	}
	for what := range strings.SplitSeq(s.Text, ", ") {
		switch what {
		case "matches":
			sum := sha256.Sum256([]byte(strings.Join(x.alarm.EventIDs, "\n")))
			s.With["matches"] = strconv.Itoa(x.alarm.Matches)
			s.With["eventIdsSha256"] = hex.EncodeToString(sum[:])
			said = append(said, fmt.Sprintf("%d matches", x.alarm.Matches))
		case "recording":
			session := x.alarm.Fields["sessionId"]
			if session == "" || x.r.deps.Recordings == nil {
				said = append(said, "no recording")
				continue
			}
			waiting, cancel := context.WithTimeout(ctx, collectFor)
			kept, err := x.r.deps.Recordings.Evidence(waiting, session)
			cancel()
			if err != nil {
				if ctx.Err() != nil {
					return 0
				}
				return x.retry(ctx, s, "evidence", actionRetries, fmt.Errorf("recording of session %s: %w", session, err), 0)
			}
			s.With["recording"] = session
			said = append(said, kept)
		}
	}
	return x.over(ctx, s, "evidence", stepDone, strings.Join(said, "; "))
}
