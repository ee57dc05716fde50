package target

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"github.com/trailgate/trailgate/internal/state"
)

// Pins are the host keys a target may show.
type Pins struct {
	target string
	keys   []ssh.PublicKey
}

// ParsePins reads t's pinned host keys. A target without any cannot be
// reached: there is no trust on first use.
func ParsePins(t state.Target) (Pins, error) {
	p := Pins{target: t.Name}
	for i, line := range t.HostKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			return Pins{}, fmt.Errorf("read pinned host key %d of target %q: %w", i+1, t.Name, err)
		}
		p.keys = append(p.keys, key)
	}
	if len(p.keys) == 0 {
		return Pins{}, fmt.Errorf("target %q has no pinned host key: trailgate target update %s --scan pins what it shows", t.Name, t.Name)
	}
	return p, nil
}

// KeyTypes are the types of the pinned keys: only these are asked for, so that
// the target shows a key that is pinned rather than one of its others.
func (p Pins) KeyTypes() []string {
	var out []string
	for _, k := range p.keys {
		if !slices.Contains(out, k.Type()) {
			out = append(out, k.Type())
		}
	}
	return out
}

// Fingerprints are those of the pinned keys.
func (p Pins) Fingerprints() []string {
	out := make([]string, len(p.keys))
	for i, k := range p.keys {
		out[i] = ssh.FingerprintSHA256(k)
	}
	return out
}

// Verify holds the key a target showed, in SSH wire form, against the pins; a
// key that is not pinned is a *HostKeyMismatch.
func (p Pins) Verify(blob []byte) error {
	for _, k := range p.keys {
		if bytes.Equal(k.Marshal(), blob) {
			return nil
		}
	}
	return &HostKeyMismatch{Target: p.target, Expected: p.Fingerprints(), Shown: fingerprint(blob)}
}

// HostKeyMismatch is a target that showed a host key that is not pinned to it.
type HostKeyMismatch struct {
	Target   string
	Expected []string // fingerprints of the pins
	Shown    string   // fingerprint of what the target showed
}

// Error says what to do, too: somebody reads it in a terminal.
func (e *HostKeyMismatch) Error() string {
	return fmt.Sprintf("host key of target %q changed: expected %s, it shows %s; if the server was rebuilt, an administrator pins the new key with: trailgate target update %s --scan",
		e.Target, strings.Join(e.Expected, " or "), e.Shown, e.Target)
}

// Fingerprint is the SHA-256 fingerprint of a key in SSH wire form.
func Fingerprint(blob []byte) string { return fingerprint(blob) }

func fingerprint(blob []byte) string {
	key, err := ssh.ParsePublicKey(blob)
	if err != nil {
		return "an unreadable key"
	}
	return ssh.FingerprintSHA256(key)
}
