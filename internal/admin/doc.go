// Package admin changes who may do what: identities, keys, second factors,
// roles, targets and policies.
//
// Every change has one shape: check it against what is there, append its
// event, then change the state, all in one serialised transaction; then tell
// the gate to decide again. When a change fails after its event, the event's twin
// with InternalFailure follows.
package admin
