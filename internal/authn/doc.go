// Package authn turns a verified credential into an [Identity], which nobody
// else can make: its fields are private, and the only ways to one are
// [Authn.Begin], called after a key's signature was verified, [Authn.Signed],
// which verifies a signed call of the CloudTrail API itself, and [Authn.TOTP],
// which adds a second factor to one that exists. A key that was
// only offered never becomes anything.
//
// What the gate tells a stranger is the same whatever the reason: errors here
// are for events and logs, never for the other side of an unauthenticated
// connection.
package authn
