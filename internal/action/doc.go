// Package action is what a run can do by itself: the closed catalogue of
// package runbook, carried out, and the notifier.
//
// The rules every action keeps:
//
//   - It only restricts, and what it restricts a person can undo or time ends.
//   - It is idempotent: done twice for the same run and step, it has one effect
//     and says the same.
//   - It can be described without being done.
//   - It is capped for each run and for each runbook and hour; beyond the cap it
//     is refused and the run says so.
//   - It never locks the last administrator or a break-glass identity: the lock
//     keeper refuses, and the step is refused, not retried.
//   - Its parameters are values, not programs: an identity, a session, one
//     address. What an event says is never a pattern.
//
// A refusal is an Outcome; an error means try again.
package action
