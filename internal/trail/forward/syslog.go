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
)

// Syslog has no acknowledgement (RFC 5425 §4.3), so a line counts as arrived
// when the other side's kernel has taken all of it and the connection still
// stands; on a new connection only after it has stood for a while, because a
// server that refuses our certificate says so after the first line. What was
// sent last is kept and sent again, before anything else, when the connection is
// found broken afterwards: twice is better than never. What a server takes and
// loses by itself is beyond us: its own queue must be durable.

// Syslog is where lines go.
type Syslog struct {
	Address string      // host:port
	TLS     *tls.Config // with ServerName; nil speaks in the clear, to loopback only
	Host    string      // HOSTNAME of the lines: who says it
	Name    string      // how the sink is shown
}

const (
	syslogDial    = 10 * time.Second
	syslogSettle  = 500 * time.Millisecond // a new connection stands for so long before its first lines count
	syslogDrain   = 2 * time.Millisecond   // between looks at what the kernel has still to send
	keepFor       = 30 * time.Second       // what was sent within it is sent again on a new connection
	keepBytes     = 4 << 20
	syslogLargest = 256 << 10 // a record is never larger
)

// syslog writes RFC 5424 lines, octet-counted (RFC 5425), over TLS.
type syslog struct {
	o      Syslog
	settle time.Duration

	conn   net.Conn      // nil when there is none
	raw    net.Conn      // the TCP connection below it
	broken chan struct{} // closed when the other side has ended conn
	young  bool          // nothing has counted on conn yet
	kept   []keptLines
}

// keptLines were written and may be lost if the connection breaks.
type keptLines struct {
	at    time.Time
	lines []byte
}

// NewSyslog makes the sink of a syslog server.
func NewSyslog(o Syslog) Sink { return &syslog{o: o, settle: syslogSettle} }

func (s *syslog) String() string { return s.o.Name }

func (s *syslog) Limits() Limits {
	return Limits{Events: 1000, Bytes: 1 << 20, Largest: syslogLargest}
}

// Close ends the connection so that the server reads everything: our end first,
// then a while for its own.
func (s *syslog) Close() error {
	if s.conn == nil {
		return nil
	}
	type halfCloser interface{ CloseWrite() error }
	if hc, ok := s.conn.(halfCloser); ok && hc.CloseWrite() == nil {
		select {
		case <-s.broken:
		case <-time.After(2 * time.Second):
		}
	}
	s.drop()
	return nil
}

func (s *syslog) Send(ctx context.Context, batch []Message) ([]Failure, error) {
	var lines []byte
	for _, m := range batch {
		lines = s.append(lines, m)
	}
	if err := s.send(ctx, lines); err != nil {
		s.drop()
		return nil, err
	}
	s.keep(lines)
	return nil, nil
}

// send returns when the lines count as arrived.
func (s *syslog) send(ctx context.Context, lines []byte) error {
	if !s.standing() {
		s.drop()
		if err := s.dial(ctx); err != nil {
			return err
		}
		var all []byte
		for _, k := range s.kept {
			all = append(all, k.lines...)
		}
		lines = append(all, lines...)
	}
	if deadline, ok := ctx.Deadline(); ok {
		s.conn.SetWriteDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { s.conn.SetWriteDeadline(time.Unix(1, 0)) })
	_, err := s.conn.Write(lines)
	stop()
	if err != nil {
		return fmt.Errorf("write to the syslog server: %w", err)
	}
	if s.young {
		if err := s.stands(ctx, s.settle); err != nil {
			return err
		}
		s.young = false
	}
	for {
		switch unsent, established := outgoing(s.raw); {
		case !established:
			return errEnded
		case unsent == 0:
			return nil
		}
		if err := s.stands(ctx, syslogDrain); err != nil {
			return err
		}
	}
}

var errEnded = errors.New("the syslog server ended the connection")

// stands waits, and fails when the connection ends meanwhile.
func (s *syslog) stands(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-s.broken:
		return errEnded
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// standing says whether there is a connection that has not ended.
func (s *syslog) standing() bool {
	if s.conn == nil {
		return false
	}
	select {
	case <-s.broken:
		return false
	default:
		return true
	}
}

func (s *syslog) dial(ctx context.Context) error {
	bounded, cancel := context.WithTimeout(ctx, syslogDial)
	defer cancel()
	var d net.Dialer
	raw, err := d.DialContext(bounded, "tcp", s.o.Address)
	if err != nil {
		return fmt.Errorf("connect to the syslog server: %w", err)
	}
	s.conn, s.raw = raw, raw
	if s.o.TLS != nil {
		c := tls.Client(raw, s.o.TLS)
		if err := c.HandshakeContext(bounded); err != nil {
			raw.Close()
			s.conn = nil
			return fmt.Errorf("connect to the syslog server: %w", err)
		}
		s.conn = c
	}
	s.young, s.broken = true, make(chan struct{})
	go listen(s.conn, s.broken)
	return nil
}

// listen closes broken when the other side ends the connection, which is when
// reading ends; a syslog server has nothing to say.
func listen(conn net.Conn, broken chan<- struct{}) {
	defer close(broken)
	io.Copy(io.Discard, conn)
}

// drop gives up the connection and waits for its listener.
func (s *syslog) drop() {
	if s.conn != nil {
		s.conn.Close()
		<-s.broken
		s.conn = nil
	}
}

// keep remembers lines for a while.
func (s *syslog) keep(lines []byte) {
	now := time.Now()
	s.kept = append(s.kept, keptLines{now, lines})
	size := 0
	for i := len(s.kept) - 1; i >= 0; i-- {
		size += len(s.kept[i].lines)
		if i < len(s.kept)-1 && (now.Sub(s.kept[i].at) > keepFor || size > keepBytes) { // the newest always
			s.kept = append([]keptLines(nil), s.kept[i+1:]...)
			return
		}
	}
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
			fmt.Fprintf(&l, ` %s="%s"`, p[0], quoteParam.Replace(strings.ToValidUTF8(p[1], "?")))
		}
	}
	l.WriteString("] ")
	l.Write(m.JSON)
	b = strconv.AppendInt(b, int64(l.Len()), 10)
	b = append(b, ' ')
	return append(b, l.Bytes()...)
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
