// Package respond turns events into alarms and alarms into runs.
//
//	trail ──▶ detector ── live trigger, in Go ──────────┐
//	            │  ▲                                    ▼
//	            │  └── engine ── schedule, in SQL ──▶ alarm ──▶ SetAlarmState
//	            │                                       │
//	            └─────────── cursor, alarm, run and its steps: one transaction
//	                                                    │
//	                      worker ◀── outbox ────────────┘
//	                        │ StartRun · evidence · actions · notify · manual
//	                        ▼
//	                      gate, locks, receivers
//
// The rules it keeps:
//
//   - One evaluation: live, scheduled and tested runbooks mean what package
//     runbook says ([Test] holds them against each other).
//   - Append, then act: SetAlarmState is appended before the alarm is stored,
//     ExecuteStep before a step changes anything, and what came of it after.
//     Acts that only restrict go ahead while the trail is down; the run is not
//     finished until their records are in it.
//   - Nothing is lost in a crash: the cursor moves in the transaction that
//     stores what was found up to it, and a run goes on at its first step that
//     is not finished. Actions are idempotent, so a step that was cut has one
//     effect.
//   - Nothing is missed silently: what could not be evaluated is a DetectGap,
//     and the runbook's own alarm is INSUFFICIENT_DATA meanwhile.
//
// One goroutine, the detector, owns the windows and alarms; it takes batches of
// events, ticks and the results of scheduled evaluations one after the other.
package respond
