// Package lock keeps the locks in force: what denies, asks for a second factor
// or throttles until it expires or somebody deletes it.
//
// A lock is first state, then an event, because it only restricts (DESIGN,
// promise 2): Create puts it in force even while the trail is down, and its
// CreateLock is appended when the trail is back, in the order the locks were
// made, also after a crash. That is why a row of state says that a lock is not
// recorded yet; a crash between the append and the removal of that row appends
// the event a second time, with the same lockId.
//
// Deleting a lock widens what is allowed, so its event comes first, and while
// the trail is down it is refused. Expiry was announced by the CreateLock: the
// lock stops matching on time, and its DeleteLock follows when it can.
//
//	Create ──► in force ──► deleted (DeleteLock, cause deleted)
//	               └──────► expired (DeleteLock, cause expired)
//
// Nobody can be locked out for good: a deny lock on a break-glass identity, or
// on the last administrator who can still come in, is refused with
// ErrProtected. The check and the lock are one transaction, so two locks made
// at once cannot lock two administrators who protect each other.
package lock
