package sshtest

import (
	"encoding/binary"
	"net"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/wire"
)

// Target is an SSH server in process that does what its script says. It takes
// any key and any login.
type Target struct {
	Addr    string
	HostKey ssh.PublicKey
}

// Exec is one command under way on a Target. The script answers the request
// itself, when and how it likes.
type Exec struct {
	ssh.Channel
	Command  string
	Before   []*ssh.Request      // what came before, answered with yes
	Requests <-chan *ssh.Request // what comes later; the script's to receive, or not
	Conn     *ssh.ServerConn

	request *ssh.Request
}

// Reply answers the exec request.
func (e *Exec) Reply(ok bool) { e.request.Reply(ok, nil) }

// Status sends the exit status.
func (e *Exec) Status(n uint32) {
	e.SendRequest("exit-status", false, binary.BigEndian.AppendUint32(nil, n))
}

// Signal sends the exit signal.
func (e *Exec) Signal(name string) {
	e.SendRequest("exit-signal", false, ssh.Marshal(struct {
		Name       string
		Core       bool
		Text, Lang string
	}{Name: name}))
}

// Exit replies, sends the status and closes.
func (e *Exec) Exit(n uint32) {
	e.Status(n)
	e.CloseWrite()
	e.Close()
}

// NewTarget starts a target on loopback; run is called for each command.
func NewTarget(t testing.TB, run func(*Exec)) *Target {
	t.Helper()
	host := Key(t)
	config := &ssh.ServerConfig{PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) {
		return nil, nil
	}}
	config.AddHostKey(host)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	conns := map[net.Conn]bool{}
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns[c] = true
			mu.Unlock()
			wg.Go(func() {
				serveTarget(c, config, run)
				mu.Lock()
				delete(conns, c)
				mu.Unlock()
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		mu.Lock()
		for c := range conns {
			c.Close()
		}
		mu.Unlock()
		wg.Wait()
	})
	return &Target{Addr: l.Addr().String(), HostKey: host.PublicKey()}
}

// Config is what logs in to the target, with its host key pinned.
func (t *Target) Config(tb testing.TB) wire.ClientConfig {
	tb.Helper()
	return wire.ClientConfig{User: "tester", Signer: Key(tb), HostKey: Pin(t.HostKey)}
}

// Config is what logs in to the daemon, with a certificate and its host key pinned.
func (d *Daemon) Config(tb testing.TB) wire.ClientConfig {
	tb.Helper()
	return wire.ClientConfig{User: d.Login, Signer: Certify(tb, d.CA, d.Login), HostKey: Pin(d.HostKey)}
}

func serveTarget(c net.Conn, config *ssh.ServerConfig, run func(*Exec)) {
	defer c.Close()
	conn, chans, reqs, err := ssh.NewServerConn(c, config)
	if err != nil {
		return
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer conn.Close()
	wg.Go(func() { ssh.DiscardRequests(reqs) })
	for nc := range chans {
		if nc.ChannelType() != "session" {
			nc.Reject(ssh.UnknownChannelType, "sessions only")
			continue
		}
		ch, reqs, err := nc.Accept()
		if err != nil {
			return
		}
		wg.Go(func() {
			e := &Exec{Channel: ch, Requests: reqs, Conn: conn}
			for r := range reqs {
				if r.Type != "exec" && r.Type != "shell" {
					e.Before = append(e.Before, r)
					r.Reply(true, nil)
					continue
				}
				e.request = r
				if r.Type == "exec" {
					var m struct{ Command string }
					ssh.Unmarshal(r.Payload, &m)
					e.Command = m.Command
				}
				run(e)
				break
			}
			ssh.DiscardRequests(reqs)
		})
	}
}
