package sshtest

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
)

// OpenSSH is the real client, with a configuration that names servers by alias.
type OpenSSH struct {
	Key    ssh.Signer // what it signs with
	Config string     // path of its ssh_config

	dir    string
	config []byte
	known  []byte
}

// NewOpenSSH makes a client with a fresh key.
func NewOpenSSH(t testing.TB) *OpenSSH {
	t.Helper()
	o := &OpenSSH{dir: t.TempDir()}
	o.Key, _ = KeyFile(t, o.dir, "id")
	o.Config = filepath.Join(o.dir, "config")
	return o
}

// Host adds an alias for user at addr whose host key is key.
func (o *OpenSSH) Host(t testing.TB, alias, user, addr string, key ssh.PublicKey, options ...string) {
	t.Helper()
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		t.Fatal(err)
	}
	o.known = append(o.known, knownhosts.Line([]string{addr}, key)+"\n"...)
	o.config = fmt.Appendf(o.config, "Host %s\n HostName %s\n Port %s\n User %s\n", alias, host, port, user)
	for _, line := range append(options,
		"IdentityFile "+filepath.Join(o.dir, "id"), "IdentitiesOnly yes", "BatchMode yes",
		"UserKnownHostsFile "+filepath.Join(o.dir, "known_hosts"), "GlobalKnownHostsFile none",
		"StrictHostKeyChecking yes", "UpdateHostKeys no", "LogLevel ERROR", "ControlPath none",
	) {
		o.config = fmt.Appendf(o.config, " %s\n", line)
	}
	write(t, o.Config, o.config)
	write(t, filepath.Join(o.dir, "known_hosts"), o.known)
}

// Command is ssh with the configuration.
func (o *OpenSSH) Command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ssh", append([]string{"-F", o.Config}, args...)...)
}
