package ocsf

import "strings"

// Version is the version of OCSF that is spoken here.
const Version = "1.3.0"

// Class is a kind of event.
type Class struct {
	UID      int32
	Name     string // ssh_activity
	Caption  string // SSH Activity
	Category int32
	Profiles []string // the optional parts of the schema it uses
	// Activities are the captions of the activity ids that are used.
	Activities map[int32]string
}

// Source is what the class is called in the name of a Security Lake source,
// which has 20 characters.
func (c *Class) Source() string {
	name := strings.TrimSuffix(c.Name, "_activity")
	return strings.TrimSuffix(name, "_lifecycle")
}

// Event is one OCSF event: a pointer to one of the types below.
type Event interface {
	// Common is what every class has.
	Common() *Base
	// Class is the event's.
	Class() *Class
}

// Base is what every class has. Its embedded place is the first columns.
type Base struct {
	ActivityID   int32             `json:"activity_id" parquet:"activity_id"`
	ActivityName string            `json:"activity_name" parquet:"activity_name"`
	CategoryUID  int32             `json:"category_uid" parquet:"category_uid"`
	CategoryName string            `json:"category_name" parquet:"category_name"`
	ClassUID     int32             `json:"class_uid" parquet:"class_uid"`
	ClassName    string            `json:"class_name" parquet:"class_name"`
	TypeUID      int64             `json:"type_uid" parquet:"type_uid"`
	TypeName     string            `json:"type_name" parquet:"type_name"`
	Time         int64             `json:"time" parquet:"time"` // ms since 1970
	SeverityID   int32             `json:"severity_id" parquet:"severity_id"`
	Severity     string            `json:"severity" parquet:"severity"`
	StatusID     int32             `json:"status_id" parquet:"status_id"`
	Status       string            `json:"status" parquet:"status"`
	StatusCode   string            `json:"status_code,omitempty" parquet:"status_code,optional"`
	StatusDetail string            `json:"status_detail,omitempty" parquet:"status_detail,optional"`
	Message      string            `json:"message,omitempty" parquet:"message,optional"`
	Count        *int32            `json:"count,omitempty" parquet:"count"`
	Duration     *int64            `json:"duration,omitempty" parquet:"duration"` // ms
	StartTime    *int64            `json:"start_time,omitempty" parquet:"start_time"`
	EndTime      *int64            `json:"end_time,omitempty" parquet:"end_time"`
	Metadata     Metadata          `json:"metadata" parquet:"metadata"`
	Cloud        Cloud             `json:"cloud" parquet:"cloud"`
	API          API               `json:"api" parquet:"api"`
	Unmapped     map[string]string `json:"unmapped,omitempty" parquet:"unmapped,optional"` // by path in the record
}

// Common is b.
func (b *Base) Common() *Base { return b }

// Control is the profile security_control: whether it was let happen.
type Control struct {
	ActionID      int32  `json:"action_id" parquet:"action_id"`
	Action        string `json:"action" parquet:"action"`
	DispositionID int32  `json:"disposition_id" parquet:"disposition_id"`
	Disposition   string `json:"disposition" parquet:"disposition"`
}

// FileActivity is a file read, written or changed on a target.
type FileActivity struct {
	Base
	Control
	Actor      Actor  `json:"actor" parquet:"actor"`
	Device     Device `json:"device" parquet:"device"`
	File       File   `json:"file" parquet:"file"`
	FileResult *File  `json:"file_result,omitempty" parquet:"file_result"`
}

// ProcessActivity is a shell, command or subsystem that begins or ends.
type ProcessActivity struct {
	Base
	Control
	Actor    Actor   `json:"actor" parquet:"actor"`
	Device   Device  `json:"device" parquet:"device"`
	Process  Process `json:"process" parquet:"process"`
	ExitCode *int32  `json:"exit_code,omitempty" parquet:"exit_code"`
}

// EventLog is what became of the trail itself or of a recording.
type EventLog struct {
	Base
	Actor       Actor     `json:"actor" parquet:"actor"`
	SrcEndpoint *Endpoint `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	LogName     string    `json:"log_name" parquet:"log_name"`
	LogProvider string    `json:"log_provider" parquet:"log_provider"`
	LogTypeID   int32     `json:"log_type_id" parquet:"log_type_id"`
	LogType     string    `json:"log_type" parquet:"log_type"`
}

// DetectionFinding is an alarm.
type DetectionFinding struct {
	Base
	Actor       *Actor      `json:"actor,omitempty" parquet:"actor"`
	FindingInfo FindingInfo `json:"finding_info" parquet:"finding_info"`
	Comment     string      `json:"comment,omitempty" parquet:"comment,optional"`
}

// AccountChange is a change of an identity or what it proves itself with.
type AccountChange struct {
	Base
	Actor       Actor        `json:"actor" parquet:"actor"`
	User        User         `json:"user" parquet:"user"`
	Policy      *Policy      `json:"policy,omitempty" parquet:"policy"`
	SrcEndpoint *Endpoint    `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	HTTPRequest *HTTPRequest `json:"http_request,omitempty" parquet:"http_request"`
}

// Authentication is somebody proving who they are, or failing to.
type Authentication struct {
	Base
	Actor          Actor        `json:"actor" parquet:"actor"`
	User           User         `json:"user" parquet:"user"`
	Session        *Session     `json:"session,omitempty" parquet:"session"`
	Service        *Service     `json:"service,omitempty" parquet:"service"`
	SrcEndpoint    *Endpoint    `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	DstEndpoint    *Endpoint    `json:"dst_endpoint,omitempty" parquet:"dst_endpoint"`
	HTTPRequest    *HTTPRequest `json:"http_request,omitempty" parquet:"http_request"`
	AuthProtocolID *int32       `json:"auth_protocol_id,omitempty" parquet:"auth_protocol_id"`
	AuthProtocol   string       `json:"auth_protocol,omitempty" parquet:"auth_protocol,optional"`
	LogonTypeID    *int32       `json:"logon_type_id,omitempty" parquet:"logon_type_id"`
	LogonType      string       `json:"logon_type,omitempty" parquet:"logon_type,optional"`
	IsMFA          *bool        `json:"is_mfa,omitempty" parquet:"is_mfa"`
	IsRemote       *bool        `json:"is_remote,omitempty" parquet:"is_remote"`
}

// AuthorizeSession is a decision: may this identity have login@target?
type AuthorizeSession struct {
	Base
	Actor       Actor        `json:"actor" parquet:"actor"`
	User        User         `json:"user" parquet:"user"`
	Privileges  []string     `json:"privileges" parquet:"privileges,list"`
	Session     *Session     `json:"session,omitempty" parquet:"session"`
	SrcEndpoint *Endpoint    `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	DstEndpoint *Endpoint    `json:"dst_endpoint,omitempty" parquet:"dst_endpoint"`
	HTTPRequest *HTTPRequest `json:"http_request,omitempty" parquet:"http_request"`
}

// EntityManagement is a change of a target, a role, a policy, a lock, a runbook.
type EntityManagement struct {
	Base
	Actor       Actor        `json:"actor" parquet:"actor"`
	Entity      Entity       `json:"entity" parquet:"entity"`
	Comment     string       `json:"comment,omitempty" parquet:"comment,optional"`
	SrcEndpoint *Endpoint    `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	HTTPRequest *HTTPRequest `json:"http_request,omitempty" parquet:"http_request"`
}

// SSHActivity is a transport or a session that begins, ends or is refused.
type SSHActivity struct {
	Base
	Control
	Actor          *Actor          `json:"actor,omitempty" parquet:"actor"`
	SrcEndpoint    *Endpoint       `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	DstEndpoint    Endpoint        `json:"dst_endpoint" parquet:"dst_endpoint"`
	Proxy          *Endpoint       `json:"proxy,omitempty" parquet:"proxy"`
	ConnectionInfo *ConnectionInfo `json:"connection_info,omitempty" parquet:"connection_info"`
	Traffic        *Traffic        `json:"traffic,omitempty" parquet:"traffic"`
	AuthTypeID     *int32          `json:"auth_type_id,omitempty" parquet:"auth_type_id"`
	AuthType       string          `json:"auth_type,omitempty" parquet:"auth_type,optional"`
	ProtocolVer    string          `json:"protocol_ver,omitempty" parquet:"protocol_ver,optional"`
}

// TunnelActivity is a tunnel, or an agent or a display forwarded.
type TunnelActivity struct {
	Base
	Control
	Actor          *Actor          `json:"actor,omitempty" parquet:"actor"`
	User           *User           `json:"user,omitempty" parquet:"user"`
	Session        *Session        `json:"session,omitempty" parquet:"session"`
	SrcEndpoint    *Endpoint       `json:"src_endpoint,omitempty" parquet:"src_endpoint"`
	DstEndpoint    *Endpoint       `json:"dst_endpoint,omitempty" parquet:"dst_endpoint"`
	Proxy          *Endpoint       `json:"proxy,omitempty" parquet:"proxy"`
	ConnectionInfo *ConnectionInfo `json:"connection_info,omitempty" parquet:"connection_info"`
	Traffic        *Traffic        `json:"traffic,omitempty" parquet:"traffic"`
	ProtocolName   string          `json:"protocol_name,omitempty" parquet:"protocol_name,optional"`
	TunnelTypeID   int32           `json:"tunnel_type_id" parquet:"tunnel_type_id"`
	TunnelType     string          `json:"tunnel_type,omitempty" parquet:"tunnel_type,optional"`
}

// ApplicationLifecycle is Trailgate starting or stopping.
type ApplicationLifecycle struct {
	Base
	Actor *Actor  `json:"actor,omitempty" parquet:"actor"`
	App   Product `json:"app" parquet:"app"`
}

// APIActivity is any other call.
type APIActivity struct {
	Base
	Actor       Actor        `json:"actor" parquet:"actor"`
	SrcEndpoint Endpoint     `json:"src_endpoint" parquet:"src_endpoint"`
	DstEndpoint *Endpoint    `json:"dst_endpoint,omitempty" parquet:"dst_endpoint"`
	Resources   []Resource   `json:"resources,omitempty" parquet:"resources,optional,list"`
	HTTPRequest *HTTPRequest `json:"http_request,omitempty" parquet:"http_request"`
}

// DatastoreActivity is a query put to the trail.
type DatastoreActivity struct {
	Base
	Actor       Actor        `json:"actor" parquet:"actor"`
	SrcEndpoint Endpoint     `json:"src_endpoint" parquet:"src_endpoint"`
	Database    Database     `json:"database" parquet:"database"`
	QueryInfo   QueryInfo    `json:"query_info" parquet:"query_info"`
	HTTPRequest *HTTPRequest `json:"http_request,omitempty" parquet:"http_request"`
}

// RemediationActivity is what a run, or an administrator at once, does about it.
type RemediationActivity struct {
	Base
	Actor       *Actor       `json:"actor,omitempty" parquet:"actor"`
	CommandUID  string       `json:"command_uid" parquet:"command_uid"`
	Remediation *Remediation `json:"remediation,omitempty" parquet:"remediation"`
}
