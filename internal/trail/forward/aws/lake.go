package aws

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/trailgate/trailgate/internal/trail/forward"
)

// The limits of PutAuditEvents. Source: CloudTrail Data API reference.
const (
	lakeEvents   = 100
	lakeBytes    = 1_000_000 // of events, which the API calls 1 MB
	lakeOverhead = 128       // an id, a checksum and their names
	lakeEvent    = 256 << 10
)

// Lake says which channel of CloudTrail Lake. Its region is in its ARN.
type Lake struct {
	Options
	Channel    string // ARN
	ExternalID string // what the channel's policy asks for; "" when it asks for none
}

type lake struct {
	o       Lake
	c       *client
	account string
}

// NewLake makes the sink of a channel.
func NewLake(ctx context.Context, o Lake) (forward.Sink, error) {
	p := strings.SplitN(o.Channel, ":", 6)
	if len(p) != 6 || p[0] != "arn" || p[2] != "cloudtrail" || !strings.HasPrefix(p[5], "channel/") {
		return nil, fmt.Errorf("%q is not the ARN of a CloudTrail channel", o.Channel)
	}
	o.Region = p[3]
	c, err := open(ctx, "cloudtrail-data", o.Options)
	if err != nil {
		return nil, err
	}
	return &lake{o, c, p[4]}, nil
}

func (s *lake) String() string { return "lake:" + s.o.Channel }
func (s *lake) Close() error   { return s.c.close() }

func (s *lake) Limits() forward.Limits {
	size := func(m forward.Message) int {
		data, err := auditEvent(m.JSON, s.account)
		if err != nil { // Send says so
			return len(m.JSON) + lakeOverhead
		}
		return quotedLen(data) + lakeOverhead
	}
	return forward.Limits{Events: lakeEvents, Bytes: lakeBytes, Size: size, Largest: lakeEvent * 2}
}

type lakeEntry struct {
	ID       string `json:"id"`
	Data     string `json:"eventData"`
	Checksum string `json:"eventDataChecksum"`
}

var lakeID = regexp.MustCompile(`^[-_A-Za-z0-9]{1,128}$`)

func (s *lake) Send(ctx context.Context, batch []forward.Message) (failed []forward.Failure, err error) {
	var entries []lakeEntry
	bySeq := map[string]uint64{}
	for _, m := range batch {
		data, err := auditEvent(m.JSON, s.account)
		if err != nil {
			failed = append(failed, forward.Failure{Seq: m.Seq, Final: true, Reason: err.Error()})
			continue
		}
		id := m.EventID
		if _, twice := bySeq[id]; twice || !lakeID.MatchString(id) {
			id = "seq-" + strconv.FormatUint(m.Seq, 10)
		}
		bySeq[id] = m.Seq
		sum := sha256.Sum256(data)
		entries = append(entries, lakeEntry{id, string(data), base64.StdEncoding.EncodeToString(sum[:])})
	}
	if len(entries) == 0 {
		return failed, nil
	}
	body, err := encode(map[string]any{"auditEvents": entries})
	if err != nil {
		return nil, err
	}
	query := url.Values{"channelArn": {s.o.Channel}}
	if s.o.ExternalID != "" {
		query.Set("externalId", s.o.ExternalID)
	}
	var answer struct {
		Successful []struct {
			ID string `json:"id"`
		} `json:"successful"`
		Failed []struct {
			ID      string `json:"id"`
			Code    string `json:"errorCode"`
			Message string `json:"errorMessage"`
		} `json:"failed"`
	}
	if err := s.c.call(ctx, request{path: "PutAuditEvents", query: query, body: body}, &answer); err != nil {
		return nil, batchError("PutAuditEvents", err)
	}
	for _, e := range answer.Successful {
		delete(bySeq, e.ID)
	}
	for _, e := range answer.Failed {
		seq, ok := bySeq[e.ID]
		if !ok {
			return nil, errors.New("PutAuditEvents: the answer names an event that was not sent")
		}
		delete(bySeq, e.ID)
		failed = append(failed, forward.Failure{Seq: seq, Reason: said(e.Code, e.Message), Final: slices.Contains(lakeFinal, e.Code)})
	}
	for _, seq := range bySeq {
		failed = append(failed, forward.Failure{Seq: seq, Reason: "PutAuditEvents: the answer does not name the event"})
	}
	return failed, nil
}

// lakeFinal are the errors about the event itself. InvalidRecipient,
// InvalidEventSource and AccountNotSubscribed are about the channel.
var lakeFinal = []string{"FieldTooLong", "FieldNotFound", "InvalidChecksum", "InvalidData"}

// quotedLen is how long data is as a JSON string.
func quotedLen(data []byte) int {
	n := len(data) + 2
	for _, c := range data {
		switch {
		case c == '"' || c == '\\':
			n++
		case c < ' ':
			n += 5
		}
	}
	return n
}
