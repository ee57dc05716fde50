package sqlfront

import (
	"fmt"
	"time"
)

// Flat is one row of CloudTrailLogs: a CloudTrail record with its nested
// objects as text, and the columns people ask for most beside them. Fields are
// in the table's column order and carry the table's column names in their
// parquet tags; [CloudTrailCatalog] is the same list for the front end.
// Those with few different values in a row group are marked dict: their file is
// smaller, and an engine compares each value once.
//
// Every column may be NULL, which is a nil pointer (a nil slice for Resources).
// An empty string is an empty string. The strings of one row share its
// EventJSON's memory: keep the row or nothing of it.
type Flat struct {
	EventVersion        *string       `parquet:"eventVersion,dict"`
	UserIdentity        *UserIdentity `parquet:"userIdentity"`
	EventTime           *time.Time    `parquet:"eventTime,timestamp(microsecond:local)"` // UTC
	EventSource         *string       `parquet:"eventSource,dict"`
	EventName           *string       `parquet:"eventName,dict"`
	AWSRegion           *string       `parquet:"awsRegion,dict"`
	SourceIPAddress     *string       `parquet:"sourceIPAddress,dict"`
	UserAgent           *string       `parquet:"userAgent,dict"`
	ErrorCode           *string       `parquet:"errorCode,dict"`
	ErrorMessage        *string       `parquet:"errorMessage,dict"`
	RequestParameters   *string       `parquet:"requestParameters"`   // JSON text
	ResponseElements    *string       `parquet:"responseElements"`    // JSON text
	AdditionalEventData *string       `parquet:"additionalEventData"` // k=v joined by ", " in key order
	RequestID           *string       `parquet:"requestID"`
	EventID             *string       `parquet:"eventID"`
	ReadOnly            *bool         `parquet:"readOnly"`
	Resources           []Resource    `parquet:"resources,optional,list"`
	EventType           *string       `parquet:"eventType,dict"`
	ManagementEvent     *bool         `parquet:"managementEvent"`
	RecipientAccountID  *string       `parquet:"recipientAccountId,dict"`
	ServiceEventDetails *string       `parquet:"serviceEventDetails"` // JSON text
	EventCategory       *string       `parquet:"eventCategory,dict"`
	UserName            *string       `parquet:"userName,dict"` // userIdentity.userName
	UserARN             *string       `parquet:"userArn,dict"`  // userIdentity.arn
	SessionID           *string       `parquet:"sessionId"`     // these three from requestParameters
	Target              *string       `parquet:"target,dict"`
	Login               *string       `parquet:"login,dict"`
	MFAAuthenticated    *string       `parquet:"mfaAuthenticated,dict"`                   // "true" or "false"
	EventJSON           *string       `parquet:"eventJson"`                               // the record as it is in the trail
	AppendTime          *time.Time    `parquet:"appendTime,timestamp(microsecond:local)"` // UTC
	Seq                 *int64        `parquet:"seq"`
}

// UserIdentity is the column userIdentity.
type UserIdentity struct {
	Type           *string         `parquet:"type,dict"`
	PrincipalID    *string         `parquet:"principalId,dict"`
	ARN            *string         `parquet:"arn,dict"`
	AccountID      *string         `parquet:"accountId,dict"`
	AccessKeyID    *string         `parquet:"accessKeyId,dict"`
	UserName       *string         `parquet:"userName,dict"`
	SessionContext *SessionContext `parquet:"sessionContext"`
	InvokedBy      *string         `parquet:"invokedBy,dict"`
}

// SessionContext is userIdentity.sessionContext.
type SessionContext struct {
	SessionIssuer *SessionIssuer     `parquet:"sessionIssuer"`
	Attributes    *SessionAttributes `parquet:"attributes"`
}

// SessionIssuer is userIdentity.sessionContext.sessionIssuer.
type SessionIssuer struct {
	Type        *string `parquet:"type,dict"`
	PrincipalID *string `parquet:"principalId,dict"`
	ARN         *string `parquet:"arn,dict"`
	AccountID   *string `parquet:"accountId,dict"`
	UserName    *string `parquet:"userName,dict"`
}

// SessionAttributes is userIdentity.sessionContext.attributes.
type SessionAttributes struct {
	CreationDate     *string `parquet:"creationDate,dict"`
	MFAAuthenticated *string `parquet:"mfaAuthenticated,dict"`
}

// Resource is one element of the column resources.
type Resource struct {
	ARN       *string `parquet:"ARN,dict"`
	AccountID *string `parquet:"accountId,dict"`
	Type      *string `parquet:"type,dict"`
}

// Flatten makes the row of one record. The record must be a JSON object;
// within it anything goes: a missing or null member is NULL, a number or
// object where text belongs is its JSON text, text where an object belongs
// (AWS does that) stays text, and a time that cannot be read is NULL. Bytes that are not UTF-8 become
// U+FFFD, since no engine takes them. A seq of 0 and a zero appendTime are
// NULL.
func Flatten(json []byte, seq uint64, appendTime time.Time) (Flat, error) {
	text := validUTF8(json)
	if err := checkJSON(text); err != nil {
		return Flat{}, fmt.Errorf("flatten record %d: %w", seq, err)
	}
	if kindOf(text) != '{' {
		return Flat{}, fmt.Errorf("flatten record %d: it is not a JSON object", seq)
	}
	return flatten(text, seq, appendTime), nil
}

// flatten makes the row of an object that was checked.
func flatten(text string, seq uint64, appendTime time.Time) Flat {
	r := &rowStore{}
	f := Flat{EventJSON: r.keep(text)}
	if seq != 0 {
		r.seq = int64(seq)
		f.Seq = &r.seq
	}
	if !appendTime.IsZero() {
		r.appended = appendTime.UTC().Truncate(time.Microsecond)
		f.AppendTime = &r.appended
	}
	r.fill(&f, text)
	if f.EventCategory != nil && *f.EventCategory == outside {
		f.SessionID, f.Target, f.Login = nil, nil, nil
	}
	return f
}

// outside is the eventCategory of events that others told (PutAuditEvents).
// What they call a session or a target is none of ours: a runbook must not end
// a session because somebody wrote its ID.
const outside = "ActivityAuditLog"

// rowStore is the memory one row's pointers point into: one allocation a row.
type rowStore struct {
	texts    [52]string
	used     int
	bools    [2]bool
	times    time.Time
	appended time.Time
	seq      int64
	identity UserIdentity
	context  SessionContext
	issuer   SessionIssuer
	attrs    SessionAttributes
}

func (r *rowStore) keep(s string) *string {
	if r.used == len(r.texts) { // a record that repeats its members
		kept := s // its own variable: s itself would go to the heap in every call
		return &kept
	}
	p := &r.texts[r.used]
	*p = s
	r.used++
	return p
}

// text is a value as a varchar: strings unquoted, null as NULL, anything else
// as its JSON text.
func (r *rowStore) text(v string) *string {
	switch kindOf(v) {
	case 'n':
		return nil
	case '"':
		return r.keep(unquoteJSON(v))
	default:
		return r.keep(v)
	}
}

// boolean is a value as a boolean; the words in quotes count too.
func (r *rowStore) boolean(slot int, v string) *bool {
	switch v {
	case "true", `"true"`:
		r.bools[slot] = true
	case "false", `"false"`:
		r.bools[slot] = false
	default:
		return nil
	}
	return &r.bools[slot]
}

func (r *rowStore) fill(f *Flat, text string) {
	var additional string
	for m := members(text); m.next(); {
		key, v := m.key, m.value
		switch key {
		case "eventVersion":
			f.EventVersion = r.text(v)
		case "userIdentity":
			f.UserIdentity = r.userIdentity(v)
		case "eventTime":
			f.EventTime = r.eventTime(v)
		case "eventSource":
			f.EventSource = r.text(v)
		case "eventName":
			f.EventName = r.text(v)
		case "awsRegion":
			f.AWSRegion = r.text(v)
		case "sourceIPAddress":
			f.SourceIPAddress = r.text(v)
		case "userAgent":
			f.UserAgent = r.text(v)
		case "errorCode":
			f.ErrorCode = r.text(v)
		case "errorMessage":
			f.ErrorMessage = r.text(v)
		case "requestParameters":
			f.RequestParameters = r.text(v)
			f.SessionID, f.Target, f.Login = r.session(v)
		case "responseElements":
			f.ResponseElements = r.text(v)
		case "additionalEventData":
			additional = v
			f.AdditionalEventData = r.pairs(v)
		case "requestID":
			f.RequestID = r.text(v)
		case "eventID":
			f.EventID = r.text(v)
		case "readOnly":
			f.ReadOnly = r.boolean(0, v)
		case "resources":
			f.Resources = r.resources(v)
		case "eventType":
			f.EventType = r.text(v)
		case "managementEvent":
			f.ManagementEvent = r.boolean(1, v)
		case "recipientAccountId":
			f.RecipientAccountID = r.text(v)
		case "serviceEventDetails":
			f.ServiceEventDetails = r.text(v)
		case "eventCategory":
			f.EventCategory = r.text(v)
		}
	}
	if u := f.UserIdentity; u != nil {
		f.UserName, f.UserARN = u.UserName, u.ARN
	}
	f.MFAAuthenticated = r.mfa(additional, f.UserIdentity)
}

func (r *rowStore) eventTime(v string) *time.Time {
	if kindOf(v) != '"' {
		return nil
	}
	t, err := time.Parse(time.RFC3339Nano, unquoteJSON(v))
	if err != nil {
		return nil
	}
	r.times = t.UTC().Truncate(time.Microsecond)
	return &r.times
}

func (r *rowStore) userIdentity(v string) *UserIdentity {
	if kindOf(v) != '{' {
		return nil
	}
	r.identity = UserIdentity{}
	u := &r.identity
	for m := members(v); m.next(); {
		key, v := m.key, m.value
		switch key {
		case "type":
			u.Type = r.text(v)
		case "principalId":
			u.PrincipalID = r.text(v)
		case "arn":
			u.ARN = r.text(v)
		case "accountId":
			u.AccountID = r.text(v)
		case "accessKeyId":
			u.AccessKeyID = r.text(v)
		case "userName":
			u.UserName = r.text(v)
		case "invokedBy":
			u.InvokedBy = r.text(v)
		case "sessionContext":
			u.SessionContext = r.sessionContext(v)
		}
	}
	return u
}

func (r *rowStore) sessionContext(v string) *SessionContext {
	if kindOf(v) != '{' {
		return nil
	}
	r.context = SessionContext{}
	for m := members(v); m.next(); {
		key, v := m.key, m.value
		if kindOf(v) != '{' {
			continue
		}
		switch key {
		case "sessionIssuer":
			r.issuer = SessionIssuer{}
			r.context.SessionIssuer = &r.issuer
			for m := members(v); m.next(); {
				key, v := m.key, m.value
				switch key {
				case "type":
					r.issuer.Type = r.text(v)
				case "principalId":
					r.issuer.PrincipalID = r.text(v)
				case "arn":
					r.issuer.ARN = r.text(v)
				case "accountId":
					r.issuer.AccountID = r.text(v)
				case "userName":
					r.issuer.UserName = r.text(v)
				}
			}
		case "attributes":
			r.attrs = SessionAttributes{}
			r.context.Attributes = &r.attrs
			for m := members(v); m.next(); {
				key, v := m.key, m.value
				switch key {
				case "creationDate":
					r.attrs.CreationDate = r.text(v)
				case "mfaAuthenticated":
					r.attrs.MFAAuthenticated = r.text(v)
				}
			}
		}
	}
	return &r.context
}

// session is what an event inside a session says in its requestParameters.
func (r *rowStore) session(v string) (id, target, login *string) {
	if kindOf(v) != '{' {
		return nil, nil, nil
	}
	for m := members(v); m.next(); {
		key, v := m.key, m.value
		switch key {
		case "sessionId":
			id = r.text(v)
		case "target":
			target = r.text(v)
		case "login":
			login = r.text(v)
		}
	}
	return id, target, login
}

func (r *rowStore) resources(v string) []Resource {
	if kindOf(v) != '[' {
		return nil
	}
	list := []Resource{}
	for m := elements(v); m.next(); {
		v := m.value
		if kindOf(v) != '{' {
			continue
		}
		var res Resource
		for m := members(v); m.next(); {
			key, v := m.key, m.value
			switch key {
			case "ARN":
				res.ARN = r.text(v)
			case "accountId":
				res.AccountID = r.text(v)
			case "type":
				res.Type = r.text(v)
			}
		}
		list = append(list, res)
	}
	return list
}
