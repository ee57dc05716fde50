// Package sshtest has the ends of a connection that tests need: a real sshd,
// a target in process with scripted behaviour, clients that offer and sign
// with keys in any order, OpenSSH's own client, and the least gate that can be
// built of the wire and relay packages. Only tests and benchmarks import it.
package sshtest
