package ca

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// SealFile holds the key that secrets in state are sealed with: state.db alone,
// in a backup say, gives none of them away.
const SealFile = "seal_key"

// sealedPrefix begins sealed text and names its form: AES-256-GCM, a random
// nonce before the ciphertext, what the secret is about as additional data.
const sealedPrefix = "sealed:v1:"

// ErrNotOpened is sealed text that this key did not make, or not for this use.
var ErrNotOpened = errors.New("the secret was sealed with another key or is damaged")

// Sealer encrypts small secrets that must be read again: those of access keys
// and of second factors. It is safe for concurrent use.
type Sealer struct{ aead cipher.AEAD }

// OpenSealer reads the sealing key in dir, and makes it when there is none.
func OpenSealer(dir string) (*Sealer, error) {
	path := filepath.Join(dir, SealFile)
	if _, err := os.Lstat(path); errors.Is(err, os.ErrNotExist) {
		key := make([]byte, 32)
		rand.Read(key)
		err := createFile(dir, SealFile, []byte(base64.StdEncoding.EncodeToString(key)+"\n"))
		if err != nil && !errors.Is(err, os.ErrExist) {
			return nil, fmt.Errorf("make %s: %w", path, err)
		}
	}
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("load the sealing key: %w", err)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("load the sealing key: %s is not 32 bytes in base64", path)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("load the sealing key: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("load the sealing key: %w", err)
	}
	return &Sealer{aead}, nil
}

// Seal encrypts secret. It opens for the same about only: a secret moved to
// another row is worth nothing there.
func (s *Sealer) Seal(about, secret string) string {
	return sealedPrefix + base64.StdEncoding.EncodeToString(s.aead.Seal(nil, nil, []byte(secret), []byte(about)))
}

// Open decrypts what Seal made; ErrNotOpened otherwise.
func (s *Sealer) Open(about, sealed string) (string, error) {
	text, ok := strings.CutPrefix(sealed, sealedPrefix)
	box, err := base64.StdEncoding.DecodeString(text)
	if !ok || err != nil {
		return "", ErrNotOpened
	}
	secret, err := s.aead.Open(nil, nil, box, []byte(about))
	if err != nil {
		return "", ErrNotOpened
	}
	return string(secret), nil
}

// Sealed says whether text came from Seal.
func (s *Sealer) Sealed(text string) bool { return strings.HasPrefix(text, sealedPrefix) }
