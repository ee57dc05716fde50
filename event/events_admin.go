package event

// CreateUser makes an identity.
type CreateUser struct {
	managementWrite
	UserName string `request:"userName"`
	ARN      string `response:"arn"`
}

// UpdateUser changes an identity.
type UpdateUser struct {
	managementWrite
	UserName string `request:"userName"`
	ARN      string `response:"arn"`
}

// DeleteUser removes an identity.
type DeleteUser struct {
	managementWrite
	UserName string `request:"userName"`
}

// UploadSSHPublicKey enrols a public key for an identity.
type UploadSSHPublicKey struct {
	managementWrite
	UserName    string `request:"userName"`
	Fingerprint string `response:"keyFingerprint"`
}

// UpdateSSHPublicKey enables or disables a key.
type UpdateSSHPublicKey struct {
	managementWrite
	UserName    string `request:"userName"`
	Fingerprint string `request:"keyFingerprint"`
	Status      string `request:"status"` // Active or Inactive
}

// DeleteSSHPublicKey removes a key.
type DeleteSSHPublicKey struct {
	managementWrite
	UserName    string `request:"userName"`
	Fingerprint string `request:"keyFingerprint"`
}

// EnableMFADevice enrols a second factor.
type EnableMFADevice struct {
	managementWrite
	UserName string `request:"userName"`
	Type     string `request:"mfaType"`
}

// DeactivateMFADevice removes a second factor.
type DeactivateMFADevice struct {
	managementWrite
	UserName string `request:"userName"`
}

// CreateTarget makes a target.
type CreateTarget struct {
	managementWrite
	Target  string   `request:"target"`
	Address string   `request:"address"`
	Keys    []string `request:"hostKeyFingerprints"`
}

// UpdateTarget changes a target.
type UpdateTarget struct {
	managementWrite
	Target  string   `request:"target"`
	Address string   `request:"address"`
	Keys    []string `request:"hostKeyFingerprints"`
}

// DeleteTarget removes a target.
type DeleteTarget struct {
	managementWrite
	Target string `request:"target"`
}

// CreateRole makes a role.
type CreateRole struct {
	managementWrite
	Role    string   `request:"roleName"`
	Members []string `request:"members"`
}

// UpdateRole changes a role.
type UpdateRole struct {
	managementWrite
	Role    string   `request:"roleName"`
	Members []string `request:"members"`
}

// DeleteRole removes a role.
type DeleteRole struct {
	managementWrite
	Role string `request:"roleName"`
}

// PutPolicy makes or replaces a policy.
type PutPolicy struct {
	managementWrite
	Policy string `request:"policyName"`
	SHA256 string `request:"sha256"` // of its Cedar text
}

// DeletePolicy removes a policy.
type DeletePolicy struct {
	managementWrite
	Policy string `request:"policyName"`
}

// CreateLock puts a lock in force.
type CreateLock struct {
	managementWrite
	Effect   string `request:"effect"` // deny, require_mfa, throttle
	Identity string `request:"identity"`
	Source   string `request:"source"`
	Login    string `request:"login"`
	Key      string `request:"keyFingerprint"`
	// TargetMatch is the target the lock matches.
	TargetMatch string `request:"target"`
	Reason      string `request:"reason"`
	Expires     string `request:"expires"`
	Run         string `request:"runId"`
	ID          string `response:"lockId"`
}

// DeleteLock undoes a lock, or is its expiry.
type DeleteLock struct {
	managementWrite
	ID    string `request:"lockId"`
	Cause string `request:"cause"` // deleted, expired
}

// PutRunbook makes or replaces a runbook.
type PutRunbook struct {
	managementWrite
	Runbook string `request:"runbookId"`
	SHA256  string `request:"sha256"`
}

// EnableRunbook puts a runbook to work in a mode.
type EnableRunbook struct {
	managementWrite
	Runbook string `request:"runbookId"`
	Mode    string `request:"mode"`
}

// DisableRunbook stops a runbook.
type DisableRunbook struct {
	managementWrite
	Runbook string `request:"runbookId"`
}
