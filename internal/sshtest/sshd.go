package sshtest

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// sshdPath is absolute: sshd executes itself again for each connection.
const sshdPath = "/usr/sbin/sshd"

// Daemon is a real sshd on loopback that trusts CA's user certificates.
type Daemon struct {
	Addr    string
	CA      ssh.Signer    // signs user certificates it takes
	HostKey ssh.PublicKey // its only one
	Login   string        // the only login it can serve: who runs the test
	Dir     string        // its files; authorized_keys are looked up here
}

// Sshd starts sshd, as root or not, and stops it when the test ends.
func Sshd(t testing.TB) *Daemon {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	d := &Daemon{CA: Key(t), Login: me.Username, Dir: t.TempDir()}
	hostKey, hostKeyFile := KeyFile(t, d.Dir, "host_key")
	d.HostKey = hostKey.PublicKey()
	write(t, d.path("user_ca.pub"), ssh.MarshalAuthorizedKey(d.CA.PublicKey()))
	write(t, d.path("authorized_keys"), nil)
	if os.Geteuid() == 0 {
		// What Debian's unit does; sshd run by root wants it for its child.
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for try := 0; ; try++ {
		if err = d.start(t, hostKeyFile); err == nil {
			return d
		}
		if try == 4 { // somebody else may have taken the free port
			t.Fatalf("start sshd: %v", err)
		}
	}
}

func (d *Daemon) path(name string) string { return filepath.Join(d.Dir, name) }

// Authorize lets a plain key in as well.
func (d *Daemon) Authorize(t testing.TB, key ssh.PublicKey) {
	t.Helper()
	write(t, d.path("authorized_keys"), ssh.MarshalAuthorizedKey(key))
}

func (d *Daemon) start(t testing.TB, hostKey string) error {
	d.Addr = freeAddr(t)
	_, port, _ := net.SplitHostPort(d.Addr)
	config := strings.Join([]string{
		"ListenAddress 127.0.0.1", "Port " + port,
		"HostKey " + hostKey,
		"TrustedUserCAKeys " + d.path("user_ca.pub"),
		"AuthorizedKeysFile " + d.path("authorized_keys"),
		"PidFile none", "UsePAM no", "StrictModes no", "UseDNS no", "PrintMotd no", "PrintLastLog no",
		"PermitRootLogin yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"MaxStartups 2000", "MaxSessions 100", "AcceptEnv LANG LC_* TEST_*",
		"Subsystem sftp internal-sftp", "LogLevel INFO",
		"SetEnv HOME=" + d.Dir, "", // what runs must not read the tester's .bashrc
	}, "\n")
	write(t, d.path("sshd_config"), []byte(config))
	cmd := exec.Command(sshdPath, "-D", "-e", "-f", d.path("sshd_config"))
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(stderr)
	var said bytes.Buffer
	for lines.Scan() {
		said.WriteString(lines.Text() + "\n")
		if strings.Contains(lines.Text(), "Server listening on") {
			drained := make(chan struct{})
			go func() {
				defer close(drained)
				for lines.Scan() {
				}
			}()
			t.Cleanup(func() {
				cmd.Process.Kill()
				cmd.Wait()
				stderr.Close()
				<-drained
			})
			return nil
		}
	}
	cmd.Wait()
	return fmt.Errorf("sshd said: %s", said.String())
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
