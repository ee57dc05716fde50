// Package alarm is the life of one alarm: a runbook's finding for one key. It
// is pure: a state, an input and the time give the next state.
//
//	                 found, not cooling down
//	   ┌────┐ ───────────────────────────────────────▶ ┌───────┐
//	┌─▶│ OK │        found, cooling down               │ ALARM │──┐ found:
//	│  └────┘ ──────────────▶ ┌─────────┐ ───────────▶ └───────┘◀─┘ counts, no
//	│   ▲  ▲                  │ PENDING │  cooled down,    │        transition
//	│   │  └───────────────── └─────────┘  still found     │
//	│   │    cooled down and not found, or resolved        │
//	│   └──────────────────────────────────────────────────┘
//	│        resolved by an event, or no match for a time
//	│
//	│  seen again   ┌───────────────────┐
//	└────────────── │ INSUFFICIENT_DATA │ ◀── blind (from OK)
//	                └───────────────────┘
//
// Only the arrows into ALARM respond: one transition, one run. A runbook and a
// key have one alarm, which lives on through its transitions.
//
// Cooling down is the cooldown after the last arrow into ALARM. A finding in
// that time is not lost: the alarm is PENDING, and is raised when the cooldown
// ends and the key is still over its threshold.
//
// What was found before an alarm was resolved never raises it again: whoever
// evaluates counts only matches after its Answered.
//
// INSUFFICIENT_DATA belongs to a runbook's own alarm, the one without a key:
// its question could not be asked.
package alarm
