package forward_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailgate/trailgate/internal/trail/forward"
	"github.com/trailgate/trailgate/internal/trail/forward/forwardtest"
)

// farSyslog is a syslog server that reads RFC 5425 frames and wants a client
// certificate.
type farSyslog struct {
	ledger
	t       *testing.T
	pki     *pki
	other   *pki // whose clients nobody here knows
	version uint16
	address string

	mu    sync.Mutex // guards below
	stop  func()     // ends what listens, and its connections
	conns map[net.Conn]bool
}

func newFarSyslog(t *testing.T, version uint16) *farSyslog {
	f := &farSyslog{t: t, pki: newPKI(t), other: newPKI(t), version: version, address: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	f.Set(forwardtest.Fine)
	t.Cleanup(func() { f.Set(forwardtest.Down) })
	return f
}

func (f *farSyslog) Sink(testing.TB) forward.Sink {
	trust := f.pki.trust()
	trust.Certificates = []tls.Certificate{f.pki.issue("gate")}
	trust.ServerName = "127.0.0.1"
	return forward.NewSyslog(forward.Syslog{Address: f.address, TLS: trust, Host: "gate-1", Name: "syslog+tls://" + f.address})
}

func (f *farSyslog) Set(w forwardtest.Weather) bool {
	if w == forwardtest.Flaky || w == forwardtest.Picky { // a server cannot say so
		return false
	}
	f.mu.Lock()
	stop := f.stop
	f.stop = nil
	for c := range f.conns { // as a crash does: with what is unread
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	f.mu.Unlock()
	if stop != nil {
		stop()
	}
	if w == forwardtest.Down {
		return true
	}
	ln, err := net.Listen("tcp", f.address)
	if err != nil {
		f.t.Fatal(err)
	}
	f.address = ln.Addr().String()
	name := "127.0.0.1"
	if w == forwardtest.Impostor {
		name = "evil.example.com"
	}
	config := f.pki.server(name)
	config.ClientAuth, config.MaxVersion = tls.RequireAndVerifyClientCert, f.version
	if w == forwardtest.Denied {
		config.ClientCAs = f.other.pool()
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.conns[c] = true
			f.mu.Unlock()
			serving.Go(func() {
				f.serve(c, config, w)
				f.mu.Lock()
				delete(f.conns, c)
				f.mu.Unlock()
				c.Close()
			})
		}
	})
	f.mu.Lock()
	f.stop = func() {
		ln.Close()
		f.mu.Lock()
		for c := range f.conns {
			c.(*net.TCPConn).SetLinger(0)
			c.Close()
		}
		f.mu.Unlock()
		serving.Wait()
	}
	f.mu.Unlock()
	return true
}

func (f *farSyslog) serve(c net.Conn, config *tls.Config, w forwardtest.Weather) {
	switch w {
	case forwardtest.Busy: // a balancer with nobody behind it
		return
	case forwardtest.Slow:
		io.Copy(io.Discard, c)
		return
	case forwardtest.Garbage:
		io.WriteString(c, "220 mail.example.com ESMTP\r\n")
		return
	}
	t := tls.Server(c, config)
	defer t.Close()
	if err := frames(t, func(frame string) { f.add([]byte(messageOf(frame))) }); err != nil && w == forwardtest.Fine && strings.Contains(err.Error(), "frame") {
		f.t.Error(err)
	}
}

// frames reads RFC 5425's MSG-LEN SP SYSLOG-MSG up to the end.
func frames(r io.Reader, fn func(string)) error {
	b := bufio.NewReader(r)
	for {
		length, err := b.ReadString(' ')
		if err == io.EOF && length == "" {
			return nil
		}
		if err != nil {
			return err
		}
		n, err := strconv.Atoi(strings.TrimSuffix(length, " "))
		if err != nil || n < 1 || length[0] == '0' {
			return fmt.Errorf("frame has no length: %q", length)
		}
		frame := make([]byte, n)
		if _, err := io.ReadFull(b, frame); err != nil {
			return err
		}
		fn(string(frame))
	}
}

// syslogLine is RFC 5424's SYSLOG-MSG as this sink writes it.
var syslogLine = regexp.MustCompile(`(?s)^<(\d{1,3})>1 (\S+) (\S+) trailgate - (\S+) \[trailgate@32473((?: [a-zA-Z]+="(?:[^"\\\]]|\\["\\\]])*")+)\] (\{.*\})$`)

func messageOf(frame string) string {
	m := syslogLine.FindStringSubmatch(frame)
	if m == nil {
		return ""
	}
	return m[6]
}

func TestSyslog(t *testing.T) {
	forwardtest.Exercise(t, func(t *testing.T) forwardtest.Far { return newFarSyslog(t, tls.VersionTLS13) })
}

// In TLS 1.3 a server refuses a client's certificate after the handshake is over
// for the client; in 1.2, the oldest there is here, within it.
func TestSyslogOverTLS12(t *testing.T) {
	far := newFarSyslog(t, tls.VersionTLS12)
	send(t, far.Sink(t), message(1, `{"eventID":"a"}`))
	far.Set(forwardtest.Denied)
	if _, err := far.Sink(t).Send(t.Context(), []forward.Message{message(2, `{"eventID":"b"}`)}); err == nil {
		t.Error("a server that knows no such client took a line")
	}
	if got := far.Receipts(); len(got) != 1 || got[0].EventID != "a" {
		t.Errorf("received %v, want one line", got)
	}
}

func TestASyslogLineIsRFC5424(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	got := make(chan string, 4)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		if err := frames(c, func(s string) { got <- s }); err != nil {
			t.Error(err)
		}
	}()
	s := forward.NewSyslog(forward.Syslog{Address: ln.Addr().String(), Host: "gate 1\n"})
	at := time.Date(2026, 1, 15, 10, 0, 0, 123456000, time.UTC)
	send(t, s,
		forward.Message{EventID: "0192", EventName: "StartSession", UserARN: `arn:a"b]c\d`, Appended: at, JSON: []byte(`{"a":"é\n"}`)},
		forward.Message{EventID: "0193", EventName: strings.Repeat("N", 40), ErrorCode: "AccessDenied", Appended: at, JSON: []byte(`{}`)},
		forward.Message{EventID: "0194", Appended: at, JSON: []byte(`{}`)},
		forward.Message{EventID: "0195", EventName: "A\n<110>1 - gate trailgate - Login\u2028\x00\xff", Appended: at, JSON: []byte(`{}`)})
	for _, want := range []string{
		`<110>1 2026-01-15T10:00:00.123456Z gate?1? trailgate - StartSession [trailgate@32473 eventID="0192" eventName="StartSession" identity="arn:a\"b\]c\\d"] {"a":"é\n"}`,
		`<108>1 2026-01-15T10:00:00.123456Z gate?1? trailgate - ` + strings.Repeat("N", 32) + ` [trailgate@32473 eventID="0193" eventName="` + strings.Repeat("N", 40) + `"] {}`,
		`<110>1 2026-01-15T10:00:00.123456Z gate?1? trailgate - - [trailgate@32473 eventID="0194"] {}`,
		`<110>1 2026-01-15T10:00:00.123456Z gate?1? trailgate - A?<110>1?-?gate?trailgate?-?Logi [trailgate@32473 eventID="0195" eventName="A?<110>1 - gate trailgate - Login???"] {}`,
	} {
		if line := <-got; line != want {
			t.Errorf("line\n%s\nwant\n%s", line, want)
		}
	}
}

// A server that dies with lines unread resets the connection: they have not
// arrived, though all of them were written.
func TestLinesThatNobodyReadHaveNotArrived(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		b := make([]byte, 1)
		io.ReadFull(c, b) // some of it has come
		c.Close()         // and the rest is unread
	}()
	s := forward.NewSyslog(forward.Syslog{Address: ln.Addr().String(), Host: "gate"})
	if _, err := s.Send(t.Context(), []forward.Message{message(1, `{"n":1}`)}); err == nil {
		t.Error("Send took the lines for read")
	}
}

// FuzzSyslogFrames: n messages in, n lines out, whatever is in them (a forged
// line cannot be smuggled in).
func FuzzSyslogFrames(f *testing.F) {
	f.Add("StartSession", `arn:"]\`, "e1", `{"a":"<13>1 - - -\n5 hello"}`)
	f.Add("", "\n\x00é", "\xff", "{}")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { ln.Close() })
	got := make(chan []string)
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			var all []string
			if err := frames(c, func(s string) { all = append(all, s) }); err != nil {
				all = append(all, err.Error())
			}
			c.Close()
			got <- all
		}
	}()
	s := forward.NewSyslog(forward.Syslog{Address: ln.Addr().String(), Host: "gate"})
	f.Fuzz(func(t *testing.T, name, arn, id, text string) {
		m := forward.Message{EventID: "e" + id, EventName: name, UserARN: arn, JSON: []byte("{" + text + "}")}
		sent := make(chan error)
		go func() {
			_, err := s.Send(t.Context(), []forward.Message{m, m})
			sent <- err
		}()
		lines := <-got
		if err := <-sent; err != nil {
			t.Fatal(err)
		}
		if len(lines) != 2 || messageOf(lines[0]) != string(m.JSON) || lines[1] != lines[0] {
			t.Errorf("two messages came out as %q", lines)
		}
	})
}
