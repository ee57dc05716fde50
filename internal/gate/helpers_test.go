package gate

import (
	"encoding/base64"

	"golang.org/x/crypto/ssh"
)

func b64(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func fingerprintOf(k ssh.PublicKey) string { return ssh.FingerprintSHA256(k) }
