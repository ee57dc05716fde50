// Package anchor keeps outside what the trail says of itself, so that a trail
// replaced as a whole shows.
//
// Whoever may write all of a data directory can make another trail there that is
// consistent in itself, or put back yesterday's. An anchor names one event and one
// digest with their hashes and lies where that person may not write: another
// directory or machine, S3 with object lock, a git remote, somebody's webhook. One
// is written to each place after each digest. trailgate trail verify reads them all
// and holds the trail against every one.
//
// The rules every place keeps:
//
//   - An anchor is never replaced. Put of the same one again is done at once, so
//     that it can be tried until it succeeds.
//   - What was written is read back even where somebody has hidden it since: the
//     versions of a bucket, the history of a git remote.
//   - An anchor is a stranger's text when it is read: Parse takes nothing on trust.
package anchor

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Version of the anchors this release writes.
const Version = 1

// maxSize of an anchor's text: a 4096-bit key and its signature fit ten times.
const maxSize = 32 << 10

// Anchor is what is kept outside of the trail at one moment.
type Anchor struct {
	Version   int       `json:"version"`
	Trail     string    `json:"trail"` // its ARN
	Time      time.Time `json:"time"`  // when it was made
	Seq       uint64    `json:"seq"`   // of the newest event then
	Hash      string    `json:"hash"`  // the journal's hash chain there, hex
	Digest    Digest    `json:"digest"`
	PublicKey []byte    `json:"publicKey"` // that the digest's signature is checked with: PKCS #1 DER
}

// Digest is the newest digest at that moment.
type Digest struct {
	Bucket      string    `json:"bucket"`
	Key         string    `json:"key"`         // as the digest spells it
	SHA256      string    `json:"sha256"`      // of the uncompressed digest, hex
	Signature   string    `json:"signature"`   // hex
	End         time.Time `json:"end"`         // digestEndTime
	Fingerprint string    `json:"fingerprint"` // of PublicKey, as ListPublicKeys has it
}

// Writer keeps anchors in one place outside.
type Writer interface {
	// Put keeps a, durably, or fails. The same anchor again is no mistake.
	Put(ctx context.Context, a Anchor) error
	// String names the place without secrets.
	String() string
}

// Reader reads what is kept in one place.
type Reader interface {
	// Anchors are all of a trail's anchors there, oldest first, also those that
	// somebody hid or replaced since. With an error that is ErrDamaged they are
	// what could be read, and the error says what could not; with one that is
	// errors.ErrUnsupported the place takes anchors and gives none back.
	Anchors(ctx context.Context) ([]Anchor, error)
	String() string
}

// What callers decide by.
var (
	ErrConflict = errors.New("another anchor is there already")
	ErrDamaged  = errors.New("what is kept there was changed")
)

// Marshal is an anchor's text: one line of JSON, always the same for one anchor.
func (a Anchor) Marshal() []byte {
	a.Time, a.Digest.End = a.Time.UTC(), a.Digest.End.UTC()
	b, err := json.Marshal(a)
	if err != nil { // a time beyond the year 9999 is all that it refuses
		panic("anchor: " + err.Error())
	}
	return append(b, '\n')
}

// Parse reads an anchor's text.
func Parse(b []byte) (Anchor, error) {
	var a Anchor
	if len(b) > maxSize {
		return a, fmt.Errorf("read anchor: %d bytes are more than an anchor has", len(b))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	if err := d.Decode(&a); err != nil {
		return Anchor{}, fmt.Errorf("read anchor: %w", err)
	}
	if d.More() {
		return Anchor{}, errors.New("read anchor: something follows it")
	}
	if err := a.check(); err != nil {
		return Anchor{}, fmt.Errorf("read anchor: %w", err)
	}
	return a, nil
}

// check says what an anchor lacks.
func (a Anchor) check() error {
	switch {
	case a.Version < 1:
		return fmt.Errorf("version %d is none", a.Version)
	case a.Version > Version:
		return fmt.Errorf("version %d is not %d, which this release reads", a.Version, Version)
	case a.Trail == "" || len(a.Trail) > 200 || strings.ContainsFunc(a.Trail, func(r rune) bool { return r <= ' ' || r > '~' }):
		return errors.New("trail is not an ARN")
	case !isHash(a.Hash) || !isHash(a.Digest.SHA256):
		return errors.New("a hash is not the hex of SHA-256")
	case !isHex(a.Digest.Signature) || !isHex(a.Digest.Fingerprint):
		return errors.New("signature or fingerprint is not hex")
	case a.Digest.Bucket == "" || a.Digest.Key == "":
		return errors.New("the digest has no bucket or key")
	case badTime(a.Time) || badTime(a.Digest.End):
		return errors.New("a time is missing or out of range")
	case len(a.PublicKey) == 0:
		return errors.New("the public key is missing")
	}
	return nil
}

func badTime(t time.Time) bool {
	return t.UTC().Year() < 1971 || t.UTC().Year() > 9998
}

func isHash(s string) bool { return len(s) == 2*sha256.Size && isHex(s) }

func isHex(s string) bool {
	_, err := hex.DecodeString(s)
	return err == nil && s != "" && s == strings.ToLower(s)
}

// Name is where an anchor lies in a place that keeps files. The names of a trail
// sort as its anchors were made, and no two anchors have the same one.
func (a Anchor) Name() string {
	sum := sha256.Sum256(a.Marshal())
	at := a.Time.UTC()
	return path.Join(folder(a.Trail), at.Format("2006/01/02"),
		fmt.Sprintf("%s_%012d_%s.json", at.Format("20060102T150405.000000Z"), a.Seq, hex.EncodeToString(sum[:6])))
}

// folder of a trail: its ARN's region, account and name, or what else it is made
// of, as one path.
func folder(trail string) string {
	f := func(r rune) rune {
		if r == ':' || r == '/' || r == '\\' {
			return '-'
		}
		return r
	}
	return "anchors/" + cmp.Or(strings.Trim(strings.Map(f, strings.TrimPrefix(trail, "arn:")), ".-"), "trail")
}

// kept is a text that was read, and where it lay.
type kept struct {
	name string
	text []byte
}

// parseAll reads what was kept. name is where an anchor belongs: its text says, so
// one that was edited lies in the wrong place.
func parseAll(texts []kept, trail string, name func(Anchor) string) ([]Anchor, error) {
	var all []Anchor
	var wrong []error
	for _, k := range texts {
		a, err := Parse(k.text)
		if err == nil && name(a) != k.name {
			err = errors.New("it is not the anchor that was put under this name")
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("%w: %s: %w", ErrDamaged, k.name, err))
			continue
		}
		all = append(all, a)
	}
	return sorted(all, trail), errors.Join(wrong...)
}

// sorted puts anchors in order, the oldest first, and each once. trail says whose
// are wanted; "" wants all.
func sorted(anchors []Anchor, trail string) []Anchor {
	anchors = slices.DeleteFunc(anchors, func(a Anchor) bool { return trail != "" && a.Trail != trail })
	slices.SortFunc(anchors, func(a, b Anchor) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.Seq, b.Seq), bytes.Compare(a.Marshal(), b.Marshal()))
	})
	return slices.CompactFunc(anchors, func(a, b Anchor) bool { return bytes.Equal(a.Marshal(), b.Marshal()) })
}
