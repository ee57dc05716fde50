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
)

// Record is a CloudTrail record. Field order is that of real CloudTrail files.
// Source: CloudTrail User Guide, "CloudTrail record contents".
type Record struct {
	EventVersion        string          `json:"eventVersion"`
	UserIdentity        UserIdentity    `json:"userIdentity"`
	EventTime           Time            `json:"eventTime"`
	EventSource         string          `json:"eventSource"`
	EventName           string          `json:"eventName"`
	AWSRegion           string          `json:"awsRegion"`
	SourceIPAddress     string          `json:"sourceIPAddress"`
	UserAgent           string          `json:"userAgent,omitempty"`
	ErrorCode           string          `json:"errorCode,omitempty"`
	ErrorMessage        string          `json:"errorMessage,omitempty"`
	RequestParameters   json.RawMessage `json:"requestParameters"`
	ResponseElements    json.RawMessage `json:"responseElements"`
	AdditionalEventData json.RawMessage `json:"additionalEventData,omitempty"`
	RequestID           string          `json:"requestID,omitempty"`
	EventID             string          `json:"eventID"`
	ReadOnly            bool            `json:"readOnly"`
	Resources           []Resource      `json:"resources,omitempty"`
	EventType           string          `json:"eventType"`
	ManagementEvent     bool            `json:"managementEvent"`
	RecipientAccountID  string          `json:"recipientAccountId,omitempty"`
	ServiceEventDetails json.RawMessage `json:"serviceEventDetails,omitempty"`
	EventCategory       string          `json:"eventCategory"`
}

// Resource is something the event touched.
type Resource struct {
	ARN       string `json:"ARN,omitempty"`
	AccountID string `json:"accountId,omitempty"`
	Type      string `json:"type,omitempty"`
}

// UserIdentity says who acted, in CloudTrail's shape.
// Source: CloudTrail User Guide, "CloudTrail userIdentity element".
type UserIdentity struct {
	Type           string          `json:"type"` // IAMUser, AssumedRole, IdentityCenterUser, WebIdentityUser, Service, Unknown
	PrincipalID    string          `json:"principalId,omitempty"`
	ARN            string          `json:"arn,omitempty"`
	AccountID      string          `json:"accountId,omitempty"`
	AccessKeyID    string          `json:"accessKeyId,omitempty"`
	UserName       string          `json:"userName,omitempty"`
	SessionContext *SessionContext `json:"sessionContext,omitempty"`
	InvokedBy      string          `json:"invokedBy,omitempty"`
}

// SessionContext says how the identity proved itself.
type SessionContext struct {
	SessionIssuer *SessionIssuer     `json:"sessionIssuer,omitempty"`
	Attributes    *SessionAttributes `json:"attributes,omitempty"`
}

// SessionIssuer is the role an AssumedRole identity acts as.
type SessionIssuer struct {
	Type        string `json:"type,omitempty"`
	PrincipalID string `json:"principalId,omitempty"`
	ARN         string `json:"arn,omitempty"`
	AccountID   string `json:"accountId,omitempty"`
	UserName    string `json:"userName,omitempty"`
}

// SessionAttributes are strings in CloudTrail, even the boolean.
type SessionAttributes struct {
	CreationDate     string `json:"creationDate,omitempty"`
	MFAAuthenticated string `json:"mfaAuthenticated,omitempty"` // "true" or "false"
}

// Time is an eventTime: UTC, whole seconds, as CloudTrail writes it.
type Time struct{ time.Time }

// timeLayout is CloudTrail's only spelling of a time.
const timeLayout = "2006-01-02T15:04:05Z"

// MarshalJSON writes YYYY-MM-DDThh:mm:ssZ.
func (t Time) MarshalJSON() ([]byte, error) {
	b := make([]byte, 0, len(timeLayout)+2)
	b = append(b, '"')
	b = t.UTC().AppendFormat(b, timeLayout)
	return append(b, '"'), nil
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
