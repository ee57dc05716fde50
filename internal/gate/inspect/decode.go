package inspect

import "fmt"

// Decode reads one channel request. A known type whose payload does not fit
// is an error; a type that is not known is an [Unknown].
func Decode(kind string, payload []byte) (Message, error) {
	if len(kind) > MaxName {
		return nil, fmt.Errorf("%w: request name of %d bytes", ErrMalformed, len(kind))
	}
	r := &reader{rest: payload}
	m := decode(kind, r)
	r.end()
	if r.err != nil {
		return nil, fmt.Errorf("decode %q: %w", kind, r.err)
	}
	return m, nil
}

func decode(kind string, r *reader) Message {
	switch kind {
	case "shell":
		return Shell{}
	case "exec":
		return Exec{r.string("command", MaxCommand)}
	case "subsystem":
		return Subsystem{r.string("name", MaxName)}
	case "pty-req":
		m := Pty{Term: r.string("term", MaxName)}
		m.Columns, m.Rows, m.Width, m.Height = r.size()
		m.Modes = r.string("modes", MaxModes)
		return m
	case "window-change":
		var m WindowChange
		m.Columns, m.Rows, m.Width, m.Height = r.size()
		return m
	case "env":
		return Env{r.string("name", MaxName), r.string("value", MaxValue)}
	case "signal":
		return Signal{r.string("signal", MaxName)}
	case "break":
		return Break{r.uint32("length")}
	case typeAgentForward:
		return AgentForward{}
	case "x11-req":
		return X11{r.bool("single"), r.string("protocol", MaxName), r.string("cookie", MaxName), r.uint32("screen")}
	case typeEndOfWrite:
		return EndOfWrite{}
	case typeKeepalive:
		return Keepalive{}
	case "exit-status":
		return ExitStatus{r.uint32("status")}
	case "exit-signal":
		return ExitSignal{r.string("signal", MaxName), r.bool("core"), r.string("text", MaxValue), r.string("language", MaxName)}
	case "xon-xoff":
		return XonXoff{r.bool("client can do")}
	}
	if len(r.rest) > MaxValue {
		r.fail("payload too long")
		return nil
	}
	m := Unknown{kind, string(r.rest)}
	r.rest = nil
	return m
}

func (r *reader) size() (columns, rows, width, height uint32) {
	return r.uint32("columns"), r.uint32("rows"), r.uint32("width"), r.uint32("height")
}
