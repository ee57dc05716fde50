package ocsf

// rule is how one of Trailgate's events is mapped.
type rule struct {
	activity int32                  // when it was done
	refused  int32                  // when it was refused or failed; 0: the same
	by       func(m *mapping) int32 // where the record says which; nil: the two above
	fill     func(m *mapping) Event // nil when the class requires what the record lacks
	note     string                 // what the generated page says beside it
}

// activityOf is asked before anything is taken from the record.
func (r rule) activityOf(m *mapping) int32 {
	switch {
	case r.by != nil:
		return r.by(m)
	case m.code != "" && r.refused != 0:
		return r.refused
	default:
		return r.activity
	}
}

// rules are all of them, by eventName. An event without one is API Activity by
// its verb; a test wants that to be a decision.
var rules map[string]rule

func init() { // fill functions reach mapping, which reaches rules
	rules = map[string]rule{
		"OpenConnection":  {activity: sshOpen, by: openedOr(sshOpen), fill: toGate},
		"CloseConnection": {activity: sshClose, fill: toGate},
		"Login":           {activity: authLogon, fill: login},
		"CheckMfa":        {activity: authPreauth, fill: checkMFA},

		"AuthorizeSecurityGroupIngress": {activity: authorizePrivileges, fill: authorize, note: "privileges is login@target; actor.authorizations are the policies that decided"},
		"ConnectTarget":                 {by: openedOr(sshOpen), fill: toTarget(1, "Certificate Based"), note: "dst_endpoint is the target, proxy the gate"},
		"IssueCertificate":              {activity: apiCreate, fill: apiOn("certificate", "responseElements.keyId")},

		"StartSession":     {by: openedOr(sshOpen), fill: toTarget(6, "Public Key")},
		"EndSession":       {activity: sshClose, fill: toTarget(0, ""), note: "traffic and duration"},
		"TerminateSession": {activity: remedyEvict, fill: terminate, note: "command_uid is the run, or the session when a person did it"},

		"StartShell":     {activity: processLaunch, fill: process("shell")},
		"ExecuteCommand": {activity: processLaunch, fill: process("")},
		"StartSubsystem": {activity: processLaunch, fill: process("")},
		"CloseChannel":   {activity: processTerminate, fill: process("")},
		"OpenTunnel":     {activity: tunnelOpen, fill: tunnel("direct-tcpip")},
		"CloseTunnel":    {activity: tunnelClose, fill: tunnel("direct-tcpip")},
		"ForwardAgent":   {activity: tunnelOpen, fill: tunnel("ssh-agent")},
		"ForwardX11":     {activity: tunnelOpen, fill: tunnel("x11")},

		"GetFile":           {activity: fileRead, fill: file(1, "Regular File")},
		"PutFile":           {activity: fileCreate, fill: file(1, "Regular File")},
		"CloseFile":         {activity: other, fill: file(1, "Regular File"), note: "size and hash of what passed"},
		"ListDirectory":     {activity: fileRead, fill: file(2, "Folder")},
		"DeleteFile":        {activity: fileDelete, fill: file(1, "Regular File")},
		"RenameFile":        {activity: fileRename, fill: file(0, unknown), note: "file_result is the new name"},
		"CreateDirectory":   {activity: fileCreate, fill: file(2, "Folder")},
		"DeleteDirectory":   {activity: fileDelete, fill: file(2, "Folder")},
		"SetFileAttributes": {activity: fileSet, fill: file(0, unknown)},
		"CreateLink":        {activity: fileCreate, fill: file(7, "Symbolic Link")},

		"SealRecording":   {activity: logArchive, fill: journal("recording", informational)},
		"LoseRecording":   {activity: logStop, fill: journal("recording", high)},
		"GetRecording":    {activity: logExport, fill: journal("recording", informational)},
		"DeleteRecording": {activity: logDelete, fill: journal("recording", medium)},

		"CreateUser":          {activity: accountCreate, fill: user},
		"UpdateUser":          {activity: other, fill: user},
		"DeleteUser":          {activity: accountDelete, fill: user},
		"UploadSSHPublicKey":  {activity: other, fill: user, note: "user.credential_uid is the key's fingerprint"},
		"UpdateSSHPublicKey":  {activity: other, fill: user},
		"DeleteSSHPublicKey":  {activity: other, fill: user},
		"EnableMFADevice":     {activity: accountMFAOn, fill: user},
		"DeactivateMFADevice": {activity: accountMFAOff, fill: user},
		"CreateAccessKey":     {activity: other, fill: user},
		"UpdateAccessKey":     {activity: other, fill: user},
		"DeleteAccessKey":     {activity: other, fill: user},

		"CreateTarget":     {activity: entityCreate, fill: targetEntity},
		"UpdateTarget":     {activity: entityUpdate, fill: targetEntity},
		"DeleteTarget":     {activity: entityDelete, fill: targetEntity},
		"CreateRole":       {activity: entityCreate, fill: roleEntity},
		"UpdateRole":       {activity: entityUpdate, fill: roleEntity},
		"DeleteRole":       {activity: entityDelete, fill: roleEntity},
		"PutPolicy":        {activity: entityUpdate, fill: policyEntity},
		"DeletePolicy":     {activity: entityDelete, fill: policyEntity},
		"FailPolicy":       {activity: other, fill: policyEntity},
		"PutSavedQuery":    {activity: entityUpdate, fill: entity("saved query", "requestParameters.savedQueryName")},
		"DeleteSavedQuery": {activity: entityDelete, fill: entity("saved query", "requestParameters.savedQueryName")},
		"CreateLock":       {by: lockActivity, fill: lock, note: "of an identity, to deny: Account Change, Lock; any other: an entity"},
		"DeleteLock":       {activity: entityDelete, fill: entity("lock", "requestParameters.lockId")},
		"RotateCA":         {activity: entityUpdate, fill: entity("certificate authority", "requestParameters.ca")},
		"PutRunbook":       {activity: entityUpdate, fill: entity("runbook", "requestParameters.runbookId")},
		"EnableRunbook":    {activity: entityEnable, fill: entity("runbook", "requestParameters.runbookId")},
		"DisableRunbook":   {activity: entityDisable, fill: entity("runbook", "requestParameters.runbookId")},

		"SetAlarmState":    {by: alarmActivity, fill: alarm, note: "to ALARM: Create; to OK: Close; severity_id is the runbook's"},
		"AcknowledgeAlarm": {activity: findingUpdate, fill: alarm},
		"SilenceAlarm":     {activity: findingUpdate, fill: alarm},
		"StartRun":         {activity: other, fill: run},
		"ExecuteStep":      {by: stepActivity, fill: run, note: "by its action: Isolate, Evict, Harden; command_uid is run/step"},
		"ReviewStep":       {activity: other, fill: run},
		"EndRun":           {activity: other, fill: run},
		"SendNotification": {activity: apiCreate, fill: apiOn("receiver", "requestParameters.receiver")},

		"StartQuery":      {activity: dataQuery, fill: query},
		"EndQuery":        {activity: other, fill: apiOn("query", "requestParameters.queryId")},
		"StartNode":       {activity: appStart, fill: node},
		"StopNode":        {activity: appStop, fill: node},
		"PutDigest":       {activity: logArchive, fill: journal("trail", informational)},
		"DetectGap":       {activity: other, fill: journal("trail", high)},
		"StepClock":       {activity: other, fill: journal("trail", medium)},
		"DeleteEvents":    {activity: logDelete, fill: journal("trail", medium)},
		"GetEvents":       {activity: logExport, fill: journal("trail", informational)},
		"CreateLegalHold": {activity: entityCreate, fill: entity("legal hold", "responseElements.holdId")},
		"DeleteLegalHold": {activity: entityDelete, fill: entity("legal hold", "requestParameters.holdId")},
		"FailForwarder":   {activity: logStop, fill: journal("forwarder", high)},
		"ResumeForwarder": {activity: logRestart, fill: journal("forwarder", informational)},
		"TestForwarder":   {activity: other, fill: journal("forwarder", informational)},
		"EndImport":       {activity: apiUpdate, fill: apiOn("import", "requestParameters.importId")},
		"CollapseEvents":  {by: collapsedActivity, fill: collapsed, note: "the class of what was collapsed, with count"},
	}
}

// openedOr is activity, or what kept it from happening.
func openedOr(activity int32) func(*mapping) int32 {
	return func(m *mapping) int32 {
		switch {
		case denied(m.code):
			return sshRefuse
		case m.code != "":
			return sshFail
		default:
			return activity
		}
	}
}

// ssh is what all SSH Activity has.
func ssh(m *mapping) *SSHActivity {
	e := &SSHActivity{Control: m.control(), Actor: ptr(m.actor()), ConnectionInfo: m.connection(), Traffic: m.traffic(), ProtocolVer: "2.0"}
	m.credential(e.Actor.User)
	e.SrcEndpoint = ptr(m.from())
	e.Message = m.cause()
	e.Duration = m.long("serviceEventDetails.milliseconds")
	return e
}

// credential moves the fingerprint of the key that was shown to its user.
func (m *mapping) credential(u *User) {
	if u.CredentialUID == "" {
		u.CredentialUID = m.text("requestParameters.keyFingerprint")
	}
}

// cause is why, in the event's own words.
func (m *mapping) cause() string {
	for _, at := range []string{"responseElements.cause", "requestParameters.cause", "serviceEventDetails.reason", "requestParameters.reason",
		"responseElements.reason", "responseElements.detail"} {
		if s := m.text(at); s != "" {
			return s
		}
	}
	return ""
}

func toGate(m *mapping) Event {
	e := ssh(m)
	e.DstEndpoint = *m.gate()
	return e
}

func toTarget(authType int32, caption string) func(*mapping) Event {
	return func(m *mapping) Event {
		to := m.target()
		if to == nil {
			return nil
		}
		e := ssh(m)
		e.DstEndpoint, e.Proxy = *to, m.gate()
		if authType != 0 {
			e.AuthTypeID, e.AuthType = &authType, caption
		}
		return e
	}
}

// auth is what all Authentication has: the one who acts is the one to prove.
func auth(m *mapping) *Authentication {
	a := m.actor()
	e := &Authentication{Actor: a, User: *a.User, Session: a.Session, IsRemote: ptr(true), HTTPRequest: m.http(), SrcEndpoint: ptr(m.from())}
	e.Actor.Session = nil
	if m.source != "" {
		e.Service = &Service{m.source}
	} else {
		e.Service = &Service{unknown}
	}
	return e
}

func login(m *mapping) Event {
	e := auth(m)
	m.credential(&e.User)
	e.DstEndpoint = m.gate()
	e.LogonTypeID, e.LogonType = ptr(int32(3)), "Network"
	e.AuthProtocolID, e.AuthProtocol = ptr(int32(other)), "SSH"
	if method := m.text("requestParameters.method"); method != "" {
		e.AuthProtocol += " " + method
	}
	if m.code == "" {
		e.IsMFA = ptr(m.peek("responseElements.mfa") != "")
	}
	if name := m.peek("requestParameters.userName"); e.User.Name == "" || e.User.Name == name {
		e.User.Name = m.text("requestParameters.userName")
	}
	return e
}

func checkMFA(m *mapping) Event {
	if m.peek("responseElements.CheckMfa") == "Failure" {
		m.statusID, m.severity = failure, medium
	}
	e := auth(m)
	m.credential(&e.User)
	e.DstEndpoint = m.gate()
	e.AuthProtocolID, e.AuthProtocol = ptr(int32(other)), "MFA "+m.text("requestParameters.mfaType")
	e.IsMFA = ptr(m.code == "" && m.statusID != failure)
	return e
}

func authorize(m *mapping) Event {
	login, target := m.peek("requestParameters.login"), m.peek("requestParameters.target")
	if target == "" {
		return nil
	}
	m.text("requestParameters.login")
	a := m.actor()
	m.credential(a.User)
	e := &AuthorizeSession{Actor: a, User: *a.User, Privileges: []string{login + "@" + target}, Session: a.Session,
		SrcEndpoint: ptr(m.from()), DstEndpoint: m.target(), HTTPRequest: m.http()}
	e.Message = m.cause()
	e.DstEndpoint.Port = m.number("requestParameters.port")
	return e
}

// apiOn is a call on one thing, named at a path.
func apiOn(kind, at string) func(*mapping) Event {
	return func(m *mapping) Event {
		e := apiCall(m)
		if name := m.text(at); name != "" {
			e.Resources = append(e.Resources, Resource{Name: name, Type: kind})
		}
		return e
	}
}

func terminate(m *mapping) Event {
	session := m.peek("requestParameters.sessionId")
	if session == "" {
		return nil
	}
	e := &RemediationActivity{Actor: ptr(m.actor()), CommandUID: session}
	if run := m.text("requestParameters.runId"); run != "" {
		e.CommandUID = run
	}
	e.Remediation = &Remediation{"end session " + session}
	e.Message = m.text("requestParameters.message")
	return e
}

// process is a channel in which something runs on the target.
func process(name string) func(*mapping) Event {
	return func(m *mapping) Event {
		d, uid := m.device(), m.peek("requestParameters.sessionId")
		if d == nil || uid == "" {
			return nil
		}
		if n := m.number("requestParameters.channel"); n != nil {
			uid += "/" + itoa(*n)
		}
		e := &ProcessActivity{Control: m.control(), Device: *d, Actor: m.actor(), ExitCode: m.number("responseElements.exitStatus")}
		p := &e.Process
		p.UID = uid
		p.CmdLine, p.Name = m.text("requestParameters.command"), name
		if p.Name == "" {
			p.Name = m.text("requestParameters.subsystem")
		}
		if p.Name == "" {
			p.Name = m.text("requestParameters.kind")
		}
		if login := m.text("requestParameters.login"); login != "" {
			p.User = &User{TypeID: 0, Type: unknown, Name: login}
		}
		p.Session, e.Actor.Session = e.Actor.Session, nil
		return e
	}
}

func tunnel(protocol string) func(*mapping) Event {
	return func(m *mapping) Event {
		a := m.actor()
		e := &TunnelActivity{Control: m.control(), Actor: &a, User: a.User, Session: a.Session, ConnectionInfo: m.connection(),
			Traffic: m.traffic(), ProtocolName: protocol, TunnelTypeID: other, TunnelType: "SSH channel", SrcEndpoint: ptr(m.from())}
		e.Proxy = m.target()
		if host := m.text("requestParameters.destinationHost"); host != "" {
			e.DstEndpoint = &Endpoint{Port: m.number("requestParameters.destinationPort")}
			e.DstEndpoint.place(host)
		}
		return e
	}
}

// journal is what became of a log: the trail, or a recording.
func journal(name string, severity int32) func(*mapping) Event {
	return func(m *mapping) Event {
		if m.code == "" {
			m.severity = severity
		}
		if m.severity >= high {
			m.statusID = failure
		}
		e := &EventLog{Actor: m.actor(), SrcEndpoint: ptr(m.from()), LogName: name, LogProvider: "Trailgate", LogTypeID: 2, LogType: "Application"}
		e.Message = m.cause()
		return e
	}
}

func node(m *mapping) Event {
	e := &ApplicationLifecycle{Actor: ptr(m.actor()), App: Product{Name: "Trailgate", VendorName: "Trailgate", Version: m.text("requestParameters.version")}}
	e.Message = m.cause()
	return e
}

func query(m *mapping) Event {
	text, id := m.text("requestParameters.queryStatement"), m.text("responseElements.queryId")
	if id == "" {
		id = m.peek("eventID")
	}
	if id == "" || text == "" {
		return nil
	}
	return &DatastoreActivity{Actor: m.actor(), SrcEndpoint: m.from(), Database: Database{TypeID: other, Type: "trail", Name: "trailgate"},
		QueryInfo: QueryInfo{UID: id, QueryString: text}, HTTPRequest: m.http()}
}

// collapsed stands for many failures alike: as many of their kind.
func collapsed(m *mapping) Event {
	count, first, last := m.number("requestParameters.count"), m.moment("requestParameters.first"), m.moment("requestParameters.last")
	why := m.text("requestParameters.reason")
	var e Event
	switch m.peek("requestParameters.eventName") {
	case "OpenConnection":
		c := toGate(m).(*SSHActivity)
		c.Control = Control{2, "Denied", 2, "Blocked"}
		e = c
	case "Login":
		a := auth(m)
		a.DstEndpoint = m.gate()
		e = a
	default:
		e = apiOn("operation", "requestParameters.eventName")(m)
	}
	m.statusID, m.severity = failure, medium
	b := e.Common()
	b.Count, b.StartTime, b.EndTime, b.StatusDetail = count, first, last, why
	return e
}

func collapsedActivity(m *mapping) int32 {
	switch m.peek("requestParameters.eventName") {
	case "OpenConnection":
		return sshRefuse
	case "Login":
		return authLogon
	default:
		return other
	}
}
