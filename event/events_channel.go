package event

// StartShell is an interactive shell requested in a session.
type StartShell struct {
	managementWrite
	Channel  int    `request:"channel"`  // number of the channel in its connection
	Terminal bool   `request:"terminal"` // whether the client asked for a terminal (pty-req)
	Term     string `request:"term"`     // terminal type, e.g. xterm-256color
}

// ExecuteCommand is a command requested in a session.
type ExecuteCommand struct {
	managementWrite
	Channel  int    `request:"channel"`  // number of the channel in its connection
	Command  string `request:"command"`  // as the client sent it
	Terminal bool   `request:"terminal"` // whether the client asked for a terminal (pty-req)
}

// StartSubsystem is a subsystem (sftp, …) requested in a session.
type StartSubsystem struct {
	managementWrite
	Channel   int    `request:"channel"`   // number of the channel in its connection
	Subsystem string `request:"subsystem"` // sftp, …
}

// OpenTunnel is a direct-tcpip channel through a target.
type OpenTunnel struct {
	dataWrite
	Channel int    `request:"channel"`         // number of the channel in its connection
	Host    string `request:"destinationHost"` // as the client sent it
	Port    int    `request:"destinationPort"` // as the client sent it
}

// CloseTunnel is the end of a tunnel.
type CloseTunnel struct {
	dataWrite
	Channel       int    `request:"channel"`         // number of the channel in its connection
	Host          string `request:"destinationHost"` // as the client sent it
	Port          int    `request:"destinationPort"` // as the client sent it
	BytesReceived int64  `details:"bytesReceived"`   // from the client
	BytesSent     int64  `details:"bytesSent"`       // to the client
}

// ForwardAgent is agent forwarding requested in a session.
type ForwardAgent struct {
	managementWrite
	Channel int `request:"channel"` // number of the channel in its connection
}

// ForwardX11 is X11 forwarding requested in a session.
type ForwardX11 struct {
	managementWrite
	Channel int `request:"channel"` // number of the channel in its connection
}

// CloseChannel is the end of a shell, command or subsystem, durable before its
// exit status passes to the client.
type CloseChannel struct {
	managementWrite
	Channel       int    `request:"channel"`       // number of the channel in its connection
	Kind          string `request:"kind"`          // shell, exec, subsystem
	ExitStatus    *int   `response:"exitStatus"`   // absent when the target gave none
	ExitSignal    string `response:"exitSignal"`   // the signal that ended it, e.g. TERM
	BytesReceived int64  `details:"bytesReceived"` // from the client
	BytesSent     int64  `details:"bytesSent"`     // to the client, stdout and stderr
	SHA256        string `details:"sha256"`        // of what was sent to the client on stdout
}

// SealRecording is a recording finished and stored.
type SealRecording struct {
	managementWrite
	Bytes  int64  `response:"bytes"`  // size as stored
	SHA256 string `response:"sha256"` // of the file
	Frames int64  `response:"frames"` // number of frames
}

// LoseRecording is a recording that failed.
type LoseRecording struct {
	managementWrite
	Reason string `response:"reason"` // what failed
}

// GetRecording is a recording replayed or exported.
type GetRecording struct {
	managementRead
	SessionID string `request:"sessionId"` // the session it shows
	Format    string `request:"format"`    // terminal, asciicast
}
