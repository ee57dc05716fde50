// Package duckdb answers SQL over the trail with DuckDB in a child process.
//
// DuckDB is C++ that runs what people type. It lives in a process of its own
// (hidden command `trailgate query-worker`) so that the worst a statement can
// do is end that process: sessions, the trail and the other worker go on. The
// parent's side is [Engine], the child's [WorkerMain]; they speak frames over
// the child's stdin and stdout.
//
// Rules kept here:
//
//   - The worker runs only text that package sqlfront printed, checks once more
//     that it is one SELECT over its own views alone, and runs it in a read-only
//     transaction.
//   - DuckDB is locked down before the first statement: nothing outside the
//     events directory can be opened, no extension loaded, no setting changed.
//   - The worker keeps what is not sealed in a table in memory, "hot", which the
//     parent feeds. The views are hot and the sealed files. A new catalogue
//     replaces table and views in one transaction, so no reader sees an event
//     twice or misses one.
//   - A worker that has not ended a statement a moment after its time is up is
//     killed: no statement is late by half a second. Another one is started at once and loads what was not sealed from
//     the trail. Until it knows all that the dead one knew, no query is answered.
//
// The life of a worker, seen from the engine:
//
//	starting ──hello──▶ loading ──knows what its predecessor knew──▶ serving
//	    ▲                  │                                            │
//	    └──────────────────┴───── exit, kill, protocol error ◀──────────┘
package duckdb
