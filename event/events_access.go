package event

// OpenConnection is an SSH transport from a client that was accepted, or
// refused before authentication (ThrottlingException).
type OpenConnection struct {
	managementWrite
	FrontDoor string `request:"frontDoor"` // "gate", or "jump" for the inner leg behind ssh -J
	Port      int    `request:"sourcePort"`
	Lock      string `details:"lockId"` // the throttle that refused it
}

// CloseConnection is the end of a client's transport.
type CloseConnection struct {
	managementWrite
	Cause         string `response:"cause"`
	BytesReceived int64  `details:"bytesReceived"`
	BytesSent     int64  `details:"bytesSent"`
}

// Login is an authentication that finished, or failed (AuthenticationFailed).
type Login struct {
	managementWrite
	UserName    string `request:"userName"` // as typed, only if it parses and is known; otherwise Hidden
	Method      string `request:"method"`   // publickey, publickey+totp, none
	Fingerprint string `request:"keyFingerprint"`
	KeyType     string `request:"keyType"`
	MFA         string `response:"mfa"` // totp, remembered, or empty
	Cipher      string `details:"cipher"`
	KEX         string `details:"keyExchange"`
	HostKey     string `details:"hostKeyAlgorithm"`
}

// CheckMfa is one answer to a second-factor prompt, right or wrong.
type CheckMfa struct {
	managementWrite
	Type        string `request:"mfaType"` // totp
	Fingerprint string `request:"keyFingerprint"`
	Result      string `response:"CheckMfa"` // Success or Failure
}

// AuthorizeSecurityGroupIngress asks: may this identity have SSH ingress to
// login@target? Denied by policy or lock with AccessDenied.
type AuthorizeSecurityGroupIngress struct {
	managementWrite
	Target      string   `request:"target"`
	Login       string   `request:"login"`
	Protocol    string   `request:"ipProtocol"` // tcp
	Port        int      `request:"port"`
	FrontDoor   string   `request:"frontDoor"`
	Fingerprint string   `request:"keyFingerprint"`
	Policies    []string `details:"policies"` // names of the policies that decided
	Lock        string   `details:"lockId"`
	Reason      string   `details:"reason"`
}

// ConnectTarget is the dial of a target, with what came of it.
type ConnectTarget struct {
	managementWrite
	Target             string `request:"target"`
	Login              string `request:"login"`
	Address            string `request:"address"`
	HostKeyFingerprint string `response:"hostKeyFingerprint"`
	ServerVersion      string `details:"serverVersion"`
	Cipher             string `details:"cipher"`
	KEX                string `details:"keyExchange"`
	Millis             int64  `details:"milliseconds"`
}

// IssueCertificate is a short-lived user certificate minted for one session.
type IssueCertificate struct {
	managementWrite
	Target      string `request:"target"`
	Login       string `request:"login"`
	Serial      string `response:"serial"`
	KeyID       string `response:"keyId"`
	Fingerprint string `response:"keyFingerprint"`
	ValidAfter  string `response:"validAfter"`
	ValidBefore string `response:"validBefore"`
}

// StartSession is an identity's authorised use of login@target beginning.
type StartSession struct {
	managementWrite
	FrontDoor   string   `request:"frontDoor"`
	Fingerprint string   `request:"keyFingerprint"`
	Policies    []string `details:"policies"`
	Recording   string   `details:"recording"` // terminal, or off
}

// EndSession is the end of a session, with its cause.
type EndSession struct {
	managementWrite
	Cause         string `response:"cause"`
	ExitStatus    *int   `response:"exitStatus"`
	Millis        int64  `details:"milliseconds"`
	BytesReceived int64  `details:"bytesReceived"`
	BytesSent     int64  `details:"bytesSent"`
	Lock          string `details:"lockId"`
}

// TerminateSession is a session ended by an administrator or a run.
type TerminateSession struct {
	managementWrite
	SessionID string `request:"sessionId"`
	Message   string `request:"message"`
	Run       string `request:"runId"`
}
