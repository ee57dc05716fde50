// Package relay moves a channel between a client and a target, in order.
//
// The library hands replies, requests and data over on separate paths, so
// the order is made here (DESIGN.md 8):
//
//   - A reply goes out before anything the target sent after it: while a
//     client's request waits for its reply, nothing of the target passes.
//   - The client's data waits until what it is for has started.
//   - All data passes before the exit status, and the status before EOF and
//     close. A client that has sent EOF answers a target's EOF with a close,
//     and a status that comes later is lost; so EOF waits for the status.
//   - The closing hook, a durable record, comes before the status passes.
//
// Back-pressure is end to end: a piece is read only when the last one is
// written, and each side's window bounds what is under way.
//
//	open ── start refused ──→ said ──────────────────────┐
//	 └ started ── target EOF, status ──→ closing ──→ status, EOF, close
//	      ├ client closed ──→ target closed ──→ closing ─┤
//	      └ ctx ended, a hook failed, hold over ──→ said, closing, 254
package relay
