package ocsf

// The objects that attributes hold, as far as we fill them. A string, list or
// pointer that is empty is absent in JSON and null in Parquet.

// Account is a cloud account.
type Account struct {
	TypeID int32  `json:"type_id" parquet:"type_id"`
	Type   string `json:"type,omitempty" parquet:"type,optional"`
	UID    string `json:"uid,omitempty" parquet:"uid,optional"`
}

// Actor is who acted.
type Actor struct {
	User           *User           `json:"user,omitempty" parquet:"user"`
	Session        *Session        `json:"session,omitempty" parquet:"session"`
	InvokedBy      string          `json:"invoked_by,omitempty" parquet:"invoked_by,optional"`
	AppName        string          `json:"app_name,omitempty" parquet:"app_name,optional"`
	Authorizations []Authorization `json:"authorizations,omitempty" parquet:"authorizations,optional,list"`
	IDP            *IDP            `json:"idp,omitempty" parquet:"idp"`
}

// Analytic is what found something: a runbook.
type Analytic struct {
	TypeID int32  `json:"type_id" parquet:"type_id"`
	Type   string `json:"type,omitempty" parquet:"type,optional"`
	Name   string `json:"name,omitempty" parquet:"name,optional"`
	UID    string `json:"uid,omitempty" parquet:"uid,optional"`
}

// API is the call the record is of.
type API struct {
	Operation string    `json:"operation" parquet:"operation"`
	Version   string    `json:"version,omitempty" parquet:"version,optional"`
	Service   *Service  `json:"service,omitempty" parquet:"service"`
	Request   *Request  `json:"request,omitempty" parquet:"request"`
	Response  *Response `json:"response,omitempty" parquet:"response"`
}

// Authorization is a decision and what made it.
type Authorization struct {
	Decision string  `json:"decision,omitempty" parquet:"decision,optional"`
	Policy   *Policy `json:"policy,omitempty" parquet:"policy"`
}

// Cloud is where it happened.
type Cloud struct {
	Provider string   `json:"provider" parquet:"provider"`
	Region   string   `json:"region,omitempty" parquet:"region,optional"`
	Account  *Account `json:"account,omitempty" parquet:"account"`
}

// ConnectionInfo is one transport.
type ConnectionInfo struct {
	DirectionID  int32  `json:"direction_id" parquet:"direction_id"`
	Direction    string `json:"direction,omitempty" parquet:"direction,optional"`
	ProtocolName string `json:"protocol_name,omitempty" parquet:"protocol_name,optional"`
	ProtocolNum  *int32 `json:"protocol_num,omitempty" parquet:"protocol_num"`
	UID          string `json:"uid,omitempty" parquet:"uid,optional"`
}

// Database is what a query was put to.
type Database struct {
	TypeID int32  `json:"type_id" parquet:"type_id"`
	Type   string `json:"type,omitempty" parquet:"type,optional"`
	Name   string `json:"name,omitempty" parquet:"name,optional"`
}

// Device is a target, as the place of a process or a file.
type Device struct {
	TypeID   int32  `json:"type_id" parquet:"type_id"`
	Type     string `json:"type,omitempty" parquet:"type,optional"`
	Name     string `json:"name,omitempty" parquet:"name,optional"`
	Hostname string `json:"hostname,omitempty" parquet:"hostname,optional"`
	IP       string `json:"ip,omitempty" parquet:"ip,optional"`
}

// Endpoint is one end of a connection, or a proxy on its way.
type Endpoint struct {
	TypeID   *int32 `json:"type_id,omitempty" parquet:"type_id"`
	Type     string `json:"type,omitempty" parquet:"type,optional"`
	Name     string `json:"name,omitempty" parquet:"name,optional"`
	Hostname string `json:"hostname,omitempty" parquet:"hostname,optional"`
	IP       string `json:"ip,omitempty" parquet:"ip,optional"`
	Port     *int32 `json:"port,omitempty" parquet:"port"`
	SvcName  string `json:"svc_name,omitempty" parquet:"svc_name,optional"`
}

// Entity is what an administrator manages.
type Entity struct {
	TypeID int32   `json:"type_id" parquet:"type_id"`
	Type   string  `json:"type,omitempty" parquet:"type,optional"`
	Name   string  `json:"name,omitempty" parquet:"name,optional"`
	UID    string  `json:"uid,omitempty" parquet:"uid,optional"`
	Device *Device `json:"device,omitempty" parquet:"device"`
	Group  *Group  `json:"group,omitempty" parquet:"group"`
	Policy *Policy `json:"policy,omitempty" parquet:"policy"`
}

// Feature is the part of a product that reports.
type Feature struct {
	Name string `json:"name,omitempty" parquet:"name,optional"`
}

// File is a file of a target.
type File struct {
	Name         string        `json:"name" parquet:"name"`
	Path         string        `json:"path,omitempty" parquet:"path,optional"`
	ParentFolder string        `json:"parent_folder,omitempty" parquet:"parent_folder,optional"`
	TypeID       int32         `json:"type_id" parquet:"type_id"`
	Type         string        `json:"type,omitempty" parquet:"type,optional"`
	Size         *int64        `json:"size,omitempty" parquet:"size"`
	Hashes       []Fingerprint `json:"hashes,omitempty" parquet:"hashes,optional,list"`
}

// Fingerprint is a hash.
type Fingerprint struct {
	AlgorithmID int32  `json:"algorithm_id" parquet:"algorithm_id"`
	Algorithm   string `json:"algorithm,omitempty" parquet:"algorithm,optional"`
	Value       string `json:"value" parquet:"value"`
}

// FindingInfo is an alarm.
type FindingInfo struct {
	UID           string         `json:"uid" parquet:"uid"`
	Title         string         `json:"title" parquet:"title"`
	Desc          string         `json:"desc,omitempty" parquet:"desc,optional"`
	Analytic      *Analytic      `json:"analytic,omitempty" parquet:"analytic"`
	RelatedEvents []RelatedEvent `json:"related_events,omitempty" parquet:"related_events,optional,list"`
}

// Group is a role of Trailgate's.
type Group struct {
	Name string `json:"name,omitempty" parquet:"name,optional"`
	UID  string `json:"uid,omitempty" parquet:"uid,optional"`
}

// HTTPRequest is what is known of one: who sent it.
type HTTPRequest struct {
	UserAgent string `json:"user_agent,omitempty" parquet:"user_agent,optional"`
}

// IDP is who vouched for the user.
type IDP struct {
	Name string `json:"name,omitempty" parquet:"name,optional"`
	UID  string `json:"uid,omitempty" parquet:"uid,optional"`
}

// Metadata is about the event itself.
type Metadata struct {
	Version        string   `json:"version" parquet:"version"`
	Product        Product  `json:"product" parquet:"product"`
	Profiles       []string `json:"profiles,omitempty" parquet:"profiles,optional,list"`
	UID            string   `json:"uid,omitempty" parquet:"uid,optional"`
	EventCode      string   `json:"event_code,omitempty" parquet:"event_code,optional"`
	CorrelationUID string   `json:"correlation_uid,omitempty" parquet:"correlation_uid,optional"`
	OriginalTime   string   `json:"original_time,omitempty" parquet:"original_time,optional"`
	TenantUID      string   `json:"tenant_uid,omitempty" parquet:"tenant_uid,optional"`
}

// Policy is a rule.
type Policy struct {
	Name    string `json:"name,omitempty" parquet:"name,optional"`
	UID     string `json:"uid,omitempty" parquet:"uid,optional"`
	Version string `json:"version,omitempty" parquet:"version,optional"`
}

// Process is a shell, a command or a subsystem on a target.
type Process struct {
	UID     string   `json:"uid" parquet:"uid"`
	Name    string   `json:"name,omitempty" parquet:"name,optional"`
	CmdLine string   `json:"cmd_line,omitempty" parquet:"cmd_line,optional"`
	Session *Session `json:"session,omitempty" parquet:"session"`
	User    *User    `json:"user,omitempty" parquet:"user"`
}

// Product is what reported.
type Product struct {
	Name       string   `json:"name" parquet:"name"`
	VendorName string   `json:"vendor_name" parquet:"vendor_name"`
	Version    string   `json:"version,omitempty" parquet:"version,optional"`
	Feature    *Feature `json:"feature,omitempty" parquet:"feature"`
}

// QueryInfo is a query.
type QueryInfo struct {
	UID         string `json:"uid" parquet:"uid"`
	QueryString string `json:"query_string" parquet:"query_string"`
}

// RelatedEvent is an event that an alarm is about.
type RelatedEvent struct {
	UID string `json:"uid" parquet:"uid"`
}

// Remediation is what a run does.
type Remediation struct {
	Desc string `json:"desc" parquet:"desc"`
}

// Request names a request.
type Request struct {
	UID string `json:"uid" parquet:"uid"`
}

// Resource is what a call touched.
type Resource struct {
	UID   string `json:"uid,omitempty" parquet:"uid,optional"`
	Name  string `json:"name,omitempty" parquet:"name,optional"`
	Type  string `json:"type,omitempty" parquet:"type,optional"`
	Owner *User  `json:"owner,omitempty" parquet:"owner"`
}

// Response is what a call came to.
type Response struct {
	Error        string `json:"error,omitempty" parquet:"error,optional"`
	ErrorMessage string `json:"error_message,omitempty" parquet:"error_message,optional"`
}

// Service is a service.
type Service struct {
	Name string `json:"name" parquet:"name"`
}

// Session is how a user is there.
type Session struct {
	UID         string `json:"uid,omitempty" parquet:"uid,optional"`
	CreatedTime *int64 `json:"created_time,omitempty" parquet:"created_time"`
	IsMFA       *bool  `json:"is_mfa,omitempty" parquet:"is_mfa"`
	IsRemote    *bool  `json:"is_remote,omitempty" parquet:"is_remote"`
	Issuer      string `json:"issuer,omitempty" parquet:"issuer,optional"`
	Terminal    string `json:"terminal,omitempty" parquet:"terminal,optional"`
}

// Traffic is what went both ways: in from the client, out to it.
type Traffic struct {
	Bytes    int64 `json:"bytes" parquet:"bytes"`
	BytesIn  int64 `json:"bytes_in" parquet:"bytes_in"`
	BytesOut int64 `json:"bytes_out" parquet:"bytes_out"`
}

// User is an identity, or an account on a target.
type User struct {
	TypeID        int32    `json:"type_id" parquet:"type_id"`
	Type          string   `json:"type,omitempty" parquet:"type,optional"`
	Name          string   `json:"name,omitempty" parquet:"name,optional"`
	UID           string   `json:"uid,omitempty" parquet:"uid,optional"`
	UIDAlt        string   `json:"uid_alt,omitempty" parquet:"uid_alt,optional"`
	CredentialUID string   `json:"credential_uid,omitempty" parquet:"credential_uid,optional"`
	Account       *Account `json:"account,omitempty" parquet:"account"`
}
