// Package inspect names what travels inside an SSH connection: channel opens
// and channel requests, each a Go type that policy, events and recordings can
// read without knowing a transport.
//
// Decoding is strict (no trailing bytes, bounded sizes) and lossless: what
// Decode accepts, Encode writes back so that a peer sees the same message.
// A request of a type not listed here is an [Unknown]: the relay's lists say
// whether it passes.
package inspect
