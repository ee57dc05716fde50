// Package ca is Trailgate's certificate authorities: one signs the short-lived
// user certificates with which the gate logs in to targets, one signs the
// host certificates with which the gate answers for target names. Beside them
// are the keys that sign the trail's digests (digest.go).
//
// Rules: the private keys live in files of mode 0600 and a file that anybody
// else could read is refused. Nothing here ever replaces a key that exists.
// A user certificate names exactly one principal, the login, and is worth
// nothing a few minutes after it was made.
package ca

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"
)

// The files of a CA directory.
const (
	userFile = "user_ca"
	hostFile = "host_ca"
	gateFile = "gate_host_key"
)

// ErrNotPrivate is a key file that others may read or write.
var ErrNotPrivate = errors.New("key file is open to others")

// CA signs. It is safe for concurrent use.
type CA struct {
	user, host ssh.Signer
	gate       ssh.Signer

	mu    sync.Mutex // guards below; signing happens under it, no I/O
	hosts map[string]hostCert
}

type hostCert struct {
	signer ssh.Signer
	renew  time.Time
}

// Init makes what is missing of the keys in dir, which it makes too, and loads
// them. Keys that exist stay as they are.
func Init(dir string) (*CA, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the CA directory: %w", err)
	}
	for _, name := range []string{userFile, hostFile, gateFile} {
		if err := createKey(dir, name); err != nil {
			return nil, fmt.Errorf("make %s: %w", filepath.Join(dir, name), err)
		}
	}
	return Load(dir)
}

// Load reads the keys in dir; all must be there.
func Load(dir string) (*CA, error) {
	c := &CA{hosts: make(map[string]hostCert)}
	for name, to := range map[string]*ssh.Signer{userFile: &c.user, hostFile: &c.host, gateFile: &c.gate} {
		s, err := loadKey(filepath.Join(dir, name))
		if err != nil {
			return nil, fmt.Errorf("load CA: %w", err)
		}
		*to = s
	}
	return c, nil
}

// createKey writes a new key to dir/name unless there is one.
func createKey(dir, name string) error {
	path := filepath.Join(dir, name)
	if _, err := os.Lstat(path); err == nil {
		return nil
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	block, err := ssh.MarshalPrivateKey(private, "trailgate "+strings.ReplaceAll(name, "_", " "))
	if err != nil {
		return err
	}
	if err := createFile(dir, name, pem.EncodeToMemory(block)); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil // somebody else was quicker
}

// createFile makes dir/name hold text, for its owner alone, unless there is such
// a file: that is fs.ErrExist. It is whole and synced under another name first.
func createFile(dir, name string, text []byte) error {
	tmp, err := os.CreateTemp(dir, "."+name+"-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name())
	_, err = tmp.Write(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), filepath.Join(dir, name)); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// readPrivate reads a key file, which must be its owner's alone.
func readPrivate(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s has mode %04o: %w; chmod 600 it, and replace the key if somebody may have read it", path, mode, ErrNotPrivate)
	}
	return os.ReadFile(path)
}

func loadKey(path string) (ssh.Signer, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	signer, err := ssh.ParsePrivateKey(text)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	if t := signer.PublicKey().Type(); t != ssh.KeyAlgoED25519 {
		return nil, fmt.Errorf("parse %s: a %s key, want ssh-ed25519", path, t)
	}
	return signer, nil
}
