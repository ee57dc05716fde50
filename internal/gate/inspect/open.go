package inspect

import (
	"encoding/binary"
	"fmt"
)

// Open is what a peer asks a new channel to be.
type Open interface {
	// Type is the channel type on the wire.
	Type() string
	extra(b []byte) []byte
}

// EncodeOpen returns the channel type and its data for the wire.
func EncodeOpen(o Open) (kind string, extra []byte) { return o.Type(), o.extra(nil) }

// Address is one end of a forwarded stream, as the peer wrote it: nothing in
// it is resolved or trusted.
type Address struct {
	Host string
	Port uint32
}

// The channel types.
type (
	// OpenSession is a channel for a shell, command or subsystem.
	OpenSession struct{}
	// OpenDirect asks to connect to a host and port (direct-tcpip).
	OpenDirect struct {
		Address
		Origin Address
	}
	// OpenDirectUnix asks to connect to a Unix socket on the target.
	OpenDirectUnix struct{ Path, Reserved string }
	// OpenForwarded is a connection that reached a forwarded port.
	OpenForwarded struct {
		Address
		Origin Address
	}
	// OpenAgent reaches back to the client's agent.
	OpenAgent struct{}
	// OpenX11 reaches back to the client's display.
	OpenX11 struct{ Origin Address }
	// OpenUnknown is a channel type this package does not name.
	OpenUnknown struct{ Kind, Extra string }
)

const (
	typeDirectUnix = "direct-streamlocal@openssh.com"
	typeAgent      = "auth-agent@openssh.com"
)

func (OpenSession) Type() string    { return "session" }
func (OpenDirect) Type() string     { return "direct-tcpip" }
func (OpenDirectUnix) Type() string { return typeDirectUnix }
func (OpenForwarded) Type() string  { return "forwarded-tcpip" }
func (OpenAgent) Type() string      { return typeAgent }
func (OpenX11) Type() string        { return "x11" }
func (o OpenUnknown) Type() string  { return o.Kind }

func (OpenSession) extra(b []byte) []byte     { return b }
func (OpenAgent) extra(b []byte) []byte       { return b }
func (o OpenX11) extra(b []byte) []byte       { return o.Origin.encode(b) }
func (o OpenUnknown) extra(b []byte) []byte   { return append(b, o.Extra...) }
func (o OpenDirect) extra(b []byte) []byte    { return o.Origin.encode(o.Address.encode(b)) }
func (o OpenForwarded) extra(b []byte) []byte { return o.Origin.encode(o.Address.encode(b)) }

func (o OpenDirectUnix) extra(b []byte) []byte {
	b = appendString(appendString(b, o.Path), o.Reserved)
	return binary.BigEndian.AppendUint32(b, 0) // reserved (OpenSSH PROTOCOL 2.4)
}

func (a Address) encode(b []byte) []byte {
	return binary.BigEndian.AppendUint32(appendString(b, a.Host), a.Port)
}

// DecodeOpen reads a channel open. A known type whose data does not fit is an
// error; a type that is not known is an [OpenUnknown].
func DecodeOpen(kind string, extra []byte) (Open, error) {
	if len(kind) > MaxName {
		return nil, fmt.Errorf("%w: channel type of %d bytes", ErrMalformed, len(kind))
	}
	r := &reader{rest: extra}
	o := decodeOpen(kind, r)
	r.end()
	if r.err != nil {
		return nil, fmt.Errorf("decode open %q: %w", kind, r.err)
	}
	return o, nil
}

func decodeOpen(kind string, r *reader) Open {
	switch kind {
	case "session":
		return OpenSession{}
	case "direct-tcpip":
		return OpenDirect{r.address(), r.address()}
	case "forwarded-tcpip":
		return OpenForwarded{r.address(), r.address()}
	case typeDirectUnix:
		o := OpenDirectUnix{Path: r.string("path", MaxName), Reserved: r.string("reserved", MaxName)}
		r.uint32("reserved")
		return o
	case typeAgent:
		return OpenAgent{}
	case "x11":
		return OpenX11{r.address()}
	}
	if len(r.rest) > MaxValue {
		r.fail("data too long")
		return nil
	}
	o := OpenUnknown{kind, string(r.rest)}
	r.rest = nil
	return o
}

// address reads a host and port; a port beyond 65535 is no port.
func (r *reader) address() Address {
	a := Address{r.string("host", MaxName), r.uint32("port")}
	if a.Port > 65535 {
		r.fail("port out of range")
	}
	return a
}
