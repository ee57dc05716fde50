package inspect

import "encoding/binary"

// Message is one channel request, in either direction.
type Message interface {
	// Type is the request's name on the wire.
	Type() string
	payload(b []byte) []byte
}

// Encode returns the request's name and payload for the wire.
func Encode(m Message) (kind string, payload []byte) { return m.Type(), m.payload(nil) }

// Starts reports whether m makes the channel run something: after it, and not
// before, the channel carries data.
func Starts(m Message) bool {
	switch m.(type) {
	case Shell, Exec, Subsystem:
		return true
	}
	return false
}

// The requests a client makes (RFC 4254 §6).
type (
	// Shell asks for the login's shell.
	Shell struct{}
	// Exec asks for one command.
	Exec struct{ Command string }
	// Subsystem asks for a named subsystem, such as sftp.
	Subsystem struct{ Name string }
	// Pty asks for a terminal. Modes stay encoded, bit for bit.
	Pty struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	// WindowChange says the terminal's new size.
	WindowChange struct{ Columns, Rows, Width, Height uint32 }
	// Env sets a variable before the start.
	Env struct{ Name, Value string }
	// Signal asks to signal what runs; the name has no SIG prefix.
	Signal struct{ Name string }
	// Break is a serial break (RFC 4335), in milliseconds.
	Break struct{ Length uint32 }
	// AgentForward asks the target to open agent channels back to the client.
	AgentForward struct{}
	// X11 asks the target to open X11 channels back to the client.
	X11 struct {
		Single           bool
		Protocol, Cookie string
		Screen           uint32
	}
	// EndOfWrite is OpenSSH's eow: the sender reads no more data.
	EndOfWrite struct{}
	// Keepalive is OpenSSH's probe; it wants any reply.
	Keepalive struct{}
)

// The requests a target makes.
type (
	// ExitStatus is how what ran ended.
	ExitStatus struct{ Status uint32 }
	// ExitSignal is the signal that ended what ran.
	ExitSignal struct {
		Signal         string
		Core           bool
		Text, Language string
	}
	// XonXoff says whether the client may do flow control itself.
	XonXoff struct{ ClientCanDo bool }
)

// Unknown is a request of a type this package does not name.
type Unknown struct {
	Kind    string
	Payload string
}

const (
	typeAgentForward = "auth-agent-req@openssh.com"
	typeEndOfWrite   = "eow@openssh.com"
	typeKeepalive    = "keepalive@openssh.com"
)

func (Shell) Type() string        { return "shell" }
func (Exec) Type() string         { return "exec" }
func (Subsystem) Type() string    { return "subsystem" }
func (Pty) Type() string          { return "pty-req" }
func (WindowChange) Type() string { return "window-change" }
func (Env) Type() string          { return "env" }
func (Signal) Type() string       { return "signal" }
func (Break) Type() string        { return "break" }
func (AgentForward) Type() string { return typeAgentForward }
func (X11) Type() string          { return "x11-req" }
func (EndOfWrite) Type() string   { return typeEndOfWrite }
func (Keepalive) Type() string    { return typeKeepalive }
func (ExitStatus) Type() string   { return "exit-status" }
func (ExitSignal) Type() string   { return "exit-signal" }
func (XonXoff) Type() string      { return "xon-xoff" }
func (m Unknown) Type() string    { return m.Kind }

func (Shell) payload(b []byte) []byte        { return b }
func (AgentForward) payload(b []byte) []byte { return b }
func (EndOfWrite) payload(b []byte) []byte   { return b }
func (Keepalive) payload(b []byte) []byte    { return b }
func (m Exec) payload(b []byte) []byte       { return appendString(b, m.Command) }
func (m Subsystem) payload(b []byte) []byte  { return appendString(b, m.Name) }
func (m Signal) payload(b []byte) []byte     { return appendString(b, m.Name) }
func (m XonXoff) payload(b []byte) []byte    { return appendBool(b, m.ClientCanDo) }
func (m Unknown) payload(b []byte) []byte    { return append(b, m.Payload...) }

func (m Break) payload(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, m.Length)
}

func (m ExitStatus) payload(b []byte) []byte {
	return binary.BigEndian.AppendUint32(b, m.Status)
}

func (m Env) payload(b []byte) []byte {
	return appendString(appendString(b, m.Name), m.Value)
}

func (m Pty) payload(b []byte) []byte {
	b = appendString(b, m.Term)
	b = WindowChange{m.Columns, m.Rows, m.Width, m.Height}.payload(b)
	return appendString(b, m.Modes)
}

func (m WindowChange) payload(b []byte) []byte {
	for _, v := range [...]uint32{m.Columns, m.Rows, m.Width, m.Height} {
		b = binary.BigEndian.AppendUint32(b, v)
	}
	return b
}

func (m X11) payload(b []byte) []byte {
	b = appendBool(b, m.Single)
	b = appendString(b, m.Protocol)
	b = appendString(b, m.Cookie)
	return binary.BigEndian.AppendUint32(b, m.Screen)
}

func (m ExitSignal) payload(b []byte) []byte {
	b = appendString(b, m.Signal)
	b = appendBool(b, m.Core)
	b = appendString(b, m.Text)
	return appendString(b, m.Language)
}
