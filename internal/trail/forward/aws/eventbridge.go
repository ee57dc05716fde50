package aws

import (
	"context"
	"fmt"
	"slices"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

// The limits of PutEvents. Source: EventBridge API reference, "PutEvents".
const (
	busEvents   = 10
	busBytes    = 256 << 10
	busOverhead = 14 // bytes that an entry's time counts
)

// What rules for Trailgate's events match. Sources that begin with aws. are
// AWS's own.
const (
	busSource = "trailgate.ssh"
	busDetail = "SSH Session Event via Trailgate"
)

// EventBridge says which bus.
type EventBridge struct {
	Options
	Bus string // its name
}

type eventBridge struct {
	o EventBridge
	c *client
}

// NewEventBridge makes the sink of an event bus.
func NewEventBridge(ctx context.Context, o EventBridge) (forward.Sink, error) {
	c, err := open(ctx, "events", o.Options)
	if err != nil {
		return nil, err
	}
	return &eventBridge{o, c}, nil
}

func (s *eventBridge) String() string { return "eventbridge://" + s.o.Bus }
func (s *eventBridge) Close() error   { return s.c.close() }

func (s *eventBridge) Limits() forward.Limits {
	size := func(m forward.Message) int { return busOverhead + len(busSource) + len(busDetail) + len(m.JSON) }
	return forward.Limits{Events: busEvents, Bytes: busBytes, Size: size}
}

type busEntry struct {
	Time   int64 // s
	Source string
	Type   string `json:"DetailType"`
	Detail string
	Bus    string `json:"EventBusName"`
}

func (s *eventBridge) Send(ctx context.Context, batch []forward.Message) (failed []forward.Failure, err error) {
	entries := make([]busEntry, len(batch))
	for i, m := range batch {
		entries[i] = busEntry{m.Time.Unix(), busSource, busDetail, string(m.JSON), s.o.Bus}
	}
	body, err := encode(map[string]any{"Entries": entries})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Entries []struct{ ErrorCode, ErrorMessage string }
	}
	if err := s.c.call(ctx, request{target: "AWSEvents.PutEvents", body: body}, &answer); err != nil {
		return nil, batchError("PutEvents to "+s.o.Bus, err)
	}
	if len(answer.Entries) != len(batch) { // then it is not known what arrived
		return nil, fmt.Errorf("PutEvents to %s: %d answers to %d events", s.o.Bus, len(answer.Entries), len(batch))
	}
	for i, e := range answer.Entries {
		if e.ErrorCode != "" {
			failed = append(failed, forward.Failure{Seq: batch[i].Seq, Reason: said(e.ErrorCode, e.ErrorMessage),
				Final: slices.Contains([]string{"MalformedDetail", "InvalidArgument"}, e.ErrorCode)})
		}
	}
	return failed, nil
}

// said is an error of one event as a sentence.
func said(code, message string) string {
	return (&apiError{Code: code, Message: cut(message, 500)}).Error()
}
