package aws

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

// The limits of PutLogEvents. Source: CloudWatch Logs API reference,
// "PutLogEvents"; the size of a record is CloudTrail's own limit for it.
const (
	logsEvents   = 10_000
	logsBytes    = 1_048_576
	logsOverhead = 26 // bytes that each event counts beside its text
	logsRecord   = 256 << 10
	logsSpan     = 24 * time.Hour
	logsOld      = 14 * 24 * time.Hour
	logsNew      = 2 * time.Hour
)

// CloudWatch says which log stream.
type CloudWatch struct {
	Options
	Group  string
	Stream string
}

type cloudWatch struct {
	o CloudWatch
	c *client
}

// NewCloudWatch makes the sink of a log stream. The stream and its group are
// made when they are missing; a group's retention is nobody's business here.
func NewCloudWatch(ctx context.Context, o CloudWatch) (forward.Sink, error) {
	c, err := open(ctx, "logs", o.Options)
	if err != nil {
		return nil, err
	}
	return &cloudWatch{o, c}, nil
}

func (s *cloudWatch) String() string { return "cloudwatch://" + s.o.Group + " " + s.o.Stream }
func (s *cloudWatch) Close() error   { return s.c.close() }

func (s *cloudWatch) Limits() forward.Limits {
	size := func(m forward.Message) int { return len(m.JSON) + logsOverhead }
	return forward.Limits{Events: logsEvents, Bytes: logsBytes, Size: size, Largest: logsRecord + logsOverhead, Timeout: 2 * time.Minute}
}

// logEvent is one event as PutLogEvents has it.
type logEvent struct {
	Timestamp int64  `json:"timestamp"` // ms
	Message   string `json:"message"`
	seq       uint64
}

// Send writes the batch in the order of eventTime, in as many calls as there are
// stretches of 24 hours.
func (s *cloudWatch) Send(ctx context.Context, batch []forward.Message) (failed []forward.Failure, err error) {
	now := s.c.now().Add(s.c.skew)
	var events []logEvent
	for _, m := range batch {
		switch age := now.Sub(m.Time); {
		case age > logsOld:
			failed = append(failed, forward.Failure{Seq: m.Seq, Final: true, Reason: "CloudWatch Logs takes no event that is older than 14 days"})
		case -age > logsNew:
			failed = append(failed, forward.Failure{Seq: m.Seq, Final: true, Reason: "CloudWatch Logs takes no event that is more than 2 hours in the future"})
		default:
			events = append(events, logEvent{m.Time.UnixMilli(), string(m.JSON), m.Seq})
		}
	}
	slices.SortStableFunc(events, func(a, b logEvent) int { return int(a.Timestamp - b.Timestamp) })
	for sent := 0; sent < len(events); {
		day := events[sent:]
		if i := slices.IndexFunc(day, func(e logEvent) bool { return e.Timestamp-day[0].Timestamp >= logsSpan.Milliseconds() }); i > 0 {
			day = day[:i]
		}
		rejected, err := s.put(ctx, day)
		if err != nil && sent == 0 {
			return nil, err
		}
		if err != nil { // what went before has arrived
			for _, e := range events[sent:] {
				failed = append(failed, forward.Failure{Seq: e.seq, Reason: err.Error()})
			}
			return failed, nil
		}
		failed = append(failed, rejected...)
		sent += len(day)
	}
	return failed, nil
}

// put writes events of one day, making the stream when it is missing.
func (s *cloudWatch) put(ctx context.Context, events []logEvent) ([]forward.Failure, error) {
	body, err := encode(map[string]any{"logGroupName": s.o.Group, "logStreamName": s.o.Stream, "logEvents": events})
	if err != nil {
		return nil, err
	}
	req := request{target: "Logs_20140328.PutLogEvents", body: body}
	var answer struct {
		Rejected struct {
			TooNew  *int `json:"tooNewLogEventStartIndex"` // this one and all after it
			TooOld  *int `json:"tooOldLogEventEndIndex"`   // all before it
			Expired *int `json:"expiredLogEventEndIndex"`  // all before it
		} `json:"rejectedLogEventsInfo"`
	}
	err = s.c.call(ctx, req, &answer)
	if isCode(err, "ResourceNotFoundException") {
		if err := s.make(ctx); err != nil {
			return nil, err
		}
		err = s.c.call(ctx, req, &answer)
	}
	if err != nil {
		return nil, batchError("PutLogEvents to "+s.o.Group, err)
	}
	var failed []forward.Failure
	for i, e := range events {
		f := forward.Failure{Seq: e.seq, Final: true}
		switch r := answer.Rejected; {
		case r.TooOld != nil && i < *r.TooOld:
			f.Reason = "CloudWatch Logs: the event is too old"
		case r.Expired != nil && i < *r.Expired:
			f.Reason = "CloudWatch Logs: the event is older than the log group's retention"
		case r.TooNew != nil && i >= *r.TooNew:
			f.Reason = "CloudWatch Logs: the event is too far in the future"
		default:
			continue
		}
		failed = append(failed, f)
	}
	return failed, nil
}

// make makes the stream, and its group when that is missing too.
func (s *cloudWatch) make(ctx context.Context) error {
	stream := map[string]string{"logGroupName": s.o.Group, "logStreamName": s.o.Stream}
	err := s.create(ctx, "CreateLogStream", stream)
	if isCode(err, "ResourceNotFoundException") {
		if err := s.create(ctx, "CreateLogGroup", map[string]string{"logGroupName": s.o.Group}); err != nil {
			return err
		}
		err = s.create(ctx, "CreateLogStream", stream)
	}
	return err
}

func (s *cloudWatch) create(ctx context.Context, operation string, what map[string]string) error {
	body, err := encode(what)
	if err != nil {
		return err
	}
	err = s.c.call(ctx, request{target: "Logs_20140328." + operation, body: body}, nil)
	if err == nil || isCode(err, "ResourceAlreadyExistsException") {
		return nil
	}
	return fmt.Errorf("%s %s: %w", operation, s.o.Group, err) // not about the batch
}
