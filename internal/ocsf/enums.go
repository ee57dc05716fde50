package ocsf

// The schema's integers, with their captions.

const unknown = "Unknown"

var categories = map[int32]string{
	1: "System Activity", 2: "Findings", 3: "Identity & Access Management", 4: "Network Activity",
	6: "Application Activity", 7: "Remediation",
}

const (
	informational = 1
	low           = 2
	medium        = 3
	high          = 4
	critical      = 5
)

var severities = map[int32]string{informational: "Informational", low: "Low", medium: "Medium", high: "High", critical: "Critical"}

// alarmSeverities are a runbook's severities.
var alarmSeverities = map[string]int32{"info": informational, "low": low, "medium": medium, "high": high, "critical": critical}

// severityOf is how much an error code matters by itself.
func severityOf(code string) int32 {
	switch code {
	case "":
		return informational
	case "AuthenticationFailed":
		return medium
	case "HostKeyMismatch", "TrailUnavailable", "InternalFailure":
		return high
	default:
		return low
	}
}

// denied says whether an error code is a decision, not a failure.
func denied(code string) bool {
	switch code {
	case "AccessDenied", "AuthenticationFailed", "ThrottlingException", "ValidationException":
		return true
	}
	return false
}

const (
	success = 1
	failure = 2
	other   = 99
)

var statuses = map[int32]string{success: "Success", failure: "Failure", other: "Other"}

// The activities of the classes, as far as they are used.
const (
	fileCreate, fileRead, fileUpdate, fileDelete, fileRename, fileSet = 1, 2, 3, 4, 5, 6

	processLaunch, processTerminate = 1, 2

	logDelete, logExport, logArchive, logStop, logRestart = 2, 3, 4, 7, 8

	findingCreate, findingUpdate, findingClose = 1, 2, 3

	accountCreate, accountEnable, accountPasswordChange, accountPasswordReset, accountDisable, accountDelete = 1, 2, 3, 4, 5, 6
	accountAttach, accountDetach, accountLock, accountMFAOn, accountMFAOff                                   = 7, 8, 9, 10, 11

	authLogon, authLogoff, authTicket, authServiceTicket, authPreauth = 1, 2, 3, 4, 6

	authorizePrivileges = 1

	entityCreate, entityUpdate, entityDelete, entityEnable, entityDisable = 1, 3, 4, 8, 9

	sshOpen, sshClose, sshFail, sshRefuse = 1, 2, 4, 5

	tunnelOpen, tunnelClose = 1, 2

	appStart, appStop = 3, 4

	apiCreate, apiRead, apiUpdate, apiDelete = 1, 2, 3, 4

	dataQuery = 4

	remedyIsolate, remedyEvict, remedyHarden = 1, 2, 4
)

var (
	withHost    = []string{"cloud", "host"}
	withControl = []string{"cloud", "host", "security_control"}
	onlyCloud   = []string{"cloud"}
)

// The classes.
var (
	fileActivity = &Class{1001, "file_activity", "File System Activity", 1, withControl, map[int32]string{
		fileCreate: "Create", fileRead: "Read", fileUpdate: "Update", fileDelete: "Delete", fileRename: "Rename", fileSet: "Set Attributes", other: "Other"}}
	processActivity = &Class{1007, "process_activity", "Process Activity", 1, withControl, map[int32]string{
		processLaunch: "Launch", processTerminate: "Terminate", other: "Other"}}
	eventLog = &Class{1008, "event_log", "Event Log Activity", 1, withHost, map[int32]string{
		logDelete: "Delete", logExport: "Export", logArchive: "Archive", logStop: "Stop", logRestart: "Restart", other: "Other"}}
	detectionFinding = &Class{2004, "detection_finding", "Detection Finding", 2, withHost, map[int32]string{
		findingCreate: "Create", findingUpdate: "Update", findingClose: "Close"}}
	accountChange = &Class{3001, "account_change", "Account Change", 3, withHost, map[int32]string{
		accountCreate: "Create", accountEnable: "Enable", accountPasswordChange: "Password Change", accountPasswordReset: "Password Reset",
		accountDisable: "Disable", accountDelete: "Delete", accountAttach: "Attach Policy", accountDetach: "Detach Policy",
		accountLock: "Lock", accountMFAOn: "MFA Factor Enable", accountMFAOff: "MFA Factor Disable", other: "Other"}}
	authentication = &Class{3002, "authentication", "Authentication", 3, withHost, map[int32]string{
		authLogon: "Logon", authLogoff: "Logoff", authTicket: "Authentication Ticket", authServiceTicket: "Service Ticket Request",
		authPreauth: "Preauth", other: "Other"}}
	authorizeSession = &Class{3003, "authorize_session", "Authorize Session", 3, withHost, map[int32]string{
		authorizePrivileges: "Assign Privileges"}}
	entityManagement = &Class{3004, "entity_management", "Entity Management", 3, withHost, map[int32]string{
		entityCreate: "Create", entityUpdate: "Update", entityDelete: "Delete", entityEnable: "Enable", entityDisable: "Disable", other: "Other"}}
	sshActivity = &Class{4007, "ssh_activity", "SSH Activity", 4, withControl, map[int32]string{
		sshOpen: "Open", sshClose: "Close", sshFail: "Fail", sshRefuse: "Refuse"}}
	tunnelActivity = &Class{4014, "tunnel_activity", "Tunnel Activity", 4, withControl, map[int32]string{
		tunnelOpen: "Open", tunnelClose: "Close"}}
	applicationLifecycle = &Class{6002, "application_lifecycle", "Application Lifecycle", 6, withHost, map[int32]string{
		appStart: "Start", appStop: "Stop"}}
	apiActivity = &Class{6003, "api_activity", "API Activity", 6, onlyCloud, map[int32]string{
		apiCreate: "Create", apiRead: "Read", apiUpdate: "Update", apiDelete: "Delete", other: "Other"}}
	datastoreActivity = &Class{6005, "datastore_activity", "Datastore Activity", 6, onlyCloud, map[int32]string{
		dataQuery: "Query"}}
	remediationActivity = &Class{7001, "remediation_activity", "Remediation Activity", 7, withHost, map[int32]string{
		remedyIsolate: "Isolate", remedyEvict: "Evict", remedyHarden: "Harden", other: "Other"}}
)

// Class is fileActivity, and so on.
func (*FileActivity) Class() *Class         { return fileActivity }
func (*ProcessActivity) Class() *Class      { return processActivity }
func (*EventLog) Class() *Class             { return eventLog }
func (*DetectionFinding) Class() *Class     { return detectionFinding }
func (*AccountChange) Class() *Class        { return accountChange }
func (*Authentication) Class() *Class       { return authentication }
func (*AuthorizeSession) Class() *Class     { return authorizeSession }
func (*EntityManagement) Class() *Class     { return entityManagement }
func (*SSHActivity) Class() *Class          { return sshActivity }
func (*TunnelActivity) Class() *Class       { return tunnelActivity }
func (*ApplicationLifecycle) Class() *Class { return applicationLifecycle }
func (*APIActivity) Class() *Class          { return apiActivity }
func (*DatastoreActivity) Class() *Class    { return datastoreActivity }
func (*RemediationActivity) Class() *Class  { return remediationActivity }

// All returns an empty event of each class, in order of their numbers.
func All() []Event {
	return []Event{&FileActivity{}, &ProcessActivity{}, &EventLog{}, &DetectionFinding{}, &AccountChange{}, &Authentication{},
		&AuthorizeSession{}, &EntityManagement{}, &SSHActivity{}, &TunnelActivity{}, &ApplicationLifecycle{}, &APIActivity{},
		&DatastoreActivity{}, &RemediationActivity{}}
}
