// Package gate is the SSH proxy: it accepts people's connections, proves who
// they are, asks policy, and relays what is allowed to targets.
//
// One connection:
//
//	accept ── caps, penalties, throttle ──→ refused
//	  └ handshake, authn ── failed ──→ refused (collapsed in floods)
//	       └ Login ── channel ─┬ no target: home (whoami, targets, help)
//	                           ├ target.domain:22: jump, an inner connection
//	                           └ session: decide ── denied ──→ said, 254
//	                                └ certificate, dial ── failed ──→ said, 254
//	                                     └ StartSession ── relay ── EndSession
//
// Rules: the record of a decision is durable before the act it allows, and
// when it cannot be, the act is refused. Every channel and every request is
// decided by [policy.Decide] with the rules of that moment. The identity is
// the one authn made of a finished authentication; behind a jump it is the
// outer connection's. Nothing a peer wrote enters a record before [clean] has
// seen it.
//
// A connection is ended by cancelling its context with an *ending; whatever
// moves its channels then says why and closes within a second. Lock order:
// Gate.mu before conn.mu; no I/O under either.
package gate
