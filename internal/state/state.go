// Package state is what must change in place: identities, keys, roles,
// targets, policies, locks, sessions, alarms and runs. The trail is the truth
// about what happened; state is what holds now.
//
// Everything happens in a transaction: Store.View reads one snapshot,
// Store.Update commits all or nothing and is serialised with other updates.
package state

import (
	"context"
	"errors"
	"time"

	"github.com/trailgate/trailgate/internal/policy"
)

// Errors a caller decides on.
var (
	ErrNotFound = errors.New("not found")
	ErrExists   = errors.New("exists already")
	ErrDamaged  = errors.New("state is damaged") // the store's file cannot be trusted: restore it
)

// Store is the seam every driver implements; statetest holds them to it.
type Store interface {
	// View calls fn with a read-only snapshot.
	View(ctx context.Context, fn func(Tx) error) error
	// Update calls fn in a transaction that commits, durably, when fn returns
	// nil, and leaves no trace otherwise. fn may be called once only.
	Update(ctx context.Context, fn func(Tx) error) error
	Close() error
}

// Tx is the tables inside one transaction. It must not be kept.
type Tx interface {
	Identities() Table[Identity]
	Keys() Table[Key]
	AccessKeys() Table[AccessKey]
	Devices() Table[Device]
	Roles() Table[Role]
	Targets() Table[Target]
	Policies() Table[Policy]
	Locks() Table[policy.Lock]
	Sessions() Table[Session]
	Runbooks() Table[Runbook]
	Alarms() Table[Alarm]
	Runs() Table[Run]
	Cursors() Table[Cursor]
	Holds() Table[Hold]
	SavedQueries() Table[SavedQuery]
}

// Table is one kind of row, by its primary key.
type Table[T any] interface {
	Get(id string) (T, error) // ErrNotFound
	List() ([]T, error)       // by primary key
	Create(row T) error       // ErrExists
	Put(row T) error          // creates or replaces
	Delete(id string) error   // ErrNotFound
}

// Identity is a person or machine. Key: Name.
type Identity struct {
	Name       string    `json:"name"`
	ARN        string    `json:"arn"`
	Type       string    `json:"type"` // userIdentity.type
	Admin      bool      `json:"admin,omitempty"`
	BreakGlass bool      `json:"breakGlass,omitempty"`
	Created    time.Time `json:"created"`
}

// Key is a public key; it belongs to exactly one identity. Key: Fingerprint.
type Key struct {
	Fingerprint string    `json:"fingerprint"` // SHA256:…
	PublicKey   string    `json:"publicKey"`   // authorized_keys form, no comment
	Identity    string    `json:"identity"`
	Comment     string    `json:"comment,omitempty"`
	Disabled    bool      `json:"disabled,omitempty"`
	Created     time.Time `json:"created"`
}

// AccessKey signs an identity's calls of the CloudTrail API. Key: ID.
type AccessKey struct {
	ID       string    `json:"accessKeyId"` // AKIA…, or ASIA… with a session token
	Identity string    `json:"identity"`
	Secret   string    `json:"secret"`          // sealed; never leaves state but to check a signature
	Token    string    `json:"token,omitempty"` // the session token it works with only, as SHA-256 in hex
	Disabled bool      `json:"disabled,omitempty"`
	Created  time.Time `json:"created"`
	Expires  time.Time `json:"expires,omitzero"`
}

// Device is an identity's second factor (TOTP, RFC 6238). Key: Identity.
type Device struct {
	Identity string    `json:"identity"`
	Secret   string    `json:"secret"`   // base32, sealed; never leaves state but at enrolment
	LastStep int64     `json:"lastStep"` // newest time step used: a code works once
	Created  time.Time `json:"created"`
}

// Role is a named set of identities that policy speaks of. Key: Name.
type Role struct {
	Name    string   `json:"name"`
	Members []string `json:"members"`
	// ARN is the IAM role its members act as (AssumedRole); empty for none.
	ARN string `json:"arn,omitempty"`
}

// Target is a server reached through the gate. Key: Name.
type Target struct {
	Name     string            `json:"name"`
	Address  string            `json:"address"`  // host:port
	HostKeys []string          `json:"hostKeys"` // pinned, authorized_keys form
	Labels   map[string]string `json:"labels,omitempty"`
	Created  time.Time         `json:"created"`
}

// Policy is one Cedar document. Key: Name.
type Policy struct {
	Name    string    `json:"name"`
	Text    string    `json:"text"`
	Updated time.Time `json:"updated"`
}

// Session is one identity's use of login@target. Key: ID. A row whose Ended is
// zero belongs to a live session, or to one a crash cut: the start ends it.
type Session struct {
	ID          string    `json:"id"`
	Identity    string    `json:"identity"`
	ARN         string    `json:"arn"`
	Target      string    `json:"target"`
	Login       string    `json:"login"`
	MFA         bool      `json:"mfa"`
	Source      string    `json:"source"`
	Connection  string    `json:"connection"`
	Fingerprint string    `json:"fingerprint"`
	Started     time.Time `json:"started"`
	Ended       time.Time `json:"ended,omitzero"`
	Cause       string    `json:"cause,omitempty"`
}

// Runbook is whether and how a runbook works here. Key: ID.
type Runbook struct {
	ID      string `json:"id"`
	Enabled bool   `json:"enabled"`
	Mode    string `json:"mode"` // observe, propose, enforce

	Params map[string]string `json:"params,omitempty"` // values that differ from the file's
}

// Alarm is one runbook's finding for one key. Key: ID.
type Alarm struct {
	ID        string            `json:"id"`
	Runbook   string            `json:"runbook"`
	Key       string            `json:"key"`
	State     string            `json:"state"` // OK, PENDING, ALARM, INSUFFICIENT_DATA
	Severity  string            `json:"severity"`
	Title     string            `json:"title"`
	Since     time.Time         `json:"since"`             // of State
	EventTime time.Time         `json:"eventTime"`         // appendTime of the event that raised it
	Newest    time.Time         `json:"newest,omitzero"`   // appendTime of the newest match
	Answered  time.Time         `json:"answered,omitzero"` // matches up to then belong to an alarm that was resolved
	Matches   int               `json:"matches"`
	EventIDs  []string          `json:"eventIds,omitempty"` // at most 100
	Fields    map[string]string `json:"fields,omitempty"`   // key columns and userArn, sourceIPAddress, … of the newest match
	Run       string            `json:"run,omitempty"`
	AckedBy   string            `json:"ackedBy,omitempty"`
	AckedAt   time.Time         `json:"ackedAt,omitzero"`
	Note      string            `json:"note,omitempty"`
}

// Run is a runbook's response to one alarm transition, with its steps: the
// outbox. A crash resumes at the first step that is not finished. Key: ID.
type Run struct {
	ID      string    `json:"id"`
	Alarm   string    `json:"alarm"`
	Runbook string    `json:"runbook"`
	Mode    string    `json:"mode"`
	State   string    `json:"state"` // open, contained, closed, failed
	Created time.Time `json:"created"`
	Ended   time.Time `json:"ended,omitzero"`
	Steps   []Step    `json:"steps"`
}

// Step is one step of a run.
type Step struct {
	ID       string            `json:"id"`
	Kind     string            `json:"kind"` // evidence, action, notify, manual
	Action   string            `json:"action,omitempty"`
	With     map[string]string `json:"with,omitempty"` // rendered
	To       []string          `json:"to,omitempty"`
	Told     []string          `json:"told,omitempty"` // notify: who of To has been
	Text     string            `json:"text,omitempty"` // manual: what to do
	Assignee string            `json:"assignee,omitempty"`
	Due      time.Time         `json:"due,omitzero"`
	State    string            `json:"state"` // pending, running, done, observed, proposed, refused, failed, waiting
	Attempts int               `json:"attempts,omitempty"`
	Detail   string            `json:"detail,omitempty"`
	Ended    time.Time         `json:"ended,omitzero"`
}

// Cursor is how far a reader of the trail has come. Key: Name.
type Cursor struct {
	Name string    `json:"name"`
	Seq  uint64    `json:"seq"`
	Time time.Time `json:"time,omitzero"` // a schedule's last logical tick
}

// Hold is a legal hold: events that happened or were appended in its time are
// kept whatever their age. Key: ID.
type Hold struct {
	ID      string    `json:"id"`
	Reason  string    `json:"reason"`
	From    time.Time `json:"from,omitzero"` // zero: from the beginning
	To      time.Time `json:"to,omitzero"`   // zero: without end
	By      string    `json:"by"`            // who made it: an ARN or a name
	Created time.Time `json:"created"`
}

// SavedQuery is a question kept under a name, beside those that come with
// Trailgate. Key: Name.
type SavedQuery struct {
	Name        string    `json:"name"`
	Text        string    `json:"text"` // comment lines that declare its parameters, and one SELECT
	Description string    `json:"description,omitempty"`
	Updated     time.Time `json:"updated"`
}
