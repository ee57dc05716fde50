package sshtest

import (
	"bytes"
	"errors"

	"golang.org/x/crypto/ssh"
)

// ErrOtherKey is a Pin's refusal.
var ErrOtherKey = errors.New("not the pinned host key")

// Pin accepts the one host key.
func Pin(key ssh.PublicKey) func(string, []byte) error {
	want := key.Marshal()
	return func(_ string, blob []byte) error {
		if !bytes.Equal(blob, want) {
			return ErrOtherKey
		}
		return nil
	}
}
