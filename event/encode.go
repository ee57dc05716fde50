package event

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// Event is one thing that happened or was refused. Its type's name is the
// eventName; see the package comment for the tags of its fields.
type Event interface {
	about() about
}

// about is what is fixed for all events of one type.
type about struct {
	Category string
	ReadOnly bool
}

// The families an event type embeds to say what kind of fact it is.
type (
	managementWrite struct{}
	managementRead  struct{}
	dataWrite       struct{}
	dataRead        struct{}
	insight         struct{}
)

func (managementWrite) about() about { return about{Management, false} }
func (managementRead) about() about  { return about{Management, true} }
func (dataWrite) about() about       { return about{Data, false} }
func (dataRead) about() about        { return about{Data, true} }
func (insight) about() about         { return about{Insight, false} }

// Origin is what every record of one installation shares.
type Origin struct {
	EventSource string // DNS name, e.g. ssh-proxy-service.yourdomain.com
	Region      string // e.g. us-east-1
	AccountID   string // 12 digits
}

// Session is what every event inside a session carries.
type Session struct {
	ID     string
	Target string
	Login  string
	MFA    bool // whether a second factor was proven for this session
}

// Meta says who did it, from where, and what came of it.
type Meta struct {
	Time         time.Time
	Identity     UserIdentity
	SourceIP     string   // address without port, or the installation's event source for its own acts
	UserAgent    string   // the client's SSH version string
	ConnectionID string   // becomes requestID; empty outside a connection
	Session      *Session // nil outside a session
	ErrorCode    string   // empty on success
	ErrorMessage string
}

// Limits of CloudTrail: longer text is cut, larger objects are left out.
// Source: CloudTrail User Guide, "CloudTrail record contents".
const (
	maxText   = 1 << 10
	maxObject = 100 << 10
)

// Record makes the CloudTrail record of e. Its eventID is a new UUIDv7, so IDs
// sort by time.
func (o Origin) Record(m Meta, e Event) Record {
	a := e.about()
	rec := Record{
		EventVersion:       Version,
		UserIdentity:       m.Identity,
		EventTime:          Time{m.Time.UTC()},
		EventSource:        o.EventSource,
		EventName:          Name(e),
		AWSRegion:          o.Region,
		SourceIPAddress:    m.SourceIP,
		UserAgent:          cut(m.UserAgent),
		ErrorCode:          m.ErrorCode,
		ErrorMessage:       cut(m.ErrorMessage),
		RequestID:          m.ConnectionID,
		EventID:            NewID(),
		ReadOnly:           a.ReadOnly,
		EventType:          "ActivityLog",
		ManagementEvent:    a.Category == Management,
		RecipientAccountID: o.AccountID,
		EventCategory:      a.Category,
	}
	enc := encode(e, m.Session)
	rec.RequestParameters = orNull(enc.request)
	rec.ResponseElements = orNull(enc.response)
	rec.ServiceEventDetails = enc.details
	if m.Session != nil {
		if m.Session.MFA {
			rec.AdditionalEventData = json.RawMessage(`{"MFAAuthenticated":"True"}`)
		} else {
			rec.AdditionalEventData = json.RawMessage(`{"MFAAuthenticated":"False"}`)
		}
	}
	return rec
}

// Name is the eventName of e.
func Name(e Event) string { return reflect.Indirect(reflect.ValueOf(e)).Type().Name() }

// NewID returns a UUIDv7 as text.
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic(fmt.Sprintf("event: the system's random source failed: %v", err))
	}
	return id.String()
}

func orNull(b json.RawMessage) json.RawMessage {
	if b == nil {
		return json.RawMessage("null")
	}
	return b
}

// cut shortens s to CloudTrail's text limit without splitting a character.
func cut(s string) string {
	if len(s) <= maxText {
		return s
	}
	s = s[:maxText]
	for len(s) > 0 && !utf8.RuneStart(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	if r, n := utf8.DecodeLastRuneInString(s); r == utf8.RuneError && n == 1 {
		s = s[:len(s)-1]
	}
	return s
}

// part is one of a record's three objects.
type part int

const (
	inRequest part = iota
	inResponse
	inDetails
	parts
)

// partTags are the struct tags that send a field to a part.
var partTags = [parts]string{"request", "response", "details"}

type field struct {
	index int
	part  part
	key   []byte // `"name":`
}

var plans sync.Map // reflect.Type -> []field

func planOf(t reflect.Type) []field {
	if p, ok := plans.Load(t); ok {
		return p.([]field)
	}
	var p []field
	for i := range t.NumField() {
		for to, tag := range partTags {
			if name := t.Field(i).Tag.Get(tag); name != "" {
				p = append(p, field{i, part(to), []byte(`"` + name + `":`)})
			}
		}
	}
	plans.Store(t, p)
	return p
}

type encoded struct{ request, response, details json.RawMessage }

// encode writes the tagged fields of e; zero values are left out, except in
// booleans and numbers behind pointers. A session's fields come first in the
// request.
func encode(e Event, s *Session) encoded {
	v := reflect.Indirect(reflect.ValueOf(e))
	var bufs [parts]bytes.Buffer
	add := func(p part, key []byte, val any) {
		b := &bufs[p]
		if b.Len() == 0 {
			b.WriteByte('{')
		} else {
			b.WriteByte(',')
		}
		b.Write(key)
		text, err := json.Marshal(val)
		if err != nil {
			panic(fmt.Sprintf("event: field %s of %s cannot be JSON: %v", key, v.Type().Name(), err))
		}
		b.Write(text)
	}
	if s != nil {
		add(inRequest, []byte(`"sessionId":`), s.ID)
		add(inRequest, []byte(`"target":`), s.Target)
		add(inRequest, []byte(`"login":`), s.Login)
	}
	for _, f := range planOf(v.Type()) {
		if fv := v.Field(f.index); !fv.IsZero() {
			add(f.part, f.key, fv.Interface())
		}
	}
	done := func(p part) json.RawMessage {
		b := &bufs[p]
		if b.Len() == 0 {
			return nil
		}
		b.WriteByte('}')
		if b.Len() > maxObject {
			return json.RawMessage(`{"omitted":"larger than 100 KB"}`)
		}
		return slices.Clone(b.Bytes())
	}
	return encoded{done(inRequest), done(inResponse), done(inDetails)}
}
