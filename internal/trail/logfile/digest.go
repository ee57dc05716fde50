package logfile

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// How digests are signed (CloudTrail User Guide, "CloudTrail digest file
// structure"): there is one algorithm of each kind.
const (
	SignatureAlgorithm = "SHA256withRSA" // RSASSA-PKCS1-v1_5
	HashAlgorithm      = "SHA-256"       // of the uncompressed file
)

// Metadata of a digest's object, where its signature is.
const (
	MetaSignature = "signature" // hex
	MetaAlgorithm = "signature-algorithm"
	MetaBackfill  = "backfill-generation-timestamp" // when a digest of the backfill chain was made
)

const (
	timeLayout     = "2006-01-02T15:04:05Z"
	backfillLayout = "2006-01-02T15:04:05.000Z"
)

// Digest is a digest file. A pointer that is nil is null: what a digest that
// starts a chain has for its previous one.
type Digest struct {
	AccountID             string    `json:"awsAccountId"`
	Start                 string    `json:"digestStartTime"`
	End                   string    `json:"digestEndTime"`
	Bucket                string    `json:"digestS3Bucket"`
	Object                string    `json:"digestS3Object"`
	Fingerprint           string    `json:"digestPublicKeyFingerprint"`
	SignatureAlgorithm    string    `json:"digestSignatureAlgorithm"`
	NewestEventTime       *string   `json:"newestEventTime"`
	OldestEventTime       *string   `json:"oldestEventTime"`
	PreviousBucket        *string   `json:"previousDigestS3Bucket"`
	PreviousObject        *string   `json:"previousDigestS3Object"`
	PreviousHash          *string   `json:"previousDigestHashValue"`
	PreviousHashAlgorithm *string   `json:"previousDigestHashAlgorithm"`
	PreviousSignature     *string   `json:"previousDigestSignature"`
	LogFiles              []LogFile `json:"logFiles"`
}

// LogFile is what a digest says of a log file.
type LogFile struct {
	Bucket          string `json:"s3Bucket"`
	Object          string `json:"s3Object"`
	Hash            string `json:"hashValue"`
	HashAlgorithm   string `json:"hashAlgorithm"`
	NewestEventTime string `json:"newestEventTime"`
	OldestEventTime string `json:"oldestEventTime"`
}

// Encode is the digest's file, before it is packed.
func (d Digest) Encode() ([]byte, error) {
	if d.LogFiles == nil {
		d.LogFiles = []LogFile{}
	}
	text, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("encode digest: %w", err)
	}
	return text, nil
}

// ParseDigest reads an unpacked digest file.
func ParseDigest(text []byte) (Digest, error) {
	var d Digest
	dec := json.NewDecoder(bytes.NewReader(text))
	if err := dec.Decode(&d); err != nil {
		return Digest{}, fmt.Errorf("parse digest: %w", err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return Digest{}, errors.New("parse digest: something follows it")
	}
	start, err := time.Parse(timeLayout, d.Start)
	if err != nil {
		return Digest{}, fmt.Errorf("parse digest: digestStartTime: %w", err)
	}
	end, err := time.Parse(timeLayout, d.End)
	if err != nil {
		return Digest{}, fmt.Errorf("parse digest: digestEndTime: %w", err)
	}
	if !start.Before(end) {
		return Digest{}, fmt.Errorf("parse digest: it ends at %s, and starts at %s", d.End, d.Start)
	}
	if d.LogFiles == nil {
		return Digest{}, errors.New("parse digest: there is no list of log files")
	}
	return d, nil
}

// Span is the time that the digest covers. Only what ParseDigest accepted has
// one.
func (d Digest) Span() (start, end time.Time) {
	start, _ = time.Parse(timeLayout, d.Start)
	end, _ = time.Parse(timeLayout, d.End)
	return start, end
}

// StringToSign is what is signed of the digest whose unpacked file is text.
func (d Digest) StringToSign(text []byte) []byte {
	previous := "null"
	if d.PreviousSignature != nil {
		previous = *d.PreviousSignature
	}
	return []byte(d.End + "\n" + d.Bucket + "/" + d.Object + "\n" + hexHash(text) + "\n" + previous)
}

func hexHash(text []byte) string {
	h := sha256.Sum256(text)
	return hex.EncodeToString(h[:])
}

// PublicKey checks digests that were signed in its time.
type PublicKey struct {
	DER         []byte    // PKCS#1
	Fingerprint string    // MD5 of DER in hex: CloudTrail's name for a key
	From, To    time.Time // when it signs: From on, and before To
}

// valid reports whether the key signs at t.
func (k PublicKey) valid(t time.Time) bool { return !t.Before(k.From) && t.Before(k.To) }

// Check checks a signature, in hex, of what StringToSign returned.
func (k PublicKey) Check(text []byte, signature string) error {
	public, err := x509.ParsePKCS1PublicKey(k.DER)
	if err != nil {
		return fmt.Errorf("load key %s: %w", k.Fingerprint, err)
	}
	raw, err := hex.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("check signature: %w", err)
	}
	sum := sha256.Sum256(text)
	if err := rsa.VerifyPKCS1v15(public, crypto.SHA256, sum[:], raw); err != nil {
		return fmt.Errorf("check signature: %w", err)
	}
	return nil
}

// Signer signs digests. Its keys never sign outside their time.
type Signer interface {
	// Key is the key that signs at t.
	Key(t time.Time) (PublicKey, error)
	// Sign signs text (SHA256withRSA) with a key that Key returned.
	Sign(fingerprint string, text []byte) (signature []byte, err error)
	// Keys are all whose time meets [from, to], oldest first.
	Keys(from, to time.Time) []PublicKey
}
