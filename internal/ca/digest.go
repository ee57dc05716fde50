package ca

import (
	"crypto"
	"crypto/md5"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// Digest keys sign the digests of log files. They are RSA keys of 2048 bits,
// because that is what AWS's command line can check. A key signs from the time
// in its file's name until the next one does; none is ever removed, so that
// every digest can be checked for ever.
const (
	digestPrefix = "digest_key_"
	digestStamp  = "20060102T150405Z"
	digestBits   = 2048
	digestPEM    = "RSA PRIVATE KEY"
	takeOver     = 10 * time.Second // of a new key: longer than an append and a file take
	// digestYears end the time of a key that nobody rotates.
	digestYears = 100
)

// DigestKey is the public half of a digest key.
type DigestKey struct {
	DER         []byte    // PKCS#1
	Fingerprint string    // MD5 of DER in hex: CloudTrail's name for a key
	From, To    time.Time // it signs from From on, and before To
}

// PEM is the key in a text file.
func (k DigestKey) PEM() string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: k.DER}))
}

// DigestKeys are an installation's. They are safe for concurrent use.
type DigestKeys struct {
	dir      string
	rotating sync.Mutex // held by Rotate; taken before mu

	mu   sync.Mutex // guards below; no I/O under it
	keys []digestKey
}

type digestKey struct {
	public  DigestKey
	private *rsa.PrivateKey
}

// InitDigest loads the digest keys in dir, and makes the first at now if there
// is none.
func InitDigest(dir string, now time.Time) (*DigestKeys, error) {
	k, err := LoadDigest(dir)
	if !errors.Is(err, os.ErrNotExist) {
		return k, err
	}
	private, err := rsa.GenerateKey(rand.Reader, digestBits)
	if err == nil {
		err = createDigestKey(dir, private, now.UTC().Truncate(time.Second))
	}
	if err != nil {
		return nil, fmt.Errorf("make a digest key: %w", err)
	}
	return LoadDigest(dir)
}

// LoadDigest loads the digest keys in dir. None at all is os.ErrNotExist.
func LoadDigest(dir string) (*DigestKeys, error) {
	k := &DigestKeys{dir: dir}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("load digest keys: %w", err)
	}
	for _, e := range entries { // in the order of their times
		stamp, ok := strings.CutPrefix(e.Name(), digestPrefix)
		if !ok {
			continue
		}
		path := filepath.Join(dir, e.Name())
		from, err := time.Parse(digestStamp, stamp)
		if err != nil {
			return nil, fmt.Errorf("load digest keys: %s does not end in the time from which it signs", path)
		}
		private, err := loadDigestKey(path)
		if err != nil {
			return nil, fmt.Errorf("load digest keys: %w", err)
		}
		k.add(private, from)
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("load digest keys: %s has none: %w", dir, os.ErrNotExist)
	}
	return k, nil
}

// add appends a key, which ends the time of the one before.
func (k *DigestKeys) add(private *rsa.PrivateKey, from time.Time) DigestKey {
	if n := len(k.keys); n > 0 {
		k.keys[n-1].public.To = from
	}
	public := publicDigestKey(&private.PublicKey, from)
	k.keys = append(k.keys, digestKey{public, private})
	return public
}

func publicDigestKey(public *rsa.PublicKey, from time.Time) DigestKey {
	der := x509.MarshalPKCS1PublicKey(public)
	sum := md5.Sum(der) // CloudTrail's choice, and a name only
	return DigestKey{DER: der, Fingerprint: hex.EncodeToString(sum[:]), From: from, To: from.AddDate(digestYears, 0, 0)}
}

func createDigestKey(dir string, private *rsa.PrivateKey, from time.Time) error {
	block := &pem.Block{Type: digestPEM, Bytes: x509.MarshalPKCS1PrivateKey(private)}
	return createFile(dir, digestPrefix+from.UTC().Format(digestStamp), pem.EncodeToMemory(block))
}

func loadDigestKey(path string) (*rsa.PrivateKey, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	block, rest := pem.Decode(text)
	if block == nil || block.Type != digestPEM || len(strings.TrimSpace(string(rest))) > 0 {
		return nil, fmt.Errorf("parse %s: not one PEM block %q", path, digestPEM)
	}
	private, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", path, err)
	}
	if bits := private.N.BitLen(); bits < digestBits {
		return nil, fmt.Errorf("parse %s: an RSA key of %d bits, want %d", path, bits, digestBits)
	}
	return private, nil
}

// Key is the key that signs at t.
func (k *DigestKeys) Key(t time.Time) (DigestKey, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range slices.Backward(k.keys) {
		if !t.Before(key.public.From) && t.Before(key.public.To) {
			return key.public, nil
		}
	}
	return DigestKey{}, fmt.Errorf("no digest key signs at %s: the first does from %s on", t.UTC().Format(time.RFC3339), k.keys[0].public.From.Format(time.RFC3339))
}

// Keys are all whose time meets [from, to], oldest first.
func (k *DigestKeys) Keys(from, to time.Time) []DigestKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	var found []DigestKey
	for _, key := range k.keys {
		if !key.public.From.After(to) && key.public.To.After(from) {
			found = append(found, key.public)
		}
	}
	return found
}

// All are all keys, oldest first.
func (k *DigestKeys) All() []DigestKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := make([]DigestKey, len(k.keys))
	for i, key := range k.keys {
		all[i] = key.public
	}
	return all
}

// Sign signs text (RSASSA-PKCS1-v1_5 with SHA-256) with the key of that
// fingerprint.
func (k *DigestKeys) Sign(fingerprint string, text []byte) ([]byte, error) {
	private := k.private(fingerprint)
	if private == nil {
		return nil, fmt.Errorf("sign digest: there is no key %s", fingerprint)
	}
	sum := sha256.Sum256(text)
	signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign digest: %w", err)
	}
	return signature, nil
}

func (k *DigestKeys) private(fingerprint string) *rsa.PrivateKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, key := range k.keys {
		if key.public.Fingerprint == fingerprint {
			return key.private
		}
	}
	return nil
}

// Rotate makes a new key, which takes over some seconds from now: by then it is
// in its file, and no digest of that time has been signed. record is called
// first, and when it fails nothing changes.
func (k *DigestKeys) Rotate(now func() time.Time, record func(DigestKey) error) (DigestKey, error) {
	fail := func(err error) (DigestKey, error) { return DigestKey{}, fmt.Errorf("rotate the digest key: %w", err) }
	private, err := rsa.GenerateKey(rand.Reader, digestBits) // may take a while
	if err != nil {
		return fail(err)
	}
	k.rotating.Lock()
	defer k.rotating.Unlock()
	from := now().UTC().Add(takeOver).Truncate(time.Second)
	all := k.All()
	if newest := all[len(all)-1]; !from.After(newest.From) {
		return fail(fmt.Errorf("the newest signs from %s on, and it is not later", newest.From.Format(time.RFC3339)))
	}
	if err := record(publicDigestKey(&private.PublicKey, from)); err != nil {
		return fail(err)
	}
	if err := createDigestKey(k.dir, private, from); err != nil {
		return fail(err)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.add(private, from), nil
}
