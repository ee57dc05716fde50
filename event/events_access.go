package event

// OpenConnection is an SSH transport from a client that was accepted, or
// refused before authentication (ThrottlingException).
type OpenConnection struct {
	managementWrite
	FrontDoor string `request:"frontDoor"`  // "gate", or "jump" for the inner leg behind ssh -J
	Port      int    `request:"sourcePort"` // the client's TCP port
	Lock      string `details:"lockId"`     // the throttle that refused it
}

// CloseConnection is the end of a client's transport.
type CloseConnection struct {
	managementWrite
	Cause         string `response:"cause"`        // who ended it and why, in a few words
	BytesReceived int64  `details:"bytesReceived"` // from the client
	BytesSent     int64  `details:"bytesSent"`     // to the client
}

// Login is an authentication that finished, or failed (AuthenticationFailed).
type Login struct {
	managementWrite
	UserName    string `request:"userName"`         // as typed, if it is known; otherwise HIDDEN_DUE_TO_SECURITY_REASONS
	Method      string `request:"method"`           // publickey, publickey+totp, accesskey, none
	Fingerprint string `request:"keyFingerprint"`   // SHA256:… of the key that was proven, or failed to be; of an access key its ID
	KeyType     string `request:"keyType"`          // algorithm of the key, e.g. ssh-ed25519
	MFA         string `response:"mfa"`             // totp, remembered, or empty
	Cipher      string `details:"cipher"`           // negotiated cipher
	KEX         string `details:"keyExchange"`      // negotiated key exchange
	HostKey     string `details:"hostKeyAlgorithm"` // algorithm of the host key shown to the client
}

// CheckMfa is one answer to a second-factor prompt, right or wrong.
type CheckMfa struct {
	managementWrite
	Type        string `request:"mfaType"`        // totp
	Fingerprint string `request:"keyFingerprint"` // SHA256:… of the key proven first
	Result      string `response:"CheckMfa"`      // Success or Failure
}

// AuthorizeSecurityGroupIngress asks: may this identity have SSH ingress to
// login@target? Denied by policy or lock with AccessDenied.
type AuthorizeSecurityGroupIngress struct {
	managementWrite
	Target      string   `request:"target"`         // name of the target
	Login       string   `request:"login"`          // account name on the target
	Protocol    string   `request:"ipProtocol"`     // tcp
	Port        int      `request:"port"`           // 22
	FrontDoor   string   `request:"frontDoor"`      // "gate", or "jump" for the inner leg behind ssh -J
	Fingerprint string   `request:"keyFingerprint"` // SHA256:… of the public key
	Policies    []string `details:"policies"`       // names of the policies that decided
	Lock        string   `details:"lockId"`         // the lock that denied it
	Reason      string   `details:"reason"`         // why, in one sentence
}

// ConnectTarget is the dial of a target, with what came of it.
type ConnectTarget struct {
	managementWrite
	Target             string `request:"target"`              // name of the target
	Login              string `request:"login"`               // account name on the target
	Address            string `request:"address"`             // host:port
	HostKeyFingerprint string `response:"hostKeyFingerprint"` // SHA256:… of the key the target showed
	ServerVersion      string `details:"serverVersion"`       // the target's SSH version string
	Cipher             string `details:"cipher"`              // negotiated cipher
	KEX                string `details:"keyExchange"`         // negotiated key exchange
	Millis             int64  `details:"milliseconds"`        // from dial to authenticated
}

// IssueCertificate is a short-lived user certificate minted for one session.
type IssueCertificate struct {
	managementWrite
	Target      string `request:"target"`          // name of the target
	Login       string `request:"login"`           // account name on the target
	Serial      string `response:"serial"`         // the certificate's serial number
	KeyID       string `response:"keyId"`          // the certificate's key id: session and identity; sshd logs it
	Fingerprint string `response:"keyFingerprint"` // SHA256:… of the certified key
	ValidAfter  string `response:"validAfter"`     // RFC 3339, UTC
	ValidBefore string `response:"validBefore"`    // RFC 3339, UTC
}

// StartSession is an identity's authorised use of login@target beginning.
type StartSession struct {
	managementWrite
	FrontDoor   string   `request:"frontDoor"`      // "gate", or "jump" for the inner leg behind ssh -J
	Fingerprint string   `request:"keyFingerprint"` // SHA256:… of the public key
	Policies    []string `details:"policies"`       // names of the policies that decided
	Recording   string   `details:"recording"`      // terminal, or off
}

// EndSession is the end of a session, with its cause.
type EndSession struct {
	managementWrite
	Cause         string `response:"cause"`        // who ended it and why, in a few words; "node stopped" after a crash
	ExitStatus    *int   `response:"exitStatus"`   // the last channel's exit status; absent when it gave none
	Millis        int64  `details:"milliseconds"`  // from StartSession to here
	BytesReceived int64  `details:"bytesReceived"` // from the client
	BytesSent     int64  `details:"bytesSent"`     // to the client
	Lock          string `details:"lockId"`        // the lock that ended it
}

// TerminateSession is a session ended by an administrator or a run.
type TerminateSession struct {
	managementWrite
	SessionID string `request:"sessionId"` // the session to end
	Message   string `request:"message"`   // what its person reads
	Run       string `request:"runId"`     // the run that did it; absent when a person did
}
