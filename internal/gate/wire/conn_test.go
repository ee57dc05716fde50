package wire_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/gate/inspect"
	"github.com/trailgate/trailgate/internal/gate/wire"
	"github.com/trailgate/trailgate/internal/sshtest"
)

// served is one connection: a scripted client, and the server's side of it.
func served(t *testing.T, auth wire.Auth, steps ...sshtest.Step) (*ssh.Client, *wire.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan *wire.Conn, 1)
	go func() {
		nc, err := l.Accept()
		if err != nil {
			got <- nil
			return
		}
		c, _ := wire.Serve(context.Background(), nc, wire.ServerConfig{HostKeys: []ssh.Signer{sshtest.Key(t)}, Auth: auth})
		got <- c
	}()
	client, err := sshtest.Login(l.Addr().String(), "root+web1", steps...)
	conn := <-got
	if err != nil || conn == nil {
		t.Fatalf("login: %v", err)
	}
	t.Cleanup(func() {
		client.Close()
		conn.Close()
		conn.Wait()
	})
	return client, conn
}

// outer is who came through the jump; the inner leg is hers already.
type outer struct {
	people
	ask bool
}

func (o outer) None(wire.Peer) wire.Verdict {
	if o.ask {
		return wire.Verdict{Outcome: wire.Ask, Prompt: "Code: ", Proof: "alice"}
	}
	return wire.Verdict{Outcome: wire.Accept, Proof: "alice"}
}

// jump opens a forwarded channel on an outer connection and returns both ends.
func jump(t *testing.T) (client net.Conn, inner *wire.NetConn, outerClient *ssh.Client) {
	t.Helper()
	c, conn := served(t, everybody{}, sshtest.Sign("key", sshtest.Key(t)))
	accepted := make(chan *wire.Channel, 1)
	go func() {
		in, err := conn.Accept(context.Background())
		if err != nil {
			accepted <- nil
			return
		}
		if o, ok := in.Open().(inspect.OpenDirect); !ok || o.Host != "web1.tg" || o.Port != 22 {
			t.Errorf("the jump asked for %+v", in.Open())
		}
		ch, _ := in.Accept()
		accepted <- ch
	}()
	nc, err := c.Dial("tcp", "web1.tg:22")
	ch := <-accepted
	if err != nil || ch == nil {
		t.Fatalf("jump: %v", err)
	}
	return nc, wire.NewNetConn(ch), c
}

func TestInnerLegNeedsNoSecondLogin(t *testing.T) {
	foreign := sshtest.Key(t)
	for _, c := range []struct {
		name  string
		ask   bool
		keys  map[string]string
		steps []sshtest.Step
		who   string
	}{
		{name: "none", who: "alice"},
		{name: "none, then a code", ask: true, steps: []sshtest.Step{sshtest.Answer("code of alice")}, who: "alice"},
		{name: "none, then a wrong code", ask: true, steps: []sshtest.Step{sshtest.Answer("no")}},
		{name: "none, then a key instead of the code", ask: true, keys: map[string]string{string(foreign.PublicKey().Marshal()): "bob"},
			steps: []sshtest.Step{sshtest.Sign("bob", foreign)}},
	} {
		t.Run(c.name, func(t *testing.T) {
			nc, inner, _ := jump(t)
			got := make(chan *wire.Conn, 1)
			go func() {
				conn, _ := wire.Serve(context.Background(), inner, wire.ServerConfig{
					HostKeys: []ssh.Signer{sshtest.Key(t)}, Auth: outer{people{keys: c.keys}, c.ask},
				})
				got <- conn
			}()
			client, err := sshtest.LoginOver(nc, "root", c.steps...)
			conn := <-got
			if (conn == nil) != (c.who == "") || (err != nil) != (c.who == "") {
				t.Fatalf("served %v, client %v", conn != nil, err)
			}
			if conn == nil {
				return
			}
			if conn.Proof() != c.who || !conn.Peer().Remote.Addr().IsLoopback() {
				t.Errorf("came in as %v from %v", conn.Proof(), conn.Peer().Remote)
			}
			client.Close()
			conn.Close()
			conn.Wait()
		})
	}
}

// A jump's channel must not let a silent client hold the gate.
func TestNetConnDeadlineAndClose(t *testing.T) {
	nc, inner, outerClient := jump(t)
	defer nc.Close()
	if err := inner.SetDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := inner.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Read after the deadline: %v", err)
	}
	if _, err := inner.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Write after Close: %v", err)
	}
	if err := inner.SetDeadline(time.Time{}); !errors.Is(err, net.ErrClosed) {
		t.Errorf("SetDeadline after Close: %v", err)
	}
	if err := inner.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	outerClient.Close()
}

// More than a window goes through a jump both ways, and no more is taken than
// somebody reads.
func TestNetConnHasTheChannelsBackPressure(t *testing.T) {
	nc, inner, _ := jump(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 300_000) // 4.8 MB
	go func() {
		nc.Write(data)
		nc.(interface{ CloseWrite() error }).CloseWrite()
	}()
	echoed := make(chan error, 1)
	go func() {
		_, err := io.Copy(inner, inner)
		inner.Close()
		echoed <- err
	}()
	got, err := io.ReadAll(nc)
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("came back: %d of %d bytes, %v", len(got), len(data), err)
	}
	if err := <-echoed; err != nil {
		t.Error(err)
	}
	nc.Close()
}

func TestDialVerifiesTheHostKey(t *testing.T) {
	target := sshtest.NewTarget(t, func(e *sshtest.Exec) { e.Reply(true); e.Exit(0) })
	dial := func(cfg wire.ClientConfig) (*wire.Conn, error) {
		nc, err := net.Dial("tcp", target.Addr)
		if err != nil {
			t.Fatal(err)
		}
		return wire.Dial(t.Context(), nc, cfg)
	}
	good := target.Config(t)
	c, err := dial(good)
	if err != nil {
		t.Fatal(err)
	}
	a := c.Algorithms()
	if a.CipherRead != "aes128-gcm@openssh.com" || a.KeyExchange != "mlkem768x25519-sha256" || a.HostKey != "ssh-ed25519" {
		t.Errorf("negotiated %+v", a)
	}
	if in, out := c.Bytes(); in == 0 || out == 0 {
		t.Errorf("counted %d and %d bytes", in, out)
	}
	if _, err := c.Open(t.Context(), "x@example.com", nil); err == nil {
		t.Error("an unknown channel opened")
	} else if refused := new(wire.OpenError); !errors.As(err, &refused) || refused.Reason != wire.UnknownType {
		t.Errorf("refusal %v", err)
	}
	c.Close()
	if err := c.Wait(); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Errorf("Wait: %v", err)
	}
	bad := good
	bad.HostKey = sshtest.Pin(sshtest.Key(t).PublicKey())
	if _, err := dial(bad); !errors.Is(err, sshtest.ErrOtherKey) {
		t.Errorf("another host key: %v", err)
	}
	bad.HostKey = nil
	if _, err := dial(bad); err == nil {
		t.Error("no HostKey accepts any")
	}
	bad = good
	bad.HostKeyTypes = []string{"ssh-dss"}
	if _, err := dial(bad); err == nil || !strings.Contains(err.Error(), "ssh-dss") {
		t.Errorf("a key type that is never accepted: %v", err)
	}
	bad.HostKeyTypes = []string{"ssh-rsa"}
	if _, err := dial(bad); err == nil || !strings.Contains(err.Error(), "no common algorithm") {
		t.Errorf("a key type that is not pinned: %v", err)
	}
}

func TestDialIsBoundedInTime(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	nc, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := wire.Dial(t.Context(), nc, wire.ClientConfig{Timeout: 50 * time.Millisecond}); !errors.Is(err, wire.ErrDialTimeout) {
		t.Errorf("a silent target: %v", err)
	}
}

func TestConnRefusesWhatItDoesNotServe(t *testing.T) {
	client, conn := served(t, everybody{}, sshtest.Sign("key", sshtest.Key(t)))
	if ok, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil || !ok {
		t.Errorf("keepalive: %v, %v", ok, err)
	}
	if ok, _, err := client.SendRequest("tcpip-forward", true, ssh.Marshal(struct {
		Addr string
		Port uint32
	}{"0.0.0.0", 2222})); err != nil || ok {
		t.Errorf("tcpip-forward: %v, %v", ok, err)
	}
	for range 40 { // many at once
		client.SendRequest("x@example.com", false, nil)
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for {
			in, err := conn.Accept(ctx)
			if err != nil {
				return
			}
			if _, ok := in.Open().(inspect.OpenSession); ok {
				in.Accept()
				continue
			}
			in.Reject(wire.Prohibited, "not here")
		}
	}()
	defer cancel()
	for i := range wire.MaxChannels + 1 {
		_, reqs, err := client.OpenChannel("session", nil)
		if (err == nil) != (i < wire.MaxChannels) {
			t.Fatalf("channel %d: %v", i, err)
		}
		if err == nil {
			go ssh.DiscardRequests(reqs)
		}
	}
	if _, _, err := client.OpenChannel("direct-tcpip", []byte("junk")); err == nil || !strings.Contains(err.Error(), "malformed") {
		t.Errorf("malformed open: %v", err)
	}
}
