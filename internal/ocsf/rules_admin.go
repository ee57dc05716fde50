package ocsf

import (
	"path"
	"strconv"
)

func itoa(n int32) string { return strconv.Itoa(int(n)) }

// file is a file of a target; its path is what the client asked for.
func file(kind int32, caption string) func(*mapping) Event {
	return func(m *mapping) Event {
		at, d := m.text("requestParameters.path"), m.device()
		if at == "" || d == nil {
			return nil
		}
		e := &FileActivity{Control: m.control(), Actor: m.actor(), Device: *d, File: fileAt(at, kind, caption)}
		if to := m.text("requestParameters.newPath"); to != "" {
			e.FileResult = ptr(fileAt(to, kind, caption))
		}
		e.File.Size = m.long("responseElements.bytes")
		if sum := m.text("responseElements.sha256"); sum != "" {
			e.File.Hashes = []Fingerprint{{3, "SHA-256", sum}}
		}
		return e
	}
}

func fileAt(at string, kind int32, caption string) File {
	f := File{Path: at, Name: path.Base(at), TypeID: kind, Type: caption}
	if dir := path.Dir(at); dir != "." {
		f.ParentFolder = dir
	}
	return f
}

// user is a change of an identity, named in the request.
func user(m *mapping) Event {
	name := m.text("requestParameters.userName")
	if name == "" {
		return nil
	}
	e := &AccountChange{Actor: m.actor(), SrcEndpoint: ptr(m.from()), HTTPRequest: m.http()}
	e.User = User{TypeID: 1, Type: "User", Name: name, UID: m.text("responseElements.arn")}
	if admin := m.boolean("requestParameters.admin"); admin != nil && *admin {
		e.User.TypeID, e.User.Type = 2, "Admin"
	}
	for _, at := range []string{"requestParameters.keyFingerprint", "responseElements.keyFingerprint", "requestParameters.accessKeyId", "responseElements.accessKeyId"} {
		if id := m.text(at); id != "" && e.User.CredentialUID == "" {
			e.User.CredentialUID = id
		}
	}
	return e
}

// manage is a change of an entity.
func manage(m *mapping, of Entity) Event {
	e := &EntityManagement{Actor: m.actor(), Entity: of, SrcEndpoint: ptr(m.from()), HTTPRequest: m.http()}
	e.Comment = m.cause()
	return e
}

func targetEntity(m *mapping) Event {
	d := m.device()
	if d == nil {
		return nil
	}
	return manage(m, Entity{TypeID: 1, Type: "Device", Name: d.Name, Device: d})
}

func roleEntity(m *mapping) Event {
	name := m.text("requestParameters.roleName")
	if name == "" {
		return nil
	}
	g := &Group{Name: name, UID: m.text("requestParameters.arn")}
	return manage(m, Entity{TypeID: 3, Type: "Group", Name: name, Group: g})
}

func policyEntity(m *mapping) Event {
	name := m.text("requestParameters.policyName")
	if name == "" {
		return nil
	}
	if m.name == "FailPolicy" {
		m.statusID, m.severity = failure, high
	}
	p := &Policy{Name: name, Version: m.text("requestParameters.sha256")}
	return manage(m, Entity{TypeID: 5, Type: "Policy", Name: name, Policy: p})
}

// entity is one that the schema has no object for: its kind, and its name at a path.
func entity(kind, at string) func(*mapping) Event {
	return func(m *mapping) Event {
		name := m.peek(at)
		if name == "" {
			return nil
		}
		m.text(at)
		return manage(m, Entity{TypeID: other, Type: kind, Name: name})
	}
}

// locksIdentity says whether a lock is what OCSF calls one: nobody gets in as
// this identity.
func locksIdentity(m *mapping) bool {
	return m.peek("requestParameters.effect") == "deny" && m.peek("requestParameters.identity") != ""
}

func lockActivity(m *mapping) int32 {
	if locksIdentity(m) {
		return accountLock
	}
	return entityCreate
}

func lock(m *mapping) Event {
	if !locksIdentity(m) {
		if m.peek("responseElements.lockId") == "" { // refused: it never got an id
			return entity("lock", "requestParameters.effect")(m)
		}
		return entity("lock", "responseElements.lockId")(m)
	}
	e := &AccountChange{Actor: m.actor(), SrcEndpoint: ptr(m.from()), HTTPRequest: m.http()}
	e.User = User{TypeID: 1, Type: "User", Name: m.text("requestParameters.identity")}
	e.Message = m.cause()
	return e
}

func alarmActivity(m *mapping) int32 {
	switch m.peek("requestParameters.state") {
	case "ALARM":
		return findingCreate
	case "OK":
		return findingClose
	default:
		return findingUpdate
	}
}

func alarm(m *mapping) Event {
	id := m.text("requestParameters.alarmId")
	if id == "" {
		return nil
	}
	if m.code == "" && m.peek("requestParameters.state") == "ALARM" {
		m.severity = alarmSeverities[m.peek("requestParameters.severity")]
	}
	e := &DetectionFinding{Actor: ptr(m.actor()), FindingInfo: FindingInfo{UID: id, Title: id}, Comment: m.text("requestParameters.note")}
	f := &e.FindingInfo
	if runbook := m.text("requestParameters.runbookId"); runbook != "" {
		f.Title = runbook
		f.Analytic = &Analytic{TypeID: 1, Type: "Rule", Name: runbook, UID: runbook}
	}
	if key := m.peek("requestParameters.key"); key != "" {
		f.Title += ": " + key
	}
	f.Desc = m.cause()
	for _, id := range m.texts("serviceEventDetails.events") {
		f.RelatedEvents = append(f.RelatedEvents, RelatedEvent{id})
	}
	e.Count = m.number("serviceEventDetails.matches")
	return e
}

// stepActivity is what an action does, in D3FEND's tactics.
func stepActivity(m *mapping) int32 {
	switch m.peek("requestParameters.action") {
	case "lock_identity", "lock_target", "block_source", "throttle_source", "pause_session", "quarantine_role":
		return remedyIsolate
	case "terminate_session", "close_channel", "disable_key", "disable_access_key", "revoke_certificates":
		return remedyEvict
	case "require_mfa", "challenge_session":
		return remedyHarden
	default:
		return other
	}
}

// run is a run, or a step of one.
func run(m *mapping) Event {
	id := m.text("requestParameters.runId")
	if id == "" {
		return nil
	}
	e := &RemediationActivity{Actor: ptr(m.actor()), CommandUID: id}
	what := "run " + id
	if step := m.text("requestParameters.step"); step != "" {
		e.CommandUID += "/" + step
		what = "step " + step
	}
	if action := m.peek("requestParameters.action"); action != "" {
		what += ": " + action
	}
	if runbook := m.peek("requestParameters.runbookId"); runbook != "" {
		what += " of runbook " + runbook
	}
	e.Remediation = &Remediation{what}
	switch result := m.peek("responseElements.result"); result {
	case "", "done":
	case "failed", "refused":
		m.statusID = failure
		if result == "refused" {
			m.statusID, m.status = other, result
		}
	default:
		m.statusID, m.status = other, result
	}
	e.Message = m.cause()
	if note := m.text("requestParameters.note"); e.Message == "" {
		e.Message = note
	}
	return e
}
