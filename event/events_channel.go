package event

// StartShell is an interactive shell requested in a session.
type StartShell struct {
	managementWrite
	Channel  int    `request:"channel"`
	Terminal bool   `request:"terminal"`
	Term     string `request:"term"`
}

// ExecuteCommand is a command requested in a session.
type ExecuteCommand struct {
	managementWrite
	Channel  int    `request:"channel"`
	Command  string `request:"command"`
	Terminal bool   `request:"terminal"`
}

// StartSubsystem is a subsystem (sftp, …) requested in a session.
type StartSubsystem struct {
	managementWrite
	Channel   int    `request:"channel"`
	Subsystem string `request:"subsystem"`
}

// OpenTunnel is a direct-tcpip channel through a target.
type OpenTunnel struct {
	dataWrite
	Channel int    `request:"channel"`
	Host    string `request:"destinationHost"`
	Port    int    `request:"destinationPort"`
}

// CloseTunnel is the end of a tunnel.
type CloseTunnel struct {
	dataWrite
	Channel       int    `request:"channel"`
	Host          string `request:"destinationHost"`
	Port          int    `request:"destinationPort"`
	BytesReceived int64  `details:"bytesReceived"` // from the client
	BytesSent     int64  `details:"bytesSent"`     // to the client
}

// ForwardAgent is agent forwarding requested in a session.
type ForwardAgent struct {
	managementWrite
	Channel int `request:"channel"`
}

// ForwardX11 is X11 forwarding requested in a session.
type ForwardX11 struct {
	managementWrite
	Channel int `request:"channel"`
}

// CloseChannel is the end of a shell, command or subsystem, durable before its
// exit status passes to the client.
type CloseChannel struct {
	managementWrite
	Channel       int    `request:"channel"`
	Kind          string `request:"kind"` // shell, exec, subsystem
	ExitStatus    *int   `response:"exitStatus"`
	ExitSignal    string `response:"exitSignal"`
	BytesReceived int64  `details:"bytesReceived"` // from the client
	BytesSent     int64  `details:"bytesSent"`     // to the client, stdout and stderr
	SHA256        string `details:"sha256"`        // of what was sent to the client on stdout
}

// SealRecording is a recording finished and stored.
type SealRecording struct {
	managementWrite
	Bytes  int64  `response:"bytes"`
	SHA256 string `response:"sha256"`
	Frames int64  `response:"frames"`
}

// LoseRecording is a recording that failed.
type LoseRecording struct {
	managementWrite
	Reason string `response:"reason"`
}

// GetRecording is a recording replayed or exported.
type GetRecording struct {
	managementRead
	SessionID string `request:"sessionId"`
	Format    string `request:"format"`
}
