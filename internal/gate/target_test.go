package gate_test

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/ca"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// testTarget is an SSH server that trusts the user CA, as a target's sshd
// does, and runs a few commands of its own.
type testTarget struct {
	addr    string
	hostKey ssh.Signer

	mu    sync.Mutex // guards below
	certs []*ssh.Certificate
}

func newTestTarget(t *testing.T, authority *ca.CA, now func() time.Time) *testTarget {
	t.Helper()
	want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(authority.UserLine()))
	if err != nil {
		t.Fatal(err)
	}
	tt := &testTarget{hostKey: sshtest.Key(t)}
	checker := ssh.CertChecker{Clock: now, IsUserAuthority: func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(want.Marshal()) }}
	conf := &ssh.ServerConfig{PublicKeyCallback: func(m ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		p, err := checker.Authenticate(m, k)
		if err == nil && m.User() == "nobody" {
			return nil, fmt.Errorf("no such account")
		}
		if err == nil {
			tt.mu.Lock()
			tt.certs = append(tt.certs, k.(*ssh.Certificate))
			tt.mu.Unlock()
		}
		return p, err
	}}
	conf.AddHostKey(tt.hostKey)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tt.addr = ln.Addr().String()
	var wg sync.WaitGroup
	var open sync.Map
	wg.Go(func() {
		for {
			nc, err := ln.Accept()
			if err != nil {
				return
			}
			open.Store(nc, true)
			wg.Go(func() {
				defer nc.Close()
				tt.serve(nc, conf, &wg)
			})
		}
	})
	t.Cleanup(func() {
		ln.Close()
		open.Range(func(nc, _ any) bool { nc.(net.Conn).Close(); return true })
		wg.Wait()
	})
	return tt
}

func (tt *testTarget) certificates() []*ssh.Certificate {
	tt.mu.Lock()
	defer tt.mu.Unlock()
	return append([]*ssh.Certificate(nil), tt.certs...)
}

func (tt *testTarget) serve(nc net.Conn, conf *ssh.ServerConfig, wg *sync.WaitGroup) {
	conn, chans, reqs, err := ssh.NewServerConn(nc, conf)
	if err != nil {
		return
	}
	wg.Go(func() { ssh.DiscardRequests(reqs) })
	for ch := range chans {
		switch ch.ChannelType() {
		case "direct-tcpip":
			c, rs, err := ch.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { ssh.DiscardRequests(rs) })
			wg.Go(func() {
				io.Copy(c, c)
				c.Close()
			})
		case "session":
			c, rs, err := ch.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { tt.session(conn, c, rs) })
		default:
			ch.Reject(ssh.UnknownChannelType, "no")
		}
	}
}

// session runs one command: what it is told before, it prints on "report".
func (tt *testTarget) session(conn *ssh.ServerConn, c ssh.Channel, reqs <-chan *ssh.Request) {
	defer c.Close()
	var told []string
	for r := range reqs {
		if r.WantReply {
			r.Reply(true, nil)
		}
		name := ""
		switch r.Type {
		case "env":
			var m struct{ Name, Value string }
			ssh.Unmarshal(r.Payload, &m)
			told = append(told, m.Name+"="+m.Value)
			continue
		case "exec", "subsystem":
			var m struct{ Name string }
			ssh.Unmarshal(r.Payload, &m)
			name = m.Name
		case "shell":
			name = "report"
		default:
			told = append(told, r.Type)
			continue
		}
		word, rest, _ := strings.Cut(name, " ")
		status := uint32(0)
		switch word {
		case "echo":
			fmt.Fprintln(c, rest)
		case "exit":
			n, _ := strconv.Atoi(rest)
			fmt.Fprint(c.Stderr(), "leaving\n")
			status = uint32(n)
		case "report":
			fmt.Fprint(c, strings.Join(told, " "))
		case "sleep":
			fmt.Fprint(c, "ready\n")
			ssh.DiscardRequests(reqs) // until the gate closes the channel
			return
		case "cat":
			io.Copy(c, c)
		case "back": // opens a channel back to the client
			back, rs, err := conn.OpenChannel(rest, nil)
			if err != nil {
				fmt.Fprintf(c, "refused: %v", err)
				break
			}
			go ssh.DiscardRequests(rs)
			fmt.Fprint(back, "ping")
			b, _ := io.ReadAll(io.LimitReader(back, 4))
			back.Close()
			fmt.Fprintf(c, "%s", b)
		case "die":
			conn.Close()
			return
		}
		c.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, status))
		return
	}
}
