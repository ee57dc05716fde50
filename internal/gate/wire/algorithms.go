package wire

import (
	"slices"

	"golang.org/x/crypto/ssh"
)

// Every list is set here, never left to the library, whose defaults hold
// SHA-1 and DSA. No CBC, and CTR with encrypt-then-MAC only.
var (
	keyExchanges = []string{
		ssh.KeyExchangeMLKEM768X25519,
		ssh.KeyExchangeCurve25519, // the library adds @libssh.org's old name of it
	}
	// ciphers in the order offered to targets; a client's own order decides on
	// its leg. AES-128-GCM first: a quarter of chacha's cost on amd64.
	ciphers = []string{
		ssh.CipherAES128GCM,
		ssh.CipherAES256GCM,
		ssh.CipherChaCha20Poly1305,
		ssh.CipherAES256CTR, // Paramiko before 3.5 knows nothing better
		ssh.CipherAES128CTR,
	}
	// macs are for CTR: the other ciphers bring their own.
	macs = []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM}

	// userKeys sign a login. rsa-sha2 only for RSA, no DSA. The sk- types are
	// FIDO2 keys: a signature without the touch is refused by the library.
	userKeys = []string{
		ssh.KeyAlgoED25519,
		ssh.KeyAlgoSKED25519,
		ssh.KeyAlgoSKECDSA256,
		ssh.KeyAlgoECDSA256,
		ssh.KeyAlgoECDSA384,
		ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoRSASHA512,
		ssh.KeyAlgoRSASHA256,
	}

	// hostKeyAlgorithms per key type, in order of preference, of a target.
	hostKeyAlgorithms = []struct {
		keyType    string
		algorithms []string
	}{
		{ssh.KeyAlgoED25519, []string{ssh.KeyAlgoED25519}},
		{ssh.KeyAlgoECDSA256, []string{ssh.KeyAlgoECDSA256}},
		{ssh.KeyAlgoECDSA384, []string{ssh.KeyAlgoECDSA384}},
		{ssh.KeyAlgoECDSA521, []string{ssh.KeyAlgoECDSA521}},
		{ssh.KeyAlgoRSA, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256}},
		{ssh.CertAlgoED25519v01, []string{ssh.CertAlgoED25519v01}},
		{ssh.CertAlgoECDSA256v01, []string{ssh.CertAlgoECDSA256v01}},
		{ssh.CertAlgoRSAv01, []string{ssh.CertAlgoRSASHA512v01, ssh.CertAlgoRSASHA256v01}},
	}
)

// plainHostKeys are the host key types asked of a target when none is named.
var plainHostKeys = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSA,
}

// algorithmsFor returns the algorithms to offer for host keys of these types.
func algorithmsFor(keyTypes []string) []string {
	if len(keyTypes) == 0 {
		keyTypes = plainHostKeys
	}
	var list []string
	for _, h := range hostKeyAlgorithms {
		if slices.Contains(keyTypes, h.keyType) {
			list = append(list, h.algorithms...)
		}
	}
	return list
}

func transportConfig() ssh.Config {
	return ssh.Config{
		KeyExchanges: slices.Clone(keyExchanges),
		Ciphers:      slices.Clone(ciphers),
		MACs:         slices.Clone(macs),
	}
}

// Algorithms are what a connection negotiated.
type Algorithms struct {
	KeyExchange, HostKey  string
	CipherRead, MACRead   string // from the peer
	CipherWrite, MACWrite string // to the peer
}
