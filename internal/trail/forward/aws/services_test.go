package aws

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

func TestGroupAndStreamAreMadeWhenMissing(t *testing.T) {
	for _, c := range []struct {
		name          string
		group, stream bool
		want          []string
	}{
		{"both missing", false, false, []string{"PutLogEvents", "CreateLogStream", "CreateLogGroup", "CreateLogStream", "PutLogEvents", "PutLogEvents"}},
		{"no stream", true, false, []string{"PutLogEvents", "CreateLogStream", "PutLogEvents", "PutLogEvents"}},
		{"both there", true, true, []string{"PutLogEvents", "PutLogEvents"}},
	} {
		f := cloudWatchAt(t)
		f.group, f.stream = c.group, c.stream
		s := f.Sink(t)
		mustSend(t, s, one())
		mustSend(t, s, one())
		var got []string
		for _, call := range f.calls {
			got = append(got, strings.TrimPrefix(call, "Logs_20140328."))
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s: %s", c.name, d)
		}
	}
}

// TestLogEventsOutOfTime: what CloudWatch Logs would not take is refused with the
// reason, and the rest arrives in order of time, a day a call.
func TestLogEventsOutOfTime(t *testing.T) {
	f := cloudWatchAt(t)
	now := time.Now().Truncate(time.Second)
	at := func(seq uint64, ago time.Duration) forward.Message {
		return message(seq, now.Add(-ago), fmt.Sprintf(`{"eventID":"e-%d"}`, seq))
	}
	failed, err := f.Sink(t).Send(t.Context(), []forward.Message{
		at(1, 15*24*time.Hour), at(2, time.Hour), at(3, 3*24*time.Hour), at(4, 3*24*time.Hour+time.Minute), at(5, -3*time.Hour), at(6, 2*24*time.Hour), at(7, -time.Hour),
		at(8, 13*24*time.Hour),
	})
	if err != nil {
		t.Fatal(err)
	}
	var refused []uint64
	for _, f := range failed {
		if !f.Final || f.Reason == "" {
			t.Errorf("%+v", f)
		}
		refused = append(refused, f.Seq)
	}
	if d := cmp.Diff([]uint64{1, 5}, refused); d != "" {
		t.Errorf("refused: %s", d)
	}
	var order []string
	for _, r := range f.receipts {
		order = append(order, r.EventID)
	}
	if d := cmp.Diff([]string{"e-8", "e-4", "e-3", "e-6", "e-2", "e-7"}, order); d != "" {
		t.Errorf("arrived: %s", d)
	}
	if len(f.bodies) != 4 {
		t.Errorf("%d calls took them, want 4: days 13, 3, 2 (less than 24 h after, but for a minute) and today", len(f.bodies))
	}
}

// TestLogEventsAWSRejects: AWS's clock decides, and a group may keep less.
func TestLogEventsAWSRejects(t *testing.T) {
	f := answers(t, 200, nil, `{"rejectedLogEventsInfo":{"tooNewLogEventStartIndex":4,"tooOldLogEventEndIndex":1,"expiredLogEventEndIndex":2}}`)
	f.open = cloudWatchAt(t).open
	var batch []forward.Message
	for i := range uint64(6) {
		batch = append(batch, message(i+1, time.Now().Add(time.Duration(i)*time.Second), `{}`))
	}
	failed, err := f.Sink(t).Send(t.Context(), batch)
	if err != nil {
		t.Fatal(err)
	}
	want := map[uint64]string{1: "too old", 2: "retention", 5: "future", 6: "future"}
	for _, f := range failed {
		if !f.Final || want[f.Seq] == "" || !strings.Contains(f.Reason, want[f.Seq]) {
			t.Errorf("%+v, want %q", f, want[f.Seq])
		}
		delete(want, f.Seq)
	}
	if len(want) > 0 {
		t.Errorf("not refused: %v", want)
	}
}

// TestWhatADayTookIsNotSentAgain: of a batch over several days the first call
// succeeds and the second fails.
func TestWhatADayTookIsNotSentAgain(t *testing.T) {
	f := cloudWatchAt(t)
	f.group, f.stream = true, true
	taken := f.Sink(t)
	now := time.Now()
	old, recent := message(1, now.Add(-50*time.Hour), `{"eventID":"e-1"}`), message(2, now, `{"eventID":"e-2"}`)
	s := taken.(*cloudWatch)
	base := s.c.http.Transport
	s.c.http.Transport = failAfter{base, new(int), 1}
	failed, err := taken.Send(t.Context(), []forward.Message{old, recent})
	if err != nil || len(failed) != 1 || failed[0].Seq != 2 || failed[0].Final {
		t.Errorf("Send = %v, %v; want event 2 to be sent again", failed, err)
	}
}

// TestLimitsHold: the largest batch that a sink's limits allow is one that AWS takes.
func TestLimitsHold(t *testing.T) {
	everywhere(t, func(t *testing.T, f *far) {
		s := f.Sink(t)
		l := s.Limits()
		f.mu.Lock()
		f.group, f.stream = true, true
		f.mu.Unlock()
		for name, text := range map[string]string{"large": strings.Repeat(`x`, 40_000), "small": "", "quotes": strings.Repeat(`\"`, 15_000)} {
			var batch []forward.Message
			size := 0
			for seq := uint64(1); len(batch) < l.Events; seq++ {
				m := message(seq, time.Now(), fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","principalId":"AIDA"},"eventTime":"2026-11-20T09:00:00Z","eventSource":"ssh.example","eventName":"Login","eventID":"e-%d","requestParameters":{"command":"%s"}}`, seq, text))
				n := l.Size(m)
				if size += n; size > l.Bytes {
					break
				}
				if l.Largest > 0 && n > l.Largest {
					t.Fatalf("%s: a message of %d bytes is over the limit", name, n)
				}
				batch = append(batch, m)
			}
			if failed, err := s.Send(t.Context(), batch); err != nil || len(failed) > 0 {
				t.Errorf("%s: a batch of %d messages and %d bytes: %v, %v", name, len(batch), size, failed, err)
			}
		}
	})
}

func TestWhatABusGets(t *testing.T) {
	f := eventBridgeAt(t)
	m := one()
	mustSend(t, f.Sink(t), m)
	var got, want any
	if err := json.Unmarshal(f.bodies[0], &got); err != nil {
		t.Fatal(err)
	}
	detail, _ := json.Marshal(string(m.JSON))
	if err := json.Unmarshal(fmt.Appendf(nil, `{"Entries":[{"Time":%d,"Source":"trailgate.ssh","DetailType":"SSH Session Event via Trailgate","Detail":%s,"EventBusName":"default"}]}`, m.Time.Unix(), detail), &want); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestErrorsOfSingleEvents(t *testing.T) {
	for _, c := range []struct {
		name  string
		open  func(testing.TB) *far
		body  string
		final bool
	}{
		{"throttled", eventBridgeAt, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"ThrottlingException","ErrorMessage":"later"}]}`, false},
		{"not allowed, which a policy can mend", eventBridgeAt, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"NotAuthorizedForSourceException"}]}`, false},
		{"malformed", eventBridgeAt, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"MalformedDetail"}]}`, true},
		{"throttled", lakeAt, `{"successful":[],"failed":[{"id":"e-1","errorCode":"Throttling"}]}`, false},
		{"the channel's owner is another", lakeAt, `{"failed":[{"id":"e-1","errorCode":"InvalidRecipient"}]}`, false},
		{"too long", lakeAt, `{"failed":[{"id":"e-1","errorCode":"FieldTooLong"}]}`, true},
		{"forgotten", lakeAt, `{"successful":[],"failed":[]}`, false},
	} {
		f := answers(t, 200, nil, c.body)
		f.open = c.open(t).open
		failed, err := f.Sink(t).Send(t.Context(), []forward.Message{one()})
		if err != nil || len(failed) != 1 || failed[0].Seq != 1 || failed[0].Final != c.final || failed[0].Reason == "" {
			t.Errorf("%s: Send = %v, %v; want one failure, final %t", c.name, failed, err, c.final)
		}
	}
	for name, f := range map[string]*far{
		"fewer answers than events":  {answers(t, 200, nil, `{"Entries":[]}`).amazon, eventBridgeAt(t).open},
		"an event that was not sent": {answers(t, 200, nil, `{"failed":[{"id":"other","errorCode":"InvalidData"}]}`).amazon, lakeAt(t).open},
	} {
		if failed, err := f.Sink(t).Send(t.Context(), []forward.Message{one()}); err == nil {
			t.Errorf("%s: Send = %v, want an error: it is not known what arrived", name, failed)
		}
	}
}

// TestTwoEventsOfOneName: ids in a request are unique even when eventIDs are not.
func TestTwoEventsOfOneName(t *testing.T) {
	f := lakeAt(t)
	a, b, c := one(), one(), one()
	b.Seq, c.Seq, c.EventID = 2, 3, "not an id: "+strings.Repeat("x", 200)
	mustSend(t, f.Sink(t), a, b, c)
	if got := len(f.receipts); got != 3 {
		t.Errorf("%d events arrived, want 3", got)
	}
	if failed, err := f.Sink(t).Send(t.Context(), []forward.Message{message(9, time.Now(), `{"eventName":"x"}`), a}); err != nil || len(failed) != 1 || !failed[0].Final || failed[0].Seq != 9 {
		t.Errorf("a record without what Lake needs: %v, %v; want it refused and the other sent", failed, err)
	}
	if !slices.Contains(f.calls, "/PutAuditEvents") {
		t.Error("nothing was called")
	}
}
