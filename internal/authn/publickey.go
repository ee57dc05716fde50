package authn

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"
)

// EnrolledKey is a public key as somebody enrols it.
type EnrolledKey struct {
	Fingerprint string // SHA256:…
	Line        string // authorized_keys form, without options and comment
	Comment     string
}

// keyTypes may be enrolled. DSA and keys without a modern signature are not.
var keyTypes = []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA,
	ssh.KeyAlgoSKED25519, ssh.KeyAlgoSKECDSA256}

// ParsePublicKey reads one line of authorized_keys or a .pub file. A line with
// options or several lines is refused: an option would promise what the gate
// does not do.
func ParsePublicKey(line string) (EnrolledKey, error) {
	line = strings.TrimSpace(line)
	if strings.Contains(line, "PRIVATE KEY") {
		return EnrolledKey{}, fmt.Errorf("this is a private key: give the .pub file and keep this one to yourself")
	}
	key, comment, options, rest, err := ssh.ParseAuthorizedKey([]byte(line))
	switch {
	case err != nil:
		return EnrolledKey{}, fmt.Errorf("not a public key: want one line such as the .pub file ssh-keygen makes")
	case len(options) > 0:
		return EnrolledKey{}, fmt.Errorf("the key has options (%s): remove them, policy says what a key may do", options[0])
	case len(strings.TrimSpace(string(rest))) > 0:
		return EnrolledKey{}, fmt.Errorf("more than one key: enrol them one by one")
	case !slices.Contains(keyTypes, key.Type()):
		return EnrolledKey{}, fmt.Errorf("keys of type %s are not taken: use ed25519, ECDSA or RSA", key.Type())
	}
	return EnrolledKey{ssh.FingerprintSHA256(key), strings.TrimSpace(string(ssh.MarshalAuthorizedKey(key))), comment}, nil
}
