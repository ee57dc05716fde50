package sshtest

import (
	"errors"
	"io"
	"net"

	"golang.org/x/crypto/ssh"
)

// Step is one move of a scripted login.
type Step struct {
	Name   string
	method ssh.AuthMethod
}

// Offer asks whether the server takes a key, and never signs: all that is
// needed is somebody's public key.
func Offer(name string, key ssh.PublicKey) Step {
	return Step{"offer " + name, ssh.PublicKeys(offerOnly{key})}
}

// Sign logs in with a key.
func Sign(name string, key ssh.Signer) Step {
	return Step{"sign " + name, ssh.PublicKeys(key)}
}

// Forge offers a public key and signs with another's private half.
func Forge(name string, public ssh.PublicKey, with ssh.Signer) Step {
	return Step{"forge " + name, ssh.PublicKeys(forged{with, public})}
}

// Answer replies to each prompt with text.
func Answer(text string) Step {
	return Step{"answer " + text, ssh.KeyboardInteractive(func(_, _ string, questions []string, _ []bool) ([]string, error) {
		answers := make([]string, len(questions))
		for i := range answers {
			answers[i] = text
		}
		return answers, nil
	})}
}

// AnswerMany replies to a prompt with as many answers, whatever was asked.
func AnswerMany(texts ...string) Step {
	return Step{"answer many", ssh.KeyboardInteractive(func(_, _ string, _ []string, _ []bool) ([]string, error) {
		return texts, nil
	})}
}

var errScriptOver = errors.New("script is over")

// Login connects to addr as user, in these steps after the usual "none". The
// client is nil when the server did not let it in.
func Login(addr, user string, steps ...Step) (*ssh.Client, error) {
	nc, err := net.Dial("tcp", addr)
	if err != nil {
		return nil, err
	}
	return LoginOver(nc, user, steps...)
}

// LoginOver is Login on a connection, which it closes when it fails.
func LoginOver(nc net.Conn, user string, steps ...Step) (*ssh.Client, error) {
	next := 0
	c, chans, reqs, err := ssh.NewClientConn(nc, "scripted", &ssh.ClientConfig{
		User: user, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
		AuthCallback: func(*ssh.ClientAuthContext) (ssh.AuthMethod, error) {
			if next == len(steps) {
				return nil, errScriptOver
			}
			next++
			return steps[next-1].method, nil
		},
	})
	if err != nil {
		return nil, err
	}
	return ssh.NewClient(c, chans, reqs), nil
}

type offerOnly struct{ key ssh.PublicKey }

func (o offerOnly) PublicKey() ssh.PublicKey { return o.key }

func (o offerOnly) Sign(io.Reader, []byte) (*ssh.Signature, error) {
	return nil, errors.New("only offered")
}

type forged struct {
	ssh.Signer
	public ssh.PublicKey
}

func (f forged) PublicKey() ssh.PublicKey { return f.public }
