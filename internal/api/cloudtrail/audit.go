package cloudtrail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailgate/trailgate/event"
)

// PutAuditEvents: events of others into the trail (CloudTrail User Guide,
// "CloudTrail Lake integrations event schema"). They are records like all the
// rest, with eventCategory ActivityAuditLog, and can never be taken for what
// the gate says of itself: an eventSource of ours or of AWS's is refused, and a
// userIdentity has no ARN.

const auditPath = "/PutAuditEvents"

const (
	maxAuditEvents = 100
	maxAuditBytes  = 1 << 20
	maxAuditRecord = 256_000
)

var (
	auditID    = regexp.MustCompile(`^[-_A-Za-z0-9]{1,128}$`)
	externalID = regexp.MustCompile(`^[\w+=,.@:/-]+$`)
)

type auditEvent struct {
	ID        string  `json:"id"`
	EventData *string `json:"eventData"`
	Checksum  string  `json:"eventDataChecksum"`
}

type putAuditEvents struct {
	AuditEvents []auditEvent `json:"auditEvents"`

	Channel    string `json:"-"`
	ExternalID string `json:"-"`
	accepted   int
	refused    int
}

func (in *putAuditEvents) event() event.Event {
	return event.PutAuditEvents{Channel: in.Channel, ExternalID: in.ExternalID, Events: len(in.AuditEvents), Accepted: in.accepted, Refused: in.refused}
}

type auditAnswer struct {
	Successful []auditPut    `json:"successful"`
	Failed     []auditFailed `json:"failed"`
}

type auditPut struct {
	ID      string `json:"id"`
	EventID string `json:"eventID"`
}

type auditFailed struct {
	ID    string `json:"id"`
	Code  string `json:"errorCode"`
	Error string `json:"errorMessage"`
}

// wrongEvent is why one event of a request is refused.
type wrongEvent struct{ code, text string }

func (e *wrongEvent) Error() string { return e.code + ": " + e.text }

func wrong(code, format string, args ...any) *wrongEvent {
	return &wrongEvent{code, fmt.Sprintf(format, args...)}
}

func (in *putAuditEvents) serve(ctx context.Context, c *call) (any, error) {
	if err := in.check(c); err != nil {
		return nil, err
	}
	out := auditAnswer{[]auditPut{}, []auditFailed{}}
	type ready struct {
		id  string
		rec event.Record
	}
	var records []ready
	for _, e := range in.AuditEvents {
		rec, err := c.s.auditRecord(c, in, e)
		if err != nil {
			out.Failed = append(out.Failed, auditFailed{e.ID, err.code, err.text})
			continue
		}
		records = append(records, ready{e.ID, rec})
	}
	in.accepted, in.refused = len(records), len(out.Failed)
	if err := c.record(ctx, in.event(), nil); err != nil {
		return nil, err
	}
	// A client that goes away leaves no half of what it was about to be told.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), readLimit)
	defer cancel()
	for _, r := range records {
		if _, err := c.s.Journal.Append(ctx, r.rec); err != nil {
			c.s.Log.Error("event from outside not recorded", "identity", c.who.Name(), "err", err)
			out.Failed = append(out.Failed, auditFailed{r.id, "InternalFailure", "The event could not be recorded. Send it again."})
			continue
		}
		out.Successful = append(out.Successful, auditPut{r.id, r.rec.EventID})
	}
	return out, nil
}

// check holds the request as a whole to the model.
func (in *putAuditEvents) check(c *call) error {
	switch {
	case in.Channel != c.s.channelARN() && !strings.EqualFold(in.Channel, c.s.StoreID):
		if !strings.HasPrefix(in.Channel, "arn:") && len(in.Channel) != 36 {
			return refuse("InvalidChannelARN", "%.200q is not the ARN or ID of a channel", in.Channel)
		}
		return refuse("ChannelNotFound", "There is no channel %.200q; the one here is %s", in.Channel, c.s.channelARN())
	case in.ExternalID != "" && (!externalID.MatchString(in.ExternalID) || len(in.ExternalID) < 2 || len(in.ExternalID) > 1224):
		return refuse("ValidationError", "externalId is not 2 to 1224 letters, digits and + = , . @ : / - _")
	case len(in.AuditEvents) == 0 || len(in.AuditEvents) > maxAuditEvents:
		return refuse("ValidationError", "auditEvents has %d items, not 1 to %d", len(in.AuditEvents), maxAuditEvents)
	case len(c.body) > maxAuditBytes:
		return errTooLarge
	}
	seen := map[string]bool{}
	for i, e := range in.AuditEvents {
		switch {
		case !auditID.MatchString(e.ID):
			return refuse("ValidationError", "the id of event %d is not 1 to 128 letters, digits, - and _", i+1)
		case e.EventData == nil:
			return refuse("ValidationError", "event %s has no eventData", e.ID)
		case seen[e.ID]:
			return refuse("DuplicatedAuditEventId", "Two or more entries in the request have the same event ID: %s", e.ID)
		}
		seen[e.ID] = true
	}
	return nil
}

// outsideEvent is eventData.
type outsideEvent struct {
	Version      string
	UserIdentity *struct {
		Type        string
		PrincipalID string `json:"principalId"`
		Details     json.RawMessage
	}
	UserAgent           string
	EventSource         string
	EventName           string
	EventTime           string
	UID                 string
	RequestParameters   json.RawMessage
	ResponseElements    json.RawMessage
	ErrorCode           string
	ErrorMessage        string
	SourceIPAddress     string
	RecipientAccountID  string `json:"recipientAccountId"`
	AdditionalEventData json.RawMessage
}

// auditRecord makes the record of one event from outside.
func (s *Server) auditRecord(c *call, in *putAuditEvents, e auditEvent) (event.Record, *wrongEvent) {
	if e.Checksum != "" {
		sum := sha256.Sum256([]byte(*e.EventData))
		if e.Checksum != base64.StdEncoding.EncodeToString(sum[:]) {
			return event.Record{}, wrong("InvalidChecksum", "eventDataChecksum is not the base64 of the SHA-256 of eventData")
		}
	}
	var d outsideEvent
	dec := json.NewDecoder(strings.NewReader(*e.EventData))
	if !utf8.ValidString(*e.EventData) || dec.Decode(&d) != nil {
		return event.Record{}, wrong("InvalidData", "eventData is not the JSON object of an event")
	}
	if _, err := dec.Token(); err != io.EOF {
		return event.Record{}, wrong("InvalidData", "eventData is more than one JSON object")
	}
	if err := s.checkOutside(&d); err != nil {
		return event.Record{}, err
	}
	at, err := outsideTime(d.EventTime)
	if err != nil {
		return event.Record{}, err
	}
	details, jsonErr := json.Marshal(struct {
		UID        string          `json:"UID"`
		Version    string          `json:"version"`
		Channel    string          `json:"channelARN"`
		ExternalID string          `json:"externalId,omitempty"`
		PutBy      string          `json:"putBy"`
		RequestID  string          `json:"requestID"`
		Identity   json.RawMessage `json:"userIdentityDetails,omitempty"`
	}{d.UID, d.Version, s.channelARN(), in.ExternalID, c.who.ARN(), c.requestID, present(d.UserIdentity.Details)})
	if jsonErr != nil {
		return event.Record{}, wrong("InvalidData", "userIdentity.details is not JSON")
	}
	rec := event.Record{
		EventVersion:        event.Version,
		UserIdentity:        event.UserIdentity{Type: d.UserIdentity.Type, PrincipalID: d.UserIdentity.PrincipalID},
		EventTime:           event.Time{Time: at},
		EventSource:         d.EventSource,
		EventName:           d.EventName,
		AWSRegion:           s.Origin.Region,
		SourceIPAddress:     d.SourceIPAddress,
		UserAgent:           d.UserAgent,
		ErrorCode:           d.ErrorCode,
		ErrorMessage:        d.ErrorMessage,
		RequestParameters:   objectOrNull(d.RequestParameters),
		ResponseElements:    objectOrNull(d.ResponseElements),
		AdditionalEventData: present(d.AdditionalEventData),
		EventID:             event.NewID(),
		EventType:           "ActivityLog",
		RecipientAccountID:  d.RecipientAccountID,
		ServiceEventDetails: details,
		EventCategory:       event.Audit,
	}
	if n := len(rec.AppendJSON(nil)); n > maxAuditRecord {
		return event.Record{}, wrong("FieldTooLong", "the event has %d bytes, more than %d", n, maxAuditRecord)
	}
	return rec, nil
}

// checkOutside holds an event to the schema's fields and limits.
func (s *Server) checkOutside(d *outsideEvent) *wrongEvent {
	if d.UserIdentity == nil {
		return wrong("FieldNotFound", "userIdentity is missing")
	}
	for _, f := range []struct {
		name, value string
		needed      bool
		most        int
	}{
		{"version", d.Version, true, 256},
		{"userIdentity.type", d.UserIdentity.Type, true, 128},
		{"userIdentity.principalId", d.UserIdentity.PrincipalID, true, 1024},
		{"userAgent", d.UserAgent, false, 1024},
		{"eventSource", d.EventSource, true, 1024},
		{"eventName", d.EventName, true, 1024},
		{"eventTime", d.EventTime, true, 64},
		{"UID", d.UID, true, 1024},
		{"errorCode", d.ErrorCode, false, 256},
		{"errorMessage", d.ErrorMessage, false, 256},
		{"recipientAccountId", d.RecipientAccountID, true, 64},
	} {
		if f.needed && strings.TrimSpace(f.value) == "" {
			return wrong("FieldNotFound", "%s is missing", f.name)
		}
		if len(f.value) > f.most {
			return wrong("FieldTooLong", "%s has %d bytes, more than %d", f.name, len(f.value), f.most)
		}
	}
	for _, f := range []struct {
		name  string
		value *json.RawMessage
		most  int
	}{
		{"requestParameters", &d.RequestParameters, 100 << 10},
		{"responseElements", &d.ResponseElements, 100 << 10},
		{"additionalEventData", &d.AdditionalEventData, 28 << 10},
		{"userIdentity.details", &d.UserIdentity.Details, 100 << 10},
	} {
		v := present(*f.value)
		if v != nil && v[0] != '{' {
			return wrong("InvalidData", "%s is not a JSON object", f.name)
		}
		var compact bytes.Buffer
		if v != nil && json.Compact(&compact, v) == nil { // one line, as every record
			*f.value = compact.Bytes()
		}
		if len(*f.value) > f.most {
			return wrong("FieldTooLong", "%s has %d bytes, more than %d", f.name, len(*f.value), f.most)
		}
	}
	if d.SourceIPAddress != "" {
		if _, err := netip.ParseAddr(d.SourceIPAddress); err != nil {
			return wrong("InvalidData", "sourceIPAddress %.100q is not an IP address", d.SourceIPAddress)
		}
	}
	if d.RecipientAccountID != s.Origin.AccountID {
		return wrong("InvalidRecipient", "recipientAccountId is not the account of the channel, %s", s.Origin.AccountID)
	}
	if s.ours(d.EventSource) {
		return wrong("InvalidEventSource", "eventSource %.200q is not one that events from outside may have", d.EventSource)
	}
	return nil
}

// ours says whether an event source is that of this installation or of an AWS
// service, however it is written: what is compared is what a person would take
// it for.
func (s *Server) ours(source string) bool {
	plain := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if r <= ' ' || r > '~' { // blanks and look-alikes are nobody's name
				return -1
			}
			return r
		}, s)
		return strings.Trim(strings.ToLower(s), ".")
	}
	name := plain(source)
	aws := slices.ContainsFunc([]string{"amazonaws.com", "amazonaws.com.cn", "aws.amazon.com"}, func(domain string) bool {
		return name == domain || strings.HasSuffix(name, "."+domain)
	})
	return aws || name == "" || name == plain(s.Origin.EventSource)
}

// outsideTime reads an eventTime: UTC, with or without the Z.
func outsideTime(text string) (time.Time, *wrongEvent) {
	for _, layout := range []string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04:05"} {
		if at, err := time.Parse(layout, text); err == nil && at.Year() >= 1970 && at.Year() <= 9999 {
			return at.UTC(), nil
		}
	}
	return time.Time{}, wrong("InvalidData", "eventTime %.100q is not yyyy-MM-DDTHH:mm:ss in UTC", text)
}

// present is a value that was given and is not null.
func present(v json.RawMessage) json.RawMessage {
	if t := bytes.TrimSpace(v); len(t) > 0 && !bytes.Equal(t, []byte("null")) {
		return t
	}
	return nil
}

func objectOrNull(v json.RawMessage) json.RawMessage {
	if v = present(v); v != nil {
		return v
	}
	return json.RawMessage("null")
}
