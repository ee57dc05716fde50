package event

// CreateUser makes an identity.
type CreateUser struct {
	managementWrite
	UserName   string `request:"userName"`   // name of the identity
	ARN        string `response:"arn"`       // the identity's principal ARN
	Admin      bool   `request:"admin"`      // whether it may administer Trailgate
	BreakGlass bool   `request:"breakGlass"` // whether no run may lock it
}

// UpdateUser changes an identity.
type UpdateUser struct {
	managementWrite
	UserName   string `request:"userName"`   // name of the identity
	ARN        string `response:"arn"`       // the identity's principal ARN
	Admin      bool   `request:"admin"`      // whether it may administer Trailgate
	BreakGlass bool   `request:"breakGlass"` // whether no run may lock it
}

// DeleteUser removes an identity.
type DeleteUser struct {
	managementWrite
	UserName string `request:"userName"` // name of the identity
}

// UploadSSHPublicKey enrols a public key for an identity.
type UploadSSHPublicKey struct {
	managementWrite
	UserName    string `request:"userName"`        // name of the identity
	Fingerprint string `response:"keyFingerprint"` // SHA256:… of the public key
}

// UpdateSSHPublicKey enables or disables a key.
type UpdateSSHPublicKey struct {
	managementWrite
	UserName    string `request:"userName"`       // name of the identity
	Fingerprint string `request:"keyFingerprint"` // SHA256:… of the public key
	Status      string `request:"status"`         // Active or Inactive
}

// DeleteSSHPublicKey removes a key.
type DeleteSSHPublicKey struct {
	managementWrite
	UserName    string `request:"userName"`       // name of the identity
	Fingerprint string `request:"keyFingerprint"` // SHA256:… of the public key
}

// CreateAccessKey makes an access key for the CloudTrail API. Its secret is in
// no record.
type CreateAccessKey struct {
	managementWrite
	UserName    string `request:"userName"`     // name of the identity
	Expires     string `request:"expires"`      // RFC 3339, UTC; absent when it does not expire
	Temporary   bool   `request:"sessionToken"` // whether it works with a session token only
	AccessKeyID string `response:"accessKeyId"` // AKIA…, ASIA… with a session token
}

// UpdateAccessKey enables or disables an access key.
type UpdateAccessKey struct {
	managementWrite
	UserName    string `request:"userName"`    // name of the identity
	AccessKeyID string `request:"accessKeyId"` // the key
	Status      string `request:"status"`      // Active or Inactive
}

// DeleteAccessKey removes an access key.
type DeleteAccessKey struct {
	managementWrite
	UserName    string `request:"userName"`    // name of the identity
	AccessKeyID string `request:"accessKeyId"` // the key
}

// EnableMFADevice enrols a second factor.
type EnableMFADevice struct {
	managementWrite
	UserName string `request:"userName"` // name of the identity
	Type     string `request:"mfaType"`  // totp
}

// DeactivateMFADevice removes a second factor.
type DeactivateMFADevice struct {
	managementWrite
	UserName string `request:"userName"` // name of the identity
}

// CreateTarget makes a target.
type CreateTarget struct {
	managementWrite
	Target  string            `request:"target"`              // name of the target
	Address string            `request:"address"`             // host:port
	Keys    []string          `request:"hostKeyFingerprints"` // SHA256:… of each pinned host key
	Labels  map[string]string `request:"labels"`              // what policy may ask about it
}

// UpdateTarget changes a target.
type UpdateTarget struct {
	managementWrite
	Target  string            `request:"target"`              // name of the target
	Address string            `request:"address"`             // host:port
	Keys    []string          `request:"hostKeyFingerprints"` // SHA256:… of each pinned host key
	Labels  map[string]string `request:"labels"`              // what policy may ask about it
}

// DeleteTarget removes a target.
type DeleteTarget struct {
	managementWrite
	Target string `request:"target"` // name of the target
}

// CreateRole makes a role.
type CreateRole struct {
	managementWrite
	Role    string   `request:"roleName"` // name of the role
	Members []string `request:"members"`  // names of the identities in it
	ARN     string   `request:"arn"`      // the IAM role its members act as
}

// UpdateRole changes a role.
type UpdateRole struct {
	managementWrite
	Role    string   `request:"roleName"` // name of the role
	Members []string `request:"members"`  // names of the identities in it
	ARN     string   `request:"arn"`      // the IAM role its members act as
}

// DeleteRole removes a role.
type DeleteRole struct {
	managementWrite
	Role string `request:"roleName"` // name of the role
}

// PutPolicy makes or replaces a policy.
type PutPolicy struct {
	managementWrite
	Policy string `request:"policyName"` // name of the policy
	SHA256 string `request:"sha256"`     // of its Cedar text
}

// DeletePolicy removes a policy.
type DeletePolicy struct {
	managementWrite
	Policy string `request:"policyName"` // name of the policy
}

// PutSavedQuery makes or replaces a saved query.
type PutSavedQuery struct {
	managementWrite
	Query  string `request:"savedQueryName"` // name of the saved query
	SHA256 string `request:"sha256"`         // of its text
}

// DeleteSavedQuery removes a saved query.
type DeleteSavedQuery struct {
	managementWrite
	Query string `request:"savedQueryName"` // name of the saved query
}

// CreateLock puts a lock in force.
type CreateLock struct {
	managementWrite
	Effect      string `request:"effect"`         // deny, require_mfa or throttle
	Identity    string `request:"identity"`       // the identity the lock matches
	Source      string `request:"source"`         // the source address or network the lock matches
	Role        string `request:"roleName"`       // the role the lock matches
	Login       string `request:"login"`          // the login the lock matches
	Key         string `request:"keyFingerprint"` // the key the lock matches
	TargetMatch string `request:"target"`         // the target the lock matches
	Reason      string `request:"reason"`         // what those it ends read
	Expires     string `request:"expires"`        // RFC 3339, UTC; absent when it does not expire
	Run         string `request:"runId"`          // the run that did it; absent when a person did
	ID          string `response:"lockId"`        // the lock's id
}

// DeleteLock undoes a lock, or is its expiry.
type DeleteLock struct {
	managementWrite
	ID    string `request:"lockId"` // the lock's id
	Cause string `request:"cause"`  // deleted or expired
}

// PutRunbook makes or replaces a runbook.
type PutRunbook struct {
	managementWrite
	Runbook string `request:"runbookId"` // the runbook's id
	SHA256  string `request:"sha256"`    // of its YAML text
}

// EnableRunbook puts a runbook to work in a mode.
type EnableRunbook struct {
	managementWrite
	Runbook string `request:"runbookId"` // the runbook's id
	Mode    string `request:"mode"`      // observe, propose or enforce

	Params map[string]string `request:"params"` // values that differ from the file's
}

// DisableRunbook stops a runbook.
type DisableRunbook struct {
	managementWrite
	Runbook string `request:"runbookId"` // the runbook's id
}

// RotateCA is a new key of Trailgate's own taking over.
type RotateCA struct {
	managementWrite
	CA          string `request:"ca"`                    // digest
	Fingerprint string `response:"publicKeyFingerprint"` // of the new key
	From        string `response:"validityStartTime"`    // when it takes over, RFC 3339, UTC
}
