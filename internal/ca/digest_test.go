package ca

import (
	"bytes"
	"crypto"
	"crypto/md5"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

var midday = time.Date(2026, 11, 20, 12, 0, 0, 123, time.UTC)

func digestKeys(t *testing.T) (*DigestKeys, string) {
	t.Helper()
	dir := t.TempDir()
	k, err := InitDigest(dir, midday)
	if err != nil {
		t.Fatal(err)
	}
	return k, dir
}

func TestDigestKeySignsAsCloudTrailDoes(t *testing.T) {
	k, dir := digestKeys(t)
	key, err := k.Key(midday)
	if err != nil {
		t.Fatal(err)
	}
	sum := md5.Sum(key.DER)
	if key.Fingerprint != hex.EncodeToString(sum[:]) {
		t.Errorf("fingerprint = %s, want the MD5 of the DER", key.Fingerprint)
	}
	public, err := x509.ParsePKCS1PublicKey(key.DER)
	if err != nil {
		t.Fatalf("the DER is not PKCS#1: %v", err)
	}
	if public.N.BitLen() != 2048 {
		t.Errorf("the key has %d bits, want 2048", public.N.BitLen())
	}
	text := []byte("sign this")
	signature, err := k.Sign(key.Fingerprint, text)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256.Sum256(text)
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, hash[:], signature); err != nil {
		t.Error(err)
	}
	if _, err := k.Sign("00", text); err == nil {
		t.Error("a key that does not exist signed")
	}
	if block, _ := pem.Decode([]byte(key.PEM())); block == nil || !bytes.Equal(block.Bytes, key.DER) {
		t.Errorf("PEM() = %q", key.PEM())
	}
	info, err := os.Stat(filepath.Join(dir, "digest_key_20261120T120000Z"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key file: %v, %v, want mode 0600", info, err)
	}
}

func TestRotatedDigestKeysAreKeptForEver(t *testing.T) {
	k, dir := digestKeys(t)
	first := k.All()[0]
	refused := errors.New("not recorded")
	if _, err := k.Rotate(at(midday.Add(time.Hour)), func(DigestKey) error { return refused }); !errors.Is(err, refused) {
		t.Fatalf("Rotate = %v, want what record returned", err)
	}
	if len(k.All()) != 1 {
		t.Fatal("a rotation that was not recorded happened")
	}
	var recorded DigestKey
	second, err := k.Rotate(at(midday.Add(time.Hour)), func(d DigestKey) error { recorded = d; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if recorded.Fingerprint != second.Fingerprint || !recorded.From.Equal(second.From) {
		t.Errorf("recorded %+v, made %+v", recorded, second)
	}
	if _, err := k.Rotate(at(midday), func(DigestKey) error { return nil }); err == nil {
		t.Error("a key that takes over before the newest was made")
	}
	again, err := LoadDigest(dir)
	if err != nil {
		t.Fatal(err)
	}
	from := midday.Truncate(time.Second)
	for _, keys := range []*DigestKeys{k, again} {
		for _, c := range []struct {
			at   time.Time
			want string
		}{
			{from, first.Fingerprint},
			{from.Add(time.Hour + 9*time.Second), first.Fingerprint}, // a digest of now may be signed this moment
			{from.Add(time.Hour + 10*time.Second), second.Fingerprint},
			{from.AddDate(50, 0, 0), second.Fingerprint},
		} {
			if got, err := keys.Key(c.at); err != nil || got.Fingerprint != c.want {
				t.Errorf("Key(%s) = %s, %v, want %s", c.at, got.Fingerprint, err, c.want)
			}
		}
		if _, err := keys.Key(from.Add(-time.Second)); err == nil {
			t.Error("a key signs before it was made")
		}
		if got := keys.Keys(from, from.Add(time.Hour)); len(got) != 1 || got[0].Fingerprint != first.Fingerprint {
			t.Errorf("Keys of the first hour = %v, want the first", got)
		}
		if got := keys.Keys(from, from.Add(3*time.Hour)); len(got) != 2 {
			t.Errorf("Keys of three hours = %v, want both", got)
		}
		if got := keys.Keys(from.Add(2*time.Hour), from.Add(3*time.Hour)); len(got) != 1 || got[0].Fingerprint != second.Fingerprint {
			t.Errorf("Keys of the third hour = %v, want the second", got)
		}
	}
	same, err := InitDigest(dir, midday.Add(9*time.Hour))
	if err != nil || len(same.All()) != 2 {
		t.Errorf("InitDigest made a key beside those that exist: %v", err)
	}
}

func TestDigestKeysRefuseWhatIsNotOne(t *testing.T) {
	for name, spoil := range map[string]func(t *testing.T, path string){
		"open to others": func(t *testing.T, path string) { check(t, os.Chmod(path, 0o640)) },
		"not PEM":        func(t *testing.T, path string) { check(t, os.WriteFile(path, []byte("key"), 0o600)) },
		"another name":   func(t *testing.T, path string) { check(t, os.Rename(path, path+"x")) },
		"not a key": func(t *testing.T, path string) {
			check(t, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: digestPEM, Bytes: []byte("x")}), 0o600))
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, dir := digestKeys(t)
			spoil(t, filepath.Join(dir, "digest_key_20261120T120000Z"))
			if _, err := InitDigest(dir, midday); err == nil {
				t.Error("the keys loaded")
			}
		})
	}
	if _, err := LoadDigest(t.TempDir()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("LoadDigest of a directory without keys = %v, want os.ErrNotExist", err)
	}
}

func at(t time.Time) func() time.Time { return func() time.Time { return t } }

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
