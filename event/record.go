package event

import (
	"encoding/json"
	"fmt"
	"time"
)

// Version is the CloudTrail eventVersion of the records written here.
const Version = "1.11"

// Hidden stands for a value that must not be stored, as in CloudTrail: above
// all a user name nobody has, because people type passwords there.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// Error codes a record may carry. Success never has one.
const (
	AccessDenied         = "AccessDenied"         // policy or a lock said no
	AuthenticationFailed = "AuthenticationFailed" // nobody was proven
	Throttled            = "ThrottlingException"  // a throttle lock or a per-source cap held it back
	InvalidName          = "ValidationException"  // the user name or request does not parse
	TargetUnreachable    = "TargetUnreachable"    // the dial failed
	HostKeyMismatch      = "HostKeyMismatch"      // the target showed a key that is not pinned
	TrailUnavailable     = "TrailUnavailable"     // the trail could not be appended to
	InternalFailure      = "InternalFailure"      // Trailgate itself failed
)

// Categories of a record (eventCategory).
const (
	Management = "Management" // control, login, session
	Data       = "Data"       // files and tunnels
	Insight    = "Insight"    // alarms
	// Audit is of what others tell: events from outside, which PutAuditEvents
	// brought in. No type here has it.
	Audit = "ActivityAuditLog"
)

// Record is a CloudTrail record. Field order is that of real CloudTrail files.
// Source: CloudTrail User Guide, "CloudTrail record contents".
type Record struct {
	EventVersion        string          `json:"eventVersion"`                  // CloudTrail's record version
	UserIdentity        UserIdentity    `json:"userIdentity"`                  // who acted
	EventTime           Time            `json:"eventTime"`                     // when, in UTC and whole seconds
	EventSource         string          `json:"eventSource"`                   // which service: the installation's DNS name
	EventName           string          `json:"eventName"`                     // what happened
	AWSRegion           string          `json:"awsRegion"`                     // the installation's region
	SourceIPAddress     string          `json:"sourceIPAddress"`               // address without port, or the service's own name
	UserAgent           string          `json:"userAgent,omitempty"`           // the client's SSH version string; at most 1 KB
	ErrorCode           string          `json:"errorCode,omitempty"`           // why it was refused or failed; absent on success
	ErrorMessage        string          `json:"errorMessage,omitempty"`        // the same for a person; at most 1 KB
	RequestParameters   json.RawMessage `json:"requestParameters"`             // what was asked; at most 100 KB
	ResponseElements    json.RawMessage `json:"responseElements"`              // what came of it
	AdditionalEventData json.RawMessage `json:"additionalEventData,omitempty"` // only in a session: MFAAuthenticated, True or False
	RequestID           string          `json:"requestID,omitempty"`           // the connection
	EventID             string          `json:"eventID"`                       // UUIDv7, unique
	ReadOnly            bool            `json:"readOnly"`                      // whether it changed nothing
	Resources           []Resource      `json:"resources,omitempty"`           // what it touched
	EventType           string          `json:"eventType"`                     // always ActivityLog
	ManagementEvent     bool            `json:"managementEvent"`               // whether eventCategory is Management
	RecipientAccountID  string          `json:"recipientAccountId,omitempty"`  // 12 digits
	ServiceEventDetails json.RawMessage `json:"serviceEventDetails,omitempty"` // SSH algorithms, byte counts, what decided
	EventCategory       string          `json:"eventCategory"`                 // Management, Data or Insight
}

// Resource is something the event touched.
type Resource struct {
	ARN       string `json:"ARN,omitempty"`       // its ARN
	AccountID string `json:"accountId,omitempty"` // 12 digits
	Type      string `json:"type,omitempty"`      // AWS::service::Type
}

// UserIdentity says who acted, in CloudTrail's shape.
// Source: CloudTrail User Guide, "CloudTrail userIdentity element".
type UserIdentity struct {
	Type           string          `json:"type"`                     // IAMUser, AssumedRole, IdentityCenterUser, WebIdentityUser, Service, Unknown
	PrincipalID    string          `json:"principalId,omitempty"`    // unique id of the principal
	ARN            string          `json:"arn,omitempty"`            // the principal's ARN
	AccountID      string          `json:"accountId,omitempty"`      // 12 digits
	AccessKeyID    string          `json:"accessKeyId,omitempty"`    // key that signed the call, on AWS
	UserName       string          `json:"userName,omitempty"`       // name of the identity
	SessionContext *SessionContext `json:"sessionContext,omitempty"` // how it was proven
	InvokedBy      string          `json:"invokedBy,omitempty"`      // the service that acted for it
}

// SessionContext says how the identity proved itself.
type SessionContext struct {
	SessionIssuer *SessionIssuer     `json:"sessionIssuer,omitempty"` // the role it acts as
	Attributes    *SessionAttributes `json:"attributes,omitempty"`    // when and with what
}

// SessionIssuer is the role an AssumedRole identity acts as.
type SessionIssuer struct {
	Type        string `json:"type,omitempty"`        // Role
	PrincipalID string `json:"principalId,omitempty"` // unique id of the role
	ARN         string `json:"arn,omitempty"`         // the role's ARN
	AccountID   string `json:"accountId,omitempty"`   // 12 digits
	UserName    string `json:"userName,omitempty"`    // name of the role
}

// SessionAttributes is when and how well the identity was proven: strings in
// CloudTrail, even the boolean.
type SessionAttributes struct {
	CreationDate     string `json:"creationDate,omitempty"`     // YYYY-MM-DDThh:mm:ssZ
	MFAAuthenticated string `json:"mfaAuthenticated,omitempty"` // "true" or "false"
}

// Time is an eventTime: UTC, whole seconds, as CloudTrail writes it.
type Time struct{ time.Time }

// timeLayout is CloudTrail's only spelling of a time.
const timeLayout = "2006-01-02T15:04:05Z"

// MarshalJSON writes YYYY-MM-DDThh:mm:ssZ.
func (t Time) MarshalJSON() ([]byte, error) {
	return t.append(make([]byte, 0, len(timeLayout)+2)), nil
}

func (t Time) append(b []byte) []byte {
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeLayout)
	return append(b, '"')
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	v, err := time.Parse(`"`+timeLayout+`"`, string(b))
	if err != nil {
		return fmt.Errorf("event time %s is not YYYY-MM-DDThh:mm:ssZ: %w", b, err)
	}
	t.Time = v
	return nil
}

// Entry is a record as the trail holds it.
type Entry struct {
	Seq        uint64    // position in the trail, from 1, without gaps
	AppendTime time.Time // when it became durable; microseconds, UTC
	JSON       []byte    // the record, one JSON object; not to be changed
}

// Record decodes the entry's JSON.
func (e Entry) Record() (Record, error) {
	var r Record
	if err := json.Unmarshal(e.JSON, &r); err != nil {
		return Record{}, fmt.Errorf("decode event %d: %w", e.Seq, err)
	}
	return r, nil
}
