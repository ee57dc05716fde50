// Package runbook is a runbook's file and its meaning: what it says, whether
// that is right, and which events it matches at a given time. It does no I/O
// and starts nothing; time is an argument.
//
// A runbook asks one question of the trail, its query, about a window of time:
//
//	Evaluate(runbook, now, events) = the keys that have at least `threshold`
//	matches among the events with appendTime in (now - window, now]
//
// Everything that evaluates a runbook means this and nothing else. The live
// trigger keeps a [Window] of the matches and asks it at each candidate event;
// the schedule and the tests ask an engine. What the runbooks of a repository
// promise in their tests is held against all of them (respond.Test).
//
// An outermost LIMIT or ORDER BY in the query never hides a match: detection
// runs without them, and the LIMIT caps the events an alarm lists for a key.
//
// Events that responses make (SetAlarmState, StartRun, … and whatever a run's
// actions append) are invisible to a runbook unless its query names them, so
// that a response cannot raise the alarm it answers. Invented history is
// invisible always.
package runbook
