package wire

import (
	"crypto/rsa"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/crypto/ssh"
)

// Outcome is what a step of a login came to.
type Outcome int

// The outcomes. The zero value refuses.
const (
	Reject Outcome = iota // this step proves nothing; others may be tried
	Accept                // the login is finished
	Ask                   // one factor is proven; prompt for the next
)

func (o Outcome) String() string {
	switch o {
	case Reject:
		return "reject"
	case Accept:
		return "accept"
	case Ask:
		return "ask"
	}
	return fmt.Sprintf("outcome %d", int(o))
}

// Verdict is an [Auth]'s answer to one step.
type Verdict struct {
	Outcome Outcome

	Instruction string // Ask: shown above the prompt
	Prompt      string // Ask: the question; what is typed is not echoed
	Notice      string // Reject: said to the person as a banner; may be empty

	// Proof is what this step has proven. With Ask it is handed to the next
	// step in Peer.Proof; with Accept it becomes Conn.Proof. A Reject's is
	// forgotten.
	Proof any
}

// Key is a public key. In Known it is only offered and proves nothing; in
// Verified its owner has signed this very connection (RFC 4252 §7).
type Key struct {
	Algorithm   string // key type, such as ssh-ed25519
	Blob        []byte // wire encoding
	Fingerprint string // SHA256:…
}

// Peer is who is at the other end, as far as known.
type Peer struct {
	User          string // raw, as sent, cut at MaxUser bytes: parse it strictly
	ClientVersion string // raw
	Remote        netip.AddrPort
	Proof         any // of the steps finished so far; nil before the first
}

// MaxUser bounds Peer.User. No valid user name is as long, so a name that was
// cut is never taken for a valid one.
const MaxUser = 1024

// Auth decides the steps of one login. Its methods are called one at a time
// for a connection; one value may serve many connections, since all that a
// login has proven is in Peer.Proof.
type Auth interface {
	// None is the method "none". Behind a jump the connection is already
	// somebody's; a front door rejects.
	None(Peer) Verdict
	// Known says whether this offered key may try a signature. It must form no
	// identity.
	Known(Peer, Key) bool
	// Verified is called once the key's signature is verified.
	Verified(Peer, Key) Verdict
	// Answer is the reply to Ask's prompt. Ask again re-prompts, at most
	// MaxAnswers in all.
	Answer(p Peer, answer string) Verdict
}

// Limits of one login.
const (
	MaxAnswers   = 3   // replies to prompts
	maxTries     = 6   // failed methods, as OpenSSH's MaxAuthTries
	maxAnswerLen = 256 // bytes; a longer answer is wrong
	minRSABits   = 2048
	maxRSABits   = 8192
)

var (
	errRejected    = errors.New("login step rejected")
	errCertificate = errors.New("user certificates are not accepted")
	errUnknownKey  = errors.New("key is not known")
	errWeakKey     = errors.New("rsa key size is not accepted")
	errAnswers     = errors.New("too many answers")
)

// login adapts one connection's Auth to the library. It keeps what bounds the
// login, never who it is.
type login struct {
	auth   Auth
	remote netip.AddrPort
	// certificate is ServerConfig.Certificate.
	certificate func(p Peer, k Key, expired bool) (notice string)
	answers     int
	last        Peer // for the error when the login fails; its Proof is unset
}

// proofKey holds Accept's Proof in the library's Permissions.
type proofKey struct{}

func (l *login) configure(c *ssh.ServerConfig) {
	c.MaxAuthTries = maxTries
	c.PublicKeyAuthAlgorithms = userKeys
	c.NoClientAuth = true // asked in None, which decides
	c.NoClientAuthCallback = func(m ssh.ConnMetadata) (*ssh.Permissions, error) {
		return l.finish(m, l.auth.None(l.peer(m, nil)))
	}
	c.PublicKeyCallback = func(m ssh.ConnMetadata, k ssh.PublicKey) (*ssh.Permissions, error) {
		if cert, ok := k.(*ssh.Certificate); ok {
			return nil, l.refuse(m, cert)
		}
		key, err := keyOf(k)
		if err != nil {
			return nil, err
		}
		if !l.auth.Known(l.peer(m, nil), key) {
			return nil, errUnknownKey
		}
		return nil, nil
	}
	c.VerifiedPublicKeyCallback = func(m ssh.ConnMetadata, k ssh.PublicKey, _ *ssh.Permissions, _ string) (*ssh.Permissions, error) {
		key, err := keyOf(k)
		if err != nil {
			return nil, err
		}
		return l.finish(m, l.auth.Verified(l.peer(m, nil), key))
	}
}

// refuse refuses a user certificate, with the words of whoever knows why.
func (l *login) refuse(m ssh.ConnMetadata, cert *ssh.Certificate) error {
	if l.certificate == nil {
		return errCertificate
	}
	expired := cert.ValidBefore != ssh.CertTimeInfinity && time.Now().Unix() >= int64(cert.ValidBefore)
	key := Key{Algorithm: cert.Type(), Blob: cert.Key.Marshal(), Fingerprint: ssh.FingerprintSHA256(cert.Key)}
	notice := l.certificate(l.peer(m, nil), key, expired)
	return &ssh.BannerError{Err: errCertificate, Message: banner(notice)}
}

// finish turns a step's verdict into the library's terms.
func (l *login) finish(m ssh.ConnMetadata, v Verdict) (*ssh.Permissions, error) {
	switch v.Outcome {
	case Accept:
		return &ssh.Permissions{ExtraData: map[any]any{proofKey{}: v.Proof}}, nil
	case Ask:
		return nil, &ssh.PartialSuccessError{Next: ssh.ServerAuthCallbacks{
			KeyboardInteractiveCallback: l.prompt(v),
		}}
	}
	if v.Notice != "" {
		return nil, &ssh.BannerError{Err: errRejected, Message: banner(v.Notice)}
	}
	return nil, errRejected
}

// prompt asks for the answer to first, and again while the answers are Ask.
// first.Proof is the only way that what was proven reaches the answer.
func (l *login) prompt(first Verdict) func(ssh.ConnMetadata, ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
	return func(m ssh.ConnMetadata, challenge ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
		for v := first; ; {
			if l.answers >= MaxAnswers {
				return nil, errAnswers
			}
			l.answers++
			replies, err := challenge("", v.Instruction, []string{v.Prompt}, []bool{false})
			if err != nil {
				return nil, fmt.Errorf("read answer: %w", err)
			}
			if len(replies) != 1 || replies[0] == "" || len(replies[0]) > maxAnswerLen {
				return nil, errRejected
			}
			next := l.auth.Answer(l.peer(m, first.Proof), replies[0])
			if next.Outcome != Ask {
				return l.finish(m, next)
			}
			v.Instruction, v.Prompt = next.Instruction, next.Prompt
		}
	}
}

func (l *login) peer(m ssh.ConnMetadata, proof any) Peer {
	user := m.User()
	if len(user) > MaxUser {
		user = user[:MaxUser]
	}
	l.last = Peer{User: user, ClientVersion: string(m.ClientVersion()), Remote: l.remote}
	p := l.last
	p.Proof = proof
	return p
}

func keyOf(k ssh.PublicKey) (Key, error) {
	if _, ok := k.(*ssh.Certificate); ok {
		return Key{}, errCertificate
	}
	if c, ok := k.(ssh.CryptoPublicKey); ok {
		if r, ok := c.CryptoPublicKey().(*rsa.PublicKey); ok && (r.N.BitLen() < minRSABits || r.N.BitLen() > maxRSABits) {
			return Key{}, errWeakKey
		}
	}
	return Key{Algorithm: k.Type(), Blob: k.Marshal(), Fingerprint: ssh.FingerprintSHA256(k)}, nil
}

// banner ends a notice with the line break that clients print verbatim.
func banner(s string) string {
	if s[len(s)-1] != '\n' {
		s += "\r\n"
	}
	return s
}
