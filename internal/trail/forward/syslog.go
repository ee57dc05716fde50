package forward

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Syslog has no acknowledgement (RFC 5425 §4.3), so a batch gets a connection of
// its own and its end is the acknowledgement: we end our side, the server reads
// up to there and ends its own (§4.4). A server that dies with lines unread
// resets the connection, and the batch is sent again. That costs a handshake a
// batch, at most one a second while few events come. Sessions are not resumed:
// rsyslog with OpenSSL refuses those of clients with a certificate.
//
// Not every server ends TLS before TCP (rsyslog with GnuTLS does not), so the end
// of TCP is enough. What a server has read and then loses is beyond us: its own
// queue must be durable.

// Syslog is where lines go.
type Syslog struct {
	Address string      // host:port
	TLS     *tls.Config // with ServerName; nil speaks in the clear, to loopback only
	Host    string      // HOSTNAME of the lines: who says it
	Name    string      // how the sink is shown
}

const (
	syslogLinger  = time.Second
	syslogLargest = 256 << 10 // a record is never larger
)

// syslog writes RFC 5424 lines, octet-counted (RFC 5425), over TLS.
type syslog struct{ o Syslog }

// NewSyslog makes the sink of a syslog server.
func NewSyslog(o Syslog) Sink { return &syslog{o} }

func (s *syslog) String() string { return s.o.Name }

func (s *syslog) Limits() Limits {
	return Limits{Events: 5000, Bytes: 4 << 20, Largest: syslogLargest, Linger: syslogLinger}
}

func (s *syslog) Close() error { return nil }

func (s *syslog) Send(ctx context.Context, batch []Message) ([]Failure, error) {
	var lines []byte
	for _, m := range batch {
		lines = s.append(lines, m)
	}
	var d net.Dialer
	c, err := d.DialContext(ctx, "tcp", s.o.Address)
	if err != nil {
		return nil, fmt.Errorf("connect to the syslog server: %w", err)
	}
	defer c.Close()
	stop := context.AfterFunc(ctx, func() { c.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	if err := s.converse(ctx, c.(*net.TCPConn), lines); err != nil {
		return nil, cmp.Or(context.Cause(ctx), err)
	}
	return nil, nil
}

// converse says the lines and returns when the server has read all of them.
func (s *syslog) converse(ctx context.Context, c *net.TCPConn, lines []byte) error {
	end := c.CloseWrite
	var conn net.Conn = c
	if s.o.TLS != nil {
		t := tls.Client(c, s.o.TLS)
		if err := t.HandshakeContext(ctx); err != nil {
			return fmt.Errorf("connect to the syslog server: %w", err)
		}
		conn, end = t, func() error { return errors.Join(t.CloseWrite(), c.CloseWrite()) }
	}
	if _, err := conn.Write(lines); err != nil {
		return fmt.Errorf("write to the syslog server: %w", err)
	}
	if err := end(); err != nil {
		return fmt.Errorf("end what is said to the syslog server: %w", err)
	}
	if _, err := io.Copy(io.Discard, conn); err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("wait for the syslog server to read it: %w", err)
	}
	return nil
}

// The structured data's name needs an enterprise number (RFC 5424 §7.2.2); 32473
// is the one for those who have none of their own (RFC 5612).
const (
	facilityAudit = 13 // log audit, RFC 5424 §6.2.1
	warning       = 4
	informational = 6
	structureName = "trailgate@32473"
)

// append adds a message as a frame: its length, a space, the line. The text is
// MSG-ANY: a byte order mark in front of JSON breaks more readers than it helps.
func (s *syslog) append(b []byte, m Message) []byte {
	severity := informational
	if m.ErrorCode != "" {
		severity = warning
	}
	var l bytes.Buffer
	fmt.Fprintf(&l, "<%d>1 %s %s trailgate - %s [%s", facilityAudit*8+severity,
		m.Appended.UTC().Format("2006-01-02T15:04:05.000000Z"), printable(s.o.Host, 255), printable(m.EventName, 32), structureName)
	for _, p := range [][2]string{{"eventID", m.EventID}, {"eventName", m.EventName}, {"identity", m.UserARN}} {
		if p[1] != "" {
			fmt.Fprintf(&l, ` %s="%s"`, p[0], quoteParam.Replace(strings.Map(oneLine, p[1])))
		}
	}
	l.WriteString("] ")
	l.Write(m.JSON)
	b = strconv.AppendInt(b, int64(l.Len()), 10)
	b = append(b, ' ')
	return append(b, l.Bytes()...)
}

// oneLine leaves control characters out, and what is not UTF-8: a name that
// somebody put into an event must not begin another line where a server writes
// lines to a file.
func oneLine(r rune) rune {
	if unicode.IsControl(r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError {
		return '?'
	}
	return r
}

// quoteParam escapes what RFC 5424 §6.3.3 names.
var quoteParam = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`)

// printable is text as a field of a header: visible ASCII, at most n bytes, "-"
// for none.
func printable(text string, n int) string {
	out := []byte(text)
	for i, c := range out {
		if c < 33 || c > 126 {
			out[i] = '?'
		}
	}
	return cmp.Or(string(out[:min(len(out), n)]), "-")
}
