package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"

	"golang.org/x/crypto/ssh"
)

// target is a real SSH server for the demo: it trusts the gate's user CA, takes
// every login that the certificate names, and runs the person's own shell in a
// scratch home. An unprivileged sshd could take one login only, which is why
// this one exists. It listens on loopback only.
type target struct {
	name    string
	home    string
	ln      net.Listener
	conf    *ssh.ServerConfig
	hostKey ssh.PublicKey
}

// newTarget listens on a free loopback port. trusted is the user CA's line, as
// TrustedUserCAKeys takes it.
func newTarget(name, home, trusted string) (*target, error) {
	ca, _, _, _, err := ssh.ParseAuthorizedKey([]byte(trusted))
	if err != nil {
		return nil, fmt.Errorf("read the user CA of target %q: %w", name, err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make the host key of target %q: %w", name, err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		return nil, fmt.Errorf("make the host key of target %q: %w", name, err)
	}
	checker := &ssh.CertChecker{
		IsUserAuthority: func(k ssh.PublicKey) bool { return string(k.Marshal()) == string(ca.Marshal()) },
	}
	conf := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-TrailgateDemoTarget",
		PublicKeyCallback: func(c ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
			cert, ok := k.(*ssh.Certificate)
			if !ok {
				return nil, errors.New("only certificates of the gate's user CA open this target")
			}
			if len(cert.ValidPrincipals) == 0 { // x/crypto takes an empty list for everybody
				return nil, errors.New("certificate names no login")
			}
			return checker.Authenticate(c, k)
		},
	}
	conf.KeyExchanges = []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519}
	conf.Ciphers = []string{ssh.CipherAES128GCM, ssh.CipherAES256GCM, ssh.CipherChaCha20Poly1305}
	conf.AddHostKey(signer)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen for target %q: %w", name, err)
	}
	return &target{name: name, home: home, ln: ln, conf: conf, hostKey: signer.PublicKey()}, nil
}

// address is host:port.
func (t *target) address() string { return t.ln.Addr().String() }

// hostKeyLine is the host's public key in authorized_keys form.
func (t *target) hostKeyLine() string { return string(ssh.MarshalAuthorizedKey(t.hostKey)) }

// Run serves until ctx ends, then closes every connection.
func (t *target) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	stop := context.AfterFunc(ctx, func() { t.ln.Close() })
	defer stop()
	for {
		nc, err := t.ln.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept on target %q: %w", t.name, err)
		}
		wg.Go(func() { t.serve(ctx, nc) })
	}
}

func (t *target) serve(ctx context.Context, nc net.Conn) {
	defer nc.Close()
	stop := context.AfterFunc(ctx, func() { nc.Close() })
	defer stop()
	conn, chans, reqs, err := ssh.NewServerConn(nc, t.conf)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	var wg sync.WaitGroup
	defer wg.Wait()
	for nch := range chans {
		switch nch.ChannelType() {
		case "session":
			ch, reqs, err := nch.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { t.session(ctx, conn.User(), ch, reqs) })
		case "direct-tcpip":
			wg.Go(func() { tunnel(nch) })
		default:
			nch.Reject(ssh.UnknownChannelType, "the demo's target knows sessions and tunnels")
		}
	}
}

// session serves one session channel: at most one command.
func (t *target) session(ctx context.Context, login string, ch ssh.Channel, reqs <-chan *ssh.Request) {
	defer ch.Close()
	env := []string{"HOME=" + t.home, "USER=" + login, "LOGNAME=" + login, "PATH=" + os.Getenv("PATH"),
		"PS1=" + login + "@" + t.name + "$ ", "SHELL=/bin/sh", "ENV=", "LANG=C.UTF-8"}
	var tty *pty
	defer func() {
		if tty != nil {
			tty.close()
		}
	}()
	var cmd *exec.Cmd
	exited := make(chan error, 1) // one command a channel
	for {
		select {
		case err := <-exited:
			ch.SendRequest("exit-status", false, exitStatus(err))
			return
		case req, ok := <-reqs:
			if !ok {
				if cmd != nil && cmd.Process != nil {
					syscall.Kill(-cmd.Process.Pid, syscall.SIGHUP)
				}
				return
			}
			reply := false
			switch req.Type {
			case "env":
				var kv struct{ Name, Value string }
				if reply = ssh.Unmarshal(req.Payload, &kv) == nil; reply {
					env = append(env, kv.Name+"="+kv.Value)
				}
			case "pty-req":
				var p struct {
					Term               string
					Cols, Rows, PW, PH uint32
					Modes              string
				}
				if tty == nil && ssh.Unmarshal(req.Payload, &p) == nil {
					if tt, err := openPTY(p.Cols, p.Rows); err == nil {
						tty, reply = tt, true
						env = append(env, "TERM="+p.Term)
					}
				}
			case "window-change":
				var p struct{ Cols, Rows, PW, PH uint32 }
				if reply = tty != nil && ssh.Unmarshal(req.Payload, &p) == nil; reply {
					tty.resize(p.Cols, p.Rows)
				}
			case "signal":
				var p struct{ Name string }
				if ssh.Unmarshal(req.Payload, &p) == nil && cmd != nil {
					if sig, known := signals[p.Name]; known {
						reply = syscall.Kill(-cmd.Process.Pid, sig) == nil
					}
				}
			case "shell", "exec", "subsystem":
				var p struct{ Text string }
				if cmd != nil || req.Type != "shell" && ssh.Unmarshal(req.Payload, &p) != nil {
					break
				}
				cmd = command(req.Type, p.Text)
				if cmd == nil {
					break
				}
				cmd.Dir, cmd.Env = t.home, env
				started := make(chan error, 1)
				go func() { exited <- runCommand(ctx, cmd, tty, ch, started) }()
				reply = <-started == nil
				if !reply {
					cmd = nil
					<-exited
				}
			}
			if req.WantReply {
				req.Reply(reply, nil)
			}
		}
	}
}

var signals = map[string]syscall.Signal{
	"HUP": syscall.SIGHUP, "INT": syscall.SIGINT, "QUIT": syscall.SIGQUIT, "TERM": syscall.SIGTERM, "KILL": syscall.SIGKILL,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// command is what a request starts; nil when there is no such subsystem.
func command(kind, text string) *exec.Cmd {
	switch kind {
	case "shell":
		return exec.Command("/bin/sh")
	case "exec":
		return exec.Command("/bin/sh", "-c", text)
	}
	if text == "sftp" {
		for _, p := range []string{"/usr/lib/openssh/sftp-server", "/usr/libexec/sftp-server", "/usr/lib/ssh/sftp-server", "/usr/libexec/openssh/sftp-server"} {
			if _, err := os.Stat(p); err == nil {
				return exec.Command(p)
			}
		}
	}
	return nil
}

// runCommand runs cmd on the channel until it and its output have ended. It
// tells started once whether the command began.
func runCommand(ctx context.Context, cmd *exec.Cmd, tty *pty, ch ssh.Channel, started chan<- error) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if tty != nil {
		cmd.SysProcAttr.Setctty = true
		cmd.Stdin, cmd.Stdout, cmd.Stderr = tty.slave, tty.slave, tty.slave
		if err := cmd.Start(); err != nil {
			started <- err
			return err
		}
		started <- nil
		tty.slave.Close()
		kill := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer kill()
		go io.Copy(tty.master, ch) // ends when the channel closes
		io.Copy(ch, tty.master)    // ends with EIO when the last process of the terminal is gone
		return cmd.Wait()
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		started <- err
		return err
	}
	cmd.Stdout, cmd.Stderr = ch, ch.Stderr()
	if err := cmd.Start(); err != nil {
		started <- err
		return err
	}
	started <- nil
	kill := context.AfterFunc(ctx, func() { syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
	defer kill()
	go func() {
		io.Copy(stdin, ch)
		stdin.Close()
	}()
	return cmd.Wait()
}

func exitStatus(err error) []byte {
	code := uint32(0)
	var ee *exec.ExitError
	switch {
	case errors.As(err, &ee) && ee.ExitCode() >= 0:
		code = uint32(ee.ExitCode())
	case errors.As(err, &ee):
		code = 128 + uint32(ee.Sys().(syscall.WaitStatus).Signal())
	case err != nil:
		code = 255
	}
	return binary.BigEndian.AppendUint32(nil, code)
}

// tunnel connects a direct-tcpip channel to a loopback address only.
func tunnel(nch ssh.NewChannel) {
	var p struct {
		Host   string
		Port   uint32
		Origin string
		OPort  uint32
	}
	if ssh.Unmarshal(nch.ExtraData(), &p) != nil || !net.ParseIP(p.Host).IsLoopback() {
		nch.Reject(ssh.Prohibited, "the demo's target tunnels to loopback addresses only")
		return
	}
	out, err := net.Dial("tcp", net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))))
	if err != nil {
		nch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer out.Close()
	ch, reqs, err := nch.Accept()
	if err != nil {
		return
	}
	go ssh.DiscardRequests(reqs)
	defer ch.Close()
	go func() {
		io.Copy(out, ch)
		out.(*net.TCPConn).CloseWrite()
	}()
	io.Copy(ch, out)
}
