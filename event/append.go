package event

import (
	"strconv"
	"unicode/utf8"
)

// JSON is written here by hand, for two reasons: a record is encoded before
// every act the gate allows, and encoding/json writes & < > as \u0026 and so
// on, which CloudTrail does not. A query for '%&&%' must find a command.

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Bytes that are not UTF-8 become
// U+FFFD, so the result is always valid JSON.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, n := utf8.DecodeRuneInString(s[i:])
			switch {
			case r == utf8.RuneError && n == 1:
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + n
			case r == '\u2028', r == '\u2029': // line ends to JavaScript
				b = append(append(b, s[start:i]...), `\u202`...)
				b = append(b, hexDigits[r&0xf])
				start = i + n
			}
			i += n
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\b':
			b = append(b, `\b`...)
		case '\f':
			b = append(b, `\f`...)
		case '\n':
			b = append(b, `\n`...)
		case '\r':
			b = append(b, `\r`...)
		case '\t':
			b = append(b, `\t`...)
		default:
			b = append(b, `\u00`...)
			b = append(b, hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// object appends members to a JSON object it opens at its first one.
type object struct {
	b    []byte
	open bool
}

// key appends a member's name; its value must follow.
func (o *object) key(name string) {
	if o.open {
		o.b = append(o.b, ',')
	} else {
		o.b = append(o.b, '{')
		o.open = true
	}
	o.b = append(o.b, '"')
	o.b = append(o.b, name...) // names are ours and need no escape
	o.b = append(o.b, '"', ':')
}

// text appends a member that is a string.
func (o *object) text(name, s string) {
	o.key(name)
	o.b = appendString(o.b, s)
}

// some appends a member that is a string, unless it is empty.
func (o *object) some(name, s string) {
	if s != "" {
		o.text(name, s)
	}
}

func (o *object) boolean(name string, v bool) {
	o.key(name)
	o.b = strconv.AppendBool(o.b, v)
}

// raw appends a member that is JSON already; nil is null.
func (o *object) raw(name string, j []byte) {
	o.key(name)
	if j == nil {
		o.b = append(o.b, "null"...)
	} else {
		o.b = append(o.b, j...)
	}
}

// close ends the object.
func (o *object) close() []byte {
	if !o.open {
		o.b = append(o.b, '{')
	}
	return append(o.b, '}')
}

// AppendJSON appends the record as one JSON object, in the key order of real
// CloudTrail files. The trail stores exactly these bytes.
func (r *Record) AppendJSON(b []byte) []byte {
	o := object{b: b}
	o.text("eventVersion", r.EventVersion)
	o.key("userIdentity")
	o.b = r.UserIdentity.append(o.b)
	o.key("eventTime")
	o.b = r.EventTime.append(o.b)
	o.text("eventSource", r.EventSource)
	o.text("eventName", r.EventName)
	o.text("awsRegion", r.AWSRegion)
	o.text("sourceIPAddress", r.SourceIPAddress)
	o.some("userAgent", r.UserAgent)
	o.some("errorCode", r.ErrorCode)
	o.some("errorMessage", r.ErrorMessage)
	o.raw("requestParameters", r.RequestParameters)
	o.raw("responseElements", r.ResponseElements)
	if len(r.AdditionalEventData) > 0 {
		o.raw("additionalEventData", r.AdditionalEventData)
	}
	o.some("requestID", r.RequestID)
	o.text("eventID", r.EventID)
	o.boolean("readOnly", r.ReadOnly)
	if len(r.Resources) > 0 {
		o.key("resources")
		o.b = append(o.b, '[')
		for i, res := range r.Resources {
			if i > 0 {
				o.b = append(o.b, ',')
			}
			o.b = res.append(o.b)
		}
		o.b = append(o.b, ']')
	}
	o.text("eventType", r.EventType)
	o.boolean("managementEvent", r.ManagementEvent)
	o.some("recipientAccountId", r.RecipientAccountID)
	if len(r.ServiceEventDetails) > 0 {
		o.raw("serviceEventDetails", r.ServiceEventDetails)
	}
	o.text("eventCategory", r.EventCategory)
	return o.close()
}

func (r Resource) append(b []byte) []byte {
	o := object{b: b}
	o.some("ARN", r.ARN)
	o.some("accountId", r.AccountID)
	o.some("type", r.Type)
	return o.close()
}

func (u UserIdentity) append(b []byte) []byte {
	o := object{b: b}
	o.text("type", u.Type)
	o.some("principalId", u.PrincipalID)
	o.some("arn", u.ARN)
	o.some("accountId", u.AccountID)
	o.some("accessKeyId", u.AccessKeyID)
	o.some("userName", u.UserName)
	if c := u.SessionContext; c != nil {
		o.key("sessionContext")
		o.b = c.append(o.b)
	}
	o.some("invokedBy", u.InvokedBy)
	return o.close()
}

func (c SessionContext) append(b []byte) []byte {
	o := object{b: b}
	if i := c.SessionIssuer; i != nil {
		o.key("sessionIssuer")
		in := object{b: o.b}
		in.some("type", i.Type)
		in.some("principalId", i.PrincipalID)
		in.some("arn", i.ARN)
		in.some("accountId", i.AccountID)
		in.some("userName", i.UserName)
		o.b = in.close()
	}
	if a := c.Attributes; a != nil {
		o.key("attributes")
		in := object{b: o.b}
		in.some("creationDate", a.CreationDate)
		in.some("mfaAuthenticated", a.MFAAuthenticated)
		o.b = in.close()
	}
	return o.close()
}
