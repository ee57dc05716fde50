package target

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// HostKey is a key a server showed.
type HostKey struct {
	Line        string // authorized_keys form
	Type        string
	Fingerprint string
}

// scanned are the algorithms a scan asks for, one connection each.
var scanned = []string{
	ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521, ssh.KeyAlgoRSASHA512,
}

// errSeen ends a handshake once the key is known.
var errSeen = errors.New("host key seen")

// ScanHostKeys asks the server at address for all its host keys. It proves
// nothing about them but that the server has them: a person must compare the
// fingerprints before they are pinned. The error wraps ErrUnreachable when
// the network is to blame.
func ScanHostKeys(ctx context.Context, address string) ([]HostKey, error) {
	var keys []HostKey
	var failed error
	for _, algorithm := range scanned {
		key, err := scan(ctx, address, algorithm)
		if errors.Is(err, ErrUnreachable) {
			return nil, fmt.Errorf("scan the host keys of %s: %w", address, err)
		}
		if err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("scan the host keys of %s: %w", address, failed)
	}
	return keys, nil
}

func scan(ctx context.Context, address, algorithm string) (HostKey, error) {
	ctx, cancel := context.WithTimeout(ctx, DefaultTimeout)
	defer cancel()
	nc, err := dial(ctx, address)
	if err != nil {
		return HostKey{}, fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer nc.Close()
	deadline, _ := ctx.Deadline()
	if err := nc.SetDeadline(deadline); err != nil {
		return HostKey{}, err
	}
	defer context.AfterFunc(ctx, func() { nc.SetDeadline(time.Unix(1, 0)) })()

	var seen ssh.PublicKey
	conf := &ssh.ClientConfig{
		User:              "trailgate-scan",
		HostKeyAlgorithms: []string{algorithm},
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			seen = key
			return errSeen
		},
	}
	conf.KeyExchanges = []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256}
	conf.Ciphers = []string{ssh.CipherAES256GCM, ssh.CipherAES128GCM, ssh.CipherChaCha20Poly1305, ssh.CipherAES256CTR, ssh.CipherAES128CTR}
	conf.MACs = []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256, ssh.HMACSHA512}
	_, _, _, err = ssh.NewClientConn(nc, address, conf)
	if seen == nil {
		return HostKey{}, err
	}
	return HostKey{
		Line: strings.TrimSpace(string(ssh.MarshalAuthorizedKey(seen))),
		Type: seen.Type(), Fingerprint: ssh.FingerprintSHA256(seen),
	}, nil
}
