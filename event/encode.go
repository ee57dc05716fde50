package event

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
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

// Limits of CloudTrail: longer text is cut, larger objects lose their content.
// Source: CloudTrail User Guide, "CloudTrail record contents".
const (
	maxText   = 1 << 10
	maxObject = 100 << 10
)

// eventType is the same for everything written here: CloudTrail's type for
// activity outside AWS.
const eventType = "ActivityLog"

// What additionalEventData says, and all it ever says: queries compare it whole.
var (
	withMFA    = json.RawMessage(`{"MFAAuthenticated":"True"}`)
	withoutMFA = json.RawMessage(`{"MFAAuthenticated":"False"}`)
)

// Record makes the CloudTrail record of e. Its eventID is a new UUIDv7, so IDs
// sort by time.
func (o Origin) Record(m Meta, e Event) Record {
	a := e.about()
	p, v := planOf(e)
	enc := p.encode(v, m.Session, m.ErrorCode != "")
	rec := Record{
		EventVersion:        Version,
		UserIdentity:        m.Identity,
		EventTime:           Time{m.Time.UTC()},
		EventSource:         o.EventSource,
		EventName:           p.name,
		AWSRegion:           o.Region,
		SourceIPAddress:     m.SourceIP,
		UserAgent:           cut(m.UserAgent),
		ErrorCode:           m.ErrorCode,
		RequestParameters:   orNull(enc[inRequest]),
		ResponseElements:    orNull(enc[inResponse]),
		RequestID:           m.ConnectionID,
		EventID:             NewID(),
		ReadOnly:            a.ReadOnly,
		EventType:           eventType,
		ManagementEvent:     a.Category == Management,
		RecipientAccountID:  o.AccountID,
		ServiceEventDetails: enc[inDetails],
		EventCategory:       a.Category,
	}
	if m.ErrorCode != "" {
		rec.ErrorMessage = cut(m.ErrorMessage)
	}
	if m.Session != nil {
		rec.AdditionalEventData = withoutMFA
		if m.Session.MFA {
			rec.AdditionalEventData = withMFA
		}
	}
	return rec
}

// Name is the eventName of e.
func Name(e Event) string {
	p, _ := planOf(e)
	return p.name
}

// NewID returns a UUIDv7 as text, greater than any returned before.
func NewID() string {
	id, err := uuid.NewV7()
	if err != nil {
		panic(fmt.Sprintf("event: the system's random source failed: %v", err))
	}
	return id.String()
}

// NameID is a UUID made of a name, always the same for it (version 5, RFC 9562
// §5.5, in the name space of URLs).
func NameID(name string) string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String() }

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
	n := maxText
	for n > maxText-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
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

// plan says how the events of one type are written.
type plan struct {
	name   string
	fields []field
}

type field struct {
	index   int
	part    part
	name    string
	session bool // a session writes this one, when there is one
}

var plans sync.Map // reflect.Type -> *plan

func planOf(e Event) (*plan, reflect.Value) {
	v := reflect.Indirect(reflect.ValueOf(e))
	t := v.Type()
	if p, ok := plans.Load(t); ok {
		return p.(*plan), v
	}
	p := &plan{name: t.Name()}
	for i := range t.NumField() {
		for to, tag := range partTags {
			if name := t.Field(i).Tag.Get(tag); name != "" {
				p.fields = append(p.fields, field{i, part(to), name,
					part(to) == inRequest && (name == "sessionId" || name == "target" || name == "login")})
			}
		}
	}
	plans.Store(t, p)
	return p, v
}

// encode writes the tagged fields of v, by these rules:
//
//   - a session's fields come first in the request, and stand for the event's
//     own of the same name;
//   - empty text, lists and maps, and nil pointers, are left out;
//   - numbers and booleans are always there, but a refusal has no zeros in its
//     response: nothing came of it;
//   - an object over the limit has its texts cut and says so.
func (p *plan) encode(v reflect.Value, s *Session, refused bool) (enc [parts]json.RawMessage) {
	for to := range enc {
		var o object
		p.write(&o, part(to), v, s, refused, false)
		if len(o.b) >= maxObject {
			o = object{}
			p.write(&o, part(to), v, s, refused, true)
			o.text("omitted", "larger than 100 KB")
		}
		if o.open {
			enc[to] = o.close()
		}
	}
	return enc
}

func (p *plan) write(o *object, to part, v reflect.Value, s *Session, refused, small bool) {
	session := s != nil && to == inRequest
	if session {
		o.text("sessionId", s.ID)
		o.text("target", s.Target)
		o.text("login", s.Login)
	}
	for _, f := range p.fields {
		if f.part != to || session && f.session {
			continue
		}
		fv := v.Field(f.index)
		if fv.IsZero() && (refused && to == inResponse || !plain(fv.Kind())) {
			continue
		}
		appendValue(o, f.name, fv, small)
	}
}

func plain(k reflect.Kind) bool { return k == reflect.Bool || k == reflect.Int || k == reflect.Int64 }

// appendValue appends a field; small keeps it short whatever it holds.
func appendValue(o *object, name string, v reflect.Value, small bool) {
	switch v.Kind() {
	case reflect.String:
		s := v.String()
		if small {
			s = cut(s)
		}
		o.text(name, s)
	case reflect.Bool:
		o.boolean(name, v.Bool())
	case reflect.Int, reflect.Int64:
		o.key(name)
		o.b = strconv.AppendInt(o.b, v.Int(), 10)
	case reflect.Pointer:
		appendValue(o, name, v.Elem(), small)
	case reflect.Slice, reflect.Map:
		if v.Len() == 0 || small {
			return
		}
		o.key(name)
		o.b = appendList(o.b, v.Interface())
	default:
		panic(fmt.Sprintf("event: field %s is a %s, which no event may hold", name, v.Type()))
	}
}

// appendList appends the composites an event may hold.
func appendList(b []byte, v any) []byte {
	switch v := v.(type) {
	case []string:
		b = append(b, '[')
		for i, s := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendString(b, s)
		}
		return append(b, ']')
	case []map[string]string:
		b = append(b, '[')
		for i, m := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendList(b, m)
		}
		return append(b, ']')
	case map[string]string:
		b = append(b, '{')
		for i, k := range slices.Sorted(maps.Keys(v)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendString(b, k), ':')
			b = appendString(b, v[k])
		}
		return append(b, '}')
	default:
		panic(fmt.Sprintf("event: no event may hold a %T", v))
	}
}
