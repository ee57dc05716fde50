package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/rogpeppe/go-internal/testscript"
)

// setup gives each script a data directory and its own home.
func setup(env *testscript.Env) error {
	me, err := user.Current()
	if err != nil {
		return err
	}
	data := filepath.Join(env.WorkDir, "data")
	env.Setenv("DATA", data)
	env.Setenv("TRAILGATE_DATA_DIR", data)
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("LOGIN", me.Username) // an sshd started by this user takes this login
	env.Setenv("LC_ALL", "C.UTF-8")
	port, err := freePort()
	if err != nil {
		return err
	}
	env.Setenv("GATE_PORT", port)
	apiPort, err := freePort()
	if err != nil {
		return err
	}
	env.Setenv("API_PORT", apiPort)
	env.Setenv("GIT_CONFIG_NOSYSTEM", "1")
	env.Values[serverKey{}] = &server{}
	env.Defer(func() { env.Values[serverKey{}].(*server).end(syscall.SIGKILL) })
	return nil
}

type serverKey struct{}

// server is the script's running trailgate, if any.
type server struct {
	cmd    *exec.Cmd
	exited chan struct{}
	log    string
}

func (s *server) end(sig syscall.Signal) {
	if s.cmd == nil {
		return
	}
	s.cmd.Process.Signal(sig)
	select {
	case <-s.exited:
	case <-time.After(20 * time.Second):
		s.cmd.Process.Kill()
		<-s.exited
	}
	s.cmd = nil
}

func serverOf(ts *testscript.TestScript) *server { return ts.Value(serverKey{}).(*server) }

// nextPort is below the range that the kernel gives to clients, and apart for
// test processes that run at the same time.
var nextPort = func() *atomic.Int64 {
	p := new(atomic.Int64)
	p.Store(int64(12000 + os.Getpid()*37%18000))
	return p
}()

// freePort is a loopback port that nobody listens on and nobody else is given.
func freePort() (string, error) {
	for range 200 {
		port := strconv.FormatInt(nextPort.Add(1), 10)
		ln, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err == nil {
			return port, ln.Close()
		}
	}
	return "", errors.New("no free port")
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	s := serverOf(ts)
	if s.cmd != nil {
		ts.Fatalf("a server is running already")
	}
	port := ts.Getenv("GATE_PORT")
	if !neg {
		ts.Check(ts.Exec("trailgate", "ca", "show", "host", "--line"))
		ts.Check(os.WriteFile(ts.MkAbs("known_hosts"), []byte(ts.ReadFile("stdout")), 0o600))
	}
	log, err := os.OpenFile(ts.MkAbs("server.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	defer log.Close()
	r, w, err := os.Pipe()
	ts.Check(err)
	cmd := exec.Command("trailgate", append([]string{"serve", "--gate-listen", "127.0.0.1:" + port}, args...)...)
	cmd.Path = lookPath(ts, "trailgate")
	cmd.Dir = ts.Getenv("WORK")
	cmd.Env = environ(ts)
	cmd.Stderr, cmd.Stdout = w, log
	ts.Check(cmd.Start())
	w.Close()
	s.cmd, s.exited, s.log = cmd, make(chan struct{}), log.Name()
	ready := make(chan bool, 1) // the first "gate listening" line, or the end
	go func() {
		out, _ := os.OpenFile(s.log, os.O_APPEND|os.O_WRONLY, 0o600)
		defer out.Close()
		sc := bufio.NewScanner(r)
		for sc.Scan() {
			fmt.Fprintln(out, sc.Text())
			if strings.Contains(sc.Text(), "gate listening") {
				select {
				case ready <- true:
				default:
				}
			}
		}
		io.Copy(io.Discard, r)
		cmd.Wait()
		close(s.exited)
		select {
		case ready <- false:
		default:
		}
	}()
	select {
	case ok := <-ready:
		if ok == neg {
			text, _ := os.ReadFile(s.log)
			ts.Fatalf("serve: started %v, want %v\n%s", ok, !neg, text)
		}
		if !ok {
			s.cmd = nil
		}
	case <-time.After(30 * time.Second):
		text, _ := os.ReadFile(s.log)
		ts.Fatalf("serve: the server did not come up in 30 s\n%s", text)
	}
}

func lookPath(ts *testscript.TestScript, name string) string {
	for _, dir := range filepath.SplitList(ts.Getenv("PATH")) {
		p := filepath.Join(dir, name)
		if fi, err := os.Stat(p); err == nil && fi.Mode()&0o111 != 0 {
			return p
		}
	}
	ts.Fatalf("%s is not on the PATH", name)
	return ""
}

// environ is the script's environment for a program the harness starts.
func environ(ts *testscript.TestScript) []string {
	var env []string
	for _, k := range []string{"PATH", "HOME", "DATA", "TRAILGATE_DATA_DIR", "LC_ALL", "TMPDIR"} {
		if v := ts.Getenv(k); v != "" {
			env = append(env, k+"="+v)
		}
	}
	return env
}

func shutdown(ts *testscript.TestScript, neg bool, args []string) { serverOf(ts).end(syscall.SIGTERM) }
func kill9(ts *testscript.TestScript, neg bool, args []string)    { serverOf(ts).end(syscall.SIGKILL) }

// startSSHD runs a real sshd on a free port. It trusts the gate's user CA, as
// "trailgate ca show user" tells an administrator to make it.
func startSSHD(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.MkAbs("sshd")
	ts.Check(os.MkdirAll(dir, 0o700))
	ts.Check(ts.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "hostkey")))
	ts.Check(ts.Exec("trailgate", "ca", "show", "user", "--line"))
	ts.Check(os.WriteFile(filepath.Join(dir, "user_ca.pub"), []byte(ts.ReadFile("stdout")), 0o600))
	port, err := freePort()
	ts.Check(err)
	conf := fmt.Sprintf(`Port %s
ListenAddress 127.0.0.1
HostKey %[2]s/hostkey
TrustedUserCAKeys %[2]s/user_ca.pub
AuthorizedKeysFile none
PidFile none
UsePAM no
StrictModes no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitRootLogin prohibit-password
AcceptEnv LANG LC_*
MaxStartups 200
MaxSessions 100
AllowTcpForwarding yes
Subsystem sftp internal-sftp
SetEnv HOME=%[2]s
`, port, dir)
	ts.Check(os.WriteFile(filepath.Join(dir, "sshd_config"), []byte(conf), 0o600))
	if os.Geteuid() == 0 { // sshd, as root, wants its empty directory
		ts.Check(os.MkdirAll("/run/sshd", 0o755))
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	ts.Check(err)
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "sshd_config"))
	cmd.Stderr = log
	ts.Check(cmd.Start())
	ts.Defer(func() {
		cmd.Process.Kill()
		cmd.Wait()
		log.Close()
	})
	addr := "127.0.0.1:" + port
	deadline := time.Now().Add(10 * time.Second)
	for {
		c, err := net.DialTimeout("tcp", addr, time.Second)
		if err == nil {
			c.Close()
			break
		}
		if time.Now().After(deadline) {
			ts.Fatalf("sshd did not come up: %v", err)
		}
	}
	ts.Setenv("SSHD", addr)
	ts.Setenv("SSHD_PORT", port)
}

// person makes a key pair $WORK/NAME and $WORK/NAME.conf, which names the gate
// "gate" and trusts only its host CA.
func person(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: person NAME")
	}
	name, work := args[0], ts.Getenv("WORK")
	ts.Check(ts.Exec("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", filepath.Join(work, name)))
	conf := fmt.Sprintf(`Host *
  IdentityFile %[1]s/%[2]s
  IdentitiesOnly yes
  UserKnownHostsFile %[1]s/known_hosts
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  LogLevel ERROR
  NumberOfPasswordPrompts 1
Host gate
  HostName 127.0.0.1
  HostKeyAlias gate
  Port %[3]s
Host *.tg
  ProxyJump %[2]s@gate
`, work, name, ts.Getenv("GATE_PORT"))
	ts.Check(os.WriteFile(filepath.Join(work, name+".conf"), []byte(conf), 0o600))
}

// code makes ssh's askpass answer with the next code of a TOTP secret.
func code(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: code NAME SECRETFILE")
	}
	secret := strings.TrimSpace(ts.ReadFile(args[1]))
	if i := strings.Index(secret, "secret="); i >= 0 { // an otpauth URI
		secret, _, _ = strings.Cut(secret[i+len("secret="):], "&")
		secret, _, _ = strings.Cut(secret, "\n")
	}
	c, err := totp.GenerateCode(strings.TrimSpace(secret), time.Now())
	ts.Check(err)
	askpass := filepath.Join(ts.Getenv("WORK"), args[0]+".askpass")
	ts.Check(os.WriteFile(askpass, []byte("#!/bin/sh\necho "+c+"\n"), 0o700))
	ts.Setenv("SSH_ASKPASS", askpass)
	ts.Setenv("SSH_ASKPASS_REQUIRE", "force")
}

// smallDisk mounts a tmpfs over a directory, keeping what is in it. Mounting is
// root's, so the tests run as root, as they do in CI.
func smallDisk(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: smalldisk DIR SIZE")
	}
	dir := ts.MkAbs(args[0])
	ts.Check(os.Mkdir(dir+".new", 0o700))
	if err := syscall.Mount("tmpfs", dir+".new", "tmpfs", 0, "mode=700,size="+args[1]); err != nil {
		ts.Fatalf("mount a small file system (this needs root): %v", err)
	}
	ts.Check(os.CopyFS(dir+".new", os.DirFS(dir)))
	ts.Check(syscall.Mount(dir+".new", dir, "", syscall.MS_MOVE, ""))
	ts.Defer(func() {
		serverOf(ts).end(syscall.SIGKILL)
		syscall.Unmount(dir, syscall.MNT_DETACH)
	})
}
