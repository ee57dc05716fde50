package ocsf

import "strings"

// foreign maps what Trailgate did not write, or what lacks what its rule wants:
// AWS's records as AWS maps them, and those of other services by their names.
func (m *mapping) foreign() (Event, int32) {
	if activity, ok := logons[m.name]; ok && m.signsIn() {
		return m.signIn(), activity
	}
	if activity, ok := accounts[m.name]; ok && (!m.aws() || m.source == "iam.amazonaws.com") {
		return m.accountChange(), activity
	}
	return apiCall(m), m.verb()
}

// signsIn says whether the event's name can be believed: on AWS only these
// services sign anybody in.
func (m *mapping) signsIn() bool {
	switch m.source {
	case "signin.amazonaws.com", "sts.amazonaws.com", "sso.amazonaws.com", "sso-oauth.amazonaws.com":
		return true
	}
	return !m.aws()
}

// logons are the names of sign-in events.
var logons = map[string]int32{
	"ConsoleLogin": authLogon, "UserAuthentication": authLogon, "Federate": authLogon, "Login": authLogon, "Logon": authLogon, "SignIn": authLogon,
	"CheckMfa": authPreauth, "CredentialChallenge": authPreauth, "CredentialVerification": authPreauth,
	"Logout": authLogoff, "Logoff": authLogoff, "SignOut": authLogoff,
	"AssumeRole": authTicket, "AssumeRoleWithSAML": authTicket, "AssumeRoleWithWebIdentity": authTicket, "AssumeRoot": authTicket,
	"GetSessionToken": authTicket, "GetFederationToken": authTicket, "CreateToken": authServiceTicket,
}

func (m *mapping) signIn() Event {
	for _, at := range []string{"responseElements.ConsoleLogin", "responseElements.CheckMfa"} {
		if m.peek(at) == "Failure" { // a failed ConsoleLogin has no errorCode
			m.statusID, m.severity = failure, medium
		}
	}
	if m.code == "" && m.peek("errorMessage") != "" {
		m.statusID = failure
	}
	e := auth(m)
	if mfa := m.truth("additionalEventData.MFAUsed"); mfa != nil {
		e.IsMFA = mfa
	}
	if to := m.text("additionalEventData.LoginTo"); to != "" {
		e.DstEndpoint = &Endpoint{SvcName: to}
	}
	return e
}

// accounts are the names of events that change a user.
var accounts = map[string]int32{
	"CreateUser": accountCreate, "DeleteUser": accountDelete, "UpdateUser": other,
	"EnableUser": accountEnable, "DisableUser": accountDisable,
	"CreateLoginProfile": accountEnable, "DeleteLoginProfile": accountDisable, "UpdateLoginProfile": accountPasswordReset, "ChangePassword": accountPasswordChange,
	"EnableMFADevice": accountMFAOn, "DeactivateMFADevice": accountMFAOff,
	"AttachUserPolicy": accountAttach, "PutUserPolicy": accountAttach, "DetachUserPolicy": accountDetach, "DeleteUserPolicy": accountDetach,
	"CreateAccessKey": other, "DeleteAccessKey": other, "UpdateAccessKey": other,
	"UploadSSHPublicKey": other, "UpdateSSHPublicKey": other, "DeleteSSHPublicKey": other,
	"AddUserToGroup": other, "RemoveUserFromGroup": other,
}

// accountChange is about the user in the request, or about who asked.
func (m *mapping) accountChange() Event {
	e := &AccountChange{Actor: m.actor(), SrcEndpoint: ptr(m.from()), HTTPRequest: m.http()}
	if name := m.text("requestParameters.userName"); name != "" {
		e.User = User{TypeID: 1, Type: "User", Name: name, UID: m.text("responseElements.user.arn")}
	} else {
		e.User = *e.Actor.User
	}
	p := Policy{Name: m.text("requestParameters.policyName"), UID: m.text("requestParameters.policyArn")}
	if p != (Policy{}) {
		e.Policy = &p
	}
	return e
}

// apiCall is what every record can be.
func apiCall(m *mapping) *APIActivity {
	return &APIActivity{Actor: m.actor(), SrcEndpoint: m.from(), HTTPRequest: m.http(), Resources: m.resources()}
}

// resources takes the record's resources when they are as CloudTrail has them.
func (m *mapping) resources() (all []Resource) {
	list, _ := m.record["resources"].([]any)
	for _, v := range list {
		var r Resource
		o, _ := v.(map[string]any)
		for name, v := range o {
			s, ok := v.(string)
			switch {
			case ok && name == "ARN":
				r.UID = s
			case ok && name == "type":
				r.Type = s
			case ok && name == "accountId" && s != "":
				r.Owner = &User{TypeID: 0, Type: unknown, Account: account(s)}
			default:
				return nil
			}
		}
		if r.UID == "" {
			return nil
		}
		all = append(all, r)
	}
	take[[]any](m.record, "resources")
	return all
}

// verbs are the beginnings of names of calls.
var verbs = []struct {
	activity int32
	words    []string
}{
	{apiRead, []string{"Get", "List", "Describe", "Lookup", "Head", "Search", "Query", "Scan", "Select", "Read", "View", "Download", "BatchGet", "Check", "Validate", "Simulate"}},
	{apiCreate, []string{"Create", "Add", "Register", "Run", "Issue", "Allocate", "Import", "Upload", "Send", "Request", "Generate", "Copy", "Publish", "Launch", "Invite"}},
	{apiDelete, []string{"Delete", "Remove", "Terminate", "Deregister", "Revoke", "Cancel", "Purge", "Release", "Destroy"}},
	{apiUpdate, []string{"Update", "Put", "Modify", "Set", "Change", "Attach", "Detach", "Associate", "Disassociate", "Enable", "Disable", "Tag", "Untag",
		"Start", "Stop", "Reboot", "Rotate", "Restore", "Reset", "Authorize", "Replace", "Edit", "Move", "Rename"}},
}

// verb is what a call does, from readOnly and its name.
func (m *mapping) verb() int32 {
	if read, ok := m.record["readOnly"].(bool); ok && read {
		return apiRead
	}
	for _, v := range verbs {
		for _, word := range v.words {
			if rest, ok := strings.CutPrefix(m.name, word); ok && (rest == "" || rest[0] < 'a' || rest[0] > 'z') {
				return v.activity
			}
		}
	}
	return other
}
